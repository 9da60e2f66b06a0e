"""Commands on releases: list, diff, verify, rebuild, prune."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_project.cli.reading import table_of
from dagster_project.operations import rebuild as again
from dagster_project.operations.retention import plan_prune, prune
from dagster_project.operations.withdraw import WithdrawError, withdraw
from dagster_project.paths import Paths
from dagster_project.publish.release.content import table_contents
from dagster_project.publish.release.diff import Frames, diff_frames
from dagster_project.publish.release.diff_page import diff_html, diff_markdown
from dagster_project.publish.release.disk import human
from dagster_project.publish.release.folder import known_releases, latest_release
from dagster_project.publish.release.verify import verify_published, verify_release
from dagster_project.published import open_read_only
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_OK, nothing_published
from dagster_project.run.lock import refresh_lock
from dagster_project.store import WarehouseBusy

DIFF_FORMATS = ("markdown", "html", "json")
MAX_SAID = 20


def list_releases(paths: Paths, console: Console) -> int:
    """Name, vintage, date of each release."""
    rows = known_releases(paths)
    if not rows:
        return nothing_published(paths, console)
    console.print(table_of(pd.DataFrame(rows), whole=("release",)))
    return EXIT_OK


def diff_releases(
    paths: Paths, console: Console, old: str | None, new: str | None, *, format: str, out: Path | None
) -> int:
    """What differs. One name: that release against the one before it; none: the newest against the one before."""
    if format not in DIFF_FORMATS:
        return _say(console, [f"--format must be one of {', '.join(DIFF_FORMATS)}."], EXIT_BAD_INPUT)
    names = [row["release"] for row in known_releases(paths)]
    if not names:
        return nothing_published(paths, console)
    if new is None:
        new = old or latest_release(paths.releases) or names[0]
        old = _before(paths, new) if new in names else None
    unknown = [name for name in (old, new) if name is not None and not (paths.releases / name / "city.duckdb").exists()]
    if unknown:
        return _say(console, [f"There is no release {unknown[0]}; see `nqpf release list`."], EXIT_BAD_INPUT)
    frames = None
    if old is not None:
        frames = diff_frames(*(paths.releases / name / "city.duckdb" for name in (old, new)))
    text = _diff_text(old, new, frames, format)
    if out is None:
        print(text, end="")
    else:
        out.write_text(text, encoding="utf-8")
    return EXIT_OK


def _before(paths: Paths, name: str) -> str | None:
    """The release that this one followed: as its manifest says, else (an older one) by its date."""
    manifest = again.read_manifest(paths.releases / name)
    if "previous" in manifest:
        return None if manifest["previous"] is None else str(manifest["previous"])
    names = [row["release"] for row in known_releases(paths)]
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


def withdraw_release(paths: Paths, console: Console, name: str, why: str) -> int:
    """Take the current release back. Exit: 0 done, 2 not possible, 4 busy."""
    try:
        with refresh_lock(paths):
            current = withdraw(paths, name, why)
    except WarehouseBusy as busy:
        return _say(console, [str(busy)], EXIT_BUSY)
    except WithdrawError as error:
        return _say(console, [str(error)], EXIT_BAD_INPUT)
    return _say(console, [f"{name} is withdrawn. {current} is current again: {paths.published_file}."], EXIT_OK)


def verify_releases(paths: Paths, console: Console, release: str | None, landing: Path | None) -> int:
    """Compute every hash again. Exit: 0 all as the manifests say, 1 something differs, 2 no such release."""
    names = [row["release"] for row in known_releases(paths)]
    if not names:
        return nothing_published(paths, console)
    if release is not None and release not in names:
        return _say(console, [f"There is no release {release}; see `nqpf release list`."], EXIT_BAD_INPUT)
    code = EXIT_OK
    for name in [release] if release else names:
        folder = paths.releases / name
        verdict = verify_release(folder, again.read_manifest(folder), landing)
        problems = verdict.problems
        if name == latest_release(paths.releases):
            problems += verify_published(paths.published_file, folder, name)
        if problems:
            code = EXIT_FAILED
            _say(console, [f"{name}: {len(problems)} of its parts differ from the manifest.", *_first(problems)], code)
        else:
            console.print(f"{name}: all {verdict.n_checked} hashes are those of the manifest.", highlight=False)
    return code


def rebuild_release(paths: Paths, console: Console, release: str, *, into: Path | None) -> int:
    """Make a release again from its manifest and compare every mart. Exit: 0 equal, 1 not, 2 cannot be made here.

    into: an empty folder that keeps what was made; without it everything is thrown away.
    """
    if release not in [row["release"] for row in known_releases(paths)]:
        return _say(console, [f"There is no release {release}; see `nqpf release list`."], EXIT_BAD_INPUT)
    if into is not None and into.exists() and (not into.is_dir() or any(into.iterdir())):
        return _say(console, [f"{into} is not an empty folder."], EXIT_BAD_INPUT)
    try:
        manifest = again.read_manifest(paths.releases / release)
        earlier = again.earlier_release(paths.releases, manifest)
        there = again.contents_of(paths.releases / release, manifest)
    except again.RebuildError as error:
        return _say(console, [str(error)], EXIT_BAD_INPUT)
    problems = again.code_differences(manifest, paths) + again.input_differences(manifest, paths)
    if problems:
        return _say(console, [f"{release} cannot be rebuilt here.", *_first(problems)], EXIT_BAD_INPUT)
    versions = again.version_differences(manifest)
    if versions:
        _say(console, ["Package versions differ from those of the release; last digits may move:", *versions], EXIT_OK)
    with tempfile.TemporaryDirectory(prefix="nqpf_rebuild_") as room:
        made = again.lay_out(manifest, paths, into or Path(room), earlier)
        code = _refresh(made, console, str(manifest["run"].get("depth") or "default"))
        if code != EXIT_OK:
            return _say(console, [f"{release} could not be rebuilt: its refresh failed."], code)
        with open_read_only(made.published_file) as con:
            here = table_contents(con)
    differing = again.table_differences(there, here)
    if differing:
        lines = [f"{release}: {len(differing)} of {len(there)} marts are not equal.", *_first(differing)]
        return _say(console, lines, EXIT_FAILED)
    console.print(f"{release}: rebuilt, all {len(there)} marts are equal.", highlight=False)
    return EXIT_OK


def _refresh(made: Paths, console: Console, depth: str) -> int:
    """The main job on the throw-away folder, drawing as much as then; the variables for its children are put back."""
    from dagster_project.cli.refresh import refresh  # loads Dagster

    before = dict(os.environ)
    try:
        return refresh(made, console, year=None, is_demo=False, depth=depth)
    finally:
        os.environ.clear()
        os.environ.update(before)


def prune_releases(paths: Paths, console: Console, keep: int, *, is_sure: bool) -> int:
    """Show what would go and why the others stay; delete only with `is_sure`. Exit: 0, 2 bad --keep, 4 busy."""
    if not known_releases(paths):
        return nothing_published(paths, console)
    try:
        with refresh_lock(paths):
            plan = plan_prune(paths, keep)
            if is_sure:
                prune(paths, plan)
    except ValueError as error:
        return _say(console, [str(error)], EXIT_BAD_INPUT)
    except WarehouseBusy as error:
        return _say(console, [str(error)], EXIT_BUSY)
    table = Table("release", "size", "stays because it is")
    for item in plan.items:
        table.add_row(item.release, human(item.bytes), item.reason or ("[red]gone[/]" if is_sure else "[red]goes[/]"))
    console.print(table)
    freed = human(sum(item.bytes for item in plan.going))
    lines = [f"{len(plan.going)} of {len(plan.items)} releases {'went' if is_sure else 'would go'}: {freed}."]
    if plan.going and not is_sure:
        lines.append("Nothing was deleted. Use --yes to delete; landing files are never touched.")
    return _say(console, lines, EXIT_OK)


def _first(lines: list[str] | tuple[str, ...]) -> list[str]:
    more = [f"... and {len(lines) - MAX_SAID} more."] if len(lines) > MAX_SAID else []
    return [f"  {line}" for line in lines[:MAX_SAID]] + more


def _say(console: Console, lines: list[str], code: int) -> int:
    for line in lines:
        console.print(escape(line), highlight=False, soft_wrap=True)
    return code
