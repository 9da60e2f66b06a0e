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

from python_models import tasks as home
from python_models.influence.placebo import placebo_weights
from python_models.simulation import random_knn_weights
from python_models.tasks import Crew, parts, run_tasks


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
    ) as made:
        yield made


@pytest.fixture
def client(cluster):
    from distributed import Client

    with Client(cluster, set_as_default=False) as found:
        yield found


def test_one_process_starts_no_pool_two_give_the_same_bits_and_parts_hold_everything_once(monkeypatch):
    assert (placebo() == placebo(workers=2)).all()
    assert [list(p) for p in parts(range(80))] == [list(range(37)), list(range(37, 74)), list(range(74, 80))]
    monkeypatch.setattr(home, "_executor", lambda *_: pytest.fail("a pool was started"))
    assert run_tasks(partial(pow, k, 2) for k in range(4)) == [0, 1, 4, 9]
    assert run_tasks([], workers=1) == []


def test_a_cluster_gives_the_same_bits_hands_over_what_may_be_changed_and_takes_pieces_of_a_task(client):
    work = [partial(solved, k) for k in range(6)]
    assert all((a == b).all() for a, b in zip(run_tasks(work), run_tasks(work, client), strict=True))
    assert (placebo() == placebo(client=client)).all()
    (found,) = run_tasks([partial(in_place, np.zeros(200_000))], client)
    assert found.sum() == 200_000
    assert found.flags.writeable
    assert run_tasks([partial(nested, k) for k in range(5)], client) == [[1, k, k * k] for k in range(5)]


def test_what_a_task_raises_is_raised(client):
    for where in ({}, {"client": client}):
        refused("the third one", run_tasks, [partial(refuses, k) for k in range(5)], **where)


@pytest.mark.parametrize("where", ["two processes", "a cluster"])
def test_tasks_of_a_killed_worker_are_done_again(where, tmp_path, request):
    place = {"workers": 2} if where == "two processes" else {"client": request.getfixturevalue("client")}
    work = [partial(dies_once, k, tmp_path / "mark", 5) for k in range(10)]
    assert run_tasks(work, **place) == [k * k for k in range(10)]
    assert (tmp_path / "mark").exists()


@pytest.mark.slow
def test_a_task_that_kills_every_process_is_done_here():
    assert run_tasks([partial(dies_elsewhere, k, os.getpid()) for k in range(4)], workers=2) == [0, 1, 2, 3]


def test_a_cluster_that_goes_away_loses_nothing(client):
    with Crew(client, workers=1) as crew:
        for k in range(6):
            crew.submit(k, partial(dies_elsewhere, 10 * k, 0))
        assert crew.result(0) == 0
        client.close()
        crew.submit(6, partial(dies_elsewhere, 60, 0))
        assert [crew.result(k) for k in range(1, 7)] == [10, 20, 30, 40, 50, 60]


def test_a_cluster_without_workers_is_given_up(client, monkeypatch):
    for name, value in (("POLL_SECONDS", 0.1), ("PATIENCE", 2), ("_n_workers", lambda _client: 0)):
        monkeypatch.setattr(home, name, value)
    assert run_tasks([partial(time.sleep, 1)], client) == [None]


ORPHANS = """
import os, time
from functools import partial
from python_models.tasks import Crew

crew = Crew(workers=2)
for k in range(2):
    crew.submit(k, os.getpid)
print(*(crew.result(k) for k in range(2)), flush=True)
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
