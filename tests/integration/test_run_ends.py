"""Each end of a refresh is written down in reports/last_run.json, whatever its exit code."""

import datetime as dt
import shutil

import dagster as dg
import pytest
from house import House

from dagster_project.cli import refresh as command
from dagster_project.defs.sensors import status_of_run
from dagster_project.paths import Paths
from dagster_project.run.lock import refresh_lock
from dagster_project.run.status import WEBHOOK, known_seconds, read_status

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch):
    monkeypatch.delenv(WEBHOOK, raising=False)


@pytest.fixture
def unread(small_warehouse, tmp_path):
    """Landing files, and no warehouse yet."""
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    shutil.copytree(small_warehouse.paths.landing, paths.landing)
    return House(paths)


def test_a_release_is_written_down_with_every_step(small_warehouse):
    reports = small_warehouse.paths.reports
    ended = read_status(reports)
    assert (ended["job"], ended["status"], ended["exit_code"]) == ("nqpf refresh", "published", 0)
    assert ended["release"] == small_warehouse.releases[-1].name
    assert dt.datetime.fromisoformat(ended["started"]).tzinfo == dt.UTC
    assert all(step["passed"] for step in ended["steps"])
    assert [ended["steps"][at]["step"] for at in (0, -1)] == ["landing__series", "published__city"]
    assert 0 < sum(step["seconds"] for step in ended["steps"]) <= ended["seconds"]
    assert {f"{step['job']}/{step['step']}" for step in ended["steps"]} == set(known_seconds(reports))


def test_a_refusal_says_why_and_which_release_still_stands(refused):
    ended = read_status(refused.house.paths.reports)
    assert (ended["status"], ended["exit_code"]) == ("refused", 3)
    assert ended["release"] == refused.house.releases[-1].name
    stopped = {step["step"] for step in ended["steps"] if not step["passed"]}
    assert "raw__load" in stopped
    assert stopped <= {"raw__load", "raw__series_load"}
    assert any("gdp_nom" in sentence for sentence in ended["message"])


def test_bad_input_is_written_down(unread):
    for sidecar in unread.paths.landing.rglob("*.yml"):
        sidecar.unlink()
    assert unread.refresh().exit_code == 2
    ended = read_status(unread.paths.reports)
    assert (ended["status"], ended["exit_code"], ended["release"], ended["steps"]) == ("bad_input", 2, None, [])
    assert "There is no sidecar" in ended["message"][0]


def test_a_warehouse_in_use_is_written_down(unread):
    with refresh_lock(unread.paths):
        assert unread.refresh().exit_code == 4
    assert read_status(unread.paths.reports)["status"] == "busy"


@pytest.mark.parametrize(("error", "status"), [(RuntimeError("a bug"), "failed"), (KeyboardInterrupt(), "interrupted")])
def test_a_fault_and_an_interruption_are_written_down(unread, error, status, monkeypatch):
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(command, "_run", fail)
    with pytest.raises(type(error)):
        unread.refresh()
    ended = read_status(unread.paths.reports)
    assert (ended["status"], ended["exit_code"]) == (status, 1)
    assert type(error).__name__ in ended["message"][0]


def test_a_run_that_dagster_started_reads_the_same(revised, monkeypatch):
    """The job `refresh` ran there without the command: what the sensor would write comes from its events."""
    paths = revised.house.paths
    monkeypatch.setenv("DAGSTER_HOME", str(paths.dagster_home))
    with dg.DagsterInstance.from_config(str(paths.dagster_home)) as instance:
        run = instance.get_runs(limit=1)[0]
        ended = status_of_run(paths, instance, run)
    assert (ended.job, ended.status, ended.exit_code) == ("refresh", "published", 0)
    assert ended.release == revised.house.releases[-1].name
    assert ended.steps[-1].words == "publish and report"
    assert 0 < sum(step.seconds for step in ended.steps) <= ended.seconds
