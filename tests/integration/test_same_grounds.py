"""A load is judged again where what its verdict rests on has changed, and not where a seed says nothing of it."""

import dataclasses

import pytest

from dagster_project.defs import gate
from dagster_project.defs.state import Record, record_of, step_of_load
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.store import Warehouse


@pytest.fixture
def sidecar(house):
    return next(s for s in landed_sidecars(house.paths) if s.source == "yearbook" and s.data_year == 2013)


def judge(house, sidecar, key="a seed was changed"):
    """As in a refresh after a change that moves the key of the gate."""
    warehouse = Warehouse(house.paths.build_file)
    with warehouse.held():
        return gate._judge("run", house.paths, warehouse, sidecar, key, gate.judged_on(house.paths, warehouse))


def record(house, sidecar):
    return record_of(Warehouse(house.paths.build_file), step_of_load("judge", sidecar))


def row_of(house, sidecar):
    sql = "from raw.load where source = ? and data_year = ? and vintage = ?"
    found = Warehouse(house.paths.build_file).read_frame(sql, [sidecar.source, sidecar.data_year, sidecar.vintage])
    assert len(found) == 1
    return dict(found.iloc[0])


def test_the_same_grounds_keep_the_verdict_under_the_new_gate(house, sidecar):
    before, earlier = row_of(house, sidecar), record(house, sidecar)
    verdict = judge(house, sidecar)
    assert (verdict.accepted, verdict.was_judged, verdict.n_values) == (True, False, before["n_cells"])
    assert row_of(house, sidecar) == before
    assert record(house, sidecar) == Record(f"a seed was changed-{sidecar.content_hash}", earlier.content)
    assert record(house, sidecar) != earlier


def test_the_grounds_come_in_one_order_whatever_the_database_gives_first(house, sidecar):
    warehouse = Warehouse(house.paths.build_file)
    with warehouse.connect() as con:  # the rows of both tables the other way round
        for table, column in (("gate.gate_weight", "variable_code"), ("ops.validation_result", "rule_id")):
            con.execute(f"create temp table turned as from {table} order by {column} desc")
            con.execute(f"delete from {table}")
            con.execute(f"insert into {table} from turned")
            con.execute("drop table turned")
    baseline = gate.baseline_of(warehouse, sidecar)
    assert list(baseline.weights) == sorted(baseline.weights)
    assert list(baseline.usual) == sorted(baseline.usual)
    assert len(baseline.weights) > 1
    assert len(baseline.usual) > 1


@pytest.mark.parametrize(
    "change",
    [
        "update reading.int_values_corrected set value = value * 2 where source = 'yearbook' and data_year = 2013"
        " and variable_code = 'gdp_nom'",
        "update reading.int_values_corrected set value = value * 2 where source = 'yearbook' and data_year = 2012"
        " and variable_code = 'gdp_nom'",
        "update gate.gate_header set header_path = header_path || '?' where source = 'yearbook' and data_year = 2013",
        "update seed.row_count set min_coverage = min_coverage / 2 where source = 'yearbook'",
        "update gate.gate_observation set observed = observed + 1 where source = 'yearbook' and data_year = 2013",
    ],
)
def test_whatever_the_verdict_rests_on_asks_for_another(house, sidecar, change):
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute(change)
    assert judge(house, sidecar).was_judged


def test_other_rules_ask_for_another_verdict(house, sidecar, monkeypatch):
    monkeypatch.setattr(gate, "rules_hash", lambda _paths: "other rules")
    assert judge(house, sidecar).was_judged


def test_a_verdict_of_a_person_is_not_kept_without_the_person(house, sidecar):
    accepted = dataclasses.replace(sidecar, accepted_by="the engineer", accepted_reason="it was looked at")
    assert judge(house, accepted, "first").was_judged
    assert not judge(house, accepted, "second").was_judged
    assert judge(house, sidecar, "third").was_judged


def test_a_refused_load_is_judged_again(house, sidecar):
    with Warehouse(house.paths.build_file).connect() as con:
        con.execute("update raw.load set is_accepted = false where data_year = 2013")
    assert judge(house, sidecar).was_judged
