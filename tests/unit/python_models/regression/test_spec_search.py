"""The specification search and residual checks: rules, known worlds, outside programs, size."""

import esda
import libpysal
import numpy as np
import pandas as pd
import pytest
from checks import panel_refused, ring
from spec_worlds import draw, inverse_distance, knn
from statsmodels.stats.outliers_influence import variance_inflation_factor

from python_models.regression.diagnostics import (
    modified_wald,
    pesaran_cd,
    residual_moran,
    squared_correlation,
    variance_inflation,
    wooldridge_ar1,
)
from python_models.regression.dynamic import fit_dynamic
from python_models.regression.iv import spatial_2sls
from python_models.regression.spec_lm import lm_tests
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.spec_search import (
    RULES,
    decide,
    effects_tests,
    hausman,
    residual_tests,
    specification_search,
)
from python_models.regression.weights import spatial_weights
from python_models.regression.within import by_segment, within


def made_up(**p: float) -> SpecTests:
    """Tests with these p-values; every other one rejects. The larger statistic has the smaller p."""
    plain = [f"{code}{mark}" for mark in ("", "_slx") for code in ("lm_lag", "lm_err", "rlm_lag", "rlm_err")]
    # the plain tests say nothing here: the rule reads their clustered twins
    read = {code: code for code in ("wald_sar", "lr_sar", "wald_sem", "lr_sem")} | {f"{c}_cluster": c for c in plain}
    rows = [SpecTest(code, -np.log(p.get(c, 0.001)), 1.0, p.get(c, 0.001)) for code, c in read.items()]
    return SpecTests((*rows, *(SpecTest(c, 0.0, 1.0, 1.0) for c in plain)))


@pytest.mark.parametrize(
    ("p", "outcome"),
    [
        ({}, "sdm"),
        ({"wald_sar": 0.4}, "sar"),
        ({"wald_sem": 0.4}, "sem"),
        ({"lr_sar": 0.4, "lr_sem": 0.4}, "sdm"),  # LR supposes independent errors: shown, not read
        ({"wald_sar": 0.4, "wald_sem": 0.4, "rlm_err": 0.3}, "sar"),
        ({"wald_sar": 0.4, "wald_sem": 0.4, "rlm_lag": 0.3}, "sem"),
        ({"wald_sar": 0.4, "wald_sem": 0.4, "rlm_lag": 0.0001}, "sar"),
        ({"wald_sar": 0.4, "wald_sem": 0.4, "lm_lag": 0.3, "lm_err": 0.3}, "ols"),
    ],
)
def test_rule_gives_the_stated_verdict(p, outcome):
    assert decide(made_up(**p))[-1].outcome == outcome


@pytest.mark.parametrize(("p", "outcome"), [({}, "sdem"), ({"lm_err_slx": 0.5}, "slx")])
def test_slx_path_chooses_between_durbin_models(p, outcome):
    steps = {step.step: step.outcome for step in decide(made_up(lm_lag_slx=0.5, **p))}
    assert steps["slx_path"] == outcome
    assert not SpecTest("x", np.nan, 0.0, np.nan).rejects()  # a test that could not be made never rejects


@pytest.mark.parametrize(
    ("seed", "truth", "verdict"),
    [(5, {"rho": 0.4, "theta": (0.6, 0.4)}, "sdm"), (5, {"rho": 0.4}, "sar"), (5, {"lam": 0.5}, "sem"), (6, {}, "ols")],
)
def test_search_finds_the_model_behind_the_data(seed, truth, verdict):
    w = knn(120)
    search = specification_search(*draw(w, t=8, rng=np.random.default_rng(seed), **truth), w, names=["pr", "fdi"])
    assert search.verdict == verdict
    frame = search.to_frame()
    assert list(frame["step"]) == list(RULES)
    assert frame["evidence"].str.len().min() > 0
    assert not frame["evidence"].str.contains("0.0000").any()


def test_effects_tests_follow_the_effects_of_the_model():
    w = knn(30)
    y, x = draw(w, t=6, rng=np.random.default_rng(7), rho=0.3)
    city, year = {"lr_ind", "f_ind", "hausman"}, {"lr_time", "f_time"}
    for effects, codes in {"twoways": city | year, "entity": city, "time": year, "none": set()}.items():
        assert set(effects_tests(y, x, w, effects=effects).codes) == codes
    tests = effects_tests(y, x, w)
    assert (tests["lr_ind"].df, tests["lr_time"].df) == (29, 5)


