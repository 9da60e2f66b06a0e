"""What goes into the gate and what comes out: the frames' columns, `Baseline` and `ResultRow`.

Frames: `headers`, `rows` and `values` are what was read from the load; `last` holds the last accepted figure of every
variable and scope of the source, whether this load has it or not, at most three years back (empty for the first year
and for files of several years, which look back inside themselves); `totals` the province rows of the load;
`identities`, `units`, `rules` and `parameters` are seeds. `across` is what the rules across rows, columns, years and
sources observe, `edits` the figures that cannot be right (both from the dbt models in folder `gate`).

Imports pandas only: a caller can hold these types without the slow import of Great Expectations.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from expectations.rules import Rule, read_rules

type Limits = Mapping[str, float]

FRAME_COLUMNS: dict[str, tuple[str, ...]] = {
    name: tuple(columns.split())
    for name, columns in {
        "headers": (
            "file sheet col_no header_path header_key header_unit unit variable_code words_code scope "
            "variable_left_out is_known is_unit_known is_unit_consistent"
        ),
        "rows": "file sheet row_no cell city_text year row_kind city_id n_values evidence",
        "values": (
            "city_id city_name year variable_code scope value text litter pattern is_number is_corrected file "
            "sheet cell "
            "unit kind reading band_low band_high median_low median_high min_rho province_id value_last year_last"
        ),
        "last": "city_id variable_code scope value_last year_last",
        "totals": "province_id province_name year variable_code scope value file sheet cell",
        "identities": "identity_code left_side right_side scopes low high",
        "units": "symbol canonical factor",
        "across": (
            "rule_id observed limit_at why subject block variable_code scope year province_id city_id city_name weighs "
            "file sheet cell"
        ),
        "edits": (
            "city_id city_name year variable_code scope rule printed_value used_value evidence action file "
            "sheet cell text unit"
        ),
        "rules": " ".join(one.name for one in fields(Rule)),
        "parameters": "parameter value",
    }.items()
}


class Frames(dict[str, pd.DataFrame]):
    """The frames of one load, with a memo of what was worked out from them, so that suites share it."""

    def __init__(self, frames: Mapping[str, pd.DataFrame]) -> None:
        super().__init__(frames)
        self.memo: dict[str, Any] = {}

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules that are judged, in the order of the seed."""
        return read_rules(self["rules"])

    @cached_property
    def limits(self) -> Limits:
        """Number of each parameter of the rules."""
        names, values = self["parameters"]["parameter"], self["parameters"]["value"].astype("float64")
        return dict(zip(names, values, strict=True))


ROW_KINDS = ("city", "province", "nation", "county", "heading", "note", "other", "unknown")


@dataclass(frozen=True)
class Baseline:
    """What a load of this source and year is expected to look like.

    rows_min, rows_max: city rows expected in each sheet and year (inclusive).
    min_coverage: share of city rows (0 to 1) that must carry a number, for each required variable.
    jump_limit_log: largest accepted |median over cities of ln(value / value_last)|, per variable and year.
    data_year: statistical year; 0 for a source that covers several years.
    weights: share of the indicators of the indexes that a variable goes into; a variable of none is left out.
    usual: rule -> fewest and most findings of the editions of this source that were accepted.
    Raises ValueError when the limits contradict each other.
    """

    source: str
    data_year: int
    rows_min: int
    rows_max: int
    required_variables: tuple[str, ...]
    min_coverage: float
    jump_limit_log: float
    is_synthetic: bool = False
    weights: Mapping[str, float] = field(default_factory=dict)
    usual: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    def weight(self, variable_code: object, scope: object) -> float:
        """How much of the indexes hangs on a figure: those of urban districts go into none."""
        return 0.0 if scope == "district" else self.weights.get(str(variable_code), 0.0)

    def weighs(self, variable_code: object, scope: object) -> bool:
        """Whether an index uses the figure; where no weights are known, or the variable is not, it may."""
        return not self.weights or not isinstance(variable_code, str) or self.weight(variable_code, scope) > 0

    def __post_init__(self) -> None:
        where = f"baseline of {self.source}, data year {self.data_year}"
        if not 0 <= self.rows_min <= self.rows_max:
            raise ValueError(f"{where}: rows_min {self.rows_min} and rows_max {self.rows_max} must be 0 <= min <= max.")
        if not 0 <= self.min_coverage <= 1:
            raise ValueError(f"{where}: min_coverage {self.min_coverage} must be a share between 0 and 1.")
        if not self.jump_limit_log > 0:
            raise ValueError(f"{where}: jump_limit_log {self.jump_limit_log} must be above 0.")


@dataclass(frozen=True)
class ResultRow:
    """The outcome of one rule.

    severity: 'error' refuses the load, 'warn' does not.
    n_checked, n_unexpected: elements looked at, and all those that break the rule.
    details: at most `MAX_DETAILS` offending elements as plain dicts.
    left_out: what no index uses and is not read further, as dicts of `LEFT_OUT`.
    """

    rule_id: str
    suite: str
    severity: str
    passed: bool
    n_checked: int
    n_unexpected: int
    observed: str
    sentence: str
    details: list[dict[str, object]] = field(default_factory=list)
    left_out: list[dict[str, object]] = field(default_factory=list)


MAX_DETAILS = 200
LEFT_OUT = ("variable_code", "scope", "year", "province_id", "city_id", "why")


def check_frames(frames: Mapping[str, pd.DataFrame]) -> None:
    """Raise ValueError when a frame or one of its columns is missing, naming all that are missing."""
    missing = [name for name in FRAME_COLUMNS if name not in frames]
    if missing:
        raise ValueError(f"The gate needs the frames {', '.join(FRAME_COLUMNS)}; missing: {', '.join(missing)}.")
    for name, columns in FRAME_COLUMNS.items():
        absent = [column for column in columns if column not in frames[name].columns]
        if absent:
            raise ValueError(f"Frame '{name}' lacks the column(s) {', '.join(absent)}: correct the view that fills it.")


def figure(value: float) -> str:
    """A figure in a sentence: four digits, all of those before the point, no exponent (as the macro of dbt)."""
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return np.format_float_positional(value, precision=4, unique=False, fractional=False, trim="-")
