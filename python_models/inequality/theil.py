"""Theil indices T and L, by one level of groups and nested region > province > city."""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Literal, overload

import numpy as np
import pandas as pd
from scipy.special import xlogy

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray, IntArray
from python_models.inequality._inputs import Groups, Labels, Vector, as_case_weights, as_groups, as_values

type Kind = Literal["T", "L"]


@dataclass(frozen=True, eq=False)
class TheilResult(Shown):
    """total = between + within. share : weight of a group in the sum, S_r of the total (T) or f_r of the cases (L)."""

    kind: Kind
    total: float
    between: float
    within: float
    has_zero: bool  # a value is 0: L is not defined there (nan)
    labels: tuple[Hashable, ...]
    counts: IntArray
    share: FloatArray
    index: FloatArray  # Theil index inside each group; nan if empty or of mean 0

    def __float__(self) -> float:
        return self.total

    def to_frame(self) -> pd.DataFrame:
        """One row per group: group, n, share, index inside, within = share x index, contribution in percent."""
        within = _times(self.share, self.index)
        frame = pd.DataFrame(
            {"group": pd.Series(list(self.labels), dtype=object), "n": self.counts, "share": self.share}
        )
        percent = 100.0 * within / self.total if self.total > 0.0 else np.nan
        return frame.assign(index=self.index, within=within, contribution=percent)


@dataclass(frozen=True, eq=False)
class TheilNestedResult(Shown):
    """total = between_region + between_province + within_province."""

    kind: Kind
    total: float
    between_region: float
    between_province: float
    within_province: float
    has_zero: bool
    regions: pd.DataFrame

    def __float__(self) -> float:
        return self.total

    def to_frame(self) -> pd.DataFrame:
        """One row per part: part, value, share in percent."""
        values = [self.total, self.between_region, self.between_province, self.within_province]
        share = [100.0 * v / self.total if self.total > 0.0 else math.nan for v in values]
        names = ["total", "between_region", "between_province", "within_province"]
        return pd.DataFrame({"part": names, "value": values, "share": share})


@overload
def theil(y: Vector, groups: None = None, kind: Kind = "T", *, weights: Vector | None = None) -> float: ...
@overload
def theil(y: Vector, groups: Labels, kind: Kind = "T", *, weights: Vector | None = None) -> TheilResult: ...
@aligned
def theil(
    y: Vector, groups: Labels | None = None, kind: Kind = "T", *, weights: Vector | None = None
) -> float | TheilResult:
    """Theil index, with groups its two parts.

    Parameters
    ----------
    y : (n,) array or Series
        Values, finite and not negative.
    groups : (n,) labels, optional
        Group of each city.
    kind : {"T", "L"}
        Theil's T or L (mean logarithmic deviation).
    weights : (n,) array or Series, optional
        Case weights; default: all equal.

    Returns
    -------
    float or TheilResult
        The index; with groups a result with its parts. L with a zero is nan (flag `has_zero`), as is a mean of 0.

    Raises
    ------
    ValueError
        Bad values, labels, lengths or kind.

    Notes
    -----
    T = (1/n) sum (y/mu) ln(y/mu), L = (1/n) sum ln(mu/y). Parts of T: sum_r S_r ln(mu_r/mu) + sum_r S_r T_r with shares
    S_r of the total; of L: sum_r f_r ln(mu/mu_r) + sum_r f_r L_r with shares f_r of the cases.

    References
    ----------
    Theil (1967).

    Examples
    --------
    >>> from python_models.inequality import theil
    >>> round(theil([1.0, 2.0, 3.0]), 4)
    0.0872
    >>> round(theil([1.0, 2.0, 3.0, 4.0], ["w", "w", "e", "e"]).between, 4)
    0.0823
    """
    values, w = _checked(y, kind, weights)
    total = _index(values, w, kind)
    if groups is None:
        return total
    split = as_groups(groups, values.size)
    level = _level(values, w, split, kind)
    inside = _indices_inside(values, w, split, level.means, kind)
    parts = _times(level.share, level.distance), _times(level.share, inside)
    counts = np.bincount(split.codes, minlength=split.size).astype(np.int64)
    has_zero = bool((values == 0.0).any())
    sums = float(parts[0].sum()), float(parts[1].sum())
    return TheilResult(kind, total, *sums, has_zero, split.labels, counts, level.share, inside)


