"""A graph for tests that need any weights."""

import numpy as np
from scipy.spatial import cKDTree


def random_knn_weights(n, k, *, rng):
    """Row-normalised k-nearest-neighbour weights of n uniform points in the unit square, shape (N, N)."""
    points = rng.random((n, 2))
    nearest = cKDTree(points).query(points, k=k + 1)[1][:, 1:]
    weights = np.zeros((n, n))
    weights[np.repeat(np.arange(n), k), nearest.ravel()] = 1.0 / k
    return weights
