"""dbt inside the graph: where the project is, how its nodes are called, the four dbt steps.

Asset key = [schema, table], what an analyst types in SQL; group by the folder that the model lives in.
"""

import importlib.metadata
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtCliInvocation, DbtCliResource, dbt_assets
from packaging.version import Version

from dagster_project.defs.asset_groups import group_of_node
from dagster_project.defs.asset_words import LINEAGE, SCHEMA, column_lineage, result_table, schema_of
from dagster_project.defs.check_words import sentence_of
from dagster_project.defs.column_words import meanings
from dagster_project.defs.state import DbtState, forget, is_forced, project_key, records_of, unchanged, write_records
from dagster_project.paths import PROJECT, Paths, dbt_executable
from dagster_project.run.dbt import dbt_command, dbt_environment
from dagster_project.run.effort import current_effort
from dagster_project.store import Warehouse

type Beside = Callable[[], None]
POOL = "warehouse"
OF_DBT = ("unique_id", "invocation_id", "materialization_type")
INTERMEDIATE = "NQPF_INTERMEDIATE"  # how dbt_project.yml materialises what lies between cells and marts

# Each start of dbt costs seconds, so there are as few as the turns between SQL and Python allow: before the gate,
# before the engines, before the index, and once for all marts. Step -> (selection, exclusion) in dbt's words.
GATE_READS = "+fqn:reading +fqn:gate row_count city variable identity unit"
STEPS = {
    "dbt_reading": (GATE_READS, ""),
    # the test looks back at what the gate read: no selection of its neighbours brings it along
    "dbt_values": ("stg_landing__loads fqn:values resource_type:seed test_name:corrections_still_needed", GATE_READS),
    "dbt_panel": ("fqn:panel fqn:marts.dimensions", ""),
    "dbt_marts": ("fqn:marts fqn:easy", "fqn:marts.dimensions"),
}


class DbtProcess(DbtCliResource):
    """dbt as a process of its own and nothing else.

    Left out: one more process that asks for the version, and an adapter inside this process; it would serve metadata
    of columns, which `with_previews` reads with one connection.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(importlib.metadata.version("dbt-core"))

    def cli(self, args: Sequence[str], **how: Any) -> DbtCliInvocation:
        """The server of dbt is started by the first use, not by every process that only shows the graph."""
        ready = self.model_copy(update={"dbt_executable": str(dbt_command())})
        return DbtCliResource.cli(ready, args, **how)

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:
        return None


class Translator(DagsterDbtTranslator):
    """[schema, name] keys, groups in the order of the flow, the file to open. One-line marts say what they publish."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: Any) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id)
        if node is None:
            return spec
        text, result = str(node["description"]), result_table(node)
        file = PROJECT / "dbt" / node["original_file_path"]
        return spec.replace_attributes(
            key=dg.AssetKey([node["schema"], node["name"]]),
            group_name=group_of_node(node),
            description=spec.description if result is None else f"{text}\n\nPublishes `py.{result}` by its contract.",
        ).merge_attributes(
            metadata={
                "file": f"dbt/{node['original_file_path']}",
                "dagster/code_references": dg.CodeReferencesMetadataValue(
                    code_references=[dg.LocalFileCodeReference(file_path=str(file))]
                ),
            }
        )

    def get_asset_check_spec(
        self, asset_spec: dg.AssetSpec, manifest: Mapping[str, Any], unique_id: str, project: Any
    ) -> dg.AssetCheckSpec | None:
        spec = super().get_asset_check_spec(asset_spec, manifest, unique_id, project)
        if spec is None:
            return None
        return spec._replace(description=sentence_of(manifest["nodes"][unique_id], ".".join(spec.asset_key.path)))


def build_args() -> list[str]:
    """Arguments of one dbt invocation; Dagster adds the selection. Unit tests of SQL belong to `make test`."""
    # DuckDB takes all cores for one statement; the second node fills the time in which dbt itself works on the first
    threads = ["--threads", str(min(2, current_effort().workers))]
    # buildable: a test that also looks at later tables waits for the invocation that builds them
    return ["build", *threads, "--exclude-resource-type", "unit_test", "--indirect-selection", "buildable"]


def drain(stream: Iterator[Any]) -> tuple[list[Any], Exception | None]:
    """All events of a dbt invocation, and the failure that ended it: what went well is reported either way."""
    events: list[Any] = []
    try:
        for event in stream:
            events.append(event)
    except Exception as failure:
        return events, failure
    return events, None


def with_previews(events: list[Any], manifest: Mapping[str, Any], warehouse: Warehouse) -> Iterator[Any]:
    """The same events with columns; tables also get rows and a preview. Rows of a view would cost its whole query."""
    nodes, meaning = manifest["nodes"], meanings(manifest)
    with warehouse.connect(read_only=True) as con:
        for event in events:
            node = nodes.get(node_of(event))
            if node is not None:
                event = event.with_metadata({**event.metadata, **table_metadata(con, node, meaning)})
            yield event


