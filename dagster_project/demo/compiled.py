"""Long files of the production relations: compiled on the present boundaries, one row per city and year."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dagster_project.demo.cells import Cell, Print
from dagster_project.demo.country import HORIZON
from dagster_project.demo.long import NATION, LongFile, write_csv
from dagster_project.demo.relations import GOODS, SECTORS
from python_models._types import FloatArray

Place = Callable[[LongFile], Path]

KEYS = {"city": "城市", "code": "城市代码", "year": "年份"}
SECTOR_ZH = (
    "农林牧渔业",
    "采矿业",
    "制造业",
    "电力燃气及水生产和供应业",
    "建筑业",
    "批发和零售业",
    "交通运输仓储和邮政业",
    "住宿和餐饮业",
    "信息传输软件和信息技术服务业",
    "金融业",
    "房地产业",
    "租赁和商务服务业",
    "科学研究和技术服务业",
    "水利环境和公共设施管理业",
    "居民服务修理和其他服务业",
    "教育",
    "卫生和社会工作",
    "文化体育和娱乐业",
    "公共管理社会保障和社会组织",
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
    sectors: FloatArray
    prices: FloatArray
    texts: list[list[str]]
    invested: tuple[tuple[int, ...], FloatArray, FloatArray]


def write_compiled(place: Place, source: Print, relations: Relations, gdp: FloatArray) -> None:
    """All files of the production relations."""
    write_panel(place(SOCIETY), SOCIETY, source, [relations.panels[name] for _, name, *_ in SOCIETY.columns])
    write_panel(place(SECTOR), SECTOR, source, [relations.sectors[:, :, s] for s in range(len(SECTORS))])
    write_panel(place(PRICES), PRICES, source, [relations.prices[:, :, g] for g in range(len(GOODS))])
    write_investment(place(INVESTMENT), source, *relations.invested)
    write_court(place(COURT), source, relations.panels["ip_cases_closed"], gdp)
    write_reports(place(REPORTS), source, relations.texts)
