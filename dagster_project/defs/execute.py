"""Runs the jobs of one refresh in this process and reports each step as it starts and ends."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping, Sequence

import dagster as dg

from dagster_project.defs.dead_runs import close_dead_runs, process_tag
from dagster_project.defs.history import quick_history
from dagster_project.defs.origin import name_origin, origin_of, origin_tag
from dagster_project.defs.outcome import read_failure
from dagster_project.defs.state import UNCHANGED
from dagster_project.run.failures import Failure
from dagster_project.run.status import BY_COMMAND, Listener, StepRecord
from dagster_project.run.steps import step_words

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"
JOBS = ("ingest", "rebuild")  # the gate is asked before anything after it starts


def run_refresh(defs: dg.Definitions, years: Sequence[str], listener: Listener) -> Failure | None:
    """Landing files of the chosen years to the published file; None if it went through. The caller holds the lock."""
    with quick_history(), dg.DagsterInstance.get() as instance:
        close_dead_runs(instance)
        jobs = [defs.resolve_job_def(name) for name in JOBS]
        listener.planned({f"{job.name}/{node.name}" for job in jobs for node in job.nodes})
        chosen = {RANGE_START: years[0], RANGE_END: years[-1]} if years else {}
        for job, tags in zip(jobs, (chosen, {}), strict=True):
            failure = read_failure(_run_job(job, instance, {**tags, **BY_COMMAND}, listener))
            if failure:
                return failure
    return None


def _run_job(
    job: dg.JobDefinition, instance: dg.DagsterInstance, tags: Mapping[str, str], listener: Listener
) -> dg.ExecuteInProcessResult:
    run_id, origin = str(uuid.uuid4()), origin_of(job.name)
    started: dict[str, float] = {}
    made: dict[str, list[bool]] = {}  # step -> whether each of its tables was made anew

    def on_event(entry: dg.EventLogEntry) -> None:
        event = entry.dagster_event
        if event is not None and event.event_type == dg.DagsterEventType.RUN_START:
            name_origin(instance, run_id, origin)
        key = event.step_key if event else None
        if event is None or key is None:
            return
        if event.event_type_value == "STEP_START":
            started[key] = time.monotonic()
            listener.started(job.name, key)
        elif event.is_step_materialization:
            metadata = event.step_materialization_data.materialization.metadata
            made.setdefault(key, []).append(UNCHANGED not in metadata)
        elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
            seconds = time.monotonic() - started.pop(key, time.monotonic())
            passed = event.event_type_value == "STEP_SUCCESS"
            is_same = passed and key in made and not any(made[key])
            listener.ended(StepRecord(job.name, key, step_words(key), seconds, passed, is_same))

    own = {**tags, **process_tag(run_id), **origin_tag(origin)}
    instance.add_event_listener(run_id, on_event)
    return job.execute_in_process(instance=instance, raise_on_error=False, run_id=run_id, tags=own)
