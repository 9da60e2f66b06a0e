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
from pathlib import Path

from dbt.cli.main import cli


def serve(listener: socket.socket) -> None:
    """Fork for every caller until standard input ends: it is a pipe that its owner holds."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to all: dbt stops, this goes on
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no child is waited for
    gc.freeze()
    with selectors.DefaultSelector() as asked:
        asked.register(listener, selectors.EVENT_READ)
        asked.register(sys.stdin, selectors.EVENT_READ)
        while not any(key.fileobj is sys.stdin for key, _ in asked.select()):
            caller, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                _answer(caller)
            caller.close()


def _answer(caller: socket.socket) -> None:
    """Be dbt as the caller wants it; tell the number of the process first and the exit code last."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
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
        cli(prog_name="dbt")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        caller.sendall(f"{code}\n".encode())
        os._exit(code)


def _end_with(caller: socket.socket) -> None:
    """A caller that was killed takes its dbt with it."""
    if not caller.recv(1):
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    try:
        serve(socket.socket(fileno=int(sys.argv[1])))
    finally:
        shutil.rmtree(Path(sys.argv[2]), ignore_errors=True)
