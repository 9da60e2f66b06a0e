"""Dagster's side of the house: the graph, the schedule, the sensor, the pool that keeps writers apart."""

import datetime as dt
import json
import os
import re
import shutil
from pathlib import Path

import dagster as dg
import pytest
import yaml
from house import held_open, unchanged_environment
from landing_tools import changed_copy, supersede

from dagster_project.definitions import build_defs
from dagster_project.defs import sensors
from dagster_project.defs.asset_groups import GROUPS
from dagster_project.defs.dbt_project import STEPS
from dagster_project.defs.descriptions import check_description, result_table
from dagster_project.defs.gate import key_of_verdict
from dagster_project.defs.state import Record, step_of_load, write_records
from dagster_project.ingest.sidecar import landed_sidecars
from dagster_project.paths import PROJECT
from dagster_project.run.versions import gate_hash
from dagster_project.store import Warehouse

KEYS = Path(__file__).with_name("asset_keys.txt")


@pytest.fixture(scope="module")
def defs(small_warehouse):
    with unchanged_environment():
        yield build_defs(small_warehouse.paths)


@pytest.fixture(scope="module")
def manifest(small_warehouse):
    """What dbt knows of the project."""
    return json.loads((small_warehouse.paths.dbt_target / "manifest.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def desk(copy_small_warehouse):
    """A warehouse in whose landing folder files arrive, and its repository."""
    house = copy_small_warehouse("desk")
    with unchanged_environment():
        yield house, build_defs(house.paths).get_repository_def()


@pytest.fixture
def landing(desk, small_warehouse):
    """The landing folder of it, as it was."""
    folder = desk[0].paths.landing
    shutil.rmtree(folder)
    shutil.copytree(small_warehouse.paths.landing, folder)
    return folder


@pytest.fixture
def sensed(desk, landing):
    """What the sensor says when it ticks."""

    def tick():
        _, repository = desk
        with dg.DagsterInstance.ephemeral() as instance:
            context = dg.build_sensor_context(instance=instance, repository_def=repository)
            return repository.get_sensor_def("landing_sensor").evaluate_tick(context)

    return tick


def scheduled(repository, when):
    """What the schedule says when it ticks."""
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=when, repository_def=repository)
        return repository.get_schedule_def("yearly_refresh").evaluate_tick(context)


def instance_of(house):
    return dg.DagsterInstance.from_config(str(house.paths.dagster_home))


# ---- the graph -----------------------------------------------------------------------------------------


def test_asset_keys_are_the_ones_on_record(defs):
    """A key is what people type in SQL: it may not change by accident. NQPF_RENEW=1 writes the record anew."""
    keys = sorted("/".join(key.path) for key in defs.resolve_asset_graph().get_all_asset_keys())
    if os.environ.get("NQPF_RENEW"):
        KEYS.write_text("\n".join(keys) + "\n", encoding="utf-8")
    recorded = KEYS.read_text(encoding="utf-8").split()
    assert keys == recorded, f"new: {set(keys) - set(recorded)}, gone: {set(recorded) - set(keys)}"


def test_refresh_is_ingest_and_rebuild_and_nothing_twice(defs):
    """dbt is started once a turn between SQL and Python: each start costs seconds. A Python method that reads a mart
    outside `marts/dimensions` would add some."""
    jobs = [defs.resolve_job_def(name) for name in ("ingest", "rebuild", "refresh")]
    ingest, rebuild, refresh = (set(job.asset_layer.selected_asset_keys) for job in jobs)
    assert not ingest & rebuild
    assert ingest | rebuild == refresh
    assert dg.AssetKey(["published", "city"]) in rebuild
    starts = [sorted(node.name for node in job.nodes if node.name.startswith("dbt_")) for job in jobs]
    assert starts == [["dbt_reading"], ["dbt_marts", "dbt_panel", "dbt_values"], sorted(STEPS)]


def test_every_asset_is_described_and_grouped_and_feeds_no_group_before_its_own(defs):
    """Also the tables that are written beside an asset: whoever sees a box in the graph can read what it is. Nobody is
    named as owner: the project has no teams. Up to the panel the numbers of the groups say what comes first."""
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.description, key
        assert not node.owners, key
        assert node.group_name in GROUPS.values(), (key, node.group_name)
        assert node.kinds, key
        if node.group_name <= GROUPS["panel"]:
            assert all(graph.get(parent).group_name <= node.group_name for parent in node.parent_keys), key


def test_marts_and_results_know_their_columns_before_they_ever_ran(defs, manifest):
    """By contract: that of the mart, or of the one-line mart that publishes a result."""
    graph = defs.resolve_asset_graph()
    published = {f"py/{table}" for node in manifest["nodes"].values() if (table := result_table(node))}
    known = {key for key in graph.get_all_asset_keys() if "dagster/column_schema" in graph.get(key).metadata}
    without = {key.to_user_string() for key in set(graph.get_all_asset_keys()) - known}
    assert not {name for name in without if name in published or name.startswith("mart/")}
    score = graph.get(dg.AssetKey(["py", "index_score"])).metadata["dagster/column_schema"]
    described = {column.name: column.description for column in score.columns}
    assert described["score"].startswith("Weighted sum of z")
    assert "data_vintage" not in described  # the mart adds it


def test_every_asset_that_opens_the_build_file_is_in_the_pool_and_the_gate_blocks_what_follows(defs):
    outside, gates = set(), {}
    for assets in defs.resolve_asset_graph().assets_defs:
        if assets.is_executable and set(assets.node_def.pools) != {"warehouse"}:
            outside |= {key.to_user_string() for key in assets.keys}
        gates |= {c.asset_key.to_user_string(): c.blocking for c in assets.check_specs if c.name == "gate"}
    assert outside == {"landing/yearly", "landing/series"}  # these never open the build file
    assert gates == {"raw/load": True, "raw/series_load": True}


def test_instance_allows_one_run_and_one_writer(small_warehouse):
    written = yaml.safe_load((small_warehouse.paths.dagster_home / "dagster.yaml").read_text(encoding="utf-8"))
    assert written["concurrency"] == {"pools": {"default_limit": 1}, "runs": {"max_concurrent_runs": 1}}
    assert written["telemetry"] == {"enabled": False}
    shipped = PROJECT / "dagster_project" / "defs" / "dagster.yaml"
    assert yaml.safe_load(shipped.read_text(encoding="utf-8")) == written
    with instance_of(small_warehouse) as instance:
        config = instance.get_concurrency_config()
    assert config.pool_config.default_pool_limit == config.run_queue_config.max_concurrent_runs == 1


# ---- schedule and sensor ---------------------------------------------------------------------------------


def test_schedule_and_sensor_are_off_until_somebody_switches_them_on(defs):
    assert defs.get_schedule_def("yearly_refresh").default_status == dg.DefaultScheduleStatus.STOPPED
    assert defs.get_sensor_def("landing_sensor").default_status == dg.DefaultSensorStatus.STOPPED


def test_tick_in_january_asks_for_one_run_of_the_newest_year(defs):
    tick = dt.datetime(2027, 1, 15, 6, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    result = scheduled(defs.get_repository_def(), tick)
    assert result.skip_message is None
    (request,) = result.run_requests
    assert request.partition_key == "2016"
    assert request.run_key == "yearly-2027-01-15"


def test_tick_without_sidecars_gives_the_reason(desk, landing):
    for sidecar in landing.rglob("*.yml"):
        sidecar.unlink()
    result = scheduled(desk[1], dt.datetime.now(dt.UTC))
    assert not result.run_requests
    assert "There is no sidecar" in result.skip_message


def test_sensor_is_silent_when_everything_landed_is_accepted(sensed):
    result = sensed()
    assert not result.run_requests
    assert result.skip_message == "Every landed file is accepted."


def land(landing, year):
    """A new edition of one year, not yet read."""
    folder = landing / "yearbook" / str(year)

    def change(page):
        page.rows[page.row_of("合肥市")][page.column_of("教育支出")] += 1

    file = changed_copy(folder / f"synthetic_yearbook_{year}.xlsx", "new.xlsx", change)
    supersede(landing, folder / "yearbook.yml", file)
    return file


def test_sensor_asks_for_the_year_of_a_landed_file_once(landing, sensed):
    land(landing, 2013)
    (request,) = sensed().run_requests
    assert request.partition_key == "2013"
    (again,) = sensed().run_requests
    assert again.run_key == request.run_key  # Dagster starts no second run for the same key


def test_sensor_gives_the_reason_when_a_landed_file_is_missing(landing, sensed):
    land(landing, 2013).unlink()
    result = sensed()
    assert not result.run_requests
    assert "The file of yearbook 2013 is missing" in result.skip_message


def test_sensor_asks_for_the_good_file_although_another_is_missing(landing, sensed):
    land(landing, 2013)
    land(landing, 2014).unlink()
    (request,) = sensed().run_requests
    assert request.partition_key == "2013"


def test_sensor_says_that_the_gate_refused_a_file_and_asks_again_once_a_seed_is_mended(
    desk, landing, sensed, monkeypatch
):
    land(landing, 2013)
    paths = desk[0].paths
    sidecar = next(s for s in landed_sidecars(paths) if s.data_year == 2013 and s.supersedes)
    with Warehouse(paths.build_file).connect() as con:
        con.execute(
            "insert into raw.load by name select ? as source, 2013 as data_year, ? as vintage, false as is_accepted,"
            " timestamp '2027-01-16 07:30' as decided_at",
            [sidecar.source, sidecar.vintage],
        )
        write_records(con, {step_of_load("judge", sidecar): Record(key_of_verdict(sidecar, gate_hash(paths)), "")})
    result = sensed()
    assert not result.run_requests
    assert "yearbook 2013 was refused by the gate on 2027-01-16 07:30" in result.skip_message
    monkeypatch.setattr(sensors, "gate_hash", lambda _paths: "a seed was mended")
    (request,) = sensed().run_requests
    assert request.run_key.endswith("a seed was mended")
    with Warehouse(paths.build_file).connect() as con:
        con.execute("delete from raw.load where vintage = ?", [sidecar.vintage])


def test_sensor_waits_while_another_run_writes(desk, landing, sensed):
    land(landing, 2013)
    with held_open(desk[0].paths.build_file, "writing"):
        result = sensed()
    assert not result.run_requests
    assert "is in use by another process" in result.skip_message


# ---- what an operator sees -------------------------------------------------------------------------------


def test_runs_of_the_command_are_runs_of_their_job(small_warehouse):
    """As the page of a job asks: by the tag that names the code location."""
    label = "__repository__@dagster_project.definitions"
    with instance_of(small_warehouse) as instance:
        for job in ("ingest", "rebuild"):
            runs = instance.get_runs(dg.RunsFilter(job_name=job, tags={".dagster/repository": label}))
            assert runs
            assert all(run.is_success for run in runs)


def test_a_refusal_is_its_reason_and_only_its_year_is_red(refused):
    with unchanged_environment(), instance_of(refused.house) as instance:
        defs = build_defs(refused.house.paths)
        run = next(run for run in instance.get_runs() if run.job_name == "ingest" and not run.is_success)
        (failure,) = [
            entry.dagster_event.step_failure_data
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE)
            if entry.dagster_event.step_key == "raw__load"
        ]
        key = dg.AssetKey(["raw", "load"])
        made = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION)
        years = {entry.dagster_event.partition for entry in made if entry.dagster_event.asset_key == key}
    assert failure.user_failure_data.description.startswith("Refused: yearbook ")
    accepted = refused.house.build("select data_year, bool_and(is_accepted) as ok from raw.load group by 1")
    assert years == {str(row.data_year) for row in accepted.itertuples() if row.ok}
    assert 0 < len(years) < len(defs.resolve_asset_graph().get(key).partitions_def.get_partition_keys())


