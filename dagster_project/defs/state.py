"""State of each step, by content: a step whose inputs, specs and code are unchanged is not run again.

Every table that another step reads has a content hash; every analysis, every dbt model, the reading and the verdict of
every load a key over its code and over the content of what it reads. Times, run ids and file dates do not count. The
records lie in the build file, in one transaction with the tables they speak of.
Whether a refresh has anything to do at all is decided in `run/up_to_date.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import dagster as dg
import duckdb

from dagster_project.files import hash_of_files
from dagster_project.ingest.sidecar import Sidecar
from dagster_project.paths import Paths
from dagster_project.run.versions import import_closure, package_json
from dagster_project.store import Warehouse

if TYPE_CHECKING:  # the gate and `nqpf inspect` do without the methods, which take seconds to import
    from dagster_project.study.registry import Analysis
    from dagster_project.study.settings import Settings

RECOMPUTE = "NQPF_RECOMPUTE"  # any text: every step runs, changed or not
UNCHANGED = "unchanged"  # metadata of a materialisation that made nothing
# Columns that say when and by whom, not what: a new run alone does not make what reads them stale.
VOLATILE = {
    "ops.run_context": (
        "run_id",
        "release",
        "started_at",
        "git_commit",
        "python_version",
        "package_json",
        "blas",
        "params_hash",
    ),
    "ops.validation_result": ("run_id", "checked_at"),
}
RUN_LOG = "ops.run_log"  # a list of runs, which only a view shows: a view is as new as what it reads
CONTENT = "count(*) || '-' || bit_xor(hash(t)) || '-' || sum((hash(t) >> 20)::hugeint) from ({query}) as t"


@dataclass(frozen=True)
class Record:
    """key: over code and inputs when it was made; content: hash of the rows ('' for a step)."""

    key: str
    content: str


def is_forced(context: dg.AssetExecutionContext) -> bool:
    """Whether a person asked for these very steps: then they run, changed or not."""
    return bool(context.run.asset_selection) or bool(os.environ.get(RECOMPUTE))


def unchanged(key: Sequence[str]) -> dg.MaterializeResult:
    """What a step says of a table that stays as it is."""
    return dg.MaterializeResult(asset_key=list(key), metadata={UNCHANGED: True})


def digest(*parts: object) -> str:
    """16 hex digits over the parts in their order."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def content_of(con: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()) -> str:
    """Hash of all rows of a query, whatever their order."""
    row = con.execute(f"select {CONTENT.format(query=query)}", list(parameters)).fetchone()
    return "" if row is None or row[0] is None else str(row[0])


def content_by_load(con: duckdb.DuckDBPyConnection, table: str) -> dict[tuple[object, ...], str]:
    """Source, data year and vintage -> hash of the rows of that load."""
    content = CONTENT.format(query=f"from {table}")
    rows = con.execute(f"select source, data_year, vintage, {content} group by all").fetchall()
    return {row[:3]: row[3] for row in rows}


def content_of_table(con: duckdb.DuckDBPyConnection, table: str) -> str:
    if table == RUN_LOG:
        return ""
    exclude = f" exclude ({', '.join(VOLATILE[table])})" if table in VOLATILE else ""
    return content_of(con, f"select *{exclude} from {table}")


def read_records(con: duckdb.DuckDBPyConnection) -> dict[str, Record]:
    """Name of a step, model or table -> what is recorded; only of what is still there."""
    there = {
        row[0]
        for row in con.execute(
            "select schema_name || '.' || table_name from duckdb_tables()"
            " union all select schema_name || '.' || view_name from duckdb_views()"
        ).fetchall()
    }
    rows = con.execute("select name, key, content from raw.state").fetchall()
    return {name: Record(key, content) for name, key, content in rows if "." not in name or name in there}


def step_of_load(verb: str, load: Sidecar) -> str:
    """Name of what is done to one load: 'read' or 'judge'."""
    return f"{verb} {load.source} {load.data_year} {load.vintage}"


def record_of(warehouse: Warehouse, step: str) -> Record:
    """What is recorded of one step; an empty key where there is nothing."""
    with warehouse.connect(read_only=True) as con:
        row = con.execute("select key, content from raw.state where name = ?", [step]).fetchone()
    return Record(*row) if row else Record("", "")


def write_records(con: duckdb.DuckDBPyConnection, records: Mapping[str, Record]) -> None:
    forget(con, records)
    rows = [[name, record.key, record.content] for name, record in records.items()]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], []]
    con.execute("insert into raw.state select unnest(?), unnest(?), unnest(?), now()::timestamp", columns)


def forget(con: duckdb.DuckDBPyConnection, names: Iterable[str]) -> None:
    """What is about to be made again has no record until it is done: a killed run makes it once more."""
    con.execute("delete from raw.state where list_contains(?, name)", [list(names)])


