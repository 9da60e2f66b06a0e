"""Panels for the tests of the numeric library: seeded, skewed, with labels."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

from python_models import Panel

# The same examples in each run, no time limit per example (the machine may be busy), no files left behind.
settings.register_profile("numeric", derandomize=True, deadline=None, database=None)
settings.load_profile("numeric")

NAMES = ("n1", "n2", "n3", "q1", "q2")
SPEC: dict[str, Any] = {
    "directions": {"n1": 1, "n2": 1, "n3": -1, "q1": 1, "q2": -1},
    "levels": {"n1": "new", "n2": "new", "n3": "new", "q1": "quality", "q2": "quality"},
    "winsor": {"n1": True, "q2": True},
    "caps": {"n2": 100.0},
    "window": (2012, 2015),
}


def make_panel(*, cities: int = 30, years: tuple[int, ...] = (2012, 2013, 2014, 2015), seed: int = 1) -> Panel:
    """Lognormal indicators that grow over time; n2 passes its cap of 100 in some cells.

    Each year has its own generator, so a panel with one more year has the same old years.
    """
    slices = []
    for year in years:
        rng = np.random.default_rng([seed, year])
        growth = 1.0 + 0.1 * (year - 2012)
        x = growth * rng.lognormal(mean=(0.0, 4.0, 1.0, 2.0, 0.5), sigma=(0.8, 0.5, 0.3, 1.2, 0.4), size=(cities, 5))
        slices.append(x)
    labels = tuple(f"CN{100000 + i}" for i in range(cities))
    return Panel(np.stack(slices, axis=1), labels, years, NAMES)


@pytest.fixture(scope="session")
def panel_factory() -> Callable[..., Panel]:
    return make_panel


@pytest.fixture(scope="session")
def panel() -> Panel:
    return make_panel()


@pytest.fixture(scope="session")
def spec() -> dict[str, Any]:
    return dict(SPEC)
