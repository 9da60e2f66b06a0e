"""Commands on releases: list, diff, verify, rebuild, prune."""

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from dagster_project.cli.check import check_documents
from dagster_project.cli.output import check_form
from dagster_project.cli.reading import table_of
from dagster_project.errors import EXIT_FAILED, EXIT_OK, Refusal
from dagster_project.operations import rebuild as again
from dagster_project.operations.retention import plan_prune, prune
from dagster_project.operations.withdraw import withdraw
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.diff import Frames, diff_frames
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.disk import human
from dagster_project.publish.release.folder import folder_of, known_releases, latest_release
from dagster_project.publish.release.record import list_of_releases
from dagster_project.publish.release.verify import verify_published, verify_release
from dagster_project.publish.remote.write import export_web
from dagster_project.published import open_read_only
from dagster_project.run.failures import answering, nothing_published, say
from dagster_project.run.lock import refresh_lock

MAX_SAID = 20


@answering
def list_releases(paths: Paths, console: Console) -> None:
    """Name, state, vintage, date of each release and candidate."""
    rows = list_of_releases(paths)
    if not rows:
        raise nothing_published(paths)
    console.print(table_of(pd.DataFrame(rows), whole=("release", "state")))


def _names(paths: Paths, *required: str | None) -> list[str]:
    """All releases, newest first. Raises Refusal where there is none, or where neither a release nor a candidate has
    the name that was asked for."""
    for name in required:
        if name is not None and not folder_of(paths, name):
            raise Refusal(f"There is no release {name}; see `nqpf release list`.")
    names = [row["release"] for row in known_releases(paths)]
    if not names and not any(required):
        raise nothing_published(paths)
    return names


@answering
def diff_releases(
    paths: Paths,
    console: Console,
    old: str | None,
    new: str | None,
    *,
    format: str,
    out: Path | None,
    documents: Path | None = None,
) -> None:
    """What differs. One name: that release against the one before it; none: the newest against the one before.
    `documents`: which figures of the documents of that folder were revised."""
    check_form(format, ("markdown", "html", "json"))
    old, new = releases_to_compare(paths, old, new)
    if documents is not None:
        if old is None:
            raise Refusal(f"{new} has no release before it: name two, `nqpf release diff OLD NEW --documents DIR`.")
        check_documents(paths, console, documents, old, new)
        return
    frames = None
    if old is not None:
        frames = diff_frames(*((folder_of(paths, name) or Path()) / "city.duckdb" for name in (old, new)))
    text = _diff_text(old, new, frames, format)
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")


def releases_to_compare(paths: Paths, old: str | None, new: str | None) -> tuple[str | None, str]:
    """(the older or None where there is none, the newer). One name: that release against the one before it; none: the
    newest against the one before. Raises Refusal for a release that is not there."""
    names = _names(paths, old, new)
    if new is None:
        new = old or latest_release(paths.releases) or names[0]
        old = _before(paths, new, names) if folder_of(paths, new) else None
    _names(paths, old, new)
    return old, new


def _before(paths: Paths, name: str, names: list[str]) -> str | None:
    """The release that this one followed: as its manifest says, else (an older one) by its date."""
    manifest = again.read_manifest(folder_of(paths, name) or paths.releases / name)
    if "previous" in manifest:
        return None if manifest["previous"] is None else str(manifest["previous"])
    later = names[names.index(name) + 1 :]
    return later[0] if later else None


def _diff_text(old: str | None, new: str, frames: Frames | None, format: str) -> str:
    if format == "markdown":
        return diff_markdown(old, new, frames)
    if format == "html":
        return diff_html(old, new, frames)
    parts = {
        part: None if frame is None else json.loads(frame.to_json(orient="records", date_format="iso"))
        for part, frame in (frames or {}).items()
    }
    return json.dumps({"old": old, "new": new, **parts}, ensure_ascii=False, indent=1) + "\n"


@answering
def export_for_web(
    paths: Paths, console: Console, target: Path, release: str | None, key: Path | None, *, is_inside: bool
) -> None:
    """One release as files that `nqpf open` reads from any web server or share."""
    name, is_new = export_web(paths, target, release, key, is_inside=is_inside)
    where = target / "releases" / name
    say(console, f"Written: {where}" if is_new else f"There already, the same: {where}")
    say(console, f"Readers: nqpf open URL{' --key key.pub.pem' if key else ''}")


