"""The build file while another process has it open."""

import threading

import pytest
from house import held_open

from dagster_project import store
from dagster_project.store import Warehouse, WarehouseBusy


def test_a_file_that_is_open_for_a_moment_is_waited_for_and_one_that_stays_open_is_busy(tmp_path, monkeypatch):
    warehouse = Warehouse(tmp_path / "build.duckdb")
    warehouse.prepare()
    opened = threading.Event()

    def write():
        with warehouse.connect() as con:
            con.execute("create table t as select 1 as n")
        opened.set()

    writer = threading.Thread(target=write)
    with held_open(warehouse.file, "reading"):  # as the landing sensor reads verdicts
        writer.start()
        assert not opened.wait(timeout=1)
    writer.join()
    assert opened.is_set()
    monkeypatch.setattr(store, "WAIT_SECONDS", 0.2)
    with held_open(warehouse.file, "reading"), pytest.raises(WarehouseBusy, match="in use by another process"):
        write()
