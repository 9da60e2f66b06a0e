"""The frames that the rules of gate_rule.csv look at: name -> function that prepares it from what was read."""

from collections.abc import Callable

import pandas as pd

from expectations.contract import Baseline, Frames
from expectations.suites.cells import identities, values
from expectations.suites.observed import across
from expectations.suites.read import coverage, edits, headers, rows, tables
from expectations.suites.whole_columns import blocks, fills, jumps

PREPARE: dict[str, Callable[[Frames, Baseline], pd.DataFrame]] = {
    one.__name__: one
    for one in (headers, rows, tables, blocks, across, values, coverage, jumps, identities, fills, edits)
}
