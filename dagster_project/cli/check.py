"""`nqpf check`: the numbers of a document against the published file, on the screen, as JSON, as Word comments."""

from __future__ import annotations

import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from rich.console import Console

from dagster_project.cli.reading import table_of
from dagster_project.errors import EXIT_FAILED, EXIT_OK, Refusal
from dagster_project.paths import Paths
from dagster_project.publish.inert import visible
from dagster_project.publish.release.folder import folder_of, known_releases, latest_release
from dagster_project.published import open_read_only
from dagster_project.run.failures import answering, nothing_published, say

if TYPE_CHECKING:
    from dagster_project.publish.check.finding import Finding

RIGHT = ("equal", "rounded")
WIDE = 44  # letters of a sentence on the screen


@answering
def check(
    paths: Paths, console: Console, file: Path, *, release: str | None, against: str | None, as_json: bool
) -> int:
    """Exit: 0 every number is as published, 1 some differ, 2 the document cannot be read.

    `release`: that which the document was written from; `against`: that which it is compared with, by default the
    current one (with --release alone: that one).
    """
    from dagster_project.publish.check.passages import read_passages

    passages = read_passages(file)
    findings = findings_of(paths, passages, release, against)
    if file.suffix.lower() == ".docx" and findings:
        _write_comments(file, findings)
    if as_json:
        print(json.dumps([finding.record() for finding in findings], ensure_ascii=False, indent=1))
    else:
        _show(console, file, findings)
    return EXIT_FAILED if any(finding.differs for finding in findings) else EXIT_OK


def check_documents(paths: Paths, console: Console, folder: Path, old: str, new: str) -> None:
    """The figures of all documents of a folder that were right in `old` and are revised in `new`."""
    from dagster_project.publish.check.passages import READERS, read_passages

    if not folder.is_dir():
        raise Refusal(f"There is no folder {folder}.")
    files = sorted(one for one in folder.rglob("*") if one.suffix.lower() in READERS and ".checked." not in one.name)
    if not files:
        raise Refusal(f"{folder} holds no document ({', '.join(sorted(READERS))}).")
    for file in files:
        try:
            findings = findings_of(paths, read_passages(file), old, new)
        except Refusal as refusal:
            say(console, refusal)
            continue
        revised = [finding for finding in findings if finding.verdict == "revised"]
        say(console, f"{file.relative_to(folder)}: {len(revised)} of {len(findings)} figures were revised since {old}.")
        if revised:
            console.print(_table(revised))


def findings_of(paths: Paths, passages: Sequence[object], release: str | None, against: str | None) -> list[Finding]:
    """Findings of passages: those of `release` (default: any) that `against` (default: the current one) changed."""
    from dagster_project.publish.check.check import check_passages
    from dagster_project.publish.check.facts import Facts

    names = [row["release"] for row in known_releases(paths)]
    for name in (release, against):
        if name is not None and not folder_of(paths, name):
            raise Refusal(f"There is no release '{name}'. Known: {', '.join(names) or 'none'}.")
    if not paths.published_file.is_file():
        raise nothing_published(paths)
    current = latest_release(paths.releases) or ""
    now = against or release or current
    older = [release] if release and release != now else [name for name in names if name != now and not release]
    with contextlib.ExitStack() as stack:

        def facts(name: str) -> Facts:
            file = paths.published_file if name == current else (folder_of(paths, name) or Path()) / "city.duckdb"
            return Facts(stack.enter_context(open_read_only(file)), name)

        there = [name for name in older if (paths.releases / name / "city.duckdb").is_file()]
        return check_passages(passages, facts(now), [facts(name) for name in there])  # type: ignore[arg-type]


def _write_comments(file: Path, findings: Sequence[Finding]) -> None:
    import docx

    from dagster_project.publish.check.comments import write_commented
    from dagster_project.publish.check.passages import docx_passages

    document = docx.Document(str(file))
    by_place = {(passage.place, passage.text): passage for passage in docx_passages(document)}
    for finding in findings:  # the runs of this copy
        if finding.passage is not None:
            finding.passage = by_place.get((finding.passage.place, finding.passage.text))
    write_commented(document, file.with_name(f"{file.stem}.checked.docx"), findings)


def _show(console: Console, file: Path, findings: Sequence[Finding]) -> None:
    if not findings:
        say(console, f"{file.name} holds no number of a published figure: no city and year with one.")
        return
    to_show = [finding for finding in findings if finding.verdict not in RIGHT]
    if to_show:
        console.print(_table(to_show))
    counts = Counter(finding.verdict for finding in findings)
    say(
        console, f"{len(findings)} numbers: " + ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in counts.items())
    )
    doubts = Counter(finding.note for finding in findings if finding.verdict in RIGHT and finding.note)
    if doubts:
        say(
            console, f"{doubts.total()} right ones leave out a doubt (range of the rank, filled in): --json says which."
        )
    if file.suffix.lower() == ".docx":
        say(console, f"With comments: {file.with_name(f'{file.stem}.checked.docx')}")


def _table(findings: Sequence[Finding]) -> object:
    rows = [(one.place, visible(_short(one)), one.printed, one.verdict.replace("_", " "), one.note) for one in findings]
    frame = pd.DataFrame(rows, columns=["place", "text", "number", "verdict", "note"])
    return table_of(frame, whole=("number", "verdict"))


def _short(finding: Finding) -> str:
    """The words around the number."""
    text = finding.text
    at = max(0, text.find(finding.printed) - WIDE // 2)
    return ("…" if at else "") + text[at : at + WIDE] + ("…" if at + WIDE < len(text) else "")
