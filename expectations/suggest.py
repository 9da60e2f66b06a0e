"""Nearest known names for messages: what a person probably meant. Never used to decide anything."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from rapidfuzz import fuzz, process

from expectations.paste import csv_line

LIKELY = 60  # per cent: below this a ready-made row would lead astray
# words of a header that name its scope, with the scope that header_map.csv gives them
SCOPES = {"市辖区": "district", "全市": "city"}
# words that make another variable of a header that is alike otherwise
CONCEPTS = ("户籍", "常住", "年末", "年平均", "城镇", "乡村", "人均", "增长", "增速", "比重")


@dataclass(frozen=True)
class HeaderHint:
    """An unknown header: the nearest known one of its source (else of any source) and a row to paste.

    score: similarity in per cent, 0 when the map is empty.
    """

    header_key: str
    nearest: str
    variable_code: str
    score: float
    ready_row: str


@dataclass(frozen=True)
class CityHint:
    """An unknown place: up to three nearest official names with their similarity in per cent, and a row to paste.

    ready_row: '' when no name is likely enough. elsewhere: what the name means in other years or sources, else ''.
    """

    name: str
    nearest: tuple[tuple[str, float], ...]
    ready_row: str
    elsewhere: str

    @property
    def near(self) -> str:
        """The nearest names in words."""
        return ", ".join(f"{name} {score:.0f} %" for name, score in self.nearest)


class HeaderMap:
    """header_map.csv as a list of known headers."""

    def __init__(self, seeds: Path) -> None:
        self.rows = _rows(seeds / "header_map.csv")

    def table_row(self, source: str, header_key: str) -> str:
        """One row for the whole table of a header, where all columns of it that are known are left out; else ''."""
        table, slash, _ = header_key.partition("/")
        table_rows = self._of_table(source, table)
        if not slash or not table_rows or any(row["variable_code"] != "ignore" for row in table_rows):
            return ""
        return csv_line([source, "", "", f"{table}/*", "ignore", "city", "", table_rows[0]["reason"]])

    def variables_of_table(self, source: str, header_key: str) -> list[str]:
        """What the known headers of its table mean, the ignored ones apart."""
        table = header_key.partition("/")[0]
        codes = (row["variable_code"] for row in self._of_table(source, table))
        return [code for code in dict.fromkeys(codes) if code != "ignore"]

    def _of_table(self, source: str, table: str) -> list[Mapping[str, str]]:
        return [row for row in self.rows if row["source"] == source and row["header_key"].startswith(f"{table}/")]

    def hint(self, source: str, header_key: str, header_unit: object) -> HeaderHint:
        """The nearest known header of the same concept; the row takes scope and unit from the new header where it says
        them. A header of another concept is named, but its variable is not offered.
        """
        of_source = {row["header_key"]: row for row in self.rows if row["source"] == source}
        candidates = of_source or {row["header_key"]: row for row in self.rows}
        candidates = {key: row for key, row in candidates.items() if not key.endswith("/*")}
        if not candidates:
            ready = csv_line([source, "", "", header_key, "ignore", _scope(header_key, "city"), _text(header_unit), ""])
            return HeaderHint(header_key, "", "ignore", 0.0, ready)
        alike = [key for key in candidates if _concepts(key) == _concepts(header_key)]
        nearest = process.extractOne(header_key, alike or list(candidates), scorer=fuzz.ratio)
        like = candidates[nearest[0]]
        code, reason = like["variable_code"], like["reason"] if like["variable_code"] == "ignore" else ""
        if not alike:
            code, reason = "ignore", f"another concept than {nearest[0]}"
        unit = _text(header_unit) or like["unit"]
        ready = csv_line([source, "", "", header_key, code, _scope(header_key, like["scope"]), unit, reason])
        return HeaderHint(header_key, nearest[0], code, nearest[1], ready)


class CityNames:
    """city_alias.csv as a list of official names."""

    def __init__(self, seeds: Path) -> None:
        self.rows = _rows(seeds / "city_alias.csv")
        self.official = {row["alias"]: row["city_id"] for row in self.rows if row["kind"] == "official"}
        self.name_of = {city_id: name for name, city_id in self.official.items()}

    def hint(self, source: str, name: str, year: float | None) -> CityHint:
        """The three nearest official names, and an alias row: for the nearest if it is likely, or for the one city that
        a misread name of other years means."""
        matches = process.extract(name, list(self.official), scorer=fuzz.ratio, limit=3)
        nearest = tuple((like, score) for like, score, _ in matches)
        elsewhere = self._elsewhere(source, name)
        alias_rows = [row for row in self.rows if row["alias"] == name and row["kind"] != "code"] if elsewhere else []
        city_ids = {row["city_id"] for row in alias_rows}
        if not elsewhere and nearest and nearest[0][1] >= LIKELY:
            city_ids = {self.official[nearest[0][0]]}
        # an official or a former name has its years
        if len(city_ids) != 1 or any(row["kind"] != "ocr" for row in alias_rows):
            return CityHint(name, nearest, "", elsewhere)
        when = "" if year is None or pd.isna(year) else str(int(year))
        return CityHint(name, nearest, csv_line([name, *city_ids, when, when, "ocr", source, ""]), elsewhere)

    def _elsewhere(self, source: str, name: str) -> str:
        """Known names are unknown here because year or source differ: a new alias would hide that."""
        meanings = []
        for row in self.rows:
            if row["alias"] == name and row["kind"] != "code" and row["source"] in ("", source):
                years = f"{row['valid_from'] or '...'} to {row['valid_to'] or '...'}"
                meanings.append(f"{row['city_id']} {self.name_of.get(row['city_id'], '')}, valid {years}".strip())
        return "; ".join(dict.fromkeys(meanings))


def name_suggestions(headers: pd.DataFrame, seeds: Path, *, limit: int = 20) -> list[str]:
    """For each unknown header a ready-made row for header_map.csv with the variable of the nearest known header."""
    rows = header_rows(headers, seeds)[:limit]
    return [f"row for {seed}: {row}" + (f" ({near})" if near else "") for seed, row, near in rows]


def city_suggestions(rows: pd.DataFrame, seeds: Path, *, limit: int = 20) -> list[str]:
    """For each unknown place a ready-made row for city_alias.csv with the city of the nearest official name."""
    lines = []
    for hint in _city_hints(rows, seeds)[:limit]:
        if hint.elsewhere:
            lines.append(f"'{hint.name}' is a name of other years: {hint.elsewhere}")
        if hint.ready_row:
            line = f"row for city_alias.csv, if that city is meant: {hint.ready_row}"
            lines.append(f"{line} (nearest official names: {hint.near})")
        elif not hint.elsewhere:
            lines.append(f"no similar official name for '{hint.name}' (nearest: {hint.near})")
    return lines


def header_rows(headers: pd.DataFrame, seeds: Path) -> list[tuple[str, str, str]]:
    """(seed, row, comment) for each unknown header; one row for those of a table that nobody uses."""
    header_map = HeaderMap(seeds)
    unknown = headers[~headers["is_known"].astype(bool)].drop_duplicates(["source", "header_key"])
    comments: dict[str, str] = {}
    for row in unknown[is_open(unknown)].to_dict("records"):
        ready, comment = open_row(row)
        table = header_map.variables_of_table(str(row["source"]), str(row["header_key"]))
        missing = [code for code in table if code not in set(headers["variable_code"])]
        if missing and row["verdict"] == "new":
            comment += f"; no column means {', '.join(missing)}, which this table has had"
        comments[ready] = comment
    unknown = unknown[~is_open(unknown)]
    for source, key, unit in zip(unknown["source"], unknown["header_key"], unknown["header_unit"], strict=True):
        if whole := header_map.table_row(source, key):
            comments[whole] = "every known column of this table is left out"
            continue
        hint = header_map.hint(source, key, unit)
        comments[hint.ready_row] = f"nearest known: {hint.nearest}, {hint.score:.0f} %" if hint.nearest else ""
    return [("header_map.csv", row, comment) for row, comment in comments.items()]


def is_open(headers: pd.DataFrame) -> pd.Series:
    """Headers that the dictionary of their source has looked at."""
    if "verdict" not in headers:
        return pd.Series(False, index=headers.index)
    return headers["verdict"].isin(["asked", "new"])


def open_row(row: Mapping[Hashable, object]) -> tuple[str, str]:
    """A row for the concept that the figures of a header fit, and why a person is asked; a new concept is left out."""
    year, words, rival = str(row["data_year"]), _text(row["words_code"]), _text(row["rival_code"])
    scope = _text(row["rival_scope"]) or _text(row["words_scope"]) or _scope(str(row["header_key"]), "city")
    code, comment = "ignore", "no concept of concept_word.csv: add it there, or leave the column out"
    if rival:
        code, comment = rival, f"the words say {words}, the figures or other words {rival}"
    elif words:
        code, comment = words, f"the words say {words}, and nothing confirms it"
    reason = "a new concept" if code == "ignore" else ""
    fields = [row["source"], year, year, row["header_key"], code, scope, row["header_unit"], reason]
    return csv_line([_text(field) for field in fields]), comment


def city_rows(rows: pd.DataFrame, seeds: Path) -> list[tuple[str, str, str]]:
    """(seed, row, comment) for each unknown place that an official name resembles."""
    return [
        ("city_alias.csv", hint.ready_row, f"if that city is meant; nearest official names: {hint.near}")
        for hint in _city_hints(rows, seeds)
        if hint.ready_row
    ]


def ready_answers(headers: pd.DataFrame, rows: pd.DataFrame, seeds: Path) -> dict[str, list[str]]:
    """Rule -> ready-made rows for unknown headers and names; none for names where one of them resembles no other."""
    hints = [hint.ready_row for hint in _city_hints(rows, seeds)]
    return {
        "header_is_known": [row for _, row, _ in header_rows(headers, seeds)],
        "row_city_is_known": hints if all(hints) else [],
    }


def _city_hints(rows: pd.DataFrame, seeds: Path) -> list[CityHint]:
    names = CityNames(seeds)
    unknown = rows[rows["row_kind"] == "unknown"].drop_duplicates(["source", "city_text", "year"])
    unknown = unknown.dropna(subset=["city_text"])
    keys = zip(unknown["source"], unknown["city_text"], unknown["year"], strict=True)
    return [names.hint(*key) for key in keys]


def _rows(file: Path) -> list[Mapping[str, str]]:
    with file.open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _concepts(header_key: str) -> set[str]:
    return {word for word in CONCEPTS if word in header_key}


def _scope(header_key: str, otherwise: str) -> str:
    """The scope that the last segments of a header say, else the one of its neighbour; a built-up area stays one."""
    if otherwise == "built_up":
        return otherwise
    for segment in reversed(header_key.split("/")):
        for word, scope in SCOPES.items():
            if word in segment:
                return scope
    return otherwise


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
