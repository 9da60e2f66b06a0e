"""Short- and long-run effects of the dynamic spatial Durbin model, with intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from python_models._types import FloatArray
from python_models.regression.dynamic import DynamicFit
from python_models.regression.errors import PanelInputError

EFFECTS = ("direct", "indirect", "total")
HORIZONS = ("short", "long")
METHODS = ("delta", "simulation")
_STEP = 1e-6
_CHUNK = 200  # draws at once: chunk x n complex numbers in memory


@dataclass(frozen=True, eq=False)
class DynamicEffects:
    """point, se, lo, hi, p : (variables, horizons, effects) in the order of HORIZONS and EFFECTS."""

    variables: tuple[str, ...]
    point: FloatArray
    se: FloatArray
    lo: FloatArray
    hi: FloatArray
    p: FloatArray
    method: str
    share_rejected: float

    def to_frame(self) -> pd.DataFrame:
        """One row per variable, horizon and effect: variable, horizon, effect, point, se, lo, hi, p."""
        index = pd.MultiIndex.from_product([self.variables, HORIZONS, EFFECTS], names=["variable", "horizon", "effect"])
        columns = {name: getattr(self, name).reshape(-1) for name in ("point", "se", "lo", "hi", "p")}
        return pd.DataFrame(columns, index=index).reset_index()


def dynamic_effects(
    fit: DynamicFit,
    *,
    kind: str | None = None,
    method: str = "delta",
    level: float = 0.95,
    draws: int = 2000,
    rng: np.random.Generator | None = None,
) -> DynamicEffects:
    """Average effects of each x at the estimate `kind` (the headline by default).

    short: S = (I - rho W)^-1 (beta I + theta W);  long: [(1 - tau) I - (rho + eta) W]^-1 (beta I + theta W).
    direct = tr(S)/n from the eigenvalues of W, total = (beta + theta)/(1 - rho) or (beta + theta)/(1 - tau - rho -
    eta), indirect = total - direct. delta: gradient of the effects by central differences. simulation: `draws` normal
    draws with `rng`; unstable ones are drawn again and their share stated; percentile interval; p from |point/se|.
    Long-run effects of an unstable estimate do not exist and are NaN.
    """
    if method not in METHODS:
        raise PanelInputError(f"method must be one of {', '.join(METHODS)}, got {method!r}.")
    chosen = fit.estimates.get(kind or fit.headline)
    if chosen is None:
        raise PanelInputError(f"the fit has no estimate '{kind}': it has {', '.join(fit.estimates)}.")
    params, cov = chosen.params, chosen.cov
    point = _effects(fit, params[None, :])[0]
    rejected = 0.0
    if method == "delta":
        gradient = _gradient(fit, params)
        se = np.sqrt(np.einsum("...i,ij,...j->...", gradient, cov, gradient))
        half = stats.norm.ppf(0.5 + level / 2.0) * se
        lo, hi = point - half, point + half
    else:
        if rng is None:
            raise PanelInputError("simulated effects need rng: numpy.random.default_rng(seed).")
        sample, rejected = _draws(fit, params, cov, draws, rng)
        values = np.concatenate([_effects(fit, sample[i : i + _CHUNK]) for i in range(0, len(sample), _CHUNK)])
        se = values.std(axis=0, ddof=1)
        lo, hi = np.quantile(values, [0.5 - level / 2.0, 0.5 + level / 2.0], axis=0)
    if not chosen.is_stable:
        for part in (point, se, lo, hi):
            part[:, HORIZONS.index("long")] = np.nan
    with np.errstate(invalid="ignore", divide="ignore"):
        p = 2.0 * stats.norm.sf(np.abs(point / se))
    return DynamicEffects(fit.names[2 : 2 + fit.n_x], point, se, lo, hi, np.asarray(p), method, rejected)


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
        level, slope = inverse.real.mean(axis=1), (omega * inverse).real.mean(axis=1)
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


def _draws(
    fit: DynamicFit, params: FloatArray, cov: FloatArray, draws: int, rng: np.random.Generator
) -> tuple[FloatArray, float]:
    """`draws` stable draws of the parameters and the share of drawn ones that were not."""
    low, high = fit.spectrum.bounds()
    kept: list[FloatArray] = []
    n_kept = n_drawn = 0
    while n_kept < draws:
        batch = rng.multivariate_normal(params, cov, size=draws, method="eigh")
        radius = np.array([fit.spectrum.radius(float(r[0]), float(r[1]), float(r[-2])) for r in batch])
        good = (radius < 1.0) & (batch[:, -2] > low) & (batch[:, -2] < high)
        kept.append(batch[good])
        n_kept += int(good.sum())
        n_drawn += draws
        if n_drawn >= 20 * draws and n_kept < draws:
            raise PanelInputError(f"only {n_kept} of {n_drawn} draws are stable: the estimate is at the unit root.")
    sample = np.concatenate(kept)[:draws]
    return sample, 1.0 - n_kept / n_drawn
