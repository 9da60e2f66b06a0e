"""What other programs do to the published file: its readers are told in a sentence, and the next release is clean."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from killing import published_is_whole
from test_crash_publish import Publisher, change_a_score
from tiny import tiny_warehouse
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.operations.check_files import check_leftovers, check_published
from dagster_project.operations.doctor import apply_fixes
from dagster_project.paths import Paths
from dagster_project.published import stray_log

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

# Opens the file as a tool does that was not told otherwise, writes into it and dies: what it wrote lies in the log.
WRITER = """
import os, signal, sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("set checkpoint_threshold = '1TB'")
con.execute("create table mart.my_notes as select 'mine' as text")
con.execute(f"insert into mart.{sys.argv[2]} from mart.{sys.argv[2]}")
os.kill(os.getpid(), signal.SIGKILL)
"""
READERS = {
    "status": ["status"],
    "sql": ["sql", "select 1"],
    "explain": ["explain", "合肥", "2014"],
    "export": ["export", "--format", "csv", "--table", "mart_index_score"],
}


@pytest.fixture
def publisher(copy_of_small_warehouse):
    started = Publisher(copy_of_small_warehouse)
    yield started
    started.process.communicate(timeout=30)


@pytest.fixture
def paths(tmp_path):
    return tiny_warehouse(tmp_path)


def written_into(file: Path, table: str) -> None:
    file.chmod(0o644)  # as it was published before 2026.11, or for an administrator
    subprocess.run([sys.executable, "-c", WRITER, str(file), table], check=False)
    assert stray_log(file).exists()


def says(paths: Paths, words: list[str]) -> str:
    """What a command prints that cannot read the published file."""
    done = CliRunner().invoke(app, [*words, "--warehouse", str(paths.warehouse)])
    assert done.exit_code == 1, done.output
    assert "Traceback" not in done.output
    return " ".join(done.output.split())


# ---- written into ------------------------------------------------------------------------------------------------


def test_what_a_program_wrote_into_the_published_file_does_not_reach_the_next_release(
    copy_of_small_warehouse, publisher
):
    """DuckDB would replay the log of the old file into the new one of the same name."""
    house = copy_of_small_warehouse
    written_into(house.paths.published_file, "mart_index_score")
    change_a_score(house, 1)
    assert publisher.run("to the end")[0] == 0
    assert published_is_whole(house, by_table=True).endswith(".1-SYNTHETIC")
    assert not stray_log(house.paths.published_file).exists()


def test_it_goes_also_when_there_is_nothing_new_to_release(copy_of_small_warehouse, publisher):
    house = copy_of_small_warehouse
    before = published_is_whole(house)
    written_into(house.paths.published_file, "mart_index_score")
    assert publisher.run("to the end")[0] == 0
    assert published_is_whole(house, by_table=True) == before


@pytest.mark.parametrize("command", READERS)
def test_until_then_no_command_reads_it(paths, command):
    written_into(paths.published_file, "dim_vintage")
    said = says(paths, READERS[command])
    assert f"Another program wrote into {paths.published_file}" in said
    assert "run `nqpf doctor --fix`" in said


def test_doctor_names_it_and_takes_it_away(paths):
    written_into(paths.published_file, "dim_vintage")
    (finding,) = check_published(paths)
    assert "wrote into the published file" in finding.what
    assert apply_fixes(paths, [finding]) == [f"Removed {stray_log(paths.published_file)}."]
    assert not [*check_published(paths), *check_leftovers(paths)]


def test_published_and_released_files_are_nobodys_to_write(copy_of_small_warehouse, publisher):
    house = copy_of_small_warehouse
    change_a_score(house, 1)
    assert publisher.run("to the end")[0] == 0
    for file in (house.paths.published_file, house.releases[-1] / "city.duckdb"):
        assert not file.stat().st_mode & 0o222
        if os.geteuid() != 0:  # an administrator may write everywhere
            with pytest.raises(duckdb.Error, match="Permission denied"):
                duckdb.connect(str(file))


# ---- damaged, or in use ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", READERS)
def test_damaged_file_is_named_with_what_to_do(paths, command):
    with paths.published_file.open("r+b") as stream:
        stream.truncate(paths.published_file.stat().st_size // 2)
    said = says(paths, READERS[command])
    assert f"{paths.published_file} cannot be read" in said
    assert "`nqpf doctor`" in said


@pytest.mark.parametrize("command", READERS)
def test_file_that_is_open_for_writing_is_named(paths, command):
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print(1, flush=True); input()",
            str(paths.published_file),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout
    holder.stdout.readline()
    said = says(paths, READERS[command])
    holder.communicate("\n", timeout=30)
    assert f"{paths.published_file} is open for writing in another program: close it there" in said
