"""One Dagster asset for each analysis of the study: frames are fetched, the analysis is called, tables are written."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import pandas as pd
from threadpoolctl import threadpool_limits

from dagster_project.defs.asset_groups import group
from dagster_project.defs.asset_words import Contract
from dagster_project.defs.dbt_project import POOL
from dagster_project.defs.settings import current_settings
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import file_before
from dagster_project.published import open_read_only
from dagster_project.store import Warehouse
from dagster_project.study.registry import REGISTRY, Analysis


def build_model_assets(
    paths: Paths, warehouse: Warehouse, results: Mapping[str, Contract]
) -> list[dg.AssetsDefinition]:
    return [_build(entry, paths, warehouse, results) for entry in REGISTRY]


def frames_of(entry: Analysis, paths: Paths, warehouse: Warehouse) -> dict[str, pd.DataFrame]:
    """What an analysis reads: of the build file, and of the published file of the data vintage before this one."""
    frames = warehouse.read_frames(entry.queries())
    if entry.before:
        vintage = str(warehouse.read_frame("select data_vintage from ops.run_context").iloc[0, 0])
        file = file_before(paths, vintage)
        if file is None:
            return {**frames, **{label: pd.DataFrame() for label in entry.before}}
        with open_read_only(file) as con:
            frames |= {label: con.execute(query).df() for label, query in entry.before.items()}
    return frames


def _build(entry: Analysis, paths: Paths, warehouse: Warehouse, results: Mapping[str, Contract]) -> dg.AssetsDefinition:
    lacking = [table for table in entry.writes if table not in results or not results[table].columns]
    if lacking:
        raise LookupError(
            f"The analysis {entry.name} writes {', '.join(lacking)}, whose columns nobody says: publish it by a mart"
            " with a contract, or list its columns in dbt/models/_sources.yml."
        )
    specs = [
        dg.AssetSpec(
            ["py", table],
            deps=[*entry.parents, ["ops", "run_context"]],
            group_name=group(entry.group),
            description=results[table].description,
            owners=["team:methods"],
            kinds={"python"},
        )
        for table in entry.writes
    ]
    columns = {f"py.{table}": results[table].types for table in entry.writes}

    @dg.multi_asset(name=f"py_{entry.name}", specs=specs, pool=POOL)
    def run() -> Iterator[dg.MaterializeResult]:
        started = time.monotonic()
        frames = frames_of(entry, paths, warehouse)
        previews: dict[str, str] = {}
        # one BLAS thread: thousands of small products run faster, and the same on every machine
        with threadpool_limits(limits=1):
            built = entry.build(frames, current_settings(paths))
            parts = built if isinstance(built, Iterator) else iter([built])
            rows = warehouse.replace_in_parts((_named(part, entry, previews) for part in parts), columns)
        seconds = round(time.monotonic() - started, 2)
        for table in entry.writes:
            metadata: dict[str, Any] = {
                "dagster/row_count": rows[f"py.{table}"],
                "seconds": seconds,
                "preview": dg.MetadataValue.md(previews[table]),
            }
            yield dg.MaterializeResult(asset_key=["py", table], metadata=metadata)

    return run


def _named(part: Mapping[str, pd.DataFrame], entry: Analysis, previews: dict[str, str]) -> dict[str, pd.DataFrame]:
    """The frames of a part by the full name of their table. The first rows of each table are kept in `previews`."""
    for table in entry.writes:
        first = part[table].head(5)
        previews.setdefault(table, "no rows" if first.empty else first.to_markdown(index=False))
    return {f"py.{table}": part[table] for table in entry.writes}
