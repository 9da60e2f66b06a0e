"""The doctor on files: build file, published file, releases, landing files, what killed runs left."""

import json
from collections.abc import Iterator
from pathlib import Path

from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.sidecar import check_files, check_set, find_sidecars
from dagster_project.operations.database_file import damage_of
from dagster_project.operations.findings import Finding
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import MANIFEST, latest_release, sha256_of
from dagster_project.publish.release.verify import verify_release
from dagster_project.published import open_read_only, stray_log
from dagster_project.run.kind import marker

REFRESH = "run `nqpf refresh`"
KINDS = ("synthetic", "real")


def check_build(paths: Paths) -> Iterator[Finding]:
    """Missing, truncated, damaged; the write-ahead log beside it counts as a part of it."""
    file, log = paths.build_file, paths.build_file.with_name(f"{paths.build_file.name}.wal")
    if not file.exists():
        if paths.published_file.exists() or latest_release(paths.releases) or log.exists():
            yield Finding("The build file is missing", file, f"{REFRESH}: it is rebuilt from the landing files")
        return
    damage = damage_of(file)
    if damage:
        parts = f" ({log.name} beside it is part of it)" if log.exists() else ""
        yield Finding(
            f"The build file is damaged{parts}: {damage[:200]}",
            file,
            f"`nqpf doctor --fix` sets it aside; then {REFRESH}: it is rebuilt from the landing files",
            "set_aside",
        )


def check_published(paths: Paths) -> Iterator[Finding]:
    """The file that analysts open is there, whole, and that of the newest release; the newest release is whole."""
    newest = latest_release(paths.releases)
    own = paths.releases / newest / "city.duckdb" if newest else None
    problems = _release_problems(own.parent) if own else []
    for problem in problems[:5]:
        yield Finding(
            f"Release {newest}: {problem}",
            paths.releases / str(newest),
            f"restore a backup (`nqpf restore`), or rebuild it: `nqpf release rebuild {newest} --into FOLDER`",
        )
    file = paths.published_file
    if stray_log(file).exists():
        yield Finding(
            "Another program wrote into the published file, and whoever reads it reads that too",
            stray_log(file),
            "close that program (open the file read-only there); `nqpf doctor --fix` removes what it wrote",
            "remove",
        )
    is_good = own is not None and not problems
    do = "`nqpf doctor --fix` copies it from the newest release" if is_good else "restore a backup (`nqpf restore`)"
    fix = "republish" if is_good else ""
    if file.is_symlink() and not file.exists():
        yield Finding("The published file is a broken link", file, do, fix)
    elif not file.exists():
        if newest:
            yield Finding("The published file is missing", file, do, fix)
    elif damage_of(file):
        yield Finding(f"The published file is damaged: {str(damage_of(file))[:200]}", file, do, fix)
    elif own and own.exists() and sha256_of(own) != sha256_of(file):
        what = f"The published file is not the one of the newest release {newest}"
        yield Finding(what, file, f"{do}, or {REFRESH}", fix)


def _release_problems(folder: Path) -> list[str]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return [f"{MANIFEST} cannot be read ({error})."]
    damage = damage_of(folder / "city.duckdb")
    if damage:
        return [f"city.duckdb is damaged: {damage[:160]}"]
    return list(verify_release(folder, manifest).problems)


def check_older_releases(paths: Paths) -> Iterator[Finding]:
    """Present and readable; their hashes are the business of `nqpf release verify`."""
    newest = latest_release(paths.releases)
    for folder in sorted(paths.releases.glob("[!.]*")):
        if folder.name == newest or not folder.is_dir():
            continue
        missing = [name for name in (MANIFEST, "city.duckdb") if not (folder / name).is_file()]
        if missing:
            yield Finding(
                f"The release folder is incomplete: {' and '.join(missing)} missing",
                folder,
                "restore a backup (`nqpf restore`), or delete the folder",
            )


def check_leftovers(paths: Paths) -> Iterator[Finding]:
    """What killed runs left, and links that lead nowhere. Nothing of it is ever read."""
    patterns = (
        (paths.published, f"{paths.fresh_file.name}*"),
        (paths.releases, ".*.tmp"),
        (paths.reports, ".last_run.*.tmp"),
        (paths.warehouse, ".restore.tmp"),
        (paths.landing.parent, f".{paths.landing.name}.old"),
    )
    for folder, pattern in patterns:
        for path in sorted(folder.glob(pattern)):
            yield Finding("Left by a run that was killed", path, "`nqpf doctor --fix` removes it", "remove")
    for path in sorted(paths.warehouse.rglob("*")):
        if path.is_symlink() and not path.exists() and path != paths.published_file:
            what = f"A broken link ({path.readlink()})"
            yield Finding(what, path, "delete the link, or bring its target back")


def check_landing(paths: Paths) -> Iterator[Finding]:
    """Sidecars can be read, their files are there and have their sha256; one kind of data in one warehouse."""
    try:
        sidecars = check_set(find_sidecars(paths.sidecars))
    except IngestError as error:
        yield Finding(f"Sidecars: {error}", paths.sidecars, "correct the sidecar")
        return
    for sidecar in sidecars:
        try:
            check_files(sidecar, paths.landing)
        except IngestError as error:
            yield Finding(str(error), sidecar.path, "restore the file as it was landed")
    if sidecars:
        yield from _one_kind(paths, "synthetic" if sidecars[0].is_synthetic else "real")


def _one_kind(paths: Paths, landed: str) -> Iterator[Finding]:
    written, file_of_mark = marker(paths), paths.kind_file
    if written and written not in KINDS:
        yield Finding(
            f"The marker says '{written}', not {' or '.join(KINDS)}", file_of_mark, f"write '{landed}' into it"
        )
    elif written and written != landed:
        yield Finding(
            f"The warehouse holds {written} data, the landing files are {landed}",
            file_of_mark,
            "name another --landing or another --warehouse: they are never mixed",
        )
    file = paths.published_file
    if file.exists() and not stray_log(file).exists() and not damage_of(file):
        with open_read_only(file) as con:
            flags = con.execute("select distinct is_synthetic from mart.dim_vintage").fetchall()
        kinds = sorted("synthetic" if flag else "real" for (flag,) in flags)
        if len(kinds) > 1 or (written in KINDS and kinds and kinds != [written]):
            yield Finding(
                f"Published are {' and '.join(kinds)} data, the marker says {written}",
                file_of_mark,
                "restore a backup: one of the two was put there by hand",
            )
