"""Barriers of any kind, barriers on the way out of a centre, and borders that better relations lower."""

import numpy as np
import pytest
from worlds import world

from python_models.influence import barrier_split, border_barrier, moderated_barrier
from python_models.regression import PanelInputError
from python_models.simulation import random_knn_weights

N = 120
W = random_knn_weights(N, 6, rng=np.random.default_rng(99))
AREA = np.random.default_rng(4).integers(0, 2, N)
SAME = AREA[:, None] == AREA[None, :]
M = np.random.default_rng(8).uniform(-1, 1, N)


def test_a_border_is_one_of_the_barriers():
    y, x, _ = world([W * SAME, W * ~SAME], [1.0, 0.3], n=N, W=W)
    one, two = border_barrier(y, x, W, AREA).to_frame(), barrier_split(y, x, W, ~SAME).to_frame()
    assert one.equals(two)
    assert two.loc[0, "lo"] < 0.7 < two.loc[0, "hi"]


def test_turning_the_barrier_round_swaps_the_sides():
    y, x, _ = world([W * SAME, W * ~SAME], [1.0, 0.3], n=N, W=W)
    one, two = (barrier_split(y, x, W, behind).to_frame().iloc[0] for behind in (~SAME, SAME))
    assert (one["theta_in"], one["theta_out"]) == pytest.approx((two["theta_out"], two["theta_in"]))
    assert one["p_equal"] == pytest.approx(two["p_equal"])


def test_on_the_way_out_only_those_links_are_asked_about():
    """Centres spill over 1.2 inside and 0.4 across the border; all other links 0.1 without any border."""
    centre = np.arange(N) % 3 == 0
    scope = ~centre[:, None] & centre[None, :]
    parts = [W * (scope & SAME), W * (scope & ~SAME), W * ~scope]
    rows = []
    for seed in range(4):
        y, x, _ = world(parts, [1.2, 0.4, 0.1], seed=seed, n=N, W=W)
        fit = barrier_split(y, x, W, ~SAME, scope=scope)
        rows.append(
            [*fit.to_frame().loc[0, ["theta_in", "theta_out"]], fit.fit.theta().set_index("name").loc["rest", "theta"]]
        )
    assert np.mean(rows, axis=0) == pytest.approx([1.2, 0.4, 0.1], abs=0.15)


def moderated(h_out, seed=0, y_scale=1.0):
    parts = [W * SAME, W * ~SAME, M[:, None] * W * ~SAME]
    y, x, _ = world(parts, [2.0, 1.0, h_out], seed=seed, n=N, W=W)
    return moderated_barrier(y_scale * y, x, W, AREA, M)


def test_a_border_that_falls_with_the_moderator_is_seen_to_fall():
    found = moderated(1.0, seed=2)
    table = found.to_frame().set_index("at_percentile")
    assert table.loc["p90-p10", "hi"] < 0
    assert found.p < 0.05
    truth = 1 - (1.0 + np.quantile(M, 0.9)) / 2.0
    assert table.loc["p90", "lo"] < truth < table.loc["p90", "hi"]
    assert table.loc["p90-p10", "barrier_index"] == pytest.approx(
        table.loc["p90", "barrier_index"] - table.loc["p10", "barrier_index"]
    )


def test_a_border_that_stays_is_not_seen_to_move():
    p = [moderated(0.0, seed=seed).p for seed in range(20)]
    assert np.mean(np.array(p) < 0.05) <= 0.15


def test_index_and_test_do_not_depend_on_the_unit_of_y():
    one, two = (moderated(1.0, y_scale=s) for s in (1.0, 100.0))
    assert two.table["barrier_index"].to_numpy() == pytest.approx(one.table["barrier_index"].to_numpy(), rel=1e-6)
    assert two.wald.statistic == pytest.approx(one.wald.statistic, rel=1e-5)


def test_bad_input_is_said_in_words():
    y, x, _ = world([], [], n=N, W=W)
    with pytest.raises(PanelInputError, match="no link behind"):
        barrier_split(y, x, W, np.zeros((N, N)))
    with pytest.raises(PanelInputError, match="must be"):
        barrier_split(y, x, W, SAME[:3])
    with pytest.raises(PanelInputError, match="does not vary"):
        moderated_barrier(y, x, W, AREA, np.ones(N))
    with pytest.raises(PanelInputError, match="one side of the border"):
        moderated_barrier(y, x, W, np.zeros(N), M)
    with pytest.raises(PanelInputError, match="one value a city"):
        moderated_barrier(y, x, W, AREA[:4], M)
