"""Landing files as assets: the sidecar is there, the file is there, its hash is the sidecar's."""

from typing import Any

import dagster as dg

from dagster_project.defs.asset_groups import group
from dagster_project.ingest.sidecar import Sidecar, check_files, landed_sidecars, multi_year, yearly
from dagster_project.paths import Paths


def build_landing_assets(paths: Paths, years: dg.PartitionsDefinition[str]) -> list[dg.AssetsDefinition]:
    """landing/yearly (one partition a data year) and landing/series (multi-year files)."""

    @dg.asset(
        key=["landing", "yearly"],
        partitions_def=years,
        group_name=group("landing"),
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"file"},
        description="Yearly landing files with their sidecars; never edited, checked against their sha256.",
    )
    def landing_yearly(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        sidecars = [s for s in yearly(landed_sidecars(paths)) if str(s.data_year) in context.partition_keys]
        for year in context.partition_keys:
            of_year = [s for s in sidecars if str(s.data_year) == year]
            context.add_asset_metadata(_checked(paths, of_year), partition_key=year)
        return dg.MaterializeResult()

    @dg.asset(
        key=["landing", "series"],
        group_name=group("landing"),
        kinds={"file"},
        description="Multi-year landing files with their sidecars; checked against their sha256.",
    )
    def landing_series() -> dg.MaterializeResult:
        return dg.MaterializeResult(metadata=_checked(paths, multi_year(landed_sidecars(paths))))

    return [landing_yearly, landing_series]


def _checked(paths: Paths, sidecars: list[Sidecar]) -> dict[str, Any]:
    """Metadata of files that are what their sidecars say."""
    vintages = {f"{s.label} ({s.path.name})": check_files(s, paths.landing) for s in sidecars}
    return {"files": len(vintages), "vintages": vintages}
