"""Commands that keep a warehouse alive: doctor, backup, restore."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.ingest.errors import IngestError
from dagster_project.operations.backup import BackupError, back_up, put_back
from dagster_project.operations.doctor import apply_fixes, diagnose
from dagster_project.operations.findings import Diagnosis
from dagster_project.operations.preflight import is_writable
from dagster_project.paths import PROJECT, Paths
from dagster_project.publish.release.disk import human
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_OK
from dagster_project.run.lock import refresh_lock
from dagster_project.run.ready_rows import ReadyRowsError, accept_rows
from dagster_project.store import WarehouseBusy


def accept_file(file: Path, console: Console, *, seeds: Path = PROJECT / "dbt" / "seeds") -> int:
    """Append the ready-made rows of a file to their seeds and say how many. Exit: 0 done, 2 nothing was written."""
    try:
        added = accept_rows(file, seeds)
    except ReadyRowsError as error:
        _say(console, f"{error} Nothing was written.")
        return EXIT_BAD_INPUT
    for seed, n in added.items():
        _say(console, f"{seed}: {n} new row{'' if n == 1 else 's'}")
    _say(console, "Run `nqpf refresh` again.")
    return EXIT_OK


def show_diagnosis(paths: Paths, console: Console, *, fix: bool, as_json: bool) -> int:
    """Each finding: what, where, what to do. Exit: 0 healthy, 1 findings, 4 busy (only with --fix)."""
    if not paths.warehouse.is_dir():
        _say(console, f"There is no warehouse in {paths.warehouse}. Run `nqpf refresh` first.")
        return EXIT_BAD_INPUT
    found, done = diagnose(paths), []
    if fix and any(finding.fix for finding in found.findings):
        try:
            done = apply_fixes(paths, found.findings)
        except WarehouseBusy as busy:
            _say(console, str(busy))
            return EXIT_BUSY
        found = diagnose(paths)
    if as_json:
        print(json.dumps(_content(found, done), ensure_ascii=False, indent=2))
    else:
        _print(console, found, done, paths)
    return EXIT_FAILED if found.findings else EXIT_OK


def _content(found: Diagnosis, done: list[str]) -> dict[str, object]:
    rows = [{"what": f.what, "where": str(f.where), "do": f.do, "can_fix": bool(f.fix)} for f in found.findings]
    return {"healthy": not rows, "findings": rows, "notes": found.notes, "done": done}


def _print(console: Console, found: Diagnosis, done: list[str], paths: Paths) -> None:
    for sentence in done:
        _say(console, sentence)
    for finding in found.findings:
        console.print(f"[red]{escape(finding.what)}[/]", highlight=False, soft_wrap=True)
        _say(console, f"  where: {finding.where}")
        _say(console, f"  do:    {finding.do}")
    for note in found.notes:
        _say(console, note)
    n = len(found.findings)
    words = "Healthy" if not n else f"{n} finding{'s' if n > 1 else ''}"
    _say(console, f"{words}: {paths.warehouse}")


def run_backup(paths: Paths, console: Console, target: Path) -> int:
    """Exit: 0 kept, 1 not possible, 4 busy."""
    try:
        with refresh_lock(paths):
            content = back_up(paths, target.resolve())
    except WarehouseBusy as busy:
        _say(console, str(busy))
        return EXIT_BUSY
    except (BackupError, IngestError, OSError) as error:
        _say(console, f"No backup was made. {error}")
        return EXIT_FAILED
    n_files = len(content["files"])  # type: ignore[arg-type]
    _say(console, f"{n_files} files, {human(int(str(content['bytes'])))}, release {content['release']}: {target}")
    return EXIT_OK


def run_restore(paths: Paths, console: Console, source: Path, *, force: bool) -> int:
    """Exit: 0 restored, 1 not possible, 4 busy."""
    if not is_writable(paths.warehouse):
        _say(console, f"The folder {paths.warehouse} cannot be written.")
        return EXIT_FAILED
    try:
        with refresh_lock(paths):
            moved = put_back(paths, source.resolve(), force=force)
    except WarehouseBusy as busy:
        _say(console, str(busy))
        return EXIT_BUSY
    except (BackupError, OSError) as error:
        _say(console, f"Nothing was restored. {error}")
        return EXIT_FAILED
    for path in moved:
        _say(console, f"What was there before is in {path}.")
    _say(console, f"Restored {source} to {paths.warehouse}. `nqpf doctor` looks at it, `nqpf refresh` goes on.")
    return EXIT_OK


def _say(console: Console, text: str) -> None:
    console.print(text, highlight=False, markup=False, soft_wrap=True)
