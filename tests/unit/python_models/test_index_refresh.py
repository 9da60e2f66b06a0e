"""A new year arrives: the frozen basis keeps every old bit, the restated basis moves."""

import numpy as np
import pandas as pd
import pytest

from python_models import CompositeIndex, Panel

OLD = (2012, 2013, 2014, 2015)


@pytest.fixture(scope="module")
def old(panel_factory):
    return panel_factory(years=OLD)


@pytest.fixture(scope="module")
def new(panel_factory):
    return panel_factory(years=(*OLD, 2016))


def until_2015(frame):
    return frame[frame["year"] <= 2015].reset_index(drop=True)


def test_frozen_old_rows_are_bit_equal_after_appending_a_year(old, new, spec):
    a, b = CompositeIndex(old, **spec).fit(), CompositeIndex(new, **spec).fit()
    for name in ("bounds", "weights"):
        pd.testing.assert_frame_equal(getattr(a, name), getattr(b, name), check_exact=True)
    for name in ("values", "scores", "contributions"):
        pd.testing.assert_frame_equal(getattr(a, name), until_2015(getattr(b, name)), check_exact=True)


def test_frozen_with_one_base_year_is_bit_equal_too(panel_factory, spec):
    # One year and several years have different memory layouts: sums must not depend on them.
    one = {**spec, "window": (2012, 2012)}
    a, b = (
        CompositeIndex(panel_factory(years=(2012,)), **one).fit(),
        CompositeIndex(panel_factory(years=OLD), **one).fit(),
    )
    pd.testing.assert_frame_equal(a.scores, b.scores[b.scores["year"] == 2012].reset_index(drop=True), check_exact=True)


def test_restated_old_scores_do_move(new, spec):
    frozen = CompositeIndex(new, **spec).fit()
    restated = CompositeIndex(new, **{**spec, "window": (2012, 2016)}).fit()
    assert np.abs(restated.score[:, :4] - frozen.score[:, :4]).max() > 1e-4
    assert np.abs(restated.w - frozen.w).max() > 1e-6


def test_a_new_year_is_scored_with_old_bounds_not_clipped_and_flagged(new, spec):
    values = new.values.copy()
    values[0, 4, 3] = 2 * values[..., 3].max()  # q1: not winsorised, positive
    values[1, 4, 2] = 2 * values[..., 2].max()  # n3: not winsorised, negative
    result = CompositeIndex(Panel(values, new.cities, new.years, new.names), **spec).fit()
    assert result.z[0, 4, 3] > 1
    assert result.z[1, 4, 2] < 0
    flagged = result.values[result.values["out_of_base_range"]]
    assert (flagged["year"] == 2016).all()
    beyond = result.values[(result.values["z"] < 0) | (result.values["z"] > 1)]
    assert set(beyond.index) <= set(flagged.index)
    mine = result.scores.set_index(["city_id", "year", "index_suffix"])["out_of_base_range"]
    assert mine[new.cities[0], 2016, "_quality"]
    assert mine[new.cities[0], 2016, ""]
    assert mine[new.cities[1], 2016, "_new"]


def test_a_winsorised_indicator_keeps_the_old_limits_and_still_reports_that_it_left_the_range(new, spec):
    values = new.values.copy()
    values[0, 4, 0] = 2 * values[..., 0].max()  # n1: winsorised
    result = CompositeIndex(Panel(values, new.cities, new.years, new.names), **spec).fit()
    cell = result.values.set_index(["city_id", "year", "indicator_code"]).loc[(new.cities[0], 2016, "n1")]
    assert cell["value_final"] == result.bounds.set_index("indicator_code").loc["n1", "winsor_high_value"]
    assert cell["z"] == 1.0
    assert cell["is_winsorised"]
    assert cell["out_of_base_range"]


def test_a_year_before_the_window_is_treated_like_one_after(new, spec):
    late = {**spec, "window": (2013, 2016)}
    whole, cut = (
        CompositeIndex(new, **late).fit(),
        CompositeIndex(new.select_years((2013, 2014, 2015, 2016)), **late).fit(),
    )
    np.testing.assert_array_equal(whole.score[:, 1:], cut.score)
    flagged = whole.values[whole.values["out_of_base_range"]]
    assert len(flagged)
    assert (flagged["year"] == 2012).all()


def test_an_extreme_new_year_cannot_touch_the_old_scores(old, new, spec):
    values = new.values.copy()
    values[:, 4] = 1e9
    shocked = CompositeIndex(Panel(values, new.cities, new.years, new.names), **spec).fit()
    np.testing.assert_array_equal(shocked.score[:, :4], CompositeIndex(old, **spec).fit().score)


def test_a_missing_cell_in_a_new_year_touches_only_its_own_score(new, spec):
    values = new.values.copy()
    values[2, 4, 1] = np.nan
    result = CompositeIndex(Panel(values, new.cities, new.years, new.names), **spec).fit()
    assert np.argwhere(np.isnan(result.score)).tolist() == [[2, 4]]
