"""Inputs of the rules from city panels: smoothing, neighbours, barrier to centres."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from python_models._align import aligned
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import finite
from python_models.space.distance import distance_matrix

WINDOW = 3
TOP_SHARE = 1 / 3
N_CENTRES = 3


@aligned
def trailing_mean(values: ArrayLike, years: Sequence[int], window: int = WINDOW) -> FloatArray:
    """Mean over the last years; it looks back only, so a new year never changes an old mean.

    Parameters
    ----------
    values : (N, T) array
        Values.
    years : sequence of T int
        Rising years.
    window : int
        Length of the window in years; the first years have a shorter one.

    Returns
    -------
    (N, T) array
        Means over the years t - window + 1 .. t that there are.

    Raises
    ------
    ValueError
        A missing value, years that do not rise, a window below 1.

    Examples
    --------
    >>> from python_models.policy import trailing_mean
    >>> trailing_mean([[1.0, 2.0, 3.0, 4.0]], [2012, 2013, 2014, 2015])
    array([[1. , 1.5, 2. , 3. ]])
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


@aligned
def high_presence(p: ArrayLike, w: Any, top: float = TOP_SHARE) -> FloatArray:
    """How much of the neighbourhood ranks high: sum_j w_ij p_j 1[p_j among the highest of its year].

    Parameters
    ----------
    p : (N, T) array
        Scores.
    w : (N, N) weights
        Row-normalised.
    top : float
        Share of cities that rank high.

    Returns
    -------
    (N, T) array
        Presence of high scores.

    Examples
    --------
    >>> from python_models.policy import high_presence
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> high_presence(np.arange(12.0)[:, None], W).ravel()[:3]
    array([5.5, 0. , 0. ])
    """
    x = finite(p, "p")
    high = x >= np.quantile(x, 1 - top, axis=0)
    return np.asarray(w @ np.where(high, x, 0.0))


@aligned
def centre_barrier(
    points: FloatArray, area: Sequence[str], is_centre: BoolArray, index: float, k: int = N_CENTRES
) -> FloatArray:
    """Mean barrier between each city and its nearest centres, itself left out.

    Parameters
    ----------
    points : (N, 2) array
        Longitude and latitude in degrees; the distance is that of the great circle.
    area : sequence of N str
        Area of each city.
    is_centre : (N,) mask
        Centres.
    index : float
        Barrier index between two areas, cut to [0, 1]; inside an area the barrier is 0.
    k : int
        Number of nearest centres.

    Returns
    -------
    (N,) array
        NaN without an index or without another centre.

    Examples
    --------
    >>> from python_models.policy import centre_barrier
    >>> points = np.array([[110.0, 30.0], [111.0, 30.0], [112.0, 30.0]])
    >>> centre_barrier(points, ["a", "a", "b"], np.array([True, False, False]), 0.4, k=1)[1:]
    array([0. , 0.4])
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
