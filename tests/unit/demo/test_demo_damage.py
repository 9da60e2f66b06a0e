"""Every planted fault and slip stands in the written files, and the shipped seeds hold the rows that answer it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from text_table import words

from dagster_project.defs.context import TRUTH_COLUMNS, truth_frame
from dagster_project.demo import generate_demo
from dagster_project.demo.books import correction_rows
from dagster_project.demo.country import HORIZON, SMALL_ROSTER, TRANSFERS, read_geography
from dagster_project.demo.faults import FAULTS
from dagster_project.demo.printed import REVISION
from dagster_project.demo.slips import read_bands
from dagster_project.paths import Paths, demo_paths

CELL_KINDS = words("""
    interior_gap edge_gap unit_slip ocr_number full_width thousands structural_zero revision_vintage
""")
SEEDS = demo_paths().seeds


def numbers(demo, variable, year, scope="city"):
    return demo.of(variable=variable, year=year, scope=scope).set_index("city")["number"]


@pytest.fixture(scope="module")
def by_cell(demo):
    return demo.cells.set_index(["source", "year", "vintage", "city", "variable", "scope"])["text"].to_dict()


def planted(demo, kind):
    return demo.truth.faults[demo.truth.faults["kind"] == kind]


@pytest.mark.parametrize("kind", CELL_KINDS)
def test_damaged_cells_when_read_back_print_what_was_planted(demo, by_cell, names, kind):
    faults = planted(demo, kind)
    assert len(faults) > 0
    misread = {(f.city_id, f.year): f.planted for f in planted(demo, "ocr_name").itertuples()}
    for fault in faults.itertuples():
        name = names[fault.city_id]
        if fault.source == "yearbook":
            name = misread.get((fault.city_id, fault.year), name)
        key = (fault.source, fault.year, fault.vintage, name, fault.variable_code, fault.scope)
        assert by_cell[key] == fault.planted, key


def test_transferred_counties_when_printed_move_between_the_cities(demo, names):
    raw = demo.truth.raw
    population = raw[raw["variable_code"] == "population_registered"].set_index(["city_id", "year"])["value"]
    for t in TRANSFERS:
        before, after = (numbers(demo, "population_registered", t.first_year + step) * 1e4 for step in (-1, 0))
        moved = before[names[t.old_city]] - population[t.old_city, t.first_year - 1]
        missing = population[t.new_city, t.first_year - 1] - before[names[t.new_city]]
        assert moved == pytest.approx(missing)
        assert moved > 0.1 * population[t.old_city, t.first_year - 1]
        assert after[names[t.old_city]] == pytest.approx(population[t.old_city, t.first_year])


def test_census_revision_when_compared_differs_in_the_listed_provinces_only(demo, names):
    revised = demo.of("gdp_revised", variable="gdp_nom", year=2016).set_index("city")["number"] * 1e4
    ratio = (revised / numbers(demo, "gdp_nom", 2016)).dropna()
    moved = {names[c] for t in TRANSFERS for c in (t.old_city, t.new_city)} | {"济南市", "莱芜市"}
    geography = read_geography(SEEDS)
    for city_id, province in zip(geography.roster, geography.province, strict=True):
        name = names[city_id]
        if name in ratio and name not in moved:
            assert ratio[name] == pytest.approx(1 + REVISION.get(province, 0) / 100 * 0.9, abs=1e-6)


@pytest.mark.parametrize("seed", ["city_alias.csv", "correction.csv"])
def test_shipped_seeds_when_compared_hold_the_answers_of_the_demo(demo, seed):
    keys = ["alias", "city_id"] if seed == "city_alias.csv" else ["city_id", "variable_code", "action", "expect"]
    misread = pd.DataFrame([(f.planted, f.city_id) for f in FAULTS if f.kind == "ocr_name"], columns=keys[:2])
    wanted = misread if seed == "city_alias.csv" else correction_rows(demo.truth.faults)
    shipped = pd.read_csv(Path(SEEDS) / seed, dtype=str)
    lacking = wanted[keys].merge(shipped[keys], how="left", indicator=True).query("_merge == 'left_only'")
    assert lacking.empty, f"{seed} lacks these rows: take them from dagster_project.demo.faults\n{lacking}"


KEEP = ("true_jump", "redistricted")

# class of slips: least number of events

CLASSES = dict.fromkeys(words("ten_times tenth transposed lost_digit small"), 32) | {"run": 24, "edge": 24}
CLASSES |= {"hard_bound": 50, "denominator": 16, "registered": 8, "level_break": 20, "beside_jump": 12}
WHOLE_YEARS = words("concept_switch definition_break census_break scope_break fill_midpoint fill_repeat")
CLASSES |= dict.fromkeys(WHOLE_YEARS, 1)


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


def test_files_print_the_slips_as_they_are_recorded(demo, slips, names):
    """In the yearbooks up to the unit of the column; a cell with a slip and nothing else is in no list of faults."""
    cells = demo.cells[(demo.cells["vintage"] == "") & demo.cells["scope"].isin(["city", "built_up"])]
    number = pd.to_numeric(cells.set_index(["source", "city", "year", "variable"])["text"], errors="coerce")
    own = wrong(slips)
    keys = pd.MultiIndex.from_arrays([own["source"], own["city_id"].map(names), own["year"], own["variable_code"]])
    ratio = np.log10(number.reindex(keys).to_numpy() / own["printed_value"].to_numpy())
    assert np.isfinite(ratio).mean() > 0.99  # gaps may stand in whole years
    seen = ratio[np.isfinite(ratio)]
    assert np.abs(seen - np.rint(seen)).max() < 2e-3  # a power of ten: the unit of the column
    faults = demo.truth.faults[demo.truth.faults["variable_code"] != ""]
    single = own[~own["slip_class"].isin(WHOLE_YEARS)]
    assert single.merge(faults, on=["city_id", "variable_code"]).empty


def test_slips_have_the_size_of_their_class_inside_the_bands_that_the_gate_refuses_by(slips):
    bands = read_bands(SEEDS)
    low, high = (np.array([bands[v][side] for v in slips["variable_code"]]) for side in (0, 1))
    assert ((slips["printed_value"] > low) & (slips["printed_value"] < high)).all()
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
    wide = demo.of(scope="city").pivot_table(index=["city", "year"], columns="variable", values="number")
    unit = np.where(wide.index.get_level_values("year") < 2019, 1, 1e4)
    other = wide["gdp_nom"] * unit / wide["population_registered"]
    share = ((wide["gdp_per_capita_nom"] / other - 1).abs() < 0.01).groupby("year").mean()
    assert slips.loc[slips["slip_class"] == "concept_switch", "year"].unique().tolist() == [2014]
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