@aligned
def theil_nested(
    y: Vector, region: Labels, province: Labels, kind: Kind = "T", *, weights: Vector | None = None
) -> TheilNestedResult:
    """Theil index between regions, between provinces of a region, inside provinces (docs/formulas.md#theil).

    Parameters
    ----------
    y : (n,) array or Series
        Values, finite and not negative.
    region : (n,) labels
        Region of each city.
    province : (n,) labels
        Province of each city; each lies in one region.
    kind, weights : as in `theil`

    Returns
    -------
    TheilNestedResult
        The parts; `regions` has one row per region: region, n, value_share, population_share, within_region_total and
        its two parts, contribution (percent of the total).

    Raises
    ------
    ValueError
        Bad values, labels, lengths or kind, a province in two regions.

    Notes
    -----
    T = sum_r S_r ln(mu_r/mu) + sum_r sum_p S_rp ln(mu_rp/mu_r) + sum_r sum_p S_rp T_rp with shares S of the total; L
    the same with shares f of the cases and inverse ratios. L with a zero is nan, as is a mean of 0.

    References
    ----------
    Theil (1967), Akita (2003).

    Examples
    --------
    >>> from python_models.inequality import theil_nested
    >>> parts = theil_nested([1.0, 2.0, 3.0, 4.0], ["w", "w", "e", "e"], ["a", "b", "c", "c"])
    >>> parts.to_frame().shape
    (4, 3)
    """
    values, w = _checked(y, kind, weights)
    outer, inner = as_groups(region, values.size, "region"), as_groups(province, values.size, "province")
    home = _home(outer, inner)
    total = _index(values, w, kind)
    top, low = _level(values, w, outer, kind), _level(values, w, inner, kind)
    inside = _indices_inside(values, w, inner, low.means, kind)
    gap = low.distance - top.distance[home]
    split_up = _times(low.share, gap), _times(low.share, inside)
    parts = float(_times(top.share, top.distance).sum()), float(split_up[0].sum()), float(split_up[1].sum())
    in_region = [np.bincount(home, weights=part, minlength=outer.size) for part in split_up]
    with np.errstate(invalid="ignore", divide="ignore"):
        of_region = [part / top.share for part in in_region]
    outer_sizes = np.bincount(outer.codes, minlength=outer.size).astype(np.int64)
    regions = pd.DataFrame(
        {
            "region": pd.Series(list(outer.labels), dtype=object),
            "n": outer_sizes,
            "value_share": top.value_share,
            "population_share": top.case_share,
            "within_region_total": of_region[0] + of_region[1],
            "between_province_in_region": of_region[0],
            "within_province_in_region": of_region[1],
            "contribution": 100.0 * (in_region[0] + in_region[1]) / total if total > 0.0 else np.nan,
        }
    )
    return TheilNestedResult(kind, total, *parts, bool((values == 0.0).any()), regions)


@dataclass(frozen=True, eq=False)
class _Groups:
    """Means and shares of the groups; distance = ln(mu_r/mu) for T, ln(mu/mu_r) for L."""

    means: FloatArray
    case_share: FloatArray
    value_share: FloatArray
    share: FloatArray
    distance: FloatArray


def _level(values: FloatArray, w: FloatArray, split: Groups, kind: Kind) -> _Groups:
    mass = np.bincount(split.codes, weights=w, minlength=split.size)
    sums = np.bincount(split.codes, weights=w * values, minlength=split.size)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = sums / mass
        case_share, value_share = mass / mass.sum(), sums / sums.sum()
        log_ratio = np.log(means / (sums.sum() / mass.sum()))
    distance = np.where(np.isfinite(log_ratio), log_ratio, np.nan)
    is_t = kind == "T"
    return _Groups(means, case_share, value_share, value_share if is_t else case_share, distance if is_t else -distance)


def _home(outer: Groups, inner: Groups) -> IntArray:
    """Region (code) of each province; a province in two regions is an error."""
    home = np.zeros(inner.size, dtype=np.int64)
    home[inner.codes] = outer.codes
    astray = home[inner.codes] != outer.codes
    if astray.any():
        at = int(np.argmax(astray))
        raise ValueError(f"province {inner.labels[inner.codes[at]]!r} lies in two regions (position {at}).")
    return home


def _checked(y: Vector, kind: Kind, weights: Vector | None) -> tuple[FloatArray, FloatArray]:
    if kind not in ("T", "L"):
        raise ValueError(f"kind must be 'T' or 'L', got {kind!r}.")
    values = as_values(y)
    return values, np.ones(values.size) if weights is None else as_case_weights(weights, values.size)


def _index(values: FloatArray, w: FloatArray, kind: Kind) -> float:
    """T or L of all values; exactly 0 if they are equal, nan if undefined."""
    weighty = values[w > 0.0]
    if weighty.max() == 0.0 or (kind == "L" and weighty.min() == 0.0):
        return math.nan
    if weighty.min() == weighty.max():
        return 0.0
    ratio = values / (w @ values / w.sum())
    terms = xlogy(ratio, ratio) if kind == "T" else -np.log(np.where(w > 0.0, ratio, 1.0))
    return float(w @ terms / w.sum())


def _indices_inside(values: FloatArray, w: FloatArray, split: Groups, means: FloatArray, kind: Kind) -> FloatArray:
    """T_r or L_r of every group; nan for an empty group, a mean of 0, and L with a zero."""
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = values / means[split.codes]
        terms = xlogy(ratio, ratio) if kind == "T" else -np.log(ratio)
        terms = np.where(w > 0.0, terms, 0.0)
        mass = np.bincount(split.codes, weights=w, minlength=split.size)
        inside = np.bincount(split.codes, weights=w * terms, minlength=split.size) / mass
    return np.where(np.isfinite(inside), inside, np.nan)


def _times(share: FloatArray, part: FloatArray) -> FloatArray:
    """share x part, where a group without a share adds nothing, even if its part is not defined."""
    return np.where(share == 0.0, 0.0, share * part)
