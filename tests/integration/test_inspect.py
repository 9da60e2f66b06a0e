"""`nqpf inspect`: what of a file would be read before it is landed: what a refresh would read, and nothing else.

First on SYNTHETIC files, then on the real ones that lie beside the project, as they are and with one thing changed.
"""

import hashlib
import json

import duckdb
import pandas as pd
import pytest
from house import held_open, paths_below
from landing_tools import read_page, write_page
from rich.console import Console

from dagster_project.cli.main import app
from dagster_project.inspect import database
from dagster_project.inspect.command import inspect, inspect_file
from dagster_project.inspect.frames import Request
from dagster_project.inspect.show import show

KEYS = {
    *("load", "counts", "values", "unmapped_headers", "unknown_cities", "refused_blocks", "load_problems", "warnings"),
    *("edits", "ready_rows", "verdict", "outcome", "findings", "sound"),
}
VALUE_KEYS = {"city_code", "city_name", "year", "raw_column", "scope", "value", "unit", "sheet", "cell"}
READ_SQL = """
    select c.city_code, v.year, v.sheet, v.cell, v.value
    from reading.int_values_corrected as v join seed.city as c using (city_id)
    where v.file like ? and v.value is not null and v.year >= 2010
        and v.level = (select min(level) from seed.row_count as n where n.source = v.source)
"""


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of its own: the template is built once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


def look(*files, warehouse=None, **asked):
    return inspect(Request(files, **asked), warehouse=warehouse, say=lambda line: None)


def run(file, *, warehouse=None):
    return inspect_file(Request((file,)), Console(width=200), warehouse=warehouse, json=True)


def changed(file, folder, change):
    """A changed copy outside the landing folder, with the name of the original."""
    page = read_page(file)
    change(page)
    write_page(page, folder / file.name)
    return folder / file.name


def yearbook(house, year):
    return house.paths.landing / "yearbook" / str(year) / f"synthetic_yearbook_{year}.xlsx"


@pytest.fixture(scope="module")
def clean(small_warehouse):
    """The report on the yearbook of 2014 as it is."""
    return look(yearbook(small_warehouse, 2014))


@pytest.fixture(scope="module")
def spoilt_file(small_warehouse, tmp_path_factory):
    """The same yearbook with a header, a city, a figure and a unit that nobody knows."""

    def spoil(page):
        page.rows[page.row_of("合肥市")][page.column_of("科学技术支出")] = "约八千"
        page.rows[page.row_of("石家庄市")][0] = "桃花源"
        page.replace_text("教育支出", "办学经费")
        page.replace_text("第一产业增加值 （万元）", "第一产业增加值 （万美金）")

    return changed(yearbook(small_warehouse, 2014), tmp_path_factory.mktemp("spoilt"), spoil)


@pytest.fixture(scope="module")
def spoilt(spoilt_file):
    return look(spoilt_file)


# ---- the same as a refresh ------------------------------------------------------------------------------


def same_as_read(report, house, file):
    """Figures and addresses of the report are those of the warehouse, all of them and no others."""
    columns = ["city_code", "year", "sheet", "cell", "value"]
    read = house.build(READ_SQL, [f"%{file.name}"])
    mine = pd.DataFrame(report.values)
    factor = mine["raw_column"].map({"road_area": 1e6, "express_parcels": 1e-4}).fillna(1.0)
    mine = mine.assign(value=mine["value"] / factor)[columns].sort_values(columns).reset_index(drop=True)
    theirs = read[columns].sort_values(columns).reset_index(drop=True)
    assert len(theirs) > 100
    pd.testing.assert_frame_equal(mine, theirs, check_dtype=False, rtol=1e-12)


@pytest.mark.parametrize("name", ["yearbook/2014", "registry"])
def test_figures_are_those_that_a_refresh_reads(small_warehouse, clean, name):
    file = next(f for f in sorted((small_warehouse.paths.landing / name).iterdir()) if f.suffix != ".yml")
    report = clean if file == yearbook(small_warehouse, 2014) else look(file)
    same_as_read(report, small_warehouse, file)
    assert report.unmapped_headers == report.unknown_cities == report.refused_blocks == []
    assert report.load["source"] == name.split("/")[0]
    assert report.load["is_synthetic"]