def test_effects_of_cities_are_not_tested_on_data_free_of_them():
    w = knn(30)
    y, x = draw(w, t=6, rng=np.random.default_rng(7), rho=0.3)
    cut = (by_segment(y, [0, 0, 0, 1, 1, 1]), by_segment(x, [0, 0, 0, 1, 1, 1]))
    panel_refused("free of the means of cities", effects_tests, *cut, w)
    found = specification_search(*cut, w, with_levels=(y[:, :3], x[:, :3])).tests
    expected = effects_tests(y[:, :3], x[:, :3], w)
    assert {code: found[code].statistic for code in expected.codes} == pytest.approx(
        {code: expected[code].statistic for code in expected.codes}
    )


def test_residual_tests_come_by_year_and_pooled():
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(8), rho=0.3)
    fit = specification_search(y, x, w).fits["sdm"]
    codes = residual_tests(fit, y, x, years=range(2012, 2018)).codes
    assert {"moran_residual", "moran_2012", "moran_2017", "pesaran_cd", "wooldridge_ar1"} <= set(codes)


def labelled(w, y, x, names=("pr", "fdi")):
    """The same world as frames in a shuffled row order, with a graph of its own city order."""
    n, t = y.shape
    cities, rng = [f"C{i:03d}" for i in range(n)], np.random.default_rng(9)
    index = pd.MultiIndex.from_product([cities, range(2012, 2012 + t)], names=["city", "year"])
    exog = pd.DataFrame(x.reshape(n * t, -1), index=index, columns=list(names)).sample(frac=1.0, random_state=1)
    order = rng.permutation(n)
    graph = (w.matrix[order][:, order], [cities[i] for i in order])
    return pd.Series(y.ravel(), index=index, name="nqpf"), exog, graph


def test_labelled_frames_give_the_same_as_arrays_whatever_the_order():
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(10), rho=0.3, theta=(0.3, 0.2))
    frames = labelled(w, y, x)
    np.testing.assert_allclose(hausman(*frames).statistic, hausman(y, x, w).statistic, rtol=1e-6)
    for method, own in ((lm_tests, lambda r: r), (specification_search, lambda r: r.tests)):
        one, two = (own(method(*given)).to_frame()["statistic"] for given in (frames, (y, x, w)))
        np.testing.assert_allclose(one, two, rtol=1e-6)
    np.testing.assert_allclose(fit_dynamic(*frames).best.params, fit_dynamic(y, x, w).best.params, atol=1e-8)
    plain, named = spatial_2sls(y, x, w), spatial_2sls(*frames)
    np.testing.assert_allclose(named.params, plain.params, rtol=1e-8)
    assert named.names == ("pr", "fdi", "W:pr", "W:fdi", "rho")
    holed = frames[0].drop(("C007", 2014)), *frames[1:]
    panel_refused(r"C007.*2014|2014.*C007", specification_search, *holed)


def test_labelled_instruments_are_matched_by_label():
    w, rng = knn(40), np.random.default_rng(11)
    y, x = draw(w, t=6, rng=rng, rho=0.3, scale=3.0)
    z = rng.standard_normal((40, 6, 1))
    inner = z + rng.standard_normal((40, 6, 1))
    series, exog, graph = labelled(w, y, x)
    frames = [labelled(w, y, values, ["v"])[1] for values in (inner, z)]
    named = spatial_2sls(series, exog, graph, endog=frames[0], instruments=frames[1], endog_names=["v"])
    plain = spatial_2sls(y, x, w, endog=inner, instruments=z)
    np.testing.assert_allclose(named.params, plain.params, rtol=1e-8)


def test_search_runs_for_weights_that_are_not_row_normalised():
    w = spatial_weights(knn(40).matrix * 0.8)
    y, x = draw(w, t=6, rng=np.random.default_rng(13), rho=0.4, theta=(0.3, 0.2))
    search = specification_search(y, x, w, estimator="transformed_dummies")
    assert "hausman" not in search.tests
    assert search.verdict in {"sdm", "sar", "sem", "ols"}


def test_too_few_cities_for_hausman_cost_one_test_and_not_the_model():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(9, 6, 5))
    tests = effects_tests(x.sum(axis=2) + rng.normal(size=(9, 6)), x, ring(9))
    assert np.isnan(tests["hausman"].p)
    assert tests["hausman"].note.startswith("not made: ")
    assert tests["lr_time"].p <= 1.0


def pure(n, t, rng):
    return within(rng.standard_normal((n, t)), "twoways")


