"""The space tables of a small made-up country: identities and labels; the rest is in test_every_analysis."""

import json

import numpy as np
import pytest
from city_frames import frames
from study_tools import settings

from dagster_project.study import space as analysis
from dagster_project.study import weights
from dagster_project.study.space import EDGE_CODES
from dagster_project.study.weights import CATALOGUE
from python_models.space import adjust, moran, to_graph

FAST = settings(space={"permutations": 99, "resamples": 49})


@pytest.fixture(scope="module")
def tables():
    return analysis.build(frames(), FAST)


def test_every_matrix_of_the_catalogue_is_described(tables):
    assert set(tables["weight_matrix"]["w_code"]) == set(CATALOGUE) == set(tables["spatial_weight_profile"]["w_code"])
    assert tables["weight_matrix"]["sha256"].str.len().eq(64).all()
    params = tables["weight_matrix"].set_index("w_code")["params_json"]
    assert json.loads(params["invd500_row"])["cutoff"] == 500.0
    profile = tables["spatial_weight_profile"].set_index("w_code")
    assert profile.loc["knn6_row", ["min_nb", "max_nb"]].tolist() == [6, 6]
    assert profile.loc["queen_row", "n_islands_fixed"] == 1
    assert profile.loc["invd_spectral", "eig_max"] == pytest.approx(1, abs=1e-8)
    inside, across = profile.loc["same_prov", "s0"], profile.loc["diff_prov", "s0"]
    assert inside + across == pytest.approx(40)


def test_published_links_rebuild_the_matrix(tables):
    edges = tables["spatial_weight_edge"]
    assert set(edges["w_code"]) == set(EDGE_CODES)
    np.testing.assert_allclose(edges.groupby(["w_code", "city_id_receiver"])["weight_norm"].sum(), 1, atol=1e-12)
    invd = edges.query("w_code == 'invd_row'")
    np.testing.assert_allclose(invd["weight_raw"] * invd["distance_km"], 1, rtol=1e-12)
    assert set(edges["block"]) == {"cc", "cp", "pc", "pp"}
    core = frames()["groups"].query("scheme == 'core'").set_index("city_id")["group_code"]
    receivers = edges.loc[edges["block"].isin(["cc", "cp"]), "city_id_receiver"]
    assert set(core.loc[receivers]) == {"core"}  # the first letter is the receiver


def test_moran_of_the_table_is_that_of_its_links_and_holm_runs_over_its_years(tables):
    edges = tables["spatial_weight_edge"].query("w_code == 'queen_row'")
    y = frames()["scores"].query("year == 2015").set_index("city_id")["score"].sort_index()
    matrix = edges.pivot(index="city_id_receiver", columns="city_id_emitter", values="weight_norm").fillna(0)
    expected = moran(y, to_graph(matrix.loc[y.index, y.index].to_numpy(), y.index), permutations=0)
    row = tables["moran_global"].query("w_code == 'queen_row' and year == 2015 and statistic == 'moran'").iloc[0]
    assert row["value"] == pytest.approx(expected.value, abs=1e-12)
    part = tables["moran_global"].query("w_code == 'knn6_row' and statistic == 'geary'")
    np.testing.assert_allclose(part["p_holm"], adjust(part["p_perm"].to_numpy(), "holm"))
    assert len(part) == 8


def test_the_local_map_sums_to_the_global_number(tables):
    local = tables["lisa"].query("w_code == 'knn6_row'").groupby("year")["i_local"].sum()
    whole = tables["moran_global"].query("w_code == 'knn6_row' and statistic == 'moran'").set_index("year")["value"]
    np.testing.assert_allclose(local, 40 * whole, atol=1e-10)  # S0 = n for row weights
    assert set(tables["lisa"]["class_fdr"]) <= {"HH", "LH", "LL", "HL", "ns"}


def test_the_unweighted_centre_does_not_move(tables):
    table = tables["center_ellipse"]
    still = table.query("weight_kind == 'unweighted'")
    np.testing.assert_allclose(still["move_km"].dropna(), 0, atol=1e-6)
    moving = table.query("weight_kind == 'score'")
    assert (moving["move_km"].dropna() > 0).all()
    assert (moving["center_x"] > still["center_x"].to_numpy()).all()  # the east scores higher


def test_degrees_count_the_links(tables):
    out = tables["gravity_link"].groupby(["year", "city_id_from"]).size()
    city = tables["network_city"].set_index(["year", "city_id"])["out_degree"]
    assert (city.loc[out.index] == out).all()
    summary = tables["network_summary"].set_index("year")
    assert (summary["n_links"] == tables["gravity_link"].groupby("year").size()).all()
    np.testing.assert_allclose(summary["density"], summary["n_links"] / (40 * 39))
    assert (summary["density_lo"] <= summary["density"]).all()


def test_without_mass_the_economic_weights_are_left_out():
    few = frames(12, 5, 5)
    del few["mass"]
    codes = set(analysis.build(few, FAST)["weight_matrix"]["w_code"])
    assert "econ_row" not in codes
    assert {"queen_row", "invd_row", "knn10_row"} <= codes


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
    assert found["gravity_link"].empty
    assert found["network_summary"].empty
    assert not set(left_out.index) & set(found["spatial_weight_profile"]["w_code"])
