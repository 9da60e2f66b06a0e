"""The array core of the spatial panel models: plain arrays (N, T, k) and a sparse W in, one frozen result out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import terms
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
from python_models.regression.data import names_of
from python_models.regression.design import make_design
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.estimators import Draws, Estimator, Optimum, Resampler, maximise_filtered
from python_models.regression.filtered import FilteredDummies, FilteredLikelihood
from python_models.regression.information import Point, information, inverse, observed, omega, residuals, sandwich
from python_models.regression.logdet import log_determinant
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import Absorb

_KINDS: dict[str, Robust] = {"cluster": Cluster(), "driscoll_kraay": DriscollKraay()}
_NAMES = {Cluster: "cluster", Conley: "conley", DriscollKraay: "driscoll_kraay"}
COVARIANCES = ("cluster", "info", "observed", "qml", "driscoll_kraay", "block_bootstrap")


@dataclass(frozen=True, eq=False)
class CoreFit(Shown):
    """A fitted spatial panel model.

    names, params, cov : p parameters in the order slopes (x, then W:x), rho, lambda (those the model has), sigma2.
    n_slopes : number of slopes k.   lagged : positions of the x that also enter as W:x.   rho, lam : 0.0 if the model
    has none.   sigma2 : SSR / n_rows (ML), or its corrected value.   loglik : with all constants on the n_rows = N'T'
    transformed rows, at the maximum, before any bias correction, as are `maximum` (p,).   residuals : (N, T), e without
    the fixed effects.   r2_within : 1 - SSR / |Q y|^2.   trace_se : relative standard error that probes leave in the
    traces of the information (0 = exact).   draws : of the bootstrap, or None.   influence : with cov='cluster', (2N,
    p) or (N, p) without a spatial parameter: what each city adds to the estimates by itself and by its pairs.
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
        """Slopes, rho, lambda, sigma2, and the intercept with effects='none'."""
        return len(self.params) + int(self.effects == "none")

    @property
    def cities(self) -> int:
        return self.conv.panel_rows.n

    @property
    def dof(self) -> int:
        """Rows after the fixed effects less the slopes."""
        return self.conv.rows_free_of_effects - self.n_slopes

    @property
    def logdet_noise(self) -> float:
        """Bound of what a matrix-free log-determinant moves rho (or lambda) by, in its standard errors; 0 = exact."""
        se = np.sqrt(np.diagonal(self.cov))[self.n_slopes : -1]
        at = self.params[self.n_slopes : -1]
        error = log_determinant(self.weights).error
        return max((self.conv.t_eff * float(error(r)[1] * s) for r, s in zip(at, se, strict=True)), default=0.0)

    @property
    def aic(self) -> float:
        return -2.0 * self.loglik + 2.0 * self.n_params

    @property
    def bic(self) -> float:
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
    rng: np.random.Generator | None = None,
    error_W: SpatialWeights | sp.spmatrix | sp.sparray | FloatArray | None = None,
) -> CoreFit:
    """Spatial panel model by maximum likelihood.

    Parameters
    ----------
    y : (N, T) array or frame
        Outcome.
    X : (N, T, k) array
        Regressors.
    W : (N, N) matrix or SpatialWeights
        Weights; row i receives.
    model : str
        "ols", "slx", "sar", "sem", "sdm", "sdem" or "sac".
    effects : str
        Fixed effects: "none" (one intercept), "entity", "time" or "twoways".
    estimator : str
        Likelihood of the fixed effects, see `convention`.
    cov : str, Cluster, Conley or DriscollKraay
        "cluster": any variance, any correlation over time in a city. "info", "observed" (normal independent errors of
        one variance) and "qml" (not normal), to compare with other programs. "block_bootstrap": by draws.
    names : sequence of str, optional
        Names of the regressors.
    durbin : sequence of int, optional
        Positions of the regressors that enter as W x; default: all.
    draws : int
        Panels of a bootstrap.
    rng : numpy Generator, optional
        Needed for draws.
    error_W : (N, N) matrix or SpatialWeights, optional
        Another matrix in the error. With a lambda and rows of W that do not sum to one, the year effects belong to the
        filtered equation.

    Returns
    -------
    CoreFit
        Estimates, covariance, residuals, log-likelihood.

    Raises
    ------
    PanelInputError
        Shapes, missing values, a W that does not fit, absorbed or collinear columns, too few rows, and a rho or lambda
        at the bound of its range.

    Notes
    -----
    y_t = rho W y_t + X_t b + W X_t th + mu + lambda_t 1 + u_t, u_t = lam W u_t + e_t. OLS and SLX standard errors use
    SSR / dof. docs/formulas.md#estimators.

    References
    ----------
    Elhorst (2014); Lee and Yu (2010, J. Econometrics 154); LeSage and Pace (2009).

    Examples
    --------
    >>> from python_models.regression import fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_panel(y, x[..., None], W, names=["x"])
    >>> dict(zip(fit.names[:2], fit.params[:2].round(1).tolist()))
    {'x': 2.0, 'W:x': 1.1}
    """
    yy, xx = _arrays(y, X)
    weights = spatial_weights(W)
    error = weights if error_W is None else spatial_weights(error_W)
    n, t = yy.shape
    matrices = {"W": weights, "error_W": error}
    for name, matrix in matrices.items():
        if matrix.n != n:
            raise PanelInputError(f"{name} is for {matrix.n} cities, the panel has {n}.")
    conv = convention(model=model, effects=effects, estimator=estimator, n=n, t=t, **matrices)
    options: dict[str, Any] = {"names": names, "durbin": durbin, "draws": draws, "rng": rng}
    return _fit(yy, xx, weights, error, conv, cov=cov, **options)


