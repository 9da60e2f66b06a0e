"""One hash a table over what it says, whatever the order of its rows and the file that holds it."""

import hashlib
from collections.abc import Collection, Iterable

import duckdb

# Columns that name the run, not the result.
OF_THE_RUN = {"mart_check_result": ("run_id",)}
# This table says when and how runs went: it differs from build to build.
SKIPPED = ("mart_run_manifest",)


def table_contents(
    con: duckdb.DuckDBPyConnection, database: str | None = None, *, without: Collection[str] = ()
) -> dict[str, str]:
    """Table of mart or easy.<table> -> sha256 of its column names, its number of rows and the sum of its row hashes.

    A row hash is the upper 96 bits of the md5 of the values as text, where a floating-point number is the shortest
    text that reads back as the same number: two tables have one hash if they hold the same rows, bit by bit.
    without: columns that do not count.
    """
    database = database or str(con.execute("select current_database()").fetchall()[0][0])
    columns = con.execute(
        "select schema_name, table_name, list(column_name order by column_index) from duckdb_columns()"
        " where database_name = ? and schema_name in ('easy', 'mart') group by all order by all",
        [database],
    ).fetchall()
    return {
        table if schema == "mart" else f"{schema}.{table}": _content(
            con, f'"{database}".{schema}."{table}"', [name for name in compared(table, names) if name not in without]
        )
        for schema, table, names in columns
        if table not in SKIPPED
    }


def full_name(table: str) -> str:
    """With its schema, as in a query."""
    return table if "." in table else f"mart.{table}"


def compared(table: str, columns: list[str]) -> list[str]:
    """The columns that count."""
    return [name for name in columns if name not in OF_THE_RUN.get(table, ())]


def _content(con: duckdb.DuckDBPyConnection, table: str, columns: list[str]) -> str:
    n, total = con.execute(f"select count(*), coalesce(sum({row_hash(columns)}), 0) from {table}").fetchall()[0]
    return hashlib.sha256(f"{','.join(columns)};{n};{total}".encode()).hexdigest()


def row_hash(columns: Iterable[str]) -> str:
    """SQL: upper 96 bits of the md5 of what a row says in these columns."""
    text = ", ".join(f'coalesce("{name}"::varchar, chr(0))' for name in columns)
    return f"(md5_number(concat_ws(chr(31), {text})) >> 32)::hugeint"
