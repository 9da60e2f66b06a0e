"""Text of a file on the pages of the gate and on the screen: shown, never obeyed."""

import importlib.util
import io
import re
from pathlib import Path

import pytest
import xlsxwriter
from rich.console import Console

from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.report import Report
from dagster_project.inspect.show import show
from expectations import validate

ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "</td></table><b>loud</b>",
    "javascript:alert(1)",
    "${7*7}{{7*7}}",
    "$unexpected_list",
    "=cmd|'/c calc'!A1",
]
LIVE = re.compile(r"<script>alert|<img src=x|<svg onload|<b>loud|</td></table><b>", re.IGNORECASE)


@pytest.fixture(scope="module")
def gate():
    """The clean load that the tests of the gate use."""
    path = Path(__file__).resolve().parents[1] / "unit" / "expectations" / "conftest.py"
    spec = importlib.util.spec_from_file_location("clean_load_of_the_gate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_back(folder: Path) -> list[str]:
    """The attacks as names of cities in a workbook, through the reader."""
    with xlsxwriter.Workbook(folder / "a.xlsx") as book:
        sheet = book.add_worksheet()
        for row, text in enumerate(ATTACKS):
            sheet.write_string(row, 0, text)
    return [str(text) for text in read_sheets(folder / "a.xlsx")[0].text]


def test_names_of_cities_headers_sheets_and_files_are_escaped_on_the_pages_of_the_gate(gate, tmp_path):
    texts = read_back(tmp_path)
    assert texts == ATTACKS
    frames = gate.clean_load()
    for at, text in enumerate(texts):
        frames["rows"].loc[at, ["city_text", "row_kind"]] = [text, "unknown"]
        frames["values"].loc[at, ["city_name", "text", "is_number"]] = [text, text, False]
    frames["headers"].loc[0, ["header_path", "header_key", "is_known"]] = [texts[0], texts[0], False]
    frames["headers"].loc[1, ["header_path", "header_key", "is_known"]] = [texts[1], texts[1], False]
    for name in ("rows", "values", "headers"):
        frames[name]["sheet"], frames[name]["file"] = texts[3], f"{texts[1]}.xlsx"
    validate(frames, gate.BASELINE, docs_dir=tmp_path / "docs", name="hostile")
    pages = sorted((tmp_path / "docs").rglob("*.html"))
    assert pages
    content = "\n".join(page.read_text(encoding="utf-8") for page in pages)
    assert "alert(1)" in content  # the texts are shown
    found = LIVE.search(content)
    assert found is None, content[max(0, found.start() - 200) : found.end() + 100]


def test_the_report_of_inspect_does_not_steer_the_screen():
    """Orders to a terminal and turned writing are written out; markup of the console stays text."""
    name = "\x1b[2J[red]\u202e市京北[/]\u200b"
    row = {"sheet": name, "column": "A", "path": name, "nearest": name, "nearest_score": 1.0, "ready_row": name}
    city = {"sheet": name, "cell": "A1", "name": name, "nearest": [], "ready_row": name, "known_elsewhere": name}
    report = Report(
        load={"file": name, "source": "s", "layout": "wide", "year": 2019, "is_synthetic": False, "said": [name]},
        counts={"values": 1, "cities": 1, "columns_read": 1, "columns_ignored": 0, "columns_unknown": 1},
        values=[],
        unmapped_headers=[row],
        unknown_cities=[city],
        refused_blocks=[],
        load_problems=[name],
        warnings=[name],
    )
    written = io.StringIO()
    show(report, Console(file=written, width=200))
    text = written.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\u200b" not in text
    assert r"\u001b[2J[red]\u202e市京北[/]" in text
