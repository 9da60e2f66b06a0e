"""Writes the multi-year csv files: registers in the encoding and with the headers of their producers, and the compiled
files of the production relations on the present boundaries.
"""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dagster_project.demo.books import Cell, Print
from dagster_project.demo.country import HORIZON, TRANSFERS, words
from dagster_project.demo.faults import PATENT_VARIABLES
from dagster_project.demo.figures import GOODS, INDUSTRIES, SECTORS
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


Place = Callable[[LongFile], Path]

KEYS = {"city": "城市", "code": "城市代码", "year": "年份"}
SECTOR_ZH = words(
    "农林牧渔业 采矿业 制造业 电力燃气及水生产和供应业 建筑业 批发和零售业 交通运输仓储和邮政业"
    " 住宿和餐饮业 信息传输软件和信息技术服务业 金融业 房地产业 租赁和商务服务业 科学研究和技术服务业"
    " 水利环境和公共设施管理业 居民服务修理和其他服务业 教育 卫生和社会工作 文化体育和娱乐业"
    " 公共管理社会保障和社会组织"
)
GOODS_ZH = ("食品", "烟酒", "衣着", "家庭设备用品", "医疗保健", "交通通信", "文教娱乐", "居住")

SOCIETY = LongFile(
    "society",
    "income, consumption, employment, finance and roads of cities",
    "utf-8",
    KEYS,
    (
        ("城镇私营和个体从业人员数(人)", "emp_private_self", 1, 0),
        ("平台企业数(家)", "platform_firms", 1, 0),
        ("城镇单位就业人员工资总额(万元)", "wage_bill_urban_units", 1, 0),
        ("城镇居民人均可支配收入(元)", "income_urban", 1, 0),
        ("农村居民人均可支配收入(元)", "income_rural", 1, 0),
        ("城镇居民人均消费支出(元)", "consumption_urban", 1, 0),
        ("城镇居民人均食品支出(元)", "food_urban", 1, 0),
        ("社会消费品零售总额(万元)", "retail_sales_nom", 1, 0),
        ("快递业务量(万件)", "express_parcels", 1, 0),
        ("年末金融机构贷款余额(万元)", "loans_balance_nom", 1, 0),
        ("实际利用外资(万美元)", "fdi_usd", 1, 0),
        ("城镇人口(人)", "population_urban", 1, 0),
        ("中等学校在校学生数(人)", "secondary_students", 1, 0),
        ("道路面积(平方米)", "road_area", 1, 0),
        ("行政区域土地面积(平方公里)", "area_km2", 1, 0),
        ("低碳城市试点起始年", "pilot_low_carbon", 1, 0),
        ("智慧城市试点起始年", "pilot_smart_city", 1, 0),
    ),
)
INVESTMENT = LongFile(
    "investment",
    "fixed-asset investment and its price index",
    "utf-8",
    KEYS,
    (("固定资产投资(万元)", "fai_nom", 1, 0), ("固定资产投资价格指数(上年=100)", "price_investment", 1, 2)),
)
SECTOR = LongFile(
    "sector_employment",
    "employed persons in urban units by sector",
    "gb18030",
    KEYS,
    tuple((f"{zh}从业人员数(人)", f"emp_sector_{code}", 1.0, 0) for zh, code in zip(SECTOR_ZH, SECTORS, strict=True)),
)
PRICES = LongFile(
    "consumer_prices",
    "consumer prices by class, previous year = 100",
    "utf-8-sig",
    KEYS,
    tuple((f"{zh}类消费价格指数", f"cpi_{code}", 1.0, 2) for zh, code in zip(GOODS_ZH, GOODS, strict=True)),
)
COURT = LongFile(
    "court",
    "closed cases of intellectual property, with the nation",
    "utf-8",
    KEYS,
    (("知识产权审结案件数(件)", "ip_cases_closed", 1, 0), ("地区生产总值(万元)", "gdp_court_nom", 1, 0)),
)
REPORTS = LongFile(
    "work_report",
    "work reports of city governments",
    "utf-8",
    KEYS,
    (("报告字数(字)", "work_report_chars", 1, 0), ("报告全文", "work_report_text", 1, 0)),
)
COMPILED = (SOCIETY, INVESTMENT, SECTOR, PRICES, COURT, REPORTS)


