"""The drawing of the architecture is that of the code."""

import pytest

from scripts.draw_architecture import DRAWING, depths, draw, reduced


def test_the_committed_drawing_is_current():
    assert DRAWING.read_text(encoding="utf-8") == draw(), "run: python -m scripts.draw_architecture"


def test_a_circle_of_imports_is_named():
    with pytest.raises(ValueError, match="a -> b -> a"):
        depths({"a": {"b"}, "b": {"a"}})


def test_an_arrow_that_follows_from_others_is_left_out():
    every = {"a": {"b", "c"}, "b": {"c"}, "c": set()}
    assert reduced(every) == {"a": {"b"}, "b": {"c"}, "c": set()}
    assert depths(every) == {"a": 0, "b": 1, "c": 2}
