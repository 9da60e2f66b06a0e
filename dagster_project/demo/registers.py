"""Writes the multi-year csv files: registers in the encoding and with the headers of their producers, and the compiled
files of the production relations on the present boundaries.

The value columns of each file stand in register_column.csv beside this module.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from dagster_project.demo.books import Cell, Print, rows_of
from dagster_project.demo.country import HORIZON, TRANSFERS
from dagster_project.demo.faults import PATENT_VARIABLES
from dagster_project.demo.figures import GOODS, INDUSTRIES, SECTORS
from python_models._types import FloatArray

NATION = ("全国", "000000")
ROBOT_BASE_YEAR = 2010
KEYS = {"city": "城市", "code": "城市代码", "year": "年份"}


@dataclass(frozen=True)
class LongFile:
    """One register with its key columns by role."""

    source: str
    title: str
    encoding: str
    keys: Mapping[str, str]

    @cached_property
    def columns(self) -> tuple[tuple[str, str, float, int], ...]:
        """Header, variable, factor and decimals of its value columns."""
        own = (row for row in rows_of("register_column.csv") if row["source"] == self.source)
        return tuple((row["header"], row["variable"], float(row["factor"]), int(row["decimals"])) for row in own)


REGISTERS = {
    file.source: file
    for file in (
        LongFile("registry", "firm registry counts by city and year", "gb18030", KEYS),
        LongFile("patent", "patents granted by city and grant year", "utf-8-sig", {"city": "城市", "year": "授权年份"}),
        LongFile(
            "satellite",
            "satellite fine particles by city and year",
            "utf-16",
            {"city": "地级市", "province": "省份", "year": "年份"},
        ),
        LongFile(
            "robot",
            "base employment of five industries and their robots",
            "utf-8",
            {"city": "地区", "code": "地区代码", "year": "年份"},
        ),
        LongFile("gdp_revised", "census-revised GDP with real index", "utf-8", KEYS),
        LongFile(
            "county",
            "figures of counties that changed their city",
            "utf-8",
            {"city": "县市", "code": "县市代码", "year": "年份"},
        ),
        LongFile("society", "income, consumption, employment, finance and roads of cities", "utf-8", KEYS),
        LongFile("investment", "fixed-asset investment and its price index", "utf-8", KEYS),
        LongFile("sector_employment", "employed persons in urban units by sector", "gb18030", KEYS),
        LongFile("consumer_prices", "consumer prices by class, previous year = 100", "utf-8-sig", KEYS),
        LongFile("court", "closed cases of intellectual property, with the nation", "utf-8", KEYS),
        LongFile("work_report", "work reports of city governments", "utf-8", KEYS),
    )
}


@dataclass(frozen=True)
class Relations:
    """Everything that the compiled files print, on the roster and HORIZON."""

    panels: dict[str, FloatArray]
    pilots: dict[str, FloatArray]
    sectors: FloatArray
    prices: FloatArray
    texts: list[list[str]]
    invested: tuple[tuple[int, ...], FloatArray, FloatArray]


def path_of(landing: Path, file: LongFile) -> Path:
    return landing / file.source / f"synthetic_{file.source}.csv"


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
    society = {**relations.panels, **relations.pilots}
    rows = {
        **{name: _printed(REGISTERS[name], source) for name in ("registry", "patent", "satellite")},
        "robot": _robots(source, base, robots),
        # revised GDP stands on the present boundary: levels and real index of one source, without gaps
        "gdp_revised": _panel("gdp_revised", source, {**raw, "gdp_nom": gdp_revised}),
        "county": _counties(source),
        "society": _panel("society", source, society),
        "investment": _investment(source, *relations.invested),
        "sector_employment": _panel(
            "sector_employment", source, {f"emp_sector_{s}": relations.sectors[:, :, k] for k, s in enumerate(SECTORS)}
        ),
        "consumer_prices": _panel(
            "consumer_prices", source, {f"cpi_{g}": relations.prices[:, :, k] for k, g in enumerate(GOODS)}
        ),
        "court": _court(source, relations.panels["ip_cases_closed"], raw["gdp_nom"]),
        "work_report": _by_city(
            source,
            source.years,
            lambda at, year: [len(relations.texts[at][HORIZON.index(year)]), relations.texts[at][HORIZON.index(year)]],
        ),
    }
    written = [REGISTERS[name] for name, own in rows.items() if own]
    for file in written:
        write_csv(path_of(landing, file), file, rows[file.source])
    return written


def _printed(file: LongFile, source: Print) -> list[list[Cell]]:
    """Registry, patents or satellite: one row per printed city and year, years outermost."""
    rows: list[list[Cell]] = []
    for year in source.years:
        lines = source.city_lines(year, file.source)
        columns = [
            source.cells(variable, "city", year, lines, scale=factor, decimals=decimals, source=file.source)
            for _, variable, factor, decimals in file.columns
        ]
        for at, line in enumerate(lines):
            if file.source == "patent" and _is_absent(source, year, line.city_id):
                continue
            unit = source.geography.unit(line.city_id)
            key: dict[str, Cell] = {
                "city": line.name_zh,
                "code": unit["city_code"],
                "province": unit["province_zh"],
                "year": year,
            }
            rows.append([*(key[role] for role in file.keys), *(column[at] for column in columns)])
    return rows


def _is_absent(source: Print, year: int, city_id: str) -> bool:
    at = source.damage.find("patent", year, "", (city_id, PATENT_VARIABLES[0], "city"))
    return at is not None and source.damage.faults[at].kind == "absent_row"


def _by_city(source: Print, years: Sequence[int], cells: Callable[[int, int], Sequence[Cell]]) -> list[list[Cell]]:
    """Rows with the keys of a city and a year; cells(place in the roster, year)."""
    units = [(source.geography.roster.index(city), source.geography.unit(city)) for city in source.cities]
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
    rows = _by_city(
        source, [ROBOT_BASE_YEAR], lambda at, _: [*(int(base[f"emp_base_{s}"][at]) for s in INDUSTRIES), *empty]
    )
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
        unit, own = source.geography.unit(event.county_id), source.printed.counties[event.county_id]
        for year in (y for y in source.years if y < event.first_year):
            rows.append([unit["name_zh"], unit["city_code"], year, *_rounded("county", own, HORIZON.index(year))])
    return rows


def _investment(source: Print, years: Sequence[int], flow: FloatArray, price: FloatArray) -> list[list[Cell]]:
    """The long series before the window too, up to the last printed year."""
    panels, first = {"fai_nom": flow, "price_investment": price}, years[0]
    kept = [y for y in years if y <= source.years[-1]]
    return _by_city(source, kept, lambda at, year: _rounded("investment", panels, at, year - first))


def _court(source: Print, cases: FloatArray, gdp: FloatArray) -> list[list[Cell]]:
    """Cities, and the nation: what the cities hold and a tenth more."""
    rows: list[list[Cell]] = []
    for year in source.years:
        now = cases[:, HORIZON.index(year)], gdp[:, HORIZON.index(year)]
        for city_id in source.cities:
            at, unit = source.geography.roster.index(city_id), source.geography.unit(city_id)
            rows.append([unit["name_zh"], unit["city_code"], year, *(int(values[at]) for values in now)])
        rows.append([*NATION, year, *(int(np.rint(1.1 * values.sum())) for values in now)])
    return rows


def write_csv(path: Path, file: LongFile, rows: Iterable[Sequence[Cell]]) -> None:
    """Header and rows in the file's encoding; whole numbers without a point, empty cells as nothing."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n" if file.encoding == "gb18030" else "\n")
    writer.writerow([*file.keys.values(), *(header for header, *_ in file.columns)])
    writer.writerows([_plain(value) for value in row] for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(buffer.getvalue().encode(file.encoding))


def _plain(value: Cell) -> str | int | float:
    if value is None:
        return ""
    return int(value) if isinstance(value, float) and value == int(value) else value
