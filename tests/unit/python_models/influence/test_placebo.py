"""Placebo weights and years, and a country without planted effects: nothing is found too often."""

import numpy as np
import pandas as pd
import pytest
from checks import panel_refused
from worlds import world

from python_models.inference import normal
from python_models.influence import barrier_split, block_spillover, group_effects, spatial_threshold
from python_models.influence.placebo import placebo_weights
from python_models.influence.threshold import threshold_regression
from python_models.regression import average_effects, fit_panel
from python_models.simulation import COMPLICATIONS, EFFECTS, Truth, simulate_country
from tests.random_graph import random_knn_weights

N, YEARS = 60, 6
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))


def panel(theta=0.8, seed=0):
    return world([W], [theta], seed=seed, n=N, years=YEARS, W=W)[:2]


def model(y, x, c, w=W):
    """W:x, its indirect effect and rho."""
    fit = fit_panel(y, np.concatenate([x[:, :, None], c], axis=2), w)
    return [fit.params[fit.names.index("W:x1")], average_effects(fit, method="delta").point[0, 1], fit.rho]


def test_a_draw_is_the_model_under_a_relabelled_matrix():
    y, x = panel()
    c = np.random.default_rng(7).normal(size=(N, YEARS, 1))
    cities = placebo_weights(y, x, W, c, draws=19, seed=5)
    seed = np.random.SeedSequence(5).spawn(19)[3]
    order, relabelled = np.random.default_rng(seed).permutation(N), np.zeros_like(W)
    relabelled[np.ix_(order, order)] = W  # city order[i] takes the place of city i
    assert cities.draws[3] == pytest.approx(model(y, x, c, relabelled), abs=1e-7)
    assert cities.actual == pytest.approx(model(y, x, c), abs=1e-7)


def test_draws_centre_on_zero_and_a_true_spillover_stands_out():
    summary = placebo_weights(*panel(), W, draws=199, seed=1).summary()
    assert summary["covers_zero"].all()
    assert (summary["actual"] > summary["upper"]).all()
    assert (summary["p"] == 1 / 200).all()


def test_bad_input_is_said_in_words_and_another_seed_gives_other_numbers():
    y, x = panel()
    one, other = (placebo_weights(y, x, W, draws=19, seed=seed).draws for seed in (3, 4))
    assert not (one == other).any()
    panel_refused("at least 19", placebo_weights, y, x, W, draws=5, seed=1)
    panel_refused("sum to one", placebo_weights, y, x, 2 * W, draws=19, seed=1)
    panel_refused("missing or infinite", placebo_weights, np.full_like(y, np.nan), x, W, draws=19, seed=1)


CITIES, T = 90, 8
NEAR = random_knn_weights(CITIES, 6, rng=np.random.default_rng(1))
PLACES = np.random.default_rng(2)
CORE, CLUSTER, EAST = (PLACES.random((3, CITIES)) < np.array([[0.25], [0.5], [0.4]])).astype(float)
PROVINCE = [str(p) for p in PLACES.integers(0, 3, CITIES)]
ACROSS = np.array(PROVINCE)[:, None] != np.array(PROVINCE)[None, :]


def country(seed, truth):
    where = {"is_core": CORE, "is_cluster": CLUSTER, "is_east": EAST, "province": PROVINCE, "n_years": T}
    return simulate_country(NEAR, **where, truth=truth.without(*COMPLICATIONS), rng=np.random.default_rng(seed))


def p_values(seed, truth, *, draws=0):
    """p of each finding on the latents: equality over blocks, sides, groups, levels; spillover; thresholds."""
    c = country(seed, truth)
    given, out = (c.nqpf, c.pr), np.outer(CORE == 0, CORE == 1)
    fit = fit_panel(c.nqpf, c.pr[:, :, None], NEAR)
    theta = fit.names.index("W:x1")
    spillover, lag = normal(fit.params[theta : theta + 2], np.sqrt(np.diag(fit.cov))[theta : theta + 2]).p
    found = {
        "spillover": spillover,
        "spatial_lag": lag,
        "asymmetry": block_spillover(*given, NEAR, CORE == 1).p_asymmetry,
        "border": barrier_split(*given, NEAR, ACROSS).table["p_equal"].iloc[0],
        "border_on_the_way_out": barrier_split(*given, NEAR, ACROSS, scope=out).table["p_equal"].iloc[0],
        "groups": group_effects(*given, NEAR, EAST.tolist()).p_equal,
    }
    if draws:
        one, two = (np.random.default_rng(seed) for _ in range(2))
        own = threshold_regression(*given, c.synergy, n_grid=40, draws=draws, rng=one)
        found["threshold"] = own.thresholds[0].p
        found["spatial_threshold"] = spatial_threshold(*given, c.synergy, NEAR, n_grid=8, draws=draws, rng=two).p
    return found


def rates(truth, seeds, **options):
    return (pd.DataFrame([p_values(seed, truth, **options) for seed in seeds]) <= 0.05).mean().to_dict()


def test_what_is_planted_is_found_with_the_same_tests():
    """Each effect in at least three of four countries."""
    found = rates(Truth(), range(4))
    named = ("spillover", "spatial_lag", "asymmetry", "border", "border_on_the_way_out")
    assert min(found[name] for name in named) >= 3 / 4, found


@pytest.mark.slow
def test_nulls_are_rejected_at_the_nominal_rate():
    """200 countries without any planted effect: each test rejects 5 % of them, give or take 2.6 standard errors."""
    found = rates(Truth().without(*EFFECTS), range(200))
    assert max(found.values()) <= 0.09, found
    assert min(found.values()) >= 0.01, found


@pytest.mark.slow
def test_equality_is_rejected_at_the_nominal_rate_where_spillovers_are_equal():
    """Spillover and spatial lag stay; no asymmetry, border or threshold: 200 countries."""
    found = rates(Truth().without("asymmetry", "border", "threshold"), range(200))
    equal = {name: rate for name, rate in found.items() if name not in ("spillover", "spatial_lag")}
    assert all(0.01 <= rate <= 0.09 for rate in equal.values()), equal
    assert found["spillover"] == found["spatial_lag"] == 1.0


@pytest.mark.slow
def test_thresholds_are_rejected_at_the_nominal_rate():
    """Bootstrap tests of a threshold, own and spatial: 60 countries, 19 draws each; above 8 rejections: 0.5 %."""
    found = rates(Truth().without("threshold", "asymmetry", "border"), range(60), draws=19)
    assert found["threshold"] <= 8 / 60, found
    assert found["spatial_threshold"] <= 8 / 60, found
