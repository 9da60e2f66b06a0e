"""The second geography: an index of county-level units, and the methods of the city study that its page shows.

Inequality, spatial association, a Markov chain and a spatial panel are computed by the functions of the city study on
county frames. Units that are printed need not touch (county-level cities rarely do), so the six nearest stand for
neighbours everywhere. What no page shows of counties does not belong here.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from dagster_project.study.disparity import nested_theil
from dagster_project.study.frames import PLACE, Frames, Tables, wide, words
from dagster_project.study.groups import Groups
from dagster_project.study.index import composite
from dagster_project.study.markov import N_STATES, numbered
from dagster_project.study.panels import ScorePanel
from dagster_project.study.queries import GROUP_FRAMES, queries
from dagster_project.study.settings import CountySpec, Ratio, Settings
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise
from python_models.regression import PanelInputError, SpatialPanel
from python_models.space import adjust, build_weights, lisa, moran, normalise

INPUTS = {**queries(__file__), "schemes": GROUP_FRAMES["schemes"]}
TABLES = words("county_index county_inequality county_moran county_transition county_regression")
LEAST_UNITS = 30  # fewer make no panel
NEAREST = 6


def build(frames: Frames, settings: Settings) -> Tables:
    """Scores by unit and year, inequality and Moran's I by year, transitions by pair of classes, coefficients by term.

    All are empty without a panel; `note` of the scores says what could not be computed.
    """
    spec, seed = settings.county, settings.seed
    cells, left_out = _indicators(frames, spec)
    n_unit = cells["city_id"].nunique() if len(cells) else 0
    if n_unit < LEAST_UNITS:
        return {name: pd.DataFrame() for name in TABLES}
    most = settings.sizes("county")["draws"]  # the second geography costs less than the first
    permutations = min(most, settings.sizes("space")["permutations"])
    years = sorted(int(year) for year in cells["year"].unique())
    method = frames["weighting"].set_index("weight_scheme")["method"][spec.weight_scheme]
    scores = _scores(cells, spec, (years[0], years[-1]), method)
    city = frames["city"].set_index("city_id").loc[sorted(scores["city_id"].unique())]
    panel = wide(scores, "score")
    regression, reason = _regression(frames, panel, city, spec)
    tables = {
        "county_index": _with_marks(_index(scores, panel, city, permutations, seed), frames, spec, left_out).assign(
            note=_note(years, left_out, reason)
        ),
        "county_inequality": _inequality(panel, frames, seed),
        "county_moran": _moran(panel, city, permutations, seed),
        "county_transition": _transitions(panel, min(most, settings.sizes("markov")["resamples"]), seed),
        "county_regression": regression,
    }
    return {name: table.assign(n_unit=n_unit) for name, table in tables.items()}


def _note(years: list[int], left_out: list[str], reason: str) -> str:
    """Which years and indicators: a step of a chain is one from a landed year to the next."""
    gaps = [b - a for a, b in pairwise(years)]
    note = f"years {', '.join(map(str, years))}"
    if any(gap > 1 for gap in gaps):
        note += f"; steps of {' and '.join(str(gap) for gap in sorted(set(gaps)))} years"
    if len(years) == 1:
        note += "; one year alone: no chain"
    if reason:
        note += f"; no regression: {reason}"
    return note + (f"; not in every year: {', '.join(left_out)}" if left_out else "")


def ratio(frames: Frames, of: Ratio) -> pd.DataFrame:
    """city_id, year, value of one ratio; the area of a unit holds in every year."""
    table = frames["values"].pivot(index=["city_id", "year"], columns="variable_code", values="value")
    area = frames["city"].set_index("city_id")["area_km2"]
    table["area"] = area.reindex(table.index.get_level_values("city_id")).to_numpy()
    table = table.reindex(columns=list({*of.numerator, of.denominator}))
    value = of.multiplier * table[list(of.numerator)].sum(axis=1, skipna=False) / table[of.denominator]
    ratios = value.where((table[of.denominator] > 0) & np.isfinite(value)).dropna()
    return ratios.rename("value").reset_index()


def _indicators(frames: Frames, spec: CountySpec) -> tuple[pd.DataFrame, list[str]]:
    """Cells of the units that have every indicator in every year, and the indicators that are left out."""
    values = frames["values"]
    n_year, n_unit = values["year"].nunique(), values.groupby("year")["city_id"].nunique()
    parts, left_out = [], []
    for code, of in spec.indicators.items():
        cells = ratio(frames, of).assign(indicator_code=code, is_imputed=False)
        share = (cells.groupby("year")["city_id"].nunique() / n_unit).reindex(n_unit.index).fillna(0.0)
        if (share >= spec.least_share).all():
            parts.append(cells)
        else:
            left_out.append(code)
    if not parts:
        return pd.DataFrame(), left_out
    cells = pd.concat(parts, ignore_index=True)
    full = cells.groupby("city_id")["value"].transform("size") == len(parts) * n_year
    return cells[full], left_out


def _scores(cells: pd.DataFrame, spec: CountySpec, window: tuple[int, int], scheme: str) -> pd.DataFrame:
    """Composite scores with their ranks."""
    codes = [code for code in spec.indicators if code in set(cells["indicator_code"])]
    dimensions = [spec.indicators[code].dimension for code in codes]
    tree = pd.DataFrame({"indicator_code": codes, "dimension": dimensions, "tier": dimensions})
    facts = pd.DataFrame({"indicator_code": codes, "direction": 1, "is_winsorised": True, "cap_high": np.nan})
    _, _, scores = composite(cells, tree, facts, window).scores(scheme)
    scores = scores[scores["index_suffix"] == ""][["city_id", "year", "score", "rank_year"]]
    return scores.assign(n_indicator=len(codes))


def _index(scores: pd.DataFrame, panel: pd.DataFrame, city: pd.DataFrame, permutations: int, seed: int) -> pd.DataFrame:
    """Scores with the place of each unit on the local map and, where there is a second year, its state in the chain."""
    near = build_weights("knn", labels=list(city.index), points=city[PLACE], k=NEAREST, normalisation="row")
    local = [
        pd.DataFrame({"city_id": panel.index, "year": year, "lisa_quadrant": place.quadrant, "lisa_p": place.p_perm})
        for year, y in panel.items()
        for place in [lisa(y.to_numpy(), near, permutations=permutations, seed=seed)]
    ]
    table = scores.merge(pd.concat(local), on=["city_id", "year"], how="left")
    if panel.shape[1] > 1:
        states = discretise(panel, "pooled", n_states=N_STATES).to_frame()
        table = table.merge(states.assign(state=states["state"] + 1), on=["city_id", "year"], how="left")
    return table.rename(columns={"city_id": "county_id"})


def _with_marks(index: pd.DataFrame, frames: Frames, spec: CountySpec, left_out: list[str]) -> pd.DataFrame:
    """With a mark where a figure behind the score is in question."""
    variables = {
        v for code, of in spec.indicators.items() if code not in left_out for v in (*of.numerator, of.denominator)
    }
    values = frames["values"]
    doubts = values[values["is_in_question"] & values["variable_code"].isin(variables)]
    keys = pd.MultiIndex.from_frame(doubts[["city_id", "year"]])
    return index.assign(is_in_question=pd.MultiIndex.from_frame(index[["county_id", "year"]]).isin(keys))


def _inequality(panel: pd.DataFrame, frames: Frames, seed: int) -> pd.DataFrame:
    """Theil's T by year: between the main regions, between the provinces of a region, within provinces."""
    groups, cities, years = Groups.read(frames), tuple(map(str, panel.index)), tuple(map(int, panel.columns))
    scheme = groups.main("region")
    if not scheme:
        return pd.DataFrame()
    scores = ScorePanel("county", "county", "", is_frozen=True, cities=cities, years=years, scores=panel.to_numpy())
    parts = nested_theil(scores, groups, scheme)
    return parts[(parts["kind"] == "T") & (parts["sample"] == "all")].assign(scheme=scheme, seed=seed)


