"""Disparity: how unequal the cities are, where the inequality lies, and whether the gaps shrink."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import _disparity_gaps as gaps
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import (
    POINTS,
    SCHEME_NAMES,
    Marts,
    Row,
    basis_note,
    cell,
    compared,
    interval,
    n_text,
)
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table

PARTS = {"w": "inside groups", "nb": "between groups", "t": "overlap of groups"}
NESTED = {
    "between_region": "between regions",
    "between_province": "between provinces of a region",
    "within_province": "between cities of a province",
}
HEADLINE = "four_region"
MAIN_REGIONS = "scheme in (select scheme from mart.dim_group_scheme where role = 'region' and is_main)"
BOOTSTRAP = "Intervals: 95 %, cities drawn again within their groups with their whole trajectories"


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """The page, or None without a row of the marts of disparity for the headline index."""
    marts = Marts(con, meta)
    made = [overall(marts), dagum(marts), theil(marts), groups(marts), *gaps.sections(marts)]
    sections = tuple(section for section in made if section is not None)
    if not sections:
        return None
    intro = (
        "How unequal the scores of the cities are, how much of it lies between groups of cities, and whether the gaps "
        "shrink. The zero of a score is set by the lowest value of the base window, so the level of a Gini or Theil "
        "index depends on it: compare years on this basis, not studies. Every city counts once unless named."
    )
    return Page("disparity", "Disparity", "区域差异", intro, sections)


def overall(marts: Marts) -> Section | None:
    """The Gini index of all cities over the years, with its simultaneous band."""
    found = marts.read("mart_disparity_summary", "*", "scheme = 'all' and gini is not null", order="year")
    once = [row for row in found if not row["weighted"]]
    if not once:
        return None
    data = [_line(row, "gini", "gini_band_lo", "gini_band_hi") for row in once]
    first, last = once[0], once[-1]
    title = "Gini index of all cities"
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="Gini index (0–1)",
        alt_text=f"Line chart: {title} from {words.number(first['gini'], 3)} in {first['year']} to "
        f"{words.number(last['gini'], 3)} in {last['year']}, with a 95 % band.",
    )
    heads = [
        "Year",
        "n",
        "Gini [95 %]",
        "Gini, BCa limits",
        "Coefficient of variation",
        "Theil T",
        "Theil L",
        "Standard deviation, points",
    ]
    body = [
        [
            str(r["year"]),
            words.number(r["n"]),
            cell(r, "gini"),
            cell(r, "gini", lo="gini_bca_lo", hi="gini_bca_hi"),
            cell(r, "cv"),
            cell(r, "theil_t"),
            cell(r, "theil_l"),
            cell(r, "sd", 1, factor=POINTS),
        ]
        for r in once
    ]
    people = [
        [str(r["year"]), words.number(r["n"]), cell(r, "gini"), cell(r, "cv"), cell(r, "theil_t")]
        for r in found
        if r["weighted"]
    ]
    tables = [
        Table.of("overall", "Measures of all cities by year [95 % interval]", heads, body, fold="Figures by year")
    ]
    if people:
        tables.append(
            Table.of(
                "people",
                "Cities counted by their population [95 % interval]",
                ["Year", "n", "Gini", "Coefficient of variation", "Theil T"],
                people,
                fold="Weighted by population",
            )
        )
    return Section(
        "overall",
        "Inequality between all cities",
        "总体差异",
        (_moved("The Gini index", first, last, "gini"),),
        (
            Figure(
                "gini",
                spec,
                f"Band: 95 %, simultaneous over the years, n = {n_text(once, 'n')} cities a year, cities "
                "drawn again with their whole trajectories.",
                (*plots.legend(["Gini index"], "line"), ("band", "a", "95 % band")),
            ),
        ),
        tuple(tables),
        f"{BOOTSTRAP}. A rise of all scores by the same points lowers every relative measure: read "
        "the standard "
        f"deviation with them. {basis_note(marts.meta)}",
    )


def _line(row: Row, value: str, lo: str, hi: str, series: str = "") -> Row:
    made = {"x": row["year"], "lo": row[lo], "hi": row[hi], "y": row[value], "n": row["n_obs"]}
    return {**{k: round(v, 5) if isinstance(v, float) else v for k, v in made.items()}, "series": series}


def _moved(what: str, first: Row, last: Row, value: str, digits: int = 3) -> str:
    """What the separate intervals of the first and the last year allow to say."""
    a, b = interval(first, value), interval(last, value)
    ends = f"{what} was {words.with_limits(a, digits)} in {first['year']} and {words.with_limits(b, digits)} in "
    ends += f"{last['year']} (95 % intervals)."
    if first["year"] == last["year"]:
        return f"{what} was {words.with_limits(b, digits)} in {last['year']} (95 % interval)."
    said = {
        "lower": "The intervals do not overlap: it is lower at the end.",
        "higher": "The intervals do not overlap: it is higher at the end.",
        "unclear": "The intervals overlap, so they alone do not show a change; the trend tests below compare the same "
        "cities.",
    }
    return f"{ends} {said[compared(a, b)]}"


def dagum(marts: Marts) -> Section | None:
    """Dagum's decomposition: contributions, lines inside and between the four regions, tables for all groupings."""
    parts = marts.read("mart_dagum_component", "*", "g_total is not null", order="scheme, year")
    own = [row for row in parts if row["scheme"] == HEADLINE]
    if not own:
        return None
    last = own[-1]
    within = marts.read("mart_dagum_within", "*", "scheme = ? and g_jj is not null", [HEADLINE], "group_code, year")
    between = marts.read("mart_dagum_between", "*", "scheme = ? and g_jh is not null", [HEADLINE], "year")
    figures = [_contribution(marts, own), *_within(marts, within), *_between(marts, between)]
    shares = "; ".join(f"{PARTS[k]} {cell(last, f'share_{k}', 1)} %" for k in PARTS)
    clear = [r for r in between if r["year"] == last["year"] and r["d_lo"] is not None]
    sure = sum(r["d_lo"] > 0 for r in clear)
    text = [f"Of the Gini index of {last['year']}, split by four regions: {shares}."]
    if clear:
        text.append(
            f"The order of the means is certain for {sure} of {words.count(len(clear), 'pair')} of regions (the "
            "interval of the relative affluence D excludes 0); for the others it is not."
        )
    return Section(
        "dagum",
        "Dagum: inside groups, between groups, overlap",
        "达古姆基尼系数分解",
        tuple(text),
        tuple(figures),
        tuple(_dagum_tables(marts, parts, within, clear)),
        f"Method: Dagum (1997). {BOOTSTRAP}. A part between groups above zero alone says little: it is never negative. "
        "Many small groups, such as provinces, make the part inside groups small by construction.",
    )


