"""The suites of the gate, in the order in which a person reads them.

Each module has NAME, `prepare(frames, baseline) -> frame` (what is validated) and `build_suite(baseline)`.
"""

from expectations.suites import blocks, coverage, fills, headers, identities, jumps, rows, tables, values

ALL = (headers, rows, tables, blocks, values, coverage, jumps, identities, fills)

__all__ = ["ALL", "blocks", "coverage", "fills", "headers", "identities", "jumps", "rows", "tables", "values"]
