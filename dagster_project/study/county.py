"""The second geography: an index of county-level units, and every method of the city study on it.

The methods are those of `disparity`, `convergence`, `markov` and `space`: they are handed county frames in the place of
city frames, so nothing of them is written twice. What they find stands in one long table, since its questions are few
and its units many; places and states of single units stand beside the scores. Units that are printed need not touch
(county-level cities rarely do), so the six nearest stand for neighbours everywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import pairwise

import numpy as np
import pandas as pd

from dagster_project.study import convergence, disparity, markov, space
from dagster_project.study.frames import PLACE, Frames, Rows, Tables, rows_with, stacked, wide
from dagster_project.study.index import composite
from dagster_project.study.queries import GROUP_FRAMES
from dagster_project.study.settings import CountySpec, Ratio, Settings
from python_models.regression import PanelInputError, SpatialPanel
from python_models.space import build_weights

INPUTS = {
    "values": """
        select county_id as city_id, year, variable_code, value from int.int_county_values
        where not is_held order by all
    """,
    "city": """
        select county_id as city_id, county_code as city_code, province_code, kind as admin_tier, centroid_lon,
            centroid_lat, area_km2
        from mart.dim_county where county_id = base_county_id order by 1
    """,
    "schemes": GROUP_FRAMES["schemes"],
    "weighting": "select weight_scheme, method from seed.weight_scheme",
    "groups": """
        select c.county_id as city_id, m.scheme, m.group_code, m.valid_from, m.valid_to
        from mart.dim_county as c join mart.dim_group_membership as m on c.parent_city_id = m.city_id
        where c.county_id = c.base_county_id order by all
    """,
}
TABLES = ("county_index", "county_result")
KEYS = {"basis": "county", "index_code": "county"}
REGRESSION = {"method": "regression", "result": "panel_coef"}
LEAST_UNITS = 30  # fewer make no panel
# method of the city study -> its function; of the weights two are enough
METHODS: dict[str, Callable[[Frames, Settings], Tables]] = {
    "disparity": disparity.build,
    "convergence": convergence.build,
    "markov": markov.build,
    "space": partial(space.build, codes=("queen_row", "knn6_row")),
}
NEAR, NEAR_PAIRS = "knn6_row", "near6_row"  # the second stands where cities have contiguity (queen_row)
# of single units or of pairs of them: the first two stand beside the scores, the others are more than anyone reads
OF_UNITS = ("lisa", "city_state", "gravity_link", "network_city", "club_membership", "kde_curve", "stochastic_kernel")
OF_WEIGHTS = space.OF_WEIGHTS
PLACES = ("scheme", "group_code")
# figure of a table that its columns lo and hi are the limits of; other limits are named after their figure
LIMITED = {
    "dagum_between": "g_jh",
    "dagum_within": "g_jj",
    "disparity_change": "change",
    "group_gradient": "diff",
    "beta_convergence": "beta",
}
COUNTED = ("lag", "lag_state", "state", "state_from", "state_to", "order")  # numbers that name a row
NO_FIGURE = (
    *("seed", "n_boot", "n_bootstrap", "n_replicates", "n_perm", "n_imputed", "first_year", "last_year", "n_obs"),
    *("index_code", "basis", "weight_scheme", "city_id", "sha256"),
)


def build(frames: Frames, settings: Settings) -> Tables:
    """county_index: unit and year; county_result: method, table, year, subject and statistic. Empty without a panel."""
    spec, rows = settings.county, Rows()
    cells, skipped = _indicators(frames, spec)
    n_unit = cells["city_id"].nunique() if len(cells) else 0
    if n_unit < LEAST_UNITS:
        return rows.tables(TABLES)
    years = sorted(int(year) for year in cells["year"].unique())
    method = frames["weighting"].set_index("weight_scheme")["method"][spec.weight_scheme]
    scores, weights = _scores(cells, spec, (years[0], years[-1]), method)
    city = frames["city"][frames["city"]["city_id"].isin(scores["city_id"])]
    own = _study_frames(frames, city, scores.assign(**KEYS, weight_scheme=spec.weight_scheme))
    # every size at most that of `county` in depth.yml: the second geography costs less than the first
    most = settings.sizes("county")["draws"]
    small = settings.with_sizes(**{m: {k: min(v, most) for k, v in settings.sizes(m).items()} for m in METHODS})
    # a chain needs a second year
    found = {name: method(own, small) for name, method in METHODS.items() if len(years) > 1 or name != "markov"}
    rows.add({"county_index": _beside(scores, found)})
    rows.add({"county_result": weights})
    for name, tables in found.items():
        for table, frame in tables.items():
            if len(frame) and table not in (*OF_UNITS, *OF_WEIGHTS):
                rows.add({"county_result": _long(frame, LIMITED.get(table, "p"))}, method=name, result=table)
    rows.add({"county_result": _regression(frames, scores, city, spec)})
    note = _note(years, skipped)
    tables = {name: table.assign(n_unit=n_unit, note=note) for name, table in rows.tables(TABLES).items()}
    whole = dict.fromkeys(PLACES, "all")
    return tables | {"county_result": tables["county_result"].fillna(whole)}


def _note(years: list[int], skipped: list[str]) -> str:
    """Which years and indicators: a step of a chain is one from a landed year to the next."""
    gaps = [b - a for a, b in pairwise(years)]
    note = f"years {', '.join(map(str, years))}"
    if any(gap > 1 for gap in gaps):
        note += f"; steps of {' and '.join(str(gap) for gap in sorted(set(gaps)))} years"
    if len(years) == 1:
        note += "; one year alone: no chain and no regression with fixed effects"
    return note + (f"; not in every year: {', '.join(skipped)}" if skipped else "")


def ratio(frames: Frames, of: Ratio) -> pd.DataFrame:
    """city_id, year, value of one ratio; the area of a unit holds in every year."""
    table = frames["values"].pivot(index=["city_id", "year"], columns="variable_code", values="value")
    area = frames["city"].set_index("city_id")["area_km2"]
    table["area"] = area.reindex(table.index.get_level_values("city_id")).to_numpy()
    table = table.reindex(columns=list({*of.numerator, of.denominator}))
    value = of.multiplier * table[list(of.numerator)].sum(axis=1, skipna=False) / table[of.denominator]
    found = value.where((table[of.denominator] > 0) & np.isfinite(value)).dropna()
    return found.rename("value").reset_index()


def _indicators(frames: Frames, spec: CountySpec) -> tuple[pd.DataFrame, list[str]]:
    """Cells of the units that have every indicator in every year, and the indicators that are left out."""
    values = frames["values"]
    n_year, n_unit = values["year"].nunique(), values.groupby("year")["city_id"].nunique()
    kept, skipped = [], []
    for code, of in spec.indicators.items():
        cells = ratio(frames, of).assign(indicator_code=code, is_imputed=False)
        share = (cells.groupby("year")["city_id"].nunique() / n_unit).reindex(n_unit.index).fillna(0.0)
        if (share >= spec.least_share).all():
            kept.append(cells)
        else:
            skipped.append(code)
    if not kept:
        return pd.DataFrame(), skipped
    cells = pd.concat(kept, ignore_index=True)
    full = cells.groupby("city_id")["value"].transform("size") == len(kept) * n_year
    return cells[full], skipped


def _scores(
    cells: pd.DataFrame, spec: CountySpec, window: tuple[int, int], scheme: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Composite scores with their ranks, and weights as rows of the long table."""
    codes = [code for code in spec.indicators if code in set(cells["indicator_code"])]
    dimensions = [spec.indicators[code].dimension for code in codes]
    listed = pd.DataFrame({"indicator_code": codes, "dimension": dimensions, "tier": dimensions})
    facts = pd.DataFrame({"indicator_code": codes, "direction": 1, "is_winsorised": True, "cap_high": np.nan})
    _, weights, scores = composite(cells, listed, facts, window).scores(scheme)
    scores = scores[scores["index_suffix"] == ""][["city_id", "year", "score", "rank_year"]].reset_index(drop=True)
    subject = "indicator_code=" + weights["indicator_code"]
    long = pd.DataFrame({"subject": subject, "statistic": "weight", "value": weights["weight"]})
    return scores.assign(n_indicator=len(codes)), long.assign(method="index", result="index_weight")


