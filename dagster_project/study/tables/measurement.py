"""Tables of the measurement analyses: how far the headline indexes can be trusted. Labelled frames in and out.

Frames that `build_measurement_tables` needs, with the columns it uses:

    panel      index_code, city_id, year, indicator_code, value, is_imputed: what the index sees
    spec       index_code, indicator_code, dimension, variant_of: the headline indexes are no variant of another
    indicator  indicator_code, direction, cap_high, is_winsorised
    bounds     basis, index_code, indicator_code, min_value, max_value, winsor_low_value, winsor_high_value,
               window_start, window_end
    weight     basis, index_code, weight_scheme, indicator_code, weight, year
    score      basis, index_code, weight_scheme, city_id, year, score: composites and parts
    value      basis, index_code, city_id, year, indicator_code, z, out_of_base_range
    outside    external_code, city_id, year, value: candidates for external validity
    context    data_vintage: one row
    previous   the same index in the vintage before this one, see `tables.restatement`; may have no rows
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.tables.restatement import HEADLINE, RESTATED, restatement_table
from python_models._types import FloatArray
from python_models.measurement.agreement import agreement_by_year, pairwise_agreement
from python_models.measurement.choices import Choice, ChoiceModel
from python_models.measurement.fast import Procedure
from python_models.measurement.pca import pca_index
from python_models.measurement.stability import alarms, bootstrap_weights, window_weights
from python_models.measurement.uncertainty import uncertainty
from python_models.measurement.validity import validity
from python_models.panel import Panel

Frames = Mapping[str, pd.DataFrame]
FEWEST_CITIES = 3


@dataclass(frozen=True, eq=False)
class Case:
    """One headline index on one basis: its complete cities in the window, and how its indicators are treated."""

    index_code: str
    basis: str
    window: tuple[int, int]
    panel: Panel
    imputed: FloatArray
    procedure: Procedure
    dimensions: tuple[str, ...]
    years: tuple[int, ...]

    def model(self) -> ChoiceModel:
        return ChoiceModel(self.panel.values, self.imputed > 0.0, self.procedure, self.dimensions)


def build_measurement_tables(
    frames: Frames, *, seed: int, draws: int = 1000, resamples: int = 999, n_jobs: int = 1
) -> dict[str, pd.DataFrame]:
    """All tables of MEASUREMENT_TABLES for each headline index and basis (see the frames above).

    draws: of the uncertainty analysis; resamples: of the bootstrap of weights. The same seed gives the same numbers
    for any `n_jobs`. Bases with the same window have the same numbers, computed once. Tables without rows keep their
    columns.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in MEASUREMENT_TABLES}
    settings = {"seed": seed, "draws": draws, "resamples": resamples, "n_jobs": n_jobs}
    done: dict[tuple[object, ...], dict[str, pd.DataFrame]] = {}
    for case in cases(frames):
        key = (case.index_code, case.window, case.panel.cities)
        if key not in done:
            done[key] = _tables_of_window(case, settings)
        for name, frame in {**done[key], **_tables_of_basis(frames, case)}.items():
            parts[name].append(frame.assign(basis=case.basis, index_code=case.index_code, weight_scheme=HEADLINE))
    parts["index_restatement"] = [restatement_table(frames, code) for code in _headline_codes(frames)]
    return {name: _stacked(name, parts[name]) for name in MEASUREMENT_TABLES}


def cases(frames: Frames) -> list[Case]:
    """Every headline index on every basis that has bounds and at least three complete cities."""
    found = []
    for code in _headline_codes(frames):
        spec = frames["spec"][frames["spec"]["index_code"] == code].set_index("indicator_code")
        bounds = frames["bounds"][frames["bounds"]["index_code"] == code]
        for basis, own in bounds.groupby("basis", sort=True):
            window = (int(own["window_start"].iloc[0]), int(own["window_end"].iloc[0]))
            case = _case(frames, code, str(basis), window, spec)
            if len(case.panel.cities) >= FEWEST_CITIES:
                found.append(case)
    return found


def _headline_codes(frames: Frames) -> list[str]:
    spec, known = frames["spec"], set(frames["bounds"]["index_code"])
    is_headline = spec["variant_of"].fillna("") == ""
    return sorted(code for code in set(spec.loc[is_headline, "index_code"]) if code in known)


