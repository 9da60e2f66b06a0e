"""How far an estimate bends if its assumption fails: instruments that act directly, confounders that were not seen."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from python_models._types import ArrayLike, FloatArray
from python_models.inference import half_width
from python_models.regression.errors import PanelInputError
from python_models.regression.iv import IVFit


def violation_bounds(
    fit: IVFit, term: str, deltas: Sequence[float], *, instruments: Sequence[str] | None = None, level: float = 0.95
) -> pd.DataFrame:
    """Interval of one parameter of 2SLS if instruments act on y directly, with slopes gamma_k in [-delta, delta].

    Union of the intervals over all gamma (Conley, Hansen and Rossi 2012, Rev. Economics and Statistics 94:260-272):
    b(gamma) = b - A gamma with A = db/dgamma; the ends lie at the corners gamma_k = -+ delta sign(A_k), where errors
    are made anew. instruments : those that may fail (default all excluded ones); delta in units of y per unit of the
    instrument. One row per delta: delta, lower, upper, contains_zero. PanelInputError: unknown names, delta below 0.

    >>> from python_models.regression import spatial_2sls, violation_bounds
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = spatial_2sls(y, x[..., None], W, names=["x"])
    >>> violation_bounds(fit, "x", [0.0, 0.5]).round(1)
       delta  lower  upper  contains_zero
    0    0.0    2.0    2.1          False
    1    0.5    1.9    2.1          False
    """
    if term not in fit.names:
        raise PanelInputError(f"'{term}' is not a parameter; there are {', '.join(fit.names)}.")
    chosen = list(fit.instruments) if instruments is None else list(instruments)
    for name in chosen:
        if name not in fit.instruments:
            raise PanelInputError(f"'{name}' is not an excluded instrument; there are {', '.join(fit.instruments)}.")
    if min(deltas) < 0:
        raise PanelInputError(f"a delta is the size of a violation and must not be negative, got {min(deltas)}.")
    at = fit.names.index(term)
    mask = np.array([name in chosen for name in fit.instruments])
    signs = np.where(mask, np.sign(fit.system.shift[at]), 0.0)
    half, rows = half_width(level), []
    for delta in deltas:
        ends = []
        for side in (-1.0, 1.0):  # gamma that lowers, then raises the estimate
            params, cov = fit.system.violated(-side * delta * signs)
            ends.append(params[at] + side * half * np.sqrt(cov[at, at]))
        rows.append((float(delta), ends[0], ends[1], bool(ends[0] <= 0 <= ends[1])))
    return pd.DataFrame(rows, columns=["delta", "lower", "upper", "contains_zero"])


@dataclass(frozen=True)
class Robustness:
    """What a confounder that was not seen must explain, of the regressor and of y alike, to change a conclusion.

    partial_r2 : of the regressor with y.   value : share of the residual variance of both that takes the estimate to
    zero.   value_alpha : that makes it insignificant at alpha.
    """

    partial_r2: float
    value: float
    value_alpha: float
    alpha: float


def robustness_value(estimate: float, se: float, dof: int, *, q: float = 1.0, alpha: float = 0.05) -> Robustness:
    """Robustness value of a least-squares coefficient (Cinelli and Hazlett 2020, J. Royal Stat. Society B 82:39-67).

    RV = (sqrt(f^4 + 4 f^2) - f^2)/2 with f = q |t| / sqrt(dof), for a reduction of the share q; with alpha
    f = q |t|/sqrt(dof) - t*/sqrt(dof - 1). 0 where the estimate is not significant at alpha to begin with.

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


def confounded(estimate: float, se: float, dof: int, r2_x: ArrayLike, r2_y: ArrayLike) -> FloatArray:
    """Estimate after a confounder with partial R2 r2_x with the regressor and r2_y with y, pulling it towards zero.

    b - sign(b) se sqrt(dof r2_y r2_x / (1 - r2_x)). Shapes broadcast.

    >>> from python_models.regression import confounded
    >>> confounded(2.0, 0.5, 100, [0.0, 0.1], [0.0, 0.1]).round(3)
    array([2.   , 1.473])
    """
    x, y = np.asarray(r2_x, dtype=np.float64), np.asarray(r2_y, dtype=np.float64)
    if (x < 0).any() or (x >= 1).any() or (y < 0).any() or (y > 1).any():
        raise PanelInputError("partial R2 lie in [0, 1).")
    return np.asarray(estimate - np.sign(estimate) * se * np.sqrt(dof * y * x / (1.0 - x)))


def _value(f: float) -> float:
    if f <= 0:
        return 0.0
    return float((np.sqrt(f**4 + 4 * f**2) - f**2) / 2.0)
