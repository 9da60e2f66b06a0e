"""Descriptions and columns of assets and checks, from dbt's manifest; where dbt has none, the name in words.

Not here: the dictionary of the published file (`publish/release/dictionary.py`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from dagster_project.defs.asset_groups import group

CONTEXT_COLUMNS = ("data_vintage", "method_version", "boundary_vintage")  # macro publish_py joins them
SCHEMA = "dagster/column_schema"

# Tables that assets write beside their own: shown in the graph, never run. Name, group, parents, description.
WRITTEN_BESIDE = (
    (
        "validation_result",
        "gate",
        ("raw/load", "raw/series_load"),
        "One row per gate rule and load, with what was observed. The gate writes it, also for refused loads.",
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
        for table, home, parents, text in WRITTEN_BESIDE
    ]


def in_words(name: str) -> str:
    """'data_year' -> 'Data year'."""
    return name.replace("_", " ").strip().capitalize()


def table_schema(columns: Iterable[tuple[str, str]], node: Mapping[str, Any]) -> dg.TableSchema:
    """Columns (name, type) of a table with the descriptions that its dbt node has."""
    words_of = {name: str(column["description"]) for name, column in node["columns"].items()}
    return dg.TableSchema(
        [dg.TableColumn(name, kind.lower(), words_of.get(name) or in_words(name)) for name, kind in columns]
    )


def preview(names: Iterable[object], rows: Iterable[Sequence[object]]) -> str:
    """Rows as a table in Markdown. DataFrame.to_markdown lays out columns, which takes ten times as long."""
    table = [list(names), *rows]
    table.insert(1, ["---"] * len(table[0]))
    cells = ((str(cell).replace("|", "\\|").replace("\n", " ") for cell in row) for row in table)
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def check_description(test: Mapping[str, Any]) -> str:
    """dbt's description of a test, else its kind and arguments: 'Unique: column_name n'."""
    metadata = test.get("test_metadata") or {"name": test["name"], "kwargs": {}}
    arguments = {name: value for name, value in metadata["kwargs"].items() if name != "model"}
    limits = "; ".join(f"{name} {value}" for name, value in arguments.items())
    return str(test["description"]) or f"{in_words(metadata['name'])}: {limits}".removesuffix(": ")


def result_table(node: Mapping[str, Any]) -> str | None:
    """The table of schema py behind a one-line mart; None for a model that is SQL of its own."""
    if "publish_py(" not in node.get("raw_code", ""):
        return None
    (table,) = [name.rpartition(".")[2] for name in node["depends_on"]["nodes"] if name.startswith("source.nqpf.py.")]
    return str(table)


@dataclass(frozen=True)
class Contract:
    """Description of a table of schema py, and its columns with types and descriptions."""

    description: str
    schema: dg.TableSchema

    @property
    def types(self) -> dict[str, str]:
        return {column.name: column.type for column in self.schema.columns}


def contracts(manifest: Mapping[str, Any]) -> dict[str, Contract]:
    """Contract of each table of schema py: that of the one-line mart that publishes it, else its entry as a source."""
    nodes = {source["name"]: source for source in manifest["sources"].values() if source["source_name"] == "py"}
    for node in manifest["nodes"].values():
        table = result_table(node) if node["resource_type"] == "model" else None
        if table is not None:
            nodes[table] = node
    return {table: Contract(str(node["description"]), _own_columns(node)) for table, node in nodes.items()}


def _own_columns(node: Mapping[str, Any]) -> dg.TableSchema:
    columns = [(name, str(column["data_type"])) for name, column in node["columns"].items()]
    return table_schema([column for column in columns if column[0] not in CONTEXT_COLUMNS], node)
