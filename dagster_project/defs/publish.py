"""Publish: snapshot, checks, exports, report, then one atomic swap. What is published is never half done."""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.defs.asset_groups import group
from dagster_project.defs.dbt_docs import DbtDocs
from dagster_project.defs.dbt_project import POOL
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.operations.rebuild import Manifest, contents_of, read_manifest
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.diff import diff_frames
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.exchange import write_exchange
from dagster_project.publish.release.folder import (
    export_tables,
    latest_release,
    manifest_content,
    withdrawn_releases,
    write_manifest,
)
from dagster_project.publish.release.snapshot import forbid_writing, swap_in, write_snapshot
from dagster_project.publish.site.site import write_report
from dagster_project.published import open_read_only, stray_log
from dagster_project.run.resources import current_resources
from dagster_project.run.versions import dbt_hash, params_hash, presentation_hash, seeds_hash, sha256_of, specs_hash
from dagster_project.store import Warehouse
from python_models.tasks import start_tasks

TABLES_PAGE = "tables.html"
# A yearbook appears once a year: after 400 days one was missed. A refresh that finds nothing new counts as a look.
FRESH = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=400), warn_window=dt.timedelta(days=370))


def build_publish_asset(paths: Paths, warehouse: Warehouse, mart_keys: list[dg.AssetKey]) -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "city"],
        deps=[*mart_keys, ["ops", "synthetic_truth"]],
        pool=POOL,
        group_name=group("published"),
        kinds={"duckdb", "parquet"},
        freshness_policy=FRESH,
        description="The file that analysts open, and its release folder: exports, manifest, diff, report.",
    )
    def city(landed: dg.ResourceParam[Landed]) -> dg.MaterializeResult:
        publication = publish(paths, warehouse, landed.sidecars, has_tables_page=True)
        release = paths.releases / str(publication["release"])
        places: dict[str, Any] = {
            "file_to_query": paths.published_file,
            "release_folder": release,
            "report": release / "docs" / "index.html",
            "changes": release / "diff.md",
            "data_docs": paths.data_docs,
        }
        links = {name: dg.MetadataValue.path(str(place)) for name, place in places.items()}
        return dg.MaterializeResult(metadata={**publication, **links})

    return city


def publish(
    paths: Paths, warehouse: Warehouse, sidecars: Sequence[Sidecar], *, has_tables_page: bool = False
) -> dict[str, Any]:
    """Write the next release unless nothing changed; returns what a person wants to know.

    has_tables_page: with dbt's page of tables and lineage, which takes some seconds and is made beside the exports.
    """
    state = warehouse.read_frame("from ops.run_context").iloc[0]
    fresh, current, release = paths.fresh_file, latest_release(paths.releases), str(state["release"])
    counts = write_snapshot(paths.build_file, fresh, run_id=str(state["run_id"]))
    with open_read_only(fresh) as con:
        contents = table_contents(con)
    summary = {"tables": len(counts), "rows": sum(counts.values())}
    hashes = {
        "seeds": seeds_hash(paths),
        "specs": specs_hash(paths),
        "params": params_hash(paths),
        "presentation": presentation_hash(paths),
        "dbt": dbt_hash(paths),
    }
    before = _intact_manifest(paths, current) if current else {}
    has_same_tables = bool(before) and contents_of(paths.releases / str(current), before) == contents
    has_same_pages = has_same_tables and before["hashes"].get("presentation") == hashes["presentation"]
    if current and (has_same_pages or _was_withdrawn(paths, contents)):
        _complete(paths, current, fresh)
        return {"release": current, "is_new": False, **summary}
    for left in paths.releases.glob(".*.tmp"):  # of killed runs
        shutil.rmtree(left)
    folder = paths.releases / f".{release}.tmp"
    old_page = paths.releases / str(current) / TABLES_PAGE
    is_page_same = has_same_tables and before["hashes"].get("dbt") == hashes["dbt"] and old_page.is_file()
    docs = DbtDocs(paths) if has_tables_page and not is_page_same else None
    try:
        exported = _write_release(paths, fresh, folder, release, current)
        if docs:
            (folder / TABLES_PAGE).write_text(docs.page(), encoding="utf-8")
        elif has_tables_page:
            shutil.copyfile(old_page, folder / TABLES_PAGE)
    finally:
        if docs:
            docs.stop()
    inputs = _inputs(accepted_loads(warehouse, sidecars))
    write_manifest(folder, manifest_content(fresh, release, exported, inputs, hashes, current, contents))
    folder.replace(paths.releases / release)
    swap_in(fresh, paths.published_file)
    return {"release": release, "is_new": True, **summary}


def _intact_manifest(paths: Paths, release: str) -> Manifest:
    """Manifest of a release whose published file is what it says; else nothing."""
    manifest, file = read_manifest(paths.releases / release), paths.releases / release / "city.duckdb"
    is_intact = file.is_file() and sha256_of(file) == manifest.get("files", {}).get(file.name)
    return manifest if is_intact else {}


def _was_withdrawn(paths: Paths, contents: Mapping[str, str]) -> bool:
    """Whether the files still give what was taken back: it is not published again."""
    folders = (paths.releases / row["release"] for row in withdrawn_releases(paths.releases))
    return any(contents_of(folder, read_manifest(folder)) == contents for folder in folders)


def _complete(paths: Paths, release: str, spare: Path) -> None:
    """Nothing new: drop the snapshot. The published file is put there if it is not (killed run, lost file)."""
    file = paths.releases / release / "city.duckdb"
    if paths.published_file.is_file() and sha256_of(file) == sha256_of(paths.published_file):
        spare.unlink()
        stray_log(paths.published_file).unlink(missing_ok=True)
        return
    shutil.copyfile(file, spare)
    swap_in(spare, paths.published_file)


def accepted_loads(warehouse: Warehouse, sidecars: Sequence[Sidecar]) -> list[Sidecar]:
    """What went in: a refused file may lie in the landing folder, unused."""
    loads = warehouse.read_frame("select source, data_year, vintage from mart.mart_source_load")
    accepted = {(source, int(year), vintage) for source, year, vintage in loads.to_numpy().tolist()}
    return [s for s in sidecars if (s.source, s.data_year, s.vintage) in accepted]


def _write_release(
    paths: Paths, fresh: Path, folder: Path, release: str, current: str | None
) -> dict[str, dict[str, object]]:
    """Exports, descriptions for catalogues, report, comparison and the file itself; returns what was exported."""
    old = paths.releases / current / "city.duckdb" if current else None
    changes = diff_frames(old, fresh) if old and old.exists() else None
    report = partial(write_report, fresh, folder / "docs", release=release, previous=current, changed=changes)
    # the pages are a half of the work, and one core's: with two workers they are written while the database writes
    pages = start_tasks([report], workers=current_resources().workers)
    exported = export_tables(fresh, folder)
    write_exchange(fresh, folder, exported)
    (folder / "diff.md").write_text(diff_markdown(current, release, changes), encoding="utf-8")
    (folder / "diff.html").write_text(diff_html(current, release, changes), encoding="utf-8")
    shutil.copyfile(fresh, folder / "city.duckdb")
    forbid_writing(folder / "city.duckdb")
    list(pages)
    return exported


def _inputs(accepted: Sequence[Sidecar]) -> list[dict[str, object]]:
    """Files of the loads that went in, with their hashes."""
    return [
        {
            "source": s.source,
            "data_year": s.data_year,
            "vintage": s.vintage,
            "licence": s.licence,
            "files": [{"path": f.path, "sha256": f.sha256} for f in s.files],
        }
        for s in accepted
    ]
