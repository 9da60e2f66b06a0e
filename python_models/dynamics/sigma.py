"""Sigma convergence: does the spread of a panel fall, in levels and in logarithms?"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.dynamics.logt import positive_plane
from python_models.inference import p_two_sided

type Measure = Literal["sigma_log", "cv", "sd"]
VERDICTS = ("converges", "diverges", "compresses relative, widens absolute", "no clear change")


@dataclass(frozen=True, eq=False)
class SigmaTrend(Shown):
    """Slope of the yearly spread with Newey-West (lag 1) and city bootstrap; change from the first to the last year.

    verdict: convergence if both bootstrap intervals lie below 0, divergence if both lie above 0, else none.
    ck_statistic, ck_p: likelihood ratio test of equal variances in two dependent years (Carree and Klomp 1997), of the
    logarithms (of the levels for sd).
    """

    measure: str
    spread: FloatArray
    slope: float
    se_nw: float
    p_value: float
    boot_lo: float
    boot_hi: float
    first_last_diff: float
    diff_lo: float
    diff_hi: float
    ck_statistic: float
    ck_p: float
    n_obs: int
    n_bootstrap: int
    seed: int

    @property
    def verdict(self) -> str:
        if self.boot_hi < 0.0 and self.diff_hi < 0.0:
            return "convergence"
        return "divergence" if self.boot_lo > 0.0 and self.diff_lo > 0.0 else "none"

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        row = {k: v for k, v in self.__dict__.items() if k != "spread"}
        return pd.DataFrame([{**row, "verdict": self.verdict}])


@dataclass(frozen=True, eq=False)
class SigmaConvergence(Shown):
    """Spread of the logarithms and of the levels side by side.

    verdict: `converges` (`diverges`) only if both spreads fall (rise), that is if both of their intervals lie below
    (above) 0; `compresses relative, widens absolute` if the one of logarithms falls and the one of levels rises.
    """

    log: SigmaTrend
    level: SigmaTrend

    @property
    def verdict(self) -> str:
        signs = {"convergence": -1, "divergence": 1, "none": 0}
        log, level = signs[self.log.verdict], signs[self.level.verdict]
        if log == level and log:
            return VERDICTS[0] if log < 0 else VERDICTS[1]
        return VERDICTS[2] if (log, level) == (-1, 1) else VERDICTS[3]

    def to_frame(self) -> pd.DataFrame:
        """Two rows: log, level."""
        return pd.concat([self.log.to_frame(), self.level.to_frame()], ignore_index=True).assign(joint=self.verdict)


@aligned
def sigma_convergence(
    Y: ArrayLike | pd.DataFrame, *, n_bootstrap: int = 999, level: float = 0.95, seed: int = 0
) -> SigmaConvergence:
    """Trend of the spread of the logarithms and of the levels, on the same resampled cities.

    Parameters
    ----------
    Y : (N, T) array or frame
        Positive values, N >= 2, T >= 3.
    n_bootstrap : int
        Resamples of cities with their whole trajectory.
    level : float
        Level of the intervals.
    seed : int
        Seed of the resamples.

    Returns
    -------
    SigmaConvergence
        `log` and `level`, each as of `sigma_trend`, and the verdict of both.

    Notes
    -----
    With logarithms alone an index that grows is said to converge while its cities move apart in points.

    Examples
    --------
    >>> from python_models.dynamics import sigma_convergence
    >>> Y = np.array([[1.0, 1.2, 1.4], [2.0, 2.0, 2.0], [4.0, 3.5, 3.0], [8.0, 6.0, 4.0]])
    >>> sigma_convergence(Y, n_bootstrap=99).log.slope < 0
    True
    """
    log = sigma_trend(Y, measure="sigma_log", n_bootstrap=n_bootstrap, level=level, seed=seed)
    return SigmaConvergence(log, sigma_trend(Y, measure="sd", n_bootstrap=n_bootstrap, level=level, seed=seed))


@aligned
def sigma_trend(
    Y: ArrayLike | pd.DataFrame,
    *,
    measure: Measure = "sigma_log",
    n_bootstrap: int = 999,
    level: float = 0.95,
    seed: int = 0,
) -> SigmaTrend:
    """Trend test of the spread of cities over the years.

    Parameters
    ----------
    Y : (N, T) array or frame
        Positive values, N >= 2, T >= 3.
    measure : {"sigma_log", "sd", "cv"}
        sd of ln y (with n - 1), sd of y, or sd / mean.
    n_bootstrap, level, seed : as in `sigma_convergence`

    Returns
    -------
    SigmaTrend
        Slope b, change sigma_T - sigma_1, their percentile intervals, p of b. Convergence only if both intervals lie
        below 0.

    Raises
    ------
    ValueError
        Values that are missing or not positive, too few cities or years.

    Notes
    -----
    sigma_t = a + b t + e_t, t = 1..T. Beside the bootstrap stands the standard error of b by Newey and West (1987) with
    lag 1.

    Examples
    --------
    >>> from python_models.dynamics import sigma_trend
    >>> Y = np.array([[1.0, 1.2, 1.4], [2.0, 2.0, 2.0], [4.0, 3.5, 3.0], [8.0, 6.0, 4.0]])
    >>> sigma_trend(Y, n_bootstrap=99).slope < 0
    True
    """
    values = positive_plane(Y)
    if values.shape[1] < 3:
        raise ValueError(f"a trend needs 3 years or more, got {values.shape[1]}.")
    if measure not in ("sigma_log", "cv", "sd"):
        raise ValueError(f"unknown measure {measure!r}: sigma_log, sd or cv.")
    data = np.log(values) if measure == "sigma_log" else values
    spread = _spread(data, np.ones((1, data.shape[0])), measure)[0]
    slope, se = trend(spread)
    rng = np.random.default_rng(seed)
    counts = rng.multinomial(data.shape[0], np.full(data.shape[0], 1.0 / data.shape[0]), n_bootstrap).astype(np.float64)
    spread_draws = _spread(data, counts, measure)
    time = np.arange(data.shape[1]) - (data.shape[1] - 1) / 2.0
    tail = [(1.0 - level) / 2.0, (1.0 + level) / 2.0]
    slope_lo, slope_hi = (float(q) for q in np.nanquantile(spread_draws @ time / (time @ time), tail))
    diff_lo, diff_hi = (float(q) for q in np.nanquantile(spread_draws[:, -1] - spread_draws[:, 0], tail))
    p = float(p_two_sided(spread_draws @ time))
    ck, ck_p = _carree_klomp(values if measure == "sd" else np.log(values))
    limits = slope_lo, slope_hi, float(spread[-1] - spread[0]), diff_lo, diff_hi
    return SigmaTrend(measure, spread, slope, se, p, *limits, ck, ck_p, data.shape[0], n_bootstrap, seed)


def trend(series: FloatArray) -> tuple[float, float]:
    """Slope of a series (T,) on 1..T and its Newey-West standard error with lag 1 (no small-sample factor)."""
    n = series.size
    time = np.arange(n) - (n - 1) / 2.0
    slope = float(time @ series / (time @ time))
    score = time * (series - series.mean() - slope * time)
    meat = float(score @ score + score[1:] @ score[:-1])  # 2 x weight 1/2
    return slope, math.sqrt(max(meat, 0.0)) / float(time @ time)


def _spread(data: FloatArray, counts: FloatArray, measure: str) -> FloatArray:
    """sd (n - 1) of each year, or sd / mean, for rows of city counts (B, N): (B, T)."""
    n = data.shape[0]
    centre = data.mean(axis=0)
    off = counts @ (data - centre) / n
    variance = (counts @ (data - centre) ** 2 / n - off**2) * n / (n - 1)
    sd = np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(sd / (centre + off) if measure == "cv" else sd)


def _carree_klomp(logs: FloatArray) -> tuple[float, float]:
    """T2 = (N - 2.5) ln[1 + (s1^2 - sT^2)^2 / (4 (s1^2 sT^2 - s1T^2))], chi2 with 1 degree of freedom."""
    c = np.cov(logs[:, 0], logs[:, -1])
    free = float(c[0, 0] * c[1, 1] - c[0, 1] ** 2)
    if not free > 0.0:
        return math.nan, math.nan
    value = (logs.shape[0] - 2.5) * math.log1p(float(c[0, 0] - c[1, 1]) ** 2 / (4.0 * free))
    return value, float(stats.chi2.sf(value, 1))
