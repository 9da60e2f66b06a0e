"""Output elasticity of capital from a city panel, by group of cities or shrunk city by city."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.production._checks import positive

LOWEST, HIGHEST = 0.05, 0.95
Method = Literal["national", "group", "swamy"]


@dataclass(frozen=True)
class Elasticities(Shown):
    """beta_k of each city (N,), its standard error, and whether the national value stands in for it."""

    beta_k: FloatArray
    std_error: FloatArray
    is_replaced: BoolArray
    national: float
    national_std_error: float

    @property
    def beta_l(self) -> FloatArray:
        """1 - beta_k: constant returns."""
        return np.asarray(1 - self.beta_k)

    def to_frame(self) -> pd.DataFrame:
        """One row per city: beta_k, beta_l, std_error, is_replaced."""
        return pd.DataFrame(
            {"beta_k": self.beta_k, "beta_l": self.beta_l, "std_error": self.std_error, "is_replaced": self.is_replaced}
        )


@aligned
def output_elasticities(
    output: ArrayLike,
    capital: ArrayLike,
    labour: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    method: Method = "group",
) -> Elasticities:
    """Slopes of ln(Y/L)_it = mu_i + lambda_t + b ln(K/L)_it + e_it with standard errors clustered by city.

    output, capital, labour: shape (N, T), above zero. method: one slope for all (national), one a group (group), or
    city slopes after a common-trend removal, shrunk towards their mean (swamy: Swamy 1970 generalised least squares).
    A slope outside (0.05, 0.95) or without variation is replaced by the national one and flagged.

    >>> from python_models.production import output_elasticities
    >>> rng = np.random.default_rng(1)
    >>> capital, labour = rng.uniform(1, 9, (8, 6)), rng.uniform(1, 9, (8, 6))
    >>> output_elasticities(capital**0.4 * labour**0.6, capital, labour, method="national").to_frame().shape
    (8, 4)
    """
    y = positive(output, "output")
    if y.ndim != 2 or y.shape[1] < 3:
        raise ValueError(f"output must have the axes (city, year) with at least three years, got shape {y.shape}.")
    k, labour_ = positive(capital, "capital", y.shape), positive(labour, "labour", y.shape)
    log_y, log_k = np.log(y / labour_), np.log(k / labour_)
    national, national_se = _slope(log_y, log_k)
    n = y.shape[0]
    if method == "national":
        return Elasticities(
            np.full(n, national), np.full(n, national_se), np.zeros(n, dtype=np.bool_), national, national_se
        )
    if method == "group":
        beta, se = _by_group(log_y, log_k, groups)
    elif method == "swamy":
        beta, se = _swamy(log_y, log_k)
    else:
        raise ValueError(f"unknown method {method!r}: choose national, group or swamy.")
    bad = ~((beta > LOWEST) & (beta < HIGHEST))
    return Elasticities(np.where(bad, national, beta), np.where(bad, national_se, se), bad, national, national_se)


def _within(values: FloatArray) -> FloatArray:
    centred = values - values.mean(axis=1, keepdims=True)
    return np.asarray(centred - centred.mean(axis=0, keepdims=True))


def _slope(log_y: FloatArray, log_k: FloatArray) -> tuple[float, float]:
    """Two-way within slope and its standard error clustered by city; NaN without variation."""
    y, x = _within(log_y), _within(log_k)
    squares = float((x * x).sum())
    if squares <= 1e-12:
        return float("nan"), float("nan")
    slope = float((x * y).sum() / squares)
    scores = (x * (y - slope * x)).sum(axis=1)
    n = log_y.shape[0]
    correction = n / (n - 1) if n > 1 else 1.0
    return slope, float(np.sqrt(correction * (scores**2).sum()) / squares)


def _by_group(log_y: FloatArray, log_k: FloatArray, groups: ArrayLike | None) -> tuple[FloatArray, FloatArray]:
    if groups is None:
        raise ValueError("method 'group' needs a group label for each city.")
    labels = np.asarray(groups)
    if labels.shape != (log_y.shape[0],):
        raise ValueError(f"groups must have one label a city ({log_y.shape[0]}), got shape {labels.shape}.")
    beta, se = np.full(labels.size, np.nan), np.full(labels.size, np.nan)
    for label in np.unique(labels):
        mine = labels == label
        if mine.sum() > 1:
            beta[mine], se[mine] = _slope(log_y[mine], log_k[mine])
    return beta, se


def _swamy(log_y: FloatArray, log_k: FloatArray) -> tuple[FloatArray, FloatArray]:
    """City slopes b_i shrunk to their precision-weighted mean: b_i - v_i/(v_i + D) (b_i - b_mean)."""
    y, x = _within(log_y), _within(log_k)
    squares = (x * x).sum(axis=1)
    known = squares > 1e-12
    safe = np.where(known, squares, 1.0)
    own = np.where(known, (x * y).sum(axis=1) / safe, np.nan)
    residual = ((y - own[:, None] * x) ** 2).sum(axis=1) / max(y.shape[1] - 2, 1)
    variance = residual / safe
    spread = max(float(np.nanvar(own, ddof=1) - np.nanmean(variance[known])), 0.0)
    weight = np.where(known, 1 / (variance + spread + 1e-300), 0.0)
    mean = float(np.nansum(weight * np.nan_to_num(own)) / weight.sum())
    pull = np.where(known, variance / (variance + spread + 1e-300), 1.0)
    shrunk = np.nan_to_num(own) + pull * (mean - np.nan_to_num(own))
    return shrunk, np.sqrt(np.where(known, variance * spread / (variance + spread + 1e-300), spread) + 1 / weight.sum())
