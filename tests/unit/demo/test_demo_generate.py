"""The generator as a whole: determinism, small demos, the next year, sidecars, counties, and no real value."""

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from text_table import words

from dagster_project.demo import generate_demo
from dagster_project.demo.counties import SPOILT, WHOLE_PROVINCES, YEARS
from dagster_project.demo.country import SMALL_ROSTER, TRANSFERS
from dagster_project.demo.faults import MISPRINTS
from dagster_project.ingest import check_files, find_sidecars, read_load
from dagster_project.paths import demo_paths
from python_models.simulation import EFFECTS, Truth

SMALL = {"cities": 12, "years": range(2015, 2019)}
SOURCES = words("""
    yearbook registry patent satellite robot gdp_revised county county_tables society investment sector_employment
    consumer_prices court work_report night_lights other_indexes
""")


def hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_files_are_equal_byte_for_byte_in_a_second_demo_and_after_a_new_year(tmp_path):
    generate_demo(tmp_path / "a", **SMALL)
    generate_demo(tmp_path / "b", **SMALL)
    assert hashes(tmp_path / "a") == hashes(tmp_path / "b")
    generate_demo(tmp_path / "old", cities=12, years=range(2017, 2022))
    generate_demo(tmp_path / "new", cities=12, years=range(2017, 2023))
    old, new = hashes(tmp_path / "old" / "yearbook"), hashes(tmp_path / "new" / "yearbook")
    assert {name: new[name] for name in old} == old
    assert any(name.startswith("2022/") for name in new)


def test_demo_without_misprints_keeps_true_events_only(tmp_path):
    """Whatever its truth, every cell is printed as it is; zeros, revisions, formats and boundary events stay."""
    clean = generate_demo(tmp_path, truth=Truth().without(*EFFECTS), is_damaged=False, cities=12)
    kinds = set(clean.faults["kind"])
    assert not kinds & MISPRINTS
    assert {"merge", "transfer", "revision_vintage", "structural_zero", "unit_change"} <= kinds
    assert clean.parameters.set_index("name")["value"][["rho", "theta_pc", "theta_cp"]].eq(0).all()
    (book,) = (tmp_path / "yearbook" / "2016").glob("*.xlsx")
    text = str(CalamineWorkbook.from_path(str(book)).get_sheet_by_index(0).to_python())
    assert "廊坊市" in text  # Langfang, misread as 廓坊市 in the damaged demo
    assert "廓坊市" not in text


def test_small_demo_when_compared_has_the_values_of_the_full_one(demo, tmp_path):
    small = generate_demo(tmp_path, **SMALL)
    keys = ["city_id", "year"]
    both = small.latent.merge(demo.truth.latent, on=keys, suffixes=("", "_full"))
    assert len(both) == 12 * 4
    assert (both["nqpf"] == both["nqpf_full"]).all()
    assert set(small.latent["city_id"]) == set(SMALL_ROSTER)


def test_sidecars_are_valid_and_workbooks_carry_the_mark_in_title_and_note(demo):
    sidecars = find_sidecars(demo.landing)
    assert {s.source for s in sidecars} == set(SOURCES)
    assert all(s.is_synthetic and s.title.startswith("SYNTHETIC") for s in sidecars)
    first, last = (s for s in sidecars if (s.source, s.data_year) == ("yearbook", 2015))
    assert last.supersedes == first.vintage
    for sidecar in sidecars:
        check_files(sidecar, demo.landing)
        if sidecar.source == "yearbook" and sidecar.data_year in (2012, 2019, 2021):
            cells = read_load(sidecar, demo.landing).cells
            marked = cells[cells["text"].str.contains("SYNTHETIC")]
            assert set(marked["part"]) == {"title", "note"}
            assert set(marked["file"]) == {file.path for file in sidecar.files}


@pytest.mark.parametrize(
    ("bad", "message"),
    [({"cities": ["CN999999"]}, "CN999999"), ({"years": [2012, 2014]}, "follow"), ({"years": [2001]}, "2001")],
)
def test_generate_demo_when_asked_for_the_unknown_says_what_is_wrong(tmp_path, bad, message):
    with pytest.raises(ValueError, match=message):
        generate_demo(tmp_path, **bad)


