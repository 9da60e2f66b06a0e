"""`nqpf` for people who read: SQL, trails, releases, status, schedule."""

import json
import re

import pytest
from house import CITIES, unchanged_environment
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.publish.citation import Cited, citation


@pytest.fixture(scope="module")
def asked(small_warehouse):
    """asked(*words): exit code, answer, and what was said beside it; the warehouse is named by the environment."""

    def ask(*words, **environment):
        place = {"NQPF_WAREHOUSE": str(small_warehouse.paths.warehouse)}
        with unchanged_environment():
            done = CliRunner().invoke(app, words, env={"COLUMNS": "200", **place, **environment})
        return done.exit_code, done.stdout, done.stderr

    return ask


@pytest.mark.parametrize(
    ("form", "expected"), [("csv", "n\n12\n"), ("json", '[{"n": 12}]\n'), ("markdown", "| n |\n| --: |\n| 12 |\n")]
)
def test_sql_answers_in_the_form_that_was_asked_for(small_warehouse, asked, form, expected):
    query = "select count(*) as n from mart.mart_sample_city where index_code = 'nqpf'"
    code, answer, beside = asked("sql", query, "--format", form)
    assert (code, answer) == (0, expected)
    assert "SYNTHETIC" in beside
    assert str(small_warehouse.paths.published_file) in beside


def test_a_pipe_gets_csv_and_every_statement_is_answered(asked):
    assert asked("sql", "select 1 as a; select 'x' as b")[:2] == (0, "a\n1\nb\nx\n")


def test_a_table_leaves_columns_out_and_never_values(small_warehouse, asked):
    query = "select *, 4.0499999999999545 as long_number from city_ranking order by year, rank_year limit 3"
    code, answer, _ = asked("sql", query, "--format", "table", COLUMNS="90")
    assert code == 0
    assert "4.05" in answer
    assert "4.0499" not in answer
    assert small_warehouse.value("select basis from mart.city_ranking limit 1") in answer
    assert max(map(len, answer.splitlines())) <= 90
    assert "3 rows; 22 columns (" in answer


@pytest.mark.parametrize(
    ("rest", "why"),
    [
        ("city_ranking where index_code = 'other'", "index 'other' is not computed here ("),
        ("city_ranking where year = 1999", "scores are of 2012 to 2016, not of 1999"),
        ("panel_long where name_zh = '合肥市' and year = 1990", "scores are of 2012 to 2016, not of 1990."),
        ("gap as g where g.scheme = 'east_west'", "scheme of easy.gap is never 'east_west' (it is "),
        ("ranking where name_en = 'Hefe'", "name_en of easy.ranking is never 'Hefe' (it is"),
    ],
)
def test_no_rows_say_why_and_name_what_there_is(asked, rest, why):
    code, answer, beside = asked("sql", f"select year from {rest}")
    assert (code, answer) == (0, "year\n")
    assert f"0 rows: {why}" in beside
    assert ("Hefei" in beside) == ("'Hefe'" in rest)
    assert ("east_vs_cw" in beside) == ("east_west" in rest)


def test_tables_and_columns_are_found_by_a_word(asked):
    code, answer, _ = asked("tables", "Dagum")
    assert code == 0
    assert {line.split(",")[0] for line in answer.splitlines()} >= {"mart.mart_dagum_between", "mart.mart_dagum_within"}
    assert "easy.inequality" in {line.split(",")[0] for line in asked("tables", "基尼")[1].splitlines()}
    assert asked("tables", "no such word")[0] == 2
    described = asked("describe", "city_ranking")[1]
    assert described.splitlines()[0] == "column,type,holds,comment_zh"
    assert re.search(r"^rank_year,integer,.*,当年名次，1为最高分$", described, flags=re.MULTILINE)
    code, said, _ = asked("describe", "city_rankin")
    assert code == 2
    assert "Did you mean mart.city_ranking" in said


