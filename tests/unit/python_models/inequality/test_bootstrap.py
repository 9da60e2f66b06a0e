"""City bootstrap: same seed same numbers, replicates equal the plain measures, coverage, bands."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from python_models.inequality import _batch, bootstrap, dagum, gini, theil, theil_nested
from python_models.inequality._inputs import as_groups
from python_models.inequality.bootstrap import draw_counts

Y = np.random.default_rng(11).lognormal(0.0, 0.5, (60, 3))
GROUPS = np.repeat(["a", "b", "c"], [30, 29, 1])


def weights_and_rows(seed: int = 1) -> tuple[np.ndarray, list[np.ndarray]]:
    """Counts of five draws and, for each, the positions as a resample would list them."""
    W = draw_counts(as_groups(GROUPS, 60), 5, np.random.default_rng(seed))
    return W, [np.repeat(np.arange(60), w.astype(int)) for w in W]


def test_draws_keep_the_size_of_each_group():
    W, _ = weights_and_rows()
    assert (W[:, :30].sum(axis=1) == 30).all()
    assert (W[:, 30:59].sum(axis=1) == 29).all()
    assert (W[:, 59] == 1).all()


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
    split = as_groups(GROUPS, 60)
    full, (parts, inside) = _batch.dagum(Y[:, 0], W, split), _batch.dagum_components(Y[:, 0], W, split)
    for b, r in enumerate(rows):
        exact = dagum(Y[r, 0], pd.Categorical(GROUPS[r], categories=["a", "b", "c"]))
        expected = [exact.total, exact.within, exact.between, exact.transvariation]
        assert parts[b] == pytest.approx(expected, abs=1e-13)
        assert [full.total[b], full.within[b], full.between[b], full.transvariation[b]] == pytest.approx(
            expected, abs=1e-13
        )
        assert inside[b] == pytest.approx(exact.gini_within.to_numpy(), abs=1e-13)
        assert np.abs(full.affluence_matrix[b]) == pytest.approx(exact.affluence_matrix, abs=1e-12)


@pytest.mark.parametrize("kind", ["T", "L"])
def test_nested_theil_of_a_weighting_equals_that_of_the_resample(kind):
    W, rows = weights_and_rows()
    province = np.arange(60) % 7 + 10 * np.unique(GROUPS, return_inverse=True)[1]
    batch = _batch.theil_nested(Y[:, 0], W, as_groups(GROUPS, 60), as_groups(province, 60), kind)
    for b, r in enumerate(rows):
        exact = theil_nested(Y[r, 0], GROUPS[r], province[r], kind)
        found = batch.between_region[b], batch.between_province[b], batch.within_province[b]
        expected = exact.between_region, exact.between_province, exact.within_province
        assert found == pytest.approx(expected, abs=1e-13)


def test_result_names_years_and_statistics_and_holds_the_plain_measures():
    frame = pd.DataFrame(Y, columns=[2012, 2013, 2014])
    found = bootstrap(frame, ["gini", "theil_t"], GROUPS, n_replicates=200, seed=1).to_frame()
    assert found["column"].tolist() == [2012, 2012, 2013, 2013, 2014, 2014]
    assert found["statistic"].tolist() == ["gini", "theil_t"] * 3
    assert found["estimate"].iloc[2] == pytest.approx(gini(Y[:, 1]), abs=1e-14)
    assert (found["lo"] < found["hi"]).all()
    assert (found["band_lo"] < found["estimate"]).all()
    assert (found["n_obs"] == 60).all()
    assert (found["seed"] == 1).all()


def test_same_seed_same_numbers_other_seed_others():
    one, two, other = (bootstrap(Y, "gini", n_replicates=99, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.replicates, two.replicates)
    assert not np.array_equal(one.replicates, other.replicates)


def test_years_are_drawn_together():
    found = bootstrap(np.column_stack([Y[:, 0], 2.0 * Y[:, 0]]), "gini", n_replicates=99, seed=1)
    assert found.replicates[:, 0] == pytest.approx(found.replicates[:, 1], abs=1e-14)


def test_band_is_wider_than_one_years_interval_and_covers_all_years_at_once():
    found = bootstrap(Y, "gini", n_replicates=999, seed=1)
    inside = (found.replicates >= found.band_lo) & (found.replicates <= found.band_hi)
    assert inside.all(axis=(1, 2)).mean() == pytest.approx(0.95, abs=0.002)
    assert (found.band_hi - found.band_lo > 2 * 1.96 * 0.97 * found.se).all()


def test_a_function_of_ones_own_and_population_weights():
    people = np.random.default_rng(2).integers(1, 9, 60).astype(float)
    found = bootstrap(Y[:, 0], lambda y, W: (W @ y) / W.sum(axis=1), weights=people, n_replicates=50, seed=1)
    assert found.estimate.item() == pytest.approx(np.average(Y[:, 0], weights=people))


def test_values_that_do_not_vary_have_their_estimate_as_limits():
    found = bootstrap(np.full(20, 0.3), ["gini", "mean"], n_replicates=50, seed=1)
    for limits in (found.lo, found.bca_hi, found.band_lo):
        assert limits[0] == pytest.approx([0.0, 0.3], abs=1e-14)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"statistic": "entropy"}, "unknown statistic"),
        ({"n_replicates": 1}, "2 or more"),
        ({"level": 1.0}, "inside"),
        ({"groups": ["a"]}, "one label per value"),
        ({"weights": np.ones(3)}, "one weight per value"),
    ],
)
def test_bad_input_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        bootstrap(Y, **{"statistic": "gini", "seed": 1} | change)


TRUTH = 2.0 * norm.cdf(0.5 / np.sqrt(2.0)) - 1.0


def coverage(runs: int, replicates: int) -> dict[str, float]:
    """Share of lognormal samples, sigma 0.5, n = 280, whose interval holds the Gini index of the population."""
    rng = np.random.default_rng(21)
    hits = {"percentile": 0, "bca": 0}
    for run in range(runs):
        found = bootstrap(rng.lognormal(0.0, 0.5, 280), "gini", n_replicates=replicates, seed=run)
        hits["percentile"] += int(found.lo.item() <= TRUTH <= found.hi.item())
        hits["bca"] += int(found.bca_lo.item() <= TRUTH <= found.bca_hi.item())
    return {name: count / runs for name, count in hits.items()}


def test_truth_of_the_simulation_is_the_printed_one():
    assert pytest.approx(0.27633, abs=1e-5) == TRUTH


def test_interval_covers_the_truth_in_a_short_simulation():
    assert coverage(60, 299)["bca"] >= 0.85


@pytest.mark.slow
def test_interval_covers_the_truth_as_often_as_it_says():
    shares = coverage(500, 999)
    assert 0.92 <= shares["bca"] <= 0.97
    assert 0.90 <= shares["percentile"] <= 0.97
