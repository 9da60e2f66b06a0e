"""dbt in the asset graph: keys and groups of its nodes, and the four steps that build them.

Asset key = [schema, table], what an analyst types in SQL; group by the folder that the model lives in.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtTranslator, dbt_assets

from dagster_project.defs.asset_groups import POOL, group_of_node
from dagster_project.defs.descriptions import SCHEMA, check_description, preview, result_table, table_schema
from dagster_project.defs.settings import current_settings
from dagster_project.defs.state import DbtState, forget, is_forced, project_key, records_of, unchanged, write_records
from dagster_project.paths import PROJECT, Paths
from dagster_project.published import sql_text
from dagster_project.run.dbt import DbtError, build
from dagster_project.run.resources import current_resources
from dagster_project.store import Warehouse
from dagster_project.study.registry import results_left_out

type Event = dg.MaterializeResult | dg.AssetCheckResult

# Each run of dbt costs seconds, so there are as few as the turns between SQL and Python allow: before the gate,
# before the engines, before the index, and once for all marts. Step -> (selection, exclusion) in dbt's words.
GATE_READS = "+exposure:gate"  # dbt/models/gate/_gate.yml
STEPS = {
    "dbt_reading": (GATE_READS, ""),
    # the test looks back at what the gate read: no selection of its neighbours brings it along
    "dbt_values": ("stg_landing__loads fqn:values resource_type:seed test_name:corrections_still_needed", GATE_READS),
    "dbt_panel": ("fqn:panel fqn:marts.dimensions", ""),
    "dbt_marts": ("fqn:marts fqn:easy", "fqn:marts.dimensions"),
}


def gate_reads(manifest: Mapping[str, Any]) -> list[dg.AssetKey]:
    """Keys of the models and seeds that the gate reads, from dbt's manifest."""
    (gate,) = (exposure for exposure in manifest["exposures"].values() if exposure["name"] == "gate")
    return [dg.AssetKey(_key(manifest["nodes"][node])) for node in gate["depends_on"]["nodes"]]


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
        return dg.AssetCheckSpec(
            spec.name,
            asset=spec.asset_key,
            description=check_description(manifest["nodes"][unique_id]),
            additional_deps=spec.additional_deps,
            blocking=spec.blocking,
        )


def materialized(con: duckdb.DuckDBPyConnection, node: Mapping[str, Any], seconds: float) -> dg.MaterializeResult:
    """The event of a seed or model that dbt has built: seconds and columns; of a table also its rows and a preview."""
    table = f"{node['schema']}.{node['name']}"
    metadata: dict[str, Any] = {"seconds": round(seconds, 2)}
    if not any(column["data_type"] for column in node["columns"].values()):  # else the contract has the columns
        columns = con.execute(f"describe {table}").fetchall()
        metadata[SCHEMA] = table_schema([(str(column[0]), str(column[1])) for column in columns], node)
    if node["config"]["materialized"] != "view":  # the rows of a view would cost its whole query
        metadata["dagster/row_count"] = int(con.execute(f"select count(*) from {table}").fetchall()[0][0])
        first = con.execute(f"from {table} limit 5")
        metadata["preview"] = dg.MetadataValue.md(preview((c[0] for c in first.description), first.fetchall()))
    return dg.MaterializeResult(asset_key=_key(node), metadata=metadata)


def make_empty(con: duckdb.DuckDBPyConnection, node: Mapping[str, Any]) -> None:
    """The table of a contract, with its descriptions and without rows."""
    table, columns = f"{node['schema']}.{node['name']}", node["columns"].values()
    parts = (
        " ".join(
            [column["name"], column["data_type"], *(one["type"].replace("_", " ") for one in column["constraints"])]
        )
        for column in columns
    )
    con.execute(f"begin; create schema if not exists {node['schema']}")
    con.execute(f"create or replace table {table} ({', '.join(parts)})")
    for what, of in ((f"table {table}", node), *((f"column {table}.{column['name']}", column) for column in columns)):
        con.execute(f"comment on {what} is '{sql_text(of['description'])}'")
    con.execute("commit")


def check_result(key: dg.AssetCheckKey, result: Mapping[str, Any]) -> dg.AssetCheckResult:
    """The event of a dbt test that ran."""
    status = str(result["status"])
    return dg.AssetCheckResult(
        passed=status == "pass",
        asset_key=key.asset_key,
        check_name=key.name,
        severity=dg.AssetCheckSeverity.WARN if status == "warn" else dg.AssetCheckSeverity.ERROR,
        metadata={"status": status, "failed_rows": int(result["failures"] or 0)},
    )


