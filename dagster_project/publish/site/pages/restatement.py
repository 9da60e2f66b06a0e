"""Section: what a restatement changed in the scores, and why (F08)."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages.base import Figure, Meta, Section, Table, has_rows, rows

PARTS = {"revision": "revised data", "bounds": "new bounds", "weights": "new weights", "method": "changed method"}
PAIR = ("vintage_old", "vintage_new", "basis_old", "basis_new")
NOTHING = 5e-9  # points: below this a change is rounding
N_CITIES = 10


def section(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    """None if the mart is absent or holds nothing of the headline index."""
    if not has_rows(con, "mart_index_restatement"):
        return None
    parts = ", ".join(f"100 * r.part_{part} as {part}" for part in PARTS)
    found = rows(
        con,
        f"select r.vintage_old, r.vintage_new, r.basis_old, r.basis_new, r.year, c.name_en, c.name_zh, r.city_id, "
        f"100 * r.score_old as old, 100 * r.score_new as new, 100 * r.total_change as change, {parts} "
        "from mart.mart_index_restatement as r left join mart.dim_city as c using (city_id) "
        "where r.index_code = ? and r.total_change is not null order by r.year, r.city_id",
        [meta.index_code],
    )
    if not found:
        return None
    pairs = list(dict.fromkeys(tuple(row[key] for key in PAIR) for row in found))
    last = pairs[-1]
    own = [row for row in found if tuple(row[key] for key in PAIR) == last]
    name = f"{last[0]}, {last[2]} to {last[1]}, {last[3]}"
    tables = [_by_pair(found, pairs)]
    gap = max(abs(row["change"] - sum(row[part] for part in PARTS)) for row in own)
    note = (
        f"Shapley parts: the mean over all orders in which the causes can enter. Their sum and the change differ by at "
        f"most {gap:.0e} points. The bridge is arithmetic and has no interval."
    )
    if max(abs(row["change"]) for row in own) < NOTHING:
        text = (
            f"From {name}, no score of {words.number(len(own))} city-years changes: both bases come from the same "
            "years and the same files. A vintage with a new year will fill this bridge.",
        )
        return Section("restatement", "Restatement bridge", "重述归因", text, (), tuple(tables), note)
    by_year = _by_year(own)
    big = max(own, key=lambda row: abs(row["change"]))
    text = (
        f"From {name}, the scores of {words.number(len(own))} city-years move by "
        f"{words.number(sum(abs(r['change']) for r in own) / len(own), 2)} points in the mean of absolute changes. "
        f"The largest move is {big['name_en'] or big['city_id']} in {big['year']}: "
        f"{words.number(big['change'], 2, sign=True)} points.",
    )
    figures = (_waterfall(by_year, meta), _old_new(own, meta))
    tables += [_largest(own), _year_table(by_year)]
    return Section("restatement", "Restatement bridge", "重述归因", text, figures, tuple(tables), note)


def _by_pair(found: list[Row], pairs: list[tuple[str, ...]]) -> Table:
    body = []
    for pair in pairs:
        own = [row for row in found if tuple(row[key] for key in PAIR) == pair]
        mean = [sum(abs(r[k]) for r in own) / len(own) for k in (*PARTS, "change")]
        body.append(
            (
                f"{pair[0]} {pair[2]}",
                f"{pair[1]} {pair[3]}",
                *(words.number(m, 3) for m in mean),
                words.number(len(own)),
            )
        )
    heads = ["From", "To", *(f"{label}" for label in PARTS.values()), "all", "City-years"]
    return Table.of("restatement-pairs", "Mean absolute change by cause, points", heads, body, n_text=2)


def _by_year(own: list[Row]) -> list[Row]:
    years = sorted({row["year"] for row in own})
    cells = {year: [row for row in own if row["year"] == year] for year in years}
    return [
        {"year": year, "n": len(cell), **{k: sum(r[k] for r in cell) / len(cell) for k in (*PARTS, "old", "new")}}
        for year, cell in cells.items()
    ]


def _waterfall(by_year: list[Row], meta: Meta) -> Figure:
    """Bridge of the mean score, as steps: each step is drawn from where the one before ended."""
    worst = max(by_year, key=lambda row: abs(row["new"] - row["old"]))
    at, data = worst["old"], []
    for part, label in PARTS.items():
        data.append({"label": label, "point": at + worst[part], "lo": at, "hi": at + worst[part], "n": worst["n"]})
        at += worst[part]
    start = {"label": "old mean", "point": worst["old"], "lo": None, "hi": None, "n": worst["n"]}
    end = {"label": "new mean", "point": worst["new"], "lo": None, "hi": None, "n": worst["n"]}
    spec = plots.forest(
        [start, *data, end],
        title=f"Bridge of the mean score, {worst['year']}",
        note=plots.synthetic(meta),
        x_title="points",
        zero=worst["old"],
        alt_text="Waterfall from the old to the new mean score; table below.",
    )
    caption = (
        f"Year with the largest mean change. Line: the step of a cause; dot: where it ends. n = {worst['n']} cities."
    )
    return Figure("restatement-bridge", spec, caption)


def _old_new(own: list[Row], meta: Meta) -> Figure:
    year = max(row["year"] for row in own)
    data = [{"x": r["old"], "y": r["new"], "city": r["name_en"] or r["city_id"]} for r in own if r["year"] == year]
    spec = plots.scatter(
        data,
        title=f"Old and new scores, {year}",
        note=plots.synthetic(meta),
        x_title="old score (points)",
        y_title="new score (points)",
        diagonal=True,
        tips=[("city", "City", "")],
        alt_text=f"Old against new score of {len(data)} cities in {year}.",
    )
    return Figure("restatement-scores", spec, f"Dashed: no change. n = {words.cities(len(data))}.")


def _largest(own: list[Row]) -> Table:
    top = sorted(own, key=lambda row: -abs(row["change"]))[:N_CITIES]
    body = [
        (
            words.both(r["name_en"] or r["city_id"], r["name_zh"]),
            str(r["year"]),
            words.number(r["old"], 2),
            words.number(r["new"], 2),
            *(words.number(r[part], 2, sign=True) for part in PARTS),
        )
        for r in top
    ]
    return Table.of(
        "restatement-cities",
        f"The {len(top)} largest changes, points",
        ["City", "Year", "Old", "New", *PARTS.values()],
        body,
    )


def _year_table(by_year: list[Row]) -> Table:
    body = [
        (
            str(r["year"]),
            words.number(r["old"], 2),
            words.number(r["new"], 2),
            *(words.number(r[part], 3, sign=True) for part in PARTS),
            words.number(r["n"]),
        )
        for r in by_year
    ]
    return Table.of(
        "restatement-years",
        "Mean score and parts of its change by year, points",
        ["Year", "Old", "New", *PARTS.values(), "Cities"],
        body,
        fold="By year",
    )
