"""The Markov tables of a small made-up country: identities and labels; the rest is in test_every_analysis."""

import numpy as np
import pandas as pd
import pytest
from city_frames import frames
from study_tools import settings

from dagster_project.study import markov as analysis
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise

FAST = settings(markov={"resamples": 29, "permutations": 19, "long_lag": 9, "lisa": 99})


@pytest.fixture(scope="module")
def tables():
    return analysis.build(frames(), FAST)


def test_the_headline_chain_is_that_of_the_method_and_moves_are_steps_of_the_state(tables):
    y = frames()["scores"].pivot(index="city_id", columns="year", values="score")
    expected = markov(discretise(y, "relative", base=np.arange(8) < 6).states, 4)
    rows = tables["markov_transition"].query("discretisation == 'relative' and scheme == 'all' and lag == 1")
    np.testing.assert_array_equal(rows["n"], expected.counts.ravel())
    assert rows["state_from"].tolist() == np.repeat([1, 2, 3, 4], 4).tolist()
    assert 0 < rows["n_imputed"].sum() < rows["n"].sum()
    table = tables["city_state"].query("discretisation == 'relative'").sort_values(["city_id", "year"])
    step = table.groupby("city_id")["state"].diff()
    assert (step.dropna() == table.loc[step.notna(), "move"]).all()
    assert table.loc[table["year"] == 2012, "move"].isna().all()


def test_groups_and_classes_of_neighbours_add_up_to_the_whole_because_the_island_is_attached(tables):
    table = tables["markov_transition"].query("lag == 2")
    key = ["discretisation", "state_from", "state_to"]
    whole = table[table["scheme"] == "all"].set_index(key)["n"]
    for scheme in ("core", "four_region"):
        parts = table[table["scheme"] == scheme].groupby(key)["n"].sum()
        pd.testing.assert_series_equal(parts.sort_index(), whole.sort_index(), check_names=False)
    table = tables["markov_spatial_transition"]
    for _, part in table.groupby(["discretisation", "lag", "w_code", "lag_cuts"]):
        assert part["n"].sum() == part["n_obs"].iloc[0]
    assert (tables["markov_test"]["n_no_lag"] == 0).all()
    assert set(table["lag_cuts"]) == {"quantiles", "own_cuts"}


def test_every_test_comes_with_both_p_values(tables):
    table = tables["markov_test"].query("lag == 1")
    assert set(table["test_code"]) == {"time_homog", "spatial_homog", "region_homog", "order1", "order2"}
    assert table["p_perm"].between(0.05, 1).all()  # 1/(19 + 1) is the smallest
    assert table["p_chi2"].between(0, 1).all()


def test_upward_help_stands_where_classes_are_pooled_and_a_drift_is_flagged_on_pooled_cuts(tables):
    table = tables["markov_summary"]
    pooled = table[table["matrix_id"].str.endswith("|pooled")]
    assert pooled["upward_help_1"].notna().any()
    assert table.loc[~table.index.isin(pooled.index), "upward_help_1"].isna().all()
    assert (pooled["upward_help_1_lo"] <= pooled["upward_help_1_hi"]).loc[pooled["upward_help_1_lo"].notna()].all()
    table = tables["markov_summary"]
    assert table.query("discretisation == 'pooled'")["has_common_trend"].all()
    assert not table.query("discretisation != 'pooled'")["has_common_trend"].any()


def test_a_country_of_a_dozen_cities_and_five_years_goes_through():
    few = analysis.build(frames(12, 5, 5), FAST)
    assert set(few["markov_transition"]["lag"]) == {1, 2, 3, 4}
    shares = few["markov_transition"].dropna(subset="p")
    key = ["discretisation", "scheme", "group_code", "lag", "state_from"]
    np.testing.assert_allclose(shares.groupby(key)["p"].sum(), 1, atol=1e-12)
