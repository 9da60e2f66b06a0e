"""Raw cells: landing files as text with their address. Appended by vintage, read once per vintage."""

import time
from importlib import import_module
from threading import Thread
from typing import Any

import dagster as dg
import pandas as pd

from dagster_project.defs.asset_groups import POOL, group
from dagster_project.defs.gate import is_judged
from dagster_project.defs.state import Record, record_of, step_of_load, write_records
from dagster_project.ingest.load import Load, read_load
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.paths import Paths
from dagster_project.run.versions import gate_hash, reader_hash
from dagster_project.store import Warehouse

PARTITION_ROWS = "dagster/partition_row_count"
ACCEPTED_SQL = """
    select source, data_year, vintage, accessed, load_no from raw.load where is_accepted
    union all
    select source, data_year, vintage, accessed, load_no from raw.series_load where is_accepted
    order by 1, 2, 3
"""


def build_raw_assets(
    paths: Paths, warehouse: Warehouse, years: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """raw/cells + raw/header per data year; raw/series_cells + raw/series_header for multi-year files."""

    @dg.multi_asset(
        name="raw_yearly",
        specs=_specs(("cells", "header", "landed"), "yearly"),
        partitions_def=years,
        pool=POOL,
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def raw_yearly(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]):  # type: ignore[no-untyped-def]
        sidecars = landed.yearly([int(key) for key in context.partition_keys])
        metadata = _land(context, paths, warehouse, landed, sidecars)
        with warehouse.held():
            rows_of = {table: _rows_by_year(warehouse, table) for table in ("cells", "header", "landed")}
        for table, rows in rows_of.items():
            for year in context.partition_keys:
                context.add_asset_metadata({PARTITION_ROWS: rows.get(int(year), 0)}, ["raw", table], year)
        yield from _results(("cells", "header", "landed"), metadata)

    @dg.multi_asset(name="raw_series", specs=_specs(("series_cells", "series_header"), "series"), pool=POOL)
    def raw_series(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]):  # type: ignore[no-untyped-def]
        metadata = _land(context, paths, warehouse, landed, landed.multi_year())
        yield from _results(("series_cells", "series_header"), metadata)

    return [raw_yearly, raw_series]


def _specs(tables: tuple[str, ...], landing: str) -> list[dg.AssetSpec]:
    descriptions = (
        "One row per non-empty cell: text as found, with file, sheet, row and column.",
        "One row per column of a table: its role and joined header path.",
        "One row per load that is accepted or described, in loading order; whether it waits for a verdict.",
    )
    return [
        dg.AssetSpec(
            ["raw", table], deps=[["landing", landing]], group_name=group("raw"), description=text, kinds={"duckdb"}
        )
        for table, text in zip(tables, descriptions, strict=False)
    ]


def _results(tables: tuple[str, ...], metadata: dict[str, Any]):  # type: ignore[no-untyped-def]
    for table in tables:
        yield dg.MaterializeResult(asset_key=["raw", table], metadata=metadata)


def _rows_by_year(warehouse: Warehouse, table: str) -> dict[int, int]:
    """Data year -> rows of all its vintages."""
    counts = warehouse.read_frame(f"select data_year, count(*) as n from raw.{table} group by 1")
    return {int(year): int(n) for year, n in counts.to_numpy().tolist()}


def _land(
    context: dg.AssetExecutionContext, paths: Paths, warehouse: Warehouse, landed: Landed, sidecars: list[Sidecar]
) -> dict[str, Any]:
    """Read every vintage that is not there yet."""
    start, n_cells, n_read = time.monotonic(), 0, 0
    landed.check(sidecars)
    reader = reader_hash(paths)
    with warehouse.held():
        for sidecar in sidecars:
            if is_read(warehouse, sidecar, reader):
                continue
            load = read_load(sidecar, landed.root)
            write_load(warehouse, sidecar, load, reader)
            n_cells, n_read = n_cells + len(load.cells), n_read + 1
            context.log.info(f"{sidecar.label}: {len(load.cells)} cells, vintage {sidecar.vintage}")
        _note_landed(paths, warehouse, landed)
    return {
        "files_read": n_read,
        "files_unchanged": len(sidecars) - n_read,
        "cells_read": n_cells,
        "seconds": round(time.monotonic() - start, 2),
    }


def _note_landed(paths: Paths, warehouse: Warehouse, landed: Landed) -> None:
    """Write down which loads there are, in loading order, and which wait: the models of the gate start from it.

    What was accepted stays, with its number, when its sidecar is taken away or describes another file.
    """
    accepted = {
        (source, int(year), vintage): int(number)
        for source, year, vintage, _, number in warehouse.read_frame(ACCEPTED_SQL).itertuples(index=False, name=None)
    }
    gate, rows, new = gate_hash(paths), [], max(accepted.values(), default=0)
    for sidecar in landed.sidecars:
        identity = (sidecar.source, sidecar.data_year, sidecar.vintage)
        new, number = new + 1, accepted.pop(identity, None)
        is_waiting = number is None or not is_judged(warehouse, sidecar, gate)
        rows.append((*identity, number or new, number is not None, is_waiting))
    rows += [(*identity, number, True, False) for identity, number in accepted.items()]
    if any(is_waiting for *_, is_waiting in rows):  # what judges takes seconds to load: beside reading and dbt
        Thread(target=import_module, args=("expectations.judge",), daemon=True).start()
    columns = ["source", "data_year", "vintage", "load_order", "is_accepted", "is_waiting"]
    warehouse.replace_rows("raw.landed", pd.DataFrame(rows, columns=columns))


def is_read(warehouse: Warehouse, sidecar: Sidecar, reader: str) -> bool:
    """Whether this version of the reader (`reader_hash`) has read the vintage."""
    return record_of(warehouse, step_of_load("read", sidecar)).key == reader


def write_load(warehouse: Warehouse, sidecar: Sidecar, load: Load, reader: str) -> None:
    """Replace one vintage, with its record, in one transaction; older vintages stay."""
    prefix, condition = "" if sidecar.data_year else "series_", "source = ? and data_year = ? and vintage = ?"
    identity = [sidecar.source, sidecar.data_year, sidecar.vintage]
    with warehouse.connect() as con:
        con.register("new_cells", load.cells)
        con.register("new_header", load.header)
        con.execute("begin")
        for table in ("cells", "header"):
            con.execute(f"delete from raw.{prefix}{table} where {condition}", identity)
            con.execute(f"insert into raw.{prefix}{table} by name select * from new_{table}")
        write_records(con, {step_of_load("read", sidecar): Record(reader, "")})
        con.execute("commit")