def key_of_analysis(
    con: duckdb.DuckDBPyConnection,
    entry: Analysis,
    settings: Settings,
    paths: Paths,
    before: str,
    contents: dict[str, str] | None = None,
) -> str:
    """Over the code that the analysis can reach, the settings, and the rows of each of its queries.

    before: name of the release that it looks back to, '' where there is none; releases never change.
    contents: query -> hash of its rows; what is looked at for the first time is added.
    """
    contents = {} if contents is None else contents
    module = entry.build.__module__
    code = hash_of_files(import_closure(paths.code, module), paths)
    queries = {} if entry.is_left_out(settings) else dict(sorted(entry.queries().items()))
    contents.update({query: content_of(con, query) for query in queries.values() if query not in contents})
    read = {label: contents[query] for label, query in queries.items()}
    return digest(code, repr(settings), package_json(), read, before)


class DbtState:
    """Keys of the dbt models of one step."""

    def __init__(self, manifest: Mapping[str, Any], nodes: Iterable[str], project: str) -> None:
        """nodes: unique ids of the step's seeds and models; project: hash of what holds for all of them."""
        self._all = {**manifest["nodes"], **manifest["sources"]}
        self.nodes = _in_order(set(nodes), self._all)
        self._project = project

    @cached_property
    def sources(self) -> set[str]:
        """Tables of Python that the models of the step read."""
        parents = {parent for node in self.nodes for parent in self.parents(node)}
        return {self.table(parent) for parent in parents if parent.startswith("source.")}

    def table(self, node: str) -> str:
        entry = self._all[node]
        return f"{entry['schema']}.{entry.get('identifier') or entry['name']}"

    def is_view(self, node: str) -> bool:
        return str(self._all[node].get("config", {}).get("materialized")) == "view"

    def stale(self, records: Mapping[str, Record]) -> list[str]:
        """Nodes to build, in order: their own text or what they read is not what it was, or they are not there.

        records: records, with the content of the step's sources as it is now.
        """
        stale_nodes: set[str] = set()
        for node in self.nodes:
            record = records.get(self.table(node))
            is_reached = any(parent in stale_nodes for parent in self.parents(node))
            if record is None or is_reached or record.key != self.key(node, records):
                stale_nodes.add(node)
        return [node for node in self.nodes if node in stale_nodes]

    def records(
        self, con: duckdb.DuckDBPyConnection, nodes_built: Iterable[str], records_before: Mapping[str, Record]
    ) -> dict[str, Record]:
        """Records of what was just built. Rows count where another step reads them: else the key stands for them."""
        records, new_nodes = dict(records_before), set(nodes_built)
        for node in [node for node in self.nodes if node in new_nodes]:
            table, key = self.table(node), self.key(node, records)
            is_counted = not self.is_view(node) and self._is_read_elsewhere(node)
            records[table] = Record(key, content_of_table(con, table) if is_counted else key)
        return {self.table(node): records[self.table(node)] for node in new_nodes}

    def key(self, node: str, before: Mapping[str, Record]) -> str:
        read = {
            parent: before[self.table(parent)].content for parent in self.parents(node) if self.table(parent) in before
        }
        return digest(self._project, self._text_digest(node), read)

    def _is_read_elsewhere(self, node: str) -> bool:
        """Whether a model of another step reads the table, itself or through views of this one."""
        readers = [reader for parent, reader in self._reads if parent == node]
        return any(r not in self.nodes or (self.is_view(r) and self._is_read_elsewhere(r)) for r in readers)

    @cached_property
    def _reads(self) -> list[tuple[str, str]]:
        """What is read, and the model that reads it."""
        return [(parent, node) for node in self._all if node.startswith("model.") for parent in self.parents(node)]

    def _text_digest(self, node: str) -> str:
        entry = self._all[node]
        texts = {name: entry.get(name) for name in ("checksum", "raw_code", "columns", "description", "config")}
        return digest(texts)

    def parents(self, node: str) -> list[str]:
        """Unique ids of what a node reads."""
        return sorted(p for p in self._all[node].get("depends_on", {}).get("nodes", []) if p in self._all)


def _in_order(nodes: set[str], entries: Mapping[str, Any]) -> list[str]:
    """Parents before children; names decide between those that do not know each other."""
    result: list[str] = []
    behind: set[str] = set()

    def visit(node: str) -> None:
        if node in behind:
            return
        behind.add(node)
        for parent in sorted(entries[node].get("depends_on", {}).get("nodes", [])):
            if parent in nodes:
                visit(parent)
        result.append(node)

    for node in sorted(nodes):
        visit(node)
    return result


def project_key(paths: Paths) -> str:
    """Over what holds for every model: macros, settings, versions of packages."""
    files = [*(paths.dbt_project / "macros").glob("*.sql"), paths.dbt_project / "dbt_project.yml"]
    return digest(hash_of_files(files, paths), package_json())


def records_of(warehouse: Warehouse, tables: Iterable[str]) -> dict[str, Record]:
    """All records, and of `tables` that no step has recorded the content as it is now."""
    with warehouse.connect(read_only=True) as con:
        records = read_records(con)
        unknown = [table for table in tables if table not in records]
        return records | {table: Record("", content_of_table(con, table)) for table in unknown}
