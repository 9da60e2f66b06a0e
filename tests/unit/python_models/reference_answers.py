"""Reference answers of other programs, kept beside the project: numbers only, never copied into it.

Where the folder is not there these tests skip; facts that need no such data stand in the tests themselves.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parents[3]
SHARED = Path(os.environ.get("NQPF_SHARED_DATA", PROJECT.parent / "shared" / "data")).parent
ORACLES = Path(os.environ.get("NQPF_SHARED_ORACLES", SHARED / "oracles"))


def answer(name: str) -> Any:
    """The whole content of one reference answer, or a skip."""
    if not (ORACLES / f"{name}.json").exists():
        pytest.skip("the reference answers are not beside the project")
    return json.loads((ORACLES / f"{name}.json").read_text(encoding="utf-8"))


def data(name: str) -> Path:
    """Path of one of their data files."""
    return ORACLES / "data" / name
