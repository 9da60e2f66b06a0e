"""The load benchmark: its exponent is that of a known curve, and every stage still runs."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from types import ModuleType

import pytest

from dagster_project.paths import PROJECT

FILE = PROJECT / "benchmarks" / "load.py"


def module() -> ModuleType:
    spec = importlib.util.spec_from_file_location("benchmark_of_load", FILE)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


LOAD = module()


@pytest.mark.parametrize("power", [0.0, 1.0, 2.5])
def test_the_exponent_is_that_of_the_three_largest_sizes(power):
    sizes = [10, 100, 200, 400]
    values = [7.0, *(3.0 * size**power for size in sizes[1:])]
    assert LOAD.exponent(sizes, values) == pytest.approx(power, abs=1e-12)


def test_the_sizes_reach_the_counties_and_towns_that_are_promised():
    assert LOAD.COUNTIES[-1] == 2_850
    assert LOAD.TOWNS[-1] == 40_000
    for stage in ("read", "sql", "panel", "index", "inequality", "disparity", "space", "sdm"):
        assert LOAD.STAGES[stage][1:] == (LOAD.COUNTIES, LOAD.TOWNS)


@pytest.mark.slow
@pytest.mark.parametrize("stage", [name for name in LOAD.STAGES if name != "firms"])
def test_every_stage_runs_on_a_small_country(stage):
    command = [sys.executable, str(FILE), "--measure", stage, "120", "6"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=PROJECT)
    assert done.returncode == 0, done.stderr[-500:]
    measured = json.loads(done.stdout)
    assert measured["seconds"] > 0
    assert measured["mb"] >= 0
