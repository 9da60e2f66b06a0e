"""Data years as partitions: the years of the sidecars, the same in every clone."""

from __future__ import annotations

import dagster as dg

from dagster_project.ingest.sidecar import Sidecar

BASE_YEARS = tuple(range(2012, 2022))


def data_years(sidecars: list[Sidecar]) -> dg.StaticPartitionsDefinition:
    """Statistical years with a yearly sidecar; the base window where there is none yet."""
    years = sorted({s.data_year for s in sidecars if s.data_year}) or list(BASE_YEARS)
    return dg.StaticPartitionsDefinition([str(year) for year in years])
