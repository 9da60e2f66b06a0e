"""Section 5: the weights with their skewness, and what equal weights would change."""

from __future__ import annotations

from typing import Any

import pandas as pd
from markupsafe import Markup

from dagster_project.publish.site import charts, labels, words
from dagster_project.publish.site.queries import Facts
from dagster_project.publish.site.ranking import last_year_table
from python_models import estimates


def view(facts: Facts, note: str) -> dict[str, Any]:
    """Dot plot, table, and what equal weights would change."""
    rows: list[charts.Row] = []
    for k, r in enumerate(facts.weights.to_dict("records"), start=1):
        skewness = None if pd.isna(r["skewness"]) else round(r["skewness"], 3)
        rows.append(
            {
                "no": k,
                "code": r["code"],
                "name": r["name_en"] or r["code"],
                "skewness": skewness,
                "weight": round(100 * r["weight"], 3),
                "dimension": _dimension(r["dimension"]),
            }
        )
    dotted = labels.place([row for row in rows if row["skewness"] is not None], x="skewness", y="weight", text="code")
    names = list(dict.fromkeys(_dimension(d) for d in sorted(facts.weights["dimension"])))
    counted = words.count(len(dotted), "indicator")
    alt_text = f"Dot plot of the weight against the skewness of {counted}; all figures are in the table."
    spec = charts.weights(dotted, dimensions=names, title="Weight and skewness", note=note, alt_text=alt_text)
    return {
        "specs": {"weights": spec},
        "dimensions": names,
        "table": [_row(k, r) for k, r in enumerate(facts.weights.to_dict("records"), start=1)],
        "sentences": [_heaviest(facts), *_equal_weights(facts)],
    }


def _dimension(code: str) -> str:
    return words.PART_NAMES.get(code, (code, ""))[0]


def _row(no: int, r: dict[str, Any]) -> list[Any]:
    direction = "more is better" if r["direction"] == 1 else "less is better"
    return [
        no,
        words.both(r["name_en"], r["name_zh"]),
        r["code"],
        f"{r['unit']}, {direction}",
        f"{r['dimension']}, {words.number(100 * r['dimension_weight'], 1)}",
        words.number(r["entropy"], 4),
        words.number(r["redundancy"], 4),
        words.number(100 * r["weight"], 1),
        words.number(r["skewness"], 2),
        r["flag"] or "",
    ]


def _heaviest(facts: Facts) -> Markup:
    w = facts.weights
    k = min(3, len(w))
    named = words.joined(words.both(r["name_en"], r["name_zh"]) for r in w.head(k).to_dict("records"))
    share = words.number(100 * w["weight"].head(k).sum(), 0)
    counted = (
        "heaviest indicator carries" if k == 1 else f"{words.spelled_number(k)} heaviest of {len(w)} indicators carry"
    )
    sides = words.joined(
        f"{_dimension(d).lower()} {words.number(100 * v, 1)} %"
        for d, v in w.groupby("dimension")["weight"].sum().items()
    )
    return Markup("The {} {} % of the weight: {}. By dimension: {}.").format(counted, share, named, sides)


def _equal_weights(facts: Facts) -> list[Markup]:
    table = last_year_table(facts).dropna(subset=["rank_equal"])
    rho = estimates.rank_correlation(table["rank"], table["rank_equal"])
    if table.empty or pd.isna(rho.value):
        return [Markup("The file holds no variant with equal weights that could be compared.")]
    shift = (table["rank"] - table["rank_equal"]).abs()
    far = table.loc[shift.idxmax()]
    limits = f"95 % interval: {words.number(rho.low, 3)} to {words.number(rho.high, 3)}"
    text = Markup(
        "With equal weights the order of the {} in {} has a rank correlation (Spearman) of {} with the order shown "
        "here ({}). At least half of the cities move by {} or more; {} moves most, from rank {} to {}."
    )
    if shift.max() == 0:
        return [Markup("With equal weights the order of the {} is the same.").format(words.cities(len(table)))]
    return [
        text.format(
            words.cities(len(table)),
            facts.meta.last_year,
            words.number(rho.value, 3),
            limits if rho.is_known else "no interval",
            words.count(int(shift.median()), "rank"),
            words.both(far["name_en"], far["name_zh"]),
            words.number(far["rank"]),
            words.number(far["rank_equal"]),
        )
    ]
