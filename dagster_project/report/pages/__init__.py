"""The pages of the report besides the index: one module a page, in the order of the navigation."""

from __future__ import annotations

from importlib import import_module

import duckdb

from dagster_project.report.pages.base import Page
from dagster_project.report.queries import Meta

NAMES = ("measurement", "disparity", "dynamics", "space", "relations", "models", "influences")


def built(con: duckdb.DuckDBPyConnection, meta: Meta) -> list[Page]:
    """Every page whose marts hold rows. A page module has `build(con, meta) -> Page | None`."""
    made = [import_module(f"{__name__}.{name}").build(con, meta) for name in NAMES]
    return [page for page in made if page is not None]
