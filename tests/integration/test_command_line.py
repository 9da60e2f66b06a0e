"""`nqpf` for people who read: SQL, trails, releases, status, schedule. Run as a user runs it, in its own process."""

from __future__ import annotations

import json
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


@pytest.mark.parametrize(
    ("form", "expected"), [("csv", "n\n12\n"), ("json", '[{"n": 12}]\n'), ("markdown", "| n |\n| --: |\n| 12 |\n")]
)
def test_sql_answers_in_the_form_that_was_asked_for(small_warehouse, form, expected):
    query = "select count(*) as n from mart.mart_sample_city where index_code = 'nqpf'"
    outcome = nqpf(small_warehouse, "sql", query, "--format", form)
    assert (outcome.exit_code, outcome.text) == (0, expected)


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("select * from nowhere", "nowhere"),
        ("create table mart.x as select 1", "read-only"),
        ("from read_csv('/etc/hosts')", "disabled by configuration"),
        ("install spatial", "disabled"),
    ],
)
def test_sql_reads_the_published_marts_and_nothing_else(small_warehouse, query, words):
    before = small_warehouse.published_sha256
    outcome = nqpf(small_warehouse, "sql", query)
    assert outcome.exit_code == 2
    assert words in outcome.text
    assert "Traceback" not in outcome.text
    assert small_warehouse.published_sha256 == before


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


@pytest.mark.parametrize(
    ("question", "words"),
    [
        (("Hefeii", "2014", "n1_edushare"), "Nearest names: Hefei"),
        (("合肥", "1999", "n1_edushare"), "There is no value of n1_edushare for 合肥市 Hefei in 1999"),
        (("合肥", "2014", "n9_nothing"), "Indicators with values:"),
    ],
)
def test_explain_helps_when_it_has_no_answer(small_warehouse, question, words):
    outcome = nqpf(small_warehouse, "explain", *question)
    assert outcome.exit_code == 2
    assert words in outcome.text


def test_status_names_release_vintage_and_current_loads(small_warehouse):
    outcome = nqpf(small_warehouse, "status")
    assert outcome.exit_code == 0
    assert "SYNTHETIC" in outcome.text
    assert "data vintage 2016A" in outcome.text
    assert "yearbook" in outcome.text


def test_release_list_and_diff_tell_what_moved(revised):
    house = revised.house
    names = [folder.name for folder in house.releases]
    listing = nqpf(house, "release", "list")
    assert all(name in listing.text for name in names)
    diff = nqpf(house, "release", "diff", names[0], names[-1])
    assert diff.exit_code == 0
    assert f"{names[-1]}, compared with {names[0]}" in diff.text
    assert "Scores that moved" in diff.text
    assert nqpf(house, "release", "diff", names[0], "2000.1.0").exit_code == 2


def test_release_manifest_says_what_made_it(small_warehouse):
    manifest = json.loads((small_warehouse.releases[-1] / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest["hashes"]) == {"seeds", "specs", "params"}
    assert {entry["source"] for entry in manifest["inputs"]} >= {"yearbook", "registry", "gdp_revised"}


def test_commands_that_read_say_so_when_nothing_is_published(tmp_path):
    command = [str(Path(sys.executable).with_name("nqpf")), "status", "--warehouse", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Run `nqpf refresh` first" in done.stdout


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


def test_demo_names_the_effects_that_there_are(tmp_path):
    command = [str(Path(sys.executable).with_name("nqpf")), "demo", str(tmp_path / "new"), "--without", "wind"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "unknown effect 'wind': choose from spatial_lag, spillover" in done.stdout
    assert not (tmp_path / "new").exists()
