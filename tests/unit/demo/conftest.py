"""The full demo, written once, and its files read back cell by cell without the project's own reader."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest
import yaml
from python_calamine import CalamineWorkbook

from dagster_project.demo import DemoTruth
from dagster_project.demo.books import tables_of
from dagster_project.demo.country import read_geography
from dagster_project.demo.registers import REGISTERS
from dagster_project.paths import demo_paths


@dataclass(frozen=True)
class Demo:
    """A written demo: its folder, what was planted, and all printed cells as text."""

    landing: Path
    truth: DemoTruth
    cells: pd.DataFrame

    def of(self, source: str = "yearbook", vintage: str = "", **where: object) -> pd.DataFrame:
        """Printed cells of a source with their `number`."""
        cells = self.cells
        for column, value in {"source": source, "vintage": vintage, **where}.items():
            cells = cells[cells[column] == value]
        return cells.assign(number=pd.to_numeric(cells["text"], errors="coerce"))


@pytest.fixture(scope="session")
def demo(whole_demo):
    landing, truth = whole_demo
    return Demo(landing, truth, read_back(landing))


def read_back(landing: Path) -> pd.DataFrame:
    """One row per printed cell: source, year, vintage, city, variable, scope, text, is_text."""
    rows: list[tuple[object, ...]] = []
    for sidecar in sorted(landing.rglob("*.yml")):
        head = yaml.safe_load(sidecar.read_text(encoding="utf-8"))
        paths = [landing / file["path"] for file in head["files"]]
        if head["source"] == "yearbook":
            vintage = "first" if sidecar.stem.endswith("v1") else ""
            rows += _yearbook_rows(paths, head["layout"], head["data_year"], vintage)
        elif head["source"] in REGISTERS:
            rows += _long_rows(head["source"], paths[0])
    columns = ["source", "year", "vintage", "city", "variable", "scope", "text", "is_text"]
    return pd.DataFrame(rows, columns=columns)


def _yearbook_rows(paths: list[Path], layout: str, year: int, vintage: str) -> list[tuple[object, ...]]:
    tables = tables_of(year)
    groups = [tables] if layout == "wide" else [[table] for table in tables]
    rows: list[tuple[object, ...]] = []
    for path, group in zip(paths, groups, strict=True):
        specs = [(i.variable, scope) for table in group for i in table.items for scope in i.columns]
        grid = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python(skip_empty_area=False)
        start = next(r for r, line in enumerate(grid) if line[0] == "城 市")
        for line in grid[start + 1 :]:
            if not str(line[0]).strip() or str(line[0]).startswith("注") or line[1] == "City":
                continue
            for (variable, scope), value in zip(specs, line[2:], strict=True):
                text = str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
                is_text = isinstance(value, str)
                rows.append(("yearbook", year, vintage, str(line[0]).strip(), variable, scope, text, is_text))
    return rows


def _long_rows(source: str, path: Path) -> list[tuple[object, ...]]:
    file = REGISTERS[source]
    lines = csv.DictReader(io.StringIO(path.read_bytes().decode(file.encoding)))
    return [
        (source, int(line[file.keys["year"]]), "", line[file.keys["city"]], variable, "city", line[header], True)
        for line in lines
        for header, variable, _, _ in file.columns
    ]


@pytest.fixture(scope="session")
def names() -> dict[str, str]:
    return {city_id: row["name_zh"] for city_id, row in read_geography(demo_paths().seeds).units.items()}
