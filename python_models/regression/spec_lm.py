"""LM and robust LM tests against a spatial lag and a spatial error, centred for within residuals.

Not here: Wald and LR tests (spec_wald), the decision rule (spec_search).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_arrays import Values, Weights, degrees, demeaned_traces, least_squares, panel_inputs
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import within

VARIANTS = ("centred", "naive")


def lm_tests(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    durbin: bool = False,
    variant: str = "centred",
    names: Sequence[str] | None = None,
) -> SpecTests:
    """LM_lag, LM_err, robust RLM_lag and RLM_err, and the joint test, on within residuals.

    y (N, T), x (N, T, k), W (N, N), or labelled frames with a graph. With Ws = J W J,
    Q = T' T_W, T_W = tr(Ws Ws + Ws'Ws), c = T' tr(Ws), s2 = e'e/(N'T'):
        A = e'(I x W)y*/s2 - c,   B = e'(I x W)e/s2 - c,
        J = [(Ws X* b)' M_X (Ws X* b) + Q s2]/s2,
        LM_lag = A^2/J,  LM_err = B^2/Q,  RLM_lag = (A - B)^2/(J - Q),
        RLM_err = (B - (Q/J) A)^2/(Q(1 - Q/J)),  each chi2(1);  joint = LM_err + RLM_lag, chi2(2).
    `durbin` adds W x to the regressors (residuals of SLX: chooses SDM against SDEM).
    `variant="naive"` takes T, tr(WW + W'W), s2 = e'e/(NT) and no centring: the published statistic, which
    over-rejects on two-way within data; for reproduction only.
    effects="none" includes an intercept (its trace terms stay those of the cross-section tests). Raises
    PanelInputError for missing cells, wrong shapes, a diagonal in W, collinear or invariant regressors.
    Source: Anselin, Le Gallo & Jayet 2008; Elhorst 2010; Debarsy & Ertur 2010.
    """
    if variant not in VARIANTS:
        raise PanelInputError(f"unknown variant '{variant}': choose from {', '.join(VARIANTS)}.")
    parts = _parts(y, x, w, effects, durbin, variant, names)
    if not parts.j > parts.q:
        raise PanelInputError("the robust tests do not exist: the fitted values have no spatial lag of their own.")
    a, b, j, q = parts.a, parts.b, parts.j, parts.q
    note = f"{variant}, residuals of {'slx' if durbin else 'ols'}, {effects} effects"
    mark = "_slx" if durbin else ""
    rows = (
        ("lm_lag", a**2 / j, 1),
        ("lm_err", b**2 / q, 1),
        ("rlm_lag", (a - b) ** 2 / (j - q), 1),
        ("rlm_err", (b - q / j * a) ** 2 / (q * (1.0 - q / j)), 1),
        ("lm_joint", b**2 / q + (a - b) ** 2 / (j - q), 2),
    )
    return SpecTests(tuple(SpecTest.chi2(code + mark, value, df, note) for code, value, df in rows))


@dataclass(frozen=True)
class _Parts:
    """A, B, J and Q of the four statistics."""

    a: float
    b: float
    j: float
    q: float


def _parts(
    y: Values, x: Values, w: Weights, effects: str, durbin: bool, variant: str, names: Sequence[str] | None
) -> _Parts:
    given = panel_inputs(y, x, w, names)
    plane, cube, weights, labels = given.y, given.x, given.weights, list(given.names)
    n, t = plane.shape
    if durbin:
        cube = np.concatenate([cube, weights.lag(cube)], axis=2)
        labels += [f"W:{name}" for name in labels]
    is_naive = variant == "naive"
    n_free, t_free = (n, t) if is_naive else degrees(n, t, effects)
    if n_free * t_free <= cube.shape[2]:
        raise PanelInputError(
            f"{n} cities in {t} years are too few for {cube.shape[2]} regressors with {effects} effects."
        )
    traces = demeaned_traces(weights, "none" if is_naive else effects)

    ys, xs = within(plane, effects), within(cube, effects)
    z = xs.reshape(n * t, -1)
    ols = least_squares(z, ys.reshape(-1), labels)
    e = ols.residual
    s2 = float(e @ e) / (n_free * t_free)
    centre = 0.0 if is_naive else t_free * traces.trace
    q = t_free * traces.square
    # without effects the fitted values hold the intercept, whose lag matters where rows of W do not sum to one
    mean = plane.mean() - float(cube.mean(axis=(0, 1)) @ ols.coef) if effects == "none" else 0.0
    fitted = ((cube if effects == "none" else xs).reshape(n * t, -1) @ ols.coef + mean).reshape(n, t)
    fitted_lag = _transformed_lag(weights, fitted, effects, is_naive)
    left = fitted_lag - z @ np.linalg.lstsq(z, fitted_lag, rcond=None)[0]
    return _Parts(
        a=float(e @ weights.lag(ys).reshape(-1)) / s2 - centre,
        b=float(e @ weights.lag(e.reshape(n, t)).reshape(-1)) / s2 - centre,
        j=(float(left @ left) + q * s2) / s2,
        q=q,
    )


def _transformed_lag(weights: SpatialWeights, fitted: FloatArray, effects: str, is_naive: bool) -> FloatArray:
    """W yhat; without its effects again, unless the naive form is asked for."""
    lagged = weights.lag(fitted)
    return (lagged if is_naive else within(lagged, effects)).reshape(-1)
