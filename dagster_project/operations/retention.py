"""Which releases may go, and what goes with them. A plan first; nothing is deleted by looking."""

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dagster_project.operations.promote import drop_candidate
from dagster_project.operations.rebuild import RebuildError, earlier_release
from dagster_project.paths import Paths
from dagster_project.publish.release.disk import size_of
from dagster_project.publish.release.folder import KEEP_MARK, MANIFEST, latest_release
from dagster_project.publish.release.record import candidate_folders, last_entry, waiting


@dataclass(frozen=True)
class Item:
    """One release in the plan. `reason`: why it stays, "" if it may go."""

    release: str
    bytes: int
    reason: str
    is_candidate: bool = False


@dataclass(frozen=True)
class Plan:
    """What `prune` would do."""

    items: tuple[Item, ...]

    @property
    def going(self) -> list[Item]:
        return [item for item in self.items if not item.reason]


def plan_prune(paths: Paths, keep: int) -> Plan:
    """Releases beyond the newest `keep` go, but never the current one, one that another points to, a signed or a marked
    one. Candidates go that were rejected, or overtaken by another release.

    A release that stays by its number points to the one that its bridge starts from and to the one it was compared
    with. ValueError if keep < 1.
    """
    if keep < 1:
        raise ValueError("At least one release must be kept: --keep 1 or more.")
    manifests = _manifests(paths.releases)
    newest = sorted(manifests, key=lambda name: [int(n) for n in name.split("-")[0].split(".")], reverse=True)
    pointers = _pointers(paths.releases, newest[:keep], manifests)
    link_of = _links(paths)
    items = []
    for place, name in enumerate(newest):
        reason = ""
        if name == latest_release(paths.releases):
            reason = "the current one"
        elif place < keep:
            reason = f"one of the newest {keep}"
        elif signer := last_entry(manifests[name], "published").get("by"):
            reason = f"signed by {signer}"
        elif (paths.releases / name / KEEP_MARK).exists():
            reason = f"marked by {KEEP_MARK}"
        elif name in pointers:
            reason = f"{pointers[name]} points to it"
        elif name in link_of:
            reason = f"the link {link_of[name]} points to it"
        items.append(Item(name, size_of(paths.releases / name)[0], reason))
    open_names = waiting(paths)
    for folder in candidate_folders(paths):
        reason = "a candidate that waits for a signature" if folder.name in open_names else ""
        items.append(Item(folder.name, size_of(folder)[0], reason, is_candidate=True))
    return Plan(tuple(items))


def prune(paths: Paths, plan: Plan) -> None:
    """Delete what the plan lets go: a folder is renamed first, so that no half release is ever seen."""
    for item in plan.going:
        if item.is_candidate:
            drop_candidate(paths.candidates / item.release)
            continue
        folder = paths.releases / item.release
        going = folder.with_name(f".{item.release}.going")
        folder.replace(going)
        shutil.rmtree(going)


def _manifests(releases: Path) -> dict[str, dict[str, Any]]:
    files = [file for file in releases.glob(f"*/{MANIFEST}") if not file.parent.name.startswith(".")]
    return {file.parent.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def _pointers(releases: Path, names: list[str], manifests: dict[str, dict[str, Any]]) -> dict[str, str]:
    """Release -> the kept release that points to it."""
    pointers: dict[str, str] = {}
    for name in names:
        targets = [manifests[name].get("previous")]
        with suppress(RebuildError):  # what it would point to has gone already
            targets.append(earlier_release(releases, manifests[name]))
        pointers |= {target: name for target in targets if target and target not in pointers}
    return pointers


def _links(paths: Paths) -> dict[str, str]:
    """Release -> a symbolic link in the published folder that leads into it."""
    links = [path for path in (*paths.published.glob("*"), *paths.releases.glob("*")) if path.is_symlink()]
    link_of = {}
    for link in links:
        target = link.resolve()
        if target.is_relative_to(paths.releases.resolve()) and target != paths.releases.resolve():
            link_of[target.relative_to(paths.releases.resolve()).parts[0]] = link.name
    return link_of
