"""Sections 3 and 4: highest and lowest cities, the map."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pandas as pd

from dagster_project.publish.site import map as city_map
from dagster_project.publish.site import words
from dagster_project.publish.site.queries import Facts

N_EXTREME = 10


def extremes(facts: Facts) -> dict[str, Any]:
    """The ten highest and lowest cities (fewer in a small sample, so that no city is in both lists)."""
    table = last_year_table(facts)
    k = min(N_EXTREME, len(table) // 2) or len(table)
    sides = [("highest", table.head(k)), ("lowest", table.tail(k))] if len(table) > 1 else [("only", table)]
    noun = "city" if k == 1 else "cities"
    lists = [
        {"title": f"The {words.spelled_number(k)} {name} {noun}", "rows": [_row(r) for r in part.to_dict("records")]}
        for name, part in sides
    ]
    return {"k": k, "lists": lists, "has_change": facts.meta.first_year != facts.meta.last_year}


def last_year_table(facts: Facts) -> pd.DataFrame:
    """One row a city of the last year, best first: scores (points), ranks, rank of the first year, imputed share."""
    meta, scores = facts.meta, facts.scores
    now = scores[scores["year"] == meta.last_year]
    wide = now.pivot(index="city_id", columns="part", values="score")
    own = now[now["part"] == "composite"].set_index("city_id")
    then = scores[(scores["part"] == "composite") & (scores["year"] == meta.first_year)].set_index("city_id")["rank"]
    table = pd.DataFrame(
        {
            "score": own["score"],
            "rank": own["rank"],
            "imputed": own["imputed"],
            "new": wide.get("new"),
            "quality": wide.get("quality"),
            "rank_then": then,
            "rank_equal": facts.equal.set_index("city_id")["rank"],
        }
    )
    named = table[table["score"].notna()].join(facts.cities.set_index("city_id")[["name_en", "name_zh", "province_en"]])
    return named.reset_index().sort_values(["rank", "city_id"], ignore_index=True)


def _row(r: dict[str, Any]) -> dict[str, Any]:
    moved = r["rank_then"] - r["rank"]
    if pd.isna(moved):
        change = "no rank before"
    else:
        change = f"up {int(moved)}" if moved > 0 else f"down {int(-moved)}" if moved < 0 else "same"
    return {
        "rank": words.number(r["rank"]),
        "name": words.both(r["name_en"], r["name_zh"]),
        "province": r["province_en"],
        "score": words.number(r["score"], 1),
        "new": words.number(r["new"], 1),
        "quality": words.number(r["quality"], 1),
        "change": change,
        "equal": words.number(r["rank_equal"]),
        "imputed": words.number(100 * r["imputed"], 1),
    }


def map_view(facts: Facts, note: str) -> dict[str, Any]:
    """The map of the years in the same classes, its legend with counts of the last year, and what is not on it."""
    table = last_year_table(facts)
    own = facts.scores[facts.scores["part"] == "composite"]
    rows: dict[str, dict[int, dict[str, Any]]] = {}
    for r in own[["city_id", "year", "score", "rank"]].to_dict("records"):
        rows.setdefault(r["city_id"], {})[int(r["year"])] = {"score": r["score"], "rank": int(r["rank"])}
    years = sorted({int(year) for year in own["year"]})
    breaks = city_map.quantile_breaks([float(score) for score in own["score"]])
    names = {r["city_id"]: (r["name_en"], r["name_zh"]) for r in facts.cities.to_dict("records")}
    shapes = city_map.features(rows, names, breaks)
    drawn, ratio = city_map.spec(shapes, years, title="Composite score", note=note, alt_text=_map_text(facts, table))
    classes = [city_map.class_of(float(score), breaks) for score in table["score"]]
    limits = list(pairwise(breaks)) or [(breaks[0], breaks[0])]
    legend = [
        {
            "colour": colour,
            "label": f"{words.number(low, 1)} to {words.number(high, 1)}",
            "n": words.cities(classes.count(k)),
        }
        for k, (colour, (low, high)) in enumerate(zip(city_map.class_colours(breaks), limits, strict=True))
    ]
    n_out = sum(shape["kind"] == "out" for shape in shapes)
    return {
        "specs": {"map": drawn},
        "ratio": round(ratio, 3),
        "legend": legend,
        "n_out": words.cities(n_out),
        "n_classes": words.spelled_number(len(legend)),
        "one_class": len(legend) == 1,
        "has_slider": len(years) > 1,
    }


def _map_text(facts: Facts, table: pd.DataFrame) -> str:
    top = ", ".join(str(name) for name in table["name_en"].head(3))
    year = facts.meta.last_year
    return f"Map of the composite score in {year}. Highest: {top}. The scores of all cities are in mart_index_score."
