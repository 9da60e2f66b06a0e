"""Change of disparity with paired errors, the bootstrap of cities, and the closed forms behind both."""

import numpy as np
import pandas as pd
import pytest
from checks import refused
from golden import cases

from python_models.inequality import _batch, between_groups, dagum, disparity_change, gini, theil, theil_nested
from python_models.inequality._inputs import Groups, as_groups
from python_models.inequality._weights import STEP, Drawn, Nudged
from python_models.inequality.bootstrap import draw_counts, resampled
from python_models.inequality.change import gini_covariance

N = 60
Y = np.random.default_rng(11).lognormal(0.0, 0.5, (N, 3))
GROUPS = np.repeat(["a", "b", "c"], [30, 29, 1])
STRATA = as_groups(GROUPS, N)


def drawn(plane, *measures, strata=STRATA, **options):
    """The bootstrap of measures of the columns of a plane (N, T)."""
    split = strata if len(plane) == N else as_groups(np.zeros(len(plane)), len(plane))
    of_year = lambda year, W: np.column_stack([m(plane[:, year], W) for m in measures])  # noqa: E731
    return resampled(of_year, plane.shape[1], split, **options)


def weights_and_rows():
    """Counts of five draws and, for each, the positions as a resample would list them."""
    W = draw_counts(STRATA, 5, np.random.default_rng(1))
    return W, [np.repeat(np.arange(N), w.astype(int)) for w in W]


@pytest.mark.parametrize(
    ("batch", "plain"),
    [
        (_batch.gini, gini),
        (_batch.theil_t, theil),
        (_batch.theil_l, lambda y: theil(y, kind="L")),
        (_batch.mean, np.mean),
        (_batch.sd, lambda y: np.std(y, ddof=1)),
        (lambda y, W: _batch.quantile(y, W, 0.1), lambda y: np.quantile(y, 0.1)),
        (lambda y, W: _batch.quantile(y, W, 0.5), np.median),
    ],
)
def test_a_weighting_by_counts_equals_the_measure_of_the_resample(batch, plain):
    W, rows = weights_and_rows()
    assert batch(Y[:, 0], W) == pytest.approx([plain(Y[r, 0]) for r in rows], abs=1e-13)


def test_dagum_of_a_weighting_equals_dagum_of_the_resample():
    W, rows = weights_and_rows()
    full, (parts, inside) = _batch.dagum(Y[:, 0], W, STRATA), _batch.dagum_components(Y[:, 0], W, STRATA)
    for b, r in enumerate(rows):
        exact = dagum(Y[r, 0], pd.Categorical(GROUPS[r], categories=["a", "b", "c"]))
        expected = [exact.total, exact.within, exact.between, exact.transvariation]
        own = [full.total[b], full.within[b], full.between[b], full.transvariation[b]]
        assert parts[b] == pytest.approx(expected, abs=1e-13)
        assert own == pytest.approx(expected, abs=1e-13)
        assert inside[b] == pytest.approx(exact.gini_within.to_numpy(), abs=1e-13)
        assert np.abs(full.affluence_matrix[b]) == pytest.approx(exact.affluence_matrix, abs=1e-12)


@pytest.mark.parametrize("kind", ["T", "L"])
def test_nested_theil_of_a_weighting_equals_that_of_the_resample(kind):
    W, rows = weights_and_rows()
    batch, names = _batch.theil_nested(Y[:, 0], W, STRATA, PROVINCE, kind), np.array(PROVINCE.labels)[PROVINCE.codes]
    for b, r in enumerate(rows):
        exact = theil_nested(Y[r, 0], GROUPS[r], names[r], kind)
        for part in ("between_region", "between_province", "within_province"):
            assert getattr(batch, part)[b] == pytest.approx(getattr(exact, part), abs=1e-13)


def test_the_bootstrap_draws_years_together_by_its_seed():
    result = drawn(Y, _batch.gini, _batch.theil_t, n_replicates=200, seed=1)
    assert result.estimate.shape == (3, 2)
    assert result.estimate[1, 0] == pytest.approx(gini(Y[:, 1]), abs=1e-14)
    assert ((result.lo < result.hi) & (result.band_lo < result.estimate)).all()
    one, other = (drawn(Y, _batch.gini, n_replicates=99, seed=s) for s in (1, 2))
    assert not np.array_equal(one.replicates, other.replicates)
    scaled = drawn(np.column_stack([Y[:, 0], 2.0 * Y[:, 0]]), _batch.gini, n_replicates=99, seed=1)
    assert scaled.replicates[:, 0] == pytest.approx(scaled.replicates[:, 1], abs=1e-14)
    refused("one label per value", as_groups, ["a"], N)


