"""Jobs: ingest (landing to gate), rebuild (everything after the gate), refresh (both)."""

from typing import Any

import dagster as dg

GATES = dg.AssetSelection.assets(["raw", "load"], ["raw", "series_load"])


def build_jobs(
    years: dg.PartitionsDefinition[str],
) -> list[Any]:  # jobs that wait for their assets: Dagster exports no name for their type
    ingest = GATES.upstream()
    return [
        dg.define_asset_job(
            "ingest",
            selection=ingest,
            partitions_def=years,
            description="Read landing files of the chosen years and judge them; publishes nothing.",
        ),
        dg.define_asset_job(
            "rebuild",
            selection=dg.AssetSelection.all() - ingest,
            description="Everything after the gate, from the loads that are accepted now.",
        ),
        dg.define_asset_job(
            "refresh",
            selection=dg.AssetSelection.all(),
            partitions_def=years,
            description="Read, judge, rebuild and publish in one run.",
        ),
    ]
