"""dbt imported once: this process forks a child for each start of dbt, with the caller's arguments, folder, environment
and output. `run/dbt.py` starts it and `dbt_client.py` asks it; it ends with the process that started it.
"""

import gc
import os
import selectors
import shutil
import signal
import socket
import sys
import threading
import traceback
from pathlib import Path

from dbt.cli.main import cli


def serve(listener: socket.socket) -> int | None:
    """Fork for every caller until standard input ends: it is a pipe that its owner holds. The exit code in a child.

    A caller hears the exit code when the child is gone, and with it its hold on the database.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: dbt stops, this goes on
    gc.freeze()
    asked = selectors.DefaultSelector()
    asked.register(listener, selectors.EVENT_READ)
    asked.register(sys.stdin, selectors.EVENT_READ)
    while True:
        for key, _ in asked.select():
            if key.fileobj is sys.stdin:
                return None
            if key.fileobj is not listener:
                asked.unregister(key.fileobj)
                os.close(key.fd)
                _tell(*key.data)
                continue
            caller, _ = listener.accept()
            child = os.fork()
            if child == 0:
                asked.close()
                listener.close()
                return _answer(caller)
            asked.register(os.pidfd_open(child), selectors.EVENT_READ, (child, caller))


def _tell(child: int, caller: socket.socket) -> None:
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    with caller:
        try:
            caller.sendall(f"{code if code >= 0 else 128 - code}\n".encode())
        except OSError:  # nobody waits for it any more
            return


def _answer(caller: socket.socket) -> int:
    """Be dbt as the caller wants it, and tell the number of the process first."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    size, (out,), _, _ = socket.recv_fds(caller, 8, 1)
    with caller.makefile("rb") as stream:
        folder, count, *rest = stream.read(int.from_bytes(size)).decode().split("\0")
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.chdir(folder)
    os.environ.clear()
    for entry in rest[int(count) :]:
        name, _, value = entry.partition("=")
        os.environ[name] = value
    sys.argv = ["dbt", *rest[: int(count)]]
    caller.sendall(f"{os.getpid()}\n".encode())
    threading.Thread(target=_end_with, args=[caller], daemon=True).start()
    try:
        cli(prog_name="dbt")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _end_with(caller: socket.socket) -> None:
    """A caller that was killed takes its dbt with it."""
    if not caller.recv(1):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    ended = serve(socket.socket(fileno=int(sys.argv[1])))
    if ended is None:
        shutil.rmtree(Path(sys.argv[2]), ignore_errors=True)
    sys.exit(ended)
