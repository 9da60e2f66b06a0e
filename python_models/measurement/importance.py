"""What indicators and groups do in an index, beside what their weights say.

    importance   S_k = Var(E[y | x_k]) / Var(y), the correlation ratio (Paruolo, Saisana and Saltelli 2013)
    alpha        k / (k - 1) (1 - sum_j Var(x_j) / Var(sum_j x_j))   (Cronbach 1951)
    optimised    w proportional to Sigma^-1 D t, D = diag(sd): correlations of y = Xw with the columns in proportions t

E[y | x_k] is a local line with a Gaussian kernel over x_k, binned on a grid of 200 points, with the bandwidth of the
least squared error when each row is left out. A straight line gives S_k = r^2.
"""

import math

import numpy as np
import pandas as pd

from python_models._types import FloatArray
from python_models.measurement.aggregation import Level

GRID = 200
BANDWIDTHS = (0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0, 8.0)  # times sd(x); the last is as good as a straight line


def correlation_ratio(x: FloatArray, y: FloatArray) -> float:
    """S of x (n,) in y (n,), in [0, 1]; nan below 5 rows or where either does not vary."""
    if len(x) < 5 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return math.nan
    low, step = x.min(), np.ptp(x) / (GRID - 1)
    at = (x - low) / step
    left = np.minimum(at.astype(np.int64), GRID - 2)
    part = at - left
    count, total = (
        np.bincount(left, (1.0 - part) * v, GRID) + np.bincount(left + 1, part * v, GRID) for v in (np.ones(len(x)), y)
    )
    d = step * (np.arange(GRID)[None, :] - np.arange(GRID)[:, None])
    best = (math.inf, y)
    for share in BANDWIDTHS:
        kernel = np.exp(-0.5 * (d / (share * x.std())) ** 2)
        s0, s1, s2 = (kernel * d**p @ count for p in (0, 1, 2))
        t0, t1 = (kernel * d**p @ total for p in (0, 1))
        base = s0 * s2 - s1**2
        is_near = s0 > 1e-100  # no data lie near the others, and none is read there
        line = is_near & (base > 1e-10 * s0 * s2)
        safe = np.where(line, base, 1.0)
        s = np.where(is_near, s0, 1.0)
        fit = np.where(line, (s2 * t0 - s1 * t1) / safe, t0 / s)
        diagonal = np.where(line, s2 / safe, 1.0 / s)
        fitted, leverage = np.interp(at, np.arange(GRID), fit), np.interp(at, np.arange(GRID), diagonal)
        if (leverage >= 1.0 - 1e-9).any():
            continue
        error = float((((y - fitted) / (1.0 - leverage)) ** 2).mean())
        if error < best[0]:
            best = (error, fitted)
    return min(1.0, float(best[1].var() / y.var()))


def effective_weights(columns: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Importance S (m,) of columns (n, m) in y (n,), and S over its sum; rows with a NaN are left out."""
    there = ~(np.isnan(columns).any(axis=1) | np.isnan(y))
    s = np.array([correlation_ratio(column[there], y[there]) for column in columns.T])
    return s, s / np.nansum(s)


def cronbach_alpha(rows: FloatArray) -> float:
    """Alpha of rows (n, k); nan for one column or without variation. Rows with a NaN are left out."""
    there = rows[~np.isnan(rows).any(axis=1)]
    k = there.shape[1]
    if k < 2 or len(there) < 2:
        return math.nan
    whole = float(there.sum(axis=1).var(ddof=1))
    return k / (k - 1) * (1.0 - float(there.var(axis=0, ddof=1).sum()) / whole) if whole > 0.0 else math.nan


def optimised_weights(columns: FloatArray, target: FloatArray) -> FloatArray:
    """Weights (k,), sum 1, that give columns (n, k) importances in the proportions `target` (k,).

    Not bound to be positive: a negative one says that the target cannot be had with a fair sum. ValueError: columns
    that determine each other.
    """
    sigma = np.atleast_2d(np.cov(columns, rowvar=False))
    if np.linalg.cond(sigma) > 1e12:
        raise ValueError("the columns determine each other: no weights give them their own importance.")
    w = np.linalg.solve(sigma, np.sqrt(np.diag(sigma)) * target)
    weights: FloatArray = w / w.sum()
    return weights


def level_table(names: tuple[str, ...], z: FloatArray, weights: FloatArray, levels: tuple[Level, ...]) -> pd.DataFrame:
    """One row per indicator and group below the index: level (0 indicators), name, parent, weight (in the index),
    r_parent and r_index (Pearson), importance (S), effective (S over its sum on the level), alpha (of the children),
    n_children, n_obs.
    """
    index, rows = levels[-1].scores.reshape(-1), []
    scores, own_names, own_weights = z, names, weights
    alphas: list[float] = [math.nan] * len(names)
    sizes = [0] * len(names)
    for depth, above in enumerate(levels):
        flat = scores.reshape(-1, scores.shape[2])
        has_weight = own_weights > 0.0
        s, effective = np.full((2, len(own_names)), np.nan)
        s[has_weight], effective[has_weight] = effective_weights(flat[:, has_weight], index)
        for g, members in enumerate(above.members):
            parent = above.scores[..., g].reshape(-1)
            for k in members:
                pair = (_pearson(flat[:, k], parent), _pearson(flat[:, k], index))
                n = int((~np.isnan(flat[:, k]) & ~np.isnan(index)).sum())
                key = (depth, own_names[k], above.names[g], own_weights[k])
                rows.append((*key, *pair, s[k], effective[k], alphas[k], sizes[k], n))
        alphas = [cronbach_alpha(flat[:, [k for k in members if has_weight[k]]]) for members in above.members]
        sizes = [len(members) for members in above.members]
        scores, own_names, own_weights = above.scores, above.names, above.weights
    columns = ["level", "name", "parent", "weight", "r_parent", "r_index", "importance", "effective", "alpha"]
    return pd.DataFrame(rows, columns=[*columns, "n_children", "n_obs"])


def _pearson(a: FloatArray, b: FloatArray) -> float:
    there = ~(np.isnan(a) | np.isnan(b))
    if there.sum() < 3 or np.ptp(a[there]) == 0.0 or np.ptp(b[there]) == 0.0:
        return math.nan
    return float(np.corrcoef(a[there], b[there])[0, 1])
