"""How a refresh speaks: one JSON object a line, or only if something is wrong; and a missed tick is made up for."""

import datetime as dt
import json
import logging
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG
from house import said, unchanged_environment
from rich.console import Console

from dagster_project.cli.refresh import refresh
from dagster_project.cli.runner import progress_reporter
from dagster_project.defs.instance import prepare_instance
from dagster_project.paths import PROJECT, export_to_environment
from dagster_project.run.status import RunStatus, StepRecord

pytestmark = pytest.mark.slow


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


def test_json_lines_tell_the_start_each_step_and_the_end(capfd):
    reporter = progress_reporter(Console(), "json")
    reporter.started(Path("/w"), Path("/w/log"))
    reporter.step(StepRecord("ingest", "raw_yearly", "read yearly files", 0.5, True))
    reporter.step(StepRecord("ingest", "raw__load", "judge", 1.0, False))
    status = RunStatus("refused", 3, dt.datetime(2026, 1, 1, tzinfo=dt.UTC), 1.5, None, ["否"], Path("/w"))
    reporter.ended(status)
    reporter.progress.print("for people")
    said = lines(capfd.readouterr().out)
    assert [line["event"] for line in said] == ["started", "step", "step", "ended"]
    assert [line["level"] for line in said] == ["info", "info", "error", "error"]
    assert said[1]["step"] == "raw_yearly"
    assert said[3]["message"] == ["否"]
    assert "steps" not in said[3]
    assert all(dt.datetime.fromisoformat(str(line["time"])).tzinfo for line in said)


@pytest.fixture(scope="module")
def refused_year(copy_small_warehouse):
    """A refresh that ends at once: there is no such year. In a copy: it writes down how it ended."""
    paths = copy_small_warehouse("reporter").paths

    def run(**how):
        with unchanged_environment():
            outcome = said(refresh, paths, year=1999, is_demo=False, **how)
        assert outcome.exit_code == 2
        return outcome.text

    return run


def test_command_speaks_json_alone(refused_year, capfd):
    assert refused_year(log_format="json") == ""
    started, ended = lines(capfd.readouterr().out)
    assert (started["event"], ended["status"]) == ("started", "bad_input")
    assert "No sidecar has data_year 1999" in str(ended["message"])


def test_quiet_command_says_what_is_wrong_and_nothing_else(refused_year, capfd):
    text = refused_year(quiet=True)
    assert text.startswith("Not refreshed after")
    assert "No sidecar has data_year 1999" in text
    assert capfd.readouterr().out == ""


def test_command_without_options_also_says_where_the_log_is(refused_year, capfd):
    refused_year()
    assert "; details in" in capfd.readouterr().out


def test_quiet_reporter_keeps_progress_to_itself(capsys):
    reporter = progress_reporter(Console(), quiet=True)
    reporter.progress.print("step")
    reporter.started("w", "log")
    assert capsys.readouterr().out == ""
    reporter.trouble.print("wrong")
    assert capsys.readouterr().out == "wrong\n"


# ---- a tick that was missed, because nothing ran on the day, is made up for when Dagster's daemon runs again --------

JANUARY = "2027-01-14T22:00:00+00:00"  # 06:00 in Shanghai on the 15th


def iterate(context, when):
    """One round of the daemon, at that time."""
    from dagster._core.test_utils import freeze_time
    from dagster._scheduler.scheduler import launch_scheduled_runs

    with freeze_time(when):
        for problem in launch_scheduled_runs(context, logging.getLogger("daemon"), when, {}):
            assert problem is None, problem


def test_missed_tick_is_made_up_for_once(house):
    from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
    from dagster._core.workspace.load_target import ModuleTarget

    paths = house.paths
    target = ModuleTarget("dagster_project.definitions", None, str(PROJECT), "house")
    with unchanged_environment():
        export_to_environment(paths)
        prepare_instance(paths)
        with dg.DagsterInstance.get() as instance, create_test_daemon_workspace_context(target, instance) as context:
            location = context.create_request_context().get_code_location("house")
            schedule = location.get_repository("__repository__").get_schedule("yearly_refresh")
            with freeze_time(dt.datetime(2026, 12, 1, tzinfo=dt.UTC)):
                instance.start_schedule(schedule)
            iterate(context, dt.datetime(2026, 12, 2, tzinfo=dt.UTC))
            assert _scheduled(instance) == []
            iterate(context, dt.datetime(2027, 3, 1, tzinfo=dt.UTC))  # the machine was off in January
            (run,) = _scheduled(instance)
            assert run.status == dg.DagsterRunStatus.QUEUED
            assert run.tags[SCHEDULED_EXECUTION_TIME_TAG] == JANUARY
            assert run.tags["dagster/partition"] == "2016"
            iterate(context, dt.datetime(2027, 3, 2, tzinfo=dt.UTC))
            assert len(_scheduled(instance)) == 1


def _scheduled(instance):
    return [run for run in instance.get_runs() if SCHEDULED_EXECUTION_TIME_TAG in run.tags]