@pytest.mark.parametrize("source", ["yearbook", "county_tables"])
def test_the_newest_load_gets_the_findings_of_the_gate_and_the_warehouse_is_only_read(small_warehouse, source):
    """A wide sheet, and all tables of an edition as one load."""
    build = small_warehouse.paths.build_file
    before, beside = hashlib.sha256(build.read_bytes()).hexdigest(), sorted(build.parent.iterdir())
    files = sorted((small_warehouse.paths.landing / source / "2016").glob("*.xlsx"))
    report = look(*files, warehouse=small_warehouse.paths.warehouse, source=source, year=2016)
    findings = small_warehouse.build(
        "select sentence from ops.validation_result where source = ? and data_year = 2016 and not passed", [source]
    )
    # that this country has 12 cities stands in its sidecar alone
    problems = [problem for problem in report.load_problems if "too few or too many cities" not in problem]
    assert not findings.empty
    assert {*report.warnings, *problems} == {
        sentence.replace(f"{source}/2016/", "") for sentence in findings["sentence"]
    }
    assert (hashlib.sha256(build.read_bytes()).hexdigest(), sorted(build.parent.iterdir())) == (before, beside)


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


def test_one_year_of_a_file_of_several_years_and_the_template_stays_without_a_row(small_warehouse, cache, clean):
    (template,) = (cache / "nqpf").iterdir()
    written, lines = template.stat().st_mtime_ns, []
    file = small_warehouse.paths.landing / "registry" / "synthetic_registry.csv"
    report = inspect(Request((file,), year=2014), warehouse=None, say=lines.append)
    assert report.values
    assert {value["year"] for value in report.values} == {2014}
    assert (template.stat().st_mtime_ns, lines) == (written, [])  # built once
    with duckdb.connect(str(template), read_only=True) as con:
        assert con.execute("select count(*) from raw.cells").fetchall() == [(0,)]


# ---- what is not read ------------------------------------------------------------------------------------


def test_unknown_header_is_not_read_and_comes_with_a_row_to_paste(spoilt):
    city = next(row for row in spoilt.unmapped_headers if "全市" in row["header_key"])
    assert "办学经费" in city["path"]
    # no words and no figures fit: a likeness of the path is never offered
    assert (city["nearest"], city["nearest_variable"]) == (None, "ignore")
    assert city["ready_row"] == f"yearbook,2014,2014,{city['header_key']},ignore,city,,a new concept"


def test_unknown_city_is_named_with_those_that_are_near(spoilt):
    (city,) = spoilt.unknown_cities
    assert (city["name"], city["cell"][0], len(city["nearest"]), city["ready_row"]) == ("桃花源", "A", 3, None)


def test_text_in_a_number_column_and_a_unit_that_is_not_known_are_refused(spoilt):
    single = [block for block in spoilt.refused_blocks if block["rules"] == ["value_is_number"]]
    assert [(block["cities"], block["figures"]) for block in single] == [(["合肥市"], ["约八千"])]
    others = {block["raw_column"] for block in spoilt.refused_blocks if block not in single}
    assert others == {"va_primary_nom"}


def test_each_fault_costs_what_it_spoils_and_no_more(clean, spoilt):
    """The columns of the header and of the unit, the row of the city, one figure of Hefei."""
    columns = {row["column"] for row in spoilt.unmapped_headers}

    def is_lost(value):
        column = value["cell"].rstrip("0123456789")
        is_figure = (value["city_name"], value["raw_column"], value["scope"]) == ("合肥市", "fiscal_science", "city")
        is_column = column in columns or value["raw_column"] == "va_primary_nom"
        return is_column or value["city_code"] == "130100" or is_figure

    assert spoilt.values == [value for value in clean.values if not is_lost(value)]


LITTER = {
    "line break": "{}\n",
    "line break of a program": "{}_x000D_",
    "tabulator": "\t{}",
    "blank": " {} ",
    "blank of full width": "\u3000{}",
    "no-break blank": "{}\u00a0",
    "sign of no width": "\u200b{}",
    "apostrophe": "'{}",
    "sign of a note": "{}①",
    "asterisk": "{}*",
}


@pytest.mark.parametrize("year", [2014, 2016])
def test_what_stands_around_a_figure_is_taken_off_and_counted(small_warehouse, tmp_path, year):
    """Ten kinds of litter, one a figure in turn; not one row in a seed."""

    def litter(page):
        forms = list(LITTER.values())
        for at in page.city_rows:
            for column, cell in enumerate(page.rows[at][2:], 2):
                if isinstance(cell, float):
                    page.rows[at][column] = forms[(at + column) % len(forms)].format(f"{cell:.15g}")

    file = yearbook(small_warehouse, year)
    sound, copy = look(file), look(changed(file, tmp_path, litter))
    figures = [[{**value, "printed": ""} for value in report.values] for report in (sound, copy)]
    assert figures[0] == figures[1]
    assert (copy.verdict, copy.refused_blocks) == (sound.verdict, sound.refused_blocks)
    (told,) = [one for one in copy.findings if one["rule"] == "value_is_printed_alone"]
    assert told["verdict"] == "told"
    for words in ("line breaks", "blanks", "apostrophes", "signs of a note"):
        assert words in told["sentence"]


