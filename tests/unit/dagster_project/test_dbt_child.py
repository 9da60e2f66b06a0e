"""dbt does not outlive the refresh that started it."""

import fcntl
import subprocess
import sys
import time

# starts a process as dbt is started, passes its first line on, and waits
PARENT = """
import sys
from pathlib import Path
from dagster_project.paths import Paths
from dagster_project.run import dbt

dbt.dbt_executable = lambda: Path(sys.argv[1])
here = Path(sys.argv[1]).parent
print(dbt.start_dbt(Paths(here, here, here), "build").stdout.readline(), end="", flush=True)
sys.stdin.read()
"""
HOLDER = """
import fcntl, time
file = open(__file__)
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(600)
"""


def test_dbt_lets_go_of_its_files_when_its_parent_is_killed(tmp_path):
    script = tmp_path / "dbt"
    script.write_text(HOLDER, encoding="utf-8")
    command = [sys.executable, "-c", PARENT, str(script)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout.readline() == "held\n"
        assert is_held(script)
        parent.kill()
    end = time.monotonic() + 30
    while is_held(script) and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_held(script)


def is_held(file):
    with file.open() as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
    return False