def write_panel(path: Path, file: LongFile, source: Print, columns: Sequence[FloatArray]) -> None:
    """One row per city and printed year, values from (N, T) panels in the order of the file's columns."""

    def cells(at: int, year: int) -> list[Cell]:
        t = HORIZON.index(year)
        return [
            round(float(panel[at, t]) * factor, decimals)
            for panel, (_, _, factor, decimals) in zip(columns, file.columns, strict=True)
        ]

    _write(path, file, source, source.years, cells)


def write_investment(path: Path, source: Print, years: Sequence[int], flow: FloatArray, price: FloatArray) -> None:
    """The long series before the window too, up to the last printed year."""
    kept = [y for y in years if y <= source.years[-1]]

    def cells(at: int, year: int) -> list[Cell]:
        t = list(years).index(year)
        return [int(flow[at, t]), round(float(price[at, t]), 2)]

    _write(path, INVESTMENT, source, kept, cells)


def write_court(path: Path, source: Print, cases: FloatArray, gdp: FloatArray) -> None:
    """Cities, and the nation: what the cities hold and a tenth more."""
    rows: list[list[Cell]] = []
    for year in source.years:
        t = HORIZON.index(year)
        for city_id in source.cities:
            at, unit = source.geography.roster.index(city_id), source.geography.unit(city_id)
            rows.append([unit["name_zh"], unit["city_code"], year, int(cases[at, t]), int(gdp[at, t])])
        rows.append([*NATION, year, int(np.rint(1.1 * cases[:, t].sum())), int(np.rint(1.1 * gdp[:, t].sum()))])
    write_csv(path, COURT, rows)


def write_reports(path: Path, source: Print, texts: Sequence[Sequence[str]]) -> None:
    """Its length and the whole text in one cell."""

    def cells(at: int, year: int) -> list[Cell]:
        text = texts[at][HORIZON.index(year)]
        return [len(text), text]

    _write(path, REPORTS, source, source.years, cells)


def _write(
    path: Path, file: LongFile, source: Print, years: Sequence[int], cells: Callable[[int, int], list[Cell]]
) -> None:
    rows: list[list[Cell]] = []
    for city_id in source.cities:
        at, unit = source.geography.roster.index(city_id), source.geography.unit(city_id)
        rows += [[unit["name_zh"], unit["city_code"], year, *cells(at, year)] for year in years]
    write_csv(path, file, rows)


@dataclass(frozen=True)
class Relations:
    """Everything that the compiled files print, on the roster and HORIZON."""

    panels: dict[str, FloatArray]
    pilots: dict[str, FloatArray]
    sectors: FloatArray
    prices: FloatArray
    texts: list[list[str]]
    invested: tuple[tuple[int, ...], FloatArray, FloatArray]


def write_compiled(place: Place, source: Print, relations: Relations, gdp: FloatArray) -> None:
    """All files of the production relations."""
    society = {**relations.panels, **relations.pilots}
    write_panel(place(SOCIETY), SOCIETY, source, [society[name] for _, name, *_ in SOCIETY.columns])
    write_panel(place(SECTOR), SECTOR, source, [relations.sectors[:, :, s] for s in range(len(SECTORS))])
    write_panel(place(PRICES), PRICES, source, [relations.prices[:, :, g] for g in range(len(GOODS))])
    write_investment(place(INVESTMENT), source, *relations.invested)
    write_court(place(COURT), source, relations.panels["ip_cases_closed"], gdp)
    write_reports(place(REPORTS), source, relations.texts)
