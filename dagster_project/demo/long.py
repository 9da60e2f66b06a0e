"""Writes the multi-year registers as csv files, each in the encoding and with the headers of its producer."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.demo.cells import Cell, Print
from dagster_project.demo.country import HORIZON, TRANSFERS
from dagster_project.demo.damage import PATENT_VARIABLES
from dagster_project.demo.raw import INDUSTRIES
from python_models._types import FloatArray

NATION = ("全国", "000000")
INDUSTRY_ZH = {
    "auto": "汽车制造业",
    "electronics": "电子制造业",
    "metal": "金属制品业",
    "plastics": "橡胶塑料制品业",
    "food": "食品制造业",
}
ROBOT_BASE_YEAR = 2010


@dataclass(frozen=True)
class LongFile:
    """One register: key columns by role; header, variable, factor and decimals of its value columns."""

    source: str
    title: str
    encoding: str
    keys: Mapping[str, str]
    columns: tuple[tuple[str, str, float, int], ...]


REGISTRY = LongFile(
    "registry",
    "firm registry counts by city and year",
    "gb18030",
    {"city": "城市", "code": "城市代码", "year": "年份"},
    (
        ("新增注册企业数(家)", "newly_registered_firms", 1, 0),
        ("企业存量(家)", "all_firms_stock", 1, 0),
        ("人工智能与数字企业数(家)", "ai_firms_stock", 1, 0),
        ("战略性新兴产业企业数(家)", "sei_firms_stock", 1, 0),
        ("大数据、云计算与物联网企业数(家)", "bigdata_firms_stock", 1, 0),
    ),
)
PATENT = LongFile(
    "patent",
    "patents granted by city and grant year",
    "utf-8-sig",
    {"city": "城市", "year": "授权年份"},
    (
        ("专利授权总量(件)", "all_grants", 1, 0),
        ("发明专利授权量(件)", "invention_grants", 1, 0),
        ("绿色发明专利授权量(件)", "green_invention_grants", 1, 0),
    ),
)
SATELLITE = LongFile(
    "satellite",
    "satellite fine particles by city and year",
    "utf-16",
    {"city": "地级市", "province": "省份", "year": "年份"},
    (("PM2.5人口加权年均浓度(微克/立方米)", "pm25_popw", 1, 2),),
)
ROBOT = LongFile(
    "robot",
    "base employment of five industries and their robots",
    "utf-8",
    {"city": "地区", "code": "地区代码", "year": "年份"},
    (
        *((f"{INDUSTRY_ZH[s]}就业人数(人)", f"emp_base_{s}", 1.0, 0) for s in INDUSTRIES),
        *((f"{INDUSTRY_ZH[s]}工业机器人(台)", f"robots_{s}", 1.0, 0) for s in INDUSTRIES),
    ),
)
GDP_REVISED = LongFile(
    "gdp_revised",
    "census-revised GDP with real index",
    "utf-8",
    {"city": "城市", "code": "城市代码", "year": "年份"},
    (("名义GDP", "gdp_nom", 1e-4, 4), ("GDP指数", "gdp_real_index", 1, 2)),
)
COUNTY = LongFile(
    "county",
    "figures of counties that changed their city",
    "utf-8",
    {"city": "县市", "code": "县市代码", "year": "年份"},
    (("年末常住人口(万人)", "population_resident", 1e-4, 2), ("地区生产总值(万元)", "gdp_nom", 1, 0)),
)


def write_register(path: Path, file: LongFile, source: Print) -> None:
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
    write_csv(path, file, rows)


def _is_absent(source: Print, year: int, city_id: str) -> bool:
    at = source.damage.find("patent", year, "", (city_id, PATENT_VARIABLES[0], "city"))
    return at is not None and source.damage.faults[at].kind == "absent_row"


def write_robots(path: Path, source: Print, base: Mapping[str, FloatArray], robots: Mapping[str, FloatArray]) -> None:
    """Base employment of every city in the base year, then one row of the nation per year."""
    empty: list[Cell] = [None] * len(INDUSTRIES)
    rows: list[list[Cell]] = []
    for city_id in source.cities:
        at, unit = source.geography.roster.index(city_id), source.geography.unit(city_id)
        own = [int(base[f"emp_base_{s}"][at]) for s in INDUSTRIES]
        rows.append([unit["name_zh"], unit["city_code"], ROBOT_BASE_YEAR, *own, *empty])
    for year in source.years:
        national = [int(robots[f"robots_{s}"][HORIZON.index(year)]) for s in INDUSTRIES]
        rows.append([*NATION, year, *empty, *national])
    write_csv(path, ROBOT, rows)


def write_gdp_revised(path: Path, source: Print, raw: Mapping[str, FloatArray]) -> None:
    """Revised GDP on the present boundary: levels and real index of one source, without gaps."""
    rows: list[list[Cell]] = []
    for city_id in source.cities:
        at, unit = source.geography.roster.index(city_id), source.geography.unit(city_id)
        for year in source.years:
            values = [
                round(float(raw[v][at, HORIZON.index(year)]) * factor, decimals)
                for _, v, factor, decimals in GDP_REVISED.columns
            ]
            rows.append([unit["name_zh"], unit["city_code"], year, *values])
    write_csv(path, GDP_REVISED, rows)


def write_county(path: Path, source: Print) -> int:
    """Transferred counties in the years before their transfer; returns the number of rows (0: no file)."""
    rows: list[list[Cell]] = []
    for event in TRANSFERS:
        if event.old_city not in source.cities or event.new_city not in source.cities:
            continue
        unit, own = source.geography.unit(event.county_id), source.printed.counties[event.county_id]
        for year in (y for y in source.years if y < event.first_year):
            values = [
                round(float(own[v][HORIZON.index(year)]) * factor, decimals)
                for _, v, factor, decimals in COUNTY.columns
            ]
            rows.append([unit["name_zh"], unit["city_code"], year, *values])
    if rows:
        write_csv(path, COUNTY, rows)
    return len(rows)


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
