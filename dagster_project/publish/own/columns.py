"""Columns of a reader's own: a CSV with a city, a year and numbers. Whatever is doubtful is refused with its cell."""

import csv
import io
import math
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pandas as pd

from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.explain.cities import CITIES_SQL, LISTED, City, NoAnswer, find_city, the_city
from dagster_project.publish.own.coinr import coinr_rows

CITY = ("city", "city_id", "city_code", "城市")
YEAR = ("year", "年份", "年")
NEEDED = "Needed: a column city (name or code), a column year, and columns of numbers"
ENCODINGS = ("utf-8-sig", "gb18030")  # what spreadsheets write, also in China


def read_columns(con: duckdb.DuckDBPyConnection, file: Path) -> pd.DataFrame:
    """Frame by (city_id, year) with the other columns of the file as numbers; an empty cell is missing.

    Cities by name in Chinese or English or by code, whole. Rows are counted as a spreadsheet does: the header is row 1.
    Raises ExportError naming file, row and column: for text in numbers, an unknown or ambiguous city, a year that is
    none, a second row of a city and year, and a row that is longer or shorter than the header.
    """
    rows = _rows(file)
    header = [cell.strip() for cell in rows[0]]
    if len(set(header)) < len(header) or "" in header:
        odd = next((name for name in header if header.count(name) > 1), "")
        raise ExportError(f"{file.name}, row 1: {f"column '{odd}' stands twice" if odd else 'a column has no name'}.")
    heads = [name.casefold() for name in header]
    city_at, year_at = (next((heads.index(n) for n in names if n in heads), None) for names in (CITY, YEAR))
    numbers = [k for k in range(len(header)) if k not in (city_at, year_at)]
    if city_at is None or year_at is None or not numbers:
        raise ExportError(f"{file.name}, row 1: columns {', '.join(header)}. {NEEDED}.")
    city_of = _finder(con)
    keys, values, lines = [], [], dict[tuple[str, int], int]()
    for at, row in _below(file, rows):
        try:
            city = city_of(row[city_at])
        except NoAnswer as problem:
            raise ExportError(f"{file.name}, row {at}, column '{header[city_at]}': {problem}") from problem
        year = row[year_at]
        if not (year.isascii() and year.isdigit() and len(year) == 4):
            raise ExportError(f"{file.name}, row {at}, column '{header[year_at]}': '{year}' is no year such as 2021.")
        key = (city, int(year))
        if key in lines:
            raise ExportError(
                f"{file.name}, row {at}: {row[city_at]} {year} stands in row {lines[key]} already. "
                "Keep one row a city and year."
            )
        lines[key] = at
        keys.append(key)
        values.append([_number(row[k], f"{file.name}, row {at}, column '{header[k]}'") for k in numbers])
    if not keys:
        raise ExportError(f"{file.name} has no row below its header.")
    index = pd.MultiIndex.from_tuples(keys, names=["city_id", "year"])
    return pd.DataFrame(values, index, [header[k] for k in numbers], dtype=float).sort_index()


def read_links(con: duckdb.DuckDBPyConnection, file: Path) -> pd.DataFrame:
    """Links of a reader's own W: columns city_i (receives), city_j (emits) and w, not negative, one row a pair."""
    rows = _rows(file)
    header = [cell.strip().casefold() for cell in rows[0]]
    if missing := [name for name in ("city_i", "city_j", "w") if name not in header]:
        raise ExportError(f"{file.name}, row 1: no column {missing[0]}. Needed: city_i, city_j, w.")
    at_i, at_j, at_w = (header.index(name) for name in ("city_i", "city_j", "w"))
    city_of, links = _finder(con), dict[tuple[str, str], float]()
    for at, row in _below(file, rows):
        try:
            pair = city_of(row[at_i]), city_of(row[at_j])
        except NoAnswer as problem:
            raise ExportError(f"{file.name}, row {at}: {problem}") from problem
        w = _number(row[at_w], f"{file.name}, row {at}, column 'w'")
        if pair in links or pair[0] == pair[1] or not w >= 0:
            why = "stands there already" if pair in links else "needs two cities and a weight of zero or more"
            raise ExportError(f"{file.name}, row {at}: the link {row[at_i]} - {row[at_j]} {why}.")
        links[pair] = w
    return pd.DataFrame([(i, j, w) for (i, j), w in links.items() if w > 0], columns=["city_i", "city_j", "w"])


def _rows(file: Path) -> list[list[str]]:
    if file.suffix.lower() == ".xlsx":
        return coinr_rows(file)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ExportError(f"{file} cannot be read: {error.strerror}.") from error
    for encoding in ENCODINGS:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        first = text.partition("\n")[0]
        mark = max(",;\t", key=first.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
        if rows:
            return rows
    raise ExportError(f"{file.name} is no text with columns. {NEEDED}.")


def _below(file: Path, rows: list[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """The rows below the header with their number in a spreadsheet, without empty ones. Raises ExportError."""
    for at, row in enumerate(rows[1:], start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) != len(rows[0]):
            raise ExportError(f"{file.name}, row {at}: {len(row)} cells, the header has {len(rows[0])}.")
        yield at, [cell.strip() for cell in row]


def _number(text: str, where: str) -> float:
    if not text:
        return math.nan
    try:
        number = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ExportError(
            f"{where}: '{text}' is no number. Write digits with a point (1234.5), and nothing where a value is missing."
        )
    return number


def _finder(con: duckdb.DuckDBPyConnection) -> Callable[[str], str]:
    """City id of a name or code; only whole names count, as a file is read without anybody looking."""
    pool = [City(*row[:5]) for row in con.execute(CITIES_SQL).fetchall()]
    city_ids = dict[str, str]()
    for city in pool:
        city_ids |= {city.city_id: city.city_id, city.city_code: city.city_id}
    names = [city.name_zh for city in pool]
    city_ids |= {city.name_zh: city.city_id for city in pool if names.count(city.name_zh) == 1}

    def city_of(text: str) -> str:
        if text not in city_ids:
            match = find_city(con, text)
            if match.how == "prefix":
                near = ", ".join(city.label for city in match.cities[:LISTED])
                raise NoAnswer(f"No city is called '{text}'; names that begin so: {near}.")
            city_ids[text] = the_city(con, text).city_id
        return city_ids[text]

    return city_of
