"""A job that Dagster starts beside `nqpf refresh` takes its turn; both end well and one release stands."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from killing import Refresh, State, land_a_change, nothing_is_lost, published_is_whole

from dagster_project.paths import PROJECT, Paths
from dagster_project.run.lock import holder, refresh_lock

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow


def environment(paths: Paths) -> dict[str, str]:
    """What Dagster's own processes are given by `nqpf ui`."""
    return {
        **os.environ,
        "NQPF_LANDING": str(paths.landing),
        "NQPF_WAREHOUSE": str(paths.warehouse),
        "NQPF_SIDECARS": str(paths.sidecars),
        "DAGSTER_HOME": str(paths.dagster_home),
    }


def test_job_of_dagster_beside_a_refresh_takes_its_turn(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    before = State.of(house)
    land_a_change(house, 1)
    run = Refresh(house)
    run.wait_for_step(2)
    assert holder(house.paths)[1]
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "job", "execute", "-m", "dagster_project.definitions", "-j", "rebuild"]
    job = subprocess.run(
        command, cwd=PROJECT, env=environment(house.paths), capture_output=True, text=True, check=False
    )
    assert run.wait(5) == 0, run.text  # the job ended after it
    assert job.returncode == 0, job.stderr[-3000:]
    assert "This run waits for at most" in job.stderr + job.stdout
    assert len(house.releases) == 2  # the job found nothing new
    published_is_whole(house, by_table=True)
    nothing_is_lost(before, State.of(house))


def test_two_refreshes_at_once_and_a_third_after_them(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    land_a_change(house, 1)
    first = Refresh(house)
    first.wait_for_step(1)
    second = Refresh(house)
    assert second.wait(120) == 4
    assert "Another refresh of" in second.text
    assert "(process " in second.text
    assert first.wait(1800) == 0, first.text
    published_is_whole(house, by_table=True)
    assert house.refresh().exit_code == 0
    assert len(house.releases) == 2


def test_job_of_dagster_that_waited_in_vain_is_refused_in_one_sentence(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    before = house.published_sha256
    dagster = Path(sys.executable).with_name("dagster")
    command = [str(dagster), "job", "execute", "-m", "dagster_project.definitions", "-j", "rebuild"]
    with refresh_lock(house.paths):
        job = subprocess.run(
            command,
            cwd=PROJECT,
            env=environment(house.paths) | {"NQPF_WAIT_SECONDS": "2"},
            capture_output=True,
            text=True,
            check=False,
        )
    said = job.stderr + job.stdout
    assert job.returncode == 1, said[-3000:]
    assert "This run waits for at most 2 s." in said
    refused = [line for line in said.splitlines() if line.startswith("dagster_project.store.WarehouseBusy: ")]
    assert len(refused) == 1, said
    assert f"Another refresh of {house.paths.warehouse} is running (process {os.getpid()} since " in refused[0]
    assert "STEP_START" not in said
    assert house.published_sha256 == before
