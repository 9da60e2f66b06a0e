"""Sections 6 to 8: coverage and sample, sources and caveats, queries to go on with."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from dagster_project.publish.site import charts, words
from dagster_project.publish.site.queries import Facts, Meta
from dagster_project.publish.site.ranking import last_year_table

COVERAGE_LIMITS = (0, 50, 70, 85, 95)  # % of cities: class 0 is none, class 5 is 95 % and more
COVERAGE_LABELS = ("none", "below 50 %", "50 to 70 %", "70 to 85 %", "85 to 95 %", "95 % and more")
SHOWN_CHECKS = 5
MESSAGE_LENGTH = 400


def coverage_view(facts: Facts, note: str) -> dict[str, Any]:
    """Heat map, years without a score, sample and dropped cities by reason."""
    rows = coverage_rows(facts.coverage)
    counted = words.count(len({r["code"] for r in rows}), "indicator")
    text = f"Heat map of {counted} by year: share of cities with an observed value."
    spec = charts.coverage(rows, title="Observed and imputed values", note=note, alt_text=text)
    dropped = facts.sample[~facts.sample["in_sample"]]
    years = sorted({row["year"] for row in rows})
    return {
        "specs": {"coverage": spec},
        "labels": COVERAGE_LABELS,
        "n_judged": words.cities(len(facts.sample)),
        "frame": words.number(int(facts.coverage["n_city"].max())),
        "years": years,
        "table": _coverage_table(rows, years),
        "unscored": [_unscored(facts, y) for y in facts.meta.unscored],
        "core": [
            {"name": _name(r), "reason": _reason(facts, r["drop_reason"])}
            for r in dropped[dropped["is_core"].fillna(False).astype(bool)].to_dict("records")
        ],
        "dropped": [
            {
                "reason": _reason(facts, reason),
                "n": len(part),
                "names": words.joined(_name(r) for r in part.to_dict("records")),
            }
            for reason, part in sorted(dropped.groupby("drop_reason"), key=lambda item: (-len(item[1]), item[0]))
        ],
        "dropped_text": f"{words.cities(len(dropped))} {words.is_are(len(dropped))} left out",
    }


def coverage_rows(coverage: pd.DataFrame) -> list[charts.Row]:
    """One row an indicator and year: shares of the cities (%), class of the observed, text of the imputed share."""
    rows: list[charts.Row] = []
    order = {code: k for k, code in enumerate(dict.fromkeys(coverage["code"]))}
    for r in coverage.to_dict("records"):
        observed, imputed, missing = (100 * r[k] / r["n_city"] for k in ("n_observed", "n_imputed", "n_missing"))
        rows.append(
            {
                "order": order[r["code"]],
                "code": r["code"],
                "name": r["name_en"] or r["code"],
                "year": int(r["year"]),
                "observed": round(observed, 1),
                "imputed": round(imputed, 1),
                "missing": round(missing, 1),
                "cls": 0 if observed == 0 else max(1, sum(observed >= limit for limit in COVERAGE_LIMITS)),
                "text": words.number(imputed) if imputed >= 0.5 else "",
            }
        )
    return rows


def _coverage_table(rows: list[charts.Row], years: list[int]) -> list[list[str]]:
    cells = {(r["code"], r["year"]): f"{words.number(r['observed'])} / {words.number(r['imputed'])}" for r in rows}
    names = {r["code"]: r["name"] for r in rows}
    return [[name, *(cells.get((code, year), words.NONE) for year in years)] for code, name in names.items()]


def _unscored(facts: Facts, year: int) -> Markup:
    own = facts.coverage[facts.coverage["year"] == year]
    empty = own[own["n_missing"] == own["n_city"]]
    text = Markup("{}: {} of {} {} a composite score, so the year is not shown. {}")
    if len(empty):
        named = words.joined(words.both(r["name_en"], r["name_zh"]) for r in empty.to_dict("records"))
        why = Markup("No city has a figure for {}.").format(named)
    else:
        worst = own.sort_values(["n_missing", "code"], ascending=[False, True]).iloc[0]
        why = Markup("Most figures are missing for {} ({} of {}).").format(
            words.both(worst["name_en"], worst["name_zh"]),
            words.number(worst["n_missing"]),
            words.cities(worst["n_city"]),
        )
    n = facts.meta.unscored[year]
    return text.format(year, words.number(n), words.cities(facts.meta.n_sample), words.has_have(n), why)


def _name(r: dict[str, Any]) -> Markup:
    return words.both(r["name_en"], r["name_zh"])


def _reason(facts: Facts, reason: str) -> Markup:
    """The reason as the mart gives it, the indicator code replaced by its names."""
    code, colon, rest = reason.partition(":")
    known = facts.weights[facts.weights["code"] == code]
    if not colon or known.empty:
        return Markup("{}").format(reason)
    r = known.iloc[0]
    more = rest.replace(" and 1 more", "; 1 more indicator breaks a rule")
    head, _, tail = more.rpartition(" and ")
    if tail.endswith(" more") and head:
        more = f"{head}; {tail} indicators break a rule"
    return Markup("{}:{}").format(words.both(r["name_en"], r["name_zh"]), more)


def sources_view(facts: Facts) -> dict[str, Any]:
    """Accepted loads, checks that did not pass, fills, disagreements, corrections."""
    counts = facts.counts
    n_fills = int(facts.fills["n_used"].sum())
    conflicts = int(facts.disagreements["n_conflict"].sum())
    pairs = int(facts.disagreements["n"].sum())
    return {
        "loads": [_load(r) for r in facts.loads.to_dict("records")],
        "checks": check_groups(facts.checks),
        "n_failed": len(facts.checks),
        "n_checks": words.number(counts["checks"]),
        "n_errors": int((facts.checks["severity"] == "error").sum()),
        "skipped": [r for r in facts.checks.to_dict("records") if r["kind"] == "index_computed"],
        "fills": [
            [words.FILL_RULES.get(r["fill_rule"], r["fill_rule"]), words.number(r["n"]), words.number(r["n_used"])]
            for r in facts.fills.to_dict("records")
        ],
        "n_fills": n_fills,
        "fill_text": f"{words.count(n_fills, 'printed figure')} that {words.is_are(n_fills)} in use",
        "in_index": words.number(counts["suspected_in_index"]),
        "cells": words.number(counts["cells_in_index"]),
        "disagreements": [
            [
                r["variable_code"],
                ", ".join(r["sources"]),
                words.number(r["n"]),
                words.number(r["n_conflict"]),
                words.number(100 * r["median_difference"], 1),
            ]
            for r in facts.disagreements.to_dict("records")
        ],
        "pairs": words.count(pairs, "pair"),
        "pairs_verb": "differs" if pairs == 1 else "differ",
        "conflicts": _conflicts(conflicts),
        "corrected": f"{words.count(counts['corrected'], 'figure')} {words.is_are(counts['corrected'])}",
        "replaced": f"{words.count(counts['replaced'], 'first-print figure')}",
        "revised": words.count(counts["revised"], "figure"),
    }


def _conflicts(n: int) -> str:
    if n == 0:
        return "No pair is a conflict of two figures for the same concept."
    verb = "is a conflict" if n == 1 else "are conflicts"
    return f"{words.count(n, 'pair')} {verb}: both figures claim the same concept."


def check_groups(checks: pd.DataFrame) -> list[dict[str, Any]]:
    """Failed checks by severity and kind; the first of each with message, the rest counted."""
    groups = []
    for (severity, kind), part in checks.groupby(["severity", "kind"]):
        shown = [
            {"id": r["check_id"], "observed": r["observed"], "expected": r["expected"], "message": _cut(r["message"])}
            for r in part.head(SHOWN_CHECKS).to_dict("records")
        ]
        groups.append(
            {
                "severity": severity,
                "kind": kind.replace("_", " "),
                "n": words.number(len(part)),
                "shown": shown,
                "more": len(part) - len(shown),
            }
        )
    return groups


def _cut(text: object) -> str:
    full = "" if pd.isna(text) else str(text)
    return full if len(full) <= MESSAGE_LENGTH else full[:MESSAGE_LENGTH].rsplit(" ", 1)[0] + " …"


def _load(r: dict[str, Any]) -> dict[str, Any]:
    clean = {key: "" if pd.isna(value) else value for key, value in r.items()}
    clean["data_year"] = clean["data_year"] or "several"
    clean["n_cells"] = words.number(clean["n_cells"])
    return clean


def queries(meta: Meta, facts: Facts) -> list[dict[str, str]]:
    """Three queries that run as they are on the published file."""
    top = last_year_table(facts).iloc[0]
    keys = {"index": meta.index_code, "basis": meta.basis, "year": meta.last_year, "city": top["city_id"]}
    literal = {k: v if isinstance(v, int) else "'" + str(v).replace("'", "''") + "'" for k, v in keys.items()}
    named = f"{top['name_en']} ({top['name_zh']})"
    return [
        {"title": f"The ranking of {meta.last_year}", "sql": _RANKING.format(**literal)},
        {
            "title": f"Why this number: {named} in {meta.last_year}, down to the printed cells",
            "sql": _WHY.format(**literal),
        },
        {
            "title": f"Every candidate of the figures of {named} in {meta.last_year}, used or not",
            "sql": _CANDIDATES.format(**literal),
        },
    ]


_RANKING = """select s.rank_year, c.name_en, c.name_zh, c.province_en, s.score_100, s.share_imputed_weight
from mart.mart_index_score as s
join mart.dim_city as c using (city_id)
where s.index_code = {index} and s.basis = {basis}
  and s.weight_scheme = 'entropy_flat' and s.year = {year}
order by s.rank_year;"""

_WHY = """select k.indicator_code, 100 * k.contribution as points, k.weight, k.z,
  v.value_final, v.unit, v.value_origin,
  p.variable_code, p.value as printed_value, p.unit as printed_unit, p.file, p.sheet, p.cell
from mart.mart_index_contribution as k
join mart.mart_indicator_value as v using (basis, index_code, city_id, year, indicator_code)
left join mart.mart_indicator_source as p using (index_code, city_id, year, indicator_code)
where k.index_code = {index} and k.basis = {basis} and k.city_id = {city} and k.year = {year}
order by points desc, p.variable_code;"""

_CANDIDATES = """select variable_code, source, concept, value, unit, is_selected, is_corrected, fill_rule,
  text, file, sheet, cell
from mart.mart_source_value
where city_id = {city} and year = {year}
order by variable_code, is_selected desc, source;"""