def _contribution(marts: Marts, own: list[Row]) -> Figure:
    data = [_line(r, f"share_{k}", f"share_{k}_lo", f"share_{k}_hi", name) for r in own for k, name in PARTS.items()]
    title = "Parts of the Gini index by four regions"
    last = "; ".join(f"{row['series']} {words.number(row['y'], 1)} %" for row in data[-len(PARTS) :])
    names = list(PARTS.values())
    spec = charts.areas(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        y_title="share of the Gini index (%)",
        alt_text=f"Stacked areas: {title}. Last year: {last}.",
        series=names,
    )
    return Figure(
        "dagum-parts",
        spec,
        f"Contribution of each part in percent, n = {n_text(own)} cities. 95 % intervals "
        "of the shares stand in the tooltips and in the table.",
        plots.legend(names, "box"),
    )


def _within(marts: Marts, within: list[Row]) -> list[Figure]:
    if not within:
        return []
    names = {code: marts.group(HEADLINE, code) for code in dict.fromkeys(row["group_code"] for row in within)}
    data = [_line(row, "g_jj", "lo", "hi", names[row["group_code"]]) | {"n": row["n_j"]} for row in within]
    return [
        _lines(
            marts, "dagum-within", "Gini index inside each region", data, list(names.values()), n_text(within, "n_j")
        )
    ]


