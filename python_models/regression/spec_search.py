"""Wald, LR and F tests, Hausman's test, and the specification search: all tests of a static panel and the rule that
reads them.

The rule reads the tests that are robust to errors that last and differ in size; their plain twins are shown beside. LR
and F suppose independent errors of one variance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.regression.core import CoreFit, fit_panel
from python_models.regression.data import Values, Weights, as_panel_x, as_panel_y, least_squares, panel_inputs
from python_models.regression.diagnostics import (
    modified_wald,
    pesaran_cd,
    residual_moran,
    squared_correlation,
    wooldridge_ar1,
)
from python_models.regression.errors import PanelInputError, require_known
from python_models.regression.spec_lm import CLUSTERED, lm_tests
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.within import EFFECTS, has_entity, has_time, within

SEARCHED = ("ols", "slx", "sar", "sem", "sdm")
RULES = {
    "lm_path": "OLS residuals, tests clustered by city: no LM rejects -> ols; one rejects -> its model; both -> the "
    "robust test that rejects, or the larger one",
    "slx_path": "SLX residuals, the same path: lag -> sdm, error -> sdem, none -> slx",
    "theta_zero": "SDM -> SAR is rejected where the Wald test of theta = 0 rejects, clustered by city",
    "common_factor": "SDM -> SEM is rejected where the Wald test of theta + rho beta = 0 rejects, clustered by city",
    "verdict": "both rejected -> sdm; only one not rejected -> that simpler model; neither rejected -> the LM path",
}


def wald(
    estimate: ArrayLike, cov: ArrayLike, restriction: ArrayLike, *, code: str = "wald", note: str = ""
) -> SpecTest:
    """Wald test of R theta = 0: (R th)'(R V R')^-1 (R th), chi2(q); theta (p,), V (p, p), R (q, p).

    PanelInputError: shapes that do not fit, a restriction whose variance is singular (the same restriction twice).
    """
    theta, v = np.asarray(estimate, dtype=np.float64), np.asarray(cov, dtype=np.float64)
    r = np.atleast_2d(np.asarray(restriction, dtype=np.float64))
    if v.shape != (len(theta), len(theta)) or r.shape[1] != len(theta):
        raise PanelInputError(f"wald needs cov (p, p) and R (q, p) for p = {len(theta)}, got {v.shape} and {r.shape}.")
    return _quadratic(r @ theta, r @ v @ r.T, code, note)


def likelihood_ratio(lnl_wide: float, lnl_narrow: float, df: float, *, code: str, note: str = "") -> SpecTest:
    """Likelihood-ratio test of nested models on one sample: LR = 2 (lnL wide - lnL narrow), chi2(df).

    PanelInputError: a narrow model that fits better: the two are not nested, or one search has failed.
    """
    value = 2.0 * (lnl_wide - lnl_narrow)
    if not np.isfinite(value):
        raise PanelInputError(f"{code}: a log-likelihood is missing or infinite.")
    if value < -1e-6 * max(1.0, abs(lnl_wide)):
        raise PanelInputError(f"{code}: the restricted model has the higher likelihood ({lnl_narrow} > {lnl_wide}).")
    return SpecTest.chi2(code, max(value, 0.0), df, note)


def joint_effects_f(y: ArrayLike, x: ArrayLike, *, effects: str = "twoways") -> SpecTests:
    """F tests of the effects of OLS: `f_ind` cities given years, `f_time` years given cities.

    F = [(SSR_r - SSR_u)/q]/[SSR_u/(NT - k - effects)]. effects "entity" or "time": only its own test, against the
    pooled regression with a constant.
    """
    require_known(effects, EFFECTS, "effects")
    plane = as_panel_y(y)
    cube = as_panel_x(x, plane.shape)
    n, t = plane.shape
    tests, ssr = [], _ssr(plane, cube, effects)
    for code, kind, without, q in (("f_ind", "entity", "time", n - 1), ("f_time", "time", "entity", t - 1)):
        if effects not in (kind, "twoways"):
            continue
        df = n * t - (n + t - 1 if effects == "twoways" else q + 1) - cube.shape[2]
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

    Parameters
    ----------
    y, x, w : as in `specification_search`
    effects : str
        "twoways" or "entity".
    durbin, names : as in `fit_panel`

    Returns
    -------
    SpecTest
        Statistic, degrees of freedom, p-value.

    Raises
    ------
    PanelInputError
        No city effects, one year.

    Notes
    -----
    The city means of X and W X join the model without city effects; Wald test of their slopes, clustered by city,
    chi2(number of means): unlike d'(V_FE - V_RE)^-1 d it needs neither independent errors nor a difference of variances
    that is positive definite. Fixed effects stay the headline whatever the outcome, as the cities are the population
    and not a sample.

    References
    ----------
    Mundlak (1978); Wooldridge (2010, 10.7.3).

    Examples
    --------
    >>> from python_models.regression import hausman
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> 0 <= hausman(y, x[..., None], W).p <= 1
    True
    """
    if effects not in ("twoways", "entity"):
        raise PanelInputError(f"Hausman's test compares city effects: effects 'twoways' or 'entity', got {effects!r}.")
    inputs = panel_inputs(y, x, w, names)
    t, k = inputs.x.shape[1:]
    if t < 2:
        raise PanelInputError("one year cannot distinguish random from fixed city effects.")
    lagged = list(range(k)) if durbin is None else list(durbin)
    labels = [*inputs.names, *(f"W:{inputs.names[j]}" for j in lagged)]
    z = np.concatenate([inputs.x, inputs.weights.lag(np.ascontiguousarray(inputs.x[:, :, lagged]))], axis=2)
    moves = np.ptp(z, axis=1).max(axis=0)
    if not (moves > 0).all():
        raise PanelInputError(f"'{labels[int(np.argmin(moves))]}' does not vary over time: city effects absorb it.")
    means = np.repeat(z.mean(axis=1, keepdims=True), t, axis=1)
    both, without = np.concatenate([z, means], axis=2), "time" if has_time(effects) else "none"
    fit = fit_panel(inputs.y, both, inputs.weights, model="sar", effects=without)
    at = np.arange(len(labels), 2 * len(labels))
    note = "regression form: no city means of X and W X; clustered by city"
    return wald(fit.params[at], fit.cov[np.ix_(at, at)], np.eye(len(at)), code="hausman", note=note)


