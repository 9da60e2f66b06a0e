"""Columns of printed cells: from canonical values to numbers, texts and gaps, shared by all writers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dagster_project.demo.country import HORIZON, MERGED_CITY, MERGED_INTO, Geography
from dagster_project.demo.damage import Damage
from dagster_project.demo.layout import Item
from dagster_project.demo.printed import Printed

type Cell = int | float | str | None

NOTE = "注：SYNTHETIC，全部数值由随机数生成，不是任何城市的真实数据。"


@dataclass(frozen=True)
class Line:
    """One printed row: a city (row number in the printed panel) or a province heading (position None)."""

    position: int | None
    city_id: str
    name_zh: str
    name_en: str


@dataclass
class Print:
    """Everything that a writer needs: the printed panel, the map, which cities and years, and the damage."""

    printed: Printed
    geography: Geography
    cities: tuple[str, ...]
    years: tuple[int, ...]
    damage: Damage

    def city_lines(self, year: int, source: str = "yearbook") -> list[Line]:
        """Printed cities of a year in code order, without headings."""
        chosen = [c for c in sorted(self.printed.rows) if c in self.cities or self._is_merged_row(c, year)]
        lines = []
        for city_id in chosen:
            unit = self.geography.unit(city_id)
            name = self.damage.name(source, year, city_id, unit["name_zh"])
            lines.append(Line(self.printed.rows.index(city_id), city_id, name, unit["name_en"]))
        return lines

    def lines(self, year: int) -> list[Line]:
        """City rows with a heading before the first city of each province; municipalities stand alone."""
        lines: list[Line] = []
        last = ""
        for line in self.city_lines(year):
            province = self.geography.unit(line.city_id)["province_code"]
            if province != last and f"CN{province}" != line.city_id:
                heading = self.geography.unit(f"CN{province}")
                lines.append(Line(None, f"CN{province}", heading["name_zh"], heading["name_en"]))
            last = province
            lines.append(line)
        return lines

    def _is_merged_row(self, city_id: str, year: int) -> bool:
        printed = self.printed.values[("gdp_nom", "city")][self.printed.rows.index(city_id), HORIZON.index(year)]
        return city_id == MERGED_CITY and MERGED_INTO in self.cities and bool(np.isfinite(printed))

    def column(
        self,
        item: Item,
        scope: str,
        year: int,
        lines: Sequence[Line],
        *,
        source: str = "yearbook",
        vintage: str = "",
        as_text: bool = False,
    ) -> list[Cell]:
        """Cells of one printed column, one per line; headings are empty."""
        scale, decimals = item.scale()
        return self.cells(
            item.variable,
            scope,
            year,
            lines,
            scale=scale,
            decimals=decimals,
            source=source,
            vintage=vintage,
            as_text=as_text,
        )

    def cells(
        self,
        variable: str,
        scope: str,
        year: int,
        lines: Sequence[Line],
        *,
        scale: float,
        decimals: int,
        source: str,
        vintage: str = "",
        as_text: bool = False,
    ) -> list[Cell]:
        """Cells of one variable in a year, in the printed unit, with the faults of `source` planted."""
        numbers = np.round(self.printed.values[(variable, scope)][:, HORIZON.index(year)] * scale, decimals)
        touched = self.damage.touches(source, year)
        cells: list[Cell] = []
        for row, line in enumerate(lines):
            if line.position is None:
                cells.append(None)
                continue
            number, text = float(numbers[line.position]), as_text and row % 7 != 0
            at = self.damage.find(source, year, vintage, (line.city_id, variable, scope)) if touched else None
            if at is None:
                cells.append(_stored(number, decimals, as_text=text))
                continue
            cells.append(_stored(self.damage.apply(at, number, decimals), decimals, as_text=text))
            self.damage.note(at, "" if cells[-1] is None else str(cells[-1]), number / scale)
        return cells


def _stored(value: float | str | None, decimals: int, *, as_text: bool) -> Cell:
    if value is None or isinstance(value, str):
        return value
    if as_text:
        return f"{value:.{decimals}f}"
    return int(value) if value == int(value) else value
