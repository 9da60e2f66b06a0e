"""What changed between two published files, as frames: every part names its tables, so that older files stay readable.

A part is None where one of the two files does not hold its tables (it was published by an older version).
"""

import re
from pathlib import Path

import duckdb
import pandas as pd

from dagster_project.published import TABLES, open_side_by_side, statements

Frames = dict[str, pd.DataFrame | None]

SQL = statements(__file__)
BRIDGE = "part_revision, part_bounds, part_weights, part_method"
WITHOUT_BRIDGE = ", ".join(f"null::double as {name}" for name in BRIDGE.split(", "))
# Part -> queries, the first that both files can answer counts.
PARTS = ("run", "sources", "cells", "members", "scores", "weights", "coefficients", "tables")
QUERIES: dict[str, tuple[str, ...]] = {part: (SQL[part],) for part in PARTS}
QUERIES["scores"] = (
    SQL["scores"].format(bridge=BRIDGE, join=SQL["bridge"]),
    SQL["scores"].format(bridge=WITHOUT_BRIDGE, join=""),
)


def diff_frames(old: Path, new: Path) -> Frames:
    """What differs between two published files, by part (see QUERIES).

    run: both builds. sources: loads added, removed, superseded. cells: indicator values added, revised, removed, the
    largest relative revision first. members: cities that joined or left the headline sample. scores: those that moved,
    the headline index and the largest change of rank first, with the bridge where the new file holds one between the
    two data vintages. weights, coefficients: old and new, the latter with 95 % intervals.
    tables: columns that only one file has.
    """
    with open_side_by_side({"old": old, "new": new}) as con:
        tables = set(con.execute(f"select database_name, schema_name, table_name from {TABLES}").fetchall())
        return {
            part: next((frame for sql in queries if (frame := _frame(con, sql, tables)) is not None), None)
            for part, queries in QUERIES.items()
        }


def _frame(con: duckdb.DuckDBPyConnection, sql: str, tables: set[tuple[str, str, str]]) -> pd.DataFrame | None:
    if not set(re.findall(r"\b(old|new)\.(mart|ops)\.(\w+)", sql)) <= tables:
        return None
    try:
        return con.execute(sql).df()
    except duckdb.BinderException:  # an older file has the table without a column of today
        return None
