"""Speed beside what one would pick instead: inequality, giddy, esda, convergence-clubs, SciPy, spreg.

    python -P benchmarks/peers.py [inequality] [clubs] [markov] [space] [durbin]

Both sides in one run, interleaved, so that a busy machine hits them alike; processor time of one process with one
thread, medians, the first repetition not counted. The ratio is what counts. (-P: a file of this folder must not hide a
package.) Data are drawn with a stated seed, but for the club panels, which convergence-clubs ships.
"""

import os
import resource
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
SEED = 2026
type Array = np.ndarray[Any, np.dtype[Any]]
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
    medians = {task: statistics.median(times) for task, times in seconds.items()}
    ours = next(iter(medians.values()))
    print(f"\n{title}")
    for task, median in medians.items():
        print(f"  {task:<38}{1e3 * median:10.2f} ms{median / ours:10.2f} x the first", flush=True)


def inequality() -> None:
    for n in (280, 2850, 100_000):
        rng = np.random.default_rng(SEED)
        _inequality(n, rng.lognormal(0.0, 0.5, n), rng.integers(0, 4, n))


def _inequality(n: int, y: Array, g: Array) -> None:
    from inequality.gini import Gini
    from inequality.theil import Theil, TheilD

    from python_models.inequality import dagum, gini, theil

    def all_pairs() -> object:
        parts = [y[g == j] for j in np.unique(g)]
        return [np.abs(a[:, None] - b[None, :]).mean() for a in parts for b in parts]

    report(f"Gini, n = {n:,}", {"ours": lambda: gini(y), "inequality": lambda: Gini(y).g}, 31)
    report(f"Theil, n = {n:,}", {"ours": lambda: theil(y), "inequality": lambda: Theil(y).T}, 31)
    report(f"Theil by group, n = {n:,}", {"ours": lambda: theil(y, g), "inequality": lambda: TheilD(y, g).bg}, 31)
    tasks: Tasks = {"ours": lambda: dagum(y, g)}
    if n < 100_000:  # all pairs of 100,000 values need 80 GB
        tasks = {**tasks, "all pairs": all_pairs}
    report(f"Dagum, 4 groups, n = {n:,}", tasks, 31)


def clubs() -> None:
    import convergence_clubs as peer
    from scipy.stats import gaussian_kde

    from python_models.dynamics import kernel_density

    warnings.simplefilter("ignore", peer.ClubConvergenceWarning)
    _clubs("log GDP", peer.load_filtered_gdp())
    _clubs("log productivity", np.log(peer.load_productivity()))
    y = np.random.default_rng(SEED).lognormal(0.0, 0.5, 280)
    grid = kernel_density(y).x
    tasks: Tasks = {"ours, 512 points": lambda: kernel_density(y), "SciPy": lambda: gaussian_kde(y)(grid)}
    report("density, n = 280", tasks, 15)


def _clubs(name: str, Y: Any) -> None:
    import convergence_clubs as peer

    from python_models.dynamics import find_clubs

    same = peer.find_clubs(Y).n_clubs == find_clubs(Y).n_clubs
    tasks: Tasks = {"ours": lambda: find_clubs(Y), "convergence-clubs": lambda: peer.find_clubs(Y)}
    report(f"clubs of {name}, {Y.shape[0]} x {Y.shape[1]} (as many clubs: {same})", tasks, 15)


def _neighbours(n: int) -> tuple[np.random.Generator, Any]:
    """The generator, and the six nearest of n random places."""
    from python_models.space import build_weights

    rng = np.random.default_rng(SEED)
    points = np.column_stack([rng.uniform(80, 125, n), rng.uniform(22, 48, n)])
    return rng, build_weights("knn", points=points, k=6)


def markov() -> None:
    for n, t, repeats in ((280, 10, 5), (2850, 20, 3)):
        _markov(n, t, repeats)


