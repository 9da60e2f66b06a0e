"""Beta convergence and convergence clubs."""

from __future__ import annotations

import math
from collections.abc import Sequence

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import SCHEME_NAMES, Marts, Row, cell, interval, p_phrase
from dagster_project.publish.site.pages.base import Figure, Section, Table

ESTIMATORS = {
    "pooled_ols": "absolute: pooled, no city effects",
    "nickell_inversion": "conditional: Nickell bias inverted (headline)",
    "half_panel_jackknife": "conditional: half-panel jackknife",
    "lsdv": "conditional: LSDV (biased down)",
    "one_step": "conditional: one-step correction (not enough)",
}
SHORT = {
    "pooled_ols": "absolute",
    "nickell_inversion": "Nickell inverted",
    "half_panel_jackknife": "half-panel jackknife",
    "lsdv": "LSDV (biased down)",
    "one_step": "one-step correction",
}
STAGES = {
    "whole": "all cities",
    "initial": "club before merging",
    "merged": "club",
    "merged_vlt": "club, merged after von Lyncker and Thoennessen",
}
FILTERS = {"no_filter": "no filter", "hp_400": "Hodrick-Prescott, 400", "hp_6_25": "Hodrick-Prescott, 6.25"}
CRITICAL = -1.65
SHOWN_CLUBS = 5  # more are drawn as one, so that colours can be told apart
DIVERGENT = "divergent"


def sections(marts: Marts) -> list[Section | None]:
    """Beta convergence and clubs; None where the mart is empty."""
    return [beta(marts), clubs(marts)]


def beta(marts: Marts) -> Section | None:
    """Slopes of growth on the level, with speed and half-life."""
    found = marts.read("mart_beta_convergence", "*", order="scheme, group_code")
    if not found:
        return None
    order, schemes = list(ESTIMATORS), list(SCHEME_NAMES)
    found.sort(key=lambda r: (_at(schemes, r["scheme"]), _at(order, r["estimator"]), r["group_code"]))
    own = [r for r in found if r["scheme"] == "all"]
    period = f"{found[0]['first_year']} to {found[0]['last_year']}"
    groups = [r for r in found if r["scheme"] != "all" and r["is_headline"]]
    tables = [_beta_table(marts, "beta", f"Slope of yearly log growth on ln score, all cities, {period}", own, "")]
    if groups:
        tables.append(
            _beta_table(marts, "beta-groups", f"Headline slopes by group, {period}", groups, "Slopes by group")
        )
    return Section(
        "beta",
        "Beta convergence",
        "β 收敛",
        tuple(_beta_text(own)),
        tuple(_beta_figure(marts, own)),
        tuple(tables),
        "Standard errors clustered by city. Half-life = ln 2 / −ln(1 + beta); its limits are those of beta put "
        "through the "
        "formula, empty where beta is not below 0. With city effects and few years, least squares (LSDV) is biased "
        "down and "
        "makes convergence look fast: it is shown only to compare. The headline inverts the exact bias, which "
        "assumes that the "
        "cities start from their steady state; where the start values contradict that, it is empty and only the "
        "absolute "
        "estimate and the jackknife can be read. A falling slope is not a shrinking spread: see sigma on the page "
        "Disparity. "
        "Models with space stand on the page of models.",
    )


def _beta_table(marts: Marts, key: str, caption: str, found: list[Row], fold: str) -> Table:
    heads = [
        "wide:Estimator",
        "Cities",
        "mid:Grouping",
        "n cities",
        "n rates",
        "Beta [95 %]",
        "p",
        "Half-life, years [95 %]",
        "p of equal slopes",
    ]
    body = [
        [
            ESTIMATORS.get(r["estimator"], r["estimator"]),
            marts.group(r["scheme"], r["group_code"]),
            SCHEME_NAMES.get(r["scheme"], r["scheme"]),
            words.number(r["n_units"]),
            words.number(r["n_obs"]),
            cell(r, "beta", 3, lo="lo", hi="hi"),
            words.p_value(r["p"]),
            half_life(r),
            words.p_value(r["p_equal"]),
        ]
        for r in found
    ]
    return Table.of(key, caption, heads, body, n_text=3, fold=fold)


def _at(order: list[str], name: str) -> int:
    return order.index(name) if name in order else len(order)


def half_life(r: Row) -> str:
    """Half-life with limits; the limit is infinite ("no end") where the limit of beta is not below zero."""
    value = r["half_life_years"]
    if value is None:
        return words.NONE
    low, high = (_years(r[end]) for end in ("lo", "hi"))
    if low is None:
        return words.number(value, 1)
    return f"{words.number(value, 1)} [{words.number(low, 1)}, {'no end' if high is None else words.number(high, 1)}]"


def _years(slope: float | None) -> float | None:
    return None if slope is None or not -1 < slope < 0 else math.log(2) / -math.log1p(slope)


