"""The one place that knows where the real files and the answers of other programs may lie, beside the project.

A clone has neither, so a test that asks for them is skipped; its twin in the same file runs on data that a clone has.
`NQPF_SHARED_DATA` names another folder of real files, `NQPF_SHARED_ORACLES` another one of answers.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
REAL_FILES = Path(os.environ.get("NQPF_SHARED_DATA", ROOT.parent / "shared" / "data"))
ORACLES = Path(os.environ.get("NQPF_SHARED_ORACLES", REAL_FILES.parent / "oracles"))


def real_files() -> Path:
    """The folder of real files, or skip."""
    return _or_skip(REAL_FILES, "yearbook_wide", "no real data")


def oracle_files() -> Path:
    """The folder of answers whose data may not be passed on, or skip."""
    return _or_skip(ORACLES, "data", "no reference answers")


def _or_skip(folder: Path, part: str, why: str) -> Path:
    if not (folder / part).is_dir():
        pytest.skip(why)
    return folder
