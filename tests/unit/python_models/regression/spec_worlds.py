"""Simulated panels and oracle files for the tests of specification tests, dynamics and instruments."""

import json

import numpy as np
import pandas as pd
from scipy import sparse
from shared_files import oracle_files

from python_models.regression.weights import SpatialWeights, spatial_weights
from tests.random_graph import random_knn_weights


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


def cigarettes() -> tuple[dict, np.ndarray, np.ndarray, SpatialWeights]:
    """Answers of R, y, x, W: log sales of 46 states 1963-92 on log real price and income, or skip (data of R's plm)."""
    folder = oracle_files()
    answers = json.loads((folder / "cigar_sar_fe.json").read_text(encoding="utf-8"))["expected"]
    d = pd.read_csv(folder / "data" / "cigar.csv").sort_values(["id", "year"])
    links = pd.read_csv(folder / "data" / "usa46_rowstd.csv")
    w = spatial_weights(sparse.csr_array((links["w"], (links["row"], links["col"])), shape=(46, 46)))
    logs = np.log(np.column_stack([d["sales"], d["price"] / d["cpi"], d["ndi"] / d["cpi"]])).reshape(46, 30, 3)
    return answers, logs[..., 0], logs[..., 1:], w
