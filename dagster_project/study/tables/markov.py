"""Markov tables: chains of all discretisations, lags, groups and neighbour classes, with tests and long run.

States are numbered 1 (lowest) to 4 in the tables. What does not belong here: formulas (see python_models.dynamics).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.tables._chain_rows import Matrix, passage_rows, summary_row
from dagster_project.study.tables._city_panel import KEYS, CityPanel, Frames, finish, read_city_panel
from python_models.dynamics.homogeneity import group_homogeneity, order_test, time_homogeneity
from python_models.dynamics.lisa_markov import lisa_markov
from python_models.dynamics.markov import bootstrap_counts, markov, transition_codes
from python_models.dynamics.ranks import rank_mobility
from python_models.dynamics.spatial_markov import classify_lag, spatial_markov
from python_models.dynamics.states import DISCRETISATIONS, States, discretise, relative
from python_models.space import CityGraph, lisa

N_STATES = 4
LAGS = (1, 2, 3, 4, 5)
IMPUTED_SHARE = 0.10  # a score is imputed when more than this share of its weight is (docs/formulas.md#gaps)
WEIGHTS = {"queen_row": ("queen", {}), "knn6_row": ("knn", {"k": 6})}
MAIN_W = "queen_row"

_UNCERTAIN = ["n_boot", "n_obs", "seed"]
COLUMNS = {
    "markov_transition": [
        *KEYS,
        "discretisation",
        "scheme",
        "group_code",
        "lag",
        "state_from",
        "state_to",
        "n",
        "n_row",
        "p",
        "se",
        "lo",
        "hi",
        "thin",
        "n_imputed",
        *_UNCERTAIN,
    ],
    "markov_spatial_transition": [
        *KEYS,
        "discretisation",
        "lag",
        "w_code",
        "lag_cuts",
        "lag_state",
        "state_from",
        "state_to",
        "n",
        "n_row",
        "p",
        "se",
        "lo",
        "hi",
        "thin",
        "p_unconditional",
        *_UNCERTAIN,
    ],
    "markov_test": [
        *KEYS,
        "discretisation",
        "lag",
        "w_code",
        "lag_cuts",
        "scheme",
        "test_code",
        "statistic_q",
        "statistic_lr",
        "df",
        "p_chi2",
        "p_chi2_lr",
        "p_perm",
        "p_perm_kind",
        "n_perm",
        "n_empty",
        "n_no_lag",
        "n_obs",
        "seed",
    ],
    "markov_summary": [
        *KEYS,
        "matrix_id",
        "discretisation",
        "scheme",
        "group_code",
        "w_code",
        "lag_cuts",
        "lag_state",
        "lag",
        *(
            f"{m}{end}"
            for m in ("prais", "shorrocks_det", "lambda2", "bartholomew", "half_life_years")
            for end in ("", "_lo", "_hi")
        ),
        *(f"ergodic_{k}" for k in range(1, N_STATES + 1)),
        "n_closed_classes",
        "closed_classes",
        "has_common_trend",
        *(f"upward_help_{k}{end}" for k in range(1, N_STATES) for end in ("", "_lo", "_hi", "_p")),
        *_UNCERTAIN,
    ],
    "markov_passage": [
        *KEYS,
        "matrix_id",
        "state_from",
        "state_to",
        "mfpt_years",
        "mfpt_lo",
        "mfpt_hi",
        "is_certain",
        "sojourn_years",
        *_UNCERTAIN,
    ],
    "city_state": [*KEYS, "city_id", "year", "discretisation", "state", "w_code", "lag_state", "move"],
    "rank_mobility": [
        *KEYS,
        "lag",
        "scheme",
        "group_code",
        "kendall_tau",
        "tau_se",
        "tau_lo",
        "tau_hi",
        "spearman",
        "mean_abs_rank_change",
        "theta",
        "p_perm",
        "n_perm",
        "n_pairs",
        "n_obs",
        "seed",
    ],
    "lisa_markov": [
        *KEYS,
        "variant",
        "w_code",
        "lag",
        "state_from",
        "state_to",
        "n",
        "n_row",
        "p",
        "se",
        "lo",
        "hi",
        "thin",
        "p_independent",
        "chi2",
        "df",
        "p_value",
        "p_perm",
        "n_perm",
        *_UNCERTAIN,
    ],
}


@dataclass(frozen=True)
class Effort:
    """How many draws: resamples of cities, permutations and simulations (at lag 1, at longer lags), LISA."""

    resamples: int = 499
    permutations: int = 999
    long_lag: int = 199
    lisa: int = 9999

    def draws(self, lag: int) -> int:
        return self.permutations if lag == 1 else self.long_lag


def build_markov_tables(frames: Frames, *, seed: int, effort: Effort | None = None) -> dict[str, pd.DataFrame]:
    """Frames `scores`, `city`, `groups`, `neighbours` -> tables of COLUMNS; empty ones without scores."""
    panel = read_city_panel(frames)
    tables: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    if panel is not None:
        todo = effort or Effort()
        graphs = {code: panel.weights(kind, **options) for code, (kind, options) in WEIGHTS.items() if panel.n > 7}
        for kind in DISCRETISATIONS:
            _discretisation(panel, kind, graphs, seed, todo, tables)
        tables["rank_mobility"] = list(_rank_rows(panel, seed, todo))
        if MAIN_W in graphs:
            tables["lisa_markov"] = list(_lisa_rows(panel, graphs[MAIN_W], seed, todo))
    keys = panel.keys if panel is not None else {}
    return {name: finish(rows, COLUMNS[name], keys) for name, rows in tables.items()}


def _discretisation(
    panel: CityPanel,
    kind: str,
    graphs: dict[str, CityGraph],
    seed: int,
    effort: Effort,
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    found = discretise(panel.scores, kind, n_states=N_STATES, base=panel.base)
    trend = _has_common_trend(panel, kind)
    scored = relative(panel.values) if kind != "pooled" else panel.values
    near = {}
    for code, graph in graphs.items():
        near[code, "quantiles"] = classify_lag(scored, graph, N_STATES, base=panel.base)
        if kind != "yearly":  # yearly classes have no fixed cuts that a lag could share
            near[code, "own_cuts"] = classify_lag(scored, graph, N_STATES, base=panel.base, cuts=found.cuts)
    for lag in [lag for lag in LAGS if lag < len(panel.years)]:
        _chains(panel, found, lag, trend, seed, effort, tables)
        tables["markov_test"] += list(_tests(panel, found, lag, seed, effort))
        for (w_code, cuts), lagged in near.items():
            _spatial(panel, found, lagged, lag, {"w_code": w_code, "lag_cuts": cuts}, trend, seed, effort, tables)
    main = near.get((MAIN_W, "quantiles"))
    tables["city_state"].append(_city_states(panel, found, main))


def _chains(
    panel: CityPanel,
    found: States,
    lag: int,
    trend: bool,
    seed: int,
    effort: Effort,
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    touched = panel.imputed > IMPUTED_SHARE
    for scheme, group, mask in panel.group_masks():
        states = found.states[mask]
        chain = markov(states, N_STATES, lag, n_boot=effort.resamples, seed=seed)
        labels: dict[str, Any] = {
            "discretisation": found.kind,
            "scheme": scheme,
            "group_code": group,
            "lag": lag,
            "n_obs": chain.n_obs,
            "n_boot": effort.resamples,
            "seed": seed,
        }
        rows = _numbered(chain.to_frame()).assign(n_imputed=_touched(states, touched[mask], lag), **labels)
        tables["markov_transition"].append(rows)
        draws = bootstrap_counts(states, N_STATES, lag, effort.resamples, seed)
        matrix = Matrix(f"{found.kind}|{scheme}|{group}|lag{lag}", chain.counts, draws, lag, trend)
        facts = {**labels, "w_code": "none", "lag_cuts": "none", "lag_state": 0}
        tables["markov_summary"].append(summary_row(matrix).assign(**facts))
        tables["markov_passage"].append(
            passage_rows(matrix).assign(n_obs=chain.n_obs, n_boot=effort.resamples, seed=seed)
        )


def _spatial(
    panel: CityPanel,
    found: States,
    lagged: States,
    lag: int,
    labels: dict[str, Any],
    trend: bool,
    seed: int,
    effort: Effort,
    tables: dict[str, list[pd.DataFrame]],
) -> None:
    near = np.where(lagged.states < 0, np.nan, lagged.states)
    result = spatial_markov(
        found.states, near, N_STATES, N_STATES, lag, permutations=effort.draws(lag), n_boot=effort.resamples, seed=seed
    )
    n_obs = int(result.counts.sum())
    shared = {"discretisation": found.kind, "lag": lag, **labels, "n_obs": n_obs, "seed": seed}
    rows = _numbered(result.to_frame()).assign(n_boot=effort.resamples, **shared)
    tables["markov_spatial_transition"].append(rows)
    tables["markov_test"].append(
        pd.DataFrame(
            [
                {
                    **shared,
                    "scheme": "none",
                    "test_code": "spatial_homog",
                    "statistic_q": result.q,
                    "statistic_lr": result.lr,
                    "df": result.dof,
                    "p_chi2": result.p_value,
                    "p_chi2_lr": result.p_value_lr,
                    "p_perm": result.p_perm,
                    "p_perm_kind": "trajectory_permutation",
                    "n_perm": result.n_perm,
                    "n_empty": result.n_empty,
                    "n_no_lag": result.n_no_lag,
                }
            ]
        )
    )
    draws = bootstrap_counts(found.states, N_STATES, lag, effort.resamples, seed, lagged.states, N_STATES)
    stem = f"{found.kind}|{labels['w_code']}|{labels['lag_cuts']}|lag{lag}"
    facts = {**shared, "scheme": "all", "group_code": "all", "n_boot": effort.resamples}
    pooled = Matrix(f"{stem}|pooled", result.pooled_counts, draws.sum(axis=1), lag, trend)
    help_row = {
        f"upward_help_{code + 1}{end}": result.upward[name].iloc[code]
        for code in range(N_STATES - 1)
        for end, name in (("", "upward_help"), ("_lo", "lo"), ("_hi", "hi"), ("_p", "p"))
    }
    tables["markov_summary"].append(summary_row(pooled).assign(**{**facts, "lag_state": 0}, **help_row))
    for code in range(N_STATES):
        matrix = Matrix(f"{stem}|lag_state{code + 1}", result.counts[code], draws[:, code], lag, trend)
        here = {**facts, "n_obs": int(result.counts[code].sum()), "lag_state": code + 1}
        tables["markov_summary"].append(summary_row(matrix).assign(**here))
        tables["markov_passage"].append(
            passage_rows(matrix).assign(n_obs=here["n_obs"], n_boot=effort.resamples, seed=seed)
        )


def _tests(panel: CityPanel, found: States, lag: int, seed: int, effort: Effort) -> Iterator[pd.DataFrame]:
    draws = effort.draws(lag)
    results = [("time_homog", "none", time_homogeneity(found.states, N_STATES, lag, simulations=draws, seed=seed))]
    for order in (1, 2):
        if order * lag < len(panel.years):
            test = order_test(found.states, N_STATES, order, lag, simulations=draws, seed=seed)
            results.append((f"order{order}", "none", test))
    for scheme, label in panel.groups.items():
        test = group_homogeneity(found.states, N_STATES, label, lag, permutations=draws, seed=seed)
        results.append(("region_homog", scheme, test))
    for code, scheme, result in results:
        yield pd.DataFrame(
            [
                {
                    "discretisation": found.kind,
                    "lag": lag,
                    "w_code": "none",
                    "lag_cuts": "none",
                    "scheme": scheme,
                    "test_code": code,
                    "statistic_q": result.q,
                    "statistic_lr": result.lr,
                    "df": result.dof,
                    "p_chi2": result.p_value,
                    "p_chi2_lr": result.p_value_lr,
                    "p_perm": result.p_perm,
                    "p_perm_kind": "label_permutation" if code == "region_homog" else "simulation_from_pooled_chain",
                    "n_perm": result.n_perm,
                    "n_empty": result.n_empty,
                    "n_no_lag": 0,
                    "n_obs": result.n_obs,
                    "seed": seed,
                }
            ]
        )


def _city_states(panel: CityPanel, found: States, near: States | None) -> pd.DataFrame:
    move = np.full(found.states.shape, np.nan)
    move[:, 1:] = np.diff(found.states, axis=1)
    lag_state = np.full(found.states.shape, np.nan) if near is None else np.where(near.states < 0, np.nan, near.states)
    frame = found.to_frame().assign(
        discretisation=found.kind,
        w_code="none" if near is None else MAIN_W,
        lag_state=(lag_state + 1).ravel(),
        move=move.ravel(),
    )
    frame["state"] += 1
    return frame.astype({"lag_state": "Int64", "move": "Int64"})


def _rank_rows(panel: CityPanel, seed: int, effort: Effort) -> Iterator[pd.DataFrame]:
    if panel.n < 3:
        return
    for lag in [lag for lag in LAGS if lag < len(panel.years)]:
        for scheme, group, mask in panel.group_masks():
            if mask.sum() >= 3:
                yield rank_mobility(panel.values, lag, subset=mask).to_frame().assign(scheme=scheme, group_code=group)
        for scheme, label in panel.groups.items():
            whole = rank_mobility(panel.values, lag, groups=label, permutations=effort.permutations, seed=seed)
            yield whole.to_frame().assign(scheme=scheme, group_code="all")


def _lisa_rows(panel: CityPanel, graph: CityGraph, seed: int, effort: Effort) -> Iterator[pd.DataFrame]:
    yearly = [lisa(column, graph, permutations=effort.lisa, seed=seed) for column in panel.values.T]
    passes = np.column_stack([np.isin(map_.class_fdr, ["HH", "LH", "LL", "HL"]) for map_ in yearly])
    for variant, significant in (("quadrant", None), ("fdr", passes)):
        result = lisa_markov(
            panel.values,
            graph,
            significant=significant,
            permutations=effort.permutations,
            n_boot=effort.resamples,
            seed=seed,
        )
        yield result.to_frame().assign(
            variant=variant,
            w_code=MAIN_W,
            lag=1,
            n_perm=result.n_perm,
            n_boot=effort.resamples,
            n_obs=result.chain.n_obs,
            seed=seed,
        )


def _has_common_trend(panel: CityPanel, kind: str) -> bool:
    """Whether fixed cuts of the raw score meet a moving mean: paired |t| of last against first year above 1.96."""
    if kind != "pooled" or panel.n < 2:
        return False
    change = panel.values[:, -1] - panel.values[:, 0]
    error = change.std(ddof=1) / np.sqrt(panel.n)
    return bool(abs(change.mean()) > 1.96 * error)


def _touched(states: Any, touched: Any, lag: int) -> Any:
    """Transitions of each cell that start or end in an imputed score, in the row order of `to_frame`."""
    codes = transition_codes(states, N_STATES, lag)
    marked = touched[:, :-lag] | touched[:, lag:]
    return np.bincount(codes[marked], minlength=N_STATES**2)


def _numbered(frame: pd.DataFrame) -> pd.DataFrame:
    """States from 1 instead of 0."""
    named = [name for name in ("state_from", "state_to", "lag_state") if name in frame]
    return frame.assign(**{name: frame[name].astype(int) + 1 for name in named})
