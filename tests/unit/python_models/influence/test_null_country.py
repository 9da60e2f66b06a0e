"""A simulated country without planted effects: each finding's test rejects at its nominal rate, no more.

Errors are independent here: these tests use the information matrix, which needs that. What becomes of them where errors
remember and grow with the level is in docs/recovery.md.
"""

import numpy as np
import pytest
from scipy import stats

from python_models.influence import barrier_split, block_spillover, group_effects, moderated_barrier, spatial_threshold
from python_models.influence.threshold import threshold_regression
from python_models.regression import fit_panel
from python_models.simulation import COMPLICATIONS, EFFECTS, Truth, random_knn_weights, simulate_country

N, YEARS = 90, 8
W = random_knn_weights(N, 6, rng=np.random.default_rng(1))
PLACES = np.random.default_rng(2)
CORE, CLUSTER, EAST = (PLACES.random((3, N)) < np.array([[0.25], [0.5], [0.4]])).astype(float)
PROVINCE = [str(p) for p in PLACES.integers(0, 3, N)]
ACROSS = np.array(PROVINCE)[:, None] != np.array(PROVINCE)[None, :]


def country(seed, truth):
    truth = truth.without(*COMPLICATIONS)
    return simulate_country(
        W,
        is_core=CORE,
        is_cluster=CLUSTER,
        is_east=EAST,
        province=PROVINCE,
        n_years=YEARS,
        truth=truth,
        rng=np.random.default_rng(seed),
    )


def p_values(seed, truth, *, draws=0):
    """p of each finding on the latents: equality over blocks, sides, groups, levels; spillover; thresholds."""
    c = country(seed, truth)
    y, x, rng = c.nqpf, c.pr, np.random.default_rng(seed)
    fit = fit_panel(y, x[:, :, None], W)
    theta = fit.names.index("W:x1")
    found = {
        "spillover": _two_sided(fit.params[theta], fit.cov[theta, theta]),
        "spatial_lag": _two_sided(fit.rho, fit.cov[theta + 1, theta + 1]),
        "asymmetry": block_spillover(y, x, W, CORE == 1).p_asymmetry,
        "border": float(barrier_split(y, x, W, ACROSS).table["p_equal"].iloc[0]),
        "border_on_the_way_out": float(
            barrier_split(y, x, W, ACROSS, scope=np.outer(CORE == 0, CORE == 1)).table["p_equal"].iloc[0]
        ),
        "moderated_border": moderated_barrier(y, x, W, PROVINCE, c.synergy).p,
        "groups": group_effects(y, x, W, EAST.tolist()).p_equal,
    }
    if draws:
        found["threshold"] = threshold_regression(y, x, c.synergy, n_grid=40, draws=draws, rng=rng).thresholds[0].p
        found["spatial_threshold"] = spatial_threshold(
            y, x, c.synergy, W, n_grid=8, draws=draws, rng=np.random.default_rng(seed)
        ).p
    return found


def _two_sided(value, variance):
    return float(2 * stats.norm.sf(abs(value) / np.sqrt(variance)))


def rates(truth, seeds, **options):
    drawn = [p_values(seed, truth, **options) for seed in seeds]
    return {name: float(np.mean([d[name] <= 0.05 for d in drawn])) for name in drawn[0]}


def test_nothing_planted_nothing_found():
    """36 countries: more than 7 rejections of 36 at 5 % have a chance of 0.03 % for each test."""
    found = rates(Truth().without(*EFFECTS), range(36))
    assert max(found.values()) <= 7 / 36, found


def test_what_is_planted_is_found_with_the_same_tests():
    """Each effect in at least three of four countries."""
    found = rates(Truth(), range(4))
    named = ("spillover", "spatial_lag", "asymmetry", "border", "border_on_the_way_out")
    assert min(found[name] for name in named) >= 3 / 4, found


@pytest.mark.slow
def test_nulls_are_rejected_at_the_nominal_rate():
    """200 countries without any planted effect: each test rejects 5 % of them, give or take 2.6 standard errors.

    The moderated border is a ratio of slopes that are all zero here: its test hardly ever rejects.
    """
    found = rates(Truth().without(*EFFECTS), range(200))
    assert max(found.values()) <= 0.09, found
    assert found.pop("moderated_border") <= 0.05, found
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
