"""Markov chains: pooled and conditional transitions, tests, what neighbours add to the chance to rise, long run."""

from __future__ import annotations

from dagster_project.publish.site import words
from dagster_project.publish.site.pages import _charts_marts as charts
from dagster_project.publish.site.pages import plots
from dagster_project.publish.site.pages._marts import (
    ALPHA,
    HEADLINE_W,
    SCHEME_NAMES,
    Marts,
    Row,
    cell,
    interval,
    n_draws,
    p_phrase,
    scaled,
    w_name,
)
from dagster_project.publish.site.pages.base import Figure, Section, Table
from dagster_project.publish.site.words import NONE

CHAIN = "discretisation = 'relative' and lag = 1"  # the headline chain
CUTS = "quantiles"
W_TEXT = w_name(HEADLINE_W)
STATES = {1: "1 low", 2: "2", 3: "3", 4: "4 high"}
TESTS = {
    "time_homog": "one matrix for all years",
    "region_homog": "one matrix for all groups",
    "spatial_homog": "one matrix for all classes of neighbours",
    "order1": "next state independent of the state",
    "order2": "one year of memory is enough",
}
KINDS = {
    "trajectory_permutation": "cities put to other places",
    "label_permutation": "groups dealt again",
    "simulation_from_pooled_chain": "simulated chains",
}
CUT_NAMES = {"quantiles": "quartiles of the neighbours", "own_cuts": "cuts of the cities", "none": NONE}


def sections(marts: Marts) -> list[Section | None]:
    """Transitions, neighbours, long run; None where the mart is empty."""
    return [pooled(marts), spatial(marts), long_run(marts)]


def pooled(marts: Marts) -> Section | None:
    """The transition matrix of all cities, with n and p, and the tests."""
    found = marts.read("mart_markov_transition", "*", f"{CHAIN} and scheme = 'all'", order="state_from, state_to")
    if not found:
        return None
    spec = _matrix(marts, found, "Transitions in a year, all cities")
    own = [r for r in found if r["state_from"] == r["state_to"]]
    stay = "; ".join(
        f"state {STATES.get(r['state_from'], r['state_from'])} {cell(r, 'p', 2, lo='lo', hi='hi')}" for r in own
    )
    thin = sum(bool(r["thin"]) for r in own)
    text = [f"Chance to be in the same state a year later: {stay}."]
    if thin:
        text.append(
            f"{words.count(thin, 'state')} {words.has_have(thin)} fewer than 5 transitions (†): read nothing from them."
        )
    caption = (
        "Percent of the cities of a row a year later; below it the transitions counted. n = "
        f"{words.number(found[0]['n_obs'])} "
        f"transitions; 95 % intervals ({n_draws(found, 'n_boot')} resamples of cities) in the tooltips. † fewer "
        "than 5 in the row."
    )
    return Section(
        "markov",
        "Transitions",
        "马尔可夫转移",
        tuple(text),
        (Figure("markov", spec, caption),),
        tuple(_tests(marts)),
        "States 1 (low) to 4 (high): score over the mean of its year, cut at fixed quartiles. p of chi-squared "
        "takes all "
        "transitions as independent and is too small; read the permutation p, which keeps whole trajectories. No p is "
        "corrected for the number of tests.",
    )


def _matrix(marts: Marts, found: list[Row], title: str) -> dict:
    data = [
        {
            "row": STATES.get(r["state_from"], str(r["state_from"])),
            "column": STATES.get(r["state_to"], str(r["state_to"])),
            "p": scaled(r["p"]),
            "lo": scaled(r["lo"]),
            "hi": scaled(r["hi"]),
            "n": r["n"],
            "n_row": r["n_row"],
            "thin": bool(r["thin"]),
            "cls": plots.shade(r["p"], 0.0, 1.0),
        }
        for r in found
    ]
    stay = ", ".join(
        f"{words.number(None if r['p'] is None else 100 * r['p'], 0)} %" for r in data if r["row"] == r["column"]
    )
    return charts.transitions(
        data,
        title=title,
        note=plots.synthetic(marts.meta),
        row_title="state",
        column_title="state a year later",
        alt_text=f"Heat map: {title}. Staying, from low to high: {stay}.",
    )


