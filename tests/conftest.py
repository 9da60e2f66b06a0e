"""SYNTHETIC warehouses, each made once a session; whoever changes something works on a copy of the whole folder."""

import gc
import os
import sys
from pathlib import Path

# for every process that a test starts: what a refresh does is tested, not how much it draws; twelve cities are computed
# sooner than a second process starts; threads of small matrices mostly wait for each other (set before numpy is loaded,
# unless `make test-kernels` asks for another number)
os.environ.update({"NQPF_DEPTH": "trial", "NQPF_WORKERS": "1"})
os.environ.update({n: os.environ.get(n, "1") for n in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")})

import pytest

from dagster_project.demo import generate_demo
from dagster_project.paths import real_paths

# tools that serve all tests, and what is measured beside them
sys.path.insert(0, str(Path(__file__).parent / "integration"))
sys.path.insert(1, str(Path(__file__).parents[1] / "benchmarks"))

from changed import refuse, revise
from house import CITIES, PLANTED, YEARS, House, made_once, paths_below
from shared_files import real_files

gc.disable()  # until all tests are collected: what is imported stays, and garbage is looked for in all of it

# The first file makes the small warehouse, the second judges the whole demo, and who is free before the small warehouse
# is ready has tests that need none; the many quick files at the end even out the workers.
ORDER = (
    "integration/test_analyst_queries.py",
    "integration/test_whole_demo.py",
    "unit/values",
    "unit/study",
    "integration",
    "reliability",
)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers():
    """One more than there are cores: tests wait a quarter of their time, for files, browsers and other programs."""
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items):
    places = [Path(__file__).parent / place for place in ORDER]
    items.sort(key=lambda item: next((i for i, p in enumerate(places) if p in (item.path, *item.path.parents)), 9))


def pytest_collection_finish():
    gc.freeze()
    gc.set_threshold(100_000)  # as in every command
    gc.enable()


@pytest.fixture(scope="session")
def small_warehouse(tmp_path_factory):
    """12 cities, 2012-2016, refreshed once. Read it, never change it: `house` is for that."""

    def make(root):
        house = House(paths_below(root))
        generate_demo(house.paths.landing, cities=CITIES, years=YEARS)
        house.must_refresh(environment=PLANTED)
        return house

    return made_once(tmp_path_factory, "small", make)


@pytest.fixture(scope="session")
def whole_demo(tmp_path_factory):
    """Landing folder and truth of the demo as `make refresh` writes it. Read it, never change it."""
    return made_once(tmp_path_factory, "demo", lambda root: (root / "landing", generate_demo(root / "landing")))


@pytest.fixture
def house(small_warehouse, tmp_path):
    """A copy of the small warehouse that one test may change."""
    return small_warehouse.copy(tmp_path)


@pytest.fixture(scope="session")
def copy_small_warehouse(small_warehouse, tmp_path_factory):
    """copy_small_warehouse(name): for fixtures that share one changed copy between tests."""
    return lambda name: small_warehouse.copy(tmp_path_factory.mktemp(name))


@pytest.fixture(scope="session")
def revised(small_warehouse, tmp_path_factory):
    """A second edition of the yearbook of 2014 was landed and published."""
    return made_once(tmp_path_factory, "revised", lambda root: revise(small_warehouse.copy(root)))


@pytest.fixture(scope="session")
def refused(small_warehouse, tmp_path_factory):
    """Files that the gate must refuse were landed, and the run was refused."""
    return made_once(tmp_path_factory, "refused", lambda root: refuse(small_warehouse.copy(root)))


@pytest.fixture(scope="session")
def real_data():
    """The folder of real files beside the project, or skip."""
    return real_files()


@pytest.fixture(scope="session")
def real_warehouse(real_data, tmp_path_factory):
    """All real files with the tracked sidecars, refreshed once. Read it, never change it."""

    def make(root):
        house = House(real_paths(real_data, root / "warehouse"))
        house.must_refresh()
        return house

    return made_once(tmp_path_factory, "real", make)
