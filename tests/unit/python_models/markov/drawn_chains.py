"""Chains with a known matrix."""

import numpy as np


def walk(p: np.ndarray, n: int, years: int, rng: np.random.Generator) -> np.ndarray:
    """n chains that start in the long run of p, one year after the other."""
    a = np.eye(len(p)) - p + 1
    pi = np.linalg.solve(a.T, np.ones(len(p)))
    states = np.empty((n, years), dtype=int)
    states[:, 0] = rng.choice(len(p), n, p=pi / pi.sum())
    for t in range(1, years):
        states[:, t] = step(p, states[:, t - 1], rng)
    return states


def step(p: np.ndarray, start: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One year on from `start` (N,)."""
    return (rng.random((len(start), 1)) > p.cumsum(axis=1)[start]).sum(axis=1).clip(max=len(p) - 1)
