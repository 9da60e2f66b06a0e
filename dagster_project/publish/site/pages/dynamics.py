"""Dynamics: how the distribution of the scores moves, whether neighbours matter for it, whether cities converge."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import _dynamics_convergence as convergence
from dagster_project.publish.site.pages import _dynamics_markov as chains
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import ALPHA, POINTS, Marts, Row, n_text, p_phrase
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table
from dagster_project.publish.site.theme import N_CLASSES

CURVE_POINTS = 100  # of the 512 of a density curve
KERNEL_CELLS = 48  # of the 128 of each side of a kernel
BANDWIDTH = "h_common"  # one bandwidth for all years: else the bandwidth alone moves the peaks
HEADLINE_BANDWIDTH = "silverman"
KERNELS = (("dynamic", 1), ("dynamic", 5), ("spatial", 1))


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """The page, or None without a row of the marts of dynamics for the headline index."""
    marts = Marts(con, meta)
    made = [density(marts), *chains.sections(marts), kernels(marts), *convergence.sections(marts)]
    sections = tuple(section for section in made if section is not None)
    if not sections:
        return None
    intro = (
        "How the distribution of the scores moves: its shape, the chances to rise or fall, what the neighbours "
        "have to do "
        "with it, and whether cities draw nearer to each other. A city counts once a year and its years depend on each "
        "other: intervals and permutation p keep whole trajectories of cities together."
    )
    return Page("dynamics", "Dynamics", "动态演进", intro, sections)


def density(marts: Marts) -> Section | None:
    """Ridgelines of the kernel density, all cities and by region, and the features of the density."""
    figures = [f for f in (_ridge(marts, s, c) for s, c in _density_groups(marts)) if f is not None]
    found = marts.read(
        "mart_kde_feature",
        "*",
        "bw_rule = ? and scheme in ('all', 'four_region') and mode_x is not null",
        [HEADLINE_BANDWIDTH],
        "scheme, group_code, year",
    )
    if not figures and not found:
        return None
    text, tables = [], []
    own = [row for row in found if row["scheme"] == "all"]
    if own:
        text.append(_modes_text(own))
        tables.append(_features("density", "All cities by year", own, lambda r: str(r["year"]), "Year"))
    ends = {min((r["year"] for r in found), default=0), max((r["year"] for r in found), default=0)}
    region = [row for row in found if row["scheme"] != "all" and row["year"] in ends]
    if region:
        tables.append(
            _features(
                "density-region",
                "Four regions, first and last year",
                region,
                lambda r: f"{marts.group(r['scheme'], r['group_code'])} {r['year']}",
                "Region and year",
            )
        )
    return Section(
        "density",
        "Distribution of the scores",
        "核密度估计",
        tuple(text),
        tuple(figures),
        tuple(tables),
        "Gaussian kernels. Curves: one bandwidth for all years of a group. Table: Silverman's bandwidth of each "
        "year. p of "
        "one mode: Silverman's (1981) bootstrap, conservative; no p is corrected for the number of years. A curve "
        "has no "
        "interval here: a bump of a curve is evidence only as far as that test says so.",
    )


def _density_groups(marts: Marts) -> list[tuple[str, str]]:
    found = marts.read(
        "mart_kde_curve",
        "distinct scheme, group_code",
        "bw_rule = ? and scheme in ('all', 'four_region')",
        [BANDWIDTH],
        "scheme, group_code",
    )
    return [(r["scheme"], r["group_code"]) for r in found]


def _ridge(marts: Marts, scheme: str, code: str) -> Figure | None:
    """Every fifth grid point or so: at most CURVE_POINTS a year."""
    where = "bw_rule = ? and scheme = ? and group_code = ? and density is not null"
    found = marts.read(
        "mart_kde_curve", "year, x, density, n_obs, grid_id", where, [BANDWIDTH, scheme, code], "year, grid_id"
    )
    if not found:
        return None
    grid = max(row["grid_id"] for row in found) + 1
    step = max(1, -(-grid // CURVE_POINTS))
    data = [
        {"x": round(POINTS * r["x"], 2), "y": round(r["density"] / POINTS, 5), "year": r["year"], "n": r["n_obs"]}
        for r in found
        if r["grid_id"] % step == 0
    ]
    name = marts.group(scheme, code)
    years = [data[0]["year"], data[-1]["year"]]
    title = f"Density of the score: {name}"
    spec = charts.ridges(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title="score, points (0–100)",
        alt_text=f"Ridgelines, one density curve a year from {years[0]} to {years[1]}: {name}.",
    )
    return Figure(
        f"density-{code}",
        spec,
        f"{name}: n = {n_text(found)} cities a year. One bandwidth for all years; the "
        "heights are comparable. Curves carry no interval.",
        (("box", "a", "earlier years"), ("box", "b", f"{years[1]}")),
    )


def _modes_text(own: list[Row]) -> str:
    tested = [row for row in own if row["p_unimodal"] is not None]
    last = own[-1]
    shape = (
        f"In {last['year']} the curve of all cities (Silverman's bandwidth) has {words.count(last['n_modes'], 'peak')}"
    )
    if not tested:
        return f"{shape}; no test of the number of modes is published."
    low = min(tested, key=lambda r: r["p_unimodal"])
    adjusted = min(1.0, low["p_unimodal"] * len(tested))
    found = (
        f"The smallest p against one mode is {words.p_value(low['p_unimodal'])} ({low['year']}), times {len(tested)} "
        f"tests {words.p_value(adjusted)}"
    )
    said = (
        "more than one mode is shown in that year"
        if adjusted <= ALPHA
        else "no year shows more than one mode, whatever the bumps of the curve"
    )
    return f"{shape}, {p_phrase(last['p_unimodal'])} against one mode. {found}: {said}."


def _features(key: str, caption: str, found: list[Row], label, head: str) -> Table:
    heads = [
        head,
        "n",
        "Modes",
        "p of one mode",
        "Main mode, points",
        "Height, 1/point",
        "Width at half height, points",
        "Mass above the common 90 % quantile, %",
        "Skewness",
        "Bandwidth, points",
    ]
    body = [
        [
            label(r),
            words.number(r["n_obs"]),
            words.number(r["n_modes"]),
            words.p_value(r["p_unimodal"]),
            words.number(POINTS * r["mode_x"], 1),
            words.number(r["mode_height"] / POINTS, 4),
            words.number(None if r["width_half"] is None else POINTS * r["width_half"], 1),
            words.number(None if r["right_tail_mass"] is None else 100 * r["right_tail_mass"], 1),
            words.number(r["skewness"], 2),
            words.number(POINTS * r["bandwidth"], 2),
        ]
        for r in found
    ]
    return Table.of(key, f"Features of the density. {caption}", heads, body)


def kernels(marts: Marts) -> Section | None:
    """Stochastic kernels: relative score today and later, and given the neighbours."""
    figures = [f for f in (_kernel(marts, kind, lag) for kind, lag in KERNELS) if f is not None]
    if not figures:
        return None
    text = (
        "Colour is the density of the score that follows, given the score on the horizontal axis. Mass along the "
        "broken "
        "line: cities stay where they are relative to the mean. Mass along a horizontal band: they move towards one "
        "level. No interval is published for a kernel: it describes; the tests of the transition tables decide."
    )
    return Section(
        "kernel",
        "Stochastic kernel",
        "随机核",
        (text,),
        tuple(figures),
        (),
        "Scores relative to the mean of the year (1 = mean). Product Gaussian kernels, bandwidth sd · n^(−1/6) on each "
        f"axis; grid of 128 x 128 points thinned to at most {KERNEL_CELLS} x {KERNEL_CELLS}. No colour: below one "
        "twentieth of "
        "the highest density, or too few cities for an estimate.",
    )


def _kernel(marts: Marts, kind: str, lag: int) -> Figure | None:
    found = marts.read(
        "mart_stochastic_kernel",
        "u_id, v_id, u, v, density_conditional as f, n_obs, n_city, bandwidth_u, bandwidth_v",
        "kind = ? and lag = ? and is_supported and density_conditional is not null",
        [kind, lag],
        "u_id, v_id",
    )
    top = max((row["f"] for row in found), default=0.0)
    dense = [row for row in found if row["f"] >= top / 20]
    if not dense:
        return None
    data = _thinned(dense, found, top)
    title, x_title, y_title = _kernel_names(kind, lag)
    spec = charts.kernel(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        x_title=x_title,
        y_title=y_title,
        alt_text=f"Contours: {title}, with the 45 degree line; {words.number(found[0]['n_obs'])} pairs.",
    )
    row = found[0]
    caption = (
        f"n = {words.number(row['n_obs'])} pairs of {words.cities(row['n_city'])}"
        + (f", W: {chains.W_TEXT}" if kind == "spatial" else "")
        + f"; bandwidths {words.number(row['bandwidth_u'], 2)} and {words.number(row['bandwidth_v'], 2)}. Six "
        "steps of colour "
        f"up to {words.number(top, 2)}. No interval."
    )
    legend = (
        ("box", "g0", "high density"),
        ("box", "g3", "middle"),
        ("box", "g5", "low"),
        ("dash", "a", "45 degree line"),
    )
    return Figure(f"kernel-{kind}-{lag}", spec, caption, legend)


def _kernel_names(kind: str, lag: int) -> tuple[str, str, str]:
    later = f"{lag} year later" if lag == 1 else f"{lag} years later"
    if kind == "spatial":
        return (f"Score {later} by the neighbours", "neighbours' relative score (1)", f"relative score {later} (1)")
    return f"Score {later} by the score today", "relative score today (1)", f"relative score {later} (1)"


def _thinned(dense: list[Row], found: list[Row], top: float) -> list[Row]:
    """Cells of the dense part of the grid, at most KERNEL_CELLS a side; each stands for the square around its point."""
    made = []
    steps, spans = {}, {}
    for axis in "uv":
        ids = [row[f"{axis}_id"] for row in dense]
        steps[axis] = max(1, -(-(max(ids) - min(ids) + 1) // KERNEL_CELLS))
        at = {row[f"{axis}_id"]: row[axis] for row in found}
        ends = (min(at), max(at))
        width = (at[ends[1]] - at[ends[0]]) / max(1, ends[1] - ends[0])
        spans[axis] = width * steps[axis] / 2 or 0.5
    for row in dense:
        if row["u_id"] % steps["u"] or row["v_id"] % steps["v"]:
            continue
        made.append(
            {
                "x": round(row["u"] - spans["u"], 3),
                "x2": round(row["u"] + spans["u"], 3),
                "y": round(row["v"] - spans["v"], 3),
                "y2": round(row["v"] + spans["v"], 3),
                "cls": N_CLASSES - 1 - min(N_CLASSES - 1, int(N_CLASSES * row["f"] / top)),
                "f": round(row["f"], 3),
            }
        )
    return made
