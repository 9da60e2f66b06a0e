"""How well an editing layer finds planted slips: recall, sound figures touched, and the error of what replaces them."""

import numpy as np
import pandas as pd

CELL = ["city_id", "year", "variable_code"]
SLIP_COLUMNS = ["event_id", "slip_class", *CELL, "true_value", "printed_value"]
EDIT_COLUMNS = [*CELL, "printed_value", "used_value", "rule", "action"]
RECALL_COLUMNS = ["kind", "name", "n_events", "n_events_found", "event_recall", "n_cells", "n_cells_touched"]
RECALL_COLUMNS += ["cell_recall", "n_sound", "n_sound_touched", "sound_touched_per_2000"]
RECALL_COLUMNS += ["n_replaced", "mean_abs_error"]
PER_SOUND = 2000
LEFT_ALONE = ("accept", "keep", "pending")  # actions after which a figure is used as printed
BY_PERSON = ("reviewed",)  # rules that are not scored
BREAKS = ("definition_break", "scope_break", "census_break")  # classes that change a series for good


def edit_recall(slips: pd.DataFrame, edits: pd.DataFrame, *, n_values: int) -> pd.DataFrame:
    """RECALL_COLUMNS: one row per class of slip, one per rule, and one for all ('class', 'rule', 'all').

    slips: SLIP_COLUMNS, one row a cell; a cell whose true and printed value agree is sound, and planted because it
    looks wrong. edits: EDIT_COLUMNS, used_value missing where a figure was taken out. n_values: figures looked at.
    An event is found when one of its cells is touched; a cell of BREAKS where the series of its city is relinked, which
    moves the years before the break. Sound is every value in no event with a slip; of a class, its own sound cells.
    mean_abs_error: mean |used / true - 1| over touched slips with a used value.
    """
    for label, frame, columns in (("slips", slips, SLIP_COLUMNS), ("edits", edits, EDIT_COLUMNS)):
        if missing := [column for column in columns if column not in frame]:
            raise ValueError(f"{label} lacks the column(s) {', '.join(missing)}.")
    keys = ["source", *CELL] if "source" in slips and "source" in edits else CELL
    changes = edits[~edits["action"].isin(LEFT_ALONE) & ~edits["rule"].isin(BY_PERSON)]
    cells = slips.assign(is_wrong=~np.isclose(slips["true_value"], slips["printed_value"], rtol=1e-9, atol=0))
    cells["has_slip"] = cells.groupby("event_id")["is_wrong"].transform("any")
    series = [key for key in CELL if key != "year"]  # what is used may be made of several sources
    is_break, is_relink = cells["slip_class"].isin(BREAKS), changes["action"] == "relink"
    broken = pd.MultiIndex.from_frame(cells.loc[is_break & cells["has_slip"], series])
    answers = is_relink & pd.MultiIndex.from_frame(changes[series]).isin(broken)  # relinked for a planted break
    others = changes[~answers]
    is_edit = pd.MultiIndex.from_frame(cells[keys]).isin(pd.MultiIndex.from_frame(others[keys]))
    relinks = pd.MultiIndex.from_frame(changes.loc[answers, series])
    cells["is_touched"] = is_edit | (is_break & pd.MultiIndex.from_frame(cells[series]).isin(relinks))
    wrong = cells[cells["is_wrong"]]
    slip_cells = pd.MultiIndex.from_frame(cells.loc[cells["has_slip"], keys])
    false = others[~pd.MultiIndex.from_frame(others[keys]).isin(slip_cells)]
    n_sound = n_values - len(slip_cells.unique())
    last = changes.drop_duplicates(keys, keep="last")[[*keys, "used_value"]]
    pairs = wrong.merge(last, on=keys, how="inner").dropna(subset=["used_value"])
    errors = (pairs["used_value"] / pairs["true_value"] - 1).abs()
    rows = []
    for name, part in cells.groupby("slip_class", sort=True):
        wrong_cells, error = part[part["is_wrong"]], errors[pairs["slip_class"] == name]
        sound = part[~part["has_slip"]]
        rows.append(_row("class", str(name), part, wrong_cells, len(sound), int(sound["is_touched"].sum()), error))
    for name in sorted(changes["rule"].unique()):
        n_false = len(pd.MultiIndex.from_frame(false.loc[false["rule"] == name, keys]).unique())
        rows.append({"kind": "rule", "name": str(name), **_sound(n_sound, n_false)})
    n_false = len(pd.MultiIndex.from_frame(false[keys]).unique())
    rows.append(_row("all", "all", cells[cells["has_slip"]], wrong, n_sound, n_false, errors))
    return pd.DataFrame(rows, columns=RECALL_COLUMNS)


def _row(
    kind: str, name: str, events: pd.DataFrame, wrong: pd.DataFrame, n_sound: int, n_false: int, errors: pd.Series
) -> dict[str, object]:
    is_hit = events[events["has_slip"]].groupby("event_id")["is_touched"].any()
    return {
        "kind": kind,
        "name": name,
        "n_events": len(is_hit),
        "n_events_found": int(is_hit.sum()),
        "event_recall": float(is_hit.mean()) if len(is_hit) else np.nan,
        "n_cells": len(wrong),
        "n_cells_touched": int(wrong["is_touched"].sum()),
        "cell_recall": float(wrong["is_touched"].mean()) if len(wrong) else np.nan,
        **_sound(n_sound, n_false),
        "n_replaced": len(errors),
        "mean_abs_error": float(errors.mean()) if len(errors) else np.nan,
    }


def _sound(n_sound: int, n_false: int) -> dict[str, object]:
    rate = PER_SOUND * n_false / n_sound if n_sound else np.nan
    return {"n_sound": n_sound, "n_sound_touched": n_false, "sound_touched_per_2000": rate}