def _ssr(y: FloatArray, x: FloatArray, effects: str) -> float:
    ys, xs = within(y, effects), within(x, effects)
    # lstsq: a time-invariant regressor is legitimate in the restricted model and harmless in the wide one
    z = xs.reshape(y.size, -1)
    if has_entity(effects):
        return float((least_squares(z, ys.reshape(-1)).residual ** 2).sum())
    coef = np.linalg.lstsq(z, ys.reshape(-1), rcond=None)[0]
    return float(((ys.reshape(-1) - z @ coef) ** 2).sum())


def _quadratic(value: FloatArray, variance: FloatArray, code: str, note: str) -> SpecTest:
    if not (np.isfinite(value).all() and np.isfinite(variance).all()):
        raise PanelInputError(f"{code}: an estimate or its covariance is missing.")
    d = np.sqrt(np.diag(variance))  # free of scales: very different units are no reason to refuse
    if not (d > 0).all() or np.linalg.matrix_rank(variance / np.outer(d, d), hermitian=True) < len(value):
        raise PanelInputError(f"{code}: the restrictions are linearly dependent.")
    return SpecTest.chi2(code, float(value @ np.linalg.solve(variance, value)), len(value), note)


class Step(NamedTuple):
    """One step of the rule: what it says, the p-values it read, and its outcome."""

    step: str
    rule: str
    evidence: str
    outcome: str


@dataclass(frozen=True, eq=False)
class SpecificationSearch(Shown):
    """fits by model, all tests, the steps of the rule, and the verdict (a model name)."""

    fits: Mapping[str, CoreFit]
    tests: SpecTests
    steps: tuple[Step, ...]
    alpha: float

    @property
    def verdict(self) -> str:
        """The model that the rule recommends; SDM is reported beside it in any case."""
        return self.steps[-1].outcome

    def to_frame(self) -> pd.DataFrame:
        return pd.DataFrame(self.steps, columns=["step", "rule", "evidence", "outcome"])


