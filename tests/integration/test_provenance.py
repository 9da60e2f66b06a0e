"""From an indicator value back to the cell that was printed: one query, and the cell really says so."""

import csv
import re
from pathlib import Path

from python_calamine import CalamineWorkbook

TRAIL = """
select v.index_code, v.indicator_code, v.city_id, v.year, s.file, s.sheet, s.cell, s.text
from mart.mart_indicator_value as v
join mart.mart_indicator_source as s using (index_code, city_id, year, indicator_code)
where v.basis = 'restated'
order by all
"""


def test_one_query_leads_from_every_value_to_cells_that_hold_that_very_text(small_warehouse):
    trail = small_warehouse.published(TRAIL)
    values = small_warehouse.published("from mart.mart_indicator_value where basis = 'restated'")
    assert {"nqpf", "pr"} <= set(values["index_code"])
    assert len(trail.drop_duplicates(["index_code", "indicator_code", "city_id", "year"])) == len(values)
    for (file, sheet), cells in trail.groupby(["file", "sheet"]):
        grid = _grid(small_warehouse.paths.landing / str(file), str(sheet))
        wrong = [
            (cell, text, found)
            for cell, text in zip(cells["cell"], cells["text"], strict=True)
            if (found := _cell_text(grid, cell)) != text
        ]
        assert wrong == [], file


def _grid(file: Path, sheet: str) -> list[list[object]]:
    if file.suffix == ".xlsx":
        return CalamineWorkbook.from_path(str(file)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    encoding = {"registry": "gb18030", "sector_employment": "gb18030", "satellite": "utf-16"}.get(
        file.parent.name, "utf-8-sig"
    )
    return [list(row) for row in csv.reader(file.read_text(encoding=encoding).splitlines())]


def _cell_text(grid: list[list[object]], address: str) -> str:
    letters, number = re.fullmatch(r"([A-Z]+)(\d+)", address).groups()  # type: ignore[union-attr]
    column = 0
    for letter in letters:
        column = 26 * column + ord(letter) - 64
    value = grid[int(number) - 1][column - 1]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
