"""Runs a job in this process with progress for people; the noise of Dagster and dbt goes to a log file."""

from __future__ import annotations

import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from dagster_project.run_status import StepRecord

STEP_WORDS = {
    "landing__yearly": "check yearly files", "landing__series": "check multi-year files",
    "raw_yearly": "read yearly files", "raw_series": "read multi-year files",
    "dbt_reading": "give cells a meaning (dbt)", "dbt_values": "settle values (dbt)",
    "dbt_panel": "balance the panel (dbt)", "dbt_marts": "build marts (dbt)", "raw__load": "judge yearly loads",
    "raw__series_load": "judge multi-year loads",
    "ops__run_context": "name the vintage", "ops__index_spec": "read the specs",
    "ops__synthetic_truth": "store the demo's truth", "py_index": "weights and scores",
    "py_production": "engines of production relations", "py_coupling": "coupling coordination",
    "py_measurement": "trust in the index", "py_disparity": "disparities", "py_convergence": "convergence and clubs",
    "py_markov": "Markov chains", "py_space": "spatial structure", "py_panel": "panel regressions",
    "py_influence": "spillovers and thresholds", "py_robustness": "robustness suite",
    "py_policy": "paths and principles", "published__city": "publish and report",
}  # fmt: skip


def step_words(key: str) -> str:
    """What a person reads for a step. A step that Dagster had to split has a number at its end."""
    return STEP_WORDS.get(key, STEP_WORDS.get(re.sub(r"_\d+$", "", key), key))


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
            for stream in (sys.stdout, sys.stderr, people):
                with suppress(OSError):  # the log's disk may be full: what people see must come back all the same
                    stream.flush()
            os.dup2(saved_out, 1)
            os.dup2(saved_err, 2)
            os.close(saved_out)
            os.close(saved_err)


@dataclass
class RunLog:
    """What the jobs of one refresh did so far, and what is known of the run before: progress and status need both."""

    known: Mapping[str, float] = field(default_factory=dict)  # 'job/step' -> seconds when it last ran
    expected: set[str] = field(default_factory=set)  # 'job/step' of all jobs of this refresh
    steps: list[StepRecord] = field(default_factory=list)
    heard: Callable[[StepRecord], None] = lambda _step: None  # told of each step that ended

    def expect(self, jobs: Iterable[dg.JobDefinition]) -> None:
        self.expected = {f"{job.name}/{node.name}" for job in jobs for node in job.nodes}

    @property
    def total(self) -> int:
        return len(self.expected)

    def seconds_left(self, running: Mapping[str, float]) -> float | None:
        """Estimate: seconds that the other steps took when they last ran; None if one of them never ran.

        running: 'job/step' -> seconds so far. A step that takes longer than last time counts nothing more.
        """
        left = self.expected - {step.key for step in self.steps}
        if not left <= set(self.known):
            return None
        return sum(max(self.known[key] - running.get(key, 0.0), 0.0) for key in left)


class TimeLeftColumn(ProgressColumn):
    """About how long the refresh still takes, by the seconds of the last one."""

    def __init__(self, seconds_left: Callable[[], float | None]) -> None:
        super().__init__()
        self.seconds_left = seconds_left

    def render(self, task: Task) -> Text:
        return Text(time_left_words(self.seconds_left()), style="progress.remaining")


def time_left_words(seconds: float | None) -> str:
    """'about 3 min left'; nothing where nothing is known."""
    if seconds is None:
        return ""
    if seconds < 1:
        return "nearly done"
    return f"about {seconds:.0f} s left" if seconds < 90 else f"about {seconds / 60:.0f} min left"


def run_job(
    job: dg.JobDefinition, instance: dg.DagsterInstance, console: Console, *, title: str, tags: dict[str, str],
    record: RunLog,
) -> dg.ExecuteInProcessResult:  # fmt: skip
    """Execute one job; one line a step: its number, its outcome, its seconds. A terminal also sees a bar below."""
    run_id = str(uuid.uuid4())
    total = max(record.total, len(record.steps) + len(job.nodes))
    started: dict[str, float] = {}

    def seconds_left() -> float | None:
        now = time.monotonic()
        return record.seconds_left({f"{job.name}/{key}": now - begun for key, begun in [*started.items()]})

    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TimeLeftColumn(seconds_left),
    )  # fmt: skip
    # elsewhere than on a terminal a bar says nothing and leaves an empty line behind
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total, completed=len(record.steps))

        def on_event(entry: dg.EventLogEntry) -> None:
            event = entry.dagster_event
            key = event.step_key if event else None
            if event is None or key is None:
                return
            words = step_words(key)
            if event.event_type_value == "STEP_START":
                started[key] = time.monotonic()
                progress.update(task, description=f"{title}: {words}", refresh=True)
            elif event.event_type_value in ("STEP_SUCCESS", "STEP_FAILURE"):
                seconds = time.monotonic() - started.pop(key, time.monotonic())
                passed = event.event_type_value == "STEP_SUCCESS"
                record.steps.append(StepRecord(job.name, key, words, seconds, passed))
                record.heard(record.steps[-1])
                progress.console.print(step_line(record.steps[-1], len(record.steps), total), highlight=False)
                progress.advance(task)

        instance.add_event_listener(run_id, on_event)
        return job.execute_in_process(instance=instance, raise_on_error=False, run_id=run_id, tags=tags)


def step_line(step: StepRecord, number: int, total: int) -> str:
    """'  [ 3/42] done    read yearly files     0.5 s', with marks of rich."""
    count = f"[{number:>{len(str(total))}}/{total}]"
    mark = "[green]done[/]  " if step.passed else "[red]failed[/]"
    return f"  {count} {mark}  {step.words:<32}{step.seconds:6.1f} s"
