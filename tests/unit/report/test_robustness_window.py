"""The axis of the specification curve shows the many, and names the few that leave it."""

import pytest

from dagster_project.publish.site.pages.robustness import _window


def variants(n: int = 30, half: float = 0.1) -> list[dict]:
    return [{"label": f"v{k}", "point": 0.4, "lo": 0.4 - half, "hi": 0.4 + half} for k in range(n)]


def test_one_wild_interval_does_not_squeeze_the_others():
    wild = {"label": "W: distance times mass", "point": 15.0, "lo": -1100.0, "hi": 1100.0}
    (low, high), sentence = _window([*variants(), wild])
    assert low == pytest.approx(-0.025)
    assert high == pytest.approx(0.525)
    assert sentence == " Cut off, see the figures below: W: distance times mass."


def test_nothing_is_cut_where_all_are_alike_and_zero_is_always_shown():
    (low, high), sentence = _window(variants())
    assert low <= 0 < 0.5 <= high
    assert sentence == ""


def test_estimates_without_intervals_have_a_window_too():
    (low, high), _ = _window([{"label": "a", "point": 1.0, "lo": None, "hi": None}] * 2)
    assert low < 0 < 1 < high
