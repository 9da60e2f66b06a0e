"""The one list of everything: `build_defs(paths)` makes it, `defs` is what Dagster's own processes load."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from dagster_project.defs import dbt_project
from dagster_project.defs.context import build_context_assets
from dagster_project.defs.descriptions import contracts, outside_assets
from dagster_project.defs.executor import one_writer
from dagster_project.defs.gate import build_gate_assets
from dagster_project.defs.jobs import build_jobs, data_years
from dagster_project.defs.landing import build_landing_assets, landed_resource
from dagster_project.defs.models import build_model_assets
from dagster_project.defs.promote import build_promote_job
from dagster_project.defs.publish import build_publish_asset
from dagster_project.defs.raw import build_raw_assets
from dagster_project.defs.schedules import build_schedules
from dagster_project.defs.sensors import build_sensors
from dagster_project.defs.settings import current_settings
from dagster_project.ingest.sidecar import Landed, landed_sidecars
from dagster_project.paths import Paths, export_to_environment, paths_from_environment
from dagster_project.run.dbt import parse
from dagster_project.store import Warehouse

warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def build_defs(paths: Paths, landed: Landed | None = None, *, as_candidate: bool = False) -> dg.Definitions:
    """Everything for one warehouse. Parses the dbt project first if its manifest is older than any of its files.

    landed: what the caller has read of the landing folder already; else each run reads it at its start.
    as_candidate: a refresh builds a candidate, whatever the settings of the warehouse say.
    """
    export_to_environment(paths)
    parse(paths)
    warehouse = Warehouse(paths.build_file)
    window = current_settings(paths).base_window
    years = data_years(landed.sidecars if landed else landed_sidecars(paths), window)
    manifest = json.loads(paths.dbt_manifest.read_text(encoding="utf-8"))
    assets: list[dg.AssetsDefinition | dg.AssetSpec] = [
        *build_landing_assets(years),
        *build_raw_assets(paths, warehouse, years),
        *build_gate_assets(paths, warehouse, years, dbt_project.gate_reads(manifest)),
        *build_context_assets(paths, warehouse),
        *dbt_project.build_dbt_assets(paths, warehouse, manifest),
        *build_model_assets(paths, warehouse, contracts(manifest)),
        build_publish_asset(paths, warehouse, mart_keys(manifest), as_candidate=as_candidate),
        *outside_assets(),
    ]
    return dg.Definitions(
        assets=assets,
        jobs=[*build_jobs(years), build_promote_job(paths)],
        schedules=build_schedules(paths),
        sensors=build_sensors(paths, warehouse),
        resources={"landed": landed_resource(paths, landed)},
        executor=one_writer(paths),
    )


def mart_keys(manifest: Mapping[str, Any]) -> list[dg.AssetKey]:
    """Keys of all marts, from dbt's manifest."""
    nodes = manifest["nodes"].values()
    models = [n for n in nodes if n["resource_type"] == "model" and n["schema"] in ("easy", "mart")]
    return [dg.AssetKey([n["schema"], n["name"]]) for n in models]


@dg.definitions
def defs() -> dg.Definitions:
    """Entry point of Dagster's webserver and daemon: the warehouse that the environment names, else the demo."""
    return build_defs(paths_from_environment())