def build_dbt_assets(paths: Paths, warehouse: Warehouse, manifest: dict[str, Any]) -> list[dg.AssetsDefinition]:
    return [_build_step(paths, warehouse, manifest, name) for name in STEPS]


def _build_step(paths: Paths, warehouse: Warehouse, manifest: dict[str, Any], name: str) -> dg.AssetsDefinition:
    select, exclude = STEPS[name]
    nodes = manifest["nodes"]

    @dbt_assets(
        manifest=manifest, select=select, exclude=exclude, dagster_dbt_translator=Translator(), pool=POOL, name=name
    )
    def step(context: dg.AssetExecutionContext) -> Iterator[Event]:
        keys = {tuple(key.path) for key in context.selected_asset_keys}
        unique_ids = [unique_id for unique_id, node in nodes.items() if _key(node) in keys]
        state = DbtState(manifest, unique_ids, project_key(paths))
        record_of = records_of(warehouse, state.sources)
        stale = state.nodes if is_forced(context) else state.stale(record_of)
        up_to_date = {*stale, *(node for node in nodes if state.table(node) in record_of)}
        tests = [
            test
            for test in _tests_of(context, step, nodes)
            if up_to_date.issuperset(parents := state.parents(test))
            and (context.run.asset_check_selection or not set(stale).isdisjoint(parents))
        ]
        results: dict[str, dict[str, Any]] = {}
        failure = None
        left_out = results_left_out(current_settings(paths))
        empty = [node for node in stale if result_table(nodes[node]) in left_out]
        with warehouse.connect() as con:
            forget(con, map(state.table, stale))
            for node in empty:
                make_empty(con, nodes[node])
                results[node] = {"status": "success", "execution_time": 0.0}
        results |= {test: {"status": "pass", "failures": 0} for test in tests if nodes[test]["attached_node"] in empty}
        due = [node for node in (*stale, *tests) if node not in results]
        if due:
            target = paths.dbt_target / "runs" / context.run_id[:8] / name
            fqns = [".".join(nodes[node]["fqn"]) for node in due]
            try:
                # DuckDB takes all cores for one statement; a second node fills the time in which dbt works on the first
                results |= build(paths, fqns, target, threads=min(2, current_resources().workers))
            except DbtError as error:
                results, failure = results | error.results, error
        events = [unchanged(_key(nodes[node])) for node in state.nodes if node not in stale]
        with warehouse.connect() as con:
            for node in state.nodes:  # parents before children
                if node in results and results[node]["status"] == "success":
                    events.append(materialized(con, nodes[node], results[node]["execution_time"]))
            if failure is None:
                write_records(con, state.records(con, stale, record_of))
        yield from events
        for test in tests:
            if test in results and results[test]["status"] != "skipped" and _check_key(test, nodes) in step.check_keys:
                yield check_result(_check_key(test, nodes), results[test])
        if failure is not None:
            raise failure

    return step


def _tests_of(context: dg.AssetExecutionContext, step: dg.AssetsDefinition, nodes: Mapping[str, Any]) -> list[str]:
    """Tests of the chosen tables, but those whose check was left out; of no table, the tests of the chosen checks.

    Dagster has no check for a test that reads tables of another step: it runs, and fails the step.
    """
    left_out = step.check_keys - context.selected_asset_check_keys
    tests = []
    for unique_id in (unique_id for unique_id, node in nodes.items() if node["resource_type"] == "test"):
        key = _check_key(unique_id, nodes)
        is_chosen = key.asset_key in context.selected_asset_keys and key not in left_out
        if is_chosen or key in context.selected_asset_check_keys:
            tests.append(unique_id)
    return tests


def _check_key(test: str, nodes: Mapping[str, Any]) -> dg.AssetCheckKey:
    """Key of the check that a dbt test is: on the table in whose YAML it stands."""
    return dg.AssetCheckKey(dg.AssetKey(_key(nodes[nodes[test]["attached_node"]])), nodes[test]["name"])


def _key(node: Mapping[str, Any]) -> tuple[str, str]:
    return str(node["schema"]), str(node["name"])
