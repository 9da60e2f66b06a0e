"""What not knowing the index adds to the errors of the results: headline regressions, Gini index, Markov chain.

Each draw makes the scores again with another edition of the printed figures, another imputation and Dirichlet weights
around those of the scheme; the first two are the same for all indexes of a draw, since the files are the same. What an
index is (scheme, indicators, scaling) stays: that is for the robustness suite. Rubin's rules put the draws together.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.study.disparity import INPUTS as DISPARITY
from dagster_project.study.frames import LIMITS, Frames, Rows, Tables, rows_with, wide
from dagster_project.study.index import composite
from dagster_project.study.markov import CITY_FRAMES, N_STATES
from dagster_project.study.panels import copies, read_city_panel, score_panels, twins
from dagster_project.study.queries import queries
from dagster_project.study.samples import transformed
from dagster_project.study.settings import RESTATED, PanelSpec, Settings
from python_models._types import BoolArray, FloatArray
from python_models.dynamics.markov import cluster_error, row_shares, tally, transition_codes
from python_models.dynamics.states import DISCRETISATIONS, discretise
from python_models.inequality.change import gini_covariance
from python_models.inequality.gini import gini
from python_models.inference import rubin
from python_models.measurement.choices import IMPUTATIONS, dirichlet_weights
from python_models.measurement.composite import CompositeIndex
from python_models.measurement.schemes import SchemeWeights, scheme_score
from python_models.regression import PanelInputError, average_effects, by_segment, fit_panel
from python_models.regression.weights import SpatialWeights, spatial_weights

type Key = tuple[str, str, str]  # basis, index, weight scheme
type Estimates = tuple[FloatArray, FloatArray]  # estimates (q,) and their variances

EDITED = "edited"
INPUTS = {
    **queries(__file__),
    "spec": "ops.index_spec",
    "indicator": "seed.indicator",
    "scores": DISPARITY["scores"],
    "headline": CITY_FRAMES["scores"],
    **{name: text for name, text in CITY_FRAMES.items() if name != "scores"},
}
TABLES = ("index_uncertainty_effect",)
EFFECTS = ("direct", "indirect", "total")
KEYS_OF_SOME = ("model_id", "variable", "year", "discretisation", "state_from", "state_to")
SLOPE = "points of y per unit of x"
LAG = 1
MOST_DF = 1e9  # beyond it Student's t is the normal, and the draws as good as agree


def build(frames: Frames, settings: Settings) -> Tables:
    """One row per estimate; no rows without scores."""
    draws = Drawn(frames, settings.seed, settings.sizes("propagation")["draws"])
    rows = Rows()
    for spec in settings.regressions:
        if spec.is_headline:
            _regression(frames, spec, draws, rows)
    for same in twins(score_panels(frames["scores"])):
        first = same[0]
        planes = draws.planes((first.basis, first.index_code, first.weight_scheme), first.cities, first.years)
        if planes and len(first.cities) > 2 and min(plane.min() for plane in planes) >= 0.0:
            rows.add(copies({TABLES[0]: _gini(first.scores, planes, first.years)}, same))
    _chains(frames, draws, rows)
    table = rows.tables(TABLES)[TABLES[0]]
    if len(table):
        lacking = [name for name in KEYS_OF_SOME if name not in table]
        table = table.assign(seed=settings.seed, **dict.fromkeys(lacking))
    return {TABLES[0]: table}


@dataclass(frozen=True, eq=False)
class Drawn:
    """Scores of every index in every draw; what was scaled once is kept."""

    frames: Frames
    seed: int
    size: int

    @cached_property
    def choices(self) -> list[tuple[str, str]]:
        """Edit policy and imputation of each draw, all combinations equally likely."""
        spec = self.frames["spec"]
        policies = sorted(set(spec["edit_policy"]), key=lambda policy: (policy != EDITED, policy))
        rng = np.random.default_rng([self.seed, zlib.crc32(b"index draws")])
        return [(str(rng.choice(policies)), str(rng.choice(IMPUTATIONS))) for _ in range(self.size)]

    @cached_property
    def _scaled(self) -> dict[tuple[str, tuple[int, int], bool, str, str], CompositeIndex]:
        return {}

    @cached_property
    def _planes(self) -> dict[tuple[str, tuple[int, int], bool, str], list[pd.DataFrame]]:
        return {}

    def planes(self, key: Key, cities: Iterable[str], years: Iterable[int]) -> list[FloatArray]:
        """Scores (N, T) of each draw; none where the index is not made here or a draw lacks a score."""
        frames = self._of(key)
        planes = [frame.reindex(index=list(cities), columns=list(years)).to_numpy(np.float64) for frame in frames]
        return planes if all(np.isfinite(plane).all() for plane in planes) else []

    def _of(self, key: Key) -> list[pd.DataFrame]:
        basis, code, scheme = key
        span = rows_with(self.frames["windows"], basis=basis, index_code=code)
        variants = rows_with(self.frames["spec"], index_code=code)["variant_of"].fillna("")
        if span.empty or variants.empty or (variants != "").any():
            return []
        window = (int(span["window_start"].iloc[0]), int(span["window_end"].iloc[0]))
        short_key = (code, window, basis == RESTATED, scheme)
        if short_key not in self._planes:
            self._planes[short_key] = [self._draw(short_key, j) for j in range(self.size)]
        return self._planes[short_key]

    def _draw(self, short_key: tuple[str, tuple[int, int], bool, str], j: int) -> pd.DataFrame:
        code, window, is_restated, scheme = short_key
        scaled = self.scaled(code, window, is_restated, *self.choices[j])
        u = np.random.default_rng([self.seed, j, zlib.crc32(code.encode())]).random(len(scaled.labels.names))
        weighting = self.weights(scaled, scheme)
        if (weighting.weights >= 0.0).all():
            weighting = replace(weighting, weights=dirichlet_weights(weighting.weights, u))
        return pd.DataFrame(scheme_score(scaled.z, weighting), scaled.labels.cities, scaled.labels.years)

    def weights(self, scaled: CompositeIndex, scheme: str) -> SchemeWeights:
        """What the scheme of the seed gives for scaled indicators."""
        run = self.frames["weighting"].set_index("weight_scheme").loc[scheme]
        return scaled.weigh(str(run["method"]), 0.0 if pd.isna(run["delta"]) else float(run["delta"]))

    def scaled(
        self, code: str, window: tuple[int, int], is_restated: bool, policy: str, imputation: str
    ) -> CompositeIndex:
        """The index of one edition and imputation; where an edition has no figure of its own, that of the headline."""
        key = (code, window, is_restated, policy, imputation)
        if key not in self._scaled:
            spec, cells = self.frames["spec"], self._cells(code)
            other = rows_with(spec, variant_of=code, edit_policy=policy)["index_code"].unique()
            if policy != EDITED and len(other):
                names = ["city_id", "year", "indicator_code"]
                merged = cells[names].merge(self._cells(str(other[0])), on=names, how="left", validate="1:1")
                lacks = merged["value"].isna().to_numpy()
                cells = cells.assign(
                    value=np.where(lacks, cells["value"], merged["value"]),
                    is_imputed=np.where(lacks, cells["is_imputed"], merged["is_imputed"].fillna(False)).astype(bool),
                )
            if is_restated:
                cells = cells[cells["year"] <= window[1]]
            indicators = rows_with(spec, index_code=code)
            self._scaled[key] = composite(cells, indicators, self.frames["indicator"], window, imputation)
        return self._scaled[key]

    def _cells(self, code: str) -> pd.DataFrame:
        return rows_with(self.frames["panel"], index_code=code).drop(columns="index_code").reset_index(drop=True)


def _regression(frames: Frames, spec: PanelSpec, index_draws: Drawn, rows: Rows) -> None:
    """Effects of the first regressor, errors by city. Sample, W and what is no score are those of the headline."""
    data, edges = (rows_with(frames[name], model_id=spec.model_id) for name in ("data", "edges"))
    if data.empty:
        return
    basis, terms = str(data["basis"].iloc[0]), {str(term): wide(part, "value") for term, part in data.groupby("term")}
    y = terms[spec.y.name]
    cities, years = list(map(str, y.index)), [int(t) for t in y.columns]
    links = edges.pivot(index="city_i", columns="city_j", values="w").reindex(index=cities, columns=cities).fillna(0.0)
    w = spatial_weights(links.to_numpy(np.float64), labels=cities)
    variables = (spec.y, *spec.x, *spec.controls)
    redrawn = {}
    for variable in variables:
        if variable.source == "score" and not variable.without:
            earlier = [t - (0 if variable is spec.y else spec.lag) for t in years]
            planes = index_draws.planes((basis, variable.code, variable.weight_scheme), cities, earlier)
            if not planes:
                return
            redrawn[variable.name] = planes
    segments = data.drop_duplicates("year").set_index("year")["segment"].reindex(years).tolist()
    plain = {v.name: terms[v.name].to_numpy(np.float64) for v in variables}
    draws = []
    for j in range(index_draws.size):
        values = {v.name: transformed(redrawn[v.name][j], v) for v in variables if v.name in redrawn}
        with suppress(PanelInputError):  # rho at the edge of its range
            draws.append(_effects(spec, {**plain, **values}, w, segments))
    table = _combined(_effects(spec, plain, w, segments), draws)
    if table is not None:
        about = {"analysis": "regression", "model_id": spec.model_id, "variable": spec.x[0].name, "unit": SLOPE}
        table = table.assign(quantity=EFFECTS, n_obs=y.size, basis=basis, **about)
        rows.add({TABLES[0]: table}, index_code=spec.y.code, weight_scheme=spec.y.weight_scheme)


def _effects(spec: PanelSpec, values: dict[str, FloatArray], w: SpatialWeights, segments: Sequence[int]) -> Estimates:
    values = {name: by_segment(plane, segments) for name, plane in values.items()}
    x = np.stack([values[name] for name in spec.regressors], axis=2)
    how: dict[str, Any] = {"model": spec.model, "effects": spec.effects, "estimator": spec.estimator, "cov": "cluster"}
    fit = fit_panel(values[spec.y.name], x, w, **how, names=spec.regressors)
    frame = average_effects(fit, names=spec.regressors).to_frame()
    effects_of_x = rows_with(frame, variable=spec.x[0].name).set_index("effect").loc[list(EFFECTS)]
    return effects_of_x["point"].to_numpy(np.float64), effects_of_x["se_delta"].to_numpy(np.float64) ** 2


def _gini(published: FloatArray, planes: list[FloatArray], years: tuple[int, ...]) -> pd.DataFrame:
    """Gini index of every year, and its change from the first to the last; errors by the jackknife over cities."""

    def estimate(plane: FloatArray) -> Estimates:
        values, cov = np.array([gini(y) for y in plane.T]), gini_covariance(plane)
        change = cov[0, 0] + cov[-1, -1] - 2.0 * cov[0, -1]
        return np.append(values, values[-1] - values[0]), np.append(np.diagonal(cov), max(change, 0.0))

    table = _combined(estimate(published), [estimate(plane) for plane in planes])
    if table is None:
        return pd.DataFrame()
    names = ["gini"] * len(years) + ["gini_change"]
    table["p"] = table["p"].where(pd.Series(names) == "gini_change")  # a level is never zero
    return table.assign(analysis="gini", unit="1", quantity=names, year=[*years, years[-1]], n_obs=len(published))


def _chains(frames: Frames, index_draws: Drawn, rows: Rows) -> None:
    """Transitions of one year of the headline index, every way to make states; errors keep a city together."""
    panel = read_city_panel({**frames, "scores": frames["headline"]})
    if panel is None or len(panel.years) <= LAG:
        return
    keys = (panel.keys["basis"], panel.keys["index_code"], panel.keys["weight_scheme"])
    planes = index_draws.planes(keys, panel.cities, panel.years)
    if not planes or min(plane.mean(axis=0).min() for plane in planes) <= 0.0:
        return
    state, n_obs = np.arange(1, N_STATES + 1), panel.n * (len(panel.years) - LAG)
    cells: dict[str, Any] = {"state_from": state.repeat(N_STATES), "state_to": np.tile(state, N_STATES), "p": np.nan}
    for kind in DISCRETISATIONS:
        transitions = [_transitions(plane, kind, panel.base) for plane in (panel.values, *planes)]
        table = _combined(transitions[0], transitions[1:])
        if table is not None:
            table = table.assign(lo=table["lo"].clip(lower=0.0), hi=table["hi"].clip(upper=1.0), **cells, n_obs=n_obs)
            table = table.assign(analysis="markov", unit="1", quantity="transition", discretisation=kind)
            rows.add({TABLES[0]: table}, **panel.keys)


def _transitions(plane: FloatArray, kind: str, base: BoolArray) -> Estimates:
    states = discretise(plane, kind, n_states=N_STATES, base=base).states
    counts = tally(transition_codes(states, N_STATES, LAG), N_STATES**2).reshape(N_STATES, N_STATES)
    return row_shares(counts).ravel(), cluster_error(states, N_STATES, LAG).ravel() ** 2


def _combined(published: Estimates, draws: list[Estimates]) -> pd.DataFrame | None:
    """One row per estimate: as published, and by Rubin's rules over the draws; None where two draws lack."""
    usable = [(b, v) for b, v in draws if np.isfinite(b).all() and np.isfinite(v).all()]
    if len(usable) < 2:
        return None
    both = rubin(np.array([b for b, _ in usable]), np.array([v for _, v in usable]))
    frame = both.to_frame([""] * len(published[0])).drop(columns=["name", "t", "share_between"])
    frame = frame.rename(columns={**LIMITS, "missing": "share_missing"})
    frame["df"] = frame["df"].where(frame["df"] < MOST_DF)
    frame = frame.assign(published=published[0], published_se=np.sqrt(published[1]), n_draws=len(usable))
    frame["published_se"] = frame["published_se"].where(published[1] > 0.0)  # a move that nobody makes has no error
    frame[["se", "lo", "hi"]] = frame[["se", "lo", "hi"]].where(frame["se"] > 0.0)
    return frame