def _tests(marts: Marts) -> list[Table]:
    found = marts.read("mart_markov_test", "*", CHAIN, order="test_code, w_code, lag_cuts, scheme")
    if not found:
        return []
    order = list(TESTS)
    found.sort(key=lambda r: order.index(r["test_code"]) if r["test_code"] in order else 99)
    heads = [
        "wide:What is tested",
        "mid:Groups or W",
        "n",
        "chi2 (Q)",
        "df",
        "p chi2",
        "Permutation p",
        "Draws",
        "mid:How drawn",
        "mid:Outcome at 5 %",
    ]
    body = [
        [
            TESTS.get(r["test_code"], r["test_code"]),
            _about(r),
            words.number(r["n_obs"]),
            words.number(r["statistic_q"], 1),
            words.number(r["df"]),
            words.p_value(r["p_chi2"]),
            words.p_value(r["p_perm"]),
            words.number(r["n_perm"]),
            KINDS.get(r["p_perm_kind"], r["p_perm_kind"] or NONE),
            _verdict(r),
        ]
        for r in found
    ]
    return [Table.of("markov-tests", "Tests of the chain", heads, body, n_text=2)]


def _about(r: Row) -> str:
    if r["scheme"] not in (None, "none"):
        return str(r["scheme"]).replace("_", " ")
    return (
        NONE
        if r["w_code"] in (None, "none")
        else f"{w_name(r['w_code'])}; {CUT_NAMES.get(r['lag_cuts'], r['lag_cuts'])}"
    )


def _verdict(r: Row) -> str:
    if r["p_perm"] is None:
        return "not tested"
    return "rejected" if r["p_perm"] <= ALPHA else "not rejected"


def spatial(marts: Marts) -> Section | None:
    """Transitions by class of the neighbours, the test, and the upward-help contrast."""
    where = f"{CHAIN} and w_code = ? and lag_cuts = ?"
    found = marts.read(
        "mart_markov_spatial_transition", "*", where, [HEADLINE_W, CUTS], "lag_state, state_from, state_to"
    )
    if not found:
        return None
    figures, thin = [], 0
    for state in sorted({r["lag_state"] for r in found}):
        own = [r for r in found if r["lag_state"] == state]
        thin += sum(bool(r["thin"]) for r in own if r["state_to"] == 1)
        n = sum(r["n"] for r in own)
        spec = _matrix(marts, own, f"Neighbours in class {STATES.get(state, state)}")
        figures.append(
            Figure(
                f"markov-{state}",
                spec,
                f"n = {words.number(n)} transitions; W: {W_TEXT}. Percent of the row; 95 % "
                "intervals in the tooltips. † fewer than 5 transitions in the row.",
            )
        )
    test = marts.read("mart_markov_test", "*", f"{where} and test_code = 'spatial_homog'", [HEADLINE_W, CUTS])
    text = [_spatial_text(test[0])] if test else []
    if thin:
        text.append(
            f"{words.count(thin, 'row')} of these matrices {words.has_have(thin)} fewer than 5 transitions (†)."
        )
    contrast, help_text = _help(marts)
    return Section(
        "neighbours",
        "Transitions by class of the neighbours",
        "空间马尔可夫",
        (*text, *help_text),
        (*figures, *contrast),
        (),
        "Class of the neighbours: their weighted mean score in the start year, 1 lowest to 4 highest. Cities without a "
        "neighbour are left out. The contrast compares cities that differ in more than their neighbours: it is no "
        "effect.",
    )


