"""What one refresh of the small SYNTHETIC country must bring out."""

import csv
import json
import re
import unicodedata
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
from house import CITIES, YEARS, said
from landing_tools import read_page
from python_calamine import CalamineWorkbook
from recompute import largest_gaps
from xlsxwriter.utility import xl_cell_to_rowcol

from dagster_project.cli.refresh import show_plan
from dagster_project.demo.counties import SPOILT
from dagster_project.run.dbt import DbtCommand

FROZEN, WINDOW = "frozen_2012_2021", (2012, 2021)
JINAN, LAIWU = "CN370100", "CN371200"


def test_published_file_holds_only_marts_and_operations(small_warehouse):
    schemas = small_warehouse.published("select distinct schema_name from duckdb_tables() order by 1")
    assert list(schemas["schema_name"]) == ["easy", "mart", "ops"]
    views = small_warehouse.published("select sql from duckdb_views() where not internal")["sql"]
    named = {schema for sql in views for schema in re.findall(r"(?:FROM|JOIN) \(*(\w+)\.", sql)}
    assert named <= {"easy", "mart"}  # a view could point at private schemas


def test_index_is_scored_for_every_city_and_year(small_warehouse):
    scored = small_warehouse.published(
        "select basis, weight_scheme, count(score) as n, count(distinct city_id) as n_city, min(year) as first,"
        " max(year) as last from mart.mart_index_score where index_code = 'nqpf' group by all"
    ).set_index(["basis", "weight_scheme"])
    schemes = small_warehouse.published("from mart.dim_weight_scheme")["weight_scheme"]
    assert set(scored.index) == set(product((FROZEN, "restated"), schemes))
    assert (scored == [CITIES * len(YEARS), CITIES, YEARS[0], YEARS[-1]]).all(axis=None)


def test_every_check_of_severity_error_passes_and_a_core_city_left_out_is_a_warning(small_warehouse):
    """Twelve cities hold no neighbour of Shijiazhuang, so nothing tells how far its market is apart."""
    checks = small_warehouse.published("from mart.mart_check_result")
    errors = checks[checks["severity"] == "error"]
    assert len(errors) > 100
    assert errors["passed"].all()
    left = checks[checks["check_id"].str.startswith("core_city/") & ~checks["passed"]]
    assert left[["check_id", "severity"]].to_numpy().tolist() == [["core_city/pr/CN130100", "warn"]]
    (skipped,) = checks.loc[checks["check_id"] == "index_computed/nqpf_yearbook", "message"]
    assert "n2_digitisation (0 cities)" in skipped


def test_every_dbt_test_was_run(small_warehouse):
    """dbt is started several times in a run; a test that no start selects would be silent for ever."""
    target = small_warehouse.paths.dbt_target
    nodes = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    known = {Path(node["path"]).name for node in nodes.values() if node["resource_type"] == "test"}
    assert len(known) > 20
    assert known <= {file.name for file in target.glob("runs/*/*/compiled/**/*.sql")}


# ---- numbers against the landing files --------------------------------------------------------------


@pytest.fixture(scope="module")
def parts(small_warehouse):
    """parts(header): what the yearbook of 2014 prints for the two cities that are one now."""
    page = read_page(small_warehouse.paths.landing / "yearbook/2014/synthetic_yearbook_2014.xlsx")
    rows = [page.rows[page.row_of(city)] for city in ("济南市", "莱芜市")]
    return lambda header: [float(row[page.column_of(header)]) for row in rows]


def test_merged_city_is_the_sum_of_its_printed_parts(small_warehouse, parts):
    harmonised = small_warehouse.build(
        "select value from int.int_values_harmonised_to_base_boundary"
        " where edit_policy = 'edited' and city_id = ? and year = 2014 and variable_code = 'he_students'",
        [JINAN],
    )
    assert min(parts("普通本专科")) > 0
    assert harmonised["value"].item() == sum(parts("普通本专科"))


def test_ratio_of_a_merged_city_is_a_ratio_of_sums(small_warehouse, parts):
    found = small_warehouse.published(
        "select value_raw, value_origin from mart.mart_indicator_value where index_code = 'nqpf' and basis = ?"
        " and city_id = ? and year = 2014 and indicator_code = 'n1_edushare'",
        [FROZEN, JINAN],
    )
    expected = 100 * sum(parts("教育支出")) / sum(parts("地方一般公共预算支出"))
    assert found.to_numpy().tolist() == [[pytest.approx(expected, rel=1e-12), "merged_boundary"]]


def test_merged_away_city_has_no_value_of_its_own(small_warehouse):
    assert not small_warehouse.published("from mart.mart_source_value where city_id = ?", [LAIWU]).empty
    assert small_warehouse.published("from mart.mart_indicator_value where city_id = ?", [LAIWU]).empty


@pytest.fixture(scope="module")
def faults(small_warehouse):
    """What was planted, by kind."""
    return pd.read_csv(small_warehouse.paths.landing / "truth" / "faults.csv", dtype={"planted": str})


