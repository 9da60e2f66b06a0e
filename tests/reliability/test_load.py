"""The load benchmark: its exponent is that of a known curve, and every stage still runs."""

import json
import subprocess
import sys

import load
import pytest

from dagster_project.paths import PROJECT


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_the_exponent_is_that_of_the_three_largest_sizes(power):
    sizes = [10, 100, 200, 400]
    values = [7.0, *(3.0 * size**power for size in sizes[1:])]
    assert load.exponent(sizes, values) == pytest.approx(power, abs=1e-12)


def test_the_sizes_reach_the_counties_and_towns_that_are_promised():
    assert load.COUNTIES[-1] == 2_850
    assert load.TOWNS[-1] == 40_000
    for stage in ("read", "sql", "panel", "index", "inequality", "disparity", "space", "sdm"):
        assert load.STAGES[stage][1:] == (load.COUNTIES, load.TOWNS)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [name for name in load.STAGES if name != "firms"])
def test_every_stage_runs_on_a_small_country(stage):
    command = [sys.executable, load.__file__, "--measure", stage, "120", "6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stderr[-500:]
    measured = json.loads(done.stdout)
    assert measured["seconds"] > 0
    assert measured["mb"] >= 0
