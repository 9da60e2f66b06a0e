"""Whole columns of one year: is this the column that its header says, has it jumped, was it filled in?"""

import numpy as np
import pandas as pd

from expectations import paste, verdicts
from expectations.blocks import BlockYear
from expectations.columns import only_where, words
from expectations.contract import Baseline, Frames
from expectations.judged import headers_of, judged_blocks, judged_years

PLACE = ["variable_code", "scope", "year", "city_name", "value", "text", "unit", "file", "sheet", "cell"]
# rule -> column that says where it applies ('' = everywhere), in the order in which the rules speak
APPLIES = {
    verdicts.SLIP: "can_slip",
    verdicts.PLACE: "can_stand",
    verdicts.RANKS: "can_rank",
    verdicts.MEDIAN: "can_median",
    verdicts.BAND: "",
    verdicts.IDENTITY: "can_identity",
}
_BLOCKS = words(
    "block file sheet col_no header_path variable_code scope year n_cities year_last n_pairs spearman median_log_ratio "
    "why places paste_into paste_rows sentence examples"
)
_JUMPS = words(
    "block variable_code scope year year_last n_cities median_log_ratio median_ratio jump_of_variable_is_small city_id "
    "city_name value value_last unit text file sheet cell header_path paste_into paste_rows"
)
_FILLS = words(
    "block variable_code scope year n_cities share_text year_is_no_midpoint year_is_no_repeat city_id city_name value "
    "text unit file sheet cell"
)