def _case(frames: Frames, code: str, basis: str, window: tuple[int, int], spec: pd.DataFrame) -> Case:
    cells = frames["panel"][(frames["panel"]["index_code"] == code) & frames["panel"]["year"].between(*window)]
    whole = Panel.from_long(cells)
    marked = Panel.from_long(cells.assign(flag=cells["is_imputed"].astype(float)), value="flag")
    complete = ~np.isnan(whole.values).any(axis=(1, 2))
    cities = tuple(city for city, ok in zip(whole.cities, complete, strict=True) if ok)
    facts = frames["indicator"].set_index("indicator_code").loc[list(whole.names)]
    procedure = Procedure(
        _floats(facts["direction"]), _floats(facts["cap_high"], np.inf), facts["is_winsorised"].to_numpy(bool)
    )
    panel = Panel(whole.values[complete], cities, whole.years, whole.names) if cities else whole
    dimensions = tuple(str(d) for d in spec.loc[list(whole.names), "dimension"])
    return Case(code, basis, window, panel, marked.values[complete], procedure, dimensions, whole.years)


def _tables_of_window(case: Case, settings: Mapping[str, int]) -> dict[str, pd.DataFrame]:
    """What depends on the window only."""
    model, seed = case.model(), settings["seed"]
    drawn = uncertainty(
        model, cities=case.panel.cities, years=case.years, seed=seed, draws=settings["draws"], n_jobs=settings["n_jobs"]
    )
    z = case.procedure.scale(case.panel.values)
    weights = bootstrap_weights(case.panel, case.procedure, seed=seed, draws=settings["resamples"])
    return {
        "index_uncertainty": drawn.to_frame(),
        "index_uncertainty_factor": drawn.factor_frame(),
        "index_uncertainty_city_factor": drawn.city_factor_frame(),
        "index_drop_one": drop_one(model, case),
        "index_weight_stability": window_weights(case.panel, case.procedure),
        "index_weight_bootstrap": weights.to_frame(),
        "index_pca": pca_index(np.where(np.ptp(z, axis=(0, 1)) > 0.0, z, np.nan)).to_frame(),
    }


def _tables_of_basis(frames: Frames, case: Case) -> dict[str, pd.DataFrame]:
    """What looks at the published scores and weights of one basis."""
    own = {name: _of(frames[name], case.index_code, case.basis) for name in ("score", "weight", "value")}
    planes, years = _score_planes(own["score"])
    return {
        "index_rank_agreement": pairwise_agreement(planes, years),
        "index_validity": _validity(frames["outside"], own["score"], set(case.panel.names)),
        "index_rebase_alarm": _alarms(frames, own["value"], case),
    }