@estimable("the panel model")
def fit_stack(
    y: FloatArray,
    X: FloatArray,
    weights: tuple[SpatialWeights, SpatialWeights],
    rows: Rows,
    effects: Sequence[NDArray[np.int64]],
    *,
    model: str,
    cov: str | Robust,
    **options: Any,
) -> CoreFit:
    """The same models on a stack of rows, for panels with holes, a W of each year, or dummies of any kind.

    y (R, 1), X (R, 1, k), W and that of the error (R, R) block-diagonal by year, `rows` with the city and the year of
    each row, `effects` the sets of dummies as codes (R,). Maximises the likelihood with all dummies in it (`direct`),
    with a spatial error filtered by it (`filtered`). Effects are means over the rows. qml and block_bootstrap need a
    balanced panel; with filtered dummies observed is refused too.
    """
    if cov in ("qml", "block_bootstrap"):
        raise PanelInputError(f"cov={cov!r} needs a balanced panel with one W: use cluster.")
    conv = stacked_convention(model=model, effects="absorbed", rows=rows, absorb=Absorb.of(list(effects)))
    dummies = FilteredDummies.of(list(effects), weights[1].matrix) if conv.has_lam else None
    if dummies is not None and dummies.is_needed():
        return _fit(y, X, *weights, conv, cov=cov, dummies=dummies, **options)
    return _fit(y, X, *weights, conv, cov=cov, **options)


