"""Exports from a published file, opened read-only: paper tables, workbooks, panels, plain tables, figures."""
