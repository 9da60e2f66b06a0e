"""What is done for the gate before its turn: its libraries are loaded, and multi-year loads are judged by a worker."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import dagster as dg
import pandas as pd

from dagster_project.defs.gate import baseline_of, gate_frames, judged_on, same_verdict, task_of, waits
from dagster_project.ingest.sidecar import Landed, Sidecar
from dagster_project.paths import Paths
from dagster_project.run.effort import current_effort
from dagster_project.run.versions import gate_hash
from dagster_project.store import Warehouse
from expectations.contract import ResultRow
from expectations.run import import_judges
from python_models.tasks import start_tasks

type Key = tuple[str, int, str]


def load_gate() -> None:
    """Load Great Expectations in a thread: it takes seconds, and the gate comes next."""
    threading.Thread(target=import_judges, daemon=True).start()


class Ahead:
    """Multi-year loads that a worker judges while the yearly ones, which wait for each other, are judged here.

    No verdict hangs on the order: none of these loads has a yearly one of its source, so none looks at its verdict.
    """

    def __init__(self, paths: Paths, warehouse: Warehouse) -> None:
        self._paths, self._warehouse = paths, warehouse
        self._run_id = ""
        self._verdicts: dict[Key, Iterator[list[ResultRow]]] = {}
        self._frames: dict[Key, dict[str, pd.DataFrame]] = {}

    def begin(self, run_id: str, others: Sequence[Sidecar], landed: Landed) -> None:
        """Hand out what waits. others: the yearly loads of the run; without them there is nothing to do meanwhile."""
        self.close()
        key = gate_hash(self._paths)
        with self._warehouse.held():
            if current_effort().workers < 2 or not any(waits(self._warehouse, other, "", key) for other in others):
                return
            sources = {sidecar.source for sidecar in landed.yearly()}
            chosen = [s for s in landed.multi_year() if s.source not in sources]
            waiting = [s for s in chosen if waits(self._warehouse, s, "series_", key)]
            self._run_id = run_id
            for sidecar in waiting:
                try:
                    baseline = baseline_of(self._warehouse, sidecar)
                except dg.Failure:  # said where it is judged
                    continue
                judged = judged_on(self._paths, self._warehouse, sidecar, baseline)
                if not same_verdict(self._warehouse, sidecar, "series_", judged).empty:
                    continue
                frames = self._frames[_key(sidecar)] = gate_frames(self._warehouse, sidecar)
                judge = task_of(self._paths, sidecar, frames, baseline)
                self._verdicts[_key(sidecar)] = start_tasks([judge], workers=current_effort().workers)

    def has(self, run_id: str, sidecar: Sidecar) -> bool:
        return run_id == self._run_id and _key(sidecar) in self._frames

    def result(self, sidecar: Sidecar) -> tuple[dict[str, pd.DataFrame], list[ResultRow]]:
        """What was judged, and the outcome."""
        (rows,) = self._verdicts.pop(_key(sidecar))
        return self._frames.pop(_key(sidecar)), rows

    def close(self) -> None:
        """Cancel what was started."""
        self._run_id, self._verdicts, self._frames = "", {}, {}


def _key(sidecar: Sidecar) -> Key:
    """A replaced vintage is a load of its own."""
    return sidecar.source, sidecar.data_year, sidecar.vintage
