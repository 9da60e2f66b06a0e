"""Speed and memory of a two-way fixed-effects spatial Durbin model beside the tools that users would pick instead.

    python benchmarks/spatial_panel.py             n = 280 (T = 10) beside spreg, and n = 2,850 and 40,000 alone
    python benchmarks/spatial_panel.py --large     spreg at n = 2,850, T = 20 as well: about 8 GB and half a minute
    python benchmarks/spatial_panel.py --dense     inverse distance without cut-off, n = 2,850, T = 20

Ours: from labelled frames to estimates, standard errors, delta-method effects and their errors, with nothing remembered
from an earlier fit. spreg: `Panel_FE_Lag` on data demeaned beforehand, its fit alone. splm runs if R has it. Each
measurement has a process of its own; time is the median, memory the peak of the whole process. BLAS has one thread.
Data: k = 6 nearest neighbours of n uniform points, a known two-way spatial Durbin model, seeded.
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
from typing import Any

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


def world(n: int, t: int, *, dense: bool) -> tuple[Any, Any, Any]:
    """y (N, T), X (N, T, 3) and a row-normalised W from the known model."""
    import numpy as np
    import scipy.sparse as sp
    from scipy.sparse.linalg import splu
    from scipy.spatial import cKDTree
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(2026)
    points = rng.random((n, 2))
    near: Any
    if dense:
        near = cdist(points, points)
        np.fill_diagonal(near, np.inf)
        np.divide(1.0, near, out=near)
        near /= near.sum(axis=1, keepdims=True)
        weights = sp.csr_matrix(near)
    else:
        near = cKDTree(points).query(points, k=7)[1][:, 1:]
        weights = sp.csr_matrix((np.full(6 * n, 1 / 6), (np.repeat(np.arange(n), 6), near.ravel())), shape=(n, n))
    x = rng.standard_normal((n, t, 3)) + 0.5 * rng.standard_normal((n, 1, 3))
    lagged = (weights @ x.reshape(n, -1)).reshape(x.shape)
    city = 0.8 * x[..., 0].mean(axis=1) + rng.standard_normal(n)
    year = np.cumsum(0.3 * rng.standard_normal(t))
    right = x @ BETA + lagged @ THETA + city[:, None] + year[None, :] + rng.standard_normal((n, t))
    if dense:
        y = right.copy()
        for _ in range(60):  # series of the inverse: .4^60 is zero in floating point
            y = right + RHO * (weights @ y)
    else:
        y = splu((sp.identity(n) - RHO * weights).tocsc()).solve(right)
    return y, x, weights


def ours(y: Any, x: Any, weights: Any) -> Callable[[], float]:
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
        fit = SpatialPanel(left, right, (weights, np.arange(n))).fit(cov="info")
        assert fit.effects("delta").to_frame()["se"].notna().all()
        assert fit.std_errors.notna().all()
        return float(fit.core.rho)

    return run


def spreg_fit(y: Any, x: Any, weights: Any) -> Callable[[], float]:
    """spreg's lag model with fixed effects on data demeaned in both ways, W x appended; returns rho."""
    import warnings

    import numpy as np
    from libpysal.weights import WSP
    from spreg import Panel_FE_Lag

    warnings.filterwarnings("ignore")
    n, t, k = x.shape
    lagged = (weights @ x.reshape(n, -1)).reshape(n, t, k)

    def demeaned(a: Any) -> Any:
        centred = a - a.mean(axis=1, keepdims=True)
        return centred - centred.mean(axis=0, keepdims=True)

    left = demeaned(y).T.reshape(-1, 1)
    right = demeaned(np.concatenate([x, lagged], axis=2)).transpose(1, 0, 2).reshape(n * t, 2 * k)
    w = WSP(weights).to_W(silence_warnings=True)
    return lambda: float(np.ravel(Panel_FE_Lag(left, right, w).rho)[0])


def measure(tool: str, n: int, t: int, runs: int, dense: bool) -> dict[str, float]:
    """Median seconds, rho, and peak memory of this process in MB."""
    run = {"ours": ours, "spreg": spreg_fit}[tool](*world(n, t, dense=dense))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        rho = run()
        seconds.append(time.perf_counter() - start)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": statistics.median(seconds), "rho": rho, "peak": peak, "before": before}


def child(tool: str, n: int, t: int, runs: int, dense: bool) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, __file__, "--measure", tool, str(n), str(t), str(runs), str(int(dense))]
    text = subprocess.run(command, env={**os.environ, **THREADS}, capture_output=True, text=True, check=True).stdout
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


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


def show(label: str, result: dict[str, float], against: dict[str, float] | None = None) -> None:
    """One line; `against` adds how many times faster ours is."""
    memory = f"{result['peak']:8.0f} MB peak ({result['before']:.0f} before)" if "peak" in result else ""
    ratio = f"  {result['seconds'] / against['seconds']:8.1f} x ours" if against else ""
    print(f"{label:<34}{result['seconds']:10.4f} s  rho {result['rho']:.6f}{memory}{ratio}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="spreg at n = 2,850 too (8 GB)")
    parser.add_argument("--dense", action="store_true", help="dense W at n = 2,850 too")
    parser.add_argument("--measure", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        tool, *numbers = arguments.measure
        n, t, runs, dense = (int(v) for v in numbers)
        print(json.dumps(measure(tool, n, t, runs, bool(dense))))
        return
    print("one BLAS thread; spreg and splm apply W to the demeaned y, so their rho differs in the third digit")
    small = child("ours", 280, 10, 15, False)
    show("ours    n 280, T 10", small)
    show("spreg   n 280, T 10 (fit alone)", child("spreg", 280, 10, 15, False), small)
    other = splm(280, 10, 3)
    if isinstance(other, str):
        print(f"splm    n 280, T 10               skipped: {other}")
    else:
        show("splm    n 280, T 10 (fit alone)", other, small)
    middle = child("ours", 2850, 20, 5, False)
    show("ours    n 2,850, T 20", middle)
    if arguments.large:
        show("spreg   n 2,850, T 20 (fit alone)", child("spreg", 2850, 20, 1, False), middle)
    else:
        print("spreg   n 2,850, T 20             skipped: needs 8 GB, ask for it with --large")
    show("ours    n 40,000, T 5", child("ours", 40_000, 5, 3, False))
    if arguments.dense:
        show("ours    n 2,850, T 20, dense W", child("ours", 2850, 20, 1, True))


if __name__ == "__main__":
    main()
