"""Slopes of a regressor that is measured with error by several indicators: each half of them for the other."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from python_models._show import Shown
from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.iv import first_stages, partial_out
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import within

MOST_SPLITS = 50  # beyond them splits are drawn
STEPS = 500  # of the loadings


@dataclass(frozen=True, eq=False)
class SplitHalf(Shown):
    """coef, se (2,) of x and W x, unit of y per unit of x; reliability of x given effects and controls (mean of
    Guttman's lambda 4, which is Cronbach's alpha); first_stage_f: median effective F of one half on the other."""

    coef: FloatArray
    se: FloatArray
    reliability: float
    first_stage_f: float
    n_splits: int


def split_half(
    y: FloatArray,
    parts: FloatArray,
    weights: SpatialWeights,
    controls: FloatArray,
    *,
    effects: str = "twoways",
    rng: np.random.Generator,
) -> SplitHalf:
    """Slopes of x = sum of parts and of W x with halves of the parts as instruments (docs/formulas.md#split-half).

    Parameters
    ----------
    y : (N, T) array
        Outcome; where it has a spatial lag, less rho W y.
    parts : (N, T, m) array
        What each of m >= 2 indicators gives to x, in the unit of x.
    weights : SpatialWeights
        W.
    controls : (N, T, k) array
        Regressors without error; W times them are added. k may be 0.
    effects : {"twoways", "entity", "time", "none"}
        Fixed effects.
    rng : numpy Generator
        Draws splits where there are more than 50.

    Returns
    -------
    SplitHalf
        Errors by city.

    Raises
    ------
    PanelInputError
        Fewer than two indicators.

    Notes
    -----
    Of a split into halves a, b without effects and controls: A = (x_a, W x_a), B = (x_b, W x_b), g = (B'A)^-1 B'y; the
    slopes are the mean of p_a g over splits and their turns, p_a the share of half a in what the indicators have in
    common: its loadings in one common factor of the parts (principal axes; 1/2 with two indicators). Consistent where
    the indicators measure one thing with errors of their own. Reliability: 4 x_a'x_b / x'x, mean over splits, too small
    where the shares are unequal.

    References
    ----------
    Fuller (1987, Measurement Error Models, ch. 1.4).

    Examples
    --------
    >>> from python_models.regression.split_half import split_half
    >>> from python_models.regression.weights import spatial_weights
    >>> rng = np.random.default_rng(1)
    >>> x = rng.normal(size=(30, 6))
    >>> ring = spatial_weights(np.roll(np.eye(30), 1, axis=1))
    >>> both = split_half(3 * x, np.stack([x / 2, x / 2], axis=2), ring, np.zeros((30, 6, 0)), rng=rng)
    >>> both.coef.round(6).tolist(), round(both.reliability, 6)
    ([3.0, 0.0], 1.0)
    """
    n, t, m = parts.shape
    if m < 2:
        raise PanelInputError(f"halves need two indicators or more, got {m}.")

    def rows(values: FloatArray) -> FloatArray:
        return within(values, effects).reshape(n * t, -1)

    outside = rows(np.concatenate([controls, weights.lag(np.ascontiguousarray(controls))], axis=2))
    outside = outside if controls.shape[2] else np.zeros((n * t, 0))
    here, there = (partial_out(outside, rows(v)) for v in (parts, weights.lag(np.ascontiguousarray(parts))))
    target = partial_out(outside, rows(y))[:, 0]
    both = np.stack([here, there])  # (2, rows, m)
    whole = here.sum(axis=1)
    share = _loadings(here.T @ here)
    slopes, scores, common, f = [], [], [], []
    for half in _splits(m, rng):
        rest = np.setdiff1d(np.arange(m), half)
        halves = both[:, :, half].sum(axis=2).T, both[:, :, rest].sum(axis=2).T
        p = float(share[half].sum())
        common.append(4.0 * float(halves[0][:, 0] @ halves[1][:, 0]) / float(whole @ whole))
        for a, b, part in ((*halves, p), (*halves[::-1], 1.0 - p)):
            bread = np.linalg.pinv(b.T @ a)
            g = bread @ (b.T @ target)
            slopes.append(part * g)
            scores.append((b * (target - a @ g)[:, None]).reshape(n, t, 2).sum(axis=1) @ (part * bread.T))
            f.append(first_stages(outside[:, :0], a, b, ["x", "W:x"], n=n, rows=n * t)[0].effective_f)
    influence = np.mean(scores, axis=0)
    se = np.sqrt(np.diagonal(influence.T @ influence) * n / (n - 1.0))
    return SplitHalf(np.mean(slopes, axis=0), se, float(np.mean(common)), float(np.median(f)), len(common))


def _loadings(c: FloatArray) -> FloatArray:
    """Shares of the indicators in the one factor behind their products (m, m), by principal axes; 1/2 each of two."""
    m, variance = len(c), np.diagonal(c)
    if m < 3:
        return np.full(m, 1.0 / m)
    shared = variance / 2.0
    for _ in range(STEPS):
        values, vectors = np.linalg.eigh(c - np.diag(variance - shared))
        loading = vectors[:, -1] * np.sqrt(max(float(values[-1]), 0.0))
        before, shared = shared, np.minimum(loading**2, variance)
        if np.abs(shared - before).max() <= 1e-10 * variance.max():
            break
    return np.asarray(loading / loading.sum())


def _splits(m: int, rng: np.random.Generator) -> list[list[int]]:
    """Halves of m indicators, each split once: all of them, or as many as MOST_SPLITS by lot."""
    if m <= 8:
        halves = [list(c) for c in itertools.combinations(range(m), m // 2)]
        return [c for c in halves if m % 2 or 0 in c]
    return [sorted(rng.permutation(m)[: m // 2].tolist()) for _ in range(MOST_SPLITS)]
