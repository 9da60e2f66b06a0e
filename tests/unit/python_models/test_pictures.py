"""Pictures of results: valid Vega-Lite, labelled, made of the figures of the result, and clear without Altair."""

import json
import sys

import altair as alt
import numpy as np
import pandas as pd
import pytest
import vl_convert
from checks import refused, ring

from python_models import CompositeIndex, Panel
from python_models.measurement import audit
from python_models.regression import SpatialPanel

CITIES, YEARS = tuple("abcdefghijkl"), (2014, 2015)


@pytest.fixture(scope="module")
def index():
    values = np.random.default_rng(3).uniform(1.0, 9.0, size=(12, 2, 4))
    names = ("n1", "n2", "q1", "q2")
    levels = {name: "new" if name[0] == "n" else "quality" for name in names}
    return CompositeIndex(Panel(values, CITIES, YEARS, names), directions=dict.fromkeys(names, 1), levels=levels)


@pytest.fixture(scope="module")
def drawn(index):
    return audit(index, draws=90, seed=1).drawn


@pytest.fixture(scope="module")
def effects():
    rng = np.random.default_rng(1)
    x = pd.DataFrame(rng.normal(size=(12, 6)), columns=range(6))
    y = 2 * x + ring(12) @ x.to_numpy() + rng.normal(scale=0.1, size=(12, 6))
    return SpatialPanel(y, {"x": x}, (ring(12), range(12))).fit().effects()


def titles_in(node) -> set[str]:
    below = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
    own = {node["title"]} if isinstance(node, dict) and isinstance(node.get("title"), str) else set()
    return own.union(*map(titles_in, below))


def looked_at(chart) -> tuple[pd.DataFrame, set[str]]:
    """Rows and titles of a chart that passes Altair's schema and that a renderer draws."""
    spec = chart.to_dict()
    assert "<path" in vl_convert.vegalite_to_svg(json.dumps(spec), vl_version="6.4")
    (rows,) = spec.pop("datasets").values()
    return pd.DataFrame(rows), titles_in(spec)


def test_a_bar_of_the_index_is_the_score(index):
    rows, titles = looked_at(index.plot(first=5))
    total = rows.groupby("city_id", sort=False)["value"].sum()
    own = index.fit().scores.query("index_suffix == '' and year == 2015").nsmallest(5, "rank_year")
    assert total.index.tolist() == own["city_id"].tolist()
    np.testing.assert_allclose(total, own["score"])
    assert set(rows["part"]) == {"new", "quality"}
    assert titles == {"score 2015 (0-1)"}


def test_an_index_that_is_no_sum_has_whole_bars(index):
    other = CompositeIndex(index.panel, index.directions, index.levels, aggregation="geometric")
    rows, _ = looked_at(other.plot(2014, first=3))
    own = other.fit().scores.query("index_suffix == '' and year == 2014").nsmallest(3, "rank_year")
    np.testing.assert_allclose(rows["value"], own["score"])
    refused("unknown year", other.plot, 1999)


def test_places_are_drawn_with_their_ranges(drawn):
    rows, titles = looked_at(drawn.plot(2014, first=4))
    own = drawn.to_frame().query("year == 2014").nsmallest(4, "rank_year").reset_index(drop=True)
    pd.testing.assert_frame_equal(rows, own, check_dtype=False)
    assert titles == {f"rank 2014: median and 5-95 % of {len(drawn.ranks)} draws"}


def test_effects_are_drawn_with_their_intervals_and_without_altair_say_what_to_install(effects, monkeypatch):
    rows, titles = looked_at(effects.plot())
    columns = ["point", "lower", "upper"]
    np.testing.assert_allclose(rows[columns], effects.to_frame()[columns])
    assert titles == {"change of y for one unit of x, 95% interval (delta)"}
    assert isinstance(effects.plot().properties(title="Effects"), alt.LayerChart)
    monkeypatch.setitem(sys.modules, "altair", None)
    refused(r"nqpf-models\[plot\]", effects.plot, error=ImportError)
