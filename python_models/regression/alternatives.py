"""What another model or another W would have said: effects side by side, and how much the data favour each.

A conclusion that holds in one of SDM, SDEM, SAR, SEM and SLX only, or under one W only, belongs to that choice.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._types import FloatArray
from python_models.regression.convention import convention
from python_models.regression.core import fit_panel
from python_models.regression.covariance import Robust
from python_models.regression.data import align_panel
from python_models.regression.design import make_design
from python_models.regression.effects import average_effects
from python_models.regression.errors import PanelInputError
from python_models.regression.likelihood import Moments, SlopeMoments, y_loadings
from python_models.regression.logdet import LogDet, log_determinant
from python_models.regression.spec_arrays import PanelInputs, Values, is_labelled, panel_inputs

MODELS = ("sdm", "sdem", "sar", "sem", "slx")
POINTS, DEPTH, REACH = 601, 40.0, 4.0  # of the integral over rho; log density below the top that counts


@aligned
def effects_by_model(
    y: Values,
    x: Values,
    graphs: Mapping[str, Any],
    *,
    models: Sequence[str] = MODELS,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
    names: Sequence[str] | None = None,
) -> pd.DataFrame:
    """Direct, indirect and total effects of every model under every W, errors by the delta method.

    y (N, T), x (N, T, k) with matrices, or labelled frames with graphs. An effect that a model sets to zero (the
    indirect one of SEM) has p NaN. One row per w, model, variable and effect: point, se, lower, upper, p, and rho or
    lambda. A model that a W does not identify has a note instead.

    >>> from python_models.regression import effects_by_model
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> effects_by_model(y, x[..., None], {"ring": W}, models=("slx", "sdm")).shape
    (6, 11)
    """
    parts = []
    for label, given in _each(y, x, graphs, names):
        for model in models:
            key = {"w": label, "model": model}
            try:
                fit = fit_panel(
                    given.y,
                    given.x,
                    given.weights,
                    model=model,
                    effects=effects,
                    estimator=estimator,
                    cov=cov,
                    names=given.names,
                )
            except PanelInputError as refused:
                parts.append(pd.DataFrame([{**key, "note": str(refused)}]))
                continue
            frame = average_effects(fit, names=given.names).to_frame()
            shown = frame[["variable", "effect", "point", "se", "lower", "upper", "p"]]
            spatial = fit.rho if fit.conv.has_rho else fit.lam if fit.conv.has_lam else np.nan
            parts.append(shown.assign(**key, rho_or_lambda=spatial, note=""))
    columns = ["w", "model", "variable", "effect", "point", "se", "lower", "upper", "p", "rho_or_lambda", "note"]
    return pd.concat(parts, ignore_index=True).reindex(columns=columns)


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

    With m transformed rows, y* = y - r W y (SDM, SAR) or (I - r W) y, Z* likewise (SDEM, SEM), k slopes, the prior
    slopes ~ N(0, s2 (g Z*'Z*)^-1), g = 1 / max(m, k^2), ln s2 flat, r uniform on its feasible range (low, high):

        p(y | model) = c int (high - low)^-1 |I - r W|^T' (g/(1+g))^(k/2) [SSR(r)/(1+g) + g/(1+g) y*'y*]^(-m/2) dr

    without the integral for SLX. c is the same for all, as they share y, effects and estimator. Rests on normal errors
    of one variance that do not last: read it as which model fits, beside the robust tests. One row per w and model:
    log_marginal (less c), weight, rho_mean. `weight_model`, `weight_w`: summed over the other.
    A model that a W does not identify has a note and no weight.

    >>> from python_models.regression import model_weights
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> model_weights(y, x[..., None], {"ring": W}, models=("slx", "sdm")).shape
    (2, 8)
    """
    rows = []
    for label, given in _each(y, x, graphs, names):
        for model in models:
            note = ""
            try:
                value, mean = _log_marginal(given, model, effects, estimator, g)
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


def _each(
    y: Values, x: Values, graphs: Mapping[str, Any], names: Sequence[str] | None
) -> list[tuple[str, PanelInputs]]:
    if not graphs:
        raise PanelInputError("no W was given: at least one is needed.")
    found = []
    for label, graph in graphs.items():
        if is_labelled(y):
            data = align_panel(y, x, graph)  # type: ignore[arg-type]
            found.append((label, PanelInputs(data.y, data.x, data.weights, data.names)))
        else:
            found.append((label, panel_inputs(y, x, graph, names)))
    return found


def _log_marginal(given: PanelInputs, model: str, effects: str, estimator: str, g: float | None) -> tuple[float, float]:
    n, t = given.y.shape
    weights = given.weights
    conv = convention(model=model, effects=effects, estimator=estimator, n=n, t=t, weights=weights)
    lagged = range(given.x.shape[2]) if conv.has_wx else ()
    design = make_design(given.y, given.x, weights, conv, names=given.names, lagged=lagged)
    moments = Moments.of(design.ys, SlopeMoments.of(design))
    k, m = design.z.shape[2], conv.n_rows
    shrink = 1.0 / max(m, k**2) if g is None else g

    def density(rho: FloatArray, jacobian: FloatArray) -> FloatArray:
        pair = (rho, np.zeros_like(rho)) if conv.has_rho else (np.zeros_like(rho), rho)
        a = y_loadings(*pair)
        whole = np.einsum("ra,ab,rb->r", a, moments.yy, a)
        square = (moments.profile(*pair).ssr + shrink * whole) / (1.0 + shrink)
        return np.asarray(k / 2.0 * np.log(shrink / (1.0 + shrink)) + jacobian - m / 2.0 * np.log(square))

    if not conv.spatial_names:
        return float(density(np.zeros(1), np.zeros(1))[0]), float("nan")
    logdet = log_determinant(weights)
    rho, step = _feasible(logdet, np.linspace(-REACH, REACH, POINTS))
    # first look with the coarse log-determinant, then exactly where the density is
    rough = density(rho, _jacobian(logdet.coarse(rho), rho, conv.is_centred, conv.t_eff))
    inside = np.flatnonzero(rough > rough.max() - DEPTH)
    s = np.linspace(-REACH, REACH, POINTS)[[max(inside[0] - 1, 0), min(inside[-1] + 1, POINTS - 1)]]
    rho, step = _feasible(logdet, np.linspace(s[0], s[1], POINTS))
    log = density(rho, _jacobian(logdet.derivatives(rho)[0], rho, conv.is_centred, conv.t_eff)) + np.log(step)
    top = log.max()
    mass = np.exp(log - top)
    value = top + np.log(mass.sum()) - np.log(logdet.high - logdet.low)
    return float(value), float(mass @ rho / mass.sum())


def _feasible(logdet: LogDet, s: FloatArray) -> tuple[FloatArray, FloatArray]:
    """rho = mid + half tanh(s) and the width drho of each point."""
    mid, half = (logdet.high + logdet.low) / 2.0, (logdet.high - logdet.low) / 2.0
    return mid + half * np.tanh(s), half / np.cosh(s) ** 2 * (s[1] - s[0])


def _jacobian(f: FloatArray, rho: FloatArray, is_centred: bool, t_eff: int) -> FloatArray:
    return np.asarray(t_eff * (f - np.log1p(-rho) if is_centred else f))
