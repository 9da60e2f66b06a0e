"""What a refresh would do, without doing it: read, judge, build, compute. Nothing is written but dbt's manifest."""

from __future__ import annotations

import json
from dataclasses import dataclass

import duckdb

from dagster_project.defs.descriptions import contracts
from dagster_project.defs.gate import waits
from dagster_project.defs.models import file_of_vintage_before, key_of_step
from dagster_project.defs.raw import is_read
from dagster_project.defs.settings import current_settings
from dagster_project.defs.state import DbtState, project_key, read_records, records_of
from dagster_project.ingest.sidecar import Landed
from dagster_project.paths import Paths
from dagster_project.run.dbt import parse
from dagster_project.run.versions import gate_hash, reader_hash
from dagster_project.store import Warehouse
from dagster_project.study.registry import REGISTRY

# rows of the seed that the build file does not know yet, and what stands where they look
NEW_CORRECTIONS = """
select concat_ws(' ', k.source, k.city_id, k.year, k.variable_code), k.expect, any_value(v.text),
    coalesce(bool_or(trim(v.text) = trim(k.expect)), false)
from (from read_csv(?, all_varchar = true) where status <> 'withdrawn') as k
anti join seed.correction as s on k.source = s.source and k.city_id = s.city_id and k.year = s.year::varchar
    and k.variable_code = s.variable_code and k.scope = s.scope and k.action = s.action and k.expect = s.expect
left join reading.int_values_converted_to_units as v on k.source = v.source and k.city_id = v.city_id
    and k.year = v.year::varchar and k.variable_code = v.variable_code and k.scope = v.scope
group by k.source, k.city_id, k.year, k.variable_code, k.scope, k.expect order by all
"""


@dataclass(frozen=True)
class Plan:
    """read, judge: labels of loads; build: tables that SQL would make; compute: analyses that would run."""

    read: tuple[str, ...]
    judge: tuple[str, ...]
    build: tuple[str, ...]
    compute: tuple[str, ...]


def plan_refresh(paths: Paths, landed: Landed) -> Plan:
    """By content, as the steps themselves decide. A file that is read anew may change everything after it."""
    landed.check(landed.sidecars)
    parse(paths)
    manifest = json.loads(paths.dbt_manifest.read_text(encoding="utf-8"))
    models = {key: node for key, node in manifest["nodes"].items() if node["resource_type"] in ("seed", "model")}
    warehouse = Warehouse(paths.build_file)
    if not paths.build_file.exists():
        labels = tuple(sidecar.label for sidecar in landed.sidecars)
        tables = tuple(sorted(f"{node['schema']}.{node['name']}" for node in models.values()))
        return Plan(labels, labels, tables, tuple(entry.name for entry in REGISTRY))
    reader, gate = reader_hash(paths), gate_hash(paths)
    read = tuple(one.label for one in landed.sidecars if not is_read(warehouse, one, reader))
    judge = tuple(one.label for one in landed.sidecars if waits(warehouse, one, gate))
    state = DbtState(manifest, models, project_key(paths))
    records = records_of(warehouse, state.sources)
    if read or judge:  # what they will hold is not known yet
        records = {name: record for name, record in records.items() if not name.startswith("raw.")}
    stale = {state.table(node) for node in state.stale(records)}
    compute = _analyses(paths, warehouse, manifest, stale)
    affected_tables = stale | {f"py.{table}" for entry in REGISTRY if entry.name in compute for table in entry.writes}
    for node in state.nodes:
        if any(state.table(parent) in affected_tables for parent in state.parents(node)):
            affected_tables.add(state.table(node))
    return Plan(read, judge, tuple(sorted(t for t in affected_tables if not t.startswith("py."))), compute)


def new_corrections(paths: Paths) -> tuple[int, list[str]]:
    """Rows of correction.csv since the last refresh that meet a printed figure; a sentence on each that does not."""
    try:
        with Warehouse(paths.build_file).connect(read_only=True) as con:
            rows = con.execute(NEW_CORRECTIONS, [str(paths.seeds / "correction.csv")]).fetchall()
    except (OSError, duckdb.Error):  # nothing is read yet
        return 0, []
    misses = [
        f"{figure}: " + ("no landed file has that figure" if text is None else f"'{text}' is printed, not '{expect}'")
        for figure, expect, text, is_met in rows
        if not is_met
    ]
    return len(rows) - len(misses), misses


def _analyses(paths: Paths, warehouse: Warehouse, manifest: dict[str, object], stale: set[str]) -> tuple[str, ...]:
    """Those whose own key moved, and those that read what will be made anew."""
    settings, results = current_settings(paths), contracts(manifest)
    names: list[str] = []
    affected_tables = set(stale)
    with warehouse.connect(read_only=True) as con:
        records = read_records(con)
        for entry in REGISTRY:  # in an order in which each comes after what it reads
            is_reached = any(".".join(parent) in affected_tables for parent in entry.parents)
            step = f"py_{entry.name}"
            if not is_reached and step in records:
                before = file_of_vintage_before(entry, paths, warehouse)
                is_reached = records[step].key != key_of_step(con, entry, settings, paths, results, before)
            if is_reached or step not in records:
                names.append(entry.name)
                affected_tables |= {f"py.{table}" for table in entry.writes}
    return tuple(names)
