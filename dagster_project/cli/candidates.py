"""Commands on candidates: look at the list, answer its lines, sign, reject."""

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from dagster_project.errors import Refusal
from dagster_project.operations.promote import (
    BACK,
    OK,
    Review,
    Signature,
    answer_lines,
    candidate,
    corrections_file,
    files_of,
    promote,
    read_review,
    reject,
)
from dagster_project.paths import Paths
from dagster_project.publish.inert import visible
from dagster_project.publish.release.folder import folder_of, manifest_of
from dagster_project.publish.release.record import signature
from dagster_project.publish.release.review_page import PAGE, review_page, summary, words_of
from dagster_project.run.failures import answering, say
from dagster_project.run.lock import refresh_lock

SHOWN = 20


@answering
def show_review(
    paths: Paths, console: Console, name: str | None, *, as_json: bool, html: Path | None, all_lines: bool
) -> None:
    """The list of a candidate, or the one that a release was signed with."""
    folder = folder_of(paths, name) if name else candidate(paths, None)
    if folder is None:
        raise Refusal(f"There is no release or candidate {name}; see `nqpf release list`.")
    review = read_review(folder)
    if as_json:
        lines = [{**asdict(line), "answer": review.answers.get(line.no)} for line in review.lines]
        content = {"release": review.name, "previous": review.previous, "open": len(review.open), "lines": lines}
        print(json.dumps(content, ensure_ascii=False, indent=1))
        return
    if html is not None:
        files = files_of(paths, folder, review)
        html.write_text(
            review_page(review.name, review.previous, review.lines, review.answers, files), encoding="utf-8"
        )
        say(console, f"Written: {html}")
        return
    _show(console, folder, review, all_lines=all_lines)


def _show(console: Console, folder: Path, review: Review, *, all_lines: bool) -> None:
    against = f"compared with {review.previous}" if review.previous else "the first release"
    say(console, f"{review.name}, {against}: {summary(review.lines, review.answers)}")
    lines = review.lines if all_lines else [line for line in review.lines if line.no not in review.answers][:SHOWN]
    for line in lines:
        answer = words_of(review.answers.get(line.no, {}))
        head = f"[bold]{line.no:4d}. {escape(visible(line.subject))}[/] ({line.kind})  {escape(answer)}"
        console.print(head.rstrip(), highlight=False, soft_wrap=True)
        change = f"{line.before} -> {line.after}" if line.before else line.after
        say(console, *(f"      {visible(text)}" for text in (change, line.why) if text))
        if line.hangs:
            say(console, f"      hangs on it: {visible(line.hangs)}")
    if not all_lines and len(review.open) > SHOWN:
        say(console, f"{SHOWN} of {len(review.open)} open lines; --all shows all {len(review.lines)}.")
    say(
        console,
        f"With pictures: {folder / PAGE}. Its report: {folder / 'docs' / 'index.html'}",
        f"Answer: nqpf release ok {review.name} LINE ... --by NAME, or back {review.name} LINE --why TEXT --by NAME",
    )


@answering
def answer(
    paths: Paths,
    console: Console,
    name: str,
    numbers: list[int],
    *,
    is_ok: bool,
    by: str,
    why: str = "",
    all_open: bool = False,
    as_in: str = "",
) -> None:
    """Answer lines. Exit: 0 done, 2 not possible, 4 busy."""
    with refresh_lock(paths):
        word = OK if is_ok else BACK
        review = answer_lines(paths, name, numbers, word, by, why=why, all_open=all_open, as_in=as_in)
    say(console, f"{review.name}: {summary(review.lines, review.answers)}")
    file = corrections_file(paths.candidates / review.name)
    if not is_ok and file.is_file():
        say(
            console,
            f"Ready-made corrections: {file}. Look at them, then `nqpf accept {file}` and `nqpf refresh --candidate`.",
        )
    elif not review.open and not review.sent_back:
        say(console, f"Nothing is open: nqpf release promote {review.name} --by NAME")


@answering
def promote_candidate(paths: Paths, console: Console, name: str | None, record: Signature) -> None:
    """Sign. Exit: 0 published, 2 not possible, 4 busy."""
    with refresh_lock(paths):
        name = promote(paths, name, record)
    folder = paths.releases / name
    say(
        console,
        f"Published {name}. {signature(manifest_of(folder))}",
        f"  query   {paths.published_file}",
        f"  report  {folder / 'docs' / 'index.html'}",
    )


@answering
def reject_candidate(paths: Paths, console: Console, name: str, why: str, by: str) -> None:
    """Keep it out. Exit: 0 done, 2 not possible, 4 busy."""
    with refresh_lock(paths):
        reject(paths, name, why, by)
    say(console, f"{name} is rejected, and stays in {paths.candidates / name} until `nqpf release prune`.")
