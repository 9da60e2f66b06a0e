"""From treated values to one scale. Every method first turns an indicator so that more is better: x := direction x.

    minmax       (x - min) / (max - min)         rank        place in the year, 1 the lowest; ties take the least
    zscore       (x - mean) / sd, n - 1          borda       rank - 1
    mpi          100 + 10 zscore                 percentile  (rank - 1) / (n - 1)
    goalposts    70 + 60 (x - goal + d) / (2 d), d = (max - min) / 2, goal = mean of the first year
    target       (x - min) / (target - min), capped at 1 on demand
    distance     1 - (max - x) / (max - min)

min, max, mean, sd come from the base cells, so that later years are put on the old scale; ranks are of each year.
Reference: OECD and JRC (2008), step 5; Mazziotta and Pareto (2016) for the goalposts.
"""

from typing import Literal

import numpy as np
from scipy.stats import rankdata

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import as_cube, as_directions

METHODS = ("minmax", "zscore", "rank", "percentile", "borda", "target", "distance", "mpi", "goalposts")
OF_THE_YEAR = ("rank", "percentile", "borda")
FLOOR = 0.01  # what a value of 0 counts where a mean needs values above 0


def normalise(
    X: ArrayLike,
    method: str,
    directions: ArrayLike,
    *,
    in_base: BoolArray | None = None,
    targets: ArrayLike | None = None,
    is_capped: bool = False,
) -> FloatArray:
    """z (N, T, m) of X (N, T, m). in_base (N, T, m): cells that make the scale; all of them if not given.

    targets (m,): in the units of X, for "target" only. NaN stays NaN; a constant indicator is NaN everywhere, but for
    ranks, where all units share the lowest. ValueError: unknown method, or "target" without targets.
    """
    cube = as_cube(X, "X")
    sign = as_directions(directions, cube.shape[2])
    if method not in METHODS:
        raise ValueError(f"unknown normalisation '{method}': use one of {', '.join(METHODS)}.")
    x = cube * sign
    if method in OF_THE_YEAR:
        return _ranks(x, method)
    base = x if in_base is None else np.where(in_base, x, np.nan)
    low, high = np.nanmin(base, axis=(0, 1)), np.nanmax(base, axis=(0, 1))
    span = np.where(high > low, high - low, np.nan)
    if method in ("zscore", "mpi"):
        z: FloatArray = (x - np.nanmean(base, axis=(0, 1))) / np.nanstd(base, axis=(0, 1), ddof=1) + 0.0 * span
        return z if method == "zscore" else 100.0 + 10.0 * z
    if method == "goalposts":
        goal: FloatArray = (x - np.nanmean(x[:, 0], axis=0) + span / 2.0) / span
        return 70.0 + 60.0 * goal
    if method == "target":
        if targets is None:
            raise ValueError("distance to target needs a target for every indicator.")
        z = (x - low) / (np.asarray(targets, dtype=np.float64) * sign - low)
        return np.minimum(z, 1.0) if is_capped else z
    return (x - low) / span if method == "minmax" else 1.0 - (high - x) / span


def positive(z: FloatArray, method: str) -> FloatArray:
    """z on a scale above 0, for means that need one: FLOOR + (1 - FLOOR) z for scales of 0 to 1, 1 + z / 10 for zscore.

    A zscore ten standard deviations below the mean counts FLOOR, as a 0 of the others does. Other methods are left as
    they are.
    """
    if method == "zscore":
        return np.maximum(1.0 + 0.1 * z, FLOOR)
    return FLOOR + (1.0 - FLOOR) * z if method in ("minmax", "percentile", "target", "distance") else z


def _ranks(x: FloatArray, method: str) -> FloatArray:
    policy: Literal["omit", "propagate"] = "omit" if np.isnan(x).any() else "propagate"  # the second is much quicker
    z = rankdata(x, method="min", axis=0, nan_policy=policy).astype(np.float64)
    if method == "rank":
        return z
    n = (~np.isnan(x)).sum(axis=0) - 1.0
    return z - 1.0 if method == "borda" else (z - 1.0) / np.where(n > 0.0, n, np.nan)
