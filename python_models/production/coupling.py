"""Coupling coordination of two or more systems (classic form; corrected form of Wang Shujia et al. 2021)."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models._validate import finite

Form = Literal["corrected", "classic"]
Scale = Literal["minmax01", "raw", "rank"]
EPSILON = 0.01
LAG = 0.1
IMBALANCES = ("extreme", "severe", "moderate", "mild", "near")
COORDINATIONS = ("bare", "primary", "intermediate", "good", "quality")
CLASSES = (*(f"{name}_imbalance" for name in IMBALANCES), *(f"{name}_coordination" for name in COORDINATIONS))


@dataclass(frozen=True)
class Coupling(Shown):
    """C (NaN where every system is zero), T and D = sqrt(C T), each of the shape of one system."""

    c: FloatArray
    t: FloatArray
    d: FloatArray
    form: Form

    def to_frame(self) -> pd.DataFrame:
        """One row per cell in array order: c, t_index, d, class_10."""
        frame = pd.DataFrame({"c": self.c.ravel(), "t_index": self.t.ravel(), "d": self.d.ravel()})
        return frame.assign(form=self.form, class_10=coordination_class(self.d.ravel()))


def coupling(systems: ArrayLike, *, form: Form = "corrected") -> Coupling:
    """Coupling and coordination of two or more systems.

    Parameters
    ----------
    systems : (..., n) array
        Values U of n systems in [0, 1].
    form : {"corrected", "classic"}
        Formula of C.

    Returns
    -------
    Coupling
        C, T, D and the class. All zero: C is NaN and D is 0; one zero: C = D = 0.

    Raises
    ------
    ValueError
        A value outside [0, 1] or missing, fewer than two systems.

    Notes
    -----
    classic: C = n (prod U)^(1/n) / sum U. corrected: C = sqrt([1 - mean over pairs of |U_i - U_j|]
    [prod of U_i / max U over the others]^(1/(n-1))). T the mean of U, D = sqrt(C T).

    References
    ----------
    Corrected form: Wang Shujia et al. (2021).

    Examples
    --------
    >>> from python_models.production import coupling
    >>> coupling([[0.5, 0.5], [0.9, 0.1]]).to_frame().round(3)
           c  t_index      d       form                   class_10
    0  1.000      0.5  0.707  corrected  intermediate_coordination
    1  0.149      0.5  0.273  corrected         moderate_imbalance
    """
    u = finite(systems, "systems")
    if u.ndim == 0 or u.shape[-1] < 2:
        raise ValueError(f"systems need two or more values on the last axis, got shape {u.shape}.")
    if (u < 0).any() or (u > 1).any():
        raise ValueError("every system must lie in [0, 1]: bring the scores on one common scale first.")
    n = u.shape[-1]
    top = u.max(axis=-1)
    c = _classic(u, n) if form == "classic" else _corrected(u, top, n)
    c = np.where(top > 0, c, np.nan)
    t = u @ np.full(n, 1 / n)
    return Coupling(c, t, np.sqrt(np.where(top > 0, np.nan_to_num(c), 0.0) * t), form)


def _classic(u: FloatArray, n: int) -> FloatArray:
    total = u.sum(axis=-1)
    return np.minimum(n * np.prod(u ** (1 / n), axis=-1) / np.where(total > 0, total, 1.0), 1.0)  # but for rounding


def _corrected(u: FloatArray, top: FloatArray, n: int) -> FloatArray:
    first, second = np.triu_indices(n, 1)
    gap = np.abs(u[..., first] - u[..., second]).mean(axis=-1)
    ratio = np.sort(u, axis=-1)[..., :-1] / np.where(top > 0, top, 1.0)[..., None]
    return np.asarray(np.sqrt((1 - gap) * np.prod(ratio ** (1 / (n - 1)), axis=-1)))


@aligned
def common_scale(scores: ArrayLike, *, base: ArrayLike | None = None, scale: Scale = "minmax01") -> FloatArray:
    """Scores of one system on [0, 1].

    Parameters
    ----------
    scores : array of any shape
        Scores.
    base : mask of the same shape, optional
        Cells that set the scale; default: all.
    scale : {"minmax01", "raw", "rank"}
        `minmax01`: (x - min)/(max - min) (1 - 2 eps) + eps over the base cells, eps = 0.01, later cells clipped to [0,
        1]; `raw`: unchanged, must lie in [0, 1]; `rank`: percentile among the base cells.

    Returns
    -------
    array
        Same shape.

    Examples
    --------
    >>> from python_models.production import common_scale
    >>> common_scale([10.0, 20.0, 30.0])
    array([0.01, 0.5 , 0.99])
    """
    x = finite(scores, "scores")
    mask: BoolArray = np.ones(x.shape, np.bool_) if base is None else np.broadcast_to(np.asarray(base, bool), x.shape)
    if not mask.any():
        raise ValueError("the base window holds no score.")
    inside = x[mask]
    if scale == "raw":
        return x.copy()
    if scale == "rank":  # (#{b < x} + #{b <= x}) / 2n: ties are counted half
        sample = np.sort(inside)
        return np.asarray((sample.searchsorted(x, "left") + sample.searchsorted(x, "right")) / (2.0 * len(sample)))
    low, high = float(inside.min()), float(inside.max())
    if high <= low:
        raise ValueError("all scores of the base window are equal: there is no scale.")
    return np.asarray(np.clip((x - low) / (high - low) * (1 - 2 * EPSILON) + EPSILON, 0.0, 1.0))


def coordination_class(d: ArrayLike) -> list[str]:
    """Ten classes of coordination by steps of 0.1, the last one closed at 1.

    Parameters
    ----------
    d : (n,) array
        Degree of coordination D in [0, 1].

    Returns
    -------
    list of str
        Codes of the classes.

    References
    ----------
    Liao Chongbin (1999).

    Examples
    --------
    >>> from python_models.production import coordination_class
    >>> coordination_class([0.05, 0.95])
    ['extreme_imbalance', 'quality_coordination']
    """
    values = finite(d, "d")
    # 0.7 lies in its own class although 0.7 / 0.1 is a hair below 7
    return [CLASSES[min(int(v * 10 + 1e-9), 9)] for v in values.ravel()]


@aligned
def lead_lag(forces: ArrayLike, relations: ArrayLike) -> list[str]:
    """Which of two systems lags behind the other.

    Parameters
    ----------
    forces, relations : (n,) array
        Scores U1 and U2 on one scale.

    Returns
    -------
    list of str
        pr_lagging where U1 - U2 > 0.1, nqpf_lagging where < -0.1, else synchronous.

    Examples
    --------
    >>> from python_models.production import lead_lag
    >>> lead_lag([0.8, 0.5, 0.1], [0.4, 0.5, 0.6])
    ['pr_lagging', 'synchronous', 'nqpf_lagging']
    """
    gap = finite(forces, "forces") - finite(relations, "relations")
    return ["pr_lagging" if g > LAG else "nqpf_lagging" if g < -LAG else "synchronous" for g in gap.ravel()]
