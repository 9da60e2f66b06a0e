"""`nqpf doctor`: everything that is known to go wrong, looked for without a change; `--fix` for what is safe."""

import datetime as dt
import shutil
from pathlib import Path

from dagster_project.operations import check_files, check_surroundings
from dagster_project.operations.findings import Diagnosis, Finding
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import latest_release
from dagster_project.publish.release.snapshot import swap_in
from dagster_project.run.lock import holder, refresh_lock


def diagnose(paths: Paths) -> Diagnosis:
    """All findings of one warehouse. Opens every file read-only."""
    text, is_refreshing = holder(paths)
    found = Diagnosis()
    say = found.findings.extend
    say(check_surroundings.check_versions())
    say(check_surroundings.check_rights(paths))
    say(check_surroundings.check_disk(paths))
    say(check_surroundings.check_lock(paths))
    say(check_surroundings.check_records(paths, is_refreshing=is_refreshing))
    if is_refreshing:
        found.notes.append(f"A refresh is running ({text}): the build file and unfinished releases were not checked.")
    else:
        say(check_files.check_build(paths))
        say(check_files.check_leftovers(paths))
        say(check_surroundings.check_manifest(paths))
    say(check_files.check_published(paths))
    say(check_files.check_older_releases(paths))
    if paths.landing.is_dir() and paths.sidecars.is_dir():
        say(check_files.check_landing(paths))
    else:
        found.notes.append(
            f"There is no landing folder {paths.landing}: name it with --landing to have its files checked."
        )
    return found


def apply_fixes(paths: Paths, findings: list[Finding]) -> list[str]:
    """Do what is safe, under the refresh lock; one sentence for each thing done. Nothing that holds data is deleted."""
    done = []
    with refresh_lock(paths):
        for finding in findings:
            if finding.fix == "remove":
                _remove(finding.where)
                done.append(f"Removed {finding.where}.")
            elif finding.fix == "set_aside":
                done += [f"Set aside as {path}." for path in _set_aside(finding.where)]
            elif finding.fix == "republish":
                done.append(_republish(paths))
    return done


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _set_aside(file: Path) -> list[Path]:
    """The build file and its write-ahead log, under another name: a person may still want to look."""
    stamp = dt.datetime.now().strftime("%Y%m%d_%H%M%S")
    moved = []
    for part in (file.with_name(f"{file.name}.wal"), file):
        if part.exists():
            moved.append(part.rename(part.with_name(f"{part.name}.damaged_{stamp}")))
    return moved


def _republish(paths: Paths) -> str:
    newest = latest_release(paths.releases)
    paths.fresh_file.unlink(missing_ok=True)  # a killed run may have left one that cannot be written
    shutil.copyfile(paths.releases / str(newest) / "city.duckdb", paths.fresh_file)
    swap_in(paths.fresh_file, paths.published_file)
    return f"Published {newest} again: {paths.published_file}."
