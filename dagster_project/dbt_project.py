"""dbt inside the graph: where the project is, how its nodes are called, the one dbt asset.

Asset key = [schema, table], what an analyst types in SQL; group = the folder that the model lives in.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliResource, dbt_assets

from dagster_project.paths import Paths
from dagster_project.warehouse import Warehouse

POOL = "warehouse"


def dbt_executable() -> Path:
    return Path(sys.executable).parent / "dbt"


def dbt_environment(paths: Paths) -> dict[str, str]:
    """What dbt reads from the environment: the build file, its own target folder, no telemetry."""
    return {
        "NQPF_BUILD_FILE": str(paths.build_file),
        "DBT_TARGET_PATH": str(paths.dbt_target),
        "DBT_LOG_PATH": str(paths.dbt_target / "logs"),
        "DBT_PROFILES_DIR": str(paths.dbt_project),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DBT_USE_COLORS": "false",
        # a test waits until all its parents are built: the first load of a fresh warehouse has no marts
        "DBT_INDIRECT_SELECTION": "buildable",
    }


def manifest_path(paths: Paths) -> Path:
    return paths.dbt_target / "manifest.json"


def is_manifest_stale(paths: Paths) -> bool:
    """True if any file of the dbt project is younger than the manifest (or there is none)."""
    manifest = manifest_path(paths)
    if not manifest.exists():
        return True
    written = manifest.stat().st_mtime
    sources = [p for p in paths.dbt_project.rglob("*") if p.suffix in (".sql", ".yml", ".csv") and p.is_file()]
    return any(p.stat().st_mtime > written for p in sources)


def parse(paths: Paths) -> None:
    """Write the manifest. Does not open the build file."""
    paths.dbt_target.mkdir(parents=True, exist_ok=True)
    command = [str(dbt_executable()), "parse", "--project-dir", str(paths.dbt_project)]
    done = subprocess.run(
        command, env={**os.environ, **dbt_environment(paths)}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"dbt could not parse the project in {paths.dbt_project}:\n{done.stdout}{done.stderr}")


class Translator(DagsterDbtTranslator):
    """[schema, name] keys, groups by folder, SQL kept out of the descriptions."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id)
        if node is None:
            return spec
        return spec.replace_attributes(
            key=dg.AssetKey([node["schema"], node["name"]]), group_name=group_of(node), owners=["team:data"]
        )


def group_of(node: Mapping[str, Any]) -> str:
    """seeds, staging, intermediate, or the folder below marts."""
    if node["resource_type"] == "seed":
        return "reference"
    folders = node["fqn"][1:-1]
    return str(folders[-1]) if folders else "marts"


def build_args() -> list[str]:
    """Arguments of one dbt invocation; Dagster adds the selection. Unit tests of SQL belong to `make test`."""
    # buildable: a test that also looks at later tables waits for the invocation that builds them
    return ["build", "--exclude-resource-type", "unit_test", "--indirect-selection", "buildable"]


def drain(stream: Iterator[Any]) -> tuple[list[Any], Exception | None]:
    """All events of a dbt invocation, and the failure that ended it: what went well is reported either way."""
    events: list[Any] = []
    try:
        for event in stream:
            events.append(event)
    except Exception as failure:
        return events, failure
    return events, None


def with_previews(events: list[Any], nodes: Mapping[str, Any], warehouse: Warehouse) -> Iterator[Any]:
    """The same events; tables and seeds get rows and a preview as metadata. Views are left alone: they cost a query."""
    with warehouse.connect(read_only=True) as con:
        for event in events:
            unique_id = (
                str(getattr(event.metadata.get("unique_id"), "value", "")) if isinstance(event, dg.Output) else ""
            )
            node = nodes.get(unique_id)
            if node is None or node["config"]["materialized"] == "view":
                yield event
                continue
            table = f"{node['schema']}.{node['name']}"
            rows = int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
            preview = con.execute(f"from {table} limit 5").df().to_markdown(index=False)
            metadata = {**event.metadata, "dagster/row_count": rows, "preview": dg.MetadataValue.md(preview)}
            yield event.with_metadata(metadata)


def build_dbt_assets(paths: Paths, warehouse: Warehouse) -> dg.AssetsDefinition:
    nodes = json.loads(manifest_path(paths).read_text(encoding="utf-8"))["nodes"]
    settings = DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)

    @dbt_assets(
        manifest=manifest_path(paths),
        dagster_dbt_translator=Translator(settings),
        pool=POOL,
        name="dbt_models",
    )
    def dbt_models(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        target = paths.dbt_target / "runs" / context.run.run_id[:8] / context.op_handle.name
        events, failure = drain(dbt.cli(build_args(), context=context, target_path=target).stream())
        yield from with_previews(events, nodes, warehouse)
        if failure is not None:
            raise failure

    return dbt_models


def dbt_resource(paths: Paths) -> DbtCliResource:
    os.environ.update(dbt_environment(paths))
    return DbtCliResource(
        project_dir=str(paths.dbt_project),
        profiles_dir=str(paths.dbt_project),
        dbt_executable=str(dbt_executable()),
    )
