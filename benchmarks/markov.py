"""Speed of the Markov chains beside giddy: n = 280, T = 10 and n = 2,850, T = 20.

    python benchmarks/markov.py

Ours: the spatial chain with its tests and 999 permutations of whole trajectories. giddy: the fit with its tests, and 99
permutations. Both in one run, one BLAS thread, medians. Data: random walks with the 6 nearest neighbours, seeded.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import statistics
import time
from collections.abc import Callable

import giddy.markov
import numpy as np

from python_models.dynamics.markov import markov
from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
from python_models.dynamics.states import discretise
from python_models.space import build_weights


def median_seconds(call: Callable[[], object], runs: int) -> float:
    call()  # a first call may compile or fill caches
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def measure(n: int, t: int, runs: int) -> None:
    rng = np.random.default_rng(2026)
    points = np.column_stack([rng.uniform(80, 125, n), rng.uniform(22, 48, n)])
    graph = build_weights("knn", points=points, k=6)
    y = np.exp(0.1 * rng.standard_normal((n, t)).cumsum(axis=1))
    relative = y / y.mean(axis=0)
    w = graph.to_W()
    states, near = discretise(y).states, classify_lag(relative, graph).states

    def peer(permutations: int) -> giddy.markov.Spatial_Markov:
        return giddy.markov.Spatial_Markov(relative, w, k=4, m=4, permutations=permutations, variable_name="y")

    rows = {
        "ours: classes, lag, counts, tests": lambda: spatial_markov(
            discretise(y).states, classify_lag(relative, graph).states, 4, 4
        ),
        "ours: 999 permutations": lambda: spatial_markov(states, near, 4, 4, permutations=999, seed=1),
        "ours: 999 resamples of cities": lambda: markov(states, 4, n_boot=999, seed=1),
        "giddy: fit and tests": lambda: peer(0).Q,
        "giddy: 99 permutations": lambda: peer(99).Q,
    }
    print(f"\nn = {n}, T = {t}")
    seconds = {}
    for name, call in rows.items():
        seconds[name] = median_seconds(call, runs)
        print(f"  {name:36s} {1000 * seconds[name]:10.1f} ms")
    ratio = seconds["ours: 999 permutations"] / seconds["giddy: 99 permutations"]
    print(f"  our 999 permutations take {ratio:.2f} of giddy's 99 (limit 1)")


if __name__ == "__main__":
    measure(280, 10, 5)
    measure(2_850, 20, 3)
