"""Data years as partitions: the years of the sidecars, the same in every clone."""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from dagster_project.ingest.sidecar import Sidecar


def data_years(sidecars: Iterable[Sidecar], base_window: range) -> dg.StaticPartitionsDefinition:
    """Statistical years with a yearly sidecar; the base window where there is none yet."""
    years = sorted({s.data_year for s in sidecars if s.data_year}) or list(base_window)
    return dg.StaticPartitionsDefinition([str(year) for year in years])
