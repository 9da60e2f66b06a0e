"""Nearest known names for messages: what a person probably meant. Never used to decide anything."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
from rapidfuzz import fuzz, process


def name_suggestions(headers: pd.DataFrame, seeds: Path, *, limit: int = 20) -> list[str]:
    """For each unknown header a ready-made row for header_map.csv with the variable of the nearest known header."""
    with (seeds / "header_map.csv").open(encoding="utf-8") as stream:
        known = {row["header_key"]: row for row in csv.DictReader(stream)}
    unknown = headers[~headers["is_known"].astype(bool)].drop_duplicates(["source", "header_key"]).head(limit)
    lines = []
    for row in unknown.itertuples():
        nearest = process.extractOne(row.header_key, list(known), scorer=fuzz.ratio)
        like = known[nearest[0]] if nearest else None
        code = like["variable_code"] if like else "ignore"
        scope = like["scope"] if like else "city"
        unit = row.header_unit if isinstance(row.header_unit, str) else (like["unit"] if like else "")
        near = f" (nearest known: {nearest[0]}, {nearest[1]:.0f} %)" if nearest else ""
        lines.append(f"row for header_map.csv: {row.source},,,{row.header_key},{code},{scope},{unit},{near}")
    return lines
