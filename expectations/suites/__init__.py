"""The suites of the gate, in the order in which a person reads them.

Each module has NAME, `prepare(frames, baseline) -> frame` (what is validated) and `build_suite(baseline)`.
"""

from expectations.suites import coverage, headers, jumps, rows, tables, values

ALL = (headers, rows, tables, values, coverage, jumps)

__all__ = ["ALL", "coverage", "headers", "jumps", "rows", "tables", "values"]
