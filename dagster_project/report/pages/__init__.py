"""The pages of the report besides the index: one module a page, in the order of the navigation."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import duckdb

from dagster_project.report.pages.base import Page
from dagster_project.report.queries import Meta

NAMES = ("measurement", "disparity", "dynamics", "space", "relations", "models", "influences", "policy")


def built(con: duckdb.DuckDBPyConnection, meta: Meta) -> list[Page]:
    """Every page whose marts hold rows. A page module has `build(con, meta) -> Page | None`."""
    known = [f"{__name__}.{name}" for name in NAMES]
    made = [import_module(name).build(con, meta) for name in known if find_spec(name)]
    return [page for page in made if page is not None]
