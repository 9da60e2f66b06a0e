"""Demo and real data never share a warehouse: the first load decides for ever, whoever starts the run."""

from __future__ import annotations

from dagster_project.paths import Paths
from dagster_project.published import open_read_only
from dagster_project.store import Warehouse

SYNTHETIC, REAL = "synthetic", "real"
LOAD_TABLES_SQL = "select count(*) from duckdb_tables() where schema_name = 'raw' and table_name like '%load'"
LOADS_SQL = """
    select bool_or(is_synthetic) from (
        select is_synthetic from raw.load union all select is_synthetic from raw.series_load
    )
"""


class WrongKindError(Exception):
    """The landing files are of another kind than what the warehouse holds."""


def marker(paths: Paths) -> str:
    """What the warehouse was marked as; empty if it was not, or if a run was killed while it wrote the mark."""
    file = paths.kind_file
    return file.read_text(encoding="utf-8").strip() if file.exists() else ""


def check_kind(paths: Paths, *, is_synthetic: bool) -> None:
    """Raise WrongKindError if the warehouse holds data of the other kind; mark a new warehouse."""
    kind = SYNTHETIC if is_synthetic else REAL
    kind_marked = marker(paths)
    for other in (kind_marked, _published_kind(paths), _loaded_kind(paths) if not kind_marked else ""):
        if other and other != kind:
            raise WrongKindError(
                f"This warehouse holds {other} data and the landing files are {kind} [{paths.warehouse}; landing"
                f" {paths.landing}]. Name another folder with --warehouse (NQPF_WAREHOUSE), or the landing folder of"
                " this warehouse with --landing (NQPF_LANDING). Nothing was read or published."
            )
    if kind_marked != kind:
        paths.kind_file.parent.mkdir(parents=True, exist_ok=True)
        paths.kind_file.write_text(kind + "\n", encoding="utf-8")


def _published_kind(paths: Paths) -> str:
    if not paths.published_file.exists():
        return ""
    with open_read_only(paths.published_file) as con:
        return _word(con.execute("select bool_or(is_synthetic) from mart.dim_vintage").fetchall()[0][0])


def _loaded_kind(paths: Paths) -> str:
    if not paths.build_file.exists():
        return ""
    with Warehouse(paths.build_file).connect(read_only=True) as con:
        if con.execute(LOAD_TABLES_SQL).fetchall()[0][0] < 2:
            return ""
        return _word(con.execute(LOADS_SQL).fetchall()[0][0])


def _word(is_synthetic: bool | None) -> str:
    return "" if is_synthetic is None else SYNTHETIC if is_synthetic else REAL
