"""A table of the published file with what its columns are: name, unit, and what one row is."""

import re
from dataclasses import dataclass, field

import pandas as pd

from dagster_project.publish.exhibits.reader import Reader
from dagster_project.published import TABLES

UNIT = re.compile(r"\s*Unit: (.+?)\.?$")
COMMENTS_SQL = """
select column_name, comment from duckdb_columns() where schema_name || '.' || table_name = ? order by column_index
"""
ABOUT_SQL = f"select comment from {TABLES} where schema_name || '.' || table_name = ?"


@dataclass(frozen=True)
class Described:
    """`labels`, `units`: by column, those that are known. `about`: what one row is."""

    frame: pd.DataFrame
    labels: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    about: str = ""


def read_table(reader: Reader, name: str, order: str = "") -> Described | None:
    """All rows of schema.table, in the order of the file or in `order`; None where the file does not hold it."""
    comments = reader.con.execute(COMMENTS_SQL, [name]).fetchall()
    if not comments:
        return None
    schema, table = name.split(".")
    frame = reader.con.execute(f'from {schema}."{table}"{f" order by {order}" if order else ""}').df()
    about = reader.con.execute(ABOUT_SQL, [name]).fetchall()
    words = {column: parts(comment or "") for column, comment in comments}
    return Described(
        frame,
        {column: text for column, (text, _) in words.items() if text},
        {column: unit for column, (_, unit) in words.items() if unit},
        str(about[0][0] or "") if about else "",
    )


def parts(comment: str) -> tuple[str, str]:
    """Words and unit of a comment: "Score. Unit: points." is ("Score", "points")."""
    unit = UNIT.search(comment)
    return UNIT.sub("", comment).rstrip("."), unit[1] if unit else ""
