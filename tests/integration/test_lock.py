"""One writer at a time: whoever comes second is told so in one sentence and changes nothing."""

import fcntl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from house import House, Outcome

BUSY = 4
HOLDER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=sys.argv[2] == "reading")
print("open", flush=True)
sys.stdin.read()
"""


def something_to_do(house: House) -> House:
    """Where nothing has changed a refresh ends before it looks at any file."""
    house.paths.whole_file.unlink()
    return house


def test_second_refresh_at_the_same_time_is_turned_away(copy_of_small_warehouse):
    house = something_to_do(copy_of_small_warehouse)
    before = house.published_sha256
    first = subprocess.Popen(house.command("refresh"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        _wait_until_locked(house.paths.warehouse / "build" / "refresh.lock", first)
        second = house.run("refresh")
        assert first.poll() is None  # the first one is still at work and was not disturbed
    finally:
        first.kill()
        first.wait()
    assert second.exit_code == BUSY
    _says_one_sentence(second, "Another refresh of", str(house.paths.warehouse), "Wait until it has ended")
    assert house.published_sha256 == before


def test_lock_of_a_killed_refresh_is_gone(copy_of_small_warehouse):
    house = something_to_do(copy_of_small_warehouse)
    first = subprocess.Popen(house.command("refresh"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _wait_until_locked(house.paths.warehouse / "build" / "refresh.lock", first)
    first.kill()
    first.wait()
    assert house.refresh(year=1999).exit_code == 2  # gets as far as the sidecars


@pytest.mark.parametrize("mode", ["reading", "writing"])
def test_foreign_process_in_the_build_file_is_named_as_the_reason(copy_of_small_warehouse, mode):
    house = something_to_do(copy_of_small_warehouse)
    before = house.published_sha256
    with _held(house.paths.build_file, mode):
        outcome = house.refresh()
    assert outcome.exit_code == BUSY
    _says_one_sentence(outcome, "is in use by another process", str(house.paths.build_file), "run again")
    assert house.published_sha256 == before


def _says_one_sentence(outcome: Outcome, *parts: str) -> None:
    assert "Traceback" not in outcome.text
    joined = " ".join(outcome.lines)  # a terminal may break lines
    assert all(part in joined for part in parts), outcome.text
    assert outcome.lines[0].startswith("Not refreshed after")
    assert outcome.lines[2].startswith("The published file is unchanged")


@contextmanager
def _held(file: Path, mode: str) -> Iterator[None]:
    """Another process has the file open."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout
    assert holder.stdout.readline() == "open\n"
    try:
        yield
    finally:
        holder.communicate(timeout=30)


def _wait_until_locked(lock: Path, process: subprocess.Popen[str] | subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end and process.poll() is None:
        with lock.open("a") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return
        time.sleep(0.05)
    pytest.fail("the first refresh never took its lock")
