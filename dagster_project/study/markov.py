"""Markov chains of the headline index: discretisations, lags, groups and neighbours, with tests and long run.

States are numbered 1 (lowest) to 4 in the tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Rows, Tables, words
from dagster_project.study.groups import ALL
from dagster_project.study.panels import CityPanel, read_city_panel
from dagster_project.study.queries import GROUP_FRAMES, NEIGHBOURS, queries
from dagster_project.study.settings import Settings
from python_models._types import FloatArray
from python_models.dynamics import chain
from python_models.dynamics.homogeneity import group_homogeneity, order_test, time_homogeneity
from python_models.dynamics.markov import bootstrap_counts, interval, markov, row_shares, transition_codes
from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
from python_models.dynamics.states import DISCRETISATIONS, States, discretise, relative
from python_models.inference import half_width
from python_models.space import CityGraph

CITY_FRAMES = {**queries(__file__), **GROUP_FRAMES, "neighbours": NEIGHBOURS}
INPUTS = CITY_FRAMES
TABLES = words("markov_transition markov_spatial_transition markov_test markov_summary city_state")
N_STATES = 4
LAGS = (1, 2, 3, 4, 5)
IMPUTED_SHARE = 0.10  # a score is imputed when more than this share of its weight is (docs/formulas.md#gaps)
WEIGHTS: dict[str, tuple[str, dict[str, Any]]] = {"queen_row": ("queen", {}), "knn6_row": ("knn", {"k": 6})}
MAIN_W = "queen_row"


@dataclass(frozen=True)
class Effort:
    """How many draws: resamples of cities, permutations and simulations (at lag 1, at longer lags)."""

    resamples: int
    permutations: int
    long_lag: int

    def draws(self, lag: int) -> int:
        return self.permutations if lag == 1 else self.long_lag


def build(frames: Frames, settings: Settings) -> Tables:
    """Empty tables without scores."""
    panel, rows = read_city_panel(frames), Rows()
    if panel is not None:
        seed, todo = settings.seed, Effort(**settings.sizes("markov"))
        graphs = {code: panel.weights(kind, **options) for code, (kind, options) in WEIGHTS.items() if panel.n > 7}
        for kind in DISCRETISATIONS:
            _discretisation(panel, kind, graphs, seed, todo, rows)
    keys = panel.keys if panel is not None else {}
    return {name: table.assign(**keys) for name, table in rows.tables(TABLES).items()}


def _discretisation(
    panel: CityPanel, kind: str, graphs: dict[str, CityGraph], seed: int, effort: Effort, rows: Rows
) -> None:
    states = discretise(panel.scores, kind, n_states=N_STATES, base=panel.base)
    trend = _has_common_trend(panel, kind)
    values = relative(panel.values) if kind != "pooled" else panel.values
    near = {}
    for code, graph in graphs.items():
        near[code, "quantiles"] = classify_lag(values, graph, N_STATES, base=panel.base)
        if kind != "yearly":  # yearly classes have no fixed cuts that a lag could share
            near[code, "own_cuts"] = classify_lag(values, graph, N_STATES, base=panel.base, cuts=states.cuts)
    for lag in [lag for lag in LAGS if lag < len(panel.years)]:
        _chains(panel, states, lag, trend, seed, effort, rows)
        _tests(panel, states, lag, seed, effort, rows)
        for (w_code, cuts), lagged in near.items():
            labels = {"w_code": w_code, "lag_cuts": cuts}
            _spatial(panel, states, lagged, lag, labels, trend, seed, effort, rows)
    rows.add({"city_state": _city_states(states, near.get((MAIN_W, "quantiles")))})


def _chains(panel: CityPanel, classes: States, lag: int, trend: bool, seed: int, effort: Effort, rows: Rows) -> None:
    is_uncertain = panel.imputed > IMPUTED_SHARE
    for scheme, group, mask in panel.masks:
        states = classes.states[mask]
        moves = markov(states, N_STATES, lag, n_boot=effort.resamples, seed=seed)
        size = {"n_obs": moves.n_obs, "n_boot": effort.resamples, "seed": seed}
        labels = {"discretisation": classes.kind, "scheme": scheme, "group_code": group, "lag": lag, **size}
        # transitions of each cell that start or end in an imputed score, in the row order of `to_frame`
        is_marked = is_uncertain[mask][:, :-lag] | is_uncertain[mask][:, lag:]
        n_imputed = np.bincount(transition_codes(states, N_STATES, lag)[is_marked], minlength=N_STATES**2)
        draws = bootstrap_counts(states, N_STATES, lag, effort.resamples, seed)
        matrix = Matrix(f"{classes.kind}|{scheme}|{group}|lag{lag}", moves.counts, draws, lag, trend)
        rows.add({"markov_transition": numbered(moves.to_frame())}, n_imputed=n_imputed, **labels)
        rows.add_row("markov_summary", summary_row(matrix), **labels, w_code="none", lag_cuts="none", lag_state=0)


def _spatial(
    panel: CityPanel,
    states: States,
    lagged: States,
    lag: int,
    labels: dict[str, str],
    trend: bool,
    seed: int,
    effort: Effort,
    rows: Rows,
) -> None:
    near = np.where(lagged.states < 0, np.nan, lagged.states)
    province = panel.city["province_code"].astype(str).tolist()
    sizes: dict[str, Any] = {"permutations": effort.draws(lag), "n_boot": effort.resamples, "seed": seed}
    result = spatial_markov(states.states, near, N_STATES, N_STATES, lag, groups=province, **sizes)
    about: dict[str, object] = {"discretisation": states.kind, "lag": lag, **labels, "seed": seed}
    n_obs = int(result.counts.sum())
    size: dict[str, object] = {"n_obs": n_obs, "n_boot": effort.resamples}
    rows.add({"markov_spatial_transition": numbered(result.to_frame())}, **about, **size)
    test = _test_row("spatial_homog", "none", result, "trajectory_permutation", n_obs)
    rows.add_row("markov_test", test, **about, p_perm_province=result.p_perm_within, n_no_lag=result.n_no_lag)
    draws = bootstrap_counts(states.states, N_STATES, lag, effort.resamples, seed, lagged.states, N_STATES)
    stem = f"{states.kind}|{labels['w_code']}|{labels['lag_cuts']}|lag{lag}"
    facts = {**about, "scheme": ALL, "group_code": ALL}
    pooled = Matrix(f"{stem}|pooled", result.pooled_counts, draws.sum(axis=1), lag, trend)
    help_row = {
        f"upward_help_{code + 1}{end}": result.upward[name].iloc[code]
        for code in range(N_STATES - 1)
        for end, name in (("", "upward_help"), ("_lo", "lo"), ("_hi", "hi"), ("_p", "p"))
    }
    rows.add_row("markov_summary", summary_row(pooled) | help_row, **facts, **size, lag_state=0)
    for code in range(N_STATES):
        matrix = Matrix(f"{stem}|lag_state{code + 1}", result.counts[code], draws[:, code], lag, trend)
        part = {"n_obs": int(result.counts[code].sum()), "n_boot": effort.resamples}
        rows.add_row("markov_summary", summary_row(matrix), **facts, **part, lag_state=code + 1)


def _tests(panel: CityPanel, states: States, lag: int, seed: int, effort: Effort, rows: Rows) -> None:
    draws, simulated = effort.draws(lag), "simulation_from_pooled_chain"
    over_time = time_homogeneity(states.states, N_STATES, lag, simulations=draws, seed=seed)
    tests = [_test_row("time_homog", "none", over_time, simulated, over_time.n_obs)]
    for order in (order for order in (1, 2) if order * lag < len(panel.years)):
        test = order_test(states.states, N_STATES, order, lag, simulations=draws, seed=seed)
        tests.append(_test_row(f"order{order}", "none", test, simulated, test.n_obs))
    for scheme, label in panel.labels.items():
        test = group_homogeneity(states.states, N_STATES, label, lag, permutations=draws, seed=seed)
        tests.append(_test_row("region_homog", scheme, test, "label_permutation", test.n_obs))
    keys = {"discretisation": states.kind, "lag": lag, "w_code": "none", "lag_cuts": "none"}
    for row in tests:
        rows.add_row("markov_test", row, **keys, p_perm_province=np.nan, n_no_lag=0, seed=seed)


def _test_row(code: str, scheme: str, result: Any, p_perm_kind: str, n_obs: int) -> dict[str, object]:
    """One row of a test of homogeneity or order."""
    row: dict[str, object] = {
        "scheme": scheme,
        "test_code": code,
        "statistic_q": result.q,
        "statistic_lr": result.lr,
        "df": result.dof,
    }
    row |= {"p_chi2": result.p_value, "p_chi2_lr": result.p_value_lr, "p_perm": result.p_perm}
    return row | {"p_perm_kind": p_perm_kind, "n_perm": result.n_perm, "n_empty": result.n_empty, "n_obs": n_obs}


def _city_states(states: States, near: States | None) -> pd.DataFrame:
    move = np.full(states.states.shape, np.nan)
    move[:, 1:] = np.diff(states.states, axis=1)
    lag_state = np.full(states.states.shape, np.nan) if near is None else np.where(near.states < 0, np.nan, near.states)
    keys = {"discretisation": states.kind, "w_code": "none" if near is None else MAIN_W}
    frame = states.to_frame().assign(**keys, lag_state=(lag_state + 1).ravel(), move=move.ravel())
    frame["state"] += 1
    return frame.astype({"lag_state": "Int64", "move": "Int64"})


def _has_common_trend(panel: CityPanel, kind: str) -> bool:
    """Whether fixed cuts of the raw score meet a moving mean: paired |t| of last against first year beyond 95 %."""
    if kind != "pooled" or panel.n < 2:
        return False
    change = panel.values[:, -1] - panel.values[:, 0]
    error = change.std(ddof=1) / np.sqrt(panel.n)
    return bool(abs(change.mean()) > half_width() * error)


def numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """States from 1 instead of 0."""
    state_columns = [name for name in ("state_from", "state_to", "lag_state") if name in frame]
    return frame.assign(**{name: frame[name].astype(int) + 1 for name in state_columns})


@dataclass(frozen=True, eq=False)
class Matrix:
    """Counts (K, K) with resampled counts (B, K, K); lag turns periods into years."""

    matrix_id: str
    counts: FloatArray
    draws: FloatArray
    lag: int
    has_common_trend: bool


def summary_row(matrix: Matrix) -> dict[str, object]:
    """One row: mobility indices with intervals, ergodic shares, closed classes."""
    p = row_shares(matrix.counts)
    long_run = chain.ergodic(p)
    stack = np.concatenate([p[None], row_shares(matrix.draws)])
    indices = chain.mobility_stack(stack, chain.stationary_stack(stack))
    indices["half_life_years"] = indices.pop("half_life") * matrix.lag
    row: dict[str, object] = {"matrix_id": matrix.matrix_id, "has_common_trend": matrix.has_common_trend}
    finite = np.stack(list(indices.values()), axis=1)  # (1 + B, indices)
    finite[~np.isfinite(finite)] = np.nan
    ends = interval(finite[1:], finite[0].shape)
    for name, value, lo, hi in zip(indices, finite[0], *ends, strict=True):
        row |= {name: value, f"{name}_lo": lo, f"{name}_hi": hi}
    k = len(p)
    ergodic_shares = long_run.by_class.sum(axis=0) if long_run.closed and not long_run.is_open else np.full(k, np.nan)
    row |= {f"ergodic_{state + 1}": share for state, share in enumerate(ergodic_shares)}
    classes = [np.flatnonzero(long_run.classes == code) + 1 for code in long_run.closed]
    row["n_closed_classes"] = long_run.n_closed_classes
    row["closed_classes"] = "|".join(",".join(str(state) for state in members) for members in classes)
    return row