def blocks(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per variable, scope and year: one true/false column a rule, null where an earlier rule spoke.

    A block is named by the first rule that it breaks: one fault, one message.
    """
    block_rows = judged_blocks(frames, baseline)
    frame = block_rows.reindex(columns=_BLOCKS)
    spoken = pd.Series(False, index=block_rows.index)
    for rule_id, column in APPLIES.items():
        is_broken = block_rows["fault"] == rule_id
        applies = (block_rows[column].astype(bool) | is_broken) if column and column in block_rows else ~spoken
        frame[rule_id] = only_where(applies & ~spoken, ~is_broken)
        spoken = spoken | is_broken
    return frame.reset_index(drop=True)


def jumps(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per variable, scope and year with enough pairs of values above 0. Has a column moved against its past?

    A move by a power of ten is a slip of the unit and belongs to `blocks`; so does every other refused column.
    median_log_ratio = median over cities of ln(value / value_last). Growth adds up over years without an edition: the
    jump is that of one year of distance. The city shown is the one nearest to the median.
    """
    rows = [
        _jump(blocks, block, frames, baseline)
        for blocks in judged_years(frames, baseline)
        for block in blocks.wide.columns
        if block not in blocks.faults
    ]
    frame = pd.DataFrame([row for row in rows if row], columns=_JUMPS)
    frame["jump_of_variable_is_small_limit"] = baseline.jump_limit_log
    return frame.sort_values("median_log_ratio", key=pd.Series.abs, ascending=False, kind="stable", ignore_index=True)


def _jump(blocks: BlockYear, block: str, frames: Frames, baseline: Baseline) -> dict[str, object]:
    now, last = blocks.column(block), blocks.column(block, of_past=True)
    both = (now > 0) & (last > 0)
    if both.sum() < blocks.limits["min_cities"]:
        return {}
    ratios = np.log(now[both] / last[both])
    median = float(np.median(ratios))
    nearest = np.flatnonzero(both)[np.abs(ratios - median).argmin()]
    cell = blocks.cell(block, int((blocks.order(block) == nearest).argmax()))
    heads = headers_of(frames, cell["variable_code"], cell["scope"])
    year_last = blocks.year_last[block]
    reason = f"{blocks.year} refused by jump_of_variable_is_small: x{np.exp(median):.3g} against {year_last}"
    return {
        **{name: cell[name] for name in PLACE},
        "block": f"{block}/{blocks.year}",
        "city_id": cell["city_id"],
        "year_last": year_last,
        "n_cities": int(both.sum()),
        "median_log_ratio": median,
        "median_ratio": float(np.exp(median)),
        "jump_of_variable_is_small": abs(median)
        / (1 + blocks.limits["jump_more_a_year"] * (blocks.year - year_last - 1)),
        "value_last": float(last[nearest]),
        "header_path": " | ".join(str(head["header_path"]) for head in heads),
        "paste_into": paste.HEADER_MAP,
        "paste_rows": "\n".join(paste.ignore_rows(baseline.source, heads, blocks.year, reason)),
    }


def fills(frames: Frames, baseline: Baseline) -> pd.DataFrame:
    """One row per block and kind of fill that can be looked for. Was a whole year filled in without saying so?

    With the share of cities and one example. Midpoints: of the cities whose neighbours lie several printed digits
    apart. Repeats: of the cities with a figure in the year before; zeros do not count. Corrected cells count as they
    are now. A fill is counted and flagged cell by cell behind the gate; here a person is told of it.
    """
    years = {blocks.year: blocks for blocks in judged_years(frames, baseline)}
    rows = []
    for blocks in years.values():
        before, after = _beside(blocks, years.get(blocks.year - 1)), _beside(blocks, years.get(blocks.year + 1))
        for block in blocks.wide.columns:
            first, last = before.get(block), after.get(block)
            if first is None and blocks.year_last.get(block) == blocks.year - 1:
                first = blocks.column(block, of_past=True)
            if first is not None:
                rows += _repeats(blocks, block, first)
            if first is not None and last is not None:
                rows += _midpoints(blocks, block, first, last)
    frame = pd.DataFrame(rows, columns=_FILLS)
    # the limits of the rule of editing that flags the cells
    frame["year_is_no_midpoint_limit"] = frames.limits["midpoint_share"]
    frame["year_is_no_repeat_limit"] = frames.limits["repeat_share"]
    return frame


def _beside(blocks: BlockYear, year: BlockYear | None) -> dict[str, np.ndarray]:
    """Block -> its figures in another year of this load, by city of `blocks`."""
    if year is None:
        return {}
    wide = year.wide.reindex(blocks.wide.index)
    return {str(block): wide[block].to_numpy() for block in wide.columns}


def _repeats(blocks: BlockYear, block: str, before: np.ndarray) -> list[dict[str, object]]:
    x = blocks.column(block)
    comparable = ~np.isnan(x) & ~np.isnan(before) & (x != 0)
    return _fill(blocks, block, comparable, x == before, "year_is_no_repeat")


def _midpoints(blocks: BlockYear, block: str, before: np.ndarray, after: np.ndarray) -> list[dict[str, object]]:
    x = blocks.column(block)
    complete = ~np.isnan(x) & ~np.isnan(before) & ~np.isnan(after)
    counts = complete[blocks.order(block)]
    step = printed_step(*(blocks.array(block, name)[counts] for name in ("value", "printed", "decimals")))
    moves = complete & (np.abs(after - before) >= blocks.limits["wide_move"] * step)
    is_fill = np.abs(x - (before + after) / 2) <= 0.5 * step + 1e-9 * np.abs(x)
    return _fill(blocks, block, moves, is_fill, "year_is_no_midpoint")


def printed_step(values: np.ndarray, printed: np.ndarray, decimals: np.ndarray) -> float:
    """One unit of the last printed digit of a column, in the unit of its values; 0 where no text is a number."""
    is_number, has_point = ~np.isnan(printed) & (printed != 0), ~np.isnan(decimals)
    if not is_number.any():
        return 0.0
    factor = float(np.median(values[is_number] / printed[is_number]))
    return factor * 10.0 ** -(int(decimals[has_point].max()) if has_point.any() else 0)


def _fill(
    blocks: BlockYear, block: str, comparable: np.ndarray, is_fill: np.ndarray, rule_id: str
) -> list[dict[str, object]]:
    if comparable.sum() < blocks.limits["min_filled"]:
        return []
    is_fill = is_fill & comparable
    examples = is_fill if is_fill.any() else comparable
    example = blocks.cell(block, int(examples[blocks.order(block)].argmax()))
    share = float(is_fill.sum() / comparable.sum())
    row = {
        **{name: example[name] for name in PLACE},
        "city_id": example["city_id"],
        "n_cities": int(comparable.sum()),
        "share_text": f"{share:.1%}",
        rule_id: share,
        "block": f"{block}/{blocks.year}",
    }
    return [row]
