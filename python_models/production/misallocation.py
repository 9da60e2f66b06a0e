"""Relative distortion of a production factor between cities (Chen Yongwei and Hu Weimin 2011, CEQ 10(4))."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.production._checks import positive


@dataclass(frozen=True)
class Misallocation(Shown):
    """gamma, tau and the output share s, all of the shape of the output; elasticity is the one that was used."""

    gamma: FloatArray
    tau: FloatArray
    share: FloatArray
    elasticity: FloatArray

    def identity(self) -> FloatArray:
        """sum_i s_i b_i / b_bar * gamma_i, one number a year: 1 up to rounding."""
        weight = self.share * self.elasticity
        return np.asarray((weight * self.gamma).sum(axis=0) / weight.sum(axis=0))

    def to_frame(self) -> pd.DataFrame:
        """One row per unit (and year, if there are years): unit, year position, gamma, tau, abs_tau."""
        shape = self.tau.shape
        where = np.indices(shape).reshape(len(shape), -1)
        columns = dict(zip(("unit", "year"), where, strict=False))
        tau = self.tau.ravel()
        return pd.DataFrame({**columns, "gamma": self.gamma.ravel(), "tau": tau, "abs_tau": np.abs(tau)})


@aligned
def misallocation(output: ArrayLike, factor: ArrayLike, elasticity: ArrayLike) -> Misallocation:
    """tau_i = 1/gamma_i - 1 with gamma_i = (F_i / sum F) / (s_i b_i / b_bar), b_bar = sum_i s_i b_i.

    output, factor: shape (N,) or (N, T), above zero, any one unit each; elasticity b: one number, (N,) or (N, T).
    tau > 0: the unit has too little of the factor for its marginal product; tau < 0: too much. Shares are taken
    within each year. ValueError: a value that is missing or not above zero.

    >>> from python_models.production import misallocation
    >>> misallocation([10.0, 20.0], [10.0, 5.0], [0.4, 0.4]).tau.round(3)
    array([-0.5,  1. ])
    """
    y = positive(output, "output")
    if y.ndim not in (1, 2):
        raise ValueError(f"output must have the axes (city,) or (city, year), got shape {y.shape}.")
    f = positive(factor, "factor", y.shape)
    b = positive(elasticity, "elasticity")
    if b.ndim == 1 and y.ndim == 2 and b.size == y.shape[0]:
        b = b[:, None]
    b = np.array(np.broadcast_to(b, y.shape))
    share = y / y.sum(axis=0)
    fair = share * b / (share * b).sum(axis=0)
    gamma = (f / f.sum(axis=0)) / fair
    return Misallocation(gamma, 1 / gamma - 1, share, b)
