"""Make a costly thing once a session, though several workers of pytest-xdist ask for it."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once[T](factory: pytest.TempPathFactory, name: str, make: Callable[[Path], T]) -> T:
    """What `make(folder)` gives: the first worker makes it, the others wait for it and read it (it is pickled)."""
    base = factory.getbasetemp()
    base = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, kept = base / name, base / f"{name}.pickle"
    with FileLock(base / f"{name}.lock"):
        if not kept.exists():
            assert not folder.exists(), f"{name} could not be made: see the test that asked for it first"
            folder.mkdir()
            kept.write_bytes(pickle.dumps(make(folder)))
        return pickle.loads(kept.read_bytes())
