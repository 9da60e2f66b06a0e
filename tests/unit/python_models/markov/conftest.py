"""Incomes of 48 US states 1929-2009 (PySAL's example), and chains with a known matrix."""

import libpysal
import numpy as np
import pandas as pd
import pytest

from python_models.space import CityGraph, build_weights, normalise, to_graph

KNOWN = np.array([[0.9, 0.1, 0, 0], [0.08, 0.85, 0.07, 0], [0, 0.06, 0.88, 0.06], [0, 0, 0.04, 0.96]])


@pytest.fixture(scope="session")
def giddy():
    """Imported where it is needed: it compiles for seconds, and tests are collected by each worker."""
    import giddy.markov
    import giddy.mobility

    return giddy


@pytest.fixture(scope="session")
def known() -> np.ndarray:
    """A chain of four states with a known long run."""
    return KNOWN


@pytest.fixture(scope="session")
def income() -> pd.DataFrame:
    frame = pd.read_csv(libpysal.examples.get_path("usjoin.csv"))
    return frame.set_index("Name")[[str(year) for year in range(1929, 2010)]]


@pytest.fixture(scope="session")
def contiguity(income) -> CityGraph:
    w = libpysal.io.open(libpysal.examples.get_path("states48.gal")).read()
    return normalise(to_graph(w.sparse, list(income.index)))


@pytest.fixture(scope="session")
def country() -> tuple[np.ndarray, CityGraph]:
    """Scores (60, 8) of persistent cities that drift upwards, and the 5 nearest neighbours."""
    rng = np.random.default_rng(5)
    places = np.column_stack([rng.uniform(100, 120, 60), rng.uniform(25, 40, 60)])
    level = 0.05 * (places[:, [0]] - 100) + 0.5 * rng.standard_normal((60, 1))
    y = np.exp(level + 0.1 * np.arange(8) + 0.15 * rng.standard_normal((60, 8)).cumsum(axis=1))
    return y, build_weights("knn", points=places, k=5)
