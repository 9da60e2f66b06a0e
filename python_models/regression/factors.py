"""Common factors beside a spatial lag: interactive fixed effects, loadings of cities times factors of years.

    y_t = rho W y_t + Z_t d + mu + lambda_t 1 + L f_t + e_t,   L (N, r), f_t (r,)

Quasi maximum likelihood by turns: rho and d for given L F', then L F' as the r largest principal components of the
residuals. Each turn raises the likelihood, so it ends; several starts guard against a local top. Bai (2009,
Econometrica 77) without rho; Shi and Lee (2017, J. Econometrics 197), Bai and Li (2021, J. Econometrics 222). For large
N and T; with ten years the bias of order 1/T is not small: a check of robustness, not a headline.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import terms
from python_models.regression.convention import Convention, convention
from python_models.regression.covariance import Robust, Rows, city_influences, meat, score_rows
from python_models.regression.data import Values, Weights, panel_inputs
from python_models.regression.design import make_design
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.estimators import Estimator, maximise
from python_models.regression.information import Point, ScoreParts, information, inverse, pair_traces
from python_models.regression.likelihood import Likelihood, Moments
from python_models.regression.logdet import log_determinant
from python_models.regression.multiplier import multiplier
from python_models.regression.within import has_entity, has_time

TURNS, STILL = 500, 1e-9


@dataclass(frozen=True, eq=False)
class FactorFit(Shown):
    """names, params, cov (p, p): slopes, rho, sigma2; errors of the kind asked for, common parts projected out.

    loadings (N, r), factors (T, r) with F'F/T = I; residuals (N, T); loglik of the last turn.   n_turns : how many were
    needed.   explained : share of the variance left by the regressors that L F' takes.
    """

    names: tuple[str, ...]
    params: FloatArray
    cov: FloatArray
    loadings: FloatArray
    factors: FloatArray
    residuals: FloatArray
    loglik: float
    n_turns: int
    explained: float

    @property
    def cities(self) -> int:
        return len(self.residuals)

    @property
    def common(self) -> FloatArray:
        return self.loadings @ self.factors.T

    @property
    def rho(self) -> float:
        """0.0 where the model has none."""
        return float(self.params[self.names.index("rho")]) if "rho" in self.names else 0.0

    def to_frame(self) -> pd.DataFrame:
        return terms(self.names, self.params, self.cov)


@aligned
@estimable("the model with common factors")
def fit_factors(
    y: Values,
    x: Values,
    w: Weights,
    *,
    n_factors: int,
    model: str = "sdm",
    effects: str = "twoways",
    estimator: str = "lee_yu",
    names: Sequence[str] | None = None,
    starts: int = 3,
    cov: Literal["cluster"] | Robust = "cluster",
) -> FactorFit:
    """Fit ols, slx, sar or sdm with `n_factors` common factors beside the fixed effects.

    y (N, T), x (N, T, k), W (N, N). n_factors = 0 gives `fit_panel`. Starts: no common part, the components of y, and
    random ones (seed 0). cov: cluster (by city), or `Cluster`, `Conley`, `DriscollKraay` with groups and
    points in the order of W. PanelInputError: no room for so many factors.

    >>> from python_models.regression import fit_factors
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit_factors(y, x[..., None], W, n_factors=1, model="slx", names=["x"]).names
    ('x', 'W:x', 'sigma2')
    """
    if model not in ("ols", "slx", "sar", "sdm"):
        raise PanelInputError(f"factors go with ols, slx, sar or sdm, got {model!r}.")
    plane, cube, weights, labels = panel_inputs(y, x, w, names)
    n, t = plane.shape
    conv = convention(model=model, effects=effects, estimator=estimator, n=n, t=t, W=weights)
    lagged = range(cube.shape[2]) if conv.has_wx else ()
    design = make_design(plane, cube, weights, conv, names=labels, lagged=lagged)
    free = (n - 1 - n_factors) * (t - 1 - n_factors) - design.z.shape[2]
    if n_factors < 0 or free <= 0:
        raise PanelInputError(f"{n_factors} factors leave no rows of {n} cities in {t} years.")
    est = Estimator.of(design, conv, weights)
    draw = np.random.default_rng(0)
    scale = float(design.ys[..., 0].std())
    begin = [np.zeros((n, t)), _components(design.ys[..., 0], n_factors)[2]]
    begin += [_components(scale * draw.standard_normal((n, t)), n_factors)[2] for _ in range(max(starts - 2, 0))]
    found = [_turns(est, common, n_factors) for common in (begin[:1] if n_factors == 0 else begin)]
    return _result(est, max(found, key=lambda one: one.loglik), n_factors, (*design.names, *conv.spatial_names), cov)


class _End(NamedTuple):
    slopes: FloatArray
    rho: float
    common: FloatArray
    loglik: float
    turns: int


def _turns(est: Estimator, common: FloatArray, r: int) -> _End:
    design, conv = est.design, est.conv
    ys, value = design.ys, -np.inf
    turn = 0
    while turn < TURNS:
        turn += 1
        shifted = ys.copy()
        shifted[..., 0] -= common
        likelihood = Likelihood.of(Moments.of(shifted, est.slopes), conv, log_determinant(est.weights))
        optimum = maximise(likelihood)
        slopes = likelihood.moments.profile(optimum.rho, 0.0).slopes
        lagged = optimum.rho * ys[..., 1] if conv.has_rho else 0.0
        left = ys[..., 0] - lagged - design.z @ slopes
        common = _components(left, r)[2]
        if r == 0 or optimum.loglik - value <= STILL * max(1.0, abs(optimum.loglik)):
            break
        value = optimum.loglik
    return _End(slopes, optimum.rho, common, optimum.loglik, turn)


def _components(values: FloatArray, r: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Loadings (N, r), factors (T, r) with F'F/T = I, and their product (N, T)."""
    t = values.shape[1]
    if r == 0:
        return np.empty((len(values), 0)), np.empty((t, 0)), np.zeros(values.shape)
    _, vectors = np.linalg.eigh(values.T @ values)
    factors = vectors[:, ::-1][:, :r] * np.sqrt(t)
    loadings = values @ factors / t
    return loadings, factors, loadings @ factors.T


