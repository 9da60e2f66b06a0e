"""The one list of everything: `build_defs(paths)` makes it, `dagster_defs.defs` is what Dagster loads."""

from __future__ import annotations

import json
import shutil
import warnings

import dagster as dg

from dagster_project import dbt_project
from dagster_project.asset_words import outside_assets, with_columns
from dagster_project.assets.context import build_context_assets
from dagster_project.assets.gate import build_gate_assets
from dagster_project.assets.landing import build_landing_assets
from dagster_project.assets.models import build_model_assets
from dagster_project.assets.publish import build_publish_asset
from dagster_project.assets.raw import build_raw_assets
from dagster_project.jobs import build_jobs
from dagster_project.operations.one_writer import one_writer
from dagster_project.partitions import data_years
from dagster_project.paths import PROJECT, Paths, export_to_environment
from dagster_project.run_state import landed_sidecars
from dagster_project.schedules import build_schedules
from dagster_project.sensors import build_sensors
from dagster_project.warehouse import Warehouse

warnings.filterwarnings("ignore", category=dg.BetaWarning)
warnings.filterwarnings("ignore", category=dg.PreviewWarning)


def prepare_instance(paths: Paths) -> None:
    """DAGSTER_HOME with the instance file that makes the write pool real."""
    paths.dagster_home.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(PROJECT / "dagster_project" / "instance" / "dagster.yaml", paths.dagster_home / "dagster.yaml")


def build_defs(paths: Paths) -> dg.Definitions:
    """Everything for one warehouse. Parses the dbt project first if its manifest is older than any of its files."""
    export_to_environment(paths)
    if dbt_project.is_manifest_stale(paths):
        dbt_project.parse(paths)
    warehouse = Warehouse(paths.build_file)
    years = data_years(landed_sidecars(paths))
    assets = [
        *build_landing_assets(paths, years),
        *build_raw_assets(paths, warehouse, years),
        *build_gate_assets(paths, warehouse, years),
        *build_context_assets(paths, warehouse),
        *dbt_project.build_dbt_assets(paths, warehouse),
        *build_model_assets(warehouse),
        build_publish_asset(paths, warehouse, mart_keys(paths)),
        *outside_assets(),
    ]
    jobs = build_jobs(years)
    refresh = jobs[-1]
    return dg.Definitions(
        assets=with_columns(assets, dbt_project.manifest_path(paths)), jobs=jobs,
        schedules=build_schedules(paths, refresh),
        sensors=build_sensors(paths, warehouse, refresh), resources={"dbt": dbt_project.dbt_resource(paths)},
        executor=one_writer(paths),
    )  # fmt: skip


def mart_keys(paths: Paths) -> list[dg.AssetKey]:
    """Keys of all marts, from dbt's manifest."""
    nodes = json.loads(dbt_project.manifest_path(paths).read_text(encoding="utf-8"))["nodes"].values()
    return [dg.AssetKey(["mart", n["name"]]) for n in nodes if n["resource_type"] == "model" and n["schema"] == "mart"]
