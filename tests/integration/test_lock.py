"""One writer at a time: whoever comes second is told so in one sentence and changes nothing."""

import subprocess
import time

import pytest
from house import held_open

from dagster_project.run.lock import holder

BUSY = 4


@pytest.fixture
def house(house):
    """Where nothing has changed a refresh ends before it looks at any file."""
    house.paths.inputs_file.unlink()
    before = house.published_sha256
    yield house
    assert house.published_sha256 == before


def test_second_refresh_at_the_same_time_is_turned_away_and_the_lock_of_a_killed_one_is_gone(house):
    first = subprocess.Popen(house.command("refresh"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        end = time.monotonic() + 60
        while not holder(house.paths)[1]:
            assert time.monotonic() < end, "the first refresh never took its lock"
            time.sleep(0.05)
        second = house.run("refresh")
        assert first.poll() is None  # the first one is still at work and was not disturbed
    finally:
        first.kill()
        first.wait()
    says_one_sentence(second, "Another refresh of", str(house.paths.warehouse), "Wait until it has ended")
    assert house.refresh(year=1999).exit_code == 2  # gets as far as the sidecars


@pytest.mark.parametrize("mode", ["reading", "writing"])
def test_foreign_process_in_the_build_file_is_named_as_the_reason(house, mode):
    with held_open(house.paths.build_file, mode):
        outcome = house.refresh()
    says_one_sentence(outcome, "is in use by another process", str(house.paths.build_file), "run again")


def says_one_sentence(outcome, *parts):
    assert outcome.exit_code == BUSY
    assert "Traceback" not in outcome.text
    joined = " ".join(outcome.lines)  # a terminal may break lines
    assert all(part in joined for part in parts), outcome.text
    assert outcome.lines[0].startswith("Not refreshed after")
    assert outcome.lines[2].startswith("The published file is unchanged")
