"""The base window is typed once, a group scheme is rows of two seeds: in a copy of the project everything follows."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from house import House, copy_of_project

pytestmark = pytest.mark.slow  # a refresh

RECOMMENDED = ("city_ranking", "why_this_number")
BY_SCHEME = ("mart_disparity_summary", "mart_group_gradient", "dim_group_scheme")


@pytest.fixture(scope="module")
def moved(small_warehouse, tmp_path_factory):
    """A copy of the small warehouse, built on by a copy of the project with a later window and with coasts."""
    root = tmp_path_factory.mktemp("moved")
    project = copy_of_project(root / "project")
    _change(project / "dagster_project" / "study" / "specs" / "index.yml", "window_start: 2012", "window_start: 2013")
    _add_coasts(project / "dbt" / "seeds")
    copied = small_warehouse.copy(root)
    house = House(replace(copied.paths, project=project))
    outcome = house.refresh()
    assert outcome.exit_code == 0, outcome.text
    return house


def _change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert text.count(old) == 1
    file.write_text(text.replace(old, new), encoding="utf-8")


def _add_coasts(seeds: Path) -> None:
    """Two rows a city and one scheme, and nothing else."""
    with (seeds / "city.csv").open(encoding="utf-8") as stream:
        cities = [row["city_id"] for row in csv.DictReader(stream) if row["level"] == "city"]
    provinces = sorted({city[:4] for city in cities})
    with (seeds / "group_scheme.csv").open("a", encoding="utf-8") as stream:
        stream.write("coast,90,region,false,true,false,,\n")
    with (seeds / "city_group.csv").open("a", encoding="utf-8") as stream:
        for city in cities:  # a region is made of whole provinces
            stream.write(f"coast,{city},{'ab'[provinces.index(city[:4]) % 2]},海岸,Coast,,,made up\n")


def test_the_recommended_tables_follow_the_window_and_are_not_empty(moved):
    assert set(moved.build("select distinct basis from mart.dim_index")["basis"]) == {"frozen_2013_2021"}
    for table in RECOMMENDED:
        found = moved.build(f"select basis, count(*) as n, min(year) as first_year from mart.{table} group by all")
        assert found["basis"].tolist() == ["frozen_2013_2021"], table
        assert found["n"].item() > 0, table
        assert found["first_year"].item() == 2013, table


def test_prices_and_years_follow_the_window(moved):
    history = 2  # years before the window that are read beside it, see dbt_project.yml
    assert moved.build("select min(year) as y from int.int_values_completed")["y"].item() == 2013 - history
    deflators = moved.build("select deflator from int.int_deflators_chained where year = 2013")["deflator"]
    assert len(deflators) > 0
    assert deflators.sub(1).abs().max() < 1e-12
    inside = moved.build("select year from mart.dim_year where is_in_base_window order by 1")["year"]
    assert inside.tolist() == [2013, 2014, 2015, 2016]


def test_a_scheme_of_the_seeds_is_compared_like_the_others(moved):
    scheme = moved.build("select role, n_group, is_partition from mart.dim_group_scheme where scheme = 'coast'")
    assert scheme.to_dict("records") == [{"role": "region", "n_group": 2, "is_partition": True}]
    for table in ("mart_disparity_summary", "mart_group_gradient"):
        schemes = set(moved.build(f"select distinct scheme from mart.{table}")["scheme"])
        assert {"coast", "core"} <= schemes, table
