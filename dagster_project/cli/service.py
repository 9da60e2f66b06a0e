"""A program that runs beside the terminal until somebody stops it."""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path

from dagster_project.paths import PROJECT

LOOK_SECONDS = 0.2  # between two looks at a service
STOPPING = (signal.SIGINT, signal.SIGTERM)


def say_when_open(port: int, docs: Path) -> None:
    """One line once the page answers: it takes a while, and the log of the daemon says nothing that helps."""
    print(f"Dagster is starting; its page will be http://127.0.0.1:{port}", flush=True)
    while not _answers(port):
        time.sleep(LOOK_SECONDS)
    print(f"Open http://127.0.0.1:{port} (Ctrl-C stops it).", flush=True)
    if docs.exists():
        print(f"Data Docs of the gate: {docs.resolve().as_uri()}", flush=True)


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def run_until_told_to_stop(command: list[str]) -> int:
    """Run a service; who ends this process (a service manager, `kill`) ends it too. Returns its exit code.

    It looks now and then instead of waiting for the end: a signal that comes just before such a wait is not heard
    until the wait is over.
    """
    signals: list[int] = []
    # SIGINT too: in the background of a shell (`nohup nqpf ui &`) it is ignored, also by Dagster, which ends its parts
    # by it; and whoever sends it to this process alone would leave Dagster behind
    before = {number: signal.signal(number, lambda signal_no, _: signals.append(signal_no)) for number in STOPPING}
    try:
        # Dagster's advice to use another command of its own is not for whoever reads this page
        quiet = {"PYTHONWARNINGS": "ignore:Function `dev_command`"}
        with subprocess.Popen(command, cwd=PROJECT, env={**quiet, **os.environ}) as service:
            while service.poll() is None:
                if signals:
                    service.terminate()
                time.sleep(LOOK_SECONDS)
            return service.returncode
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
