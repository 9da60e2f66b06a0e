"""Local association: local Moran (LISA) with conditional permutations and false-discovery control, and Gi*.

I_i = (z_i/m2) sum_j w_ij z_j with m2 = z'z/n, so that sum_i I_i = S0 I (Anselin 1995). esda divides by n - 1 instead:
its I_i are (n - 1)/n of these. Two-sided p: twice the smaller tail; the folded tail alone rejects twice too often.
Benjamini & Hochberg (1995) or Benjamini & Yekutieli (2001) inside the map; Castro & Singer (2006).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.stats import norm

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.inference import adjust
from python_models.space.graph import in_order_of, to_sparse
from python_models.space.moran import DEFAULT_SEED, GlobalStatistic, global_statistics
from python_models.space.permutation import conditional_counts

QUADRANTS = ("HH", "LH", "LL", "HL")  # own value first, neighbours second; z > 0 is high


@dataclass(frozen=True, eq=False)
class LisaResult(Shown):
    """Local Moran of N cities; every array has the shape (N,), unit 1.

    z : standardised value (population sd).   lag_z : weighted sum of the neighbours' z.   i_local : I_i.
    expected, variance, z_norm, p_norm : conditional randomisation, analytic (Sokal, Oden & Thomson 1998).
    p_perm : two-sided, never 0.   q_bh : adjusted p of the false-discovery control (`method`).
    class_raw : quadrant if p_perm <= alpha, else ns.   class_fdr : quadrant if q_bh <= q, else ns (the default map).
    quadrant : HH, LH, LL or HL whatever its p.   A city without neighbours: NaN, class `island`.
    """

    cities: pd.Index
    z: FloatArray
    lag_z: FloatArray
    i_local: FloatArray
    expected: FloatArray
    variance: FloatArray
    z_norm: FloatArray
    p_norm: FloatArray
    p_perm: FloatArray
    q_bh: FloatArray
    quadrant: Any
    class_raw: Any
    class_fdr: Any
    n_perm: int
    seed: int | None
    method: str

    def to_frame(self) -> pd.DataFrame:
        """One row per city."""
        names = (
            "z",
            "lag_z",
            "i_local",
            "expected",
            "variance",
            "z_norm",
            "p_norm",
            "p_perm",
            "q_bh",
            "quadrant",
            "class_raw",
            "class_fdr",
        )
        frame = pd.DataFrame({"city_id": self.cities, **{name: getattr(self, name) for name in names}})
        return frame.assign(n_perm=self.n_perm, seed=self.seed)


@dataclass(frozen=True, eq=False)
class GetisOrdResult(Shown):
    """Gi* (or Gi) of N cities as a z-value, its two-sided normal p, its adjusted p, hot/cold/ns; and the global G.

    `overall` is None if y is not positive everywhere, because G is then not defined.
    """

    cities: pd.Index
    gi: FloatArray
    p_norm: FloatArray
    q_bh: FloatArray
    class_fdr: Any
    star: bool
    overall: GlobalStatistic | None

    def to_frame(self) -> pd.DataFrame:
        """One row per city."""
        return pd.DataFrame(
            {
                "city_id": self.cities,
                "gi": self.gi,
                "p_norm": self.p_norm,
                "q_bh": self.q_bh,
                "class_fdr": self.class_fdr,
            }
        ).assign(star=self.star)


@aligned
def lisa(
    y: Any,
    w: Any,
    *,
    permutations: int = 9999,
    seed: int | None = DEFAULT_SEED,
    alpha: float = 0.05,
    q: float = 0.05,
    method: str = "bh",
) -> LisaResult:
    """Local Moran's I_i of y (N,) on weights w, p = min(1, 2 (min(tails) + 1)/(R + 1)) from conditional permutations.

    Each permutation keeps y_i and draws its neighbours without replacement from the other cities. `method`: bh or by.
    Raises ValueError for NaN, a constant y, or other cities than the weights have.

    >>> from python_models.space import lisa
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> local = lisa(np.r_[np.full(6, 2.0), np.ones(6)], W, permutations=99)
    >>> local.to_frame().shape
    (12, 15)
    """
    values, labels = in_order_of(y, w)
    matrix = to_sparse(w)
    if values.ndim != 1:
        raise ValueError(f"y must have the shape (city,), got {values.shape}: give one year at a time.")
    if not values.std() > 1e-14 * np.abs(values).max():
        raise ValueError("y is constant: it has no spatial association.")
    z = (values - values.mean()) / values.std()
    is_island = np.diff(matrix.indptr) == 0
    lag = np.where(is_island, np.nan, matrix @ z)
    least, most = conditional_counts(z, matrix, permutations, np.random.default_rng(seed))
    p = np.minimum(1.0, 2.0 * (np.minimum(least, most) + 1) / (permutations + 1))
    p = np.where(is_island, np.nan, np.where(z == 0, 1.0, p))  # z_i = 0 makes every permuted I_i zero
    p = p if permutations else np.full(len(z), np.nan)
    adjusted = adjust(p, method)
    quadrant = quadrants(z, lag)
    expected, variance = _conditional_moments(z, matrix)
    z_norm = _ratio(z * lag - expected, np.sqrt(variance))
    return LisaResult(
        cities=labels,
        z=z,
        lag_z=lag,
        i_local=z * lag,
        expected=expected,
        variance=variance,
        z_norm=z_norm,
        p_norm=2 * norm.sf(np.abs(z_norm)),
        p_perm=p,
        q_bh=adjusted,
        quadrant=quadrant,
        class_raw=_classes(quadrant, p <= alpha),
        class_fdr=_classes(quadrant, adjusted <= q),
        n_perm=permutations,
        seed=seed,
        method=method,
    )


@aligned
def getis_ord(
    y: Any, w: Any, *, star: bool = True, q: float = 0.05, permutations: int = 0, seed: int | None = DEFAULT_SEED
) -> GetisOrdResult:
    """Gi* (star) or Gi of Ord & Getis (1995), as z-values.

    Gi* = (sum_j w_ij y_j - ybar W_i)/(s sqrt((n S_1i - W_i^2)/(n - 1))), W_i = sum_j w_ij, S_1i = sum_j w_ij^2; with
    the star city i counts as its own neighbour, with the largest weight of its row (the same as a neighbour's where
    the weights of a row are equal); without it, mean and sd are over the other cities. Row-normalising first changes
    nothing. A hot or cold spot has q_bh <= q. The global G comes with it when y is positive.

    >>> from python_models.space import getis_ord
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> getis_ord(np.r_[np.full(6, 2.0), np.ones(6)], W).to_frame().shape
    (12, 6)
    """
    values, labels = in_order_of(y, w)
    matrix = to_sparse(w)
    overall = None
    if (values > 0).all():
        overall = global_statistics(values, matrix, ("getis",), permutations=permutations, seed=seed)["getis"]
    gi = _gi(values, matrix, star)
    p = 2 * norm.sf(np.abs(gi))
    adjusted = adjust(p, "bh")
    spot = np.where(gi > 0, "hot", "cold").astype(object)
    spot[~(adjusted <= q)] = "ns"
    spot[np.isnan(gi)] = "island"
    return GetisOrdResult(labels, gi, p, adjusted, spot, star, overall)


def quadrants(z: FloatArray, lag: FloatArray) -> Any:
    """HH, LH, LL, HL of (z > 0, lag > 0); None where the lag is NaN."""
    high, near = z > 0, lag > 0
    named = np.select([high & near, ~high & near, ~high & ~near], QUADRANTS[:3], QUADRANTS[3]).astype(object)
    named[np.isnan(lag)] = None
    return named


def _classes(quadrant: Any, passes: Any) -> Any:
    named = np.where(passes, quadrant, "ns").astype(object)
    named[quadrant == None] = "island"  # noqa: E711  # elementwise
    return named


def _conditional_moments(z: FloatArray, w: Any) -> tuple[FloatArray, FloatArray]:
    """Mean and variance of I_i when the other n - 1 values are put at random; z has population variance 1."""
    n = len(z)
    row = np.asarray(w.sum(axis=1)).ravel()
    row2 = np.asarray(w.power(2).sum(axis=1)).ravel()
    expected = -(z**2) * row / (n - 1)
    spread = (n / (n - 2)) * (row2 - row**2 / (n - 1)) * (1 - z**2 / (n - 1))
    return expected, z**2 * spread


def _gi(y: FloatArray, w: Any, star: bool) -> FloatArray:
    n = len(y)
    if star:
        own = np.asarray(w.max(axis=1).todense()).ravel()
        w = sparse.csr_array(w + sparse.diags_array(np.where(own > 0, own, 0.0)))
        mean, sd, count = np.full(n, y.mean()), np.full(n, y.std()), n
    else:
        mean = (y.sum() - y) / (n - 1)
        sd = np.sqrt(np.maximum((y @ y - y**2) / (n - 1) - mean**2, 0.0))
        count = n - 1
    row = np.asarray(w.sum(axis=1)).ravel()
    row2 = np.asarray(w.power(2).sum(axis=1)).ravel()
    scale = sd * np.sqrt(np.maximum(count * row2 - row**2, 0.0) / (count - 1))
    return np.where(row > 0, _ratio(w @ y - mean * row, scale), np.nan)


def _ratio(top: FloatArray, bottom: FloatArray) -> FloatArray:
    out = np.full(len(top), np.nan)
    np.divide(top, bottom, out=out, where=bottom > 0)
    return out
