"""How far two orders of the same cities agree, year by year: Spearman (1904), Kendall (1945), tau-b, shifts, Jaccard.

Places are 1 for the highest score, ties share the best place. Jaccard compares who is among the first (or last) `top`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_plane
from python_models.estimates import Ranks, rank_interval, spearman_of_ranks

TOP = 20


@dataclass(frozen=True)
class Agreement:
    """Two orders of `n_obs` cities. Jaccard is nan where there are not more than `top` cities: all are in both."""

    spearman: float
    spearman_low: float
    spearman_high: float
    kendall_tau_b: float
    mean_abs_rank_shift: float
    max_abs_rank_shift: float
    top20_jaccard: float
    bottom20_jaccard: float
    n_obs: int


@aligned
def agreement(a: ArrayLike, b: ArrayLike, *, top: int = TOP) -> Agreement:
    """Agreement of two scores of the same cities.

    Parameters
    ----------
    a, b : (n,) array
        Scores; pairs with a NaN are left out.
    top : int
        Number of first and last places that are compared.

    Returns
    -------
    Agreement
        Spearman's and Kendall's correlation, shifts of places, Jaccard overlaps; all nan if fewer than 3 pairs are left
        or one score is the same everywhere.

    Raises
    ------
    ValueError
        Lengths that differ.

    References
    ----------
    Spearman (1904), Kendall (1945).

    Examples
    --------
    >>> from python_models.measurement import agreement
    >>> round(agreement([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 2.0, 4.0], top=2).spearman, 3)
    0.8
    """
    x, y = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1:
        raise ValueError(f"two scores of the same cities are needed, got shapes {x.shape} and {y.shape}.")
    there = ~(np.isnan(x) | np.isnan(y))
    x, y = x[there], y[there]
    n, nan = len(x), math.nan
    if n < 3 or np.ptp(x) == 0.0 or np.ptp(y) == 0.0:
        return Agreement(nan, nan, nan, nan, nan, nan, nan, nan, n)
    first, second = Ranks.of(x), Ranks.of(y)
    rho = rank_interval(spearman_of_ranks(first.average, second.average), n)
    best = [n + 1.0 - of.high for of in (first, second)]
    shift = np.abs(best[0] - best[1])
    same = _jaccard(best[0], best[1], top), _jaccard(first.low, second.low, top)
    tau = float(stats.kendalltau(x, y).statistic)
    return Agreement(rho.value, rho.low, rho.high, tau, float(shift.mean()), float(shift.max()), *same, n)


@aligned
def agreement_by_year(a: ArrayLike, b: ArrayLike, years: tuple[int, ...], *, top: int = TOP) -> pd.DataFrame:
    """Agreement of two scores in each year.

    Parameters
    ----------
    a, b : (N, T) array
        Scores of N cities in T years.
    years : tuple of int
        The T years.
    top : int
        Number of first and last places that are compared.

    Returns
    -------
    DataFrame
        One row a year with the fields of `Agreement`; years without 3 pairs are left out.

    Examples
    --------
    >>> from python_models.measurement import agreement_by_year
    >>> a = np.random.default_rng(1).normal(size=(6, 2))
    >>> agreement_by_year(a, a, (2020, 2021), top=2)["spearman"].tolist()
    [1.0, 1.0]
    """
    x, y = as_plane(a, "first score"), as_plane(b, "second score")
    if x.shape != y.shape or x.shape[1] != len(years):
        raise ValueError(f"scores have shapes {x.shape} and {y.shape}, years count {len(years)}: they must match.")
    by_year = [(year, agreement(x[:, t], y[:, t], top=top)) for t, year in enumerate(years)]
    rows = [{"year": year, **vars(row)} for year, row in by_year if row.n_obs >= 3]
    return pd.DataFrame(rows, columns=["year", *Agreement.__dataclass_fields__])


@aligned
def pairwise_agreement(scores: Mapping[str, FloatArray], years: tuple[int, ...], *, top: int = TOP) -> pd.DataFrame:
    """Agreement of every pair of schemes in each year.

    Parameters
    ----------
    scores : mapping of (N, T) arrays
        Scores by scheme.
    years, top : as in `agreement_by_year`

    Returns
    -------
    DataFrame
        One row a pair (scheme_a before scheme_b in the order of `scores`) and year, with the fields of `Agreement`.

    Examples
    --------
    >>> from python_models.measurement import pairwise_agreement
    >>> a = np.random.default_rng(1).normal(size=(6, 1))
    >>> pairwise_agreement({"one": a, "two": -a}, (2021,), top=2)["spearman"].tolist()
    [-1.0]
    """
    keys = ["scheme_a", "scheme_b", "year"]
    frames = [
        agreement_by_year(scores[a], scores[b], years, top=top).assign(scheme_a=a, scheme_b=b)
        for a, b in combinations(scores, 2)
    ]
    table = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()
    return table.reindex(columns=[*keys, *Agreement.__dataclass_fields__])


def _jaccard(a: FloatArray, b: FloatArray, top: int) -> float:
    if len(a) <= top:
        return math.nan
    first, second = a <= top, b <= top
    return float((first & second).sum() / (first | second).sum())
