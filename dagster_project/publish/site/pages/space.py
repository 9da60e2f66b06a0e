"""Space: whether like scores stand near each other, where, where the centre lies, and who could be linked."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import _space_centre as centre
from dagster_project.publish.site.pages import _space_tables as tables
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import (
    ALPHA,
    HEADLINE_W,
    Marts,
    Row,
    basis_note,
    n_draws,
    n_text,
    p_phrase,
    w_name,
)
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section

W_TEXT = w_name(HEADLINE_W)
CLASSES = {
    "HH": ("b", "high among high (HH)"),
    "HL": ("e", "high among low (HL)"),
    "LH": ("d", "low among high (LH)"),
    "LL": ("a", "low among low (LL)"),
    "ns": ("line", "not shown to be more than chance"),
    "island": ("border", "no neighbour"),
}
MAX_SERIES = 5


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """The page, or None without a row of the marts of space for the headline index."""
    marts = Marts(con, meta)
    made = [moran(marts), local(marts), hot(marts), centre.ellipse(marts), centre.network(marts), tables.weights(marts)]
    sections = tuple(section for section in made[:-1] if section is not None)
    if not sections:
        return None
    weights = made[-1]
    intro = (
        "Whether cities with like scores stand near each other, where, and where the centre of the scores lies. "
        "Near means "
        f"what a weight matrix W says; the headline W is {W_TEXT}, row-standardised. Likeness of neighbours is no "
        "proof "
        "that one city acts on another: they share climate, province and history."
    )
    return Page("space", "Space", "空间格局", intro, (*sections, *((weights,) if weights else ())))


def moran(marts: Marts) -> Section | None:
    """Global Moran's I by year, with what random places give; scatter of the last year."""
    found = marts.read("mart_moran_global", "*", "statistic = 'moran' and value is not null", order="year, w_code")
    own = [r for r in found if r["w_code"] == HEADLINE_W]
    if not own:
        return None
    figures = [_moran_line(marts, own), *_moran_others(marts, found), *_scatter(marts, own[-1])]
    return Section(
        "moran",
        "Likeness of neighbours",
        "全局空间自相关",
        (_moran_text(own), *_other_text(found, own[-1]["year"])),
        tuple(figures),
        tuple(tables.moran(marts)),
        f"p: two-sided, {n_draws(own)} permutations of the places; Holm p is corrected over the years of a W and "
        "statistic. "
        f"{basis_note(marts.meta)}",
    )


def _moran_text(own: list[Row]) -> str:
    above = [r for r in own if r["p_holm"] is not None and r["p_holm"] <= ALPHA and r["value"] > r["expected"]]
    below = [r for r in own if r["p_holm"] is not None and r["p_holm"] <= ALPHA and r["value"] < r["expected"]]
    last, n = own[-1], len(own)
    said = (
        f"Like scores stand nearer to each other than random places give in {len(above)} of "
        f"{words.count(n, 'year')} (Holm p up to 0.05)"
    )
    if below:
        said += f", unlike scores in {len(below)}"
    if not above and not below:
        said = f"In none of {words.count(n, 'year')} do neighbours differ from random places (Holm p above 0.05)"
    return (
        f"{said}; W: {W_TEXT}. In {last['year']} Moran's I is {words.number(last['value'], 3)}, Holm "
        f"{p_phrase(last['p_holm'])}, "
        f"n = {words.cities(last['n_obs'])}; random places give {words.number(last['lo'], 3)} to "
        f"{words.number(last['hi'], 3)} in 95 % "
        "of the draws."
    )


def _other_text(found: list[Row], year: int) -> list[str]:
    others = [r for r in found if r["year"] == year and r["w_code"] != HEADLINE_W and r["p_holm"] is not None]
    if not others:
        return []
    n = sum(r["p_holm"] <= ALPHA and r["value"] > r["expected"] for r in others)
    return [
        f"With other W: {n} of {len(others)} show it in {year}. I cannot be compared between W; the sign and p can."
    ]


