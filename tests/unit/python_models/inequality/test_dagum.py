"""Dagum's decomposition: identities, edge rules, invariances, and the values of another program."""

import numpy as np
import pandas as pd
import pytest
from golden import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.inequality import dagum, gini

Y = np.array([1.0, 2, 3, 6, 2, 4, 10])
GROUPS = np.array(list("aaaabbc"))
CASES = st.lists(
    st.tuples(st.sampled_from([0.0, 0.1, 1.0, 1.5, 2.0, 7.25]), st.sampled_from("abcd")), min_size=1, max_size=24
)


def by_pairs(y: np.ndarray, g: np.ndarray) -> tuple[float, float, float]:
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


def test_seven_values_in_three_groups_have_the_printed_parts():
    found = dagum(Y, GROUPS)
    parts = found.total, found.within, found.between, found.transvariation
    assert parts == pytest.approx((0.3775510204, 0.0918367347, 0.2142857143, 0.0714285714), abs=1e-10)
    assert found.shares.sum() == pytest.approx(100.0)


@settings(deadline=None, max_examples=120)
@given(CASES)
def test_parts_equal_the_definition_with_zeros_and_ties(cases):
    y, g = np.array([c[0] for c in cases]), np.array([c[1] for c in cases])
    found = dagum(y, g)
    if y.sum() == 0.0:
        assert np.isnan([found.total, found.within, found.between, found.transvariation]).all()
        return
    assert (found.within, found.between, found.transvariation) == pytest.approx(by_pairs(y, g), abs=1e-12)
    assert found.total == pytest.approx(gini(y), abs=1e-12)
    means = pd.Series(y).groupby(g).transform("mean").to_numpy()
    assert found.between == pytest.approx(gini(means), abs=1e-12)
    affluence = found.relative_affluence.to_numpy()
    assert np.nanmin(affluence) >= 0.0
    assert np.nanmax(affluence) <= 1.0


def test_weights_count_as_often_as_the_city_were_repeated():
    rng = np.random.default_rng(6)
    y, g, w = rng.lognormal(size=60).round(2), rng.integers(0, 4, 60), rng.integers(1, 5, 60)
    weighted, repeated = dagum(y, g, w), dagum(np.repeat(y, w), np.repeat(g, w))
    for part in ("total", "within", "between", "transvariation"):
        assert getattr(weighted, part) == pytest.approx(getattr(repeated, part), abs=1e-12)


def test_groups_that_do_not_overlap_have_no_transvariation_at_all():
    found = dagum([1.1, 2.3, 3.7, 10.1, 11.9, 25.3], list("aaabbb"))
    assert found.transvariation == 0.0
    assert found.relative_affluence.loc["b", "a"] == 1.0
    assert found.pairs_frame()["transvariation"].item() == 0.0


def test_one_group_is_all_within():
    found = dagum(Y, ["all"] * 7)
    assert found.within == pytest.approx(gini(Y), abs=1e-14)
    assert (found.between, found.transvariation) == (0.0, 0.0)


def test_each_city_its_own_group_is_all_between():
    found = dagum(Y, np.arange(7))
    assert found.between == pytest.approx(gini(Y), abs=1e-12)
    assert (found.within, found.transvariation) == (0.0, 0.0)
    assert (found.gini_within == 0.0).all()


def test_identical_groups_have_nothing_between():
    found = dagum([1.0, 4.0, 1.0, 4.0], list("aabb"))
    assert found.between == 0.0
    assert found.transvariation > 0.0
    assert found.relative_affluence.loc["a", "b"] == 0.0


def test_equal_constant_groups_have_no_difference_and_no_affluence():
    found = dagum([0.1, 0.1, 0.1, 0.1, 0.1, 5.0], list("aaabbc"))
    assert found.gini_between.loc["a", "b"] == 0.0
    assert found.relative_affluence.loc["a", "b"] == 0.0


def test_a_pair_of_groups_of_zeros_has_no_gini_and_adds_nothing():
    found = dagum([0.0, 0.0, 0.0, 3.0, 5.0], list("aabcc"))
    assert np.isnan(found.gini_between.loc["a", "b"])
    assert found.gini_within["b"] == 0.0  # one member
    assert np.isnan(found.gini_within["a"])  # 0 / 0
    assert found.total == pytest.approx(gini([0, 0, 0, 3, 5]), abs=1e-14)


def test_an_empty_category_is_recorded_with_no_city():
    found = dagum(Y, pd.Categorical(GROUPS, categories=["a", "b", "c", "d"]))
    assert found.groups_frame()["n"].tolist() == [4, 2, 1, 0]
    assert np.isnan(found.gini_within["d"])
    assert found.total == pytest.approx(gini(Y), abs=1e-14)
    assert len(found.pairs_frame()) == 3


@settings(deadline=None, max_examples=30)
@given(CASES, st.floats(0.01, 100.0), st.randoms(use_true_random=False))
def test_scale_and_row_order_change_nothing(cases, factor, random):
    mixed = list(cases)
    random.shuffle(mixed)
    one = dagum([c[0] for c in cases], [c[1] for c in cases])
    two = dagum([factor * c[0] for c in mixed], [c[1] for c in mixed])
    for part in ("total", "within", "between", "transvariation"):
        assert getattr(two, part) == pytest.approx(getattr(one, part), abs=1e-10, nan_ok=True)


def test_pairs_name_the_higher_group_first():
    pairs = dagum(Y, GROUPS).pairs_frame().set_index(["group_high", "group_low"])
    assert pairs.index.tolist() == [("a", "b"), ("c", "a"), ("c", "b")]
    moments = (pairs["gross_affluence"] + pairs["transvariation"]).to_numpy()
    assert moments == pytest.approx(pairs["mean_difference"].to_numpy(), abs=1e-14)


@pytest.mark.parametrize(
    ("y", "groups", "message"),
    [
        ([1.0, -1.0], ["a", "b"], "negative"),
        ([1.0, np.nan], ["a", "b"], "missing"),
        ([1.0, 2.0], ["a"], "one label per value"),
        ([1.0, 2.0], ["a", None], "missing label at position 1"),
    ],
)
def test_bad_input_is_refused(y, groups, message):
    with pytest.raises(ValueError, match=message):
        dagum(y, groups)


@pytest.mark.parametrize("year", ["1929", "1969", "2009"])
def test_incomes_of_us_states_by_region_agree_with_another_program(year):
    """R, all pairs of 48 states in 8 regions; R's dineq 0.1.0 gives the same three parts to 1e-15."""
    expected = cases.expected("us_states")["dagum"][year]
    found = dagum(cases.us_states()[year], cases.us_regions())
    order = np.ix_(*[[list(found.labels).index(group) for group in expected["groups"]]] * 2)
    parts = found.total, found.within, found.between, found.transvariation
    assert parts == pytest.approx([expected[k] for k in ("G", "Gw", "Gnb", "Gt")], abs=1e-12)
    assert found.gini_between.to_numpy()[order] == pytest.approx(np.array(expected["G_jh"]), abs=1e-12)
    assert found.relative_affluence.to_numpy()[order] == pytest.approx(np.array(expected["D_jh"]), abs=1e-12)
