"""The demo as `make refresh` writes it: no file is refused, planted slips are found, sound figures left alone."""

import pytest
import recovery
from house import House, unchanged_environment

from dagster_project.defs.dbt_project import GATE_READS
from dagster_project.defs.instance import prepare_instance
from dagster_project.paths import Paths
from dagster_project.store import Warehouse

SPIKES = ("beside_jump", "lost_digit", "ten_times", "tenth", "transposed")
OTHERS = ("concept_switch", "denominator", "hard_bound", "level_break", "registered")
LEAST = {0.95: (*SPIKES, *OTHERS), 0.85: ("edge", "run")}


@pytest.fixture(scope="module")
def whole(whole_demo, tmp_path_factory):
    """All cities, counties and years, read and judged."""
    landing, _ = whole_demo
    house = House(Paths(tmp_path_factory.mktemp("whole"), landing, landing))
    with unchanged_environment():
        prepare_instance(house.paths)
        Warehouse(house.paths.build_file).prepare()
        assert house.run_job("ingest", years=range(2012, 2022))
    return house


@pytest.fixture(scope="module")
def recall(whole):
    return recovery.recall_of(whole.paths, GATE_READS)


def test_the_gate_accepts_every_file(whole):
    for table in ("load", "series_load"):
        loads = whole.build(f"select source, data_year, is_accepted from raw.{table}")
        assert loads["is_accepted"].all(), loads
    assert len(whole.build("from raw.load where source = 'county_tables'")) == 2


def test_planted_slips_are_found(recall):
    found = recall[recall["kind"] == "class"].set_index("name")
    assert found["n_events"].sum() >= 300
    missed = {
        name: found.loc[name, "event_recall"]
        for least, names in LEAST.items()
        for name in names
        if not found.loc[name, "event_recall"] >= least
    }
    assert not missed
    assert found.loc[["fill_midpoint", "fill_repeat"], "event_recall"].eq(1.0).all()


def test_the_three_planted_breaks_are_found_and_no_other_series_is_called_broken(whole, recall):
    table = whole.build("from int.int_breaks where is_found").set_index("variable_code")
    assert table["break_year"].to_dict() == {"retail_sales_nom": 2019, "va_tertiary_nom": 2019, "wage_avg_nom": 2020}
    assert table[["area_code", "treatment"]].drop_duplicates().values.tolist() == [["all", "split"]]
    assert table["cause"].notna().all()
    assert table.loc[["va_tertiary_nom", "wage_avg_nom"], "size_beyond"].between(0.25, 0.39).all()
    planted = recall.set_index("name").loc[["census_break", "scope_break", "definition_break"]]
    assert planted["event_recall"].eq(1.0).all()
    assert planted.loc[["census_break", "scope_break"], "cell_recall"].min() >= 0.95


def test_sound_figures_are_left_alone(recall):
    total = recall[recall["kind"] == "all"].iloc[0]
    assert total["n_sound"] > 200_000
    assert total["sound_touched_per_2000"] <= 1.0
    jumps = recall[recall["name"].isin(["true_jump", "redistricted"])]
    assert jumps["n_sound"].sum() > 200
    assert jumps["sound_touched_per_2000"].max() <= 10.0, jumps.to_string()


def test_what_replaces_a_slip_is_near_the_truth(recall):
    errors = recall[recall["kind"] == "class"].set_index("name")["mean_abs_error"]
    assert errors["concept_switch"] < 0.01
    assert errors["level_break"] < 0.1
