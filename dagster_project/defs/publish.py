"""Publish: snapshot, checks, exports, report, then one atomic swap. What is published is never half done."""

import datetime as dt
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb

from dagster_project.defs.asset_groups import POOL, group
from dagster_project.defs.dbt_docs import DbtDocs
from dagster_project.defs.settings import current_settings
from dagster_project.files import sha256_of
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.operations.promote import keep_seal, read_review
from dagster_project.operations.rebuild import Manifest, contents_of, read_manifest
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.diff import Frames, diff_frames
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.exchange import write_exchange
from dagster_project.publish.release.folder import (
    export_tables,
    folder_of,
    latest_release,
    manifest_content,
    manifest_of,
    withdrawn_releases,
    write_manifest,
)
from dagster_project.publish.release.record import candidate_folders, say_on_pages, sweep, waiting, with_entry
from dagster_project.publish.release.review import review_lines, write_lines
from dagster_project.publish.release.review_page import PAGE, review_page
from dagster_project.publish.release.snapshot import forbid_writing, swap_in, write_snapshot
from dagster_project.publish.site.ink import write_ink
from dagster_project.publish.site.site import write_report
from dagster_project.published import open_read_only, stray_log
from dagster_project.run.publishing import read_publishing
from dagster_project.run.resources import current_resources
from dagster_project.run.versions import dbt_hash, params_hash, presentation_hash, seeds_hash, specs_hash
from dagster_project.store import Warehouse
from python_models.tasks import start_tasks

TABLES_PAGE = "tables.html"
PUBLISHED, SIGNED = dg.AssetKey(["published", "city"]), "signed"
# A yearbook appears once a year: after 400 days one was missed. A refresh that finds nothing new counts as a look.
FRESH = dg.FreshnessPolicy.time_window(fail_window=dt.timedelta(days=400), warn_window=dt.timedelta(days=370))


def build_publish_asset(
    paths: Paths, warehouse: Warehouse, mart_keys: list[dg.AssetKey], *, as_candidate: bool = False
) -> dg.AssetsDefinition:
    @dg.asset(
        key=["published", "city"],
        deps=[*mart_keys, ["ops", "synthetic_truth"]],
        pool=POOL,
        group_name=group("published"),
        kinds={"duckdb", "parquet"},
        freshness_policy=FRESH,
        check_specs=[dg.AssetCheckSpec(SIGNED, asset=PUBLISHED, description="No candidate waits for a signature.")],
        description="The file that analysts open, and its release folder: exports, manifest, diff, report. Where it is"
        " published by hand, a candidate for it.",
    )
    def city(landed: dg.ResourceParam[Landed]) -> dg.MaterializeResult:
        is_small = current_settings(paths).depth.is_headline_only  # then the published file and pages alone
        publication = publish(
            paths,
            warehouse,
            landed.sidecars,
            has_tables_page=not is_small,
            has_exports=not is_small,
            as_candidate=as_candidate,
        )
        release = folder_of(paths, str(publication["release"])) or paths.releases
        places: dict[str, Any] = {
            "file_to_query": paths.published_file,
            "release_folder": release,
            "report": release / "docs" / "index.html",
            "changes": release / "diff.md",
            "data_docs": paths.data_docs,
        }
        links = {name: dg.MetadataValue.path(str(place)) for name, place in places.items()}
        return dg.MaterializeResult(metadata={**publication, **links}, check_results=[signature_check(paths)])

    return city


def signature_check(paths: Paths) -> dg.AssetCheckResult:
    """Not passed while a candidate waits, with the way to its list."""
    names = waiting(paths)
    if not names:
        return dg.AssetCheckResult(passed=True, check_name=SIGNED, asset_key=PUBLISHED)
    folder = paths.candidates / names[-1]
    review = read_review(folder)
    return dg.AssetCheckResult(
        passed=False,
        check_name=SIGNED,
        asset_key=PUBLISHED,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"A candidate waits for a signature: {folder.name}, {len(review.open)} lines open.",
        metadata={"list": dg.MetadataValue.path(str(folder / PAGE)), "lines": len(review.lines)},
    )


