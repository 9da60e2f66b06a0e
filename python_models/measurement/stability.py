"""Do the weights hold when cities change? (docs/formulas.md#stability)

Every draw of cities repeats the whole procedure: caps, winsor limits, bounds, entropy weights.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import FloatArray
from python_models.measurement.fast import Procedure
from python_models.panel import Panel
from python_models.tasks import parts, run_tasks


@dataclass(frozen=True, eq=False)
class WeightBootstrap:
    """draws (B, m): weights of each draw of cities; weights (m,): of the cities as they are."""

    names: tuple[str, ...]
    weights: FloatArray
    draws: FloatArray
    n_cities: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per indicator: weight, weight_se, weight_p05, weight_p95, n_draws, n_obs (cities), seed."""
        low, high = np.quantile(self.draws, (0.05, 0.95), axis=0)
        values: dict[str, Any] = {"weight": self.weights, "weight_se": self.draws.std(axis=0, ddof=1)}
        values |= {"weight_p05": low, "weight_p95": high, "n_draws": len(self.draws), "n_obs": self.n_cities}
        return pd.DataFrame({"indicator_code": list(self.names), **values, "seed": self.seed})


def bootstrap_weights(panel: Panel, procedure: Procedure, *, seed: int, draws: int = 999) -> WeightBootstrap:
    """Draw whole cities `draws` times and estimate the weights again. Same seed, same numbers.

    A draw in which an indicator is constant gives it weight 0. ValueError: fewer than 2 cities or draws.
    """
    n = len(panel.cities)
    if n < 2 or draws < 2:
        raise ValueError(f"a bootstrap needs at least 2 cities and 2 draws, got {n} and {draws}.")
    streams = np.random.SeedSequence(seed).spawn(draws)
    tasks = [partial(_drawn_weights, panel.values, procedure, part) for part in parts(streams)]
    result = np.concatenate(run_tasks(tasks))
    return WeightBootstrap(panel.names, procedure.weights(panel.values), result, n, seed)


def _drawn_weights(values: FloatArray, procedure: Procedure, streams: Sequence[np.random.SeedSequence]) -> FloatArray:
    n = len(values)
    return np.array([procedure.weights(values[np.random.default_rng(s).integers(0, n, n)]) for s in streams])
