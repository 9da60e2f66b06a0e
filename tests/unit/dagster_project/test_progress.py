"""What a run says while it goes, how many processes compute, and services that end with it."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from io import StringIO

import pytest
from rich.console import Console

from dagster_project.cli.runner import RunLog, step_progress, time_left_words
from dagster_project.cli.service import say_when_open
from dagster_project.defs.dbt_project import STEPS
from dagster_project.run.resources import ResourceError, current_resources
from dagster_project.run.status import StepRecord
from dagster_project.run.steps import STEP_WORDS, step_words
from dagster_project.study.registry import REGISTRY

KNOWN = {"ingest/a": 10.0, "ingest/b": 20.0, "rebuild/c": 70.0, "rebuild/gone": 500.0}


def log(*done: str) -> RunLog:
    record = RunLog(KNOWN, {"ingest/a", "ingest/b", "rebuild/c"})
    record.steps += [StepRecord(*key.split("/"), words="", seconds=1.0, passed=True) for key in done]
    return record


def test_time_left_is_what_the_other_steps_took_last_time_and_unknown_where_one_never_ran():
    assert log().seconds_left({}) == 100.0
    assert log("ingest/a").seconds_left({}) == 90.0
    assert log("ingest/a", "ingest/b", "rebuild/c").seconds_left({}) == 0.0
    assert log().seconds_left({"ingest/a": 4.0}) == 96.0
    assert log().seconds_left({"ingest/a": 40.0}) == 90.0  # never less than nothing of one that still runs
    record = log()
    record.expected.add("rebuild/new")
    assert record.seconds_left({}) is None
    assert time_left_words(None) == ""


def printed(*, is_terminal: bool) -> tuple[str, RunLog]:
    record = RunLog({"ingest/read_files": 300.0, "ingest/judge_files": 300.0})
    console = Console(file=StringIO(), force_terminal=is_terminal, width=120)
    with step_progress(console, record) as listener:
        listener.planned({"ingest/read_files", "ingest/judge_files"})
        for step, passed in (("read_files", True), ("judge_files", False)):
            listener.started("ingest", step)
            listener.ended(StepRecord("ingest", step, step, 1.0, passed))
    return console.file.getvalue(), record  # type: ignore[attr-defined]


def test_a_run_is_plain_lines_without_a_terminal_and_with_one_says_about_how_long():
    text, record = printed(is_terminal=False)
    lines = [re.sub(r"[\d.]+ s$", "s", line).split() for line in text.splitlines()]
    outcome = {"read_files": "done", "judge_files": "failed"}
    keys = [step.step for step in record.steps]
    assert sorted(keys) == sorted(outcome)
    assert lines == [[f"[{n}/2]", outcome[key], key, "s"] for n, key in enumerate(keys, start=1)]
    assert "\x1b" not in text
    text, _ = printed(is_terminal=True)
    assert re.search(r"ingest: \w+.*[01]/2.*about \d+ min left", text)


def test_every_method_and_dbt_step_has_words_and_keeps_them_when_it_is_split():
    assert {f"py_{entry.name}" for entry in REGISTRY} | set(STEPS) <= set(STEP_WORDS)
    assert step_words("dbt_marts_2") == step_words("dbt_marts") == "build marts (dbt)"
    assert step_words("a_new_step") == "a_new_step"


@pytest.fixture(autouse=True)
def eight_cores(monkeypatch):
    for name in ("NQPF_WORKERS", "NQPF_MEMORY", "NQPF_CLUSTER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)))


@pytest.mark.parametrize(
    ("said", "workers", "database"),
    [
        ({}, 8, None),
        ({"NQPF_MEMORY": "1GB"}, 1, "0.5GB"),
        ({"NQPF_MEMORY": "3 gb"}, 2, "1.5GB"),
        ({"NQPF_MEMORY": "99GB"}, 8, "49.5GB"),
        ({"NQPF_MEMORY": "3GB", "NQPF_WORKERS": "4"}, 2, "1.5GB"),  # the smaller of the two
    ],
)
def test_one_process_a_core_within_what_is_said_of_processes_and_memory(monkeypatch, said, workers, database):
    for name, text in said.items():
        monkeypatch.setenv(name, text)
    assert (current_resources().workers, current_resources().database_memory) == (workers, database)


@pytest.mark.parametrize(
    ("name", "text"), [("NQPF_WORKERS", "0"), ("NQPF_WORKERS", "many"), ("NQPF_MEMORY", "3"), ("NQPF_MEMORY", "0.5GB")]
)
def test_what_is_no_number_is_refused_in_a_sentence(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(ResourceError, match=f"{name} is '{text}'"):
        current_resources()


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


@pytest.mark.parametrize(("sent", "seconds"), [(signal.SIGTERM, 0.0), (signal.SIGINT, 0.5)])
def test_a_stopped_process_takes_its_service_along(tmp_path, sent, seconds):
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
        starter.send_signal(sent)
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


BACKGROUND = """
import signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell starts what it puts into the background
from dagster_project.cli.service import run_until_told_to_stop
service = "import signal, sys; sys.exit(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
sys.exit(run_until_told_to_stop([sys.executable, "-c", service]))
"""


def test_a_service_in_the_background_of_a_shell_hears_the_signal_that_dagster_ends_its_parts_by():
    assert subprocess.run([sys.executable, "-c", BACKGROUND], check=False).returncode == 0


STOPPED = """
import os, signal, typer
from dagster_project.cli.errors import CommandGroup
signal.signal(signal.SIGINT, signal.SIG_IGN)
app = typer.Typer(cls=CommandGroup)
app.callback()(lambda: None)
app.command("stop")(lambda: os.kill(os.getpid(), signal.SIGTERM))
app(["stop"])
"""


def test_a_command_that_is_ended_before_its_work_began_says_so():
    """Also one that a shell put into the background."""
    ended = subprocess.run([sys.executable, "-c", STOPPED], check=False, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr.strip()) == (1, "Interrupted.")
