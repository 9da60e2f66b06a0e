"""A killed run holds no slot and no place in the queue when the next one begins."""

import os
import shutil
import subprocess
import sys
import uuid

import dagster as dg
import pytest
from house import paths_below

from dagster_project.cli import operations
from dagster_project.defs.dead_runs import PROCESS, close_dead_runs, is_by_command, process_tag
from dagster_project.defs.executor import WaitNotKnown, one_writer, wait_setting
from dagster_project.defs.sensors import status_of_run
from dagster_project.errors import EXIT_BUSY
from dagster_project.paths import PROJECT
from dagster_project.run.lock import refresh_lock
from dagster_project.run.status import BY_COMMAND

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

INSTANCE = PROJECT / "dagster_project" / "defs" / "dagster.yaml"
SLOT_TAKER = """
import os, signal, sys
import dagster as dg

@dg.asset(pool="warehouse")
def table():
    os.kill(os.getpid(), signal.SIGKILL)

tags = {sys.argv[1]: sys.argv[2]}
with dg.DagsterInstance.get() as instance:
    dg.Definitions(assets=[table], jobs=[dg.define_asset_job("job")]).resolve_job_def("job").execute_in_process(
        instance=instance, tags=tags)
"""


@dg.asset(pool="warehouse")
def table() -> None:
    """Stands for any asset that opens the build file."""


@pytest.fixture(scope="module")
def killed_home(tmp_path_factory):
    """A DAGSTER_HOME whose only slot was taken by a run of the command that was killed."""
    home = tmp_path_factory.mktemp("dagster_home")
    shutil.copyfile(INSTANCE, home / "dagster.yaml")
    tag, value = next(iter(BY_COMMAND.items()))
    command, own = [sys.executable, "-c", SLOT_TAKER, tag, value], {**os.environ, "DAGSTER_HOME": str(home)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    assert done.returncode == -9, done.stderr[-1000:]
    return home


@pytest.fixture
def instance(killed_home, tmp_path, monkeypatch):
    """A copy of it, opened."""
    home = shutil.copytree(killed_home, tmp_path / "dagster_home")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    with dg.DagsterInstance.get() as opened:
        yield opened


def job(executor=None):
    made = dg.Definitions(assets=[table], jobs=[dg.define_asset_job("job")], executor=executor)
    return made.resolve_job_def("job")


def slots(instance):
    info = instance.event_log_storage.get_concurrency_info("warehouse")
    return info.active_slot_count, info.pending_step_count


def test_slot_and_place_of_a_killed_refresh_are_free_again(instance):
    (killed,) = instance.get_runs()
    assert killed.status == dg.DagsterRunStatus.STARTED
    assert slots(instance) == (1, 0)
    assert close_dead_runs(instance) == [killed.run_id]
    assert instance.get_run_by_id(killed.run_id).status == dg.DagsterRunStatus.FAILURE
    assert slots(instance) == (0, 0)
    assert job().execute_in_process(instance=instance).success
    assert close_dead_runs(instance) == []


def test_run_of_a_living_process_is_left_alone_and_one_of_a_dead_process_is_not(instance):
    close_dead_runs(instance)
    started, run_id = dg.DagsterRunStatus.STARTED, str(uuid.uuid4())
    waiting = instance.create_run_for_job(job(), run_id=run_id, tags=process_tag(run_id), status=started)
    gone = instance.create_run_for_job(job(), tags={PROCESS: "1@0"}, status=started)
    queued = instance.create_run_for_job(job(), status=started)  # no process has taken it up
    assert close_dead_runs(instance) == [gone.run_id]
    assert [instance.get_run_by_id(run.run_id).status for run in (waiting, queued)] == [started] * 2


def test_run_that_repeats_a_killed_one_is_not_taken_for_it(instance):
    """Whoever repeats a run on the web page takes its tags along, also those that name a process."""
    (killed,) = instance.get_runs()
    close_dead_runs(instance)
    copied = {**killed.tags, **BY_COMMAND, PROCESS: f"1@0@{killed.run_id}", "dagster/parent_run_id": killed.run_id}
    repeated = instance.create_run_for_job(job(), tags=copied, status=dg.DagsterRunStatus.STARTING)
    assert close_dead_runs(instance) == []
    assert not is_by_command(instance.get_run_by_id(repeated.run_id))


def test_starting_the_web_page_frees_the_queue(instance, paths, monkeypatch):
    (killed,) = instance.get_runs()
    monkeypatch.setattr(operations, "_prepare", lambda _paths: None)
    monkeypatch.setattr(operations, "run_until_told_to_stop", lambda _command: 0)
    assert operations.start_ui(paths, 3000) == 0
    assert instance.get_run_by_id(killed.run_id).status == dg.DagsterRunStatus.FAILURE
    assert slots(instance) == (0, 0)


# ---- runs that Dagster starts -----------------------------------------------------------------------------


@pytest.fixture
def paths(tmp_path):
    return paths_below(tmp_path)


def run_by_executor(instance, paths, wait_seconds):
    """As a worker of Dagster runs a job: with the job's own executor."""
    from dagster._core.definitions.job_base import InMemoryJob
    from dagster._core.execution.api import execute_run

    made = job(one_writer(paths, wait_seconds))
    run = instance.create_run_for_job(made)
    execute_run(InMemoryJob(made), run, instance, raise_on_error=False)
    return instance.get_run_by_id(run.run_id)


def test_run_of_dagster_holds_the_lock_of_the_command_and_frees_what_was_killed(instance, paths):
    run = run_by_executor(instance, paths, 0)
    assert run.status == dg.DagsterRunStatus.SUCCESS
    assert run.tags[PROCESS] == process_tag(run.run_id)[PROCESS]
    with refresh_lock(paths):  # it is free again
        pass


def test_run_of_dagster_beside_a_refresh_waits_and_then_gives_up_in_one_sentence(instance, paths):
    with refresh_lock(paths):
        run = run_by_executor(instance, paths, 0.5)
    assert run.status == dg.DagsterRunStatus.FAILURE
    text = "\n".join(str(entry.message) + str(entry.dagster_event) for entry in instance.all_logs(run.run_id))
    assert f"Another refresh of {paths.warehouse} is running" in text
    assert "This run waits for at most" in text
    assert "STEP_START" not in text
    ended = status_of_run(paths, instance, run)
    assert (ended.status, ended.exit_code) == ("busy", EXIT_BUSY)
    assert len(ended.message) == 1
    assert ended.message[0].startswith(f"Another refresh of {paths.warehouse} is running (process ")


def test_how_long_a_run_waits_is_a_setting(monkeypatch):
    for text, seconds in (("", 3600.0), ("0", 0.0), (" 15 ", 15.0)):
        monkeypatch.setenv("NQPF_WAIT_SECONDS", text)
        assert wait_setting() == seconds
    monkeypatch.setenv("NQPF_WAIT_SECONDS", "an hour")
    with pytest.raises(WaitNotKnown, match="NQPF_WAIT_SECONDS is 'an hour': it must be a whole number of seconds"):
        wait_setting()
