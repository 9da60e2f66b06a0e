"""Effects by group with the whole W, and the threshold in the emitter's synergy."""

import numpy as np
import pytest
from worlds import world

from python_models.influence import group_effects, spatial_threshold
from python_models.regression import PanelInputError, fit_panel
from python_models.simulation import random_knn_weights

N = 120
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))
Q = np.random.default_rng(2).uniform(size=N)
GROUPS = np.where(Q <= 0.5, "low", "high")
LOW = (Q <= 0.5).astype(float)


def emitted(seed, low=0.2, high=1.0):
    return world([W * LOW[None, :], W * (1 - LOW)[None, :]], [low, high], seed=seed, n=N)


def groups(y, x, labels=GROUPS, **options):
    return group_effects(y, x, W, labels, **options)


def threshold(y, x, q=Q, draws=1, **options):
    return spatial_threshold(y, x, q, W, draws=draws, rng=np.random.default_rng(1), **options)


def test_group_effects_find_who_gives_more():
    y, x, _ = emitted(0)
    frame = groups(y, x).to_frame().set_index(["group_code", "effect"])
    assert frame.loc[("high", "indirect"), "lower"] > frame.loc[("low", "indirect"), "upper"]
    assert frame["p_equal"].iloc[0] < 0.01
    total = frame["point"].unstack()
    assert (total["direct"] + total["indirect"]).to_numpy() == pytest.approx(total["total"].to_numpy(), abs=1e-12)


def test_mean_of_the_groups_is_the_effect_of_the_whole():
    """Emitter effects weighted by group size are the average total effect of S."""
    y, x, _ = emitted(1)
    found = groups(y, x)
    s = found.fit.multiplier(found.fit.core.params)
    totals = found.to_frame().query("effect == 'total'").set_index("group_code")["point"]
    mean = sum(totals[g] * (g == GROUPS).mean() for g in ("low", "high"))
    assert mean == pytest.approx(s.sum() / N, abs=1e-10)


@pytest.mark.slow
def test_equality_test_keeps_its_size():
    p = [groups(*emitted(s, 0.4, 0.4)[:2]).p_equal for s in range(120)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.1


def test_names_of_the_groups_do_not_matter():
    y, x, _ = emitted(2)
    one = groups(y, x).to_frame().set_index(["group_code", "effect"])["point"]
    renamed = np.where(GROUPS == "low", "z", "a")
    two = groups(y, x, renamed).to_frame().set_index(["group_code", "effect"])["point"]
    assert two["z"].to_numpy() == pytest.approx(one["low"].to_numpy(), abs=1e-8)


def test_receiver_version_looks_at_the_other_end():
    matrices = [W * LOW[:, None], W * (1 - LOW)[:, None]]
    y, x, _ = world(matrices, [0.2, 1.0], seed=3, n=N)
    fits = {side: groups(y, x, side=side).fit.core.loglik for side in ("emitter", "receiver")}
    assert fits["receiver"] > fits["emitter"]


def test_threshold_of_the_emitter_is_found_and_the_receiver_version_fits_worse():
    y, x, _ = emitted(4)
    emitter, receiver = (threshold(y, x, side=s, n_grid=40) for s in ("emitter", "receiver"))
    assert emitter.low <= 0.5 <= emitter.high
    assert abs(emitter.gamma - 0.5) < 0.1
    assert emitter.loglik.max() > receiver.loglik.max()
    theta = emitter.to_frame().set_index("name")["theta"]
    assert theta["lag:high"] > theta["lag:low"]
    assert emitter.wald_lag_equal().p < 0.01


def test_profile_without_a_difference_equals_the_plain_model():
    """At any gamma the model nests the plain SDM: LR is never negative, and its terms agree when slopes are equal."""
    y, x, _ = emitted(5, 0.4, 0.4)
    found = threshold(y, x, n_grid=20)
    plain = fit_panel(y, x[:, :, None], W, model="sdm")
    assert found.lr >= 0
    assert (found.loglik >= plain.loglik - 1e-8).all()


def test_test_of_the_threshold_is_seeded_and_rejects_a_true_one():
    y, x, _ = emitted(6)
    one, two = (threshold(y, x, n_grid=12, draws=99) for _ in (0, 1))
    assert one.p == two.p == 0.01  # 1 / (99 + 1): no draw comes near


@pytest.mark.slow
def test_errors_that_go_with_q_make_no_threshold():
    """Lasting errors whose size goes with q, equal spillovers: rejected near 5 % of the time."""
    p = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        y, x, _ = emitted(seed, 0.4, 0.4)
        size = np.exp(2 * (Q - 0.5))[:, None]
        e = size * (0.7 * rng.normal(size=(N, 1)) + 0.2 * rng.normal(size=(N, 8)).cumsum(axis=1))
        y = y + np.linalg.solve(np.eye(N) - 0.3 * W, e)
        p.append(threshold(y, x, n_grid=8, draws=99).p)
    assert np.mean(np.array(p) <= 0.05) <= 0.16


def test_bad_input_is_said_in_words():
    y, x, _ = emitted(7)
    with pytest.raises(PanelInputError, match="two groups or more"):
        groups(y, x, np.full(N, "a"))
    with pytest.raises(PanelInputError, match="does not vary"):
        threshold(y, x, np.ones(N))
    with pytest.raises(PanelInputError, match="one known number a city"):
        threshold(y, x, np.full(N, np.nan))


@pytest.mark.parametrize("side", ["emitter", "receiver"])
def test_spread_of_the_likelihood_ratio_is_one_for_independent_errors_and_more_for_lasting_ones(side):
    """10 panels each, at the true threshold; lasting: x and the errors are random walks."""
    spread = {"independent": [], "lasting": []}
    for seed in range(10):
        rng = np.random.default_rng(seed)
        y, x, _ = emitted(seed)
        spread["independent"].append(threshold(y, x, side=side, n_grid=3).eta2)
        walk = rng.normal(size=(2, N, 8)).cumsum(axis=2)
        again = 0.5 * walk[0] + W @ (np.where(Q <= 0.5, 0.2, 1.0)[:, None] * walk[0]) + walk[1]
        spread["lasting"].append(threshold(again, walk[0], side=side, n_grid=3).eta2)
    assert np.mean(spread["independent"]) == pytest.approx(1.0, abs=0.3)
    assert np.mean(spread["lasting"]) > 1.7
