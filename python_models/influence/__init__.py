"""Influences on a panel: thresholds, blocks of centre and periphery, reach, borders. Arrays in, frozen results out."""

from python_models.influence.barrier import Barrier, BarrierModeration, barrier_split, border_barrier, moderated_barrier
from python_models.influence.block_lags import BlockLags, block_lags
from python_models.influence.blocks import (
    BlockSpillover,
    GroupEffects,
    block_effects,
    block_spillover,
    group_effects,
    split_blocks,
)
from python_models.influence.interaction import Interaction, absorptive_spillover, moderated_spillover
from python_models.influence.level_adjusted import LevelAdjusted, even_scale, level_adjusted, level_controls
from python_models.influence.pilot_placebo import PilotPlacebo, placebo_dates, placebo_pilots
from python_models.influence.pilots import Exposure, PilotEffects, pilot_effects, pilot_exposure
from python_models.influence.placebo import LeadLag, Placebo, lead_lag, placebo_weights, placebo_years
from python_models.influence.regimes import RegimeFit, two_regime
from python_models.influence.rings import DistanceDecay, distance_decay, ring_matrices
from python_models.influence.spatial_threshold import SpatialThreshold, SupWald, adjusted_threshold, spatial_threshold
from python_models.influence.specification_curve import curve_summary, specification_curve
from python_models.influence.spillover import Linear, SpilloverFit, fit_spillover
from python_models.influence.threshold import Threshold, ThresholdResult, threshold_regression

__all__ = [
    "Barrier",
    "BarrierModeration",
    "BlockLags",
    "BlockSpillover",
    "DistanceDecay",
    "Exposure",
    "GroupEffects",
    "Interaction",
    "LeadLag",
    "LevelAdjusted",
    "Linear",
    "PilotEffects",
    "PilotPlacebo",
    "Placebo",
    "RegimeFit",
    "SpatialThreshold",
    "SpilloverFit",
    "SupWald",
    "Threshold",
    "ThresholdResult",
    "absorptive_spillover",
    "adjusted_threshold",
    "barrier_split",
    "block_effects",
    "block_lags",
    "block_spillover",
    "border_barrier",
    "curve_summary",
    "distance_decay",
    "even_scale",
    "fit_spillover",
    "group_effects",
    "lead_lag",
    "level_adjusted",
    "level_controls",
    "moderated_barrier",
    "moderated_spillover",
    "pilot_effects",
    "pilot_exposure",
    "placebo_dates",
    "placebo_pilots",
    "placebo_weights",
    "placebo_years",
    "ring_matrices",
    "spatial_threshold",
    "specification_curve",
    "split_blocks",
    "threshold_regression",
    "two_regime",
]
