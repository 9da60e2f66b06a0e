"""Outliers by the rule of skewness and kurtosis: winsorise point by point, then a logarithm if that is not enough.

    G1 = sqrt(n (n - 1)) / (n - 2) * m3 / m2^1.5
    G2 = (n - 1) / ((n - 2)(n - 3)) * ((n + 1)(m4 / m2^2 - 3) + 6)

A column passes if |G1| < 2 or G2 < 3.5. Until then, and for at most MOST points, all points at the maximum (G1 >= 0)
or minimum are set to the next distinct value. One that still fails is taken back, and its logarithm used:
log(x - min + .01 (max - min)), mirrored where G1 < 0. OECD and JRC (2008); Becker et al. (2022).
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._types import FloatArray

SKEWNESS, KURTOSIS, MOST = 2.0, 3.5, 5
NONE, WINSORISED, LOGGED, FAILED = "", "winsorised", "log", "fails"


@dataclass(frozen=True, eq=False)
class Treated:
    """values (n, m) after treatment; one row of `table` per column.

    table: name, action ('', 'winsorised', 'log', 'fails' after both), n_moved, skewness and kurtosis before and after.
    """

    values: FloatArray
    table: pd.DataFrame


def moments(x: FloatArray) -> tuple[float, float]:
    """G1 and G2 of the finite values of x; nan below 4 values or without variation."""
    a = x[~np.isnan(x)]
    n = len(a)
    if n < 4 or np.ptp(a) == 0.0:
        return math.nan, math.nan
    d = a - a.mean()
    m2, m3, m4 = (float((d**p).mean()) for p in (2, 3, 4))
    g1 = math.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5
    g2 = (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (m4 / m2**2 - 3.0) + 6.0)
    return g1, g2


def passes(skewness: float, kurtosis: float) -> bool:
    """|skewness| < 2 or kurtosis < 3.5; a column without moments passes, there is nothing to treat."""
    return math.isnan(skewness) or abs(skewness) < SKEWNESS or kurtosis < KURTOSIS


def treat(X: FloatArray, names: tuple[str, ...]) -> Treated:
    """Treat the columns of X (n, m), NaN for missing."""
    result, rows = X.copy(), []
    for k, name in enumerate(names):
        before = moments(X[:, k])
        result[:, k], n_moved = _winsorised(X[:, k])
        after, action = moments(result[:, k]), WINSORISED if n_moved else NONE
        if not passes(*after):
            result[:, k], n_moved = logged(X[:, k]), 0
            after = moments(result[:, k])
            action = LOGGED if passes(*after) else FAILED
        rows.append((name, action, n_moved, *before, *after))
    columns = ["name", "action", "n_moved", "skewness", "kurtosis", "skewness_after", "kurtosis_after"]
    return Treated(result, pd.DataFrame(rows, columns=columns))


def logged(x: FloatArray, base: FloatArray | None = None) -> FloatArray:
    """log(x - min + .01 (max - min)); -log(max + .01 (max - min) - x) for a column skewed to the left.

    min, max and skewness are those of `base`, or of x itself.
    """
    sample = x if base is None else base
    low, high = np.nanmin(sample), np.nanmax(sample)
    margin = 0.01 * (high - low)
    is_left = moments(sample)[0] < 0.0
    return np.asarray(-np.log(high + margin - x) if is_left else np.log(x - low + margin))


def _winsorised(x: FloatArray) -> tuple[FloatArray, int]:
    out, n_moved = x.copy(), 0
    while n_moved < MOST:
        skewness, kurtosis = moments(out)
        if passes(skewness, kurtosis):
            break
        at_top = skewness >= 0.0
        end = np.nanmax(out) if at_top else np.nanmin(out)
        at_end = out == end
        others = out[~at_end & ~np.isnan(out)]
        out[at_end] = others.max() if at_top else others.min()
        n_moved = int((out != x).sum() - np.isnan(x).sum())
    return out, n_moved