def test_bands_cover_all_years_at_once_and_what_does_not_vary_has_no_limits():
    result = drawn(Y, _batch.gini, strata=as_groups(np.zeros(N), N), n_replicates=999, seed=1)
    inside = (result.replicates >= result.band_lo) & (result.replicates <= result.band_hi)
    assert inside.all(axis=(1, 2)).mean() == pytest.approx(0.95, abs=0.002)
    assert (result.band_hi - result.band_lo > 2 * 1.96 * 0.97 * result.se).all()
    result = drawn(np.full((20, 1), 0.3), _batch.gini, _batch.mean, n_replicates=50, seed=1)
    for limits in (result.lo, result.bca_hi, result.band_lo):
        assert np.isnan(limits).all()


def test_population_weights_multiply_the_draws():
    people = np.random.default_rng(2).integers(1, 9, 60).astype(float)
    result = drawn(Y[:, :1], lambda y, W: _batch.mean(y, W.times(people)), n_replicates=50, seed=1)
    assert result.estimate.item() == pytest.approx(np.average(Y[:, 0], weights=people))


TRUTH = 0.27633  # 2 Phi(.5 / sqrt 2) - 1


@pytest.mark.slow
def test_interval_covers_the_truth_as_often_as_it_says():
    """Share of 500 lognormal samples, sigma 0.5, n = 280, whose interval holds the Gini index: percentile, bca."""
    rng, inside = np.random.default_rng(21), []
    for run in range(500):
        found = drawn(rng.lognormal(0.0, 0.5, (280, 1)), _batch.gini, n_replicates=999, seed=run)
        ends = (found.lo, found.hi), (found.bca_lo, found.bca_hi)
        inside.append([low.item() <= TRUTH <= high.item() for low, high in ends])
    shares = np.mean(inside, axis=0)
    assert ((shares >= [0.90, 0.92]) & (shares <= 0.97)).all()


RNG = np.random.default_rng(5)
V = RNG.lognormal(0.0, 0.5, N)
TIED = np.round(V, 1)
WITH_ZERO = np.where(np.arange(N) == 7, 0.0, V)
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
@pytest.mark.parametrize("y", [V, TIED, WITH_ZERO], ids=["plain", "tied", "with a zero"])
@pytest.mark.parametrize("name", MEASURES)
def test_the_closed_forms_equal_the_rows_written_out(name, y, base):
    closed, rows = Nudged.of(STRATA), Drawn(written_out(STRATA))
    if base is not None:
        closed, rows = closed.times(base), rows.times(base)
    expected = MEASURES[name](y, rows)
    assert MEASURES[name](y, closed) == pytest.approx(expected, abs=1e-10, nan_ok=True)


def test_derivatives_by_a_citys_weight_and_parts_of_the_rows_are_the_same_too():
    closed, rows = Nudged.of(STRATA).times(PEOPLE), Drawn(written_out(STRATA)).times(PEOPLE)
    for measure in (_batch.gini, _batch.theil_t, _batch.theil_l):
        plain = measure(V, PEOPLE[None])
        by_rows, by_sums = ((measure(V, w) - plain) / STEP for w in (rows, closed))
        assert by_sums == pytest.approx(by_rows, abs=1e-10)
    some, rows = np.array([3, 59, 31, 30]), written_out(STRATA) * PEOPLE
    closed = Nudged.of(STRATA).times(PEOPLE)
    assert closed.take(some).sums(V[some]) == pytest.approx(rows[:, some] @ V[some])


def world(n=60, seed=1):
    rng = np.random.default_rng(seed)
    first = rng.lognormal(sigma=0.5, size=n)
    return np.column_stack([first, first * rng.lognormal(0.1, 0.2, n)]), np.arange(n) % 3


def by_definition(y, g):
    found = {"mean": y.mean(), "sd": y.std(ddof=1), "cv": y.std(ddof=1) / y.mean(), "sd_log": np.log(y).std(ddof=1)}
    d = dagum(y, g)
    found |= {"gini": gini(y), **{f"dagum_{p}": getattr(d, p) for p in ("within", "between", "transvariation")}}
    for kind in "TL":
        own, name = theil(y, g, kind), f"theil_{kind.lower()}"
        found |= {name: own.total, f"{name}_within": own.within, f"{name}_between": own.between}
    return pd.Series(found)


def test_values_and_jackknife_equal_their_definition():
    Y, g = world()
    one, two = (by_definition(y, g) for y in Y.T)
    found = disparity_change(Y, g, n_bootstrap=19).to_frame().set_index("measure").loc[one.index]
    kept = [np.arange(60) != i for i in range(60)]
    left = pd.DataFrame([by_definition(Y[k, 1], g[k]) - by_definition(Y[k, 0], g[k]) for k in kept])
    assert found[["first", "last"]].to_numpy() == pytest.approx(np.column_stack([one, two]))
    assert found["se"].to_numpy() == pytest.approx(np.sqrt(59 / 60 * ((left - left.mean()) ** 2).sum()).to_numpy())
    bias = 59 * (left.mean() - (two - one))
    assert found["bias"].to_numpy() == pytest.approx(bias.to_numpy(), rel=1e-6, abs=1e-10)


