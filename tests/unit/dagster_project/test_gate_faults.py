"""A fault of the seeds of editing ends a run before a load is judged."""

from __future__ import annotations

import dagster as dg
import pytest

from dagster_project.defs.ahead import Ahead
from dagster_project.defs.gate import _judge_all
from dagster_project.paths import Paths
from dagster_project.store import Warehouse

FAULT = "correction.csv: two decisions (drop, keep) for one cell."


def test_a_fault_of_the_seeds_ends_the_run_before_a_load_is_judged(tmp_path):
    paths = Paths(tmp_path / "warehouse", tmp_path / "landing", tmp_path / "landing")
    warehouse = Warehouse(paths.build_file)
    warehouse.prepare()
    with warehouse.connect() as con:
        con.execute("create schema if not exists int")
        con.execute("create table int.int_edit_faults as select ? as sentence", [FAULT])
    with pytest.raises(dg.Failure) as failed:
        list(_judge_all(dg.build_asset_context(), paths, warehouse, [], "", Ahead(paths, warehouse)))  # type: ignore[arg-type]
    assert failed.value.description == FAULT
    assert warehouse.read_value("select count(*) from ops.validation_result") == 0
