"""What a person is handed to complete: ready-made rows of a refused run, and drafts of sidecars."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from rich.console import Console

from dagster_project.cli.care import accept_file
from dagster_project.demo import generate_demo
from dagster_project.errors import IngestError
from dagster_project.ingest.sidecar import check_files, check_set, find_sidecars
from dagster_project.inspect.frames import Request
from dagster_project.inspect.sidecar_draft import Statements, content_of, draft_sidecar
from dagster_project.paths import PROJECT
from dagster_project.run.ready_rows import ReadyRowsError, accept_rows, read_ready_rows, write_ready_rows

KEEP = "yearbook_wide,,CN110000,2021,gdp_nom,city,keep,,36103,as the page prints it,open"
ANSWER = "yearbook_wide,2021,,edits_are_few,edits,accept,{},{}"


@pytest.fixture
def seeds(tmp_path):
    shutil.copytree(PROJECT / "dbt" / "seeds", tmp_path / "seeds")
    return tmp_path / "seeds"


@pytest.fixture
def write(seeds, tmp_path):
    def run(*rows):
        write_ready_rows(tmp_path / "rows.csv", seeds, rows)
        return tmp_path / "rows.csv"

    return run


def test_rows_of_several_seeds_are_appended_once_and_comments_stay_behind(seeds, write):
    file = write(
        ("correction.csv", KEEP, "a prose comment, with a comma"),
        ("gate_answer.csv", ANSWER.format("a reader", "checked page 12"), ""),
        ("correction.csv", KEEP, "the same row again"),
    )
    before = (seeds / "correction.csv").read_text(encoding="utf-8")
    assert accept_rows(file, seeds) == {"correction.csv": 1, "gate_answer.csv": 1}
    assert (seeds / "correction.csv").read_text(encoding="utf-8") == f"{before}{KEEP}\n"
    assert accept_rows(file, seeds) == {"correction.csv": 0, "gate_answer.csv": 0}
    assert (seeds / "correction.csv").read_text(encoding="utf-8") == f"{before}{KEEP}\n"


def test_an_answer_says_who_looked_and_why_or_nothing_is_written(seeds, write):
    file = write(("correction.csv", KEEP, ""), ("gate_answer.csv", ANSWER.format("", ""), ""))
    before = {path.name: path.read_bytes() for path in seeds.iterdir()}
    with pytest.raises(ReadyRowsError, match=r"line 5: reviewed_by and reason must be filled in \(gate_answer.csv\)"):
        accept_rows(file, seeds)
    assert {path.name: path.read_bytes() for path in seeds.iterdir()} == before
    open_row = KEEP.replace("keep,,36103,as the page prints it", "replace,,mi,read anew")
    with pytest.raises(ReadyRowsError, match=r"line 2: value must be filled in \(correction.csv\)"):
        accept_rows(write(("correction.csv", open_row, "")), seeds)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no row"),
        ("correction.csv,1,2\n", "line 1: rows must follow a line that begins with 'seed'"),
        ("seed,alias,comment\nnowhere.csv,x,\n", "line 2: there is no seed 'nowhere.csv'"),
        ("seed,alias,comment\ncorrection.csv,x,\n", "line 2: the columns are not those of correction.csv"),
        ("seed,alias,comment\ncorrection.csv,x\n", "line 2: 2 fields, 3 expected"),
        ("seed,alias\n", "the last column must be 'comment'"),
    ],
)
def test_a_file_that_is_none_is_refused_with_its_line(seeds, tmp_path, text, says):
    file = tmp_path / "rows.csv"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ReadyRowsError, match=says):
        read_ready_rows(file, seeds)


def test_the_command_says_what_it_did_and_its_exit_code(seeds, write, tmp_path, capsys):
    console = Console(width=400)
    assert accept_file(write(("correction.csv", KEEP, "")), console, seeds=seeds) == 0
    assert "correction.csv: 1 new row" in capsys.readouterr().out
    assert accept_file(tmp_path / "none.csv", console, seeds=seeds) == 2
    assert "Nothing was written" in capsys.readouterr().out


WHO = Statements(producer="somebody", licence="none stated")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    generate_demo(folder, cities=6, years=range(2012, 2013))
    return folder


@pytest.fixture
def landing(demo, tmp_path):
    file = tmp_path / "landing" / "yearbook" / "2012" / "synthetic_yearbook_2012.xlsx"
    file.parent.mkdir(parents=True)
    file.write_bytes((demo / "yearbook" / "2012" / file.name).read_bytes())
    return tmp_path / "landing"


def draft(landing: Path, said: Statements = WHO, *, write: bool = True) -> int:
    files = sorted(landing.rglob("*.xlsx"))
    return draft_sidecar(files, Request((files[0],), source="yearbook"), landing, said, write=write)


def test_a_drafted_sidecar_is_one_that_a_refresh_takes_and_what_is_guessed_is_said(landing, capsys):
    """The file's own title has the year in brackets only; whoever reads the sidecar must know where it is from."""
    assert draft(landing) == 0
    err = capsys.readouterr().err
    assert "Guessed, please check: " in err
    assert "2012" in err
    (sidecar,) = find_sidecars(landing)
    assert (sidecar.source, sidecar.layout, sidecar.data_year, sidecar.is_synthetic) == ("yearbook", "wide", 2012, True)
    assert (sidecar.producer, sidecar.licence, sidecar.maturity) == ("somebody", "none stated", "first_print")
    assert "2012" in sidecar.title  # as printed
    assert check_files(sidecar, landing) == sidecar.vintage


def test_what_nobody_said_is_left_open_and_named(landing, capsys):
    assert draft(landing, Statements(), write=False) == 1
    out, err = capsys.readouterr()
    content = yaml.safe_load(out)
    assert content["producer"] is content["licence"] is None
    assert "producer, licence" in err
    assert list(landing.rglob("*.yml")) == []


def test_a_second_edition_supersedes_the_first_and_another_layout_is_no_edition(landing, capsys):
    assert draft(landing) == 0
    (first,) = find_sidecars(landing)
    old = next(landing.rglob("*.xlsx"))
    new = old.with_name("a_second.xlsx")
    new.write_bytes(old.read_bytes() + b"\0")  # another hash, the same content
    assert draft_sidecar([new], Request((new,), source="yearbook"), landing, WHO, write=True) == 0
    chain = check_set(find_sidecars(landing))
    assert [sidecar.supersedes for sidecar in chain] == [None, first.vintage]
    assert f"It replaces the load {first.vintage} of yearbook 2012." in capsys.readouterr().err
    with pytest.raises(IngestError, match=f"would replace {chain[1].vintage} of yearbook 2012, which is wide, not"):
        content_of(replace(first, layout="tables"), WHO, "", chain)


def test_a_file_outside_the_landing_folder_is_refused(landing, capsys):
    file = next(landing.rglob("*.xlsx"))
    elsewhere = landing.parent / "another"
    assert draft_sidecar([file], Request((file,), source="yearbook"), elsewhere, WHO, write=True) == 2
    assert "below the landing folder" in " ".join(capsys.readouterr().err.split())
