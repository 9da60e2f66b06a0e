"""What the dbt project promises about its tables, and rows for them."""

from functools import cache
from pathlib import Path

import duckdb
import yaml

MARTS = Path(__file__).resolve().parents[3] / "dbt" / "models" / "marts"
LABELS = MARTS.parents[1] / "seeds" / "label.csv"


@cache
def promised() -> dict[str, dict[str, str]]:
    """Table -> column -> type, as the contracts of the dbt project say."""
    models = [m for file in MARTS.rglob("_*.yml") for m in yaml.safe_load(file.read_text("utf-8"))["models"]]
    return {m["name"]: {c["name"]: c["data_type"] for c in m["columns"]} for m in models}


# the index that the scope of the tests asks for


def create(table: str) -> str:
    """SQL of mart.`table` without a row."""
    columns = ", ".join(f'"{name}" {kind}' for name, kind in promised()[table].items())
    return f"create table mart.{table} ({columns})"


OWN = {"index_code": "nqpf", "basis": "frozen_2012_2021", "weight_scheme": "entropy_flat"}


def insert(con: duckdb.DuckDBPyConnection, table: str, **values: object) -> None:
    """One row of mart.`table`, of the index in question unless it says otherwise."""
    values = {name: value for name, value in OWN.items() if name in promised()[table]} | values
    names = ", ".join(f'"{name}"' for name in values)
    con.execute(f"insert into mart.{table} ({names}) values ({', '.join('?' * len(values))})", list(values.values()))