def _moran_line(marts: Marts, own: list[Row]) -> Figure:
    names = ["Moran's I", "random places"]
    data = [
        {"x": r["year"], "y": round(r["value"], 4), "n": r["n_obs"], "series": names[0], "holm": r["p_holm"]}
        for r in own
    ]
    data += [
        {
            "x": r["year"],
            "y": round(r["expected"], 4),
            "lo": r["lo"],
            "hi": r["hi"],
            "n": r["n_obs"],
            "series": names[1],
        }
        for r in own
    ]
    title = f"Moran's I by year, {W_TEXT}"
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="Moran's I",
        series=names,
        tips=[("holm", "Holm p", ".4f")],
        alt_text=f"Line chart: {title}, {words.number(own[0]['value'], 2)} in {own[0]['year']} and "
        f"{words.number(own[-1]['value'], 2)} "
        f"in {own[-1]['year']}, with the range of random places.",
    )
    legend = (*plots.legend(names, "line"), ("band", "b", "95 % of random placings"))
    return Figure(
        "moran",
        spec,
        f"n = {n_text(own)} cities a year, {n_draws(own)} permutations. The band is no interval of I: it is "
        "what I would be if places did not matter. Holm p in the tooltips and the table.",
        legend,
    )


def _moran_others(marts: Marts, found: list[Row]) -> list[Figure]:
    codes = list(dict.fromkeys(r["w_code"] for r in found if r["w_code"] != HEADLINE_W))[:MAX_SERIES]
    if not codes:
        return []
    names = [w_name(code) for code in codes]
    shown = [r for r in found if r["w_code"] in codes]
    data = [
        {"x": r["year"], "y": round(r["value"], 4), "n": r["n_obs"], "series": w_name(r["w_code"]), "holm": r["p_holm"]}
        for r in shown
    ]
    title = "Moran's I by year, other W"
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="Moran's I",
        series=names,
        zero=True,
        height=260,
        tips=[("holm", "Holm p", ".4f")],
        alt_text=f"Line chart: {title}: {', '.join(names)}.",
    )
    clear = sum(r["p_holm"] is not None and r["p_holm"] <= ALPHA for r in shown)
    caption = (
        f"n = {n_text(shown)} cities a year. {clear} of {words.count(len(shown), 'point')}: Holm p up to 0.05 "
        "(tooltips)."
    )
    return [Figure("moran-others", spec, caption, plots.legend(names, "line"))]


def _scatter(marts: Marts, last: Row) -> list[Figure]:
    found = marts.read(
        "mart_lisa",
        "*",
        "year = ? and w_code = ? and z is not null and lag_z is not null",
        [last["year"], HEADLINE_W],
        "city_id",
    )
    if not found:
        return []
    cities = marts.cities()
    names = ["passes the correction (FDR 5 %)", "does not"]
    data = [
        {
            "x": round(r["z"], 3),
            "y": round(r["lag_z"], 3),
            "city": " ".join(cities.get(r["city_id"], (r["city_id"], ""))),
            "series": names[0] if r["class_fdr"] in ("HH", "HL", "LH", "LL") else names[1],
            "q": r["q_bh"],
        }
        for r in found
    ]
    title = f"Moran scatter, {last['year']}"
    n_sure = sum(row["series"] == names[0] for row in data)
    spec = plots.scatter(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title="own score (sd)",
        y_title="mean of the neighbours (sd)",
        series=names,
        cross=(0, 0),
        tips=[("city", "City", ""), ("series", "Local test", ""), ("q", "q", ".3f")],
        alt_text=f"Scatter of {words.cities(len(data))}: own score against the neighbours; {n_sure} pass the local "
        "test.",
    )
    caption = (
        f"The slope of the cloud is Moran's I = {words.number(last['value'], 3)} (Holm "
        f"{p_phrase(last['p_holm'])}). W: {W_TEXT}, "
        f"n = {words.cities(len(data))}; {n_sure} pass."
    )
    return [Figure("moran-scatter", spec, caption, plots.legend(names))]


