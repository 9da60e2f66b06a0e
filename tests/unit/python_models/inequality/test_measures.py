"""Gini, Theil, Dagum: identities, edge rules, invariances, and the values of other programs."""

import math

import numpy as np
import pandas as pd
import pytest
from checks import refused
from golden import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.inequality import dagum, gini, theil, theil_nested

VALUES = st.lists(st.floats(0.0, 1e6, allow_subnormal=False), min_size=2, max_size=40).filter(lambda v: sum(v) > 1e-3)


def by_pairs(y: np.ndarray, w: np.ndarray | None = None) -> float:
    """The definition: all pairs."""
    w = np.ones(y.size) if w is None else w
    spread = (np.outer(w, w) * np.abs(y[:, None] - y[None, :])).sum()
    return float(spread / (2.0 * w.sum() * (w @ y)))


def test_seven_values_have_the_printed_indices():
    assert gini(Y) == pytest.approx(0.3775510204, abs=1e-10)
    assert theil(Y) == pytest.approx(0.2347774524, abs=1e-10)
    assert theil(Y, kind="L") == pytest.approx(0.2483592792, abs=1e-10)
    assert theil(Y, GROUPS).between == pytest.approx(0.14230821480748196, abs=1e-14)
    found = dagum(Y, GROUPS)
    parts = found.total, found.within, found.between, found.transvariation
    assert parts == pytest.approx((0.3775510204, 0.0918367347, 0.2142857143, 0.0714285714), abs=1e-10)
    assert found.shares.sum() == pytest.approx(100.0)


@settings(max_examples=60)
@given(VALUES, st.floats(0.01, 100.0), st.floats(1.0, 100.0))
def test_gini_of_all_pairs_ignores_scale_and_replication_and_falls_with_a_constant(values, factor, constant):
    y = np.array(values)
    index = gini(y)
    assert index == pytest.approx(by_pairs(y), abs=1e-10)
    assert gini(factor * y) == pytest.approx(index, abs=1e-10)
    assert gini(np.repeat(y, 2)) == pytest.approx(index, abs=1e-10)
    assert index <= 1e-9 or gini(y + constant) < index


def test_weights_count_as_often_as_the_city_were_repeated():
    rng = np.random.default_rng(4)
    y, w = rng.lognormal(size=50), rng.integers(0, 5, 50)
    assert gini(y, w) == pytest.approx(gini(np.repeat(y, w)), abs=1e-12)
    assert gini(y, w * 0.37) == pytest.approx(by_pairs(y, w * 0.37), abs=1e-12)
    rng = np.random.default_rng(6)
    y, g, w = rng.lognormal(size=60).round(2), rng.integers(0, 4, 60), rng.integers(1, 5, 60)
    weighted, repeated = dagum(y, g, w), dagum(np.repeat(y, w), np.repeat(g, w))
    for part in ("total", "within", "between", "transvariation"):
        assert getattr(weighted, part) == pytest.approx(getattr(repeated, part), abs=1e-12)


@pytest.mark.parametrize("value", [0.1, 1 / 3, 7.0, 1e-300])
def test_equal_values_have_no_inequality(value):
    assert gini(np.full(9, value)) == 0.0
    assert gini(np.full(9, value), np.arange(9)) == 0.0


def test_only_zeros_have_no_gini_index_and_one_owner_has_one_less_a_share():
    assert math.isnan(gini([0.0, 0.0]))
    assert math.isnan(gini([0.0, 5.0], [1, 0]))
    assert gini([0, 0, 0, 8]) == pytest.approx(0.75)
    assert gini([3.0]) == 0.0


def test_what_cannot_be_read_is_refused_with_its_place():
    refused("missing or infinite number at position \\(1,\\)", gini, [1.0, np.nan])
    refused("missing or infinite", gini, [1.0, np.inf])
    refused("negative number at position \\(1,\\)", gini, [1.0, -0.5, 2.0])
    refused("empty", gini, [])
    refused("one vector", gini, [[1.0, 2.0]])
    refused("one weight per value", gini, [1.0, 2.0], [1.0])
    refused("all weights are zero", gini, [1.0, 2.0], [0.0, 0.0])
    refused("weights holds a negative", gini, [1.0, 2.0], [1.0, -1.0])
    refused("kind must be", theil, Y, kind="S")
    refused("lies in two regions", theil_nested, Y, list("aabbbbb"), list("ppppqqq"))
    refused("negative", theil, [-1.0, 2.0])
    refused("negative", dagum, [1.0, -1.0], ["a", "b"])
    refused("missing", dagum, [1.0, np.nan], ["a", "b"])
    refused("one label per value", dagum, [1.0, 2.0], ["a"])
    refused("missing label at position 1", dagum, [1.0, 2.0], ["a", None])


Y = np.array([1.0, 2, 3, 6, 2, 4, 10])
GROUPS = np.array(list("aaaabbc"))
CASES = st.lists(st.tuples(st.floats(0.01, 1e4), st.sampled_from("nsw"), st.integers(0, 3)), min_size=1, max_size=30)


