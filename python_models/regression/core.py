"""The array core of the spatial panel models: plain arrays (N, T, k) and a sparse W in, one frozen result out."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import terms
from python_models.regression.bootstrap import Draws, Resampler
from python_models.regression.convention import Convention, convention, stacked_convention
from python_models.regression.covariance import (
    Cluster,
    Conley,
    DriscollKraay,
    Robust,
    Rows,
    city_influences,
    meat,
    score_rows,
)
from python_models.regression.design import make_design
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.estimators import Estimator
from python_models.regression.information import Point, information, inverse, observed, residuals
from python_models.regression.logdet import log_determinant
from python_models.regression.quasi import omega, sandwich
from python_models.regression.search import Optimum
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import Absorb

_KINDS: dict[str, Robust] = {"cluster": Cluster(), "driscoll_kraay": DriscollKraay()}
_NAMES = {Cluster: "cluster", Conley: "conley", DriscollKraay: "driscoll_kraay"}
COVARIANCES = ("cluster", "info", "observed", "qml", "driscoll_kraay", "block_bootstrap", "wild_bootstrap")


@dataclass(frozen=True, eq=False)
class CoreFit(Shown):
    """A fitted spatial panel model.

    names, params, cov : p parameters in the order slopes (x, then W:x), rho, lambda (those the model has), sigma2.
    n_slopes : number of slopes k.   lagged : positions of the x that also enter as W:x (params[len(x):k]).
    rho, lam : 0.0 if the model has none.   sigma2 : SSR / n_rows (ML), or its corrected value.
    loglik : log-likelihood with all constants on the n_rows = N'T' transformed rows, at the maximum (the bias-corrected
    estimators report that of the maximum they start from).   n_params : slopes, rho, lambda, sigma2 (and the intercept
    with effects='none').   residuals : (N, T), e without the fixed effects.   r2_within : 1 - SSR / |Q y|^2.
    maximum : parameters (p,) before any bias correction.   trace_se : relative standard error that probes leave in the
    traces of the information (0 = exact).   draws : parameters of the bootstrap panels, or None.
    influence : (2N, p), (N, p) without a spatial parameter: what each city adds to the estimates by itself and by its
    pairs (cov='cluster': cov is its cross-product), or None.
    """

    model: str
    effects: str
    estimator: str
    cov_type: str
    names: tuple[str, ...]
    params: FloatArray
    cov: FloatArray
    n_slopes: int
    lagged: tuple[int, ...]
    rho: float
    lam: float
    sigma2: float
    loglik: float
    residuals: FloatArray
    n_rows: int
    weights: SpatialWeights
    conv: Convention
    optimum: Optimum
    logdet_method: str
    r2_within: float
    maximum: FloatArray
    trace_se: float
    draws: Draws | None
    influence: FloatArray | None = None

    def to_frame(self) -> pd.DataFrame:
        """One row per parameter: term, coef, se, z, p, lower, upper."""
        return terms(self.names, self.params, self.cov)

    @property
    def n_params(self) -> int:
        """Parameters that the likelihood counts."""
        return len(self.params) + int(self.effects == "none")

    @property
    def cities(self) -> int:
        """Cities of the panel, also where rows are missing."""
        return self.conv.panel_rows.n

    @property
    def dof(self) -> int:
        """Rows after the fixed effects less the slopes."""
        return self.conv.rows_free_of_effects - self.n_slopes

    @property
    def logdet_noise(self) -> float:
        """Bound of what a matrix-free log-determinant moves rho (or lambda) by, in its standard errors; 0 = exact."""
        at = [(self.rho, "rho")] * self.conv.has_rho + [(self.lam, "lambda")] * self.conv.has_lam
        moved = []
        for r, name in at:
            se = float(np.sqrt(self.cov[self.names.index(name), self.names.index(name)]))
            moved.append(self.conv.t_eff * float(log_determinant(self.weights).error(r)[1]) * se)
        return max(moved, default=0.0)

    @property
    def aic(self) -> float:
        """-2 lnL + 2 p."""
        return -2.0 * self.loglik + 2.0 * self.n_params

    @property
    def bic(self) -> float:
        """-2 lnL + p ln(N'T')."""
        return float(-2.0 * self.loglik + self.n_params * np.log(self.n_rows))


@aligned
@estimable("the panel model")
def fit_panel(
    y: ArrayLike,
    X: ArrayLike,
    W: SpatialWeights | sp.spmatrix | sp.sparray | FloatArray,
    *,
    model: str = "sdm",
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
    names: Sequence[str] | None = None,
    durbin: Sequence[int] | None = None,
    draws: int = 499,
    bias_draws: int = 0,
    rng: np.random.Generator | None = None,
    error_W: SpatialWeights | sp.spmatrix | sp.sparray | FloatArray | None = None,
) -> CoreFit:
    """Fit y_t = rho W y_t + X_t b + W X_t th + mu + lambda_t 1 + u_t, u_t = lam W u_t + e_t by maximum likelihood.

    y (N, T), X (N, T, k), W (N, N): row i receives. `model` ols, slx, sar, sem, sdm, sdem, sac; `effects` none (one
    intercept), entity, time, twoways; `estimator` as in `convention`; `durbin` the positions of the x that enter as W:x
    (default all, in slx, sdm, sdem). `cov`: cluster (default: any variance and any correlation over time in a city), or
    `Cluster`, `Conley`, `DriscollKraay` of `covariance` with their settings (driscoll_kraay by name too); info and
    observed (inverse expected or observed information: normal independent errors of one variance) and qml (independent,
    not normal), to compare with other programs; block_bootstrap and wild_bootstrap (`draws` panels from whole cities'
    residual vectors, drawn or with drawn signs; need `rng`). `bias_draws` > 0 subtracts the mean bias of so many
    parametric bootstrap panels (meant for transformed_dummies). OLS and SLX
    standard errors use SSR / dof. `error_W`: another matrix in the error (default W). With a lambda and a W whose rows
    do not sum to one, the year effects belong to the filtered equation (I - lambda W)(..).

    Raises PanelInputError in words: shapes, missing values (city and year number), a W that does not fit, absorbed or
    collinear columns, too few rows, and a rho or lambda at the bound of its range.
    Sources: Elhorst (2014), Lee and Yu (2010, J. Econometrics 154), LeSage and Pace (2009).

    >>> from python_models.regression import fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_panel(y, x[..., None], W, names=["x"])
    >>> dict(zip(fit.names[:2], fit.params[:2].round(1).tolist()))
    {'x': 2.0, 'W:x': 1.1}
    """
    yy, xx = _arrays(y, X)
    weights = spatial_weights(W)
    n, t, k = xx.shape
    if weights.n != n:
        raise PanelInputError(f"W is for {weights.n} cities, the panel has {n}.")
    _check_cov(cov, bias_draws, rng)
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(k))
    if len(labels) != k:
        raise PanelInputError(f"{len(labels)} names for {k} regressors.")
    error = weights if error_W is None else spatial_weights(error_W)
    if error.n != n:
        raise PanelInputError(f"error_W is for {error.n} cities, the panel has {n}.")
    for one in (weights, error):
        conv = convention(model=model, effects=effects, estimator=estimator, n=n, t=t, weights=one)
    return _fit(yy, xx, weights, error, conv, labels, durbin, cov, draws, bias_draws, rng)


@estimable("the panel model")
def fit_stack(
    y: ArrayLike,
    X: ArrayLike,
    W: SpatialWeights,
    rows: Rows,
    effects: Sequence[NDArray[np.int64]],
    *,
    model: str = "sdm",
    cov: str | Robust = "cluster",
    names: Sequence[str] | None = None,
    durbin: Sequence[int] | None = None,
    draws: int = 499,
    bias_draws: int = 0,
    rng: np.random.Generator | None = None,
    error_W: SpatialWeights | None = None,
) -> CoreFit:
    """The same models on a stack of rows, for panels with holes, a W of each year, or dummies of any kind.

    y (R,), X (R, k), W (R, R) block-diagonal by year, `rows` with the city and the year of each row, `effects` the sets
    of dummies as codes (R,). Maximises the likelihood with all dummies in it (`direct`):
    -R/2 ln s2 - e'e/(2 s2) + sum_t ln|I - rho W_t|. The transformation of Lee and Yu does not exist where rows are
    missing; `bias_draws` takes out the bias of order 1/N and 1/T by parametric bootstrap. Effects are means over the
    rows. qml and block_bootstrap need a balanced panel. PanelInputError as `fit_panel`.
    """
    yy, xx = _arrays(np.asarray(y, dtype=np.float64)[:, None], np.asarray(X, dtype=np.float64)[:, None, :])
    _check_cov(cov, bias_draws, rng)
    if cov in ("qml", "block_bootstrap"):
        raise PanelInputError(f"cov={cov!r} needs a balanced panel with one W: use cluster or wild_bootstrap.")
    if len(rows.unit) != len(yy) or W.n != len(yy):
        raise PanelInputError(f"y has {len(yy)} rows, W is for {W.n} and the labels for {len(rows.unit)}.")
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(xx.shape[2]))
    conv = stacked_convention(model=model, effects="absorbed", rows=rows, absorb=Absorb.of(list(effects)))
    return _fit(yy, xx, W, error_W or W, conv, labels, durbin, cov, draws, bias_draws, rng)


def _fit(
    yy: FloatArray,
    xx: FloatArray,
    weights: SpatialWeights,
    error: SpatialWeights,
    conv: Convention,
    labels: tuple[str, ...],
    durbin: Sequence[int] | None,
    cov: str | Robust,
    draws: int,
    bias_draws: int,
    rng: np.random.Generator | None,
) -> CoreFit:
    lagged = _lagged(durbin, xx.shape[2], conv)
    design = make_design(yy, xx, weights, conv, names=labels, lagged=lagged, error_weights=error)
    est = Estimator.of(design, conv, weights, error)
    first, optimum = est.maximum(design.ys)
    at = est.corrected(design.ys, first)
    e = residuals(design, conv, at)
    if bias_draws:
        assert rng is not None  # checked above
        simulated = Resampler.of(est, yy, e, at).parametric(bias_draws, rng)
        at = Point.unpack(2.0 * at.pack(conv) - simulated.params.mean(axis=0), conv)
        e = residuals(design, conv, at)
    boot = None
    if cov in ("block_bootstrap", "wild_bootstrap") and rng is not None:
        resampler = Resampler.of(est, yy, e, at)
        boot = resampler.block(draws, rng) if cov == "block_bootstrap" else resampler.wild(draws, rng)
    matrix, trace_se, influence = _covariance(est, at, e, cov) if boot is None else (boot.cov, 0.0, None)
    total = float((design.ys[..., 0] ** 2).sum())
    return CoreFit(
        model=conv.model,
        effects=conv.effects,
        estimator=conv.estimator,
        cov_type=cov if isinstance(cov, str) else _NAMES[type(cov)],
        names=(*design.names, *conv.spatial_names, "sigma2"),
        params=at.pack(conv),
        cov=matrix,
        n_slopes=len(design.names),
        lagged=lagged,
        rho=at.rho,
        lam=at.lam,
        sigma2=at.sigma2,
        loglik=optimum.loglik,
        residuals=e,
        n_rows=conv.n_rows,
        weights=weights,
        conv=conv,
        optimum=optimum,
        logdet_method=log_determinant(weights).method,
        r2_within=1.0 - float((e**2).sum()) / total,
        maximum=first.pack(conv),
        trace_se=trace_se,
        draws=boot,
        influence=influence,
    )


def _covariance(
    est: Estimator, at: Point, e: FloatArray, cov: str | Robust
) -> tuple[FloatArray, float, FloatArray | None]:
    """Covariance, relative error of its traces, and what each city adds to the estimates if it is clustered."""
    conv, design = est.conv, est.design
    parts = est.parts(design, at)
    sigma2 = at.sigma2
    matrix = inverse(information(parts, conv, sigma2))
    dof = conv.rows_free_of_effects - design.z.shape[2]
    kind = _KINDS.get(cov) if isinstance(cov, str) else cov
    if kind is not None:
        scores = score_rows(
            parts.regressors,
            parts.linear,
            parts.multipliers,
            e,
            sigma2,
            conv.panel_rows,
            is_centred=conv.is_centred,
            share=conv.t_eff / conv.t,
            correction=kind.correction,
        )
        if cov == "cluster":
            influence = city_influences(scores, matrix)
            return influence.T @ influence, parts.trace_se, influence
        return matrix @ meat(scores, kind, dof=dof) @ matrix, parts.trace_se, None
    if cov == "observed":
        both = log_determinant(est.weights), log_determinant(est.error_weights)
        return inverse(observed(design, conv, *both, at)), 0.0, None
    if cov == "qml":
        return sandwich(matrix, omega(parts, conv, e, sigma2)), parts.trace_se, None
    if not conv.spatial_names:  # least squares: the unbiased error variance
        matrix[:-1, :-1] *= conv.n_rows / dof
    return matrix, parts.trace_se, None


def _arrays(y: ArrayLike, X: ArrayLike) -> tuple[FloatArray, FloatArray]:
    yy = np.ascontiguousarray(y, dtype=np.float64)
    xx = np.ascontiguousarray(X, dtype=np.float64)
    if yy.ndim != 2 or xx.ndim != 3 or xx.shape[:2] != yy.shape or 0 in xx.shape:
        raise PanelInputError(f"y must be (N, T) and X (N, T, k) with k > 0, got {yy.shape} and {xx.shape}.")
    for what, values in (("y", yy), ("X", xx)):
        bad = ~np.isfinite(values)
        if bad.any():
            place = tuple(int(i) for i in np.argwhere(bad)[0])
            raise PanelInputError(f"{what} holds {int(bad.sum())} missing or infinite values, first at {place}.")
    return yy, xx


def _lagged(durbin: Sequence[int] | None, k: int, conv: Convention) -> tuple[int, ...]:
    if not conv.has_wx:
        if durbin:
            raise PanelInputError(f"model={conv.model!r} has no W:x terms, so `durbin` cannot name any.")
        return ()
    chosen = tuple(range(k)) if durbin is None else tuple(int(j) for j in durbin)
    if not chosen or len(set(chosen)) != len(chosen) or not all(0 <= j < k for j in chosen):
        raise PanelInputError(f"`durbin` must name different regressors among 0..{k - 1}, got {chosen}.")
    return chosen


def _check_cov(cov: str | Robust, bias_draws: int, rng: np.random.Generator | None) -> None:
    if isinstance(cov, str) and cov not in COVARIANCES:
        raise PanelInputError(f"cov must be one of {', '.join(COVARIANCES)}, or Cluster, Conley, got {cov!r}.")
    if (cov in ("block_bootstrap", "wild_bootstrap") or bias_draws) and rng is None:
        raise PanelInputError("a bootstrap needs `rng`, for example numpy.random.default_rng(2026).")
