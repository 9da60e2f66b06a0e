"""Runs a job in this process with progress for people; the noise of Dagster and dbt goes to a log file."""

from __future__ import annotations

import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

STEP_WORDS = {
    "landing__yearly": "check yearly files", "landing__series": "check multi-year files",
    "raw_yearly": "read yearly files", "raw_series": "read multi-year files",
    "raw__load": "judge yearly loads", "raw__series_load": "judge multi-year loads",
    "ops__run_context": "name the vintage", "ops__index_spec": "read the specs",
    "ops__synthetic_truth": "store the demo's truth", "py_index": "weights and scores",
    "py_production": "engines of production relations", "py_coupling": "coupling coordination",
    "py_measurement": "trust in the index", "py_disparity": "disparities", "py_convergence": "convergence and clubs",
    "py_markov": "Markov chains", "py_space": "spatial structure", "py_panel": "panel regressions",
    "py_influence": "spillovers and thresholds", "py_robustness": "robustness suite",
    "py_policy": "paths and principles", "published__city": "publish and report",
}  # fmt: skip


def step_words(key: str, job_name: str) -> str:
    """What a person reads for a step. Dagster numbers the dbt steps as the graph falls out, so all have one name."""
    if key.startswith("dbt_models"):
        return "build tables with dbt" if job_name == "rebuild" else "read with dbt"
    return STEP_WORDS.get(key, key)


@contextmanager
def quiet_output(log: Path) -> Iterator[Console]:
    """Everything that this process and its children print goes to `log`; the console yielded still reaches people."""
    log.parent.mkdir(parents=True, exist_ok=True)
    sys.stdout.flush()
    sys.stderr.flush()
    saved_out, saved_err = os.dup(1), os.dup(2)
    with log.open("ab") as sink, os.fdopen(os.dup(saved_out), "w", encoding="utf-8") as people:
        os.dup2(sink.fileno(), 1)
        os.dup2(sink.fileno(), 2)
        try:
            yield Console(file=people)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            people.flush()
            os.dup2(saved_out, 1)
            os.dup2(saved_err, 2)
            os.close(saved_out)
            os.close(saved_err)


def run_job(
    job: dg.JobDefinition, instance: dg.DagsterInstance, console: Console, *, title: str, tags: dict[str, str]
) -> dg.ExecuteInProcessResult:
    """Execute one job; one progress line a step with its seconds."""
    run_id = str(uuid.uuid4())
    steps = len(job.nodes)
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    started: dict[str, float] = {}
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(title, total=steps)

        def on_event(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            key = event.step_key if event else None
            if event is None or key is None:
                return
            if event.event_type_value == "STEP_START":
                started[key] = time.monotonic()
                progress.update(task, description=f"{title}: {step_words(key, job.name)}")
            elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
                seconds = time.monotonic() - started.get(key, time.monotonic())
                mark = "[green]done[/]" if event.event_type_value == "STEP_SUCCESS" else "[red]failed[/]"
                progress.console.print(f"  {mark}  {step_words(key, job.name):<28}{seconds:6.1f} s", highlight=False)
                progress.advance(task)

        instance.add_event_listener(run_id, on_event)
        return job.execute_in_process(instance=instance, raise_on_error=False, run_id=run_id, tags=tags)
