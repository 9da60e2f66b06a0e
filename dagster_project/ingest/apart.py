"""A landing file is read in a process of its own, with a limit on memory and on time.

The guards look at a file before it is parsed, but a parser may still be led to allocate without end, to loop or to
break off: only a process of its own can then be stopped without a trace. It is started once and serves one file after
the other; after a large file, a fault or a limit the next file gets a fresh one. Memory is limited where the system
does so (Linux: RLIMIT_AS); time everywhere.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import pickle
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any

from dagster_project.errors import IngestError
from dagster_project.ingest.limits import MEMORY, SECONDS, Limits

_GRACE = 3  # seconds between the alarm inside the process and its end from outside
_START_SECONDS = 120
_PROJECT = Path(__file__).resolve().parents[2]
_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"}
_CHECK = "Check where the file comes from"
type Answer = tuple[str, Any, bool]  # kind, what it says, whether the process is to be replaced
_lock = threading.Lock()
_reader: list[_Reader] = []


def apart[T](function: Callable[..., T], *arguments: object, where: str, limits: Limits) -> T:
    """function(*arguments) in the reading process; function is a module's own, arguments and result are plain data.

    IngestError: what the function raised; more memory or time than the limits; the process broke off.
    """
    with _lock:
        reader = _ready_reader(limits.memory_mb, function)
        try:
            kind, answer, is_spent = reader.ask(function, arguments, limits.seconds)
        except BaseException:  # an answer that comes later would be taken for that of the next file
            reader.close()
            raise
        if is_spent:
            reader.close()
    if kind == "value":
        return answer  # type: ignore[no-any-return]
    if kind == "refused":
        raise IngestError(*answer)
    raise _limit_error(kind, answer, where, limits)


def _limit_error(kind: str, message: str, where: str, limits: Limits) -> IngestError:
    if kind == "large":
        advice = f"{_CHECK}; a legitimate file can be landed in parts, or {MEMORY} raised"
        return IngestError(f"Reading the file takes more than {limits.memory_mb:,} MB of memory", where, advice)
    if kind == "slow":
        advice = f"{_CHECK}; a legitimate file can be landed in parts, or {SECONDS} raised"
        return IngestError(f"Reading the file takes more than {limits.seconds:,} seconds", where, advice)
    advice = "Open and save it in its own program, or fetch it again"
    if kind == "broken":
        advice += f"; a very large file may need a higher {MEMORY}"
    return IngestError(f"The file is damaged: the reader failed ({message})", where, advice)


class _Reader:
    """The reading process and the pipe to it."""

    def __init__(self, memory_mb: int, first: Callable[..., object]) -> None:
        self.memory_mb, self.owner = memory_mb, os.getpid()
        self.pipe, theirs = Pipe()
        code = f"from {__name__} import serve; serve({theirs.fileno()}, {memory_mb})"
        path = os.pathsep.join([str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH", "")])])
        try:
            self.process = subprocess.Popen(
                [sys.executable, "-c", code],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ONE_THREAD, "PYTHONPATH": path},
            )
        except OSError as error:
            raise IngestError(f"The reading process does not start ({error})", sys.executable, "Free memory") from None
        finally:
            theirs.close()
        with contextlib.suppress(OSError):
            self.pipe.send(first)  # a function travels by name: receiving it imports what it needs
        if self._receive(_START_SECONDS)[0] != "ready":
            self.close()
            raise IngestError("The reading process does not start", sys.executable, f"Is {MEMORY} too low?")

    def ask(self, function: Callable[..., object], arguments: tuple[object, ...], seconds: int) -> Answer:
        try:
            self.pipe.send((function, arguments, seconds))
        except OSError:
            return "broken", "it had ended", True
        return self._receive(seconds + _GRACE)

    def _receive(self, seconds: float) -> Answer:
        try:
            if not self.pipe.poll(seconds):
                return "slow", "", True
            return pickle.loads(self.pipe.recv_bytes())  # type: ignore[no-any-return]
        except (EOFError, OSError):
            code = self.process.wait()
            if code == -signal.SIGALRM:
                return "slow", "", True
            return "broken", signal.Signals(-code).name if code < 0 else f"exit code {code}", True

    def close(self) -> None:
        self.pipe.close()
        if self.owner == os.getpid():
            with contextlib.suppress(OSError):
                self.process.kill()
            self.process.wait()


def _ready_reader(memory_mb: int, first: Callable[..., object]) -> _Reader:
    """The running process, or a fresh one when there is none for this limit (or it is that of a parent process)."""
    if _reader:
        reader = _reader[0]
        if reader.owner == os.getpid() and reader.memory_mb == memory_mb and not reader.pipe.closed:
            return reader
        reader.close()
        _reader.clear()
    _reader.append(_Reader(memory_mb, first))
    return _reader[0]


def reading_process() -> int | None:
    """Id of the process that reads now, for those who watch it."""
    return _reader[0].process.pid if _reader and not _reader[0].pipe.closed else None


@atexit.register
def _close() -> None:
    if _reader and not _reader[0].pipe.closed:
        _reader[0].close()


# ---- inside the reading process ------------------------------------------------------------------------------------


def serve(descriptor: int, memory_mb: int) -> None:
    """Answer until the other side is gone. Ends by SIGALRM when one file takes too long."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the program, whose pipe then ends this process
    pipe = Connection(descriptor)
    pipe.recv()  # before the limit: what the program itself takes up does not count
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a parser that breaks off leaves no image of the memory
    _limit_memory(memory_mb)
    pipe.send(("ready", "", False))
    with contextlib.suppress(EOFError, OSError):
        while True:
            function, arguments, seconds = pipe.recv()
            signal.alarm(seconds + 1)
            answer = _answer(function, arguments, memory_mb)
            signal.alarm(0)
            pipe.send_bytes(answer)


def _answer(function: Callable[..., object], arguments: tuple[object, ...], memory_mb: int) -> bytes:
    try:
        value = function(*arguments)
        return pickle.dumps(("value", value, _has_grown(memory_mb)), protocol=5)
    except IngestError as error:
        return pickle.dumps(("refused", (error.what, error.where, error.remedy), _has_grown(memory_mb)))
    except MemoryError:
        return pickle.dumps(("large", "", True))
    except BaseException as error:  # a panic of a parser in another language is no Exception
        return pickle.dumps(("fault", f"{type(error).__name__}: {' '.join(str(error).split())[:200]}", True))


def _limit_memory(memory_mb: int) -> None:
    """Address space as it is now, plus what the limit leaves above the memory in use now."""
    try:
        size, resident = (int(pages) * os.sysconf("SC_PAGE_SIZE") for pages in _statm())
        most = size + max((memory_mb << 20) - resident, 0)
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    except (OSError, ValueError):  # not Linux: the guards alone bound the memory
        return


def _statm() -> list[str]:
    return Path("/proc/self/statm").read_text(encoding="ascii").split()[:2]


def _has_grown(memory_mb: int) -> bool:
    """A large file leaves holes in the memory: the next one gets a fresh process."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        peak_mb = int(status.partition("VmHWM:")[2].split()[0]) >> 10
    except (OSError, IndexError):
        return False
    return peak_mb > memory_mb // 3
