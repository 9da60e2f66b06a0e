"""Tables of the printed yearbook: titles, bilingual headers, units and column pairs, as worded in each year.

The wording of headers is a fact of the format and stands in two csv files beside this module, with the
first and last data year of each wording. Variables that start with `x_` are printed columns that no index
uses.
"""

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

# printed unit -> factor from the canonical unit, and printed decimals
UNITS = {
    "万人": (1e-4, 2),
    "人": (1.0, 0),
    "万户": (1e-4, 2),
    "万元": (1.0, 0),
    "亿元": (1e-4, 2),
    "元": (1.0, 0),
    "%": (1.0, 2),
    "‰": (1.0, 2),
    "上年=100": (1.0, 2),
    "吨": (1.0, 0),
    "万吨": (1e-4, 2),
    "个": (1.0, 0),
    "件": (1.0, 0),
    "平方公里": (1.0, 2),
    "公顷": (1.0, 0),
    "万立方米": (1.0, 0),
    "万平方米": (1.0, 0),
    "微克/立方米": (1.0, 0),
    "万千瓦时": (1.0, 0),
    "万册": (1.0, 0),
}
DRAWN_IN_PRINTED_UNIT = ("x_households",)


@dataclass(frozen=True)
class Item:
    """One printed quantity: variable, Chinese and English text, unit, and the scopes of its leaf columns.

    Without leaves the scope stands in the table title. shows_unit: the header prints the unit (else the
    title or a unit row does). below: printed one row lower than its neighbour, as a part of it.
    """

    variable: str
    zh: str
    en: str
    unit: str
    leaves: tuple[str, ...]
    title_scope: str
    shows_unit: bool
    below: bool

    @property
    def columns(self) -> tuple[str, ...]:
        """Scopes of the columns that are printed."""
        return self.leaves or (self.title_scope,)

    def header(self, width: int) -> str:
        """Chinese header with its unit; blanks as the printer left them."""
        return f"{self.zh}{' ' * width}（{self.unit}）" if self.shows_unit else self.zh

    def scale(self) -> tuple[float, int]:
        """Factor from the canonical to the printed unit, and the decimals printed."""
        factor, decimals = UNITS[self.unit]
        return (1.0 if self.variable in DRAWN_IN_PRINTED_UNIT else factor), decimals


@dataclass(frozen=True)
class Table:
    """One printed table; `unit` is the unit of all its items when the title or a unit row prints it."""

    number: int
    zh: str
    en: str
    unit: str | None
    items: tuple[Item, ...]


@cache
def tables_of(year: int) -> tuple[Table, ...]:
    """All tables of the yearbook with data of `year`, in printed order."""
    items = [row for row in _rows("printed_item.csv") if _holds(row, year)]
    tables = [row for row in _rows("printed_table.csv") if _holds(row, year)]
    return tuple(
        Table(
            number=int(row["number"]),
            zh=row["title_zh"],
            en=row["title_en"],
            unit=row["unit"] or None,
            items=tuple(_item(item) for item in items if item["table_code"] == row["table_code"]),
        )
        for row in sorted(tables, key=lambda row: int(row["number"]))
    )


def _item(row: dict[str, str]) -> Item:
    return Item(
        variable=row["variable_code"],
        zh=row["header_zh"],
        en=row["header_en"],
        unit=row["unit"],
        leaves=tuple(row["leaves"].split("+")) if row["leaves"] else (),
        title_scope=row["title_scope"],
        shows_unit=row["shows_unit"] == "true",
        below=row["below"] == "true",
    )


def _holds(row: dict[str, str], year: int) -> bool:
    return int(row["year_from"] or 0) <= year <= int(row["year_to"] or 9999)


@cache
def _rows(name: str) -> list[dict[str, str]]:
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