def _spatial_text(r: Row) -> str:
    basis = (
        f"chi-squared {words.number(r['statistic_q'], 1)}, {words.number(r['df'])} degrees of freedom, permutation "
        f"{p_phrase(r['p_perm'])}"
    )
    if r["p_perm"] is None:
        return f"Whether the transitions differ by class of the neighbours was not tested by permutation ({basis})."
    said = "differ by" if r["p_perm"] <= ALPHA else "are not shown to differ by"
    return (
        f"The transitions {said} class of the neighbours: {basis}, n = {words.number(r['n_obs'])} transitions, W: "
        f"{W_TEXT}."
    )


def _help(marts: Marts) -> tuple[list[Figure], list[str]]:
    """Chance to rise with the highest less with the lowest class of neighbours, for each origin state and W."""
    found = marts.read(
        "mart_markov_summary",
        "*",
        f"{CHAIN} and scheme = 'all' and lag_state = 0 and w_code <> 'none'",
        order="w_code desc, lag_cuts desc",
    )
    series = list(dict.fromkeys(_variant(r) for r in found))
    data = [
        {
            "label": f"from state {STATES[k]}",
            "series": _variant(r),
            "n": r["n_obs"],
            **dict(zip(("point", "lo", "hi"), _percent(r, f"upward_help_{k}"), strict=True)),
        }
        for k in (1, 2, 3)
        for r in found
        if r[f"upward_help_{k}"] is not None
    ]
    if not data:
        return [], []
    spec = plots.forest(
        data,
        title="Chance to rise by neighbours",
        note=plots.synthetic(marts.meta),
        series=series[:5],
        alt_text="Forest plot of the difference in the chance to rise a state in a year, by origin state, W and cuts.",
        x_title="percentage points",
        digits=1,
    )
    figure = Figure(
        "upward-help",
        spec,
        f"95 % intervals, {n_draws(found, 'n_boot')} resamples of cities with whole "
        f"trajectories, n = {words.number(found[0]['n_obs'])} transitions. An interval over 0: no help shown.",
        plots.legend(series[:5]),
    )
    headline = [r for r in found if r["w_code"] == HEADLINE_W and r["lag_cuts"] == CUTS]
    return [figure], [
        *(_help_text(r, k) for r in headline for k in (1, 2, 3) if r[f"upward_help_{k}"] is not None),
        *_other_variants(found),
    ]


def _other_variants(found: list[Row]) -> list[str]:
    """Whether other W and cuts say the same."""
    signs = [
        interval(r, f"upward_help_{k}").sign()
        for r in found
        for k in (1, 2, 3)
        if r[f"upward_help_{k}"] is not None and (r["w_code"], r["lag_cuts"]) != (HEADLINE_W, CUTS)
    ]
    if not signs:
        return []
    return [
        f"With other W or cuts {signs.count(1)} of {len(signs)} such intervals lie above 0 and {signs.count(-1)} "
        "below (figure): " + ("the answer depends on the choice." if any(signs) else "the same answer.")
    ]


def _variant(r: Row) -> str:
    return f"{w_name(r['w_code'])}; {CUT_NAMES.get(r['lag_cuts'], r['lag_cuts'])}"


def _percent(r: Row, field: str) -> list[float | None]:
    return [scaled(r[name], 100, 2) for name in (field, f"{field}_lo", f"{field}_hi")]


def _help_text(r: Row, k: int) -> str:
    found = interval(r, f"upward_help_{k}", factor=100)
    p = p_phrase(r[f"upward_help_{k}_p"])
    if found.sign() == 0:
        return (
            f"From state {STATES[k]}: no difference in the chance to rise between highest and lowest neighbours is "
            "shown, "
            f"{words.spelled(found, 'percentage points')}, {p}."
        )
    which = "higher" if found.sign() > 0 else "lower"
    return (
        f"From state {STATES[k]}: with the highest class of neighbours the chance to rise is {which} by "
        f"{words.spelled(words.size(found), 'percentage points')} than with the lowest, {p}."
    )


