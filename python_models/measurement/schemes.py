"""Weight schemes by name, all on the same z. A new scheme is a case of `scheme_weights` and a name in SCHEMES.

Most make a weighted sum; TOPSIS and the principal components bring a rule of their own for the score.
"""

from dataclasses import dataclass

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
SCHEMES: tuple[str, ...] = (
    "entropy",
    "equal",
    "equal_dimension",
    "two_stage_entropy",
    "two_stage_equal",
    "critic",
    "entropy_critic",
)
SCHEMES += ("entropy_topsis", "pca", "vertical_horizontal")


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


def scheme_weights(Z: FloatArray, *, scheme: str, dimensions: tuple[str, ...], delta: float) -> SchemeWeights:
    """Weights of Z (N, T, m), NaN outside the base; `dimensions` names that of each indicator, delta that of entropy.

    ValueError: an unknown name (with the known ones), and what the scheme raises.
    """
    m = Z.shape[2]
    empty, no_entropy = np.isnan(Z).all(axis=(0, 1)), np.full(m, np.nan)
    flags = tuple(EMPTY_COLUMN if e else "" for e in empty)
    match scheme:
        case "entropy" | "entropy_topsis":  # over all indicators at once
            w = entropy_weights(Z, delta=delta)
            rule = TOPSIS if scheme == "entropy_topsis" else SUM
            return SchemeWeights(w.weights, w.entropy, w.redundancy, w.flags, rule)
        case "equal":
            if empty.all():
                raise ValueError("no indicator has a value: equal weights do not exist.")
            return SchemeWeights(~empty / (~empty).sum(), no_entropy, no_entropy, flags)
        case "equal_dimension":
            levels = equal_by_dimension(Z, dimensions)
            return SchemeWeights(levels.weights, levels.entropy, levels.redundancy, levels.flags)
        case "two_stage_entropy" | "two_stage_equal":
            levels = two_stage_weights(Z, dimensions, second=scheme.removeprefix("two_stage_"), delta=delta)
            return SchemeWeights(levels.weights, levels.entropy, levels.redundancy, levels.flags)
        case "critic":
            critic = critic_weights(Z)
            return SchemeWeights(critic.weights, no_entropy, no_entropy, critic.flags)
        case "entropy_critic":
            w = entropy_weights(Z, delta=delta)
            return SchemeWeights(entropy_critic_weights(Z, delta=delta), w.entropy, w.redundancy, w.flags)
        case "pca":
            p = pca_index(Z)
            return SchemeWeights(p.weights, no_entropy, no_entropy, p.flags, AFFINE, p.low, p.high)
        case "vertical_horizontal":
            return SchemeWeights(vertical_horizontal_weights(Z), no_entropy, no_entropy, flags)
    raise ValueError(f"unknown weight scheme '{scheme}': use one of {', '.join(sorted(SCHEMES))}.")


def scheme_score(Z: FloatArray, weighting: SchemeWeights) -> FloatArray:
    """Scores (N, T) of Z (N, T, m) by the rule of the scheme; NaN where an indicator with weight is missing."""
    if weighting.rule == TOPSIS:
        return topsis_score(Z, weighting.weights)
    if weighting.rule == AFFINE:
        return affine_score(Z, weighting.weights, weighting.low, weighting.high)
    return weighted_score(Z, weighting.weights)
