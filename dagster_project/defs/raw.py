"""Raw cells: landing files as text with their address. Appended by vintage, read once per vintage."""

import time
from typing import Any

import dagster as dg
import pandas as pd

from dagster_project.defs.asset_groups import group
from dagster_project.defs.dbt_project import POOL
from dagster_project.ingest.load import read_load
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.paths import Paths
from dagster_project.run.versions import gate_hash, reader_hash
from dagster_project.store import Warehouse

PARTITION_ROWS = "dagster/partition_row_count"
VERDICTS_SQL = """
    select source, data_year, vintage, is_accepted, gate_key from raw.load
    union all
    select source, data_year, vintage, is_accepted, gate_key from raw.series_load
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
        metadata = _land(context, paths, warehouse, landed, sidecars, "")
        for table in ("cells", "header", "landed"):
            rows = _rows_by_year(warehouse, table)
            for year in context.partition_keys:
                context.add_asset_metadata({PARTITION_ROWS: rows.get(int(year), 0)}, ["raw", table], year)
        yield from _results(("cells", "header", "landed"), metadata)

    @dg.multi_asset(name="raw_series", specs=_specs(("series_cells", "series_header"), "series"), pool=POOL)
    def raw_series(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]):  # type: ignore[no-untyped-def]
        metadata = _land(context, paths, warehouse, landed, landed.multi_year(), "series_")
        yield from _results(("series_cells", "series_header"), metadata)

    return [raw_yearly, raw_series]


def _specs(tables: tuple[str, ...], landing: str) -> list[dg.AssetSpec]:
    descriptions = (
        "One row per non-empty cell: text as found, with file, sheet, row and column.",
        "One row per column of a table: its role and joined header path.",
        "One row per load that a sidecar describes, in loading order; whether it waits for a verdict.",
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
    context: dg.AssetExecutionContext,
    paths: Paths,
    warehouse: Warehouse,
    landed: Landed,
    sidecars: list[Sidecar],
    prefix: str,
) -> dict[str, Any]:
    """Read every vintage that is not there yet."""
    started, n_cells, n_read = time.monotonic(), 0, 0
    landed.check(sidecars)
    reader = reader_hash(paths)
    with warehouse.held():
        for sidecar in sidecars:
            if _is_landed(warehouse, prefix, sidecar, reader):
                continue
            load = read_load(sidecar, landed.root)
            key = {"source": sidecar.source, "data_year": sidecar.data_year, "vintage": sidecar.vintage}
            _write(warehouse, prefix, key, load.cells, load.header, reader)
            n_cells, n_read = n_cells + len(load.cells), n_read + 1
            context.log.info(f"{sidecar.label}: {len(load.cells)} cells, vintage {sidecar.vintage}")
        _note_landed(paths, warehouse, landed)
    return {
        "files_read": n_read,
        "files_unchanged": len(sidecars) - n_read,
        "cells_read": n_cells,
        "seconds": round(time.monotonic() - started, 2),
    }


def _note_landed(paths: Paths, warehouse: Warehouse, landed: Landed) -> None:
    """Write down which loads there are, in loading order, and which wait: the models of the gate start from it."""
    verdicts = warehouse.read_frame(VERDICTS_SQL)
    known = {tuple(row[:3]): (bool(row[3]), row[4]) for row in verdicts.itertuples(index=False, name=None)}
    key, rows = gate_hash(paths), []
    for number, sidecar in enumerate(landed.sidecars):
        identity = (sidecar.source, sidecar.data_year, sidecar.vintage)
        is_accepted, passed = known.get(identity, (False, ""))
        is_waiting = not is_accepted or passed != f"{key}-{sidecar.content_hash}"
        rows.append((*identity, number, is_accepted, is_waiting))
    columns = ["source", "data_year", "vintage", "load_order", "is_accepted", "is_waiting"]
    warehouse.replace_rows("raw.landed", pd.DataFrame(rows, columns=columns), {})


def _is_landed(warehouse: Warehouse, prefix: str, sidecar: Sidecar, reader: str) -> bool:
    rows = warehouse.read_frame(
        "select 1 from raw.reading where prefix = ? and source = ? and data_year = ? and vintage = ? and reader = ?",
        [prefix, sidecar.source, sidecar.data_year, sidecar.vintage, reader],
    )
    return not rows.empty


def _write(
    warehouse: Warehouse, prefix: str, key: dict[str, object], cells: pd.DataFrame, header: pd.DataFrame, reader: str
) -> None:
    """Delete and insert one vintage in one transaction: rerun-safe, older vintages stay."""
    condition = "source = ? and data_year = ? and vintage = ?"
    values = list(key.values())
    with warehouse.connect() as con:
        con.register("new_cells", cells)
        con.register("new_header", header)
        con.execute("begin")
        for table, view in (("cells", "new_cells"), ("header", "new_header")):
            con.execute(f"delete from raw.{prefix}{table} where {condition}", values)
            con.execute(f"insert into raw.{prefix}{table} by name select * from {view}")
        con.execute(f"delete from raw.reading where prefix = ? and {condition}", [prefix, *values])
        con.execute("insert into raw.reading values (?, ?, ?, ?, ?, now()::timestamp)", [prefix, *values, reader])
        con.execute("commit")
