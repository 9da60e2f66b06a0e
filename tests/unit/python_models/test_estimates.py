"""Places and Spearman's rho beside scipy, to the last bit."""

import numpy as np
import pytest
from scipy import stats

from python_models.estimates import Ranks, rank_correlation


@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_ranks_are_those_of_scipy(decimals):
    rng = np.random.default_rng(5)
    for n in (3, 4, 17, 280):
        a = np.round(rng.normal(size=n), decimals)
        ranks = Ranks.of(a)
        assert ranks.average.tolist() == stats.rankdata(a).tolist()
        assert ranks.low.tolist() == stats.rankdata(a, method="min").tolist()
        assert ranks.high.tolist() == stats.rankdata(a, method="max").tolist()
        assert (n + 1.0 - ranks.high).tolist() == stats.rankdata(-a, method="min").tolist()


def test_rho_is_that_of_scipy():
    rng = np.random.default_rng(6)
    for n in (5, 30, 281):
        a = np.round(rng.normal(size=n), 1)
        b = np.round(a + rng.normal(size=n), 1)
        assert rank_correlation(a, b).value == float(stats.spearmanr(a, b).statistic)
    assert np.isnan(rank_correlation([1.0, np.nan, 2.0, 3.0], [1.0, 2.0, 3.0, 4.0]).value)
