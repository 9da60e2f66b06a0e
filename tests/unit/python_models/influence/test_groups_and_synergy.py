"""Effects by group with the whole W, and the threshold in the emitter's synergy."""

import numpy as np
import pytest
from worlds import world

from python_models.influence import fit_spillover, group_effects, spatial_threshold
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
    return group_effects(y, x, W, labels, draws=options.pop("draws", 200), rng=np.random.default_rng(1), **options)


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
    found = groups(y, x, draws=2)
    s = found.fit.multiplier(found.fit.core.params)
    totals = found.to_frame().query("effect == 'total'").set_index("group_code")["point"]
    mean = sum(totals[g] * (g == GROUPS).mean() for g in ("low", "high"))
    assert mean == pytest.approx(s.sum() / N, abs=1e-10)


def test_equality_test_keeps_its_size():
    p = [groups(*emitted(s, 0.4, 0.4)[:2], draws=2).p_equal for s in range(300)]
    assert 0.025 <= np.mean(np.array(p) < 0.05) <= 0.09


def test_names_of_the_groups_do_not_matter():
    y, x, _ = emitted(2)
    one = groups(y, x, draws=2).to_frame().set_index(["group_code", "effect"])["point"]
    renamed = np.where(GROUPS == "low", "z", "a")
    two = groups(y, x, renamed, draws=2).to_frame().set_index(["group_code", "effect"])["point"]
    assert two["z"].to_numpy() == pytest.approx(one["low"].to_numpy(), abs=1e-8)


def test_receiver_version_looks_at_the_other_end():
    matrices = [W * LOW[:, None], W * (1 - LOW)[:, None]]
    y, x, _ = world(matrices, [0.2, 1.0], seed=3, n=N)
    fits = {side: groups(y, x, side=side, draws=2).fit.core.loglik for side in ("emitter", "receiver")}
    assert fits["receiver"] > fits["emitter"]


def test_threshold_of_the_emitter_is_found_and_the_receiver_version_fits_worse():
    y, x, _ = emitted(4)
    emitter, receiver = (spatial_threshold(y, x, Q, W, side=s, n_grid=40) for s in ("emitter", "receiver"))
    assert emitter.low <= 0.5 <= emitter.high
    assert abs(emitter.gamma - 0.5) < 0.1
    assert emitter.loglik.max() > receiver.loglik.max()
    theta = emitter.to_frame().set_index("name")["theta"]
    assert theta["lag:high"] > theta["lag:low"]
    assert emitter.wald_lag_equal()[1] < 0.01


def test_profile_without_a_difference_equals_the_plain_model():
    """At any gamma the model nests the plain SDM: LR is never negative, and its terms agree when slopes are equal."""
    y, x, _ = emitted(5, 0.4, 0.4)
    found = spatial_threshold(y, x, Q, W, n_grid=20)
    plain = fit_panel(y, x[:, :, None], W, model="sdm")
    assert found.lr >= 0
    assert (found.loglik >= plain.loglik - 1e-8).all()


def test_bootstrap_of_the_threshold_is_seeded_and_rejects_a_true_one():
    y, x, _ = emitted(6)
    one, two = (spatial_threshold(y, x, Q, W, n_grid=12, draws=9, rng=np.random.default_rng(1)) for _ in (0, 1))
    assert one.p == two.p == 0


def test_bad_input_is_said_in_words():
    y, x, _ = emitted(7)
    with pytest.raises(PanelInputError, match="two groups or more"):
        groups(y, x, np.full(N, "a"))
    with pytest.raises(PanelInputError, match="does not vary"):
        spatial_threshold(y, x, np.ones(N), W)
    with pytest.raises(PanelInputError, match="one known number a city"):
        spatial_threshold(y, x, np.full(N, np.nan), W)
    with pytest.raises(PanelInputError, match="needs `rng`"):
        spatial_threshold(y, x, Q, W, draws=3)


@pytest.mark.parametrize("rho", [0.3, 0.93])
def test_effects_of_draws_are_read_off_a_curve_without_loss(rho):
    """The slow way, one inverse a draw, gives the same numbers; also where rho is drawn close to its bound."""
    weights = random_knn_weights(40, 4, rng=np.random.default_rng(3))
    y, x, _ = world([weights], [0.5], seed=1, n=40, rho=rho, W=weights)
    fit = fit_spillover(y, x, weights, {"lag": weights})

    def functional(s):
        return np.array([np.trace(s), s.sum(), s[0, 1]])

    found = fit.simulate(functional, draws=30, rng=np.random.default_rng(2), finish=lambda v: np.append(v, v[0] / v[1]))
    params, _ = fit._draws(30, np.random.default_rng(2))
    slow = np.array([functional(fit.multiplier(p)) for p in params])
    assert found.values[:, :3] == pytest.approx(slow, rel=1e-8, abs=1e-8)
    assert found.values[:, 3] == pytest.approx(slow[:, 0] / slow[:, 1], rel=1e-8)
