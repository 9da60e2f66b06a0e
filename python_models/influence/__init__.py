"""Influences on a panel: thresholds, blocks of centre and periphery, reach, borders. Arrays in, frozen results out.

Does not belong here: estimators (regression); which groups, areas and thresholds a study looks at.
"""

from python_models.influence.barrier import Barrier, barrier_split, border_barrier
from python_models.influence.blocks import BlockSpillover, GroupEffects, block_spillover, group_effects
from python_models.influence.honest import HonestBounds, honest_bounds
from python_models.influence.level_adjusted import LevelAdjusted, level_adjusted
from python_models.influence.pilot_placebo import PilotPlacebo, placebo_dates, placebo_pilots
from python_models.influence.pilots import Exposure, PilotEffects, pilot_effects
from python_models.influence.placebo import LeadLag, Placebo, lead_lag, placebo_weights
from python_models.influence.rings import DistanceDecay, distance_decay
from python_models.influence.spatial_threshold import SpatialThreshold, SupWald, adjusted_threshold, spatial_threshold
from python_models.influence.specification_curve import curve_summary, specification_curve
from python_models.influence.spillover import Linear, SpilloverFit, fit_spillover
from python_models.influence.threshold import Threshold, ThresholdResult, threshold_regression

__all__ = [
    "Barrier",
    "BlockSpillover",
    "DistanceDecay",
    "Exposure",
    "GroupEffects",
    "HonestBounds",
    "LeadLag",
    "LevelAdjusted",
    "Linear",
    "PilotEffects",
    "PilotPlacebo",
    "Placebo",
    "SpatialThreshold",
    "SpilloverFit",
    "SupWald",
    "Threshold",
    "ThresholdResult",
    "adjusted_threshold",
    "barrier_split",
    "block_spillover",
    "border_barrier",
    "curve_summary",
    "distance_decay",
    "fit_spillover",
    "group_effects",
    "honest_bounds",
    "lead_lag",
    "level_adjusted",
    "pilot_effects",
    "placebo_dates",
    "placebo_pilots",
    "placebo_weights",
    "spatial_threshold",
    "specification_curve",
    "threshold_regression",
]
