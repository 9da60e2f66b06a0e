"""The suites of the gate, in the order in which a person reads them.

Each module has NAME, `prepare(frames, baseline) -> frame` (what is validated) and `build_suite(baseline)`.
"""

from expectations.suites import across, blocks, coverage, edits, fills, headers, identities, jumps, rows, tables, values

ALL = (headers, rows, tables, blocks, across, values, coverage, jumps, identities, fills, edits)

__all__ = [
    "ALL",
    "across",
    "blocks",
    "coverage",
    "edits",
    "fills",
    "headers",
    "identities",
    "jumps",
    "rows",
    "tables",
    "values",
]
