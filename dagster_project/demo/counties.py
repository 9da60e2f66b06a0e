"""Writes the tables of county-level units: all of two provinces, the county-level cities of two others, two editions.

The figures of a city are shared out among its units of the year, so that they sum to what the city prints before any
slip. A unit has the same shares in every demo.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dagster_project.demo.books import NOTE, Cell, Print, merge, open_workbook, write_cells
from dagster_project.demo.country import HORIZON, TRANSFERS, Transfer, rows_of
from dagster_project.demo.faults import Fault
from dagster_project.demo.printed import MOST_MOVED, Printed, read_rules
from python_models._types import FloatArray

YEARS = (2015, 2016)  # between them units merge, change their name, code and city
AREA_TABLE = "2"  # printed in the last of them alone: a second one would repeat it
WHOLE_PROVINCES, CITIES_ALONE = ("330000", "340000"), ("130000", "320000")
SPREAD = {"people": 0.5, "money": 0.35, "drift": 0.04}  # sd of the logarithms: of size, of output a head, a year
# a unit that prints more than it has in one year, too little to be seen in the unit itself
SPOILT = Fault(
    "county_sum",
    "county_tables",
    "CN341125",
    2015,
    "fiscal_expenditure",
    "the counties of its city sum to more than the city: the gate's rule counties_sum_to_city",
    planted="1.4 times its figure",
    factor=1.4,
)
# printed variable -> (figure of the city that is shared out, its factor, shared like people or money)
SHARED = {
    "population_registered": ("population_registered", 1.0, "people"),
    "va_primary_nom": ("va_primary_nom", 1.0, "people"),
    "va_secondary_nom": ("va_secondary_nom", 1.0, "money"),
    "va_tertiary_nom": ("va_tertiary_nom", 1.0, "money"),
    "fiscal_revenue": ("x_revenue", 1.0, "money"),
    "fiscal_expenditure": ("fiscal_expenditure", 1.0, "people"),
    "savings_household_nom": ("x_deposits", 0.6, "money"),
    "loans_balance_nom": ("x_loans", 1.0, "money"),
    "industrial_firms": ("industrial_firms", 1.0, "money"),
    "secondary_students": ("population_registered", 0.055, "people"),
    "primary_students": ("population_registered", 0.075, "people"),
}


@dataclass(frozen=True)
class CountyBook:
    """units: county.csv; shares: figure -> (units, T), not yet divided by their sum in a city; sound: what the cities
    print, before any slip."""

    units: pd.DataFrame
    shares: Mapping[str, FloatArray]
    sound: Mapping[str, FloatArray]
    rows: tuple[str, ...]


def draw_counties(seeds: Path, printed: Printed, rng: np.random.Generator) -> CountyBook:
    """The shares of all units of county.csv in all years; to be called before slips are planted."""
    units = pd.read_csv(seeds / "county.csv", dtype=str, keep_default_na=False)
    n, years = len(units), len(HORIZON)
    size, drift = rng.standard_normal((n, 1)), rng.standard_normal((n, years)).cumsum(1)
    people = SPREAD["people"] * size + SPREAD["drift"] * drift
    money = people + SPREAD["money"] * rng.standard_normal((n, 1))
    money = money + SPREAD["drift"] * rng.standard_normal((n, years)).cumsum(1)
    of_kind = {"people": np.exp(people), "money": np.exp(money)}
    for share in of_kind.values():
        _inherit(share, units, pd.read_csv(seeds / "county_change.csv", dtype=str, keep_default_na=False))
    names = {name for name, _, _ in SHARED.values()}
    sound = {name: printed.values[name, "city"].copy() for name in sorted(names)}
    shares = {name: of_kind[kind].copy() for name, (_, _, kind) in SHARED.items()}
    book = CountyBook(units, shares, sound, printed.rows)
    shares_of, by_year = read_rules(seeds).shares, [_of_year(units, year) for year in HORIZON]
    for event in TRANSFERS:
        _move(book, event, shares_of, by_year)
    return book


def _move(book: CountyBook, event: Transfer, shares: Mapping[str, str], by_year: Sequence[pd.DataFrame]) -> None:
    """A unit that changes its city takes along what the cities print of it, so that no other unit jumps (in place).

    shares: printed variable -> what its part of a transfer follows, where it has one. by_year: units of each year.
    """
    at = book.units["county_id"].tolist().index(event.county_id)
    drift = 1 + 0.01 * np.arange(len(HORIZON))
    printed_by = [event.old_city if year < event.first_year else event.new_city for year in HORIZON]
    others = [
        there.index[(there["parent_city_id"] == city) & (there["county_id"] != event.county_id)]
        for there, city in zip(by_year, printed_by, strict=True)
    ]
    for name, (base, _, kind) in SHARED.items():
        is_of_people = shares.get(base, "population" if kind == "people" else "gdp") == "population"
        part = (event.share_population if is_of_people else event.share_gdp) * drift
        old, new = (book.sound[base][book.rows.index(city)] for city in (event.old_city, event.new_city))
        of_new = np.minimum(part / (1 - part) * old / new, MOST_MOVED)  # the old city prints the rest of itself now
        for t, units in enumerate(others):
            share = part[t] if HORIZON[t] < event.first_year else of_new[t]
            book.shares[name][at, t] = book.shares[name][units, t].sum() * share / (1 - share)


def _inherit(share: FloatArray, units: pd.DataFrame, changes: pd.DataFrame) -> None:
    """A unit has from its change on what those have had that it came from (in place)."""
    place = {str(unit): at for at, unit in enumerate(units["county_id"])}
    first_year = dict(zip(units["county_id"], units["valid_from"], strict=True))
    old_ones = changes[(changes["is_main"] == "true") & (changes["old_county_id"] != changes["new_county_id"])]
    successors: set[str] = set()
    for row in old_ones.sort_values("effective_year").to_dict("records"):
        old, new, year = row["old_county_id"], row["new_county_id"], int(row["effective_year"])
        if not old or new not in place:
            continue
        is_new = first_year[new] == str(year)
        if is_new and new not in successors:
            share[place[new]] = 0.0
            successors.add(new)
        first = 0 if is_new else max(year - HORIZON[0], 0)
        share[place[new], first:] += share[place[old], first:]


def _of_year(units: pd.DataFrame, year: int) -> pd.DataFrame:
    """The units of a year with the city that prints them."""
    first, last = (pd.to_numeric(units[name]) for name in ("valid_from", "valid_to"))
    there = units[(first.fillna(0) <= year) & (last.fillna(9999) >= year)]
    old_city = {t.county_id: t.old_city for t in TRANSFERS if year < t.first_year}
    return there.assign(parent_city_id=there["county_id"].map(old_city).fillna(there["parent_city_id"]))


def printed_units(book: CountyBook, cities: Sequence[str], year: int) -> pd.DataFrame:
    """The units of the printed cities that the tables of a year list, in code order."""
    units = _of_year(book.units, year)
    is_city = units["province_code"].isin(CITIES_ALONE) & (units["kind"] == "county_city")
    return units[units["parent_city_id"].isin(cities) & (units["province_code"].isin(WHOLE_PROVINCES) | is_city)]


def county_figures(book: CountyBook, cities: Sequence[str], year: int) -> dict[str, FloatArray]:
    """Variable -> figures of `printed_units`: whole numbers that sum to the city's over all its units of the year."""
    units_of_year, t = printed_units(book, cities, year), HORIZON.index(year)
    values = {name: np.zeros(len(units_of_year)) for name in SHARED}
    all_units = _of_year(book.units.assign(at=np.arange(len(book.units))), year)
    for city, units in all_units.groupby("parent_city_id"):
        here = units_of_year.index.intersection(units.index)
        if here.empty:
            continue
        for name, (base, factor, _) in SHARED.items():
            whole = np.rint(book.sound[base][book.rows.index(str(city)), t] * factor)
            share = book.shares[name][units["at"], t]
            parts = np.diff(np.rint(whole * np.r_[0.0, share.cumsum() / share.sum()]))
            values[name][units_of_year.index.get_indexer(here)] = parts[units.index.get_indexer(here)]
    values["gdp_nom"] = values["va_primary_nom"] + values["va_secondary_nom"] + values["va_tertiary_nom"]
    values["area_km2"] = pd.to_numeric(units_of_year["area_km2"]).fillna(100.0).to_numpy()
    return values


