"""Figures one by one: is each a number, inside its band, near its past, and does it meet the identities?"""

import math
from collections.abc import Hashable, Mapping
from typing import Any

import pandas as pd

from expectations import paste
from expectations.blocks import BlockYear
from expectations.columns import as_flag, as_number, is_blank, of_figures, only_where, words
from expectations.contract import Baseline, Frames, Limits, figure
from expectations.identity import Identity, breaks_block
from expectations.judged import judged_blocks, judged_load
from expectations.slips import log_ratio, slip_text
from expectations.verdicts import with_columns, without_reviewed


def values(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per cell.

    A corrected cell is exempt from all rules: a person has looked at it. A cell of a refused block is only asked
    whether it is a number. influence: weight of the variable times the distance of the figure from its column's median
    move; the most influential come first.
    """
    frame = frames["values"].reset_index(drop=True)
    value, low, high = (as_number(frame[column]) for column in ("value", "band_low", "band_high"))
    is_uncorrected = ~as_flag(frame["is_corrected"])
    is_printed = is_uncorrected & ~is_blank(frame["text"])
    frame["value_is_number"] = only_where(is_printed, as_flag(frame["is_number"]))
    frame["value_is_printed_alone"] = only_where(is_printed & as_flag(frame["is_number"]), frame["litter"].isna())
    frame["value_is_as_printed"] = only_where(is_printed, frame["reading"].isna())
    is_inside = ~((value < low) | (value > high))
    applies = is_uncorrected & ~_is_refused(frame, judged_blocks(frames, baseline))
    frame["value_is_inside_band"] = only_where(applies & value.notna() & (low.notna() | high.notna()), is_inside)
    ratio = log_ratio(frame)
    frame["slip"] = ratio.map(slip_text)
    distance, in_mads = from_median(ratio, frame, frames.limits)
    # A value outside its band has been reported already: one slip, one message.
    frame["value_is_near_last"] = in_mads.where(applies & ratio.notna() & is_inside)
    weight = of_figures(frame, baseline.weight)
    frame["influence"] = (distance.fillna(0.0) * weight).round(3)
    frame = frame.assign(paste_into="", paste_rows="")
    is_read_otherwise = _is_broken(frame["value_is_as_printed"]) & frame["city_id"].notna()
    is_read_otherwise &= ~frame["text"].fillna("").str.contains(r"[\r\n]")  # a ready-made row is one line
    for at, text in _typed(frame, is_read_otherwise, frames.limits["slip_tolerance"]).items():
        row = {str(name): value for name, value in frame.loc[at].items()}
        frame.loc[at, ["paste_into", "paste_rows"]] = [
            paste.CORRECTION,
            paste.correction_row(baseline.source, row, "replace", text, ""),
        ]
    is_outside = _is_broken(frame["value_is_inside_band"])
    frame.loc[is_outside, "paste_into"] = paste.CORRECTION
    frame.loc[is_outside, "paste_rows"] = [
        paste.correction_row(baseline.source, {str(name): value for name, value in row.items()}, "replace", "", "")
        for row in frame[is_outside].to_dict("records")
    ]
    is_asked = _is_broken(frame["value_is_number"]) & frame["pattern"].notna()
    frame.loc[is_asked, "paste_into"] = paste.PATTERN
    frame.loc[is_asked, "paste_rows"] = [
        paste.pattern_row(baseline.source, baseline.data_year, str(text)) for text in frame.loc[is_asked, "pattern"]
    ]
    return frame.sort_values("influence", ascending=False, kind="stable", ignore_index=True)


def _is_broken(rule: pd.Series) -> pd.Series:
    return rule.eq(False).fillna(False).astype(bool)


def _typed(frame: pd.DataFrame, is_chosen: pd.Series, slip_tolerance: float) -> dict[int, str]:
    """What the page probably should print in each chosen cell, in the unit of its column: the figure that is used, else
    the digits of the text with the one decimal point that brings them near the last accepted figure (slip_tolerance, in
    logarithms); '' where neither says."""
    value, last, printed = as_number(frame["value"]), as_number(frame["value_last"]), as_number(frame["text"])
    nearest, farthest = last * math.exp(-slip_tolerance), last * math.exp(slip_tolerance)
    block = [frame["variable_code"], frame["scope"], frame["year"]]
    factor = (value / printed).where(printed > 0).groupby(block).transform("median").fillna(1.0)
    texts = {}
    for at in frame.index[is_chosen]:
        digits = "".join(sign for sign in str(frame.at[at, "text"]).replace(",", ".") if sign in "0123456789.")
        number = float(digits) if digits.replace(".", "", 1).isdigit() else 0.0
        if not pd.isna(value[at]):
            fits = [value[at] / factor[at]]
        else:
            points = [number / 10**k for k in range(5)]
            fits = [one for one in points if nearest[at] < one * factor[at] < farthest[at]]
        texts[at] = f"{fits[0]:.10g}" if len(fits) == 1 else ""
    return texts


def _is_refused(frame: pd.DataFrame, blocks: pd.DataFrame) -> pd.Series:
    """True for the cells of blocks at fault: one fault, one message."""
    at_fault = set(blocks.loc[blocks["fault"] != "", "block"])
    if not at_fault:
        return pd.Series(False, index=frame.index)
    year = as_number(frame["year"]).astype("Int64").astype("string")
    names = frame["variable_code"].astype("string") + "/" + frame["scope"].astype("string") + "/" + year
    return names.isin(at_fault)


def from_median(ratio: pd.Series, frame: pd.DataFrame, limits: Limits) -> tuple[pd.Series, pd.Series]:
    """|r - median| within variable, scope, year; and the same in median absolute deviations, 0 where cities are few."""
    by = [frame["variable_code"], frame["scope"], frame["year"]]
    distance = (ratio - ratio.groupby(by, dropna=False).transform("median")).abs()
    mad = distance.groupby(by, dropna=False).transform("median").clip(lower=limits["min_mad"])
    enough = ratio.groupby(by, dropna=False).transform("count") >= limits["min_cities_of_mad"]
    return distance, (distance / mad).where(enough, 0.0)


def identities(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per identity, year and city with all figures; then one per province total of a stock or flow.

    An identity that many cities break is a matter of whole columns and reported by frame `blocks`.
    """
    _, years, all_identities = judged_load(frames, baseline)
    parts = [
        _checked(blocks, identity, baseline) for blocks in years for identity in with_columns(blocks, all_identities)
    ]
    parts.append(_provinces(frames))
    with_rows = [part for part in parts if len(part)]
    frame = pd.concat(with_rows, ignore_index=True) if with_rows else pd.DataFrame()
    return frame.reindex(columns=_COLUMNS)


_COLUMNS = words(
    "identity words city_id city_name year variable_code scope ratio figures value text unit file sheet cell "
    "paste_into paste_rows identity_holds province_sum_is_near_total"
)


def _checked(blocks: BlockYear, identity: Identity, baseline: Baseline) -> pd.DataFrame:
    cities = without_reviewed(blocks, identity)
    # a column that is refused is not compared once more
    if cities.empty or breaks_block(cities, blocks.limits) or set(identity.blocks) & set(blocks.faults):
        return pd.DataFrame()
    is_met = ~cities["is_broken"]
    frame = cities.assign(
        identity=identity.code, words=identity.words, year=blocks.year, city_id=cities.index, identity_holds=is_met
    )
    if is_met.all():
        return frame
    broken, cells = frame.index[~is_met], blocks.cells
    cells = cells[cells["block"].isin(identity.blocks) & cells["city_id"].isin(broken)]
    cell_of = cells.set_index(["city_id", "block"]).to_dict("index")
    texts = [_figures(cell_of, str(city), identity, baseline) for city in broken]
    return frame.join(pd.DataFrame(texts, index=broken))


def _figures(
    cells: Mapping[Hashable, Mapping[Hashable, Any]], city: str, identity: Identity, baseline: Baseline
) -> dict[str, object]:
    """The figures of one city that break an identity; the place is that of the first. cells: by city and block."""
    rows = [{str(name): value for name, value in cells[city, block].items()} for block in identity.blocks]
    figures = ", ".join(
        f"{row['variable_code']} ({row['scope']}) {figure(row['value'])} [{row['cell']}]" for row in rows
    )
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


def _provinces(frames: Frames) -> pd.DataFrame:
    """Sum of cities over total of each province, year and variable of the load that adds up."""
    totals = frames["totals"].assign(
        value=as_number(frames["totals"]["value"]), year=as_number(frames["totals"]["year"])
    )
    values = frames["values"]
    values = values[values["variable_code"].isin(totals["variable_code"]) & values["kind"].isin(["stock", "flow"])]
    values = values.assign(value=as_number(values["value"]), year=as_number(values["year"]))
    keys = ["province_id", "year", "variable_code", "scope"]
    sums = values.dropna(subset=["value"]).groupby(keys)["value"].sum().rename("of_cities").reset_index()
    frame = totals[totals["value"] > 0].merge(sums, on=keys, how="inner")
    frame = frame.rename(columns={"province_name": "city_name"})
    frame["ratio"] = frame["of_cities"] / frame["value"]
    frame["province_sum_is_near_total"] = (frame["ratio"] - 1).abs()
    return frame
