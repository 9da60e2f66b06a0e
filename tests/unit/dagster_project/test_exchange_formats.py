"""What catalogues read of a release: valid by their own tools, and the numbers are those of the file."""

import csv
import gzip
import json
import logging
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.publish.release.exchange import CROISSANT, PACKAGE, SDMX, write_exchange
from dagster_project.publish.release.folder import export_tables


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """A small file with the tables and comments that the exchange files are made of, exported."""
    folder = tmp_path_factory.mktemp("exchange")
    file = folder / "city.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute("create schema mart; create schema easy")
        con.execute(
            "create table mart.mart_run_manifest as select '2026.11.0-SYNTHETIC' as release, '2021A' as data_vintage,"
            " 'm1' as method_version, true as is_synthetic, timestamp '2026-11-26 10:00:00' as started_at"
        )
        con.execute(
            "create table mart.mart_odd (n integer not null, tags varchar[], note varchar not null, x double, day date)"
        )
        con.execute(
            "insert into mart.mart_odd values (1, ['a', 'b'], '', null, null), (2, null, 'é', 0.1, '2020-01-01')"
        )
        con.execute(
            "create table easy.ranking as select 2020 as year, 'CN1' as city_id, 51.5::double as score_100,"
            " false as is_provisional"
        )
        con.execute(
            "create table easy.panel_long (city_id varchar, indicator_code varchar, year integer, value_raw double,"
            " value_origin varchar, unit varchar)"
        )
        con.execute(
            "insert into easy.panel_long values ('CN1', 'q1', 2020, 7.25, 'observed', 'yuan'),"
            " ('CN1', 'q2', 2020, 1e-9, 'interpolated_linear', 'percent'),"
            " ('CN1', 'q3', 2020, null, 'observed', 'km2'), ('CN1', 'q4', 2020, 4.0, 'suspected_fill', 'km2')"
        )
        con.execute("comment on table easy.ranking is 'One row per city.'")
        con.execute("comment on column easy.ranking.score_100 is 'Score. Unit: points.'")
    out = folder / "release"
    write_exchange(file, out, export_tables(file, out, {}))
    return out


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return content


def test_the_data_package_is_valid_and_its_files_are_what_it_says(release):
    frictionless = pytest.importorskip("frictionless")
    report = frictionless.validate(str(release / PACKAGE))
    assert report.valid, report.flatten(["title", "rowNumber", "message"])
    rows = {task.name: task.stats["rows"] for task in report.tasks}
    assert rows == {"easy.panel_long": 4, "easy.ranking": 1, "mart_odd": 2, "mart_run_manifest": 1}


def test_a_changed_file_is_no_longer_what_the_data_package_says(release, tmp_path):
    frictionless = pytest.importorskip("frictionless")
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


def test_croissant_is_valid_and_gives_the_rows_of_the_front_room(release, caplog):
    mlcroissant = pytest.importorskip("mlcroissant")
    with caplog.at_level(logging.WARNING):
        found = mlcroissant.Dataset(jsonld=str(release / CROISSANT))
    assert (found.metadata.issues.errors, found.metadata.issues.warnings) == (set(), set())
    (row,) = list(found.records("easy.ranking"))
    assert row["easy.ranking/score_100"] == 51.5
    assert {one["name"] for one in read(release / CROISSANT)["recordSet"]} == {"easy.ranking", "easy.panel_long"}


def test_sdmx_has_one_observation_a_figure_and_says_which_are_imputed(release):
    """Columns of SDMX-CSV 2.0: structure, its id, action, then dimensions, observation and attributes."""
    with (release / SDMX).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:3] == ["STRUCTURE", "STRUCTURE_ID", "ACTION"]
    assert {(row["STRUCTURE"], row["STRUCTURE_ID"], row["ACTION"]) for row in rows} == {
        ("dataflow", "NQPF:PANEL(1.0.0)", "I")
    }
    keys = [(row["FREQ"], row["REF_AREA"], row["INDICATOR"], row["TIME_PERIOD"]) for row in rows]
    assert keys == [("A", "CN1", code, "2020") for code in ("q1", "q2", "q4", "score")]
    assert [row["OBS_STATUS"] for row in rows] == ["A", "I", "E", "A"]
    assert [float(row["OBS_VALUE"]) for row in rows] == [7.25, 1e-9, 4.0, 51.5]