def drop_one(model: ChoiceModel, case: Case) -> pd.DataFrame:
    """One row per left-out indicator and year: agreement of the headline with the index without it."""
    whole = model.score(Choice())
    rows = [
        agreement_by_year(whole, model.score(Choice(drop=k)), case.years).assign(indicator_code=code)
        for k, code in enumerate(case.panel.names)
        if len(case.panel.names) > 1
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _score_planes(score: pd.DataFrame) -> tuple[dict[str, FloatArray], tuple[int, ...]]:
    """Composite score of each scheme, (N, T) on the same cities and years; the headline comes first."""
    wide = {str(s): f.pivot(index="city_id", columns="year", values="score") for s, f in score.groupby("weight_scheme")}
    order = sorted(wide, key=lambda s: (s != HEADLINE, s))
    base = wide[order[0]]
    planes = {
        s: wide[s].reindex(index=base.index, columns=base.columns).to_numpy(dtype=np.float64, na_value=np.nan)
        for s in order
    }
    return planes, tuple(int(year) for year in base.columns)


def _validity(outside: pd.DataFrame, score: pd.DataFrame, inside: set[str]) -> pd.DataFrame:
    """Correlations with every outside variable that is no indicator of the index."""
    headline = score[score["weight_scheme"] == HEADLINE].pivot(index="city_id", columns="year", values="score")
    s = headline.to_numpy(dtype=np.float64, na_value=np.nan)
    rows = []
    for code, frame in outside.groupby("external_code", sort=True):
        if code in inside:
            continue
        other = frame.pivot(index="city_id", columns="year", values="value")
        o = other.reindex(index=headline.index, columns=headline.columns).to_numpy(dtype=np.float64, na_value=np.nan)
        rows.append(validity(s, o, tuple(int(y) for y in headline.columns)).assign(external_code=code))
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame()


def _alarms(frames: Frames, value: pd.DataFrame, case: Case) -> pd.DataFrame:
    """Cells of years after the window outside the base range, and the drift of this basis against the restated one."""
    later = value[(value["year"] > case.window[1]) & value["z"].notna()]
    share = later.groupby("indicator_code")["out_of_base_range"].mean() if len(later) else pd.Series(dtype=float)
    observed = {str(code): float(share.get(code, 0.0)) for code in case.panel.names}
    weights = {
        basis: _floats(_headline_weights(frames, case.index_code, basis).reindex(list(case.panel.names)))
        for basis in (case.basis, RESTATED)
    }
    return alarms(observed, weights[case.basis], weights[RESTATED], n_obs=len(later))


def _headline_weights(frames: Frames, code: str, basis: str) -> pd.Series[float]:
    own = _of(frames["weight"], code, basis)
    weights: pd.Series[float] = own[own["weight_scheme"] == HEADLINE].set_index("indicator_code")["weight"]
    return weights


def _floats(column: pd.Series[Any], missing: float = np.nan) -> FloatArray:
    return np.asarray(column.astype(float).fillna(missing), dtype=np.float64)


def _of(frame: pd.DataFrame, code: str, basis: str) -> pd.DataFrame:
    return frame[(frame["index_code"] == code) & (frame["basis"] == basis)]


def _stacked(name: str, parts: list[pd.DataFrame]) -> pd.DataFrame:
    columns, rows = MEASUREMENT_TABLES[name], [part for part in parts if len(part)]
    if not rows:
        return pd.DataFrame({column: pd.Series(dtype=_dtype(column)) for column in columns})
    return pd.concat(rows, ignore_index=True)[columns]


def _dtype(column: str) -> str:
    text = ("basis", "_code", "scheme", "city_id", "factor", "kind", "vintage")
    return "str" if any(part in column for part in text) else "float64"


_KEY = ["basis", "index_code"]
_AGREEMENT = [
    "spearman",
    "spearman_low",
    "spearman_high",
    "kendall_tau_b",
    "mean_abs_rank_shift",
    "max_abs_rank_shift",
    "top20_jaccard",
    "bottom20_jaccard",
    "n_obs",
]
MEASUREMENT_TABLES: dict[str, list[str]] = {
    "index_rank_agreement": [*_KEY, "scheme_a", "scheme_b", "year", *_AGREEMENT],
    "index_uncertainty": [
        *_KEY,
        "city_id",
        "year",
        "rank_year",
        "rank_p05",
        "rank_p50",
        "rank_p95",
        "p_top20",
        "score_p05",
        "score_p50",
        "score_p95",
        "n_draws",
        "n_obs",
        "seed",
    ],
    "index_uncertainty_factor": [
        *_KEY,
        "factor",
        "sobol_first",
        "sobol_total",
        "sobol_first_p05",
        "sobol_first_p95",
        "sobol_total_p05",
        "sobol_total_p95",
        "n_draws",
        "n_obs",
        "seed",
    ],
    "index_uncertainty_city_factor": [*_KEY, "city_id", "factor", "sobol_first", "sobol_total", "n_draws", "seed"],
    "index_drop_one": [*_KEY, "indicator_code", "year", *_AGREEMENT],
    "index_weight_stability": [
        *_KEY,
        "weight_scheme",
        "indicator_code",
        "window_kind",
        "window_end",
        "weight",
        "drift_l1_half",
        "n_obs",
    ],
    "index_weight_bootstrap": [
        *_KEY,
        "weight_scheme",
        "indicator_code",
        "weight",
        "weight_se",
        "weight_p05",
        "weight_p95",
        "n_draws",
        "n_obs",
        "seed",
    ],
    "index_pca": [
        *_KEY,
        "n_kept",
        "share_kept",
        "largest_eigenvalue",
        "kmo",
        "bartlett_chi2",
        "bartlett_df",
        "bartlett_p",
        "n_negative",
        "n_obs",
    ],
    "index_validity": [
        *_KEY,
        "external_code",
        "year",
        "pearson",
        "pearson_low",
        "pearson_high",
        "spearman",
        "spearman_low",
        "spearman_high",
        "n_obs",
    ],
    "index_rebase_alarm": [*_KEY, "alarm_kind", "indicator_code", "observed", "alarm_limit", "is_alarm", "n_obs"],
    "index_restatement": [
        "vintage_old",
        "vintage_new",
        "basis_old",
        "basis_new",
        "index_code",
        "city_id",
        "year",
        "score_old",
        "score_new",
        "part_revision",
        "part_bounds",
        "part_weights",
        "part_method",
        "total_change",
        "n_obs",
    ],
}
