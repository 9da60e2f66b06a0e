"""Dagster's history with files that stay open: the same content as the stock class, and pages still hear of events."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.storage.event_log import SqliteEventLogStorage

from dagster_project.definitions import prepare_instance
from dagster_project.operations.run_history import MAX_OPEN, RunHistory
from dagster_project.paths import Paths


@dg.asset(check_specs=[dg.AssetCheckSpec("is_here", asset="one")])
def one() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"rows": 3}, check_results=[dg.AssetCheckResult(passed=True)])


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dg.DagsterInstance]:
    paths = Paths(tmp_path, tmp_path, tmp_path)
    prepare_instance(paths)
    monkeypatch.setenv("DAGSTER_HOME", str(paths.dagster_home))
    with dg.DagsterInstance.get() as made:
        yield made


def _types(storage: SqliteEventLogStorage, run_id: str) -> list[str]:
    return [entry.dagster_event.event_type_value for entry in storage.get_logs_for_run(run_id) if entry.dagster_event]


def test_instance_of_a_warehouse_keeps_its_history_here(instance: dg.DagsterInstance) -> None:
    assert isinstance(instance.event_log_storage, RunHistory)


def test_stock_class_reads_the_same_events_while_the_file_is_open(instance: dg.DagsterInstance) -> None:
    run = dg.materialize([one], instance=instance)
    stock = SqliteEventLogStorage(str(Path(instance.root_directory) / "history" / "runs"))
    found = _types(stock, run.run_id)
    assert {"ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION", dg.DagsterEventType.RUN_SUCCESS.value} <= set(found)
    assert found == _types(instance.event_log_storage, run.run_id)
    assert stock.get_latest_materialization_events([dg.AssetKey("one")])[dg.AssetKey("one")].run_id == run.run_id


def test_events_are_on_disk_when_the_instance_is_closed(tmp_path: Path) -> None:
    storage = RunHistory(str(tmp_path))
    with dg.DagsterInstance.ephemeral() as other:
        run = dg.materialize([one], instance=other)
        for entry in other.all_logs(run.run_id):
            storage.store_event(entry)
    storage.dispose()
    assert not list(tmp_path.glob("*-wal"))
    assert _types(SqliteEventLogStorage(str(tmp_path)), run.run_id)[-1] == dg.DagsterEventType.RUN_SUCCESS.value


def test_few_files_are_open_however_many_runs_are_looked_at(tmp_path: Path) -> None:
    storage = RunHistory(str(tmp_path))
    for number in range(2 * MAX_OPEN):
        assert not storage.get_logs_for_run(f"run-{number}")
    assert len(storage._engines) == MAX_OPEN
    storage.dispose()


def test_a_page_that_watches_a_run_hears_of_its_next_event(tmp_path: Path) -> None:
    writer, page = RunHistory(str(tmp_path)), RunHistory(str(tmp_path))
    with dg.DagsterInstance.ephemeral() as other:
        run = dg.materialize([one], instance=other)
        first, second = other.all_logs(run.run_id)[:2]
    writer.store_event(first)
    heard = threading.Event()
    page.watch(run.run_id, None, lambda entry, _: heard.set() if entry == second else None)
    writer.store_event(second)
    assert heard.wait(10)
    for storage in (page, writer):
        storage.dispose()
