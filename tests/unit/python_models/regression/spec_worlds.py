"""Simulated panels and oracle files for the tests of specification tests, dynamics and instruments."""

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.simulation import random_knn_weights

PROJECT = Path(__file__).resolve().parents[4]
SHARED = Path(os.environ.get("NQPF_SHARED_DATA", PROJECT.parent / "shared" / "data")).parent
ORACLES = SHARED / "oracles"


def knn(n: int, k: int = 5, seed: int = 1) -> SpatialWeights:
    return spatial_weights(random_knn_weights(n, k, rng=np.random.default_rng(seed)))


def inverse_distance(n: int, seed: int = 1) -> SpatialWeights:
    """Dense row-normalised inverse distances of n uniform points: every city is a neighbour of every other."""
    points = np.random.default_rng(seed).random((n, 2))
    distance = np.sqrt(((points[:, None] - points[None]) ** 2).sum(axis=2))
    np.fill_diagonal(distance, np.inf)
    return spatial_weights(1.0 / distance / (1.0 / distance).sum(axis=1, keepdims=True))


def draw(  # one panel of y = rho W y + X b + WX th + mu + lambda + u, u = lam W u + e
    weights: SpatialWeights,
    *,
    t: int,
    rng: np.random.Generator,
    rho: float = 0.0,
    lam: float = 0.0,
    beta: tuple[float, ...] = (1.0, -0.5),
    theta: tuple[float, ...] = (0.0, 0.0),
    correlation: float = 0.5,
    scale: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """`correlation` ties mu to the city part of x: random effects are valid only at zero."""
    n, w = weights.n, weights.matrix.toarray()
    city = rng.standard_normal((n, 1, len(beta)))
    x = scale * (rng.standard_normal((n, t, len(beta))) + 0.5 * city)
    mu = rng.standard_normal((n, 1)) + correlation * city.sum(axis=2)
    error = np.linalg.solve(np.eye(n) - lam * w, rng.standard_normal((n, t)))
    mean = x @ np.array(beta) + weights.lag(x) @ np.array(theta) + mu + rng.standard_normal((1, t)) + error
    return np.linalg.solve(np.eye(n) - rho * w, mean), x


def draw_dynamic(
    weights: SpatialWeights,
    *,
    t: int,
    rng: np.random.Generator,
    tau: float,
    eta: float,
    rho: float,
    beta: float = 1.0,
    theta: float = 0.3,
) -> tuple[np.ndarray, np.ndarray]:
    """y (N, t + 1) and x (N, t + 1, 1) after 30 years of running in."""
    n, w = weights.n, weights.matrix.toarray()
    multiplier = np.linalg.inv(np.eye(n) - rho * w)
    mu, y = rng.standard_normal(n), np.zeros(n)
    ys, xs = [], []
    for year in range(-30, t + 1):
        x = rng.standard_normal(n) + 0.3 * mu
        shock = rng.standard_normal(n) + rng.standard_normal()
        y = multiplier @ (tau * y + eta * w @ y + beta * x + theta * w @ x + mu + shock)
        if year >= 0:
            ys.append(y)
            xs.append(x)
    return np.array(ys).T, np.array(xs).T[:, :, None]


def oracle(case: str) -> dict:
    """Reference answers of other programs, or skip."""
    file = ORACLES / f"{case}.json"
    if not file.is_file():
        pytest.skip("no oracle files")
    return json.loads(file.read_text(encoding="utf-8"))["expected"]


def oracle_weights(name: str, n: int) -> SpatialWeights:
    frame = pd.read_csv(ORACLES / "data" / name)
    return spatial_weights(sparse.csr_array((frame["w"], (frame["row"], frame["col"])), shape=(n, n)))


def oracle_panel(name: str, n: int, t: int) -> pd.DataFrame:
    frame = pd.read_csv(ORACLES / "data" / name)
    assert len(frame) == n * t
    return frame.sort_values(["id", frame.columns[frame.columns.str.lower().isin(["year", "t"])][0]])
