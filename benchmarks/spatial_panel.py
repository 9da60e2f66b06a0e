"""Speed and memory of a two-way fixed-effects spatial Durbin model beside the tools that users would pick instead.

    python benchmarks/spatial_panel.py             n = 280 (T = 10) beside spreg, and n = 2,850 and 40,000 alone
    python benchmarks/spatial_panel.py --large     spreg at n = 2,850, T = 20 as well: about 8 GB and half a minute
    python benchmarks/spatial_panel.py --dense     inverse distance without cut-off, n = 2,850, T = 20
    python benchmarks/spatial_panel.py --growth FILE SIZE ..   one size after the other, on two kinds of W, into a CSV
    python benchmarks/spatial_panel.py --draw FILE SVG         the picture of docs/scale.md from that file

Ours: from labelled frames to estimates, standard errors, delta-method effects and their errors, with nothing remembered
from an earlier fit; with errors of `info` and clustered by city. spreg: `Panel_FE_Lag` on data demeaned beforehand, its
fit alone. splm runs if R has it. Each measurement has a process of its own; time is the median of processor seconds,
which other work on the machine changes less (splm: of the clock), memory the peak of the whole process. BLAS has one
thread. Data: k = 6 nearest neighbours of n uniform points (growth: also the neighbours on a grid), a known two-way
spatial Durbin model, seeded.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
RHO, BETA, THETA = 0.4, (1.0, -0.5, 0.3), (0.4, 0.2, -0.1)
R_SCRIPT = """
suppressMessages({library(splm); library(spdep)})
folder <- commandArgs(TRUE)[1]; runs <- as.integer(commandArgs(TRUE)[2])
d <- read.csv(file.path(folder, "panel.csv")); w <- read.csv(file.path(folder, "w.csv"))
n <- max(w$i); m <- matrix(0, n, n); m[cbind(w$i, w$j)] <- w$v
lw <- mat2listw(m, style = "W"); f <- y ~ x1 + x2 + x3 + w1 + w2 + w3
one <- function() system.time(fit <<- spml(f, d, index = c("id", "t"), listw = lw, model = "within",
  effect = "twoways", lag = TRUE, spatial.error = "none"))[["elapsed"]]
times <- sapply(seq_len(runs), function(i) one())
cat(sprintf('{"seconds": %.6f, "rho": %.12f}', median(times), fit$coefficients[["lambda"]]))
"""


def world(n: int, t: int, *, dense: bool, grid: bool = False):
    """y (N, T), X (N, T, 3) and a row-normalised W from the known model."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(2026)
    points = rng.random((n, 2))
    if dense:
        near = cdist(points, points)
        np.fill_diagonal(near, np.inf)
        np.divide(1.0, near, out=near)
        near /= near.sum(axis=1, keepdims=True)
        weights = sp.csr_matrix(near)
    elif grid:
        side = round(n**0.5)
        line = sp.diags([1.0, 1.0], [-1, 1], shape=(side, side))
        both = sp.csr_matrix(sp.kronsum(line, line))
        weights = sp.csr_matrix(sp.diags(1.0 / np.asarray(both.sum(axis=1)).ravel()) @ both)
    else:
        near = cKDTree(points).query(points, k=7)[1][:, 1:]
        weights = sp.csr_matrix((np.full(6 * n, 1 / 6), (np.repeat(np.arange(n), 6), near.ravel())), shape=(n, n))
    x = rng.standard_normal((n, t, 3)) + 0.5 * rng.standard_normal((n, 1, 3))
    lagged = (weights @ x.reshape(n, -1)).reshape(x.shape)
    city = 0.8 * x[..., 0].mean(axis=1) + rng.standard_normal(n)
    year = np.cumsum(0.3 * rng.standard_normal(t))
    right = x @ BETA + lagged @ THETA + city[:, None] + year[None, :] + rng.standard_normal((n, t))
    y = right.copy()
    for _ in range(60):  # series of the inverse: .4^60 is zero in floating point
        y = right + RHO * (weights @ y)
    return y, x, weights


def ours(y, x, weights, cov: str = "info") -> Callable[[], float]:
    """A full run from frames; returns rho."""
    import numpy as np
    import pandas as pd

    from python_models.regression import SpatialPanel
    from python_models.regression.logdet import forget

    n, t, k = x.shape
    index = pd.MultiIndex.from_product([np.arange(n), np.arange(2000, 2000 + t)], names=["city", "year"])
    left = pd.Series(y.reshape(-1), index=index, name="y")
    right = pd.DataFrame(x.reshape(-1, k), index=index, columns=["x1", "x2", "x3"])

    def run() -> float:
        forget()
        fit = SpatialPanel(left, right, (weights, np.arange(n))).fit(cov=cov)
        assert fit.effects("delta").to_frame()["se"].notna().all()
        assert fit.std_errors.notna().all()
        return float(fit.core.rho)

    return run


