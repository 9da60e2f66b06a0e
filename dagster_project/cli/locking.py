"""One refresh of a warehouse at a time: the second one is told so in one sentence."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from dagster_project.paths import Paths
from dagster_project.warehouse import WarehouseBusy


@contextmanager
def refresh_lock(paths: Paths) -> Iterator[None]:
    """Advisory lock on the build folder; it dies with the process."""
    file = paths.warehouse / "build" / "refresh.lock"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WarehouseBusy(
                f"Another refresh of {paths.warehouse} is running. Wait until it has ended and run again."
            ) from error
        yield
