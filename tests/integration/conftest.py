"""Warehouses that several files look at, each made once a session."""

from pathlib import Path

import pytest
from changed import refuse, revise
from house import House
from once import made_once

from dagster_project.paths import real_paths


@pytest.fixture(scope="session")
def revised(small_warehouse, tmp_path_factory):
    """A second edition of the yearbook of 2014 was landed and published."""
    return made_once(tmp_path_factory, "revised", lambda root: revise(small_warehouse.copy(root)))


@pytest.fixture(scope="session")
def refused(small_warehouse, tmp_path_factory):
    """Files that the gate must refuse were landed, and the run was refused."""
    return made_once(tmp_path_factory, "refused", lambda root: refuse(small_warehouse.copy(root)))


@pytest.fixture(scope="session")
def real_warehouse(real_data, tmp_path_factory):
    """All real files with the tracked sidecars, refreshed once. Read it, never change it."""

    def refresh(root: Path) -> House:
        house = House(real_paths(real_data, root / "warehouse"))
        outcome = house.refresh()
        assert outcome.exit_code == 0, outcome.text
        return house

    return made_once(tmp_path_factory, "real", refresh)