def _result(est: Estimator, end: _End, r: int, names: tuple[str, ...], cov: Literal["cluster"] | Robust) -> FactorFit:
    design, conv, weights = est.design, est.conv, est.weights
    n, t = conv.n, conv.t
    lagged = end.rho * design.ys[..., 1] if conv.has_rho else 0.0
    left = design.ys[..., 0] - lagged - design.z @ end.slopes
    loadings, factors, common = _components(left, r)
    e = left - common
    share = _share(conv, r)
    sigma2 = float((e**2).mean()) / share
    own, years = np.linalg.qr(loadings)[0], factors / np.sqrt(t)

    def free(values: FloatArray) -> FloatArray:
        """Without what loadings and factors span: M_L A M_F of (N, T) or (N, T, k)."""
        out = values - np.einsum("nr,mr,m...->n...", own, own, values)
        return np.asarray(out - np.einsum("tr,sr,ns...->nt...", years, years, out))

    z = free(design.z)
    multipliers = [multiplier(weights, log_determinant(weights), end.rho)] if conv.has_rho else []
    linear = [free(design.ys[..., 1] - conv.project(g.apply(e))) for g in multipliers]
    traces, pairs, _ = pair_traces(multipliers, conv)
    # the years that effects and factors leave, where `information` counts those that the effects leave
    ratio = share * n * t / conv.n_rows
    parts = ScoreParts(z, tuple(linear), tuple(multipliers), traces * ratio, pairs * ratio, 0.0)
    bread = inverse(information(parts, conv, sigma2))
    options: dict[str, Any] = {"is_centred": conv.is_centred, "share": share * n / conv.n_eff}
    options["correction"] = "jackknife" if isinstance(cov, str) else cov.correction
    scores = score_rows(z, linear, multipliers, e, sigma2, Rows.balanced(n, t), **options)
    if isinstance(cov, str):
        by_city = city_influences(scores, bread)
        spread = np.asarray(by_city.T @ by_city)
    else:
        spread = bread @ meat(scores, cov, dof=round(share * n * t) - design.z.shape[2]) @ bread
    params = Point(end.slopes, end.rho, 0.0, sigma2).pack(conv)
    found = (loadings, factors, e, end.loglik, end.turns, float((common**2).sum() / (left**2).sum()))
    return FactorFit((*names, "sigma2"), params, spread, *found)


def _share(conv: Convention, r: int) -> float:
    """Rows that effects and factors leave, as a share of N T."""
    rows, years = conv.n - has_time(conv.effects), conv.t - has_entity(conv.effects)
    return (conv.rows_free_of_effects - r * (rows + years - r)) / (conv.n * conv.t)


@aligned
def count_factors(
    y: Values, x: Values, w: Weights, *, most: int = 5, model: str = "sdm", effects: str = "twoways"
) -> pd.DataFrame:
    """How many common factors the residuals hold: one row per r = 0..most.

    ic : ln V(r) + r (N + T)/(N T) ln(N T/(N + T)), V the mean squared residual after r components of the fit with
    `most` factors (Bai and Ng 2002, IC_p1).   ratio : eigenvalue r over the next one (Ahn and Horenstein 2013), where a
    0th eigenvalue stands for no factor.   is_chosen : the smallest ic.

    >>> from python_models.regression import count_factors
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> common = np.outer(np.arange(12.0), [1.0, -1.0, 2.0, -2.0, 1.0, -1.0])
    >>> count_factors(y + common, x[..., None], W, most=2).set_index("r")["ratio"].idxmax()
    1
    """
    fit = fit_factors(y, x, w, n_factors=most, model=model, effects=effects, starts=2)
    n, t = fit.residuals.shape
    left = fit.residuals + fit.common
    values = np.linalg.eigvalsh(left.T @ left / (n * t))[::-1]
    total = float(values.sum())
    rest = total - np.concatenate([[0.0], np.cumsum(values)])[: most + 1]
    r = np.arange(most + 1)
    ic = np.log(np.maximum(rest, 1e-300)) + r * (n + t) / (n * t) * np.log(n * t / (n + t))
    start = np.concatenate([[total / np.log(min(n, t))], values])
    ratio = start[: most + 1] / np.maximum(start[1 : most + 2], 1e-300)
    return pd.DataFrame({"r": r, "ic": ic, "ratio": ratio, "is_chosen": r == int(np.argmin(ic))})
