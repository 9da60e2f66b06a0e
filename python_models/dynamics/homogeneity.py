"""Do several groups of transitions share one matrix, and is one year of memory enough?

Q, LR and df of docs/formulas.md#homogeneity over tables n_ij(m), m = 1..M periods, regions or lag classes.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2

from python_models._show import OneRow
from python_models._types import FloatArray
from python_models.dynamics.markov import row_shares, tally_by, transition_codes
from python_models.dynamics.states import StateArray, check_lag, check_states

type Tables = Callable[[StateArray], FloatArray]  # counts of the panels (.., N, T)

CHUNK = 64  # simulated panels that are held at once


@dataclass(frozen=True)
class HomogeneityResult(OneRow):
    """Test that M tables have one matrix. q, lr chi-squared with dof; p_value (of q), p_value_lr; p_perm from
    simulation or permutation, NaN without; n_empty: rows without transitions; n_obs: transitions."""

    q: float
    lr: float
    dof: int
    p_value: float
    p_value_lr: float
    p_perm: float
    n_perm: int
    n_empty: int
    n_obs: int
    seed: int | None


def time_homogeneity(
    states: Any, n_states: int, lag: int = 1, *, simulations: int = 0, seed: int | None = None
) -> HomogeneityResult:
    """Homogeneity over start years, of states (N, T).

    simulations : panels drawn from the pooled one-year matrix, from the observed first states, for p_perm: it stands
    where expected counts are low and where transitions overlap (lag > 1).
    """
    panel = check_states(states, n_states, "states")
    check_lag(lag, panel.shape[1])
    rows = np.arange(panel.shape[1] - lag)

    def tables(panels: StateArray) -> FloatArray:
        return _tables(transition_codes(panels, n_states, lag), rows, int(rows.max()) + 1, n_states)

    return judged(tables(panel), _simulated(panel, n_states, tables, simulations, seed), seed)


def group_homogeneity(
    states: Any, n_states: int, groups: Any, lag: int = 1, *, permutations: int = 0, seed: int | None = None
) -> HomogeneityResult:
    """Homogeneity over groups of cities (N,), e.g. regions; p_perm from permuting the labels of whole cities."""
    panel = check_states(states, n_states, "states")
    check_lag(lag, panel.shape[1])
    rows = pd.factorize(pd.Series(list(groups)))[0]
    if len(rows) != len(panel):
        raise ValueError(f"groups need one label per city ({len(panel)}), got {len(rows)}.")
    n_rows, size = int(rows.max()) + 1, n_states**2
    codes = transition_codes(panel, n_states, lag)
    by_city = tally_by(codes, np.arange(len(panel))[:, None], len(panel), size)
    labels = np.eye(n_rows)[rows]
    counts = (labels.T @ by_city).reshape(n_rows, n_states, n_states)
    q_draws = np.empty(0)
    if permutations:
        rng = np.random.default_rng(_seeded(seed))
        group_tables = np.stack([labels[rng.permutation(len(panel))].T @ by_city for _ in range(permutations)])
        q_draws = divergence(group_tables.reshape(permutations, n_rows, n_states, n_states))[0]
    return judged(counts, q_draws, seed)


def order_test(
    states: Any, n_states: int, order: int = 1, lag: int = 1, *, simulations: int = 0, seed: int | None = None
) -> HomogeneityResult:
    """Is the chain of this order, against one order less? order 1: does the next state depend on the present one at
    all; order 2: does it depend on the state before that too.

    Order 2 compares, for each present state, the rows by former state (tables h, df sum_i (c_i - 1)(b_i - 1));
    order 1 compares the rows of all present states. simulations : panels drawn from the lower order.
    """
    panel = check_states(states, n_states, "states")
    if order not in (1, 2):
        raise ValueError(f"order must be 1 or 2, got {order}.")
    check_lag(order * lag, panel.shape[1])

    def tables(panels: StateArray) -> FloatArray:
        codes = transition_codes(panels, n_states, lag)
        if order == 1:  # K tables with one row each: the rows must be alike
            return _tables(codes, np.zeros(1, dtype=np.int64), 1, n_states).swapaxes(-3, -2)
        former = panels[..., : codes.shape[-1] - lag]
        return _tables(codes[..., lag:], former, n_states, n_states)

    q_draws = _simulated(panel, n_states, tables, simulations, seed, order=order - 1)
    return judged(tables(panel), q_draws, seed)


def divergence(tables: FloatArray) -> tuple[Any, Any, Any]:
    """Q, LR, df of tables (M, K, K), or of each of a stack (B, M, K, K)."""
    total = tables.sum(axis=-1, keepdims=True)
    pooled = row_shares(tables.sum(axis=-3, keepdims=True))
    has_exits = pooled > 0  # NaN compares as false: a state that no table leaves takes no part
    expected = total * np.where(has_exits, pooled, 1.0)
    some = has_exits & (total > 0)
    gap = np.where(some, (tables - expected) ** 2 / np.where(some, expected, 1.0), 0.0)
    positive = some & (tables > 0)
    ratio = np.where(positive, tables / np.where(positive, expected, 1.0), 1.0)
    a = (total[..., 0] > 0).sum(axis=-2)
    b = has_exits[..., 0, :, :].sum(axis=-1)
    dof = np.where((a > 0) & (b > 0), (a - 1) * (b - 1), 0).sum(axis=-1)
    q, lr = gap.sum(axis=(-3, -2, -1)), 2 * (tables * np.log(ratio)).sum(axis=(-3, -2, -1))
    if tables.ndim == 3:
        return float(q), float(lr), int(dof)
    return q, lr, dof


def simulate_chain(first: StateArray, p: FloatArray, n_years: int, size: int, rng: np.random.Generator) -> StateArray:
    """`size` panels of states (size, N, n_years) that start at `first` (N,) and follow p (K, K).

    Raises ValueError when a chain has to leave a state without a row (NaN).
    """
    n = len(first)
    empty = np.isnan(p).any(axis=1)
    bounds = np.cumsum(np.where(np.isnan(p), 1.0, p), axis=1)
    bounds[bounds >= 1 - 1e-12] = np.inf  # the last state that a row leads to takes what rounding leaves
    panels = np.empty((size, n, n_years), dtype=np.int64)
    panels[:, :, 0] = first
    for t in range(1, n_years):
        if empty[panels[:, :, t - 1]].any():
            raise ValueError(f"a chain is in a state without transitions in year {t - 1}: it cannot be drawn further.")
        before, draw = panels[:, :, t - 1], rng.random((size, n))
        panels[:, :, t] = sum(draw >= bound[before] for bound in bounds.T)
    return panels


def _simulated(
    panel: StateArray, n_states: int, tables: Tables, simulations: int, seed: int | None, order: int = 1
) -> FloatArray:
    """Q of panels drawn from the pooled matrix (order 1) or the pooled shares (order 0); none where the matrix leads
    into a state that no observed transition leaves."""
    if not simulations:
        return np.empty(0)
    rng = np.random.default_rng(_seeded(seed))
    counts = tally_by(transition_codes(panel, n_states, 1), 0, 1, n_states**2).reshape(n_states, n_states)
    if order == 0:
        counts = np.broadcast_to(counts.sum(axis=0), counts.shape)
    p = row_shares(np.asarray(counts, dtype=np.float64))
    if counts[:, np.isnan(p).any(axis=1)].any():
        return np.empty(0)
    q: list[float] = []
    while len(q) < simulations:
        panels = simulate_chain(panel[:, 0], p, panel.shape[1], min(CHUNK, simulations - len(q)), rng)
        q += list(divergence(tables(panels))[0])
    return np.array(q)


def _tables(codes: StateArray, rows: StateArray, n_rows: int, n_states: int) -> FloatArray:
    """Counts (.., n_rows, K, K) of the codes (.., N, T) of each panel by row label (broadcast to them)."""
    size, stack = n_states**2, codes.reshape(-1, *codes.shape[-2:])
    panel = np.arange(len(stack))[:, None, None] * n_rows
    counts = tally_by(stack, panel + np.broadcast_to(rows, codes.shape).reshape(stack.shape), len(stack) * n_rows, size)
    return counts.reshape(*codes.shape[:-2], n_rows, n_states, n_states)


def judged(counts: FloatArray, q_draws: FloatArray, seed: int | None) -> HomogeneityResult:
    q, lr, dof = divergence(counts)
    n_perm = len(q_draws)
    p_perm = (np.count_nonzero(q_draws >= q * (1 - 1e-12)) + 1) / (n_perm + 1) if n_perm and dof else np.nan
    p, p_lr = (float(chi2.sf(value, dof)) if dof else np.nan for value in (q, lr))
    n_empty, n_obs = int((counts.sum(axis=2) == 0).sum()), int(counts.sum())
    return HomogeneityResult(q, lr, dof, p, p_lr, float(p_perm), n_perm, n_empty, n_obs, seed if n_perm else None)


def _seeded(seed: int | None) -> int:
    if seed is None:
        raise ValueError("simulations and permutations need a seed: the numbers must come out the same again.")
    return seed
