"""Inputs of the rules from city panels: smoothing, neighbours, barrier to centres."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import finite
from python_models.space.distance import distance_matrix

WINDOW = 3
TOP_SHARE = 1 / 3
N_CENTRES = 3


def trailing_mean(values: ArrayLike, years: Sequence[int], window: int = WINDOW) -> FloatArray:
    """Mean of values (N, T) over the years t - window + 1 .. t that there are.

    It looks back only, so a new year never changes an old mean. ValueError: a missing value, years that do not rise.
    """
    x = finite(values, "values")
    t = np.asarray(years)
    if x.ndim != 2 or t.shape != x.shape[1:] or (np.diff(t) <= 0).any() or window < 1:
        raise ValueError(f"values {x.shape} need one rising year a column, and a window of 1 or more ({window}).")
    # year by year: the sum of an old year must not depend on how many columns follow
    means = [x[:, (t <= year) & (year - t < window)].mean(axis=1) for year in t]
    return np.stack(means, axis=1)


def n_in_window(years: Sequence[int], window: int = WINDOW) -> NDArray[np.int64]:
    """Number of years behind each trailing mean.

    Parameters
    ----------
    years : sequence of T int
        Years.
    window : int
        Length of the window in years.

    Returns
    -------
    (T,) array of int
        Years that there are in the window.

    Examples
    --------
    >>> from python_models.policy import n_in_window
    >>> n_in_window([2012, 2013, 2014, 2015])
    array([1, 2, 3, 3])
    """
    t = np.asarray(years)
    return np.asarray(((t[:, None] >= t[None, :]) & (t[:, None] - t[None, :] < window)).sum(axis=1))


def high_presence(p: ArrayLike, w: Any, top: float = TOP_SHARE) -> FloatArray:
    """(N, T): how much of the neighbourhood ranks high: sum_j w_ij p_j 1[p_j among the share `top` of its year]."""
    x = finite(p, "p")
    high = x >= np.quantile(x, 1 - top, axis=0)
    return np.asarray(w @ np.where(high, x, 0.0))


def centre_barrier(
    points: FloatArray, area: Sequence[str], is_centre: BoolArray, index: float, k: int = N_CENTRES
) -> FloatArray:
    """Mean barrier (N,) between each city and its k nearest centres, itself left out.

    points: longitude and latitude in degrees; index: barrier between two areas, cut to [0, 1]; inside an area it is 0.
    NaN without an index or without another centre.
    """
    centres = np.flatnonzero(is_centre)
    n = len(area)
    code = np.asarray(area, dtype=object)
    if not np.isfinite(index) or len(centres) == 0:
        return np.full(n, np.nan)
    across = code[:, None] != code[centres][None, :]
    distance = distance_matrix(np.asarray(points, dtype=np.float64), "haversine")[:, centres].copy()
    distance[centres, np.arange(len(centres))] = np.inf
    nearest = np.argsort(distance, axis=1, kind="stable")[:, :k]
    usable = np.isfinite(np.take_along_axis(distance, nearest, axis=1))
    count = usable.sum(axis=1)
    hit = (np.take_along_axis(across, nearest, axis=1) & usable).sum(axis=1)
    share = np.divide(hit, count, out=np.full(n, np.nan), where=count > 0)
    return np.asarray(min(max(index, 0.0), 1.0) * share)
