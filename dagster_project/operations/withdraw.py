"""A published release is taken back: the one before it is current again, and everybody can see why."""

import datetime as dt
import html
import json
import re
import shutil
from pathlib import Path

from dagster_project.paths import Paths
from dagster_project.publish.release.folder import (
    MANIFEST,
    file_hashes,
    is_withdrawn,
    latest_release,
    releases_in_order,
)
from dagster_project.publish.release.snapshot import swap_in
from dagster_project.run.failures import Refusal

MARK = "data-withdrawn"
BANNER = (
    f'<div {MARK} role="alert" style="background:#b00020;color:#fff;padding:.6em 1em;font-weight:600">'
    "Release {name} was withdrawn on {day}: {why}</div>"
)


class WithdrawError(Refusal):
    """Why a release cannot be withdrawn, and what to do."""


def withdraw(paths: Paths, name: str, why: str) -> str:
    """Take back the current release; returns the name of the one that is current now. The caller holds the lock.

    The pages of the release say so first. The decisive step is the rename of its manifest: from then on no command,
    diff or bridge counts it. The published file follows, also after a crash (`nqpf doctor --fix`, or any refresh).
    """
    why = " ".join(why.split())
    if not why:
        raise WithdrawError("Say why with --why: readers of the withdrawn release will be told.")
    folder = paths.releases / name
    if not (folder / MANIFEST).is_file():
        raise WithdrawError(f"There is no release {name}; see `nqpf release list`.")
    if is_withdrawn(folder):
        raise WithdrawError(f"{name} was withdrawn already.")
    current = latest_release(paths.releases)
    if name != current:
        raise WithdrawError(f"{name} is not the current release, {current} is: only the current one can be withdrawn.")
    earlier = [one for one in releases_in_order(paths.releases) if one != name]
    if not earlier:
        raise WithdrawError(f"{name} is the only release: there is none before it that could be current.")
    _say_on_pages(folder, name, why)
    _mark(folder, why)
    file = paths.releases / earlier[-1] / "city.duckdb"
    shutil.copyfile(file, paths.fresh_file)
    swap_in(paths.fresh_file, paths.published_file)
    return earlier[-1]


def _say_on_pages(folder: Path, name: str, why: str) -> None:
    banner = BANNER.format(name=name, day=f"{dt.date.today():%Y-%m-%d}", why=html.escape(why)).replace("\\", "\\\\")
    for page in folder.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if MARK not in text:
            page.write_text(re.sub(r"(<body[^>]*>)", rf"\1{banner}", text, count=1), encoding="utf-8")


def _mark(folder: Path, why: str) -> None:
    """The manifest with the tombstone and the hashes of the pages as they are now, in one rename."""
    manifest = folder / MANIFEST
    content = json.loads(manifest.read_text(encoding="utf-8"))
    moment = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    content = {**content, "withdrawn": {"at": moment, "why": why}, "files": file_hashes(folder)}
    fresh = folder.with_name(f".{folder.name}.manifest.tmp")  # outside: it is no part of the release
    fresh.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    fresh.replace(manifest)
