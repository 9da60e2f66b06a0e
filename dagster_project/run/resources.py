"""Worker count, memory limit and cluster of a refresh, from environment variables."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass

from dagster_project.store import DATABASE_MEMORY

WORKERS, MEMORY, CLUSTER = "NQPF_WORKERS", "NQPF_MEMORY", "NQPF_CLUSTER"
WORKER_GB = 1.0  # what an analysis of some hundred cities takes at most, with its libraries
PARENT_GB = 1.0


class ResourceError(Exception):
    """An environment variable whose value is no number."""


@dataclass(frozen=True)
class Resources:
    """workers: processes that compute; memory_gb: of parent, database and workers together, None for no limit;
    cluster: address of a Dask scheduler whose workers compute instead, None for this machine."""

    workers: int
    memory_gb: float | None
    cluster: str | None

    @property
    def database_memory(self) -> str | None:
        """DuckDB's share while nothing else works: half."""
        return None if self.memory_gb is None else f"{self.memory_gb / 2:.1f}GB"


def current_resources() -> Resources:
    """NQPF_WORKERS (a whole number; else one a core) and NQPF_MEMORY (e.g. 3GB), the smaller of the two decides;
    NQPF_CLUSTER (e.g. tcp://10.0.0.5:8786)."""
    memory = _memory(os.environ.get(MEMORY, "").strip())
    text = os.environ.get(WORKERS, "").strip()
    if text and not (text.isdigit() and int(text) > 0):
        raise ResourceError(f"{WORKERS} is {text!r}: it must be a whole number above 0.")
    workers = int(text) if text else len(os.sched_getaffinity(0))
    if memory is not None:
        workers = max(1, min(workers, int((memory - PARENT_GB) / WORKER_GB)))
    return Resources(workers, memory, os.environ.get(CLUSTER, "").strip() or None)


def _memory(text: str) -> float | None:
    if not text:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*GB", text, flags=re.IGNORECASE)
    if not match or float(match[1]) < 1:
        raise ResourceError(f"{MEMORY} is {text!r}: give gigabytes, at least 1, e.g. 3GB.")
    return float(match[1])


def export_resources(workers: int | None, memory: str | None, cluster: str | None) -> None:
    """Set the variables for this process and its children."""
    if workers is not None:
        os.environ[WORKERS] = str(workers)
    if memory is not None:
        os.environ[MEMORY] = memory
    if cluster is not None:
        os.environ[CLUSTER] = cluster
    limit = current_resources().database_memory
    if limit is not None:
        os.environ[DATABASE_MEMORY] = limit  # for this process, and for dbt's
