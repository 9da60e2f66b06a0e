"""Independent tasks: in this process, in processes of this machine (joblib) or on a Dask cluster.

A task is a function without arguments whose result depends on nothing but what it carries, its random stream included.
Every task has one BLAS thread, so where and in which order tasks run changes no bit of a result.

Not here: what a task computes, in which order tasks become ready, and how a cluster is found and checked.
"""

import pickle
import signal
import sys
import threading
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import cache
from multiprocessing.connection import Connection, Pipe
from typing import Any

from joblib import Parallel, delayed, parallel_config
from threadpoolctl import threadpool_limits

type Task[T] = Callable[[], T]
type Client = Any  # distributed.Client, of an extra: imported only where a client is passed
PART = 37
IDLE_SECONDS = 60  # then a worker process without a task ends
PATIENCE_SECONDS = 60  # then a cluster without any worker is given up


def run_tasks[T](tasks: Iterable[Task[T]], client: Client | None = None, *, workers: int = 1) -> list[T]:
    """Results of the tasks, in their order.

    Parameters
    ----------
    tasks : iterable of callables
        Functions without arguments. What is computed elsewhere must be picklable by cloudpickle.
    client : distributed.Client, optional
        Cluster that computes. A task of a cluster that has tasks of its own uses the same cluster.
    workers : int
        Processes of this machine if there is no client; none is started for 1.

    Returns
    -------
    list
        One result a task.

    Raises
    ------
    Exception
        What a task raises; the others are cancelled.

    Notes
    -----
    If a worker process is killed, or the cluster is lost, a warning says so and this process does what is left, one
    task at a time.

    Examples
    --------
    >>> from functools import partial
    >>> from python_models.tasks import run_tasks
    >>> run_tasks([partial(pow, 2, k) for k in range(4)])
    [1, 2, 4, 8]
    """
    if client is None and _is_in_cluster():
        from distributed import worker_client

        with worker_client() as cluster:  # leaves its thread to the other tasks while it waits for them
            return list(start_tasks(tasks, cluster))
    return list(start_tasks(tasks, client, workers=workers))


def start_tasks[T](tasks: Iterable[Task[T]], client: Client | None = None, *, workers: int = 1) -> Iterator[T]:
    """Start the tasks, and return an iterator over their results that waits for each.

    Parameters
    ----------
    tasks, client, workers
        As in `run_tasks`. With one worker and no client a task starts when its result is asked for.

    Returns
    -------
    iterator
        Results in the order of the tasks. Closing it cancels what is left.

    Examples
    --------
    >>> from functools import partial
    >>> from python_models.tasks import start_tasks
    >>> results = start_tasks([partial(pow, 2, k) for k in range(4)])
    >>> next(results), next(results)
    (1, 2)
    """
    if client is None and workers < 2:
        return _one_by_one(tasks)
    waiting = deque(tasks)
    return _collect(_on_cluster(waiting, client) if client else _on_machine(waiting, workers), waiting, client)


def parts[T](items: Sequence[T]) -> list[Sequence[T]]:
    """Cut a sequence into runs of PART items: a single draw is too little for a task.

    Parameters
    ----------
    items : sequence

    Returns
    -------
    list of sequences

    Examples
    --------
    >>> from python_models.tasks import parts
    >>> [len(part) for part in parts(range(80))]
    [37, 37, 6]
    """
    return [items[start : start + PART] for start in range(0, len(items), PART)]


def _one_by_one[T](tasks: Iterable[Task[T]]) -> Iterator[T]:
    for task in tasks:
        with threadpool_limits(limits=1):
            result = task()
        yield result


def _on_machine[T](tasks: Iterable[Task[T]], workers: int) -> Iterator[T]:
    with parallel_config("loky", inner_max_num_threads=1, initializer=_end_with, initargs=(_pipe()[0],)):
        parallel = Parallel(
            n_jobs=workers,
            return_as="generator",
            pre_dispatch="all",
            batch_size=1,
            max_nbytes=None,  # a mapped array is read-only
            idle_worker_timeout=IDLE_SECONDS,
        )
    results: Iterator[T] = parallel([delayed(task)() for task in tasks])
    return results


def _on_cluster(tasks: Iterable[Task[Any]], client: Client) -> Iterator[Any]:
    """Not by joblib's backend: that waits for ever for a task that has killed its workers (joblib 1.6)."""
    import cloudpickle  # type: ignore[import-untyped]

    # as bytes both ways: Dask hands over arrays read-only
    futures = client.map(_call_pickled, [cloudpickle.dumps(task) for task in tasks], pure=False)
    return (pickle.loads(_wait_for(future, client)) for future in futures)


def _wait_for(future: Any, client: Client) -> bytes:
    while True:
        try:
            result: bytes = future.result(timeout=PATIENCE_SECONDS)
            return result
        except TimeoutError:
            if future.done():  # it is the task's own
                raise
            if not client.nthreads():
                raise CancelledError from None


def _call_pickled(task: bytes) -> bytes:
    import cloudpickle

    threadpool_limits(limits=1)  # for good: other threads of this process may be in a task
    result: bytes = cloudpickle.dumps(pickle.loads(task)())
    return result


def _collect[T](results: Iterator[T], waiting: deque[Task[T]], client: Client | None) -> Iterator[T]:
    try:
        for result in results:
            waiting.popleft()
            yield result
    except Exception as error:
        if not _is_lost(error, client):
            raise
        cause = f"A worker was lost ({type(error).__name__}), for want of memory perhaps"
        warnings.warn(f"{cause}: {len(waiting)} tasks are done in this process, one at a time.", stacklevel=2)
    yield from _one_by_one(waiting)


def _is_lost(error: Exception, client: Client | None) -> bool:
    """The worker is to blame, or the cluster, and not the task."""
    if client is None:
        return isinstance(error, BrokenProcessPool)
    from distributed import KilledWorker

    return isinstance(error, KilledWorker | CancelledError) or client.status != "running"


@cache
def _pipe() -> tuple[Connection, Connection]:
    """Nothing is written to it: it breaks when this process ends, even if that is killed."""
    return Pipe(duplex=False)


def _end_with(pipe: Connection) -> None:
    def watch() -> None:
        with suppress(EOFError, OSError):
            pipe.recv_bytes()
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _is_in_cluster() -> bool:
    dask = sys.modules.get("distributed")
    if dask is None:
        return False
    try:
        dask.get_worker()
    except ValueError:
        return False
    return True
