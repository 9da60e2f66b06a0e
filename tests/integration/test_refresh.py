"""What one refresh of the small SYNTHETIC country must bring out."""

import json
import re
import unicodedata
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from house import CITIES, YEARS, House
from landing_tools import read_page
from recompute import largest_gaps

FROZEN, WINDOW = "frozen_2012_2021", (2012, 2021)
JINAN, LAIWU = "CN370100", "CN371200"


def test_published_file_holds_only_marts_and_operations(small_warehouse):
    schemas = small_warehouse.published("select distinct schema_name from duckdb_tables() order by 1")
    assert list(schemas["schema_name"]) == ["easy", "mart", "ops", "store"]
    views = small_warehouse.published("select sql from duckdb_views() where not internal")["sql"]
    named = {schema for sql in views for schema in re.findall(r"(?:FROM|JOIN) \(*(\w+)\.", sql)}
    assert named == {"store"}  # a view could point at private schemas


def test_index_is_scored_for_every_city_and_year(small_warehouse):
    scored = small_warehouse.published(
        "select basis, weight_scheme, count(score) as n, count(distinct city_id) as n_city, min(year) as first,"
        " max(year) as last from mart.mart_index_score where index_code = 'nqpf' group by all"
    )
    schemes = small_warehouse.published("from mart.dim_weight_scheme")["weight_scheme"]
    found = set(zip(scored["basis"], scored["weight_scheme"], strict=True))
    assert found == set(product((FROZEN, "restated"), schemes))
    assert (scored["n"] == CITIES * len(YEARS)).all()
    assert (scored["n_city"] == CITIES).all()
    assert set(scored["first"]) == {YEARS[0]}
    assert set(scored["last"]) == {YEARS[-1]}


def test_every_check_of_severity_error_passes(small_warehouse):
    checks = small_warehouse.published("from mart.mart_check_result where severity = 'error'")
    assert len(checks) > 100
    assert checks["passed"].all()


def test_a_core_city_that_an_index_leaves_out_is_a_warning(small_warehouse):
    """Twelve cities hold no neighbour of Shijiazhuang, so nothing tells how far its market is apart."""
    left = small_warehouse.published(
        "select check_id, severity, passed from mart.mart_check_result where check_id like 'core_city/%' and not passed"
    )
    assert left.to_numpy().tolist() == [["core_city/pr/CN130100", "warn", False]]


def test_every_dbt_test_was_run(small_warehouse):
    """dbt is started several times in a run; a test that no start selects would be silent for ever."""
    target = small_warehouse.paths.dbt_target
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    known = {Path(node["path"]).name for node in nodes.values() if node["resource_type"] == "test"}
    assert len(known) > 20
    assert known <= {file.name for file in target.glob("runs/*/*/compiled/**/*.sql")}


def test_indexes_without_their_indicators_are_skipped_with_the_reason(small_warehouse):
    found = small_warehouse.published(
        "select message from mart.mart_check_result where check_id = 'index_computed/nqpf_yearbook' and not passed"
    )
    assert "n2_digitisation (0 cities)" in found["message"].item()


# ---- numbers against the landing files --------------------------------------------------------------


def _printed(house: House, year: int, city: str, header: str, leaf: str = "") -> float:
    page = read_page(house.paths.landing / f"yearbook/{year}/synthetic_yearbook_{year}.xlsx")
    return float(page.rows[page.row_of(city)][page.column_of(header, leaf)])


def test_merged_city_is_the_sum_of_its_printed_parts(small_warehouse):
    parts = [_printed(small_warehouse, 2014, city, "普通本专科") for city in ("济南市", "莱芜市")]
    assert min(parts) > 0
    harmonised = small_warehouse.build(
        "select value from int.int_values_harmonised_to_base_boundary"
        " where edit_policy = 'edited' and city_id = ? and year = 2014 and variable_code = 'he_students'",
        [JINAN],
    )
    assert harmonised["value"].item() == sum(parts)


def test_ratio_of_a_merged_city_is_a_ratio_of_sums(small_warehouse):
    def total(header: str) -> float:
        return sum(_printed(small_warehouse, 2014, city, header) for city in ("济南市", "莱芜市"))

    found = small_warehouse.published(
        "select value_raw, value_origin from mart.mart_indicator_value where index_code = 'nqpf' and basis = ?"
        " and city_id = ? and year = 2014 and indicator_code = 'n1_edushare'",
        [FROZEN, JINAN],
    )
    expected = 100 * total("教育支出") / total("地方一般公共预算支出")
    assert found["value_raw"].item() == pytest.approx(expected, rel=1e-12)
    assert found["value_origin"].item() == "merged_boundary"


def test_merged_away_city_has_no_value_of_its_own(small_warehouse):
    printed = small_warehouse.published("from mart.mart_source_value where city_id = ?", [LAIWU])
    values = small_warehouse.published("from mart.mart_indicator_value where city_id = ?", [LAIWU])
    assert not printed.empty
    assert values.empty


