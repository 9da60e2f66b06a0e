"""A candidate is examined line by line, then signed: promote makes it the current release, reject keeps it out.

The answers lie in a file beside the candidate, bound to its hash; they go into the record when it is signed.
"""

import datetime as dt
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dagster_project.errors import Refusal
from dagster_project.files import sha256_of
from dagster_project.paths import Paths
from dagster_project.publish.release.exchange import PACKAGE
from dagster_project.publish.release.folder import MANIFEST, NAME, file_hashes, folder_of, latest_release, manifest_of
from dagster_project.publish.release.record import (
    moment,
    put,
    say_on_pages,
    seal,
    seal_of,
    state_of,
    sweep,
    waiting,
    with_entry,
)
from dagster_project.publish.release.review import REVIEW, Line, read_lines
from dagster_project.publish.release.review_page import PAGE, review_page
from dagster_project.publish.release.snapshot import swap_in
from dagster_project.run.kind import WrongKindError, check_kind
from dagster_project.run.publishing import publish_by_hand, read_publishing
from dagster_project.run.ready_rows import correction_row, write_ready_rows

OK, BACK = "ok", "back"


class PromoteError(Refusal):
    """Why a candidate cannot be answered, signed or rejected, and what to do."""


@dataclass(frozen=True)
class Signature:
    """Who publishes. all_seen: lines that nobody answered were seen too. not_before: no promote before this moment."""

    by: str
    role: str = ""
    note: str = ""
    all_seen: bool = False
    not_before: str = ""


@dataclass(frozen=True)
class Review:
    """The lines of a candidate, and of each line that has one the last answer: answer, by, at, why."""

    name: str
    previous: str | None
    lines: list[Line]
    answers: dict[int, dict[str, str]]

    @property
    def open(self) -> list[int]:
        return [line.no for line in self.lines if line.no not in self.answers]

    @property
    def sent_back(self) -> list[int]:
        return [no for no, answer in sorted(self.answers.items()) if answer["answer"] == BACK]

    @property
    def examiners(self) -> list[str]:
        return sorted({answer["by"] for answer in self.answers.values()})


def answers_file(folder: Path) -> Path:
    """Beside the candidate, that no byte of it changes: its seal, an embargo, all answers in their order."""
    return folder.with_name(f"{folder.name}.answers.json")


def corrections_file(folder: Path) -> Path:
    """Ready-made rows of dbt/seeds/correction.csv, for `nqpf accept`."""
    return folder.with_name(f"{folder.name}.corrections.csv")


def keep_seal(folder: Path, name: str) -> None:
    """What a new candidate is, before anybody could have changed it. `folder`: where it is being made."""
    _write(answers_file(folder.with_name(name)), {"seal": seal_of(folder), "answers": []})


def candidate(paths: Paths, name: str | None) -> Path:
    """The folder of a candidate that waits; without a name, of the newest."""
    open_names = waiting(paths)
    if name is None:
        if not open_names:
            raise PromoteError("No candidate waits for a signature: build one with `nqpf refresh --candidate`.")
        return paths.candidates / open_names[-1]
    folder = paths.candidates / name
    state = state_of(paths, name, manifest_of(folder if folder.is_dir() else paths.releases / name))
    names = ", ".join(open_names) or "none"
    if state in ("published", "withdrawn"):
        raise PromoteError(f"{name} is {state} already. Candidates that wait: {names}.")
    if not NAME.fullmatch(name) or not (folder / MANIFEST).is_file():
        raise PromoteError(f"There is no candidate {name}. Candidates that wait: {names}.")
    if state == "rejected":
        raise PromoteError(f"{name} was rejected. Candidates that wait: {names}.")
    return folder


def read_review(folder: Path) -> Review:
    """The list of a candidate with its answers; of a published release with those that it was signed with."""
    if not (folder / REVIEW).is_file():
        raise PromoteError(f"{folder.name} has no list to review: it was published without being a candidate.")
    content, lines = read_lines(folder)
    answers = content.get("answers") or _read(answers_file(folder)).get("answers", [])
    last = {int(answer["line"]): answer for answer in answers}
    return Review(folder.name, content["previous"], lines, last)


def files_of(paths: Paths, folder: Path, review: Review) -> list[Path]:
    """The published files before and after, as far as they are there."""
    before = [paths.releases / review.previous / "city.duckdb"] if review.previous else []
    return [file for file in (*before, folder / "city.duckdb") if file.is_file()]