def local(marts: Marts) -> Section | None:
    """LISA map of the last year, classes by false-discovery rate."""
    found = marts.read("mart_lisa", "*", "w_code = ?", [HEADLINE_W], "year, city_id")
    if not found:
        return None
    year = found[-1]["year"]
    own = [r for r in found if r["year"] == year]
    codes = {r["city_id"]: r["class_fdr"] for r in own}
    counts = {code: sum(c == code for c in codes.values()) for code in CLASSES}
    colours = {code: colour for code, (colour, _) in CLASSES.items()}
    labels = {code: label for code, (_, label) in CLASSES.items()}
    labels |= {r["class_fdr"]: r["class_fdr"] for r in found if r["class_fdr"] not in labels}
    title = "Local Moran classes"
    said = "; ".join(f"{CLASSES[code][1]} {n}" for code, n in counts.items() if n)
    by_year: dict[int, dict[str, str]] = {}
    for r in found:
        by_year.setdefault(r["year"], {})[r["city_id"]] = r["class_fdr"]
    spec, ratio = charts.class_map(
        by_year,
        marts.cities(),
        colours,
        labels,
        title=title,
        note=plots.synthetic(marts.meta),
        what="Class",
        alt_text=f"{title}, {year}: {said}.",
    )
    legend = tuple(
        ("box", colour, f"{label} ({counts[code]})") for code, (colour, label) in CLASSES.items() if counts[code]
    )
    caption = (
        f"False-discovery rate 5 % inside the year, {n_draws(own)} conditional permutations, W: {W_TEXT}, n = "
        f"{words.cities(len(own))}. " + charts.BASE_MAP_NOTE
    )
    n_sure = sum(counts[code] for code in ("HH", "HL", "LH", "LL"))
    raw = sum(r["class_raw"] in ("HH", "HL", "LH", "LL") for r in own)
    text = (
        f"In {year} {n_sure} of {words.cities(len(own))} {words.has_have(n_sure)} a local pattern that passes the "
        "correction for the "
        f"number of cities (false-discovery rate 5 %). Without it {raw} would pass; about "
        f"{words.number(ALPHA * len(own))} do so by chance "
        "alone if places do not matter."
    )
    if not n_sure:
        text += " So the map names no cluster, although the global test may be clear: no single place stands out."
    return Section(
        "lisa",
        "Local clusters",
        "局部空间自相关",
        (text,),
        (Figure("lisa", spec, caption, (*legend, ("hatch", "", "not in the sample")), ratio),),
        (*tables.lisa(marts, year), *tables.lisa_markov(marts)),
        "A class names a city and its neighbours together. ns is no proof that there is no pattern.",
    )


def hot(marts: Marts) -> Section | None:
    """Gi*: hot and cold spots of the last year."""
    found = marts.read("mart_lisa", "*", "w_code = ? and gi_star is not null", [HEADLINE_W], "year, gi_star desc")
    if not found:
        return None
    year = found[-1]["year"]
    own = [r for r in found if r["year"] == year]
    n_hot, n_cold = (sum(r["gi_class"] == kind for r in own) for kind in ("hot", "cold"))
    text = (
        f"In {year} {n_hot} of {words.cities(len(own))} {words.is_are(n_hot)} in a hot spot and {n_cold} in a cold "
        "spot by Gi* "
        "(false-discovery rate 5 %)."
    )
    return Section(
        "gi",
        "Hot and cold spots",
        "热点与冷点",
        (text,),
        (),
        tuple(tables.gi(marts, own, year)),
        "Gi* counts the city itself and its neighbours. Its p is normal, not permuted: with skewed scores the hot "
        "spots pass "
        f"more easily than they should; read it with the local Moran map. W: {W_TEXT}.",
    )
