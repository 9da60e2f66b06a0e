"""The stochastic kernel: density of tomorrow's place given today's."""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.dynamics.kernel import finite_vector

MAX_STEPS = 500  # of the iteration to the ergodic density


@dataclass(frozen=True, eq=False)
class StochasticKernel(Shown):
    """On one grid for u and v, both (G,): joint f(u, v) and conditional f(v | u), (G, G), rows are u.

    marginal: f(u). ergodic: the density that the conditional one maps to itself, nan where the iteration did not end.
    is_supported: f(u) above a thousandth of its maximum; elsewhere f(v | u) rests on almost no city.
    """

    grid: FloatArray
    joint: FloatArray
    marginal: FloatArray
    conditional: FloatArray
    ergodic: FloatArray
    bandwidth_u: float
    bandwidth_v: float
    n_obs: int

    @property
    def is_supported(self) -> np.ndarray:
        return self.marginal > 1e-3 * self.marginal.max()

    def to_frame(self) -> pd.DataFrame:
        """One row per grid point: u_id, v_id, u, v, density_conditional, density_joint, is_supported."""
        u, v = (axis.ravel() for axis in np.indices(self.joint.shape))
        places = {"u_id": u, "v_id": v, "u": self.grid[u], "v": self.grid[v]}
        densities = {"density_conditional": self.conditional.ravel(), "density_joint": self.joint.ravel()}
        return pd.DataFrame({**places, **densities, "is_supported": self.is_supported[u]})


@aligned
def stochastic_kernel(
    u: ArrayLike | pd.Series, v: ArrayLike | pd.Series, *, n_grid: int = 128, adaptive: bool = False
) -> StochasticKernel:
    """Conditional density f(v | u) = f(u, v) / f(u) with product Gaussian kernels.

    Parameters
    ----------
    u, v : (n,) array or Series
        Finite values, e.g. relative scores in t and t + d.
    n_grid : int
        Points on both axes, from the smallest value - 4 h to the largest + 4 h; h without the factor of `adaptive`.
    adaptive : bool
        Whether h is multiplied by (f(u_i, v_i) / geometric mean)^(-1/2); the densities are then those on the grid.

    Returns
    -------
    StochasticKernel
        Grid, joint and conditional density, ergodic density.

    Raises
    ------
    ValueError
        Missing values, lengths that differ, values that are all equal.

    Notes
    -----
    h = sd n^(-1/6) on each axis. Where f(u) is 0 to machine precision the conditional density is nan. The ergodic
    density solves g(v) = int f(v | u) g(u) du (at most 500 steps, 1e-8).

    References
    ----------
    Quah (1997, J. Economic Growth 2:27-59), Johnson (2005); `adaptive`: Abramson (1982).

    Examples
    --------
    >>> from python_models.dynamics import stochastic_kernel
    >>> u = np.linspace(1, 2, 20)
    >>> stochastic_kernel(u, u**2, n_grid=16).to_frame().shape
    (256, 7)
    """
    x, y = finite_vector(u, "u"), finite_vector(v, "v")
    if x.size != y.size:
        raise ValueError(f"u has {x.size} values, v has {y.size}: they must be pairs.")
    hu, hv = (float(a.std(ddof=1)) * a.size ** (-1.0 / 6.0) for a in (x, y))
    if not (hu > 0.0 and hv > 0.0):
        raise ValueError("u or v does not vary: no density can be estimated.")
    factor = np.ones(x.size)
    if adaptive:
        squares = ((x - x[:, None]) / hu) ** 2 + ((y - y[:, None]) / hv) ** 2
        pilot = np.exp(-0.5 * squares).mean(axis=1) / (2.0 * math.pi * hu * hv)
        factor = np.sqrt(np.exp(np.log(pilot).mean()) / pilot)
    reach = 4.0 * max(hu, hv)
    axis = np.linspace(min(x.min(), y.min()) - reach, max(x.max(), y.max()) + reach, n_grid)
    of_u, of_v = _kernels(axis, x, hu * factor), _kernels(axis, y, hv * factor)
    joint = of_u @ of_v.T / x.size
    if adaptive:  # the kernel of a lonely pair goes far beyond the grid: mass one on the grid
        joint = joint / float(np.trapezoid(np.trapezoid(joint, axis, axis=1), axis))
    marginal: FloatArray = np.asarray(np.trapezoid(joint, axis, axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        conditional = np.where(marginal[:, None] > 1e-290, joint / marginal[:, None], np.nan)
    return StochasticKernel(axis, joint, marginal, conditional, _ergodic(axis, conditional), hu, hv, x.size)


def _kernels(axis: FloatArray, points: FloatArray, h: FloatArray) -> FloatArray:
    z = (axis[:, None] - points[None, :]) / h
    return np.asarray(np.exp(-0.5 * z * z) / (h * math.sqrt(2.0 * math.pi)))


def _ergodic(axis: FloatArray, conditional: FloatArray) -> FloatArray:
    weight = np.gradient(axis)
    weight[[0, -1]] /= 2.0
    step = np.nan_to_num(conditional) * weight[:, None]
    density = np.full(axis.size, 1.0 / (axis[-1] - axis[0]))
    for _ in range(MAX_STEPS):
        following = density @ step
        following = following / (following @ weight)
        if np.abs(following - density).max() < 1e-8:
            return np.asarray(following)
        density = following
    return np.full(axis.size, np.nan)
