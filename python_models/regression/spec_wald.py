"""Wald and likelihood-ratio tests of SDM against SAR and SEM, of joint fixed effects, and of random against fixed ones.

Wald tests are as robust as the covariance that comes in; LR and F suppose independent errors of one variance.
"""

from collections.abc import Sequence

import numpy as np

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models.regression.core import fit_panel
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_arrays import Values, Weights, as_panel_x, as_panel_y, least_squares, panel_inputs
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.within import check_effects, has_time, within


def wald(
    estimate: ArrayLike, cov: ArrayLike, restriction: ArrayLike, *, code: str = "wald", note: str = ""
) -> SpecTest:
    """Wald test of R theta = 0: (R th)'(R V R')^-1 (R th), chi2(q).

    estimate (p,), cov (p, p), restriction R (q, p). Raises PanelInputError for shapes that do not fit and for a
    restriction whose variance is singular (the same restriction twice).

    >>> from python_models.regression import wald
    >>> wald([2.0, 0.0], np.eye(2), [[1.0, 0.0]]).statistic
    4.0
    """
    theta, v = np.asarray(estimate, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    r = np.atleast_2d(np.asarray(restriction, dtype=np.float64))
    if v.shape != (len(theta), len(theta)) or r.shape[1] != len(theta):
        raise PanelInputError(f"wald needs cov (p, p) and R (q, p) for p = {len(theta)}, got {v.shape} and {r.shape}.")
    return _quadratic(r @ theta, r @ v @ r.T, code, note)


def wald_against_sar(theta: ArrayLike, cov_theta: ArrayLike) -> SpecTest:
    """SDM -> SAR, H0 theta = 0. theta (q,), cov_theta (q, q) its covariance."""
    values = np.asarray(theta, dtype=np.float64)
    return wald(values, cov_theta, np.eye(len(values)), code="wald_sar", note="H0: theta = 0")


def wald_against_sem(beta: ArrayLike, theta: ArrayLike, rho: float, cov: ArrayLike) -> SpecTest:
    """SDM -> SEM, H0 theta + rho beta = 0 (common factor), by the delta method.

    beta (q,), theta (q,) of the same regressors in the same order; cov (2q + 1, 2q + 1) of (beta, theta, rho).
    R row j = rho at beta_j, 1 at theta_j, beta_j at rho.
    """
    b, th = np.asarray(beta, dtype=np.float64), np.asarray(theta, dtype=np.float64)
    if b.shape != th.shape:
        raise PanelInputError(f"the common-factor test needs one theta per beta, got {len(b)} and {len(th)}.")
    q = len(b)
    v = np.asarray(cov, dtype=np.float64)
    if v.shape != (2 * q + 1, 2 * q + 1):
        raise PanelInputError(f"cov of (beta, theta, rho) must be {(2 * q + 1, 2 * q + 1)}, got {v.shape}.")
    r = np.hstack([rho * np.eye(q), np.eye(q), b[:, None]])
    return _quadratic(th + rho * b, r @ v @ r.T, "wald_sem", "H0: theta + rho beta = 0, delta method")


def likelihood_ratio(lnl_wide: float, lnl_narrow: float, df: float, *, code: str, note: str = "") -> SpecTest:
    """LR = 2 (lnL of the wide model - lnL of the narrow one), chi2(df); same likelihood and sample.

    A narrow model that fits better raises ValueError: then the two are not nested or one search has failed.

    >>> from python_models.regression import likelihood_ratio
    >>> test = likelihood_ratio(-10.0, -13.0, 2, code="lr")
    >>> test.statistic, round(test.p, 4)
    (6.0, 0.0498)
    """
    value = 2.0 * (lnl_wide - lnl_narrow)
    if not np.isfinite(value):
        raise PanelInputError(f"{code}: a log-likelihood is missing or infinite.")
    if value < -1e-6 * max(1.0, abs(lnl_wide)):
        raise PanelInputError(f"{code}: the restricted model has the higher likelihood ({lnl_narrow} > {lnl_wide}).")
    return SpecTest.chi2(code, max(value, 0.0), df, note)


@aligned
def joint_effects_f(y: ArrayLike, x: ArrayLike, *, effects: str = "twoways") -> SpecTests:
    """F tests of the effects of OLS: `f_ind` cities given years, `f_time` years given cities.

    y (N, T), x (N, T, k). F = [(SSR_r - SSR_u)/q]/[SSR_u/(NT - k - effects)]. With effects="entity" or "time"
    only its own test, against the pooled regression with a constant.

    >>> from python_models.regression import joint_effects_f
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> joint_effects_f(y, x[..., None]).codes
    ('f_ind', 'f_time')
    """
    check_effects(effects)
    plane = as_panel_y(y)
    cube = as_panel_x(x, plane.shape)
    n, t = plane.shape
    tests = []
    for code, kind, without, q in (("f_ind", "entity", "time", n - 1), ("f_time", "time", "entity", t - 1)):
        if effects not in (kind, "twoways"):
            continue
        n_effects = n + t - 1 if effects == "twoways" else q + 1
        df = n * t - n_effects - cube.shape[2]
        ssr = _ssr(plane, cube, effects)
        restricted = _ssr(plane, cube, without if effects == "twoways" else "none")
        note = f"OLS, H0: no {'city' if kind == 'entity' else 'year'} effects"
        tests.append(SpecTest.f(code, (restricted - ssr) / q / (ssr / df), q, df, note))
    return SpecTests(tuple(tests))


@aligned
def hausman(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    durbin: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> SpecTest:
    """Hausman's test in its regression form: H0 city effects are not related to the regressors.

    The city means of X and W X join the model without city effects (Mundlak 1978); Wald test of their slopes with
    errors clustered by city, chi2(number of means). Unlike d'(V_FE - V_RE)^-1 d it needs neither independent errors
    nor a difference of variances that is positive definite. y (N, T), x (N, T, k); durbin as in the fitted model.
    Fixed effects stay the headline whatever the outcome, as the cities are the population and not a sample.
    Source: Wooldridge (2010, 10.7.3).

    >>> from python_models.regression import hausman
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> 0 <= hausman(y, x[..., None], W).p <= 1
    True
    """
    if effects not in ("twoways", "entity"):
        raise PanelInputError(f"Hausman's test compares city effects: effects 'twoways' or 'entity', got {effects!r}.")
    given = panel_inputs(y, x, w, names)
    t, k = given.x.shape[1:]
    if t < 2:
        raise PanelInputError("one year cannot distinguish random from fixed city effects.")
    lagged = list(range(k)) if durbin is None else list(durbin)
    labels = [*given.names, *(f"W:{given.names[j]}" for j in lagged)]
    z = np.concatenate([given.x, given.weights.lag(np.ascontiguousarray(given.x[:, :, lagged]))], axis=2)
    moves = np.ptp(z, axis=1).max(axis=0)
    if not (moves > 0).all():
        raise PanelInputError(f"'{labels[int(np.argmin(moves))]}' does not vary over time: city effects absorb it.")
    means = np.repeat(z.mean(axis=1, keepdims=True), t, axis=1)
    fit = fit_panel(
        given.y,
        np.concatenate([z, means], axis=2),
        given.weights,
        model="sar",
        effects="time" if has_time(effects) else "none",
        names=[f"z{j}" for j in range(2 * len(labels))],
    )
    at = np.arange(len(labels), 2 * len(labels))
    note = "regression form: no city means of X and W X; clustered by city"
    return wald(fit.params[at], fit.cov[np.ix_(at, at)], np.eye(len(at)), code="hausman", note=note)


def _ssr(y: FloatArray, x: FloatArray, effects: str) -> float:
    ys, xs = within(y, effects), within(x, effects)
    # lstsq: a time-invariant regressor is legitimate in the restricted model and harmless in the wide one
    z = xs.reshape(y.size, -1)
    if effects not in ("none", "time"):
        return float((least_squares(z, ys.reshape(-1)).residual ** 2).sum())
    coef = np.linalg.lstsq(z, ys.reshape(-1), rcond=None)[0]
    return float(((ys.reshape(-1) - z @ coef) ** 2).sum())


def _quadratic(value: FloatArray, variance: FloatArray, code: str, note: str) -> SpecTest:
    if not (np.isfinite(value).all() and np.isfinite(variance).all()):
        raise PanelInputError(f"{code}: an estimate or its covariance is missing.")
    if np.linalg.matrix_rank(variance, hermitian=True) < len(value):
        # scale-free second look: very different units are no reason to refuse
        d = np.sqrt(np.diag(variance))
        if not (d > 0).all() or np.linalg.matrix_rank(variance / np.outer(d, d), hermitian=True) < len(value):
            raise PanelInputError(f"{code}: the restrictions are linearly dependent.")
    return SpecTest.chi2(code, float(value @ np.linalg.solve(variance, value)), len(value), note)
