"""The county tables of the demo: the units of the year, which sum to what their cities print."""

import numpy as np
import pandas as pd
from python_calamine import CalamineWorkbook

from dagster_project.demo import generate_demo
from dagster_project.demo.counties import SPOILT, WHOLE_PROVINCES, YEARS
from dagster_project.demo.country import TRANSFERS
from dagster_project.paths import demo_paths

UNITS = pd.read_csv(demo_paths().seeds / "county.csv", dtype=str, keep_default_na=False)


def table(landing, number: int, year: int) -> pd.DataFrame:
    """Name of the unit and its printed figures."""
    (file,) = (landing / "county_tables" / str(year)).glob(f"synthetic_3-{number}_*.xlsx")
    rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    start = next(at for at, row in enumerate(rows) if row[0] == "城 市")
    units = [row for row in rows[start + 1 :] if str(row[0]).startswith("  ")]
    return pd.DataFrame({"name_zh": [row[0].strip() for row in units], "value": [row[2] for row in units]})


def whole_cities(landing, number: int, year: int) -> pd.Series:
    """Sum by city, of the provinces that are printed whole."""
    first, last = (pd.to_numeric(UNITS[name]) for name in ("valid_from", "valid_to"))
    there = UNITS[(first.fillna(0) <= year) & (last.fillna(9999) >= year) & UNITS.province_code.isin(WHOLE_PROVINCES)]
    both = table(landing, number, year).merge(there, on="name_zh")
    return both.groupby("parent_city_id").value.sum()


def test_counties_sum_to_the_people_and_the_output_of_their_city(tmp_path):
    truth = generate_demo(tmp_path, years=range(2012, 2017), has_slips=False, is_damaged=False)
    assert {path.name for path in (tmp_path / "county_tables").iterdir()} == {str(year) for year in YEARS}
    last = truth.raw[truth.raw.year == YEARS[-1]].set_index(["variable_code", "city_id"]).value
    people, firms = whole_cities(tmp_path, 1, YEARS[-1]), whole_cities(tmp_path, 6, YEARS[-1])
    assert len(people) > 15
    assert (people == np.rint(last["population_registered"].reindex(people.index))).all()
    assert (firms == np.rint(last["industrial_firms"].reindex(firms.index))).all()


def test_no_unit_jumps_where_one_changes_its_city(tmp_path):
    generate_demo(tmp_path, years=range(2012, 2017), has_slips=False, is_damaged=False)
    cities = [city for event in TRANSFERS if event.first_year == YEARS[1] for city in (event.old_city, event.new_city)]
    names = UNITS[UNITS.parent_city_id.isin(cities)].name_zh
    for number in (1, 3, 4, 6):
        before, after = (table(tmp_path, number, year).set_index("name_zh").value.astype(float) for year in YEARS)
        ratio = (after / before)[lambda r: r.index.isin(names)].dropna()
        assert len(ratio) > 20
        assert ratio.between(0.65, 1.5).all(), ratio


def test_one_figure_is_spoilt_and_a_small_demo_prints_the_same(tmp_path):
    small = generate_demo(tmp_path / "small", cities=12, years=range(2012, 2017))
    clean = generate_demo(tmp_path / "clean", cities=12, years=range(2012, 2017), is_damaged=False)
    assert (small.faults.kind == SPOILT.kind).sum() == 1
    assert not (clean.faults.kind == SPOILT.kind).any()
    # spending is the second column of its table
    printed, sound = (pd.Series(_spending(tmp_path / name)) for name in ("small", "clean"))
    ratio = (printed / sound)[printed != sound]
    assert ratio.index.tolist() == ["定远县"]
    assert abs(ratio.item() - SPOILT.factor) < 1e-3
    generate_demo(tmp_path / "whole", years=range(2014, 2017), is_damaged=False)
    assert _spending(tmp_path / "whole").items() >= _spending(tmp_path / "clean").items()


def _spending(landing) -> dict[str, float]:
    (file,) = (landing / "county_tables" / str(SPOILT.year)).glob("synthetic_3-4_*.xlsx")
    rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    return {str(row[0]).strip(): float(row[3]) for row in rows if str(row[0]).startswith("  ")}
