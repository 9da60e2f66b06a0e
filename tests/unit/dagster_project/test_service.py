"""A service that `nqpf` starts ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STARTS = """
import sys
from dagster_project.cli.operations import run_until_told_to_stop
service = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
sys.exit(run_until_told_to_stop([sys.executable, "-c", service, sys.argv[1]]) != 0)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_stopped_process_takes_its_service_along(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    with subprocess.Popen([sys.executable, "-c", STARTS, str(noted)]) as starter:
        deadline = time.monotonic() + 120
        while not (noted.exists() and noted.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        service = int(noted.read_text())
        assert is_alive(service)
        starter.send_signal(signal.SIGTERM)
        assert starter.wait(timeout=60) == 1
    assert not is_alive(service)
