"""The pages of the report besides the overview and the cities: one module a page, in the order of the navigation."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import duckdb

from dagster_project.publish.site.pages.base import Page
from dagster_project.publish.site.queries import Meta

NAMES = ("measurement", "disparity", "dynamics", "space", "relations", "models", "influences", "policy", "methods")


def built(con: duckdb.DuckDBPyConnection, meta: Meta, folder: Path) -> list[Page]:
    """Every page whose marts hold rows; `folder` is where the pages will stand, for links to files beside them.

    A page module has `build(con, meta) -> Page | None`; the page on the data also looks for the gate's reports.
    """
    made = [import_module(f"{__name__}.{name}").build(con, meta) for name in NAMES]
    gate = import_module(f"{__name__}.data").build(con, meta, folder)
    return [page for page in (*made[:-1], gate, made[-1]) if page is not None]
