"""Every planted fault stands in the written files, and the shipped seeds hold the rows that answer it."""

from pathlib import Path

import pandas as pd
import pytest
from text_table import words

from dagster_project.demo.books import correction_rows
from dagster_project.demo.country import TRANSFERS, read_geography
from dagster_project.demo.faults import alias_rows
from dagster_project.demo.printed import REVISION
from dagster_project.paths import demo_paths

CELL_KINDS = tuple(
    words("interior_gap edge_gap unit_slip ocr_number full_width thousands structural_zero revision_vintage")
)
SEEDS = demo_paths().seeds


@pytest.fixture(scope="module")
def names():
    units = read_geography(SEEDS).units
    return {city_id: row["name_zh"] for city_id, row in units.items()}


@pytest.fixture(scope="module")
def by_cell(demo):
    return demo.cells.set_index(["source", "year", "vintage", "city", "variable", "scope"])["text"].to_dict()


def planted(demo, kind):
    return demo.truth.faults[demo.truth.faults["kind"] == kind]


def numbers(demo, variable, year, scope="city", vintage=""):
    cells = demo.cells
    chosen = cells[(cells["variable"] == variable) & (cells["year"] == year) & (cells["scope"] == scope)]
    chosen = chosen[(chosen["source"] == "yearbook") & (chosen["vintage"] == vintage)]
    return pd.to_numeric(chosen.set_index("city")["text"], errors="coerce")


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
        before, after = t.first_year - 1, t.first_year
        moved = numbers(demo, "population_registered", before)[names[t.old_city]] * 1e4 - population[t.old_city, before]
        missing = (
            population[t.new_city, before] - numbers(demo, "population_registered", before)[names[t.new_city]] * 1e4
        )
        assert moved == pytest.approx(missing)
        assert moved > 0.1 * population[t.old_city, before]
        later = numbers(demo, "population_registered", after)[names[t.old_city]] * 1e4
        assert later == pytest.approx(population[t.old_city, after])


def test_census_revision_when_compared_differs_in_the_listed_provinces_only(demo, names):
    cells = demo.cells[(demo.cells["source"] == "gdp_revised") & (demo.cells["variable"] == "gdp_nom")]
    revised = pd.to_numeric(cells[cells["year"] == 2016].set_index("city")["text"]) * 1e4
    ratio = (revised / numbers(demo, "gdp_nom", 2016)).dropna()
    moved = {names[c] for t in TRANSFERS for c in (t.old_city, t.new_city)} | {"济南市", "莱芜市"}
    geography = read_geography(SEEDS)
    for city_id, province in zip(geography.roster, geography.province, strict=True):
        name = names[city_id]
        if name in ratio and name not in moved:
            assert ratio[name] == pytest.approx(1 + REVISION.get(province, 0) / 100 * 0.9, abs=1e-6)


@pytest.mark.parametrize("seed", ["city_alias.csv", "correction.csv"])
def test_shipped_seeds_when_compared_hold_the_answers_of_the_demo(demo, seed):
    wanted = alias_rows() if seed == "city_alias.csv" else correction_rows(demo.truth.faults)
    keys = ["alias", "city_id"] if seed == "city_alias.csv" else ["city_id", "variable_code", "action", "expect"]
    shipped = pd.read_csv(Path(SEEDS) / seed, dtype=str)
    missing = set(wanted[keys].itertuples(index=False, name=None)) - set(
        shipped[keys].itertuples(index=False, name=None)
    )
    assert not missing, f"{seed} lacks the rows {sorted(missing)}: take them from dagster_project.demo.faults"
