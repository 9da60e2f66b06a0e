"""Running again changes nothing; a new version of a file adds to the record and never rewrites it."""

import json

import pandas as pd
import pytest
from changed import Raw, Refused
from house import House

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

TAIAN = "CN370900"


def test_second_refresh_changes_nothing(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    raw, sha256, releases = Raw.of(house), house.published_sha256, house.releases
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    assert "Nothing changed since" in outcome.text
    after = Raw.of(house)
    assert after.loads.equals(raw.loads)
    assert after.cells.equals(raw.cells)
    assert house.releases == releases
    assert house.published_sha256 == sha256
    assert {p.name for p in house.paths.published.iterdir()} == {"city.duckdb", "releases"}
    assert len(house.build("from ops.run_log")) == 1  # nothing had to run


def test_changed_file_is_a_new_vintage_beside_the_old_one(revised):
    assert revised.went_through
    before, after = revised.raw_before, Raw.of(revised.house)
    new = after.cells[after.cells["vintage"] == revised.vintage_new]
    kept = after.cells[after.cells["vintage"] != revised.vintage_new].reset_index(drop=True)
    assert kept.equals(before.cells)
    assert new["n"].item() == before.cells.set_index("vintage").loc[revised.vintage_old, "n"]
    assert list(after.loads["vintage"]).count(revised.vintage_new) == 1
    assert len(after.loads) == len(before.loads) + 1


def test_changed_file_makes_a_new_release_and_a_new_data_vintage(revised):
    names = [p.name for p in revised.house.releases]
    assert [name.split(".")[2] for name in names] == ["0-SYNTHETIC", "1-SYNTHETIC"]
    assert revised.house.published_sha256 != revised.sha256_before
    run = revised.house.published("from mart.mart_run_manifest order by started_at")
    assert list(run["release"]) == names
    assert list(run["data_vintage"]) == ["2016A", "2016B"]
    parents = revised.house.published("from mart.dim_vintage order by data_vintage")["parent_vintage"]
    assert parents.isna().iloc[0]
    assert parents.iloc[1] == "2016A"


def test_changed_cell_is_the_only_new_line_of_the_revision_log(revised):
    log = revised.house.published("from mart.mart_revision_log where kind = 'file' and year = 2014")
    assert list(zip(log["city_id"], log["variable_code"], strict=True)) == [(TAIAN, "fiscal_science")]
    row = log.iloc[0]
    assert (row["vintage_old"], row["vintage_new"]) == (revised.vintage_old, revised.vintage_new)
    assert row["value_new"] == round(row["value_old"] * 1.1)
    assert row["pct_change"] == pytest.approx(10, abs=0.01)


def test_new_vintage_is_the_current_one(revised):
    loads = revised.house.published(
        "select vintage, is_current from mart.mart_source_load"
        " where source = 'yearbook' and data_year = 2014 order by load_no"
    )
    assert list(loads["vintage"]) == [revised.vintage_old, revised.vintage_new]
    assert list(loads["is_current"]) == [False, True]
    used = revised.house.published(
        "select distinct vintage from mart.mart_source_value where source = 'yearbook' and year = 2014"
    )
    assert list(used["vintage"]) == [revised.vintage_new]


def test_changed_cell_moves_one_indicator_value_and_no_other(revised, small_warehouse):
    sql = (
        "select city_id, year, indicator_code, value_raw from mart.mart_indicator_value"
        " where index_code = 'nqpf' and basis = 'restated' order by all"
    )
    old, new = small_warehouse.published(sql), revised.house.published(sql)
    moved = new[(new["value_raw"] - old["value_raw"]).abs() > 0]
    assert moved[["city_id", "year", "indicator_code"]].values.tolist() == [[TAIAN, 2014, "q1_scishare"]]


def test_refused_file_never_becomes_current_not_even_by_a_later_rebuild(refused, tmp_path):
    house = refused.house.copy(tmp_path)
    assert house.run_job("rebuild")
    current = house.published("select data_year, vintage from mart.mart_source_load where is_current")
    good = set(refused.vintages.values()) & set(current["vintage"])
    assert good == {refused.vintages["registry_utf16"]}  # the newest accepted vintage of the registry
    yearbook = house.published(
        "select vintage from mart.mart_source_load where source = 'yearbook' and data_year = 2014"
    )
    assert len(yearbook) == 1
    manifest = json.loads((house.releases[-1] / "manifest.json").read_text(encoding="utf-8"))
    inputs = {load["vintage"] for load in manifest["inputs"]}
    accepted = {name for name, vintage in refused.vintages.items() if vintage in inputs}
    assert accepted == {"registry_gb18030", "registry_utf8", "registry_utf16"}
    _has_the_same_scores(house, refused.scores_before)


def _has_the_same_scores(house: House, before: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(house.published(Refused.SCORES), before, check_exact=True)