def test_the_parts_of_a_comparison_sum_to_the_lead(small_warehouse, asked):
    ranking = small_warehouse.published(
        "select city_id, score_100 from mart.city_ranking where is_headline and year = 2016 order by rank_year"
    )
    best, last = ranking.iloc[[0, -1]].itertuples(index=False)
    code, answer, _ = asked("compare", best.city_id, last.city_id, "2016", "--format", "json")
    assert code == 0
    assert sum(row["lead"] for row in json.loads(answer)) == pytest.approx(best.score_100 - last.score_100, abs=1e-9)
    assert "has no score" in asked("compare", best.city_id, last.city_id, "1999")[1]
    assert "Nearest names" in asked("compare", "Hefeii", last.city_id, "2016")[1]


def test_every_repeated_option_of_whatif_counts(asked):
    dropped = ["n2_broadband", "n1_hestud"]
    repeated = asked("whatif", *(part for code in dropped for part in ("--drop", code)), "--format", "json")
    assert repeated[0] == 0
    assert repeated[1] == asked("whatif", "--drop", ",".join(dropped), "--format", "json")[1]
    assert repeated[1] != asked("whatif", "--drop", dropped[1], "--format", "json")[1]
    assert repeated[1] != asked("whatif", "--drop", dropped[0], "--format", "json")[1]


def test_answers_for_the_screen_keep_their_numbers_at_80_columns(asked):
    answer = asked("compare", "合肥", "济南", "2016", COLUMNS="80")[1]
    assert all(word in answer for word in ("Hefei", "Jinan", "lead", "weight"))
    answer = asked("whatif", "--drop", "n1_hestud", COLUMNS="80")[1]
    assert all(word in answer for word in ("rank", "new rank", "places won", "score", "new score"))
    assert "…" not in answer


@pytest.mark.parametrize(
    ("form", "words"),
    [("text", "[Data set]"), ("bibtex", "@misc{nqpf_"), ("gbt7714", "[DS/DK]. 版本"), ("gbt7714-2015", "[DS]. 版本")],
)
def test_a_citation_names_release_vintage_and_hash(small_warehouse, asked, form, words):
    code, answer, _ = asked("cite", "合肥", "2016", "--format", form)
    release, sha256 = small_warehouse.releases[-1].name, small_warehouse.published_sha256
    assert code == 0
    assert all(part in answer for part in (words, release, "2016A", sha256[:16], "Hefei", "SYNTHETIC"))


def test_what_is_cited_online_has_carrier_day_and_address():
    cited = Cited("2026.11.0", "2024A", "m", 2026, False, url="https://example.org/nqpf", day="2026-11-29")
    text = "NQPF warehouse contributors. 中国城市新质生产力数据仓库[DS/OL]. 版本 2026.11.0，数据版次 2024A，方法 m."
    assert citation(cited, "gbt7714") == f"{text} 2026[2026-11-29]. https://example.org/nqpf."


def test_a_table_is_cited_too_and_an_unknown_one_is_not(asked):
    assert "Table mart.city_ranking" in asked("cite", "city_ranking")[1]
    assert asked("cite", "no_table")[0] == 2


