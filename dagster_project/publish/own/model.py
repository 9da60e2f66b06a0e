"""A regression of a reader's own: the published headline with other columns, or one from the first term on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.publish.exhibits.reader import ExportError, Reader
from dagster_project.publish.own.columns import read_links
from dagster_project.publish.own.spec import Given, listed, one_of, read_spec
from dagster_project.publish.own.values import Values, common_years, entries, incomplete
from dagster_project.published import statements
from dagster_project.study.samples import LEAST_CITIES, LEAST_COVERAGE, LEAST_YEARS
from python_models.inference import normal
from python_models.regression import (
    EFFECTS,
    ESTIMATORS,
    MODELS,
    Effects,
    PanelInputError,
    PanelResults,
    SpatialPanel,
    by_segment,
)
from python_models.space import build_weights, normalise, to_graph, to_sparse

KEYS = (
    *("name", "like", "y", "x", "controls", "drop", "w", "model", "effects", "estimator", "durbin", "cov"),
    *("years", "csv"),
)
ENTRY = ("of", "csv", "column", "log", "lag")
COVARIANCES = ("cluster", "info", "qml", "driscoll_kraay")
BUILT = ("queen", "invd", "knn", "expd")  # kinds that need nothing but places and neighbours
SQL = statements(__file__)


@dataclass(frozen=True, eq=False)
class OwnModel:
    """estimates: one row a coefficient and a direct, indirect, total effect, with the published figure of `like`.

    data: the panel as estimated, one row a city and year.   links: W of the sample (city_i receives from city_j).
    results, effects: see python_models.regression.   origins: where each term comes from.   left_out: cities without
    every term, and why.   settings: model, effects, estimator, errors, W.
    """

    name: str
    estimates: pd.DataFrame
    data: pd.DataFrame
    links: pd.DataFrame
    results: PanelResults
    effects: Effects
    origins: dict[str, str]
    left_out: dict[str, str]
    settings: dict[str, str]


def own_model(reader: Reader, source: Given) -> OwnModel:
    """The spatial panel model that a specification describes, e.g. y = rho W y + X b + W X t + effects + e (`sdm`).

    Without `y` and `x`, or with `like: <model>`, it starts from a published regression (default the headline): its
    columns as estimated, its W, its settings; `y` and `x` replace, `controls` add, `drop` takes out. A term is a
    published code (score in points, indicator, variable) or a column of a CSV of the reader, `log: true` its
    logarithm, `lag: 1` its value of the year before. `w`: a code of mart.dim_weight_matrix built from places or
    neighbours, or a CSV of city_i, city_j, w, whose rows are scaled to sum to one. Errors are clustered by city.

    The sample is made as that of the study (LEAST_COVERAGE of study/samples.py), or of `years`: cities with every term
    in all of its years and a place in W. Raises ExportError.
    """
    spec, folder = read_spec(source, KEYS)
    name = str(spec.get("name", "own_model"))
    if reader.rows("select 1 from mart.dim_model_spec where model_id = $name", name=name):
        raise ExportError(f"'{name}' is a published regression: give yours another name.")
    like = str(spec["like"]) if spec.get("like") else "" if "y" in spec or "x" in spec else reader.scope.model
    values = Values(reader, folder, listed(spec.get("csv", []), "csv"))
    like_settings, planes, roles, segments = _start(reader, values, like, spec)
    of_like = set().union(*(plane.index for plane in planes.values()))
    controls = [term for term, role in roles.items() if role == "control"]
    for key, role in (("y", "y"), ("x", "x"), ("controls", "control")):
        for term, entry in (entries(spec[key], ENTRY, key) if key in spec else {}).items():
            if term in planes:
                raise ExportError(f"{key}: the model has a term '{term}' already.")
            planes[term], roles[term] = _transformed(values, term, entry), role
    for term in controls if spec.get("drop") == "controls" else listed(spec.get("drop", []), "drop"):
        one_of(term, [t for t in planes if roles[t] != "y"], "drop")
        del planes[term], roles[term]
    y = [term for term, role in roles.items() if role == "y"]
    regressors = [term for role in ("x", "control") for term in planes if roles[term] == role]
    if len(y) != 1 or not regressors:
        raise ExportError("A regression needs one `y` and at least one `x` (or `like` and a published regression).")

    w_code = str(spec.get("w", like_settings.get("w_code", "queen_row")))
    links = read_links(reader.con, folder / w_code) if w_code.endswith(".csv") else None
    years, cities, left_out = _sample(planes, spec, None if links is None else set(links["city_i"]))
    left_out |= {city: f"not in the sample of {like}" for city in left_out if of_like and city not in of_like}
    graph, cities = _graph(reader, w_code, links, cities, left_out, "" if "w" in spec else like)
    planes = {term: planes[term].reindex(index=cities, columns=years) for term in (*y, *regressors)}
    rows = pd.MultiIndex.from_product([cities, years], names=["city_id", "year"])
    data = pd.DataFrame({term: plane.to_numpy().reshape(-1) for term, plane in planes.items()}, rows)
    effects_of_cities = one_of(spec.get("effects", like_settings.get("fe", "twoways")), EFFECTS, "effects")
    is_cut = effects_of_cities in ("entity", "twoways")
    free = _free_of_segments(data, [_segment(segments, year) if is_cut else 0 for year in years])
    settings = {
        "model": one_of(spec.get("model", like_settings.get("model_type", "sdm")), MODELS, "model"),
        "effects": effects_of_cities,
        "estimator": one_of(spec.get("estimator", like_settings.get("estimator", "lee_yu")), ESTIMATORS, "estimator"),
        "errors": one_of(spec.get("cov", "cluster"), COVARIANCES, "cov"),
        "W": w_code,
    }
    durbin = listed(spec["durbin"], "durbin") if "durbin" in spec else None
    try:
        panel = SpatialPanel(
            free[y[0]],
            free[regressors],
            graph,
            model=settings["model"],
            effects=settings["effects"],
            estimator=settings["estimator"],
            durbin=durbin,
        )
        results = panel.fit(settings["errors"])
        effects = results.effects()
    except (PanelInputError, ValueError) as refused:
        raise ExportError(f"{name}: {refused}") from refused
    estimates = _estimates(reader, results, effects, like)
    table = data.reset_index()
    values.add_names(table)
    coo = to_sparse(graph).tocoo()
    edges = pd.DataFrame({"city_i": np.array(cities)[coo.row], "city_j": np.array(cities)[coo.col], "w": coo.data})
    estimates, table, edges = (f.assign(model_id=name)[["model_id", *f.columns]] for f in (estimates, table, edges))
    origins = {term: values.origins[term] for term in planes}
    return OwnModel(name, estimates, table, edges, results, effects, origins, left_out, settings)


def _start(
    reader: Reader, values: Values, like: str, spec: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, pd.DataFrame], dict[str, str], dict[int, int]]:
    """Settings, columns, roles and segments by year of the regression that is taken up; nothing where none is."""
    planes, roles = dict[str, pd.DataFrame](), dict[str, str]()
    if not like:
        if "y" not in spec and "x" not in spec:
            raise ExportError("The file has no headline regression with data: give `y` and `x`.")
        return {}, planes, roles, {}
    frame = pd.DataFrame(
        reader.rows(SQL["data"], of=like), columns=["term", "role", "city_id", "year", "value", "segment"]
    )
    if frame.empty:
        ids = [row["model_id"] for row in reader.rows("select distinct model_id from mart.mart_model_data order by 1")]
        raise ExportError(
            f"like: '{like}' has no data in this file. Regressions with data: {', '.join(ids) or 'none'}."
        )
    is_new = {"y": "y" in spec, "x": "x" in spec}
    for term, part in frame.groupby("term", sort=False):
        role = str(part["role"].iloc[0])
        if not is_new.get(role):
            wide = part.pivot(index="city_id", columns="year", values="value")
            planes[str(term)], roles[str(term)] = wide.sort_index().sort_index(axis=1), role
            values.origins[str(term)] = f"{like}, as estimated"
    order = [row["term"] for row in reader.rows(SQL["coef"], of=like) if row["kind"] == "coefficient"]
    planes = dict(sorted(planes.items(), key=lambda item: order.index(item[0]) if item[0] in order else -1))
    segments = dict(frame[["year", "segment"]].drop_duplicates().sort_values("year").to_numpy().tolist())
    return reader.rows(SQL["model"], of=like)[0], planes, roles, segments


def _segment(segments: Mapping[int, int], year: int) -> int:
    """That of the year, or of the nearest known year before it."""
    return max((segment for first_year, segment in segments.items() if first_year <= year), default=0)


def _free_of_segments(data: pd.DataFrame, segments: list[int]) -> pd.DataFrame:
    """The columns without what differs between the segments of a city; periods are numbered where there are several."""
    if len(set(segments)) == 1:
        return data
    planes = {term: column.unstack("year") for term, column in data.items()}
    columns = {
        str(term): pd.DataFrame(by_segment(plane.to_numpy(), segments), plane.index).stack()
        for term, plane in planes.items()
    }
    return pd.DataFrame(columns).rename_axis(["city_id", "year"])


def _transformed(values: Values, term: str, entry: Mapping[str, Any]) -> pd.DataFrame:
    plane = values.plane(term, entry)
    log, lag = entry.get("log", False), entry.get("lag", 0)
    if not isinstance(log, bool) or isinstance(lag, bool) or not isinstance(lag, int) or lag < 0:
        raise ExportError(f"{term}: `log` is true or false, `lag` a number of years; got {log!r} and {lag!r}.")
    if log:
        bad = np.argwhere((plane <= 0).to_numpy())
        if len(bad):
            city, year = plane.index[bad[0, 0]], plane.columns[bad[0, 1]]
            raise ExportError(f"{term}: no logarithm of {plane.loc[city, year]:g} ({city}, {year}; {len(bad)} such).")
        plane = plane.map(np.log)
    values.origins[term] += (", logarithm" if log else "") + (f", {lag} years before" if lag else "")
    return plane.rename(columns=lambda year: int(year) + lag)


def _sample(
    planes: Mapping[str, pd.DataFrame], spec: Mapping[str, Any], within: set[str] | None
) -> tuple[list[int], list[str], dict[str, str]]:
    """Years, the cities with every term in all of them, and why others are not there."""
    common, years = common_years(planes, spec.get("years"), "years")
    if years is None:
        every, _ = incomplete(planes, common)
        full = pd.DataFrame(True, index=every, columns=common)
        for plane in planes.values():
            full &= plane.reindex(index=every, columns=common).notna()
        counts = full.sum()
        years = [year for year in common if counts[year] >= max(1, LEAST_COVERAGE * counts.max())]
    every, lacking = incomplete(planes, years)
    left_out = {city: "not in W" for city in every if within is not None and city not in within}
    left_out = {**left_out, **lacking, **left_out}
    cities = [city for city in every if city not in left_out]
    if len(cities) < LEAST_CITIES or len(years) < LEAST_YEARS:
        why = "; ".join(f"{city} has {reason}" for city, reason in list(left_out.items())[:3])
        raise ExportError(
            f"{len(cities)} cities are complete in {len(years)} years; at least {LEAST_CITIES} cities and {LEAST_YEARS}"
            f" years are needed. {why}".strip()
        )
    return years, cities, left_out


def _graph(
    reader: Reader, code: str, links: pd.DataFrame | None, cities: list[str], left_out: dict[str, str], like: str
) -> tuple[Any, list[str]]:
    """W of the sample: that of `like` where the cities are the same, else built as the study builds it."""
    if like:
        pairs = pd.DataFrame(reader.rows(SQL["edge"], of=like), columns=["city_i", "city_j", "w"])
        if set(pairs["city_i"]) == set(cities):
            return _from_links(pairs, cities), cities
    if links is not None:
        among = links[links["city_i"].isin(cities) & links["city_j"].isin(cities)]
        alone = [city for city in cities if city not in set(among["city_i"])]
        if alone:
            raise ExportError(f"w: {alone[0]} has no neighbour inside the sample ({len(alone)} such cities).")
        return normalise(_from_links(among, cities), "row"), cities
    matrices = {row["w_code"]: row for row in reader.rows(SQL["matrix"])}
    buildable = [w_code for w_code, row in matrices.items() if row["kind"] in BUILT]
    matrix = matrices[one_of(code, buildable, "w")]
    points = pd.DataFrame(reader.rows(SQL["point"])).set_index("city_id")
    edges: pd.DataFrame | None = None
    inside = set(points.index)
    if matrix["kind"] == "queen":
        edges = pd.DataFrame(reader.rows(SQL["link"], code=code), columns=["i", "j"])
        inside &= set(edges["i"]) | set(edges["j"])
    left_out |= {city: f"not in {code}" for city in cities if city not in inside}
    cities = [city for city in cities if city in inside]
    if edges is not None:
        edges = edges[edges["i"].isin(cities) & edges["j"].isin(cities)]
    options = json.loads(matrix["params_json"])
    try:
        raw = build_weights(
            matrix["kind"], labels=cities, points=points.loc[cities], edges=edges, normalisation="raw", **options
        )
        return normalise(raw, matrix["normalisation"]), cities
    except ValueError as refused:
        raise ExportError(f"w: {code} cannot be built for these {len(cities)} cities: {refused}") from refused


def _from_links(links: pd.DataFrame, cities: list[str]) -> Any:
    w = np.zeros((len(cities), len(cities)))
    at = pd.Series(range(len(cities)), index=cities)
    w[at[links["city_i"]], at[links["city_j"]]] = links["w"]
    return to_graph(w, cities)


def _estimates(reader: Reader, results: PanelResults, effects: Effects, like: str) -> pd.DataFrame:
    coef = results.to_frame().rename(columns={"coef": "estimate", "tstat": "z", "pvalue": "p"})
    coef = coef.drop(columns="role").assign(kind="coefficient")
    frame = effects.to_frame().rename(
        columns={"variable": "term", "effect": "kind", "point": "estimate", "se": "std_error"}
    )
    frame["z"] = normal(frame["estimate"].to_numpy(), frame["std_error"].to_numpy()).z
    both = pd.concat([coef, frame], ignore_index=True)
    both = both[["kind", "term", "estimate", "std_error", "z", "p", "lower", "upper"]]
    if not like:
        return both
    published = pd.DataFrame(reader.rows(SQL["coef"], of=like), columns=["kind", "term", "published"])
    return both.merge(published.drop_duplicates(["kind", "term"]), how="left", on=["kind", "term"])
