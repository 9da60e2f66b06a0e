"""Public cases of PySAL and small maps for the tests of the spatial statistics."""

from collections.abc import Callable
from typing import Any

import libpysal
import numpy as np
import pandas as pd
import pytest
from golden import cases
from libpysal.graph import Graph

from python_models.space import CityGraph, build_weights, normalise, to_graph

LINE = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 1.0], [0.0, 1.0, 0.0]])


@pytest.fixture(scope="session")
def line() -> CityGraph:
    """1 - 2 - 3, row-normalised."""
    return normalise(to_graph(LINE))


@pytest.fixture(scope="session")
def columbus() -> tuple[pd.Series, CityGraph]:
    """CRIME of 49 districts of Columbus and their row-normalised contiguity (Anselin 1988), PySAL's edition."""
    table = libpysal.io.open(libpysal.examples.get_path("columbus.dbf"))
    w = libpysal.io.open(libpysal.examples.get_path("columbus.gal")).read()
    graph = normalise(to_graph(Graph.from_W(w).sparse, [str(label) for label in w.id_order]))
    return pd.Series(table.by_col("CRIME"), index=graph.unique_ids), graph


@pytest.fixture(scope="session")
def spdep() -> tuple[np.ndarray, CityGraph, dict[str, Any]]:
    """CRIME, graph and the answers of R's spdep 1.3.5, with the neighbours of R's edition of Columbus."""
    table, w = cases.columbus()
    return table["CRIME"].to_numpy(), to_graph(w), cases.expected("columbus")


def scatter(n: int, seed: int = 1) -> np.ndarray:
    """n points over a country-sized box, longitude and latitude."""
    rng = np.random.default_rng(seed)
    return np.column_stack([rng.uniform(80, 125, n), rng.uniform(22, 48, n)])


@pytest.fixture(scope="session")
def points() -> Callable[..., np.ndarray]:
    return scatter


@pytest.fixture(scope="session")
def map60() -> tuple[np.ndarray, CityGraph]:
    """60 cities with a smooth positive variable and the weights of the 5 nearest."""
    places = scatter(60)
    rng = np.random.default_rng(3)
    y = np.exp(0.04 * (places[:, 0] - 100) + 0.4 * rng.standard_normal(60))
    return y, build_weights("knn", points=places, k=5)