def test_a_question_on_texts_of_one_form_is_asked_once(small_warehouse, clean, tmp_path):
    def in_brackets(page):
        column = page.column_of("科学技术支出")
        for at in page.city_rows:
            if isinstance(page.rows[at][column], float):
                page.rows[at][column] = f"（{page.rows[at][column]}）"

    report = look(changed(yearbook(small_warehouse, 2014), tmp_path, in_brackets))
    (asked,) = [one for one in report.findings if one["rule"] == "value_is_number"]
    assert (asked["outcome"], asked["answers"]) == ("waits for 1 answer", ["yearbook,2014,,(#),,"])
    left_out = ("fiscal_science", "city")
    assert report.values == [value for value in clean.values if (value["raw_column"], value["scope"]) != left_out]


def test_last_accepted_year_shows_a_slip_that_no_band_shows(small_warehouse, clean, tmp_path):
    def ten_times(page):
        column = page.column_of("工业二氧化硫排放量")
        for at in page.city_rows:
            if isinstance(page.rows[at][column], float):
                page.rows[at][column] *= 10

    file = changed(yearbook(small_warehouse, 2014), tmp_path, ten_times)
    beside = look(file, warehouse=small_warehouse.paths.warehouse)
    (block,) = [block for block in beside.refused_blocks if block["is_whole_column"]]
    assert (block["raw_column"], block["scope"]) == ("industrial_so2", "city")
    assert "unit slip of x10" in block["reason"]
    assert beside.values == [value for value in clean.values if value["raw_column"] != "industrial_so2"]


# ---- how it ends -----------------------------------------------------------------------------------------


def test_json_on_stdout_and_reasons_on_stderr(spoilt_file, spoilt, capfd):
    """Pure JSON, also of what libraries write; its keys, an exit code that says not all was read (12 cities are too
    few)."""
    with pytest.raises(SystemExit) as ended:
        app(["inspect", str(spoilt_file), "--json"])
    said = capfd.readouterr()
    content = json.loads(said.out)
    assert (ended.value.code, said.err) == (3, "")  # a first call says that it fills the cache
    assert set(content) == KEYS
    assert content["values"] == spoilt.values
    assert set(content["values"][0]) >= VALUE_KEYS
    assert all(len(value["city_code"]) == 6 and value["city_code"].isdigit() for value in content["values"])
    assert {value["scope"] for value in content["values"]} == {"city", "district"}


def test_summary_for_people(spoilt, capsys):
    show(spoilt, Console(width=200))
    said = capsys.readouterr().out
    assert "SYNTHETIC, yearbook, layout wide, statistical year 2014" in said
    assert "2 unknown headers" in said
    assert "Rows for header_map.csv, to be reviewed before they are pasted:" in said
    assert "ignore,city,,a new concept" in said


ENCRYPTED = bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 504 + "EncryptedPackage".encode("utf-16-le")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("encrypted.xlsx", ENCRYPTED, "protected by a password"),
        ("notes.txt", "城市".encode(), "are not read"),
        ("table.csv", "城市,人口\n北京市,1\n".encode(), "give it with --year"),
        ("nowhere.xlsx", None, "does not exist"),
    ],
)
def test_file_that_cannot_be_read_is_one_sentence(name, content, words, tmp_path, capsys):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    assert run(tmp_path / name) == 2
    said = capsys.readouterr()
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert words in line
    assert "fault of the program" not in line


def test_warehouse_that_is_written_to_is_busy(small_warehouse, tmp_path, capsys):
    paths = paths_below(tmp_path)
    paths.build_file.parent.mkdir(parents=True)
    with held_open(paths.build_file, "writing"):
        assert run(yearbook(small_warehouse, 2014), warehouse=paths.warehouse) == 4
    said = capsys.readouterr()
    assert (said.out, len(said.err.splitlines())) == ("", 1)
    assert "in use by another process" in said.err


def test_folder_without_a_warehouse_is_said(small_warehouse, tmp_path, capsys):
    assert run(yearbook(small_warehouse, 2014), warehouse=tmp_path) == 2
    assert "There is no build file in that warehouse" in capsys.readouterr().err


