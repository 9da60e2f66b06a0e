"""An index of a reader's own: published indicators and own columns, scaled, weighed and added up as the study does."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.paths import PROJECT
from dagster_project.publish.exhibits.reader import ExportError, Reader
from dagster_project.publish.own.spec import Given, listed, one_of, read_spec
from dagster_project.publish.own.values import Values, common_years, entries, incomplete
from python_models._types import FloatArray
from python_models.estimates import rank_correlation
from python_models.measurement import topsis_score
from python_models.measurement.composite import CompositeIndex
from python_models.measurement.schemes import SCHEMES, SUM, TOPSIS, SchemeWeights, scheme_score
from python_models.panel import Panel
from python_models.scores import contributions, dimension_scores, ranks, weighted_score

KEYS = ("name", "indicators", "weights", "aggregation", "years", "window", "csv")
ENTRY = ("dimension", "direction", "winsor", "cap", "of", "csv", "column")
AGGREGATIONS = ("sum", "geometric", "topsis")
LOWEST = 0.01  # z below it counts as this in a geometric mean: the last city of one indicator is not last of all
PUBLISHED_SQL = (
    "select city_id, year, score_100 as published_score, rank_year as published_rank from mart.mart_index_score"
    " where @slice and score is not null"
)


@dataclass(frozen=True, eq=False)
class OwnIndex:
    """scores: one row a city and year; score and dimension scores in points, rank, the published score and rank.

    weights: one row an indicator, with names, unit, direction, weight, bounds, and where its figures come from.
    values: one row a city, year, indicator: value, z, contribution in points (empty where scores are no weighted sums).
    window: years of bounds and weights.   spearman: rank correlation with the published index in the last year.
    left_out: cities without every figure in the window, and what is missing first.   warnings: see IndexResult.
    """

    name: str
    scores: pd.DataFrame
    weights: pd.DataFrame
    values: pd.DataFrame
    window: tuple[int, int]
    spearman: float
    left_out: dict[str, str]
    warnings: tuple[str, ...]


def own_index(reader: Reader, source: Given) -> OwnIndex:
    """The index that a specification describes.

    z = (x - min) / (max - min), from above where lower is better, with bounds, winsor limits and weights of `window`;
    score = 100 sum_k w_k z_k (`aggregation: sum`), 100 prod_k max(z_k, .01)^w_k (`geometric`) or TOPSIS. `weights` is a
    scheme of weight_scheme.csv or of measurement.schemes, or a mapping indicator -> number of any scale; default: the
    scheme of the published index. An indicator is a published code or a column of a CSV of the reader; direction,
    winsorising, cap and dimension of a published one are the published ones unless said otherwise. `window`: default
    the published base window, as far as there are figures.

    The sample: cities with every figure in every year of the window, as in the study; other years are scored where
    complete. So the specification of a published index gives its published scores. Raises ExportError.
    """
    spec, folder = read_spec(source, KEYS, ["indicators"])
    name = str(spec.get("name", "own_index"))
    if reader.rows("select 1 from mart.dim_index where index_code = $name", name=name):
        raise ExportError(f"'{name}' is a published index: give yours another name.")
    choice = entries(spec["indicators"], ENTRY, "indicators")
    choice = {code: {"dimension": e["dimension"]} if set(e) == {"dimension"} else e for code, e in choice.items()}
    values = Values(reader, folder, listed(spec.get("csv", []), "csv"))
    planes = {code: values.plane(code, entry) for code, entry in choice.items()}
    facts = {code: _facts(values, code, entry) for code, entry in choice.items()}

    score_years, window = _years(spec, planes, reader)
    years = sorted({*score_years, *window})
    every, left_out = incomplete(planes, window)
    cities = [city for city in every if city not in left_out]
    if len(cities) < 2:
        raise ExportError(f"{len(cities)} cities have every indicator in {window[0]}-{window[-1]}: {_first(left_out)}.")
    cube = np.stack([p.reindex(index=cities, columns=years).to_numpy(dtype=np.float64) for p in planes.values()], 2)
    panel = Panel(cube, tuple(cities), tuple(years), tuple(choice))
    try:
        base = CompositeIndex(
            panel,
            directions={code: fact["direction"] for code, fact in facts.items()},
            levels={code: fact["dimension"] for code, fact in facts.items()},
            window=(window[0], window[-1]),
            winsor={code: fact["winsor"] for code, fact in facts.items()},
            caps={code: fact["cap"] for code, fact in facts.items() if fact["cap"] is not None},
        )
        weights, score = _scored(base, spec, list(choice), reader.scope.scheme)
    except ValueError as refused:
        raise ExportError(f"{name}: {refused}") from refused

    scores, spearman = _scores(reader, values, panel, base, weights, score, score_years)
    table = pd.DataFrame(
        [
            {
                "indicator_code": code,
                **{key: fact[key] for key in ("name_zh", "name_en", "unit", "dimension", "direction")},
                "weight": weights.weights[k],
                "min_value": base.scaled.bounds.minimum[k],
                "max_value": base.scaled.bounds.maximum[k],
                "is_winsorised": fact["winsor"],
                "origin": values.origins[code],
            }
            for k, (code, fact) in enumerate(facts.items())
        ]
    )
    is_sum = weights.rule == SUM
    part = 100 * contributions(base.z, weights.weights) if is_sum else np.full(base.z.shape, np.nan)
    cells = panel.to_long().assign(z=base.z.reshape(-1), contribution=part.reshape(-1))
    cells = cells[cells["year"].isin(score_years)].reset_index(drop=True)
    at = (window[0], window[-1])
    constant = tuple(
        f"{flag}: {code} in {at[0]}-{at[1]}" for flag, code in zip(weights.flags, choice, strict=True) if flag
    )
    scores, table, cells = (f.assign(index_code=name)[["index_code", *f.columns]] for f in (scores, table, cells))
    return OwnIndex(name, scores, table, cells, at, spearman, left_out, constant)


def _facts(values: Values, code: str, entry: Mapping[str, Any]) -> dict[str, Any]:
    """What counts for one indicator: what the reader says, else what is published."""
    is_from_reader = "csv" in entry or "column" in entry
    fact = {} if is_from_reader else values.facts(str(entry.get("of", code)))
    blank = {"name_zh": "", "name_en": code, "unit": "", "dimension": "all", "direction": None, "cap_high": None}
    fact = {**blank, "is_winsorised": False, **fact}
    direction = entry.get("direction", fact["direction"])
    if isinstance(direction, bool) or direction not in (1, -1):
        raise ExportError(f"indicators: {code} needs `direction: 1` (higher is better) or `direction: -1` (lower is).")
    winsor, cap = entry.get("winsor", bool(fact["is_winsorised"])), entry.get("cap", fact["cap_high"])
    if not isinstance(winsor, bool):
        raise ExportError(f"indicators: {code}: winsor must be true or false, got {winsor!r}.")
    if isinstance(cap, bool) or not isinstance(cap, int | float | None):
        raise ExportError(f"indicators: {code}: cap must be a number, got {cap!r}.")
    dimension = str(entry.get("dimension", fact["dimension"]))
    return {**fact, "direction": int(direction), "winsor": winsor, "cap": cap, "dimension": dimension}


def _years(spec: Mapping[str, Any], planes: Mapping[str, pd.DataFrame], reader: Reader) -> tuple[list[int], list[int]]:
    """Years that are scored, and those of them that make bounds and weights."""
    common, years = common_years(planes, spec.get("years"), "years")
    _, window = common_years(planes, spec.get("window"), "window")
    if not common:
        raise ExportError("There is no year in which every indicator has a figure.")
    if window is None:
        scope = reader.scope
        window = [year for year in common if scope.window_start <= year <= scope.window_end] or common
    return years or common, [year for year in common if window[0] <= year <= window[-1]]


def _first(left_out: Mapping[str, str]) -> str:
    return "; ".join(f"{city} has {why}" for city, why in list(left_out.items())[:3])


def _scored(
    base: CompositeIndex, spec: Mapping[str, Any], codes: list[str], default: str
) -> tuple[SchemeWeights, FloatArray]:
    weights_spec, how = spec.get("weights", default), spec.get("aggregation")
    if how is not None:
        one_of(how, AGGREGATIONS, "aggregation")
    if isinstance(weights_spec, Mapping):
        odd = [str(code) for code in (*weights_spec, *codes) if code not in codes or code not in weights_spec]
        if odd:
            raise ExportError(f"weights and indicators must name the same codes; they differ in {odd[0]}.")
        numbers = np.array([_weight(weights_spec[code], code) for code in codes])
        if numbers.sum() <= 0:
            raise ExportError("weights: they are all zero.")
        blank = np.full(len(codes), np.nan)
        weights = SchemeWeights(numbers / numbers.sum(), blank, blank, ("",) * len(codes))
    else:
        scheme = one_of(
            _methods().get(weights_spec, weights_spec) if isinstance(weights_spec, str) else weights_spec,
            tuple(SCHEMES),
            "weights",
        )
        weights = base.weigh(scheme)
    if how is None:
        return weights, scheme_score(base.z, weights)
    if weights.rule not in (SUM, TOPSIS):
        raise ExportError(f"weights: {weights_spec} makes a score of its own: leave `aggregation` out.")
    rule = {"sum": SUM, "topsis": TOPSIS}.get(how, how)
    weights = SchemeWeights(weights.weights, weights.entropy, weights.redundancy, weights.flags, rule)
    if how == "geometric":
        return weights, np.exp(weighted_score(np.log(np.maximum(base.z, LOWEST)), weights.weights))
    make = topsis_score if how == "topsis" else weighted_score
    return weights, make(base.z, weights.weights)


def _methods() -> dict[str, str]:
    """Weight scheme of the study -> its method, of the schemes that do not shift z."""
    with (PROJECT / "dbt" / "seeds" / "weight_scheme.csv").open(encoding="utf-8") as file:
        return {row["weight_scheme"]: row["method"] for row in csv.DictReader(file) if not float(row["delta"] or 0)}


def _weight(value: Any, code: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (np.isfinite(value) and value >= 0):
        raise ExportError(f"weights: {code} must be a number of zero or more, got {value!r}.")
    return float(value)


def _scores(
    reader: Reader,
    values: Values,
    panel: Panel,
    base: CompositeIndex,
    weights: SchemeWeights,
    score: FloatArray,
    years: list[int],
) -> tuple[pd.DataFrame, float]:
    n, t = len(panel.cities), len(panel.years)
    frame = pd.DataFrame({"city_id": np.repeat(np.array(panel.cities, dtype=object), t), "year": [*panel.years] * n})
    values.add_names(frame)
    frame["score_100"] = 100 * score.reshape(-1)
    frame["rank_year"] = pd.Series(ranks(score).reshape(-1)).astype("Int64")
    groups = dimension_scores(base.z, weights.weights, base.labels.dimensions) if weights.rule == SUM else None
    if groups is not None and len(groups.names) > 1:
        for d, group in enumerate(groups.names):
            frame[f"score_{group}"] = 100 * groups.scores[..., d].reshape(-1)
    published = pd.DataFrame(
        reader.rows(PUBLISHED_SQL), columns=["city_id", "year", "published_score", "published_rank"]
    ).astype({"published_rank": "Int64"})
    frame = frame.merge(published, how="left", on=["city_id", "year"])
    frame = frame[frame["year"].isin(years)]
    both = frame[frame["year"] == years[-1]].dropna(subset=["score_100", "published_score"])
    spearman = rank_correlation(both["score_100"], both["published_score"]).value if len(both) > 2 else np.nan
    order = frame.dropna(subset=["score_100"]).sort_values(["year", "rank_year", "city_id"], ignore_index=True)
    return order, float(spearman)
