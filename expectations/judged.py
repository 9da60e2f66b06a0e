"""The blocks of a load as a frame: one row per variable, scope and year, with what is wrong and how to go on."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from expectations import paste
from expectations.blocks import BlockYear, Fault, blocks_by_year
from expectations.contract import Baseline, Frames
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
        for one in blocks_by_year(frames, baseline):
            fits = judge_year(one, identities)
            years.append(one)
            rows += [_row(one, block, fits[block], frames, baseline, identities) for block in one.wide.columns]
        memo["judged"] = (pd.DataFrame(rows, columns=None if rows else ["block", "fault"]), years, identities)
    found: tuple[pd.DataFrame, list[BlockYear], list[Identity]] = memo["judged"]
    return found


def _row(
    one: BlockYear,
    block: str,
    own: Fit,
    frames: Mapping[str, pd.DataFrame],
    baseline: Baseline,
    identities: list[Identity],
) -> dict[str, Any]:
    cells, fault = one.of(block), one.faults.get(block)
    first = cells.iloc[0]
    headers = headers_of(frames, first["variable_code"], first["scope"])
    low, high = usual_median(cells, one.limits)
    row: dict[str, Any] = {
        "block": f"{block}/{one.year}",
        "variable_code": first["variable_code"],
        "scope": first["scope"],
        "year": one.year,
        "fault": fault.rule_id if fault else "",
        "why": fault.why if fault else "",
        "n_cities": len(cells),
        "n_pairs": own.n,
        "year_last": one.year_last.get(block),
        "spearman": own.rho,
        "median_log_ratio": own.median,
        "can_slip": own.n >= one.limits["min_cities"] and not np.isnan(own.median),
        "can_stand": has_ranks(first["unit"]) and (own.n >= one.limits["min_ranked"] or one.is_printed_page),
        "can_rank": has_ranks(first["unit"]) and own.n >= one.limits["min_ranked"],
        "can_median": len(cells) >= one.limits["min_usual"] and not (np.isnan(low) and np.isnan(high)),
        "can_identity": any(
            block in identity.blocks and set(identity.blocks) <= set(one.wide.columns) for identity in identities
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
    return row | _way_out(one, block, fault, headers, frames, baseline) if fault else row


def headers_of(frames: Mapping[str, pd.DataFrame], variable: str, scope: str) -> list[dict[str, Any]]:
    """The printed headers of a variable and scope, each key once."""
    memo = frames.memo if isinstance(frames, Frames) else {}
    if "headers" not in memo:
        once = frames["headers"].drop_duplicates(["variable_code", "scope", "header_key"])
        found: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for row in once.to_dict("records"):
            found.setdefault((row["variable_code"], row["scope"]), []).append({str(k): v for k, v in row.items()})
        memo["headers"] = found
    return list(memo["headers"].get((variable, scope), []))


def _way_out(
    one: BlockYear,
    block: str,
    fault: Fault,
    headers: list[dict[str, Any]],
    frames: Mapping[str, pd.DataFrame],
    baseline: Baseline,
) -> dict[str, Any]:
    """Examples, sentence and ready-made rows of a block at fault."""
    examples = _examples(one, block, fault)
    reason = f"{one.year} refused by {fault.rule_id}: {fault.why}"
    rows, fits = paste.ignore_rows(baseline.source, headers, one.year, reason), ""
    units = [unit for head in headers[:1] for unit in fitting_units(frames["units"], head["unit"], fault.power)]
    if units:
        fits = f"; the figures would fit with {' or '.join(units)} instead of {headers[0]['unit']}"
        if baseline.data_year:
            because = f"{one.year}: the figures are in {units[0]}"
            rows = [*paste.unit_rows(baseline.source, headers, one.year, units[0], because), *rows]
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
        "sentence": f"{variable} ({scope}) {one.year} [{where if headers else one.of(block)['file'].iloc[0]}]: "
        f"{fault.why}{fits}. For example {places}.",
    }


def _examples(one: BlockYear, block: str, fault: Fault) -> list[dict[str, Any]]:
    cells = one.of(block).set_index("city_id", drop=False)
    past = pd.Series(one.column(block, of_past=True), index=one.wide.index)
    found = []
    for city in [city for city in fault.cities if city in cells.index][:MAX_EXAMPLES]:
        cell: Any = cells.loc[city]
        before = float(past.get(city, np.nan))
        found.append(
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
    return found


def _place(example: Mapping[str, Any]) -> str:
    before = "" if example["value_last"] is None else f", before {example['value_last']:,.6g}"
    return (
        f"{example['city_name']} {example['value']:,.6g} {example['unit']} (printed '{example['text']}'{before}, "
        f"cell {example['cell']})"
    )
