"""Fits the model from the data of a replication pack and says which published numbers it met: python run.py

Run it in the folder of the pack. Ends with 1 if a number differs by more than 1e-6 of its size.
"""

import sys
from pathlib import Path

import duckdb
from refit import compared

TABLES = ("mart_model_data", "mart_model_edge", "mart_panel_coef", "mart_panel_fit")


def main(folder: Path) -> int:
    """Exit code."""
    missed = 0
    with duckdb.connect() as con:
        con.execute("create schema mart")
        for table in TABLES:
            con.execute(
                f"create table mart.{table} as from read_parquet('{folder / 'data' / 'parquet' / table}.parquet')"
            )
        for model, both in compared(con):
            both["met"] = both["difference"].abs() <= 1e-6 * both["published"].abs().clip(lower=1)
            print(model, both.to_string(), sep="\n")
            print(f"{model}: {int(both['met'].sum())} of {len(both)} published numbers met")
            missed += int((~both["met"]).sum())
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent))
