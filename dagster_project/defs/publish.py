"""Publish: snapshot, checks, exports, report, then one atomic swap. What is published is never half done."""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg

from dagster_project.defs.asset_groups import group
from dagster_project.defs.dbt_docs import DbtDocs
from dagster_project.defs.dbt_project import POOL
from dagster_project.defs.state import content_of_table, digest, read_records
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.operations.rebuild import read_manifest
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.diff import diff_frames
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.exchange import write_exchange
from dagster_project.publish.release.folder import (
    export_tables,
    latest_release,
    manifest_content,
    sha256_of,
    withdrawn_releases,
    write_manifest,
)
from dagster_project.publish.release.snapshot import Base, forbid_writing, same_content, swap_in, write_snapshot
from dagster_project.publish.site.site import write_report
from dagster_project.published import open_read_only, stray_log
from dagster_project.run.resources import current_resources
from dagster_project.run.versions import (
    dbt_hash,
    hash_of_files,
    import_closure,
    package_json,
    params_hash,
    presentation_hash,
    seeds_hash,
    specs_hash,
)
from dagster_project.store import Warehouse
from python_models.tasks import start_tasks

LAYOUT, TABLES_PAGE = "layout", "tables.html"
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
        told = publish(paths, warehouse, landed.sidecars, has_tables_page=True)
        release = paths.releases / str(told["release"])
        places: dict[str, Any] = {
            "file_to_query": paths.published_file,
            "release_folder": release,
            "report": release / "docs" / "index.html",
            "changes": release / "diff.md",
            "data_docs": paths.data_docs,
        }
        links = {name: dg.MetadataValue.path(str(place)) for name, place in places.items()}
        return dg.MaterializeResult(metadata={**told, **links})

    return city


def publish(
    paths: Paths, warehouse: Warehouse, sidecars: Sequence[Sidecar], *, has_tables_page: bool = False
) -> dict[str, Any]:
    """Write the next release unless nothing changed; returns what a person wants to know.

    has_tables_page: with dbt's page of tables and lineage, which takes some seconds and is made beside the exports.
    """
    state = warehouse.read_frame("from ops.run_context").iloc[0]
    fresh, current = paths.fresh_file, latest_release(paths.releases)
    made = _made(paths, warehouse)
    before = _before(paths, current, made)
    base = Base(paths.releases / current / "city.duckdb", before.same) if current and before.same else None
    counts = write_snapshot(paths.build_file, fresh, run_id=str(state["run_id"]), base=base)
    if current and _is_as_published(paths, fresh, current, before):
        _complete(paths, current, fresh)
        return {"release": current, "is_new": False, "tables": len(counts), "rows": sum(counts.values())}
    for withdrawn in withdrawn_releases(paths.releases):
        if current and same_content(fresh, paths.releases / withdrawn["release"] / "city.duckdb"):
            _complete(paths, current, fresh)  # the files still give what was taken back: it is not published again
            return {"release": current, "is_new": False, "tables": len(counts), "rows": sum(counts.values())}
    release = str(state["release"])
    folder = paths.releases / f".{release}.tmp"
    for left in paths.releases.glob(".*.tmp"):  # of killed runs
        shutil.rmtree(left)
    accepted = accepted_loads(warehouse, sidecars)
    is_drawn = has_tables_page and not before.has_tables_page
    docs = DbtDocs(paths) if is_drawn else None
    try:
        _write_release(paths, fresh, folder, release, current, accepted, docs, made, before)
    finally:
        if docs:
            docs.stop()
    folder.replace(paths.releases / release)
    swap_in(fresh, paths.published_file)
    return {"release": release, "is_new": True, "tables": len(counts), "rows": sum(counts.values())}


@dataclass(frozen=True)
class _Before:
    """What the current release holds just as the build does now.

    same: tables. contents: their hashes. presentation: hash of what shows them. has_tables_page: dbt's page of tables
    would be the same.
    """

    same: frozenset[str] = frozenset()
    contents: Mapping[str, str] = field(default_factory=dict)
    presentation: str = ""
    has_tables_page: bool = False


def _made(paths: Paths, warehouse: Warehouse) -> dict[str, str]:
    """Table of the build -> from what it was made, and its rows; `layout`: how a published file keeps its tables."""
    with warehouse.connect(read_only=True) as con:
        shown = {name: record for name, record in read_records(con).items() if name.startswith(("mart.", "easy."))}
        # the content of a view is its key, which says nothing of the rows of a run; that of a table is looked at again
        tables = {name: record.key for name, record in shown.items() if record.content != record.key}
        made = {name: digest(key, content_of_table(con, name)) for name, key in tables.items()}
    layout = hash_of_files(import_closure(paths.code, write_snapshot.__module__), paths)
    return made | {LAYOUT: digest(layout, package_json())}


