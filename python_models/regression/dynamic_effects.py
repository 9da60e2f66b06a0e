"""Short- and long-run effects of the dynamic spatial Durbin model, with intervals."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import normal
from python_models.regression.dynamic import DynamicFit
from python_models.regression.errors import PanelInputError

EFFECTS = ("direct", "indirect", "total")
HORIZONS = ("short", "long")
_STEP = 1e-6


@dataclass(frozen=True, eq=False)
class DynamicEffects(Shown):
    """point, se, lo, hi, p : (variables, horizons, effects) in the order of HORIZONS and EFFECTS."""

    variables: tuple[str, ...]
    point: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    p: FloatArray

    def to_frame(self) -> pd.DataFrame:
        """One row per variable, horizon and effect: variable, horizon, effect, point, se, lo, hi, p."""
        index = pd.MultiIndex.from_product([self.variables, HORIZONS, EFFECTS], names=["variable", "horizon", "effect"])
        columns = {name: getattr(self, name).reshape(-1) for name in ("point", "se", "lo", "hi", "p")}
        return pd.DataFrame(columns, index=index).reset_index()


def dynamic_effects(fit: DynamicFit, *, kind: str | None = None, level: float = 0.95) -> DynamicEffects:
    """Average effects of each x at the estimate `kind` (the headline by default).

    short: S = (I - rho W)^-1 (beta I + theta W);  long: [(1 - tau) I - (rho + eta) W]^-1 (beta I + theta W).
    direct = tr(S)/n from the eigenvalues of W, total = (beta + theta)/(1 - rho) or (beta + theta)/(1 - tau - rho -
    eta), indirect = total - direct. Errors by the delta method, gradient by central differences.
    Long-run effects of an unstable estimate do not exist and are NaN.

    >>> from python_models.regression import dynamic_effects, fit_dynamic
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> dynamic_effects(fit_dynamic(y, x[..., None], W)).to_frame().shape
    (6, 8)
    """
    chosen = fit.estimates.get(kind or fit.headline)
    if chosen is None:
        raise PanelInputError(f"the fit has no estimate '{kind}': it has {', '.join(fit.estimates)}.")
    point = _effects(fit, chosen.params[None, :])[0]
    gradient = _gradient(fit, chosen.params)
    se = np.sqrt(np.einsum("...i,ij,...j->...", gradient, chosen.cov, gradient))
    if not chosen.is_stable:
        for part in (point, se):
            part[:, HORIZONS.index("long")] = np.nan
    found = normal(point, se, level)
    return DynamicEffects(fit.names[2 : 2 + fit.n_x], point, se, found.lower, found.upper, found.p)


def _effects(fit: DynamicFit, params: FloatArray) -> FloatArray:
    """(draws, p) -> (draws, variables, horizons, effects)."""
    tau, eta, rho = params[:, 0, None], params[:, 1, None], params[:, -2, None]
    beta = params[:, 2 : 2 + fit.n_x]
    theta = np.zeros_like(beta)
    theta[:, list(fit.lagged)] = params[:, 2 + fit.n_x : -2]
    omega = fit.spectrum.omega[None, :]
    out = np.empty((len(params), fit.n_x, 2, 3))
    for h, (own, spatial) in enumerate(((np.ones_like(tau), rho), (1.0 - tau, rho + eta))):
        inverse = 1.0 / (own - spatial * omega)
        level, slope = fit.spectrum.mean(inverse), fit.spectrum.mean(omega * inverse)
        direct = beta * level[:, None] + theta * slope[:, None]
        total = (beta + theta) / (own - spatial)
        out[:, :, h, :] = np.stack([direct, total - direct, total], axis=2)
    return out


def _gradient(fit: DynamicFit, params: FloatArray) -> FloatArray:
    """Derivative of the effects by every parameter, (variables, horizons, effects, p)."""
    steps = _STEP * np.maximum(1.0, np.abs(params))
    up, down = params + np.diag(steps), params - np.diag(steps)
    change = _effects(fit, up) - _effects(fit, down)
    return np.moveaxis(change / (2.0 * steps[:, None, None, None]), 0, -1)
