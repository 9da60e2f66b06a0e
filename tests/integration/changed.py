"""What happens when files change: a revised yearbook, and files that must be refused."""

from collections.abc import Callable
from typing import NamedTuple

import pandas as pd
from house import House, Outcome
from landing_tools import Page, changed_copy, supersede, vintage_of

RAW_TABLES = ("raw.cells", "raw.series_cells", "raw.load", "raw.series_load")
SCORES = "select index_code, basis, city_id, year, score from mart.mart_index_score order by all"
LOADS = "select source, data_year, vintage, is_accepted from raw.{}load order by load_no"
CELLS = "select source, data_year, vintage, count(*) as n from raw.{}cells group by all order by all"


class Raw(NamedTuple):
    """What the private file holds of the landing files."""

    loads: pd.DataFrame
    cells: pd.DataFrame

    def is_equal(self, other):
        return self.loads.equals(other.loads) and self.cells.equals(other.cells)

    @classmethod
    def of(cls, house):
        frames = ([house.build(sql.format(prefix)) for prefix in ("", "series_")] for sql in (LOADS, CELLS))
        return cls(*(pd.concat(pair, ignore_index=True) for pair in frames))


class Revised(NamedTuple):
    """A second edition of one yearbook was landed and the job of the schedule ran."""

    house: House
    went_through: bool
    vintage_old: str
    vintage_new: str
    raw_before: Raw
    sha256_before: str


def science_up_by_a_tenth(page):
    """The one cell that the second edition of 2014 changes: 泰安市, 科学技术支出."""
    at, column = page.row_of("泰安市"), page.column_of("科学技术支出")
    page.rows[at][column] = round(float(page.rows[at][column]) * 1.1)


def revise(house):
    """Land the second edition of 2014 and run the job of the schedule."""
    folder = house.paths.landing / "yearbook" / "2014"
    old, raw, sha256 = vintage_of(folder / "yearbook.yml"), Raw.of(house), house.published_sha256
    file = changed_copy(folder / "synthetic_yearbook_2014.xlsx", "second_edition.xlsx", science_up_by_a_tenth)
    new = vintage_of(supersede(house.paths.landing, folder / "yearbook.yml", file, maturity="revised"))
    return Revised(house, house.run_job("refresh", partition_key="2014"), old, new, raw, sha256)


# ---- files that the gate must refuse, each one thing away from a good one; and the registry in other encodings -------

GDP = "地区生产总值（当年价格）"


def duplicated_city(page):
    at = page.row_of("石家庄市")
    page.rows.insert(at, list(page.rows[at]))


def header_never_seen(page):
    page.replace_text("一般工业固体废物综合利用率", "工业固体废弃物资源化比率")


def unit_never_seen(page):
    page.replace_text("第一产业增加值 （万元）", "第一产业增加值 （万美金）")


def gdp_times_10000_in_all_cities(page):
    column = page.column_of(GDP, "全市")
    for at in page.city_rows:
        page.rows[at][column] = float(page.rows[at][column]) * 1e4


def gdp_of_city_and_districts_swapped(page):
    """The two columns have changed places below their headers."""
    here, there = page.column_of(GDP, "全市"), page.column_of(GDP, "市辖区")
    for at in page.city_rows:
        page.rows[at][here], page.rows[at][there] = page.rows[at][there], page.rows[at][here]


def tertiary_shares_too_large(page):
    """A third more in every city: the three sectors no longer sum to 100."""
    column = page.column_of("第三产业占", "全市")
    for at in page.city_rows:
        page.rows[at][column] = round(float(page.rows[at][column]) * 1.33, 2)


def text_in_a_number_column(page):
    page.rows[page.row_of("合肥市")][page.column_of("教育支出")] = "约八千"


def city_that_does_not_exist(page):
    page.rows[page.row_of("石家庄市")][0] = "桃花源"


YEARBOOK_FAULTS: tuple[Callable[[Page], None], ...] = (
    duplicated_city,
    header_never_seen,
    unit_never_seen,
    gdp_times_10000_in_all_cities,
    gdp_of_city_and_districts_swapped,
    tertiary_shares_too_large,
    text_in_a_number_column,
    city_that_does_not_exist,
)


class Refused(NamedTuple):
    """One run over many files that the gate must refuse, and some that it must accept."""

    house: House
    outcome: Outcome
    vintages: dict[str, str]
    sha256_before: str
    scores_before: pd.DataFrame


def refuse(house):
    """Land every fault and refresh."""
    sha256, scores = house.published_sha256, house.published(SCORES)
    vintages = _land_all(house.paths.landing)
    return Refused(house, house.refresh(), vintages, sha256, scores)


def _land_all(landing):
    """Each fault as a newer version of the same load, so that one run judges them all; returns name -> vintage."""
    vintages = {}
    good = landing / "yearbook" / "2014"
    last = good / "yearbook.yml"
    for change in YEARBOOK_FAULTS:
        file = changed_copy(good / "synthetic_yearbook_2014.xlsx", f"{change.__name__}.xlsx", change)
        last = supersede(landing, last, file)
        vintages[change.__name__] = vintage_of(last)
    last = landing / "registry" / "registry.yml"
    vintages["registry_gb18030"] = vintage_of(last)
    text = (landing / "registry" / "synthetic_registry.csv").read_bytes().decode("gb18030")
    contents = {
        "registry_utf8": text.encode(),
        "registry_utf16": text.encode("utf-16"),
        "empty_year": _without_figures_of(text, "2014").encode("gb18030"),
    }
    for name, content in contents.items():
        file = landing / "registry" / f"{name}.csv"
        file.write_bytes(content)
        last = supersede(landing, last, file)
        vintages[name] = vintage_of(last)
    return vintages


def _without_figures_of(text, year):
    """The rows of one year keep their keys and lose their figures."""
    lines = []
    for line in text.splitlines():
        fields = line.split(",")
        lines.append(",".join([*fields[:3], *[""] * (len(fields) - 3)]) if fields[2] == year else line)
    return "\r\n".join(lines) + "\r\n"
