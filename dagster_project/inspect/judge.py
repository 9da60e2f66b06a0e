"""The gate of the warehouse on a load that is nowhere landed: its frames, its suites, its findings."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from dagster_project.defs.gate import SQL, baseline_of, gate_frames
from dagster_project.ingest.sidecar import Sidecar
from dagster_project.store import Warehouse
from expectations.contract import Baseline, Frames, ResultRow
from expectations.findings import findings_frame
from expectations.paste import csv_line
from expectations.run import validate

# a source without a baseline is judged by rules that need none
OPEN_BASELINE = {"level": "city", "rows_min": 1, "rows_max": 400, "min_coverage": 0.0, "jump_limit_log": 1.0}
CLOSEST_SQL = """
    select * from seed.row_count where source = ?
    order by least(abs(coalesce(year_from, 0) - ?), abs(coalesce(year_to, 9999) - ?)) limit 1
"""


@dataclass(frozen=True, eq=False)
class Judgement:
    """headers, rows, values: what the gate looked at; results: one a rule; findings: one a place at fault."""

    frames: Frames
    results: Sequence[ResultRow]
    findings: pd.DataFrame
    baseline: Baseline
    problems: tuple[str, ...] = ()

    @property
    def headers(self) -> pd.DataFrame:
        return self.frames["headers"]

    @property
    def rows(self) -> pd.DataFrame:
        return self.frames["rows"]

    @property
    def values(self) -> pd.DataFrame:
        return self.frames["values"]


def judge(warehouse: Warehouse, sidecar: Sidecar) -> Judgement:
    """Judge the load that lies in the throw-away database; never raises because of what the load holds."""
    problems = _ensure_baseline(warehouse, sidecar)
    frames = Frames(gate_frames(warehouse, sidecar))
    baseline = baseline_of(warehouse, sidecar)
    quiet = logging.NullHandler()  # the report says what the gate would write into its log
    logger = logging.getLogger("expectations")
    logger.addHandler(quiet)
    try:
        results = validate(frames, baseline, docs_dir=None, name="inspect")
    finally:
        logger.removeHandler(quiet)
    return Judgement(frames, results, findings_frame(results, baseline), baseline, problems)


def _ensure_baseline(warehouse: Warehouse, sidecar: Sidecar) -> tuple[str, ...]:
    """A load without a baseline gets, in the throw-away database only, the one of the closest year or an open one."""
    year = sidecar.data_year
    if not warehouse.read_frame(SQL["baseline"], [sidecar.source, year]).empty:
        return ()
    close = warehouse.read_frame(CLOSEST_SQL, [sidecar.source, year, year])
    like: dict[Any, Any] = close.iloc[0].to_dict() if len(close) else dict(OPEN_BASELINE)
    row = pd.DataFrame([{**like, "source": sidecar.source, "year_from": year or None, "year_to": year or None}])
    with warehouse.connect() as con:
        columns = [name[0] for name in con.execute("describe seed.row_count").fetchall()]
        con.register("incoming", row.reindex(columns=columns))
        con.execute("insert into seed.row_count by name select * from incoming")
    ready = csv_line(["" if pd.isna(row.iloc[0].get(name)) else _number(row.iloc[0][name]) for name in columns])
    whose = "the one of its closest years" if len(close) else "an open one"
    return (f"{sidecar.label} has no baseline; {whose} is used here. Row for row_count.csv, to be reviewed: {ready}",)


def _number(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
