"""Names and texts of a file are data: no SQL, no pattern, no markup, no order to a screen."""

import ast
import importlib.util
import io
import os
import random
import re
from pathlib import Path

import hostile_workbooks as hostile
import pytest
import xlsxwriter
from hostile_workbooks import workbook
from rich.console import Console

from dagster_project.errors import printable
from dagster_project.ingest import IngestError
from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.command import inspect_file
from dagster_project.inspect.frames import Request
from dagster_project.inspect.report import Report
from dagster_project.inspect.show import show
from dagster_project.paths import PROJECT
from expectations import validate


def test_a_file_name_that_is_no_text_is_refused_in_words(tmp_path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.csv"))
    path.write_text("城市,v\n北京市,1\n", encoding="utf-8")
    with pytest.raises(IngestError, match=r"not valid UTF-8 \[.*\\udcff\.csv\]\. Rename it"):
        read_sheets(path)


def test_an_error_does_not_steer_the_screen():
    error = IngestError("sheet '\x1b[2J\u202egnp'", "a\r\nb\udcff", "x\u200by")
    assert str(error) == r"sheet '\u001b[2J\u202egnp' [a\u000d\u000ab\udcff]. x\u200by."
    assert len(str(IngestError("x" * 10**6, "y", "z"))) < 3_000
    assert printable("石家庄市 GDP（亿元）…") == "石家庄市 GDP（亿元）…"


# ---- SQL -----------------------------------------------------------------------------------------------------------

# module -> names that may stand inside a query, because they come from the code, the dbt project or the catalogue of
# our own files, never from a landing file
QUERY_TEXT: dict[str, set[str]] = {
    "defs/gate.py": {"table", "_table(sidecar)", "_rows_of(table)", "order"},
    "defs/raw.py": {"prefix", "table", "condition"},
    # tables, columns and descriptions of contracts
    "defs/dbt_project.py": {"table", "node['schema']", "', '.join(parts)", "what", "sql_text(of['description'])"},
    "defs/state.py": {"CONTENT.format(query=query)", "content"},  # queries and tables of the study and of dbt
    # names and types of columns: those of contracts
    "store.py": {"table", "condition", "query", "', '.join((f'\"{n}\" {t}' for n, t in types.items()))"},
    "ingest/flat_files.py": {"', '.join(fields)"},  # positions of columns and casts
    "inspect/database.py": {"schema", "table", "model", "query", "sql_path(build_file)"},
}
RUNS_SQL = {"execute", "executemany", "sql", "query", "read_frame", "from_query"}


def test_no_query_of_the_reading_side_holds_text_of_a_file():
    """Every f-string given to the database between landing file and raw tables names only what is listed above."""
    for part in ("defs", "ingest", "inspect", "store.py"):
        root = PROJECT / "dagster_project"
        for file in sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]:
            allowed = QUERY_TEXT.get(file.relative_to(root).as_posix(), set())
            assert interpolated(file) <= allowed, file


def interpolated(file):
    """Expressions inside the queries of a module: f-strings, concatenations, .format and % as first argument."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in RUNS_SQL:
            for query in node.args[:1]:
                if isinstance(query, ast.JoinedStr):
                    found |= {ast.unparse(v.value) for v in query.values if isinstance(v, ast.FormattedValue)}
                elif isinstance(query, (ast.BinOp, ast.Call)) and "read_text" not in ast.unparse(query):
                    found.add(ast.unparse(query))
    return found


@pytest.mark.slow
def test_inspect_of_a_file_with_hostile_names_ends_in_words(tmp_path, capsys, monkeypatch):
    """All of the command: reading, SQL, gate, report; the names are shown and nothing else happens."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    path = tmp_path / "'; drop table x; --.xlsx"
    for number in range(12):
        path.write_bytes(hostile.hostile_text(*workbook(), random.Random(number)).content)
        asked = Request((path,), year=2019, source="yearbook")
        assert inspect_file(asked, Console(width=200), warehouse=None, json=number % 2 == 0) == 3
        said = capsys.readouterr()
        assert "fault of the program" not in said.out + said.err
        assert "cities (expected 280 to 300)" in said.out


# ---- on the pages of the gate and on the screen ------------------------------------------------------------


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
    path = Path(__file__).resolve().parents[1] / "unit" / "expectations" / "loads.py"
    spec = importlib.util.spec_from_file_location("clean_load_of_the_gate", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read_back(folder):
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
    asks = {"rule": name, "verdict": "waits", "outcome": name, "sentence": name, "answers": [name]}
    report = Report(
        verdict="waits",
        outcome=name,
        findings=[asks],
        sound=[name],
        load={"file": name, "source": "s", "layout": "wide", "year": 2019, "is_synthetic": False, "said": [name]},
        counts={"values": 1, "cities": 1, "columns_read": 1, "columns_ignored": 0, "columns_unknown": 1},
        values=[],
        unmapped_headers=[row],
        unknown_cities=[city],
        refused_blocks=[],
        edits=[],
        load_problems=[name],
        warnings=[name],
        ready_rows=[name],
    )
    written = io.StringIO()
    show(report, Console(file=written, width=200))
    text = written.getvalue()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\u200b" not in text
    assert r"\u001b[2J[red]\u202e市京北[/]" in text