def test_printed_gdp_when_compared_with_real_panels_is_not_theirs(demo, real_data):
    real = pd.read_csv(real_data / "panel" / "china_city_panel_with_policies.csv", dtype={"city_code": str})
    value = next(name for name in real.columns if name.startswith("gdp") and "per" not in name)
    real["city_id"] = "CN" + real["city_code"].str[:6]
    raw = demo.truth.raw
    ours = raw[raw["variable_code"] == "gdp_nom"].rename(columns={"value": "ours"})
    both = ours.merge(real[["city_id", "year", value]], on=["city_id", "year"]).dropna()
    assert len(both) > 2000
    near = (both["ours"] / both[value] - 1).abs() < 0.001
    assert near.mean() < 0.01


UNITS = pd.read_csv(demo_paths().seeds / "county.csv", dtype=str, keep_default_na=False)


def units_of(landing, number: int, year: int) -> list[list[object]]:
    (file,) = (landing / "county_tables" / str(year)).glob(f"synthetic_3-{number}_*.xlsx")
    rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    return [row for row in rows if str(row[0]).startswith("  ")]


def table(landing, number: int, year: int) -> pd.DataFrame:
    units = units_of(landing, number, year)
    return pd.DataFrame({"name_zh": [row[0].strip() for row in units], "value": [row[2] for row in units]})


def _spending(landing) -> dict[str, float]:
    return {str(row[0]).strip(): float(row[3]) for row in units_of(landing, 4, SPOILT.year)}


def whole_cities(landing, number: int, year: int) -> pd.Series:
    """Sum by city, of the provinces that are printed whole."""
    first, last = (pd.to_numeric(UNITS[name]) for name in ("valid_from", "valid_to"))
    there = UNITS[(first.fillna(0) <= year) & (last.fillna(9999) >= year) & UNITS.province_code.isin(WHOLE_PROVINCES)]
    both = table(landing, number, year).merge(there, on="name_zh")
    return both.groupby("parent_city_id").value.sum()


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """Folder and truth of a demo of all cities without slips and misprints."""
    folder = tmp_path_factory.mktemp("sound")
    return folder, generate_demo(folder, years=range(2012, 2017), has_slips=False, is_damaged=False)


def test_counties_sum_to_their_city_and_do_not_jump_where_one_changes_it(sound):
    folder, truth = sound
    assert {path.name for path in (folder / "county_tables").iterdir()} == {str(year) for year in YEARS}
    last = truth.raw[truth.raw.year == YEARS[-1]].set_index(["variable_code", "city_id"]).value
    people, firms = whole_cities(folder, 1, YEARS[-1]), whole_cities(folder, 6, YEARS[-1])
    assert len(people) > 15
    assert (people == np.rint(last["population_registered"].reindex(people.index))).all()
    assert (firms == np.rint(last["industrial_firms"].reindex(firms.index))).all()
    cities = [city for event in TRANSFERS if event.first_year == YEARS[1] for city in (event.old_city, event.new_city)]
    names = UNITS[UNITS.parent_city_id.isin(cities)].name_zh
    for number in (1, 3, 4, 6):
        before, after = (table(folder, number, year).set_index("name_zh").value.astype(float) for year in YEARS)
        ratio = (after / before)[lambda r: r.index.isin(names)].dropna()
        assert len(ratio) > 20
        assert ratio.between(0.65, 1.5).all(), ratio


def test_one_figure_is_spoilt_and_a_small_demo_prints_the_same(sound, tmp_path):
    few = {"cities": 12, "years": range(2012, 2017), "has_slips": False}
    small, clean = generate_demo(tmp_path / "small", **few), generate_demo(tmp_path / "clean", **few, is_damaged=False)
    assert (small.faults.kind == SPOILT.kind).sum() == 1
    assert not (clean.faults.kind == SPOILT.kind).any()
    # spending is the second column of its table
    printed, right = (pd.Series(_spending(tmp_path / name)) for name in ("small", "clean"))
    ratio = (printed / right)[printed != right]
    assert ratio.index.tolist() == ["定远县"]
    assert abs(ratio.item() - SPOILT.factor) < 1e-3
    assert _spending(sound[0]).items() >= _spending(tmp_path / "clean").items()