def answer_lines(
    paths: Paths,
    name: str | None,
    numbers: list[int],
    answer: str,
    by: str,
    *,
    why: str = "",
    all_open: bool = False,
    as_in: str = "",
) -> Review:
    """Answer lines with ok or back. The caller holds the lock. A figure that goes back gets a ready-made correction.

    as_in: also open lines that were ok in this earlier candidate and say the same.
    """
    folder = candidate(paths, name)
    _check_seal(folder)
    by, why, review = _name(by, "--by"), " ".join(why.split()), read_review(folder)
    unknown = [no for no in numbers if not 1 <= no <= len(review.lines)]
    if unknown:
        raise PromoteError(f"{folder.name} has no line {unknown[0]}: its lines are 1 to {len(review.lines)}.")
    if answer == BACK and not why:
        raise PromoteError("Say what is wrong with --why: whoever corrects it reads that.")
    more = review.open if all_open else _same_lines(paths, review, as_in) if as_in else []
    lines = [*numbers, *(no for no in more if no not in numbers)]
    if not lines and not all_open and not as_in:
        raise PromoteError("Name the lines by their numbers, or all that are open with --all-seen.")
    content = _read(answers_file(folder))
    new = [{"line": no, "answer": answer, "by": by, "at": moment(), **({"why": why} if why else {})} for no in lines]
    _write(answers_file(folder), {**content, "answers": [*content["answers"], *new]})
    review = read_review(folder)
    _write_corrections(paths, folder, review)
    return review


def _same_lines(paths: Paths, review: Review, earlier: str) -> list[int]:
    folder = folder_of(paths, earlier)
    if folder is None:
        raise PromoteError(f"There is no candidate {earlier}; see `nqpf release list`.")
    past = read_review(folder)
    fine = [replace(line, no=0) for line in past.lines if past.answers.get(line.no, {}).get("answer") == OK]
    return [line.no for line in review.lines if line.no in review.open and replace(line, no=0) in fine]


def _write_corrections(paths: Paths, folder: Path, review: Review) -> None:
    rows = [
        ("correction.csv", correction_row(**line.figure, reason=answer["why"]), f"line {line.no}: {line.subject}")
        for line in review.lines
        if (answer := review.answers.get(line.no)) and answer["answer"] == BACK and line.figure
    ]
    if rows:
        write_ready_rows(corrections_file(folder), paths.seeds, rows)
    else:
        corrections_file(folder).unlink(missing_ok=True)


def promote(paths: Paths, name: str | None, signature: Signature) -> str:
    """Make a candidate the current release; returns its name. The caller holds the lock.

    A copy of the folder gets the signature; its rename into the releases decides, the published file follows by one
    rename (after a crash by the next promote or refresh). Raises PromoteError, and leaves everything as it is.
    """
    if name and _complete(paths, name):
        return name
    folder = candidate(paths, name)
    by, review = _name(signature.by, "--by"), read_review(folder)
    manifest = manifest_of(folder)
    _check_current(paths, folder, manifest)
    embargo = _check_embargo(folder, signature.not_before)
    _check_seal(folder)
    _check_answers(paths, review, by, all_seen=signature.all_seen)
    try:
        check_kind(paths, is_synthetic=bool(manifest["is_synthetic"]))
    except WrongKindError as error:
        raise PromoteError(str(error)) from error
    sweep(paths.releases)
    new_folder = paths.releases / f".{folder.name}.tmp"
    paths.releases.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, new_folder, copy_function=_link)
    hash_seen = _read(answers_file(folder))["seal"]
    if review.answers:
        counts = {"lines": len(review.lines), "answered": len(review.answers)}
        manifest = with_entry(manifest, "examined", by=review.examiners, seen=hash_seen, **counts)
    n_open = len(review.open) if signature.all_seen else None
    facts = {"role": signature.role, "note": signature.note, "not_before": embargo, "all_seen": n_open}
    manifest = with_entry(manifest, "published", by=by, seen=hash_seen, **facts)
    _sign(new_folder, manifest, _read(answers_file(folder))["answers"])
    page = review_page(folder.name, review.previous, review.lines, review.answers, files_of(paths, new_folder, review))
    put(new_folder / PAGE, page)
    seal(new_folder, manifest)
    new_folder.replace(paths.releases / folder.name)
    if not manifest["is_synthetic"]:
        publish_by_hand(paths)
    _complete(paths, folder.name)
    return folder.name


