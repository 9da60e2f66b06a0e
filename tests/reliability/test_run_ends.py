"""Whoever starts a run, it is guarded and takes its turn; its end is written down; to run again changes nothing."""

import datetime as dt
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from changed import RAW_TABLES, SCORES, Raw
from house import CITIES, YEARS, House, paths_below
from killing import Refresh, State, land_a_change, nothing_is_lost, published_is_whole

from dagster_project.cli import refresh as command
from dagster_project.definitions import build_defs
from dagster_project.defs.sensors import status_of_run
from dagster_project.paths import PROJECT
from dagster_project.run.kind import WrongKindError
from dagster_project.run.lock import holder, refresh_lock
from dagster_project.run.status import WEBHOOK, known_seconds, read_status

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

TAIAN = "CN370900"


@pytest.fixture(autouse=True)
def no_webhook(monkeypatch):
    monkeypatch.delenv(WEBHOOK, raising=False)


def dagster(house, job, *words, **environment):
    """`dagster job execute`, as Dagster's own processes are started: exit code and all that is said."""
    paths = house.paths
    places = {"NQPF_LANDING": paths.landing, "NQPF_WAREHOUSE": paths.warehouse, "NQPF_SIDECARS": paths.sidecars}
    own = {**os.environ, **places, "DAGSTER_HOME": paths.dagster_home, **environment}
    own = {name: str(value) for name, value in own.items() if value is not None}
    program = str(Path(sys.executable).with_name("dagster"))
    words = [program, "job", "execute", "-m", "dagster_project.definitions", "-j", job, *words]
    done = subprocess.run(words, cwd=PROJECT, env=own, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr + done.stdout


# ---- the warehouse is guarded behind every door: command, page, schedule, a single node --------------------


@pytest.fixture
def marked_real(house):
    """A warehouse that holds real data, as far as its mark says, while the landing folder is the demo's."""
    house.paths.kind_file.write_text("real\n", encoding="utf-8")
    before = content(house)
    yield house
    assert content(house) == before


def content(house):
    counts = [house.build(f"select count(*) from {name}").squeeze() for name in (*RAW_TABLES, "ops.run_log")]
    return house.published_sha256, counts


@pytest.mark.parametrize("job", ["ingest", "rebuild", "refresh"])
def test_a_job_that_dagster_starts_never_mixes_demo_and_real(marked_real, job):
    years = {"dagster/asset_partition_range_start": "2014", "dagster/asset_partition_range_end": "2014"}
    code, said = dagster(marked_real, job, *(["--tags", json.dumps(years)] if job != "rebuild" else []))
    assert code != 0
    assert "This warehouse holds real data and the landing files are synthetic" in said


def test_a_single_node_never_mixes_them_either(marked_real):
    """In this process, without the executor of the jobs: as a test or a notebook would start it."""
    defs = build_defs(marked_real.paths)
    node = defs.get_assets_def(dg.AssetKey(["raw", "series_cells"]))
    with pytest.raises(dg.DagsterError) as failed:
        dg.materialize([node], selection=[*node.keys], resources=dict(defs.resources or {}))
    assert isinstance(failed.value.__cause__, WrongKindError)


def test_a_warehouse_named_by_half_reads_its_own_landing_folder_or_nothing(marked_real):
    """NQPF_WAREHOUSE without NQPF_LANDING: the demo's files must not enter a real warehouse."""
    assert dagster(marked_real, "rebuild", NQPF_LANDING=None, NQPF_SIDECARS=None)[0] != 0


# ---- it takes its turn -------------------------------------------------------------------------------------


def test_job_of_dagster_beside_a_refresh_takes_its_turn(house):
    before = State.of(house)
    land_a_change(house, 1)
    run = Refresh(house)
    run.wait_for_step(2)
    assert holder(house.paths)[1]
    code, said = dagster(house, "rebuild")
    assert run.wait(5) == 0, run.text  # the job ended after it
    assert code == 0, said[-3000:]
    assert "This run waits for at most" in said
    assert len(house.releases) == 2  # the job found nothing new
    published_is_whole(house, by_table=True)
    nothing_is_lost(before, State.of(house))


# ---- each end is written down in reports/last_run.json, whatever its exit code ------------------------------


@pytest.fixture
def unread(small_warehouse, tmp_path):
    """Landing files, and no warehouse yet."""
    house = House(paths_below(tmp_path))
    shutil.copytree(small_warehouse.paths.landing, house.paths.landing)
    return house


def test_a_release_is_written_down_with_every_step(small_warehouse):
    reports = small_warehouse.paths.reports
    ended = read_status(reports)
    assert (ended["job"], ended["status"], ended["exit_code"]) == ("nqpf refresh", "published", 0)
    assert ended["release"] == small_warehouse.releases[-1].name
    assert dt.datetime.fromisoformat(ended["started"]).tzinfo == dt.UTC
    assert all(step["passed"] for step in ended["steps"])
    assert [ended["steps"][at]["step"] for at in (0, -1)] == ["landing__series", "published__city"]
    assert 0 < sum(step["seconds"] for step in ended["steps"]) <= ended["seconds"]
    assert {f"{step['job']}/{step['step']}" for step in ended["steps"]} == set(known_seconds(reports))


def test_a_refusal_says_why_and_which_release_still_stands(refused):
    ended = read_status(refused.house.paths.reports)
    assert (ended["status"], ended["exit_code"]) == ("refused", 3)
    assert ended["release"] == refused.house.releases[-1].name
    stopped = {step["step"] for step in ended["steps"] if not step["passed"]}
    assert {"raw__load"} <= stopped <= {"raw__load", "raw__series_load"}
    assert any("gdp_nom" in sentence for sentence in ended["message"])


def test_bad_input_and_a_warehouse_in_use_are_written_down(unread):
    with refresh_lock(unread.paths):
        assert unread.refresh().exit_code == 4
    assert read_status(unread.paths.reports)["status"] == "busy"
    for sidecar in unread.paths.landing.rglob("*.yml"):
        sidecar.unlink()
    assert unread.refresh().exit_code == 2
    ended = read_status(unread.paths.reports)
    assert (ended["status"], ended["exit_code"], ended["release"], ended["steps"]) == ("bad_input", 2, None, [])
    assert "There is no sidecar" in ended["message"][0]


def test_a_fault_and_an_interruption_are_written_down(unread, monkeypatch):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(command, "_run", fail)
    error = RuntimeError("a bug")
    with pytest.raises(RuntimeError):
        unread.refresh()
    ended = read_status(unread.paths.reports)
    assert (ended["status"], ended["exit_code"], ended["message"]) == ("failed", 1, ["RuntimeError: a bug"])
    error = KeyboardInterrupt()
    assert unread.refresh().exit_code == 1
    ended = read_status(unread.paths.reports)
    assert (ended["status"], ended["exit_code"]) == ("interrupted", 1)
    assert ended["message"][0].startswith("Interrupted before the first step.")


def test_a_run_that_dagster_started_reads_the_same(revised, monkeypatch):
    """The job `refresh` ran there without the command: what the sensor would write comes from its events."""
    paths = revised.house.paths
    monkeypatch.setenv("DAGSTER_HOME", str(paths.dagster_home))
    with dg.DagsterInstance.from_config(str(paths.dagster_home)) as instance:
        ended = status_of_run(paths, instance, instance.get_runs(limit=1)[0])
    assert (ended.job, ended.status, ended.exit_code) == ("refresh", "published", 0)
    assert ended.release == revised.house.releases[-1].name
    assert ended.steps[-1].words == "publish and report"
    assert 0 < sum(step.seconds for step in ended.steps) <= ended.seconds


# ---- running again changes nothing; a new version of a file adds to the record ------------------------------


def test_second_refresh_changes_nothing(house):
    raw, sha256, releases = Raw.of(house), house.published_sha256, house.releases
    outcome = house.must_refresh()
    assert "Nothing changed since" in outcome.text
    assert raw.is_equal(Raw.of(house))
    assert house.releases == releases
    assert house.published_sha256 == sha256
    assert {p.name for p in house.paths.published.iterdir()} == {"city.duckdb", "releases"}
    assert len(house.build("from ops.run_log")) == 1  # nothing had to run


def test_job_of_the_schedule_runs_partitioned_and_unpartitioned_assets_in_one_run(revised):
    assert revised.went_through
    house = revised.house
    assert len(house.build("from ops.run_log")) == 2
    read_now = house.build("select name from raw.state where name like 'read %' || ?", [revised.vintage_new])
    assert list(read_now["name"]) == [f"read yearbook 2014 {revised.vintage_new}"]
    scored = house.published("select count(distinct city_id) as n from mart.mart_index_score where index_code = 'nqpf'")
    assert scored["n"].item() == CITIES


def test_a_second_edition_is_bridged_from_the_vintage_before_it(revised):
    """One cell of 2014 was revised: only its own city-year has a part of revision, and every row sums up."""
    house, (old, new) = revised.house, (f"2016{letter}" for letter in "AB")
    bridge = house.published(
        "from mart.mart_index_restatement where index_code = 'nqpf' and basis_old = basis_new and vintage_old = ?"
        " and vintage_new = ?",
        [old, new],
    )
    assert len(bridge) == 2 * CITIES * len(YEARS)
    parts = bridge[["part_revision", "part_bounds", "part_weights", "part_method"]]
    np.testing.assert_allclose(parts.sum(axis=1), bridge["total_change"], rtol=0, atol=1e-12)
    touched = bridge[bridge["part_revision"].abs() > 1e-12]
    assert set(zip(touched["city_id"], touched["year"], strict=True)) == {("CN370900", 2014)}
    score = house.published(
        "from mart.mart_index_score where index_code = 'nqpf' and weight_scheme = 'entropy_flat'"
    ).set_index(["basis", "city_id", "year"])["score"]
    keys = pd.MultiIndex.from_frame(bridge[["basis_new", "city_id", "year"]])
    np.testing.assert_allclose(bridge["score_new"], score.loc[keys], rtol=0, atol=1e-14)


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
    (row,) = revised.house.published("from mart.mart_revision_log where kind = 'file' and year = 2014").itertuples()
    assert (row.city_id, row.variable_code) == (TAIAN, "fiscal_science")
    assert (row.vintage_old, row.vintage_new) == (revised.vintage_old, revised.vintage_new)
    assert row.value_new == round(row.value_old * 1.1)
    assert row.pct_change == pytest.approx(10, abs=0.01)


def test_new_vintage_is_the_current_one(revised):
    loads = revised.house.published(
        "select vintage, is_current from mart.mart_source_load"
        " where source = 'yearbook' and data_year = 2014 order by load_no"
    )
    assert loads.to_numpy().tolist() == [[revised.vintage_old, False], [revised.vintage_new, True]]
    used = "select distinct vintage from mart.mart_source_value where source = 'yearbook' and year = 2014"
    assert revised.house.value(used) == revised.vintage_new


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
    loads = house.published("select source, data_year, vintage, is_current from mart.mart_source_load")
    good = set(refused.vintages.values()) & set(loads.loc[loads["is_current"], "vintage"])
    assert good == {refused.vintages["registry_utf16"]}  # the newest accepted vintage of the registry
    assert len(loads[(loads["source"] == "yearbook") & (loads["data_year"] == 2014)]) == 1
    manifest = json.loads((house.releases[-1] / "manifest.json").read_text(encoding="utf-8"))
    inputs = {load["vintage"] for load in manifest["inputs"]}
    accepted = {name for name, vintage in refused.vintages.items() if vintage in inputs}
    assert accepted == {"registry_gb18030", "registry_utf8", "registry_utf16"}
    pd.testing.assert_frame_equal(house.published(SCORES), refused.scores_before, check_exact=True)
