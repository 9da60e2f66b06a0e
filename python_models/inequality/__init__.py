"""Inequality of one vector of finite values >= 0, its parts by group, and the intervals around both.

Does not belong here: paths of cities over time (dynamics).
"""

from python_models.inequality.change import BetweenGroups, DisparityChange, between_groups, disparity_change
from python_models.inequality.dagum import DagumResult, dagum
from python_models.inequality.gini import gini
from python_models.inequality.theil import TheilNestedResult, TheilResult, theil, theil_nested

__all__ = [
    "BetweenGroups",
    "DagumResult",
    "DisparityChange",
    "TheilNestedResult",
    "TheilResult",
    "between_groups",
    "dagum",
    "disparity_change",
    "gini",
    "theil",
    "theil_nested",
]
