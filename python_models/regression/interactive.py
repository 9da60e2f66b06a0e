"""Instrumental variables for a spatial panel whose regressors and errors move with common factors of the years."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.inference import terms
from python_models.regression.convention import convention
from python_models.regression.core import CoreFit
from python_models.regression.data import Values, Weights, degrees, independent, panel_inputs, require_independent
from python_models.regression.errors import PanelInputError, estimable
from python_models.regression.estimators import Optimum
from python_models.regression.iv import hansen_test, moment_cov, require_more_cities, two_stage
from python_models.regression.logdet import log_determinant
from python_models.regression.spec_results import SpecTest
from python_models.regression.within import within


@dataclass(frozen=True, eq=False, kw_only=True)
class InteractiveFit(CoreFit):
    """A panel model by instruments, as `average_effects` and `city_effects` read it; it has no likelihood.

    n_factors : projected off the regressors, and off the errors.   hansen : overidentification, df 0 where exactly
    identified.   residuals : (N, T), effects and factors removed.   sigma2 : taken as known in `cov`.
    """

    n_factors: tuple[int, int]
    hansen: SpecTest

    def to_frame(self) -> pd.DataFrame:
        """One row per slope and rho: term, coef, se, z, p, lower, upper."""
        return terms(self.names[:-1], self.params[:-1], self.cov[:-1, :-1])


@aligned
@estimable("the estimator with interactive effects")
def interactive_iv(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    durbin: Sequence[int] | None = None,
    w_lags: int = 2,
    max_factors: int = 3,
    names: Sequence[str] | None = None,
) -> InteractiveFit:
    """Spatial lag or Durbin model with interactive effects, by instruments in two steps.

    Parameters
    ----------
    y, x, w, effects, durbin, names : as in `spatial_2sls`
    w_lags : int
        Highest power of W in the instruments.
    max_factors : int
        Most factors of the regressors and most of the errors; in a short panel as many as leave a year. 0: none.

    Returns
    -------
    InteractiveFit
        Estimates, errors by city, number of factors, test of the instruments.

    Raises
    ------
    PanelInputError
        Too few years for a factor, no more cities than moments, collinear regressors, missing cells, too few
        instruments, a rho outside its range.

    Notes
    -----
    y_it = rho (W y)_it + x_it'b + (W x)_it'th + l_i'f_t + e_it, x_it = G_i'g_t + v_it, all less effects. g: principal
    components over the years of all x, each divided by its standard deviation. Step 1: two-stage least squares with M_g
    (x, W x, .., W^w_lags x), M = I - F (F'F)^-1 F' over the years of each city. Step 2: the same after M_f on both
    sides, f: principal components of the residuals of step 1. Number of factors: argmax of m_r / m_(r + 1), r = 0 ..
    max_factors, m_r the eigenvalues in descending order and m_0 their sum over ln min(N, T). The factors are taken as
    known in the errors: right where N and T are large.

    References
    ----------
    Ahn and Horenstein (2013, Econometrica 81); Norkute, Sarafidis, Yamagata and Cui (2021, J. Econometrics 220); Cui,
    Sarafidis and Yamagata (2023, Econometrics J. 26).

    Examples
    --------
    >>> from python_models.regression.interactive import interactive_iv
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> interactive_iv(y, x[..., None], W, names=["x"], max_factors=0).names
    ('x', 'W:x', 'rho', 'sigma2')
    """
    plane, cube, weights, labels = panel_inputs(y, x, w, names)
    n, t, k = cube.shape
    lagged = tuple(durbin) if durbin is not None else tuple(range(k))
    conv = convention(model="sdm" if lagged else "sar", effects=effects, estimator="direct", n=n, t=t)
    free = degrees(n, t, effects)[1]
    most = min(max_factors, (free - 1) // 2)
    if most < min(max_factors, 1):
        raise PanelInputError(
            f"{t} years leave nothing beside a factor of the regressors and one of the errors: at least {t - free + 3} "
            "are needed, or max_factors=0."
        )
    powers = [cube]
    for _ in range(max(w_lags, 1)):
        powers.append(weights.lag(powers[-1]))
    slopes = (*labels, *(f"W:{labels[j]}" for j in lagged))
    inside, outcome = within(cube, effects), within(plane, effects)[..., None]
    z = within(np.concatenate([cube, powers[1][..., list(lagged)], weights.lag(plane)[..., None]], axis=2), effects)
    require_independent(z[..., :-1].reshape(n * t, -1), slopes)
    scaled = inside / np.sqrt((inside**2).mean(axis=(0, 1)))
    of_x = principal_factors(np.moveaxis(scaled, 2, 1).reshape(n * k, t), most)
    q = without(within(np.concatenate(powers[: w_lags + 1], axis=2), effects), of_x)
    q = q[..., independent(q.reshape(n * t, -1))]
    p = z.shape[2]
    if q.shape[2] < p:
        raise PanelInputError(f"{q.shape[2]} usable instruments are too few for {p} regressors: raise w_lags.")
    require_more_cities(n, q.shape[2])
    first = _solve(q, z, outcome)[0]
    of_e = principal_factors(outcome[..., 0] - z @ first, most)
    q, z, outcome = (without(values, of_e) for values in (q, z, outcome))
    params, project = _solve(q, z, outcome)
    e, rows = outcome[..., 0] - z @ params, q.reshape(n * t, -1)
    scores = np.einsum("ntq,nt->nq", q, e)
    influence = np.zeros((n, p + 1))
    influence[:, :p] = np.sqrt(n / (n - 1.0)) * scores @ project.T
    rho, feasible = float(params[-1]), log_determinant(weights)
    if not feasible.low < rho < feasible.high:
        raise PanelInputError(f"rho = {rho:.3f} lies outside its range: the instruments do not identify it.")
    left = (n - 1) * (free - of_x.shape[1] - of_e.shape[1]) - p
    sigma2, total = float((e**2).sum()) / left, float((outcome**2).sum())
    weight = np.linalg.inv(moment_cov(rows, e.ravel(), n, "cluster", left))
    values = np.append(params, sigma2)
    return InteractiveFit(
        model=conv.model,
        effects=effects,
        estimator="interactive_iv",
        cov_type="cluster",
        names=(*slopes, "rho", "sigma2"),
        params=values,
        cov=influence.T @ influence,
        n_slopes=len(slopes),
        lagged=lagged,
        rho=rho,
        lam=0.0,
        sigma2=sigma2,
        loglik=np.nan,
        residuals=e,
        n_rows=left + p,
        weights=weights,
        conv=conv,
        optimum=Optimum(rho, 0.0, np.nan, feasible.low, feasible.high, (rho, 0.0), 1),
        logdet_method=feasible.method,
        r2_within=1.0 - float((e**2).sum()) / total,
        maximum=values,
        trace_se=0.0,
        draws=None,
        influence=influence,
        n_factors=(of_x.shape[1], of_e.shape[1]),
        hansen=hansen_test(rows, z.reshape(n * t, -1), outcome.ravel(), weight),
    )


def _solve(q: FloatArray, z: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """2SLS (p,) of y (N, T, 1) on z (N, T, p) with instruments q (N, T, m), and what turns q'y into it (p, m)."""
    q, z = (values.reshape(-1, values.shape[2]) for values in (q, z))
    weight = np.linalg.inv(q.T @ q)
    params, bread = two_stage(q, z, y.ravel(), weight)
    return params, np.asarray(bread @ z.T @ q @ weight)


def principal_factors(rows: FloatArray, most: int) -> FloatArray:
    """(T, r): the first r principal components over the years of rows (R, T), r <= most by the eigenvalue ratio."""
    values, vectors = np.linalg.eigh(rows.T @ rows)
    total = float(values.sum())
    mock = total / np.log(min(rows.shape))
    ordered = np.maximum(np.append(mock, values[::-1][: most + 1]), 1e-12 * total)
    count = int(np.argmax(ordered[:-1] / ordered[1:]))
    return np.asarray(vectors[:, ::-1][:, :count])


def without(values: FloatArray, factors: FloatArray) -> FloatArray:
    """values (N, T, m) less their projection over the years on orthonormal factors (T, r)."""
    return np.asarray(values - np.einsum("ts,nsm->ntm", factors @ factors.T, values))
