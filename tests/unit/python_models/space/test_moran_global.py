"""Global association against published numbers, esda and identities."""

import warnings

import esda
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from python_models.space import geary, general_g, moran, normalise, to_graph
from python_models.space.moran import global_statistics


def test_the_line_of_three_has_known_values(line):
    with pytest.raises(ValueError, match="at least four cities"):
        moran([1.0, 2.0, 4.0], line)
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


def test_all_three_equal_esda(map60):
    y, graph = map60
    w = graph.to_W()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        m, c, g = esda.Moran(y, w), esda.Geary(y, w), esda.G(y, to_graph((graph.sparse > 0).astype(float)).to_W())
    ours = global_statistics(y, graph, permutations=99)
    assert ours["moran"].value == pytest.approx(m.I, abs=1e-10)
    assert ours["moran"].variance == pytest.approx(m.VI_rand, abs=1e-10)
    assert ours["geary"].value == pytest.approx(c.C, abs=1e-10)
    assert ours["geary"].variance == pytest.approx(c.VC_rand, abs=1e-10)
    binary = general_g(y, to_graph((graph.sparse > 0).astype(float)), permutations=0)
    assert (binary.value, binary.expected) == pytest.approx((g.G, g.EG), abs=1e-12)
    assert binary.variance == pytest.approx(g.VG, rel=1e-8)


def test_permutation_moments_equal_the_analytic_ones(map60):
    y, graph = map60
    for name, result in global_statistics(y, graph, permutations=9999, seed=5).items():
        sd = np.sqrt(result.variance)
        assert result.lo == pytest.approx(result.expected - 1.96 * sd, abs=0.35 * sd), name
        assert result.hi == pytest.approx(result.expected + 1.96 * sd, abs=0.35 * sd), name


def test_p_is_never_zero_and_needs_no_luck(map60):
    y, graph = map60
    assert moran(y, graph, permutations=99).p_perm >= 1 / 100
    assert moran(np.sort(y), graph, permutations=9).p_perm >= 1 / 10
    assert np.isnan(moran(y, graph, permutations=0).p_perm)


def test_same_seed_same_numbers_and_no_global_state(map60):
    y, graph = map60
    np.random.seed(1)  # noqa: NPY002  # the state that must not be touched
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert moran(y, graph, seed=3) == moran(y, graph, seed=3)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@given(a=st.floats(0.01, 100), b=st.floats(-100, 100), flip=st.booleans())
def test_moran_and_geary_do_not_see_scale_or_shift(map60, a, b, flip):
    y, graph = map60
    factor = -a if flip else a
    for statistic in (moran, geary):
        here = statistic(y, graph, permutations=0)
        there = statistic(factor * y + b, graph, permutations=0)
        assert there.value == pytest.approx(here.value, abs=1e-8)
        assert there.variance == pytest.approx(here.variance, abs=1e-8)


def test_the_weights_of_the_caller_stay_as_they_are(map60):
    y, graph = map60
    w = graph.to_W()
    w.transform = "B"
    moran(y, w, permutations=9)
    assert w.transform == "B"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda y: np.where(np.arange(60) == 3, np.nan, y), r"missing or infinite for 1 cells, first city 3"),
        (lambda y: y[:-1], "one row per city"),
        (lambda y: y * 0 + 2.0, "constant"),
    ],
)
def test_errors_name_the_city(map60, change, message):
    y, graph = map60
    with pytest.raises(ValueError, match=message):
        moran(change(y), graph)


def test_other_cities_than_the_weights_have_are_refused(columbus):
    crime, graph = columbus
    with pytest.raises(ValueError, match="labels must agree"):
        moran(crime.rename({crime.index[0]: "elsewhere"}), graph)


def test_a_default_index_names_no_city(columbus):
    crime, graph = columbus
    plain = crime.reset_index(drop=True)
    assert moran(plain, graph, permutations=9) == moran(crime, graph, permutations=9)


def test_g_needs_positive_values(map60):
    y, graph = map60
    with pytest.raises(ValueError, match="positive"):
        general_g(y - y.mean(), graph)


@pytest.mark.slow
def test_size_of_moran_on_noise(map60):
    """1,000 maps of noise, 999 permutations; rejections at 5 % within 1.5 points."""
    graph = map60[1]
    rng = np.random.default_rng(7)
    p = [moran(rng.standard_normal(60), graph, permutations=999, seed=r).p_perm for r in range(1000)]
    assert np.mean(np.array(p) <= 0.05) == pytest.approx(0.05, abs=0.015)
