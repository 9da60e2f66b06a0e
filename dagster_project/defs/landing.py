"""Landing files as assets: the sidecar is there, the file is there, its hash is the sidecar's."""

from typing import Any

import dagster as dg

from dagster_project.defs.asset_groups import group
from dagster_project.ingest.sidecar import Landed, Sidecar, read_landed
from dagster_project.paths import Paths
from dagster_project.run.kind import check_kind


def landed_resource(paths: Paths, landed: Landed | None) -> dg.ResourceDefinition:
    """The landing folder, read when a run starts and handed to its steps; `landed` if the caller has read it."""

    @dg.resource(description="Sidecars and hashes of the landing files, as they were when the run started.")
    def read_at_start() -> Landed:
        current = landed or read_landed(paths)
        check_kind(paths, is_synthetic=current.is_synthetic)
        return current

    return read_at_start


def build_landing_assets(years: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """landing/yearly (one partition a data year) and landing/series (multi-year files)."""

    @dg.asset(
        key=["landing", "yearly"],
        partitions_def=years,
        group_name=group("landing"),
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"file"},
        description="Yearly landing files with their sidecars; never edited, checked against their sha256.",
    )
    def landing_yearly(context: dg.AssetExecutionContext, landed: dg.ResourceParam[Landed]) -> dg.MaterializeResult:
        for year in context.partition_keys:
            context.add_asset_metadata(_checked(landed, landed.yearly([int(year)])), partition_key=year)
        return dg.MaterializeResult()

    @dg.asset(
        key=["landing", "series"],
        group_name=group("landing"),
        kinds={"file"},
        description="Multi-year landing files with their sidecars; checked against their sha256.",
    )
    def landing_series(landed: dg.ResourceParam[Landed]) -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=_checked(landed, landed.multi_year()))

    return [landing_yearly, landing_series]


def _checked(landed: Landed, sidecars: list[Sidecar]) -> dict[str, Any]:
    """Metadata of loads whose files are what their sidecars say."""
    landed.check(sidecars)
    vintages = {f"{s.label} ({s.path.name})": s.vintage for s in sidecars}
    return {"files": len(vintages), "vintages": vintages}