def node_of(event: Any) -> str:
    """Unique id of the dbt node whose table an event reports, else ''."""
    return str(getattr(event.metadata.get("unique_id"), "value", "")) if isinstance(event, dg.Output) else ""


def in_order(events: Sequence[Any], nodes: Sequence[str], left: Mapping[str, Any]) -> Iterator[Any]:
    """Parents before children, made anew or left as they were; then the outcomes of tests."""
    made = {node: lean(event) for event in events if (node := node_of(event))}
    yield from (event for node in nodes if (event := made.get(node, left.get(node))) is not None)
    yield from (lean(event) for event in events if not node_of(event))


def lean(event: Any) -> Any:
    """The event without what dbt calls itself: an asset's page is for people."""
    return event.with_metadata({name: value for name, value in event.metadata.items() if name not in OF_DBT})


def table_metadata(
    con: duckdb.DuckDBPyConnection, node: Mapping[str, Any], meaning: Callable[[str], str | None]
) -> dict[str, Any]:
    """What a person wants to see of a table that was just built."""
    table = f"{node['schema']}.{node['name']}"
    found: dict[str, Any] = {}
    lineage = column_lineage(node)
    if lineage is not None:
        found[LINEAGE] = lineage
    if not any(column["data_type"] for column in node["columns"].values()):  # else the contract says it better
        found[SCHEMA] = described(con, table, node, meaning)
    if node["config"]["materialized"] != "view":
        found["dagster/row_count"] = int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
        preview = con.execute(f"from {table} limit 5").df().to_markdown(index=False)
        found["preview"] = dg.MetadataValue.md(preview)
    return found


def described(
    con: duckdb.DuckDBPyConnection, table: str, node: Mapping[str, Any], meaning: Callable[[str], str | None]
) -> dg.TableSchema:
    """Columns as they are; the table's own YAML has the word, where it says something."""
    own = {name: column["description"] for name, column in node["columns"].items()}
    return schema_of(con.execute(f"describe {table}").fetchall(), lambda name: own.get(name) or meaning(name))


def build_dbt_assets(
    paths: Paths, warehouse: Warehouse, manifest: dict[str, Any], beside: Mapping[str, Beside]
) -> list[dg.AssetsDefinition]:
    """beside: step -> what this process prepares for the steps after it while dbt works."""
    return [_build_step(paths, warehouse, manifest, name, beside.get(name)) for name in STEPS]


def _build_step(
    paths: Paths, warehouse: Warehouse, manifest: dict[str, Any], name: str, beside: Beside | None
) -> dg.AssetsDefinition:
    select, exclude = STEPS[name]
    settings = DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True)

    @dbt_assets(
        manifest=manifest,
        select=select,
        exclude=exclude,
        dagster_dbt_translator=Translator(settings),
        pool=POOL,
        name=name,
    )
    def step(context: dg.AssetExecutionContext, dbt: DbtCliResource) -> Iterator[Any]:
        chosen = {tuple(key.path) for key in context.selected_asset_keys}
        nodes = {unique_id: node for unique_id, node in manifest["nodes"].items() if _key(node) in chosen}
        state = DbtState(manifest, nodes, project_key(paths, {INTERMEDIATE: os.environ.get(INTERMEDIATE, "")}))
        known = records_of(warehouse, state.sources)
        stale = state.nodes if is_forced(context) else state.stale(known)
        left = [node for node in state.nodes if node not in stale]
        if not stale:
            yield from (unchanged(_key(nodes[node])) for node in left)
            return
        if beside:
            beside()
        with warehouse.connect() as con:
            forget(con, map(state.table, stale))
        without = ["--exclude", " ".join(nodes[node]["name"] for node in left)] if left else []
        target = paths.dbt_target / "runs" / context.run.run_id[:8] / context.op_handle.name
        events, failure = drain(dbt.cli([*build_args(), *without], context=context, target_path=target).stream())
        events = list(with_previews(events, manifest, warehouse))
        if failure is not None:
            yield from events
            raise failure
        with warehouse.connect() as con:
            write_records(con, state.made(con, stale, known))
        yield from in_order(events, state.nodes, {node: unchanged(_key(nodes[node])) for node in left})

    return step


def _key(node: Mapping[str, Any]) -> tuple[str, str]:
    return str(node["schema"]), str(node["name"])


def dbt_resource(paths: Paths) -> DbtCliResource:
    os.environ.update(dbt_environment(paths))
    return DbtProcess(
        project_dir=str(paths.dbt_project), profiles_dir=str(paths.dbt_project), dbt_executable=str(dbt_executable())
    )
