"""Split-half instruments: least squares where there is no error, dummies by hand, invariances, and error in x."""

import numpy as np
import pytest

from python_models.regression import PanelInputError
from python_models.regression.split_half import split_half
from python_models.regression.weights import spatial_weights
from python_models.regression.within import within

N, T = 60, 6
W = np.roll(np.eye(N), 1, axis=1) / 2 + np.roll(np.eye(N), -1, axis=1) / 2
NEAR = spatial_weights(W)
NONE = np.zeros((N, T, 0))


def rng():
    return np.random.default_rng(0)


def world(seed, weight, reliability=1.0, n=N):
    """y = .5 x + .3 W x + e, x seen as the weighted sum of indicators with errors of their own."""
    draw = np.random.default_rng(seed)
    x, e = draw.normal(size=(n, T)), draw.normal(size=(n, T, len(weight)))
    noise = np.sqrt((1 / reliability - 1) / (np.square(weight).sum()))
    near = np.roll(x, -1, axis=0) / 2 + np.roll(x, 1, axis=0) / 2
    return 0.5 * x + 0.3 * near + draw.normal(size=(n, T)), np.asarray(weight) * (x[:, :, None] + noise * e)


def test_halves_by_hand_with_every_dummy():
    y, parts = world(1, [0.6, 0.4], 0.7)
    control = rng().normal(size=(N, T, 1))
    one = split_half(y, parts, NEAR, control, rng=rng())
    fixed = [np.kron(np.eye(N), np.ones((T, 1))), np.kron(np.ones((N, 1)), np.eye(T)[:, 1:])]
    outside = np.column_stack([*(v.reshape(-1) for v in (control[:, :, 0], W @ control[:, :, 0])), *fixed])
    a, b = (np.column_stack([p.ravel(), (W @ p).ravel(), outside]) for p in np.moveaxis(parts, 2, 0))
    slopes = [np.linalg.solve(z.T @ x, z.T @ y.ravel())[:2] for x, z in ((a, b), (b, a))]
    assert one.coef == pytest.approx(np.mean(slopes, axis=0) / 2, rel=1e-8)
    assert one.n_splits == 1


def test_equal_halves_without_error_are_least_squares_with_its_errors_by_city():
    y, parts = world(2, [0.5, 0.5])
    one = split_half(y, parts, NEAR, NONE, rng=rng())
    x = within(np.stack([parts.sum(axis=2), W @ parts.sum(axis=2)], axis=2), "twoways").reshape(-1, 2)
    z = within(y, "twoways").ravel()
    slopes = np.linalg.lstsq(x, z, rcond=None)[0]
    bread = np.linalg.inv(x.T @ x)
    scores = (x * (z - x @ slopes)[:, None]).reshape(N, T, 2).sum(axis=1) @ bread
    assert one.coef == pytest.approx(slopes, rel=1e-10)
    assert one.se == pytest.approx(np.sqrt(np.diagonal(scores.T @ scores) * N / (N - 1)), rel=1e-10)
    assert one.reliability == pytest.approx(1.0, rel=1e-12)


def test_order_of_indicators_and_cities_and_units_change_nothing():
    y, parts = world(3, [0.4, 0.3, 0.2, 0.1], 0.8)
    one = split_half(y, parts, NEAR, NONE, rng=rng())
    assert one.n_splits == 3
    order = np.random.default_rng(5).permutation(N)
    mixed = spatial_weights(W[np.ix_(order, order)])
    other = split_half(100 * y[order], 10 * parts[order][:, :, [2, 0, 3, 1]], mixed, NONE[order], rng=rng())
    assert other.coef == pytest.approx(10 * one.coef, rel=1e-9)
    assert other.se == pytest.approx(10 * one.se, rel=1e-9)
    assert other.reliability == pytest.approx(one.reliability, rel=1e-9)
    assert other.first_stage_f == pytest.approx(one.first_stage_f, rel=1e-9)


def test_one_indicator_has_no_halves():
    y, parts = world(4, [1.0])
    with pytest.raises(PanelInputError, match="halves need two indicators or more, got 1"):
        split_half(y, parts, NEAR, NONE, rng=rng())


def test_error_in_x_is_taken_out_where_least_squares_is_a_fifth_too_small():
    own, plain = [], []
    for seed in range(20):
        y, parts = world(seed, [0.25] * 4, 0.8)
        own.append(split_half(y, parts, NEAR, NONE, rng=rng()).coef)
        x = within(np.stack([parts.sum(axis=2), W @ parts.sum(axis=2)], axis=2), "twoways").reshape(-1, 2)
        plain.append(np.linalg.lstsq(x, within(y, "twoways").ravel(), rcond=None)[0])
    assert np.mean(plain, axis=0)[0] < 0.43
    assert np.mean(own, axis=0)[0] == pytest.approx(0.5, rel=0.05)
