"""A warehouse in one folder, with the sha256 of every file; and back again.

Everything is kept that cannot be computed again (landing files, sidecars, releases, the history of runs), and the
build file, so that a restored warehouse is at work at once. dbt's own output and caches are left out.
"""

import datetime as dt
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb

from dagster_project.ingest.sidecar import find_sidecars
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import latest_release, sha256_of
from dagster_project.published import is_locked
from dagster_project.run.versions import project_version
from dagster_project.store import WarehouseBusy

LIST = "backup.json"
PARTS = ("published", "reports", "dagster_home", "build")  # folders of the warehouse; the lock lies in the last one
NOT_KEPT = ("refresh.lock",)


class BackupError(Exception):
    """Nothing was changed; the text says why and what to do."""


def back_up(paths: Paths, target: Path) -> dict[str, object]:
    """Copy the warehouse into a new folder; it gets its name when it is whole. The caller holds the refresh lock."""
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise BackupError(f"{target} is not empty. Name a folder that does not exist yet.")
    if target.resolve().is_relative_to(paths.warehouse):
        raise BackupError(f"{target} lies inside the warehouse. Name a folder elsewhere, best on another disk.")
    fresh = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    _flush(paths.build_file)
    hashes = {}
    for name, source in _kept(paths):
        copy = fresh / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, copy)
        hashes[name] = sha256_of(source)
        if sha256_of(copy) != hashes[name]:
            raise BackupError(f"{source} changed or could not be copied while it was read. Run the backup again.")
    if not hashes:
        raise BackupError(f"There is nothing to keep in {paths.warehouse}. Run `nqpf refresh` first.")
    content: dict[str, object] = {
        "warehouse": str(paths.warehouse),
        "made": dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        "version": project_version(),
        "release": latest_release(paths.releases),
        "bytes": sum((fresh / name).stat().st_size for name in hashes),
        "files": hashes,
    }
    (fresh / LIST).write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    if target.exists():
        target.rmdir()
    fresh.rename(target)
    return content


def _flush(build_file: Path) -> None:
    """What is in the write-ahead log goes into the file: one file is kept."""
    if not build_file.exists():
        return
    try:
        with duckdb.connect(str(build_file)) as con:
            con.execute("checkpoint")
    except duckdb.IOException as error:
        if is_locked(error):
            raise WarehouseBusy(
                f"The build file {build_file} is in use by another process. Run again later."
            ) from error
        raise


def _kept(paths: Paths) -> Iterator[tuple[str, Path]]:
    """(name in the backup, file): parts of the warehouse, landing files, sidecars."""
    for part in PARTS:
        folder = paths.warehouse / part
        for file in _files(folder):
            inside = file.relative_to(folder)
            if inside.name not in NOT_KEPT and (part != "build" or inside.parts[0] != "dbt"):
                yield f"{part}/{inside.as_posix()}", file
    yield from _landed(paths)


def _landed(paths: Paths) -> Iterator[tuple[str, Path]]:
    """A landing folder of the warehouse's own as a whole; of one elsewhere what the sidecars name."""
    if paths.landing.is_relative_to(paths.warehouse) or paths.landing == paths.sidecars:
        yield from ((f"landing/{file.relative_to(paths.landing).as_posix()}", file) for file in _files(paths.landing))
        return
    if not paths.sidecars.is_dir():
        return
    for sidecar in find_sidecars(paths.sidecars):
        yield f"sidecars/{sidecar.path.relative_to(paths.sidecars).as_posix()}", sidecar.path
        for entry in sidecar.files:
            yield f"landing/{entry.path}", paths.landing / entry.path


def _files(folder: Path) -> list[Path]:
    """Whole files only: nothing that a run is writing or that a killed run left."""
    found = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [path for path in found if not any(part.endswith(".tmp") for part in path.relative_to(folder).parts)]


def verify_backup(source: Path) -> dict[str, str]:
    """The list of files; BackupError if one is missing, differs, or is not on the list."""
    try:
        files = json.loads((source / LIST).read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise BackupError(f"{source} is not a backup of a warehouse: {LIST} cannot be read ({error}).") from error
    there = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()} - {LIST}
    wrong = [f"{name} is missing" for name in sorted(set(files) - there)]
    wrong += [f"{name} is not on the list" for name in sorted(there - set(files))]
    wrong += [f"{name} differs" for name in sorted(there & set(files)) if sha256_of(source / name) != files[name]]
    if wrong:
        raise BackupError(f"The backup {source} is incomplete: {'; '.join(wrong[:5])}. Use another one.")
    return dict(files)


def put_back(paths: Paths, source: Path, *, force: bool) -> list[Path]:
    """Make the warehouse what the backup holds; returns where what was there before went (with force).

    Everything is copied and compared first, then put in place by renames. The caller holds the refresh lock.
    """
    files = verify_backup(source)
    targets = {"landing": paths.landing, "sidecars": paths.sidecars} | {part: paths.warehouse / part for part in PARTS}
    roots = [root for root in targets if any(name.startswith(f"{root}/") for name in files)]
    taken = [str(targets[root]) for root in roots if _holds_data(targets[root])]
    if taken and not force:
        raise BackupError(f"There is data in {', '.join(taken)}. Name an empty --warehouse, or use --force.")
    fresh = paths.warehouse / ".restore.tmp"
    shutil.rmtree(fresh, ignore_errors=True)
    for name, digest in files.items():
        copy = fresh / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / name, copy)
        if sha256_of(copy) != digest:
            raise BackupError(
                f"{name} could not be copied to {paths.warehouse}. Is the disk full? Nothing was changed."
            )
    stamp = dt.datetime.now().strftime("%Y%m%d_%H%M%S")
    moved = []
    for root in roots:
        target = targets[root]
        if target.exists():
            aside = target.with_name(f"{target.name}.before_restore_{stamp}")
            target.rename(aside)
            if _holds_data(aside):
                moved.append(aside)
            else:
                shutil.rmtree(aside)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(fresh / root, target)  # a landing folder may lie on another disk
    shutil.rmtree(fresh)
    return moved


def _holds_data(folder: Path) -> bool:
    return any(path.is_file() and path.name not in NOT_KEPT for path in folder.rglob("*"))
