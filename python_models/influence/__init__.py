"""Influences on a panel: thresholds, blocks of centre and periphery, reach, borders. Arrays in, frozen results out."""

from python_models.influence.barrier import Barrier, barrier_split, border_barrier, fieller_interval
from python_models.influence.barrier_moderation import BarrierModeration, moderated_barrier
from python_models.influence.block_lags import BlockLags, block_lags
from python_models.influence.blocks import BlockSpillover, block_effects, block_spillover, split_blocks
from python_models.influence.heterogeneity import GroupEffects, group_effects
from python_models.influence.level_adjusted import LevelAdjusted, even_scale, level_adjusted, level_controls
from python_models.influence.rings import DistanceDecay, distance_decay, holm, ring_matrices
from python_models.influence.spatial_threshold import SpatialThreshold, spatial_threshold
from python_models.influence.spillover import SpilloverFit, fit_spillover
from python_models.influence.threshold import Threshold, ThresholdResult, threshold_regression
from python_models.influence.threshold_adjusted import AdjustedThreshold, adjusted_threshold

__all__ = [
    "AdjustedThreshold",
    "Barrier",
    "BarrierModeration",
    "BlockLags",
    "BlockSpillover",
    "DistanceDecay",
    "GroupEffects",
    "LevelAdjusted",
    "SpatialThreshold",
    "SpilloverFit",
    "Threshold",
    "ThresholdResult",
    "adjusted_threshold",
    "barrier_split",
    "block_effects",
    "block_lags",
    "block_spillover",
    "border_barrier",
    "distance_decay",
    "even_scale",
    "fieller_interval",
    "fit_spillover",
    "group_effects",
    "holm",
    "level_adjusted",
    "level_controls",
    "moderated_barrier",
    "ring_matrices",
    "spatial_threshold",
    "split_blocks",
    "threshold_regression",
]