@pytest.mark.parametrize("kind", ["unit_slip", "ocr_number"])
def test_reviewed_correction_gives_the_true_value(small_warehouse, kind):
    faults = pd.read_csv(small_warehouse.paths.landing / "truth" / "faults.csv", dtype={"planted": str})
    fault = faults[faults["kind"] == kind].iloc[0]
    found = small_warehouse.published(
        "from mart.mart_source_value where city_id = ? and year = ? and variable_code = ? and source = 'yearbook'",
        [fault["city_id"], int(fault["year"]), fault["variable_code"]],
    ).iloc[0]
    assert found["text"] == fault["planted"]
    assert found["value_printed"] != fault["value"]
    assert found["value"] == pytest.approx(fault["value"], rel=1e-12)
    assert found["correction_reason"]
    assert found["is_corrected"]
    assert found["is_selected"]


def test_full_width_digits_and_thousands_signs_are_numbers(small_warehouse):
    found = small_warehouse.published(
        "select text, value_printed, unit_printed, is_corrected from mart.mart_source_value"
        " where regexp_matches(text, '[０-９]') or text like '%,%'"
    )
    factor = {"万户": 10_000, "万元": 1}  # 万元 is the canonical unit of money
    plain = [float(unicodedata.normalize("NFKC", text).replace(",", "")) for text in found["text"]]
    assert sorted(found["unit_printed"]) == ["万元", "万户"]
    assert found["value_printed"].tolist() == [
        n * factor[unit] for n, unit in zip(plain, found["unit_printed"], strict=True)
    ]
    assert not found["is_corrected"].any()


# ---- the revised yearbook of 2015 --------------------------------------------------------------------


def test_revision_log_lists_exactly_the_cells_that_the_second_print_changed(small_warehouse):
    faults = pd.read_csv(small_warehouse.paths.landing / "truth" / "faults.csv", dtype={"planted": str})
    planted = faults[faults["kind"] == "revision_vintage"]
    expected = {
        (row.city_id, row.variable_code, row.year): (float(row.planted), row.value) for row in planted.itertuples()
    }
    log = small_warehouse.published("from mart.mart_revision_log where kind = 'file'")
    found = {(row.city_id, row.variable_code, row.year): (row.value_old, row.value_new) for row in log.itertuples()}
    assert len(expected) == 20
    assert found == expected
    assert len(log) == len(found)


# ---- what a release says of itself -------------------------------------------------------------------


def test_manifest_names_the_run_and_says_synthetic(small_warehouse):
    run = small_warehouse.published("from mart.mart_run_manifest")
    assert len(run) == 1
    row = run.iloc[0]
    assert re.fullmatch(r"\d{4}\.\d{1,2}\.0-SYNTHETIC", row["release"])
    assert row["data_vintage"] == "2016A"
    assert row["status"] == "published"
    assert row["ended_at"] >= row["started_at"]
    assert row["is_synthetic"]
    assert row["git_commit"]
    assert '"duckdb"' in row["package_json"]
    assert [p.name for p in small_warehouse.releases] == [row["release"]]


# ---- identities --------------------------------------------------------------------------------------


def test_weights_sum_to_one(small_warehouse):
    sums = small_warehouse.published(
        "select basis, index_code, weight_scheme, year, sum(weight) as total, min(weight) as least, count(*) as n"
        " from mart.mart_index_weight where weight_scheme <> 'pca' and index_code = 'nqpf' group by all"
    )
    assert set(sums["n"]) == {22}
    assert len(sums) == 2 * (11 + len(YEARS))  # eleven schemes, and the one with weights of its own for each year
    assert (sums["total"] - 1).abs().max() <= 1e-12
    assert (sums["least"] >= 0).all()


@pytest.mark.parametrize("basis", [FROZEN, "restated"])
def test_scores_equal_an_independent_recomputation(small_warehouse, basis):
    gaps = largest_gaps(small_warehouse, "nqpf", basis, WINDOW)
    assert gaps["z"] <= 1e-12
    assert gaps["weight"] <= 1e-12
    assert gaps["score"] <= 1e-12


def test_restated_indicators_fill_the_interval_from_zero_to_one(small_warehouse):
    ranges = small_warehouse.published(
        "select indicator_code, min(z) as low, max(z) as high, count(*) - count(z) as n_null"
        " from mart.mart_indicator_value where basis = 'restated' and index_code = 'nqpf' group by all"
    )
    assert len(ranges) == 22
    assert set(ranges["low"]) == {0.0}
    assert set(ranges["high"]) == {1.0}
    assert set(ranges["n_null"]) == {0}


def test_contributions_sum_to_the_score(small_warehouse):
    gap = small_warehouse.published(
        "select max(abs(s.score - c.total)) as gap, count(*) as n from mart.mart_index_score as s join"
        " (select index_code, basis, city_id, year, sum(contribution) as total from mart.mart_index_contribution"
        "  group by all) as c using (index_code, basis, city_id, year)"
        " where s.weight_scheme = 'entropy_flat' and s.index_code = 'nqpf'"
    )
    assert gap["n"].item() == 2 * CITIES * len(YEARS)
    assert gap["gap"].item() <= 1e-12
