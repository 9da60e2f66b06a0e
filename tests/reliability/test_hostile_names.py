"""Names of files, sheets, cities and headers are data: no SQL, no pattern, no markup, no order to a screen."""

import ast
import os
import random
from pathlib import Path

import duckdb
import hostile_workbooks as hostile
import pytest
from hostile_originals import workbook
from rich.console import Console

from dagster_project.ingest import IngestError
from dagster_project.ingest.errors import printable
from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.command import inspect_file
from dagster_project.inspect.frames import Asked
from dagster_project.paths import PROJECT

NAMES = ["'; drop table x; --", "*", "year=2019", "a?b", "[ab]", "=cmd()", "{x}", "a\nb", "\u202egnp", "a'b\"c", "-rf"]


@pytest.mark.parametrize("name", NAMES)
def test_a_parquet_file_of_any_name_is_that_file_alone(tmp_path, name):
    """DuckDB takes * for a pattern and key=value in a folder for a column."""
    folder = tmp_path / name
    folder.mkdir()
    duckdb.sql("select 'other' as city").write_parquet(str(tmp_path / "ab.parquet"))
    (folder / "ab.parquet").write_bytes((tmp_path / "ab.parquet").read_bytes())
    duckdb.sql("select 'mine' as city").write_parquet(str(tmp_path / "m.parquet"))
    (folder / f"{name}.parquet").write_bytes((tmp_path / "m.parquet").read_bytes())
    assert read_sheets(folder / f"{name}.parquet")[0].text.tolist() == ["city", "mine"]


def test_columns_of_a_parquet_file_may_be_named_like_sql(tmp_path):
    names = ['a"; drop table x; --', "1", "select", "", "a\nb", "北京\u200b"]
    con = duckdb.connect()
    con.execute(f"create table t ({', '.join('"' + (n or ' ').replace('"', '""') + '" float' for n in names)})")
    con.execute("insert into t values (0.1, 1.5, 2, 3, 4, 5)")
    con.table("t").write_parquet(str(tmp_path / "a.parquet"))
    found = read_sheets(tmp_path / "a.parquet")[0]
    assert found.rows(2, 2) == {(2, col): text for col, text in enumerate(["0.1", "1.5", "2", "3", "4", "5"], 1)}


def test_a_parquet_column_without_one_text_is_refused(tmp_path):
    for value in ("[1, 2]", "{'a': 1}", "'\\xAA'::blob", "map {1: 2}"):
        duckdb.sql(f"select {value} as v").write_parquet(str(tmp_path / "a.parquet"))
        with pytest.raises(IngestError, match="which cannot be read as text"):
            read_sheets(tmp_path / "a.parquet")


def test_a_parquet_file_without_rows_is_a_header(tmp_path):
    duckdb.sql("select 1 as a where false").write_parquet(str(tmp_path / "a.parquet"))
    assert read_sheets(tmp_path / "a.parquet")[0].text.tolist() == ["a"]


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


@pytest.mark.parametrize("make", [hostile.wrong_in_sheet, hostile.cut, hostile.wrong_in_other_part])
def test_inspect_of_a_broken_file_is_one_sentence(tmp_path, capsys, make):
    path = tmp_path / "a.xlsx"
    for number in range(12):
        rng = random.Random(number)
        path.write_bytes(make(*workbook(), rng).content)
        try:
            read_sheets(path)
        except IngestError:
            asked = Asked(path, year=2019, source="yearbook")
            assert inspect_file(asked, Console(), warehouse=None, json=True) == 2
            said = capsys.readouterr()
            assert said.out == ""
            assert str(path) in said.err
            assert len(said.err.splitlines()) == 1
            assert "fault of the program" not in said.err


# ---- SQL -----------------------------------------------------------------------------------------------------------

# module -> names that may stand inside a query, because they come from the code, the dbt project or the catalogue of
# our own files, never from a landing file
QUERY_TEXT: dict[str, set[str]] = {
    "defs/gate.py": {"prefix", "table"},
    "defs/asset_words.py": {"'.'.join(table)"},  # tables of schema.sql
    "defs/raw.py": {"prefix", "table", "condition", "view"},
    "defs/dbt_project.py": {"table"},
    "defs/state.py": {"CONTENT.format(query=query)"},  # queries and tables of the study and of dbt
    # names and types of columns: those of contracts
    "store.py": {"table", "condition", "query", "', '.join((f'\"{n}\" {t}' for n, t in types.items()))"},
    "ingest/flat_files.py": {"', '.join(fields)"},  # positions of columns and casts
    "inspect/database.py": {"schema", "table", "model", "str(build_file).replace(chr(39), chr(39) * 2)"},
}
RUNS_SQL = {"execute", "executemany", "sql", "query", "read_frame", "from_query"}


def test_no_query_of_the_reading_side_holds_text_of_a_file():
    """Every f-string given to the database between landing file and raw tables names only what is listed above."""
    for part in ("defs", "ingest", "inspect", "store.py"):
        root = PROJECT / "dagster_project"
        for file in sorted((root / part).rglob("*.py")) if (root / part).is_dir() else [root / part]:
            allowed = QUERY_TEXT.get(file.relative_to(root).as_posix(), set())
            assert interpolated(file) <= allowed, file


def interpolated(file: Path) -> set[str]:
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
        asked = Asked(path, year=2019, source="yearbook")
        assert inspect_file(asked, Console(width=200), warehouse=None, json=number % 2 == 0) == 1
        said = capsys.readouterr()
        assert "fault of the program" not in said.out + said.err
        assert "6 unknown headers" in said.out or '"unmapped_headers"' in said.out
