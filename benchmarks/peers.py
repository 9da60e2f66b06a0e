"""Speed beside what one would pick instead: inequality, giddy, esda, convergence-clubs, SciPy.

    python -P benchmarks/peers.py [inequality] [clubs] [markov] [space]

Both sides in one run, interleaved, so that a busy machine hits them alike; processor time of one process with one
thread, medians, the first repetition not counted. The ratio is what counts. (-P: a file of this folder must not hide a
package.) Data are drawn with a stated seed, but for the club panels, which convergence-clubs ships.
"""

from __future__ import annotations

import os
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
SEED = 2026
type Tasks = Mapping[str, Callable[[], object]]


def report(title: str, tasks: Tasks, repeats: int) -> None:
    """Milliseconds of each task, and how many times those of the first one."""
    seconds: dict[str, list[float]] = {task: [] for task in tasks}
    for run in range(repeats + 1):
        for task, function in tasks.items():
            start = time.process_time()
            function()
            if run:
                seconds[task].append(time.process_time() - start)
    found = {task: statistics.median(times) for task, times in seconds.items()}
    ours = next(iter(found.values()))
    print(f"\n{title}")
    for task, median in found.items():
        print(f"  {task:<38}{1e3 * median:10.2f} ms{median / ours:10.2f} x the first", flush=True)


def inequality() -> None:
    import numpy as np
    from inequality.gini import Gini
    from inequality.theil import Theil, TheilD

    from python_models.inequality import dagum, gini, theil

    def all_pairs(y, g):
        parts = [y[g == j] for j in np.unique(g)]
        return [np.abs(a[:, None] - b[None, :]).mean() for a in parts for b in parts]

    for n in (280, 2850, 100_000):
        rng = np.random.default_rng(SEED)
        y, g = rng.lognormal(0.0, 0.5, n), rng.integers(0, 4, n)
        report(f"Gini, n = {n:,}", {"ours": lambda y=y: gini(y), "inequality": lambda y=y: Gini(y).g}, 31)
        report(f"Theil, n = {n:,}", {"ours": lambda y=y: theil(y), "inequality": lambda y=y: Theil(y).T}, 31)
        parts = {"ours": lambda y=y, g=g: theil(y, g), "inequality": lambda y=y, g=g: TheilD(y, g).bg}
        report(f"Theil by group, n = {n:,}", parts, 31)
        tasks: Tasks = {"ours": lambda y=y, g=g: dagum(y, g)}
        if n < 100_000:  # all pairs of 100,000 values need 80 GB
            tasks = {**tasks, "all pairs": lambda y=y, g=g: all_pairs(y, g)}
        report(f"Dagum, 4 groups, n = {n:,}", tasks, 31)


def clubs() -> None:
    import convergence_clubs as peer
    import numpy as np
    from scipy.stats import gaussian_kde

    from python_models.dynamics import find_clubs, kernel_density

    warnings.simplefilter("ignore", peer.ClubConvergenceWarning)
    panels = {"log GDP": peer.load_filtered_gdp(), "log productivity": np.log(peer.load_productivity())}
    for name, Y in panels.items():
        same = peer.find_clubs(Y).n_clubs == find_clubs(Y).n_clubs
        tasks = {"ours": lambda Y=Y: find_clubs(Y), "convergence-clubs": lambda Y=Y: peer.find_clubs(Y)}
        report(f"clubs of {name}, {Y.shape[0]} x {Y.shape[1]} (as many clubs: {same})", tasks, 15)
    y = np.random.default_rng(SEED).lognormal(0.0, 0.5, 280)
    grid = kernel_density(y).x
    tasks = {"ours, 512 points": lambda: kernel_density(y), "SciPy": lambda: gaussian_kde(y)(grid)}
    report("density, n = 280", tasks, 15)


def _points(n: int):
    import numpy as np

    rng = np.random.default_rng(SEED)
    return rng, np.column_stack([rng.uniform(80, 125, n), rng.uniform(22, 48, n)])


def markov() -> None:
    import giddy.markov
    import numpy as np

    from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
    from python_models.dynamics.states import discretise
    from python_models.space import build_weights

    for n, t, repeats in ((280, 10, 5), (2850, 20, 3)):
        rng, points = _points(n)
        graph = build_weights("knn", points=points, k=6)
        y = np.exp(0.1 * rng.standard_normal((n, t)).cumsum(axis=1))
        relative, w = y / y.mean(axis=0), graph.to_W()
        states, near = discretise(y).states, classify_lag(relative, graph).states

        def peer(permutations: int, relative=relative, w=w):
            return giddy.markov.Spatial_Markov(relative, w, k=4, m=4, permutations=permutations, variable_name="y").Q

        def ours(permutations: int, states=states, near=near):
            return spatial_markov(states, near, 4, 4, permutations=permutations, seed=1)

        tasks = {"ours: 999 permutations": lambda o=ours: o(999), "giddy: 99 permutations": lambda p=peer: p(99)}
        report(f"spatial Markov chain, n = {n:,}, T = {t}", tasks, repeats)


def space() -> None:
    import esda

    from python_models.space import build_weights, lisa, moran

    warnings.simplefilter("ignore")
    for n, repeats in ((280, 5), (2850, 3)):
        rng, points = _points(n)
        y, graph = rng.standard_normal(n), build_weights("knn", points=points, k=6)
        w = graph.to_W()
        local = {"permutations": 9999, "seed": 1, "alternative": "two-sided", "keep_simulations": False}
        tasks = {
            "ours": lambda y=y, graph=graph: lisa(y, graph),
            "esda": lambda y=y, w=w, local=local: esda.Moran_Local(y, w, **local),
        }
        report(f"LISA, 9,999 permutations, n = {n:,}", tasks, repeats)
        tasks = {
            "ours": lambda y=y, graph=graph: moran(y, graph),
            "esda": lambda y=y, w=w: esda.Moran(y, w, permutations=9999),
        }
        report(f"Moran's I, 9,999 permutations, n = {n:,}", tasks, repeats)


SUBJECTS = {"inequality": inequality, "clubs": clubs, "markov": markov, "space": space}

if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1" or not sys.flags.safe_path:
        os.execve(sys.executable, [sys.executable, "-P", *sys.argv], os.environ | THREADS)
    for subject in sys.argv[1:] or SUBJECTS:
        SUBJECTS[subject]()
    print(f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
