"""Centre and ellipse of the scores, and the gravity network, of the page on space."""

from __future__ import annotations

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import _space_tables as tables
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import Marts, Row, n_draws, n_text
from dagster_project.publish.site.pages.base import Figure, Section


def ellipse(marts: Marts) -> Section | None:
    """Track of the centre of the scores, with intervals, against where the cities are."""
    found = marts.read("mart_center_ellipse", "*", "center_x is not null", order="weight_kind, year")
    own = [r for r in found if r["weight_kind"] == "score"]
    if not own:
        return None
    places = [r for r in found if r["weight_kind"] == "unweighted"][-1:]
    data = [_place(r, "score", str(r["year"]), r is own[0] or r is own[-1]) for r in own]
    data += [_place(r, "unweighted", "cities", False) for r in places]
    title = "Centre of the scores"
    spec = charts.track(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        alt_text=f"Path of the centre of the scores from {own[0]['year']} to {own[-1]['year']} with 95 % intervals.",
    )
    caption = (
        f"Crosses: 95 % intervals of the first and the last year, {n_draws(own, 'n_boot')} resamples of cities, n "
        f"= {n_text(own)}. "
        "Diamond: centre of the cities, each counted once."
    )
    legend = (("line", "a", "centre of the scores"), ("diamond", "b", "centre of the cities"))
    return Section(
        "ellipse",
        "Centre and ellipse",
        "重心与标准差椭圆",
        (_centre_text(own[0], own[-1]),),
        (Figure("track", spec, caption, legend),),
        tuple(tables.ellipse(found)),
        "The intervals of a move are never negative, because a distance is not: a lower limit above 0 is no "
        "evidence of a move. "
        "The ellipse mostly shows where cities are: compare it with that of the cities themselves. Half axes: "
        "square root of two "
        "eigenvalues (about 63 % of a bivariate normal).",
    )


def _place(r: Row, kind: str, label: str, end: bool) -> Row:
    km = {axis: round(r[f"center_{axis}"] / 1000, 2) for axis in "xy"}
    ends = {
        f"{axis}_{side}": None if r[f"center_{axis}_{side}"] is None else round(r[f"center_{axis}_{side}"] / 1000, 2)
        for axis in "xy"
        for side in ("lo", "hi")
    }
    return {**km, **ends, "kind": kind, "label": label, "end": end}


def _centre_text(first: Row, last: Row) -> str:
    if first["year"] == last["year"]:
        return f"One year only ({last['year']}): no track."
    apart = [
        axis
        for axis in "xy"
        if None not in (first[f"center_{axis}_hi"], last[f"center_{axis}_hi"])
        and (
            first[f"center_{axis}_hi"] < last[f"center_{axis}_lo"]
            or last[f"center_{axis}_hi"] < first[f"center_{axis}_lo"]
        )
    ]
    moved = tuple((last[f"center_{axis}"] - first[f"center_{axis}"]) / 1000 for axis in "xy")
    way = (
        f"{words.number(abs(moved[0]), 1)} km {'east' if moved[0] >= 0 else 'west'} and "
        f"{words.number(abs(moved[1]), 1)} km "
        f"{'north' if moved[1] >= 0 else 'south'}"
    )
    said = f"From {first['year']} to {last['year']} the point moved by {way}."
    if not apart:
        return (
            f"{said} The intervals of both years overlap on both axes: the figures do not show that the centre moved."
        )
    named = " and ".join({"x": "east-west", "y": "north-south"}[axis] for axis in apart)
    return f"{said} The intervals do not overlap on the {named} axis: a move is shown there."


def network(marts: Marts) -> Section | None:
    """The gravity network by year."""
    found = marts.read("mart_network_summary", "*", order="year")
    if not found:
        return None
    parts = {
        "density": ("density", "density"),
        "reciprocity": ("reciprocity", "reciprocity"),
        "cross_province_share": ("across provinces", "cross_province"),
    }
    data = [
        {
            "x": r["year"],
            "y": round(r[field], 4),
            "lo": r[f"{stem}_lo"],
            "hi": r[f"{stem}_hi"],
            "n": r["n_obs"],
            "series": name,
        }
        for r in found
        for field, (name, stem) in parts.items()
        if r[field] is not None
    ]
    if not data:
        return None
    names, last = [name for name, _ in parts.values()], found[-1]
    title = "Gravity network: shares of links"
    said = "; ".join(f"{row['series']} {words.number(row['y'], 2)}" for row in data if row["x"] == last["year"])
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="share (0–1)",
        series=names,
        alt_text=f"Line chart: {title}. In {last['year']}: {said}.",
    )
    figure = Figure(
        "network",
        spec,
        f"Bands: 95 %, {n_draws(found, 'n_boot')} resamples of cities, n = {n_text(found)}.",
        plots.legend(names, "line"),
    )
    text = (
        "The network is a model of potential: score times score over squared distance, cut at the mean of each "
        "row. No flow was observed."
    )
    body = tuple(tables.network(found))
    return Section(
        "network",
        "Gravity network",
        "引力网络",
        (text,),
        (figure,),
        body,
        "Density follows from the cut at the row mean, so its level says little. Communities and modularity carry "
        "no interval.",
    )
