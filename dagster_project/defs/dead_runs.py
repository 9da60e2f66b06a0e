"""Runs that were killed: Dagster goes on to believe in them, and in the write slot that they had claimed.

Nobody but the holder of the refresh lock may call this: under the lock no other run is at work.
"""

from __future__ import annotations

import os
from pathlib import Path

import dagster as dg

from dagster_project.run.status import BY_COMMAND

IN_PROGRESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
    dg.DagsterRunStatus.SUSPENDED,
]
PROCESS = "nqpf/process"  # tag of a run: the process that works on it
REPEATS = "dagster/parent_run_id"  # tag of a run: the one that it repeats
SENTENCE = "The process of this run ended without a report (it was killed, or the machine went down)."


def process_tag(run_id: str) -> dict[str, str]:
    """Tag for a run of this process. It names its run: whoever repeats a run takes its tags along."""
    return {PROCESS: f"{os.getpid()}@{_birth(os.getpid())}@{run_id}"}


def is_by_command(run: dg.DagsterRun) -> bool:
    """Started by `nqpf refresh` itself, not a repetition of such a run from the web page."""
    return any(run.tags.get(tag) == value for tag, value in BY_COMMAND.items()) and REPEATS not in run.tags


def close_dead_runs(instance: dg.DagsterInstance, *, mine: str = "") -> list[str]:
    """Mark killed runs as failed and free their slots in the write pool; returns their ids.

    Without this the next run would wait for the slot for ever, and the queue of Dagster's daemon for the run.
    mine: id of the run that holds the lock now.
    """
    storage, run_ids = instance.event_log_storage, []
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS)):
        if run.run_id != mine and _is_dead(run):
            instance.report_run_failed(run, SENTENCE)
            run_ids.append(run.run_id)
    for run_id in storage.get_concurrency_run_ids() - {mine}:  # steps hold a slot only under the lock
        storage.free_concurrency_slots_for_run(run_id)
    return run_ids


def _is_dead(run: dg.DagsterRun) -> bool:
    """A run of the command works under the lock; one of Dagster may wait for it, and names its process."""
    if is_by_command(run):
        return True
    pid, _, rest = run.tags.get(PROCESS, "").partition("@")
    birth, _, run_id = rest.partition("@")
    is_own = run_id == run.run_id or (not run_id and REPEATS not in run.tags)  # older runs name none
    return bool(birth) and is_own and _birth(int(pid)) != birth


def _birth(pid: int) -> str:
    """When a process started, in ticks since the machine did: a number that is used again is not the same process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "gone"
