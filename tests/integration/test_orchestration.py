"""Dagster's side of the house: the graph, the schedule, the sensor, the pool that keeps writers apart."""

import datetime as dt
import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import duckdb
import pytest
import yaml
from changed import Revised
from house import CITIES, House, unchanged_environment
from landing_tools import changed_copy, supersede

from dagster_project.definitions import build_defs
from dagster_project.paths import PROJECT

KEYS = Path(__file__).with_name("asset_keys.txt")
OWN_FILES_ONLY = {("landing", "yearly"), ("landing", "series")}  # these never open the build file


@pytest.fixture(scope="module")
def defs(small_warehouse: House) -> Iterator[dg.Definitions]:
    with unchanged_environment():
        yield build_defs(small_warehouse.paths)


def _tick_of_schedule(repository: dg.RepositoryDefinition, when: dt.datetime):
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=when, repository_def=repository)
        return repository.get_schedule_def("yearly_refresh").evaluate_tick(context)


def _tick_of_sensor(house: House):
    with unchanged_environment(), dg.DagsterInstance.ephemeral() as instance:
        repository = build_defs(house.paths).get_repository_def()
        context = dg.build_sensor_context(instance=instance, repository_def=repository)
        return repository.get_sensor_def("landing_sensor").evaluate_tick(context)


# ---- the graph -----------------------------------------------------------------------------------------


def test_definitions_load_and_hold_the_three_jobs(defs: dg.Definitions) -> None:
    dg.Definitions.validate_loadable(defs)
    for name in ("ingest", "rebuild", "refresh"):
        assert defs.resolve_job_def(name).name == name


def test_asset_keys_are_the_ones_on_record(defs: dg.Definitions) -> None:
    """A key is what people type in SQL: it may not change by accident. NQPF_RENEW=1 writes the record anew."""
    keys = sorted("/".join(key.path) for key in defs.resolve_asset_graph().get_all_asset_keys())
    if os.environ.get("NQPF_RENEW"):
        KEYS.write_text("\n".join(keys) + "\n", encoding="utf-8")
    recorded = KEYS.read_text(encoding="utf-8").split()
    assert keys == recorded, f"new: {set(keys) - set(recorded)}, gone: {set(recorded) - set(keys)}"


def test_refresh_is_ingest_and_rebuild_and_nothing_twice(defs: dg.Definitions) -> None:
    ingest, rebuild, refresh = (
        {key for key in defs.resolve_job_def(name).asset_layer.selected_asset_keys}  # noqa: C416
        for name in ("ingest", "rebuild", "refresh")
    )
    assert not ingest & rebuild
    assert ingest | rebuild == refresh
    assert dg.AssetKey(["published", "city"]) in rebuild


def test_every_asset_is_described_owned_and_grouped(defs: dg.Definitions) -> None:
    made_here = [assets for assets in defs.resolve_asset_graph().assets_defs if assets.is_executable]
    for spec in (spec for assets in made_here for spec in assets.specs):
        assert spec.description, spec.key
        assert spec.owners, spec.key
        assert spec.group_name not in (None, "default"), spec.key


def test_every_asset_that_opens_the_build_file_is_in_the_pool(defs: dg.Definitions) -> None:
    outside = set()
    for assets in defs.resolve_asset_graph().assets_defs:
        if assets.is_executable and set(assets.node_def.pools) != {"warehouse"}:
            outside |= {tuple(key.path) for key in assets.keys}
    assert outside == OWN_FILES_ONLY


def test_gate_blocks_everything_downstream(defs: dg.Definitions) -> None:
    specs = {
        check.asset_key.to_user_string(): check.blocking
        for assets in defs.resolve_asset_graph().assets_defs
        for check in assets.check_specs
        if check.name == "gate"
    }
    assert specs == {"raw/load": True, "raw/series_load": True}


def test_instance_allows_one_run_and_one_writer(small_warehouse: House) -> None:
    written = yaml.safe_load((small_warehouse.paths.dagster_home / "dagster.yaml").read_text(encoding="utf-8"))
    assert written["concurrency"] == {"pools": {"default_limit": 1}, "runs": {"max_concurrent_runs": 1}}
    assert written["telemetry"] == {"enabled": False}
    shipped = PROJECT / "dagster_project" / "instance" / "dagster.yaml"
    assert yaml.safe_load(shipped.read_text(encoding="utf-8")) == written


