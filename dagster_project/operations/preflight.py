"""What must be true before a refresh starts: said at once, not after two minutes of work."""

import os
from pathlib import Path

from dagster_project.operations.faults import SurroundingsError, free_megabytes
from dagster_project.paths import Paths
from dagster_project.publish.release.folder import latest_release

SPARE_MB = 20.0


def check_surroundings(paths: Paths) -> None:
    """SurroundingsError if the warehouse cannot be written or its disk is nearly full."""
    for folder in written_folders(paths):
        if not is_writable(folder):
            raise SurroundingsError(
                f"The folder {folder} cannot be written. Give this user write permission"
                " (is the disk mounted read-only?), or name another --warehouse."
            )
    need, free = megabytes_needed(paths), free_megabytes(paths.warehouse)
    if free < need:
        raise SurroundingsError(
            f"The disk of {paths.warehouse} is nearly full: {free:.0f} MB free, a refresh needs about {need:.0f} MB."
            " Make room, e.g. with `nqpf release prune --keep 5`, and run again."
        )


def written_folders(paths: Paths) -> list[Path]:
    parts = (paths.build_file.parent, paths.published, paths.releases, paths.reports, paths.dagster_home)
    return [paths.warehouse, *parts]


def megabytes_needed(paths: Paths) -> float:
    """As much as the build file and the newest release take now (both are written anew), and some spare."""
    newest = latest_release(paths.releases)
    files = [paths.build_file, *((paths.releases / newest).rglob("*") if newest else ())]
    size: int = sum(file.stat().st_size for file in files if file.is_file())
    return size / 1e6 + SPARE_MB


def is_writable(folder: Path) -> bool:
    """Whether files can be made there, or the folder itself where it does not exist. Writes nothing."""
    while not folder.exists():
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)
