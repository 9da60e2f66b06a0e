"""One file of ready-made rows: written by a refused run, reviewed by a person, appended by `nqpf accept`."""

import shutil

import pytest
from rich.console import Console

from dagster_project.cli.care import accept_file
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
