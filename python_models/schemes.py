"""Weight schemes by name. A new scheme is one function and one entry in SCHEMES.

All schemes work on the same z. Most make a weighted sum; TOPSIS and the principal components bring a rule of their
own for the score (see `scheme_score`).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from python_models._types import FloatArray
from python_models.entropy import EMPTY_COLUMN, entropy_weights
from python_models.measurement.critic import critic_weights, entropy_critic_weights
from python_models.measurement.levels import equal_by_dimension, two_stage_weights
from python_models.measurement.pca import affine_score, pca_index
from python_models.measurement.topsis import topsis_score
from python_models.measurement.vertical_horizontal import vertical_horizontal_weights
from python_models.scores import weighted_score

SUM, TOPSIS, AFFINE = "sum", "topsis", "affine"


@dataclass(frozen=True, eq=False)
class SchemeWeights:
    """What every scheme returns: arrays (m,). entropy and redundancy are NaN where not used.

    rule: how the score is made of z and weights. `low` and `high` belong to the rule "affine", whose weights may be
    negative and have absolute values that sum to 1; all other weights sum to 1.
    """

    weights: FloatArray
    entropy: FloatArray
    redundancy: FloatArray
    flags: tuple[str, ...]
    rule: str = SUM
    low: float = 0.0
    high: float = 1.0


type Scheme = Callable[[FloatArray, tuple[str, ...], float], SchemeWeights]
"""(Z (N, T, m) with NaN outside the base, dimension of each indicator, delta) -> weights."""


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


def equal_dimension_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """The same weight for each dimension, and inside a dimension for each indicator; delta is not used."""
    w = equal_by_dimension(Z, dimensions)
    return SchemeWeights(w.weights, w.entropy, w.redundancy, w.flags)


def two_stage_entropy_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Entropy inside each dimension, then entropy over the dimension scores."""
    w = two_stage_weights(Z, dimensions, second="entropy", delta=delta)
    return SchemeWeights(w.weights, w.entropy, w.redundancy, w.flags)


def two_stage_equal_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Entropy inside each dimension, then the same weight for each dimension."""
    w = two_stage_weights(Z, dimensions, second="equal", delta=delta)
    return SchemeWeights(w.weights, w.entropy, w.redundancy, w.flags)


def critic_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Contrast times conflict; dimensions and delta are not used."""
    w = critic_weights(Z)
    return SchemeWeights(w.weights, *_unused(Z), w.flags)


def entropy_critic_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Geometric mean of entropy and CRITIC weights; dimensions are not used."""
    entropy = entropy_weights(Z, delta=delta)
    weights = entropy_critic_weights(Z, delta=delta)
    return SchemeWeights(weights, entropy.entropy, entropy.redundancy, entropy.flags)


def entropy_topsis_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Entropy weights with the TOPSIS score; dimensions are not used."""
    w = entropy_weights(Z, delta=delta)
    return SchemeWeights(w.weights, w.entropy, w.redundancy, w.flags, TOPSIS)


def pca_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Principal components of the correlations; dimensions and delta are not used."""
    p = pca_index(Z)
    return SchemeWeights(p.weights, *_unused(Z), p.flags, AFFINE, p.low, p.high)


def vertical_horizontal_scheme(Z: FloatArray, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Leading eigenvector of sum_t Z_t'Z_t; dimensions and delta are not used."""
    flags = tuple(EMPTY_COLUMN if empty else "" for empty in np.isnan(Z).all(axis=(0, 1)))
    return SchemeWeights(vertical_horizontal_weights(Z), *_unused(Z), flags)


SCHEMES: Mapping[str, Scheme] = MappingProxyType(
    {
        "entropy": entropy_scheme,
        "equal": equal_scheme,
        "equal_dimension": equal_dimension_scheme,
        "two_stage_entropy": two_stage_entropy_scheme,
        "two_stage_equal": two_stage_equal_scheme,
        "critic": critic_scheme,
        "entropy_critic": entropy_critic_scheme,
        "entropy_topsis": entropy_topsis_scheme,
        "pca": pca_scheme,
        "vertical_horizontal": vertical_horizontal_scheme,
    }
)


def scheme_weights(Z: FloatArray, *, scheme: str, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Weights by scheme name; an unknown name raises ValueError listing the known ones."""
    if scheme not in SCHEMES:
        raise ValueError(f"unknown weight scheme '{scheme}': use one of {', '.join(sorted(SCHEMES))}.")
    return SCHEMES[scheme](Z, dimensions, delta)


def scheme_score(Z: FloatArray, chosen: SchemeWeights) -> FloatArray:
    """Scores (N, T) of Z (N, T, m) by the rule of the scheme; NaN where an indicator with weight is missing."""
    if chosen.rule == TOPSIS:
        return topsis_score(Z, chosen.weights)
    if chosen.rule == AFFINE:
        return affine_score(Z, chosen.weights, chosen.low, chosen.high)
    return weighted_score(Z, chosen.weights)


def _unused(Z: FloatArray) -> tuple[FloatArray, FloatArray]:
    nothing = np.full(Z.shape[2], np.nan)
    return nothing, nothing
