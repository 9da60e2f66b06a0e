"""The benchmark of a city: the most similar city with better relations, in the space of Gower (1971)."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray

NOBODY = -1


def gower_distance(themes: Sequence[ArrayLike]) -> FloatArray:
    """Gower's distance of cities over themes of variables.

    Parameters
    ----------
    themes : sequence of (N, k) arrays
        Variables by theme. A missing value leaves its column out for that pair; a column without a range has distance
        0.

    Returns
    -------
    (N, N) array
        Distances in [0, 1]; NaN for a pair without any column.

    Notes
    -----
    Mean over the themes of the mean over their columns of |x_i - x_j| / range.

    References
    ----------
    Gower (1971, Biometrics 27).

    Examples
    --------
    >>> from python_models.policy import gower_distance
    >>> gower_distance([[[0.0], [1.0], [2.0]]])
    array([[0. , 0.5, 1. ],
           [0.5, 0. , 0.5],
           [1. , 0.5, 0. ]])
    """
    parts = [_of_theme(np.asarray(theme, dtype=np.float64)) for theme in themes]
    return _mean_of_known(np.stack(parts)) if parts else np.empty((0, 0))


def _of_theme(theme: FloatArray) -> FloatArray:
    if theme.ndim != 2:
        raise ValueError(f"a theme needs one row per city and one column per feature, got shape {theme.shape}.")
    gaps = []
    for x in theme.T:
        finite = x[np.isfinite(x)]
        width = float(np.ptp(finite)) if len(finite) else 0.0
        gaps.append(np.abs(x[:, None] - x[None, :]) / (width if width > 0 else 1.0))
    return _mean_of_known(np.stack(gaps)) if gaps else np.full((len(theme), len(theme)), np.nan)


def _mean_of_known(stack: FloatArray) -> FloatArray:
    is_finite = np.isfinite(stack)
    count = is_finite.sum(axis=0)
    total = np.where(is_finite, stack, 0.0).sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


@aligned
def nearest_better(distance: FloatArray, p: ArrayLike) -> NDArray[np.int64]:
    """Nearest city with a strictly higher score.

    Parameters
    ----------
    distance : (N, N) array
        Distances.
    p : (N,) array
        Scores.

    Returns
    -------
    (N,) array of int
        Positions; NOBODY where there is none. A tie: the first.

    Examples
    --------
    >>> from python_models.policy import nearest_better
    >>> gap = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> nearest_better(gap, [1.0, 2.0, 3.0])[:2]
    array([1, 2])
    """
    value = np.asarray(p, dtype=np.float64)
    if distance.shape != (len(value), len(value)):
        raise ValueError(f"distance {distance.shape} and p ({len(value)},) must speak of the same cities.")
    open_to = np.where((value[None, :] > value[:, None]) & np.isfinite(distance), distance, np.inf)
    nearest = open_to.argmin(axis=1)
    return np.where(np.isfinite(open_to.min(axis=1)), nearest, NOBODY)
