"""What is around the warehouse breaks: one sentence, the published file as it was, and a way back that works."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from changed import Raw
from house import Outcome
from killing import Refresh, published_is_whole
from surroundings import fill, read_only, small_disk

from dagster_project.operations.check_files import check_build
from dagster_project.operations.check_surroundings import check_rights
from dagster_project.operations.doctor import apply_fixes
from dagster_project.operations.preflight import megabytes_needed
from dagster_project.paths import Paths

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

# Writes into the build file and dies before it tidies up: what it wrote is in the write-ahead log alone.
WRITER = """
import os, signal, sys, duckdb
con = duckdb.connect(sys.argv[1])
con.execute("set checkpoint_threshold = '1TB'")
con.execute("create table ops.scratch as select range as n from range(200000)")
con.execute("insert into ops.scratch from range(100000)")
os.kill(os.getpid(), signal.SIGKILL)
"""


def says(outcome: Outcome, *parts: str) -> None:
    """Exit 1 and one sentence, no traceback."""
    assert outcome.exit_code == 1, outcome.text
    assert "Traceback" not in outcome.text
    sentences = [line for line in outcome.lines if all(part in line for part in parts)]
    assert len(sentences) == 1, outcome.text


# ---- said at once -----------------------------------------------------------------------------------------------


def test_truncated_build_file_stops_with_the_command_that_mends_it(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    paths, before = house.paths, house.published_sha256
    with paths.build_file.open("r+b") as stream:
        stream.truncate(paths.build_file.stat().st_size // 2)
    says(house.refresh(), "The build file", "is damaged", f"nqpf doctor --fix --warehouse {paths.warehouse}")
    assert house.published_sha256 == before
    (sentence,) = apply_fixes(paths, list(check_build(paths)))
    assert "Set aside" in sentence
    assert not paths.build_file.exists()  # and so the next refresh begins anew, see below


def test_read_only_warehouse_is_named(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    before = house.published_sha256
    with read_only(house.paths.warehouse):
        outcome = house.refresh()
        named = {finding.where for finding in check_rights(house.paths)}
    says(outcome, "The folder", str(house.paths.warehouse), "cannot be written", "--warehouse")
    assert {house.paths.warehouse, house.paths.published, house.paths.dagster_home} <= named
    assert house.published_sha256 == before


def test_disk_without_room_for_a_refresh_is_named_before_it_begins(small_warehouse, tmp_path):
    need = megabytes_needed(small_warehouse.paths)
    with small_disk(tmp_path / "disk", 2.5 * need):
        house = small_warehouse.copy(tmp_path / "disk")
        before = house.published_sha256
        ballast = fill(tmp_path / "disk")
        says(house.refresh(), "is nearly full: 0 MB free", f"needs about {need:.0f} MB", "nqpf release prune")
        assert house.published_sha256 == before
        ballast.unlink()
        assert house.refresh(year=1999).exit_code == 2  # it gets as far as the sidecars again


# ---- while a refresh is at work; the long way back ------------------------------------------------------------


def test_disk_that_fills_up_during_a_refresh_stops_it_in_one_sentence(small_warehouse, tmp_path):
    with small_disk(tmp_path / "disk", 4 * megabytes_needed(small_warehouse.paths)):
        house = small_warehouse.copy(tmp_path / "disk")
        before = house.published_sha256
        run = Refresh(house)
        run.wait_for_step(6)
        ballast = fill(tmp_path / "disk")
        assert run.wait(600) == 1, run.text
        assert "Traceback" not in run.text
        assert "is full (" in run.events[-1], run.text
        assert house.published_sha256 == before
        published_is_whole(house)
        ballast.unlink()
        outcome = house.refresh()
        assert outcome.exit_code == 0, outcome.text


def test_deleted_build_file_is_made_again_from_the_landing_files(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    raw, before, releases = Raw.of(house), house.published_sha256, house.releases
    house.paths.build_file.unlink()
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    after = Raw.of(house)
    columns = ["source", "data_year", "vintage"]
    assert after.cells.equals(raw.cells)
    old, new = (loads.sort_values(columns, ignore_index=True) for loads in (raw.loads, after.loads))
    assert new.equals(old)
    assert house.releases == releases  # the same numbers: nothing to release
    assert house.published_sha256 == before
    assert list(house.build("select data_vintage from ops.vintage")["data_vintage"]) == ["2016A"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_truncated_write_ahead_log_costs_nothing(copy_of_small_warehouse, share):
    house = copy_of_small_warehouse
    raw = Raw.of(house)
    log = Path(f"{house.paths.build_file}.wal")
    subprocess.run([sys.executable, "-c", WRITER, str(house.paths.build_file)], check=False)
    assert log.stat().st_size > 100_000
    with log.open("r+b") as stream:
        stream.truncate(int(log.stat().st_size * share))
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    assert Raw.of(house).cells.equals(raw.cells)
    published_is_whole(house)


def test_vanished_records_of_dagster_are_made_anew(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    shutil.rmtree(house.paths.dagster_home)
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    assert (house.paths.dagster_home / "dagster.yaml").exists()


def test_records_of_dagster_that_vanish_during_a_refresh_cost_that_refresh_only(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    before = published_is_whole(house)
    run = Refresh(house)
    run.wait_for_step(4)
    shutil.rmtree(house.paths.dagster_home)
    code = run.wait(600)
    assert "Traceback" not in run.text
    if code != 0:
        assert code == 1, run.text
        assert "Dagster's records in" in run.events[-1], run.text
    assert published_is_whole(house) == before
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text


def test_scheduler_that_gives_no_environment_is_enough(copy_of_small_warehouse):
    """As cron starts a command: no HOME, no language, in a folder where nothing is to be written."""
    house = copy_of_small_warehouse
    before, files = house.published_sha256, set(Path("/").iterdir())
    done = subprocess.run(
        house.command("refresh"), cwd="/", env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing changed" in done.stdout
    assert house.published_sha256 == before
    assert set(Path("/").iterdir()) == files


def test_new_warehouse_needs_no_doctor(tmp_path):
    """A folder that does not exist yet is no fault: everything is made when it is needed."""
    from dagster_project.operations.preflight import check_surroundings

    check_surroundings(Paths(tmp_path / "deep" / "warehouse", tmp_path, tmp_path))
    assert not (tmp_path / "deep").exists()
