"""Gaps between centre and periphery, growth against the start, and the trend of the spread."""

from __future__ import annotations

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import (
    ALPHA,
    POINTS,
    SCHEME_NAMES,
    SPLITS,
    Marts,
    Row,
    cell,
    interval,
    log_growth,
    n_text,
    p_phrase,
    scaled,
)
from dagster_project.publish.site.pages.base import Figure, Section, Table

MEASURES = {
    "level": ("mean score, points", POINTS, 1),
    "growth": ("mean log growth, % a year", 100.0, 2),
    "trend": ("trend of ln score, % a year", 100.0, 2),
}
SPREADS = {"sigma_log": "standard deviation of ln score", "cv": "coefficient of variation"}


def sections(marts: Marts) -> list[Section | None]:
    """Gradient, growth against the start, sigma trend; None where the mart is empty."""
    return [gradient(marts), growth(marts), sigma(marts)]


def means(marts: Marts, found: list[Row]) -> list[Figure]:
    """Mean score of the two groups of each split over the years. `found`: unweighted rows of the summary."""
    figures = []
    for scheme in SPLITS:
        own = [row for row in found if row["scheme"] == scheme]
        codes = list(dict.fromkeys(row["group_code"] for row in sorted(own, key=lambda r: -r["mean"])))
        if len(codes) < 2:
            continue
        names = [marts.group(scheme, code) for code in codes]
        data = [
            {
                "x": r["year"],
                "y": scaled(r["mean"], POINTS),
                "lo": scaled(r["mean_lo"], POINTS),
                "hi": scaled(r["mean_hi"], POINTS),
                "n": r["n"],
                "series": names[codes.index(r["group_code"])],
            }
            for r in own
        ]
        title = f"Mean score: {SCHEME_NAMES[scheme]}"
        ends = [row for row in data if row["x"] == max(r["x"] for r in data)]
        said = "; ".join(f"{row['series']} {words.number(row['y'], 1)}" for row in ends)
        spec = plots.lines(
            data,
            title=title,
            note=plots.synthetic(marts.meta),
            x_title=None,
            y_title="points (0–100)",
            series=names,
            alt_text=f"Line chart: {title}. In {ends[0]['x']}: {said} points.",
            height=260,
        )
        counts = "; ".join(f"{row['series']} n = {words.number(row['n'])}" for row in ends)
        figures.append(
            Figure(
                f"mean-{scheme}",
                spec,
                f"Bands: 95 % bootstrap intervals of each year. {counts}.",
                plots.legend(names, "line"),
            )
        )
    return figures


def gradient(marts: Marts) -> Section | None:
    """Centre minus periphery: level, growth and trend, with Welch's t and permutation p."""
    found = marts.read(
        "mart_group_gradient", "*", "diff is not null", order="scheme, measure, period, group_high, group_low"
    )
    if not found:
        return None
    last = max(row["period"] for row in found if row["measure"] == "level")
    shown = [row for row in found if row["measure"] != "level" or row["period"] == last]
    order = [*SPLITS, *(s for s in SCHEME_NAMES if s not in SPLITS)]
    shown.sort(
        key=lambda r: (order.index(r["scheme"]) if r["scheme"] in order else 99, list(MEASURES).index(r["measure"]))
    )
    heads = [
        "mid:Groups",
        "mid:Measure",
        "Period",
        "n",
        "First",
        "Second",
        "Difference [95 %]",
        "Ratio",
        "Welch t",
        "p",
        "Permutation p",
        "mid:What is certain",
    ]
    table = Table.of(
        "gradient", "First group minus second group", heads, [_gradient_row(marts, r) for r in shown], n_text=2
    )
    main = [row for row in shown if row["scheme"] in SPLITS]
    return Section(
        "gradient",
        "Centre and periphery",
        "中心—外围梯度",
        tuple(_gradient_text(marts, r) for r in main if r["measure"] != "trend"),
        tuple(_gap_lines(marts, [r for r in found if r["measure"] == "level" and r["scheme"] in SPLITS])),
        (table,),
        "Differences, limits and p: Welch's t, cities as independent draws. Permutation p: labels of the groups dealt "
        "again inside provinces, so that differences between provinces do not count; empty where no province holds "
        "both "
        "groups. No p is corrected for the number of rows. A difference of growth is no cause.",
    )