def _moran(panel: pd.DataFrame, city: pd.DataFrame, permutations: int, seed: int) -> pd.DataFrame:
    """Moran's I by year; two units are neighbours where one is among the six nearest of the other."""
    near = build_weights("knn", labels=list(city.index), points=city[PLACE], k=NEAREST)
    pairs = near.adjacency.reset_index()[["focal", "neighbor"]].to_numpy().astype(str)
    edges = pd.DataFrame(np.unique(np.sort(pairs, axis=1), axis=0), columns=["city_id_a", "city_id_b"])
    graph = build_weights("queen", labels=list(city.index), points=city[PLACE], edges=edges, normalisation="raw")
    graph = normalise(graph, "row")
    rows = [moran(y.to_numpy(), graph, permutations=permutations, seed=seed).to_frame() for _, y in panel.items()]
    table = pd.concat(rows, ignore_index=True).assign(year=list(panel.columns))
    return table.assign(p_holm=adjust(table["p_perm"].to_numpy(), "holm"))


def _transitions(panel: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """From one landed year to the next: classes of the score over the mean of its year. Empty with one year."""
    if panel.shape[1] < 2:
        return pd.DataFrame()
    states = discretise(panel, "relative", n_states=N_STATES).states
    return numbered(markov(states, N_STATES, n_boot=resamples, seed=seed).to_frame()).assign(seed=seed)


def _regression(frames: Frames, y: pd.DataFrame, city: pd.DataFrame, spec: CountySpec) -> tuple[pd.DataFrame, str]:
    """Spatial panel of ln score with effects of units and years; without a row where it cannot be fitted, and why."""
    keep, x = (y > 0).all(axis=1), {}
    for name, of in spec.x.items():
        plane = wide(ratio(frames, of), "value").reindex(index=y.index, columns=y.columns).astype(float)
        is_whole = (plane > 0).all(axis=1)
        if is_whole.mean() >= spec.least_share:
            x[name], keep = plane, keep & is_whole
    if y.shape[1] < 2 or not x or keep.sum() < LEAST_UNITS:
        few = f"it needs two years, a regressor and {LEAST_UNITS} units"
        return pd.DataFrame(), f"{y.shape[1]} years, {len(x)} regressors and {int(keep.sum())} units, {few}"
    units = list(y.index[keep])
    graph = build_weights("knn", labels=units, points=city.loc[units, PLACE], k=spec.neighbours)
    exog = {name: plane.loc[units].map(np.log) for name, plane in x.items()}
    try:
        table = SpatialPanel(y.loc[units].map(np.log), exog, graph, model=spec.model).fit().to_frame()
    except PanelInputError as error:
        return pd.DataFrame(), str(error)
    return table.rename(columns={"lower": "lo", "upper": "hi", "pvalue": "p"}), ""