@aligned
def specification_search(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    alpha: float = 0.05,
    names: Sequence[str] | None = None,
    with_levels: tuple[Values, Values] | None = None,
) -> SpecificationSearch:
    """Fit OLS, SLX, SAR, SEM and SDM, make every test, and apply the decision rule.

    Parameters
    ----------
    y : (N, T) array or frame
        Outcome.
    x : (N, T, k) array, or frame(s)
        Regressors.
    w : (N, N) matrix, graph or SpatialWeights
        Weights; row i receives.
    effects : str
        Fixed effects: "none" (one intercept), "entity", "time" or "twoways".
    estimator : str
        Likelihood of the fixed effects, one for all models.
    alpha : float
        Level of the tests.
    names : sequence of str, optional
        Names of the regressors.
    with_levels : (y, x), optional
        What the effects are tested on where y and x are free of the means of cities (`by_segment`): one segment.

    Returns
    -------
    SpecificationSearch
        Fits, tests and the steps of the rule (RULES).

    Raises
    ------
    PanelInputError
        As `fit_panel`.

    Notes
    -----
    Tests that the effects do not allow (no city effects: no Hausman test) are left out.

    Examples
    --------
    >>> from python_models.regression import specification_search
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> type(specification_search(y, x[..., None], W)).__name__
    'SpecificationSearch'
    """
    inputs = panel_inputs(y, x, w, names)
    data = inputs[:3]
    same: dict[str, Any] = {"effects": effects, "names": inputs.names}
    fits = {model: fit_panel(*data, model=model, estimator=estimator, **same) for model in SEARCHED}
    tests = lm_tests(*data, **same).plus(lm_tests(*data, durbin=True, **same))
    tests = tests.plus(nested_tests(fits["sdm"], fits["sar"], fits["sem"]))
    try:
        tests = tests.plus(effects_tests(*(with_levels or data[:2]), data[2], **same))
    except PanelInputError as refused:  # a segment may be too short for what all years allow
        if with_levels is None:
            raise
        tests = tests.plus([SpecTest("f_ind", np.nan, np.nan, np.nan, f"not made: {refused}")])
    return SpecificationSearch(fits, tests, decide(tests, alpha), alpha)


def nested_tests(sdm: CoreFit, sar: CoreFit, sem: CoreFit) -> SpecTests:
    """Wald and LR tests of SDM against SAR (theta = 0) and SEM (theta + rho beta = 0), fits of one sample."""
    if sdm.model != "sdm" or sar.model != "sar" or sem.model != "sem":
        raise PanelInputError(f"expected sdm, sar and sem, got {sdm.model}, {sar.model} and {sem.model}.")
    if len({(f.n_rows, f.estimator, f.effects, f.weights.key) for f in (sdm, sar, sem)}) > 1:
        raise PanelInputError("the three models differ in sample, estimator, effects or weights: nothing is nested.")
    beta, q = list(sdm.lagged), len(sdm.lagged)
    theta = list(range(sdm.n_slopes - q, sdm.n_slopes))
    at = [*beta, *theta, sdm.n_slopes]  # and rho
    factor = np.hstack([sdm.rho * np.eye(q), np.eye(q), sdm.params[beta][:, None]])  # delta method
    value = sdm.params[theta] + sdm.rho * sdm.params[beta]
    common = factor @ sdm.cov[np.ix_(at, at)] @ factor.T
    zero, shared = "H0: theta = 0", "H0: theta + rho beta = 0"
    return SpecTests(
        (
            wald(sdm.params[theta], sdm.cov[np.ix_(theta, theta)], np.eye(q), code="wald_sar", note=zero),
            likelihood_ratio(sdm.loglik, sar.loglik, q, code="lr_sar", note=zero),
            _quadratic(value, common, "wald_sem", f"{shared}, delta method"),
            likelihood_ratio(sdm.loglik, sem.loglik, q, code="lr_sem", note=shared),
        )
    )


