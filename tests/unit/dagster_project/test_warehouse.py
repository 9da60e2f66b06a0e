"""Frames in and out of the build file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest

from dagster_project.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    made = Warehouse(tmp_path / "city.duckdb")
    with made.connect() as con:
        con.execute("create schema py")
    made.replace_frames({"py.one": pd.DataFrame({"x": [1, 2]}), "py.two": pd.DataFrame({"y": ["a"]})})
    return made


def test_frames_come_back_under_their_labels(warehouse: Warehouse) -> None:
    found = warehouse.read_frames({"ones": "from py.one order by x desc", "twos": "from py.two"})
    assert list(found) == ["ones", "twos"]
    assert list(found["ones"]["x"]) == [2, 1]
    assert list(found["twos"]["y"]) == ["a"]


def test_a_table_that_cannot_be_written_leaves_all_tables_as_they_were(warehouse: Warehouse) -> None:
    with pytest.raises(duckdb.Error):
        warehouse.replace_frames({"py.one": pd.DataFrame({"x": [3]}), "nowhere.two": pd.DataFrame({"y": ["b"]})})
    assert list(warehouse.read_frame("from py.one")["x"]) == [1, 2]
