"""Warehouses that several files look at, each made once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from changed import Refused, Revised, refuse, revise
from house import House

from dagster_project.paths import real_paths


@pytest.fixture(scope="session")
def revised(copy_small_warehouse: Callable[[str], House]) -> Revised:
    """A second edition of the yearbook of 2014 was landed and published."""
    return revise(copy_small_warehouse("revised"))


@pytest.fixture(scope="session")
def refused(copy_small_warehouse: Callable[[str], House]) -> Refused:
    """Files that the gate must refuse were landed, and the run was refused."""
    return refuse(copy_small_warehouse("refused"))


@pytest.fixture(scope="session")
def real_warehouse(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> House:
    """All real files with the tracked sidecars, refreshed once. Read it, never change it."""
    house = House(real_paths(real_data, tmp_path_factory.mktemp("real") / "warehouse"))
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    return house
