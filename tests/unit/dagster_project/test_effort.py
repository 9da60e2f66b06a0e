"""How many processes compute, and how much memory they may take together."""

import pytest

from dagster_project.run.effort import EffortError, current_effort


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
