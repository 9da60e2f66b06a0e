"""One published file, read in one language for one index: the slice that is shown, names for codes, rows of queries."""

import re
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import duckdb
import pandas as pd

from dagster_project.errors import Refusal
from dagster_project.publish.locale import Catalogue, catalogue, msg
from dagster_project.published import statements

Record = dict[str, Any]
SYNTHETIC = msg("SYNTHETIC demo data: says nothing about China")
SQL = statements(__file__)
HALF_95 = NormalDist().inv_cdf(0.975)  # half of a 95 % interval, in standard errors
# Shorthand inside queries.
PARTS = {
    "@slice": "index_code = $index and basis = $basis and weight_scheme = $scheme",
    "@model": "model_id = $model and basis = $basis",
    "@regional": "scheme in (select scheme from mart.dim_group_scheme where role = 'region' and is_main)",
    "@split": "scheme in (select scheme from mart.dim_group_scheme where role = 'centre')",
    "@core": "scheme in (select scheme from mart.dim_group_scheme where role = 'centre' and is_main)",
    "@open_findings": (  # not supported by the file: a monitor that rests on one says nothing
        "(select finding from (select finding, p_holm as p from mart.mart_level_adjusted_test where @model union all"
        " select 'threshold', min(p_level_adjusted) * count(p_level_adjusted) from mart.mart_threshold_result"
        " where @model and n_threshold = 1) where finding <> '' and coalesce(p, 1) > 0.05)"
    ),
}


class ExportError(Refusal):
    """What cannot be shown or exported, why, and what to do; one or two sentences for people."""


@dataclass(frozen=True)
class Scope:
    """The slice of a published file that is shown, and where the file comes from.

    `model` is "" where no regression is headline. Years are statistical years; `first_year` to `last_year` are those
    in which every city of the sample has a score. `unscored`: other years -> cities that have one.
    """

    index: str
    basis: str
    scheme: str
    model: str
    relations: str
    w: str
    release: str
    data_vintage: str
    method_version: str
    is_synthetic: bool
    built: Any
    boundary_vintage: int
    cut_date: str
    n_loads: int
    window_start: int
    window_end: int
    first_year: int
    last_year: int
    n_sample: int
    unscored: dict[int, int]

    @property
    def is_quick(self) -> bool:
        """Built at depth quick: the headline alone."""
        return self.method_version.endswith(".quick")

    @property
    def origin(self) -> str:
        """One sentence in English: release, data vintage, method version, basis, weights."""
        return (
            f"Release {self.release}, data vintage {self.data_vintage}, method {self.method_version}; "
            f"index {self.index}, basis {self.basis}, weights {self.scheme}"
        )


