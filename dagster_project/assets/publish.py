"""Publish: snapshot, checks, exports, report, then one atomic swap. What is published is never half done."""

import shutil
from pathlib import Path

import dagster as dg

from dagster_project.analysis.history import remember_index
from dagster_project.dbt_project import POOL
from dagster_project.paths import Paths
from dagster_project.publishing.diff import diff_frames, diff_markdown
from dagster_project.publishing.release import export_tables, latest_release, manifest_content, write_manifest
from dagster_project.publishing.snapshot import same_content, swap_in, write_snapshot
from dagster_project.report.site import write_report
from dagster_project.run_state import landed_sidecars, params_hash, seeds_hash, specs_hash
from dagster_project.warehouse import Warehouse


def build_publish_asset(paths: Paths, warehouse: Warehouse, mart_keys: list[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "city"], deps=[*mart_keys, ["ops", "synthetic_truth"]], pool=POOL, group_name="published",
        owners=["team:data"], kinds={"duckdb", "parquet"},
        description="The file that analysts open, and its release folder: exports, manifest, diff, report.",
    )  # fmt: skip
    def city(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        metadata = publish(paths, warehouse)
        remember_index(warehouse)
        return dg.MaterializeResult(metadata=metadata)

    return city


def publish(paths: Paths, warehouse: Warehouse) -> dict[str, object]:
    """Write the next release unless nothing changed; returns what a person wants to know."""
    state = warehouse.read_frame("from ops.run_context").iloc[0]
    fresh = paths.published / "city.duckdb.tmp"
    counts = write_snapshot(paths.build_file, fresh, run_id=str(state["run_id"]))
    current = latest_release(paths.releases)
    if current and same_content(fresh, paths.releases / current / "city.duckdb"):
        _complete(paths, current, fresh)
        return {"release": current, "is_new": False, "tables": len(counts)}
    release = str(state["release"])
    folder = paths.releases / f".{release}.tmp"
    shutil.rmtree(folder, ignore_errors=True)
    _write_release(paths, fresh, folder, release, current, accepted_loads(warehouse))
    folder.replace(paths.releases / release)
    swap_in(fresh, paths.published_file)
    return {
        "release": release, "is_new": True, "tables": len(counts), "rows": sum(counts.values()),
        "folder": dg.MetadataValue.path(str(paths.releases / release)),
        "report": dg.MetadataValue.path(str(paths.releases / release / "docs" / "index.html")),
    }  # fmt: skip


def _complete(paths: Paths, release: str, spare: Path) -> None:
    """Nothing new: drop the snapshot. A run killed before its swap left a release that is not yet published."""
    if same_content(paths.releases / release / "city.duckdb", paths.published_file):
        spare.unlink()
        return
    shutil.copyfile(paths.releases / release / "city.duckdb", spare)
    swap_in(spare, paths.published_file)


def accepted_loads(warehouse: Warehouse) -> set[tuple[str, int, str]]:
    """(source, data year, vintage) of what went in: a refused file may lie in the landing folder, unused."""
    loads = warehouse.read_frame("select source, data_year, vintage from mart.mart_source_load")
    return {(str(row.source), int(row.data_year), str(row.vintage)) for row in loads.itertuples()}


def _write_release(
    paths: Paths, fresh: Path, folder: Path, release: str, current: str | None, accepted: set[tuple[str, int, str]]
) -> None:
    exported = export_tables(fresh, folder)
    inputs = [
        {"source": s.source, "data_year": s.data_year, "vintage": s.vintage, "licence": s.licence,
         "files": [{"path": f.path, "sha256": f.sha256} for f in s.files]}
        for s in landed_sidecars(paths)
        if (s.source, s.data_year, s.vintage) in accepted
    ]  # fmt: skip
    hashes = {"seeds": seeds_hash(paths), "specs": specs_hash(paths), "params": params_hash(paths)}
    write_manifest(folder, manifest_content(fresh, release, exported, inputs, hashes))
    has_old = current is not None and paths.published_file.exists()
    changes = diff_frames(paths.published_file, fresh) if has_old else None
    (folder / "diff.md").write_text(diff_markdown(current, release, changes), encoding="utf-8")
    shutil.copyfile(fresh, folder / "city.duckdb")
    write_report(fresh, folder / "docs", release=release)
