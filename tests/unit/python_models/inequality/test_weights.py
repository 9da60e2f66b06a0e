"""Rows that differ in the weight of one city: the closed forms equal the rows written out, and stay cheap."""

import numpy as np
import pytest

from python_models.inequality import _batch, bootstrap
from python_models.inequality._inputs import Groups, as_groups
from python_models.inequality._weights import STEP, Drawn, Nudged

N = 60
RNG = np.random.default_rng(5)
Y = RNG.lognormal(0.0, 0.5, N)
TIED = np.round(Y, 1)
WITH_ZERO = np.where(np.arange(N) == 7, 0.0, Y)
STRATA = as_groups(np.repeat(["a", "b", "c"], [30, 29, 1]), N)
OTHER = as_groups(RNG.permutation(np.repeat(["x", "y", "z", "v"], 15)), N)  # groups across the strata
PROVINCE = as_groups(np.arange(N) % 7 + 10 * STRATA.codes, N)
PEOPLE = RNG.uniform(0.1, 9.0, N)


def written_out(strata: Groups) -> np.ndarray:
    """(N, N): row i gives the share STEP of the weight of the stratum of i to i, by the definition."""
    rows = np.ones((N, N))
    for i in range(N):
        same = strata.codes == strata.codes[i]
        rows[i, same] = 1.0 - STEP
        rows[i, i] += STEP * same.sum()
    return rows


def dagum_parts(y, W, split):
    full = _batch.dagum(y, W, split)
    parts = np.column_stack([full.total, full.within, full.between, full.transvariation])
    return np.column_stack([parts, full.gini_matrix.reshape(N, -1), full.affluence_matrix.reshape(N, -1)])


def theil_parts(y, W, kind):
    b = _batch.theil_nested(y, W, STRATA, PROVINCE, kind)
    return np.column_stack([b.total, b.between_region, b.between_province, b.within_province, b.region_index])


MEASURES = {
    "mean": _batch.mean,
    "sd": _batch.sd,
    "cv": _batch.cv,
    "gini": _batch.gini,
    "theil_t": _batch.theil_t,
    "theil_l": _batch.theil_l,
    "p10": lambda y, W: _batch.quantile(y, W, 0.1),
    "median": lambda y, W: _batch.quantile(y, W, 0.5),
    "p90": lambda y, W: _batch.quantile(y, W, 0.9),
    "dagum of the strata": lambda y, W: dagum_parts(y, W, STRATA),
    "dagum across the strata": lambda y, W: dagum_parts(y, W, OTHER),
    "dagum of many groups": lambda y, W: np.column_stack(_batch.dagum_components(y, W, PROVINCE)),
    "nested Theil T": lambda y, W: theil_parts(y, W, "T"),
    "nested Theil L": lambda y, W: theil_parts(y, W, "L"),
}


@pytest.mark.parametrize("base", [None, PEOPLE], ids=["cities", "people"])
@pytest.mark.parametrize("y", [Y, TIED, WITH_ZERO], ids=["plain", "tied", "with a zero"])
@pytest.mark.parametrize("name", MEASURES)
def test_the_closed_forms_equal_the_rows_written_out(name, y, base):
    closed, rows = Nudged.of(STRATA), Drawn(written_out(STRATA))
    if base is not None:
        closed, rows = closed.times(base), rows.times(base)
    expected = MEASURES[name](y, rows)
    assert MEASURES[name](y, closed) == pytest.approx(expected, abs=1e-10, nan_ok=True)


def test_the_derivatives_by_a_citys_weight_are_the_same_too():
    closed, rows = Nudged.of(STRATA).times(PEOPLE), Drawn(written_out(STRATA)).times(PEOPLE)
    for measure in (_batch.gini, _batch.theil_t, _batch.theil_l):
        plain = measure(Y, PEOPLE[None])
        by_rows, by_sums = ((measure(Y, w) - plain) / STEP for w in (rows, closed))
        assert by_sums == pytest.approx(by_rows, abs=1e-10)


def test_the_rows_can_be_written_out_in_blocks_and_over_some_cities():
    some = np.array([3, 59, 31, 30])
    closed = Nudged.of(STRATA).times(PEOPLE)
    assert np.concatenate([*closed.blocks()]) == pytest.approx(written_out(STRATA) * PEOPLE, abs=1e-15)
    assert np.concatenate([*closed.take(some).blocks()]) == pytest.approx((written_out(STRATA) * PEOPLE)[:, some])
    assert closed.take(some).sums(Y[some]) == pytest.approx((written_out(STRATA) * PEOPLE)[:, some] @ Y[some])


def test_ones_own_function_gives_the_limits_of_the_named_one():
    by_name = bootstrap(Y, "gini", STRATA.codes, n_replicates=99, seed=1)
    own = bootstrap(Y, lambda y, W: _batch.gini(y, W), STRATA.codes, n_replicates=99, seed=1)
    for limit in ("lo", "hi", "bca_lo", "bca_hi", "band_lo"):
        assert getattr(own, limit) == pytest.approx(getattr(by_name, limit), abs=1e-10)