class Reader:
    """Rows of queries over one file. Queries may use

    - $index, $basis, $scheme, $model, $relations, $w, $first, $last of the scope, and @slice and @model (see PARTS);
    - name(kind, code) and place(kind, code): what mart.dim_label calls a code, and its place in lists;
    - item(code) for what an audit is about: an indicator, group, factor, method or city;
    - term(code) for a regressor, W: before it for its spatial lag, and change(text) for what differs in a variant;
    - lo_95(estimate, se) and hi_95(estimate, se): the ends of a 95 % interval after the normal distribution;
    - the table `city`: city_id, name, province, other names of the cities in the reader's language; `county` likewise.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, scope: Scope, language: str = "en") -> None:
        self.con, self.scope, self.words = con, scope, catalogue(language)
        self.tables = set(tables_of(con))
        self._names: dict[str, dict[str, str]] = {}
        name_words(con, self.words, scope.boundary_vintage)

    def rows(self, sql: str, **more: Any) -> list[Record]:
        """Rows as dicts; NULL and NaN are None."""
        result = self.con.execute(*self.ready(sql, **more))
        names = [column[0] for column in result.description]
        return [{n: None if v != v else v for n, v in zip(names, row, strict=True)} for row in result.fetchall()]

    def frame(self, sql: str, **more: Any) -> pd.DataFrame:
        """The rows as a frame, with the types that DuckDB gives."""
        return self.con.execute(*self.ready(sql, **more)).df()

    def ready(self, sql: str, **more: Any) -> tuple[str, dict[str, Any]]:
        """The query as DuckDB takes it, with the values that it uses."""
        for short, text in reversed(PARTS.items()):
            sql = sql.replace(short, text)
        parameters = {**vars(self.scope), "first": self.scope.first_year, "last": self.scope.last_year, **more}
        names = set(re.findall(r"\$(\w+)", sql))
        return sql, {name: value for name, value in parameters.items() if name in names}

    @property
    def origin(self) -> str:
        """Where the figures come from, in the words of the reader: what every picture and printed table carries."""
        scope = self.scope
        return self.words.say(
            "Release {release}, data vintage {vintage}, method {method}; {index}, bounds of {y0} to {y1},"
            " weights: {weights}.",
            release=scope.release,
            vintage=scope.data_vintage,
            method=scope.method_version,
            index=self.name("index", scope.index),
            y0=scope.window_start,
            y1=scope.window_end,
            weights=self.name("weight_scheme", scope.scheme),
        )

    def has(self, *tables: str) -> bool:
        """Whether the file holds these tables of schema mart, each with a row."""
        return all(
            name in self.tables and self.con.execute(f'select 1 from mart."{name}" limit 1').fetchone()
            for name in tables
        )

    def name(self, kind: str, code: Any) -> str:
        """The name of one code."""
        return self.names(kind).get(str(code), str(code))

    def names(self, kind: str) -> dict[str, str]:
        """Names of all codes of a kind, in their order."""
        if not self._names:
            labels = self.con.execute("select kind, code, name from temp.label order by kind, sort_no").fetchall()
            for of_kind, code, name in labels:
                self._names.setdefault(of_kind, {})[code] = name
        return self._names.get(kind, {})


def name_words(con: duckdb.DuckDBPyConnection, words: Catalogue, boundary: int) -> None:
    """Make `name`, `place` and `city` for the language. A language without a column of its own takes the English names
    and what its catalogue says of them; a file without dim_label shows codes."""
    con.execute("create or replace temp table label (kind varchar, code varchar, name varchar, sort_no integer)")
    if "dim_label" in tables_of(con):
        fields = {row[1] for row in con.execute("pragma table_info('mart.dim_label')").fetchall()}
        own_column = f"name_{words.language}"
        con.execute(
            f"insert into temp.label select kind, code, {own_column if own_column in fields else 'name_en'}, sort_no"
            " from mart.dim_label"
        )
        if own_column not in fields:
            for (english,) in con.execute("select distinct name from temp.label").fetchall():
                con.execute("update temp.label set name = ? where name = ?", [words.gettext(english), english])
    is_zh = words.language == "zh"
    province, name = ("province_name", "name_zh") if is_zh else ("province_en", "name_en")
    short = "name_short_zh" if is_zh else "name_short_en"
    columns = {row[1] for row in con.execute("pragma table_info('mart.dim_city')").fetchall()}
    short = short if short in columns else name  # a file of an older version has whole names alone
    con.execute(
        f"create or replace temp table city as select city_id, coalesce({name}, city_id) as full_name,"
        f" coalesce({short}, city_id) as name, {province} as province, city_code, name_en, name_zh, admin_tier"
        f" from mart.dim_city where boundary_vintage = {int(boundary)}"
    )
    if columns := {row[0] for row in con.execute(SQL["county_columns"]).fetchall()}:
        con.execute(SQL["county_zh" if is_zh or "name_pinyin" not in columns else "county_en"])
    for name, sql in SQL.items():
        if name.startswith("macro_"):
            con.execute(sql.replace("$half", repr(HALF_95)))


def read_scope(con: duckdb.DuckDBPyConnection, index: str | None = None, release: str | None = None) -> Scope:
    """Scope of `index` on the weights that it is published with.

    Without `index`, the fullest that a headline regression explains and that is computed.

    Raises ExportError for an index that is unknown or was not computed (with the reason the build gave).
    """
    run = con.execute(SQL["run"]).fetchone()
    if run is None:
        raise ExportError("The published file has no run manifest: run `nqpf refresh` again.")
    table_names = set(tables_of(con))
    bases = {code: (basis, scheme) for code, basis, scheme in con.execute(SQL["bases"]).fetchall()}
    headlines = _headlines(con, table_names)
    index_code = index or next((code for code in headlines if code in bases), None)
    if index_code is None or index_code not in bases:
        raise ExportError(_no_index(con, index_code, sorted(bases), headlines))
    basis, scheme = bases[index_code]
    model = relations = w = None
    if "dim_model_spec" in table_names:
        model, relations, w = con.execute(SQL["model"], [index_code]).fetchall()[0]
    if "mart_city_state" in table_names:  # the weight matrix of the description
        w = con.execute("select min(w_code) from mart.mart_city_state").fetchall()[0][0] or w
    years = dict(con.execute(SQL["years"], [index_code, basis, scheme]).fetchall())
    complete = [year for year, n in years.items() if n == max(years.values())]
    start, end, cut_date, n_files, boundary, n_sample = con.execute(
        SQL["sample"], {"index": index_code, "basis": basis, "vintage": run[1]}
    ).fetchall()[0]
    return Scope(
        index=index_code,
        basis=basis,
        scheme=scheme,
        model=model or "",
        relations=relations or "",
        w=w or "",
        release=release or run[0],
        data_vintage=run[1],
        method_version=run[2],
        is_synthetic=bool(run[3]),
        built=run[4],
        boundary_vintage=int(boundary or 0),
        cut_date=str(cut_date or ""),
        n_loads=int(n_files or 0),
        window_start=int(start or min(complete)),
        window_end=int(end or max(complete)),
        first_year=min(complete),
        last_year=max(complete),
        n_sample=int(n_sample),
        unscored={year: n for year, n in years.items() if year not in complete},
    )


def tables_of(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Names of all tables of schema mart."""
    rows = con.execute(
        "select table_name from information_schema.tables where table_schema = 'mart' order by 1"
    ).fetchall()
    return [str(row[0]) for row in rows]


def _headlines(con: duckdb.DuckDBPyConnection, table_names: set[str]) -> list[str]:
    """Indexes that a headline regression explains (without regressions: that are no variant), the fullest first."""
    headlines = con.execute(SQL["explained"]).fetchall() if "dim_model_spec" in table_names else []
    return [str(row[0]) for row in headlines or con.execute(SQL["whole"]).fetchall()]


def _no_index(con: duckdb.DuckDBPyConnection, index: str | None, with_scores: list[str], headlines: list[str]) -> str:
    sentence = f"Indexes with scores: {', '.join(with_scores) or 'none'}."
    code = index or (headlines[0] if headlines else "")
    why = con.execute("select skip_reason from mart.dim_index where index_code = ?", [code]).fetchone()
    if index is not None and why is None:
        return f"No index is called '{index}'. {sentence}"
    reason = (why and why[0]) or "no reason given"
    what = f"Index {index}" if index else f"No headline index ({' or '.join(headlines)})"
    return f"{what} has {'no ' if index else ''}scores in this file: {reason}. {sentence}"
