"""The space and Markov tables of a small made-up country; what holds of every analysis is in test_every_analysis."""

import json

import numpy as np
import pandas as pd
import pytest
from city_frames import frames
from study_tools import settings

from dagster_project.study import markov as chain_analysis
from dagster_project.study import space as analysis
from dagster_project.study import weights
from dagster_project.study.space import EDGE_CODES
from dagster_project.study.weights import CATALOGUE
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise
from python_models.space import adjust, moran, to_graph

FAST_CHAINS = settings(markov={"resamples": 29, "permutations": 19, "long_lag": 9})


@pytest.fixture(scope="module")
def chains():
    return chain_analysis.build(frames(), FAST_CHAINS)


def test_the_headline_chain_is_that_of_the_method_and_moves_are_steps_of_the_state(chains):
    y = frames()["scores"].pivot(index="city_id", columns="year", values="score")
    expected = markov(discretise(y, "relative", base=np.arange(8) < 6).states, 4)
    rows = chains["markov_transition"].query("discretisation == 'relative' and scheme == 'all' and lag == 1")
    np.testing.assert_array_equal(rows["n"], expected.counts.ravel())
    assert rows["state_from"].tolist() == np.repeat([1, 2, 3, 4], 4).tolist()
    assert 0 < rows["n_imputed"].sum() < rows["n"].sum()
    table = chains["city_state"].query("discretisation == 'relative'").sort_values(["city_id", "year"])
    step = table.groupby("city_id")["state"].diff()
    assert (step.dropna() == table.loc[step.notna(), "move"]).all()
    assert table.loc[table["year"] == 2012, "move"].isna().all()


def test_groups_and_classes_of_neighbours_add_up_to_the_whole_because_the_island_is_attached(chains):
    table = chains["markov_transition"].query("lag == 2")
    key = ["discretisation", "state_from", "state_to"]
    whole = table[table["scheme"] == "all"].set_index(key)["n"]
    for scheme in ("core", "four_region"):
        parts = table[table["scheme"] == scheme].groupby(key)["n"].sum()
        pd.testing.assert_series_equal(parts.sort_index(), whole.sort_index(), check_names=False)
    table = chains["markov_spatial_transition"]
    for _, part in table.groupby(["discretisation", "lag", "w_code", "lag_cuts"]):
        assert part["n"].sum() == part["n_obs"].iloc[0]
    assert (chains["markov_test"]["n_no_lag"] == 0).all()
    assert set(table["lag_cuts"]) == {"quantiles", "own_cuts"}


def test_every_test_comes_with_both_p_values_also_in_a_country_of_a_dozen_cities(chains):
    table = chains["markov_test"].query("lag == 1")
    assert set(table["test_code"]) == {"time_homog", "spatial_homog", "region_homog", "order1", "order2"}
    assert table["p_perm"].between(0.05, 1).all()  # 1/(19 + 1) is the smallest
    assert table["p_chi2"].between(0, 1).all()
    few = chain_analysis.build(frames(12, 5, 5), FAST_CHAINS)
    assert set(few["markov_transition"]["lag"]) == {1, 2, 3, 4}
    shares = few["markov_transition"].dropna(subset="p")
    key = ["discretisation", "scheme", "group_code", "lag", "state_from"]
    np.testing.assert_allclose(shares.groupby(key)["p"].sum(), 1, atol=1e-12)


def test_upward_help_stands_where_classes_are_pooled_and_a_drift_is_flagged_on_pooled_cuts(chains):
    table = chains["markov_summary"]
    pooled = table[table["matrix_id"].str.endswith("|pooled")]
    assert pooled["upward_help_1"].notna().any()
    assert table.loc[~table.index.isin(pooled.index), "upward_help_1"].isna().all()
    assert (pooled["upward_help_1_lo"] <= pooled["upward_help_1_hi"]).loc[pooled["upward_help_1_lo"].notna()].all()
    assert table.query("discretisation == 'pooled'")["has_common_trend"].all()
    assert not table.query("discretisation != 'pooled'")["has_common_trend"].any()


FAST = settings(space={"permutations": 99, "resamples": 49})


@pytest.fixture(scope="module")
def tables():
    return analysis.build(frames(), FAST)


