"""How much of the machine a refresh may take: worker processes and memory, from the environment."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

WORKERS, MEMORY = "NQPF_WORKERS", "NQPF_MEMORY"
WORKER_GB = 1.0  # what an analysis of some hundred cities takes at most, with its libraries
PARENT_GB = 1.0


class EffortError(Exception):
    """A setting that is no number."""


@dataclass(frozen=True)
class Effort:
    """workers: processes that compute; memory_gb: of parent, database and workers together, None for no limit."""

    workers: int
    memory_gb: float | None

    @property
    def database_memory(self) -> str | None:
        """DuckDB's share while nothing else works: half."""
        return None if self.memory_gb is None else f"{self.memory_gb / 2:.1f}GB"


def current_effort() -> Effort:
    """NQPF_WORKERS (a whole number; else one a core) and NQPF_MEMORY (e.g. 3GB); the smaller of the two decides."""
    memory = _memory(os.environ.get(MEMORY, "").strip())
    text = os.environ.get(WORKERS, "").strip()
    if text and not (text.isdigit() and int(text) > 0):
        raise EffortError(f"{WORKERS} is {text!r}: it must be a whole number above 0.")
    workers = int(text) if text else len(os.sched_getaffinity(0))
    if memory is not None:
        workers = max(1, min(workers, int((memory - PARENT_GB) / WORKER_GB)))
    return Effort(workers, memory)


def _memory(text: str) -> float | None:
    if not text:
        return None
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*GB", text, flags=re.IGNORECASE)
    if not found or float(found[1]) < 1:
        raise EffortError(f"{MEMORY} is {text!r}: give gigabytes, at least 1, e.g. 3GB.")
    return float(found[1])


def export_effort(workers: int | None, memory: str | None) -> None:
    """Hand the choice to every process that this one starts."""
    if workers is not None:
        os.environ[WORKERS] = str(workers)
    if memory is not None:
        os.environ[MEMORY] = memory
    current_effort()
