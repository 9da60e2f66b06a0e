"""How far the headline indexes can be trusted: agreement of schemes, uncertainty, stability, restatement, validity.

Does not belong here: the index itself (index.py), and methods (python_models.measurement).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.frames import Frames, Rows, Tables, by_city, plane, rows_with, stacked, words
from dagster_project.study.groups import ObjectArray
from dagster_project.study.queries import queries
from dagster_project.study.settings import RESTATED, Settings
from python_models._types import BoolArray, FloatArray
from python_models.measurement.agreement import agreement_by_year, pairwise_agreement
from python_models.measurement.audit import audit
from python_models.measurement.choices import Choice, ChoiceModel
from python_models.measurement.composite import CompositeIndex
from python_models.measurement.fast import Procedure
from python_models.measurement.restatement import Basis, restate
from python_models.measurement.stability import bootstrap_weights
from python_models.measurement.uncertainty import uncertainty
from python_models.measurement.validity import validity
from python_models.panel import Panel
from python_models.scores import weighted_score

INPUTS = queries(__file__)
FACTS = ["weight", "min_value", "max_value", "winsor_low_value", "winsor_high_value", "direction", "cap_high"]
PREVIOUS = {"previous": INPUTS.pop("previous")}  # asked of the published file of the vintage before this one
TABLES = words(
    "index_rank_agreement index_uncertainty index_uncertainty_factor index_audit index_drop_one"
    " index_weight_bootstrap index_validity index_restatement"
)
AUDITED = {"check": "check_code", "good": "limit_good", "bad": "limit_bad"}
FEWEST_CITIES = 3
WORKERS = 1  # threads: the work takes seconds


@dataclass(frozen=True, eq=False)
class Case:
    """One headline index on one basis: its complete cities in the window, and how its indicators are treated."""

    index_code: str
    basis: str
    window: tuple[int, int]
    panel: Panel
    imputed: FloatArray
    procedure: Procedure
    paths: tuple[tuple[str, str], ...]
    method: str
    years: tuple[int, ...]
    others: tuple[tuple[FloatArray, BoolArray], ...]

    def model(self) -> ChoiceModel:
        """The choices around the index, its own weights first."""
        dimensions = tuple(path[-1] for path in self.paths)
        headline = Choice(scheme=self.method)
        return ChoiceModel(self.panel.values, self.imputed > 0.0, self.procedure, dimensions, self.others, headline)

    def composite(self) -> CompositeIndex:
        """The index of the complete cities, for its audit."""

        def named[Value](values: Iterable[Value]) -> dict[str, Value]:
            return dict(zip(self.panel.names, values, strict=True))

        how = self.procedure
        return CompositeIndex(
            self.panel,
            directions=named(map(int, how.directions)),
            levels=named(self.paths),
            window=self.window,
            scheme=self.method,
            winsor=named(how.winsor.tolist()),
            caps=named(how.caps.tolist()),
            imputed=self.imputed > 0.0,
        )


def build(frames: Frames, settings: Settings) -> Tables:
    """Tables of each index that is no variant, on each basis. Bases with the same window, and those with the same
    scores, are computed once.
    """
    rows, cache, of_scores = Rows(), dict[tuple[object, ...], Tables](), dict[tuple[object, ...], Tables]()
    for case in cases(frames):
        key = (case.index_code, case.window, case.panel.cities)
        if key not in cache:
            cache[key] = _tables_of_window(case, settings, frames["outside"])
        tables = {**cache[key], **_tables_of_basis(frames, case, of_scores)}
        headline = rows_with(frames["weight"], index_code=case.index_code, basis=case.basis, is_headline=True)
        scheme = headline["weight_scheme"].iloc[0]
        rows.add(tables, basis=case.basis, index_code=case.index_code, weight_scheme=scheme)
    for code in _main_codes(frames):
        rows.add({"index_restatement": restatement_table(frames, code)})
    return rows.tables(TABLES)


def cases(frames: Frames) -> list[Case]:
    """Every headline index on every basis that has bounds and at least three complete cities."""
    case_list = []
    for code in _main_codes(frames):
        spec = rows_with(frames["spec"], index_code=code).set_index("indicator_code")
        bounds = rows_with(frames["bounds"], index_code=code)
        for basis, of_basis in bounds.groupby("basis", sort=True):
            window = (int(of_basis["window_start"].iloc[0]), int(of_basis["window_end"].iloc[0]))
            case = _case(frames, code, str(basis), window, spec)
            if len(case.panel.cities) >= FEWEST_CITIES:
                case_list.append(case)
    return case_list


def _main_codes(frames: Frames) -> list[str]:
    spec, with_bounds = frames["spec"], set(frames["bounds"]["index_code"])
    is_main = spec["variant_of"].fillna("") == ""
    return sorted(code for code in set(spec.loc[is_main, "index_code"]) if code in with_bounds)


def _case(frames: Frames, code: str, basis: str, window: tuple[int, int], spec: pd.DataFrame) -> Case:
    cells = rows_with(frames["panel"], index_code=code)
    cells = cells[cells["year"].between(*window)]
    whole = Panel.from_long(cells)
    flags = Panel.from_long(cells.assign(flag=cells["is_imputed"].astype(float)), value="flag")
    complete = ~np.isnan(whole.values).any(axis=(1, 2))
    cities = tuple(city for city, ok in zip(whole.cities, complete, strict=True) if ok)
    panel = Panel(whole.values[complete], cities, whole.years, whole.names) if cities else whole
    facts = frames["indicator"].set_index("indicator_code").loc[list(whole.names)]
    caps, winsor = _floats(facts["cap_high"], np.inf), facts["is_winsorised"].to_numpy(bool)
    indicators, imputed = spec.loc[list(whole.names)], flags.values[complete]
    # variants whose indicators are the same and whose figures are edited in another way, or not
    variants = rows_with(frames["spec"], variant_of=code)
    others = sorted(set(variants.loc[variants["edit_policy"] != "edited", "index_code"])) if cities else []
    return Case(
        code,
        basis,
        window,
        panel,
        imputed,
        procedure=Procedure(_floats(facts["direction"]), caps, winsor),
        paths=tuple(zip(indicators["tier"].astype(str), indicators["dimension"].astype(str), strict=True)),
        method=str(indicators["method"].iloc[0]),
        years=whole.years,
        others=tuple(_edition(rows_with(frames["panel"], index_code=other), panel, imputed) for other in others),
    )


def _edition(cells: pd.DataFrame, panel: Panel, imputed: FloatArray) -> tuple[FloatArray, BoolArray]:
    """Values and imputed cells of another edition in the order of the panel, whose own stand where it has none."""
    index = pd.MultiIndex.from_product([panel.cities, panel.years, panel.names])
    rows = cells.set_index(["city_id", "year", "indicator_code"]).reindex(index)
    values = rows["value"].to_numpy(np.float64).reshape(panel.values.shape)
    flags = rows["is_imputed"].astype("boolean").fillna(False).to_numpy(bool).reshape(panel.values.shape)
    is_there = ~np.isnan(values)
    return np.where(is_there, values, panel.values), np.where(is_there, flags, imputed > 0.0)


def _tables_of_window(case: Case, settings: Settings, outside: pd.DataFrame) -> Tables:
    """What depends on the window only."""
    model, seed, sizes = case.model(), settings.seed, settings.sizes("measurement")
    how: dict[str, Any] = {"seed": seed, "draws": sizes["draws"], "n_jobs": WORKERS}
    draws = uncertainty(model, cities=case.panel.cities, years=case.years, **how)
    others = _planes(outside, case.panel.cities, case.panel.years, case.panel.names)
    result = audit(case.composite(), drawn=draws, seed=seed, outside=others)
    scheme: dict[str, Any] = {"scheme": case.method, "dimensions": model.dimensions}
    weights = bootstrap_weights(case.panel, case.procedure, seed=seed, draws=sizes["resamples"], **scheme)
    return {
        "index_uncertainty": draws.to_frame(),
        "index_uncertainty_factor": draws.factor_frame(),
        "index_audit": result.table.rename(columns=AUDITED).assign(seed=seed),
        "index_drop_one": drop_one(model, case),
        "index_weight_bootstrap": weights.to_frame(),
    }


def _tables_of_basis(frames: Frames, case: Case, known: dict[tuple[object, ...], Tables]) -> Tables:
    """What looks at the published scores and weights of one basis. known: the tables made so far, by the scores."""
    keys = {"index_code": case.index_code, "basis": case.basis}
    score = rows_with(frames["score"], **keys)
    headline = rows_with(score, is_headline=True)
    main = headline["weight_scheme"].iloc[0]
    cities, years = sorted(headline["city_id"].unique()), sorted(int(year) for year in headline["year"].unique())
    order = sorted(score["weight_scheme"].unique(), key=lambda scheme: (scheme != main, scheme))
    planes = {str(s): plane(rows_with(score, weight_scheme=s), "score", cities, years) for s in order}
    key = (case.panel.names, *cities, *years, *((name, scores.tobytes()) for name, scores in planes.items()))
    if key in known:
        return known[key]
    outside = _planes(frames["outside"], cities, years, case.panel.names)
    of_cities = rows_with(frames["measure"], is_of_provinces=False).rename(columns={"unit_id": "city_id"})
    outside |= _planes(of_cities, cities, years, ())
    provinces = by_city(frames["province"], "province_code", cities).to_numpy()
    pairs = {code: (planes[main], values, provinces) for code, values in outside.items()}
    pairs |= _of_provinces(frames, planes[main], cities, years, provinces)
    parts = [validity(s, o, tuple(years), of).assign(external_code=code) for code, (s, o, of) in pairs.items()]
    known[key] = {"index_rank_agreement": pairwise_agreement(planes, tuple(years)), "index_validity": stacked(parts)}
    return known[key]


def _of_provinces(
    frames: Frames, score: FloatArray, cities: list[str], years: list[int], provinces: ObjectArray
) -> dict[str, tuple[FloatArray, FloatArray, ObjectArray]]:
    """Measures of provinces beside the mean score of their cities, weighted by people and by GDP; a cluster each."""
    names = np.unique(provinces)
    of_provinces = rows_with(frames["measure"], is_of_provinces=True).rename(columns={"unit_id": "city_id"})
    pairs = {}
    for size in sorted(frames["size"]["variable_code"].unique()):
        weight = np.where(
            np.isnan(score), np.nan, plane(rows_with(frames["size"], variable_code=size), "value", cities, years)
        )
        product, total = (pd.DataFrame(v).groupby(provinces).sum(min_count=1) for v in (score * weight, weight))
        mean = (product / total).reindex(list(names)).to_numpy()
        for code, values in _planes(of_provinces, names, years, ()).items():
            pairs[f"{code}_{size}"] = (mean, values, names)
    return pairs


def drop_one(model: ChoiceModel, case: Case) -> pd.DataFrame:
    """One row per left-out indicator and year: agreement of the headline with the index without it."""
    whole, names = model.score(model.headline), case.panel.names
    rows = [
        agreement_by_year(whole, model.score(replace(model.headline, drop=k)), case.years).assign(indicator_code=code)
        for k, code in enumerate(names)
        if len(names) > 1
    ]
    return stacked(rows)


def _planes(
    outside: pd.DataFrame, cities: Iterable[str], years: Iterable[int], inside: Collection[str]
) -> dict[str, FloatArray]:
    """Variables (N, T) that are no indicator of the index."""
    codes = [str(code) for code in sorted(outside["external_code"].unique()) if code not in inside]
    labels: dict[str, list[Any]] = {"external_code": codes, "city_id": list(cities), "year": list(years)}
    places = [pd.Index(known).get_indexer(outside[column]) for column, known in labels.items()]
    is_known = np.logical_and.reduce([place >= 0 for place in places])
    cube = np.full([len(known) for known in labels.values()], np.nan)
    cube[tuple(place[is_known] for place in places)] = _floats(outside["value"])[is_known]
    return dict(zip(codes, cube, strict=True))


def _floats(column: pd.Series[Any], missing: float = np.nan) -> FloatArray:
    return np.asarray(column.astype(float).fillna(missing), dtype=np.float64)


# ---- restatement ----------------------------------------------------------------------------------------

# Why a score of an earlier basis or data vintage is not the score of today. Two kinds of bridges, both for the headline
# weights: from the frozen to the restated basis inside one vintage, and from the previous vintage to this one on the
# same basis. A change of the method itself (other indicators, directions or caps) cannot be split further: the whole
# change is then `part_method`.


@dataclass(frozen=True, eq=False)
class State:
    """One index on one basis of one vintage: raw values (N, T, m), and what makes a score of them, by indicator."""

    vintage: str
    basis: str
    panel: Panel
    facts: pd.DataFrame

    def scores(self) -> pd.Series[float]:
        """Score by city and year."""
        z = self.rule().scale(self.panel.values, _floats(self.facts["direction"]), self.caps())
        index = pd.MultiIndex.from_product([self.panel.cities, self.panel.years], names=["city_id", "year"])
        return pd.Series(weighted_score(z, self.rule().weights).reshape(-1), index=index)

    def rule(self) -> Basis:
        f = self.facts
        low, high = _floats(f["winsor_low_value"], -np.inf), _floats(f["winsor_high_value"], np.inf)
        return Basis(_floats(f["min_value"]), _floats(f["max_value"]), low, high, _floats(f["weight"]))

    def caps(self) -> FloatArray:
        return _floats(self.facts["cap_high"], np.inf)

    def has_method_of(self, other: State) -> bool:
        """Same indicators, directions and caps."""
        mine, theirs = (state.facts[["direction", "cap_high"]].astype(float).fillna(-1.0) for state in (self, other))
        return self.panel.names == other.panel.names and mine.equals(theirs)


def restatement_table(frames: Frames, code: str) -> pd.DataFrame:
    """Bridges of one index; empty if there is neither a second basis nor a previous vintage.

    frames: as `measurement` reads them; `previous`: the columns of PREVIOUS for one earlier vintage, or no rows.
    """
    now = {state.basis: state for state in current_states(frames, code)}
    before = {state.basis: state for state in previous_states(frames["previous"], code)}
    pairs = [(now[b], now[RESTATED]) for b in sorted(now) if b != RESTATED and RESTATED in now]
    pairs += [(before[b], now[b]) for b in sorted(now) if b in before]
    rows = [bridge(old, new) for old, new in pairs]
    return pd.concat(rows, ignore_index=True).assign(index_code=code) if rows else pd.DataFrame()


def bridge(old: State, new: State) -> pd.DataFrame:
    """One row per city and year that has a score in both states."""
    keys = {"vintage_old": old.vintage, "vintage_new": new.vintage, "basis_old": old.basis, "basis_new": new.basis}
    if not new.has_method_of(old):
        both = pd.DataFrame({"score_old": old.scores(), "score_new": new.scores()}).dropna()
        change = both["score_new"] - both["score_old"]
        parts = dict.fromkeys(("part_revision", "part_bounds", "part_weights"), 0.0)
        result = both.assign(**parts, part_method=change, total_change=change)
        result = result.rename_axis(["city_id", "year"]).reset_index()
        return result.assign(n_obs=result["city_id"].nunique(), **keys)
    cities = tuple(c for c in new.panel.cities if c in set(old.panel.cities))
    years = tuple(y for y in new.panel.years if y in set(old.panel.years))
    if not cities or not years:
        return pd.DataFrame()
    then, now = (_cut(state.panel, cities, years) for state in (old, new))
    how: dict[str, Any] = {"directions": _floats(new.facts["direction"]), "caps": new.caps()}
    result = restate(then, now, old.rule(), new.rule(), **how, cities=cities, years=years).to_frame()
    return result.assign(part_method=0.0, n_obs=result["city_id"].nunique(), **keys)


def current_states(frames: Frames, code: str) -> list[State]:
    """Every basis of the index in this build."""
    vintage = str(frames["context"]["data_vintage"].iloc[0])
    weight = rows_with(frames["weight"], index_code=code, is_headline=True)[["basis", "indicator_code", "weight"]]
    bounds, cells = (rows_with(frames[name], index_code=code) for name in ("bounds", "panel"))
    facts = bounds.merge(weight, on=["basis", "indicator_code"], validate="1:1")
    facts = facts.merge(frames["indicator"][["indicator_code", "direction", "cap_high"]], on="indicator_code")
    states = []
    for basis, of_basis in facts.groupby("basis", sort=True):
        within = cells[cells["year"] <= int(of_basis["window_end"].iloc[0])] if basis == RESTATED else cells
        states.append(_state(vintage, str(basis), within, of_basis))
    return states


def previous_states(previous: pd.DataFrame, code: str) -> list[State]:
    """Every basis of the index in the vintage that was published before this one."""
    if previous.empty:
        return []
    of_index = rows_with(previous, index_code=code)
    return [
        _state(str(vintage), str(basis), part, part.drop_duplicates("indicator_code"))
        for (vintage, basis), part in of_index.groupby(["data_vintage", "basis"], sort=True)
    ]


def _state(vintage: str, basis: str, cells: pd.DataFrame, facts: pd.DataFrame) -> State:
    panel = Panel.from_long(cells[["city_id", "year", "indicator_code", "value"]])
    return State(vintage, basis, panel, facts.set_index("indicator_code").loc[list(panel.names), FACTS])


def _cut(panel: Panel, cities: tuple[str, ...], years: tuple[int, ...]) -> FloatArray:
    return panel.values[np.ix_([panel.cities.index(c) for c in cities], [panel.years.index(y) for y in years])]
