"""Residual checks: independent formulas, outside programs, size and power."""

import esda
import libpysal
import numpy as np
import pytest
from spec_worlds import draw, inverse_distance, knn

from python_models.regression.diagnostics import (
    modified_wald,
    pesaran_cd,
    residual_moran,
    squared_correlation,
    variance_inflation,
    wooldridge_ar1,
)
from python_models.regression.errors import PanelInputError
from python_models.regression.within import within


def pure(n, t, rng):
    return within(rng.standard_normal((n, t)), "twoways")


@pytest.mark.parametrize("w", [knn(40), inverse_distance(40)], ids=["knn", "invd"])
def test_moran_of_each_year_equals_esda(w):
    e = pure(40, 4, np.random.default_rng(1))
    ours = residual_moran(e, w, years=[2012, 2013, 2014, 2015])
    theirs = libpysal.weights.WSP(w.matrix).to_W(silence_warnings=True)
    for j in range(4):
        moran = esda.Moran(e[:, j], theirs, transformation="r", permutations=0)
        assert ours.statistic[j] == pytest.approx(moran.I, rel=1e-10)
        assert ours.z[j] == pytest.approx(moran.z_norm, rel=1e-10)
        assert ours.to_frame()["p"][j] == pytest.approx(moran.p_norm, rel=1e-8)


def test_pooled_moran_is_standard_normal_without_dependence_even_for_a_dense_w():
    w, rng = inverse_distance(50), np.random.default_rng(2)
    z = [residual_moran(pure(50, 6, rng), w).pooled.statistic for _ in range(300)]
    assert abs(np.mean(z)) < 4 / np.sqrt(300)
    assert np.std(z) == pytest.approx(1.0, abs=0.17)


def test_pooled_moran_finds_a_spatial_error():
    w = knn(80)
    y, _ = draw(w, t=6, rng=np.random.default_rng(3), lam=0.4, beta=(0.0, 0.0))
    assert residual_moran(within(y, "twoways"), w).pooled.rejects(0.001)


def test_cd_equals_the_double_loop_over_pairs():
    e = np.random.default_rng(4).standard_normal((7, 9))
    pairs = [np.corrcoef(e[i], e[j])[0, 1] for i in range(7) for j in range(i + 1, 7)]
    assert pesaran_cd(e).statistic == pytest.approx(np.sqrt(2 * 9 / (7 * 6)) * sum(pairs), rel=1e-10)
    d, squares = 8, sum(r**2 for r in pairs)
    expected = d * (d + 2) / (2 * 7) * (7 + 2 * squares - 49 / d)
    assert squared_correlation(e).statistic == pytest.approx(expected, rel=1e-10)


def test_year_effects_blind_cd_but_not_squared_correlation():
    rng = np.random.default_rng(5)
    common = rng.standard_normal((200, 10)) + 0.7 * rng.standard_normal((200, 1)) * rng.standard_normal(10)
    e = within(common, "twoways")
    assert pesaran_cd(e).statistic == pytest.approx(-np.sqrt(5), abs=0.3)
    assert squared_correlation(e).rejects(1e-6)


def test_squared_correlation_keeps_its_size():
    rng = np.random.default_rng(6)
    hits = [squared_correlation(pure(80, 8, rng)).rejects() for _ in range(600)]
    assert 0.03 <= np.mean(hits) <= 0.075


def test_wooldridge_finds_persistent_errors_and_keeps_its_size():
    rng = np.random.default_rng(7)

    def test(phi):
        u = np.zeros((60, 8))
        shock = rng.standard_normal((60, 8))
        u[:, 0] = shock[:, 0]
        for t in range(1, 8):
            u[:, t] = phi * u[:, t - 1] + shock[:, t]
        x = rng.standard_normal((60, 8, 1))
        return wooldridge_ar1(x[:, :, 0] + u + rng.standard_normal((60, 1)), x)

    assert test(0.6).rejects(1e-4)
    assert 0.02 <= np.mean([test(0.0).rejects() for _ in range(400)]) <= 0.085


def test_modified_wald_equals_the_sum_over_cities():
    e = np.random.default_rng(8).standard_normal((6, 12)) * np.arange(1, 7)[:, None]
    own = (e**2).mean(axis=1)
    v = ((e**2 - own[:, None]) ** 2).sum(axis=1) / (12 * 11)
    test = modified_wald(e)
    assert test.statistic == pytest.approx(((own - own.mean()) ** 2 / v).sum())
    assert test.df == 6


def test_vif_equals_the_auxiliary_regressions():
    rng = np.random.default_rng(9)
    w = knn(30)
    x = rng.standard_normal((30, 6, 3))
    x[:, :, 2] = x[:, :, 0] + 0.2 * x[:, :, 2]
    frame = variance_inflation(x, w, names=["a", "b", "c"]).set_index("term")
    z = within(np.concatenate([x, w.lag(x)], axis=2), "twoways").reshape(180, 6)
    for j, term in enumerate(frame.index):
        rest = np.delete(z, j, axis=1)
        ssr = np.linalg.lstsq(rest, z[:, j], rcond=None)[1][0]
        assert frame.loc[term, "vif"] == pytest.approx((z[:, j] ** 2).sum() / ssr, rel=1e-9)
    assert frame.loc["a", "is_flagged"]
    assert not frame.loc["b", "is_flagged"]


def test_exact_collinearity_is_named():
    x = np.random.default_rng(10).standard_normal((20, 5, 2))
    x[:, :, 1] = -3.0 * x[:, :, 0] + 1.0
    with pytest.raises(PanelInputError, match="loans is collinear"):
        variance_inflation(x, names=["fdi", "loans"])


def test_too_few_years_and_constant_residuals_are_refused():
    e = np.random.default_rng(11).standard_normal((10, 2))
    for check in (pesaran_cd, squared_correlation, modified_wald):
        with pytest.raises(PanelInputError, match="three years"):
            check(e)
    with pytest.raises(PanelInputError, match="four years"):
        wooldridge_ar1(e, e[:, :, None])
    with pytest.raises(PanelInputError, match="do not vary"):
        residual_moran(np.ones((10, 3)), knn(10))