def _gradient_row(marts: Marts, r: Row) -> list[str]:
    name, factor, digits = MEASURES[r["measure"]]
    pair = " – ".join(marts.group(r["scheme"], r[side]) for side in ("group_high", "group_low"))
    if r["scheme"] == "east_vs_cw_exne":
        pair += ", without the Northeast"
    return [
        pair,
        name,
        str(r["period"]),
        words.number(r["n_obs"]),
        words.number(scaled(r["mean_high"], factor), digits),
        words.number(scaled(r["mean_low"], factor), digits),
        cell(r, "diff", digits, lo="lo", hi="hi", factor=factor, sign=True),
        words.number(r["ratio"], 2),
        words.number(r["t"], 2),
        words.p_value(r["p"]),
        words.p_value(r["p_perm"]),
        _certain(r),
    ]


def _certain(r: Row) -> str:
    """Higher or lower only if the interval excludes zero; the permutation must agree to speak of provinces."""
    sign = interval(r, "diff", "lo", "hi").sign()
    if sign == 0:
        return "no difference shown"
    said = "first higher" if sign > 0 else "first lower"
    if r["p_perm"] is None:
        return said
    return said + (", also inside provinces" if r["p_perm"] <= ALPHA else "; inside provinces not shown")


def _gradient_text(marts: Marts, r: Row) -> str:
    _, factor, digits = MEASURES[r["measure"]]
    found = interval(r, "diff", "lo", "hi", factor)
    a, b = (words.GROUP_PHRASES.get(r[side], marts.group(r["scheme"], r[side])) for side in ("group_high", "group_low"))
    unit = "points" if r["measure"] == "level" else "percentage points a year"
    what = f"In {r['period']} the mean score" if r["measure"] == "level" else f"In {r['period']} the mean log growth"
    perm = "" if r["p_perm"] is None else f", permutation inside provinces {p_phrase(r['p_perm'])}"
    if found.sign() == 0:
        return f"{what} of {a} and of {b} cannot be told apart: {words.spelled(found, unit, digits)}{perm}."
    which = "higher" if found.sign() > 0 else "lower"
    return f"{what} of {a} is {which} than that of {b} by {words.spelled(words.size(found), unit, digits)}{perm}."


def _gap_lines(marts: Marts, levels: list[Row]) -> list[Figure]:
    if not levels:
        return []
    data = [
        {
            "x": int(r["period"]),
            "y": scaled(r["diff"], POINTS),
            "lo": scaled(r["lo"], POINTS),
            "hi": scaled(r["hi"], POINTS),
            "n": r["n_obs"],
            "series": SCHEME_NAMES[r["scheme"]],
        }
        for r in levels
    ]
    names = [SCHEME_NAMES[s] for s in SPLITS if any(r["scheme"] == s for r in levels)]
    title = "Gap: centre minus periphery"
    ends = [row for row in data if row["x"] == max(r["x"] for r in data)]
    said = "; ".join(f"{row['series']} {words.number(row['y'], 1)}" for row in ends)
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="points",
        series=names,
        zero=True,
        alt_text=f"Line chart: {title}. In {ends[0]['x']}: {said} points.",
    )
    return [
        Figure(
            "gap",
            spec,
            f"Bands: 95 % intervals of each year (Welch), n = {n_text(levels)} cities. Line at 0: equal "
            "means. In points the gap grows when all scores grow at one rate: read it with the growth.",
            plots.legend(names, "line"),
        )
    ]


def growth(marts: Marts) -> Section | None:
    """Growth against the level at the start, core cities marked."""
    if not marts.read("mart_group_gradient", "1 as one", "measure = 'growth' and scheme = 'core'"):
        return None
    a, b = marts.meta.first_year, marts.meta.last_year
    if a == b:
        return None
    scores = marts.read("mart_index_score", "city_id, year, score_100", "year in (?, ?) and score_100 > 0", [a, b])
    ends: dict[str, dict[int, float]] = {}
    for row in scores:
        ends.setdefault(row["city_id"], {})[row["year"]] = row["score_100"]
    core = marts.core_cities()
    names = [marts.group("core", code) for code in ("periphery", "core")]
    cities = marts.cities()
    data = [
        {
            "x": round(s[a], 2),
            "y": round(100 * log_growth(s[a], s[b], b - a), 3),
            "series": names[city in core],
            "city": " ".join(cities.get(city, (city, ""))),
        }
        for city, s in ends.items()
        if len(s) == 2
    ]
    if not data:
        return None
    title = f"Growth {a}–{b} and score of {a}"
    spec = plots.scatter(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=f"score of {a}, points",
        series=names,
        y_title="mean log growth, % a year",
        tips=[("city", "City", ""), ("series", "Group", "")],
        alt_text=f"Scatter of {words.cities(len(data))}: mean log growth a year against the score of {a}, core "
        "cities marked.",
    )
    caption = (
        f"n = {words.cities(len(data))} with a score above zero in both years. A falling cloud is no proof of "
        "convergence: noise in the first score makes one too. Estimates with intervals stand on the page Dynamics."
    )
    return Section(
        "growth", "Growth and the start", "增长与初始水平", (), (Figure("growth", spec, caption, plots.legend(names)),)
    )


