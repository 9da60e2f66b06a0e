"""Sensitivity of a result to unobserved confounders."""

from dataclasses import dataclass

import numpy as np
from scipy import stats

from python_models.regression.errors import PanelInputError


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
    """Robustness value of a least-squares coefficient.

    Parameters
    ----------
    estimate, se : float
        Coefficient and standard error.
    dof : int
        Degrees of freedom of the residuals.
    q : float
        Share by which a confounder would reduce the estimate.
    alpha : float
        Level at which it would become insignificant.

    Returns
    -------
    Robustness
        Partial R^2 and robustness values.

    Raises
    ------
    PanelInputError
        se, dof, q or alpha out of range.

    Notes
    -----
    RV = (sqrt(f^4 + 4 f^2) - f^2)/2 with f = q |t| / sqrt(dof); with alpha f = q |t|/sqrt(dof) - t*/sqrt(dof - 1), 0
    where the estimate is not significant.

    References
    ----------
    Cinelli and Hazlett (2020), J. Royal Stat. Society B 82.

    Examples
    --------
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
