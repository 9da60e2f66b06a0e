"""An empty published file with every table that the dbt project promises."""

from collections.abc import Iterator
from datetime import datetime

import duckdb
import pytest
from promised_marts import promised

from dagster_project.publish.export.scope import Scope


@pytest.fixture
def scope() -> Scope:
    return Scope(
        "nqpf",
        "frozen_2012_2021",
        "entropy_flat",
        "nqpf_sdm",
        "2026.1-SYNTHETIC",
        "2021A",
        "m1",
        True,
        datetime(2026, 11, 24, 8, 0),
    )


@pytest.fixture
def empty() -> Iterator[duckdb.DuckDBPyConnection]:
    """Every promised table, without a row."""
    with duckdb.connect() as con:
        con.execute("create schema mart")
        for table, columns in promised().items():
            con.execute(
                f"create table mart.{table} ({', '.join(f'"{name}" {kind}' for name, kind in columns.items())})"
            )
        yield con