def _beta_text(own: list[Row]) -> list[str]:
    said = []
    for r in own:
        if not r["is_headline"]:
            continue
        name = "Absolute" if r["estimator"] == "pooled_ols" else "Conditional"
        if r["beta"] is None:
            said.append(
                f"{name} convergence: no headline estimate, because the start values of the cities are not those of a "
                "steady state, which the correction of the bias needs. The other rows of the table are not a "
                "substitute."
            )
            continue
        found = interval(r, "beta", "lo", "hi")
        slope = f"beta {words.with_limits(found, 3)}, {p_phrase(r['p'])}, n = {words.cities(r['n_units'])}"
        verdict = {
            -1: "lower scores grow faster",
            1: "higher scores grow faster",
            0: "no link of growth and level is shown",
        }
        tail = f"; half-life in years {half_life(r)}" if found.sign() < 0 else ""
        given = "" if name == "Absolute" else ", each city measured against its own steady state"
        said.append(f"{name} convergence: {verdict[found.sign()]}{given} ({slope}{tail}).")
    return said


def _beta_figure(marts: Marts, own: list[Row]) -> list[Figure]:
    data = [
        {
            "label": SHORT.get(r["estimator"], r["estimator"]),
            "point": round(r["beta"], 4),
            "lo": r["lo"],
            "hi": r["hi"],
            "n": r["n_obs"],
        }
        for r in own
        if r["beta"] is not None
    ]
    if not data:
        return []
    spec = plots.forest(
        data,
        title="Slope of growth on the level, all cities",
        note=plots.synthetic(marts.meta),
        x_title="beta (1 a year)",
        alt_text="Forest plot of beta: " + "; ".join(f"{r['label']} {words.number(r['point'], 3)}" for r in data) + ".",
    )
    caption = (
        f"95 % intervals, clustered by city, n = {words.number(data[0]['n'])} growth rates. Left of 0: lower "
        "scores grow faster."
    )
    return [Figure("beta", spec, caption)]


def clubs(marts: Marts) -> Section | None:
    """Log t clubs: table, paths and map, exploratory with fewer than 20 years."""
    found = marts.read("mart_club_logt", "*", "stage in ('whole', 'merged')", order="trend_filter, stage, club_id")
    members = marts.read("mart_club_membership", "*", "relative_last is not null", order="club_id_final, city_id")
    if not found and not members:
        return None
    mark = "EXPLORATORY: " if any(r["is_exploratory"] for r in [*found, *members]) else ""
    figures: list[Figure] = []
    if members:
        shown = _shown(members)
        figures = [*_paths(marts, members, shown, mark), _map(marts, members, shown, mark)]
    text = _club_text(found, mark)
    tables = [*_logt(found, mark), *_stability(members, mark)]
    return Section(
        "clubs",
        f"{mark}Convergence clubs".replace("EXPLORATORY", "Exploratory"),
        "俱乐部收敛",
        tuple(text),
        tuple(figures),
        tuple(tables),
        "Method: Phillips and Sul (2007, 2009), no trend filter, first third of the years left out. Fewer than 20 "
        "years: slow "
        "convergence cannot be told from none, and other clubs may fit as well. Stability: mean share of draws "
        "(cities drawn "
        "again, entropy and equal weights mixed) in which a city was again in a club with a member of its club.",
    )


def _club_text(found: list[Row], mark: str) -> list[str]:
    said = []
    for r in found:
        if r["trend_filter"] == "no_filter" and r["stage"] == "whole":
            known = r["t"] is not None
            verdict = "is not rejected" if r["converges"] else "is rejected"
            said.append(
                f"{mark}Convergence of all cities to one path {verdict}: t = {words.number(r['t'], 2)} against "
                f"{words.number(CRITICAL, 2)}, "
                f"n = {words.cities(r['n_obs'])}, {words.count(r['n_points'], 'year')} in the regression."
                if known
                else f"{mark}No test of all cities could be computed."
            )
    if mark:
        said.append(
            "The clubs below are a description of these years, not a finding: few years cannot show slow convergence."
        )
    return said


def _logt(found: list[Row], mark: str) -> list[Table]:
    if not found:
        return []
    heads = [
        "mid:Trend filter",
        "Club",
        "n cities",
        "b",
        "Standard error",
        "t",
        "p (one-sided)",
        "Years",
        "mid:Convergence",
    ]
    body = [
        [
            FILTERS.get(r["trend_filter"], r["trend_filter"]),
            STAGES["whole"] if r["stage"] == "whole" else f"club {r['club_id']}",
            words.number(r["n_members"]),
            words.number(r["b"], 2),
            words.number(r["se"], 2),
            words.number(r["t"], 2),
            words.p_value(r["p_value"]),
            words.number(r["n_points"]),
            "not rejected" if r["converges"] else "rejected",
        ]
        for r in sorted(found, key=lambda r: (_at(list(FILTERS), r["trend_filter"]), r["club_id"]))
    ]
    caption = (
        f"{mark}Log t tests. Convergence is rejected below {words.number(CRITICAL, 2)}; club 0 or none: divergent "
        "cities"
    )
    return [Table.of("logt", caption, heads, body, n_text=2)]


