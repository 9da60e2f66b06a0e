"""Engines of production relations: misallocation, elasticities, capital stock, segmentation, division of labour.

Sources: Chen Yongwei and Hu Weimin (2011, CEQ 10(4)) for misallocation; Parsley and Wei (1996, 2001) and Gui Qihan et
al. (2006) for market segmentation by relative prices. Formulas: docs/formulas.md#misallocation and after.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import not_negative, positive

LOWEST, HIGHEST = 0.05, 0.95
Method = Literal["national", "group"]
DEPRECIATION = 0.096  # Zhang Jun, Wu Guiying and Zhang Jipeng 2004; Shan Haojie 2008 has 0.1096
GROWTH_YEARS = 5


@dataclass(frozen=True)
class Misallocation(Shown):
    """gamma, tau and the output share s, all of the shape of the output; elasticity is the one that was used."""

    gamma: FloatArray
    tau: FloatArray
    share: FloatArray
    elasticity: FloatArray

    def identity(self) -> FloatArray:
        """sum_i s_i b_i / b_bar * gamma_i, one number a year: 1 up to rounding."""
        weight = self.share * self.elasticity
        return np.asarray((weight * self.gamma).sum(axis=0) / weight.sum(axis=0))

    def to_frame(self) -> pd.DataFrame:
        """One row per unit (and year, if there are years): unit, year position, gamma, tau, abs_tau."""
        shape = self.tau.shape
        where = np.indices(shape).reshape(len(shape), -1)
        columns = dict(zip(("unit", "year"), where, strict=False))
        tau = self.tau.ravel()
        return pd.DataFrame({**columns, "gamma": self.gamma.ravel(), "tau": tau, "abs_tau": np.abs(tau)})


@aligned
def misallocation(output: ArrayLike, factor: ArrayLike, elasticity: ArrayLike) -> Misallocation:
    """Misallocation of a factor: how far its share lies from the share that output justifies.

    Parameters
    ----------
    output, factor : (N,) or (N, T) array
        Above zero, any one unit each; shares are taken within each year.
    elasticity : float, (N,) or (N, T) array
        Output elasticity b of the factor.

    Returns
    -------
    Misallocation
        tau > 0: the unit has too little of the factor for its marginal product; tau < 0: too much.

    Raises
    ------
    ValueError
        A value that is missing or not above zero.

    Notes
    -----
    tau_i = 1/gamma_i - 1 with gamma_i = (F_i / sum F) / (s_i b_i / b_bar), b_bar = sum_i s_i b_i, s_i the share of
    output.

    References
    ----------
    Chen Yongwei and Hu Weimin (2011, CEQ 10(4)).

    Examples
    --------
    >>> from python_models.production import misallocation
    >>> misallocation([10.0, 20.0], [10.0, 5.0], [0.4, 0.4]).tau.round(3)
    array([-0.5,  1. ])
    """
    y = positive(output, "output")
    if y.ndim not in (1, 2):
        raise ValueError(f"output must have the axes (city,) or (city, year), got shape {y.shape}.")
    f = positive(factor, "factor", y.shape)
    b = positive(elasticity, "elasticity")
    if b.ndim == 1 and y.ndim == 2 and b.size == y.shape[0]:
        b = b[:, None]
    b = np.array(np.broadcast_to(b, y.shape))
    share = y / y.sum(axis=0)
    fair = share * b / (share * b).sum(axis=0)
    gamma = (f / f.sum(axis=0)) / fair
    return Misallocation(gamma, 1 / gamma - 1, share, b)


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
        return pd.DataFrame(self._pick("beta_k", "beta_l", "std_error", "is_replaced"))


@aligned
def output_elasticities(
    output: ArrayLike,
    capital: ArrayLike,
    labour: ArrayLike,
    *,
    groups: ArrayLike | None = None,
    method: Method = "group",
) -> Elasticities:
    """Output elasticities of capital from a panel, with standard errors clustered by city.

    Parameters
    ----------
    output, capital, labour : (N, T) array
        Above zero.
    groups : (N,) labels, optional
        Groups of cities, for `method="group"`.
    method : {"group", "national"}
        One slope a group, or one for all.

    Returns
    -------
    Elasticities
        One slope a city. A slope outside (0.05, 0.95) or without variation is replaced by the national one and has a
        flag.

    Notes
    -----
    ln(Y/L)_it = mu_i + lambda_t + b ln(K/L)_it + e_it.

    Examples
    --------
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
        none = np.zeros(n, dtype=np.bool_)
        return Elasticities(np.full(n, national), np.full(n, national_se), none, national, national_se)
    if method != "group":
        raise ValueError(f"unknown method {method!r}: choose national or group.")
    beta, se = _by_group(log_y, log_k, groups)
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


