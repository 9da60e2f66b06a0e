"""What a test of equal slopes may be quoted for: the level-adjusted test decides, the other stands beside it."""

from __future__ import annotations

from dagster_project.publish.site import codes, words
from dagster_project.publish.site.charts import Row
from dagster_project.publish.site.pages.base import Section, Table, Text

LEVEL = 0.05
NOTE = (
    " An index grows faster than what it measures: high cities move more for the same push, so the test on the index "
    "as it is also rejects where nothing differs. Verdicts follow the level-adjusted test, which compares cities of "
    "one level: a power of y and x, trend and slope that depend on the level, errors by city."
)
ANALYSES = {
    "spatial lag": "spatial lag",
    "spillover": "spillover",
    "heterogeneity": "groups",
    "asymmetry": "centre, periphery",
    "border": "border",
    "threshold": "threshold of synergy",
}


def differs(p: float | None) -> bool | None:
    """Whether the level-adjusted test shows a difference; None where there was no such test."""
    return None if p is None else p < LEVEL


def both_p(adjusted: float | None, plain: float | None) -> str:
    """The two p values in words."""
    said = "no level-adjusted test" if adjusted is None else f"level-adjusted p {words.p_value(adjusted)}"
    return f"{said}; p of the index as it is {words.p_value(plain)}"


def section(found: list[Row]) -> Section | None:
    """Every level-adjusted test of the regression shown, in one table; `found`: rows of mart_level_adjusted_test."""
    tested = [r for r in found if r["p"] is not None]
    if not tested:
        return None
    body = [
        (
            ANALYSES[r["analysis"]],
            codes.variant(r["variant"]),
            r["null_hypothesis"],
            words.number(r["difference"], 3),
            words.between(r["lo"], r["hi"]),
            words.number(r["dof"]),
            words.p_value(r["p"]),
            words.p_value(r["p_unadjusted"]),
            words.number(r["n_obs"]),
        )
        for r in tested
    ]
    heads = [
        "mid:Question",
        "mid:Variant",
        "Null hypothesis",
        "Difference, sd",
        "95 % interval",
        "Restrictions",
        "p, level-adjusted",
        "p, as it is",
        "n",
    ]
    table = Table.of("level-adjusted", "Tests between cities of one level", heads, body, n_text=3)
    note = (
        "Difference: what the null hypothesis says is zero, in standard deviations of y per standard deviation of x on "
        "the adjusted scale; of a threshold at the best candidate, which was searched for, so without an interval."
    )
    return Section(
        "equality", "What differs between cities of one level", "同水平城市间的差异", _said(tested), (), (table,), note
    )


def _said(tested: list[Row]) -> tuple[Text, ...]:
    shown = [r for r in tested if differs(r["p"])]
    as_it_is = sum(r["p_unadjusted"] is not None and r["p_unadjusted"] < LEVEL for r in tested)
    names = "; ".join(f"{ANALYSES[r['analysis']]}: {codes.variant(r['variant'])}" for r in shown)
    expected = f"With no effect at all about {words.number(LEVEL * len(tested), 0)} would be expected by chance"
    return (
        f"{words.count(len(shown), 'test')} of {words.number(len(tested))} {words.has_have(len(shown))} "
        f"a level-adjusted p below 0.05{': ' + names if shown else ''}. {expected}; on the index as it is "
        f"{words.number(as_it_is)} do.",
    )