def test_what_heads_mean_is_told_by_all_editions_of_the_warehouse(small_warehouse, monkeypatch):
    settle, landed = database._settle, []

    def note(con, *folders, up_to=None):
        if folders == ("reading",) and up_to is None:
            landed.extend(con.execute("select data_year, is_waiting from raw.landed order by 1").fetchall())
        settle(con, *folders, up_to=up_to)

    monkeypatch.setattr(database, "_settle", note)
    look(yearbook(small_warehouse, 2014), warehouse=small_warehouse.paths.warehouse)
    assert {(2013, False), (2014, True), (2015, False)} <= set(landed)
    assert [year for year, is_waiting in landed if is_waiting] == [2014]


# ---- real files -----------------------------------------------------------------------------------------

EDITIONS = {2018: 2019, 2019: 2020, 2020: 2021, 2023: 2024}


def wide(real_data, year):
    return real_data / "yearbook_wide" / f"china_city_statistical_yearbook_{EDITIONS[year]}_prefecture.xlsx"


@pytest.mark.slow
@pytest.mark.parametrize("year", EDITIONS)
def test_real_edition_is_read_like_a_refresh_reads_it(real_data, real_warehouse, year):
    report = look(wide(real_data, year), warehouse=real_warehouse.paths.warehouse)
    assert (report.load["source"], report.load["layout"], report.load["year"]) == ("yearbook_wide", "wide", year)
    asked = {head["nearest_variable"] for head in report.unmapped_headers}
    assert asked <= {"natural_growth_rate"}, asked  # % over figures of per mille, and no edition beside it that tells
    assert report.refused_blocks == report.load_problems == report.unknown_cities == []
    same_as_read(report, real_warehouse, wide(real_data, year))


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["2021", "2024"])
def test_every_table_of_prefectures_is_read_or_ignored_with_a_reason(real_data, layout):
    files = sorted((real_data / "yearbook_tables" / layout).rglob("*2-[0-9]*.xlsx"))
    files = [file for file in files if "1、" not in str(file)]
    assert len(files) == {"2021": 4, "2024": 30}[layout]
    for file in files:
        report = look(file)
        assert (report.load["source"], report.load["year"]) == ("yearbook_tables", int(layout) - 1)
        assert report.is_clean, (file.name, report.refused_blocks, report.load_problems)


def test_table_of_county_level_cities_is_not_taken_for_prefectures(real_data):
    report = look(real_data / "yearbook_tables" / "2021" / "2021_2021-3-3.xlsx")
    assert report.load["source"] == "county_tables"
    assert report.is_clean, (report.refused_blocks, report.load_problems)
    assert len({value["city_code"] for value in report.values}) == 387
    assert not any(value["city_code"].endswith("00") for value in report.values)


@pytest.mark.slow
@pytest.mark.parametrize(("factor", "is_read"), [(1, True), (1e-2, False)])
def test_edition_older_than_all_others_is_judged_by_the_smaller_figures_of_its_time(
    real_data, tmp_path, factor, is_read
):
    """The edition of 2012 as one of 2006: GDP, budgets and loans a quarter of it; and with a slip of GDP besides."""

    money = ("地区生产总值(", "人均地区生产总值", "一般预算内", "支出", "年末金融机构", "零售总额(", "工资")

    def older(page):
        heads = [str(text) for text in page.rows[2]]
        columns = {at + step for at, head in enumerate(heads) for step in (0, 1) if any(word in head for word in money)}
        for at in page.city_rows:
            for column in columns:
                text = str(page.rows[at][column]).strip()
                if text.replace(".", "", 1).isdigit():
                    slip = factor if heads[column].startswith("地区生产总值(") else 1
                    page.rows[at][column] = round(float(text) / 4 * slip)

    edition = real_data / "yearbook_wide" / "china_city_statistical_yearbook_2012_prefecture.xlsx"
    report = look(changed(edition, tmp_path, older), year=2005)
    refused = {block["raw_column"] for block in report.refused_blocks if block["is_whole_column"]}
    assert report.counts["cities"] > 280
    assert ("gdp_nom" not in refused) == is_read


@pytest.mark.slow
def test_panel_of_many_years(real_data):
    report = look(real_data / "panel" / "china_city_panel_with_policies.csv", year=2012)
    beijing = {v["raw_column"]: v for v in report.values if v["city_code"] == "110000"}
    assert report.load["source"] == "panel_policies"
    assert (beijing["gdp_nom"]["value"], beijing["gdp_nom"]["unit"]) == (178_794_000, "10k yuan")
    assert beijing["gdp_nom"]["cell"] == "H24"
    assert beijing["population_registered"]["value"] == 12_975_000