def county_faults(book: CountyBook, cities: Sequence[str], years: Sequence[int]) -> list[Fault]:
    """The one spoilt figure, where it is printed."""
    is_printed = SPOILT.year in years and SPOILT.city_id in set(printed_units(book, cities, SPOILT.year)["county_id"])
    return [SPOILT] if is_printed else []


def write_county_tables(folder: Path, source: Print, book: CountyBook, year: int) -> tuple[int, list[Path]]:
    """One workbook a table; number of units, and files: none where no printed city has such a unit."""
    units = printed_units(book, source.cities, year)
    if units.empty:
        return 0, []
    folder.mkdir(parents=True, exist_ok=True)
    values = county_figures(book, source.cities, year)
    for fault in source.damage.faults:
        if fault.source == SPOILT.source and fault.year == year:
            at = units["county_id"].tolist().index(fault.city_id)
            values[fault.variable_code][at] = np.rint(values[fault.variable_code][at] * (fault.factor or 1.0))
    lines = _lines(source, units)
    needs_codes = units.duplicated(["province_code", "name_zh"]).any()  # one name, two units of a province
    paths = []
    tables = pd.DataFrame(rows_of("county_item.csv"))
    for number, items in tables.groupby("number", sort=True):
        if number == AREA_TABLE and year != YEARS[-1]:
            continue
        title, unit = items["title_zh"].iloc[0], items["unit"].iloc[0]
        path = folder / f"synthetic_3-{number}_{title}.xlsx"
        with open_workbook(path) as workbook:
            sheet = workbook.add_worksheet(f"Sheet{number}")
            sheet.write_string(0, 0, f"3-{number}{title} SYNTHETIC")
            sheet.write_string(1, 0, items["title_en"].iloc[0])
            sheet.write_string(3, 0, f"单位：{unit}")
            merge(sheet, 5, 0, 5, 0, "城 市")
            merge(sheet, 5, 1, 5, 1, "代码" if needs_codes else "City")
            for row, (place, text) in enumerate(lines, 6):
                sheet.write_string(row, 0, text)
                if needs_codes and place is not None:
                    sheet.write_string(row, 1, str(units["county_code"].iloc[place]))
            for column, item in enumerate(items.itertuples(), 2):
                sheet.write_string(5, column, f"{item.header_zh} {item.header_en}")
                cells: list[Cell] = [
                    None if at is None else float(values[str(item.variable_code)][at]) for at, _ in lines
                ]
                write_cells(sheet, 6, column, cells)
            sheet.write_string(len(lines) + 7, 0, NOTE)
        paths.append(path)
    return len(units), paths


def _lines(source: Print, units: pd.DataFrame) -> list[tuple[int | None, str]]:
    """Place among the printed units and text of each row; a heading before the first unit of each province."""
    lines: list[tuple[int | None, str]] = []
    last = ""
    for at, (name, province) in enumerate(zip(units["name_zh"], units["province_code"], strict=True)):
        if province != last:
            lines.append((None, str(source.geography.units[f"CN{province}"]["name_zh"])))
            last = province
        lines.append((at, f"  {name}"))
    return lines