def test_a_warehouse_can_be_remembered(small_warehouse, asked, tmp_path):
    home = {"NQPF_WAREHOUSE": "", "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}
    assert asked("use", str(tmp_path), **home)[0] == 2
    place = str(small_warehouse.paths.warehouse)
    assert place in asked("use", place, **home)[1]
    assert place in asked("sql", "select 1", **home)[2]
    assert place not in asked("use", "--forget", **home)[1]


def test_status_names_release_vintage_and_current_loads(asked):
    code, answer, beside = asked("status")
    assert code == 0
    assert all(part in answer + beside for part in ("SYNTHETIC", "data vintage 2016A", "yearbook"))


@pytest.mark.slow  # each switch starts a program of Dagster
def test_schedule_is_off_and_can_be_switched(house):
    for asked, state in (("status", "off"), ("on", "on"), ("off", "off")):
        said = house.run("schedule", asked)
        assert said.lines == [f"schedule yearly_refresh: {state}", f"sensor landing_sensor: {state}"]


def test_demo_writes_a_country_without_the_named_effects(tmp_path):
    command = ["demo", str(tmp_path / "new"), "--cities", "6"]
    done = CliRunner().invoke(app, [*command, "--without", "border"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert "without border" in done.stdout
    parameters = (tmp_path / "new" / "truth" / "parameters.csv").read_text(encoding="utf-8")
    assert "border_factor,1.0" in parameters
    assert "theta_pc,0.8" in parameters
    again = CliRunner().invoke(app, command)
    assert again.exit_code == 2
    assert "is not empty" in again.stdout


# ---- explain: the score, why it is what it is, and what moved; and the measurement marts behind it ----------

FROZEN, HEFEI = "frozen_2012_2021", "CN340100"
SCORES = (
    f"from mart.mart_index_score where index_code = 'nqpf' and basis = '{FROZEN}' and weight_scheme = 'entropy_flat'"
)


def test_explain_leads_from_the_indicator_to_the_printed_cell(small_warehouse, asked):
    code, answer, beside = asked("explain", "Hefei", "2014", "n1_edushare")
    cell = small_warehouse.published(
        "select text, cell, file from mart.mart_indicator_source join mart.dim_city using (city_id)"
        " where name_en = 'Hefei' and year = 2014 and indicator_code = 'n1_edushare'"
        " and variable_code = 'fiscal_education'"
    ).iloc[0]
    assert code == 0
    assert "SYNTHETIC" in answer + beside
    assert f"printed '{cell['text']}' in {cell['file']}" in answer
    assert f" {cell['cell']} [yearbook @" in answer


def test_explain_says_which_correction_was_applied_and_which_report_was_counted(small_warehouse, asked):
    fixed = small_warehouse.published(
        "select i.city_id, i.year, i.indicator_code, v.correction_reason from mart.mart_indicator_source as i"
        " join mart.mart_source_value as v using (source_cell_id) where v.is_corrected limit 1"
    ).iloc[0]
    answer = asked("explain", fixed["city_id"], str(fixed["year"]), fixed["indicator_code"])[1]
    assert f"corrected: {fixed['correction_reason']}" in answer
    answer = asked("explain", "Hefei", "2014", "p1_digatt")[1]
    assert "work_report/synthetic_work_report.csv" in answer
    assert "printed 'SYNTHETIC。" in answer


def test_the_answer_fits_on_one_screen(small_warehouse, asked):
    text = "".join(asked("explain", "Hefei", "2014")[1:])
    (score,) = small_warehouse.published(f"{SCORES} and city_id = ? and year = 2014", [HEFEI]).itertuples()
    assert "SYNTHETIC" in text
    assert f"score  {score.score_100:.2f} of 100" in text
    assert f"rank   {score.rank_year} of {CITIES}" in text
    assert "What moved it most since 2013" in text
    assert "draws of all choices; 2013: " in text
    assert len(text.strip().splitlines()) <= 24


def test_json_and_markdown_hold_the_same_answer(asked):
    code, told, _ = asked("explain", "Hefei", "2014", "--json")
    assert code == 0
    assert json.loads(asked("explain", "Hefei", "2014", "--format", "json")[1]) == json.loads(told)
    assert asked("explain", "Hefei", "2014", "--format", "markdown")[1].startswith("## 合肥市 Hefei")
    code, answer, beside = asked("explain", "Hefei", "2014", "n1_edushare", "--format", "json")
    assert code == 2
    assert "leave the indicator out" in answer + beside


def test_every_indicator_has_a_weight_and_those_of_the_headline_a_standard_error_and_an_interval(small_warehouse):
    weights = small_warehouse.published("from mart.mart_index_weight where index_code = 'nqpf'")
    assert (weights.loc[weights["weight_scheme"] != "pca", "weight"] >= 0).all()
    assert (weights.groupby(["basis", "weight_scheme", "year"], dropna=False).size() == 22).all()
    headline = weights["weight_scheme"] == "entropy_flat"
    assert (weights.loc[headline, "weight_se"] > 0).all()
    assert (weights.loc[headline, "weight_p05"] <= weights.loc[headline, "weight_p95"]).all()
    assert weights.loc[~headline, "weight_se"].isna().all()
