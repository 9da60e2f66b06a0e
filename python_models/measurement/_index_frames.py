"""Turn the arrays of an index into labelled frames. No formula of the index lives here."""

from collections.abc import Container
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import skew

from python_models._types import BoolArray, FloatArray
from python_models.entropy import complete_rows
from python_models.measurement.schemes import SchemeWeights
from python_models.panel import city_years
from python_models.scaling import Bounds, WinsorLimits
from python_models.scores import (
    contributions,
    dimension_scores,
    dimension_weights,
    marked_weight,
    obstacle_degrees,
    percentiles,
    ranks,
    relative_scores,
)

COMPOSITE = ""


@dataclass(frozen=True)
class Labels:
    """Labels of the axes, and the parents of each indicator, the nearest first; all paths have one length."""

    cities: tuple[str, ...]
    years: tuple[int, ...]
    names: tuple[str, ...]
    paths: tuple[tuple[str, ...], ...]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """The parent below the index; the index itself where there are no groups."""
        return tuple(path[-1] if path else "index" for path in self.paths)

    @property
    def groupings(self) -> tuple[tuple[str, ...], ...]:
        """Group of each indicator, level by level from the top."""
        return tuple(zip(*(reversed(path) for path in self.paths), strict=True))


@dataclass(frozen=True, eq=False)
class Marks:
    """Masks (N, T, m) that a score inherits from its cells."""

    imputed: BoolArray
    provisional: BoolArray
    out_of_base_range: BoolArray


def bounds_frame(
    labels: Labels, bounds: Bounds, limits: WinsorLimits, is_chosen: BoolArray, window: tuple[int, int]
) -> pd.DataFrame:
    """One row per indicator. Winsor values are NaN where the indicator is not winsorised."""
    return pd.DataFrame(
        {
            "indicator_code": list(labels.names),
            "index_suffix": COMPOSITE,
            "min_value": bounds.minimum,
            "max_value": bounds.maximum,
            "winsor_low_value": np.where(is_chosen, limits.low, np.nan),
            "winsor_high_value": np.where(is_chosen, limits.high, np.nan),
            "window_start": window[0],
            "window_end": window[1],
            "is_constant": bounds.is_constant,
        }
    )


def weights_frame(labels: Labels, scheme: SchemeWeights, base_z: FloatArray, delta: float) -> pd.DataFrame:
    """One row per indicator. delta is NaN where the scheme has no entropy."""
    of_dimension = dimension_weights(scheme.weights, labels.dimensions)
    return pd.DataFrame(
        {
            "indicator_code": list(labels.names),
            "index_suffix": COMPOSITE,
            "dimension": list(labels.dimensions),
            "entropy": scheme.entropy,
            "redundancy": scheme.redundancy,
            "weight": scheme.weights,
            "dimension_weight": [of_dimension[d] for d in labels.dimensions],
            "delta": np.where(np.isnan(scheme.entropy), np.nan, delta),
            "skewness": _skewness(base_z),
            "flag": list(scheme.flags),
        }
    )


def values_frame(labels: Labels, **planes: NDArray[Any]) -> pd.DataFrame:
    """One row per city, year, indicator: each of the planes (N, T, m)."""
    return _cell_keys(labels).assign(**{name: plane.reshape(-1) for name, plane in planes.items()})


def contributions_frame(labels: Labels, z: FloatArray, weights: FloatArray) -> pd.DataFrame:
    """One row per city, year, indicator."""
    w = np.broadcast_to(weights, z.shape)
    parts = {"contribution": contributions(z, weights), "obstacle_degree": obstacle_degrees(z, weights)}
    return values_frame(labels, weight=w, z=z, **parts)


def scores_frame(
    labels: Labels,
    z: FloatArray,
    scheme: SchemeWeights,
    marks: Marks,
    score: FloatArray,
    is_sum: bool,
    groups: Container[str] | None = None,
) -> pd.DataFrame:
    """One row per city, year, index_suffix: the composite `score` (N, T), and for weighted sums each of `groups`."""
    weights = scheme.weights
    blocks = [score_block(labels, COMPOSITE, score, np.abs(weights), marks)]
    for grouping in labels.groupings if is_sum else ():
        by_group = dimension_scores(z, weights, grouping)
        for name, scores in zip(by_group.names, np.moveaxis(by_group.scores, 2, 0), strict=True):
            if groups is not None and name not in groups:
                continue
            inside = np.where([group == name for group in grouping], weights, 0.0)
            blocks.append(score_block(labels, f"_{name}", scores, inside, marks))
    return pd.concat(blocks, ignore_index=True)


def score_block(labels: Labels, suffix: str, score: FloatArray, weights: FloatArray, marks: Marks) -> pd.DataFrame:
    """One row per city and year of one score (N, T); `weights` (m,) say which marks it inherits, and how much."""
    counts = weights > 0.0
    share = marked_weight(marks.imputed, weights) if counts.any() else np.full(score.shape, np.nan)
    columns = {
        "index_suffix": suffix,
        "score": score,
        "score_100": 100.0 * score,
        "rank_year": pd.Series(ranks(score).reshape(-1)).astype("Int64"),
        "pct_year": percentiles(score),
        "score_relative": relative_scores(score),
        "share_imputed_weight": share,
        "is_provisional": (marks.provisional & counts).any(axis=2),
        "out_of_base_range": (marks.out_of_base_range & counts).any(axis=2),
    }
    flat = {name: c.reshape(-1) if isinstance(c, np.ndarray) else c for name, c in columns.items()}
    return pd.DataFrame({**city_years(labels.cities, labels.years), **flat})


def _cell_keys(labels: Labels) -> pd.DataFrame:
    names = np.tile(np.array(labels.names, dtype=object), len(labels.cities) * len(labels.years))
    keys = city_years(labels.cities, labels.years, len(labels.names))
    keys["indicator_code"] = pd.Series(names, dtype="str")
    return pd.DataFrame({**keys, "index_suffix": COMPOSITE})


def _skewness(base_z: FloatArray) -> FloatArray:
    """Population skewness of z per indicator (m,) over the rows that make the weights; NaN if constant."""
    rows, _ = complete_rows(base_z)
    result = np.full(rows.shape[1], np.nan)
    varies = ~np.isnan(rows).any(axis=0)
    varies[varies] = rows[:, varies].min(axis=0) < rows[:, varies].max(axis=0)
    if varies.any():
        result[varies] = skew(rows[:, varies], axis=0)
    return result
