"""Do the weights hold when cities or years change? (docs/formulas.md#stability)

Drift D(w, v) = 1/2 sum_k |w_k - v_k|: the share of weight that has moved. Every estimate repeats the whole procedure:
caps, winsor limits, bounds, entropy weights. More than 10 % of an indicator's cells outside the base range, or a drift
above 0.05, ask for a new base.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import ArrayLike, FloatArray
from python_models.measurement.fast import Procedure
from python_models.panel import Panel
from python_models.tasks import parts, run_tasks

RANGE_LIMIT, DRIFT_LIMIT = 0.10, 0.05
EXPANDING, LEAVE_ONE = "expanding", "leave_one_year"
SHORTEST = 3  # years of the first expanding window


def drift(w: ArrayLike, v: ArrayLike) -> float:
    """1/2 sum |w_k - v_k| of two weight vectors (m,)."""
    a, b = np.asarray(w, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if a.shape != b.shape:
        raise ValueError(f"weights of the same indicators are needed, got shapes {a.shape} and {b.shape}.")
    return float(0.5 * np.abs(a - b).sum())


def window_weights(panel: Panel, procedure: Procedure) -> pd.DataFrame:
    """One row per window_kind, window_end and indicator: weight, drift_l1_half against all years, n_obs.

    window_end is the last year of an expanding window, and the year left out of the others. `panel` holds the years
    of the base window only. Windows with fewer than 3 years are not made.
    """
    whole = procedure.weights(panel.values)
    years = list(panel.years)
    windows = [(EXPANDING, years[t], list(range(t + 1))) for t in range(SHORTEST - 1, len(years))]
    if len(years) > SHORTEST:
        windows += [(LEAVE_ONE, y, [s for s in range(len(years)) if s != t]) for t, y in enumerate(years)]
    columns = ["window_kind", "window_end", "indicator_code", "weight", "drift_l1_half", "n_obs"]
    rows: list[tuple[object, ...]] = []
    for kind, end, chosen in windows:
        w = procedure.weights(panel.values[:, chosen])
        moved, n = drift(w, whole), len(panel.cities) * len(chosen)
        rows += [(kind, end, name, own, moved, n) for name, own in zip(panel.names, w, strict=True)]
    return pd.DataFrame(rows, columns=columns)


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


def alarms(
    out_of_range: Mapping[str, float], weights_frozen: ArrayLike, weights_restated: ArrayLike, *, n_obs: int
) -> pd.DataFrame:
    """One row per alarm rule, with the limit and whether it is passed; indicator_code '' means the weights as a whole.

    out_of_range: share of cells of the years after the window outside the base range, by indicator.
    """
    rows = [("out_of_base_range", code, share, RANGE_LIMIT) for code, share in out_of_range.items()]
    rows.append(("weight_drift", "", drift(weights_frozen, weights_restated), DRIFT_LIMIT))
    frame = pd.DataFrame(rows, columns=["alarm_kind", "indicator_code", "observed", "alarm_limit"])
    return frame.assign(is_alarm=frame["observed"] > frame["alarm_limit"], n_obs=n_obs)