def test_every_matrix_is_described_and_without_mass_the_economic_one_is_left_out(tables):
    assert set(tables["weight_matrix"]["w_code"]) == set(CATALOGUE)
    assert tables["weight_matrix"]["sha256"].str.len().eq(64).all()
    params = tables["weight_matrix"].set_index("w_code")["params_json"]
    assert json.loads(params["invd500_row"])["cutoff"] == 500.0
    few = frames(12, 5, 5)
    del few["mass"]
    codes = set(analysis.build(few, FAST)["weight_matrix"]["w_code"])
    assert "econ_row" not in codes
    assert {"queen_row", "invd_row", "knn10_row"} <= codes


def test_published_links_rebuild_the_matrix_whose_moran_is_that_of_the_table(tables):
    edges = tables["spatial_weight_edge"]
    assert set(edges["w_code"]) == set(EDGE_CODES)
    np.testing.assert_allclose(edges.groupby(["w_code", "city_id_receiver"])["weight_norm"].sum(), 1, atol=1e-12)
    invd = edges.query("w_code == 'invd_row'")
    np.testing.assert_allclose(invd["weight_raw"] * invd["distance_km"], 1, rtol=1e-12)
    assert set(edges["block"]) == {"cc", "cp", "pc", "pp"}
    core = frames()["groups"].query("scheme == 'core'").set_index("city_id")["group_code"]
    receivers = edges.loc[edges["block"].isin(["cc", "cp"]), "city_id_receiver"]
    assert set(core.loc[receivers]) == {"core"}  # the first letter is the receiver
    edges = tables["spatial_weight_edge"].query("w_code == 'queen_row'")
    y = frames()["scores"].query("year == 2015").set_index("city_id")["score"].sort_index()
    matrix = edges.pivot(index="city_id_receiver", columns="city_id_emitter", values="weight_norm").fillna(0)
    expected = moran(y, to_graph(matrix.loc[y.index, y.index].to_numpy(), y.index), permutations=0)
    row = tables["moran_global"].query("w_code == 'queen_row' and year == 2015 and statistic == 'moran'").iloc[0]
    assert row["value"] == pytest.approx(expected.value, abs=1e-12)
    part = tables["moran_global"].query("w_code == 'knn6_row' and statistic == 'geary'")
    np.testing.assert_allclose(part["p_holm"], adjust(part["p_perm"].to_numpy(), "holm"))
    assert len(part) == 8


def test_the_local_map_sums_to_the_global_number_and_the_unweighted_centre_does_not_move(tables):
    local = tables["lisa"].query("w_code == 'knn6_row'").groupby("year")["i_local"].sum()
    whole = tables["moran_global"].query("w_code == 'knn6_row' and statistic == 'moran'").set_index("year")["value"]
    np.testing.assert_allclose(local, 40 * whole, atol=1e-10)  # S0 = n for row weights
    assert set(tables["lisa"]["class_fdr"]) <= {"HH", "LH", "LL", "HL", "ns"}
    table = tables["center_ellipse"]
    still = table.query("weight_kind == 'unweighted'")
    np.testing.assert_allclose(still["move_km"].dropna(), 0, atol=1e-6)
    moving = table.query("weight_kind == 'score'")
    assert (moving["move_km"].dropna() > 0).all()
    assert (moving["center_x"] > still["center_x"].to_numpy()).all()  # the east scores higher


def test_degrees_count_the_links(tables):
    summary = tables["network_summary"].set_index("year")
    links = tables["network_city"].groupby("year")["out_degree"].sum()
    np.testing.assert_allclose(summary["density"], links / (40 * 39))
    assert (summary["density_lo"] <= summary["density"]).all()


def test_weights_with_too_many_links_are_left_out_with_the_reason(monkeypatch):
    made = frames()
    n = made["scores"]["city_id"].nunique()
    monkeypatch.setattr(weights, "MOST_LINKS", n * (n - 1) // 2)
    found = analysis.build(made, FAST)
    catalogue = found["weight_matrix"].set_index("w_code")
    left_out = catalogue[catalogue["sha256"].isna()]
    assert {"invd_row", "expd_row", "econ_row", "same_prov", "diff_prov", "gravity"} <= set(left_out.index)
    assert left_out["note"].str.startswith(f"left out: {n * (n - 1):,} links, more than").all()
    assert not left_out["has_edges"].any()
    assert {"queen_row", "knn6_row"} <= set(found["lisa"]["w_code"])
    assert found["network_summary"].empty
