"""What is around the warehouse breaks: one sentence, the published file as it was, and a way back that works."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from changed import Raw
from house import paths_below
from killing import Refresh, published_is_whole

from dagster_project.operations.preflight import check_surroundings, megabytes_needed

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


@contextmanager
def mounted(folder, *arguments):
    """Mounted there while it lasts; skips where this user may not mount: only root may, and not in every container."""
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *arguments, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"this user cannot mount: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def read_only(folder):
    """The folder, mounted read-only over itself: root ignores permissions, but not this."""
    with mounted(folder, "--bind", str(folder)):
        subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
        yield


def small_disk(folder, megabytes):
    """A disk of its own of that size, empty, at the folder."""
    return mounted(folder, "-t", "tmpfs", "-o", f"size={int(megabytes * 1024)}k", "tmpfs")


def fill(folder):
    """Take all the space that is left; returns the file that holds it."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    stream.write(bytes(size))
    return ballast


def something_to_do(house):
    """Where nothing has changed a refresh ends before it looks at any file."""
    house.paths.inputs_file.unlink()
    return house


@pytest.fixture
def house(small_warehouse, tmp_path):
    return something_to_do(small_warehouse.copy(tmp_path))


def says(outcome, *parts):
    """Exit 1 and one sentence, no traceback."""
    assert outcome.exit_code == 1, outcome.text
    assert "Traceback" not in outcome.text
    sentences = [line for line in outcome.lines if all(part in line for part in parts)]
    assert len(sentences) == 1, outcome.text


# ---- said at once -----------------------------------------------------------------------------------------------


def test_truncated_build_file_stops_with_the_way_out(house):
    paths, before = house.paths, house.published_sha256
    os.truncate(paths.build_file, paths.build_file.stat().st_size // 2)
    says(house.refresh(), f"The build file {paths.build_file}", "is damaged", "the next `nqpf refresh` makes it")
    assert house.published_sha256 == before


def test_read_only_warehouse_is_named(house):
    before = house.published_sha256
    with read_only(house.paths.warehouse):
        outcome = house.refresh()
    says(outcome, "The folder", str(house.paths.warehouse), "cannot be written", "--warehouse")
    assert house.published_sha256 == before


# ---- while a refresh is at work; the long way back ------------------------------------------------------------


def test_disk_that_fills_up_during_a_refresh_stops_it_in_one_sentence(small_warehouse, tmp_path):
    with small_disk(tmp_path / "disk", 4 * megabytes_needed(small_warehouse.paths)):
        house = something_to_do(small_warehouse.copy(tmp_path / "disk"))
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
        house.must_refresh()


def test_deleted_build_file_is_made_again_from_the_landing_files(house):
    raw, before, releases = Raw.of(house), house.published_sha256, house.releases
    house.paths.build_file.unlink()
    house.must_refresh()
    after = Raw.of(house)
    columns = ["source", "data_year", "vintage"]
    assert after.cells.equals(raw.cells)
    old, new = (loads.sort_values(columns, ignore_index=True) for loads in (raw.loads, after.loads))
    assert new.equals(old)
    assert house.releases == releases  # the same numbers: nothing to release
    assert house.published_sha256 == before
    assert list(house.build("select data_vintage from ops.vintage")["data_vintage"]) == ["2016A"]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_truncated_write_ahead_log_costs_nothing(house, share):
    raw = Raw.of(house)
    log = Path(f"{house.paths.build_file}.wal")
    subprocess.run([sys.executable, "-c", WRITER, str(house.paths.build_file)], check=False)
    assert log.stat().st_size > 100_000
    os.truncate(log, int(log.stat().st_size * share))
    house.must_refresh()
    assert Raw.of(house).cells.equals(raw.cells)
    published_is_whole(house)


def test_records_of_dagster_that_vanish_during_a_refresh_cost_that_refresh_only(house):
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
    shutil.rmtree(house.paths.dagster_home, ignore_errors=True)
    house.must_refresh()
    assert (house.paths.dagster_home / "dagster.yaml").exists()


def test_scheduler_that_gives_no_environment_is_enough(small_warehouse, tmp_path):
    """As cron starts a command: no HOME, no language, in a folder where nothing is to be written."""
    house = small_warehouse.copy(tmp_path)
    before, files = house.published_sha256, set(Path("/").iterdir())
    depth = {"NQPF_DEPTH": os.environ["NQPF_DEPTH"]}  # at another one there would be something to do
    outcome = house.run("refresh", cwd="/", env={"PATH": "/usr/bin:/bin", **depth})
    assert outcome.exit_code == 0, outcome.text
    assert "Nothing changed" in outcome.text
    assert house.published_sha256 == before
    assert set(Path("/").iterdir()) == files


def test_new_warehouse_needs_no_doctor(tmp_path):
    """A folder that does not exist yet is no fault: everything is made when it is needed."""
    check_surroundings(paths_below(tmp_path / "deep"))
    assert not (tmp_path / "deep").exists()
