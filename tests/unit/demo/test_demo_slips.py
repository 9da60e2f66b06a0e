"""Every slip stands in the written files beside what would have been printed, and true jumps are no slips."""

import numpy as np
import pandas as pd
import pytest

from dagster_project.defs.context import TRUTH_COLUMNS, truth_frame
from dagster_project.demo import generate_demo
from dagster_project.demo.country import HORIZON, SMALL_ROSTER, read_geography
from dagster_project.demo.slips import read_bands
from dagster_project.paths import Paths, demo_paths

SEEDS = demo_paths().seeds
KEEP = ("true_jump", "redistricted")
CLASSES = {
    "ten_times": 32,
    "tenth": 32,
    "transposed": 32,
    "lost_digit": 32,
    "small": 32,
    "run": 24,
    "edge": 24,
    "hard_bound": 50,
    "denominator": 16,
    "registered": 8,
    "level_break": 20,
    "beside_jump": 12,
    "concept_switch": 1,
    "definition_break": 1,
    "fill_midpoint": 1,
    "fill_repeat": 1,
}


@pytest.fixture(scope="module")
def slips(demo):
    return demo.truth.slips


def wrong(slips):
    return slips[slips["true_value"] != slips["printed_value"]]


def test_at_least_300_slips_of_every_class_are_planted(slips):
    events = wrong(slips).groupby("slip_class")["event_id"].nunique()
    assert set(events.index) == set(CLASSES)
    assert {name: int(events[name]) for name in CLASSES if events[name] < CLASSES[name]} == {}
    assert events.sum() >= 300
    kept = slips[slips["slip_class"].isin(KEEP)]
    assert kept["event_id"].nunique() >= 60
    assert (kept["true_value"] == kept["printed_value"]).all()


def test_files_print_the_slips_as_they_are_recorded(demo, slips):
    """In the yearbooks up to the unit of the column; a cell with a slip and nothing else is in no list of faults."""
    names = {city_id: row["name_zh"] for city_id, row in read_geography(SEEDS).units.items()}
    cells = demo.cells[demo.cells["vintage"] == ""].assign(number=pd.to_numeric(demo.cells["text"], errors="coerce"))
    cells = cells[cells["scope"].isin(["city", "built_up"])].set_index(["source", "city", "year", "variable"])["number"]
    own = wrong(slips)
    keys = pd.MultiIndex.from_arrays([own["source"], own["city_id"].map(names), own["year"], own["variable_code"]])
    ratio = np.log10(cells.reindex(keys).to_numpy() / own["printed_value"].to_numpy())
    assert np.isfinite(ratio).mean() > 0.99  # gaps may stand in whole years
    seen = ratio[np.isfinite(ratio)]
    assert np.abs(seen - np.rint(seen)).max() < 2e-3  # a power of ten: the unit of the column
    faults = demo.truth.faults
    faults = set(
        faults.loc[faults["variable_code"] != "", ["city_id", "variable_code"]].itertuples(index=False, name=None)
    )
    single = own[~own["slip_class"].isin(["concept_switch", "definition_break", "fill_midpoint", "fill_repeat"])]
    assert not faults & set(single[["city_id", "variable_code"]].itertuples(index=False, name=None))


def test_slips_stay_inside_the_bands_that_the_gate_refuses_a_load_by(slips):
    bands = read_bands(SEEDS)
    low, high = (np.array([bands[v][side] for v in slips["variable_code"]]) for side in (0, 1))
    assert ((slips["printed_value"] > low) & (slips["printed_value"] < high)).all()


