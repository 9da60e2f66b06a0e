"""The specification search: all tests of a static panel, the rule that reads them, and its verdict as rows.

The rule reads the tests that are robust to errors that last and differ in size; their plain twins are shown beside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models.regression.core import CoreFit, fit_panel
from python_models.regression.diagnostics import (
    modified_wald,
    pesaran_cd,
    residual_moran,
    squared_correlation,
    wooldridge_ar1,
)
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_arrays import Values, Weights, panel_inputs
from python_models.regression.spec_lm import CLUSTERED, lm_tests
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.spec_wald import (
    hausman,
    joint_effects_f,
    likelihood_ratio,
    wald_against_sar,
    wald_against_sem,
)
from python_models.regression.within import has_entity, has_time

SEARCHED = ("ols", "slx", "sar", "sem", "sdm")
RULES = {
    "lm_path": "OLS residuals, tests clustered by city: no LM rejects -> ols; one rejects -> its model; both -> the "
    "robust test that rejects, or the larger one",
    "slx_path": "SLX residuals, the same path: lag -> sdm, error -> sdem, none -> slx",
    "theta_zero": "SDM -> SAR is rejected where the Wald test of theta = 0 rejects, clustered by city",
    "common_factor": "SDM -> SEM is rejected where the Wald test of theta + rho beta = 0 rejects, clustered by city",
    "verdict": "both rejected -> sdm; only one not rejected -> that simpler model; neither rejected -> the LM path",
}


@dataclass(frozen=True)
class Step:
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
        """One row per step: step, rule, evidence, outcome."""
        rows = [(s.step, s.rule, s.evidence, s.outcome) for s in self.steps]
        return pd.DataFrame(rows, columns=["step", "rule", "evidence", "outcome"])


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
) -> SpecificationSearch:
    """Fit ols, slx, sar, sem, sdm to y (N, T) on x (N, T, k), make every test, and apply the rule in RULES.

    Frames on (entity, time) labels with a graph do as well as arrays. Likelihoods are compared within one `estimator`
    and one sample. Tests that the effects do not allow (no city effects: no Hausman test) are left out. Raises
    PanelInputError as fit_panel does.

    >>> from python_models.regression import specification_search
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> type(specification_search(y, x[..., None], W)).__name__
    'SpecificationSearch'
    """
    given = panel_inputs(y, x, w, names)
    data = (given.y, given.x, given.weights)
    fits = {
        model: fit_panel(*data, model=model, effects=effects, estimator=estimator, names=given.names)
        for model in SEARCHED
    }
    tests = lm_tests(*data, effects=effects, names=given.names)
    tests = tests.plus(lm_tests(*data, effects=effects, durbin=True, names=given.names))
    tests = tests.plus(nested_tests(fits["sdm"], fits["sar"], fits["sem"]))
    tests = tests.plus(effects_tests(*data, effects=effects, names=given.names))
    return SpecificationSearch(fits, tests, decide(tests, alpha), alpha)


def nested_tests(sdm: CoreFit, sar: CoreFit, sem: CoreFit) -> SpecTests:
    """Wald and LR of SDM against SAR (theta = 0) and SEM (theta + rho beta = 0).

    >>> from python_models.regression import fit_panel, nested_tests
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fits = [fit_panel(y, x[..., None], W, model=model) for model in ("sdm", "sar", "sem")]
    >>> nested_tests(*fits).codes
    ('wald_sar', 'lr_sar', 'wald_sem', 'lr_sem')
    """
    if sdm.model != "sdm" or sar.model != "sar" or sem.model != "sem":
        raise PanelInputError(f"expected sdm, sar and sem, got {sdm.model}, {sar.model} and {sem.model}.")
    if len({(f.n_rows, f.estimator, f.effects, f.weights.key) for f in (sdm, sar, sem)}) > 1:
        raise PanelInputError("the three models differ in sample, estimator, effects or weights: nothing is nested.")
    lagged = list(sdm.lagged)
    n_x = sdm.n_slopes - len(lagged)
    theta = list(range(n_x, sdm.n_slopes))
    order = [*lagged, *theta, sdm.n_slopes]  # beta of the lagged x, theta, rho
    cov = sdm.cov[np.ix_(order, order)]
    df = len(lagged)
    return SpecTests(
        (
            wald_against_sar(sdm.params[theta], sdm.cov[np.ix_(theta, theta)]),
            likelihood_ratio(sdm.loglik, sar.loglik, df, code="lr_sar", note="H0: theta = 0"),
            wald_against_sem(sdm.params[lagged], sdm.params[theta], sdm.rho, cov),
            likelihood_ratio(sdm.loglik, sem.loglik, df, code="lr_sem", note="H0: theta + rho beta = 0"),
        )
    )


@aligned
def effects_tests(
    y: Values, x: Values, w: Weights, *, effects: str = "twoways", names: Sequence[str] | None = None
) -> SpecTests:
    """Joint tests of the fixed effects of the SDM: LR on the untransformed likelihood, F of OLS, Hausman.

    Hausman needs city effects, and with year effects a row-normalised W; it is left out otherwise, and has p NaN and a
    note where the cities are too few for it.
    The LR test of city effects is unreliable for a fixed number of years (N - 1 restrictions grow with N): F beside it.

    >>> from python_models.regression import effects_tests
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> effects_tests(y, x[..., None], W).codes
    ('lr_ind', 'lr_time', 'f_ind', 'f_time', 'hausman')
    """
    tests: tuple[SpecTest, ...] = ()
    given = panel_inputs(y, x, w, names)
    data = (given.y, given.x, given.weights)
    n, t = given.y.shape
    full = fit_panel(*data, effects=effects, estimator="direct", cov="info", names=given.names)
    drops = (
        ("lr_ind", has_entity(effects), "time" if has_time(effects) else "none", n - 1, "unreliable for few years"),
        ("lr_time", has_time(effects), "entity" if has_entity(effects) else "none", t - 1, ""),
    )
    for code, applies, without, df, note in drops:
        if applies:
            narrow = fit_panel(*data, effects=without, estimator="direct", cov="info", names=given.names)
            tests += (likelihood_ratio(full.loglik, narrow.loglik, df, code=code, note=note),)
    result = SpecTests(tests)
    if effects != "none":
        result = result.plus(joint_effects_f(given.y, given.x, effects=effects))
    if has_entity(effects) and (given.weights.is_row_normalised or not has_time(effects)):
        try:
            result = result.plus([hausman(*data, effects=effects, names=given.names)])
        except PanelInputError as refused:  # more means than so few cities allow: one test less, not one model less
            result = result.plus([SpecTest("hausman", np.nan, np.nan, np.nan, f"not made: {refused}")])
    return result


@aligned
def residual_tests(fit: CoreFit, y: Values, x: Values, *, years: Sequence[int] | None = None) -> SpecTests:
    """Checks of the residuals of a fit: Moran (pooled and per year), CD, serial correlation, heteroskedasticity.

    >>> from python_models.regression import fit_panel, residual_tests
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_panel(y, x[..., None], W)
    >>> len(residual_tests(fit, y, x[..., None]).codes) > 3
    True
    """
    e = fit.residuals
    moran = residual_moran(e, fit.weights, years=years, effects=fit.effects)
    tests = [moran.pooled]
    for year, value, z in zip(moran.years, moran.statistic, moran.z, strict=True):
        tests.append(SpecTest.normal(f"moran_{year}", float(z), f"I = {value:.4f}"))
    if e.shape[1] >= 3:
        tests += [pesaran_cd(e), squared_correlation(e), modified_wald(e)]
    if e.shape[1] >= 4:
        tests.append(wooldridge_ar1(y, x, time_effects=has_time(fit.effects)))
    return SpecTests(tuple(tests))


def decide(tests: SpecTests, alpha: float = 0.05) -> tuple[Step, ...]:
    """Apply RULES to the tests; the last step is the verdict."""
    lm = _path(tests, "", alpha, {"lag": "sar", "err": "sem", "none": "ols"})
    slx = _path(tests, "_slx", alpha, {"lag": "sdm", "err": "sdem", "none": "slx"})
    against_sar, against_sem = (tests[f"wald_{model}"].rejects(alpha) for model in ("sar", "sem"))
    if against_sar and against_sem:
        model = "sdm"
    elif against_sem:
        model = "sar"
    elif against_sar:
        model = "sem"
    else:
        model = lm
    return (
        Step("lm_path", RULES["lm_path"], _evidence(tests, *_codes("")), lm),
        Step("slx_path", RULES["slx_path"], _evidence(tests, *_codes("_slx")), slx),
        Step("theta_zero", RULES["theta_zero"], _evidence(tests, "wald_sar", "lr_sar"), _said(against_sar)),
        Step("common_factor", RULES["common_factor"], _evidence(tests, "wald_sem", "lr_sem"), _said(against_sem)),
        Step("verdict", RULES["verdict"], f"level {alpha:g}", model),
    )


def _codes(mark: str) -> tuple[str, ...]:
    return tuple(f"{code}{mark}{CLUSTERED}" for code in ("lm_lag", "lm_err", "rlm_lag", "rlm_err"))


def _path(tests: SpecTests, mark: str, alpha: float, outcomes: Mapping[str, str]) -> str:
    lag_test, err_test, robust_lag, robust_err = (tests[code] for code in _codes(mark))
    lag, err = lag_test.rejects(alpha), err_test.rejects(alpha)
    if not lag and not err:
        return outcomes["none"]
    if lag != err:
        return outcomes["lag" if lag else "err"]
    if robust_lag.rejects(alpha) != robust_err.rejects(alpha):
        return outcomes["lag" if robust_lag.rejects(alpha) else "err"]
    return outcomes["lag" if robust_lag.statistic >= robust_err.statistic else "err"]


def _evidence(tests: SpecTests, *codes: str) -> str:
    return ", ".join(f"{code} p = {tests[code].p:.4f}" for code in codes)


def _said(is_rejected: bool) -> str:
    return "rejected" if is_rejected else "not rejected"
