"""Dagster's own records while its page is open: whatever runs beside it goes through, and every file stays whole."""

import contextlib
import json
import shutil
import socket
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager

import dagster as dg
import pytest
from killing import Refresh, land_a_change

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


# ---- the same with Dagster's own server and daemon -----------------------------------------------------------

PAGES = (
    "{ runsOrError(limit: 20) { ... on Runs { results { runId status jobName stats { ... on RunStatsSnapshot"
    " { stepsSucceeded } } } } } }",
    "{ assetNodes { id assetMaterializations(limit: 3) { runId } hasMaterializePermission } }",
    "{ instance { daemonHealth { allDaemonStatuses { daemonType healthy lastHeartbeatErrors { message } } } } }",
)
SELECTOR = {"repositoryLocationName": "dagster_project.definitions", "repositoryName": "__repository__"}
LAUNCH = """mutation ($how: ExecutionParams!) { launchRun(executionParams: $how) {
    __typename ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } } }"""
SENSOR = """mutation ($it: SensorSelector!) { sensorDryRun(selectorData: $it, cursor: null) {
    __typename ... on DryRunInstigationTick { evaluationResult { skipReason error { message } } } } }"""
SCHEDULE = """mutation ($it: ScheduleSelector!, $at: Float) { scheduleDryRun(selectorData: $it, timestamp: $at) {
    __typename ... on DryRunInstigationTick { evaluationResult { error { message } runRequests { runKey } } } } }"""
LOGS = "query ($id: ID!) { logsForRun(runId: $id, limit: 500) { __typename ... on EventConnection { cursor } } }"
STATUS = "query ($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }"


class Pages:
    """`nqpf ui` of a warehouse, asked as a browser asks it."""

    def __init__(self, house):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        command = house.command("ui", "--port", str(self.port))
        self.service = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def ask(self, query, **variables):
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/graphql", body, {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            content = json.load(answer)
        assert "errors" not in content, content
        return content["data"]

    def wait_until_open(self):
        end = time.monotonic() + 300
        while time.monotonic() < end:
            with contextlib.suppress(OSError):
                return self.ask(PAGES[0])
            time.sleep(1)
        raise AssertionError("the page did not open")

    def launch(self, job, *asset):
        """A run of one node, as *Materialize* starts it; its id."""
        selector = {**SELECTOR, "pipelineName": job, "assetSelection": [{"path": asset}], "assetCheckSelection": []}
        launched = self.ask(LAUNCH, how={"selector": selector, "mode": "default", "runConfigData": "{}"})["launchRun"]
        assert launched["__typename"] == "LaunchRunSuccess", launched
        return launched["run"]["runId"]

    def end_of(self, run_id):
        end = time.monotonic() + 900
        while (status := self.ask(STATUS, id=run_id)["runOrError"]["status"]) not in ("SUCCESS", "FAILURE", "CANCELED"):
            assert time.monotonic() < end, status
            time.sleep(1)
        return status

    def close(self):
        self.service.terminate()
        self.service.wait(timeout=120)


@pytest.mark.slow
def test_records_stay_whole_beside_the_browser_a_refresh_a_rerun_the_sensor_and_the_schedule(house, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(house.paths.dagster_home))
    land_a_change(house, 1)
    pages, ended, asked, faults = Pages(house), threading.Event(), [0], []

    def browse():
        while not ended.is_set():
            try:
                for query in PAGES:
                    pages.ask(query)
                for found in pages.ask(PAGES[0])["runsOrError"]["results"]:
                    pages.ask(LOGS, id=found["runId"])
                sensor = pages.ask(SENSOR, it={**SELECTOR, "sensorName": "landing_sensor"})["sensorDryRun"]
                schedule = pages.ask(
                    SCHEDULE, it={**SELECTOR, "scheduleName": "yearly_refresh"}, at=1893456000.0
                )["scheduleDryRun"]  # fmt: skip
                faults.extend(tick for tick in (sensor, schedule) if tick["evaluationResult"]["error"])
                asked[0] += 1
            except Exception as error:
                faults.append(error)

    try:
        pages.wait_until_open()
        browsers = [threading.Thread(target=browse) for _ in range(2)]
        for browser in browsers:
            browser.start()
        with server():
            refresh = Refresh(house)
            refresh.wait_for_step(3)
            rerun = pages.launch("rebuild", "ops", "index_spec")  # it waits for the refresh
            assert refresh.wait(1800) == 0, refresh.text
            assert pages.end_of(rerun) == "SUCCESS"
        ended.set()
        for browser in browsers:
            browser.join()
        (health,) = [pages.ask(PAGES[2])["instance"]["daemonHealth"]["allDaemonStatuses"]]
    finally:
        ended.set()
        pages.close()
    assert faults == []
    assert asked[0] > 5
    assert [daemon for daemon in health if daemon["lastHeartbeatErrors"]] == []
    assert len(house.releases) == 2
    assert damaged(house.paths.dagster_home) == {}
