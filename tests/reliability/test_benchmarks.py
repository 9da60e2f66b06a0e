"""The benchmark of the whole chain: exponents are those of known curves, the country is sound, steps stay in bounds."""

import json
import os
import subprocess
import sys

import chain
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from dagster_project.demo import counties, generate
from dagster_project.demo.country import read_geography
from dagster_project.paths import PROJECT, demo_paths

BUSY = "sum(i * i for i in range(3_000_000)); import time; time.sleep(0.5)"


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    return chain.make_project(tmp_path_factory.mktemp("load") / "project", 2_850) / "dbt" / "seeds"


def test_the_roster_has_as_many_units_as_asked_for(seeds):
    geography = read_geography(seeds)
    assert len(geography.roster) == len(set(geography.roster)) == 2_850
    assert ((geography.weights > 0).sum(axis=1) > 0).all()


def test_invented_units_have_names_groups_and_neighbours_of_their_own(seeds):
    city, alias, group, neighbour = (
        pd.read_csv(seeds / f"{name}.csv", dtype=str) for name in ("city", "city_alias", "city_group", "city_neighbour")
    )
    shipped = pd.read_csv(PROJECT / "dbt" / "seeds" / "city.csv", dtype=str)["city_id"]
    invented = set(city["city_id"]) - set(shipped)
    assert city["city_id"].is_unique
    assert not alias[alias["city_id"].isin(invented)]["alias"].duplicated().any()
    assert not set(alias[alias["city_id"].isin(invented)]["alias"]) & set(
        alias[~alias["city_id"].isin(invented)]["alias"]
    )
    own = group[group["city_id"].isin(invented)]
    assert not own.duplicated(["city_id", "scheme"]).any()
    assert invented <= set(neighbour["city_id_a"]) | set(neighbour["city_id_b"])
    assert (neighbour["city_id_a"] < neighbour["city_id_b"]).all()


def test_the_shipped_seeds_are_left_alone_for_fewer_units(tmp_path):
    project = chain.make_project(tmp_path / "project", 60)
    for name in ("city", "city_alias", "row_count"):
        copied, shipped = project / "dbt" / "seeds" / f"{name}.csv", PROJECT / "dbt" / "seeds" / f"{name}.csv"
        assert copied.read_bytes() == shipped.read_bytes()


def test_counties_of_the_whole_country_are_printed_with_codes(tmp_path, monkeypatch):
    of_counties = ("printed_units", "WHOLE_PROVINCES", "CITIES_ALONE", "YEARS")
    for module, names in ((generate, ("draw_counties", "COUNTY_YEARS")), (counties, of_counties)):
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name))  # it is put back
    seeds = demo_paths().seeds
    chain.print_counties(seeds, 2_850, range(2012, 2014))
    generate.generate_demo(tmp_path, years=range(2012, 2014), seeds=seeds)
    (file,) = (tmp_path / "county_tables" / "2012").glob("*_3-1_*.xlsx")
    rows = CalamineWorkbook.from_path(str(file)).get_sheet_by_index(0).to_python()
    codes = [row[1] for row in rows if str(row[0]).startswith("  ")]
    assert len(set(codes)) == len(codes) > 2_800


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_meter_counts_a_child_while_it_runs_and_after_it_ended():
    meter = chain.Meter()
    child = subprocess.Popen([sys.executable, "-c", f"x = bytearray(200_000_000); {BUSY}; {BUSY}"])
    child.wait()
    meter.mark("child")
    meter.mark("nothing")
    meter.stop()
    busy, idle = meter.marks
    assert busy["seconds"] > 0.1
    assert busy["mb"] > 190
    assert idle["seconds"] < busy["seconds"] / 2
    assert chain.seconds_of(os.getpid()) > 0


def test_the_slope_is_that_of_the_three_largest_sizes():
    assert chain.slope([10, 100, 200, 400], [7.0, 1.0e4, 4.0e4, 16.0e4]) == pytest.approx(2.0)


@pytest.mark.slow
def test_no_step_of_the_chain_grows_faster_than_it_may(tmp_path):
    """60 and 240 units: refreshed without a refusal; steps that take long enough to tell grow at most like n^1.3."""
    command = [sys.executable, chain.__file__, "60", "240", "--years", "10", "--no-report", "--keep", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stderr[-2000:]
    answers = [json.loads((tmp_path / str(n) / "answer.json").read_text()) for n in (60, 240)]
    assert [answer["failure"] for answer in answers] == [None, None]
    few, many = (chain.totals(answer) for answer in answers)
    for step, (seconds, _) in many.items():
        if seconds > 10.0:
            assert chain.slope([60, 240], [few[step][0], seconds]) < 1.3, (step, few[step][0], seconds)
