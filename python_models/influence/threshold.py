"""Panel threshold regression with fixed effects (Hansen 1999, J. Econometrics 93:345-368)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.inference import normal, p_from_draws
from python_models.influence._profile import Profile, cluster_errors, ordinary_errors, white_errors
from python_models.influence.level_adjusted import even_level
from python_models.regression.errors import PanelInputError, estimable

Convention = Literal["within", "hansen1999"]
LEVELS = (0.10, 0.05, 0.01)


@dataclass(frozen=True)
class Threshold(Shown):
    """One threshold in the order of its search.

    gamma with the interval of values where lr = LR / eta2 <= c(.05), eta2 by city (`_profile.Profile.spread`);
    f = (SSR0 - SSR1) / s2 of this step, its bootstrap p and critical values at 10, 5, 1 %; grid, ssr, lr (G,): the
    whole profile.
    """

    gamma: float
    low: float
    high: float
    f: float
    p: float
    critical: tuple[float, float, float]
    grid: FloatArray
    ssr: FloatArray
    lr: FloatArray
    eta2: float
    in_interval: BoolArray

    def to_frame(self) -> pd.DataFrame:
        """One row per candidate: gamma, ssr, lr, in_interval."""
        return pd.DataFrame({"gamma": self.grid, "ssr": self.ssr, "lr": self.lr, "in_interval": self.in_interval})


@dataclass(frozen=True)
class ThresholdResult(Shown):
    """Thresholds in search order, slopes by regime from the lowest to the highest, and slopes of the controls.

    names: regime_1.., then controls; se: classical, se_white: heteroskedasticity-robust, se_cluster: by city;
    n_regime: rows in each regime; ssr0 without a threshold, ssr with all; n_draws of the bootstrap.
    """

    thresholds: tuple[Threshold, ...]
    names: tuple[str, ...]
    slopes: FloatArray
    se: FloatArray
    se_white: FloatArray
    se_cluster: FloatArray
    n_regime: tuple[int, ...]
    ssr0: float
    ssr: float
    sigma2: float
    n_draws: int

    @property
    def gammas(self) -> tuple[float, ...]:
        return tuple(sorted(t.gamma for t in self.thresholds))

    def to_frame(self) -> pd.DataFrame:
        """One row per slope: name, slope, se, se_white, se_cluster, lower, upper (95 %, clustered)."""
        found = normal(self.slopes, self.se_cluster)
        return pd.DataFrame(
            {
                "name": self.names,
                "slope": self.slopes,
                "se": self.se,
                "se_white": self.se_white,
                "se_cluster": self.se_cluster,
                "lower": found.lower,
                "upper": found.upper,
            }
        )


def critical_lr(level: float = 0.05) -> float:
    """c(a) = -2 ln(1 - sqrt(1 - a)): the value that LR passes with probability a at the true threshold."""
    return float(-2 * np.log(1 - np.sqrt(1 - level)))


@aligned
@estimable("the threshold regression")
def threshold_regression(
    y: ArrayLike,
    x: ArrayLike,
    q: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    n_thresholds: int = 1,
    effects: str = "twoways",
    n_grid: int = 300,
    trim: float | Sequence[float] = 0.05,
    draws: int = 0,
    rng: np.random.Generator | None = None,
    convention: Convention = "within",
    is_level_adjusted: bool = False,
) -> ThresholdResult:
    """y_it = sum_r b_r x_it 1[q_it in regime r] + controls' c + effects + e, regimes cut at searched thresholds.

    y, x: (N, T); q: (N, T) or (N,), exogenous (lagged or of the base year); controls: (N, T, k). Regime r holds
    gamma_(r-1) < q <= gamma_r. gamma minimises the sum of squares over `n_grid` quantiles of the distinct q; each
    regime keeps the share `trim` of the rows (one share for all steps, or one a step). Thresholds are searched one
    after the other, the first refined once. LR = (SSR(g) - SSR) / s2 with s2 = SSR / (N (T - 1)), two-way
    (N - 1)(T - 1); the interval holds the g with LR / eta2 <= c(.05), eta2 from scores summed by city.
    F of each step has a p from the wild cluster bootstrap: residuals of the model without this threshold keep their
    city and get a drawn sign for the whole city, x and q stay (`draws` times, 0: none, p is NaN); errors may last and
    their variance may go with the level. 499 draws or more for a p that is quoted.
    `is_level_adjusted`: y, x on the scale and with the level controls of `level_adjusted`, so that a convex index alone
    makes no threshold; slopes are then in standard deviations.
    convention 'hansen1999' repeats the published table: regimes q < gamma, one-way effects, the last demeaned year is
    left out, LR and F are scaled by N T; the first share of `trim` is cut from both ends of the quantiles instead of
    the rows, and the share of a step on both sides of a threshold held (published: .01, .01, .05).
    PanelInputError: NaN, no variation of q, or no admissible threshold.

    >>> from python_models.influence import threshold_regression
    >>> rng = np.random.default_rng(1)
    >>> x, q = rng.normal(size=(2, 30, 6))
    >>> y = np.where(q > 0, 3 * x, x) + rng.normal(scale=0.1, size=(30, 6))
    >>> found = threshold_regression(y, x, q)
    >>> found.to_frame().shape
    (2, 7)
    """
    shares = [float(trim)] * n_thresholds if isinstance(trim, float | int) else [float(one) for one in trim]
    if len(shares) != n_thresholds:
        raise ValueError(f"trim needs one share, or one for each of the {n_thresholds} thresholds, got {len(shares)}.")
    if is_level_adjusted:
        y, x, controls = even_level(y, x, controls)
    data = Profile.build(y, x, q, controls, effects=effects, convention=convention)
    grid = data.candidates(n_grid, shares[0])
    if draws and rng is None:
        raise ValueError("the bootstrap needs a generator: pass rng=numpy.random.default_rng(seed).")
    found: list[Threshold] = []
    for step, share in enumerate(shares):
        held = [t.gamma for t in found]
        one = _search(data, grid, held, n_grid, share)
        p, critical = _bootstrap(data, held, one, draws, rng)
        found.append(_as_threshold(data, one, held, p, critical))
        if step == 1:
            # the second threshold is consistent; the first is searched again with the second held
            held = [found[1].gamma]
            again = _search(data, grid, held, n_grid, share)
            found[0] = _as_threshold(data, again, held, found[0].p, found[0].critical, f=found[0].f)
    return _result(data, found, draws)


@dataclass(frozen=True)
class _Step:
    """The profile of one search: candidate, their sums of squares, the sum of squares before the step."""

    grid: FloatArray
    ssr: FloatArray
    ssr_before: float

    @property
    def best(self) -> int:
        return int(np.argmin(self.ssr))


def _search(data: Profile, grid: FloatArray, held: list[float], n_grid: int, trim: float) -> _Step:
    own = data.admissible(grid, held, trim, n_grid)
    if own.size == 0:
        raise PanelInputError("no value of q leaves every regime enough rows: lower `trim` or ask for fewer cuts.")
    residual = data.residual(held)
    return _Step(own, data.ssr_with(residual, data.steps(own, held)), float(residual @ residual))


def _as_threshold(
    data: Profile,
    step: _Step,
    held: list[float],
    p: float,
    critical: tuple[float, float, float],
    f: float | None = None,
) -> Threshold:
    best = step.best
    sigma2 = step.ssr[best] / data.dof
    gamma = float(step.grid[best])
    eta2 = data.spread(gamma, data.residual([*held, gamma]), float(sigma2))
    lr = (step.ssr - step.ssr[best]) / sigma2 * data.scale / eta2
    inside = lr <= critical_lr()
    value = (step.ssr_before - step.ssr[best]) / sigma2 * data.scale if f is None else f
    return Threshold(
        gamma,
        float(step.grid[inside].min()),
        float(step.grid[inside].max()),
        float(value),
        p,
        critical,
        step.grid,
        step.ssr,
        lr,
        eta2,
        inside,
    )


def _bootstrap(
    data: Profile, held: list[float], step: _Step, draws: int, rng: np.random.Generator | None
) -> tuple[float, tuple[float, float, float]]:
    """p and critical values of F under the model without this threshold: city residual vectors with drawn signs.

    Only sums by city of residual times regressor are needed: u = s_i e_it, SSR* = |u|^2 - |its projections|^2.
    """
    if not draws or rng is None:
        return float("nan"), (float("nan"),) * 3
    residual = data.residual(held)
    n, years = data.shape

    def by_city(columns: FloatArray) -> FloatArray:
        return np.asarray((columns * residual[:, None]).reshape(n, years, -1).sum(axis=1))

    signs = rng.choice(np.array([-1.0, 1.0]), size=(draws, n))
    lost = (signs @ by_city(data.basis(held))) ** 2
    total = residual @ residual - lost.sum(axis=1)
    gain = ((signs @ by_city(data.steps(step.grid, held))) ** 2).max(axis=1)
    values = gain / ((total - gain) / data.dof)
    best = float(step.ssr[step.best])
    ninety, ninety_five, ninety_nine = (float(np.quantile(values, 1 - a)) * data.scale for a in LEVELS)
    return p_from_draws(values, (step.ssr_before - best) / (best / data.dof)), (ninety, ninety_five, ninety_nine)


def _result(data: Profile, found: list[Threshold], draws: int) -> ThresholdResult:
    cuts = sorted(t.gamma for t in found)
    design = data.design(cuts)
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ (design.T @ data.y)
    residual = data.y - design @ slopes
    ssr = float(residual @ residual)
    zero = data.residual([])
    regime = data.regime(cuts)
    names = [f"regime_{r + 1}" for r in range(len(cuts) + 1)] + [f"control_{k + 1}" for k in range(data.n_controls)]
    return ThresholdResult(
        tuple(found),
        tuple(names),
        slopes,
        ordinary_errors(inverse, ssr, data.dof - design.shape[1]),
        white_errors(inverse, design, residual),
        cluster_errors(inverse, design, residual, data.shape[0]),
        tuple(int((regime == r).sum()) for r in range(len(cuts) + 1)),
        float(zero @ zero),
        ssr,
        ssr / data.dof,
        draws,
    )


__all__ = ["Convention", "Threshold", "ThresholdResult", "critical_lr", "threshold_regression"]