@pytest.mark.parametrize("kind", ["T", "L"])
@settings(max_examples=60)
@given(cases=CASES)
def test_parts_sum_to_the_total(kind, cases):
    y, region, city = (np.array(column) for column in zip(*cases, strict=True))
    province = [f"{r}{c}" for r, c in zip(region, city, strict=True)]
    one, nested = theil(y, region, kind), theil_nested(y, region, province, kind)
    assert one.between + one.within == pytest.approx(one.total, abs=1e-10)
    assert one.total == pytest.approx(theil(y, kind=kind), abs=1e-12)
    assert nested.between_region == pytest.approx(one.between, abs=1e-10)
    between = nested.between_region + nested.between_province
    assert between == pytest.approx(theil(y, province, kind).between, abs=1e-10)
    assert between + nested.within_province == pytest.approx(nested.total, abs=1e-10)
    assert nested.to_frame()["share"].iloc[1:].sum() == pytest.approx(100.0) or nested.total < 1e-9


def test_a_region_is_the_sum_of_its_two_parts_and_equals_its_own_index():
    rng = np.random.default_rng(7)
    y, province = rng.lognormal(size=80), rng.integers(0, 8, 80)
    regions = theil_nested(y, province % 2, province).regions.set_index("region")
    for region in (0, 1):
        assert regions.loc[region, "within_region_total"] == pytest.approx(theil(y[province % 2 == region]), abs=1e-12)
    parts = (regions["between_province_in_region"] + regions["within_province_in_region"]).to_numpy()
    assert parts == pytest.approx(regions["within_region_total"].to_numpy(), abs=1e-12)


def test_a_zero_is_no_problem_for_t_and_flagged_for_l():
    assert theil([0.0, 1.0, 2.0]) == pytest.approx(math.log(2.0) * 2.0 / 3.0, abs=1e-14)  # (1/3) 2 ln 2, mu = 1
    assert theil([0.0, 1.0]) == pytest.approx(math.log(2.0), abs=1e-14)
    found = theil([0.0, 1.0, 2.0, 2.0], list("aabb"), "L")
    assert found.has_zero
    assert np.isnan([theil([0.0, 1.0], kind="L"), found.total, found.within]).all()
    assert found.index[1] == 0.0
    zeros = theil([0.0, 0.0, 3.0, 5.0], list("aabb"))
    assert zeros.between + zeros.within == pytest.approx(zeros.total, abs=1e-14)
    assert zeros.to_frame()["within"].tolist()[0] == 0.0


@pytest.mark.parametrize("kind", ["T", "L"])
def test_equal_values_and_provinces_of_one_city_have_no_theil_index(kind):
    assert theil(np.full(7, 0.1), kind=kind) == 0.0
    assert theil(np.full(7, 0.1), GROUPS, kind).within == pytest.approx(0.0, abs=1e-15)
    assert math.isnan(theil([0.0, 0.0], kind=kind))
    nested = theil_nested(Y, GROUPS, np.arange(7), kind)
    assert nested.within_province == 0.0
    assert nested.total == pytest.approx(theil(Y, kind=kind), abs=1e-14)


@pytest.mark.parametrize("kind", ["T", "L"])
def test_weights_of_the_theil_index_are_replications(kind):
    rng = np.random.default_rng(9)
    y, w, g = rng.lognormal(size=40), rng.integers(1, 6, 40), rng.integers(0, 3, 40)
    weighted, repeated = theil(y, g, kind, weights=w), theil(np.repeat(y, w), np.repeat(g, w), kind)
    assert (weighted.total, weighted.between) == pytest.approx((repeated.total, repeated.between), abs=1e-13)


@pytest.mark.parametrize(
    ("year", "told"),
    [("1929", (0.0625135047202632, 0.0648893810027182)), ("2009", (0.0100095334430974, 0.00974249308732122))],
)
def test_incomes_of_us_states_agree_with_r(year, told):
    """R package ineq 0.2-13, Theil T and L of 48 states."""
    y = cases.us_states()[year]
    assert (theil(y), theil(y, kind="L")) == pytest.approx(told, abs=1e-12)


TIED = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 1.0, 1.5, 2.0, 7.25]), st.sampled_from("abcd")), min_size=1, max_size=24
)


def parts_by_pairs(y: np.ndarray, g: np.ndarray) -> tuple[float, float, float]:
    """The definition with all pairs: within, between, transvariation."""
    labels, n, mu = sorted(set(g)), y.size, y.mean()
    within = between = overlap = 0.0
    for i, a in enumerate(labels):
        ya = y[g == a]
        if ya.mean() > 0.0:
            gaa = np.abs(ya[:, None] - ya).mean() / (2.0 * ya.mean())
            within += gaa * (ya.size / n) * (ya.sum() / (n * mu))
        for b in labels[:i]:
            yb = y[g == b]
            top, low = (ya, yb) if ya.mean() >= yb.mean() else (yb, ya)
            gap = top[:, None] - low[None, :]
            d, q = np.maximum(gap, 0.0).mean(), np.maximum(-gap, 0.0).mean()
            if d + q == 0.0:
                continue
            share = (ya.size / n) * (yb.sum() / (n * mu)) + (yb.size / n) * (ya.sum() / (n * mu))
            part = (d + q) / (ya.mean() + yb.mean()) * share
            between += part * (d - q) / (d + q)
            overlap += part * (1.0 - (d - q) / (d + q))
    return within, between, overlap


