"""dbt by a process that has imported it: same output, exit code, environment and folder; nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dagster_project.paths import dbt_executable
from dagster_project.run import dbt as run_dbt
from dagster_project.run.dbt import dbt_command

PROJECT_YML = """name: small
version: 1.0.0
profile: small
models: {small: {+schema: "{{ env_var('SCHEMA') }}"}}
"""
PROFILES = "small:\n  target: a\n  outputs:\n    a: {type: duckdb, path: small.duckdb}\n"
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere dbt is started itself")


@pytest.fixture
def project(tmp_path):
    """A dbt project of one model, whose schema stands in the environment."""
    (tmp_path / "models").mkdir()
    for name, text in {
        "dbt_project.yml": PROJECT_YML,
        "profiles.yml": PROFILES,
        "models/one.sql": "select 1 as n",
    }.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def start(command: Path, folder: Path, *arguments: str, schema: str = "own") -> subprocess.Popen[str]:
    environment = {**os.environ, "SCHEMA": schema, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    return subprocess.Popen(
        [str(command), *arguments],
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def test_two_at_once_have_their_own_folder_environment_and_output(project):
    started = {name: start(dbt_command(), project, "parse", "--target-path", name, schema=name) for name in ("x", "y")}
    for name, process in started.items():
        said, _ = process.communicate(timeout=120)
        assert process.returncode == 0, said
        assert "Running with dbt" in said
        manifest = json.loads((project / name / "manifest.json").read_text())
        assert manifest["nodes"]["model.small.one"]["schema"].endswith(name)


def test_an_error_has_the_words_and_the_exit_code_of_dbt(project):
    found = []
    for command in (dbt_command(), dbt_executable()):
        process = start(command, project, "build", "--no-such-option")
        found.append((process.communicate(timeout=120)[0].strip().splitlines()[-1], process.returncode))
    assert found[0] == found[1]
    assert found[0][1] == 2


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_who_is_stopped_takes_its_dbt_along(project, number):
    (project / "models" / "one.sql").write_text(
        "select count(*) as n from range(1000000000000) as r where random() < 0"
    )
    process = start(dbt_command(), project, "build")
    while not (project / "small.duckdb").exists():  # it is at work
        time.sleep(0.05)
        assert process.poll() is None
    process.send_signal(number)
    process.communicate(timeout=60)
    assert process.returncode != 0
    deadline = time.monotonic() + 30
    while _holders(project / "small.duckdb"):
        assert time.monotonic() < deadline, "dbt works on for nobody"
        time.sleep(0.1)


def _holders(file: Path) -> list[str]:
    """Processes that have the file open."""
    found = []
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if link.resolve() == file:
                found.append(link.parts[2])
        except OSError:
            continue
    return found


def test_the_server_ends_with_its_owner_and_leaves_no_folder():
    program = "from dagster_project.run.dbt import dbt_command; print(dbt_command())"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.strip()
    assert not Path(said).parent.exists()


def test_without_a_server_dbt_itself_is_started(project, tmp_path):
    client = [sys.executable, "-IS", str(Path(run_dbt.__file__).with_name("dbt_client.py"))]
    done = subprocess.run(
        [*client, str(tmp_path / "nobody"), str(dbt_executable()), "parse", "--no-such-option"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "No such option" in done.stdout + done.stderr


def test_a_folder_for_temporary_files_that_does_not_serve_is_done_without(tmp_path):
    """What was put there is gone, or its name is longer than that of a socket may be."""
    (long := tmp_path / ("long" * 25)).mkdir()
    for spoil, folder in (("dbt_command().unlink()", tmp_path), ("", long)):
        program = f"from dagster_project.run.dbt import dbt_command\n{spoil}\nprint(dbt_command())"
        environment = {**os.environ, "TMPDIR": str(folder)}
        done = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
        )
        assert done.stdout.strip() == str(dbt_executable())
    assert not list(long.iterdir())
