"""Dagster's own records while its page is open: whatever runs beside it goes through, and every file stays whole."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import contextmanager

import dagster as dg
import pytest

from dagster_project.defs.instance import open_event_log
from dagster_project.paths import PROJECT

INSTANCE = PROJECT / "dagster_project" / "defs" / "dagster.yaml"
N_ASSETS = 10
# Opens the instance, asks what Dagster's pages ask, and closes it again, until standard input ends.
SERVER = """
import sys, threading
import dagster as dg

ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
n = 0
while not ended.is_set():
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(limit=3):
            instance.all_logs(run.run_id)
        instance.fetch_materializations(dg.AssetKey("asset_1"), limit=5)
        instance.get_latest_materialization_events([dg.AssetKey("asset_1")])
        instance.all_instigator_state()
    n += 1
    print(n, flush=True)
"""


@dg.multi_asset(specs=[dg.AssetSpec(f"asset_{number}") for number in range(N_ASSETS)], can_subset=True)
def tables(context):
    for key in context.selected_asset_keys:
        yield dg.MaterializeResult(asset_key=key, metadata={"preview": dg.MetadataValue.md("| a |\n" * 100)})


@dg.sensor(job_name="all")
def landing():
    yield dg.SkipReason("nothing landed")


@dg.schedule(job_name="all", cron_schedule="0 6 15 1 *")
def yearly():
    yield dg.SkipReason("nothing landed")


def definitions():
    return dg.Definitions(assets=[tables], jobs=[dg.define_asset_job("all")], sensors=[landing], schedules=[yearly])


def run(*keys):
    """Success of a run of all assets or of some, and the kinds of its events."""
    job = definitions().resolve_job_def("all")
    with dg.DagsterInstance.get() as instance:
        done = job.execute_in_process(instance=instance, raise_on_error=False, asset_selection=keys or None)
        events = [entry.dagster_event for entry in instance.all_logs(done.run_id)]
    return done.success, sorted(event.event_type_value for event in events if event)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A DAGSTER_HOME of its own."""
    shutil.copyfile(INSTANCE, tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.get():
        pass
    return tmp_path


@contextmanager
def server():
    """A process that asks in a loop, as the server of Dagster's pages does; afterwards it must have ended well."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", SERVER], **pipes) as process:
        assert process.stdout.readline() == "1\n"
        yield
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err[-2000:]
    assert int(out.split()[-1]) > 3


def damaged(home):
    """SQLite files below `home` that are not whole, with what SQLite says."""
    files = sorted(home.rglob("*.db"))
    assert {"runs.db", "index.db"} <= {file.name for file in files}
    said = {}
    for file in files:
        try:
            with sqlite3.connect(file) as con:
                said[file.name] = con.execute("pragma integrity_check").fetchall()
        except sqlite3.DatabaseError as error:
            said[file.name] = str(error)
        con.close()
    return {name: what for name, what in said.items() if what != [("ok",)]}


def test_records_stay_whole_while_the_page_is_open(home):
    """A run of all assets, a rerun of one of them, the sensor and the schedule beside each other and the server."""
    repository = definitions().get_repository_def()
    ended = threading.Event()

    def tick():
        while not ended.is_set():
            with dg.DagsterInstance.get() as instance:
                landing.evaluate_tick(dg.build_sensor_context(instance=instance, repository_def=repository))
                yearly.evaluate_tick(dg.build_schedule_context(instance=instance, repository_def=repository))

    ticking = threading.Thread(target=tick)
    with server(), open_event_log():
        ticking.start()
        try:
            assert [run()[0], run(dg.AssetKey("asset_1"))[0]] == [True, True]
        finally:
            ended.set()
            ticking.join()
    assert damaged(home) == {}


def test_every_event_is_there_and_in_the_file_once_the_log_is_closed(home):
    plain = run()
    with open_event_log():
        kept_open = run()
        assert synchronous() == 1
    assert kept_open == plain
    assert synchronous() == 2
    assert not [file for file in home.rglob("*.db-wal") if file.stat().st_size]
    assert damaged(home) == {}


def synchronous():
    with dg.DagsterInstance.get() as instance, instance.event_log_storage.index_connection() as con:
        return con.exec_driver_sql("pragma synchronous").scalar()