def clustered(y, x, weights) -> Callable[[], float]:
    """The same with errors clustered by city."""
    return ours(y, x, weights, "cluster")


def spreg_fit(y, x, weights) -> Callable[[], float]:
    """spreg's lag model with fixed effects on data demeaned in both ways, W x appended; returns rho."""
    import warnings

    import numpy as np
    from libpysal.weights import WSP
    from spreg import Panel_FE_Lag

    warnings.filterwarnings("ignore")
    n, t, k = x.shape
    lagged = (weights @ x.reshape(n, -1)).reshape(n, t, k)

    def demeaned(a):
        centred = a - a.mean(axis=1, keepdims=True)
        return centred - centred.mean(axis=0, keepdims=True)

    left = demeaned(y).T.reshape(-1, 1)
    right = demeaned(np.concatenate([x, lagged], axis=2)).transpose(1, 0, 2).reshape(n * t, 2 * k)
    w = WSP(weights).to_W(silence_warnings=True)
    return lambda: float(np.ravel(Panel_FE_Lag(left, right, w).rho)[0])


def measure(tool: str, n: int, t: int, runs: int, dense: bool) -> dict[str, float]:
    """Median seconds, rho, and peak memory of this process in MB."""
    run = {"ours": ours, "clustered": clustered, "spreg": spreg_fit}[tool](*world(n, t, dense=dense))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = []
    for _ in range(runs):
        start = time.process_time()
        rho = run()
        seconds.append(time.process_time() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": statistics.median(seconds), "rho": rho, "peak": peak, "before": before}


def child(tool: str, n: int, t: int, runs: int, dense: bool) -> dict[str, float]:
    """`measure` in a process of its own."""
    return run_self("--measure", tool, n, t, runs, int(dense))


def run_self(*arguments: object) -> dict[str, float]:
    """What this file prints last when it is called with these arguments."""
    command = [sys.executable, __file__, *map(str, arguments)]
    text = subprocess.run(command, env={**os.environ, **THREADS}, capture_output=True, text=True, check=True).stdout
    return json.loads(text.splitlines()[-1])


def splm(n: int, t: int, runs: int) -> dict[str, float] | str:
    """splm's spml on the same data, or the reason why it is left out."""
    import tempfile

    if shutil.which("Rscript") is None:
        return "R is not installed"
    if subprocess.run(["Rscript", "-e", "library(splm); library(spdep)"], capture_output=True, check=False).returncode:
        return "R has no splm"
    import numpy as np
    import pandas as pd

    y, x, weights = world(n, t, dense=False)
    lagged = (weights @ x.reshape(n, -1)).reshape(x.shape)
    cells = weights.tocoo()
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.DataFrame({"id": np.repeat(np.arange(n) + 1, t), "t": np.tile(np.arange(t), n), "y": y.ravel()})
        for j in range(3):
            frame[f"x{j + 1}"], frame[f"w{j + 1}"] = x[..., j].ravel(), lagged[..., j].ravel()
        frame.to_csv(Path(folder) / "panel.csv", index=False, float_format="%.17g")
        pd.DataFrame({"i": cells.row + 1, "j": cells.col + 1, "v": cells.data}).to_csv(
            Path(folder) / "w.csv", index=False
        )
        script = Path(folder) / "run.R"
        script.write_text(R_SCRIPT, encoding="utf-8")
        done = subprocess.run(["Rscript", script, folder, str(runs)], capture_output=True, text=True, check=False)
    return json.loads(done.stdout) if done.returncode == 0 else f"R failed: {done.stderr.strip()[-120:]}"


def growth(n: int, kind: str) -> dict[str, float | str]:
    """Processor seconds and peak memory (MB) of ML and of S2SLS, clustered errors and effects, n units in 5 years."""
    from python_models.regression import average_effects, fit_panel, spatial_2sls

    y, x, weights = world(n, 5, dense=False, grid=kind == "contiguity")
    out: dict[str, float | str] = {"kind": kind, "n": len(y)}
    start = time.process_time()
    found = spatial_2sls(y, x, weights)
    out |= {"s2sls_s": time.process_time() - start, "s2sls_rho": found.rho}
    del found
    out["s2sls_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    start = time.process_time()
    fit = fit_panel(y, x, weights)
    assert (average_effects(fit).se_delta > 0).all()
    out |= {"ml_s": time.process_time() - start, "ml_rho": fit.rho, "ml_se": float(fit.cov[-2, -2] ** 0.5)}
    out |= {"noise": fit.logdet_noise, "method": fit.logdet_method.split()[0]}
    out["ml_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return out


def draw(table: Path, picture: Path) -> None:
    """Seconds and memory against n, both axes by powers of ten, with a line of n log n."""
    import matplotlib as mpl
    import numpy as np
    import pandas as pd

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "scale"
    import matplotlib.pyplot as plt

    d = pd.read_csv(table)
    figure, axes = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
    for ax, unit, title in zip(axes, ("s", "mb"), ("processor seconds", "peak memory, MB"), strict=True):
        for (kind, part), marker in zip(d.groupby("kind"), "os", strict=False):
            for method, style in (("ml", "-"), ("s2sls", ":")):
                label = f"{'ML' if method == 'ml' else 'S2SLS'}, {kind}"
                ax.plot(part["n"], part[f"{method}_{unit}"], style, marker=marker, label=label)
        ax.set(xscale="log", yscale="log", xlabel="units, 5 years each", title=title)
    ml = d[d["kind"] == "contiguity"].sort_values("n")
    n, last = ml["n"].to_numpy(), ml.iloc[-1]
    axes[0].plot(n, last["ml_s"] * n * np.log(n) / (last["n"] * np.log(last["n"])), "k--", lw=0.8, label="n log n")
    axes[0].legend(fontsize=7)
    figure.savefig(picture, metadata={"Date": None, "Creator": None})


def show(label: str, result: dict[str, float], against: dict[str, float] | None = None) -> None:
    """One line; `against` adds how many times faster ours is."""
    memory = f"{result['peak']:8.0f} MB peak ({result['before']:.0f} before)" if "peak" in result else ""
    ratio = f"  {result['seconds'] / against['seconds']:8.1f} x ours" if against else ""
    print(f"{label:<34}{result['seconds']:10.4f} s  rho {result['rho']:.6f}{memory}{ratio}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="spreg at n = 2,850 too (8 GB)")
    parser.add_argument("--dense", action="store_true", help="dense W at n = 2,850 too")
    parser.add_argument("--growth", nargs="+", metavar=("FILE", "SIZE"), help="measure growth at these sizes")
    parser.add_argument("--draw", nargs=2, metavar=("FILE", "SVG"), type=Path, help="draw a file of --growth")
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        tool, *numbers = arguments.measure
        n, t, runs, dense = (int(v) for v in numbers)
        print(json.dumps(measure(tool, n, t, runs, bool(dense))))
        return
    if arguments.one:
        print(json.dumps(growth(int(arguments.one[0]), arguments.one[1])))
        return
    if arguments.draw:
        draw(*arguments.draw)
        return
    if arguments.growth:
        import pandas as pd

        rows = [run_self("--one", n, kind) for n in arguments.growth[1:] for kind in ("nearest", "contiguity")]
        pd.DataFrame(rows).to_csv(arguments.growth[0], index=False, float_format="%.6g")
        return
    print("one BLAS thread; spreg and splm apply W to the demeaned y, so their rho differs in the third digit")
    small = child("ours", 280, 10, 15, False)
    show("ours    n 280, T 10", small)
    robust = child("clustered", 280, 10, 15, False)
    show("ours    n 280, T 10, clustered", robust)
    show("spreg   n 280, T 10 (fit alone)", child("spreg", 280, 10, 15, False), robust)
    other = splm(280, 10, 3)
    if isinstance(other, str):
        print(f"splm    n 280, T 10               skipped: {other}")
    else:
        show("splm    n 280, T 10 (fit alone)", other, small)
    middle = child("clustered", 2850, 20, 5, False)
    show("ours    n 2,850, T 20, clustered", middle)
    if arguments.large:
        show("spreg   n 2,850, T 20 (fit alone)", child("spreg", 2850, 20, 1, False), middle)
    else:
        print("spreg   n 2,850, T 20             skipped: needs 8 GB, ask for it with --large")
    large = child("ours", 40_000, 5, 3, False)
    show("ours    n 40,000, T 5", large)
    with_errors = child("clustered", 40_000, 5, 3, False)
    show("ours    n 40,000, T 5, clustered", with_errors)
    print(f"        clustered / info at n 40,000: {with_errors['seconds'] / large['seconds']:.2f}")
    if arguments.dense:
        show("ours    n 2,850, T 20, dense W", child("ours", 2850, 20, 1, True))


if __name__ == "__main__":
    main()