def _stability(members: list[Row], mark: str) -> list[Table]:
    if not members:
        return []
    body = []
    for club in dict.fromkeys(r["club_id_final"] for r in members):
        own = [r for r in members if r["club_id_final"] == club]
        share = sorted(r["stability_share"] for r in own if r["stability_share"] is not None)
        level = [r["relative_last"] for r in own]
        body.append(
            [
                f"club {club}" if club else DIVERGENT,
                words.number(len(own)),
                words.number(100 * sum(share) / len(share), 0) if share else words.NONE,
                words.number(100 * share[0], 0) if share else words.NONE,
                f"{words.number(min(level), 2)} to {words.number(max(level), 2)}",
                words.number(own[0]["n_draws"]),
            ]
        )
    heads = ["Club", "n cities", "Mean stability, %", "Lowest stability, %", "Relative score of the last year", "Draws"]
    return [Table.of("stability", f"{mark}Clubs and how often the draws found them again", heads, body)]


def _shown(members: Sequence[Row]) -> dict[int, str]:
    """club -> name to draw; clubs from the fifth on are one, so that colours can be told apart."""
    found = sorted({r["club_id_final"] for r in members if r["club_id_final"]})
    names = {club: f"club {club}" for club in found}
    if len(found) > SHOWN_CLUBS:
        names |= dict.fromkeys(found[SHOWN_CLUBS - 1 :], f"clubs {found[SHOWN_CLUBS - 1]} to {found[-1]}")
    return names | ({0: DIVERGENT} if any(not r["club_id_final"] for r in members) else {})


def _paths(marts: Marts, members: list[Row], shown: dict[int, str], mark: str) -> list[Figure]:
    """Mean relative score of each club with the range of the middle 80 % of its members."""
    club_of = {r["city_id"]: shown[r["club_id_final"]] for r in members}
    scores = marts.read(
        "mart_index_score",
        "city_id, year, score",
        "score is not null and year between ? and ?",
        [marts.meta.first_year, marts.meta.last_year],
        "year, city_id",
    )
    by_year: dict[int, list[Row]] = {}
    for row in scores:
        if row["city_id"] in club_of:
            by_year.setdefault(row["year"], []).append(row)
    names = [name for name in dict.fromkeys(shown.values()) if name != DIVERGENT][:SHOWN_CLUBS]
    data = []
    for year, rows in by_year.items():
        mean = sum(r["score"] for r in rows) / len(rows)
        for name in names:
            own = sorted(r["score"] / mean for r in rows if club_of[r["city_id"]] == name) if mean > 0 else []
            if own:
                low, high = own[int(0.1 * (len(own) - 1))], own[math.ceil(0.9 * (len(own) - 1))]
                data.append(
                    {
                        "x": year,
                        "y": round(sum(own) / len(own), 4),
                        "lo": round(low, 4),
                        "hi": round(high, 4),
                        "n": len(own),
                        "series": name,
                    }
                )
    if not data:
        return []
    title = f"{mark}Paths of the clubs"
    counts = "; ".join(f"{name} n = {sum(v == name for v in club_of.values())}" for name in names)
    spec = plots.lines(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=None,
        y_title="score over the mean of the year (1)",
        series=names,
        alt_text=f"Line chart of the mean relative score of each club over the years: {counts}.",
    )
    return [
        Figure(
            "club-paths",
            spec,
            f"{mark}Lines: mean h of the members; bands: the middle 80 % of the members, no interval of "
            f"confidence. {counts}. Members were chosen by these very paths.",
            plots.legend(names, "line"),
        )
    ]


def _map(marts: Marts, members: list[Row], shown: dict[int, str], mark: str) -> Figure:
    codes = {r["city_id"]: shown[r["club_id_final"]] for r in members}
    names = [name for name in dict.fromkeys(shown.values()) if name != DIVERGENT]
    palette = {name: f"c{5 - k}" for k, name in enumerate(names)}
    if 0 in shown:
        palette[DIVERGENT] = "line"
    counts = {name: sum(code == name for code in codes.values()) for name in palette}
    title = f"{mark}Map of the clubs"
    spec, ratio = charts.class_map(
        {0: codes},  # one map for all years
        marts.cities(),
        palette,
        {name: name for name in palette},
        title=title,
        note=plots.synthetic(marts.meta),
        what="Club",
        alt_text=f"{title}: " + "; ".join(f"{name} {words.cities(n)}" for name, n in counts.items()) + ".",
    )
    legend = tuple(("box", colour, f"{name} ({counts[name]})") for name, colour in palette.items())
    return Figure(
        "club-map",
        spec,
        f"{mark}n = {words.cities(len(codes))}. {charts.BASE_MAP_NOTE}",
        (*legend, ("hatch", "", "not in the sample")),
        ratio,
    )