def publish(
    paths: Paths,
    warehouse: Warehouse,
    sidecars: Sequence[Sidecar],
    *,
    has_tables_page: bool = False,
    has_exports: bool = True,
    as_candidate: bool = False,
) -> dict[str, Any]:
    """Write the next release, or a candidate for it, unless nothing changed; returns what a person wants to know.

    has_tables_page: with dbt's page of tables and lineage, which takes some seconds and is made beside the exports.
    has_exports: with the tables as CSV and Parquet.
    """
    as_candidate = as_candidate or read_publishing(paths).by_hand
    state = warehouse.read_frame("from ops.run_context").iloc[0]
    fresh, current, release = paths.fresh_file, latest_release(paths.releases), str(state["release"])
    counts = write_snapshot(paths.build_file, fresh, run_id=str(state["run_id"]))
    # one core's work: the pages, and what else does not ask for it, are made beside it
    contents = ThreadPoolExecutor(1).submit(_contents, open_read_only(fresh))
    summary = {"tables": len(counts), "rows": sum(counts.values())}
    hashes = {
        "seeds": seeds_hash(paths),
        "specs": specs_hash(paths),
        "params": params_hash(paths),
        "presentation": presentation_hash(paths),
        "dbt": dbt_hash(paths),
    }
    before = _intact_manifest(paths, current) if current else {}
    has_same_tables = bool(before) and contents_of(paths.releases / str(current), before) == contents.result()
    has_same_pages = has_same_tables and before["hashes"].get("presentation") == hashes["presentation"]
    if current and (has_same_pages or _was_withdrawn(paths, contents.result())):
        _complete(paths, current, fresh)
        return {"release": current, "is_new": False, **summary}
    if as_candidate and (same := _same_candidate(paths, current, contents.result(), hashes)):
        fresh.unlink()
        return {"release": same, "is_new": False, **summary}
    room = paths.candidates if as_candidate else paths.releases
    sweep(room)
    folder = room / f".{release}.tmp"
    old_page = paths.releases / str(current) / TABLES_PAGE
    is_page_same = has_same_tables and before["hashes"].get("dbt") == hashes["dbt"] and old_page.is_file()
    docs = DbtDocs(paths) if has_tables_page and not is_page_same else None
    try:
        exports, changes = _write_release(paths, fresh, folder, release, current, has_exports=has_exports)
        if docs:
            (folder / TABLES_PAGE).write_text(docs.page(), encoding="utf-8")
        elif has_tables_page:
            shutil.copyfile(old_page, folder / TABLES_PAGE)
    finally:
        if docs:
            docs.stop()
    inputs = _inputs(accepted_loads(warehouse, sidecars))
    manifest = manifest_content(fresh, release, exports, inputs, hashes, current, contents.result())
    manifest = with_entry(manifest, "candidate" if as_candidate else "published")
    if as_candidate:
        _write_review(paths, folder, release, current, changes)
        say_on_pages(folder, manifest)
    write_manifest(folder, manifest)
    if as_candidate:
        keep_seal(folder, release)
    folder.replace(room / release)
    if as_candidate:
        fresh.unlink()
    else:
        swap_in(fresh, paths.published_file)
    return {"release": release, "is_new": True, "is_candidate": as_candidate, **summary}


def _contents(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    with con:
        return table_contents(con)


def _write_review(paths: Paths, folder: Path, release: str, current: str | None, changes: Frames | None) -> None:
    """The list and its page."""
    files = [paths.releases / str(current) / "city.duckdb", folder / "city.duckdb"]
    files = [file for file in files if file.exists()]
    lines = review_lines(files[0] if files[1:] else None, files[-1], changes)
    write_lines(folder, release, current, lines)
    (folder / PAGE).write_text(review_page(release, current, lines, {}, files), encoding="utf-8")


def _same_candidate(
    paths: Paths, current: str | None, contents: Mapping[str, str], hashes: Mapping[str, str]
) -> str | None:
    """A candidate that waits, or that was rejected, with these tables and pages: it is not built again."""
    for folder in reversed(candidate_folders(paths)):
        manifest = manifest_of(folder)
        is_same = manifest["hashes"].get("presentation") == hashes["presentation"]
        if is_same and manifest.get("previous") == current and contents_of(folder, manifest) == contents:
            return folder.name
    return None


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
    paths: Paths, fresh: Path, folder: Path, release: str, current: str | None, *, has_exports: bool
) -> tuple[dict[str, dict[str, object]], Frames | None]:
    """Exports, descriptions for catalogues, report, comparison and the file itself; what was exported, and changed."""
    old = paths.releases / current / "city.duckdb" if current else None
    changes = diff_frames(old, fresh) if old and old.exists() else None
    write_ink(fresh, paths.landing, folder)
    report = partial(write_report, fresh, folder / "docs", release=release, previous=current, changed=changes)
    # the pages are a half of the work, and one core's: with two workers they are written while the database writes
    pages = start_tasks([report], workers=current_resources().workers if has_exports else 1)
    exports = export_tables(fresh, folder, has_files=has_exports)
    if has_exports:
        write_exchange(fresh, folder, exports)
    (folder / "diff.md").write_text(diff_markdown(current, release, changes), encoding="utf-8")
    (folder / "diff.html").write_text(diff_html(current, release, changes), encoding="utf-8")
    shutil.copyfile(fresh, folder / "city.duckdb")
    forbid_writing(folder / "city.duckdb")
    list(pages)
    return exports, changes


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
