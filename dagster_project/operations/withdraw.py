"""A published release is taken back: the one before it is current again, and everybody can see why."""

import shutil

from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import (
    MANIFEST,
    is_withdrawn,
    latest_release,
    manifest_of,
    releases_in_order,
)
from dagster_project.publish.release.record import moment, say_on_pages, seal, with_entry
from dagster_project.publish.release.snapshot import swap_in


class WithdrawError(Refusal):
    """Why a release cannot be withdrawn, and what to do."""


def withdraw(paths: Paths, name: str, why: str, by: str = "") -> str:
    """Take back the current release; returns the name of the one that is current now. The caller holds the lock.

    The pages of the release say so first. The decisive step is the rename of its manifest: from then on no command,
    diff or bridge counts it. The published file follows, also after a crash (any refresh).
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
    manifest = with_entry(manifest_of(folder), "withdrawn", why=why, by=by)
    say_on_pages(folder, manifest)
    seal(folder, {**manifest, "withdrawn": {"at": moment(), "why": why}})
    file = paths.releases / earlier[-1] / "city.duckdb"
    shutil.copyfile(file, paths.fresh_file)
    swap_in(paths.fresh_file, paths.published_file)
    return earlier[-1]
