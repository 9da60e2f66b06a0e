"""Classes of scores (docs/formulas.md#states) and the check of classes that come from outside."""

import mapclassify
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_models.dynamics.markov import markov
from python_models.dynamics.states import check_states, classify, discretise, round_significant


def test_a_value_at_a_cut_belongs_to_the_lower_class():
    assert classify(np.array([0.9, 1.0, 1.1, np.nan]), np.array([1.0, 2.0])).tolist() == [0, 0, 1, -1]


def test_yearly_classes_equal_mapclassify(income):
    ours = discretise(income, "yearly", n_states=5)
    for t in range(0, 81, 10):
        np.testing.assert_array_equal(ours.states[:, t], mapclassify.Quantiles(income.iloc[:, t], k=5).yb)


def test_relative_cuts_are_those_of_the_pooled_relative_score(income):
    """Upper bounds of giddy's documentation example."""
    ours = discretise(income, "relative", n_states=5)
    expected = [0.8399913278866344, 0.9470754454241338, 1.0324269665196955, 1.1491115353644896]
    np.testing.assert_allclose(ours.cuts, expected, rtol=1e-12)


@given(factor=st.floats(0.01, 100))
def test_multiplying_all_scores_leaves_every_chain(country, factor):
    y, _ = country
    for kind in ("relative", "pooled", "yearly"):
        np.testing.assert_array_equal(discretise(y * factor, kind).states, discretise(y, kind).states)


def test_a_common_yearly_factor_moves_the_pooled_chain_only(country):
    y, _ = country
    grown = y * np.linspace(1, 3, y.shape[1])
    np.testing.assert_array_equal(discretise(grown, "relative").states, discretise(y, "relative").states)
    np.testing.assert_array_equal(discretise(grown, "yearly").states, discretise(y, "yearly").states)
    assert (discretise(grown, "pooled").states != discretise(y, "pooled").states).any()


def test_frozen_cuts_come_from_the_base_years_alone(country):
    y, _ = country
    base = np.arange(8) < 5
    first = discretise(y[:, :5], "relative")
    both = discretise(y, "relative", base=base)
    np.testing.assert_array_equal(both.cuts, first.cuts)
    np.testing.assert_array_equal(both.states[:, :5], first.states)
    np.testing.assert_array_equal(discretise(y, "relative", cuts=first.cuts).states, both.states)


def test_labels_are_kept(income):
    frame = discretise(income, "relative").to_frame()
    assert frame.columns.tolist() == ["city_id", "year", "state"]
    assert frame["city_id"].iloc[0] == "Alabama"
    assert frame["year"].iloc[1] == "1930"


def test_rounding_keeps_twelve_digits():
    noisy = np.array([1.0, 0.1 + 0.2, 12345.678901234567, 0.0])
    np.testing.assert_array_equal(round_significant(noisy), [1.0, 0.3, 12345.6789012, 0.0])


@pytest.mark.parametrize(
    ("states", "message"),
    [
        ([[0, 4]], r"got 4 at city 0, year 1. Subtract 1 if your states start at 1"),
        ([[0, -1]], r"must be whole numbers 0\.\.3, got -1"),
        ([[0, 1.5]], r"got 1\.5 at city 0, year 1"),
        ([[0, np.nan]], r"missing for 1 cells, first \(0, 1\)"),
        ([[True, False]], "got bool"),
        ([["a", "b"]], "must be whole numbers"),
        ([0, 1], r"axes \(city, year\)"),
    ],
)
def test_states_that_are_none_are_refused(states, message):
    with pytest.raises(ValueError, match=message):
        markov(np.array(states), 4)


def test_missing_states_are_left_out_only_on_request():
    states = pd.DataFrame({2012: [0, 1, None], 2013: [1, 1, 0]}, dtype="Int64")
    assert markov(states, 2, allow_missing=True).n_obs == 2
    assert check_states(states, 2, "states", allow_missing=True)[2, 0] == -1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "monthly"}, "unknown discretisation"),
        ({"n_states": 1}, "two states"),
        ({"cuts": [2.0, 1, 3]}, "ascending"),
    ],
)
def test_a_discretisation_that_is_none_is_refused(country, options, message):
    with pytest.raises(ValueError, match=message):
        discretise(country[0], **options)
