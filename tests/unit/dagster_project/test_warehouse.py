"""Frames in and out of the build file, also while another process has it open."""

import threading

import duckdb
import pandas as pd
import pytest
from house import held_open

from dagster_project import store
from dagster_project.store import Warehouse, WarehouseBusy

ONE = {"py.one": {"x": "integer", "y": "varchar"}}
BOTH = {**ONE, "py.two": {"y": "varchar"}}


@pytest.fixture
def warehouse(tmp_path):
    made = Warehouse(tmp_path / "city.duckdb")
    with made.connect() as con:
        con.execute("create schema py")
    made.replace_in_parts([{"py.one": pd.DataFrame({"x": [1, 2]}), "py.two": pd.DataFrame({"y": ["a"]})}], BOTH)
    return made


def test_frames_come_back_under_their_labels_and_rows_replace_those_that_they_are_for(warehouse):
    found = warehouse.read_frames({"ones": "from py.one order by x desc", "twos": "from py.two"})
    assert list(found) == ["ones", "twos"]
    assert list(found["ones"]["x"]) == [2, 1]
    assert list(found["twos"]["y"]) == ["a"]
    for _ in range(2):  # a rerun adds nothing
        warehouse.replace_rows("py.one", pd.DataFrame({"x": [2]}), x=2)
    assert sorted(warehouse.read_frame("from py.one")["x"]) == [1, 2]


def no_second_part():
    yield {"py.one": pd.DataFrame({"x": [3]})}
    raise ValueError("no second part")


@pytest.mark.parametrize(
    ("parts", "types", "error"),
    [
        ([{"py.one": pd.DataFrame({"x": [3]})}], {**ONE, "nowhere.two": {"y": "varchar"}}, "nowhere"),
        ([{"py.one": pd.DataFrame({"x": ["three"]})}], ONE, "three"),  # the contract has no room for it
        (no_second_part(), ONE, "no second part"),
    ],
)
def test_what_cannot_be_written_leaves_all_tables_as_they_were(warehouse, parts, types, error):
    with pytest.raises((duckdb.Error, ValueError), match=error):
        warehouse.replace_in_parts(parts, types)
    assert list(warehouse.read_frame("from py.one")["x"]) == [1, 2]


def test_parts_of_a_table_are_put_one_below_the_other_and_counted(warehouse):
    parts = [{"py.one": pd.DataFrame({"x": [i], "y": [text]})} for i, text in enumerate(["a", "b", "c"])]
    assert warehouse.replace_in_parts(iter(parts), ONE) == {"py.one": 3}
    assert list(warehouse.read_frame("from py.one")["y"]) == ["a", "b", "c"]


def test_the_contract_decides_columns_and_types_also_of_a_table_without_rows(warehouse):
    one = pd.DataFrame({"more": [1.0], "x": [2.0]})
    frames = [{"py.one": one, "py.two": pd.DataFrame()}, {"py.one": pd.DataFrame()}]
    assert warehouse.replace_in_parts(frames, BOTH) == {"py.one": 1, "py.two": 0}
    with warehouse.connect(read_only=True) as con:
        described = {table: con.execute(f"describe {table}").fetchall() for table in BOTH}
    assert [(name, kind) for name, kind, *_ in described["py.one"]] == [("x", "INTEGER"), ("y", "VARCHAR")]
    assert [(name, kind) for name, kind, *_ in described["py.two"]] == [("y", "VARCHAR")]
    assert warehouse.read_frame("from py.one")["x"].tolist() == [2]


LONG = """
    select case when n % 7 = 0 then null else 'text ' || n % 5 end as label, n, n / 2.0 as half,
        case when n < 200000 then n end as late_hole, n % 2 = 0 as is_even, [n, 1] as pair, date '2020-01-01' as day
    from range({rows}) as t (n)
"""


@pytest.mark.parametrize("rows", [0, 1, 250_000])
def test_a_frame_is_that_of_duckdb_however_long(warehouse, rows):
    sql = LONG.format(rows=rows)
    with warehouse.connect(read_only=True) as con:
        expected = con.execute(sql).df()
    pd.testing.assert_frame_equal(warehouse.read_frame(sql), expected, check_exact=True)


def test_a_text_that_occurs_often_is_held_once(warehouse):
    texts = warehouse.read_frame(LONG.format(rows=250_000))["label"]
    assert len({id(text) for text in texts.dropna()}) == texts.nunique() == 5


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
