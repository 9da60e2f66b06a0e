"""The dry run before landing: what of a file would be read, from where, and what would not.

A file without a sidecar goes in; the ingest library reads it, the reading models of the warehouse (the same SQL, in a
throw-away database) say what it means, the gate's suites judge it. Nothing is written outside the user's cache folder.
Does not belong here: geometry (ingest), meaning (dbt), rules (expectations).
"""
