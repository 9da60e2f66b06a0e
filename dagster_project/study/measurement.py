"""How far the headline indexes can be trusted: agreement of schemes, uncertainty, stability, restatement, validity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import MAIN_INDEXES, Frames, Rows, Tables
from dagster_project.study.index_spec import RESTATED
from dagster_project.study.restatement import OF_RELEASE, restatement_table
from dagster_project.study.settings import Settings
from python_models._types import FloatArray
from python_models.measurement.agreement import agreement_by_year, pairwise_agreement
from python_models.measurement.choices import Choice, ChoiceModel
from python_models.measurement.fast import Procedure
from python_models.measurement.pca import pca_index
from python_models.measurement.stability import alarms, bootstrap_weights, window_weights
from python_models.measurement.uncertainty import uncertainty
from python_models.measurement.validity import validity
from python_models.panel import Panel

INPUTS = {
    "panel": f"""
        select index_code, city_id, year, indicator_code, value, is_imputed from int.int_panel_balanced
        where index_code in {MAIN_INDEXES} order by index_code, city_id, year, indicator_code
    """,
    "spec": """
        select index_code, indicator_code, dimension, variant_of from ops.index_spec order by index_code, indicator_code
    """,
    "indicator": "select indicator_code, direction, cap_high, is_winsorised from seed.indicator order by 1",
    "bounds": "select * from py.index_bounds order by index_code, basis, indicator_code",
    "weight": f"""
        select w.basis, w.index_code, w.weight_scheme, w.indicator_code, w.year, w.weight, s.is_headline
        from py.index_weight as w join seed.weight_scheme as s on w.weight_scheme = s.weight_scheme
        where w.index_code in {MAIN_INDEXES} order by all
    """,
    "score": f"""
        select x.basis, x.index_code, x.weight_scheme, x.city_id, x.year, x.score, s.is_headline
        from py.index_score as x join seed.weight_scheme as s on x.weight_scheme = s.weight_scheme
        where x.index_code in {MAIN_INDEXES} order by all
    """,
    "value": f"""
        select basis, index_code, city_id, year, indicator_code, z, out_of_base_range from py.index_value
        where index_code in {MAIN_INDEXES} order by all
    """,
    "outside": """
        select indicator_code as external_code, city_id, year, value from int.int_indicators_constructed
        where value is not null
        union all
        select 'latent_' || name, city_id, year, value from ops.synthetic_truth where kind = 'latent'
        order by 1, 2, 3
    """,
    "context": "select data_vintage from ops.run_context",
}
PREVIOUS = {"previous": OF_RELEASE}  # read from the published file of the vintage before this one
TABLES = (
    "index_rank_agreement",
    "index_uncertainty",
    "index_uncertainty_factor",
    "index_uncertainty_city_factor",
    "index_drop_one",
    "index_weight_stability",
    "index_weight_bootstrap",
    "index_pca",
    "index_validity",
    "index_rebase_alarm",
    "index_restatement",
)
FEWEST_CITIES = 3
WORKERS = 1  # the work takes seconds, and starting others would take as long


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


def build(frames: Frames, settings: Settings) -> Tables:
    """Tables of each index that is no variant, on each basis. Bases with the same window are computed once."""
    rows, done = Rows(), dict[tuple[object, ...], Tables]()
    for case in cases(frames):
        key = (case.index_code, case.window, case.panel.cities)
        if key not in done:
            done[key] = _tables_of_window(case, settings)
        tables = {**done[key], **_tables_of_basis(frames, case)}
        weights = frames["weight"].loc[frames["weight"]["is_headline"], "weight_scheme"].iloc[0]
        rows.add(tables, basis=case.basis, index_code=case.index_code, weight_scheme=weights)
    for code in _main_codes(frames):
        rows.add({"index_restatement": restatement_table(frames, code)})
    return rows.tables(TABLES)


def cases(frames: Frames) -> list[Case]:
    """Every headline index on every basis that has bounds and at least three complete cities."""
    found = []
    for code in _main_codes(frames):
        spec = frames["spec"][frames["spec"]["index_code"] == code].set_index("indicator_code")
        bounds = frames["bounds"][frames["bounds"]["index_code"] == code]
        for basis, own in bounds.groupby("basis", sort=True):
            window = (int(own["window_start"].iloc[0]), int(own["window_end"].iloc[0]))
            case = _case(frames, code, str(basis), window, spec)
            if len(case.panel.cities) >= FEWEST_CITIES:
                found.append(case)
    return found


def _main_codes(frames: Frames) -> list[str]:
    spec, known = frames["spec"], set(frames["bounds"]["index_code"])
    is_main = spec["variant_of"].fillna("") == ""
    return sorted(code for code in set(spec.loc[is_main, "index_code"]) if code in known)


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


def _tables_of_window(case: Case, settings: Settings) -> Tables:
    """What depends on the window only."""
    model, seed, sizes = case.model(), settings.seed, settings.sizes("measurement")
    drawn = uncertainty(
        model, cities=case.panel.cities, years=case.years, seed=seed, draws=sizes["draws"], n_jobs=WORKERS
    )
    z = case.procedure.scale(case.panel.values)
    weights = bootstrap_weights(case.panel, case.procedure, seed=seed, draws=sizes["resamples"])
    return {
        "index_uncertainty": drawn.to_frame(),
        "index_uncertainty_factor": drawn.factor_frame(),
        "index_uncertainty_city_factor": drawn.city_factor_frame(),
        "index_drop_one": drop_one(model, case),
        "index_weight_stability": window_weights(case.panel, case.procedure),
        "index_weight_bootstrap": weights.to_frame(),
        "index_pca": pca_index(np.where(np.ptp(z, axis=(0, 1)) > 0.0, z, np.nan)).to_frame(),
    }


def _tables_of_basis(frames: Frames, case: Case) -> Tables:
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
    headline = set(score.loc[score["is_headline"], "weight_scheme"])
    order = sorted(wide, key=lambda s: (s not in headline, s))
    base = wide[order[0]]
    planes = {
        s: wide[s].reindex(index=base.index, columns=base.columns).to_numpy(dtype=np.float64, na_value=np.nan)
        for s in order
    }
    return planes, tuple(int(year) for year in base.columns)


def _validity(outside: pd.DataFrame, score: pd.DataFrame, inside: set[str]) -> pd.DataFrame:
    """Correlations with every outside variable that is no indicator of the index."""
    headline = score[score["is_headline"]].pivot(index="city_id", columns="year", values="score")
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
    weights: pd.Series[float] = own[own["is_headline"]].set_index("indicator_code")["weight"]
    return weights


def _floats(column: pd.Series[Any], missing: float = np.nan) -> FloatArray:
    return np.asarray(column.astype(float).fillna(missing), dtype=np.float64)


def _of(frame: pd.DataFrame, code: str, basis: str) -> pd.DataFrame:
    return frame[(frame["index_code"] == code) & (frame["basis"] == basis)]
