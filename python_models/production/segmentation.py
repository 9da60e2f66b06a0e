"""Market segmentation by relative prices (Parsley and Wei 1996, 2001; Gui Qihan et al. 2006)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.production._checks import positive


@dataclass(frozen=True)
class Segmentation(Shown):
    """v (P, T) of each pair, seg and integ (N, T) of each unit (NaN without a pair), n_pairs (N,), pairs (P, 2)."""

    v: FloatArray
    seg: FloatArray
    integ: FloatArray
    n_pairs: FloatArray
    pairs: np.ndarray

    def to_frame(self) -> pd.DataFrame:
        """One row per unit and year position: seg, integ, n_pairs."""
        n, years = self.seg.shape
        return pd.DataFrame(
            {
                "unit": np.repeat(np.arange(n), years),
                "year": np.tile(np.arange(years), n),
                "seg": self.seg.ravel(),
                "integ": self.integ.ravel(),
                "n_pairs": np.repeat(self.n_pairs, years).astype(int),
            }
        )


def segmentation(
    ratios: ArrayLike, pairs: Sequence[tuple[int, int]], *, pool: Sequence[tuple[int, int]] | None = None
) -> Segmentation:
    """V_ijt = var over goods of q, q_ijt^g = |dQ_ijt^g| - mean over pairs of |dQ_t^g|; seg_it = mean over pairs of i.

    dQ_ijt^g = ln r_it^g - ln r_jt^g for chain price ratios r (P_t / P_(t-1), e.g. CPI 102.3 -> 1.023).
    ratios: shape (N, T, G) or (N, G) for one year, above zero, G of 2 or more; pairs: undirected positions whose
    mean gives seg; pool: the pairs over which the mean of a good is taken, default `pairs`. integ = sqrt(1/seg), NaN
    where seg = 0. Unit: squared log points. ValueError: missing price, pair with itself, or unknown position.

    >>> from python_models.production import segmentation
    >>> ratios = np.random.default_rng(1).uniform(0.9, 1.1, size=(3, 2, 4))
    >>> segmentation(ratios, [(0, 1), (0, 2), (1, 2)]).to_frame().shape
    (6, 5)
    """
    r = positive(ratios, "ratios")
    if r.ndim == 2:
        r = r[:, None, :]
    if r.ndim != 3 or r.shape[2] < 2:
        raise ValueError(f"ratios must have the axes (unit, year, good) with two goods or more, got shape {r.shape}.")
    where = _positions(pairs, len(r))
    gaps = _gaps(np.log(r), where)
    everywhere = gaps if pool is None else _gaps(np.log(r), _positions(pool, len(r)))
    v = (gaps - everywhere.mean(axis=0)).var(axis=2, ddof=1)
    total, count = np.zeros((len(r), r.shape[1])), np.zeros(len(r))
    for side in (0, 1):
        np.add.at(total, where[:, side], v)
        np.add.at(count, where[:, side], 1.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        seg = np.where(count[:, None] > 0, total / count[:, None], np.nan)
        open_: BoolArray = seg > 0
        integ = np.where(open_, np.sqrt(1 / seg), np.nan)
    return Segmentation(v, seg, integ, count, where)


def _gaps(logs: FloatArray, where: np.ndarray) -> FloatArray:
    return np.asarray(np.abs(logs[where[:, 0]] - logs[where[:, 1]]))


def _positions(pairs: Sequence[tuple[int, int]], n: int) -> np.ndarray:
    where = np.asarray(list(pairs), dtype=np.int64)
    if where.ndim != 2 or where.shape[1] != 2:
        raise ValueError("pairs must be a list of two positions each, with at least one pair.")
    if where.min() < 0 or where.max() >= n:
        raise ValueError(f"a pair names a position outside 0..{n - 1}.")
    if (where[:, 0] == where[:, 1]).any():
        raise ValueError("a unit cannot be paired with itself.")
    if len({tuple(sorted(pair)) for pair in where.tolist()}) < len(where):
        raise ValueError("a pair occurs twice: give each undirected pair once.")
    return where