def test_slips_have_the_size_of_their_class(slips):
    own = wrong(slips)
    size = np.log(own["printed_value"] / own["true_value"])
    by = size.groupby(own["slip_class"])
    assert np.allclose(by.get_group("ten_times"), np.log(10), atol=0.01)
    assert np.allclose(by.get_group("tenth"), -np.log(10), atol=0.05)
    assert by.get_group("small").abs().between(0.11, 0.31).all()
    for name in ("transposed", "lost_digit", "edge", "run", "hard_bound"):
        assert (by.get_group(name).abs() > 0.5).all(), name
    runs = own[own["slip_class"] == "run"].groupby("event_id")["year"].agg(["min", "max", "size"])
    assert runs["size"].between(2, 4).all()
    assert ((runs["max"] - runs["min"] + 1) == runs["size"]).all()
    assert set(own.loc[own["slip_class"] == "edge", "year"]) == {HORIZON[0], HORIZON[9]}


def test_true_jumps_stay_and_slips_beside_them_do_not(slips, demo):
    raw = demo.truth.raw.set_index(["variable_code", "city_id", "year"])["value"].sort_index()
    jumps = slips[slips["slip_class"] == "true_jump"].groupby("event_id")
    beside = slips[slips["slip_class"] == "beside_jump"]
    for _, jump in jumps:
        at = jump.iloc[1]
        series = np.log(raw[at["variable_code"], at["city_id"]])
        step = series[at["year"]] - series[at["year"] - 1]
        assert abs(step) > 0.35
        assert np.sign(step) * (series[HORIZON[9]] - series[at["year"] - 1]) > 0.3  # and stays
    assert set(beside["city_id"]) <= set(slips.loc[slips["slip_class"] == "true_jump", "city_id"])


def test_concept_switch_prints_gdp_over_registered_persons_in_one_year(demo, slips):
    book = demo.cells[
        (demo.cells["source"] == "yearbook") & (demo.cells["vintage"] == "") & (demo.cells["scope"] == "city")
    ]
    wide = book.assign(n=pd.to_numeric(book["text"], errors="coerce")).pivot_table(
        index=["city", "year"], columns="variable", values="n"
    )
    other = (
        wide["gdp_nom"] * np.where(wide.index.get_level_values("year") < 2019, 1, 1e4) / wide["population_registered"]
    )
    share = ((wide["gdp_per_capita_nom"] / other - 1).abs() < 0.01).groupby("year").mean()
    switched = slips.loc[slips["slip_class"] == "concept_switch", "year"].unique().tolist()
    assert switched == [2014]
    assert share[2014] > 0.6
    assert share.drop(2014).max() < 0.2


def test_slips_can_be_left_out_and_a_city_has_the_same_in_a_small_demo(demo, tmp_path):
    city = wrong(demo.truth.slips)["city_id"].iloc[0]
    few = generate_demo(tmp_path / "few", cities=[*SMALL_ROSTER, city]).slips
    own = demo.truth.slips[demo.truth.slips["city_id"].isin([*SMALL_ROSTER, city])].reset_index(drop=True)
    pd.testing.assert_frame_equal(few[few["city_id"].isin(own["city_id"])].reset_index(drop=True), own)
    clean = generate_demo(tmp_path / "clean", cities=12, has_slips=False)
    assert clean.slips.empty


def test_the_folder_of_the_truth_is_read_as_one_table(demo, tmp_path):
    frame = truth_frame(Paths(tmp_path, demo.landing, demo.landing))
    assert list(frame) == TRUTH_COLUMNS
    n = frame.groupby("kind").size()
    truth = demo.truth
    assert n["slip"] == len(truth.slips)
    assert n["indicator"] == len(truth.indicator) == 22 * 286 * 10
    assert n["latent"] == 4 * len(truth.latent)
    assert (n["parameter"], n["effect"]) == (len(truth.parameters), len(truth.effects))
    assert n["fault"] == len(truth.faults)
    slip = frame[frame["kind"] == "slip"].reset_index(drop=True)
    assert slip["printed"].to_numpy() == pytest.approx(truth.slips["printed_value"].to_numpy())
    assert (slip["event_id"] == truth.slips["event_id"]).all()
    assert truth_frame(Paths(tmp_path, tmp_path, tmp_path)).empty