def _link(source: str, target: str) -> None:
    """A second name of the same file where the disk allows it: a release is large."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _sign(folder: Path, manifest: dict[str, Any], answers: list[dict[str, Any]]) -> None:
    """Signature in the foot of the pages and in the data package, answers in the list, the record in the manifest."""
    say_on_pages(folder, manifest)
    package = json.loads((folder / PACKAGE).read_text(encoding="utf-8")) if (folder / PACKAGE).is_file() else None
    if package is not None:
        people = [
            (who, "contributor", "examined by")
            for entry in manifest["record"]
            if entry["step"] == "examined"
            for who in entry["by"]
        ]
        people.append((manifest["record"][-1]["by"], "publisher", "signed by"))
        contributors = [{"title": who, "role": role, "description": words} for who, role, words in people]
        _write(folder / PACKAGE, {**package, "contributors": contributors, "record": manifest["record"]})
    content, _ = read_lines(folder)
    _write(folder / REVIEW, {**content, "answers": answers})


def _complete(paths: Paths, name: str) -> bool:
    """Of a release that is current: the published file put there and the candidate cleared away, if they are not."""
    release, candidate_folder = paths.releases / name, paths.candidates / name
    if name != latest_release(paths.releases):
        return False
    is_current = paths.published_file.is_file() and sha256_of(paths.published_file) == sha256_of(
        release / "city.duckdb"
    )
    if is_current and not candidate_folder.exists():
        return False
    if not is_current:
        shutil.copyfile(release / "city.duckdb", paths.fresh_file)
        swap_in(paths.fresh_file, paths.published_file)
    drop_candidate(candidate_folder)
    return True


def drop_candidate(folder: Path) -> None:
    """The folder is renamed first, so that no half candidate is ever seen; what a killed run left goes too."""
    if folder.exists():
        folder.replace(folder.with_name(f".{folder.name}.going"))
    for left in folder.parent.glob(".*.going"):
        shutil.rmtree(left)
    for file in (answers_file(folder), corrections_file(folder)):
        file.unlink(missing_ok=True)


def reject(paths: Paths, name: str | None, why: str, by: str = "") -> str:
    """Keep a candidate out for good, with the reason in its record; returns its name. The caller holds the lock."""
    why, folder = " ".join(why.split()), candidate(paths, name)
    if not why:
        raise PromoteError("Say why with --why: the record keeps it.")
    manifest = with_entry(manifest_of(folder), "rejected", why=why, by=by)
    say_on_pages(folder, manifest)
    seal(folder, manifest)
    return folder.name


# ---- what is refused


def _name(by: str, option: str) -> str:
    by = " ".join(by.split())
    if not by:
        raise PromoteError(f"Say who you are with {option} NAME: the record keeps it.")
    return by


def _check_current(paths: Paths, folder: Path, manifest: dict[str, Any]) -> None:
    before, current = manifest.get("previous"), latest_release(paths.releases)
    if before != current:
        raise PromoteError(
            f"{folder.name} was compared with {before or 'nothing'}, but {current or 'nothing'} is current now:"
            " build it again with `nqpf refresh --candidate`."
        )


def _check_embargo(folder: Path, text: str) -> str:
    """The embargo that holds, which a refused promote keeps beside the candidate."""
    content = _read(answers_file(folder))
    if text:
        try:
            has_zone = dt.datetime.fromisoformat(text).tzinfo is not None
        except ValueError:
            has_zone = False
        if not has_zone:
            raise PromoteError(f"--not-before {text}: write day, time and zone, e.g. 2026-12-01T09:00+08:00.")
        if text != content.get("not_before"):
            content["not_before"] = text
            _write(answers_file(folder), content)
    embargo = str(content.get("not_before", ""))
    if embargo and dt.datetime.now(dt.UTC) < dt.datetime.fromisoformat(embargo):
        raise PromoteError(
            f"{folder.name} is under embargo until {embargo}: nothing was published, and nothing runs by itself."
            " Promote it then."
        )
    return embargo


def _check_seal(folder: Path) -> None:
    """Whether every byte is as it was built and reviewed."""
    seal, manifest = _read(answers_file(folder)).get("seal"), manifest_of(folder)
    before, hashes = manifest.get("files", {}), file_hashes(folder)
    differing = sorted(name for name in before.keys() | hashes.keys() if before.get(name) != hashes.get(name))
    if seal != seal_of(folder):
        differing.insert(0, MANIFEST)
    if differing:
        raise PromoteError(
            f"{folder.name} is not what was built: {differing[0]} differs"
            f"{f' and {len(differing) - 1} more' if differing[1:] else ''}. Reject it, and build it again with"
            " `nqpf refresh --candidate`."
        )


def _check_answers(paths: Paths, review: Review, by: str, *, all_seen: bool) -> None:
    if review.sent_back:
        lines = ", ".join(map(str, review.sent_back))
        raise PromoteError(
            f"{review.name}: sent back: line {lines}. Correct it and run `nqpf refresh --candidate`, or answer it with"
            " `nqpf release ok`."
        )
    if review.open and not all_seen:
        raise PromoteError(
            f"{review.name}: {len(review.open)} of {len(review.lines)} lines are open. `nqpf release review` lists"
            " them, `nqpf release ok` answers them; --all-seen signs for them, and the record says so."
        )
    if read_publishing(paths).two_persons and not set(review.examiners) - {by}:
        raise PromoteError(
            f"Two persons are needed (two_persons in {paths.settings_file}): {by} signs, so another one has to examine"
            f" it first: `nqpf release ok {review.name} --all-seen --by NAME`."
        )


def _read(file: Path) -> dict[str, Any]:
    if not file.is_file():
        return {}
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def _write(file: Path, content: dict[str, Any]) -> None:
    put(file, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
