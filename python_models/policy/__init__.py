"""Policy layer: four paths of cities by stated rules, how sure they are, and monitors of four principles.

Does not belong here: estimates of what a policy does (influence.pilots).
"""

from python_models.policy.benchmark import NOBODY, gower_distance, nearest_better
from python_models.policy.draws import Geography, Index, Interval, PathDraws, draw_paths, path_inputs
from python_models.policy.history import NEVER, Spells, share_table, spells, transition_table
from python_models.policy.inputs import n_in_window
from python_models.policy.monitors import MONITORS, Monitor, city_monitor, single_monitor
from python_models.policy.rules import (
    INPUTS,
    PATHS,
    RULES,
    SUBTYPES,
    Assignment,
    Cuts,
    Decision,
    base_cuts,
    classify,
    margin,
    replay_differences,
    year_cuts,
)

__all__ = [
    "INPUTS",
    "MONITORS",
    "NEVER",
    "NOBODY",
    "PATHS",
    "RULES",
    "SUBTYPES",
    "Assignment",
    "Cuts",
    "Decision",
    "Geography",
    "Index",
    "Interval",
    "Monitor",
    "PathDraws",
    "Spells",
    "base_cuts",
    "city_monitor",
    "classify",
    "draw_paths",
    "gower_distance",
    "margin",
    "n_in_window",
    "nearest_better",
    "path_inputs",
    "replay_differences",
    "share_table",
    "single_monitor",
    "spells",
    "transition_table",
    "year_cuts",
]
