"""Commands that look after a warehouse: doctor, and reviewed rows for the seeds."""

import json
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, Refusal
from dagster_project.operations.doctor import diagnose
from dagster_project.paths import IS_INSTALLED, PROJECT, Paths
from dagster_project.run.failures import answering, say
from dagster_project.run.ready_rows import ReadyRowsError, accept_rows


def accept_file(file: Path, console: Console, *, seeds: Path = PROJECT / "dbt" / "seeds") -> int:
    """Append the ready-made rows of a file to their seeds and say how many. Exit: 0 done, 2 nothing was written."""
    if IS_INSTALLED:
        say(console, f"The seeds in {seeds} belong to an installed package: accept rows in a checkout of the project.")
        return EXIT_BAD_INPUT
    try:
        new_rows = accept_rows(file, seeds)
    except ReadyRowsError as error:
        say(console, f"{error} Nothing was written.")
        return EXIT_BAD_INPUT
    say(console, *(f"{seed}: {n} new row{'' if n == 1 else 's'}" for seed, n in new_rows.items()))
    say(console, "Run `nqpf refresh` again.")
    return EXIT_OK


@answering
def show_diagnosis(paths: Paths, console: Console, *, as_json: bool) -> int:
    """What is looked at, then each finding: what, where, what to do. Exit: 0 healthy, 1 findings."""
    if not paths.warehouse.is_dir():
        raise Refusal(f"There is no warehouse in {paths.warehouse}. Run `nqpf refresh` first.")
    diagnosis = diagnose(paths)
    n = len(diagnosis.findings)
    if as_json:
        subjects = [{"subject": subject, "where": str(place)} for subject, place in diagnosis.checked]
        findings = [{"what": f.what, "where": str(f.where), "do": f.do} for f in diagnosis.findings]
        content = {"healthy": not n, "checked": subjects, "findings": findings, "notes": diagnosis.notes}
        print(json.dumps(content, ensure_ascii=False, indent=2))
        return EXIT_FAILED if n else EXIT_OK
    say(console, *(f"{subject:<20} {place}" for subject, place in diagnosis.checked))
    for finding in diagnosis.findings:
        console.print(f"[red]{escape(finding.what)}[/]", highlight=False, soft_wrap=True)
        say(console, f"  where: {finding.where}", f"  do:    {finding.do}")
    verdict = f"{n} finding{'s' if n > 1 else ''}" if n else "Healthy"
    say(console, *diagnosis.notes, f"{verdict}: {paths.warehouse}")
    return EXIT_FAILED if n else EXIT_OK
