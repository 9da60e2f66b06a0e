"""Progress output of a refresh: rich console for people, JSON lines for log collectors; the rest goes to a log file."""

import datetime as dt
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

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
from rich.table import Table
from rich.text import Text

from dagster_project.run.status import Listener, RunStatus, StepRecord
from dagster_project.run.steps import step_words


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

    seconds_before: Mapping[str, float] = field(default_factory=dict)  # 'job/step' -> seconds when it last ran
    expected: set[str] = field(default_factory=set)  # 'job/step' of all jobs of this refresh
    steps: list[StepRecord] = field(default_factory=list)
    heard: Callable[[StepRecord], None] = lambda _step: None  # told of each step that ended

    @property
    def total(self) -> int:
        return len(self.expected)

    def seconds_left(self, running: Mapping[str, float]) -> float | None:
        """Estimate: seconds that the other steps took when they last ran; None if one of them never ran.

        running: 'job/step' -> seconds so far. A step that takes longer than last time counts nothing more.
        """
        left = self.expected - {step.key for step in self.steps}
        if not left <= set(self.seconds_before):
            return None
        return sum(max(self.seconds_before[key] - running.get(key, 0.0), 0.0) for key in left)


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


@contextmanager
def step_progress(console: Console, record: RunLog) -> Iterator[Listener]:
    """One line a step: its number, its outcome, its seconds. A terminal also sees a bar below."""
    start_of: dict[str, float] = {}

    def seconds_left() -> float | None:
        now = time.monotonic()
        return record.seconds_left({key: now - start for key, start in [*start_of.items()]})

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeLeftColumn(seconds_left),
    )
    # elsewhere than on a terminal a bar says nothing and leaves an empty line behind
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1)

        def on_plan(expected: set[str]) -> None:
            record.expected = expected
            progress.update(task, total=len(expected))

        def on_start(job: str, step: str) -> None:
            start_of[f"{job}/{step}"] = time.monotonic()
            progress.update(task, description=f"{job}: {step_words(step)}", refresh=True)

        def on_end(step: StepRecord) -> None:
            start_of.pop(step.key, None)
            record.steps.append(step)
            record.heard(step)
            line = step_line(step, len(record.steps), max(record.total, len(record.steps)))
            progress.console.print(line, highlight=False)
            progress.advance(task)

        yield Listener(on_plan, on_start, on_end)


def profile_table(steps: Sequence[StepRecord]) -> Table:
    """Where the time went: the slowest step first."""
    table = Table(title="Seconds by step")
    for name in ("step", "job", "seconds", "share"):
        table.add_column(name, justify="right" if name in ("seconds", "share") else "left")
    total = sum(step.seconds for step in steps) or 1.0
    for step in sorted(steps, key=lambda step: -step.seconds):
        share = "unchanged" if step.is_unchanged else f"{step.seconds / total:.0%}"
        table.add_row(step.words, step.job, f"{step.seconds:.1f}", share)
    return table


def step_line(step: StepRecord, number: int, total: int) -> str:
    """'  [ 3/42] done    read yearly files     0.5 s', with marks of rich."""
    count = f"[{number:>{len(str(total))}}/{total}]"
    mark = "[red]failed[/]" if not step.passed else "same  " if step.is_unchanged else "[green]done[/]  "
    return f"  {count} {mark}  {step.words:<32}{step.seconds:6.1f} s"


@dataclass(frozen=True)
class ProgressReporter:
    """progress: for lines that a good run prints; trouble: for failures; sink: for JSON lines, None in text mode."""

    progress: Console
    trouble: Console
    sink: TextIO | None = None

    def started(self, warehouse: object, log: object) -> None:
        self._line("started", {"warehouse": str(warehouse), "log": str(log)})

    def step(self, step: StepRecord) -> None:
        self._line("step", {**asdict(step), "seconds": round(step.seconds, 2)})

    def ended(self, status: RunStatus) -> None:
        """The content of last_run.json without the steps, which were said one by one."""
        self._line("ended", {key: value for key, value in status.content().items() if key != "steps"})

    def _line(self, event: str, fields: dict[str, Any]) -> None:
        if self.sink is not None:
            moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
            level = "error" if fields.get("exit_code") or fields.get("passed") is False else "info"
            line = {"time": moment, "level": level, "event": event, **fields}
            print(json.dumps(line, ensure_ascii=False), file=self.sink, flush=True)


def progress_reporter(console: Console, log_format: str = "text", *, quiet: bool = False) -> ProgressReporter:
    """text: console says all, with quiet failures only. json: one object a line on stdout, nothing else."""
    silent = Console(quiet=True)
    if log_format == "json":  # stdout of now: a refresh sends its own stdout to the log file
        return ProgressReporter(silent, silent, os.fdopen(os.dup(1), "w", encoding="utf-8"))
    return ProgressReporter(silent if quiet else console, console)
