"""The blocks of a load as a frame: one row per variable, scope and year, with what is wrong and how to go on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from expectations import paste
from expectations.blocks import BlockYear, Fault, blocks_by_year
from expectations.contract import Baseline, Frames, figure
from expectations.identity import Identity, read_identities
from expectations.slips import fitting_units
from expectations.tracking import Fit
from expectations.verdicts import has_ranks, judge_year, usual_median

MAX_EXAMPLES, SHOWN = 5, 3


def judged_blocks(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> pd.DataFrame:
    """One row per block, worked out once for all suites of a run. `fault` is the rule that is broken, '' if none.

    n_cities, n_pairs, year_last, spearman, median_log_ratio: what the rules saw.  can_*: whether a rule applies.
    why: the reason in words.  places: example cities with figure and cell.  examples: the same as a list.
    paste_rows: ready-made rows for the seed `paste_into`.
    """
    return judged_load(frames, baseline)[0]


def judged_years(frames: Mapping[str, pd.DataFrame], baseline: Baseline) -> list[BlockYear]:
    """The blocks of each year with their faults."""
    return judged_load(frames, baseline)[1]


def judged_load(
    frames: Mapping[str, pd.DataFrame], baseline: Baseline
) -> tuple[pd.DataFrame, list[BlockYear], list[Identity]]:
    """Frame of the blocks, the years they come from, and the identities they were held against."""
    frames = frames if isinstance(frames, Frames) else Frames(frames)
    memo = frames.memo
    if "judged" not in memo:
        identities = read_identities(frames["identities"])
        years, rows = [], []
        for blocks in blocks_by_year(frames, baseline):
            fits = judge_year(blocks, identities)
            years.append(blocks)
            rows += [_row(blocks, block, fits[block], frames, baseline, identities) for block in blocks.wide.columns]
        memo["judged"] = (pd.DataFrame(rows, columns=None if rows else ["block", "fault"]), years, identities)
    answer: tuple[pd.DataFrame, list[BlockYear], list[Identity]] = memo["judged"]
    return answer


def _row(
    blocks: BlockYear,
    block: str,
    past_fit: Fit,
    frames: Mapping[str, pd.DataFrame],
    baseline: Baseline,
    identities: list[Identity],
) -> dict[str, Any]:
    first, fault, n_cities = blocks.cell(block), blocks.faults.get(block), len(blocks.order(block))
    headers = headers_of(frames, first["variable_code"], first["scope"])
    low, high = usual_median(first, blocks.limits)
    ranks = has_ranks(first["unit"], float(first["min_rho"]))
    row: dict[str, Any] = {
        "block": f"{block}/{blocks.year}",
        "variable_code": first["variable_code"],
        "scope": first["scope"],
        "year": blocks.year,
        "fault": fault.rule_id if fault else "",
        "why": fault.why if fault else "",
        "n_cities": n_cities,
        "n_pairs": past_fit.n,
        "year_last": blocks.year_last.get(block),
        "spearman": past_fit.rho,
        "median_log_ratio": past_fit.median,
        "can_slip": past_fit.n >= blocks.limits["min_cities"] and not np.isnan(past_fit.median),
        "can_stand": ranks and (past_fit.n >= blocks.limits["min_ranked"] or blocks.is_printed_page),
        "can_rank": ranks and past_fit.n >= blocks.limits["min_ranked"],
        "can_median": n_cities >= blocks.limits["min_usual"] and not (np.isnan(low) and np.isnan(high)),
        "can_identity": any(
            block in identity.blocks and set(identity.blocks) <= set(blocks.wide.columns) for identity in identities
        ),
        "file": first["file"],
        "sheet": first["sheet"],
        "unit": first["unit"],
        "header_path": " | ".join(dict.fromkeys(str(head["header_path"]) for head in headers)),
        "col_no": headers[0]["col_no"] if headers else None,
        "examples": [],
        "places": "",
        "paste_into": "",
        "paste_rows": "",
        "sentence": "",
    }
    return row | _way_out(blocks, block, fault, headers, frames, baseline) if fault else row


def headers_of(frames: Mapping[str, pd.DataFrame], variable: str, scope: str) -> list[dict[str, Any]]:
    """The printed headers of a variable and scope, each key once."""
    memo = frames.memo if isinstance(frames, Frames) else {}
    if "headers" not in memo:
        once = frames["headers"].drop_duplicates(["variable_code", "scope", "header_key"])
        by_meaning: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in once.to_dict("records"):
            by_meaning.setdefault((row["variable_code"], row["scope"]), []).append({str(k): v for k, v in row.items()})
        memo["headers"] = by_meaning
    return list(memo["headers"].get((variable, scope), []))


def _way_out(
    blocks: BlockYear,
    block: str,
    fault: Fault,
    headers: list[dict[str, Any]],
    frames: Mapping[str, pd.DataFrame],
    baseline: Baseline,
) -> dict[str, Any]:
    """Examples, sentence and ready-made rows of a block at fault."""
    examples = _examples(blocks, block, fault)
    reason = f"{blocks.year} refused by {fault.rule_id}: {fault.why}"
    rows, fits = paste.ignore_rows(baseline.source, headers, blocks.year, reason), ""
    units = [unit for head in headers[:1] for unit in fitting_units(frames["units"], head["unit"], fault.power)]
    if units:
        fits = f"; the figures would fit with {' or '.join(units)} instead of {headers[0]['unit']}"
        if baseline.data_year:
            because = f"{blocks.year}: the figures are in {units[0]}"
            rows = [*paste.unit_rows(baseline.source, headers, blocks.year, units[0], because), *rows]
    places = "; ".join(_place(example) for example in examples[:SHOWN])
    variable, _, scope = block.partition("/")
    where = f"{headers[0]['file']}, sheet {headers[0]['sheet']}, {' | '.join(h['header_path'] for h in headers)}"
    rows_text = "\n".join(rows)
    return {
        "why": fault.why + fits,
        "examples": examples,
        "places": places,
        "paste_into": paste.HEADER_MAP,
        "paste_rows": rows_text,
        "sentence": f"{variable} ({scope}) {blocks.year} [{where if headers else blocks.cell(block)['file']}]: "
        f"{fault.why}{fits}. For example {places}.",
    }


def _examples(blocks: BlockYear, block: str, fault: Fault) -> list[dict[str, Any]]:
    cells = blocks.of(block).set_index("city_id", drop=False)
    past = pd.Series(blocks.column(block, of_past=True), index=blocks.wide.index)
    examples = []
    for city in [city for city in fault.cities if city in cells.index][:MAX_EXAMPLES]:
        cell: Any = cells.loc[city]
        before = float(past.get(city, np.nan))
        examples.append(
            {
                "city_id": city,
                "city_name": cell["city_name"],
                "file": cell["file"],
                "sheet": cell["sheet"],
                "cell": cell["cell"],
                "text": str(cell["text"]),
                "value": float(cell["value"]),
                "unit": cell["unit"],
                "value_last": None if np.isnan(before) else before,
            }
        )
    return examples


def _place(example: Mapping[str, Any]) -> str:
    before = "" if example["value_last"] is None else f", before {figure(example['value_last'])}"
    return (
        f"{example['city_name']} {figure(example['value'])} {example['unit']} (printed '{example['text']}'{before}, "
        f"cell {example['cell']})"
    )
