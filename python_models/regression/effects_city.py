"""Effects city by city, and by order of neighbourhood.

City i: own (S_r)_ii; received sum_{j != i} (S_r)_ij (its row: what the others' x do to it); emitted
sum_{j != i} (S_r)_ji (its column: what its x does to the others). Received and emitted agree in the mean only.
Order q: S_r = sum_q c_q W^q with c_0 = b and c_q = rho^q b + rho^(q-1) th (LeSage and Pace 2009, ch. 2.7).
Standard errors by the delta method.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from python_models._types import FloatArray
from python_models.regression.core import CoreFit
from python_models.regression.effects import EFFECT_NAMES
from python_models.regression.errors import PanelInputError
from python_models.regression.logdet import log_determinant
from python_models.regression.systems import DENSE_FROM, Factor

EXACT_LIMIT = 5000  # cities up to which the diagonal of the inverse is solved column by column
BLOCK, PROBES, SEED = 256, 128, 20_102


def city_effects(fit: CoreFit, variable: int, cities: Sequence[object], *, name: str | None = None) -> pd.DataFrame:
    """One row per city: own, received, emitted with delta standard errors, for regressor number `variable`.

    `own_se_probes` is the standard error that probes leave in `own` and so in the other two (0 = exact, n <= 5,000).

    >>> from python_models.regression import city_effects, fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_panel(y, x[..., None], W)
    >>> city_effects(fit, 0, list("abcdefghijkl")).shape
    (12, 9)
    """
    n_x = fit.n_slopes - len(fit.lagged)
    if not 0 <= variable < n_x:
        raise PanelInputError(f"the model has {n_x} regressors, number {variable} is not among them.")
    if len(cities) != fit.weights.n:
        raise PanelInputError(f"{len(cities)} city labels for {fit.weights.n} cities.")
    b = float(fit.params[variable])
    is_lagged = variable in fit.lagged
    at_theta = n_x + fit.lagged.index(variable) if is_lagged else -1
    th = float(fit.params[at_theta]) if is_lagged else 0.0
    inverse, lagged, slope, slope_lagged, probe_se = _parts(fit)
    # rows: own, row sum, column sum; A, AW and their derivatives in rho
    value = b * inverse + th * lagged
    used = [variable] + [at_theta] * is_lagged + [fit.n_slopes] * fit.conv.has_rho
    gradient = [inverse] + [lagged] * is_lagged + [b * slope + th * slope_lagged] * fit.conv.has_rho
    g = np.stack([np.stack([part[0], part[1] - part[0], part[2] - part[0]]) for part in gradient])
    se = np.sqrt(np.einsum("aej,ab,bej->ej", g, fit.cov[np.ix_(used, used)], g))
    out = {"city": list(cities), "variable": name or fit.names[variable]}
    shown = (value[0], value[1] - value[0], value[2] - value[0])
    for column, numbers, errors in zip(("own", "received", "emitted"), shown, se, strict=True):
        out[column], out[f"{column}_se"] = numbers, errors
    scale = abs(b + th / fit.rho) if fit.rho else 0.0
    return pd.DataFrame({**out, "own_se_probes": scale * probe_se})


def effects_by_order(fit: CoreFit, *, max_order: int = 6, names: Sequence[str] | None = None) -> pd.DataFrame:
    """One row per regressor, order q = 0..max_order and effect: value and se (delta).

    >>> from python_models.regression import effects_by_order, fit_panel
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_panel(y, x[..., None], W)
    >>> effects_by_order(fit, max_order=2).shape
    (9, 5)
    """
    if not 0 <= max_order <= 12:
        raise PanelInputError(f"max_order must lie in 0..12, got {max_order}.")
    own, every = _power_means(fit, max_order)
    n_x, k = fit.n_slopes - len(fit.lagged), fit.n_slopes
    rows = []
    for x in range(n_x):
        b = float(fit.params[x])
        at = n_x + fit.lagged.index(x) if x in fit.lagged else None
        th = float(fit.params[at]) if at is not None else 0.0
        for q in range(max_order + 1):
            c, by = _order(q, fit.rho, b, th)
            partial = np.zeros(len(fit.params))
            partial[x] = by[0]
            if at is not None:
                partial[at] = by[1]
            if fit.conv.has_rho:
                partial[k] = by[2]
            spread = float(np.sqrt(partial @ fit.cov @ partial))
            for effect, mean in zip(EFFECT_NAMES, (own[q], every[q] - own[q], every[q]), strict=True):
                rows.append((names[x] if names else fit.names[x], q, effect, c * mean, spread * abs(mean)))
    return pd.DataFrame(rows, columns=["variable", "order", "effect", "value", "se"])


def _order(q: int, rho: float, b: float, th: float) -> tuple[float, tuple[float, float, float]]:
    """c_q and its derivatives by b, th, rho."""
    if q == 0:
        return b, (1.0, 0.0, 0.0)
    by_rho = q * rho ** (q - 1) * b + ((q - 1) * rho ** (q - 2) * th if q > 1 else 0.0)
    return rho**q * b + rho ** (q - 1) * th, (rho**q, rho ** (q - 1), by_rho)


def _power_means(fit: CoreFit, top: int) -> tuple[list[float], list[float]]:
    """tr W^q / n and 1'W^q 1 / n for q = 0..top; tr W^(a+b) = sum of W^a o (W^b)'."""
    w, n = fit.weights.matrix, fit.weights.n
    base: Any = w.toarray() if fit.weights.density > DENSE_FROM else w
    is_sparse = fit.weights.density <= DENSE_FROM
    powers: list[Any] = [sp.identity(n, format="csr") if is_sparse else np.eye(n), base]
    while len(powers) <= (top + 1) // 2:
        powers.append(powers[-1] @ base)
    own, every, image = [], [], np.ones(n)
    for q in range(top + 1):
        a, b = powers[q // 2], powers[q - q // 2]
        product = a.multiply(b.T) if is_sparse else a * b.T
        own.append(float(product.sum()) / n)
        every.append(float(image.mean()))
        image = fit.weights.lag(image)
    return own, every


def _parts(fit: CoreFit) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray]:
    """Own, row sums, column sums (3, n) of A, AW, A' = AWA, AWAW, with A = (I - rho W)^-1; error of the probes (n,)."""
    weights, n = fit.weights, fit.weights.n
    ones, zero = np.ones(n), np.zeros(n)
    columns = np.asarray(weights.matrix.T @ ones)
    if not fit.conv.has_rho:
        empty = np.zeros((3, n))
        return np.stack([ones, ones, ones]), np.stack([zero, weights.lag(ones), columns]), empty, empty, zero
    factor = log_determinant(weights).system.factor(fit.rho)
    own, own_slope, probe_se = _diagonals(fit, factor)

    def rows(v: FloatArray) -> FloatArray:
        return factor.solve(weights.lag(v))

    def back(v: FloatArray) -> FloatArray:
        return np.asarray(weights.matrix.T @ factor.solve(v, transposed=True))

    right, left = factor.solve(ones), factor.solve(ones, transposed=True)
    inverse = np.stack([own, right, left])
    lagged = np.stack([(own - 1.0) / fit.rho if fit.rho else zero, rows(ones), back(ones)])
    slope = np.stack([own_slope, rows(right), factor.solve(back(ones), transposed=True)])
    both = (own_slope - lagged[0]) / fit.rho if fit.rho else zero  # AWAW = (AWA - AW) / rho
    return inverse, lagged, slope, np.stack([both, rows(rows(ones)), back(back(ones))]), probe_se


def _diagonals(fit: CoreFit, factor: Factor) -> tuple[FloatArray, FloatArray, FloatArray]:
    """diag A, diag AWA, and the standard error of the first."""
    weights, n = fit.weights, fit.weights.n
    if n > EXACT_LIMIT:
        v = np.random.default_rng(SEED).choice(np.array([-1.0, 1.0]), size=(n, PROBES))
        image = factor.solve(v)
        per_probe = v * image
        slope = (v * factor.solve(weights.lag(image))).mean(axis=1)
        return per_probe.mean(axis=1), slope, per_probe.std(axis=1, ddof=1) / np.sqrt(PROBES)
    own, slope = np.empty(n), np.empty(n)
    for start in range(0, n, BLOCK):
        at = np.arange(start, min(n, start + BLOCK))
        unit = np.zeros((n, len(at)))
        unit[at, np.arange(len(at))] = 1.0
        image = factor.solve(unit)
        own[at] = image[at, np.arange(len(at))]
        slope[at] = factor.solve(weights.lag(image))[at, np.arange(len(at))]
    return own, slope, np.zeros(n)
