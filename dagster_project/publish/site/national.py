"""Section 1: the national line. Mean, median and 10-90 % band of the frozen score, composite and dimensions."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from dagster_project.publish.site import charts, words
from dagster_project.publish.site.queries import PARTS, Facts
from python_models import estimates

IMPUTED_ALARM = 0.1  # a year whose mean imputed weight is above this is named in the text


def view(facts: Facts, note: str) -> dict[str, Any]:
    """Sentences, table by year and one chart a part."""
    by_part = {part: yearly(facts.scores, part) for part in PARTS}
    by_part = {part: rows for part, rows in by_part.items() if rows}
    top = max(row["p90"] for rows in by_part.values() for row in rows)
    specs = {
        f"national-{part}": charts.national(
            rows, title=words.PART_NAMES[part][0], note=note, alt_text=_alt_text(part, rows), top=top
        )
        for part, rows in by_part.items()
    }
    return {
        "specs": specs,
        "sentences": [_level(part, facts) for part in by_part],
        "imputed": _imputed(by_part["composite"]),
        "table": _table(by_part),
    }


def yearly(scores: pd.DataFrame, part: str) -> list[charts.Row]:
    """One row a year: n, mean, median, p10, p90 (points) and the mean imputed share of the weight (0-1)."""
    own = scores[scores["part"] == part]
    return [
        {
            "year": int(year),
            "n": len(cell),
            "mean": round(cell["score"].mean(), 2),
            "median": round(cell["score"].median(), 2),
            "p10": round(cell["score"].quantile(0.1), 2),
            "p90": round(cell["score"].quantile(0.9), 2),
            "imputed": float(cell["imputed"].fillna(0).mean()),
        }
        for year, cell in own.groupby("year")
    ]


def two_years(scores: pd.DataFrame, part: str, first: int, last: int) -> pd.DataFrame:
    """Cities with a score in both years: city_id as index, columns first and last, points."""
    own = scores[(scores["part"] == part) & scores["year"].isin([first, last])]
    wide = own.pivot(index="city_id", columns="year", values="score")
    return pd.DataFrame({"first": wide.get(first), "last": wide.get(last)}).dropna()


def _level(part: str, facts: Facts) -> Markup:
    meta, name = facts.meta, words.both(*words.PART_NAMES[part])
    pair = two_years(facts.scores, part, meta.first_year, meta.last_year)
    last = words.number(pair["last"].mean(), 1)
    if meta.first_year == meta.last_year:
        return Markup("<b>{}:</b> mean {} points in {} ({}).").format(
            name, last, meta.last_year, words.cities(len(pair))
        )
    change = estimates.interval(estimates.mean(pair["last"] - pair["first"]))
    verb = {1: "rose", -1: "fell", 0: "shows no clear change"}[change.sign()]
    text = Markup(
        "<b>{}:</b> the mean {} from {} points in {} to {} points in {} ({}); the mean change of a city is {}."
    )
    if change.sign() == 0:
        text = Markup("<b>{}:</b> the mean {}: {} points in {}, {} points in {} ({}); the mean change of a city is {}.")
    return text.format(
        name,
        verb,
        words.number(pair["first"].mean(), 1),
        meta.first_year,
        last,
        meta.last_year,
        words.cities(len(pair)),
        words.spelled(change, "points"),
    )


def _imputed(rows: list[charts.Row]) -> str:
    heavy = [row for row in rows if row["imputed"] > IMPUTED_ALARM]
    if not heavy:
        worst = max(rows, key=lambda row: row["imputed"])
        share = words.number(100 * worst["imputed"], 1)
        where = f"({worst['year']})"
        return f"Averaged over the cities, imputed values carry at most {share} % of the weight in a year {where}."
    named = words.joined(f"{words.number(100 * row['imputed'], 0)} % of the weight in {row['year']}" for row in heavy)
    return (
        f"Read with care: averaged over the cities, imputed values carry {named}. "
        "Imputed means interpolated, or printed but looking like an undeclared fill."
    )


def _table(by_part: dict[str, list[charts.Row]]) -> dict[str, Any]:
    others = [part for part in by_part if part != "composite"]
    means = {part: {row["year"]: row["mean"] for row in by_part[part]} for part in others}
    rows = []
    for row in by_part["composite"]:
        shown = [words.number(row[key], 1) for key in ("mean", "median", "p10", "p90")]
        shown += [words.number(means[part].get(row["year"]), 1) for part in others]
        rows.append([row["year"], *shown, words.number(100 * row["imputed"], 1), words.number(row["n"])])
    heads = ["Mean", "Median", "10 % quantile", "90 % quantile"]
    heads += [f"Mean, {words.PART_NAMES[part][0].lower()}" for part in others]
    return {"heads": ["Year", *heads, "Imputed weight, %", "Cities"], "rows": rows}


def _alt_text(part: str, rows: list[charts.Row]) -> str:
    first, last = rows[0], rows[-1]
    name = words.PART_NAMES[part][0]
    return (
        f"Line chart, {name}, {first['year']} to {last['year']}: mean {words.number(first['mean'], 1)} and "
        f"{words.number(last['mean'], 1)} points, 10 to 90 % of the cities between {words.number(last['p10'], 1)} and "
        f"{words.number(last['p90'], 1)} points in {last['year']}. All figures are in the table below the charts."
    )
