"""A service that `nqpf` starts ends with it."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from dagster_project.cli.service import say_when_open

STARTS = """
import sys
from dagster_project.cli.service import run_until_told_to_stop
service = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(600)"
sys.exit(run_until_told_to_stop([sys.executable, "-c", service, sys.argv[1]]) != 0)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_a_stopped_process_takes_its_service_along(tmp_path, seconds):
    """Also where it is stopped in the moment in which the service begins."""
    noted = tmp_path / "pid"
    starter = subprocess.Popen([sys.executable, "-c", STARTS, str(noted)])
    try:
        deadline = time.monotonic() + 120
        while not (noted.exists() and noted.read_text()) and time.monotonic() < deadline:
            time.sleep(0.01)
        service = int(noted.read_text())
        assert is_alive(service)
        time.sleep(seconds)
        starter.send_signal(signal.SIGTERM)
        assert starter.wait(timeout=60) == 1
        assert not is_alive(service)
    finally:
        starter.kill()
        starter.wait()


def test_the_page_is_named_once_it_answers(tmp_path, capsys):
    index = tmp_path / "index.html"
    index.touch()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        say_when_open(port, index)
    starting, opened, docs = capsys.readouterr().out.splitlines()
    assert f"http://127.0.0.1:{port}" in starting
    assert opened.startswith(f"Open http://127.0.0.1:{port} ")
    assert docs.endswith(index.as_uri())
