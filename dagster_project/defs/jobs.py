"""Jobs: ingest (landing to gate), rebuild (everything after the gate), refresh (both); data years as partitions."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from dagster_project.ingest.sidecar import Sidecar

GATES = dg.AssetSelection.assets(["raw", "load"], ["raw", "series_load"])


def data_years(sidecars: Iterable[Sidecar], base_window: range) -> dg.StaticPartitionsDefinition:
    """Statistical years with a yearly sidecar; the base window where there is none yet."""
    years = sorted({s.data_year for s in sidecars if s.data_year}) or list(base_window)
    return dg.StaticPartitionsDefinition([str(year) for year in years])


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