def long_run(marts: Marts) -> Section | None:
    """Mobility, long-run shares, first passage, rank mobility."""
    found = marts.read("mart_markov_summary", "*", f"{CHAIN} and w_code = 'none'", order="scheme, group_code")
    ranks = marts.read("mart_rank_mobility", "*", "lag = 1", order="scheme, group_code")
    if not found and not ranks:
        return None
    tables = [*_mobility(marts, found), *_passage(marts, found), *_ranks(marts, ranks)]
    many = [r for r in found if (r["n_closed_classes"] or 1) > 1]
    text = (
        "Long-run shares say where the chain would settle if its chances never changed. They are no forecast and "
        "carry no interval."
    )
    if many:
        text += (
            f" {words.count(len(many), 'matrix', 'matrices')} of the table: more than one closed class, so no "
            "single long run."
        )
    return Section(
        "long-run",
        "Mobility and the long run",
        "流动性与长期分布",
        (text,),
        (),
        tuple(tables),
        "Prais index: 0 no mobility. Half-life: years until half of a deviation from the long run is gone. "
        "Intervals: cities drawn again with whole trajectories.",
    )


def _mobility(marts: Marts, found: list[Row]) -> list[Table]:
    if not found:
        return []
    heads = [
        "Cities",
        "mid:Grouping",
        "n",
        "Prais index [95 %]",
        "Half-life, years [95 %]",
        *(f"Long run {s}, %" for s in STATES.values()),
        "Closed classes",
    ]
    body = [
        [
            marts.group(r["scheme"], r["group_code"]),
            SCHEME_NAMES.get(r["scheme"], r["scheme"]),
            words.number(r["n_obs"]),
            cell(r, "prais", 2),
            cell(r, "half_life_years", 1),
            *(words.number(None if r[f"ergodic_{k}"] is None else 100 * r[f"ergodic_{k}"], 1) for k in STATES),
            words.number(r["n_closed_classes"]),
        ]
        for r in sorted(found, key=lambda r: r["scheme"] != "all")
    ]
    return [Table.of("mobility", "Mobility of the yearly chain; n = transitions", heads, body, n_text=2)]


def _passage(marts: Marts, found: list[Row]) -> list[Table]:
    ids = [r["matrix_id"] for r in found if r["scheme"] == "all"]
    rows = marts.read("mart_markov_passage", "*", "matrix_id = ?", ids[:1], "state_from, state_to") if ids else []
    if not rows:
        return []
    heads = ["From state", *(f"to {s}" for s in STATES.values()), "Years in the state"]
    body = []
    for state in sorted({r["state_from"] for r in rows}):
        own = {r["state_to"]: r for r in rows if r["state_from"] == state}
        cells = [cell(own[k], "mfpt_years", 1, lo="mfpt_lo", hi="mfpt_hi") if k in own else NONE for k in STATES]
        body.append([STATES.get(state, str(state)), *cells, words.number(next(iter(own.values()))["sojourn_years"], 1)])
    return [
        Table.of(
            "passage",
            "Mean years until the first visit (own state: until the return), all cities [95 % interval]",
            heads,
            body,
            fold="Years until a state is reached",
        )
    ]


def _ranks(marts: Marts, ranks: list[Row]) -> list[Table]:
    if not ranks:
        return []
    heads = [
        "Cities",
        "mid:Grouping",
        "n",
        "Kendall tau, one year [95 %]",
        "Mean change of place",
        "Theta",
        "Permutation p of theta",
    ]
    body = [
        [
            marts.group(r["scheme"], r["group_code"]),
            SCHEME_NAMES.get(r["scheme"], r["scheme"]),
            words.number(r["n_obs"]),
            cell(r, "kendall_tau", 3, lo="tau_lo", hi="tau_hi"),
            words.number(r["mean_abs_rank_change"], 1),
            words.number(r["theta"], 3),
            words.p_value(r["p_perm"]),
        ]
        for r in ranks
    ]
    return [
        Table.of(
            "ranks",
            "Places among the cities. Theta: share of all rank change that the groups make as a whole",
            heads,
            body,
            n_text=2,
            fold="Rank mobility",
        )
    ]
