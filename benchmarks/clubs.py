"""Speed of the club search beside the Python package convergence-clubs, and of densities beside SciPy.

    python benchmarks/clubs.py

Data: GDP of 152 countries, 34 years, and productivity of 108, 25 years, that convergence-clubs ships. Medians of
interleaved repetitions, processor time of one process with one thread. Target: clubs on 152 x 34 not slower than
convergence-clubs.
"""

import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable

import convergence_clubs as peer
import numpy as np
from scipy.stats import gaussian_kde

from python_models.dynamics import find_clubs, kernel_density, log_t, merge_clubs, stochastic_kernel, unimodality

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


def medians(tasks: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each task, repetitions interleaved, the first one not counted."""
    seconds: dict[str, list[float]] = {task: [] for task in tasks}
    for run in range(repeats + 1):
        for task, function in tasks.items():
            start = time.process_time()
            function()
            if run:
                seconds[task].append(time.process_time() - start)
    return {task: statistics.median(times) for task, times in seconds.items()}


def report(title: str, tasks: dict[str, Callable[[], object]], repeats: int) -> None:
    found = medians(tasks, repeats)
    ours = next(iter(found.values()))
    print(f"\n{title}")
    for task, seconds in found.items():
        print(f"  {task:<34} {1e3 * seconds:9.2f} ms   {seconds / ours:7.2f} x ours")


def main() -> None:
    if os.environ.get("OMP_NUM_THREADS") != "1":
        os.execve(sys.executable, [sys.executable, *sys.argv], os.environ | THREADS)
    warnings.simplefilter("ignore", peer.ClubConvergenceWarning)
    panels = {"filtered log GDP": peer.load_filtered_gdp(), "log productivity": np.log(peer.load_productivity())}
    for name, Y in panels.items():
        theirs, ours = peer.find_clubs(Y), find_clubs(Y)
        same = theirs.n_clubs == ours.n_clubs
        report(
            f"clubs of {name}, {Y.shape[0]} x {Y.shape[1]}: {ours.n_clubs} clubs, as many as the package: {same}",
            {
                "find_clubs, ours": lambda Y=Y: find_clubs(Y),
                "find_clubs, convergence-clubs": lambda Y=Y: peer.find_clubs(Y),
                "log_t, ours": lambda Y=Y: log_t(Y),
                "merge_clubs, ours": lambda ours=ours: merge_clubs(ours),
                "merge_clubs, convergence-clubs": lambda theirs=theirs: peer.merge_clubs(theirs, "PS"),
            },
            repeats=15,
        )
    rng = np.random.default_rng(2026)
    large = np.exp(rng.normal(2.0, 0.3, (2850, 1)) + 0.02 * rng.normal(size=(2850, 20)).cumsum(axis=1))
    report("clubs of 2,850 units, 20 years", {"find_clubs, ours": lambda: find_clubs(large)}, repeats=3)
    y = rng.lognormal(0.0, 0.5, 280)
    grid = kernel_density(y).x
    report(
        "densities, n = 280",
        {
            "kernel_density, 512 points, ours": lambda: kernel_density(y),
            "gaussian_kde, SciPy": lambda: gaussian_kde(y)(grid),
            "stochastic_kernel 128 x 128, ours": lambda: stochastic_kernel(y, y[::-1]),
            "unimodality, 199 samples, ours": lambda: unimodality(y, seed=1),
        },
        repeats=15,
    )


if __name__ == "__main__":
    main()
