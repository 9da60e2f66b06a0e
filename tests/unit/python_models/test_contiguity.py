"""Contiguity weights of the simulation against PySAL's graph."""

import numpy as np
import pandas as pd
from libpysal.graph import Graph

from python_models.simulation import contiguity_weights

EDGES = [(0, 1), (1, 2), (0, 2), (2, 3)]
PLACES = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (2.0, 2.0), (2.1, 2.2)]


def test_row_weights_equal_pysal_where_no_node_is_an_island():
    adjacency = pd.DataFrame([(i, j, 1.0) for a, b in EDGES for i, j in ((a, b), (b, a))], columns=["focal", "n", "w"])
    graph = Graph.from_arrays(adjacency["focal"].values, adjacency["n"].values, adjacency["w"].values).transform("r")
    expected = graph.sparse.todense()
    np.testing.assert_allclose(contiguity_weights(4, EDGES, PLACES[:4]), expected, atol=1e-15)


def test_an_island_is_tied_to_its_nearest_neighbour_both_ways():
    weights = contiguity_weights(5, EDGES, PLACES)
    assert weights[4].tolist() == [0.0, 0.0, 0.0, 1.0, 0.0]
    assert weights[3].tolist() == [0.0, 0.0, 0.5, 0.0, 0.5]
