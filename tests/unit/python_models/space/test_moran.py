"""Global and local association: published numbers, spdep, esda, identities, exact permutations."""

import itertools

import esda
import numpy as np
import pytest
from checks import refused, ring

from python_models.space import build_weights, getis_ord, global_statistics, lisa, moran, normalise, to_graph, to_sparse
from python_models.space.local import conditional_counts, ordered_samples


def geary(y, w, **options):
    return global_statistics(y, w, ("geary",), **options)["geary"]


def test_the_line_of_three_has_known_values(line):
    refused("at least four cities", moran, [1.0, 2.0, 4.0], line)
    doubled = normalise(to_graph(np.kron(np.eye(2), [[0, 1, 0], [1, 0, 1], [0, 1, 0]])))  # two lines side by side
    y = [1.0, 2.0, 4.0] * 2
    assert moran(y, doubled, permutations=0).value == pytest.approx(-0.0357142857, abs=1e-10)
    assert geary(y, doubled, permutations=0).value == pytest.approx(0.5357142857 * 5 / 4, abs=1e-9)  # (n-1)/n scale


def test_columbus_equals_spdep(spdep):
    """moran.test and geary.test of CRIME, under randomisation and under normality."""
    crime, graph, answers = spdep
    found = moran(crime, graph, permutations=0)
    random, normal = answers["moran_randomisation"], answers["moran_normality"]
    assert (found.value, found.variance) == pytest.approx((random["I"], random["VI"]), abs=1e-8)
    assert (found.z, found.p_norm) == pytest.approx((random["z"], random["p_two_sided"]), abs=1e-8)
    assert (found.variance_norm, found.z_norm) == pytest.approx((normal["VI"], normal["z"]), abs=1e-8)
    c, known = geary(crime, graph, permutations=0), answers["geary"]
    assert (c.value, c.variance) == pytest.approx((known["C"], known["VC"]), abs=1e-8)
    assert c.z == pytest.approx(-known["z"], abs=1e-8)  # spdep prints (1 - c)/sd


@pytest.mark.filterwarnings("ignore")
def test_all_three_equal_esda(map60):
    y, graph = map60
    binary = to_graph((graph.sparse > 0).astype(float))
    m, c, g = esda.Moran(y, graph.to_W()), esda.Geary(y, graph.to_W()), esda.G(y, binary.to_W())
    ours = global_statistics(y, graph, permutations=99)
    assert (ours["moran"].value, ours["moran"].variance) == pytest.approx((m.I, m.VI_rand), abs=1e-10)
    assert (ours["geary"].value, ours["geary"].variance) == pytest.approx((c.C, c.VC_rand), abs=1e-10)
    found = global_statistics(y, binary, ("getis",), permutations=0)["getis"]
    assert (found.value, found.expected) == pytest.approx((g.G, g.EG), abs=1e-12)
    assert found.variance == pytest.approx(g.VG, rel=1e-8)


def test_permutations_have_the_analytic_moments_and_p_is_never_zero(map60):
    y, graph = map60
    for name, result in global_statistics(y, graph, permutations=9999, seed=5).items():
        sd = np.sqrt(result.variance)
        assert result.lo == pytest.approx(result.expected - 1.96 * sd, abs=0.35 * sd), name
        assert result.hi == pytest.approx(result.expected + 1.96 * sd, abs=0.35 * sd), name
    y, graph = map60
    for values, draws in ((y, 99), (np.sort(y), 9)):
        assert moran(values, graph, permutations=draws).p_perm >= 1 / (draws + 1)
    assert np.isnan(moran(y, graph, permutations=0).p_perm)


def test_no_global_state_and_no_weights_of_the_caller_are_touched(map60):
    y, graph = map60
    np.random.seed(1)  # noqa: NPY002  # the state that must not be touched
    before, w = np.random.get_state()[1].copy(), graph.to_W()  # noqa: NPY002
    w.transform = "B"
    moran(y, w, permutations=9, seed=3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert w.transform == "B"


def test_errors_name_the_city(map60, columbus):
    y, graph = map60
    holed = np.where(np.arange(60) == 3, np.nan, y)
    refused(r"missing or infinite for 1 cells, first city 3", moran, holed, graph)
    refused("one row per city", moran, y[:-1], graph)
    refused("constant", moran, y * 0 + 2.0, graph)
    refused("positive", global_statistics, y - y.mean(), graph)
    crime, graph = columbus
    refused("labels must agree", moran, crime.rename({crime.index[0]: "elsewhere"}), graph)
    # a default index names no city
    assert moran(crime.reset_index(drop=True), graph, permutations=9) == moran(crime, graph, permutations=9)


def test_local_moran_of_columbus_equals_spdep(spdep):
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


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_shared_sample_gives_the_exact_conditional_distribution(k):
    """All ordered samples of six values against the counts of many draws, for rows of unequal weights."""
    z, weights, draws = np.array([0.3, -1.2, 2.0, 0.7, -0.4, -1.4]), np.zeros((6, 6)), 40_000
    for i in range(6):
        weights[i, np.delete(np.arange(6), i)[:k]] = np.arange(1, k + 1)
    counts = conditional_counts(z, to_sparse(to_graph(weights)), draws, np.random.default_rng(4))
    for i, (least, most) in enumerate(zip(*counts, strict=True)):
        samples = np.array(list(itertools.permutations(np.delete(z, i), k)))
        lags, lag = samples @ np.arange(1, k + 1), weights[i] @ z
        shares = (lags >= lag - 1e-12).mean(), (lags <= lag + 1e-12).mean()
        assert (least / draws, most / draws) == pytest.approx(shares, abs=0.012)


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


def test_ties_count_on_both_sides_and_islands_do_not_count_as_tests(map60):
    found = lisa([1.0, 1, 1, 1, 0, 0, 0, 0], to_graph(ring(8)), permutations=999)
    assert found.p_perm.min() > 0.15  # P(both neighbours high) = 3/7 * 2/6 = 1/7, doubled
    y, graph = map60
    cut = graph.sparse.toarray()
    cut[7] = 0.0
    found = lisa(y, to_graph(cut), permutations=99)
    assert found.class_fdr[7] == found.class_raw[7] == "island"
    assert np.isnan([found.p_perm[7], found.i_local[7], getis_ord(y, to_graph(cut)).gi[7]]).all()


def test_the_fdr_map_equals_the_cutoff_of_esda(map60):
    y, graph = map60
    found = lisa(y, graph, permutations=999)
    cutoff = esda.fdr(found.p_perm, 0.05)
    np.testing.assert_array_equal(found.class_fdr != "ns", found.p_perm <= cutoff)
    assert set(found.class_fdr) <= {"HH", "LH", "LL", "HL", "ns"}


@pytest.mark.filterwarnings("ignore")
def test_gi_equals_esda_on_binary_weights(map60):
    y, graph = map60
    binary = to_graph((graph.sparse > 0).astype(float))
    theirs = esda.G_Local(y, binary.to_W(), transform="B", star=True, permutations=0)
    np.testing.assert_allclose(getis_ord(y, binary).gi, theirs.Zs, atol=1e-10)
    np.testing.assert_allclose(getis_ord(y, graph).gi, theirs.Zs, atol=1e-10)  # row-normalised: no change
