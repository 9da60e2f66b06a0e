"""What Dagster's pages say about an asset besides its description: columns, their lineage, tables written beside."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
import duckdb

from dagster_project.defs.asset_groups import group
from dagster_project.store import SCHEMA_SQL

CONTEXT_COLUMNS = ("data_vintage", "method_version", "boundary_vintage")  # macro publish_py joins them
SCHEMA = "dagster/column_schema"
LINEAGE = "dagster/column_lineage"

# Tables that assets write beside their own: seen in the graph, never run by themselves.
BESIDE = (
    (
        "validation_result",
        "gate",
        ("raw/load", "raw/series_load"),
        "One row per gate rule and load: what was observed, in a sentence. The gate writes it, also for refused loads.",
    ),
    (
        "vintage",
        "context",
        ("ops/run_context",),
        "One row per named set of accepted files, e.g. 2021A. Written with the run context.",
    ),
    (
        "run_log",
        "operations",
        ("ops/run_context",),
        "One row per run that got as far as a data vintage. Written with the run context.",
    ),
)


def outside_assets() -> list[dg.AssetSpec]:
    return [
        dg.AssetSpec(
            ["ops", table],
            deps=[key.split("/") for key in parents],
            group_name=group(home),
            description=text,
            kinds={"duckdb"},
        )
        for table, home, parents, text in BESIDE
    ]


def schema_of(described: Sequence[Sequence[Any]], meaning: Callable[[str], str | None]) -> dg.TableSchema:
    """Columns from what DuckDB says of a query: (name, type, ...), with what they mean."""
    return dg.TableSchema(
        [dg.TableColumn(str(column[0]), str(column[1]).lower(), meaning(str(column[0]))) for column in described]
    )


def schemas_of_schema_sql(meaning: Callable[[str], str | None]) -> dict[tuple[str, ...], dg.TableSchema]:
    """(schema, table) -> columns of the tables that Python owns."""
    with duckdb.connect() as con:
        con.execute(SCHEMA_SQL.read_text(encoding="utf-8"))
        tables = con.execute("select schema_name, table_name from duckdb_tables()").fetchall()
        described = {table: con.execute(f"describe {'.'.join(table)}").fetchall() for table in tables}
    return {table: schema_of(columns, meaning) for table, columns in described.items()}


def result_table(node: Mapping[str, Any]) -> str | None:
    """The table of schema py behind a one-line mart; None for a model that is SQL of its own."""
    if "publish_py(" not in node.get("raw_code", ""):
        return None
    (table,) = [name.rpartition(".")[2] for name in node["depends_on"]["nodes"] if name.startswith("source.nqpf.py.")]
    return str(table)


def column_lineage(node: Mapping[str, Any]) -> dg.TableColumnLineage | None:
    """Of a one-line mart: each column comes from the column of the same name. Other SQL is not taken apart."""
    table = result_table(node)
    if table is None:
        return None
    result, context = dg.AssetKey(["py", table]), dg.AssetKey(["ops", "run_context"])
    return dg.TableColumnLineage(
        {name: [dg.TableColumnDep(context if name in CONTEXT_COLUMNS else result, name)] for name in node["columns"]}
    )


@dataclass(frozen=True)
class Contract:
    """What a table of schema py is, and its columns: name -> (type, meaning)."""

    description: str
    columns: Mapping[str, tuple[str, str]]

    @property
    def types(self) -> dict[str, str]:
        return {name: kind for name, (kind, _) in self.columns.items()}


def contracts(manifest: Mapping[str, Any]) -> dict[str, Contract]:
    """Table of schema py -> its contract: that of the one-line mart that publishes it, else its entry as a source."""
    found = {source["name"]: source for source in manifest["sources"].values() if source["source_name"] == "py"}
    for node in manifest["nodes"].values():
        table = result_table(node) if node["resource_type"] == "model" else None
        if table is not None:
            found[table] = node
    return {
        table: Contract(
            str(props["description"]),
            {
                name: (str(column["data_type"]), str(column["description"]))
                for name, column in props["columns"].items()
                if name not in CONTEXT_COLUMNS
            },
        )
        for table, props in found.items()
    }


def with_columns(
    assets: Sequence[dg.AssetsDefinition | dg.AssetSpec],
    results: Mapping[str, Contract],
    meaning: Callable[[str], str | None],
) -> list[dg.AssetsDefinition | dg.AssetSpec]:
    """The same assets; those that Python writes know their columns before they ever ran."""
    known = schemas_of_schema_sql(meaning) | {
        ("py", table): dg.TableSchema([dg.TableColumn(name, *facts) for name, facts in result.columns.items()])
        for table, result in results.items()
    }

    def dress(spec: dg.AssetSpec) -> dg.AssetSpec:
        columns = known.get(tuple(spec.key.path))
        is_told = columns is None or SCHEMA in spec.metadata
        return spec if is_told else spec.merge_attributes(metadata={SCHEMA: columns})

    return list(dg.map_asset_specs(dress, assets))