@answering
def withdraw_release(paths: Paths, console: Console, name: str, why: str, by: str = "") -> None:
    """Take the current release back. Exit: 0 done, 2 not possible, 4 busy."""
    with refresh_lock(paths):
        current = withdraw(paths, name, why, by)
    say(console, f"{name} is withdrawn. {current} is current again: {paths.published_file}.")


@answering
def verify_releases(paths: Paths, console: Console, release: str | None, landing: Path | None) -> int:
    """Compute every hash again. Exit: 0 all as the manifests say, 1 something differs, 2 no such release."""
    names, code = _names(paths, release), EXIT_OK
    for name in [release] if release else names:
        folder = folder_of(paths, name) or paths.releases / name
        verdict = verify_release(folder, again.read_manifest(folder), landing)
        problems = verdict.problems
        if name == latest_release(paths.releases):
            problems += verify_published(paths.published_file, folder, name)
        if problems:
            code = EXIT_FAILED
            say(console, f"{name}: {len(problems)} of its parts differ from the manifest.", *_first(problems))
        else:
            say(console, f"{name}: all {verdict.n_checked} hashes are those of the manifest.")
    return code


@answering
def rebuild_release(paths: Paths, console: Console, release: str, *, into: Path | None) -> int:
    """Make a release again from its manifest and compare every table. Exit: 0 equal, 1 not, 2 cannot be made here.

    into: an empty folder that keeps what was made; without it everything is thrown away.
    """
    if release not in [row["release"] for row in known_releases(paths)]:
        raise Refusal(f"There is no release {release}; see `nqpf release list`.")
    if into is not None and into.exists() and (not into.is_dir() or any(into.iterdir())):
        raise Refusal(f"{into} is not an empty folder.")
    manifest = again.read_manifest(paths.releases / release)
    earlier = again.earlier_release(paths.releases, manifest)
    there = again.contents_of(paths.releases / release, manifest)
    problems = again.code_differences(manifest, paths) + again.input_differences(manifest, paths)
    if problems:
        raise Refusal("\n".join([f"{release} cannot be rebuilt here.", *_first(problems)]))
    versions = again.version_differences(manifest)
    if versions:
        say(console, "Package versions differ from those of the release; last digits may move:", *versions)
    with tempfile.TemporaryDirectory(prefix="nqpf_rebuild_") as room:
        paths_then = again.lay_out(manifest, paths, into or Path(room), earlier)
        code = _refresh(paths_then, console, str(manifest["run"].get("depth") or "default"))
        if code != EXIT_OK:
            raise Refusal(f"{release} could not be rebuilt: its refresh failed.", code)
        with open_read_only(paths_then.published_file) as con:
            here = table_contents(con)
    differing = again.table_differences(there, here)
    if differing:
        say(console, f"{release}: {len(differing)} of {len(there)} tables are not equal.", *_first(differing))
        return EXIT_FAILED
    say(console, f"{release}: rebuilt, all {len(there)} tables are equal.")
    return EXIT_OK


def _refresh(paths: Paths, console: Console, depth: str) -> int:
    """The main job on the throw-away folder, drawing as much as then; the variables for its children are put back."""
    from dagster_project.cli.refresh import refresh  # loads Dagster

    before = dict(os.environ)
    try:
        return refresh(paths, console, year=None, is_demo=False, depth=depth)
    finally:
        os.environ.clear()
        os.environ.update(before)


@answering
def prune_releases(paths: Paths, console: Console, keep: int, *, is_sure: bool) -> None:
    """Show what would go and why the others stay; delete only with `is_sure`. Exit: 0, 2 bad --keep, 4 busy."""
    _names(paths)
    try:
        with refresh_lock(paths):
            plan = plan_prune(paths, keep)
            if is_sure:
                prune(paths, plan)
    except ValueError as error:
        raise Refusal(str(error)) from error
    table = Table("release", "size", "stays because it is")
    for item in plan.items:
        table.add_row(item.release, human(item.bytes), item.reason or ("[red]gone[/]" if is_sure else "[red]goes[/]"))
    console.print(table)
    size = human(sum(item.bytes for item in plan.going))
    say(console, f"{len(plan.going)} of {len(plan.items)} releases {'went' if is_sure else 'would go'}: {size}.")
    if plan.going and not is_sure:
        say(console, "Nothing was deleted. Use --yes to delete; landing files are never touched.")


def _first(lines: list[str] | tuple[str, ...]) -> list[str]:
    more = [f"... and {len(lines) - MAX_SAID} more."] if len(lines) > MAX_SAID else []
    return [f"  {line}" for line in lines[:MAX_SAID]] + more