@pytest.mark.parametrize("kind", ["unit_slip", "ocr_number"])
def test_reviewed_correction_gives_the_true_value(small_warehouse, faults, kind):
    fault = faults[faults["kind"] == kind].iloc[0]
    found = small_warehouse.published(
        "from mart.mart_source_value where city_id = ? and year = ? and variable_code = ? and source = 'yearbook'",
        [fault["city_id"], int(fault["year"]), fault["variable_code"]],
    ).iloc[0]
    assert found["text"] == fault["planted"]
    assert found["value_printed"] != fault["value"]
    assert found["value"] == pytest.approx(fault["value"], rel=1e-12)
    assert all(found[["correction_reason", "is_corrected", "is_selected"]])


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


def test_revision_log_lists_exactly_the_cells_that_the_second_print_of_2015_changed(small_warehouse, faults):
    keys = ["city_id", "variable_code", "year"]
    log = small_warehouse.published("from mart.mart_revision_log where kind = 'file'").set_index(keys)
    planted = faults[faults["kind"] == "revision_vintage"].set_index(keys)
    assert len(planted) == len(log) == 20
    both = log.join(planted[["planted", "value"]])
    assert (both["value_old"] == both["planted"].astype(float)).all()
    assert (both["value_new"] == both["value"]).all()


# ---- what a release says of itself -------------------------------------------------------------------


def test_manifest_names_the_run_and_says_synthetic(small_warehouse):
    (row,) = small_warehouse.published("from mart.mart_run_manifest").itertuples()
    assert re.fullmatch(r"\d{4}\.\d{1,2}\.0-SYNTHETIC", row.release)
    assert (row.data_vintage, row.status, row.is_synthetic) == ("2016A", "published", True)
    assert row.ended_at >= row.started_at
    assert row.git_commit
    assert '"duckdb"' in row.package_json
    assert [p.name for p in small_warehouse.releases] == [row.release]


# ---- identities --------------------------------------------------------------------------------------


@pytest.mark.parametrize("basis", [FROZEN, "restated"])
def test_scores_equal_an_independent_recomputation(small_warehouse, basis):
    assert max(largest_gaps(small_warehouse, "nqpf", basis, WINDOW).values()) <= 1e-12


def test_contributions_sum_to_the_score_on_either_basis(small_warehouse):
    gap = small_warehouse.published(
        "select max(abs(s.score - c.total)) as gap, count(*) as n from mart.mart_index_score as s join"
        " (select index_code, basis, city_id, year, sum(contribution) as total from mart.mart_index_contribution"
        "  group by all) as c using (index_code, basis, city_id, year)"
        " where s.weight_scheme = 'entropy_flat' and s.index_code = 'nqpf'"
    ).iloc[0]
    assert gap["n"] == 2 * CITIES * len(YEARS)
    assert gap["gap"] <= 1e-12


# ---- from a value back to the cell that was printed ----------------------------------------------------


def test_one_query_leads_from_every_value_to_cells_that_hold_that_very_text(small_warehouse):
    trail = small_warehouse.published(
        "select v.index_code, v.indicator_code, v.city_id, v.year, s.file, s.sheet, s.cell, s.text"
        " from mart.mart_indicator_value as v"
        " join mart.mart_indicator_source as s using (index_code, city_id, year, indicator_code)"
        " where v.basis = 'restated'"
    )
    values = small_warehouse.published("from mart.mart_indicator_value where basis = 'restated'")
    assert {"nqpf", "pr"} <= set(values["index_code"])
    assert len(trail.drop_duplicates(["index_code", "indicator_code", "city_id", "year"])) == len(values)
    for (file, sheet), cells in trail.groupby(["file", "sheet"]):
        grid = _grid(small_warehouse.paths.landing / file, sheet)
        wrong = [cell for cell in cells.itertuples() if _text_at(grid, cell.cell) != cell.text]
        assert wrong == [], file


def _grid(file, sheet):
    if file.suffix == ".xlsx":
        return CalamineWorkbook.from_path(str(file)).get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    encodings = {"registry": "gb18030", "sector_employment": "gb18030", "satellite": "utf-16"}
    text = file.read_text(encoding=encodings.get(file.parent.name, "utf-8-sig"))
    return list(csv.reader(text.splitlines()))


def _text_at(grid, address):
    row, column = xl_cell_to_rowcol(address)
    value = grid[row][column]
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


# ---- first years as a pilot ------------------------------------------------------------------------------

PRINTED = {"低碳城市试点起始年": "pilot_low_carbon", "智慧城市试点起始年": "pilot_smart_city"}


def test_every_printed_start_is_read_once_a_city_and_never_as_a_figure(small_warehouse):
    file = pd.read_csv(small_warehouse.paths.landing / "society" / "synthetic_society.csv")
    read = small_warehouse.build(
        "select c.name_zh, p.policy_code, p.start_year from int.int_pilots_accepted as p"
        " join seed.city as c on p.city_id = c.city_id"
    ).set_index(["policy_code", "name_zh"])["start_year"]
    city = file.columns[0]
    for column, policy in PRINTED.items():
        printed = file.groupby(city)[column].agg(["min", "max"])
        assert (printed["min"] == printed["max"]).all()
        own = read[policy].fillna(0).astype(int)
        assert own.to_dict() == printed["max"].to_dict()
    assert small_warehouse.build("from int.int_values_accepted where variable_code like 'pilot_%'").empty


