"""How sure a path is: the same rules on scores with drawn weights and bounds, and on drawn thresholds.

One draw: Dirichlet weights around the headline ones, bounds of a resample of cities, threshold of d and barrier index
from their intervals. A shift that all cities share moves the cuts as well. docs/formulas.md#path-certainty.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import BoolArray, FloatArray
from python_models.measurement.choices import dirichlet_weights
from python_models.policy.inputs import centre_barrier, high_presence, trailing_mean
from python_models.policy.rules import Codes, classify, year_cuts
from python_models.production.coupling import LAG, common_scale, coupling

N_DRAWS = 500
HALF_95 = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, eq=False)
class Index(Shown):
    """Scaled indicators z (N, T, m) of one composite and its weights (m,): the score is z @ weights."""

    z: FloatArray
    weights: FloatArray

    @property
    def score(self) -> FloatArray:
        return np.asarray(self.z @ self.weights)


@dataclass(frozen=True)
class Interval:
    """An estimate with its 95 % limits; limits that are not known make it exact."""

    value: float
    lo: float = float("nan")
    hi: float = float("nan")

    def draw(self, rng: np.random.Generator, n: int) -> FloatArray:
        """(n,) from two half normals that meet in the value: median = value, 2.5 and 97.5 % points = the limits."""
        shock = rng.standard_normal(n)
        side = np.where(shock < 0, self.value - self.lo, self.hi - self.value)
        return self.value + shock * np.where(np.isfinite(side), np.maximum(side, 0.0), 0.0) / HALF_95


@dataclass(frozen=True, eq=False)
class Geography(Shown):
    """w (N, N) row-normalised, points (N, 2) in degrees, province and centre mark of each city."""

    w: Any
    points: FloatArray
    province: tuple[str, ...]
    is_centre: BoolArray

    def barrier(self, index: float) -> FloatArray:
        return centre_barrier(self.points, self.province, self.is_centre, index)


@dataclass(frozen=True, eq=False)
class PathDraws(Shown):
    """path (R, N, T) codes, d (R, N, T) of the year, pr_lagging (R, N, T), d_cut (R,)."""

    path: Codes
    d: FloatArray
    pr_lagging: BoolArray
    d_cut: FloatArray

    def share_same(self, path: Codes) -> FloatArray:
        """Share of the draws with the given path, (N, T)."""
        return np.asarray((self.path == path).mean(axis=0))


@aligned
def path_inputs(
    u: FloatArray, p: FloatArray, d: FloatArray, barrier: FloatArray, w: Any, years: Sequence[int]
) -> FloatArray:
    """Inputs of the rules from scores.

    Parameters
    ----------
    u, p, d : (N, T) array
        Scores of forces and relations, and their coordination.
    barrier : (N,) array
        Barrier, which does not change over the years.
    w : (N, N) weights
        Row-normalised.
    years : sequence of T int
        Years.

    Returns
    -------
    (N, T, 6) array
        All but the barrier are trailing means of three years.

    Examples
    --------
    >>> from python_models.policy import path_inputs
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> u, p, d = np.random.default_rng(1).uniform(size=(3, 12, 4))
    >>> path_inputs(u, p, d, np.zeros(12), W, [2012, 2013, 2014, 2015]).shape
    (12, 4, 6)
    """
    moving = [trailing_mean(x, years) for x in (u, p, d, np.asarray(w @ u), high_presence(p, w))]
    return np.stack([*moving, np.repeat(barrier[:, None], len(years), axis=1)], axis=-1)


def coordination(u: FloatArray, p: FloatArray, base: BoolArray) -> tuple[FloatArray, BoolArray]:
    """Corrected coordination D (N, T) of two scores, and where relations lag by more than 0.1.

    base (T,): the years that set the common scale.
    """
    mask = np.broadcast_to(base, u.shape)
    one, two = (common_scale(x, base=mask) for x in (u, p))
    return coupling(np.stack([one, two], axis=-1)).d, one - two > LAG


def draw_paths(
    forces: Index,
    relations: Index,
    where: Geography,
    years: Sequence[int],
    base: BoolArray,
    d_cut: Interval,
    barrier_index: Interval,
    *,
    n_draws: int = N_DRAWS,
    rng: np.random.Generator,
) -> PathDraws:
    """Paths under drawn weights, cuts and barriers.

    Parameters
    ----------
    forces, relations : Index
        Indicators and weights of the two scores.
    where : Geography
        Neighbours, places, areas and centres of the cities.
    years : sequence of T int
        Years.
    base : (T,) mask
        Base years.
    d_cut : Interval
        Cut of d with its standard error.
    barrier_index : Interval
        Barrier index with its standard error.
    n_draws : int
        Number of draws.
    rng : numpy.random.Generator
        Source of the draws.

    Returns
    -------
    PathDraws
        Path of each draw, city and year.

    Raises
    ------
    ValueError
        Cities or years that do not match, a missing z.

    Examples
    --------
    >>> from python_models.policy import Geography, Index, Interval, draw_paths
    >>> rng = np.random.default_rng(1)
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> forces, relations = (Index(rng.uniform(size=(12, 4, 2)), np.array([0.5, 0.5])) for _ in "up")
    >>> where = Geography(W, rng.uniform(size=(12, 2)), ("a",) * 6 + ("b",) * 6, np.arange(12) < 4)
    >>> years, base = [2012, 2013, 2014, 2015], np.ones(4, dtype=bool)
    >>> paths = draw_paths(forces, relations, where, years, base, Interval(0.5), Interval(0.2), n_draws=9, rng=rng)
    >>> paths.path.shape
    (9, 12, 4)
    """
    shape = forces.z.shape[:2]
    if relations.z.shape[:2] != shape or shape != (len(where.province), len(years)) or base.shape != shape[1:]:
        raise ValueError(f"both indexes need the cities and years of the panel: {shape}, {relations.z.shape[:2]}.")
    cuts, barriers = d_cut.draw(rng, n_draws), barrier_index.draw(rng, n_draws)
    path = np.empty((n_draws, *shape), dtype=np.int8)
    d_all, lagging = np.empty((n_draws, *shape)), np.empty((n_draws, *shape), dtype=np.bool_)
    whole = where.barrier(1.0)  # linear in the index: the centres are found once
    limits = [(index.z[:, base].min(axis=1), index.z[:, base].max(axis=1)) for index in (forces, relations)]
    for r in range(n_draws):
        cities = np.asarray(rng.choice(shape[0], size=shape[0]))
        u, p = (_drawn(index, limit, cities, rng) for index, limit in zip((forces, relations), limits, strict=True))
        d_all[r], lagging[r] = coordination(u, p, base)
        inputs = path_inputs(u, p, d_all[r], whole * np.clip(barriers[r], 0.0, 1.0), where.w, years)
        path[r] = classify(inputs, year_cuts(inputs, base, float(cuts[r]))).path
    return PathDraws(path, d_all, lagging, cuts)


def _drawn(
    index: Index, limits: tuple[FloatArray, FloatArray], cities: np.ndarray, rng: np.random.Generator
) -> FloatArray:
    """Score (N, T) with drawn weights, on the bounds of the drawn cities."""
    low, high = limits[0][cities].min(axis=0), limits[1][cities].max(axis=0)
    varies = high > low
    width = np.where(varies, high - low, 1.0)
    w = dirichlet_weights(index.weights, rng.uniform(size=len(index.weights)))
    w = np.where(varies, w, 0.0) / width
    return np.asarray(index.z @ w - low @ w)
