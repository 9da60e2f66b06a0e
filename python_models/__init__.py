"""Numeric methods for a city panel: arrays and labels in, frozen results out.

What does not belong here: files, databases, clocks, prints, orchestration, global random
state. Arrays always have the axes (N, T, m): cities, years, indicators. Inputs are never
changed, and everything after the data is keyword-only.
"""

from python_models.entropy import EntropyWeights, entropy_weights
from python_models.measurement.composite import CompositeIndex, IndexResult
from python_models.panel import Panel

__all__ = ["CompositeIndex", "EntropyWeights", "IndexResult", "Panel", "entropy_weights"]