def effects_tests(
    y: Values, x: Values, w: Weights, *, effects: str = "twoways", names: Sequence[str] | None = None
) -> SpecTests:
    """Tests of the fixed effects of the SDM: LR on the untransformed likelihood, F of OLS, Hausman.

    Hausman needs city effects, and with year effects a row-normalised W; it is left out otherwise, and has p NaN and a
    note where the cities are too few. The LR test of city effects is unreliable for a fixed number of years: F beside
    it. PanelInputError: y is free of the means of cities, which says nothing of their effects.
    """
    inputs = panel_inputs(y, x, w, names)
    data, labels = inputs[:3], inputs.names
    n, t = inputs.y.shape
    if has_entity(effects) and np.ptp(inputs.y.mean(axis=1)) < 1e-9 * np.ptp(inputs.y):
        raise PanelInputError("y is free of the means of cities: their effects are tested on y as it is measured.")
    result = SpecTests(())
    full = fit_panel(*data, effects=effects, estimator="direct", cov="info", names=labels)
    drops = (
        ("lr_ind", has_entity(effects), "time" if has_time(effects) else "none", n - 1, "unreliable for few years"),
        ("lr_time", has_time(effects), "entity" if has_entity(effects) else "none", t - 1, ""),
    )
    for code, applies, without, df, note in drops:
        if applies:
            narrow = fit_panel(*data, effects=without, estimator="direct", cov="info", names=labels)
            result = result.plus([likelihood_ratio(full.loglik, narrow.loglik, df, code=code, note=note)])
    if effects != "none":
        result = result.plus(joint_effects_f(inputs.y, inputs.x, effects=effects))
    if has_entity(effects) and (inputs.weights.is_row_normalised or not has_time(effects)):
        try:
            result = result.plus([hausman(*data, effects=effects, names=labels)])
        except PanelInputError as refused:  # more means than so few cities allow: one test less, not one model less
            result = result.plus([SpecTest("hausman", np.nan, np.nan, np.nan, f"not made: {refused}")])
    return result


@aligned
def residual_tests(fit: CoreFit, y: Values, x: Values, *, years: Sequence[int] | None = None) -> SpecTests:
    """Checks of the residuals of a fit: Moran (pooled and per year), CD, serial correlation, heteroskedasticity.

    Parameters
    ----------
    fit : CoreFit
        Fitted model.
    y, x : as in `specification_search`
    years : sequence of int, optional
        Labels of the years.

    Returns
    -------
    SpecTests
        Tests by code.

    Examples
    --------
    >>> from python_models.regression import fit_panel, residual_tests
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> residual_tests(fit_panel(y, x[..., None], W), y, x[..., None]).codes[0]
    'moran_residual'
    """
    e = fit.residuals
    moran = residual_moran(e, fit.weights, years=years, effects=fit.effects)
    yearly = zip(moran.years, moran.statistic, moran.z, strict=True)
    tests = [moran.pooled, *(SpecTest.normal(f"moran_{t}", float(z), f"I = {value:.4f}") for t, value, z in yearly)]
    if e.shape[1] >= 3:
        tests += [pesaran_cd(e), squared_correlation(e), modified_wald(e)]
    if e.shape[1] >= 4:
        tests.append(wooldridge_ar1(y, x, time_effects=has_time(fit.effects)))
    return SpecTests(tuple(tests))


def decide(tests: SpecTests, alpha: float = 0.05) -> tuple[Step, ...]:
    lm = _path(tests, "", alpha, {"lag": "sar", "err": "sem", "none": "ols"})
    slx = _path(tests, "_slx", alpha, {"lag": "sdm", "err": "sdem", "none": "slx"})
    against_sar, against_sem = (tests[f"wald_{model}"].rejects(alpha) for model in ("sar", "sem"))
    model = {(True, True): "sdm", (False, True): "sar", (True, False): "sem"}.get((against_sar, against_sem), lm)
    steps = (
        ("lm_path", _evidence(tests, *_codes("")), lm),
        ("slx_path", _evidence(tests, *_codes("_slx")), slx),
        ("theta_zero", _evidence(tests, "wald_sar", "lr_sar"), _verdict(against_sar)),
        ("common_factor", _evidence(tests, "wald_sem", "lr_sem"), _verdict(against_sem)),
        ("verdict", f"level {alpha:g}", model),
    )
    return tuple(Step(step, RULES[step], evidence, outcome) for step, evidence, outcome in steps)


def _codes(mark: str) -> tuple[str, ...]:
    return tuple(f"{code}{mark}{CLUSTERED}" for code in ("lm_lag", "lm_err", "rlm_lag", "rlm_err"))


def _path(tests: SpecTests, mark: str, alpha: float, outcomes: Mapping[str, str]) -> str:
    lag, err, robust_lag, robust_err = (tests[code].rejects(alpha) for code in _codes(mark))
    if not lag and not err:
        return outcomes["none"]
    if lag and err:
        first, second = (tests[code].statistic for code in _codes(mark)[2:])
        lag = robust_lag if robust_lag != robust_err else first >= second
    return outcomes["lag" if lag else "err"]


def _evidence(tests: SpecTests, *codes: str) -> str:
    return ", ".join(f"{code} p = {tests[code].p:.4f}".replace("= 0.0000", "< 0.0001") for code in codes)


def _verdict(is_rejected: bool) -> str:
    return "rejected" if is_rejected else "not rejected"
