"""The made-up country of the policy tests."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # its frames

from policy_worlds import frames

from dagster_project.study.tables.policy import build_policy_tables


@pytest.fixture(scope="session")
def country():
    """Frames of 18 cities and 6 years."""
    return frames()


@pytest.fixture(scope="session")
def tables(country):
    return build_policy_tables(country, seed=1, n_draws=60)
