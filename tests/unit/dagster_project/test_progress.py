"""What a run says while it goes, and how many processes compute."""

import re
from io import StringIO

import pytest
from rich.console import Console

from dagster_project.cli.runner import RunLog, shown, time_left_words
from dagster_project.defs.dbt_project import STEPS
from dagster_project.run.effort import EffortError, current_effort
from dagster_project.run.status import StepRecord
from dagster_project.run.steps import STEP_WORDS, step_words
from dagster_project.study.registry import REGISTRY

KNOWN = {"ingest/a": 10.0, "ingest/b": 20.0, "rebuild/c": 70.0, "rebuild/gone": 500.0}


def log(*done: str) -> RunLog:
    record = RunLog(KNOWN, {"ingest/a", "ingest/b", "rebuild/c"})
    record.steps += [StepRecord(*key.split("/"), words="", seconds=1.0, passed=True) for key in done]
    return record


def test_time_left_is_what_the_other_steps_took_last_time():
    assert log().seconds_left({}) == 100.0
    assert log("ingest/a").seconds_left({}) == 90.0
    assert log("ingest/a", "ingest/b", "rebuild/c").seconds_left({}) == 0.0


def test_a_running_step_counts_what_is_left_of_it_and_never_less_than_nothing():
    assert log().seconds_left({"ingest/a": 4.0}) == 96.0
    assert log().seconds_left({"ingest/a": 40.0}) == 90.0


def test_a_step_that_never_ran_leaves_no_estimate():
    record = log()
    record.expected.add("rebuild/new")
    assert record.seconds_left({}) is None
    assert time_left_words(None) == ""


def printed(*, is_terminal: bool) -> tuple[str, RunLog]:
    record = RunLog({"ingest/read_files": 300.0, "ingest/judge_files": 300.0})
    console = Console(file=StringIO(), force_terminal=is_terminal, width=120)
    with shown(console, record) as listener:
        listener.planned({"ingest/read_files", "ingest/judge_files"})
        for step, passed in (("read_files", True), ("judge_files", False)):
            listener.started("ingest", step)
            listener.ended(StepRecord("ingest", step, step, 1.0, passed))
    return console.file.getvalue(), record  # type: ignore[attr-defined]


def test_without_a_terminal_a_run_is_plain_lines_one_a_step():
    text, record = printed(is_terminal=False)
    lines = [re.sub(r"[\d.]+ s$", "s", line).split() for line in text.splitlines()]
    outcome = {"read_files": "done", "judge_files": "failed"}
    keys = [step.step for step in record.steps]
    assert sorted(keys) == sorted(outcome)
    assert lines == [[f"[{n}/2]", outcome[key], key, "s"] for n, key in enumerate(keys, start=1)]
    assert "\x1b" not in text


def test_a_terminal_also_sees_how_many_steps_and_about_how_long():
    text, _ = printed(is_terminal=True)
    assert re.search(r"ingest: \w+.*[01]/2.*about \d+ min left", text)


def test_every_method_has_words():
    assert {f"py_{entry.name}" for entry in REGISTRY} <= set(STEP_WORDS)


def test_every_dbt_step_has_words():
    assert set(STEPS) <= set(STEP_WORDS)


def test_a_step_that_was_split_keeps_its_words():
    assert step_words("dbt_marts_2") == step_words("dbt_marts") == "build marts (dbt)"
    assert step_words("a_new_step") == "a_new_step"


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.delenv("NQPF_WORKERS", raising=False)
    monkeypatch.delenv("NQPF_MEMORY", raising=False)
    monkeypatch.delenv("NQPF_CLUSTER", raising=False)
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(8)))


def test_one_process_a_core_where_nothing_is_said():
    assert (current_effort().workers, current_effort().database_memory) == (8, None)


@pytest.mark.parametrize(
    ("memory", "workers", "database"), [("1GB", 1, "0.5GB"), ("3 gb", 2, "1.5GB"), ("99GB", 8, "49.5GB")]
)
def test_memory_bounds_the_number_of_processes(monkeypatch, memory, workers, database):
    monkeypatch.setenv("NQPF_MEMORY", memory)
    assert (current_effort().workers, current_effort().database_memory) == (workers, database)


def test_the_smaller_of_the_two_decides(monkeypatch):
    monkeypatch.setenv("NQPF_WORKERS", "4")
    monkeypatch.setenv("NQPF_MEMORY", "3GB")
    assert current_effort().workers == 2


@pytest.mark.parametrize(
    ("name", "text"), [("NQPF_WORKERS", "0"), ("NQPF_WORKERS", "many"), ("NQPF_MEMORY", "3"), ("NQPF_MEMORY", "0.5GB")]
)
def test_what_is_no_number_is_refused_in_a_sentence(monkeypatch, name, text):
    monkeypatch.setenv(name, text)
    with pytest.raises(EffortError, match=f"{name} is '{text}'"):
        current_effort()
