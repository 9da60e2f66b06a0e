"""Analyses side by side in worker processes. The parent reads and writes the build file; workers never open it.

Dagster runs the steps of a run one after the other. When a step comes, its analysis is often done already: whatever has
all it reads is handed to the workers as soon as that is so, the ones that others wait for first.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress

import pandas as pd
from threadpoolctl import threadpool_limits

from dagster_project.run.effort import current_effort
from dagster_project.study.registry import BY_NAME, REGISTRY, Analysis
from dagster_project.study.settings import Settings

type Frames = dict[str, pd.DataFrame]
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Hands out first what others wait for; the order changes no number.
URGENCY = ("production", "index", "panel", "influence", "robustness", "measurement", "markov", "space")


def compute(name: str, frames: Frames, settings: Settings) -> Frames:
    """One analysis, in whatever process. One BLAS thread: many small products run faster, and the same everywhere."""
    with threadpool_limits(limits=1):
        return dict(BY_NAME[name].build(frames, settings))  # type: ignore[arg-type]


class Workshop:
    """The analyses of one run. `frames_of` fetches what an analysis reads; it is called in the parent only."""

    def __init__(self, frames_of: Callable[[Analysis], Frames]) -> None:
        self._frames_of = frames_of
        self._run_id = ""
        self._waiting: list[Analysis] = []
        self._planned: set[str] = set()
        self._written: set[str] = set()
        self._tasks: dict[str, Future[Frames]] = {}
        self._pool: ProcessPoolExecutor | None = None

    def begin(self, run_id: str, planned: Iterable[str]) -> None:
        """The first step of a run says which analyses the run has; what an earlier run left is forgotten."""
        if run_id == self._run_id:
            return
        self.close()
        self._run_id, self._planned, self._written = run_id, set(planned), set()
        chosen = [entry for entry in REGISTRY if entry.name in self._planned and not entry.in_parts]
        self._waiting = sorted(chosen, key=lambda entry: (urgency(entry.name), entry.name))

    def written(self, name: str) -> None:
        """Its tables are in the build file (or stayed as they were): others may read them."""
        self._written.add(name)
        self._waiting = [entry for entry in self._waiting if entry.name != name]
        if self._written >= self._planned:
            self.close()

    def result(self, entry: Analysis, settings: Settings) -> Frames:
        """Tables of an analysis: done already, done while one waits, or done here where one worker is all there is."""
        if current_effort().workers < 2 or entry.in_parts:
            return compute(entry.name, self._frames_of(entry), settings)
        try:
            self._hand_out(settings, first=entry)
            while not self._tasks[entry.name].done():
                wait([task for task in self._tasks.values() if not task.done()], return_when=FIRST_COMPLETED)
                self._hand_out(settings)
            return self._tasks.pop(entry.name).result()
        except BrokenProcessPool:  # a worker was killed, perhaps for want of memory: here, alone, it needs the least
            self.close()
            return compute(entry.name, self._frames_of(entry), settings)

    def close(self) -> None:
        """Leave no process behind."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
        self._pool, self._tasks = None, {}

    def _hand_out(self, settings: Settings, first: Analysis | None = None) -> None:
        """As many at once as there are workers, and one more that waits at their door."""
        if first is not None and first.name not in self._tasks:
            self._submit(first, settings)
        for entry in [entry for entry in self._waiting if self._is_ready(entry)]:
            if sum(not task.done() for task in self._tasks.values()) > current_effort().workers:
                return
            if entry.name not in self._tasks:
                self._submit(entry, settings)

    def _submit(self, entry: Analysis, settings: Settings) -> None:
        self._waiting = [other for other in self._waiting if other.name != entry.name]
        frames = self._frames_of(entry)
        if self._pool is None:
            self._pool = _pool(current_effort().workers)
        self._tasks[entry.name] = self._pool.submit(compute, entry.name, frames, settings)

    def _is_ready(self, entry: Analysis) -> bool:
        """Everything that this run still writes and that the analysis reads is written; so is what SQL makes of it."""
        makers = {f"py.{table}": other.name for other in REGISTRY for table in other.writes}
        needs = {makers[name] for name in (".".join(parent) for parent in entry.parents) if name in makers}
        # SQL between the engines and the index reads more than it names here: wait for the index
        needs |= {"index"} - {entry.name}
        return needs & self._planned <= self._written


def urgency(name: str) -> int:
    return URGENCY.index(name) if name in URGENCY else len(URGENCY)


def _pool(workers: int) -> ProcessPoolExecutor:
    """Workers that come from a clean process which has loaded the study once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["dagster_project.study.registry"])
    before = {name: os.environ.get(name) for name in ONE_THREAD}
    os.environ.update(dict.fromkeys(ONE_THREAD, "1"))
    try:
        pool = ProcessPoolExecutor(workers, mp_context=context)
        pool.submit(os.getpid).result()  # the clean process starts now, with one thread
    finally:
        for name, value in before.items():
            with suppress(KeyError):
                del os.environ[name]
            if value is not None:
                os.environ[name] = value
    return pool
