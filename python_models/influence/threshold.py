"""Panel threshold regression with fixed effects (Hansen 1999, J. Econometrics 93:345-368)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.inference import normal, p_from_draws
from python_models.influence.level_adjusted import even_level
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.within import within

Convention = Literal["within", "hansen1999"]
type Critical = tuple[float, float, float]  # values of F at 10, 5 and 1 %
LEVELS = (0.10, 0.05, 0.01)
NEAR = 0.2  # share of the rows beside a threshold that tell how errors behave there


@dataclass(frozen=True)
class Threshold(Shown):
    """One threshold in the order of its search.

    gamma with the interval of values where lr = LR / eta2 <= c(.05), eta2 by city (`_Profile.spread`), that ends at the
    next candidates (published convention: at the last ones inside); slopes take gamma as known;
    f = (SSR0 - SSR1) / s2 of this step, its bootstrap p and critical values at 10, 5, 1 %; grid, ssr, lr (G,): the
    whole profile.
    """

    gamma: float
    low: float
    high: float
    f: float
    p: float
    critical: Critical
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

    def to_frame(self) -> pd.DataFrame:
        """One row per slope: name, slope, se, se_white, se_cluster, lower, upper (95 %, clustered)."""
        limits = normal(self.slopes, self.se_cluster)
        columns = {"slope": self.slopes, **self._pick("se", "se_white", "se_cluster")}
        return pd.DataFrame({"name": self.names, **columns, "lower": limits.lower, "upper": limits.upper})


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
    segments: Sequence[int] | None = None,
) -> ThresholdResult:
    """Panel threshold regression with fixed effects (docs/formulas.md#threshold).

    Parameters
    ----------
    y, x : (N, T) array or frame
        Outcome and explanatory variable.
    q : (N, T) or (N,) array or frame
        Threshold variable, exogenous.
    controls : (N, T, k) array, optional
        Further regressors.
    n_thresholds : int
        Number of thresholds, searched one after the other; the first is refined once.
    effects : str
        Fixed effects, as in `fit_panel`.
    n_grid : int
        Quantiles of the distinct q that are candidates.
    trim : float or sequence of float
        Share of the rows that each regime keeps, one or one a step; with 'hansen1999' of the quantiles on both sides
        (published: .01, .01, .05).
    draws : int
        Draws of the wild cluster bootstrap, signs by whole city, behind p of each step; 0: none.
    rng : numpy.random.Generator, optional
        Source of the draws.
    convention : {"within", "hansen1999"}
        'hansen1999' repeats the published table: regimes q < gamma, one-way effects, the last demeaned year left out,
        LR and F scaled by N T.
    is_level_adjusted : bool
        On the scale and with the level controls of `level_adjusted`; slopes in standard deviations.
    segments : sequence of int, optional
        Those of `level_adjusted`; without its scale pass y, x and controls through `by_segment`.

    Returns
    -------
    ThresholdResult
        Thresholds with intervals, slopes by regime, F of each step.

    Raises
    ------
    PanelInputError
        NaN, no variation of q, or no admissible threshold.

    Notes
    -----
    y_it = sum_r b_r x_it 1[q_it in regime r] + controls' c + effects + e; regime r holds gamma_(r-1) < q <= gamma_r.
    gamma minimises the sum of squares. LR = (SSR(g) - SSR) / s2; the interval holds the g with LR / eta2 <= c(.05),
    eta2 from scores summed by city, and reaches to the next candidates. Errors of slopes take gamma as known.

    References
    ----------
    Hansen (1999, J. Econometrics 93:345-368).

    Examples
    --------
    >>> from python_models.influence import threshold_regression
    >>> rng = np.random.default_rng(1)
    >>> x, q = rng.normal(size=(2, 30, 6))
    >>> y = np.where(q > 0, 3 * x, x) + rng.normal(scale=0.1, size=(30, 6))
    >>> fit = threshold_regression(y, x, q)
    >>> fit.to_frame().shape
    (2, 7)
    """
    shares = [float(trim)] * n_thresholds if isinstance(trim, float | int) else [float(one) for one in trim]
    if len(shares) != n_thresholds:
        raise ValueError(f"trim needs one share, or one for each of the {n_thresholds} thresholds, got {len(shares)}.")
    if is_level_adjusted:
        y, x, controls = even_level(y, x, controls, segments)
    data = _Profile.build(y, x, q, controls, effects=effects, convention=convention)
    grid = data.candidates(n_grid, shares[0])
    if draws and rng is None:
        raise ValueError("the bootstrap needs a generator: pass rng=numpy.random.default_rng(seed).")
    thresholds: list[Threshold] = []
    for step, share in enumerate(shares):
        cuts = [t.gamma for t in thresholds]
        one = _search(data, grid, cuts, n_grid, share)
        p, critical = _bootstrap(data, cuts, one, draws, rng)
        thresholds.append(_as_threshold(data, one, cuts, p, critical))
        if step == 1:
            # the second threshold is consistent; the first is searched again with the second held
            cuts = [thresholds[1].gamma]
            again = _search(data, grid, cuts, n_grid, share)
            thresholds[0] = _as_threshold(data, again, cuts, thresholds[0].p, thresholds[0].critical, f=thresholds[0].f)
    return _result(data, thresholds, draws)


@dataclass(frozen=True)
class _Step:
    """The profile of one search: candidate, their sums of squares, the sum of squares before the step."""

    grid: FloatArray
    ssr: FloatArray
    ssr_before: float

    @property
    def best(self) -> int:
        return int(np.argmin(self.ssr))


def _search(data: _Profile, grid: FloatArray, cuts: list[float], n_grid: int, trim: float) -> _Step:
    candidates = data.admissible(grid, cuts, trim, n_grid)
    if candidates.size == 0:
        raise PanelInputError("no value of q leaves every regime enough rows: lower `trim` or ask for fewer cuts.")
    residual = data.residual(cuts)
    return _Step(candidates, data.ssr_with(residual, data.steps(candidates, cuts)), float(residual @ residual))


def _as_threshold(
    data: _Profile, step: _Step, cuts: list[float], p: float, critical: Critical, f: float | None = None
) -> Threshold:
    best, grid = step.best, step.grid
    sigma2, gamma = step.ssr[best] / data.dof, float(grid[best])
    eta2 = data.spread(gamma, data.residual([*cuts, gamma]), float(sigma2))
    lr = (step.ssr - step.ssr[best]) / sigma2 * data.scale / eta2
    inside = lr <= critical_lr()
    value = (step.ssr_before - step.ssr[best]) / sigma2 * data.scale if f is None else f
    accepted = np.flatnonzero(inside)
    first, last = accepted[0], accepted[-1]
    if not data.is_published:  # every cut between two candidates is the same split, so the ends are those rejected
        first, last = max(first - 1, 0), min(last + 1, len(grid) - 1)
    low, high = float(grid[first]), float(grid[last])
    return Threshold(gamma, low, high, float(value), p, critical, grid, step.ssr, lr, eta2, inside)


def _bootstrap(
    data: _Profile, cuts: list[float], step: _Step, draws: int, rng: np.random.Generator | None
) -> tuple[float, Critical]:
    """p and critical values of F under the model without this threshold: city residual vectors with drawn signs.

    Only sums by city of residual times regressor are needed: u = s_i e_it, SSR* = |u|^2 - |its projections|^2.
    """
    if not draws or rng is None:
        return float("nan"), (float("nan"),) * 3
    residual = data.residual(cuts)
    n, years = data.shape

    def by_city(columns: FloatArray) -> FloatArray:
        return np.asarray((columns * residual[:, None]).reshape(n, years, -1).sum(axis=1))

    signs = rng.choice(np.array([-1.0, 1.0]), size=(draws, n))
    fit_loss = (signs @ by_city(data.basis(cuts))) ** 2
    total = residual @ residual - fit_loss.sum(axis=1)
    gain = ((signs @ by_city(data.steps(step.grid, cuts))) ** 2).max(axis=1)
    values = gain / ((total - gain) / data.dof)
    best = float(step.ssr[step.best])
    ninety, ninety_five, ninety_nine = (float(np.quantile(values, 1 - a)) * data.scale for a in LEVELS)
    return p_from_draws(values, (step.ssr_before - best) / (best / data.dof)), (ninety, ninety_five, ninety_nine)


def _result(data: _Profile, thresholds: list[Threshold], draws: int) -> ThresholdResult:
    """Slopes with classical, heteroskedasticity-robust and clustered (Arellano 1987, factor n / (n - 1)) errors."""
    cuts = sorted(t.gamma for t in thresholds)
    design = data.design(cuts)
    inverse = np.linalg.inv(design.T @ design)
    slopes = inverse @ (design.T @ data.y)
    residual = data.y - design @ slopes
    ssr, zero = float(residual @ residual), data.residual([])
    rows, n = design * residual[:, None], data.shape[0]
    cities = rows.reshape(n, -1, design.shape[1]).sum(axis=1)
    se = np.sqrt(np.diag(inverse) * ssr / (data.dof - design.shape[1]))
    white, cluster = (np.diag(inverse @ (scores.T @ scores) @ inverse) for scores in (rows, cities))
    sizes = np.bincount(data.regime(cuts).ravel(), minlength=len(cuts) + 1)
    regimes, extra = range(1, len(cuts) + 2), range(1, design.shape[1] - len(cuts))
    return ThresholdResult(
        thresholds=tuple(thresholds),
        names=(*(f"regime_{r}" for r in regimes), *(f"control_{k}" for k in extra)),
        slopes=slopes,
        se=se,
        se_white=np.sqrt(white),
        se_cluster=np.sqrt(cluster * n / (n - 1)),
        n_regime=tuple(int(size) for size in sizes),
        ssr0=float(zero @ zero),
        ssr=ssr,
        sigma2=ssr / data.dof,
        n_draws=draws,
    )


@dataclass(frozen=True)
class _Profile:
    """y (R,) and x, q, controls of a panel after its effects; R = N T rows (N (T - 1) under 'hansen1999')."""

    raw_x: FloatArray
    raw_q: FloatArray
    y: FloatArray
    controls: FloatArray
    effects: str
    is_published: bool

    @classmethod
    def build(
        cls, y: ArrayLike, x: ArrayLike, q: ArrayLike, controls: ArrayLike | None, *, effects: str, convention: str
    ) -> _Profile:
        """Checked arrays with the effects removed."""
        if convention not in ("within", "hansen1999"):
            raise ValueError(f"unknown convention {convention!r}: choose within or hansen1999.")
        y_, x_ = _plane(y, "y"), _plane(x, "x")
        q_ = np.asarray(q, dtype=np.float64)
        q_ = _plane(np.repeat(q_[:, None], y_.shape[1], axis=1) if q_.ndim == 1 else q_, "q")
        c_ = np.empty((*y_.shape, 0)) if controls is None else np.asarray(controls, dtype=np.float64)
        if x_.shape != y_.shape or q_.shape != y_.shape or c_.shape[:2] != y_.shape or c_.ndim != 3:
            raise ValueError(
                f"y, x, q need one shape (N, T) and controls (N, T, k): got {y_.shape}, {x_.shape}, {q_.shape}, "
                f"{c_.shape}."
            )
        if not np.isfinite(c_).all():
            raise PanelInputError("controls hold a missing or infinite number: leave that city or year out.")
        if np.ptp(q_) == 0:
            raise PanelInputError("the threshold variable q does not vary.")
        published = convention == "hansen1999"
        kind = "entity" if published else effects
        raw = cls(x_, q_, np.empty(0), np.empty((0, 0)), kind, published)
        return cls(x_, q_, raw.clean(y_), raw.clean(c_), kind, published)

    @property
    def shape(self) -> tuple[int, int]:
        n, t = self.raw_x.shape
        return (n, t - 1) if self.is_published else (n, t)

    @property
    def dof(self) -> int:
        """N (T - 1), two-way (N - 1)(T - 1): rows free of effects."""
        n, t = self.raw_x.shape
        return int((n - 1) * (t - 1) if self.effects == "twoways" else n * (t - 1))

    @property
    def scale(self) -> float:
        """What LR and F are multiplied by: N T / (N (T - 1)) in the published table, else 1."""
        return self.raw_x.size / self.dof if self.is_published else 1.0

    def clean(self, values: FloatArray) -> FloatArray:
        """Effects removed, flattened by city; the published convention leaves the last demeaned year out."""
        out = within(values, self.effects)
        out = out[:, :-1] if self.is_published else out
        return np.ascontiguousarray(out).reshape((out.shape[0] * out.shape[1], *out.shape[2:]))

    def regime(self, cuts: list[float]) -> NDArray[np.intp]:
        """Number of the regime of each cell, (N, T); a cell at a cut belongs below (published: above)."""
        ascending = np.sort(np.asarray(cuts, dtype=np.float64))
        return np.searchsorted(ascending, self.raw_q, side="right" if self.is_published else "left")

    def design(self, cuts: list[float]) -> FloatArray:
        """[x in regime 0, .., x in regime R, controls] after the effects, (rows, R + 1 + k)."""
        regime = self.regime(cuts)
        columns = np.stack([self.raw_x * (regime == r) for r in range(len(cuts) + 1)], axis=2)
        return np.column_stack([self.clean(columns), self.controls])

    def candidates(self, n_grid: int, trim: float) -> FloatArray:
        """Quantiles of the distinct values of q. Published: `n_grid` of them between `trim` and 1 - `trim`."""
        distinct = np.unique(self.raw_q)
        if self.is_published:
            count = n_grid - 2 * round(n_grid * trim) + 1
            # the small shift keeps floor() where the decimal share means it: .28 * 100 is a hair below 28
            where = np.floor((trim + np.arange(count) / n_grid) * distinct.size + 1e-9).astype(int) - 1
            return np.asarray(distinct[np.clip(where, 0, distinct.size - 1)])
        if distinct.size <= n_grid:
            return distinct
        return np.unique(np.quantile(distinct, np.linspace(0, 1, n_grid), method="inverted_cdf"))

    def admissible(self, grid: FloatArray, cuts: list[float], trim: float, n_grid: int) -> FloatArray:
        """Candidates that leave every regime, beside the thresholds held, the share `trim` of the rows."""
        least = 1 if self.is_published else max(1, int(np.ceil(trim * self.raw_q.size)))
        apart = np.ones(grid.size, dtype=bool)
        if self.is_published:  # the quantiles within `trim` of a threshold held are left out
            place, reach = np.arange(1, grid.size + 1), trim * n_grid
            for one in cuts:
                below = int((grid < one).sum())
                apart &= (place < below - reach) | (place >= below + reach)
        admissible = [
            g
            for g in grid[apart]
            if g not in cuts
            and np.bincount(self.regime([*cuts, float(g)]).ravel(), minlength=len(cuts) + 2).min() >= least
        ]
        return np.asarray(admissible, dtype=np.float64)

    def basis(self, cuts: list[float]) -> FloatArray:
        """Orthonormal columns of what is held, and of the year effects."""
        columns, _ = np.linalg.qr(self.design(cuts))
        if self.effects != "twoways":
            return np.asarray(columns)
        n, t = self.shape
        years = np.tile(np.eye(t) - 1.0 / t, (n, 1)) / np.sqrt(n)
        left = np.linalg.svd(years, full_matrices=False)
        return np.column_stack([columns, left[0][:, : t - 1]])

    def purge(self, values: FloatArray, cuts: list[float]) -> FloatArray:
        """Residual of `values` (rows,) or (rows, m) on x by held regime and the controls."""
        basis, _ = np.linalg.qr(self.design(cuts))
        return np.asarray(values - basis @ (basis.T @ values))

    def residual(self, cuts: list[float]) -> FloatArray:
        """Residual of y with the thresholds held."""
        return self.purge(self.y, cuts)

    def steps(self, grid: FloatArray, cuts: list[float]) -> FloatArray:
        """For each candidate the regressor it adds, x 1[q above g], orthogonal to what is held, of length 1."""
        above = np.stack([self.raw_x * (self.regime([float(g)]) == 1) for g in grid], axis=2)
        clean = self.purge(self.clean(above), cuts)
        length = np.sqrt((clean * clean).sum(axis=0))
        return np.asarray(clean / np.where(length > 1e-12, length, np.inf))

    def spread(self, gamma: float, residual: FloatArray, sigma2: float) -> float:
        """eta2 at gamma: var(sum of x e of a city) / (sigma2 sum of x^2) over the fifth of the rows whose q is nearest.

        Where errors last or their variance goes with x, LR at the true threshold is eta2 times what it is for
        independent errors of one variance (Hansen 2000, Econometrica 68). The published table takes 1.
        """
        if self.is_published:
            return 1.0
        far = np.abs(self.raw_q - gamma)
        near = far <= np.quantile(far, NEAR)
        x = within(self.raw_x, self.effects) * near
        scores = (x * residual.reshape(x.shape)).sum(axis=1)
        return float(scores @ scores / (sigma2 * (x * x).sum()))

    def ssr_with(self, residual: FloatArray, steps: FloatArray) -> FloatArray:
        """Sum of squares with each candidate: |e|^2 - (e's)^2, since s is of length 1 and orthogonal to the rest."""
        return np.asarray(residual @ residual - (residual @ steps) ** 2)


def _plane(values: ArrayLike, what: str) -> FloatArray:
    plane = np.asarray(values, dtype=np.float64)
    if plane.ndim != 2:
        raise ValueError(f"{what} must have the axes (city, year), got shape {plane.shape}.")
    if not np.isfinite(plane).all():
        i, t = np.argwhere(~np.isfinite(plane))[0]
        raise PanelInputError(f"{what} is missing or infinite at city {i}, year {t}: leave that city or year out.")
    return plane
