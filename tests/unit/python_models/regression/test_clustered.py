"""Errors clustered by city: the jackknife of least squares, invariances, and the spread of estimates in simulations."""

from types import SimpleNamespace

import numpy as np
import pytest

from python_models.regression import PanelInputError, fit_panel
from python_models.regression.clustered import _quadratic
from python_models.regression.within import within
from python_models.simulation import random_knn_weights

N, T = 60, 7
W = random_knn_weights(N, 5, rng=np.random.default_rng(1))


def panel(seed, rho=0.3):
    """Errors that last and are the larger the larger the city's own spread of x is."""
    rng = np.random.default_rng(seed)
    size = np.exp(0.5 * rng.normal(size=(N, 1)))
    x, e = size * rng.normal(size=(N, T)).cumsum(axis=1), np.empty((N, T))
    e[:, 0] = rng.normal(size=N)
    for t in range(1, T):
        e[:, t] = 0.7 * e[:, t - 1] + rng.normal(size=N)
    return np.linalg.solve(np.eye(N) - rho * W, x + size * e), x


def errors(y, x, cov, **options):
    fit = fit_panel(y, x[:, :, None], W, cov=cov, **options)
    return fit.params, np.sqrt(np.diag(fit.cov))


def test_least_squares_give_the_jackknife_over_cities():
    y, x = panel(0)
    fit = fit_panel(y, x[:, :, None], W, model="slx", cov="cluster")
    z = within(np.stack([x, W @ x], axis=2), "twoways")
    bread = np.linalg.inv(np.einsum("itk,itl->kl", z, z))
    scores = np.stack(
        [zi.T @ np.linalg.solve(np.eye(T) - zi @ bread @ zi.T, ei) for zi, ei in zip(z, fit.residuals, strict=True)]
    )
    scores = scores - scores.mean(axis=0)
    assert fit.cov[:2, :2] == pytest.approx(bread @ scores.T @ scores @ bread, rel=1e-8)


def test_covariance_is_the_cross_product_of_what_cities_add():
    y, x = panel(1)
    fit = fit_panel(y, x[:, :, None], W, cov="cluster")
    assert fit.influence.shape == (N, len(fit.params))
    assert fit.influence.sum(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert fit.cov == pytest.approx(fit.influence.T @ fit.influence, rel=1e-12)
    assert fit_panel(y, x[:, :, None], W).influence is None


def test_units_and_the_order_of_cities_matter_little_or_not():
    y, x = panel(2)
    _, se = errors(y, x, "cluster")
    _, scaled = errors(10 * y, x, "cluster")
    assert scaled[:2] == pytest.approx(10 * se[:2], rel=1e-6)
    assert scaled[2] == pytest.approx(se[2], rel=1e-6)  # rho has no unit
    order = np.random.default_rng(3).permutation(N)
    fit = fit_panel(y[order], x[order][:, :, None], W[np.ix_(order, order)], cov="cluster")
    # each pair of cities is given to the later one, so that the error of rho is not the same to the last digit
    assert np.sqrt(np.diag(fit.cov))[:3] == pytest.approx(se[:3], rel=0.15)


def test_errors_that_last_spread_the_estimates_as_the_clustered_errors_say():
    """100 panels: sd of the estimates over the mean error is 0.85 to 1.15; the inverse information says too little."""
    drawn = {cov: [errors(*panel(seed), cov) for seed in range(100)] for cov in ("cluster", "info")}
    ratio = {
        cov: np.std([p for p, _ in rows], axis=0)[:3] / np.mean([s for _, s in rows], axis=0)[:3]
        for cov, rows in drawn.items()
    }
    assert ((ratio["cluster"] > 0.8) & (ratio["cluster"] < 1.2)).all(), ratio
    assert ratio["info"][0] > 1.3, ratio


def test_where_the_multiplier_is_not_kept_there_is_no_clustering():
    with pytest.raises(PanelInputError, match="at most 1,000 cities"):
        _quadratic(SimpleNamespace(matrix=None), SimpleNamespace(is_centred=True))