def test_a_year_says_what_is_in_it(small_warehouse):
    cells = small_warehouse.build("select data_year, count(*) as n from raw.cells group by 1 order by 1")
    with instance_of(small_warehouse) as instance:
        for year, n in cells.itertuples(index=False):
            records = dg.AssetRecordsFilter(dg.AssetKey(["raw", "cells"]), asset_partitions=[str(year)])
            (found,) = instance.fetch_materializations(records, limit=1).records
            assert found.asset_materialization.metadata["dagster/partition_row_count"].value == n


def test_a_table_shows_rows_and_a_preview_and_each_check_its_outcome(defs, small_warehouse):
    kinds = (dg.DagsterEventType.ASSET_MATERIALIZATION, dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    with instance_of(small_warehouse) as instance:
        runs = [run for run in instance.get_runs() if run.job_name in ("ingest", "rebuild")]
        made, judged = (
            [e.dagster_event for run in runs for e in instance.all_logs(run.run_id, of_type=kind)] for kind in kinds
        )
    scores = next(event for event in made if event.asset_key.path == ["mart", "mart_index_score"])
    assert {"dagster/row_count", "preview", "seconds"} <= set(scores.materialization.metadata)
    checks = {check.asset_check_key for event in judged if (check := event.event_specific_data)}
    assert checks == {check.key for assets in defs.resolve_asset_graph().assets_defs for check in assets.check_specs}
    assert all(event.event_specific_data.passed for event in judged)


def test_the_published_file_turns_red_when_a_year_was_missed(defs):
    policy = defs.resolve_asset_graph().get(dg.AssetKey(["published", "city"])).freshness_policy
    assert policy.fail_window.to_timedelta() == dt.timedelta(days=400)


def test_every_check_and_every_column_that_a_page_shows_is_described(defs, manifest, small_warehouse):
    graph = defs.resolve_asset_graph()
    checks = [check for assets in graph.assets_defs for check in assets.check_specs]
    assert len(checks) > 100
    assert [check.name for check in checks if not check.description] == []
    schemas = {key.to_user_string(): graph.get(key).metadata for key in graph.get_all_asset_keys()}
    with instance_of(small_warehouse) as instance:
        for run in instance.get_runs():
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION):
                made = entry.dagster_event.step_materialization_data.materialization
                schemas[made.asset_key.to_user_string()] = {**schemas[made.asset_key.to_user_string()], **made.metadata}
    columns = {
        (name, column.name): column.description
        for name, metadata in schemas.items()
        if (schema := metadata.get("dagster/column_schema"))
        for column in getattr(schema, "schema", schema).columns
    }
    schemas_shown = {name.split("/")[0] for name, _ in columns}
    assert schemas_shown >= {"seed", "stg", "reading", "edit", "gate", "int", "py", "mart", "easy"}
    assert [place for place, text in columns.items() if not text] == []
    bare = [node["name"] for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert [name for name in bare if not manifest["nodes"][f"model.nqpf.{name}"]["description"]] == []


def test_a_check_has_the_words_of_dbt_else_its_kind_and_arguments():
    test = {"name": "x", "description": "", "test_metadata": {"name": "sums_to", "kwargs": {"total": 1, "model": "m"}}}
    assert check_description(test) == "Sums to: total 1"
    assert check_description({**test, "description": "Shares add up."}) == "Shares add up."


def test_selections_of_the_howto_choose_assets(defs):
    """They stand in docs/howto/dagster.md, to be pasted into the search of the lineage page."""
    text = (PROJECT / "docs" / "howto" / "dagster.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    assert len(found) >= 5
    for selection in found:
        assert dg.AssetSelection.from_string(selection).resolve(defs.resolve_asset_graph()), selection
