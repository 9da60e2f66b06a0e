"""Local Moran and Gi*, and the exactness of the shared conditional permutations."""

import itertools
import warnings

import esda
import numpy as np
import pytest

from python_models.space import build_weights, getis_ord, lisa, moran, to_graph, to_sparse
from python_models.space.local import conditional_counts, ordered_samples


def test_columbus_equals_spdep(spdep):
    """localmoran(CRIME, conditional = TRUE): values, moments, p-values, quadrants; esda's values are (n - 1)/n."""
    crime, graph, answers = spdep
    found, known = lisa(crime, graph, permutations=0), answers["localmoran"]
    for name, theirs in (("i_local", "Ii"), ("expected", "E"), ("variance", "V"), ("z_norm", "Z"), ("p_norm", "p")):
        np.testing.assert_allclose(getattr(found, name), known[theirs], atol=1e-8)
    short = {"High-High": "HH", "Low-High": "LH", "Low-Low": "LL", "High-Low": "HL"}
    assert list(found.quadrant) == [short[name] for name in known["quadr"]]
    n = len(crime)
    theirs = esda.Moran_Local(crime, graph.to_W(), permutations=0).Is
    np.testing.assert_allclose(found.i_local * (n - 1) / n, theirs, atol=1e-8)


def test_permutation_p_equals_spdep(spdep):
    """99,999 draws each, neighbours without repeats; ours is twice the smaller tail."""
    crime, graph, answers = spdep
    ours = lisa(crime, graph, permutations=99_999).p_perm
    np.testing.assert_allclose(ours / 2, answers["localmoran_perm"]["folded"], atol=0.01)


@pytest.mark.slow
def test_permutation_p_equals_the_installed_esda(columbus):
    crime, graph = columbus
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = esda.Moran_Local(
            crime.to_numpy(), graph.to_W(), permutations=99_999, seed=1, alternative="two-sided", keep_simulations=False
        )
    ours = lisa(crime, graph, permutations=99_999)
    np.testing.assert_allclose(ours.p_perm / 2, theirs.p_sim / 2, atol=0.01)


def test_local_values_sum_to_s0_times_the_global_one(map60):
    y, graph = map60
    s0 = to_sparse(graph).sum()
    assert lisa(y, graph, permutations=0).i_local.sum() == pytest.approx(
        s0 * moran(y, graph, permutations=0).value, abs=1e-10
    )


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_shared_sample_gives_the_exact_conditional_distribution(k):
    """All ordered samples of six values against the counts of many draws, for rows of unequal weights."""
    z = np.array([0.3, -1.2, 2.0, 0.7, -0.4, -1.4])
    weights = np.zeros((6, 6))
    for i in range(6):
        others = [j for j in range(6) if j != i][:k]
        weights[i, others] = np.arange(1, k + 1)
    w = to_sparse(to_graph(weights))
    draws = 40_000
    least, most = conditional_counts(z, w, draws, np.random.default_rng(4))
    for i in range(6):
        own = weights[i][weights[i] > 0]
        lag = weights[i] @ z
        all_lags = np.array([own @ z[list(s)] for s in itertools.permutations([j for j in range(6) if j != i], k)])
        assert least[i] / draws == pytest.approx((all_lags >= lag - 1e-12).mean(), abs=0.012)
        assert most[i] / draws == pytest.approx((all_lags <= lag + 1e-12).mean(), abs=0.012)


@pytest.mark.parametrize(("n", "m"), [(50, 3), (6, 6), (2000, 8)])
def test_ordered_samples_have_no_repeat_and_are_even(n, m):
    sample = ordered_samples(n, m, 6_000, np.random.default_rng(1))
    assert (np.diff(np.sort(sample, axis=1), axis=1) > 0).all()
    expected = 6_000 / n
    spread = np.bincount(sample[:, -1], minlength=n) - expected
    assert (spread**2 / expected).sum() < n + 5 * np.sqrt(2 * n)  # chi-squared, five standard deviations


def test_dense_weights_and_hubs_are_permuted_too(map60):
    y, _ = map60
    places = np.column_stack([np.linspace(100, 120, 60), np.linspace(25, 40, 60)])
    invd = lisa(y, build_weights("invd", points=places), permutations=499)
    assert ((invd.p_perm > 0) & (invd.p_perm <= 1)).all()
    star = np.zeros((60, 60))
    star[0, 1:] = star[1:, 0] = 1.0
    hub = lisa(y, to_graph(star), permutations=99)
    assert hub.p_perm[0] == 1.0  # all others are its neighbours: every permutation has the same sum
    assert (hub.p_perm[1:] < 1).any()


def test_ties_count_on_both_sides():
    y = np.array([1.0, 1, 1, 1, 0, 0, 0, 0])
    ring = np.roll(np.eye(8), 1, axis=1) + np.roll(np.eye(8), -1, axis=1)
    found = lisa(y, to_graph(ring / 2), permutations=999)
    assert found.p_perm.min() > 0.15  # P(both neighbours high) = 3/7 * 2/6 = 1/7, doubled


def test_islands_have_no_lag_and_do_not_count_as_tests(map60):
    y, graph = map60
    cut = graph.sparse.toarray()
    cut[7] = 0.0
    found = lisa(y, to_graph(cut), permutations=99)
    assert found.class_fdr[7] == found.class_raw[7] == "island"
    assert np.isnan(found.p_perm[7])
    assert np.isnan(found.i_local[7])
    assert np.isnan(getis_ord(y, to_graph(cut)).gi[7])


def test_the_fdr_map_equals_the_cutoff_of_esda(map60):
    y, graph = map60
    found = lisa(y, graph, permutations=999)
    cutoff = esda.fdr(found.p_perm, 0.05)
    np.testing.assert_array_equal(found.class_fdr != "ns", found.p_perm <= cutoff)
    assert set(found.class_fdr) <= {"HH", "LH", "LL", "HL", "ns"}


@pytest.mark.parametrize("star", [True, False])
def test_gi_equals_esda_on_binary_weights(map60, star):
    y, graph = map60
    binary = to_graph((graph.sparse > 0).astype(float))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = esda.G_Local(y, binary.to_W(), transform="B", star=star, permutations=0)
    np.testing.assert_allclose(getis_ord(y, binary, star=star).gi, theirs.Zs, atol=1e-10)
    np.testing.assert_allclose(getis_ord(y, graph, star=star).gi, theirs.Zs, atol=1e-10)  # row-normalised: no change


@pytest.mark.slow
def test_size_of_lisa_on_noise(map60):
    """Any FDR discovery in at most 7 % of 500 maps of noise; about 5 % of cities uncorrected."""
    graph = map60[1]
    rng = np.random.default_rng(11)
    found = [lisa(rng.standard_normal(60), graph, permutations=9999, seed=r) for r in range(500)]
    share = np.mean([(result.p_perm <= 0.05).mean() for result in found])
    assert share == pytest.approx(0.05, abs=0.005)
    assert np.mean([(result.class_fdr != "ns").any() for result in found]) <= 0.07
