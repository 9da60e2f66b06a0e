"""What a release holds of each table, and what catalogues read of it: valid by their own tools."""

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from dagster_project.publish.release import folder as releases
from dagster_project.publish.release.exchange import LICENCE, OSSIE, PACKAGE, SDMX, write_exchange
from dagster_project.publish.release.folder import export_tables


@pytest.fixture
def snapshot(tmp_path):
    file = tmp_path / "city.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("create schema mart; create table mart.city (city_id varchar, score double, tags varchar[])")
        con.execute("comment on column mart.city.score is 'Score, 0 to 1.'")
        con.execute("insert into mart.city values ('=1+1', null, []), ('CN1', 0.5, null), ('CN2', 0.25, ['a', 'b'])")
    return file


def test_rows_are_the_same_in_both_formats_and_csv_starts_with_one_byte_order_mark(snapshot, tmp_path):
    exported = export_tables(snapshot, tmp_path / "out")
    csv = pd.read_csv(tmp_path / "out" / "csv" / "city.csv.gz", encoding="utf-8-sig")
    parquet = duckdb.sql(f"from '{tmp_path}/out/parquet/city.parquet'").df()
    assert exported["city"]["rows"] == 3
    assert list(parquet["city_id"]) == ["=1+1", "CN1", "CN2"]
    assert list(csv["city_id"]) == ["'=1+1", "CN1", "CN2"]
    assert list(csv["score"].dropna()) == list(parquet["score"].dropna()) == [0.5, 0.25]
    assert csv["tags"].iloc[2] == "a; b"
    packed = gzip.decompress((tmp_path / "out" / "csv" / "city.csv.gz").read_bytes())
    plain = (tmp_path / "out" / "dictionary.csv").read_bytes()
    for content, names in ((packed, "city_id,score,tags"), (plain, "table_name,column_name,data_type")):
        assert content.startswith(f"\ufeff{names}".encode())
        assert content.count(b"\xef\xbb\xbf") == 1


def test_a_long_table_goes_out_as_parquet_only_and_a_very_long_one_not_at_all(snapshot, tmp_path, monkeypatch):
    monkeypatch.setattr(releases, "MAX_CSV_ROWS", 2)
    exported = export_tables(snapshot, tmp_path / "out")
    assert list((tmp_path / "out" / "csv").iterdir()) == []
    assert set(exported["city"]) == {"rows", "parquet_sha256"}
    assert duckdb.sql(f"select count(*) from '{tmp_path}/out/parquet/city.parquet'").fetchall() == [(3,)]
    monkeypatch.setattr(releases, "MAX_PARQUET_ROWS", 2)
    assert export_tables(snapshot, tmp_path / "alone") == {"city": {"rows": 3}}
    assert list((tmp_path / "alone").rglob("city*")) == []


def test_tables_of_the_front_room_go_out_under_their_schema(snapshot, tmp_path):
    with duckdb.connect(str(snapshot)) as con:
        con.execute("create schema easy; create table easy.ranking as select 1 as rank_year")
        con.execute("create schema ops; create table ops.run as select 1 as n")
    exported = export_tables(snapshot, tmp_path / "out")
    assert list(exported) == ["city", "easy.ranking"]
    assert (tmp_path / "out" / "csv" / "easy.ranking.csv").read_text(encoding="utf-8-sig") == "rank_year\n1\n"
    assert "easy.ranking,rank_year" in (tmp_path / "out" / "dictionary.csv").read_text(encoding="utf-8")
    assert export_tables(snapshot, tmp_path / "small", has_files=False)["city"] == {"rows": 3}
    assert list((tmp_path / "small").glob("*/*")) == []


def test_a_view_goes_out_sorted(snapshot, tmp_path):
    with duckdb.connect(str(snapshot)) as con:
        con.execute("create view mart.known as select score, city_id from mart.city where score is not null")
    assert export_tables(snapshot, tmp_path / "out")["known"]["rows"] == 2
    rows = duckdb.sql(f"from '{tmp_path}/out/parquet/known.parquet'").fetchall()
    assert rows == [(0.25, "CN2"), (0.5, "CN1")]


