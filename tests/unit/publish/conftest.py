"""An empty published file with every table that the dbt project promises, and readers over it."""

import csv
from datetime import datetime

import duckdb
import pytest
from promised_marts import LABELS, create, promised

from dagster_project.publish.exhibits.reader import Reader, Scope


@pytest.fixture
def scope() -> Scope:
    names = {"index": "nqpf", "scheme": "entropy_flat", "model": "nqpf_sdm", "relations": "pr", "w": "queen_row"}
    made = {"release": "2026.1-SYNTHETIC", "data_vintage": "2021A", "method_version": "m1", "is_synthetic": True}
    when = {"built": datetime(2026, 11, 24, 8, 0), "cut_date": "2026-11-01", "boundary_vintage": 2021}
    years = {"window_start": 2012, "window_end": 2021, "first_year": 2012, "last_year": 2021}
    return Scope(**names, basis="frozen_2012_2021", **made, **when, **years, n_loads=3, n_sample=3, unscored={})


@pytest.fixture(scope="session")
def contracts():
    """Every promised table, without a row but for the names."""
    with duckdb.connect() as con:
        con.execute("create schema mart")
        for table in promised():
            con.execute(create(table))
        with LABELS.open(encoding="utf-8", newline="") as file:
            con.executemany("insert into mart.dim_label values (?, ?, ?, ?, ?)", list(csv.reader(file))[1:])
        yield con


@pytest.fixture
def empty(contracts):
    """The same; whatever a test does to it is undone."""
    contracts.begin()
    yield contracts
    contracts.rollback()


@pytest.fixture
def reader(empty, scope):
    """reader(language="en", **changes): over the empty file; cities that were put in before are known to it."""
    return lambda language="en", **changes: Reader(empty, Scope(**{**vars(scope), **changes}), language)
