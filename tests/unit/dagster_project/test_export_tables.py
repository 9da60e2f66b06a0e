"""What a release holds of each table: Parquet and CSV with the same rows; long tables no CSV, or neither."""

import gzip
import json

import duckdb
import pandas as pd
import pytest

from dagster_project.publish.release import folder as release
from dagster_project.publish.release.folder import export_tables


@pytest.fixture
def snapshot(tmp_path):
    file = tmp_path / "city.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("create schema mart; create table mart.city (city_id varchar, score double, tags varchar[])")
        con.execute("comment on column mart.city.score is 'Score, 0 to 1.'")
        con.execute("insert into mart.city values ('=1+1', null, []), ('CN1', 0.5, null), ('CN2', 0.25, ['a', 'b'])")
    return file


def test_rows_are_the_same_in_both_formats_in_the_order_of_the_file(snapshot, tmp_path):
    exported = export_tables(snapshot, tmp_path / "out", {})
    csv = pd.read_csv(tmp_path / "out" / "csv" / "city.csv.gz", encoding="utf-8-sig")
    parquet = duckdb.sql(f"from '{tmp_path}/out/parquet/city.parquet'").df()
    assert exported["city"]["rows"] == 3
    assert list(parquet["city_id"]) == ["=1+1", "CN1", "CN2"]
    assert list(csv["city_id"]) == ["'=1+1", "CN1", "CN2"]
    assert list(csv["score"].dropna()) == list(parquet["score"].dropna()) == [0.5, 0.25]
    assert csv["tags"].iloc[2] == "a; b"


def test_csv_starts_with_one_byte_order_mark(snapshot, tmp_path):
    export_tables(snapshot, tmp_path / "out", {})
    packed = gzip.decompress((tmp_path / "out" / "csv" / "city.csv.gz").read_bytes())
    plain = (tmp_path / "out" / "dictionary.csv").read_bytes()
    for content, names in ((packed, "city_id,score,tags"), (plain, "table_name,column_name,data_type")):
        assert content.startswith(f"\ufeff{names}".encode())
        assert content.count(b"\xef\xbb\xbf") == 1


def test_a_long_table_goes_out_as_parquet_only_and_a_very_long_one_not_at_all(snapshot, tmp_path, monkeypatch):
    monkeypatch.setattr(release, "MAX_CSV_ROWS", 2)
    exported = export_tables(snapshot, tmp_path / "out", {})
    assert list((tmp_path / "out" / "csv").iterdir()) == []
    assert set(exported["city"]) == {"rows", "parquet_sha256"}
    assert duckdb.sql(f"select count(*) from '{tmp_path}/out/parquet/city.parquet'").fetchall() == [(3,)]
    monkeypatch.setattr(release, "MAX_PARQUET_ROWS", 2)
    assert export_tables(snapshot, tmp_path / "alone", {}) == {"city": {"rows": 3}}
    assert list((tmp_path / "alone").rglob("city*")) == []


def test_tables_of_the_front_room_go_out_under_their_schema(snapshot, tmp_path):
    with duckdb.connect(str(snapshot)) as con:
        con.execute("create schema easy; create table easy.ranking as select 1 as rank_year")
        con.execute("create schema ops; create table ops.run as select 1 as n")
    exported = export_tables(snapshot, tmp_path / "out", {})
    assert list(exported) == ["city", "easy.ranking"]
    assert (tmp_path / "out" / "csv" / "easy.ranking.csv").read_text(encoding="utf-8-sig") == "rank_year\n1\n"
    assert "easy.ranking,rank_year" in (tmp_path / "out" / "dictionary.csv").read_text(encoding="utf-8")


def remember(folder, exported, contents):
    """A manifest as a release has it."""
    tables = {name: {**facts, "content": contents[name]} for name, facts in exported.items()}
    (folder / "manifest.json").write_text(json.dumps({"tables": tables}), encoding="utf-8")


def test_a_table_with_the_same_content_is_linked_from_the_release_before(snapshot, tmp_path):
    with duckdb.connect(str(snapshot)) as con:
        con.execute("create table mart.year as select 2012 as year")
    first, second = tmp_path / "first", tmp_path / "second"
    contents = {"city": "c1", "year": "y1"}
    exported = export_tables(snapshot, first, contents)
    remember(first, exported, contents)
    again = export_tables(snapshot, second, {"city": "c1", "year": "y2"}, first)
    assert again == exported
    for file in ("parquet/city.parquet", "csv/city.csv.gz"):
        assert (second / file).samefile(first / file)
    for file in ("parquet/year.parquet", "csv/year.csv.gz", "dictionary.csv"):
        assert not (second / file).samefile(first / file)
        assert (second / file).read_bytes() == (first / file).read_bytes()


def test_files_of_other_kinds_than_today_are_not_linked(snapshot, tmp_path, monkeypatch):
    remember(tmp_path / "first", export_tables(snapshot, tmp_path / "first", {"city": "c1"}), {"city": "c1"})
    monkeypatch.setattr(release, "MAX_CSV_ROWS", 2)
    again = export_tables(snapshot, tmp_path / "second", {"city": "c1"}, tmp_path / "first")
    assert set(again["city"]) == {"rows", "parquet_sha256"}
    assert list((tmp_path / "second" / "csv").iterdir()) == []