@aligned
def perpetual_inventory(
    investment: ArrayLike,
    price: ArrayLike | float = 1.0,
    *,
    depreciation: float = DEPRECIATION,
    growth: ArrayLike | float | None = None,
) -> FloatArray:
    """Capital stock by perpetual inventory, in prices of the base year of `price`.

    Parameters
    ----------
    investment : (N, T) array
        Nominal investment, 0 or more, above 0 in the first year.
    price : float or (N, T) array
        Price index, base year = 1.
    depreciation : float
        d, inside (0, 1).
    growth : float or (N,) array, optional
        g; default: mean yearly growth of real investment over the first five years, at least 0.

    Returns
    -------
    (N, T) array
        Capital stock.

    Raises
    ------
    ValueError
        A missing value, depreciation outside (0, 1), or g + d not above 0.

    Notes
    -----
    K_t = (1 - d) K_(t-1) + I_t / P_t with K_0 = (I_0 / P_0) / (g + d).

    Examples
    --------
    >>> from python_models.production import perpetual_inventory
    >>> perpetual_inventory([[10.0, 11.0, 12.0]], depreciation=0.1, growth=0.1)
    array([[50. , 56. , 62.4]])
    """
    nominal = not_negative(investment, "investment")
    if nominal.ndim != 2:
        raise ValueError(f"investment must have the axes (city, year), got shape {nominal.shape}.")
    if not 0 < depreciation < 1:
        raise ValueError(f"depreciation must lie in (0, 1), got {depreciation:g}.")
    real = nominal / np.broadcast_to(positive(price, "price"), nominal.shape)
    positive(real[:, 0], "investment of the first year")
    rate = _first_growth(real) if growth is None else np.broadcast_to(np.asarray(growth, np.float64), (len(real),))
    if (rate + depreciation <= 0).any():
        raise ValueError("growth plus depreciation must be above 0, or the first stock is not defined.")
    stock = np.empty_like(real)
    stock[:, 0] = real[:, 0] / (rate + depreciation)
    for t in range(1, real.shape[1]):
        stock[:, t] = (1 - depreciation) * stock[:, t - 1] + real[:, t]
    return stock


def _first_growth(real: FloatArray) -> FloatArray:
    last = min(GROWTH_YEARS, real.shape[1] - 1)
    if last == 0:
        return np.zeros(len(real))
    end = np.maximum(real[:, last], np.finfo(float).tiny)
    return np.asarray(np.maximum((end / real[:, 0]) ** (1 / last) - 1, 0.0))


@dataclass(frozen=True)
class Segmentation(Shown):
    """v (P, T) of each pair, seg and integ (N, T) of each unit (NaN without a pair), n_pairs (N,), pairs (P, 2)."""

    v: FloatArray
    seg: FloatArray
    integ: FloatArray
    n_pairs: FloatArray
    pairs: np.ndarray

    def to_frame(self) -> pd.DataFrame:
        """One row per unit and year position: seg, integ, n_pairs."""
        unit, year = (axis.ravel() for axis in np.indices(self.seg.shape))
        values = {"seg": self.seg.ravel(), "integ": self.integ.ravel(), "n_pairs": self.n_pairs[unit].astype(int)}
        return pd.DataFrame({"unit": unit, "year": year, **values})


