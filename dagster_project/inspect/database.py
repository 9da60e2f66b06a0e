"""The throw-away database of one call: raw rows of the file in, and those of the editions of a warehouse."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from dagster_project.errors import IngestError
from dagster_project.inspect.frames import Draft
from dagster_project.paths import Paths
from dagster_project.published import sql_path, statements
from dagster_project.run.lock import holder
from dagster_project.store import Warehouse, WarehouseBusy

PREFERRED = {"wide": "yearbook_wide", "tables": "yearbook_tables", "pages": "yearbook_pages"}
LEAST = 0.5  # a file belongs to a source, other than the usual one of its layout, that knows this share of its headers
TRIAL = "guess"
HEADERS = "int_headers_mapped"

SQL = statements(__file__)


def insert_draft(warehouse: Warehouse, draft: Draft) -> None:
    """Raw cells and headers under the draft's identity."""
    prefix = prefix_of(draft)
    with warehouse.connect() as con:
        _insert(con, f"raw.{prefix}header", draft.header)
        _insert(con, f"raw.{prefix}cells", draft.cells)


def prefix_of(draft: Draft) -> str:
    """Raw tables of yearly loads have no prefix, those of multi-year loads 'series_'."""
    return "" if draft.sidecar.data_year else "series_"


def _insert(con: duckdb.DuckDBPyConnection, table: str, frame: object) -> None:
    con.register("incoming", frame)
    con.execute(f"insert into {table} by name select * from incoming")
    con.unregister("incoming")


def known_shares(warehouse: Warehouse, draft: Draft) -> list[tuple[str, float]]:
    """(source, share of the headers that rows of people map), best first: the headers are read as each source's."""
    table = f"raw.{prefix_of(draft)}header"
    with warehouse.connect() as con:
        names = [row[0] for row in con.execute(SQL["sources"], {"layout": draft.sidecar.layout}).fetchall()]
        for name in names:
            _insert(con, table, draft.header.assign(source=name, vintage=TRIAL))
        _settle(con, "reading", up_to=HEADERS)
        shares = con.execute(SQL["known"], [TRIAL]).fetchall()
        con.execute(f"delete from {table} where vintage = ?", [TRIAL])
    return [(str(source), float(share)) for source, share in shares]


def likely_source(shares: Sequence[tuple[str, float]], kind: str) -> str | None:
    """The source whose rows know the headers, else the usual one of the layout or of pages; None: neither."""
    best, share = shares[0] if shares else (None, 0.0)
    return best if share >= LEAST else PREFERRED.get(kind)


def copy_past(warehouse: Warehouse, draft: Draft, paths: Paths) -> int | None:
    """Copy the accepted editions of a warehouse opened read-only; the newest earlier one of the source, None if none.

    WarehouseBusy: a refresh runs, or another process writes. IngestError: there is no such warehouse.
    """
    sidecar, build_file = draft.sidecar, paths.build_file
    busy = f"The warehouse {paths.warehouse} is in use by another process: wait until it has ended, run again."
    if not build_file.is_file():
        raise IngestError("There is no build file in that warehouse", str(build_file), "Run `nqpf refresh` there first")
    if not sidecar.data_year:
        return None
    if holder(paths)[1]:  # between two steps of a refresh the file itself is free
        raise WarehouseBusy(busy)
    with warehouse.connect() as con:
        try:
            con.execute(f"attach '{sql_path(build_file)}' as past (read_only)")
        except duckdb.IOException as error:
            if "lock" in str(error).lower():
                raise WarehouseBusy(busy) from None
            raise
        con.execute(SQL["loads"], [sidecar.source, sidecar.data_year])
        con.execute(SQL["past"], {"source": sidecar.source, "data_year": sidecar.data_year})
        for table in ("cells", "header"):
            con.execute(
                f"insert into raw.{table} by name from past.raw.{table}"
                " semi join again using (source, data_year, vintage)"
            )
        last = con.execute("select max(data_year) filter (where is_earlier) from again").fetchall()[0][0]
        con.execute("detach past")
    return int(last) if last else None


def settle(warehouse: Warehouse, draft: Draft, build_file: Path | None) -> bool:
    """Run the models over what was inserted: the gate asks their tables.

    build_file: of the warehouse whose figures of other sources and years the draft is held against. Returns False where
    its tables are those of another version: then only the draft and its own past are compared.
    """
    sidecar, is_same = draft.sidecar, True
    keys = {"source": sidecar.source, "data_year": sidecar.data_year}
    with warehouse.connect() as con:
        con.execute(SQL["editions"], {**keys, "vintage": sidecar.vintage})  # what heads mean is told by all of them
        _settle(con, "reading")
        if build_file is not None and sidecar.data_year:
            con.execute(f"attach '{sql_path(build_file)}' as past (read_only)")
            try:
                con.execute(SQL["others"], keys)
                for table in ("ops.index_spec", "raw.county_weight"):
                    con.execute(f"insert into {table} by name from past.{table}")
                con.execute(SQL["findings"], [sidecar.source])
            except (duckdb.BinderException, duckdb.CatalogException):
                is_same = False
            con.execute("detach past")
        con.execute("delete from raw.landed")
        con.execute(SQL["landed"], {**keys, "vintage": sidecar.vintage})
        _settle(con, "edit", "gate")
    return is_same


def _settle(con: duckdb.DuckDBPyConnection, *folders: str, up_to: str | None = None) -> None:
    """Make the tables of these folders anew, in the order in which they read each other."""
    for schema, model, query, is_view in con.execute(SQL["models"], [list(folders)]).fetchall():
        if is_view:
            con.execute(f"drop view {schema}.{model}")
        con.execute(f"create or replace table {schema}.{model} as {query}")
        if model == up_to:
            return
