"""The Gini index of one vector."""

import math

import numpy as np

from python_models._align import aligned
from python_models.inequality._inputs import Vector, as_case_weights, as_values, refuse


@aligned
def gini(y: Vector, weights: Vector | None = None) -> float:
    """Gini index, 0 <= G < 1, in O(n log n).

    Parameters
    ----------
    y : (n,) array or Series
        Values, finite and not negative.
    weights : (n,) array or Series, optional
        Case weights, not negative, e.g. population; default: all equal.

    Returns
    -------
    float
        0 if all values are equal, nan if their mean is 0.

    Raises
    ------
    ValueError
        A missing, infinite or negative value or weight.

    Notes
    -----
    G = sum_i sum_r w_i w_r |y_i - y_r| / (2 W^2 mu). Without weights G = sum_r (2 r - n - 1) y_(r) / (n^2 mu): the
    population form, no factor n / (n - 1).

    References
    ----------
    Gini (1912), Dagum (1997).

    Examples
    --------
    >>> from python_models.inequality import gini
    >>> round(gini([1.0, 2.0, 3.0]), 4)
    0.2222
    """
    values = as_values(y, is_checked=weights is not None)
    if weights is not None:
        w = as_case_weights(weights, values.size)
        values, w = values[w > 0.0], w[w > 0.0]
        order = np.argsort(values)
        ascending, w = values[order], w[order]
    else:
        ascending, w = np.sort(values), None
        if not (ascending[0] >= 0.0 and math.isfinite(ascending[-1])):  # a missing value sorts last
            refuse(values, "y")
    if ascending[-1] == 0.0:
        return math.nan
    if ascending[0] == ascending[-1]:
        return 0.0
    if w is None:
        n = ascending.size
        return float(ascending @ np.arange(1.0 - n, n, 2.0)) / (n * float(ascending.sum()))
    rank = 2.0 * np.cumsum(w) - w - w.sum()  # C = cumulated weights in y order
    return float((w * ascending) @ rank / (w.sum() * (w @ ascending)))
