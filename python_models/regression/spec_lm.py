"""LM and robust LM tests against a spatial lag and a spatial error, centred for within residuals, with robust twins."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.regression.covariance import Rows, freed, sums_by
from python_models.regression.data import Values, Weights, degrees, demeaned_traces, least_squares, panel_inputs
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import has_time, within

VARIANTS = ("centred", "naive")
CLUSTERED = "_cluster"  # mark of the robust twins


@aligned
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
    """LM tests of spatial lag and error on within residuals, plain, robust and joint; the same clustered by city.

    Parameters
    ----------
    y, x, w, effects : as in `specification_search`
    durbin : bool
        Add W x to the regressors (residuals of SLX: chooses SDM against SDEM).
    variant : str
        "centred", or "naive" as published, which over-rejects on two-way within data.
    names : sequence of str, optional
        Names of the regressors.

    Returns
    -------
    SpecTests
        Tests by code.

    Notes
    -----
    A = e'(I x W)y*/s2 - c, B = e'(I x W)e/s2 - c; the statistics are in docs/formulas.md#tests, each chi2(1); joint =
    LM_err + RLM_lag, chi2(2). They suppose independent errors of one variance; the twins `.._cluster` put the same sums
    over what they vary when the errors of a city may have any variance and any correlation over time.

    References
    ----------
    Anselin, Le Gallo and Jayet (2008); Elhorst (2010); Debarsy and Ertur (2010); Bera and Yoon (1993); Born and
    Breitung (2011).

    Examples
    --------
    >>> from python_models.regression import lm_tests
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> lm_tests(y, x[..., None], W).to_frame()["test_code"].tolist()[:5]
    ['lm_lag', 'lm_err', 'rlm_lag', 'rlm_err', 'lm_joint']
    """
    if variant not in VARIANTS:
        raise PanelInputError(f"unknown variant '{variant}': choose from {', '.join(VARIANTS)}.")
    a, b, j, q, scores = _parts(y, x, w, effects, durbin, variant, names)
    if not j > q:
        raise PanelInputError("the robust tests do not exist: the fitted values have no spatial lag of their own.")
    note = f"{variant}, residuals of {'slx' if durbin else 'ols'}, {effects} effects"
    mark = "_slx" if durbin else ""
    rows = (
        ("lm_lag", a**2 / j, 1),
        ("lm_err", b**2 / q, 1),
        ("rlm_lag", (a - b) ** 2 / (j - q), 1),
        ("rlm_err", (b - q / j * a) ** 2 / (q * (1.0 - q / j)), 1),
        ("lm_joint", b**2 / q + (a - b) ** 2 / (j - q), 2),
    )
    plain = SpecTests(tuple(SpecTest.chi2(code + mark, value, df, note) for code, value, df in rows))
    if variant == "naive":
        return plain
    v = scores.T @ scores  # of (A, B)
    ab = np.array([a, b])

    def over(c: tuple[float, float]) -> float:
        return float((ab @ c) ** 2 / (c @ v @ np.asarray(c)))

    contrasts = ((1.0, 0.0), (0.0, 1.0), (1.0, -1.0), (-q / j, 1.0))
    values = [*(over(c) for c in contrasts), float(ab @ np.linalg.solve(v, ab))]
    note = f"clustered by city, {note}"
    pairs = zip(rows, values, strict=True)
    return plain.plus(SpecTest.chi2(code + mark + CLUSTERED, value, df, note) for (code, _, df), value in pairs)


class _Parts(NamedTuple):
    """A, B, J and Q of the four statistics; scores (2N, 2): what cities, and their pairs, add to A and B."""

    a: float
    b: float
    j: float
    q: float
    scores: FloatArray


def _parts(
    y: Values, x: Values, w: Weights, effects: str, durbin: bool, variant: str, names: Sequence[str] | None
) -> _Parts:
    plane, cube, weights, labels = panel_inputs(y, x, w, names)
    n, t = plane.shape
    if durbin:
        cube = np.concatenate([cube, weights.lag(cube)], axis=2)
        labels += tuple(f"W:{name}" for name in labels)
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
    lagged = weights.lag(fitted)  # without its effects again, but for the naive form (an intercept always goes)
    fitted_lag = (lagged if is_naive and effects != "none" else within(lagged, effects)).reshape(-1)
    left = fitted_lag - z @ np.linalg.lstsq(z, fitted_lag, rcond=None)[0]
    return _Parts(
        a=float(e @ weights.lag(ys).reshape(-1)) / s2 - centre,
        b=float(e @ weights.lag(e.reshape(n, t)).reshape(-1)) / s2 - centre,
        j=(float(left @ left) + q * s2) / s2,
        q=q,
        scores=_scores(weights, e.reshape(n, t), left, z, s2, t_free, effects),
    )


def _scores(
    weights: SpatialWeights, e: FloatArray, left: FloatArray, z: FloatArray, s2: float, t_free: int, effects: str
) -> FloatArray:
    """(2N, 2): own part of each city in A and B, then its pairs times sqrt 2; B = (W + W')/2, centred in a year."""
    n, t = e.shape
    rows = Rows.balanced(n, t)
    both = (weights.lag(e) + np.asarray(weights.matrix.T @ e)) / 2.0
    diagonal = np.zeros((n, 1))
    if has_time(effects):
        both = both - both.mean(axis=0)
        sums = np.asarray(weights.matrix.sum(axis=1)).ravel() + np.asarray(weights.matrix.sum(axis=0)).ravel()
        diagonal = (-sums / n + weights.matrix.sum() / n**2)[:, None]
    square = (diagonal * (e**2 - s2 * t_free / t)).sum(axis=1)
    linear = sums_by((left * freed([z, left[:, None]], e.reshape(-1), rows))[:, None], rows.unit)[:, 0]
    pairs = np.sqrt(2.0) * (e * (both - diagonal * e)).sum(axis=1)
    return np.column_stack([np.concatenate([linear + square, pairs]), np.concatenate([square, pairs])]) / s2
