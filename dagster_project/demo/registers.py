"""Writes the multi-year csv files: registers in the encoding and with the headers of their producers, and the compiled
files of the production relations on the present boundaries.

The files and their value columns stand in register.csv and register_column.csv beside this module.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dagster_project.demo.books import Cell, Print
from dagster_project.demo.country import HORIZON, TRANSFERS, rows_of
from dagster_project.demo.faults import PATENT_VARIABLES
from dagster_project.demo.figures import GOODS, INDUSTRIES, SECTORS
from python_models._types import FloatArray

NATION = ("全国", "000000")
ROBOT_BASE_YEAR = 2010


@dataclass(frozen=True)
class LongFile:
    """One register: its key columns by role; header, variable, factor and decimals of its value columns."""

    source: str
    title: str
    encoding: str
    keys: Mapping[str, str]
    columns: tuple[tuple[str, str, float, int], ...]

    @classmethod
    def read(cls, row: dict[str, str]) -> LongFile:
        """From a row of register.csv, with its columns from register_column.csv."""
        keys = {role: row[role] for role in ("city", "code", "province", "year") if row[role]}
        value_columns = (column for column in rows_of("register_column.csv") if column["source"] == row["source"])
        columns = ((c["header"], c["variable"], float(c["factor"]), int(c["decimals"])) for c in value_columns)
        return cls(row["source"], row["title"], row["encoding"], keys, tuple(columns))

    def path(self, landing: Path) -> Path:
        return landing / self.source / f"synthetic_{self.source}.csv"


REGISTERS = {row["source"]: LongFile.read(row) for row in rows_of("register.csv")}


@dataclass(frozen=True)
class Relations:
    """Everything that the compiled files print, on the roster and HORIZON."""

    panels: dict[str, FloatArray]
    pilots: dict[str, FloatArray]
    sectors: FloatArray
    prices: FloatArray
    texts: list[list[str]]
    invested: tuple[tuple[int, ...], FloatArray, FloatArray]
    outside: dict[str, FloatArray]


def write_registers(
    landing: Path,
    source: Print,
    raw: Mapping[str, FloatArray],
    gdp_revised: FloatArray,
    base: Mapping[str, FloatArray],
    robots: Mapping[str, FloatArray],
    relations: Relations,
) -> list[LongFile]:
    """Write every register and compiled file that has a row; returns them."""
    sectors = {f"emp_sector_{s}": relations.sectors[:, :, k] for k, s in enumerate(SECTORS)}
    prices = {f"cpi_{g}": relations.prices[:, :, k] for k, g in enumerate(GOODS)}

    def report(at: int, year: int) -> list[Cell]:
        text = relations.texts[at][HORIZON.index(year)]
        return [len(text), text]

    rows = {
        **{name: _printed(REGISTERS[name], source) for name in ("registry", "patent", "satellite")},
        "robot": _robots(source, base, robots),
        # revised GDP stands on the present boundary: levels and real index of one source, without gaps
        "gdp_revised": _panel("gdp_revised", source, {**raw, "gdp_nom": gdp_revised}),
        "county": _counties(source),
        "society": _panel("society", source, {**relations.panels, **relations.pilots}),
        "investment": _investment(source, *relations.invested),
        "sector_employment": _panel("sector_employment", source, sectors),
        "consumer_prices": _panel("consumer_prices", source, prices),
        "court": _court(source, relations.panels["ip_cases_closed"], raw["gdp_nom"]),
        "work_report": _by_city(source, source.years, report),
        "night_lights": _panel("night_lights", source, relations.outside),
        "other_indexes": _of_provinces(source, relations.outside["nqp_score_other"]),
    }
    files = [REGISTERS[name] for name, entries in rows.items() if entries]
    for file in files:
        _write_csv(file.path(landing), file, rows[file.source])
    return files


def _printed(file: LongFile, source: Print) -> list[list[Cell]]:
    """Registry, patents or satellite: one row per printed city and year, years outermost."""
    rows: list[list[Cell]] = []
    for year in source.years:
        lines = source.city_lines(year, file.source)
        columns = [
            source.cells((variable, "city"), year, lines, (factor, decimals), source=file.source)
            for _, variable, factor, decimals in file.columns
        ]
        for at, line in enumerate(lines):
            fault = source.damage.find(file.source, year, "", (line.city_id, PATENT_VARIABLES[0], "city"))
            if fault is not None and source.damage.faults[fault].kind == "absent_row":
                continue
            unit = source.geography.units[line.city_id]
            key = {"city": line.name_zh, "code": unit["city_code"], "province": unit["province_zh"], "year": year}
            rows.append([*(key[role] for role in file.keys), *(column[at] for column in columns)])
    return rows


def _by_city(source: Print, years: Sequence[int], cells: Callable[[int, int], Sequence[Cell]]) -> list[list[Cell]]:
    """Rows with the keys of a city and a year; cells(place in the roster, year)."""
    units = [(source.geography.roster.index(city), source.geography.units[city]) for city in source.cities]
    return [[unit["name_zh"], unit["city_code"], year, *cells(at, year)] for at, unit in units for year in years]


def _rounded(name: str, values: Mapping[str, FloatArray], *place: int) -> list[Cell]:
    """Cells of a file from arrays by variable, as it prints them."""
    return [
        round(float(values[variable][place]) * factor, decimals)
        for _, variable, factor, decimals in REGISTERS[name].columns
    ]


def _panel(name: str, source: Print, panels: Mapping[str, FloatArray]) -> list[list[Cell]]:
    """One row per city and printed year, values from (N, T) panels by variable."""
    return _by_city(source, source.years, lambda at, year: _rounded(name, panels, at, HORIZON.index(year)))


def _robots(source: Print, base: Mapping[str, FloatArray], robots: Mapping[str, FloatArray]) -> list[list[Cell]]:
    """Base employment of every city in the base year, then one row of the nation per year."""
    empty: list[Cell] = [None] * len(INDUSTRIES)

    def workers(at: int, _: int) -> list[Cell]:
        return [*(int(base[f"emp_base_{s}"][at]) for s in INDUSTRIES), *empty]

    rows = _by_city(source, [ROBOT_BASE_YEAR], workers)
    for year in source.years:
        national = [int(robots[f"robots_{s}"][HORIZON.index(year)]) for s in INDUSTRIES]
        rows.append([*NATION, year, *empty, *national])
    return rows


def _counties(source: Print) -> list[list[Cell]]:
    """Transferred counties in the years before their transfer, if both cities are printed."""
    rows: list[list[Cell]] = []
    for event in TRANSFERS:
        if event.old_city not in source.cities or event.new_city not in source.cities:
            continue
        unit, county = source.geography.units[event.county_id], source.printed.counties[event.county_id]
        for year in (y for y in source.years if y < event.first_year):
            rows.append([unit["name_zh"], unit["city_code"], year, *_rounded("county", county, HORIZON.index(year))])
    return rows


def _investment(source: Print, years: Sequence[int], flow: FloatArray, price: FloatArray) -> list[list[Cell]]:
    """The long series before the window too, up to the last printed year."""
    panels, first = {"fai_nom": flow, "price_investment": price}, years[0]
    up_to_print = [y for y in years if y <= source.years[-1]]
    return _by_city(source, up_to_print, lambda at, year: _rounded("investment", panels, at, year - first))


def _court(source: Print, cases: FloatArray, gdp: FloatArray) -> list[list[Cell]]:
    """Cities, and the nation: what the cities hold and a tenth more."""
    rows: list[list[Cell]] = []
    panels = {"ip_cases_closed": cases, "gdp_court_nom": gdp}
    for year in source.years:
        rows += _by_city(source, [year], lambda at, year: _rounded("court", panels, at, HORIZON.index(year)))
        totals = (1.1 * panel[:, HORIZON.index(year)].sum() for panel in panels.values())
        rows.append([*NATION, year, *(int(np.rint(total)) for total in totals)])
    return rows


def _of_provinces(source: Print, scores: FloatArray) -> list[list[Cell]]:
    """Mean of the printed cities of each province."""
    members: dict[str, list[int]] = {}
    for city in source.cities:
        members.setdefault(source.geography.units[city]["province_zh"], []).append(source.geography.roster.index(city))
    means = {(name, y): scores[at, HORIZON.index(y)].mean() for name, at in members.items() for y in source.years}
    return [[name, year, round(float(mean), 4)] for (name, year), mean in means.items()]


def _write_csv(path: Path, file: LongFile, rows: Iterable[Sequence[Cell]]) -> None:
    """Header and rows in the file's encoding; whole numbers without a point, empty cells as nothing."""

    def plain(value: Cell) -> Cell:
        return int(value) if isinstance(value, float) and value == int(value) else value

    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n" if file.encoding == "gb18030" else "\n")
    writer.writerow([*file.keys.values(), *(header for header, *_ in file.columns)])
    writer.writerows([plain(value) for value in row] for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue().encode(file.encoding))
