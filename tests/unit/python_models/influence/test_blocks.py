"""Centre-periphery blocks: sums, the direction of receiver and emitter, effects, recovery, size and power."""

import numpy as np
import pytest
from worlds import world

from python_models.influence import block_effects, block_spillover, split_blocks
from python_models.influence.blocks import BLOCKS
from python_models.regression import PanelInputError
from python_models.simulation import random_knn_weights

N = 120
CENTRE = np.arange(N) % 4 == 0
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))
BOTH_WAYS = {"cc": 0.5, "cp": 0.6, "pc": 1.5, "pp": 0.2}
TRUTH = {"cc": 0.5, "cp": 0.1, "pc": 0.8, "pp": 0.2}


def simulated(seed=0, truth=TRUTH):
    blocks = split_blocks(W, CENTRE)
    return world([blocks[b] for b in BLOCKS], [truth[b] for b in BLOCKS], seed=seed, n=N)


def fit(y, x, centre=CENTRE, **options):
    return block_spillover(y, x, W, centre, **options)


def test_blocks_add_up_to_w_and_pc_is_received_by_the_periphery():
    blocks = split_blocks(W, CENTRE)
    assert sum(blocks.values()) == pytest.approx(W, abs=0)
    assert not blocks["pc"][CENTRE].any()  # rows receive: no centre city receives in pc
    assert not blocks["pc"][:, ~CENTRE].any()  # columns emit: only centres emit in pc


def test_truth_is_recovered_within_three_errors():
    theta = fit(*simulated()[:2]).fit.theta().set_index("name")
    for block, truth in TRUTH.items():
        assert abs(theta.loc[block, "theta"] - truth) < 3 * theta.loc[block, "se"], block


def test_swapping_the_labels_swaps_the_directions():
    y, x, _ = simulated(truth=BOTH_WAYS)
    plain, swapped = fit(y, x), fit(y, x, ~CENTRE)
    one, two = (r.fit.theta().set_index("name")["theta"] for r in (plain, swapped))
    assert two["cp"] == pytest.approx(one["pc"], abs=1e-8)
    assert two["cc"] == pytest.approx(one["pp"], abs=1e-8)
    assert swapped.asymmetry[0] == pytest.approx(-plain.asymmetry[0], abs=1e-8)


def test_block_effects_add_up_to_the_total_effect():
    rng = np.random.default_rng(3)
    s = rng.normal(size=(N, N))
    found = block_effects(s, CENTRE, with_own=True)
    share = {"c": CENTRE.mean(), "p": 1 - CENTRE.mean()}
    per_emitter = sum(share[b[1]] * found[i] for i, b in enumerate(BLOCKS))
    per_receiver = sum(share[b[0]] * found[4 + i] for i, b in enumerate(BLOCKS))
    assert per_emitter == pytest.approx(s.sum() / N, abs=1e-10)
    assert per_receiver == pytest.approx(s.sum() / N, abs=1e-10)
    without = block_effects(s, CENTRE)
    assert found[0] - without[0] == pytest.approx(np.diag(s)[CENTRE].mean())
    assert without[1] == found[1]


def test_asymmetry_and_the_difference_of_the_effects_are_positive_with_their_intervals():
    y, x, _ = simulated(truth=BOTH_WAYS)
    one = fit(y, x)
    index, low, high = one.asymmetry
    assert low < index < high
    assert low > 0
    gap = one.difference
    assert gap.point[0] == pytest.approx(one.effects.point[2] - one.effects.point[1])
    assert gap.normal().lower[0] > 0
    assert one.p_asymmetry < 0.05
    frame = one.to_frame()
    assert (frame["e_lo"] <= frame["e_hi"]).all()
    assert list(frame["receiver"] + frame["emitter"]) == list(BLOCKS)


def test_the_index_with_a_kink_is_not_given_where_an_effect_may_be_zero():
    y, x, _ = simulated(truth=dict.fromkeys(BLOCKS, 0.0))
    found = fit(y, x)
    assert np.isnan(found.asymmetry).all()
    assert np.isfinite(found.difference.point).all()


def test_errors_of_effects_follow_the_gradient():
    y, x, _ = simulated()
    found = fit(y, x).fit
    step, columns = 1e-6, []
    for j in range(len(found.core.params)):
        up, down = found.core.params.copy(), found.core.params.copy()
        up[j] += step
        down[j] -= step
        ends = [block_effects(found.multiplier(p), CENTRE) for p in (up, down)]
        columns.append((ends[0] - ends[1]) / (2 * step))
    gradient = np.stack(columns, axis=1)
    expected = gradient @ found.core.cov @ gradient.T
    assert found.effects(lambda s: block_effects(s, CENTRE)).cov == pytest.approx(expected, rel=1e-5, abs=1e-10)


def test_one_sided_samples_and_unlinked_groups_are_refused():
    y, x, _ = simulated()
    with pytest.raises(PanelInputError, match="a centre and a periphery"):
        fit(y, x, np.ones(N, dtype=bool))
    far = np.kron(np.eye(2), (np.ones((60, 60)) - np.eye(60)) / 59)
    with pytest.raises(PanelInputError, match="no link between centre and periphery"):
        block_spillover(y, x, far, np.arange(N) < 60)


@pytest.mark.slow
def test_asymmetry_test_has_power_and_keeps_its_size():
    """280 cities, ten years, a quarter of them centres."""
    n, centre = 280, np.arange(280) % 4 == 0
    weights = random_knn_weights(n, 5, rng=np.random.default_rng(7))
    blocks = split_blocks(weights, centre)

    def rejects(seed, truth):
        theta = [truth[b] for b in BLOCKS]
        y, x, _ = world([blocks[b] for b in BLOCKS], theta, seed=seed, n=n, years=10, W=weights)
        return block_spillover(y, x, weights, centre).p_asymmetry < 0.05

    assert np.mean([rejects(s, TRUTH) for s in range(100)]) > 0.9
    assert 0.03 <= np.mean([rejects(s, dict.fromkeys(BLOCKS, 0.3)) for s in range(400)]) <= 0.08
