"""Files that the gate must refuse, each one thing away from a good one; and the registry in other encodings."""

from collections.abc import Callable
from pathlib import Path

from landing_tools import Page, changed_copy, supersede, vintage_of

GDP = "地区生产总值（当年价格）"


def duplicated_city(page: Page) -> None:
    at = page.row_of("石家庄市")
    page.rows.insert(at, list(page.rows[at]))


def header_never_seen(page: Page) -> None:
    page.replace_text("一般工业固体废物综合利用率", "工业固体废弃物资源化比率")


def unit_never_seen(page: Page) -> None:
    page.replace_text("第一产业增加值 （万元）", "第一产业增加值 （万美金）")


def gdp_times_10000_in_one_city(page: Page) -> None:
    _times(page, [page.row_of("泰安市")])


def gdp_times_10000_in_all_cities(page: Page) -> None:
    _times(page, page.city_rows)


def gdp_of_city_and_districts_swapped(page: Page) -> None:
    """The two columns have changed places below their headers."""
    here, there = page.column_of(GDP, "全市"), page.column_of(GDP, "市辖区")
    for at in page.city_rows:
        page.rows[at][here], page.rows[at][there] = page.rows[at][there], page.rows[at][here]


def tertiary_shares_too_large(page: Page) -> None:
    """A third more in every city: the three sectors no longer sum to 100."""
    column = page.column_of("第三产业占", "全市")
    for at in page.city_rows:
        page.rows[at][column] = round(float(page.rows[at][column]) * 1.33, 2)


def text_in_a_number_column(page: Page) -> None:
    page.rows[page.row_of("合肥市")][page.column_of("教育支出")] = "约八千"


def city_that_does_not_exist(page: Page) -> None:
    page.rows[page.row_of("石家庄市")][0] = "石家店市"


def _times(page: Page, rows: list[int]) -> None:
    column = page.column_of(GDP, "全市")
    for at in rows:
        page.rows[at][column] = float(page.rows[at][column]) * 1e4


YEARBOOK_FAULTS: tuple[Callable[[Page], None], ...] = (
    duplicated_city,
    header_never_seen,
    unit_never_seen,
    gdp_times_10000_in_one_city,
    gdp_times_10000_in_all_cities,
    gdp_of_city_and_districts_swapped,
    tertiary_shares_too_large,
    text_in_a_number_column,
    city_that_does_not_exist,
)
ENCODINGS = {"registry_utf8": "utf-8", "registry_utf16": "utf-16"}


def land_all(landing: Path) -> dict[str, str]:
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
    contents = {name: text.encode(encoding) for name, encoding in ENCODINGS.items()}
    contents["empty_year"] = _without_figures_of(text, "2014").encode("gb18030")
    for name, content in contents.items():
        file = landing / "registry" / f"{name}.csv"
        file.write_bytes(content)
        last = supersede(landing, last, file)
        vintages[name] = vintage_of(last)
    return vintages


def _without_figures_of(text: str, year: str) -> str:
    """The rows of one year keep their keys and lose their figures."""
    lines = []
    for line in text.splitlines():
        fields = line.split(",")
        lines.append(",".join([*fields[:3], *[""] * (len(fields) - 3)]) if fields[2] == year else line)
    return "\r\n".join(lines) + "\r\n"