def _before(paths: Paths, current: str | None, made: Mapping[str, str]) -> _Before:
    """Nothing is the same where the release's file is not what its manifest says."""
    if current is None:
        return _Before()
    folder = paths.releases / current
    manifest, file = read_manifest(folder), folder / "city.duckdb"
    hashes, earlier = manifest.get("hashes", {}), manifest.get("made", {})
    is_whole = file.is_file() and sha256_of(file) == manifest.get("files", {}).get(file.name)
    if not is_whole or earlier.get(LAYOUT) != made[LAYOUT]:
        return _Before(presentation=hashes.get("presentation", ""))
    same = frozenset(table for table in made if table != LAYOUT and earlier.get(table) == made[table])
    return _Before(
        same,
        {name: facts["content"] for name, facts in manifest["tables"].items() if f"mart.{name}" in same},
        hashes.get("presentation", ""),
        earlier == made and hashes.get("dbt") == dbt_hash(paths) and (folder / TABLES_PAGE).is_file(),
    )


def _is_as_published(paths: Paths, fresh: Path, current: str, before: _Before) -> bool:
    """No mart differs, and neither do the words, pages and exports that show them."""
    is_shown = before.presentation == presentation_hash(paths)
    return is_shown and same_content(fresh, paths.releases / current / "city.duckdb", known=before.same)


def _complete(paths: Paths, release: str, spare: Path) -> None:
    """Nothing new: drop the snapshot. The published file is put there if it is not (killed run, lost file)."""
    own = paths.releases / release / "city.duckdb"
    if paths.published_file.is_file() and sha256_of(own) == sha256_of(paths.published_file):
        spare.unlink()
        stray_log(paths.published_file).unlink(missing_ok=True)
        return
    shutil.copyfile(own, spare)
    swap_in(spare, paths.published_file)


def accepted_loads(warehouse: Warehouse, sidecars: Sequence[Sidecar]) -> list[Sidecar]:
    """What went in: a refused file may lie in the landing folder, unused."""
    loads = warehouse.read_frame("select source, data_year, vintage from mart.mart_source_load")
    accepted = {(source, int(year), vintage) for source, year, vintage in loads.to_numpy().tolist()}
    return [s for s in sidecars if (s.source, s.data_year, s.vintage) in accepted]


def _write_release(
    paths: Paths,
    fresh: Path,
    folder: Path,
    release: str,
    current: str | None,
    accepted: Sequence[Sidecar],
    docs: DbtDocs | None,
    made: Mapping[str, str],
    before: _Before,
) -> None:
    old = paths.releases / current / "city.duckdb" if current else None
    changes = diff_frames(old, fresh) if old and old.exists() else None
    report = partial(write_report, fresh, folder / "docs", release=release, previous=current, changed=changes)
    # the pages are a half of the work, and one core's: with two workers they are written while the database writes
    pages = start_tasks([report], workers=current_resources().workers)
    with open_read_only(fresh) as con:
        contents = table_contents(con, known=before.contents)
    exported = export_tables(fresh, folder, contents, paths.releases / current if current else None)
    write_exchange(fresh, folder, exported)
    (folder / "diff.md").write_text(diff_markdown(current, release, changes), encoding="utf-8")
    (folder / "diff.html").write_text(diff_html(current, release, changes), encoding="utf-8")
    shutil.copyfile(fresh, folder / "city.duckdb")
    forbid_writing(folder / "city.duckdb")
    if docs:
        (folder / TABLES_PAGE).write_text(docs.page(), encoding="utf-8")
    elif current and before.has_tables_page:
        shutil.copyfile(paths.releases / current / TABLES_PAGE, folder / TABLES_PAGE)
    list(pages)
    inputs = [
        {
            "source": s.source,
            "data_year": s.data_year,
            "vintage": s.vintage,
            "licence": s.licence,
            "files": [{"path": f.path, "sha256": f.sha256} for f in s.files],
        }
        for s in accepted
    ]
    hashes = {
        "seeds": seeds_hash(paths),
        "specs": specs_hash(paths),
        "params": params_hash(paths),
        "presentation": presentation_hash(paths),
        "dbt": dbt_hash(paths),
    }
    write_manifest(folder, manifest_content(fresh, release, exported, inputs, hashes, current, contents, made))
