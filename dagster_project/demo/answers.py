"""The seed rows that answer the planted faults, in the columns of city_alias.csv and correction.csv.

The rows stand in the shipped seeds; a test compares them with the generator, so that neither can move alone.
"""

from typing import Any

import pandas as pd

from dagster_project.demo.damage import FAULTS
from dagster_project.demo.layout import tables_of

ALIAS_COLUMNS = ["alias", "city_id", "valid_from", "valid_to", "kind", "source", "reason"]
CORRECTION_COLUMNS = [
    "source",
    "vintage",
    "city_id",
    "year",
    "variable_code",
    "scope",
    "action",
    "value",
    "expect",
    "reason",
    "status",
]
_ACTIONS = {
    "unit_slip": ("scale", "demo (SYNTHETIC): printed in a unit 10 000 times smaller than the header says"),
    "ocr_number": ("replace", "demo (SYNTHETIC): a letter read for a digit; value of the producer's own table"),
}


def alias_rows() -> pd.DataFrame:
    """One row per misread city name, valid in its year only."""
    rows = [
        [f.planted, f.city_id, f.year, f.year, "ocr", f.source, "demo (SYNTHETIC): misread name"]
        for f in FAULTS
        if f.kind == "ocr_name"
    ]
    return pd.DataFrame(rows, columns=ALIAS_COLUMNS)


def correction_rows(faults: pd.DataFrame) -> pd.DataFrame:
    """One row per slip or misread number; `expect` is the printed text, so the rows belong to one seed.

    A replacement is typed in the unit that the column prints.
    """
    rows = []
    for fault in faults[faults["kind"].isin(list(_ACTIONS))].itertuples():
        action, reason = _ACTIONS[str(fault.kind)]
        value = "0.0001" if action == "scale" else f"{float(fault.value) * _scale(fault):.15g}"
        rows.append(
            [
                fault.source,
                "",
                fault.city_id,
                fault.year,
                fault.variable_code,
                fault.scope,
                action,
                value,
                fault.planted,
                reason,
                "where_printed",
            ]
        )
    return pd.DataFrame(rows, columns=CORRECTION_COLUMNS)


def _scale(fault: Any) -> float:
    """Factor from the canonical unit to the one that the yearbook of the year prints."""
    items = (item for table in tables_of(int(fault.year)) for item in table.items)
    return next(item.scale()[0] for item in items if item.variable == fault.variable_code)
