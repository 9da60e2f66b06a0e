"""Reference answers of other programs, where their folder is there."""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # its simulated worlds

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="session")
def oracles() -> Path:
    """The folder of reference answers beside the project, or skip."""
    folder = Path(os.environ.get("NQPF_SHARED_DATA", ROOT.parent / "shared" / "data")).parent / "oracles"
    if not folder.is_dir():
        pytest.skip("no reference answers")
    return folder
