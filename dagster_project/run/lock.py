"""One refresh of a warehouse at a time: the second one is told so in one sentence."""

from __future__ import annotations

import datetime as dt
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from dagster_project.paths import Paths
from dagster_project.store import WarehouseBusy


@contextmanager
def refresh_lock(paths: Paths) -> Iterator[None]:
    """Advisory lock on the build folder, released by the system when the process exits. The file records its holder."""
    file = paths.lock_file
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise WarehouseBusy(
                f"Another refresh of {paths.warehouse} is running{_words(_content(handle))}."
                " Wait until it has ended and run again."
            ) from error
        _write(handle, f"process {os.getpid()} since {dt.datetime.now():%Y-%m-%d %H:%M:%S}")
        try:
            yield
        finally:
            _write(handle, "")


def holder(paths: Paths) -> tuple[str, bool]:
    """What the lock file says, and whether the lock is held now. Text without a holder: that refresh was killed."""
    file = paths.lock_file
    if not file.exists():
        return "", False
    with file.open(encoding="utf-8") as handle:
        text = _content(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return text, True
    return text, False


def _content(handle: TextIO) -> str:
    handle.seek(0)
    return handle.read().strip()


def _write(handle: TextIO, text: str) -> None:
    handle.seek(0)
    handle.truncate()
    handle.write(text)
    handle.flush()


def _words(text: str) -> str:
    return f" ({text})" if text else ""
