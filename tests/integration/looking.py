"""Hands for the dry run: look at a file, change a copy of it, compare with what a refresh read."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from landing_tools import Page, read_page, write_page

from dagster_project.inspect.command import inspect
from dagster_project.inspect.frames import Asked
from dagster_project.inspect.report import Report

READ_SQL = """
    select c.city_code, v.year, v.sheet, v.cell, v.value
    from int.int_values_corrected as v join seed.city as c using (city_id)
    where v.file like ? and v.value is not null and v.year >= 2010
        and v.level = (select min(level) from seed.row_count as n where n.source = v.source)
"""


def look(file: Path, *, warehouse: Path | None = None, **asked: object) -> Report:
    return inspect(Asked(file, **asked), warehouse=warehouse, say=lambda line: None)  # type: ignore[arg-type]


def changed(file: Path, folder: Path, change: Callable[[Page], None]) -> Path:
    """A changed copy outside the landing folder, with the name of the original."""
    page = read_page(file)
    change(page)
    target = folder / file.name
    write_page(page, target)
    return target


def same_as_read(report: Report, read: pd.DataFrame) -> None:
    """Figures and addresses of the report are those of the warehouse, all of them and no others."""
    columns = ["city_code", "year", "sheet", "cell", "value"]
    mine = pd.DataFrame(report.values)
    factor = mine["raw_column"].map({"road_area": 1e6, "express_parcels": 1e-4}).fillna(1.0)
    mine = mine.assign(value=mine["value"] / factor)[columns].sort_values(columns).reset_index(drop=True)
    theirs = read[columns].sort_values(columns).reset_index(drop=True)
    assert len(theirs) > 100
    pd.testing.assert_frame_equal(mine, theirs, check_dtype=False, rtol=1e-12)
