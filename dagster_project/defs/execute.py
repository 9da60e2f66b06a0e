"""Runs the jobs of one refresh in this process and reports each step as it starts and ends."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from dagster_project.defs.dead_runs import close_dead_runs, process_tag
from dagster_project.defs.instance import MODULE, open_event_log
from dagster_project.defs.outcome import read_failure
from dagster_project.defs.state import UNCHANGED
from dagster_project.run.failures import Failure
from dagster_project.run.status import BY_COMMAND, Listener, StepRecord
from dagster_project.run.steps import step_words

# by this tag the page of a job finds its runs; a run in this process has no code location of its own
CODE_LOCATION = {".dagster/repository": f"__repository__@{MODULE}"}
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
JOBS = ("ingest", "rebuild")  # the gate is asked before anything after it starts
SHOWING = (dg.AssetKey(["ops", "run_context"]), dg.AssetKey(["published", "city"]))


def run_refresh(defs: dg.Definitions, years: Sequence[str], listener: Listener) -> Failure | None:
    """Landing files of the chosen years to the published file; None if it went through. The caller holds the lock."""
    year_range = {RANGE_START: years[0], RANGE_END: years[-1]} if years else {}
    ingest, rebuild = (defs.resolve_job_def(name) for name in JOBS)
    step_keys = {f"{job.name}/{node.name}" for job in (ingest, rebuild) for node in job.nodes}
    return _run_jobs([_Job(ingest, year_range), _Job(rebuild)], step_keys, listener)


def run_showing(defs: dg.Definitions, listener: Listener) -> Failure | None:
    """A release of the numbers that the build file holds, for new pages and exports. The caller holds the lock."""
    rebuild = defs.resolve_job_def(JOBS[-1])
    step_keys = {f"{rebuild.name}/{key.to_python_identifier()}" for key in SHOWING}
    return _run_jobs([_Job(rebuild, only=SHOWING)], step_keys, listener)


@dataclass(frozen=True)
class _Job:
    """only: assets to make; all of the job if there is none."""

    job: dg.JobDefinition
    tags: Mapping[str, str] = field(default_factory=dict)
    only: Sequence[dg.AssetKey] | None = None


def _run_jobs(jobs: Sequence[_Job], step_keys: set[str], listener: Listener) -> Failure | None:
    with open_event_log(), dg.DagsterInstance.get() as instance:
        close_dead_runs(instance)
        listener.planned(step_keys)
        for one in jobs:
            failure = read_failure(_run_job(one, instance, listener))
            if failure:
                return failure
    return None


def _run_job(one: _Job, instance: dg.DagsterInstance, listener: Listener) -> dg.ExecuteInProcessResult:
    job = one.job
    run_id = str(uuid.uuid4())
    start_of: dict[str, float] = {}
    is_new_by_step: dict[str, list[bool]] = {}  # step -> whether each of its tables was made anew

    def on_event(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        key = event.step_key if event else None
        if event is None or key is None:
            return
        if event.event_type_value == "STEP_START":
            start_of[key] = time.monotonic()
            listener.started(job.name, key)
        elif event.is_step_materialization:
            metadata = event.step_materialization_data.materialization.metadata
            is_new_by_step.setdefault(key, []).append(UNCHANGED not in metadata)
        elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
            seconds = time.monotonic() - start_of.pop(key, time.monotonic())
            is_passed = event.event_type_value == "STEP_SUCCESS"
            is_same = is_passed and key in is_new_by_step and not any(is_new_by_step[key])
            listener.ended(StepRecord(job.name, key, step_words(key), seconds, is_passed, is_same))

    tags = {**one.tags, **BY_COMMAND, **process_tag(run_id), **CODE_LOCATION}
    instance.add_event_listener(run_id, on_event)
    return job.execute_in_process(
        instance=instance, raise_on_error=False, run_id=run_id, tags=tags, asset_selection=one.only
    )