def _between(marts: Marts, between: list[Row]) -> list[Figure]:
    """One line a pair; up to three pairs a chart, so that the bands can be told apart."""
    pairs: dict[tuple[str, ...], list[Row]] = {}
    for row in between:
        pairs.setdefault(tuple(sorted((row["group_high"], row["group_low"]))), []).append(row)
    named = {key: " – ".join(marts.group(HEADLINE, code) for code in key) for key in pairs}
    keys, figures = sorted(pairs, key=lambda key: -pairs[key][-1]["g_jh"]), []
    for at in range(0, len(keys), 3):
        shown = keys[at : at + 3]
        data = [_line(row, "g_jh", "lo", "hi", named[key]) for key in shown for row in pairs[key]]
        title = "Gini index between regions" + (": larger gaps" if at == 0 and len(keys) > 3 else "")
        title += ": smaller gaps" if at else ""
        names = [named[key] for key in shown]
        n = n_text([row for key in shown for row in pairs[key]])
        figures.append(_lines(marts, f"dagum-between-{at // 3 + 1}", title, data, names, n))
    return figures


def _lines(marts: Marts, key: str, title: str, data: list[Row], names: list[str], n: str) -> Figure:
    last = max(row["x"] for row in data)
    said = "; ".join(f"{row['series']} {words.number(row['y'], 3)}" for row in data if row["x"] == last)
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="Gini index (0–1)",
        series=names,
        alt_text=f"Line chart: {title}. In {last}: {said}.",
    )
    return Figure(
        key,
        spec,
        f"Bands: 95 % bootstrap intervals of each year, n = {n} cities. Bands that overlap: the "
        "lines cannot be told apart by eye.",
        plots.legend(names, "line"),
    )


def _dagum_tables(marts: Marts, parts: list[Row], within: list[Row], pairs: list[Row]) -> list[Table]:
    year = max(row["year"] for row in parts)
    heads = ["Grouping", "n", "Gini", "Inside, %", "Between, %", "Overlap, %"]
    body = [
        [
            SCHEME_NAMES.get(r["scheme"], r["scheme"]),
            words.number(r["n_obs"]),
            cell(r, "g_total"),
            *(cell(r, f"share_{k}", 1) for k in PARTS),
        ]
        for r in parts
        if r["year"] == year
    ]
    tables = [Table.of("dagum", f"Decomposition of {year} by grouping [95 % interval]", heads, body)]
    if pairs:
        rows = [
            [
                f"{marts.group(HEADLINE, r['group_high'])} – {marts.group(HEADLINE, r['group_low'])}",
                words.number(r["n_obs"]),
                cell(r, "g_jh", lo="lo", hi="hi"),
                cell(r, "rel_affluence_d", 2, lo="d_lo", hi="d_hi"),
                "the first is higher" if r["d_lo"] > 0 else "order not certain",
            ]
            for r in pairs
        ]
        tables.append(
            Table.of(
                "dagum-pairs",
                f"Pairs of regions in {year}: Gini between them and relative affluence D "
                "(1: no overlap, 0: equal means) [95 % interval]",
                ["Pair", "n", "Gini between", "D", "mid:What is certain"],
                rows,
            )
        )
    own = [r for r in parts if r["scheme"] == HEADLINE]
    lines = [
        [str(r["year"]), words.number(r["n_obs"]), cell(r, "g_total"), *(cell(r, f"g_{k}") for k in PARTS)] for r in own
    ]
    tables.append(
        Table.of(
            "dagum-years",
            "Four regions by year: Gini index and its three parts [95 % interval]",
            ["Year", "n", "Gini", "Inside", "Between", "Overlap"],
            lines,
            fold="Figures by year",
        )
    )
    return tables


