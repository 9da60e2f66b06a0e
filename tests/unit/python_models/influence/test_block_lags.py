"""Spatial lags by block: likelihood against its definition, one rho as a special case, recovery, refusals."""

import numpy as np
import pytest
from worlds import world

from python_models.influence.block_lags import _Data, block_lags
from python_models.influence.blocks import split_blocks
from python_models.regression import PanelInputError, fit_panel, spatial_weights
from python_models.simulation import random_knn_weights

N = 100
W = random_knn_weights(N, 6, rng=np.random.default_rng(4))
CENTRE = np.random.default_rng(5).random(N) < 0.4
BLOCKS = split_blocks(W, CENTRE)
RHO = {"cc": 0.5, "cp": 0.1, "pc": 0.6, "pp": 0.2}


def drawn(seed, rho=None, years=10):
    rng = np.random.default_rng(seed)
    lags = sum((rho or RHO)[b] * m for b, m in BLOCKS.items())
    x = rng.normal(size=(N, years)) + rng.normal(size=(N, 1))
    mean = x + 0.3 * W @ x + rng.normal(size=(N, 1)) + rng.normal(size=(1, years)) + rng.normal(size=(N, years))
    return np.linalg.solve(np.eye(N) - lags, mean), x


@pytest.mark.slow
def test_blocks_are_recovered_in_the_mean():
    found = np.array([block_lags(*drawn(seed), W, CENTRE).rho for seed in range(12)])
    assert found.mean(axis=0) == pytest.approx(list(RHO.values()), abs=4 * found.std(axis=0).max() / np.sqrt(12) + 0.03)


def test_the_gradient_and_the_hessian_are_those_of_the_likelihood():
    y, x = drawn(1)
    data = _Data.of(y, x, spatial_weights(W), BLOCKS, None)
    at, step = np.array([0.3, 0.1, 0.4, 0.2]), 1e-5
    near = [(at + step * u, at - step * u) for u in np.eye(4)]
    slope = [(data.loglik(a)[0] - data.loglik(b)[0]) / (2 * step) for a, b in near]
    assert data.loglik(at)[1] == pytest.approx(slope, rel=1e-5, abs=1e-4)
    curve = [(data.loglik(a)[1] - data.loglik(b)[1]) / (2 * step) for a, b in near]
    assert data.hessian(at) == pytest.approx(np.array(curve), rel=1e-5, abs=1e-3)


def test_one_rho_for_all_blocks_is_the_model_with_one_rho():
    """At equal rho the likelihood is the direct one of the SDM whose W x is split into blocks."""
    y, x = drawn(2)
    data = _Data.of(y, x, spatial_weights(W), BLOCKS, None)
    split = np.stack([x, *(m @ x for m in BLOCKS.values())], axis=2)
    plain = fit_panel(y, split, W, model="sar", estimator="direct")
    assert data.common() == pytest.approx(plain.loglik, abs=1e-6)
    found = block_lags(y, x, W, CENTRE)
    assert found.loglik >= found.loglik_common
    assert data.slopes(np.full(4, plain.rho)) == pytest.approx(plain.params[:5], abs=1e-6)


@pytest.mark.slow
def test_equal_lags_are_not_told_apart_and_unequal_ones_are():
    same = dict.fromkeys(RHO, 0.3)
    p = [block_lags(*drawn(seed, same), W, CENTRE).p_equal for seed in range(20)]
    assert np.mean(np.array(p) < 0.05) <= 0.2
    unequal = block_lags(*drawn(3, {"cc": 0.7, "cp": -0.3, "pc": 0.7, "pp": 0.0}), W, CENTRE)
    assert unequal.p_equal < 0.001
    assert unequal.p_lr < 0.001


@pytest.mark.slow
def test_swapping_the_names_swaps_the_blocks_and_units_do_not_matter():
    y, x = drawn(4)
    one, two = (block_lags(y, x, W, centre).to_frame() for centre in (CENTRE, ~CENTRE))
    names = one["receiver"] + one["emitter"]
    turned = (two["receiver"] + two["emitter"]).str.translate(str.maketrans("cp", "pc"))
    rho = two.set_index(turned).loc[names, "rho_block"]
    assert rho.to_numpy() == pytest.approx(one["rho_block"].to_numpy(), abs=1e-5)
    assert block_lags(50 * y, x, W, CENTRE).rho == pytest.approx(one["rho_block"].to_numpy(), abs=1e-5)
    assert (one["condition"] > 1).all()
    assert (one["n_modes"] >= 1).all()


def test_what_is_not_identified_is_refused_in_words():
    y, x = drawn(5)
    with pytest.raises(PanelInputError, match="one block only"):
        block_lags(y, x, W, np.zeros(N))
    with pytest.raises(PanelInputError, match="sum to one"):
        block_lags(y, x, 0.5 * W, CENTRE)
    with pytest.raises(PanelInputError, match="missing"):
        block_lags(np.full_like(y, np.nan), x, W, CENTRE)


@pytest.mark.slow
def test_a_lag_at_the_edge_of_its_range_is_refused_in_words():
    runaway, x, _ = world([], [], seed=1, n=N, W=W, rho=0.3)
    with pytest.raises(PanelInputError, match="edge of its range"):
        block_lags(np.linalg.solve(np.eye(N) - 0.9999 * W, runaway), x, W, CENTRE)
