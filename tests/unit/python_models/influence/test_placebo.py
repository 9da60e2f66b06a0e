"""Placebo weights: relabelling, reproducibility, and what must come out."""

import numpy as np
import pytest
from worlds import world

from python_models.influence.placebo import placebo_weights, placebo_years
from python_models.regression import PanelInputError, average_effects, fit_panel
from python_models.simulation import random_knn_weights

N, YEARS = 60, 6
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))


def panel(theta=0.8, seed=0):
    y, x, _ = world([W], [theta], seed=seed, n=N, years=YEARS, W=W)
    return y, x


def test_a_draw_is_the_model_under_a_relabelled_matrix():
    y, x = panel()
    c = np.random.default_rng(7).normal(size=(N, YEARS, 1))
    found = placebo_weights(y, x, W, c, draws=19, seed=5)
    order = np.random.default_rng(np.random.SeedSequence(5).spawn(19)[3]).permutation(N)
    relabelled = np.zeros_like(W)
    relabelled[np.ix_(order, order)] = W  # city order[i] takes the place of city i
    for at, matrix in ((found.draws[3], relabelled), (found.actual, W)):
        fit = fit_panel(y, np.concatenate([x[:, :, None], c], axis=2), matrix)
        effect = average_effects(fit, method="delta")
        expected = [fit.params[fit.names.index("W:x1")], effect.point[0, 1], fit.rho]
        assert at == pytest.approx(expected, abs=1e-7)


def test_draws_centre_on_zero_and_a_true_spillover_stands_out():
    summary = placebo_weights(*panel(), W, draws=199, seed=1).summary().set_index("term")
    assert summary["covers_zero"].all()
    assert (summary["actual"] > summary["upper"]).all()
    assert (summary["p"] == 1 / 200).all()


def test_no_spillover_is_not_found():
    """Under a y without neighbours the true map is one relabelling among others: p is uniform."""
    p = []
    for seed in range(60):
        rng = np.random.default_rng(seed)
        y, x = rng.normal(size=(2, 30, 4))
        w = random_knn_weights(30, 4, rng=np.random.default_rng(1))
        p.append(placebo_weights(y, x, w, draws=19, seed=seed).summary()["p"].iloc[0])
    assert 0.35 < np.mean(p) < 0.65
    assert np.mean(np.array(p) <= 0.05) < 0.2


def test_a_seed_gives_its_numbers():
    y, x = panel()
    one, two, other = (placebo_weights(y, x, W, draws=80, seed=seed).to_frame() for seed in (3, 3, 4))
    assert one.equals(two)
    assert not one.equals(other)


def test_bad_input_is_said_in_words():
    y, x = panel()
    with pytest.raises(PanelInputError, match="at least 19"):
        placebo_weights(y, x, W, draws=5, seed=1)
    with pytest.raises(PanelInputError, match="sum to one"):
        placebo_weights(y, x, 2 * W, draws=19, seed=1)
    with pytest.raises(PanelInputError, match="missing or infinite"):
        placebo_weights(np.full_like(y, np.nan), x, W, draws=19, seed=1)


def test_a_year_draw_is_the_model_with_x_in_that_order():
    y, x = panel()
    c = np.random.default_rng(7).normal(size=(N, YEARS, 1))
    found = placebo_years(y, x, W, c, draws=19, seed=5)
    order = np.random.default_rng(np.random.SeedSequence(5).spawn(19)[3]).permutation(np.arange(YEARS))
    fit = fit_panel(y, np.concatenate([x[:, order, None], c], axis=2), W)
    assert found.draws[3, [0, 2]] == pytest.approx([fit.params[fit.names.index("W:x1")], fit.rho], abs=1e-7)
    assert found.actual == pytest.approx(placebo_weights(y, x, W, c, draws=19, seed=5).actual)


def test_true_dates_stand_out_and_wrong_ones_centre_on_zero():
    summary = placebo_years(*panel(), W, draws=99, seed=1).summary().set_index("term")
    assert summary["covers_zero"].all()
    assert (summary["p"] == 1 / 100).all()
    with pytest.raises(PanelInputError, match="three years"):
        placebo_years(panel()[0][:, :2], panel()[1][:, :2], W, draws=19, seed=1)
