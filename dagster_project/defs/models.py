"""One Dagster asset for each analysis of the study: frames are fetched, the analysis is called, frames are written."""

import time
from collections.abc import Iterator
from typing import Any

import dagster as dg
from threadpoolctl import threadpool_limits

from dagster_project.defs.asset_groups import group
from dagster_project.defs.dbt_project import POOL
from dagster_project.store import Warehouse
from dagster_project.study.registry import REGISTRY, Analysis, Frames


def build_model_assets(warehouse: Warehouse) -> list[dg.AssetsDefinition]:
    return [_build(entry, warehouse) for entry in REGISTRY]


def _build(entry: Analysis, warehouse: Warehouse) -> dg.AssetsDefinition:
    specs = [
        dg.AssetSpec(
            ["py", table],
            deps=[*entry.parents, ["ops", "run_context"]],
            group_name=group(entry.group),
            description=text,
            owners=["team:methods"],
            kinds={"python"},
        )
        for table, text in entry.writes.items()
    ]

    @dg.multi_asset(name=f"py_{entry.name}", specs=specs, pool=POOL)
    def run() -> Iterator[dg.MaterializeResult]:
        started = time.monotonic()
        seed = int(warehouse.read_value("select seed from ops.run_context"))
        frames = warehouse.read_frames(entry.queries())
        previews: dict[str, str] = {}
        # one BLAS thread: thousands of small products run faster, and the same on every machine
        with threadpool_limits(limits=1):
            built = entry.build(frames, seed)
            parts = built if isinstance(built, Iterator) else iter([built])
            rows = warehouse.replace_in_parts(_named(part, entry, previews) for part in parts)
        seconds = round(time.monotonic() - started, 2)
        for table in entry.writes:
            metadata: dict[str, Any] = {
                "dagster/row_count": rows[f"py.{table}"],
                "seconds": seconds,
                "preview": dg.MetadataValue.md(previews[table]),
            }
            yield dg.MaterializeResult(asset_key=["py", table], metadata=metadata)

    return run


def _named(part: Frames, entry: Analysis, previews: dict[str, str]) -> Frames:
    """The frames of a part by the full name of their table. The first rows of each table are kept in `previews`."""
    for table in entry.writes:
        first = part[table].head(5)
        previews.setdefault(table, "no rows" if first.empty else first.to_markdown(index=False))
    return {f"py.{table}": part[table] for table in entry.writes}
