"""Speed of the inequality measures beside NumPy's sort, naive all-pairs arithmetic and the package `inequality`.

    python benchmarks/inequality.py              n = 280, 2,850, 100,000; bootstrap of all marts; memory at 40,000
    python benchmarks/inequality.py --quick      without the bootstrap and the memory

Ratios come from one run: medians of interleaved repetitions, processor time of one process with one thread. Targets:
Gini within 1.5 times np.sort at n = 100,000; Dagum with four groups within 12 times; bootstrap of all disparity marts
(B = 1,999, 10 years, n = 280, five schemes) under 60 s; memory below 1 GB at n = 40,000.
"""

import argparse
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd

from dagster_project.paths import demo_paths
from dagster_project.study import disparity
from dagster_project.study.settings import DepthName, read_settings
from python_models.inequality import bootstrap, dagum, gini, theil, theil_nested

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
SIZES = (280, 2850, 100_000)
NAIVE_UP_TO = 2850  # all pairs of 100,000 values need 80 GB


def medians(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each task; repetitions are interleaved, so that a busy machine hits all alike."""
    seconds: dict[str, list[float]] = {task: [] for task in tasks}
    for run in range(repeats + 1):
        for task, function in tasks.items():
            start = time.process_time()
            function()
            if run:  # the first one warms up
                seconds[task].append(time.process_time() - start)
    return {task: statistics.median(times) for task, times in seconds.items()}


def naive_gini(y: np.ndarray) -> float:
    return float(np.abs(y[:, None] - y[None, :]).sum() / (2.0 * y.size**2 * y.mean()))


def naive_dagum(y: np.ndarray, g: np.ndarray) -> list[float]:
    """All pairs of each pair of groups."""
    parts = [y[g == j] for j in np.unique(g)]
    return [float(np.abs(a[:, None] - b[None, :]).mean()) for a in parts for b in parts]


def compare(n: int) -> None:
    from inequality.gini import Gini
    from inequality.theil import Theil, TheilD

    rng = np.random.default_rng(2026)
    y, g = rng.lognormal(0.0, 0.5, n), rng.integers(0, 4, n)
    text = np.array(["east", "central", "west", "northeast"], dtype=object)[g]
    tasks: dict[str, Callable[[], object]] = {
        "np.sort": lambda: np.sort(y),
        "gini, ours": lambda: gini(y),
        "gini, inequality": lambda: Gini(y).g,
        "dagum 4 groups, ours": lambda: dagum(y, g),
        "dagum 4 text groups, ours": lambda: dagum(y, text),
        "theil, ours": lambda: theil(y),
        "theil, inequality": lambda: Theil(y).T,
        "theil by group, ours": lambda: theil(y, g),
        "theil by group, inequality": lambda: TheilD(y, g).bg,
    }
    if n <= NAIVE_UP_TO:
        tasks |= {"gini, all pairs": lambda: naive_gini(y), "dagum, all pairs": lambda: naive_dagum(y, g)}
    found = medians(tasks, repeats=31)
    sort = found["np.sort"]
    print(f"\nn = {n:,}")
    for task, seconds in found.items():
        print(f"  {task:<28} {1e3 * seconds:9.3f} ms   {seconds / sort:7.2f} x np.sort")


def marts() -> None:
    """Every disparity table of 280 cities and 10 years: five schemes and the whole, with and without population."""
    rng = np.random.default_rng(2026)
    cities, years = [f"c{i:03d}" for i in range(280)], list(range(2012, 2022))
    growth = np.exp(0.05 * np.arange(10) + 0.1 * rng.normal(size=(280, 10)))
    wide = pd.DataFrame(rng.lognormal(-2.0, 0.5, (280, 1)) * growth, cities, years)
    scores = wide.stack().rename_axis(["city_id", "year"]).rename("score").reset_index()
    scores = scores.assign(basis="restated", is_frozen=False, index_code="index", weight_scheme="flat")
    codes = {"region": 4, "a": 2, "b": 2, "c": 2, "d": 2}
    groups = pd.concat(
        pd.DataFrame({"city_id": cities, "scheme": scheme, "group_code": [f"g{i % k}" for i in range(280)]})
        for scheme, k in codes.items()
    ).assign(valid_from=0, valid_to=None)
    schemes = pd.DataFrame({"scheme": list(codes), "sort_no": range(len(codes)), "role": ["region", *["centre"] * 4]})
    schemes = schemes.assign(is_main=schemes["role"] == "region", is_split=True, is_regime=False, is_partition=True)
    schemes = schemes.assign(centre_group=None, outside_group=None)
    city = pd.DataFrame(
        {"city_id": cities, "province_code": [f"{i % 28:02d}" for i in range(280)], "admin_tier": "city"}
    )
    people = scores[["city_id", "year"]].assign(population=rng.integers(10**5, 10**7, len(scores)))
    frames = {"scores": scores, "groups": groups, "schemes": schemes, "city": city, "population": people}
    settings = read_settings(demo_paths().specs, DepthName.default)
    start = time.process_time()
    disparity.build(frames, settings)
    print(f"\nbootstrap of all disparity marts (B = 1,999, 10 years, n = 280): {time.process_time() - start:.1f} s")


def memory() -> None:
    """Peak of the process after the decompositions and a short bootstrap of 40,000 units."""
    rng = np.random.default_rng(2026)
    y, g, p = rng.lognormal(size=40_000), rng.integers(0, 4, 40_000), rng.integers(0, 300, 40_000)
    dagum(y, p)
    theil_nested(y, p % 4, p)
    bootstrap(y, lambda y, W: (W @ y) / W.sum(axis=1), g, n_replicates=99, seed=1)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory with 40,000 units, 300 groups, bootstrap: {peak:.0f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only the measures, no bootstrap and no memory")
    is_quick = parser.parse_args().quick
    if os.environ.get("OMP_NUM_THREADS") != "1" or not sys.flags.safe_path:
        # again with one thread, and with -P: this file's folder would hide the package of the same name
        os.execve(sys.executable, [sys.executable, "-P", *sys.argv], os.environ | THREADS)
    for n in SIZES:
        compare(n)
    if not is_quick:
        marts()
        memory()


if __name__ == "__main__":
    main()
