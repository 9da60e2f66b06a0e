"""Weight schemes by name. A new weighted-sum scheme is one function and one entry in SCHEMES."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from python_models._types import FloatArray
from python_models.entropy import EMPTY_COLUMN, entropy_weights


@dataclass(frozen=True, eq=False)
class SchemeWeights:
    """What every scheme returns: arrays (m,). entropy and redundancy are NaN where not used."""

    weights: FloatArray
    entropy: FloatArray
    redundancy: FloatArray
    flags: tuple[str, ...]


type Scheme = Callable[[FloatArray, tuple[str, ...], float], SchemeWeights]
"""(Z (N, T, m) with NaN outside the base, dimension of each indicator, delta) -> weights that sum to 1."""


def entropy_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Headline: entropy weights over all indicators at once (flat); dimensions are not used."""
    w = entropy_weights(Z, delta=delta)
    return SchemeWeights(w.weights, w.entropy, w.redundancy, w.flags)


def equal_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """w_k = 1/m over the indicators that have values; dimensions and delta are not used."""
    is_empty = np.isnan(Z).all(axis=(0, 1))
    if is_empty.all():
        raise ValueError("no indicator has a value: equal weights do not exist.")
    unused = np.full(len(is_empty), np.nan)
    flags = tuple(EMPTY_COLUMN if empty else "" for empty in is_empty)
    return SchemeWeights(~is_empty / (~is_empty).sum(), unused, unused, flags)


SCHEMES: Mapping[str, Scheme] = MappingProxyType({"entropy": entropy_scheme, "equal": equal_scheme})


def scheme_weights(Z: FloatArray, *, scheme: str, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Weights by scheme name; an unknown name raises ValueError listing the known ones."""
    if scheme not in SCHEMES:
        raise ValueError(f"unknown weight scheme '{scheme}': use one of {', '.join(sorted(SCHEMES))}.")
    return SCHEMES[scheme](Z, dimensions, delta)
