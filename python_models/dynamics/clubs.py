"""Convergence clubs (Phillips and Sul 2007, 2009): found by log t tests of groups, then merged."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy.special import ndtr

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray, IntArray
from python_models.dynamics.logt import REJECT_BELOW, LogTDesign, dispersion, positive_plane

type MergeRule = Literal["phillips_sul", "von_lyncker_thoennessen"]


@dataclass(frozen=True, eq=False)
class ClubResult(Shown):
    """labels : club of each row of Y, from 1 (highest last values) on, 0 divergent; with the index of Y.

    clubs : one row per club: club, n, b, se, t, p_value, converges.   paths : Y as given, for merging.
    """

    labels: pd.Series
    clubs: pd.DataFrame
    paths: FloatArray
    r: float

    @property
    def n_clubs(self) -> int:
        return len(self.clubs)

    def to_frame(self) -> pd.DataFrame:
        """One row per unit: unit, club, is_divergent."""
        labels = self.labels.to_numpy()
        unit = pd.Series(self.labels.index.to_list(), dtype=object)
        return pd.DataFrame({"unit": unit, "club": labels, "is_divergent": labels == 0})


@aligned
def find_clubs(Y: ArrayLike | pd.DataFrame, r: float = 1.0 / 3.0, *, c_star: float = 0.0) -> ClubResult:
    """Sort units into clubs that converge (docs/formulas.md#clubs); `merge_clubs` joins those that converge together.

    Parameters
    ----------
    Y : (N, T) array or frame
        Positive values.
    r : float
        Share of first years that the log t test leaves out, as in `log_t`.
    c_star : float
        Least t with which a unit joins the core.

    Returns
    -------
    ClubResult
        Labels of the units, 1 for the club with the highest last year; 0: divergent.

    Raises
    ------
    ValueError
        As `log_t`.

    Notes
    -----
    On the units that are left: (0) if they converge together (t > -1.65) they are the last club; (1) sort by the
    last year, descending; (2) core: the first neighbours (i - 1, i) with t > -1.65; units are added one by one
    until the first failure, and of the sizes that pass that with the largest t is taken; (3) every other unit that
    keeps t > c_star when it alone joins the core is in; (4) again on the rest. A lone unit, or units without a core,
    are divergent.

    References
    ----------
    Phillips and Sul (2007); Phillips and Sul (2009, J. Applied Econometrics 24:1153-1185).

    Examples
    --------
    >>> from python_models.dynamics import find_clubs
    >>> rng, t = np.random.default_rng(3), np.arange(1, 21)
    >>> level = np.repeat([4.0, 9.0], 6)[:, None]
    >>> Y = level + rng.normal(size=(12, 1)) / t + 0.001 * rng.normal(size=(12, 20))
    >>> find_clubs(Y).labels.tolist()
    [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    """
    values = positive_plane(Y)
    design = LogTDesign.of(values.shape[1], r)
    order = np.argsort(-values[:, -1], kind="stable")
    window = values[:, design.columns]
    labels = np.zeros(values.shape[0], dtype=np.int64)
    left, club = order, 0
    while left.size > 1:
        club += 1
        if _t_whole(window[left], design) > REJECT_BELOW:
            labels[left] = club
            break
        core = _core(window[left], design)
        if core is None:
            break
        inside = np.zeros(left.size, dtype=np.bool_)
        inside[core] = True
        inside |= _t_joined(window[left], inside, design) > c_star
        labels[left[inside]] = club
        left = left[~inside]
    return _result(Y, values, labels, design, r)


def merge_clubs(clubs: ClubResult, *, method: MergeRule = "phillips_sul") -> ClubResult:
    """Merge neighbouring clubs that converge together.

    Parameters
    ----------
    clubs : ClubResult
        Clubs of `find_clubs`.
    method : {"phillips_sul", "von_lyncker_thoennessen"}
        `phillips_sul`: from the first club on, the next one joins while the joint t > -1.65, else it starts a new
        club. `von_lyncker_thoennessen`: only if the joint t is also above that of the next club with the one after it.

    Returns
    -------
    ClubResult
        The merged clubs.

    References
    ----------
    von Lyncker and Thoennessen (2017, Empirical Economics 52).

    Examples
    --------
    >>> from python_models.dynamics import find_clubs, merge_clubs
    >>> rng, t = np.random.default_rng(3), np.arange(1, 21)
    >>> level = np.repeat([4.0, 9.0], 6)[:, None]
    >>> Y = level + rng.normal(size=(12, 1)) / t + 0.001 * rng.normal(size=(12, 20))
    >>> merge_clubs(find_clubs(Y)).labels.tolist()
    [2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1]
    """
    design = LogTDesign.of(clubs.paths.shape[1], clubs.r)
    window, old = clubs.paths[:, design.columns], clubs.labels.to_numpy()
    groups = [np.flatnonzero(old == club) for club in range(1, int(old.max(initial=0)) + 1)]
    merged: list[IntArray] = []
    for at, group in enumerate(groups):
        joint = _t_whole(window[np.concatenate([merged[-1], group])], design) if merged else -np.inf
        rival = -np.inf
        if method == "von_lyncker_thoennessen" and at + 1 < len(groups):
            rival = _t_whole(window[np.concatenate([group, groups[at + 1]])], design)
        if joint > REJECT_BELOW and joint > rival:
            merged[-1] = np.concatenate([merged[-1], group])
        else:
            merged.append(group)
    labels = np.zeros(old.size, dtype=np.int64)
    for club, group in enumerate(merged, start=1):
        labels[group] = club
    return _result(clubs.labels, clubs.paths, labels, design, clubs.r)


def _result(Y: object, values: FloatArray, labels: IntArray, design: LogTDesign, r: float) -> ClubResult:
    index = Y.index if isinstance(Y, (pd.DataFrame, pd.Series)) else pd.RangeIndex(values.shape[0])
    members = [np.flatnonzero(labels == club) for club in range(1, int(labels.max(initial=0)) + 1)]
    H = np.array([dispersion(values[rows])[design.columns] for rows in members]).reshape(
        len(members), design.columns.size
    )
    _, b, se, t = design.fit(H) if members else np.empty((4, 0))
    sizes = {"club": np.arange(1, len(members) + 1), "n": np.array([rows.size for rows in members], dtype=np.int64)}
    table = pd.DataFrame({**sizes, "b": b, "se": se, "t": t, "p_value": ndtr(t), "converges": t > REJECT_BELOW})
    return ClubResult(pd.Series(labels, index=index, name="club"), table, values, r)


def _t_whole(Z: FloatArray, design: LogTDesign) -> float:
    return float(design.fit(dispersion(Z)[None])[3, 0])


def _core(Z: FloatArray, design: LogTDesign) -> slice | None:
    """Rows of the core group of Z (sorted), or None: all neighbours and all sizes are tested at once."""
    pair = ((Z[1:] - Z[:-1]) / (Z[1:] + Z[:-1])) ** 2  # H of two units
    passes = np.flatnonzero(design.fit(pair)[3] > REJECT_BELOW)
    if not passes.size:
        return None
    start = int(passes[0])
    size = np.arange(2.0, Z.shape[0] - start + 1.0)[:, None]
    off = Z[start:] - Z[start]  # from the first member: no digits are lost
    mean = np.cumsum(off, axis=0)[1:] / size
    variance = np.cumsum(off**2, axis=0)[1:] / size - mean**2
    t = design.fit(variance / (Z[start] + mean) ** 2)[3]
    failures = np.flatnonzero(~(t > REJECT_BELOW))
    t = t[: failures[0]] if failures.size else t
    if not t.size:  # rounding at the threshold: the pair itself has passed
        return slice(start, start + 2)
    return slice(start, start + int(np.argmax(t)) + 2)


def _t_joined(Z: FloatArray, inside: BoolArray, design: LogTDesign) -> FloatArray:
    """t of the group `inside` plus each other unit alone, (n,); -inf for its own members."""
    members, k = Z[inside], float(inside.sum())
    mean = members.mean(axis=0)
    off = Z - mean
    variance = (k * members.var(axis=0) + off**2 * (k / (k + 1.0))) / (k + 1.0)
    t = design.fit(variance / (mean + off / (k + 1.0)) ** 2)[3]
    return np.where(inside, -np.inf, t)