def _markov(n: int, t: int, repeats: int) -> None:
    import giddy.markov

    from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
    from python_models.dynamics.states import discretise

    rng, graph = _neighbours(n)
    y = np.exp(0.1 * rng.standard_normal((n, t)).cumsum(axis=1))
    relative, w = y / y.mean(axis=0), graph.to_W()
    states, near = discretise(y).states, classify_lag(relative, graph).states
    tasks: Tasks = {
        "ours: 999 permutations": lambda: spatial_markov(states, near, 4, 4, permutations=999, seed=1),
        "giddy: 99 permutations": lambda: giddy.markov.Spatial_Markov(
            relative, w, k=4, m=4, permutations=99, variable_name="y"
        ),
    }
    report(f"spatial Markov chain, n = {n:,}, T = {t}", tasks, repeats)


def space() -> None:
    warnings.simplefilter("ignore")
    for n, repeats in ((280, 5), (2850, 3)):
        _space(n, repeats)


def _space(n: int, repeats: int) -> None:
    import esda

    from python_models.space import lisa, moran

    rng, graph = _neighbours(n)
    y, w = rng.standard_normal(n), graph.to_W()
    local = {"permutations": 9999, "seed": 1, "alternative": "two-sided", "keep_simulations": False}
    tasks: Tasks = {"ours": lambda: lisa(y, graph), "esda": lambda: esda.Moran_Local(y, w, **local)}
    report(f"LISA, 9,999 permutations, n = {n:,}", tasks, repeats)
    tasks = {"ours": lambda: moran(y, graph), "esda": lambda: esda.Moran(y, w, permutations=9999)}
    report(f"Moran's I, 9,999 permutations, n = {n:,}", tasks, repeats)


def durbin() -> None:
    """Two-way spatial Durbin model: ours with clustered errors and effects, spreg's fit on demeaned data.

    spreg takes 7.5 GB for 2,850 units.
    """
    warnings.simplefilter("ignore")
    for n, t, repeats in ((280, 10, 5), (2850, 20, 3)):
        _durbin(n, t, repeats)


def _durbin(n: int, t: int, repeats: int) -> None:
    from libpysal.weights import WSP
    from scipy.sparse import csr_matrix
    from spreg import Panel_FE_Lag

    from python_models.regression import SpatialPanel
    from python_models.regression.logdet import forget
    from python_models.space import to_sparse

    k = 3
    rng, graph = _neighbours(n)
    weights = to_sparse(graph)
    x = rng.standard_normal((n, t, k)) + 0.5 * rng.standard_normal((n, 1, k))
    lagged = (weights @ x.reshape(n, -1)).reshape(x.shape)
    mean = x @ (1.0, -0.5, 0.3) + lagged @ (0.4, 0.2, -0.1) + rng.standard_normal((n, 1)) + rng.standard_normal((n, t))
    y = np.linalg.solve(np.eye(n) - 0.4 * weights.toarray(), mean)

    def demeaned(a: Any) -> Any:
        centred = a - a.mean(axis=1, keepdims=True)
        return centred - centred.mean(axis=0, keepdims=True)

    index = pd.MultiIndex.from_product([np.arange(n), np.arange(2000, 2000 + t)], names=["city", "year"])
    left = pd.Series(y.ravel(), index=index, name="y")
    right = pd.DataFrame(x.reshape(-1, k), index=index, columns=["x1", "x2", "x3"])
    stacked = demeaned(np.concatenate([x, lagged], axis=2)).transpose(1, 0, 2).reshape(n * t, 2 * k)
    w, tall = WSP(csr_matrix(weights)).to_W(silence_warnings=True), demeaned(y).T.reshape(-1, 1)

    def ours() -> object:
        forget()
        return SpatialPanel(left, right, (weights, np.arange(n))).fit().effects("delta").to_frame()

    tasks: Tasks = {"ours, with effects": ours, "spreg, the fit alone": lambda: Panel_FE_Lag(tall, stacked, w)}
    report(f"spatial Durbin model, n = {n:,}, T = {t}", tasks, repeats)


SUBJECTS = {"inequality": inequality, "clubs": clubs, "markov": markov, "space": space, "durbin": durbin}

if __name__ == "__main__":
    if os.environ.get("OMP_NUM_THREADS") != "1" or not sys.flags.safe_path:
        os.execve(sys.executable, [sys.executable, "-P", *sys.argv], os.environ | THREADS)
    for subject in sys.argv[1:] or SUBJECTS:
        SUBJECTS[subject]()
    print(f"\npeak memory of the process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
