"""mart.dim_column: every table and column of easy and mart with type and meaning, in English and Chinese.

The English is the comment of the column, the Chinese stands in dbt/words_zh.yml; names made of the code of an
indicator, a variable or a scheme are put together from the seeds.
"""

import csv
import re
from functools import cache
from typing import NamedTuple

import duckdb

from dagster_project.paths import PROJECT

TABLE = "mart.dim_column"
COMMENTS = {
    "": "One row per column of schemas easy and mart: what it means, in both languages.",
    "table_name": "Table, with its schema.",
    "column_name": "Column.",
    "data_type": "Type in DuckDB.",
    "comment": "Meaning and unit in English, as in the comment of the column.",
    "comment_zh": "Meaning in Chinese; null for a column that dbt/words_zh.yml does not know.",
}
NOTHING = "(select '' as place, '' as column_name, null::varchar as comment_zh)"
# columns of the wide tables: the code of a variable, an indicator or a scheme after what is shown of it
WIDE = re.compile(r"(?:(?P<what>raw|z|control|group|score)_)?(?P<code>.+?)(?P<scope>_district)?")
SHOWN = {"raw": "{}（构造值）", "z": "{}（标准化，越大越好）", "control": "{}（控制变量）", "group": "所属组别：{}"}
# Limits and errors of a figure whose own column is described.
OF_A_FIGURE = {
    "_bca_lo": "{}：95%下限（BCa）",
    "_bca_hi": "{}：95%上限（BCa）",
    "_band_lo": "{}：逐年同时95%置信带下端",
    "_band_hi": "{}：逐年同时95%置信带上端",
    "_lo": "{}：95%下限",
    "_hi": "{}：95%上限",
    "_low": "{}：95%下限",
    "_high": "{}：95%上限",
    "_se": "{}：标准误",
    "_p05": "{}：5%分位",
    "_p95": "{}：95%分位",
}
COLUMNS_SQL = f"""
select schema_name || '.' || table_name, column_name, data_type, comment from duckdb_columns()
where database_name = 'snapshot' and schema_name in ('easy', 'mart') and schema_name || '.' || table_name <> '{TABLE}'
order by schema_name, table_name, column_index
"""


def write_dictionary(con: duckdb.DuckDBPyConnection) -> int:
    """Write the table into the attached file `snapshot`, which holds all others; returns its number of rows."""
    about, *columns = COMMENTS.items()
    con.execute(f"create table snapshot.{TABLE} ({', '.join(f'{name} varchar' for name, _ in columns)})")
    con.execute(f"comment on table snapshot.{TABLE} is '{about[1]}'")
    for name, text in columns:
        con.execute(f"comment on column snapshot.{TABLE}.{name} is '{text}'")
    rows = [*con.execute(COLUMNS_SQL).fetchall(), *((TABLE, name, "VARCHAR", text) for name, text in columns)]
    full = [(*row, in_chinese(row[0], row[1])) for row in rows]
    lists = [[row[place] for row in full] for place in range(len(columns))]
    con.execute(f"insert into snapshot.{TABLE} select {', '.join(['unnest(?)'] * len(lists))}", lists)
    return len(rows)


def described(con: duckdb.DuckDBPyConnection) -> str:
    """SQL: schema_name, table_name, column_index, column_name, data_type, comment, comment_zh of all that is described.

    A file from before the table was kept has no Chinese.
    """
    schema, table = TABLE.split(".")
    is_there = con.execute(
        "select 1 from duckdb_tables() where schema_name = ? and table_name = ?", [schema, table]
    ).fetchall()
    comments = f"(select table_name as place, column_name, comment_zh from {TABLE})" if is_there else NOTHING
    return (
        "(select c.schema_name, c.table_name, c.column_index, c.column_name, c.data_type, c.comment, d.comment_zh"
        f" from duckdb_columns() as c left join {comments} as d"
        " on d.place = c.schema_name || '.' || c.table_name and d.column_name = c.column_name)"
    )


def in_chinese(table: str, column: str) -> str | None:
    """What a column of schema.table means; None where nobody says it."""
    words = _words()
    meaning = words.get(f"{table.split('.')[1]}.{column}") or words.get(column)
    for ending, form in OF_A_FIGURE.items():
        if meaning is None and column.endswith(ending) and column.removesuffix(ending) in words:
            meaning = form.format(words[column.removesuffix(ending)])
    match = WIDE.fullmatch(column)
    if meaning or not match:
        return meaning
    names = names_of_codes()
    for what, code in (("", column), (match["what"] or "", match["code"])):
        if code in names:
            return SHOWN.get(what, "{}").format(names[code].zh) + (
                "（市辖区）" if code != column and match["scope"] else ""
            )
    return None


@cache
def _words() -> dict[str, str]:
    import yaml  # here: `nqpf describe` does without

    return dict(yaml.load((PROJECT / "dbt" / "words_zh.yml").read_text(encoding="utf-8"), yaml.CSafeLoader))


class Names(NamedTuple):
    """What the seeds call a code."""

    en: str
    zh: str
    unit: str


@cache
def names_of_codes() -> dict[str, Names]:
    """Code of a variable, an indicator or a scheme -> its names; of a code that several seeds have, in this order."""
    names: dict[str, Names] = {}
    for seed, key in (("variable", "variable_code"), ("indicator", "indicator_code"), ("label", "code")):
        with (PROJECT / "dbt" / "seeds" / f"{seed}.csv").open(encoding="utf-8") as file:
            rows = csv.DictReader(file)
            names = {row[key]: Names(row["name_en"], row["name_zh"], row.get("unit", "")) for row in rows} | names
    return names