def sigma(marts: Marts) -> Section | None:
    """Trend of the spread, with the verdict word of the mart."""
    found = marts.read("mart_sigma_trend", "*", "scheme <> 'province'", order="scheme, group_code, measure desc")
    if not found:
        return None
    order = list(SCHEME_NAMES)
    found.sort(key=lambda r: order.index(r["scheme"]) if r["scheme"] in order else 99)
    heads = [
        "Group",
        "mid:Measure",
        "n",
        "Slope a year [bootstrap 95 %]",
        "p (Newey-West)",
        "Last minus first [95 %]",
        "p (Carree-Klomp)",
        "mid:Verdict",
    ]
    said = {"convergence": "convergence", "divergence": "divergence", "none": "neither shown"}
    body = [
        [
            marts.group(r["scheme"], r["group_code"])
            + (" (without the Northeast)" if r["scheme"] == "east_vs_cw_exne" else ""),
            SPREADS.get(r["measure"], r["measure"]),
            words.number(r["n_obs"]),
            cell(r, "slope", 4, lo="boot_lo", hi="boot_hi", sign=True),
            words.p_value(r["p"]),
            cell(r, "first_last_diff", 3, lo="diff_lo", hi="diff_hi", sign=True),
            words.p_value(r["ck_p"]),
            said.get(r["verdict"], r["verdict"]),
        ]
        for r in found
    ]
    all_cities = [r for r in found if r["scheme"] == "all"]
    period = f"{found[0]['first_year']} to {found[0]['last_year']}"
    text = [_sigma_text(r, period) for r in all_cities]
    return Section(
        "sigma",
        "Does the spread shrink?",
        "σ 收敛",
        tuple(text),
        tuple(_sigma_lines(marts)),
        (Table.of("sigma", f"Trend of the spread, {period}", heads, body, n_text=2),),
        "Convergence is named only if the 95 % intervals of the slope and of the difference of the ends both lie "
        "below 0 "
        f"(divergence: above). Bootstrap: {_draws(found)} draws of cities with whole trajectories. Few years: read the "
        "bootstrap interval before the p of the slope.",
    )


def _draws(found: list[Row]) -> str:
    return n_text(found, "n_bootstrap")


def _sigma_text(r: Row, period: str) -> str:
    what = SPREADS.get(r["measure"], r["measure"])
    slope = words.with_limits(interval(r, "slope", "boot_lo", "boot_hi"), 4, sign=True)
    moved = {
        "convergence": f"From {period} the {what} of all cities fell",
        "divergence": f"From {period} the {what} of all cities rose",
    }.get(r["verdict"], f"From {period} neither a fall nor a rise of the {what} of all cities is shown")
    return f"{moved}: slope {slope} a year, n = {words.cities(r['n_obs'])}."


def _sigma_lines(marts: Marts) -> list[Figure]:
    found = marts.read(
        "mart_disparity_summary",
        "*",
        "not weighted and scheme in ('all', 'core') and cv is not null",
        order="scheme, group_code, year",
    )
    if not found:
        return []
    names = list(dict.fromkeys(marts.group(r["scheme"], r["group_code"]) for r in found))
    data = [
        {
            "x": r["year"],
            "y": scaled(r["cv"]),
            "lo": scaled(r["cv_lo"]),
            "hi": scaled(r["cv_hi"]),
            "n": r["n"],
            "series": marts.group(r["scheme"], r["group_code"]),
        }
        for r in found
    ]
    title = "Coefficient of variation of the score"
    ends = [row for row in data if row["x"] == max(r["x"] for r in data)]
    said = "; ".join(f"{row['series']} {words.number(row['y'], 2)}" for row in ends)
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="sd / mean",
        series=names,
        alt_text=f"Line chart: {title}. In {ends[0]['x']}: {said}.",
    )
    counts = "; ".join(f"{row['series']} n = {words.number(row['n'])}" for row in ends)
    return [Figure("cv", spec, f"Bands: 95 % bootstrap intervals of each year. {counts}.", plots.legend(names, "line"))]
