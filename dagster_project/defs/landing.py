"""Landing files as assets: the sidecar is there, the file is there, its hash is the sidecar's."""

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
        owners=["team:data"],
        backfill_policy=dg.BackfillPolicy.single_run(),
        kinds={"file"},
        description="Yearly landing files with their sidecars; never edited, checked against their sha256.",
    )
    def landing_yearly(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        wanted = {int(key) for key in context.partition_keys}
        return _checked(paths, [s for s in yearly(landed_sidecars(paths)) if s.data_year in wanted])

    @dg.asset(
        key=["landing", "series"],
        group_name=group("landing"),
        owners=["team:data"],
        kinds={"file"},
        description="Multi-year landing files with their sidecars; checked against their sha256.",
    )
    def landing_series() -> dg.MaterializeResult:
        return _checked(paths, multi_year(landed_sidecars(paths)))

    return [landing_yearly, landing_series]


def _checked(paths: Paths, sidecars: list[Sidecar]) -> dg.MaterializeResult:
    vintages = {f"{s.label} ({s.path.name})": check_files(s, paths.landing) for s in sidecars}
    return dg.MaterializeResult(metadata={"files": len(vintages), "vintages": vintages})
