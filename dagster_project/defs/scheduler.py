"""Schedules analyses on worker processes, here or on a cluster. The parent reads and writes the build file; workers
never open it.

Dagster runs the steps of a run one after the other. An analysis is submitted as soon as all its inputs are written, so
its tables are often computed when its step begins; those that others depend on go first.
Not here: how tasks run (`python_models.tasks`), and whether a step is up to date (`defs/state.py`).
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import pandas as pd

from dagster_project.run.cluster import connect
from dagster_project.run.resources import current_resources
from dagster_project.study.registry import BY_NAME, REGISTRY, Analysis
from dagster_project.study.settings import Settings
from python_models.tasks import Client, run_tasks, start_tasks

type Frames = dict[str, pd.DataFrame]
type Outcome = Frames | Exception
# Submitted first: what others depend on. The order changes no number.
URGENCY = ("production", "index", "panel", "influence", "robustness", "measurement", "markov", "space")


def compute(name: str, frames: Frames, settings: Settings) -> Frames:
    """Tables of one analysis."""
    return dict(BY_NAME[name].result(frames, settings))  # type: ignore[arg-type]


def attempt(name: str, frames: Frames, settings: Settings) -> Outcome:
    """The tables, or the error: raised in a worker it would cancel the other analyses."""
    try:
        return compute(name, frames, settings)
    except Exception as error:
        error.add_note(traceback.format_exc())
        return error


class FrameCache:
    """Cache of frames by the text of their query, while another analysis of the run still reads them: the scores of all
    indexes are a million rows, and several analyses read them. Inputs of a submitted analysis are final, so no query
    gives something else later in the run. Workers get copies.
    """

    def __init__(self, entries: Iterable[Analysis]) -> None:
        self.frames: Frames = {}
        self._readers: dict[str, set[str]] = {}
        for entry in entries:
            for text in entry.queries().values():
                self._readers.setdefault(text, set()).add(entry.name)

    def keep(self, reader: str, read: Frames) -> None:
        """Add the frames that `reader` has read; drop those that no other analysis reads."""
        self.frames |= read
        for readers in self._readers.values():
            readers.discard(reader)
        self.frames = {text: frame for text, frame in self.frames.items() if self._readers.get(text)}


class Scheduler:
    """The analyses of one run. `frames_of` fetches what an analysis reads; it is called in the parent only."""

    def __init__(self, frames_of: Callable[[Analysis, FrameCache | None], Frames]) -> None:
        self._frames_of = frames_of
        self._cache = FrameCache([])
        self._run_id = ""
        self._waiting: list[Analysis] = []
        self._planned: set[str] = set()
        self._written: set[str] = set()
        self._client: Client | None = None
        self._tasks: dict[str, Iterator[Outcome]] = {}
        self.contents: dict[str, str] = {}  # query -> hash of its rows, of this run

    def begin(self, run_id: str, names: Iterable[str]) -> None:
        """Reset for a run with these analyses; nothing if it has begun already."""
        if run_id == self._run_id:
            return
        self.close()
        self._run_id, self._planned, self._written, self.contents = run_id, set(names), set(), {}
        entries = [entry for entry in REGISTRY if entry.name in self._planned and not entry.in_parts]
        self._cache = FrameCache(entries)
        self._waiting = sorted(entries, key=lambda entry: (urgency(entry.name), entry.name))

    def written(self, name: str) -> None:
        """Mark an analysis whose tables are in the build file: others may read them."""
        self._written.add(name)
        self._cache.keep(name, {})
        self._waiting = [entry for entry in self._waiting if entry.name != name]
        if self._written >= self._planned:
            self.close()

    def result(self, entry: Analysis, settings: Settings, key_if_due: Callable[[Analysis], str | None]) -> Frames:
        """Tables of an analysis; with one worker, or of the headline alone, they are computed in this process.

        Submits other analyses whose inputs are written. key_if_due: None for those that are up to date.
        """
        resources = current_resources()
        is_small = settings.depth.is_headline_only  # less than a second process takes to start
        if (resources.workers < 2 or is_small) and not resources.cluster:
            return run_tasks([partial(compute, entry.name, self._frames_of(entry, None), settings)])[0]
        if resources.cluster and self._client is None:
            self._client = connect(resources.cluster)
        ready = [other for other in self._waiting if self._is_ready(other) and other.name != entry.name]
        self._waiting = [other for other in self._waiting if other not in (entry, *ready)]
        for one in [entry, *filter(key_if_due, ready)]:
            if one.name not in self._tasks:
                task = partial(attempt, one.name, self._frames_of(one, self._cache), settings)
                self._tasks[one.name] = start_tasks([task], self._client, workers=resources.workers)
        (outcome,) = self._tasks.pop(entry.name)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def close(self) -> None:
        """Cancel what was submitted and disconnect from the cluster."""
        self._cache = FrameCache([])
        self._tasks = {}
        if self._client is not None:
            self._client.close()
        self._client = None

    def _is_ready(self, entry: Analysis) -> bool:
        """All tables of this run that the analysis reads are written, those that SQL derives from them included."""
        makers = {f"py.{table}": other.name for other in REGISTRY for table in other.writes}
        needs = {makers[name] for name in (".".join(parent) for parent in entry.parents) if name in makers}
        # SQL between the engines and the index reads more than it names here: wait for the index
        needs |= {"index"} - {entry.name}
        return needs & self._planned <= self._written


def urgency(name: str) -> int:
    return URGENCY.index(name) if name in URGENCY else len(URGENCY)
