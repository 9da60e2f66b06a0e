"""`nqpf` for people who read: SQL, trails, releases, status, schedule. Run as a user runs it, in its own process."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from house import House, Outcome


def nqpf(house: House, *arguments: str) -> Outcome:
    command = [str(Path(sys.executable).with_name("nqpf")), *arguments, "--warehouse", str(house.paths.warehouse)]
    environment = {"COLUMNS": "200", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    return Outcome(done.returncode, done.stdout + done.stderr)


def asked(house: House, *arguments: str, **environment: str) -> tuple[int, str, str]:
    """Exit code, answer, and what was said beside it; the warehouse is named by the environment."""
    command = [str(Path(sys.executable).with_name("nqpf")), *arguments]
    own = {"COLUMNS": "200", "PATH": "/usr/bin:/bin", "NQPF_WAREHOUSE": str(house.paths.warehouse), **environment}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=own)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("form", "expected"), [("csv", "n\n12\n"), ("json", '[{"n": 12}]\n'), ("markdown", "| n |\n| --: |\n| 12 |\n")]
)
def test_sql_answers_in_the_form_that_was_asked_for(small_warehouse, form, expected):
    query = "select count(*) as n from mart.mart_sample_city where index_code = 'nqpf'"
    code, answer, beside = asked(small_warehouse, "sql", query, "--format", form)
    assert (code, answer) == (0, expected)
    assert "SYNTHETIC" in beside
    assert str(small_warehouse.paths.published_file) in beside


def test_a_pipe_gets_csv_and_every_statement_is_answered(small_warehouse):
    code, answer, _ = asked(small_warehouse, "sql", "select 1 as a; select 'x' as b")
    assert (code, answer) == (0, "a\n1\nb\nx\n")


def test_a_table_leaves_columns_out_and_never_values(small_warehouse):
    query = "select *, 4.0499999999999545 as long_number from city_ranking order by year, rank_year limit 3"
    code, answer, _ = asked(small_warehouse, "sql", query, "--format", "table", COLUMNS="90")
    first = small_warehouse.published("select basis, index_code from mart.city_ranking limit 1").iloc[0]
    assert code == 0
    assert "4.05" in answer
    assert "4.0499" not in answer
    assert first["basis"] in answer
    assert max(map(len, answer.splitlines())) <= 90
    assert "3 rows; 22 columns (" in answer


def test_no_rows_say_why(small_warehouse):
    code, answer, beside = asked(small_warehouse, "sql", "select city_id from city_ranking where index_code = 'other'")
    assert (code, answer) == (0, "city_id\n")
    assert "0 rows: index 'other' is not computed here (computed: " in beside
    assert (
        "scores are of 2012 to 2016, not of 1999"
        in asked(small_warehouse, "sql", "from city_ranking where year = 1999")[2]
    )


def test_no_rows_name_the_texts_that_are_there(small_warehouse):
    beside = asked(small_warehouse, "sql", "from gap as g where g.scheme = 'east_west'")[2]
    assert "0 rows: scheme of easy.gap is never 'east_west' (it is " in beside
    assert "east_vs_cw" in beside
    code, _, beside = asked(small_warehouse, "sql", "from panel_long where name_zh = '合肥市' and year = 1990")
    assert (code, "0 rows: scores are of 2012 to 2016, not of 1990." in beside) == (0, True)
    beside = asked(small_warehouse, "sql", "from ranking where name_en = 'Hefe'")[2]
    assert "name_en of easy.ranking is never 'Hefe' (it is" in beside
    assert "Hefei" in beside


def test_tables_and_columns_are_found_by_a_word(small_warehouse):
    code, answer, _ = asked(small_warehouse, "tables", "Dagum")
    assert code == 0
    assert {line.split(",")[0] for line in answer.splitlines()} >= {"mart.mart_dagum_between", "mart.mart_dagum_within"}
    assert asked(small_warehouse, "tables", "no such word")[0] == 2
    described = asked(small_warehouse, "describe", "city_ranking")[1]
    assert described.splitlines()[0] == "column,type,holds,comment_zh"
    assert re.search(r"^rank_year,integer,.*,当年名次，1为最高分$", described, flags=re.MULTILINE)
    code, said, _ = asked(small_warehouse, "describe", "city_rankin")
    assert code == 2
    assert "Did you mean mart.city_ranking" in said


def test_the_parts_of_a_comparison_sum_to_the_lead(small_warehouse):
    best, last = (
        small_warehouse.published(
            "select city_id, score_100 from mart.city_ranking where is_headline and year = 2016 order by rank_year"
        )
        .iloc[[0, -1]]
        .itertuples(index=False)
    )
    code, answer, _ = asked(small_warehouse, "compare", best.city_id, last.city_id, "2016", "--format", "json")
    assert code == 0
    assert sum(row["lead"] for row in json.loads(answer)) == pytest.approx(best.score_100 - last.score_100, abs=1e-9)
    assert "has no score" in asked(small_warehouse, "compare", best.city_id, last.city_id, "1999")[1]
    assert "Nearest names" in asked(small_warehouse, "compare", "Hefeii", last.city_id, "2016")[1]


@pytest.mark.parametrize(
    ("form", "words"), [("text", "[Data set]"), ("bibtex", "@misc{nqpf_"), ("gbt7714", "中国城市新质生产力数据仓库")]
)
def test_a_citation_names_release_vintage_and_hash(small_warehouse, form, words):
    release = small_warehouse.releases[-1]
    sha256 = json.loads((release / "manifest.json").read_text(encoding="utf-8"))["files"]["city.duckdb"]
    code, answer, _ = asked(small_warehouse, "cite", "合肥", "2016", "--format", form)
    assert code == 0
    assert all(part in answer for part in (words, release.name, "2016A", sha256[:16], "Hefei", "SYNTHETIC"))
    assert "Table mart.city_ranking" in asked(small_warehouse, "cite", "city_ranking")[1]
    assert asked(small_warehouse, "cite", "no_table")[0] == 2


def test_a_warehouse_can_be_remembered(small_warehouse, tmp_path):
    home = {"NQPF_WAREHOUSE": "", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert asked(small_warehouse, "use", str(tmp_path), **home)[0] == 2
    place = str(small_warehouse.paths.warehouse)
    assert place in asked(small_warehouse, "use", place, **home)[1]
    assert place in asked(small_warehouse, "sql", "select 1", **home)[2]
    assert place not in asked(small_warehouse, "use", "--forget", **home)[1]


def test_explain_leads_from_the_indicator_to_the_printed_cell(small_warehouse):
    outcome = nqpf(small_warehouse, "explain", "Hefei", "2014", "n1_edushare")
    cell = small_warehouse.published(
        "select text, cell, file from mart.mart_indicator_source join mart.dim_city using (city_id)"
        " where name_en = 'Hefei' and year = 2014 and indicator_code = 'n1_edushare'"
        " and variable_code = 'fiscal_education'"
    ).iloc[0]
    assert outcome.exit_code == 0
    assert "SYNTHETIC" in outcome.text
    assert f"printed '{cell['text']}' in {cell['file']}" in outcome.text
    assert f" {cell['cell']} [yearbook @" in outcome.text


def test_explain_says_which_correction_was_applied(small_warehouse):
    fixed = small_warehouse.published(
        "select i.city_id, i.year, i.indicator_code, v.correction_reason from mart.mart_indicator_source as i"
        " join mart.mart_source_value as v using (source_cell_id) where v.is_corrected limit 1"
    ).iloc[0]
    outcome = nqpf(small_warehouse, "explain", fixed["city_id"], str(fixed["year"]), fixed["indicator_code"])
    assert f"corrected: {fixed['correction_reason']}" in outcome.text


def test_status_names_release_vintage_and_current_loads(small_warehouse):
    outcome = nqpf(small_warehouse, "status")
    assert outcome.exit_code == 0
    assert "SYNTHETIC" in outcome.text
    assert "data vintage 2016A" in outcome.text
    assert "yearbook" in outcome.text


@pytest.mark.slow  # each switch starts a program of Dagster
def test_schedule_is_off_and_can_be_switched(copy_of_small_warehouse):
    house = copy_of_small_warehouse
    assert house.run("schedule", "status").lines == ["schedule yearly_refresh: off", "sensor landing_sensor: off"]
    assert house.run("schedule", "on").lines == ["schedule yearly_refresh: on", "sensor landing_sensor: on"]
    assert house.run("schedule", "off").lines == ["schedule yearly_refresh: off", "sensor landing_sensor: off"]


def test_explain_shows_the_report_whose_words_were_counted(small_warehouse):
    outcome = nqpf(small_warehouse, "explain", "Hefei", "2014", "p1_digatt")
    assert outcome.exit_code == 0
    assert "work_report/synthetic_work_report.csv" in outcome.text
    assert "printed 'SYNTHETIC。" in outcome.text


def test_demo_writes_a_country_without_the_named_effects(tmp_path):
    command = [str(Path(sys.executable).with_name("nqpf")), "demo", str(tmp_path / "new"), "--cities", "6"]
    done = subprocess.run([*command, "--without", "border"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "without border" in done.stdout
    parameters = (tmp_path / "new" / "truth" / "parameters.csv").read_text(encoding="utf-8")
    assert "border_factor,1.0" in parameters
    assert "theta_pc,0.8" in parameters
    again = subprocess.run(command, capture_output=True, text=True, check=False)
    assert again.returncode == 2
    assert "is not empty" in again.stdout
