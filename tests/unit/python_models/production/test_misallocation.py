"""Chen-Hu misallocation, capital stock, elasticities: fixtures of the definitions, identities, invariances."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models.production import misallocation, output_elasticities, perpetual_inventory

Y, K, B = np.array([100.0, 200, 300]), np.array([300.0, 300, 600]), np.array([0.4, 0.5, 0.6])


def test_hand_worked_case():
    result = misallocation(Y, K, B)
    assert result.gamma == pytest.approx([2, 0.8, 0.8888888889], abs=1e-10)
    assert result.tau == pytest.approx([-0.5, 0.25, 0.125], abs=1e-10)
    assert result.identity() == pytest.approx(1, abs=1e-12)


@given(st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_identity_holds_every_year_and_the_unit_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    y, k, b = np.exp(rng.normal(size=(7, 3))), np.exp(rng.normal(size=(7, 3))), rng.uniform(0.2, 0.8, 7)
    result = misallocation(y, k, b)
    assert result.identity() == pytest.approx(np.ones(3), abs=1e-10)
    assert misallocation(y, 1e4 * k, b).tau == pytest.approx(result.tau, rel=1e-9, abs=1e-9)
    order = rng.permutation(7)
    assert misallocation(y[order], k[order], b[order]).tau == pytest.approx(result.tau[order], abs=1e-12)


def test_equal_ratio_and_elasticity_means_no_distortion():
    assert misallocation(Y, 3 * Y, 0.5).tau == pytest.approx(np.zeros(3), abs=1e-12)


def test_more_of_the_factor_lowers_tau_of_its_owner():
    more = K * np.array([1, 2, 1])
    assert misallocation(Y, more, B).tau[1] < misallocation(Y, K, B).tau[1]


@pytest.mark.parametrize("bad", [[100, 0, 300], [100, np.nan, 300], [100, -1, 300]])
def test_output_must_be_known_and_positive(bad):
    with pytest.raises(ValueError, match=r"output .* position \(1,\)"):
        misallocation(bad, K, B)


def test_perpetual_inventory_by_hand():
    stock = perpetual_inventory([[10.0, 20, 30]], 2.0, depreciation=0.1, growth=0.15)
    assert stock == pytest.approx(np.array([[20, 28, 40.2]]), abs=1e-12)


def test_constant_investment_on_the_steady_path_keeps_the_stock():
    stock = perpetual_inventory(np.full((2, 6), 5.0), depreciation=0.096)
    assert stock == pytest.approx(np.full((2, 6), 5 / 0.096), rel=1e-12)


def test_capital_needs_a_first_investment_and_a_sane_rate():
    with pytest.raises(ValueError, match="investment of the first year"):
        perpetual_inventory([[0.0, 1.0]])
    with pytest.raises(ValueError, match="depreciation"):
        perpetual_inventory([[1.0, 1.0]], depreciation=1.2)
    with pytest.raises(ValueError, match="growth plus depreciation"):
        perpetual_inventory([[1.0, 1.0]], growth=-0.2)


def _panel(rng, beta, n=60, years=10, noise=0.02):
    k = np.exp(rng.normal(size=(n, 1)) + 0.3 * rng.normal(size=(n, years)).cumsum(axis=1))
    labour = np.exp(rng.normal(size=(n, 1)) + 0.1 * rng.normal(size=(n, years)))
    log_y = np.asarray(beta).reshape(-1, 1) * np.log(k / labour) + rng.normal(size=(n, 1)) + 0.03 * np.arange(years)
    return np.exp(log_y + noise * rng.normal(size=(n, years))) * labour, k, labour


def test_elasticities_of_groups_are_recovered_with_their_error():
    groups = np.repeat(["east", "west"], 30)
    y, k, labour = _panel(np.random.default_rng(1), np.where(groups == "east", 0.6, 0.35))
    result = output_elasticities(y, k, labour, groups=groups)
    for group, truth in (("east", 0.6), ("west", 0.35)):
        mine = groups == group
        assert np.ptp(result.beta_k[mine]) == 0
        assert abs(result.beta_k[mine][0] - truth) < 3 * result.std_error[mine][0]
        assert result.std_error[mine][0] < 0.02
    assert result.beta_l == pytest.approx(1 - result.beta_k)


def test_shrunken_city_slopes_are_nearer_the_truth_than_one_slope():
    rng = np.random.default_rng(2)
    truth = rng.uniform(0.3, 0.7, 60)
    y, k, labour = _panel(rng, truth)
    shrunk = output_elasticities(y, k, labour, method="swamy")
    single = output_elasticities(y, k, labour, method="national")
    assert np.abs(shrunk.beta_k - truth).mean() < 0.3 * np.abs(single.beta_k - truth).mean()


def test_elasticity_outside_its_range_is_replaced_and_flagged():
    groups = np.repeat(["a", "b"], 30)
    y, k, labour = _panel(np.random.default_rng(3), np.where(groups == "a", 0.5, 1.4))
    result = output_elasticities(y, k, labour, groups=groups)
    assert result.is_replaced.tolist() == (groups == "b").tolist()
    assert (result.beta_k[groups == "b"] == result.national).all()


def test_elasticity_of_one_slope_equals_least_squares_with_dummies():
    y, k, labour = _panel(np.random.default_rng(4), 0.5, n=8, years=5, noise=0.2)
    n, years = y.shape
    x = np.log(k / labour).ravel()
    city, year = np.repeat(np.arange(n), years), np.tile(np.arange(years), n)
    design = np.column_stack([x, np.eye(n)[city], np.eye(years)[year][:, 1:]])
    slope = np.linalg.lstsq(design, np.log(y / labour).ravel(), rcond=None)[0][0]
    assert output_elasticities(y, k, labour, method="national").national == pytest.approx(slope, abs=1e-10)
