"""Dagster's history while it is kept without waiting for the disk: nothing is missing, and nothing is left behind."""

import sqlite3

import dagster as dg
import pytest

from dagster_project.defs.history import quick_history


@dg.asset
def one() -> int:
    return 1


@pytest.fixture
def instance(tmp_path, monkeypatch):
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    with dg.DagsterInstance.get() as found:
        yield found


def test_every_event_is_there_and_survives_the_end(instance, tmp_path):
    with quick_history():
        quick = dg.materialize([one], instance=instance)
    slow = dg.materialize([one], instance=instance)
    kinds = [
        sorted(
            record.event_log_entry.dagster_event_type or ""
            for record in instance.get_records_for_run(run.run_id).records
        )
        for run in (quick, slow)
    ]
    assert kinds[0] == kinds[1]
    files = list((tmp_path / "history" / "runs").glob("*.db-wal"))
    assert not [file for file in files if file.stat().st_size]  # the log went into the file when the last one closed


def test_connections_are_as_before_afterwards(instance, tmp_path):
    with quick_history():
        run = dg.materialize([one], instance=instance)
    with instance.event_log_storage.run_connection(run.run_id) as con:
        assert con.exec_driver_sql("pragma synchronous").scalar() == 2
    with quick_history(), instance.event_log_storage.run_connection(run.run_id) as con:
        assert con.exec_driver_sql("pragma synchronous").scalar() == 1
    file = tmp_path / "history" / "runs" / f"{run.run_id}.db"
    with sqlite3.connect(file) as con:
        assert con.execute("pragma integrity_check").fetchone() == ("ok",)
    con.close()
