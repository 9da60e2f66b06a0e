"""A random printed table, written as a workbook and read back: every figure, header, unit and city is the same."""

import tempfile
from pathlib import Path

import pandas as pd
import pytest
from dbt_models import DBT
from hypothesis import HealthCheck, given, settings
from landing_files import write_sidecar_of
from printed import UNITS, Block, Book, Head, books, write_tables, write_wide
from reading import Reading, header_rows, variables

from dagster_project.ingest import read_load, read_sidecar
from dagster_project.ingest.sidecar import Sidecar

UNIT_SEED = pd.read_csv(DBT / "seeds" / "unit.csv").set_index("symbol")


PRINTED = {"deadline": None, "suppress_health_check": list(HealthCheck)}


@settings(max_examples=8, **PRINTED)
@given(drawn=books())
def test_a_printed_table_is_read_back_equal(reading, drawn):
    check(reading, *drawn)


@pytest.mark.slow
@settings(max_examples=1500, **PRINTED)
@given(drawn=books())
def test_many_printed_tables_are_read_back_equal(reading, drawn):
    check(reading, *drawn)


def check(reading: Reading, book: Book, meaning: dict[object, float | None]) -> None:
    """Both layouts give the same figures as the table, in canonical units."""
    for layout in ("wide", "tables"):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            files = write_tables(book, folder) if layout == "tables" else [write_wide(book, folder / "wide.xlsx")]
            load = read_load(sidecar(folder, files, layout), folder)
        columns = dict(column for block in book.blocks for column in block.columns())
        found = reading.read(load, *seeds_for(columns))
        headers = reading.headers()
        assert headers["header_key"].tolist() == list(columns), layout
        assert headers["is_known"].all()
        assert headers["header_unit"].fillna("").tolist() == list(columns.values()), layout
        assert set(reading.rows()["row_kind"]) == {"city", "province"}
        filled = found.dropna(subset="value").set_index(["city", "header_key"])["value"]
        assert filled.index.is_unique
        assert filled.to_dict() == {
            (city, key): figure * UNIT_SEED.loc[columns[key] or "人", "factor"]
            for (city, key), figure in book.figures(meaning).items()
        }
        unread = found[~found["is_number"]]
        assert set(unread["text"]) <= {p for p, m in meaning.items() if isinstance(p, str) and m is None}


def seeds_for(columns: dict[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A header map and variables that know exactly these columns; one without a printed unit counts persons."""
    units = [unit or "人" for unit in columns.values()]
    codes = [f"variable_{number}" for number in range(len(columns))]
    header_map = header_rows("yearbook", header_key=list(columns), variable_code=codes, unit=units)
    canonical = UNIT_SEED.loc[units, "canonical"].tolist()
    header_map = header_map.assign(scope=[scope_of(key) for key in columns])
    return header_map, variables(variable_code=codes, unit=canonical, kind="stock")


def scope_of(key: str) -> str:
    """The last header row decides, else the title."""
    leaf = key.rpartition("/")[2]
    if leaf in ("全市", "市辖区"):
        return "district" if leaf == "市辖区" else "city"
    return "district" if "(市辖区)" in key else "city"


def sidecar(folder: Path, files: list[str], layout: str) -> Sidecar:
    return read_sidecar(write_sidecar_of(folder, *files, layout=layout))


def test_a_map_row_that_contradicts_the_printed_scope_does_not_count(reading, tmp_path):
    assert set(UNITS) <= set(UNIT_SEED.index)
    heads = [Head("人口甲", children=[Head("全市"), Head("市辖区")])]
    block = Block(Head("人口甲状况"), 1, "", has_note=False, heads=heads)
    looks = {"merges_titles": True, "merges_city": True, "english_rows": False, "indents": False}
    book = Book([block], [("北京市", [1, 2])], 0, **looks, notes=[], has_advertising=False)
    load = read_load(sidecar(tmp_path, [write_wide(book, tmp_path / "wide.xlsx")], "wide"), tmp_path)
    header_map, variable = seeds_for(dict(block.columns()))
    reading.read(load, header_map, variable)
    assert reading.headers()["is_known"].tolist() == [True, True]
    reading.read(load, header_map.assign(scope="city"), variable)
    assert reading.headers()["is_known"].tolist() == [True, False]
