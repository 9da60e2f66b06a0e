"""Independent pieces of work, on this machine or on a cluster: the one place that starts processes for it.

A task is a function without arguments whose result hangs on nothing but what it carries, its random stream included:
where, how often and in which order it is done changes no number. To the bit: it has one BLAS thread everywhere.
"""

import pickle
import signal
import sys
import threading
from collections.abc import Callable, Hashable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any, Self, cast

import cloudpickle  # type: ignore[import-untyped]
from joblib.externals.loky import ProcessPoolExecutor
from threadpoolctl import threadpool_limits

type Task[T] = Callable[[], T]
type Client = Any  # distributed.Client, which is an extra: nothing here imports it where no client is given
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PART = 37
TRIES = 2  # by local workers; then a task is done here, alone
POLL_SECONDS = 5
PATIENCE = 12  # polls in which a cluster has no worker at all


def run_tasks[T](tasks: Iterable[Task[T]], client: Client | None = None, *, workers: int = 1) -> list[T]:
    """Results of the tasks, in their order.

    client: a `distributed.Client`; without one `workers` processes of this machine, and for one worker none is started.
    In a task of a cluster the same cluster does the pieces. A task whose worker dies is done again by others, at last
    here; without its cluster all is done here. What a task raises is raised. What goes elsewhere must be picklable.

    >>> from functools import partial
    >>> from python_models.tasks import run_tasks
    >>> run_tasks([partial(pow, 2, k) for k in range(4)])
    [1, 2, 4, 8]
    """
    if client is None and _is_in_cluster():
        from distributed import worker_client

        with worker_client() as found:  # leaves its place to a piece while it waits for all of them
            return run_tasks(tasks, found)
    if client is None and workers < 2:
        with threadpool_limits(limits=1):
            return [task() for task in tasks]
    with Crew(client, workers=workers) as crew:
        keys = [crew.submit(key, task) for key, task in enumerate(tasks)]
        return [cast(T, crew.result(key)) for key in keys]


def parts[T](items: Sequence[T]) -> list[Sequence[T]]:
    """Runs of PART items: a single draw is too little for a task."""
    return [items[start : start + PART] for start in range(0, len(items), PART)]


class Crew:
    """Workers that take tasks one at a time, for who has not all of them at once. Arguments as in `run_tasks`."""

    def __init__(self, client: Client | None = None, *, workers: int = 1) -> None:
        self._client, self._workers = client, workers
        self._executor: Executor | None = None
        self._tasks: dict[Hashable, Task[Any]] = {}
        self._futures: dict[Hashable, Future[bytes]] = {}
        self._polls_without = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Tasks that can be done at the same time."""
        return self._workers if self._client is None else max(1, _n_workers(self._client))

    @property
    def n_busy(self) -> int:
        return len(self._unfinished())

    def __contains__(self, key: object) -> bool:
        return key in self._tasks

    def is_done(self, key: Hashable) -> bool:
        return self._futures[key].done()

    def submit(self, key: Hashable, task: Task[Any]) -> Hashable:
        """Hand out a task; its result is asked for by `key`."""
        self._tasks[key] = task
        try:
            self._send(key)
        except Exception as error:  # another task's worker was killed, and nobody has asked for that one yet
            if not self._is_lost(error):
                raise
            self._again()
        return key

    def wait(self) -> None:
        """Until one of the unfinished tasks ends, or for some seconds."""
        ended, _ = wait(self._unfinished(), timeout=POLL_SECONDS, return_when=FIRST_COMPLETED)
        if ended or self._client is None:
            return
        self._polls_without = 0 if _n_workers(self._client) else self._polls_without + 1
        if self._polls_without > PATIENCE:
            self._again(without_cluster=True)

    def result(self, key: Hashable) -> Any:
        """Result of a task, done where workers still are; the crew forgets it."""
        for _ in range(TRIES):
            while not self.is_done(key):
                self.wait()
            try:
                found = pickle.loads(self._futures[key].result())
            except Exception as error:
                if not self._is_lost(error):
                    raise
                if self._is_cluster_up():  # it has tried several workers itself
                    break
                self._again()
            else:
                self._forget(key)
                return found
        others = set(self._recall()) - {key} if self._client is None else ()
        task = self._forget(key)  # perhaps it was killed for want of memory: alone it needs the least
        with threadpool_limits(limits=1):
            found = task()
        for other in others:
            self._send(other)
        return found

    def close(self) -> None:
        """Leave no process behind, and no task with the cluster."""
        if isinstance(self._executor, _Local):
            self._executor.end()
        elif self._executor is not None and self._is_cluster_up():
            for future in self._unfinished():
                future.cancel()
        self._executor = None

    def _unfinished(self) -> list[Future[bytes]]:
        return [future for future in self._futures.values() if not future.done()]

    def _forget(self, key: Hashable) -> Task[Any]:
        self._futures.pop(key, None)
        return self._tasks.pop(key)

    def _send(self, key: Hashable) -> None:
        if self._executor is None:
            self._executor = _executor(self._client, self._workers)
        self._futures[key] = self._executor.submit(_open, cloudpickle.dumps(self._tasks[key]))

    def _again(self, *, without_cluster: bool = False) -> None:
        """Hand out once more what has no result: to a new pool, and to this machine where the cluster is gone."""
        lost = self._recall()
        if without_cluster or not self._is_cluster_up():
            self._client = None
        for key in lost:
            self._send(key)

    def _recall(self) -> list[Hashable]:
        """Send the workers away; the keys of what has no result now."""
        kept = {
            key: future
            for key, future in self._futures.items()
            if future.done() and not future.cancelled() and not self._is_lost(future.exception())
        }
        self.close()
        self._futures = kept
        return [key for key in self._tasks if key not in kept]

    def _is_lost(self, error: BaseException | None) -> bool:
        """The worker is to blame, or the cluster, and not the task."""
        if error is None:
            return False
        if isinstance(error, BrokenProcessPool | CancelledError):
            return True
        if self._client is None:
            return False
        from distributed import KilledWorker

        return isinstance(error, KilledWorker) or not self._is_cluster_up()

    def _is_cluster_up(self) -> bool:
        return self._client is not None and self._client.status == "running"


def _executor(client: Client | None, workers: int) -> Executor:
    return _Local(workers) if client is None else cast(Executor, client.get_executor(pure=False))


class _Local(ProcessPoolExecutor):  # type: ignore[misc]  # it has no types
    """loky's processes, which end with the one that started them even where that is killed."""

    def __init__(self, workers: int) -> None:
        reader, self._writer = Pipe(duplex=False)  # closed when this process is no more
        super().__init__(workers, env=ONE_THREAD, initializer=_end_with, initargs=(reader,))

    def end(self) -> None:
        """Now, whatever they do. (loky's own kill fails now and then while tasks wait.)"""
        self._writer.close()
        self.shutdown(wait=True)


def _end_with(pipe: Connection) -> None:
    def watch() -> None:
        with suppress(EOFError, OSError):
            pipe.recv_bytes()
        signal.raise_signal(signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _open(sealed: bytes) -> bytes:
    """Do a task. It travels as bytes both ways: a cluster would hand over arrays that nobody may write to."""
    if _is_in_cluster():
        threadpool_limits(limits=1)  # for good: other threads of this process may be in a task
    return cast(bytes, cloudpickle.dumps(pickle.loads(sealed)()))


def _is_in_cluster() -> bool:
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        distributed.get_worker()
    except ValueError:
        return False
    return True


def _n_workers(client: Client) -> int:
    """None where nobody answers any more."""
    try:
        return len(client.nthreads())
    except Exception:
        return 0
