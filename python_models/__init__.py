"""Numeric methods for a city panel: arrays and labels in, frozen results out.

No files, databases, clocks, prints, orchestration or global random state. Arrays have the axes (N, T, m): cities,
years, indicators. Inputs are never changed, and everything after the data is keyword-only.
"""

from python_models.entropy import EntropyWeights, entropy_weights
from python_models.measurement.composite import CompositeIndex, IndexResult
from python_models.panel import Panel

__all__ = ["CompositeIndex", "EntropyWeights", "IndexResult", "Panel", "entropy_weights"]
