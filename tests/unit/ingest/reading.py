"""The reading models of the dbt project in a throw-away DuckDB: raw cells in, values by city and header out."""

import duckdb
import pandas as pd
from dbt_models import DBT, rendered
from text_table import words

from dagster_project.ingest import Load

MODELS = words("""
    staging/stg_landing__cells staging/stg_landing__headers reading/int_units reading/int_rows_matched_to_cities
    reading/int_header_names reading/int_header_words reading/int_header_figures reading/int_headers_mapped
    reading/int_values_converted_to_units
""")
GIVEN = {"header_map", "variable"}  # the caller's own
NUMBERS = set(
    words("data_year factor shift valid_from valid_to default_rank band_low band_high median_low median_high")
)
LANDED = "select distinct source, data_year, vintage, 1 as load_order from header"


def header_rows(source: str, **columns: object) -> pd.DataFrame:
    given = pd.DataFrame(columns).assign(source=source, year_from=None, year_to=None, reason=None)
    return given.astype({"year_from": "Int64", "year_to": "Int64", "reason": "str"})


def variables(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(columns).reindex(columns=pd.read_csv(DBT / "seeds" / "variable.csv").columns)


class Reading:
    """Seeds loaded once; `read` replaces the landed cells and the header map."""

    def __init__(self) -> None:
        self.con = duckdb.connect()
        self.models = {model.rpartition("/")[2]: rendered(model) for model in MODELS}
        for file in (DBT / "seeds").glob("*.csv"):
            if file.stem not in GIVEN:
                frame = pd.read_csv(file, dtype=str)
                numbers = NUMBERS | ({"value"} if file.stem == "gate_parameter" else set())
                for column in numbers & set(frame.columns):
                    frame[column] = pd.to_numeric(frame[column])
                if "has_dictionary" in frame:
                    frame["has_dictionary"] = frame["has_dictionary"] == "true"
                self.con.execute(f"create table {file.stem} as from frame")

    def read(self, load: Load, header_map: pd.DataFrame, variable: pd.DataFrame) -> pd.DataFrame:
        """int_values_converted_to_units for one load, with header_key and the name of the city."""
        cells = load.cells if "place" in load.cells else load.cells.assign(place="")
        variable = variable.astype({"median_low": float, "median_high": float})
        frames = {"cells": cells, "header": load.header, "header_map": header_map, "variable": variable}
        for name, frame in frames.items():
            self.con.register("landed", frame)
            self.con.execute(f"create or replace table {name} as from landed")
            self.con.unregister("landed")
        for name, empty in (("series_cells", "cells"), ("series_header", "header")):
            self.con.execute(f"create or replace table {name} as from {empty} limit 0")
        self.con.execute(f"create or replace table landed as {LANDED}")
        for model, sql in self.models.items():  # as tables: a view would be worked out again by each of its readers
            if model.startswith("int_header_") and self.is_without_dictionary(model, load):
                continue
            self.con.execute(f"create or replace table {model} as {sql}")
        return self.con.execute(
            "select v.*, h.header_key, h.header_unit, n.name_zh as city from int_values_converted_to_units as v"
            " join stg_landing__cells as c using (source_cell_id)"
            " join int_headers_mapped as h on c.file = h.file and c.sheet = h.sheet and c.col_no = h.col_no"
            " join city as n using (city_id)"
        ).df()

    def is_without_dictionary(self, model: str, load: Load) -> bool:
        """Its tables are there and empty, and stay so."""
        sources = load.header["source"].unique().tolist()
        if self.con.execute("select count(*) from source where has_dictionary and source in ?", [sources]).fetchall()[
            0
        ][0]:
            return False
        there = self.con.execute("select count(*) from duckdb_tables() where table_name = ?", [model]).fetchall()[0][0]
        return bool(there) and not self.con.execute(f"select count(*) from {model}").fetchall()[0][0]

    def headers(self) -> pd.DataFrame:
        return self.con.execute("from int_headers_mapped order by file, sheet, col_no").df()

    def rows(self) -> pd.DataFrame:
        return self.con.execute("from int_rows_matched_to_cities order by file, sheet, row_no").df()