def theil(marts: Marts) -> Section | None:
    """The Theil index T by region, province and city."""
    found = marts.read(
        "mart_theil_nested", "*", f"total is not null and {MAIN_REGIONS}", order="kind desc, sample, year"
    )
    own = [row for row in found if row["kind"] == "T" and row["sample"] == "all"]
    if not own:
        return None
    data = [_line(r, k, f"{k}_lo", f"{k}_hi", name) for r in own for k, name in NESTED.items()]
    title, last = "Theil index T by region, province and city", own[-1]
    said = "; ".join(f"{name} {cell(last, f'share_{k}', 1)} %" for k, name in NESTED.items())
    names = list(NESTED.values())
    spec = charts.areas(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        y_title="Theil index T",
        series=names,
        alt_text=f"Stacked areas: {title}. In {last['year']}: {said}.",
    )
    ends = [r for r in found if r["year"] in (own[0]["year"], last["year"])]
    body = [
        [
            f"{r['kind']}, {'all cities' if r['sample'] == 'all' else 'without municipalities'}",
            str(r["year"]),
            words.number(r["n_obs"]),
            cell(r, "total"),
            *(cell(r, f"share_{k}", 1) for k in NESTED),
        ]
        for r in ends
    ]
    tables = [
        Table.of(
            "theil",
            "Theil index and its parts in percent, first and last year [95 % interval]",
            ["Index", "Year", "n", "Total", "Regions, %", "Provinces, %", "Cities, %"],
            body,
        )
    ]
    regions = marts.read(
        "mart_theil_region",
        "*",
        f"kind = 'T' and year = ? and contribution is not null and {MAIN_REGIONS}",
        [last["year"]],
        "contribution desc",
    )
    if regions:
        rows = [
            [
                marts.group(HEADLINE, r["region"]),
                words.number(r["n_obs"]),
                cell(r, "within_region_total"),
                cell(r, "contribution", 1),
            ]
            for r in regions
        ]
        tables.append(
            Table.of(
                "theil-region",
                f"Theil index T inside each region, {last['year']} [95 % interval]",
                ["Region", "n", "Theil T inside", "Share of the national index, %"],
                rows,
            )
        )
    text = (_moved("The Theil index T", own[0], last, "total"), f"Its parts in {last['year']}: {said}.")
    return Section(
        "theil",
        "Theil: regions, provinces, cities",
        "泰尔指数嵌套分解",
        text,
        (
            Figure(
                "theil",
                spec,
                f"The height of all areas together is the index. n = {n_text(own)} cities; 95 % intervals "
                "of the parts stand in the tooltips and in the table.",
                plots.legend(names, "box"),
            ),
        ),
        tuple(tables),
        "Cities are drawn again within provinces. The four municipalities are provinces with one city: "
        "their distance counts between provinces, so the index is also given without them. L weighs cities equally and "
        "is empty where a score is 0. Draws of cities make provinces look more different than they are, so the "
        "interval of "
        "the parts between lies high and that inside low: a value near an end of its interval shows it.",
    )


def groups(marts: Marts) -> Section | None:
    """Last year by group, with intervals; mean score of the three splits over the years."""
    found = marts.read(
        "mart_disparity_summary",
        "*",
        "not weighted and scheme <> 'province' and mean is not null",
        order="year, scheme, group_code",
    )
    if not found:
        return None
    year = found[-1]["year"]
    heads = [
        "Group",
        "mid:Grouping",
        "n",
        "Mean, points",
        "Median, points",
        "Gini",
        "Coefficient of variation",
        "Theil T",
    ]
    order = list(SCHEME_NAMES)
    last = sorted((r for r in found if r["year"] == year), key=lambda r: (_place(order, r["scheme"]), -r["mean"]))
    body = [
        [
            words.both(*marts.named(r["scheme"], r["group_code"])) if r["scheme"] != "all" else "All cities",
            SCHEME_NAMES.get(r["scheme"], r["scheme"]),
            words.number(r["n"]),
            cell(r, "mean", 1, factor=POINTS),
            cell(r, "median", 1, factor=POINTS),
            cell(r, "gini"),
            cell(r, "cv"),
            cell(r, "theil_t"),
        ]
        for r in last
    ]
    table = Table.of("groups", f"Groups of cities in {year} [95 % interval]", heads, body, n_text=2)
    return Section(
        "groups",
        "Groups of cities",
        "分组差异",
        (),
        tuple(gaps.means(marts, found)),
        (table,),
        f"{BOOTSTRAP}. With fewer than ten cities in a group read the interval only.",
    )


def _place(order: list[str], scheme: str) -> int:
    return order.index(scheme) if scheme in order else len(order)
