"""Nearest known names for messages: what a person probably meant. Never used to decide anything."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
from rapidfuzz import fuzz, process

LIKELY = 60  # per cent: below this a ready-made row would lead astray


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
        ready = _csv_line([row.source, "", "", row.header_key, code, scope, unit, ""])
        lines.append(f"row for header_map.csv: {ready}{near}")
    return lines


def city_suggestions(rows: pd.DataFrame, seeds: Path, *, limit: int = 20) -> list[str]:
    """For each unknown place a ready-made row for city_alias.csv with the city of the nearest official name."""
    with (seeds / "city_alias.csv").open(encoding="utf-8") as stream:
        official = {row["alias"]: row["city_id"] for row in csv.DictReader(stream) if row["kind"] == "official"}
    unknown = rows[rows["row_kind"] == "unknown"].drop_duplicates(["source", "city_text", "year"])
    lines = []
    for row in unknown.dropna(subset=["city_text"]).head(limit).itertuples():
        nearest = process.extract(row.city_text, list(official), scorer=fuzz.ratio, limit=3)
        near = ", ".join(f"{name} {score:.0f} %" for name, score, _ in nearest)
        year = "" if pd.isna(row.year) else str(int(row.year))
        if nearest and nearest[0][1] >= LIKELY:
            ready = _csv_line([row.city_text, official[nearest[0][0]], year, year, "ocr", row.source, ""])
            lines.append(f"row for city_alias.csv, if that city is meant: {ready} (nearest official names: {near})")
        else:
            lines.append(f"no official name is like '{row.city_text}' (nearest: {near})")
    return lines


def _csv_line(fields: list[str]) -> str:
    """One line of a seed file: a header with a comma inside is quoted."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(fields)
    return line.getvalue()