@settings(max_examples=120)
@given(TIED, st.floats(0.01, 100.0))
def test_parts_equal_the_definition_with_zeros_and_ties_on_any_scale(pairs, factor):
    y, g = np.array([c[0] for c in pairs]), np.array([c[1] for c in pairs])
    found = dagum(y, g)
    parts = found.total, found.within, found.between, found.transvariation
    if y.sum() == 0.0:
        assert np.isnan(parts).all()
        return
    assert parts == pytest.approx((gini(y), *parts_by_pairs(y, g)), abs=1e-12)
    assert found.between == pytest.approx(gini(pd.Series(y).groupby(g).transform("mean").to_numpy()), abs=1e-12)
    affluence = found.relative_affluence.to_numpy()
    assert np.nanmin(affluence) >= 0.0
    assert np.nanmax(affluence) <= 1.0
    other = dagum(factor * y, g)
    assert (other.total, other.within, other.between, other.transvariation) == pytest.approx(parts, abs=1e-10)


def test_groups_without_overlap_have_no_transvariation_and_equal_ones_no_affluence():
    found = dagum([1.1, 2.3, 3.7, 10.1, 11.9, 25.3], list("aaabbb"))
    assert found.transvariation == found.pairs_frame()["transvariation"].item() == 0.0
    assert found.relative_affluence.loc["b", "a"] == 1.0
    found = dagum([1.0, 4.0, 1.0, 4.0], list("aabb"))
    assert found.between == found.relative_affluence.loc["a", "b"] == 0.0 < found.transvariation
    constant = dagum([0.1, 0.1, 0.1, 0.1, 0.1, 5.0], list("aaabbc"))
    assert constant.gini_between.loc["a", "b"] == constant.relative_affluence.loc["a", "b"] == 0.0


def test_one_group_is_all_within_and_each_city_its_own_group_is_all_between():
    one, own = dagum(Y, ["all"] * 7), dagum(Y, np.arange(7))
    assert one.within == pytest.approx(gini(Y), abs=1e-14)
    assert own.between == pytest.approx(gini(Y), abs=1e-12)
    assert (one.between, one.transvariation) == (own.within, own.transvariation) == (0.0, 0.0)
    assert (own.gini_within == 0.0).all()


def test_groups_of_zeros_and_of_nobody_add_nothing():
    found = dagum([0.0, 0.0, 0.0, 3.0, 5.0], list("aabcc"))
    assert np.isnan([found.gini_between.loc["a", "b"], found.gini_within["a"]]).all()  # 0 / 0
    assert found.gini_within["b"] == 0.0  # one member
    assert found.total == pytest.approx(gini([0, 0, 0, 3, 5]), abs=1e-14)
    found = dagum(Y, pd.Categorical(GROUPS, categories=["a", "b", "c", "d"]))
    assert np.isnan(found.gini_within["d"])
    assert found.total == pytest.approx(gini(Y), abs=1e-14)
    assert len(found.pairs_frame()) == 3


def test_pairs_name_the_higher_group_first():
    pairs = dagum(Y, GROUPS).pairs_frame().set_index(["group_high", "group_low"])
    assert pairs.index.tolist() == [("a", "b"), ("c", "a"), ("c", "b")]
    moments = pairs["gross_affluence"] + pairs["transvariation"]
    assert moments.to_numpy() == pytest.approx(pairs["mean_difference"].to_numpy(), abs=1e-14)


@pytest.mark.parametrize("year", ["1929", "1969", "2009"])
def test_incomes_of_us_states_by_region_agree_with_another_program(year):
    """R, all pairs of 48 states in 8 regions; R's dineq 0.1.0 gives the same three parts to 1e-15."""
    expected = cases.expected("us_states")["dagum"][year]
    found = dagum(cases.us_states()[year], cases.us_areas()["region"])
    order = np.ix_(*[[list(found.labels).index(group) for group in expected["groups"]]] * 2)
    parts = found.total, found.within, found.between, found.transvariation
    assert parts == pytest.approx([expected[k] for k in ("G", "Gw", "Gnb", "Gt")], abs=1e-12)
    assert found.gini_between.to_numpy()[order] == pytest.approx(np.array(expected["G_jh"]), abs=1e-12)
    assert found.relative_affluence.to_numpy()[order] == pytest.approx(np.array(expected["D_jh"]), abs=1e-12)
