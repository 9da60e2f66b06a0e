"""Speed and memory of the spatial statistics beside esda (with numba): n = 280, 2,850 and 40,000.

    python benchmarks/space.py

Both in one run, one BLAS thread, one numba thread, medians after a first call that compiles. Data: normal noise, the 6
nearest neighbours of uniform points, seeded. The last part runs ours alone on 40,000 cities and prints the peak memory
of the whole process (limit 1 GB), measured before the peers are loaded.
"""

import os

os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"))

import resource
import statistics
import time
import warnings
from collections.abc import Callable

import numpy as np

from python_models.space import CityGraph, build_weights, lisa, moran, profile_weights


def median_seconds(call: Callable[[], object], runs: int) -> float:
    call()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def world(n: int, **options: object) -> tuple[np.ndarray, CityGraph]:
    rng = np.random.default_rng(2026)
    points = np.column_stack([rng.uniform(80, 125, n), rng.uniform(22, 48, n)])
    return rng.standard_normal(n), build_weights(**{"kind": "knn", "k": 6, "points": points, **options})


def measure_large(n: int) -> None:
    print(f"\nn = {n}, ours alone")
    start = time.perf_counter()
    y, graph = world(n)
    print(f"  weights (6 nearest)                  {time.perf_counter() - start:8.2f} s")
    for name, call in {
        "Moran's I, 999 permutations": lambda: moran(y, graph, permutations=999),
        "LISA, 9,999 conditional permutations": lambda: lisa(y, graph),
        "profile with eigenvalues and hash": lambda: profile_weights(graph),
    }.items():
        start = time.perf_counter()
        call()
        print(f"  {name:36s} {time.perf_counter() - start:8.2f} s")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"  peak memory of the process           {peak:8.0f} MB (limit 1024)")


def measure(n: int, runs: int) -> None:
    import esda

    y, graph = world(n)
    w = graph.to_W()
    pairs = {
        "LISA, 9,999": (
            lambda: lisa(y, graph),
            lambda: esda.Moran_Local(y, w, permutations=9999, seed=1, alternative="two-sided", keep_simulations=False),
        ),
        "Moran's I, 9,999": (lambda: moran(y, graph), lambda: esda.Moran(y, w, permutations=9999)),
    }
    print(f"\nn = {n}")
    for name, (ours, theirs) in pairs.items():
        a, b = median_seconds(ours, runs), median_seconds(theirs, runs)
        print(f"  {name:20s} ours {1000 * a:8.1f} ms   esda {1000 * b:8.1f} ms   ratio {a / b:.2f}")
    dense = world(n, kind="invd")
    seconds = median_seconds(lambda: lisa(*dense, permutations=999), 1)
    print(f"  {'LISA, 999, dense W':20s} ours {1000 * seconds:8.1f} ms")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    measure_large(40_000)
    measure(280, 5)
    measure(2_850, 3)
