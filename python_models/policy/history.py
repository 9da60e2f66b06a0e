"""Paths over time and over groups: spells, switches, transitions, shares."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._show import Shown
from python_models._types import BoolArray, FloatArray
from python_models.dynamics.markov import markov
from python_models.policy.draws import PathDraws
from python_models.policy.rules import PATHS, Codes

NEVER = 0
LIMITS = (0.025, 0.975)


@dataclass(frozen=True, eq=False)
class Spells(Shown):
    """years_in_path, last_switch (year, NEVER before the first one), changed: each (N, T)."""

    years_in_path: NDArray[np.int64]
    last_switch: NDArray[np.int64]
    changed: BoolArray


def spells(path: Codes, years: Sequence[int]) -> Spells:
    """How long each city has been on its path.

    Parameters
    ----------
    path : (N, T) array of int
        Codes of the paths.
    years : sequence of T int
        Years.

    Returns
    -------
    Spells
        Length of the present spell, year of the last change, and a mark of each change.

    Examples
    --------
    >>> from python_models.policy import spells
    >>> type(spells(np.array([[0, 0, 1], [2, 2, 2]]), [2012, 2013, 2014])).__name__
    'Spells'
    """
    t = np.asarray(years, dtype=np.int64)
    if path.ndim != 2 or path.shape[1:] != t.shape:
        raise ValueError(f"paths {path.shape} need one year a column, got {t.shape}.")
    is_switch = np.zeros(path.shape, dtype=np.bool_)
    is_switch[:, 1:] = path[:, 1:] != path[:, :-1]
    last_switch = np.maximum.accumulate(np.where(is_switch, t, NEVER), axis=1)
    start = np.where(last_switch == NEVER, t[0], last_switch)
    return Spells(t - start + 1, last_switch, is_switch)


def transition_table(path: Codes, *, n_boot: int, seed: int) -> pd.DataFrame:
    """Transitions between paths from one year to the next.

    Parameters
    ----------
    path : (N, T) array of int
        Codes of the paths.
    n_boot : int
        Resamples of cities for the limits.
    seed : int
        Seed of the resamples.

    Returns
    -------
    DataFrame
        One row per path of one year and of the next: n, p = n / n_row with limits, thin. All pairs are there; p is NaN
        where no city-year starts in the path. Empty with fewer than two years.

    Examples
    --------
    >>> from python_models.policy import transition_table
    >>> transition_table(np.array([[0, 0, 1], [2, 2, 2]]), n_boot=9, seed=1).columns[:2].tolist()
    ['path_from', 'path_to']
    """
    if path.shape[1] < 2:
        return pd.DataFrame(columns=["path_from", "path_to", "n", "n_row", "p", "lo", "hi", "thin"])
    table = markov(path.astype(np.int64), len(PATHS), n_boot=n_boot, seed=seed).to_frame(PATHS)
    return table.rename(columns={"state_from": "path_from", "state_to": "path_to"}).drop(columns="se")


def share_table(
    path: Codes, score: FloatArray, d: FloatArray, members: Sequence[BoolArray], draws: PathDraws | None
) -> list[pd.DataFrame]:
    """Share of each path in each group of cities, year by year.

    Parameters
    ----------
    path : (N, T) array of int
        Codes of the paths.
    score, d : (N, T) array
        Score and coordination, whose means are listed.
    members : sequence of (N,) masks
        Groups of cities.
    draws : PathDraws, optional
        Draws for the limits; None: no limits.

    Returns
    -------
    list of DataFrame
        One a group: a row per year position and path with n, n_group, share, mean_score, mean_d, and the 2.5 and 97.5 %
        points of the share over the draws (share_lo, share_hi). Means of no city are NaN.

    Examples
    --------
    >>> from python_models.policy import share_table
    >>> path, ones = np.array([[0, 0, 1], [2, 2, 2]]), np.ones((2, 3))
    >>> (both,) = share_table(path, ones, ones, [np.array([True, True])], None)
    >>> both.query("t == 2")[["path", "share"]].values.tolist()[:2]
    [['endogenous_evolution', 0.0], ['gradient_transfer', 0.5]]
    """
    tables = []
    for mask in members:
        rows = []
        for code, name in enumerate(PATHS):
            inside = path[mask] == code
            n = inside.sum(axis=0)
            low, high = np.full((2, path.shape[1]), np.nan)
            if draws is not None:
                low, high = np.quantile((draws.path[:, mask] == code).mean(axis=1), LIMITS, axis=0)
            keys = {"t": np.arange(path.shape[1]), "path": name, "n": n, "n_group": int(mask.sum())}
            shares = {"share": n / mask.sum(), "share_lo": low, "share_hi": high}
            means = {"mean_score": _mean(score[mask], inside, n), "mean_d": _mean(d[mask], inside, n)}
            rows.append(pd.DataFrame({**keys, **shares, **means}))
        tables.append(pd.concat(rows, ignore_index=True))
    return tables


def _mean(x: FloatArray, inside: BoolArray, n: NDArray[np.int64]) -> FloatArray:
    total = np.where(inside, x, 0.0).sum(axis=0)
    return np.where(n > 0, total / np.maximum(n, 1), np.nan)
