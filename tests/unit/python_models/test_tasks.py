"""Tasks in one process, in two of this machine and on a cluster: the same results, whoever dies."""

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from checks import refused
from task_pieces import dies_elsewhere, dies_once, in_place, nested, refuses, solved

from python_models import tasks as tasks_module
from python_models.influence.placebo import placebo_weights
from python_models.tasks import parts, run_tasks, start_tasks
from tests.random_graph import random_knn_weights


def placebo(**where: object) -> np.ndarray:
    rng = np.random.default_rng(1)
    w = random_knn_weights(40, 4, rng=rng)
    x = rng.normal(size=(40, 5))
    return placebo_weights(x + w @ x + rng.normal(size=(40, 5)), x, w, draws=80, seed=3, **where).draws


@pytest.fixture(scope="module")
def cluster():
    distributed = pytest.importorskip("distributed", reason="the extra nqpf[dask] is not installed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
    ) as two_workers:
        yield two_workers


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as connected:
        yield connected


def test_one_worker_starts_no_process_four_give_the_same_bits_and_parts_hold_everything_once(monkeypatch):
    work = [partial(solved, k) for k in range(6)]
    assert all((a == b).all() for a, b in zip(run_tasks(work), run_tasks(work, workers=4), strict=True))
    assert (placebo() == placebo(workers=2)).all()
    assert [list(p) for p in parts(range(80))] == [list(range(37)), list(range(37, 74)), list(range(74, 80))]
    monkeypatch.setattr(tasks_module, "Parallel", lambda **_: pytest.fail("a pool was started"))
    assert run_tasks(partial(pow, k, 2) for k in range(4)) == [0, 1, 4, 9]
    assert run_tasks([], workers=1) == []


def test_tasks_are_done_while_their_iterator_waits_and_results_may_be_changed(tmp_path):
    results = start_tasks([partial(dies_once, k, tmp_path / "mark", 0) for k in (1, 2)], workers=2)
    assert list(results) == [1, 4]
    begun = start_tasks([partial((tmp_path / "begun").touch)], workers=2)
    until = time.monotonic() + 20
    while not (tmp_path / "begun").exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert (tmp_path / "begun").exists()
    assert list(begun) == [None]
    (changed,) = run_tasks([partial(in_place, np.zeros(200_000))], workers=2)
    changed += 1
    assert changed.sum() == 400_000


def test_a_cluster_gives_the_same_bits_hands_over_what_may_be_changed_and_takes_pieces_of_a_task(client):
    work = [partial(solved, k) for k in range(6)]
    assert all((a == b).all() for a, b in zip(run_tasks(work), run_tasks(work, client), strict=True))
    assert (placebo() == placebo(client=client)).all()
    (changed,) = run_tasks([partial(in_place, np.zeros(200_000))], client)
    changed += 1
    assert changed.sum() == 400_000
    assert run_tasks([partial(nested, k) for k in range(5)], client) == [[1, k, k * k] for k in range(5)]


def test_what_a_task_raises_is_raised(client):
    for where in ({}, {"workers": 2}, {"client": client}):
        refused("the third one", run_tasks, [partial(refuses, k) for k in range(5)], **where)


def test_a_cluster_gives_the_tasks_of_a_killed_worker_to_another(client, tmp_path):
    work = [partial(dies_once, k, tmp_path / "mark", 5) for k in range(10)]
    assert run_tasks(work, client) == [k * k for k in range(10)]
    assert (tmp_path / "mark").exists()


@pytest.mark.parametrize("where", ["two processes", pytest.param("a cluster", marks=pytest.mark.slow)])
def test_a_task_that_kills_its_workers_is_done_here_with_one_message(where, request):
    place = {"workers": 2} if where == "two processes" else {"client": request.getfixturevalue("client")}
    with pytest.warns(UserWarning, match=r"A worker was lost \(\w+\).* \d tasks are done in this process") as messages:
        assert run_tasks([partial(dies_elsewhere, k, os.getpid()) for k in range(4)], **place) == [0, 1, 2, 3]
    assert len(messages) == 1


def test_a_cluster_that_goes_away_loses_nothing(client):
    results = start_tasks([partial(dies_elsewhere, 10 * k, 0) for k in range(6)], client)
    assert next(results) == 0
    client.close()
    with pytest.warns(UserWarning, match="A worker was lost"):
        assert list(results) == [10, 20, 30, 40, 50]


def test_a_cluster_without_workers_is_given_up(client, monkeypatch):
    monkeypatch.setattr(tasks_module, "PATIENCE_SECONDS", 0.2)
    monkeypatch.setattr(client, "nthreads", dict)
    with pytest.warns(UserWarning, match="A worker was lost"):
        assert run_tasks([partial(time.sleep, 1)], client) == [None]


ORPHANS = """
import os, time
from functools import partial
from python_models.tasks import start_tasks

results = start_tasks([os.getpid, partial(time.sleep, 0.5), os.getpid, partial(time.sleep, 60)], workers=2)
print(next(results), next(results) or next(results), flush=True)
time.sleep(60)
"""


@pytest.mark.slow
def test_workers_end_when_their_parent_is_killed():
    with subprocess.Popen([sys.executable, "-c", ORPHANS], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        workers = {int(word) for word in parent.stdout.readline().split()}
        parent.kill()
    assert workers
    until = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < until:
        time.sleep(0.2)
    assert not [pid for pid in workers if Path(f"/proc/{pid}").exists()]
