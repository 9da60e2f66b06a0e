"""Simulated panels with a known truth for the tests of spillovers, rings and borders."""

import numpy as np

from tests.random_graph import random_knn_weights


def world(matrices, theta, *, seed=0, n=120, years=8, rho=0.3, beta=1.0, W=None):
    """y, x, W of y = rho W y + beta x + sum theta_m M_m x + effects + e; effects are correlated with x."""
    rng = np.random.default_rng(seed)
    weights = random_knn_weights(n, 5, rng=np.random.default_rng(99)) if W is None else W
    city, year = rng.normal(size=(n, 1)), rng.normal(size=(1, years))
    x = rng.normal(size=(n, years)) + 0.5 * city + 0.5 * year
    mean = beta * x + sum(t * (m @ x) for t, m in zip(theta, matrices, strict=True)) + city + year
    y = np.linalg.solve(np.eye(n) - rho * weights, mean + rng.normal(size=(n, years)))
    return y, x, weights


def places(n=120, seed=99):
    """Points in a square of 1,000 km and their distances (N, 2), (N, N)."""
    points = np.random.default_rng(seed).uniform(0, 1000, (n, 2))
    gap = points[:, None] - points[None, :]
    return points, np.sqrt((gap**2).sum(axis=2))
