"""Shares of variance: additive models, models with known shares, and a constant one."""

import numpy as np
import pytest

from python_models.measurement.sobol import sobol_shares


def design(f, k, n, seed=1):
    rng = np.random.default_rng(seed)
    a, b = rng.random((n, k)), rng.random((n, k))
    mixed = []
    for i in range(k):
        ab = a.copy()
        ab[:, i] = b[:, i]
        mixed.append(f(ab))
    return f(a), f(b), np.stack(mixed)


def ishigami(u):
    x = np.pi * (2 * u - 1)
    return np.sin(x[:, 0]) + 7 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])


def test_ishigami_has_its_known_shares():
    shares = sobol_shares(*design(ishigami, 3, 20000), ("x1", "x2", "x3"), resamples=99)
    np.testing.assert_allclose(shares.first, [0.3139, 0.4424, 0.0], atol=0.02)
    np.testing.assert_allclose(shares.total, [0.5576, 0.4424, 0.2437], atol=0.02)


def test_a_sum_has_no_interaction_and_shares_like_its_squared_coefficients():
    shares = sobol_shares(*design(lambda u: u @ [1.0, 2.0, 0.0], 3, 20000), ("a", "b", "c"), resamples=99)
    np.testing.assert_allclose(shares.first, [0.2, 0.8, 0.0], atol=0.02)
    np.testing.assert_allclose(shares.total, [0.2, 0.8, 0.0], atol=0.02)
    assert shares.total[2] == 0.0


def test_a_product_around_zero_is_interaction_only():
    shares = sobol_shares(*design(lambda u: (u[:, 0] - 0.5) * (u[:, 1] - 0.5), 2, 20000), ("a", "b"), resamples=99)
    np.testing.assert_allclose(shares.first, [0.0, 0.0], atol=0.02)
    np.testing.assert_allclose(shares.total, [1.0, 1.0], atol=0.03)


def test_shares_do_not_see_unit_or_level():
    f = design(ishigami, 3, 500)
    a = sobol_shares(*f, ("x1", "x2", "x3"), seed=3)
    b = sobol_shares(*(1000 - 3 * x for x in f), ("x1", "x2", "x3"), seed=3)
    np.testing.assert_allclose(a.first, b.first, rtol=0, atol=1e-12)
    np.testing.assert_allclose(a.total_limits, b.total_limits, rtol=0, atol=1e-12)


def test_limits_hold_the_truth_about_nine_times_in_ten():
    inside = [
        (s.total_limits[0] <= [0.2, 0.8]) & (s.total_limits[1] >= [0.2, 0.8])
        for s in (
            sobol_shares(*design(lambda u: u @ [1.0, 2.0], 2, 300, seed), ("a", "b"), seed=seed, resamples=199)
            for seed in range(100)
        )
    ]
    assert ((np.mean(inside, axis=0) > 0.8) & (np.mean(inside, axis=0) < 0.98)).all()


def test_a_model_that_never_moves_has_no_shares():
    shares = sobol_shares(np.ones(10), np.ones(10), np.ones((2, 10)), ("a", "b"))
    assert np.isnan(shares.first).all()
    assert np.isnan(shares.to_frame()["sobol_total_p95"]).all()


def test_several_outputs_have_shares_of_their_own():
    a, b, ab = design(ishigami, 3, 2000)
    both = sobol_shares(*(np.stack([x, np.zeros_like(x)], axis=-1) for x in (a, b, ab)), ("x1", "x2", "x3"))
    np.testing.assert_allclose(both.first[:, 0], sobol_shares(a, b, ab, ("x1", "x2", "x3")).first, atol=1e-14)
    assert np.isnan(both.total[:, 1]).all()


def test_a_design_that_does_not_fit_raises():
    with pytest.raises(ValueError, match="do not fit 3 factors"):
        sobol_shares(np.ones(4), np.ones(4), np.ones((2, 4)), ("a", "b", "c"))
    with pytest.raises(ValueError, match="finite"):
        sobol_shares(np.array([1.0, np.nan]), np.ones(2), np.ones((1, 2)), ("a",))
