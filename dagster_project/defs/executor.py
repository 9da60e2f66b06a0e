"""Executor of all jobs: every run takes the refresh lock and passes the checks before a run.

Runs of the web page, schedules, sensors and `dagster job execute` come here. Not here: `nqpf refresh`, which runs jobs
in its own process and does the same itself.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import dagster as dg

from dagster_project.defs.dead_runs import close_dead_runs, process_tag
from dagster_project.defs.instance import open_event_log
from dagster_project.operations.preflight import check_surroundings
from dagster_project.paths import Paths
from dagster_project.run.lock import refresh_lock
from dagster_project.store import WarehouseBusy

WAIT, WAIT_SECONDS = "NQPF_WAIT_SECONDS", 3600  # environment variable and what holds without it
LOOK_SECONDS = 1.0
IN_PROCESS: dict[str, object] = {"retries": {"enabled": {}}, "marker_to_close": None}


class WaitNotKnown(Exception):
    """The setting is not a number of seconds."""


def wait_setting() -> float:
    """Seconds that a run waits for its turn: NQPF_WAIT_SECONDS, a whole number, else 3,600."""
    text = os.environ.get(WAIT, "").strip() or str(WAIT_SECONDS)
    if not text.isascii() or not text.isdigit():
        raise WaitNotKnown(f"{WAIT} is {text!r}: it must be a whole number of seconds, 0 to wait for nobody.")
    return float(text)


class OneWriter(dg.Executor):
    """Dagster's in-process executor under the lock. A run waits for its turn: a missed tick would not come back."""

    def __init__(self, inner: dg.Executor, paths: Paths, wait_seconds: float | None) -> None:
        self._inner = inner
        self.paths, self.wait_seconds = paths, wait_setting() if wait_seconds is None else wait_seconds

    @property
    def retries(self) -> Any:
        return self._inner.retries

    def execute(self, plan_context: Any, execution_plan: Any) -> Iterator[dg.DagsterEvent]:
        with ExitStack() as stack:
            plan_context.instance.add_run_tags(plan_context.run_id, process_tag(plan_context.run_id))
            _take_lock(stack, self.paths, self.wait_seconds, plan_context)
            check_surroundings(self.paths)
            close_dead_runs(plan_context.instance, mine=plan_context.run_id)
            stack.enter_context(open_event_log())
            yield from self._inner.execute(plan_context, execution_plan)


def _take_lock(stack: ExitStack, paths: Paths, wait_seconds: float, plan_context: Any) -> None:
    end, is_logged = time.monotonic() + wait_seconds, False
    while True:
        try:
            stack.enter_context(refresh_lock(paths))
            return
        except WarehouseBusy as busy:
            if time.monotonic() > end:
                raise busy from None  # the sentence says it; how the lock was tried is no news
            if not is_logged:
                plan_context.log.info(f"{busy} This run waits for at most {wait_seconds:.0f} s.")
                is_logged = True
        time.sleep(LOOK_SECONDS)


def one_writer(paths: Paths, wait_seconds: float | None = None) -> dg.ExecutorDefinition:
    """Executor of all jobs of one warehouse. wait_seconds None: what the environment says when a run starts."""

    @dg.executor(name="one_writer")
    def one_writer_executor(context: dg.InitExecutorContext) -> OneWriter:
        in_process = dg.in_process_executor
        assert in_process.executor_creation_fn is not None
        inner = dg.InitExecutorContext(context.job, in_process, IN_PROCESS, context.instance)
        return OneWriter(in_process.executor_creation_fn(inner), paths, wait_seconds)

    return one_writer_executor