def _study_frames(frames: Frames, city: pd.DataFrame, scores: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """County frames under the names that the city study reads."""
    keyed = scores[["city_id", "year", "score", "weight_scheme", *KEYS]]
    people = frames["values"].query("variable_code == 'population_registered'")
    places = city.set_index("city_id")[PLACE]
    near = build_weights("knn", labels=list(places.index), points=places, k=6)
    pairs = near.adjacency.reset_index()[["focal", "neighbor"]].to_numpy().astype(str)
    edges = np.unique(np.sort(pairs, axis=1), axis=0)
    return {
        "scores": keyed.assign(is_frozen=True, in_base=True, share_imputed_weight=0.0),
        "other_scores": keyed.iloc[:0].assign(is_frozen=True),
        "schemes": frames["schemes"],
        "groups": frames["groups"][frames["groups"]["city_id"].isin(city["city_id"])],
        "city": city,
        "neighbours": pd.DataFrame(edges, columns=["city_id_a", "city_id_b"]),
        "population": people.rename(columns={"value": "population"})[["city_id", "year", "population"]],
        "mass": pd.DataFrame(columns=["city_id", "value"]),
    }


def _beside(scores: pd.DataFrame, found: Mapping[str, Tables]) -> pd.DataFrame:
    """Scores with the place of each unit on the local map and its state in the chain."""
    local, states = found["space"]["lisa"], found.get("markov", {}).get("city_state", pd.DataFrame())
    keys = ["city_id", "year"]
    if len(local):
        own = rows_with(local, w_code=NEAR).rename(columns={"p_perm": "lisa_p", "quadrant": "lisa_quadrant"})
        scores = scores.merge(own[[*keys, "lisa_quadrant", "lisa_p"]], on=keys, how="left")
    if len(states):
        own = rows_with(states, discretisation="pooled")
        scores = scores.merge(own[[*keys, "state"]], on=keys, how="left")
    return scores.rename(columns={"city_id": "county_id"})


def _long(frame: pd.DataFrame, limited: str) -> pd.DataFrame:
    """A table of the study with a row for each figure: its limits beside it, whatever else it says as its subject."""
    frame = frame.reset_index(drop=True)
    if "w_code" in frame:
        frame = frame.assign(w_code=frame["w_code"].replace("queen_row", NEAR_PAIRS))
    numbers = [str(c) for c in frame.select_dtypes("number") if c != "year" and c not in NO_FIGURE]
    named = [c for c in frame if c not in {*numbers, "year", *PLACES, *NO_FIGURE} and frame[c].notna().any()]
    subject = pd.Series("", index=frame.index)
    for column in (*named, *(c for c in COUNTED if c in frame)):
        subject = subject + f"; {column}=" + frame[column].astype(str)
    own = {column: frame[column] for column in ("year", "n_obs", *PLACES) if column in frame}
    parts = []
    for name in numbers:
        if name in COUNTED or name.rpartition("_")[2] in ("lo", "hi"):
            continue
        ends = {end: end if name == limited and end in frame else f"{name}_{end}" for end in ("lo", "hi")}
        limits = {end: frame[column] for end, column in ends.items() if column in frame}
        part = pd.DataFrame({**own, "subject": subject.str.removeprefix("; "), "value": frame[name], **limits})
        parts.append(part[part["value"].notna()].assign(statistic=name))
    return stacked(parts)


def _regression(frames: Frames, scores: pd.DataFrame, city: pd.DataFrame, spec: CountySpec) -> pd.DataFrame:
    """Spatial panel of ln score with effects of units and years; where it cannot be fitted, a row that says why."""
    years, n_year = sorted(scores["year"].unique()), scores["year"].nunique()
    y = wide(scores, "score")
    keep, x = (y > 0).all(axis=1), {}
    for name, of in spec.x.items():
        own = wide(ratio(frames, of), "value").reindex(index=y.index, columns=years).astype(float)
        is_whole = (own > 0).all(axis=1)
        if is_whole.mean() >= spec.least_share:
            x[name], keep = own, keep & is_whole
    reason = ""
    if n_year < 2 or not x or keep.sum() < LEAST_UNITS:
        reason = f"{n_year} years, {len(x)} regressors, {int(keep.sum())} units"
    else:
        kept = list(y.index[keep])
        places = city.set_index("city_id").loc[kept, PLACE]
        graph = build_weights("knn", labels=kept, points=places, k=spec.neighbours)
        exog = {name: own.loc[kept].map(np.log) for name, own in x.items()}
        try:
            table = SpatialPanel(y.loc[kept].map(np.log), exog, graph, model=spec.model).fit().to_frame()
            subject = "term=" + table["term"] + "; role=" + table["role"]
            coef = {"statistic": "coef", "value": table["coef"], "lo": table["lower"], "hi": table["upper"]}
            figures = (coef, {"statistic": "p", "value": table["pvalue"]})
            return stacked(pd.DataFrame({"subject": subject, **own}) for own in figures).assign(**REGRESSION)
        except PanelInputError as error:
            reason = str(error)
    row = {"subject": f"left out: {reason}", "statistic": "n_year", "value": float(n_year)}
    return pd.DataFrame([{**REGRESSION, **row}])
