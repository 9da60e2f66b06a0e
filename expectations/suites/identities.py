"""Suite `identities`: one row per identity and city, and one per province total. Which single figures disagree?

An identity that more than 5 % of the cities break is a matter of whole columns and reported by suite `blocks`.
"""

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from great_expectations.core import ExpectationSuite

from expectations import paste
from expectations.blocks import BlockYear
from expectations.columns import Rule, as_number, must_be_true
from expectations.contract import Baseline
from expectations.identity import Identity, breaks_block
from expectations.judged import judged_load
from expectations.verdicts import with_columns, without_reviewed

NAME = "identities"

MAX_PROVINCE_GAP = 0.15  # docs/formulas.md#gate

HOLDS = Rule(
    rule_id="identity_holds",
    sentence="Every city meets the identities between the columns of the file.",
    noun="identities of a city",
    fault="do not hold",
    example="{city_name} {year}: {identity} is {ratio}, {words}: {figures}",
    advice="Compare with the printed page: a slip needs a row in correction.csv; a figure that is right is marked with "
    "action `keep`.",
    severity="warn",
    group="identity",
)
PROVINCE = Rule(
    rule_id="province_sum_is_near_total",
    sentence="The cities of a province sum to its total within 15 %.",
    noun="province totals",
    fault="are not the sum of their cities",
    example="{city_name} {year} {variable_code}: cities sum to {ratio} of the total {value}",
    advice="Look for missing or doubled cities; figures that the province counts elsewhere need no action.",
    severity="warn",
)
_COLUMNS = [
    "identity",
    "words",
    "city_id",
    "city_name",
    "year",
    "variable_code",
    "scope",
    "ratio",
    "figures",
    "value",
    "text",
    "unit",
    "file",
    "sheet",
    "cell",
    "paste_into",
    "paste_rows",
    "is_met",
    "is_near_total",
]


def prepare(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per identity, year and city with all figures; then one per province total of a stock or flow."""
    _, years, identities = judged_load(frames, baseline)
    parts = [_checked(one, identity, baseline) for one in years for identity in with_columns(one, identities)]
    parts.append(_provinces(frames))
    filled = [part for part in parts if len(part)]
    frame = pd.concat(filled, ignore_index=True) if filled else pd.DataFrame()
    return frame.reindex(columns=_COLUMNS)


def _checked(one: BlockYear, identity: Identity, baseline: Baseline) -> pd.DataFrame:
    found = without_reviewed(one, identity)
    # a column that is refused is not compared once more
    if found.empty or breaks_block(found) or set(identity.blocks) & set(one.faults):
        return pd.DataFrame()
    frame = found.assign(
        identity=identity.code, words=identity.words, year=one.year, city_id=found.index, is_met=~found["is_broken"]
    )
    if frame["is_met"].all():
        return frame
    cells = one.cells[one.cells["block"].isin(identity.blocks)].set_index(["city_id", "block"]).to_dict("index")
    texts = [_figures(cells, str(city), identity, baseline) for city in frame.index[~frame["is_met"]]]
    broken = pd.DataFrame(texts, index=frame.index[~frame["is_met"]])
    return frame.join(broken)


def _figures(
    cells: Mapping[Hashable, Mapping[Hashable, Any]], city: str, identity: Identity, baseline: Baseline
) -> dict[str, object]:
    """The figures of one city that break an identity; the place is that of the first. cells: by city and block."""
    rows = [{str(name): value for name, value in cells[city, block].items()} for block in identity.blocks]
    figures = ", ".join(f"{row['variable_code']} ({row['scope']}) {row['value']:,.6g} [{row['cell']}]" for row in rows)
    first = rows[0]
    keep = [paste.keep_row(baseline.source, {**row, "city_id": city}, f"reviewed: {identity.code}") for row in rows]
    return {
        "figures": figures,
        "paste_into": paste.CORRECTION,
        "paste_rows": "\n".join(keep),
        **{
            name: first[name]
            for name in ("city_name", "variable_code", "scope", "value", "text", "unit", "file", "sheet", "cell")
        },
    }


def _provinces(frames: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Sum of cities over total of each province, year and variable of the load that adds up."""
    totals = frames["totals"].assign(
        value=as_number(frames["totals"]["value"]), year=as_number(frames["totals"]["year"])
    )
    values = frames["values"][frames["values"]["kind"].isin(["stock", "flow"])]
    values = values.assign(value=as_number(values["value"]), year=as_number(values["year"]))
    keys = ["province_id", "year", "variable_code", "scope"]
    sums = values.dropna(subset=["value"]).groupby(keys)["value"].sum().rename("of_cities").reset_index()
    frame = totals[totals["value"] > 0].merge(sums, on=keys, how="inner")
    frame = frame.rename(columns={"province_name": "city_name"})
    frame["ratio"] = frame["of_cities"] / frame["value"]
    frame["is_near_total"] = np.abs(frame["ratio"] - 1) <= MAX_PROVINCE_GAP
    return frame


def build_suite(baseline: Baseline) -> ExpectationSuite:
    """Expectations on identities of single cities and on province sums."""
    expectations = [must_be_true("is_met", HOLDS), must_be_true("is_near_total", PROVINCE)]
    return ExpectationSuite(name=NAME, expectations=expectations, meta={"suite": NAME})
