"""Influences on a panel: thresholds, blocks of centre and periphery, reach, borders. Arrays in, frozen results out."""

from python_models.influence.barrier import Barrier, border_barrier, fieller_interval
from python_models.influence.blocks import BlockSpillover, block_effects, block_spillover, split_blocks
from python_models.influence.rings import DistanceDecay, distance_decay, holm, ring_matrices
from python_models.influence.spillover import SpilloverFit, fit_spillover
from python_models.influence.threshold import Threshold, ThresholdResult, threshold_regression

__all__ = [
    "Barrier", "BlockSpillover", "DistanceDecay", "SpilloverFit", "Threshold", "ThresholdResult", "block_effects",
    "block_spillover", "border_barrier", "distance_decay", "fieller_interval", "fit_spillover", "holm",
    "ring_matrices", "split_blocks", "threshold_regression",
]  # fmt: skip
