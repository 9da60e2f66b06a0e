"""A tick that was missed, because nothing ran on the day, is made up for when Dagster's daemon runs again."""

import datetime as dt
import logging

import dagster as dg
import pytest
from dagster._core.storage.tags import SCHEDULED_EXECUTION_TIME_TAG
from house import unchanged_environment

from dagster_project.defs.instance import prepare_instance
from dagster_project.paths import PROJECT, export_to_environment

JANUARY = "2027-01-14T22:00:00+00:00"  # 06:00 in Shanghai on the 15th


def iterate(context: object, when: dt.datetime) -> None:
    """One round of the daemon, at that time."""
    from dagster._core.test_utils import freeze_time
    from dagster._scheduler.scheduler import launch_scheduled_runs

    with freeze_time(when):
        for problem in launch_scheduled_runs(context, logging.getLogger("daemon"), when, {}):  # type: ignore[arg-type]
            assert problem is None, problem


@pytest.mark.slow
def test_missed_tick_is_made_up_for_once(copy_of_small_warehouse):
    from dagster._core.test_utils import create_test_daemon_workspace_context, freeze_time
    from dagster._core.workspace.load_target import ModuleTarget

    paths = copy_of_small_warehouse.paths
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


def _scheduled(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    return [run for run in instance.get_runs() if SCHEDULED_EXECUTION_TIME_TAG in run.tags]