EXCHANGED = """
create schema mart; create schema easy;
create table mart.mart_run_manifest as
select '2026.11.0-SYNTHETIC' as release, '2021A' as data_vintage, 'm1' as method_version, true as is_synthetic,
    timestamp '2026-11-26 10:00:00' as started_at;
create table mart.mart_odd (n integer not null, tags varchar[], note varchar not null, x double, day date);
insert into mart.mart_odd values (1, ['a', 'b'], '', null, null), (2, null, 'é', 0.1, '2020-01-01');
create table easy.ranking as
select 2020 as year, 'CN1' as city_id, 51.5::double as score_100, false as is_provisional;
create table easy.panel_long
    (city_id varchar, indicator_code varchar, year integer, value_raw double, value_origin varchar, unit varchar);
insert into easy.panel_long values ('CN1', 'q1', 2020, 7.25, 'observed', 'yuan'),
    ('CN1', 'q2', 2020, 1e-9, 'interpolated_linear', 'percent'), ('CN1', 'q3', 2020, null, 'observed', 'km2'),
    ('CN1', 'q4', 2020, 4.0, 'suspected_fill', 'km2');
create table mart.mart_source_load as
from (values ('Statistics office', 'Yearbook', 2020, 'none stated'), ('A university', 'Fintech', 0, 'cite Guo 2020'))
    as l (producer, title, data_year, licence);
comment on table easy.ranking is 'One row per city.';
comment on column easy.ranking.score_100 is 'Score. Unit: points.';
"""


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A small file with the tables and comments that the exchange files are made of, exported."""
    folder = tmp_path_factory.mktemp("exchange")
    file, out = folder / "city.duckdb", folder / "release"
    with duckdb.connect(str(file)) as con:
        con.execute(EXCHANGED)
    write_exchange(file, out, export_tables(file, out))
    return out


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def test_the_data_package_is_valid_until_a_file_is_changed(release, tmp_path):
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(release / PACKAGE))
    assert report.valid, report.flatten(["title", "rowNumber", "message"])
    rows = {task.name: task.stats["rows"] for task in report.tasks}
    known = {"easy.panel_long": 4, "easy.ranking": 1, "mart_odd": 2, "mart_run_manifest": 1, "mart_source_load": 2}
    assert rows == known
    package = read(release / PACKAGE)
    package["resources"] = [one for one in package["resources"] if one["name"] == "mart_odd"]
    (tmp_path / "csv").mkdir()
    text = gzip.decompress((release / "csv" / "mart_odd.csv.gz").read_bytes())
    (tmp_path / "csv" / "mart_odd.csv.gz").write_bytes(gzip.compress(text.replace(b"0.1", b"0.2"), mtime=0))
    (tmp_path / PACKAGE).write_text(json.dumps(package), encoding="utf-8")
    assert not frictionless.validate(str(tmp_path / PACKAGE)).valid


def test_columns_bring_words_unit_and_type_from_the_one_dictionary(release):
    package = read(release / PACKAGE)
    resources = {one["name"]: one for one in package["resources"]}
    fields = {one["name"]: one for one in resources["easy.ranking"]["schema"]["fields"]}
    assert fields["score_100"] == {"name": "score_100", "type": "number", "description": "Score", "unit": "points"}
    assert resources["easy.ranking"]["description"] == "One row per city."
    assert package["title"].startswith("SYNTHETIC")
    odd = {one["name"]: one for one in resources["mart_odd"]["schema"]["fields"]}
    assert odd["n"]["constraints"] == {"required": True}
    assert "constraints" not in odd["note"]  # an empty text would be refused


def test_schema_easy_goes_out_with_keys_words_and_traps_and_without_a_metric(release):
    content = read(release / OSSIE)
    assert content["version"] == "0.2.0.dev0"
    (model,) = content["semantic_model"]
    assert set(model) == {"name", "description", "ai_context", "datasets"}
    assert "SYNTHETIC" in model["description"]
    assert "Ranks" in model["ai_context"]["instructions"]
    datasets = {one["name"]: one for one in model["datasets"]}
    assert set(datasets) == {"ranking", "panel_long"}
    assert datasets["ranking"]["source"] == "city.easy.ranking"
    assert datasets["ranking"]["primary_key"] == ["year", "city_id"]
    fields = {one["name"]: one for one in datasets["ranking"]["fields"]}
    assert fields["year"]["dimension"] == {"is_time": True}
    assert fields["score_100"]["datatype"] == "Float"
    assert fields["score_100"]["ai_context"]["unit"] == "points"
    assert re.search("[一-鿿]", fields["score_100"]["ai_context"]["synonyms"][0])


SOURCES = [
    {"title": "A university, Fintech", "licence": "cite Guo 2020"},
    {"title": "Statistics office, Yearbook, 2020", "licence": "none stated"},
]


def test_a_release_of_real_files_states_the_terms_of_its_sources_and_no_licence_over_them(release, tmp_path):
    file, out = tmp_path / "city.duckdb", tmp_path / "release"
    with duckdb.connect(str(file)) as con:
        con.execute(EXCHANGED)
        con.execute("update mart.mart_run_manifest set release = '2026.11.0', is_synthetic = false")
    write_exchange(file, out, export_tables(file, out))
    package = read(out / PACKAGE)
    assert "licenses" not in package
    assert not any("licenses" in resource for resource in package["resources"])
    assert package["sources"] == SOURCES
    assert "LICENSE-DATA.md" in package["description"]
    assert pytest.importorskip("frictionless").validate(str(out / PACKAGE)).valid


def test_the_demo_is_under_the_licence_of_the_project(release):
    package = read(release / PACKAGE)
    assert package["licenses"] == [LICENCE]
    assert package["sources"] == SOURCES


def test_sdmx_has_one_observation_a_figure_and_says_which_are_imputed(release):
    with (release / SDMX).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
    kinds = {(row["STRUCTURE"], row["STRUCTURE_ID"], row["ACTION"]) for row in rows}
    assert kinds == {("dataflow", "NQPF:PANEL(1.0.0)", "I")}
    keys = [(row["FREQ"], row["REF_AREA"], row["INDICATOR"], row["TIME_PERIOD"]) for row in rows]
    assert keys == [("A", "CN1", code, "2020") for code in ("q1", "q2", "q4", "score")]
    assert [row["OBS_STATUS"] for row in rows] == ["A", "I", "E", "A"]
    assert [float(row["OBS_VALUE"]) for row in rows] == [7.25, 1e-9, 4.0, 51.5]
