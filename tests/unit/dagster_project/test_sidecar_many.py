"""`nqpf sidecar FOLDER`: what each file is, by number, title, folder and rows; what it asks, and what it keeps."""

import shutil

import pytest
import xlsxwriter
import yaml
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.inspect import sidecar_many
from dagster_project.inspect.sidecar_many import names, recognise

CITIES, COUNTIES = ([*spans] for spans in (names()["city"], names()["county"]))


def workbook(file, title, labels, columns=2):
    file.parent.mkdir(parents=True, exist_ok=True)
    with xlsxwriter.Workbook(str(file)) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, [title])
        sheet.write_row(2, 0, ["城市", *(f"指标{k}" for k in range(1, columns))])
        for row, label in enumerate(labels, 3):
            sheet.write_row(row, 0, [label, *([row] * (columns - 1))])
    return file


def cities(year):
    return [name for name, spans in names()["city"].items() if name.endswith("市") and sidecar_many._holds(spans, year)]


def counties(year):
    spans = names()["county"]
    return [name for name in sidecar_many._roster("county") if sidecar_many._holds(spans[name], year)]


@pytest.fixture
def tmp_path(tmp_path_factory):
    """A folder whose name says nothing about its files."""
    return tmp_path_factory.mktemp("files")


@pytest.fixture
def landing(tmp_path):
    """Edition 2016 as tables of both geographies in a folder of its year, 2019 as a wide sheet, and a letter."""
    workbook(tmp_path / "2016" / "a.xlsx", "2-1 人口状况", cities(2015))
    workbook(tmp_path / "2016" / "b.xlsx", "2—13 地区生产总值", cities(2015))
    workbook(tmp_path / "2016" / "c.xlsx", "3-1 人口状况", counties(2015))
    workbook(tmp_path / "wide.xlsx", "中国2018年地级以上城市数据", cities(2018), columns=60)
    workbook(tmp_path / "letter.xlsx", "Dear reader", ["你好"] * 30)
    return tmp_path


def sidecar(landing, *options):
    done = CliRunner().invoke(app, ["sidecar", str(landing), *options])
    return done.exit_code, " ".join(done.output.split())


def written(landing):
    return {
        file.relative_to(landing).as_posix(): yaml.safe_load(file.read_text("utf-8")) for file in landing.rglob("*.yml")
    }


def test_editions_of_a_folder_get_their_sidecars_once(landing):
    code, said = sidecar(landing, "--write")
    assert (code, "letter.xlsx: 0 of 2 row names are cities" in said) == (0, True), said
    made = written(landing)
    assert {
        place: (one["source"], one["layout"], one["data_year"], one["edition_year"]) for place, one in made.items()
    } == {
        "2016/county_tables_2015.yml": ("county_tables", "tables", 2015, 2016),
        "2016/yearbook_tables_2015.yml": ("yearbook_tables", "tables", 2015, 2016),
        "yearbook_wide_2018.yml": ("yearbook_wide", "wide", 2018, 2019),
    }
    files = [file["path"] for file in made["2016/yearbook_tables_2015.yml"]["files"]]
    assert files == ["2016/a.xlsx", "2016/b.xlsx"]
    assert all(one["licence"] and one["producer"] for one in made.values())
    code, said = sidecar(landing, "--write")
    assert (code, "4 files have a sidecar already, which is kept" in said) == (0, True)
    assert written(landing) == made


def test_a_folder_named_after_the_year_of_the_figures_is_known_by_its_rows_or_by_those_beside(tmp_path):
    workbook(tmp_path / "2015" / "c.xlsx", "3-1 人口状况", counties(2015))
    workbook(tmp_path / "by_year" / "2018" / "d.xlsx", "2-1 人口状况", cities(2018))
    workbook(tmp_path / "by_year" / "2016" / "e.xlsx", "中国2016年地级以上城市数据", cities(2016), columns=60)
    assert sidecar(tmp_path, "--write")[0] == 0
    assert sorted(one["data_year"] for one in written(tmp_path).values()) == [2015, 2016, 2018]


def test_two_files_of_one_table_and_an_edition_that_nothing_names_are_one_question_each(landing):
    shutil.copyfile(landing / "2016" / "a.xlsx", landing / "2016" / "copy.xlsx")
    workbook(landing / "loose" / "x.xlsx", "2-1 人口状况", cities(2015))
    page = landing / "page.html"
    code, said = sidecar(landing, "--write", "--page", str(page))
    assert code == 1
    assert "both are table 2-1 of edition 2016, with the same bytes: keep one" in said
    assert "loose: of which edition is x.xlsx?" in said
    assert "2016/yearbook_tables_2015.yml" not in written(landing)
    assert "2016/county_tables_2015.yml" in written(landing)
    assert page.read_text("utf-8").count("<li>") == 3


def test_rows_that_contradict_the_name_and_an_edition_that_is_landed_without_a_file_are_asked(landing):
    sidecar(landing, "--write")
    workbook(landing / "2016" / "late.xlsx", "2-2 土地", cities(2015))
    workbook(landing / "county_yearbook_2013.xlsx", "3-2 土地", counties(2019))
    code, said = sidecar(landing, "--write")
    assert code == 1
    assert "yearbook_tables_2015.yml describes edition 2016 of yearbook_tables without late.xlsx" in said
    assert "says figures of 2012, the units in its rows those of 2019" in said


def test_a_folder_without_an_edition_is_refused_in_one_sentence(tmp_path):
    workbook(tmp_path / "letter.xlsx", "Dear reader", ["你好"] * 30)
    code, said = sidecar(tmp_path, "--write")
    assert (code, said.endswith(f"No edition of the yearbook lies below {tmp_path}.")) == (2, True)
    assert recognise(workbook(tmp_path / "1-1.xlsx", "1-1 名录", cities(2015))).endswith("left out.")
    head = workbook(tmp_path / "2-1.xlsx", "2-1 人口状况", cities(2015), columns=1)
    assert "hardly a figure: a head without its table" in recognise(head)


def test_a_table_under_the_name_of_another_goes_by_its_title_and_old_editions_are_known(tmp_path):
    workbook(tmp_path / "1999" / "2-1_人口状况.xlsx", "2-13 国内生产总值", cities(2000))
    assert sidecar(tmp_path, "--write")[0] == 0
    assert [one["data_year"] for one in written(tmp_path).values()] == [1998]
    workbook(tmp_path / "2016" / "2-1_人口状况.xlsx", "2-13 地区生产总值", cities(2015))
    workbook(tmp_path / "2016" / "2-13_地区生产总值.xlsx", "2-13 地区生产总值", cities(2015), columns=3)
    code, said = sidecar(tmp_path, "--write")
    assert (code, "both are table 2-13 of edition 2016, with different contents" in said) == (1, True)
    assert recognise(workbook(tmp_path / "2-2_土地_2099.xlsx", "2-2 土地", cities(2015))).year is None
