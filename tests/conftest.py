"""A small SYNTHETIC warehouse, built once a session; whoever changes something works on a copy of the whole folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dagster_project.demo import generate_demo
from dagster_project.paths import Paths

# for every process that a test starts: what a refresh does is tested, not how much it draws; twelve cities are computed
# sooner than a second process starts
os.environ.update({"NQPF_DEPTH": "quick", "NQPF_WORKERS": "1"})
sys.path.insert(0, str(Path(__file__).parent / "integration"))  # its tools serve all tests

from house import CITIES, PLANTED, YEARS, House
from once import made_once
from shared_files import real_files


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The order in which workers take files (`--dist loadfile`): what waits longest for a warehouse goes first.

    One file that needs the real files starts their refresh, while the other workers look at small warehouses; its
    neighbours come when that refresh is done. The quick files at the end even out the workers.
    """
    real = sorted({item.path for item in items if "real_warehouse" in getattr(item, "fixturenames", ())})
    here = Path(__file__).parent

    def turn(item: pytest.Item) -> int:
        if item.path in real:
            return 0 if item.path == real[0] else 2
        return 1 if {here / "integration", here / "reliability"} & set(item.path.parents) else 3

    items.sort(key=turn)


@pytest.fixture(scope="session")
def small_warehouse(tmp_path_factory: pytest.TempPathFactory) -> House:
    """12 cities, 2012-2016, refreshed once. Read it, never change it: `copy_of_small_warehouse` is for that."""
    return made_once(tmp_path_factory, "small", _refresh_small)


def _refresh_small(root: Path) -> House:
    paths = Paths(root / "warehouse", root / "landing", root / "landing")
    generate_demo(paths.landing, cities=CITIES, years=YEARS)
    house = House(paths)
    outcome = house.refresh(environment=PLANTED)
    assert outcome.exit_code == 0, outcome.text
    return house


@pytest.fixture
def copy_of_small_warehouse(small_warehouse: House, tmp_path: Path) -> House:
    """A copy that one test may change."""
    return small_warehouse.copy(tmp_path)


@pytest.fixture(scope="session")
def copy_small_warehouse(small_warehouse: House, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], House]:
    """copy_small_warehouse(name): for fixtures that share one changed copy between tests."""
    return lambda name: small_warehouse.copy(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real files beside the project, or skip."""
    return real_files()
