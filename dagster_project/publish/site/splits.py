"""Section 2: three splits of the cities. Means with 95 % intervals, gap, ratio, growth; groups of the last year."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from dagster_project.publish.site import charts, words
from dagster_project.publish.site.national import two_years
from dagster_project.publish.site.queries import Facts
from python_models import estimates
from python_models.estimates import Interval, interval


def view(facts: Facts, note: str) -> dict[str, Any]:
    """One block a split: chart, sentences, table. A split with an empty group is named, not drawn."""
    blocks, specs = [], {}
    for scheme, (title, title_zh, codes) in words.SPLITS.items():
        members = facts.groups[facts.groups["scheme"] == scheme]
        sides = [_side(facts, members, code) for code in codes]
        block: dict[str, Any] = {"key": f"split-{scheme}", "title": title, "title_zh": title_zh, "missing": ""}
        if any(side["n"] == 0 for side in sides):
            empty = words.joined(side["name_en"] for side in sides if side["n"] == 0)
            block["missing"] = f"No city of the sample belongs to: {empty}. There is nothing to compare."
        else:
            block |= _compared(facts, sides)
            rows = [row for side in sides for row in _rows(facts, side)]
            specs[block["key"]] = charts.split(
                rows, groups=[s["label"] for s in sides], title=title, note=note, alt_text=_alt_text(title, rows)
            )
        blocks.append(block)
    return {"blocks": blocks, "specs": specs}


def _side(facts: Facts, members: pd.DataFrame, code: str) -> dict[str, Any]:
    own = members[members["group_code"] == code]
    pair = two_years(facts.scores, "composite", facts.meta.first_year, facts.meta.last_year)
    pair = pair[pair.index.isin(own["city_id"])]
    name_en = str(own["name_en"].iloc[0]) if len(own) else code
    name_zh = str(own["name_zh"].iloc[0]) if len(own) else ""
    label = f"{name_en} ({words.cities(len(pair))})"
    return {"code": code, "name_en": name_en, "name_zh": name_zh, "label": label, "n": len(pair), "pair": pair}


def _rows(facts: Facts, side: dict[str, Any]) -> list[charts.Row]:
    own = facts.scores[(facts.scores["part"] == "composite") & facts.scores["city_id"].isin(side["pair"].index)]
    rows = []
    for year, cell in own.groupby("year"):
        found = interval(estimates.mean(cell["score"]))
        low, high = (round(found.low, 2), round(found.high, 2)) if found.is_known else (None, None)
        rows.append(
            {
                "group": side["label"],
                "year": int(year),
                "n": len(cell),
                "mean": round(found.value, 2),
                "low": low,
                "high": high,
            }
        )
    return rows


def _compared(facts: Facts, sides: list[dict[str, Any]]) -> dict[str, Any]:
    meta = facts.meta
    years = meta.last_year - meta.first_year
    firsts, lasts = ([s["pair"][column].to_numpy() for s in sides] for column in ("first", "last"))
    changes = [last - first for first, last in zip(firsts, lasts, strict=True)]
    growths = [estimates.log_growth(first, last) for first, last in zip(firsts, lasts, strict=True)]
    gaps = [_gap(*firsts), _gap(*lasts)]
    ratios = [_ratio(*firsts), _ratio(*lasts)]
    widening = _gap(*changes)
    relative = interval(estimates.minus(*growths))
    table = [
        _group_row(side, first, last, change, estimates.yearly_growth(interval(growth), years))
        for side, first, last, change, growth in zip(sides, firsts, lasts, changes, growths, strict=True)
    ]
    table.append(
        [
            "Difference",
            "",
            "",
            *(words.with_limits(gap, 1) for gap in gaps),
            words.with_limits(widening, 1, sign=True),
            words.NONE,
        ]
    )
    table.append(
        [
            "Ratio",
            "",
            "",
            *(words.with_limits(ratio, 2) for ratio in ratios),
            _factor_text(relative),
            words.with_limits(estimates.yearly_growth(relative, years), 2, sign=True),
        ]
    )
    if not years:
        table = [row[:4] for row in table]
    return {
        "table": table,
        "sides": sides,
        "years": years,
        "sentences": _sentences(facts, sides, gaps, widening, relative),
    }


def _group_row(
    side: dict[str, Any], first: np.ndarray, last: np.ndarray, change: np.ndarray, growth: Interval
) -> list[Any]:
    cells = [words.with_limits(interval(estimates.mean(x)), 1) for x in (first, last)]
    moved = words.with_limits(interval(estimates.mean(change)), 1, sign=True)
    return [
        side["name_en"],
        side["name_zh"],
        words.number(side["n"]),
        *cells,
        moved,
        words.with_limits(growth, 2, sign=True),
    ]


def _gap(a: np.ndarray, b: np.ndarray) -> Interval:
    return interval(estimates.minus(estimates.mean(a), estimates.mean(b)))


def _ratio(a: np.ndarray, b: np.ndarray) -> Interval:
    return estimates.factor(interval(estimates.minus(estimates.log_mean(a), estimates.log_mean(b))))


def _factor_text(log: Interval) -> str:
    text = words.with_limits(estimates.factor(log), 2)
    return text if text == words.NONE else f"× {text}"


def _sentences(
    facts: Facts, sides: list[dict[str, Any]], gaps: list[Interval], widening: Interval, relative: Interval
) -> list[Markup]:
    meta, gap = facts.meta, gaps[-1]
    a, b = (words.both(words.GROUP_PHRASES.get(s["code"], s["name_en"]), s["name_zh"]) for s in sides)
    if gap.sign() == 0:
        text, amount = "In {} the means of {} and of {} cannot be told apart: the difference is {}.", gap
    else:
        which = "higher" if gap.sign() > 0 else "lower"
        text, amount = f"In {{}} the mean of {{}} is {which} than the mean of {{}} by {{}}.", words.size(gap)
    first = Markup(text).format(meta.last_year, a, b, words.spelled(amount, "points"))
    if meta.first_year == meta.last_year:
        return [first]
    return [first, _trend(meta.first_year, gaps[0], widening, relative)]


def _trend(since: int, start: Interval, widening: Interval, relative: Interval) -> Markup:
    if widening.sign() == 0:
        absolute = f"Since {since} the difference in points shows no clear change: {words.spelled(widening, 'points')}"
    else:
        outward = widening.sign() * (1 if start.value >= 0 else -1)
        by = words.spelled(words.size(widening), "points")
        absolute = f"Since {since} the difference in points has become {'wider' if outward > 0 else 'narrower'} by {by}"
    factor = words.spelled(estimates.factor(relative), digits=2)
    moved = {0: "no clear change", 1: "it has risen", -1: "it has fallen"}[relative.sign()]
    return Markup("{}. The ratio of the two means is {} times that of {}: {}.").format(absolute, factor, since, moved)


def _alt_text(title: str, rows: list[charts.Row]) -> str:
    last = [row for row in rows if row["year"] == rows[-1]["year"]]
    named = "; ".join(f"{row['group']} {words.number(row['mean'], 1)} points" for row in last)
    return f"Line chart, {title}: means in {last[0]['year']}: {named}. All figures are in the table below the chart."