def test_reference_answers_of_300_units():
    told, d = cases.expected("gini_change"), cases.gini_change()
    found = disparity_change(d[["y1", "y2"]], d["region"], n_bootstrap=1999, seed=1).to_frame().set_index("measure")
    for theirs in told["change"]:
        row = found.loc[theirs.replace("net_", "").lower()]
        assert row["change"] == pytest.approx(told["change"][theirs], rel=1e-10)
        assert row["se"] == pytest.approx(told["jackknife_se_of_change"][theirs], rel=1e-9)
        assert row["bias"] == pytest.approx(told["jackknife_bias_of_change"][theirs], rel=1e-6)
    limits = told["paired_bootstrap_20000"]["gini_percentile_2_5_97_5"]
    assert found.loc["gini", ["lower", "upper"]].tolist() == pytest.approx(limits, abs=1e-3)


def test_the_gap_is_that_of_the_groups_that_were_highest_and_lowest():
    Y, g = world()
    one = disparity_change(Y, g, n_bootstrap=19).to_frame().set_index("measure")
    means = [[Y[g == j, t].mean() for j in range(3)] for t in (0, 1)]
    high, low = int(np.argmax(means[0])), int(np.argmin(means[0]))
    assert one.loc["gap", "last"] == pytest.approx(means[1][high] - means[1][low])


def test_without_a_change_there_is_none_and_zeros_stop_only_logarithms():
    Y, _ = world()
    same = disparity_change(Y[:, [0, 0]], n_bootstrap=49)
    assert np.abs(same.change).max() == 0
    assert (same.p == 1).all()
    Y[0, 0] = 0.0
    found = disparity_change(Y, n_bootstrap=49).to_frame().set_index("measure")["change"]
    assert found[["sd_log", "theil_l"]].isna().all()
    assert np.isfinite(found["gini"])
    refused("three cities", disparity_change, Y[:2])


def test_groups_of_equal_means_have_no_corrected_between_part():
    """Old: every one of 150 samples said that 5 to 20 % of inequality lies between groups that do not differ."""
    rng, rows = np.random.default_rng(3), []
    for _ in range(150):
        found = between_groups(rng.lognormal(sigma=0.5, size=280), rng.integers(0, 4, 280))
        rows.append((found.shares[0], found.corrected / found.total, found.p < 0.05))
    plain, corrected, rejected = np.mean(rows, axis=0)
    assert plain > 8
    assert abs(corrected) < 0.01
    assert rejected <= 0.1


def test_groups_far_apart_keep_their_between_part_and_a_lone_city_has_no_variance():
    rng, groups = np.random.default_rng(4), np.repeat([0, 1], 80)
    y = np.concatenate([rng.uniform(1, 2, 80), rng.uniform(5, 6, 80)])
    found = between_groups(y, groups)
    assert found.corrected == pytest.approx(found.between, rel=1e-9)
    assert found.between == dagum(y, groups).between
    assert found.p < 1e-6
    refused("one city only", between_groups, [1.0, 2.0, 3.0], ["a", "a", "b"])


def test_correction_is_the_mean_over_all_ways_to_halve_the_groups():
    """By drawing halves: sign of one half times the other half."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(10, 1, 400), rng.normal(10.05, 1, 400)
    found = between_groups(np.concatenate([a, b]), np.repeat([0, 1], 400))
    drawn = []
    for _ in range(4000):
        i, j = rng.permutation(400), rng.permutation(400)
        halves = [a[i[part]].mean() - b[j[part]].mean() for part in (slice(200), slice(200, None))]
        drawn.append(np.sign(halves[0]) * halves[1])
    mu = np.array([a.mean(), b.mean()])
    s = mu / mu.sum()
    expected = 2 * 0.25 * np.mean(drawn) / 1.0 / (mu.sum()) * (s.sum())
    assert found.corrected == pytest.approx(expected, abs=4e-4)


def test_covariance_of_the_gini_index_leaves_out_one_city_at_a_time():
    plane, _ = world()
    cov = gini_covariance(plane)
    left = np.array([[gini(np.delete(y, i)) for y in plane.T] for i in range(len(plane))])
    np.testing.assert_allclose(cov, 59 * np.cov(left.T, ddof=0), rtol=1e-9)
    change = disparity_change(plane, n_bootstrap=19)
    se = change.se[change.names.index("gini")]
    assert cov[0, 0] + cov[1, 1] - 2 * cov[0, 1] == pytest.approx(se**2, rel=1e-9)
    np.testing.assert_allclose(gini_covariance(7.0 * plane), cov, rtol=1e-9)
    assert gini_covariance(np.full((4, 2), 3.0)).max() < 1e-20
    refused("three cities", gini_covariance, plane[:2])