@pytest.mark.parametrize("w", [knn(40), inverse_distance(40)], ids=["knn", "invd"])
def test_moran_of_each_year_equals_esda(w):
    e = pure(40, 4, np.random.default_rng(1))
    ours, graph = residual_moran(e, w, years=[2012, 2013, 2014, 2015]), libpysal.weights.WSP(w.matrix)
    theirs = graph.to_W(silence_warnings=True)
    told = [esda.Moran(e[:, j], theirs, transformation="r", permutations=0) for j in range(4)]
    assert ours.statistic == pytest.approx([moran.I for moran in told], rel=1e-10)
    assert ours.z == pytest.approx([moran.z_norm for moran in told], rel=1e-10)
    assert ours.to_frame()["p"][:4].tolist() == pytest.approx([moran.p_norm for moran in told], rel=1e-8)


def test_pooled_moran_is_standard_normal_without_dependence_even_for_a_dense_w_and_finds_a_spatial_error():
    w, rng = inverse_distance(50), np.random.default_rng(2)
    z = [residual_moran(pure(50, 6, rng), w).pooled.statistic for _ in range(300)]
    assert abs(np.mean(z)) < 4 / np.sqrt(300)
    assert np.std(z) == pytest.approx(1.0, abs=0.17)
    w = knn(80)
    y, _ = draw(w, t=6, rng=np.random.default_rng(3), lam=0.4, beta=(0.0, 0.0))
    assert residual_moran(within(y, "twoways"), w).pooled.rejects(0.001)


def test_cd_and_squared_correlation_equal_their_sums_over_pairs():
    e = np.random.default_rng(4).standard_normal((7, 9))
    pairs, d = np.corrcoef(e)[np.triu_indices(7, 1)], 8
    assert pesaran_cd(e).statistic == pytest.approx(np.sqrt(2 * 9 / (7 * 6)) * pairs.sum(), rel=1e-10)
    expected = d * (d + 2) / (2 * 7) * (7 + 2 * (pairs**2).sum() - 49 / d)
    assert squared_correlation(e).statistic == pytest.approx(expected, rel=1e-10)


def test_year_effects_blind_cd_but_not_squared_correlation():
    rng = np.random.default_rng(5)
    common = rng.standard_normal((200, 10)) + 0.7 * rng.standard_normal((200, 1)) * rng.standard_normal(10)
    e = within(common, "twoways")
    assert pesaran_cd(e).statistic == pytest.approx(-np.sqrt(5), abs=0.3)
    assert squared_correlation(e).rejects(1e-6)


def test_wooldridge_finds_persistent_errors_and_keeps_its_size():
    rng = np.random.default_rng(7)

    def test(phi):
        u, x = rng.standard_normal((2, 60, 8))
        for t in range(1, 8):
            u[:, t] += phi * u[:, t - 1]
        return wooldridge_ar1(x + u + rng.standard_normal((60, 1)), x[:, :, None])

    assert test(0.6).rejects(1e-4)
    assert 0.02 <= np.mean([test(0.0).rejects() for _ in range(400)]) <= 0.085


def test_modified_wald_equals_the_sum_over_cities():
    e = np.random.default_rng(8).standard_normal((6, 12)) * np.arange(1, 7)[:, None]
    own = (e**2).mean(axis=1)
    v = ((e**2 - own[:, None]) ** 2).sum(axis=1) / (12 * 11)
    test = modified_wald(e)
    assert test.statistic == pytest.approx(((own - own.mean()) ** 2 / v).sum())
    assert test.df == 6


def test_vif_equals_that_of_statsmodels_and_exact_collinearity_is_named():
    w, x = knn(30), np.random.default_rng(9).standard_normal((30, 6, 3))
    x[:, :, 2] = x[:, :, 0] + 0.2 * x[:, :, 2]
    frame = variance_inflation(x, w, names=["a", "b", "c"]).set_index("term")
    z = within(np.concatenate([x, w.lag(x)], axis=2), "twoways").reshape(180, 6)
    told = [variance_inflation_factor(z, j) for j in range(6)]
    assert frame["vif"].to_numpy() == pytest.approx(told, rel=1e-9)
    assert frame.loc[["a", "b"], "is_flagged"].tolist() == [True, False]
    x[:, :, 1] = -3.0 * x[:, :, 0] + 1.0
    panel_refused("loans is collinear", variance_inflation, x[:, :, :2], names=["fdi", "loans"])


def test_too_few_years_and_constant_residuals_are_refused():
    e = np.random.default_rng(11).standard_normal((10, 2))
    for check in (pesaran_cd, squared_correlation, modified_wald):
        panel_refused("three years", check, e)
    panel_refused("four years", wooldridge_ar1, e, e[:, :, None])
    panel_refused("do not vary", residual_moran, np.ones((10, 3)), knn(10))
