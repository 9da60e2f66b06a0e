"""Page: influences between cities. Groups, blocks, distance, thresholds, borders; the checks stand in robustness.py."""

from __future__ import annotations

import duckdb

from dagster_project.publish.site import codes, words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages import equality, influence_checks, plots, robustness
from dagster_project.publish.site.pages.base import Figure, Meta, Page, Section, Table, Text, rows_shown
from dagster_project.publish.site.pages.models import certain

Z = 1.959964
LR_5 = 7.35  # critical value of Hansen's LR at 5 %: -2 ln(1 - sqrt(0.95))
BLOCK_SCHEMES = {
    "core": ("core cities", "periphery"),
    "east_vs_cw": ("East", "Central-West"),
    "cluster": ("clusters", "other cities"),
    "synergy": ("high synergy", "lower synergy"),
}
EFFECTS = ("direct", "indirect", "total")
CLASSES = {"all": "all cities", "high": "emitters of high synergy", "low": "emitters of low synergy"}


def build(con: duckdb.DuckDBPyConnection, meta: Meta) -> Page | None:
    """None without any result on influences for the index shown."""
    found = [
        _groups(con, meta),
        _blocks(con, meta),
        influence_checks.block_lags(con, meta),
        _distance(con, meta),
        _threshold(con, meta),
        _barrier(con, meta),
        influence_checks.moderated_border(con, meta),
        equality.section(rows_shown(con, meta, "mart_level_adjusted_test", "analysis, variant")),
        *robustness.sections(con, meta),
        influence_checks.placebo_years(con, meta),
        influence_checks.recovery(con, meta),
    ]
    sections = tuple(section for section in found if section is not None)
    if not sections:
        return None
    runs = robustness.runs(con)
    intro = (
        "Who influences whom, how far, from which level of synergy on, and across which borders? Every finding "
        "stands with its interval; a finding whose interval holds 0 is named as not told from 0."
    )
    return Page("influences", "Influences", "空间影响", intro, (*sections, *([runs] if runs else [])))