def segmentation(ratios: ArrayLike, pairs: Sequence[tuple[int, int]]) -> Segmentation:
    """Market segmentation by relative prices of neighbours, in squared log points.

    Parameters
    ----------
    ratios : (N, T, G) or (N, G) array
        Chain price ratios r = P_t / P_(t-1) of G >= 2 goods, above zero, e.g. CPI 102.3 -> 1.023; (N, G): one year.
    pairs : sequence of (int, int)
        Undirected pairs of positions whose mean gives the segmentation of a city.

    Returns
    -------
    Segmentation
        Variance of each pair, segmentation and integration of each city.

    Raises
    ------
    ValueError
        A missing price, a pair with itself, or an unknown position.

    Notes
    -----
    dQ_ijt^g = ln r_it^g - ln r_jt^g, q_ijt^g = |dQ_ijt^g| - mean over pairs of |dQ_t^g|, V_ijt = var over goods of q,
    seg_it = mean of V over the pairs of i, integ = sqrt(1/seg), NaN where seg = 0.

    References
    ----------
    Parsley and Wei (1996, 2001), Gui Qihan et al. (2006).

    Examples
    --------
    >>> from python_models.production import segmentation
    >>> ratios = np.random.default_rng(1).uniform(0.9, 1.1, size=(3, 2, 4))
    >>> segmentation(ratios, [(0, 1), (0, 2), (1, 2)]).to_frame().shape
    (6, 5)
    """
    r = positive(ratios, "ratios")
    if r.ndim == 2:
        r = r[:, None, :]
    if r.ndim != 3 or r.shape[2] < 2:
        raise ValueError(f"ratios must have the axes (unit, year, good) with two goods or more, got shape {r.shape}.")
    where = _positions(pairs, len(r))
    gaps = np.abs(np.log(r)[where[:, 0]] - np.log(r)[where[:, 1]])
    v = (gaps - gaps.mean(axis=0)).var(axis=2, ddof=1)
    total, count = np.zeros((len(r), r.shape[1])), np.zeros(len(r))
    for side in (0, 1):
        np.add.at(total, where[:, side], v)
        np.add.at(count, where[:, side], 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        seg = np.where(count[:, None] > 0, total / count[:, None], np.nan)
        open_: BoolArray = seg > 0
        integ = np.where(open_, np.sqrt(1 / seg), np.nan)
    return Segmentation(v, seg, integ, count, where)


def _positions(pairs: Sequence[tuple[int, int]], n: int) -> np.ndarray:
    where = np.asarray(list(pairs), dtype=np.int64)
    if where.ndim != 2 or where.shape[1] != 2:
        raise ValueError("pairs must be a list of two positions each, with at least one pair.")
    if where.min() < 0 or where.max() >= n:
        raise ValueError(f"a pair names a position outside 0..{n - 1}.")
    if (where[:, 0] == where[:, 1]).any():
        raise ValueError("a unit cannot be paired with itself.")
    if len({tuple(sorted(pair)) for pair in where.tolist()}) < len(where):
        raise ValueError("a pair occurs twice: give each undirected pair once.")
    return where


@aligned
def krugman(employment: ArrayLike) -> FloatArray:
    """Krugman's index of specialisation: 0 for the structure of the whole, below 2.

    Parameters
    ----------
    employment : (N, S) array
        Employment by city and sector, 0 or more, each city with some.

    Returns
    -------
    (N,) array
        One index a city.

    Notes
    -----
    K_i = sum_s |e_is / e_i - e_s / e|, s over sectors.

    References
    ----------
    Krugman (1991).

    Examples
    --------
    >>> from python_models.production import krugman
    >>> krugman([[8.0, 2.0], [2.0, 8.0]])
    array([0.6, 0.6])
    """
    e = not_negative(employment, "employment")
    if e.ndim != 2 or e.shape[1] < 2:
        raise ValueError(f"employment must have the axes (city, sector) with two sectors or more, got {e.shape}.")
    total = positive(e.sum(axis=1), "employment of a city over all sectors")
    return np.asarray(np.abs(e / total[:, None] - e.sum(axis=0) / e.sum()).sum(axis=1))


@aligned
def location_quotient(part: ArrayLike, whole: ArrayLike, total_part: float, total_whole: float) -> FloatArray:
    """Location quotient (x_i / X) / (y_i / Y), e.g. cases of intellectual property over GDP, city against nation.

    Parameters
    ----------
    part : (N,) array
        x, 0 or more.
    whole : (N,) array
        y, above zero.
    total_part, total_whole : float
        X and Y, above zero.

    Returns
    -------
    (N,) array
        1: the city has its share.

    Examples
    --------
    >>> from python_models.production import location_quotient
    >>> location_quotient([2.0, 1.0], [10.0, 10.0], 30.0, 200.0).round(3)
    array([1.333, 0.667])
    """
    x = not_negative(part, "part")
    y = positive(whole, "whole", x.shape)
    totals = positive([total_part, total_whole], "totals")
    return np.asarray((x / totals[0]) / (y / totals[1]))
