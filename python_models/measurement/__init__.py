"""How far an index can be trusted: other weight schemes, agreement of ranks, uncertainty, stability, validity.

Does not belong here: which indicators an index has, and what a score is used for.
"""

from python_models.measurement.agreement import Agreement, agreement, agreement_by_year, pairwise_agreement
from python_models.measurement.audit import Audit, audit
from python_models.measurement.topsis import topsis_score
from python_models.measurement.validity import validity

__all__ = [
    "Agreement",
    "Audit",
    "agreement",
    "agreement_by_year",
    "audit",
    "pairwise_agreement",
    "topsis_score",
    "validity",
]
