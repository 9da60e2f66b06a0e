"""A refresh on a cluster: which ones are taken, and whole analyses with their pieces give the same bits there."""

import io
import platform
import socket
import time

import pandas as pd
import pytest
from influence_worlds import specs, warehouse
from rich.console import Console
from study_tools import as_read, settings

from dagster_project.cli.refresh import refresh
from dagster_project.defs.scheduler import Scheduler, compute
from dagster_project.errors import EXIT_BAD_INPUT
from dagster_project.paths import Paths
from dagster_project.run.cluster import ClusterError, check_cluster, connect
from dagster_project.study import panel
from dagster_project.study.registry import BY_NAME

distributed = pytest.importorskip("distributed", reason="the extra nqpf[dask] is not installed")
SETTINGS = settings(specs(), panel={"effects": 200}, robustness={"placebo": 80})


@pytest.fixture(scope="module")
def address():
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs="CRITICAL"
    ) as cluster:
        yield cluster.scheduler_address


@pytest.fixture(scope="module")
def frames():
    made = warehouse()
    return {**made, **as_read(panel.build(made, SETTINGS))}


@pytest.fixture(scope="module")
def alone(frames):
    return compute("robustness", frames, SETTINGS)


@pytest.mark.parametrize("where", [pytest.param("two processes", marks=pytest.mark.slow), "cluster"])
def test_an_analysis_gives_the_same_bits(frames, alone, address, monkeypatch, where):
    monkeypatch.setenv("NQPF_CLUSTER", address if where == "cluster" else "")
    monkeypatch.setenv("NQPF_WORKERS", "2")
    scheduler = Scheduler(lambda _entry, _shared: frames)
    try:
        scheduler.begin("a run", ["robustness"])
        found = scheduler.result(BY_NAME["robustness"], SETTINGS, lambda _entry: "key")
    finally:
        scheduler.close()
    assert found.keys() == alone.keys()
    for name, table in alone.items():
        pd.testing.assert_frame_equal(found[name], table, check_exact=True, obj=name)


def test_what_has_all_it_reads_is_started_with_the_one_asked_for_unless_it_stays_as_it_is(monkeypatch):
    started = []

    def start(tasks, *_client, **_workers):
        started.append(tasks[0].args[0])
        return iter([{}])

    monkeypatch.setattr("dagster_project.defs.scheduler.start_tasks", start)
    monkeypatch.setenv("NQPF_WORKERS", "2")
    scheduler = Scheduler(lambda _entry, _shared: {})
    scheduler.begin("a run", ["production", "index", "panel", "markov", "space"])
    scheduler.result(BY_NAME["production"], SETTINGS, lambda _entry: "key")
    assert started == ["production"]  # the others read what is made of it
    scheduler.written("production")
    scheduler.written("index")
    scheduler.result(BY_NAME["panel"], SETTINGS, lambda entry: None if entry.name == "markov" else "key")
    scheduler.result(BY_NAME["space"], SETTINGS, lambda _entry: "key")
    assert started == ["production", "panel", "space"]


def test_an_analysis_that_fails_stops_no_other(monkeypatch):
    monkeypatch.setenv("NQPF_WORKERS", "2")
    scheduler = Scheduler(lambda _entry, _shared: {})
    try:
        scheduler.begin("a run", ["panel", "space"])
        for name in ("panel", "space"):  # neither has its frames
            with pytest.raises(KeyError) as error:
                scheduler.result(BY_NAME[name], SETTINGS, lambda _entry: "key")
            assert f"study/{name}.py" in error.value.__notes__[0]
    finally:
        scheduler.close()


def test_a_cluster_like_this_machine_is_taken_and_none_is_asked_where_none_is_named(address, monkeypatch):
    monkeypatch.setenv("NQPF_CLUSTER", address)
    check_cluster()
    monkeypatch.delenv("NQPF_CLUSTER", raising=False)
    check_cluster()


def test_workers_that_would_give_other_numbers_or_have_several_threads_are_refused(address, monkeypatch):
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=2, processes=False, protocol="tcp://", dashboard_address=None
        ) as cluster,
        pytest.raises(ClusterError, match="--nthreads 1"),
    ):
        connect(cluster.scheduler_address)
    monkeypatch.setattr(platform, "python_version", lambda: "3.0.1")
    with pytest.raises(ClusterError, match=r"would give other numbers: its Python is 3\.1\d\.\d+, here 3\.0\.1"):
        connect(address)


@pytest.mark.parametrize("text", ["somewhere", "10.0.0.5:8786", "tcp://10.0.0.5", "tcp://10.0.0.5:port"])
def test_what_is_no_address_is_said(text):
    with pytest.raises(ClusterError, match="is no address of a cluster"):
        connect(text)


def test_addresses_without_an_answer_or_a_scheduler_are_said_within_seconds(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens
        started = time.monotonic()
        with pytest.raises(ClusterError, match="No cluster answers at"):
            connect(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    assert time.monotonic() - started < 10
    monkeypatch.setattr("dagster_project.run.cluster.ANSWER_SECONDS", 0.5)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        started = time.monotonic()
        with pytest.raises(ClusterError, match=r"Nothing at .* answers as a Dask scheduler does"):
            connect(f"tcp://127.0.0.1:{other.getsockname()[1]}")
    assert time.monotonic() - started < 5


def test_a_refresh_looks_for_its_cluster_before_it_reads_anything(tmp_path, monkeypatch):
    monkeypatch.setenv("NQPF_CLUSTER", "")
    console = Console(record=True, width=4000, file=io.StringIO())
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    assert refresh(paths, console, year=None, is_demo=True, cluster="tcp://127.0.0.1:1") == EXIT_BAD_INPUT
    assert "No cluster answers at tcp://127.0.0.1:1" in console.export_text()
    assert not paths.landing.exists()
    assert not paths.build_file.exists()
