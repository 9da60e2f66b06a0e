"""TOPSIS score with fixed ideals z = 1 and z = 0, so that years share a scale (docs/formulas.md#schemes).

v_k = w_k z_k,   D+ = sqrt(sum_k (w_k - v_k)^2),   D- = sqrt(sum_k v_k^2),   score = D- / (D+ + D-)
"""

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_cube, as_weights


def topsis_score(Z: ArrayLike, w: ArrayLike) -> FloatArray:
    """TOPSIS score with fixed ideals z = 1 and z = 0, so that years share a scale (docs/formulas.md#schemes).

    Parameters
    ----------
    Z : (N, T, m) array
        Scaled indicators. A z below 0 (a new year on an old base) counts by its distance to the worst ideal.
    w : (m,) array
        Weights of any scale. An indicator of weight 0 takes no part; any other NaN makes the score NaN.

    Returns
    -------
    (N, T) array
        Scores in [0, 1].

    Notes
    -----
    v_k = w_k z_k, D+ = sqrt(sum_k (w_k - v_k)^2), D- = sqrt(sum_k v_k^2), score = D- / (D+ + D-).

    Examples
    --------
    >>> from python_models.measurement import topsis_score
    >>> Z = np.array([[[0.0, 0.2], [0.4, 0.3]], [[1.0, 1.0], [0.6, 0.0]]])  # cities, years, indicators
    >>> topsis_score(Z, [0.5, 0.5]).round(3)
    array([[0.135, 0.352],
           [1.   , 0.358]])
    """
    cube = as_cube(Z, "Z")
    weights = as_weights(w, cube.shape[2])
    columns = np.flatnonzero(weights > 0.0)
    to_best, to_worst = np.zeros(cube.shape[:2]), np.zeros(cube.shape[:2])
    for k in columns:  # in indicator order: the bits of a score depend on its own row only
        to_best = to_best + (weights[k] * (1.0 - cube[..., k])) ** 2
        to_worst = to_worst + (weights[k] * cube[..., k]) ** 2
    best, worst = np.sqrt(to_best), np.sqrt(to_worst)
    score: FloatArray = worst / (best + worst)
    return score
