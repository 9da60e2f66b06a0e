"""How far an index can be trusted: other weight schemes, agreement of ranks, uncertainty, stability, validity.

Does not belong here: which indicators an index has, and what a score is used for.
"""

from python_models.measurement.agreement import Agreement, agreement, agreement_by_year, pairwise_agreement
from python_models.measurement.audit import Audit, audit
from python_models.measurement.critic import critic_weights, entropy_critic_weights
from python_models.measurement.levels import equal_by_dimension, two_stage_weights
from python_models.measurement.pca import pca_index
from python_models.measurement.topsis import topsis_score
from python_models.measurement.validity import pearson, validity
from python_models.measurement.vertical_horizontal import vertical_horizontal_weights

__all__ = [
    "Agreement",
    "Audit",
    "agreement",
    "agreement_by_year",
    "audit",
    "critic_weights",
    "entropy_critic_weights",
    "equal_by_dimension",
    "pairwise_agreement",
    "pca_index",
    "pearson",
    "topsis_score",
    "two_stage_weights",
    "validity",
    "vertical_horizontal_weights",
]
