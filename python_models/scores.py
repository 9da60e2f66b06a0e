"""Scores from z and weights, their parts, and places inside a year (docs/formulas.md#parts).

An indicator of weight 0 takes no part: its z may be NaN. Sums run in indicator order, one indicator after the other:
the bits of a score depend on nothing but its own row, so appending a year cannot change an old score.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import as_cube, as_plane, as_weights


def contributions(Z: ArrayLike, w: ArrayLike) -> FloatArray:
    """c = w_k z (N, T, m), which sums to the score over k: exactly 0 for weight 0, otherwise NaN where z is NaN."""
    cube = as_cube(Z, "Z")
    weights = as_weights(w, cube.shape[2])
    return np.where(weights > 0.0, weights * cube, 0.0)


def weighted_score(Z: ArrayLike, w: ArrayLike) -> FloatArray:
    """score = sum_k w_k z, shape (N, T); NaN if z of any indicator with a positive weight is NaN."""
    return _sum_in_order(contributions(Z, w))


def obstacle_degrees(Z: ArrayLike, w: ArrayLike) -> FloatArray:
    """O_k = w_k (1 - z_k) / sum_l w_l (1 - z_l), (N, T, m): the share of each indicator in the distance to the best
    score.

    Sums to 1 over k. NaN if the score is NaN or no distance is left. A z above 1 gives a negative degree.
    """
    cube = as_cube(Z, "Z")
    shortfall = contributions(1.0 - cube, w)
    total = _sum_in_order(shortfall)
    return shortfall / np.where(total > 0.0, total, np.nan)[..., None]


@dataclass(frozen=True, eq=False)
class DimensionScores:
    """Weights (D,) and scores (N, T, D) of the dimensions; sum_d weights_d scores_d = score."""

    names: tuple[str, ...]
    weights: FloatArray
    scores: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """One row per dimension: dimension, dimension_weight."""
        return pd.DataFrame({"dimension": list(self.names), "dimension_weight": self.weights})


def dimension_scores(Z: ArrayLike, w: ArrayLike, dimensions: Sequence[str]) -> DimensionScores:
    """W_d = sum of w_k in d, and dimscore_d = sum_{k in d} w_k z / W_d (NaN without weight), d in order of first
    appearance.
    """
    cube = as_cube(Z, "Z")
    weights = as_weights(w, cube.shape[2])
    if len(dimensions) != cube.shape[2]:
        raise ValueError(f"dimensions count {len(dimensions)}, but Z has {cube.shape[2]} indicators.")
    parts = contributions(cube, weights)
    by_name = dimension_weights(weights, dimensions)
    totals = np.array(list(by_name.values()))
    sums = [_sum_in_order(parts[..., [d == name for d in dimensions]]) for name in by_name]
    scores = np.stack(sums, axis=-1) / np.where(totals > 0.0, totals, np.nan)
    return DimensionScores(tuple(by_name), totals, scores)


def dimension_weights(w: FloatArray, dimensions: Sequence[str]) -> dict[str, float]:
    """W_d = sum of w_k in d, by dimension, in the order of first appearance."""
    pairs = list(zip(w, dimensions, strict=True))
    return {name: math.fsum(x for x, d in pairs if d == name) for name in dict.fromkeys(dimensions)}


def ranks(score: ArrayLike) -> FloatArray:
    """Place inside each year, shape (N, T): 1 is the highest score, ties share the best place."""
    plane = as_plane(score, "score")
    lacks = np.isnan(plane)
    return np.where(lacks, np.nan, rankdata(np.where(lacks, np.inf, -plane), method="min", axis=0))


def percentiles(score: ArrayLike) -> FloatArray:
    """Share (0-100) of the other cities of the year with a strictly lower score, (N, T); NaN for a lone score."""
    plane = as_plane(score, "score")
    lacks = np.isnan(plane)
    others = (~lacks).sum(axis=0) - 1.0
    below = 100.0 * (rankdata(np.where(lacks, np.inf, plane), method="min", axis=0) - 1.0)
    return np.where(lacks | (others < 1.0), np.nan, below / np.where(others < 1.0, np.nan, others))


def relative_scores(score: ArrayLike) -> FloatArray:
    """Score over the mean of the scores of its year, shape (N, T). NaN if that mean is 0."""
    plane = as_plane(score, "score")
    relative = np.full(plane.shape, np.nan)
    for column, out in zip(plane.T, relative.T, strict=True):
        there = column[~np.isnan(column)]
        mean = math.fsum(there) / len(there) if len(there) else 0.0
        if mean != 0.0:
            out[:] = column / mean
    return relative


def marked_weight(is_marked: BoolArray, w: ArrayLike) -> FloatArray:
    """Share of the weight that lies on marked cells, shape (N, T), in [0, 1]."""
    weights = as_weights(w, is_marked.shape[2])
    return _sum_in_order(is_marked * weights) / math.fsum(weights)


def _sum_in_order(parts: FloatArray) -> FloatArray:
    total = np.zeros(parts.shape[:-1])
    for k in range(parts.shape[-1]):
        total = total + parts[..., k]
    return total
