"""Sensitivity of a result to unobserved confounders, and to the choice of the model and of W."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.regression.convention import convention
from python_models.regression.data import PanelInputs, Values, is_labelled, panel_inputs
from python_models.regression.design import make_design
from python_models.regression.errors import PanelInputError
from python_models.regression.likelihood import Moments, SlopeMoments, y_loadings
from python_models.regression.logdet import LogDet, log_determinant

MODELS = ("sdm", "sdem", "sar", "sem", "slx")
POINTS, DEPTH, REACH = 601, 40.0, 4.0  # of the integral over rho; log density below the top that counts


@dataclass(frozen=True)
class Robustness:
    """What a confounder that was not seen must explain, of the regressor and of y alike: partial_r2 of the regressor
    with y; the share of the residual variance of both that takes the estimate to zero (value), or makes it
    insignificant (value_alpha)."""

    partial_r2: float
    value: float
    value_alpha: float
    alpha: float


def robustness_value(estimate: float, se: float, dof: int, *, q: float = 1.0, alpha: float = 0.05) -> Robustness:
    """Robustness value of a least-squares coefficient (Cinelli and Hazlett 2020, J. Royal Stat. Society B 82:39-67).

    RV = (sqrt(f^4 + 4 f^2) - f^2)/2 with f = q |t| / sqrt(dof), for a reduction of the share q; with alpha f = q
    |t|/sqrt(dof) - t*/sqrt(dof - 1); 0 where the estimate is not significant at alpha.

    >>> from python_models.regression import robustness_value
    >>> robustness_value(2.0, 0.5, 100)
    Robustness(partial_r2=0.13793103448275862, value=0.3279215610874228, value_alpha=0.18146896878854132, alpha=0.05)
    """
    if not (se > 0 and dof > 1 and q > 0 and 0 < alpha < 1):
        raise PanelInputError(f"a robustness value needs se > 0 and dof > 1, got {se} and {dof}.")
    t = abs(estimate / se)
    f = q * t / np.sqrt(dof)
    limit = float(stats.t.ppf(1 - alpha / 2, dof - 1)) / np.sqrt(dof - 1)
    return Robustness(float(t**2 / (t**2 + dof)), _value(f), _value(f - limit), alpha)


def _value(f: float) -> float:
    return float((np.sqrt(f**4 + 4 * f**2) - f**2) / 2.0) if f > 0 else 0.0


@aligned
def model_weights(
    y: Values,
    x: Values,
    graphs: Mapping[str, Any],
    *,
    models: Sequence[str] = MODELS,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    g: float | None = None,
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Posterior probability of each model and W, all alike before (LeSage 2014, Lett. Spat. Resour. Sci. 7).

    The density of y integrated over slopes ~ N(0, s2 (g Z*'Z*)^-1), g = 1 / max(m, k^2), ln s2 flat, and r uniform on
    its feasible range: docs/formulas.md#tests. Rests on normal errors of one variance that do not last: read it beside
    the robust tests. One row per w and model: log_marginal (less a constant), weight, rho_mean; `weight_model`,
    `weight_w`: summed over the other. A model that a W does not identify has a note and no weight.

    >>> from python_models.regression import model_weights
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> model_weights(y, x[..., None], {"ring": W}, models=("slx", "sdm")).shape
    (2, 8)
    """
    if not graphs:
        raise PanelInputError("no W was given: at least one is needed.")
    rows = []
    for label, graph in graphs.items():
        given = panel_inputs(y, x, graph, None if is_labelled(y) else names)
        for model in models:
            try:
                value, mean, note = *_log_marginal(given, model, effects, estimator, g), ""
            except PanelInputError as refused:
                value, mean, note = np.nan, np.nan, str(refused)
            rows.append({"w": label, "model": model, "log_marginal": value, "rho_mean": mean, "note": note})
    frame = pd.DataFrame(rows)
    if frame["log_marginal"].isna().all():
        raise PanelInputError(f"no model can be weighed: {frame['note'].iloc[0]}")
    odds = np.exp(frame["log_marginal"] - frame["log_marginal"].max())
    frame["weight"] = odds / odds.sum()
    for axis in ("model", "w"):
        frame[f"weight_{axis}"] = frame.groupby(axis)["weight"].transform("sum")
    return frame


def _log_marginal(given: PanelInputs, model: str, effects: str, estimator: str, g: float | None) -> tuple[float, float]:
    n, t = given.y.shape
    weights = given.weights
    conv = convention(model=model, effects=effects, estimator=estimator, n=n, t=t, W=weights)
    lagged = range(given.x.shape[2]) if conv.has_wx else ()
    design = make_design(given.y, given.x, weights, conv, names=given.names, lagged=lagged)
    moments = Moments.of(design.ys, SlopeMoments.of(design))
    k, m = design.z.shape[2], conv.n_rows
    shrink = 1.0 / max(m, k**2) if g is None else g

    def density(rho: FloatArray, f: FloatArray) -> FloatArray:
        pair = (rho, np.zeros_like(rho)) if conv.has_rho else (np.zeros_like(rho), rho)
        a = y_loadings(*pair)
        whole = np.einsum("ra,ab,rb->r", a, moments.yy, a)
        square = (moments.profile(*pair).ssr + shrink * whole) / (1.0 + shrink)
        jacobian = conv.t_eff * (f - np.log1p(-rho) if conv.is_centred else f)
        return np.asarray(k / 2.0 * np.log(shrink / (1.0 + shrink)) + jacobian - m / 2.0 * np.log(square))

    if not conv.spatial_names:
        return float(density(np.zeros(1), np.zeros(1))[0]), float("nan")
    logdet = log_determinant(weights)
    rho, step = _feasible(logdet, np.linspace(-REACH, REACH, POINTS))
    # first look with the coarse log-determinant, then exactly where the density is
    rough = density(rho, logdet.coarse(rho))
    inside = np.flatnonzero(rough > rough.max() - DEPTH)
    s = np.linspace(-REACH, REACH, POINTS)[[max(inside[0] - 1, 0), min(inside[-1] + 1, POINTS - 1)]]
    rho, step = _feasible(logdet, np.linspace(s[0], s[1], POINTS))
    log = density(rho, logdet.derivatives(rho)[0]) + np.log(step)
    top = log.max()
    mass = np.exp(log - top)
    value = top + np.log(mass.sum()) - np.log(logdet.high - logdet.low)
    return float(value), float(mass @ rho / mass.sum())


def _feasible(logdet: LogDet, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """rho = mid + half tanh(s) and the width drho of each point."""
    mid, half = (logdet.high + logdet.low) / 2.0, (logdet.high - logdet.low) / 2.0
    return mid + half * np.tanh(s), half / np.cosh(s) ** 2 * (s[1] - s[0])
