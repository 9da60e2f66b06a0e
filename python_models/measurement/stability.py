"""Do the weights hold when cities change? (docs/formulas.md#stability)

Every draw of cities repeats the whole procedure: caps, winsor limits, bounds, weights of the scheme.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import FloatArray
from python_models.measurement.fast import OF_DIMENSIONS, Procedure
from python_models.measurement.schemes import scheme_weights
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
        se = self.draws.std(axis=0, ddof=1)
        values: dict[str, Any] = {"weight": self.weights, "weight_se": np.where(se > 1e-12, se, 0.0)}
        values |= {"weight_p05": low, "weight_p95": high, "n_draws": len(self.draws), "n_obs": self.n_cities}
        return pd.DataFrame({"indicator_code": list(self.names), **values, "seed": self.seed})


def bootstrap_weights(
    panel: Panel,
    procedure: Procedure,
    *,
    seed: int,
    draws: int = 999,
    scheme: str = "entropy",
    dimensions: tuple[str, ...] = (),
) -> WeightBootstrap:
    """Draw whole cities `draws` times and estimate the weights of the scheme again. Same seed, same numbers.

    `dimensions` names that of each indicator, for schemes that need it. A draw in which an indicator is constant gives
    it weight 0. ValueError: fewer than 2 cities or draws, an unknown scheme.
    """
    n = len(panel.cities)
    if n < 2 or draws < 2:
        raise ValueError(f"a bootstrap needs at least 2 cities and 2 draws, got {n} and {draws}.")
    streams = np.random.SeedSequence(seed).spawn(draws)
    how = partial(_weights, procedure=procedure, scheme=scheme, dimensions=dimensions)
    tasks = [partial(_drawn_weights, panel.values, how, part) for part in parts(streams)]
    return WeightBootstrap(panel.names, how(panel.values), np.concatenate(run_tasks(tasks)), n, seed)


def _weights(X: FloatArray, procedure: Procedure, scheme: str, dimensions: tuple[str, ...]) -> FloatArray:
    if scheme in ("entropy", *OF_DIMENSIONS):  # the same numbers, sooner
        return procedure.weights(X, scheme, dimensions)
    return scheme_weights(procedure.scale(X), scheme=scheme, dimensions=dimensions, delta=procedure.delta).weights


def _drawn_weights(
    values: FloatArray, how: Callable[[FloatArray], FloatArray], streams: Sequence[np.random.SeedSequence]
) -> FloatArray:
    n = len(values)
    return np.array([how(values[np.random.default_rng(s).integers(0, n, n)]) for s in streams])
