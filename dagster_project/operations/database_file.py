"""Whether a DuckDB file is whole: every block of every table is read, so that checksums are compared."""

from pathlib import Path

import duckdb

from dagster_project.published import is_locked

TABLES_SQL = "select schema_name, table_name from duckdb_tables() where not internal order by all"


def damage_of(file: Path) -> str | None:
    """None if the file can be read to its end, else what DuckDB says. Changes nothing; a file in use is not judged."""
    try:
        with duckdb.connect(str(file), read_only=True) as con:
            for schema, table in con.execute(TABLES_SQL).fetchall():
                con.execute(f'select sum(hash(t)) from "{schema}"."{table}" as t').fetchall()
    except duckdb.Error as error:
        text = " ".join(str(error).split())
        return None if is_locked(error) else text
    return None
