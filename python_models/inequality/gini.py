"""The Gini index of one vector."""

import math

import numpy as np

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.inequality._inputs import Vector, as_case_weights, as_values, refuse


@aligned
def gini(y: Vector, weights: Vector | None = None) -> float:
    """Gini index G = sum_i sum_r w_i w_r |y_i - y_r| / (2 W^2 mu), 0 <= G < 1, in O(n log n).

    y : (n,) finite, not negative.   weights : (n,) not negative, e.g. population; None: all equal.
    W = sum w, mu = sum w y / W. Without weights, y_(1) <= .. <= y_(n):
    G = sum_r (2 r - n - 1) y_(r) / (n^2 mu): the population form, no factor n / (n - 1).
    A constant vector gives 0; if mu = 0 the index is not defined: nan.
    Raises ValueError for a missing, infinite or negative value or weight. Source: Gini 1912; Dagum 1997.

    >>> from python_models.inequality import gini
    >>> round(gini([1.0, 2.0, 3.0]), 4)
    0.2222
    """
    if weights is not None:
        values = as_values(y)
        return weighted_gini(values, as_case_weights(weights, values.size))
    values = as_values(y, is_checked=False)
    ordered = np.sort(values)
    if not (ordered[0] >= 0.0 and math.isfinite(ordered[-1])):  # a missing value sorts last
        refuse(values, "y")
    total = float(ordered.sum())
    if total == 0.0:
        return math.nan
    if ordered[0] == ordered[-1]:
        return 0.0
    n = ordered.size
    return float(ordered @ np.arange(1.0 - n, n, 2.0)) / (n * total)


def weighted_gini(values: FloatArray, w: FloatArray) -> float:
    """The same with weights: G = sum_i w_i y_i (2 C_i - w_i - W) / (W sum w y), C = cumulated weights in y order."""
    used = values[w > 0.0]
    if used.max() == 0.0:
        return math.nan
    if used.min() == used.max():
        return 0.0
    order = np.argsort(values)
    ys, ws = values[order], w[order]
    rank = 2.0 * np.cumsum(ws) - ws - ws.sum()
    return float((ws * ys) @ rank / (ws.sum() * (ws @ ys)))
