"""The jackknife of provinces: closed form, shares, degenerate parts, order of the cities."""

import numpy as np
import pytest
from scipy import stats

from python_models.inequality import _batch
from python_models.inequality._inputs import as_groups
from python_models.inequality.jackknife import jackknifed

RNG = np.random.default_rng(3)
PROVINCE = np.repeat(np.arange(12), 5)
REGION = np.repeat(["a", "b"], [25, 35])  # five and seven provinces
Y = np.exp(0.2 * RNG.normal(size=12)[PROVINCE] + 0.3 * RNG.normal(size=60))
SHARES = np.array([False, True, True, True])


def theil_parts(y, province=PROVINCE, region=REGION):
    inner, outer = as_groups(province, y.size), as_groups(region, y.size)

    def of_year(t, W):
        b = _batch.theil_nested(y, W, outer, inner, "T")
        parts = np.column_stack([b.between_region, b.between_province, b.within_province])
        return np.column_stack([b.total, 100 * parts / b.total[:, None]])

    return jackknifed(of_year, 1, inner, outer, SHARES)


def test_the_exponential_of_a_mean_has_the_t_interval_of_the_means_of_provinces():
    one = as_groups(np.zeros(60, dtype=int), 60)
    log = np.log(Y)
    limits = jackknifed(lambda t, W: np.exp(_batch.mean(log, W))[:, None], 1, as_groups(PROVINCE, 60), one, SHARES[:1])
    means = log.reshape(12, 5).mean(axis=1)
    expected = stats.t.interval(0.95, 11, means.mean(), means.std(ddof=1) / np.sqrt(12))
    assert [limits.lo.item(), limits.hi.item()] == pytest.approx(np.exp(expected), rel=1e-12)
    assert limits.dof == 11


def test_limits_hold_the_estimate_and_shares_stay_between_0_and_100_in_any_order_of_the_cities():
    limits = theil_parts(Y)
    assert limits.dof == 10
    assert (limits.lo <= limits.estimate).all()
    assert (limits.estimate <= limits.hi).all()
    assert (limits.lo[0, 1:] > 0).all()
    assert (limits.hi[0, 1:] < 100).all()
    order = RNG.permutation(60)
    other = theil_parts(7 * Y[order], PROVINCE[order], REGION[order])
    np.testing.assert_allclose(other.lo, limits.lo, rtol=1e-9)
    np.testing.assert_allclose(other.hi, limits.hi, rtol=1e-9)


def test_a_part_that_is_nothing_stays_nothing_and_lone_provinces_have_no_limits():
    flat = np.exp(0.2 * RNG.normal(size=12))[PROVINCE]
    limits = theil_parts(flat)
    assert limits.hi[0, 3] == pytest.approx(0.0, abs=1e-6)
    two = theil_parts(Y, np.repeat([0, 1, 2], [10, 15, 35]))  # without one of them nothing is left between provinces
    assert two.hi[0, 2] < 1.0
    alone = theil_parts(Y, np.repeat([0, 1], [25, 35]))
    assert alone.dof == 0
    assert np.isnan(alone.lo).all()
    assert np.isfinite(alone.estimate).all()


def test_a_province_in_two_regions_is_refused():
    with pytest.raises(ValueError, match="cluster 4 lies in two strata"):
        theil_parts(Y, region=np.repeat(["a", "b"], [24, 36]))