def _groups(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = rows_shown(con, meta, "mart_panel_heterogeneity", "scheme, side, group_code, effect")
    found = [r for r in found if r["effect"] in EFFECTS]
    if not found:
        return None
    data = [
        {
            "label": f"{codes.group(r['scheme'], r['group_code'])} ({r['side']})",
            "series": r["effect"],
            "point": r["point"],
            "lo": r["lo"],
            "hi": r["hi"],
            "n": r["n_obs"],
        }
        for r in found
    ]
    variable = codes.regressor(found[0]["variable"])
    text: list[Text] = []
    for scheme in dict.fromkeys(r["scheme"] for r in found):
        for side in ("receiver", "emitter"):
            pair = [r for r in found if r["scheme"] == scheme and r["side"] == side and r["effect"] == "total"]
            if len(pair) == 2:
                text.append(_equality(pair, side))
    spec = plots.forest(
        data,
        series=EFFECTS,
        title=f"Effects of {variable} by group",
        note=plots.synthetic(meta),
        x_title="change of y per unit",
        alt_text="Forest plot of effects by group and side; figures in the table.",
    )
    body = [
        (
            codes.group(r["scheme"], r["group_code"]),
            r["side"],
            r["effect"],
            words.number(r["point"], 3),
            words.between(r["lo"], r["hi"]),
            words.p_value(r["p"]),
            words.p_value(r["p_level_adjusted"]),
            words.p_value(r["p_equal"]),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = [
        "Group",
        "Side",
        "Effect",
        "Point",
        "95 % interval",
        "p",
        "p equal, level-adjusted",
        "p equal, as it is",
        "n",
    ]
    table = Table.of(
        "groups",
        f"Effects of {variable} by group, whole weight matrix",
        heads,
        body,
        n_text=3,
        fold="Figures of the forest plot",
    )
    caption = f"Lines: 95 % intervals. n = {words.number(found[0]['n_obs'])} rows. Side: whose group is meant."
    return Section(
        "groups",
        "Effects by group",
        "异质性",
        tuple(text),
        (Figure("groups", spec, caption, plots.legend(EFFECTS)),),
        (table,),
        "Receiver: the group of the city that is influenced; emitter: of "
        "the city that influences. One regression with interactions, so that groups are compared." + equality.NOTE,
    )


def _equality(pair: list[Row], side: str) -> str:
    a, b = sorted(pair, key=lambda r: -(r["point"] or 0))
    names = [codes.group(r["scheme"], r["group_code"]) for r in (a, b)]
    differ = equality.differs(a["p_level_adjusted"])
    shown = (
        "slopes of cities of one level differ between the groups"
        if differ
        else ("a difference between cities of one level is not shown")
    )
    verdict = f"{shown} ({equality.both_p(a['p_level_adjusted'], a['p_equal'])})"
    said = " and ".join(
        f"{name} {words.number(r['point'], 3)} {words.between(r['lo'], r['hi'])}"
        for name, r in zip(names, (a, b), strict=True)
    )
    return f"Total effect by {side}: {said}; {verdict}."


def _blocks(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = rows_shown(con, meta, "mart_block_spillover", "scheme, emitter, receiver")
    schemes = [s for s in BLOCK_SCHEMES if sum(r["scheme"] == s for r in found) == 4]
    if not schemes:
        return None
    text: list[Text] = []
    figures: list[Figure] = []
    body = []
    top = max(r["per_link"] for r in found if r["per_link"] is not None)
    for scheme in schemes:
        cells = {(r["emitter"], r["receiver"]): r for r in found if r["scheme"] == scheme}
        names = dict(zip("cp", BLOCK_SCHEMES[scheme], strict=True))
        text.append(_asymmetry(cells, names))
        data = [
            {
                "row": f"from {names[e]}",
                "column": f"to {names[r]}",
                "cls": plots.shade(cells[e, r]["per_link"], 0, top),
                "text": f"{words.number(cells[e, r]['per_link'], 3)} "
                f"{words.between(cells[e, r]['per_link_lo'], cells[e, r]['per_link_hi'])}",
            }
            for e in "cp"
            for r in "cp"
            if (e, r) in cells
        ]
        spec = plots.heat(
            data,
            title=f"Per link: {names['c']}, {names['p']}",
            note=plots.synthetic(meta),
            cell=48,
            alt_text="Two by two matrix of spillovers with intervals; the same figures in the table.",
        )
        figures.append(
            Figure(
                f"block-{scheme}",
                spec,
                f"Spillover of one link [95 % interval]. n = {words.number(cells['c', 'p']['n_obs'])} rows.",
            )
        )
        for (e, r), row in cells.items():
            body.append(
                (
                    f"{names[e]} → {names[r]}",
                    *_interval(row, "per_link", "per_link_lo", "per_link_hi"),
                    *_interval(row, "e_per_emitter", "e_lo", "e_hi"),
                    *_interval(row, "r_per_receiver", "r_lo", "r_hi"),
                    words.number(row["theta_block"], 3),
                    words.number(row["se"], 3),
                    words.number(row["n_obs"]),
                )
            )
    heads = ["mid:From → to", "Per link", "95 %", "Per emitter", "95 %", "Per receiver", "95 %", "theta", "se", "n"]
    table = Table.of("blocks", "Spillovers between blocks", heads, body)
    note = (
        "Weights are not normalised again inside a block. Asymmetry index: outward minus inward over the sum of "
        "absolute values, above 0 the centre gives more. It counts totals per emitter: many small links add up, so "
        "read it with the figures per link." + equality.NOTE
    )
    return Section(
        "blocks", "Centre and periphery: four blocks", "非对称溢出", tuple(text), tuple(figures), (table,), note
    )


def _interval(row: Row, point: str, lo: str, hi: str) -> tuple[str, str]:
    return words.number(row[point], 3), words.between(row[lo], row[hi])


def _asymmetry(cells: dict[tuple[str, str], Row], names: dict[str, str]) -> str:
    row = cells["c", "p"]
    differ = equality.differs(row["p_level_adjusted"])
    sign = words.sided(row["asymmetry_lo"], row["asymmetry_hi"])
    verdict = {
        1: f"per emitter, {names['c']} give more",
        -1: f"per emitter, {names['p']} give more",
        0: "no side gives more for certain",
    }[sign if differ else 0]
    test = "differ" if differ else "are not told apart"
    return (
        f"{names['c'].capitalize()} and {names['p']}: asymmetry index {words.number(row['asymmetry_index'], 2)} "
        f"{words.between(row['asymmetry_lo'], row['asymmetry_hi'], 2)}: {verdict}. The coefficients of both directions "
        f"{test} between cities of one level ({equality.both_p(row['p_level_adjusted'], row['p_asymmetry'])})."
    )


def _distance(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = [
        r
        for r in rows_shown(con, meta, "mart_distance_decay", "method, step_km, synergy_class, band_id")
        if r["coef"] is not None
    ]
    rings = [r for r in found if r["method"] == "ring"]
    if not rings:
        return None
    figures: list[Figure] = []
    for step in sorted({r["step_km"] for r in rings}, reverse=True):
        data = [_band(r) for r in rings if r["step_km"] == step]
        series = [name for name in CLASSES.values() if any(row["series"] == name for row in data)]
        spec = plots.lines(
            data,
            series=series,
            title=f"Spillover by ring of {step} km",
            note=plots.synthetic(meta),
            years=False,
            x_title="distance (km, middle of the ring)",
            y_title="spillover coefficient",
            zero=True,
            alt_text=f"Spillover by distance in rings of {step} km with 95 % intervals.",
        )
        figures.append(
            Figure(
                f"rings-{step}",
                spec,
                "Band: 95 % interval of each ring by itself; n of cities with a "
                "neighbour in the ring stands in the tooltip.",
                plots.legend(series, "line"),
            )
        )
    limits = rows_shown(con, meta, "mart_regional_boundary", "method, step_km desc, synergy_class")
    text = [_reach(r, rings) for r in limits if r["method"] == "ring"]
    tables = []
    if limits:
        body = [
            (
                r["method"],
                str(r["step_km"]),
                CLASSES.get(r["synergy_class"], r["synergy_class"]),
                words.number(r["boundary_km"]),
                words.number(r["half_distance_km"]),
                words.number(r["kappa"], 4),
                words.number(r["kappa_se"], 4),
                words.number(r["n_obs"]),
            )
            for r in limits
        ]
        heads = ["Method", "Ring, km", "mid:Cities", "Boundary, km", "Half distance, km", "kappa, 1/km", "se", "n"]
        tables.append(Table.of("boundary", "How far the spillover reaches", heads, body, n_text=3))
    body = [
        (
            r["method"],
            str(r["step_km"]),
            r["synergy_class"],
            f"{words.number(r['d_from_km'])}–{words.number(r['d_to_km'])}",
            words.number(r["coef"], 4),
            words.between(r["coef"] - Z * r["se"], r["coef"] + Z * r["se"], 4) if r["se"] is not None else words.NONE,
            words.p_value(r["p"]),
            words.p_value(r["p_holm"]),
            words.number(r["n_cities_with_neighbour"]),
        )
        for r in found
    ]
    heads = ["Method", "Step, km", "Emitters", "Band, km", "Coefficient", "95 % interval", "p", "p, Holm", "Cities"]
    tables.append(Table.of("bands", "Every band", heads, body, n_text=4, fold="Figures of all bands"))
    note = (
        "The boundary is the far edge of the unbroken run of bands that stay significant; bands with too few "
        "cities are "
        "left out. It has no interval of its own: the width of a ring is the least doubt. A half distance whose kappa "
        "is not larger than two standard errors is not told from no decay."
    )
    return Section(
        "distance", "Distance and boundary", "距离衰减与区域边界", tuple(text), tuple(figures), tuple(tables), note
    )


def _band(r: Row) -> Row:
    half = None if r["se"] is None else Z * r["se"]
    return {
        "x": (r["d_from_km"] + r["d_to_km"]) / 2,
        "y": r["coef"],
        "lo": None if half is None else r["coef"] - half,
        "hi": None if half is None else r["coef"] + half,
        "n": r["n_cities_with_neighbour"],
        "series": CLASSES.get(r["synergy_class"], r["synergy_class"]),
    }


def _reach(r: Row, rings: list[Row]) -> str:
    """How far the run of significant rings goes, and which rings are above or below 0 for certain."""
    who = f"Rings of {r['step_km']} km, {CLASSES.get(r['synergy_class'], r['synergy_class'])}"
    own = [b for b in rings if b["step_km"] == r["step_km"] and b["synergy_class"] == r["synergy_class"]]
    signs = {
        sign: [
            f"{words.number(b['d_from_km'])}–{words.number(b['d_to_km'])}"
            for b in own
            if words.sided(_band(b)["lo"], _band(b)["hi"]) == sign
        ]
        for sign in (1, -1)
    }
    said = (
        "; ".join(
            f"{name} at {', '.join(signs[sign])} km"
            for sign, name in ((1, "positive"), (-1, "negative"))
            if signs[sign]
        )
        or "no ring is told from 0"
    )
    run = (
        f"the run of significant rings ends at {words.number(r['boundary_km'])} km"
        if r["boundary_km"] is not None
        else "no run of significant rings after Holm's correction"
    )
    told = r["kappa"] is not None and r["kappa_se"] is not None and r["kappa"] - Z * r["kappa_se"] > 0
    half = (
        f"the fitted spillover halves every {words.number(r['half_distance_km'])} km"
        if told
        else ("the fitted rate of decay is not told from 0")
    )
    return f"{who}: {said} (95 % intervals); {run}; {half}."


def _threshold(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = rows_shown(con, meta, "mart_threshold_result", "kind, n_threshold")
    if not found:
        return None
    grid = [r for r in rows_shown(con, meta, "mart_threshold_grid", "kind, n_threshold, gamma") if r["lr"] is not None]
    figures = []
    for kind, title in (("hansen_step_1", "Hansen, single threshold"), ("spatial_emitter", "synergy of the emitter")):
        data = [{"x": r["gamma"], "y": max(0.0, r["lr"])} for r in grid if r["kind"] == kind and r["n_threshold"] == 1]
        if len(data) < 3:
            continue
        n = next(r["n_obs"] for r in grid if r["kind"] == kind)
        spec = plots.lines(
            data,
            title=f"Likelihood ratio of the threshold: {title}",
            note=plots.synthetic(meta),
            years=False,
            x_title="candidate: coordination of the base year (1)",
            y_title="LR (root scale)",
            level=LR_5,
            root=True,
            points=len(data) < 40,
            alt_text=f"LR by candidate; below {LR_5} lies the 95 % interval.",
        )
        figures.append(
            Figure(
                f"lr-{kind}",
                spec,
                f"Dashed: {LR_5}, the 5 % critical value; candidates below it form the "
                f"95 % interval. n = {words.number(n)} rows.",
            )
        )
    text = [_gamma(r) for r in found]
    body = [
        (
            r["kind"].replace("_", " "),
            str(r["n_threshold"]),
            words.number(r["gamma"], 4),
            words.between(r["ci_lo"], r["ci_hi"], 4),
            words.number(r["f_stat"], 1),
            words.p_value(r["p_boot"]),
            words.number(r["n_boot"]),
            words.p_value(r["p_level_adjusted"]),
            *(f"{words.number(r[f'slope_{s}'], 3)} ({words.number(r[f'slope_se_{s}'], 3)})" for s in ("low", "high")),
            words.number(r["n_low"]),
            words.number(r["n_high"]),
        )
        for r in found
    ]
    heads = [
        "mid:Kind",
        "Thresholds",
        "Threshold",
        "95 % interval",
        "F or LR",
        "p, bootstrap",
        "Draws",
        "p, level-adjusted",
        "Slope below (se)",
        "Slope above (se)",
        "n below",
        "n above",
    ]
    table = Table.of("threshold", "Thresholds in synergy", heads, body, n_text=2)
    note = (
        "Grid steps limit the interval: where it is one point, the true one lies within a step. With 2 thresholds "
        "the row "
        "holds the second, the slopes are those of the lowest and highest regime. A bootstrap p of 0 means: below "
        "one over the draws."
    )
    return Section("threshold", "Threshold of synergy", "协同门槛", tuple(text), tuple(figures), (table,), note)


def _gamma(r: Row) -> str:
    kind = f"{r['kind'].replace('_', ' ').capitalize()}, {words.count(r['n_threshold'], 'threshold')}"
    at = f"{words.number(r['gamma'], 3)} {words.between(r['ci_lo'], r['ci_hi'])}"
    if r["p_boot"] is None:
        return f"{kind}: best candidate {at}; no bootstrap was run, so nothing is said about its existence."
    floor = 1 / (r["n_boot"] + 1) if r["n_boot"] else 1.0
    p = f"p at most {words.number(floor, 3)}" if r["p_boot"] < floor else f"p {words.p_value(r['p_boot'])}"
    verdict = "slopes jump on the index as it is" if max(r["p_boot"], floor) <= 0.05 else "no threshold is shown"
    ends = [(r[f"slope_{s}"], r[f"slope_se_{s}"]) for s in ("low", "high")]
    said = " and ".join(
        f"{words.number(b, 3)} {where} ({certain(b, b - Z * se, b + Z * se)})"
        for (b, se), where in zip(ends, ("below", "above"), strict=True)
        if b is not None and se is not None
    )
    return f"{kind}: at {at}, {verdict} (bootstrap {p}, {r['n_boot']} draws). {_one_level(r)} Slopes: {said}."


def _one_level(r: Row) -> str:
    """What is left of a threshold between cities of one level: synergy rises with the level."""
    if r["p_level_adjusted"] is None:
        return "Synergy rises with the level, and slopes do on an index: this alone shows no threshold of synergy."
    told = "is told" if equality.differs(r["p_level_adjusted"]) else "is not told"
    return (
        f"Between cities of one level a threshold {told} from none "
        f"(level-adjusted p {words.p_value(r['p_level_adjusted'])})."
    )


def _barrier(con: duckdb.DuckDBPyConnection, meta: Meta) -> Section | None:
    found = rows_shown(con, meta, "mart_border_barrier", "barrier_code, ring_id")
    if not found:
        return None
    sides = {"in": "inside the border", "out": "across the border"}
    data = []
    for r in found:
        for side, name in sides.items():
            b, se = r[f"theta_{side}"], r[f"se_{side}"]
            if b is not None and se is not None:
                data.append(
                    {"label": _ring(r), "series": name, "point": b, "lo": b - Z * se, "hi": b + Z * se, "n": r["n_obs"]}
                )
    text = [_border(r) for r in found]
    figures: tuple[Figure, ...] = ()
    if data:
        spec = plots.forest(
            data,
            series=list(sides.values()),
            title="Spillover inside and across province borders",
            note=plots.synthetic(meta),
            x_title="spillover coefficient",
            alt_text="Spillover inside and across borders by ring with intervals.",
        )
        figures = (
            Figure(
                "barrier",
                spec,
                f"Lines: 95 % intervals. n = {words.number(found[0]['n_obs'])} rows.",
                plots.legend(list(sides.values())),
            ),
        )
    body = [
        (
            _ring(r),
            words.number(r["theta_in"], 3),
            words.number(r["se_in"], 3),
            words.number(r["theta_out"], 3),
            words.number(r["se_out"], 3),
            words.p_value(r["p_level_adjusted"]),
            words.p_value(r["p_equal"]),
            words.number(r["barrier_index"], 2),
            words.between(r["lo"], r["hi"], 2),
            words.number(r["n_obs"]),
        )
        for r in found
    ]
    heads = [
        "Ring",
        "Inside",
        "se",
        "Across",
        "se",
        "p equal, level-adjusted",
        "p equal, as it is",
        "Barrier index",
        "95 %, Fieller",
        "n",
    ]
    table = Table.of("barrier", "Spillover inside and across the border", heads, body)
    note = (
        "Barrier index: 1 - across / inside; 1 means that nothing crosses. Empty where inside is not told from 0."
        + equality.NOTE
    )
    return Section("barrier", "Borders", "行政边界壁垒", tuple(text), figures, (table,), note)


def _ring(r: Row) -> str:
    ring = {"all": "all distances", "joint": "all rings jointly"}.get(
        r["ring_id"], f"{r['ring_id'].replace('-', '–')} km"
    )
    return f"{r['barrier_code'].replace('_', ' ')}, {ring}"


def _border(r: Row) -> str:
    p = equality.both_p(r["p_level_adjusted"], r["p_equal"])
    if not equality.differs(r["p_level_adjusted"]):
        return f"{_ring(r).capitalize()}: inside and across are not told apart ({p})."
    more = "larger inside" if r["theta_in"] > r["theta_out"] else "larger across"
    index = ""
    if r["barrier_index"] is not None and r["theta_in"] > 0:  # below 0 the index has no meaning as a barrier
        index = f" Barrier index {words.number(r['barrier_index'], 2)} {words.between(r['lo'], r['hi'], 2)}."
    return f"{_ring(r).capitalize()}: the spillover is {more} ({p}).{index}"