def test_pool_limit_is_known_to_the_instance_itself(copy_of_small_warehouse: House) -> None:
    with unchanged_environment():
        build_defs(copy_of_small_warehouse.paths)
        with dg.DagsterInstance.get() as instance:
            config = instance.get_concurrency_config()
    assert config.pool_config.default_pool_limit == 1
    assert config.run_queue_config is not None
    assert config.run_queue_config.max_concurrent_runs == 1


# ---- schedule and sensor ---------------------------------------------------------------------------------


def test_schedule_and_sensor_are_off_until_somebody_switches_them_on(defs: dg.Definitions) -> None:
    assert defs.get_schedule_def("yearly_refresh").default_status == dg.DefaultScheduleStatus.STOPPED
    assert defs.get_sensor_def("landing_sensor").default_status == dg.DefaultSensorStatus.STOPPED


def test_tick_in_january_asks_for_one_run_of_the_newest_year(defs: dg.Definitions) -> None:
    tick = dt.datetime(2027, 1, 15, 6, 0, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    result = _tick_of_schedule(defs.get_repository_def(), tick)
    assert result.skip_message is None
    (request,) = result.run_requests
    assert request.partition_key == "2016"
    assert request.run_key == "yearly-2027-01-15"


def test_tick_without_sidecars_gives_the_reason(copy_of_small_warehouse: House) -> None:
    house = copy_of_small_warehouse
    with unchanged_environment():
        repository = build_defs(house.paths).get_repository_def()
        for sidecar in house.paths.landing.rglob("*.yml"):
            sidecar.unlink()
        result = _tick_of_schedule(repository, dt.datetime.now(dt.UTC))
    assert not result.run_requests
    assert "There is no sidecar" in str(result.skip_message)


def test_sensor_is_silent_when_everything_landed_is_accepted(small_warehouse: House) -> None:
    result = _tick_of_sensor(small_warehouse)
    assert not result.run_requests
    assert result.skip_message == "Every landed file is accepted."


def _land(house: House, year: int) -> Path:
    """A new edition of one year, not yet read."""
    folder = house.paths.landing / "yearbook" / str(year)

    def change(page) -> None:
        page.rows[page.row_of("合肥市")][page.column_of("教育支出")] += 1

    file = changed_copy(folder / f"synthetic_yearbook_{year}.xlsx", "new.xlsx", change)
    supersede(house.paths.landing, folder / "yearbook.yml", file)
    return file


def test_sensor_asks_for_the_year_of_a_landed_file_once(copy_of_small_warehouse: House) -> None:
    house = copy_of_small_warehouse
    _land(house, 2013)
    (request,) = _tick_of_sensor(house).run_requests
    assert request.partition_key == "2013"
    (again,) = _tick_of_sensor(house).run_requests
    assert again.run_key == request.run_key  # Dagster starts no second run for the same key


def test_sensor_gives_the_reason_when_a_landed_file_is_missing(copy_of_small_warehouse: House) -> None:
    house = copy_of_small_warehouse
    _land(house, 2013).unlink()
    result = _tick_of_sensor(house)
    assert not result.run_requests
    assert "The file of yearbook 2013 is missing" in str(result.skip_message)


def test_sensor_asks_for_the_good_file_although_another_is_missing(copy_of_small_warehouse: House) -> None:
    house = copy_of_small_warehouse
    _land(house, 2013)
    _land(house, 2014).unlink()
    (request,) = _tick_of_sensor(house).run_requests
    assert request.partition_key == "2013"


def test_sensor_waits_while_another_run_writes(copy_of_small_warehouse: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house = copy_of_small_warehouse
    _land(house, 2013)

    def locked(*_: object, **__: object) -> None:
        raise duckdb.IOException("Could not set lock on file")

    monkeypatch.setattr(duckdb, "connect", locked)
    result = _tick_of_sensor(house)
    assert not result.run_requests
    assert "is in use by another process" in str(result.skip_message)


def test_job_of_the_schedule_runs_partitioned_and_unpartitioned_assets_in_one_run(revised: Revised) -> None:
    assert revised.went_through
    house = revised.house
    assert len(house.build("from ops.run_log")) == 2
    read_now = house.build("select distinct data_year from raw.reading where vintage = ?", [revised.vintage_new])
    assert list(read_now["data_year"]) == [2014]
    scored = house.published("select count(distinct city_id) as n from mart.mart_index_score where index_code = 'nqpf'")
    assert scored["n"].item() == CITIES
