"""Rows of one transition matrix: mobility, long run, passage times, each with an interval over resampled cities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._types import FloatArray
from python_models.dynamics.chain import (
    ergodic,
    mean_first_passage,
    mobility_stack,
    passage_stack,
    sojourn,
    stationary_stack,
)
from python_models.dynamics.markov import interval, row_shares


@dataclass(frozen=True, eq=False)
class Matrix:
    """Counts (K, K) with resampled counts (B, K, K); lag turns periods into years."""

    matrix_id: str
    counts: FloatArray
    draws: FloatArray
    lag: int
    has_common_trend: bool


def summary_row(matrix: Matrix) -> pd.DataFrame:
    """One row: mobility indices with intervals, ergodic shares, closed classes."""
    p = row_shares(matrix.counts)
    long_run = ergodic(p)
    stack = np.concatenate([p[None], row_shares(matrix.draws)])
    found = mobility_stack(stack, stationary_stack(stack))
    found["half_life_years"] = found.pop("half_life") * matrix.lag
    row: dict[str, object] = {"matrix_id": matrix.matrix_id, "has_common_trend": matrix.has_common_trend}
    for name, values in found.items():
        finite = np.where(np.isfinite(values), values, np.nan)
        lo, hi = interval(finite[1:, None], (1,))
        row |= {name: finite[0], f"{name}_lo": lo[0], f"{name}_hi": hi[0]}
    k = len(p)
    known = long_run.by_class.sum(axis=0) if long_run.closed and not long_run.is_open else np.full(k, np.nan)
    row |= {f"ergodic_{state + 1}": share for state, share in enumerate(known)}
    classes = [np.flatnonzero(long_run.classes == code) + 1 for code in long_run.closed]
    row["n_closed_classes"] = long_run.n_closed_classes
    row["closed_classes"] = "|".join(",".join(str(state) for state in members) for members in classes)
    return pd.DataFrame([row])


def passage_rows(matrix: Matrix) -> pd.DataFrame:
    """One row per origin and destination; null where the destination is not certain to be reached."""
    p = row_shares(matrix.counts)
    k = len(p)
    times = mean_first_passage(p) * matrix.lag
    draws = row_shares(matrix.draws)
    lo, hi = interval(passage_stack(draws, stationary_stack(draws)) * matrix.lag, (k, k))
    stay = sojourn(p) * matrix.lag
    state = np.arange(1, k + 1)
    finite = np.isfinite(times)
    return pd.DataFrame(
        {
            "matrix_id": matrix.matrix_id,
            "state_from": state.repeat(k),
            "state_to": np.tile(state, k),
            "mfpt_years": np.where(finite, times, np.nan).ravel(),
            "mfpt_lo": np.where(finite, lo, np.nan).ravel(),
            "mfpt_hi": np.where(finite, hi, np.nan).ravel(),
            "is_certain": finite.ravel(),
            "sojourn_years": np.where(np.isfinite(stay), stay, np.nan).repeat(k),
        }
    )