def test_each_policy_is_done_or_says_why_not(small_warehouse):
    runs = small_warehouse.published(
        "select variant, status, skip_reason from mart.mart_influence_run where analysis = 'pilots'"
        " and model_id = 'nqpf_sdm'"
    )
    assert sorted(runs["variant"]) == sorted(PRINTED.values())
    assert ((runs["status"] == "done") == (runs["skip_reason"] == "")).all()


# ---- SQL alone ---------------------------------------------------------------------------------------------


def test_sql_unit_tests_pass_on_a_finished_build(house):
    """dbt's own unit tests: two or three rows in, exact rows out. They read column types from a finished build."""
    command = DbtCommand(house.paths, "test", "--select", "test_type:unit")
    output = command.output()
    assert command.is_ok, output
    assert "PASS=17" in output


def test_loglinear_gaps_follow_the_formula_between_their_anchors(small_warehouse):
    # on a straight line in logarithms each value is the geometric mean of the two beside it
    worst = small_warehouse.published("""
        with beside as (
            select value_origin, value_raw, lag(value_raw) over by_year as left_, lead(value_raw) over by_year as right_
            from mart.mart_indicator_value
            window by_year as (partition by index_code, basis, indicator_code, city_id order by year)
        )
        select count(*) as n, max(abs(value_raw / sqrt(left_ * right_) - 1)) as worst from beside
        where value_origin = 'interpolated_loglinear' and left_ is not null and right_ is not null
    """).iloc[0]
    assert worst["n"] > 0
    assert worst["worst"] < 1e-12


# ---- the second geography: chains, sums beside the cities, held figures, index ---------------------------

CHUZHOU = "CN341100"


def test_the_spoilt_figure_is_held_with_its_neighbours_and_the_city_stays(small_warehouse):
    (broken,) = small_warehouse.published("from mart.mart_county_sum where verdict <> 'holds'").itertuples()
    assert (broken.city_id, broken.year, broken.variable_code) == (CHUZHOU, SPOILT.year, SPOILT.variable_code)
    assert (broken.verdict, broken.n_printed, broken.n_listed) == ("more than the city", 8, 8)
    held = small_warehouse.published("select variable_code from mart.mart_county_panel where is_held")
    assert held["variable_code"].tolist() == [SPOILT.variable_code] * 8
    used = small_warehouse.published(
        "from easy.county_variable where parent_name_en = 'Chuzhou' and variable_code = ?", [SPOILT.variable_code]
    )
    assert set(used["year"]) == {SPOILT.year + 1}
    (city,) = small_warehouse.published(
        "from easy.city_variable where city_id = ? and year = ? and variable_code = ?",
        [CHUZHOU, SPOILT.year, SPOILT.variable_code],
    ).itertuples()
    assert city.value == city.value_as_printed


def test_all_counties_of_a_city_sum_to_it(small_warehouse):
    sums = small_warehouse.published("from mart.mart_county_sum where verdict = 'holds' or n_printed < n_listed")
    whole = sums["n_printed"] == sums["n_listed"]
    expected = {"population_registered", "gdp_nom", "va_tertiary_nom", "industrial_firms"}
    assert expected <= set(sums.loc[whole, "variable_code"])
    assert sums.loc[whole, "ratio"].between(0.99, 1.01).all()
    assert 0 < sums.loc[~whole, "ratio"].max() < 1


def test_a_figure_leads_back_to_its_cell_and_to_the_base_boundary(small_warehouse):
    found = small_warehouse.published(
        "select p.* from mart.mart_county_panel as p join mart.dim_county as c using (county_id)"
        " where c.name_zh = '寿县' and c.parent_city_id = 'CN340400' and variable_code = 'population_registered'"
        " order by p.year"
    )
    # one unit of two codes: it moved to another city in between
    assert found["year"].tolist() == [2015, 2016]
    assert (found["text"].astype(float) == found["value"]).all()
    assert found["file"].str.contains("3-1").all()
    assert all(row.cell in row.source_cell_id for row in found.itertuples())


def test_no_county_is_among_the_figures_of_cities(small_warehouse):
    assert small_warehouse.published("from mart.mart_source_value where source = 'county_tables'").empty
    units = small_warehouse.published("select county_id from mart.dim_county")["county_id"]
    assert units.is_unique
    assert len(units) > 3000
    index = small_warehouse.published("from mart.mart_county_index")
    assert set(index["year"]) == {2015, 2016}
    assert index["county_id"].nunique() >= 30
    assert not small_warehouse.published("from mart.mart_county_transition where p is not null").empty


def test_a_dry_run_says_what_would_run_and_for_how_long_at_most(small_warehouse, monkeypatch):
    monkeypatch.setenv("NQPF_DEPTH", "quick")
    before = small_warehouse.published_sha256
    text = said(show_plan, small_warehouse.paths).text
    assert "Compute" in text
    assert re.search(r"At most about \d+ s: as long as its steps took", text)
    assert small_warehouse.published_sha256 == before
