"""The gate: decides whether one load (one source, one data year, one vintage) may become current.

Frames come in as pandas, plain result rows go out; no Great Expectations object leaves this package.
Does not belong here: DuckDB, Dagster, landing files, the meaning of headers and units (that is SQL).
"""

from expectations.contract import Baseline, ResultRow
from expectations.run import is_accepted, validate

__all__ = ["Baseline", "ResultRow", "is_accepted", "validate"]