def _fit(
    yy: FloatArray,
    xx: FloatArray,
    weights: SpatialWeights,
    error: SpatialWeights,
    conv: Convention,
    *,
    names: Sequence[str] | None,
    durbin: Sequence[int] | None,
    cov: str | Robust,
    draws: int,
    rng: np.random.Generator | None,
    dummies: FilteredDummies | None = None,
) -> CoreFit:
    _check_cov(cov, rng)
    lagged = _lagged(durbin, xx.shape[2], conv)
    labels = names_of(names, xx.shape[2])
    design = make_design(yy, xx, weights, conv, names=labels, lagged=lagged, error_weights=error)
    maximum = None
    if dummies is not None:
        if cov == "observed":
            raise PanelInputError(
                "cov='observed' is not offered where the dummies of a spatial error model are filtered at each lambda: "
                "use cluster, a covariance with settings, or info."
            )
        maximum = maximise_filtered(_filtered_likelihood(yy, xx, weights, error, conv, lagged, dummies))
        # at the maximum the filtered dummies are projected off: all that follows is as with plain ones
        conv = replace(conv, absorb=dummies.at(maximum.lam))
        design = make_design(yy, xx, weights, conv, names=labels, lagged=lagged, error_weights=error)
    est = Estimator.of(design, conv, weights, error)
    first, optimum = est.maximum(design.ys) if maximum is None else (est.at(design.ys, maximum), maximum)
    at = est.corrected(design.ys, first)
    e = residuals(design, conv, at)
    boot = None
    if cov == "block_bootstrap" and rng is not None:
        boot = Resampler.of(est, yy, e, at).block(draws, rng)
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
        logdet_method=log_determinant(weights).method if conv.spatial_names else "",
        r2_within=1.0 - float((e**2).sum()) / total,
        maximum=first.pack(conv),
        trace_se=trace_se,
        draws=boot,
        influence=influence,
    )


def _filtered_likelihood(
    yy: FloatArray,
    xx: FloatArray,
    weights: SpatialWeights,
    error: SpatialWeights,
    conv: Convention,
    lagged: tuple[int, ...],
    dummies: FilteredDummies,
) -> FilteredLikelihood:
    x = np.concatenate([xx, weights.lag(np.ascontiguousarray(xx[..., list(lagged)]))], axis=2) if lagged else xx
    lag = weights.lag(yy).reshape(-1) if conv.has_rho else None
    both = log_determinant(weights), log_determinant(error)
    return FilteredLikelihood(conv, *both, dummies, yy.reshape(-1), lag, x.reshape(len(yy), -1))


def _covariance(
    est: Estimator, at: Point, e: FloatArray, cov: str | Robust
) -> tuple[FloatArray, float, FloatArray | None]:
    conv, design = est.conv, est.design
    parts = est.parts(design, at)
    sigma2 = at.sigma2
    matrix = inverse(information(parts, conv, sigma2))
    dof = conv.rows_free_of_effects - design.z.shape[2]
    kind = _KINDS.get(cov) if isinstance(cov, str) else cov
    if kind is not None:
        terms, share = (parts.regressors, parts.linear, parts.multipliers), conv.t_eff / conv.t
        options: dict[str, Any] = {"is_centred": conv.is_centred, "share": share, "correction": kind.correction}
        options["by"] = conv.panel_rows.unit if cov == "cluster" else None  # nothing else is asked of them
        scores = score_rows(*terms, e, sigma2, conv.panel_rows, **options)
        if cov == "cluster":
            influence = city_influences(scores, matrix)
            return influence.T @ influence, parts.trace_se, influence
        return matrix @ meat(scores, kind, dof=dof) @ matrix, parts.trace_se, None
    if cov == "observed":
        both = log_determinant(est.weights), log_determinant(est.error_weights)
        return inverse(observed(design, conv, both, at)), 0.0, None
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
    positions = tuple(range(k)) if durbin is None else tuple(int(j) for j in durbin)
    if not positions or len(set(positions)) != len(positions) or not all(0 <= j < k for j in positions):
        raise PanelInputError(f"`durbin` must name different regressors among 0..{k - 1}, got {positions}.")
    return positions


def _check_cov(cov: str | Robust, rng: np.random.Generator | None) -> None:
    if isinstance(cov, str) and cov not in COVARIANCES:
        raise PanelInputError(f"cov must be one of {', '.join(COVARIANCES)}, or Cluster, Conley, got {cov!r}.")
    if cov == "block_bootstrap" and rng is None:
        raise PanelInputError("a bootstrap needs `rng`, for example numpy.random.default_rng(2026).")
