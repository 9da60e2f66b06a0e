"""The data-generating process satisfies its own equations, and its switches do what they say."""

import numpy as np
import pytest

from python_models.simulation import (
    Truth,
    contiguity_weights,
    coordination,
    random_knn_weights,
    simulate_country,
    simulate_sdm,
    spillover_matrix,
    split_blocks,
)

N, T = 40, 6
EDGES = [(i, (i + 1) % N) for i in range(N)]


def country(truth=None, seed=7):
    rng = np.random.default_rng(3)
    is_core = np.arange(N) % 5 == 0
    return simulate_country(
        contiguity_weights(N, EDGES, rng.random((N, 2))),
        is_core=is_core,
        is_cluster=np.arange(N) < 20,
        is_east=np.arange(N) < 10,
        province=[f"p{i // 8}" for i in range(N)],
        n_years=T,
        truth=truth or Truth(),
        rng=np.random.default_rng(seed),
    )


def test_latent_panel_when_put_into_its_equation_leaves_the_shock():
    drawn = country()
    np.testing.assert_allclose(drawn.residual(), drawn.shock, atol=1e-10)


def test_sides_when_averaged_give_the_total():
    drawn = country()
    np.testing.assert_allclose((drawn.nqpf_new + drawn.nqpf_quality) / 2, drawn.nqpf, atol=1e-12)


def test_country_when_drawn_twice_from_one_seed_is_equal():
    assert np.array_equal(country().nqpf, country().nqpf)
    assert not np.array_equal(country().nqpf, country(seed=8).nqpf)


def test_blocks_when_summed_give_the_weights_and_swap_with_their_labels():
    weights = random_knn_weights(N, 5, rng=np.random.default_rng(1))
    is_centre = np.arange(N) % 4 == 0
    blocks, swapped = split_blocks(weights, is_centre), split_blocks(weights, ~is_centre)
    np.testing.assert_array_equal(sum(blocks.values()), weights)
    np.testing.assert_array_equal(blocks["pc"], swapped["cp"])
    # rows receive: pc has peripheral rows and central columns
    assert not blocks["pc"][is_centre].any()
    assert not blocks["pc"][:, ~is_centre].any()


def test_spillover_when_written_by_hand_has_border_and_threshold():
    weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    matrix = spillover_matrix(
        weights, is_centre=[True, False], province=["a", "b"], synergy=np.array([0.6, 0.4]), truth=Truth()
    )
    np.testing.assert_allclose(matrix, [[0, 0.1 * 0.4], [0.8 * 0.4 * 1.75, 0]])


def test_truth_when_effects_are_off_is_flat():
    off = Truth().without("asymmetry", "border", "threshold", "spatial_lag")
    assert off.theta_pc == off.theta_cp == pytest.approx(0.4)
    assert (off.border_factor, off.synergy_multiplier, off.rho) == (1.0, 1.0, 0.0)
    assert not country(Truth().without("spillover")).spillover.any()
    with pytest.raises(ValueError, match="unknown effect 'gravity'"):
        Truth().without("gravity")


@pytest.mark.parametrize("bad", [{"rho": 1.0}, {"border_factor": 1.2}, {"synergy_threshold": -0.1}])
def test_truth_when_not_possible_is_refused(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        Truth(**bad)


@pytest.mark.parametrize("blocks", [False, True])
def test_monte_carlo_panel_when_put_into_its_equation_leaves_the_shock(blocks):
    rng = np.random.default_rng(5)
    weights = random_knn_weights(N, 5, rng=rng)
    theta = np.stack([0.3 * weights, np.tril(weights)]) if blocks else np.array([0.3, 0.2])
    kernels = theta if blocks else theta[:, None, None] * weights
    panel = simulate_sdm(weights, beta=[1, -0.5], theta=theta, rho=0.4, sigma2=1.0, n_years=T, rng=rng)
    rest = panel.y - 0.4 * weights @ panel.y - panel.x @ np.array([1, -0.5])
    rest -= sum(kernels[k] @ panel.x[:, :, k] for k in range(2))
    effects = rest - panel.shock
    demeaned = effects - effects.mean(0) - effects.mean(1, keepdims=True) + effects.mean()
    np.testing.assert_allclose(demeaned, 0, atol=1e-10)


def test_weights_when_a_node_has_no_edge_tie_it_to_its_nearest():
    weights = contiguity_weights(4, [(0, 1), (1, 2)], [[0, 0], [1, 0], [2, 0], [2.1, 0]])
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert weights[3, 2] == 1
    assert weights[2, 3] == 0.5


def test_coordination_when_both_are_equal_is_the_root_of_the_mean():
    values = np.array([0.0, 0.5, 1.0])
    np.testing.assert_allclose(coordination(values, values), np.sqrt([0.01, 0.5, 0.99]))
    with pytest.raises(ValueError, match="constant"):
        coordination(np.ones(3), values)
