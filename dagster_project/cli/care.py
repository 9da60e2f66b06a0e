"""Commands that keep a warehouse alive: doctor, backup, restore, and reviewed rows for the seeds."""

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.ingest.errors import IngestError
from dagster_project.operations.backup import BackupError, back_up, put_back
from dagster_project.operations.doctor import apply_fixes, diagnose
from dagster_project.operations.preflight import is_writable
from dagster_project.paths import IS_INSTALLED, PROJECT, Paths
from dagster_project.publish.release.disk import human
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, Refusal, answering, say
from dagster_project.run.lock import refresh_lock
from dagster_project.run.ready_rows import ReadyRowsError, accept_rows


def accept_file(file: Path, console: Console, *, seeds: Path = PROJECT / "dbt" / "seeds") -> int:
    """Append the ready-made rows of a file to their seeds and say how many. Exit: 0 done, 2 nothing was written."""
    if IS_INSTALLED:
        say(console, f"The seeds in {seeds} belong to an installed package: accept rows in a checkout of the project.")
        return EXIT_BAD_INPUT
    try:
        added = accept_rows(file, seeds)
    except ReadyRowsError as error:
        say(console, f"{error} Nothing was written.")
        return EXIT_BAD_INPUT
    say(console, *(f"{seed}: {n} new row{'' if n == 1 else 's'}" for seed, n in added.items()))
    say(console, "Run `nqpf refresh` again.")
    return EXIT_OK


@answering
def show_diagnosis(paths: Paths, console: Console, *, fix: bool, as_json: bool) -> int:
    """Each finding: what, where, what to do. Exit: 0 healthy, 1 findings, 4 busy (only with --fix)."""
    if not paths.warehouse.is_dir():
        raise Refusal(f"There is no warehouse in {paths.warehouse}. Run `nqpf refresh` first.")
    found, done = diagnose(paths), list[str]()
    if fix and any(finding.fix for finding in found.findings):
        done = apply_fixes(paths, found.findings)
        found = diagnose(paths)
    if as_json:
        rows = [{"what": f.what, "where": str(f.where), "do": f.do, "can_fix": bool(f.fix)} for f in found.findings]
        content = {"healthy": not rows, "findings": rows, "notes": found.notes, "done": done}
        print(json.dumps(content, ensure_ascii=False, indent=2))
        return EXIT_FAILED if rows else EXIT_OK
    say(console, *done)
    for finding in found.findings:
        console.print(f"[red]{escape(finding.what)}[/]", highlight=False, soft_wrap=True)
        say(console, f"  where: {finding.where}", f"  do:    {finding.do}")
    n = len(found.findings)
    words = "Healthy" if not n else f"{n} finding{'s' if n > 1 else ''}"
    say(console, *found.notes, f"{words}: {paths.warehouse}")
    return EXIT_FAILED if found.findings else EXIT_OK


@answering
def run_backup(paths: Paths, console: Console, target: Path) -> None:
    """Exit: 0 kept, 1 not possible, 4 busy."""
    try:
        with refresh_lock(paths):
            content = back_up(paths, target.resolve())
    except (BackupError, IngestError, OSError) as error:
        raise Refusal(f"No backup was made. {error}", EXIT_FAILED) from error
    n_files = len(content["files"])  # type: ignore[arg-type]
    say(console, f"{n_files} files, {human(int(str(content['bytes'])))}, release {content['release']}: {target}")


@answering
def run_restore(paths: Paths, console: Console, source: Path, *, force: bool) -> None:
    """Exit: 0 restored, 1 not possible, 4 busy."""
    if not is_writable(paths.warehouse):
        raise Refusal(f"The folder {paths.warehouse} cannot be written.", EXIT_FAILED)
    try:
        with refresh_lock(paths):
            moved = put_back(paths, source.resolve(), force=force)
    except (BackupError, OSError) as error:
        raise Refusal(f"Nothing was restored. {error}", EXIT_FAILED) from error
    say(console, *(f"What was there before is in {path}." for path in moved))
    say(console, f"Restored {source} to {paths.warehouse}. `nqpf doctor` looks at it, `nqpf refresh` goes on.")
