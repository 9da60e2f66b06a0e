"""Theil indices: parts sum to the total; edge cases; the values of other programs."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from inequality.theil import Theil, TheilD

from python_models.inequality import theil, theil_nested

Y = np.array([1.0, 2, 3, 6, 2, 4, 10])
GROUPS = np.array(list("aaaabbc"))
CASES = st.lists(st.tuples(st.floats(0.01, 1e4), st.sampled_from("nsw"), st.integers(0, 3)), min_size=1, max_size=30)


def test_seven_values_have_the_printed_indices():
    assert theil(Y) == pytest.approx(0.2347774524, abs=1e-10)
    assert theil(Y, kind="L") == pytest.approx(0.2483592792, abs=1e-10)
    assert theil(Y, GROUPS).between == pytest.approx(0.14230821480748196, abs=1e-14)


@pytest.mark.parametrize("kind", ["T", "L"])
@settings(deadline=None, max_examples=60)
@given(cases=CASES)
def test_parts_sum_to_the_total(kind, cases):
    y, region = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    province = [f"{c[1]}{c[2]}" for c in cases]
    one = theil(y, region, kind)
    assert one.between + one.within == pytest.approx(one.total, abs=1e-10)
    assert one.total == pytest.approx(theil(y, kind=kind), abs=1e-12)
    nested = theil_nested(y, region, province, kind)
    parts = nested.between_region + nested.between_province + nested.within_province
    assert parts == pytest.approx(nested.total, abs=1e-10)
    assert nested.between_region == pytest.approx(one.between, abs=1e-10)
    assert nested.between_region + nested.between_province == pytest.approx(theil(y, province, kind).between, abs=1e-10)
    assert nested.to_frame()["share"].iloc[1:].sum() == pytest.approx(100.0) or nested.total < 1e-9


def test_a_region_is_the_sum_of_its_two_parts_and_equals_its_own_index():
    rng = np.random.default_rng(7)
    y, province = rng.lognormal(size=80), rng.integers(0, 8, 80)
    regions = theil_nested(y, province % 2, province).regions.set_index("region")
    for region in (0, 1):
        assert regions.loc[region, "within_region_total"] == pytest.approx(theil(y[province % 2 == region]), abs=1e-12)
    parts = (regions["between_province_in_region"] + regions["within_province_in_region"]).to_numpy()
    assert parts == pytest.approx(regions["within_region_total"].to_numpy(), abs=1e-12)


@pytest.mark.parametrize("kind", ["T", "L"])
def test_provinces_of_one_city_have_nothing_inside(kind):
    nested = theil_nested(Y, GROUPS, np.arange(7), kind)
    assert nested.within_province == 0.0
    assert nested.total == pytest.approx(theil(Y, kind=kind), abs=1e-14)


def test_the_package_agrees_on_t_and_its_parts():
    rng = np.random.default_rng(8)
    y, g = rng.lognormal(size=280), rng.integers(0, 4, 280)
    peer, own = TheilD(y, g), theil(y, g)
    assert theil(y) == pytest.approx(float(Theil(y).T), abs=1e-10)
    assert own.between == pytest.approx(float(np.squeeze(peer.bg)), abs=1e-10)
    assert own.within == pytest.approx(float(np.squeeze(peer.wg)), abs=1e-10)


def test_a_zero_is_no_problem_for_t_and_flagged_for_l():
    assert theil([0.0, 1.0, 2.0]) == pytest.approx(math.log(2.0) * 2.0 / 3.0, abs=1e-14)  # (1/3) 2 ln 2, mu = 1
    assert theil([0.0, 1.0]) == pytest.approx(math.log(2.0), abs=1e-14)
    assert math.isnan(theil([0.0, 1.0], kind="L"))
    found = theil([0.0, 1.0, 2.0, 2.0], list("aabb"), "L")
    assert found.has_zero
    assert math.isnan(found.total)
    assert math.isnan(found.within)
    assert found.index[1] == 0.0
    zeros = theil([0.0, 0.0, 3.0, 5.0], list("aabb"))
    assert zeros.between + zeros.within == pytest.approx(zeros.total, abs=1e-14)
    assert zeros.to_frame()["within"].tolist()[0] == 0.0


@pytest.mark.parametrize("kind", ["T", "L"])
def test_equal_values_have_no_inequality(kind):
    assert theil(np.full(7, 0.1), kind=kind) == 0.0
    assert theil(np.full(7, 0.1), GROUPS, kind).within == pytest.approx(0.0, abs=1e-15)
    assert math.isnan(theil([0.0, 0.0], kind=kind))


@pytest.mark.parametrize("kind", ["T", "L"])
def test_scale_and_replication_change_nothing_and_weights_are_replications(kind):
    rng = np.random.default_rng(9)
    y, w = rng.lognormal(size=40), rng.integers(1, 6, 40)
    assert theil(7.0 * y, kind=kind) == pytest.approx(theil(y, kind=kind), abs=1e-13)
    assert theil(np.repeat(y, 2), kind=kind) == pytest.approx(theil(y, kind=kind), abs=1e-13)
    assert theil(y, kind=kind, weights=w) == pytest.approx(theil(np.repeat(y, w), kind=kind), abs=1e-13)
    g = rng.integers(0, 3, 40)
    weighted, repeated = theil(y, g, kind, weights=w), theil(np.repeat(y, w), np.repeat(g, w), kind)
    assert weighted.between == pytest.approx(repeated.between, abs=1e-13)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="kind must be"):
        theil(Y, kind="S")
    with pytest.raises(ValueError, match="lies in two regions"):
        theil_nested(Y, list("aabbbbb"), list("ppppqqq"))
    with pytest.raises(ValueError, match="negative"):
        theil([-1.0, 2.0])


US_STATES = {"1929": (0.0625135047202632, 0.0648893810027182), "2009": (0.0100095334430974, 0.00974249308732122)}


@pytest.mark.parametrize("year", sorted(US_STATES))
def test_incomes_of_us_states_agree_with_r(year):
    """R package ineq 0.2-13, Theil T and L of 48 states; the incomes are a built-in example of libpysal."""
    import libpysal

    y = pd.read_csv(libpysal.examples.get_path("usjoin.csv"))[year]
    assert (theil(y), theil(y, kind="L")) == pytest.approx(US_STATES[year], abs=1e-12)
