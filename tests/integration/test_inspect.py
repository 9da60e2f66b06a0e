"""`nqpf inspect`: what of a file would be read before it is landed: what a refresh would read, and nothing else."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from house import House
from landing_tools import Page
from looking import READ_SQL, changed, look, same_as_read
from rich.console import Console

from dagster_project.inspect.command import inspect, inspect_file
from dagster_project.inspect.frames import Asked

KEYS = {
    *("load", "counts", "values", "unmapped_headers", "unknown_cities", "refused_blocks", "load_problems", "warnings"),
    "edits",
}
VALUE_KEYS = {"city_code", "city_name", "year", "raw_column", "scope", "value", "unit", "sheet", "cell"}


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of its own: the template is built once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def run(file: Path, *, warehouse: Path | None = None, as_json: bool = True, **asked: object) -> int:
    console = Console(width=200)
    return inspect_file(Asked(file, **asked), console, warehouse=warehouse, json=as_json)  # type: ignore[arg-type]


def yearbook(house: House, year: int) -> Path:
    return house.paths.landing / "yearbook" / str(year) / f"synthetic_yearbook_{year}.xlsx"


# ---- the same as a refresh ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["yearbook/2014", "registry"])
def test_figures_are_those_that_a_refresh_reads(small_warehouse, name):
    file = next(f for f in sorted((small_warehouse.paths.landing / name).iterdir()) if f.suffix != ".yml")
    report = look(file)
    read = small_warehouse.build(READ_SQL, [f"%{file.name}"])
    same_as_read(report, read)
    assert report.unmapped_headers == report.unknown_cities == report.refused_blocks == []
    assert report.load["source"] == name.split("/")[0]
    assert report.load["is_synthetic"]


def test_source_layout_and_year_can_be_said(small_warehouse, tmp_path):
    """A name that says nothing, and a source that is asked for: then nothing of the map of another is used."""
    copy = tmp_path / "book.xlsx"
    copy.write_bytes(yearbook(small_warehouse, 2014).read_bytes())
    report = look(copy, year=2014, source="never_heard_of", layout="wide")
    assert (report.load["source"], report.load["layout"], report.load["year"]) == ("never_heard_of", "wide", 2014)
    assert report.values == []
    assert len(report.unmapped_headers) == report.counts["columns"] > 20
    assert all(row["ready_row"].startswith("never_heard_of,,,") for row in report.unmapped_headers)
    assert any("never_heard_of 2014 has no baseline" in problem for problem in report.load_problems)


def test_one_year_of_a_file_of_several_years(small_warehouse):
    file = small_warehouse.paths.landing / "registry" / "synthetic_registry.csv"
    report = look(file, year=2014)
    assert {value["year"] for value in report.values} == {2014}
    assert len(report.values) * 3 < len(look(file).values)


# ---- what is not read ------------------------------------------------------------------------------------


def test_unknown_header_is_not_read_and_comes_with_a_row_to_paste(small_warehouse, tmp_path):
    clean = look(yearbook(small_warehouse, 2014))
    report = look(
        changed(yearbook(small_warehouse, 2014), tmp_path, lambda page: page.replace_text("教育支出", "教育事业费支出"))
    )
    city = next(row for row in report.unmapped_headers if "全市" in row["header_key"])
    assert "教育事业费支出" in city["path"]
    assert city["nearest_variable"] == "fiscal_education"
    assert city["ready_row"] == f"yearbook,,,{city['header_key']},fiscal_education,city,万元,"
    lost = {value["cell"] for value in clean.values} - {value["cell"] for value in report.values}
    assert {cell.rstrip("0123456789") for cell in lost} == {row["column"] for row in report.unmapped_headers}


def test_unknown_city_and_name_of_other_years(small_warehouse, tmp_path):
    def rename(page: Page) -> None:
        page.rows[page.row_of("石家庄市")][0] = "石家店市"

    report = look(changed(yearbook(small_warehouse, 2014), tmp_path, rename))
    (city,) = report.unknown_cities
    assert (city["name"], city["cell"][0], len(city["nearest"])) == ("石家店市", "A", 3)
    assert city["nearest"][0] == {"name": "石家庄市", "score": 75.0}
    assert city["ready_row"] == "石家店市,CN130100,2014,2014,ocr,yearbook,"
    assert "130100" not in {value["city_code"] for value in report.values}


def test_text_in_a_number_column_costs_that_figure_only(small_warehouse, tmp_path):
    def spoil(page: Page) -> None:
        page.rows[page.row_of("合肥市")][page.column_of("教育支出")] = "约八千"

    clean = look(yearbook(small_warehouse, 2014))
    report = look(changed(yearbook(small_warehouse, 2014), tmp_path, spoil))
    (block,) = report.refused_blocks
    assert (block["cities"], block["figures"], block["rules"]) == (["合肥市"], ["约八千"], ["value_is_number"])
    assert len(report.values) == len(clean.values) - 1


def test_unit_that_is_not_known_costs_its_column(small_warehouse, tmp_path):
    change = "第一产业增加值 （万元）", "第一产业增加值 （万美金）"
    report = look(changed(yearbook(small_warehouse, 2014), tmp_path, lambda page: page.replace_text(*change)))
    assert "va_primary_nom" not in {value["raw_column"] for value in report.values}
    assert {block["raw_column"] for block in report.refused_blocks} == {"va_primary_nom"}


def test_last_accepted_year_shows_a_slip_that_no_band_shows(small_warehouse, tmp_path):
    def ten_times(page: Page) -> None:
        column = page.column_of("工业二氧化硫排放量")
        for at in page.city_rows:
            if isinstance(page.rows[at][column], float):
                page.rows[at][column] *= 10

    file = changed(yearbook(small_warehouse, 2014), tmp_path, ten_times)
    alone = look(file)
    beside = look(file, warehouse=small_warehouse.paths.warehouse)
    assert not any(block["is_whole_column"] for block in alone.refused_blocks)
    (block,) = [block for block in beside.refused_blocks if block["is_whole_column"]]
    assert (block["raw_column"], block["scope"]) == ("industrial_so2", "city")
    assert "unit slip of x10" in block["reason"]
    assert beside.values == [value for value in alone.values if value["raw_column"] != "industrial_so2"]


# ---- how it ends -----------------------------------------------------------------------------------------


def test_json_on_stdout_and_reasons_on_stderr(small_warehouse, tmp_path):
    """As a user runs it: pure JSON, its keys, an exit code that says not all was read (12 cities are too few)."""
    file = changed(yearbook(small_warehouse, 2014), tmp_path, lambda page: page.replace_text("教育支出", "教育费"))
    assert look(file).unmapped_headers  # the template is there: a first call says on stderr that it builds one
    command = [str(Path(sys.executable).with_name("nqpf")), "inspect", str(file), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    content = json.loads(done.stdout)
    assert done.returncode == 1
    assert set(content) == KEYS
    assert set(content["values"][0]) >= VALUE_KEYS
    assert all(len(value["city_code"]) == 6 and value["city_code"].isdigit() for value in content["values"])
    assert {value["scope"] for value in content["values"]} == {"city", "district"}
    assert done.stderr == ""


def test_summary_for_people(small_warehouse, tmp_path, capsys):
    file = changed(yearbook(small_warehouse, 2014), tmp_path, lambda page: page.replace_text("教育支出", "教育费"))
    assert run(file, as_json=False) == 1
    said = capsys.readouterr().out
    assert "SYNTHETIC, yearbook, layout wide, statistical year 2014" in said
    assert "2 unknown headers" in said
    assert "Rows for header_map.csv, to be reviewed before they are pasted:" in said
    assert "fiscal_education,city,万元," in said


def not_files(folder: Path) -> dict[str, tuple[Path, str]]:
    """Files that cannot be read -> (path, words of the one sentence)."""
    ole = bytes.fromhex("d0cf11e0a1b11ae1")
    contents = {
        "encrypted.xlsx": (ole + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le"), "protected by a password"),
        "page.xlsx": (b"<!DOCTYPE html><html>log in</html>", "is a web page"),
        "empty.xlsx": (b"", "The file is empty"),
        "notes.txt": ("城市".encode(), "are not read"),
        "table.csv": ("城市,人口\n北京市,1\n".encode(), "give it with --year"),
    }
    for name, (content, _) in contents.items():
        (folder / name).write_bytes(content)
    found = {name: (folder / name, words) for name, (_, words) in contents.items()}
    return {**found, "missing": (folder / "nowhere.xlsx", "does not exist")}


@pytest.mark.parametrize("name", ["encrypted.xlsx", "page.xlsx", "empty.xlsx", "notes.txt", "table.csv", "missing"])
def test_file_that_cannot_be_read_is_one_sentence(name, tmp_path, capsys):
    file, words = not_files(tmp_path)[name]
    assert run(file) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert words in line
    assert "fault of the program" not in line


def test_warehouse_that_is_written_to_is_busy(small_warehouse, copy_of_small_warehouse, capsys):
    build = copy_of_small_warehouse.paths.build_file
    hold = f"import duckdb, sys; con = duckdb.connect({str(build)!r}); print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        code = run(yearbook(small_warehouse, 2014), warehouse=copy_of_small_warehouse.paths.warehouse)
        holder.communicate("")
    said = capsys.readouterr()
    assert (code, said.out, len(said.err.splitlines())) == (4, "", 1)
    assert "in use by another process" in said.err


def test_warehouse_is_only_read(small_warehouse):
    build = small_warehouse.paths.build_file
    before = hashlib.sha256(build.read_bytes()).hexdigest()
    files = sorted(p.name for p in build.parent.iterdir())
    look(yearbook(small_warehouse, 2016), warehouse=small_warehouse.paths.warehouse)
    assert hashlib.sha256(build.read_bytes()).hexdigest() == before
    assert sorted(p.name for p in build.parent.iterdir()) == files


def test_folder_without_a_warehouse_is_said(small_warehouse, tmp_path, capsys):
    assert run(yearbook(small_warehouse, 2014), warehouse=tmp_path) == 2
    assert "There is no build file in that warehouse" in capsys.readouterr().err


def test_template_is_built_once_and_never_holds_a_row_of_a_file(small_warehouse, cache):
    look(yearbook(small_warehouse, 2014))
    (template,) = (cache / "nqpf").iterdir()
    written = template.stat().st_mtime_ns
    lines: list[str] = []
    inspect(Asked(yearbook(small_warehouse, 2016)), warehouse=None, say=lines.append)
    assert (template.stat().st_mtime_ns, lines) == (written, [])
    with duckdb.connect(str(template), read_only=True) as con:
        assert con.execute("select count(*) from raw.cells").fetchall() == [(0,)]
