"""Influences on a panel: thresholds. Arrays in, frozen results out."""

from python_models.influence.threshold import Threshold, ThresholdResult, threshold_regression

__all__ = ["Threshold", "ThresholdResult", "threshold_regression"]
