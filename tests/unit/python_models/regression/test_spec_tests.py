"""LM, Wald, LR and F tests: identities, published statistics, size and power."""

import libpysal
import numpy as np
import pytest
import spreg
from checks import gradient, panel_refused
from golden import cases
from scipy import stats
from scipy.sparse import csr_array
from spec_worlds import cigarettes, draw, inverse_distance, knn
from statsmodels.api import OLS

from python_models.regression.core import fit_panel
from python_models.regression.data import demeaned_traces
from python_models.regression.spec_lm import lm_tests
from python_models.regression.spec_search import hausman, joint_effects_f, likelihood_ratio, nested_tests, wald
from python_models.regression.weights import spatial_weights

CODES, SHORT = ("lm_lag", "lm_err", "rlm_lag", "rlm_err"), ("lml", "lme", "rlml", "rlme")


@pytest.mark.parametrize("effects", ["none", "entity", "time", "twoways"])
@pytest.mark.parametrize("durbin", [False, True])
def test_joint_statistic_has_two_decompositions(effects, durbin):
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(2), rho=0.3)
    mark = "_slx" if durbin else ""
    tests = lm_tests(y, x, w, effects=effects, durbin=durbin)
    lag, err, rlag, rerr = (tests[code + mark].statistic for code in CODES)
    assert err + rlag == pytest.approx(lag + rerr, rel=1e-8)
    assert tests["lm_joint" + mark].statistic == pytest.approx(err + rlag, rel=1e-12)
    assert tests["lm_joint" + mark].df == 2


@pytest.mark.parametrize("weights", [knn(30), inverse_distance(30)])
@pytest.mark.parametrize("effects", ["entity", "twoways"])
def test_traces_equal_those_of_the_explicit_demeaned_matrix(weights, effects):
    n = weights.n
    j = np.eye(n) - 1.0 / n if effects == "twoways" else np.eye(n)
    ws = j @ weights.matrix.toarray() @ j
    traces = demeaned_traces(weights, effects)
    assert traces.trace == pytest.approx(np.trace(ws), abs=1e-12)
    assert traces.square == pytest.approx(np.trace(ws @ ws + ws.T @ ws), rel=1e-12)


def test_cross_section_statistics_equal_those_of_spdep():
    frame, w = cases.columbus()
    y = frame["CRIME"].to_numpy().reshape(49, 1)
    x = frame[["HOVAL", "INC"]].to_numpy().reshape(49, 1, 2)
    tests, expected = lm_tests(y, x, spatial_weights(w), effects="none"), cases.expected("columbus")["lm_tests"]
    names = {"lm_lag": "RSlag", "lm_err": "RSerr", "rlm_lag": "adjRSlag", "rlm_err": "adjRSerr", "lm_joint": "SARMA"}
    for code, name in names.items():
        assert tests[code].statistic == pytest.approx(expected[name]["stat"], rel=1e-8)
        assert tests[code].p == pytest.approx(expected[name]["p"], rel=1e-7)


@pytest.mark.parametrize("case", ["munnell", "cigarettes"])
def test_naive_variant_equals_splm_on_individual_effects(case):
    published, y, x, w = cigarettes() if case == "cigarettes" else (cases.expected("munnell", "splm"), *cases.munnell())
    tests = lm_tests(y, x, spatial_weights(w), effects="entity", variant="naive")
    for code, name in zip(CODES, SHORT, strict=True):
        assert tests[code].statistic == pytest.approx(published["lm_individual"][name]["stat"], rel=1e-8)


def test_without_effects_the_naive_statistics_are_those_of_spreg():
    """An intercept is taken out of the lag too: forgotten, LM lag is near 1 here instead of near 9."""
    frame, w = cases.columbus()
    y, x = frame[["CRIME"]].to_numpy(), frame[["INC", "HOVAL"]].to_numpy()
    graph = libpysal.weights.WSP(csr_array(w)).to_W(silence_warnings=True)
    told = spreg.LMtests(spreg.OLS(y, x, spat_diag=False), graph)
    found = lm_tests(y, x[:, None, :], w, effects="none", variant="naive")
    for code, name in zip(CODES, SHORT, strict=True):
        assert found[code].statistic == pytest.approx(getattr(told, name)[0], rel=1e-8), code


def lasting(w, t, rng, rho=0.0):
    """No spatial dependence unless rho; errors of a city last (AR .7) and differ in size, x lasts too."""
    size = np.exp(0.5 * rng.standard_normal((w.n, 1)))
    x, e = rng.standard_normal((2, w.n, t))
    for s in range(1, t):
        x[:, s] += 0.95 * x[:, s - 1]
        e[:, s] = 0.7 * e[:, s - 1] + np.sqrt(1 - 0.49) * e[:, s]
    y = np.linalg.solve(np.eye(w.n) - rho * w.matrix.toarray(), x + size * e)
    return y, x[:, :, None]


def test_clustered_twins_keep_their_size_where_errors_last_and_the_plain_tests_do_not_and_have_power():
    """150 panels without any spatial dependence (Monte Carlo sd of a rate of 5 %: 1.8 points)."""
    w, rng = knn(80), np.random.default_rng(21)
    tests = [lm_tests(*lasting(w, 8, rng), w) for _ in range(150)]
    rates = {code: np.mean([test[code].rejects() for test in tests]) for code in tests[0].codes}
    assert all(rates[f"{code}_cluster"] <= 0.105 for code in CODES), rates
    assert max(rates[code] for code in CODES) > 0.11, rates
    rng = np.random.default_rng(22)
    hits = [lm_tests(*lasting(w, 8, rng, rho=0.3), w)["lm_lag_cluster"].rejects() for _ in range(10)]
    assert np.mean(hits) > 0.8


@pytest.mark.parametrize(("seed", "truth", "own", "other"), [(4, "rho", *CODES[2:]), (5, "lam", *CODES[:1:-1])])
def test_each_test_finds_its_own_alternative(seed, truth, own, other):
    w = knn(100)
    tests = lm_tests(*draw(w, t=8, rng=np.random.default_rng(seed), **{truth: 0.4}), w)
    assert tests[own].rejects(0.001)
    assert tests[own].statistic > tests[other].statistic


def test_bad_input_is_refused_in_words():
    w, names = knn(20), {"names": ["pr", "fdi"]}
    y, x = draw(w, t=5, rng=np.random.default_rng(6))
    holed, constant, twice = y.copy(), x.copy(), x.copy()
    holed[3, 2], constant[:, :, 1], twice[:, :, 1] = np.nan, x[:, :1, 1], 2.0 * x[:, :, 0]
    panel_refused("missing", lm_tests, holed, x, w, **names)
    panel_refused("no variation left", lm_tests, y, constant, w, **names)
    panel_refused("collinear", lm_tests, y, twice, w, **names)
    panel_refused("panel has 20 cities", lm_tests, y, x, knn(21), **names)
    panel_refused("variant", lm_tests, y, x, w, variant="uncentred", **names)


@pytest.mark.slow
@pytest.mark.parametrize("weights", [knn(120, 6, seed=3), inverse_distance(120, seed=3)], ids=["knn", "invd"])
def test_size_of_centred_tests_is_nominal_and_of_uncentred_ones_is_not(weights):
    """2,000 panels (Monte Carlo sd 0.5 points), N = 120, T = 10, nominal 5 %: between 3.5 and 6.5 %."""
    rng, rejected = np.random.default_rng(11), {"centred": [], "naive": []}
    for _ in range(2000):
        world = draw(weights, t=10, rng=rng)
        for variant, rows in rejected.items():
            tests = lm_tests(*world, weights, variant=variant)
            rows.append([tests[code].rejects() for code in CODES])
    centred, naive = (np.mean(rows, axis=0) for rows in rejected.values())
    assert np.all((centred >= 0.035) & (centred <= 0.065)), centred
    assert naive.max() > 0.065, naive


def three_models(y, x, w, **options):
    return [fit_panel(y, x, w, model=model, **options) for model in ("sdm", "sar", "sem")]


def test_wald_of_one_restriction_is_the_squared_t_ratio_however_it_is_written():
    test = wald([0.3, 2.0], np.diag([0.04, 1.0]), [[1.0, 0.0]])
    assert (test.statistic, test.p) == pytest.approx((0.3**2 / 0.04, 2 * stats.norm.sf(1.5)))
    rng = np.random.default_rng(1)
    root, theta, r = rng.standard_normal((4, 4)), rng.standard_normal(4), rng.standard_normal((2, 4))
    mixed = np.array([[2.0, 1.0], [0.0, -3.0]]) @ r
    one, other = (wald(theta, root @ root.T, rows).statistic for rows in (r, mixed))
    assert other == pytest.approx(one, rel=1e-10)
    # theta of very different units is no dependence
    assert wald([1e-6, 1e6], np.diag([1e-13, 1e11]), np.eye(2)).statistic == pytest.approx(20.0)


def test_common_factor_restriction_is_the_delta_method():
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(2), rho=0.4, theta=(0.1, 0.05))
    sdm, sar, sem = three_models(y, x, w)
    at, cov = sdm.params[:5], sdm.cov[:5, :5]

    def restriction(p):
        return p[2:4] + p[4] * p[:2]

    slope, value = gradient(restriction, at).T, restriction(at)
    expected = value @ np.linalg.solve(slope @ cov @ slope.T, value)
    assert nested_tests(sdm, sar, sem)["wald_sem"].statistic == pytest.approx(expected, rel=1e-7)


def test_wald_and_lr_agree_near_the_hypothesis_and_find_the_durbin_model():
    w = knn(150)
    y, x = draw(w, t=10, rng=np.random.default_rng(3), rho=0.4, theta=(0.1, 0.05))
    tests = nested_tests(*three_models(y, x, w, cov="info"))
    assert tests["wald_sar"].statistic == pytest.approx(tests["lr_sar"].statistic, rel=0.1)
    assert tests["wald_sem"].rejects(0.001)
    assert tests["lr_sem"].rejects(0.001)
    assert {test.df for test in tests.tests} == {2.0}


def test_models_of_different_samples_and_dependent_restrictions_are_refused():
    w = knn(30)
    y, x = draw(w, t=6, rng=np.random.default_rng(4))
    sdm, sar, sem = three_models(y, x, w)
    other = fit_panel(y, x, w, model="sar", estimator="direct")
    panel_refused("nothing is nested", nested_tests, sdm, other, sem)
    panel_refused("expected sdm, sar and sem", nested_tests, sar, sdm, sem)
    panel_refused("higher likelihood", likelihood_ratio, -10.0, -9.0, 2, code="lr")
    panel_refused("linearly dependent", wald, [1.0, 2.0], np.eye(2), [[1.0, 1.0], [2.0, 2.0]])


def test_joint_f_equals_the_comparison_of_dummy_regressions():
    rng, n, t = np.random.default_rng(5), 12, 5
    x = rng.standard_normal((n, t, 2))
    y = x @ [1.0, 2.0] + rng.standard_normal((n, 1)) + rng.standard_normal((n, t))
    city, year = np.kron(np.eye(n), np.ones((t, 1)))[:, 1:], np.kron(np.ones((n, 1)), np.eye(t))[:, 1:]

    def against(tested, kept):
        """F of the dummies `tested` beside the dummies `kept`."""
        rest = np.hstack([x.reshape(n * t, 2), np.ones((n * t, 1)), kept])
        return OLS(y.ravel(), np.hstack([rest, tested])).fit().compare_f_test(OLS(y.ravel(), rest).fit())[0]

    tests = joint_effects_f(y, x)
    assert tests["f_ind"].statistic == pytest.approx(against(city, year), rel=1e-10)
    assert tests["f_time"].statistic == pytest.approx(against(year, city), rel=1e-10)
    assert tests["f_ind"].df_denominator == n * t - n - t + 1 - 2


def test_joint_f_of_years_equals_the_published_sums_of_squares():
    """plm's within models of the Munnell panel: SSR 1.11118850875548 (individual), 0.879439996401622 (two-way)."""
    expected, (y, x, _) = cases.expected("munnell")["ols_within"], cases.munnell()
    one, two = expected["individual"], expected["twoways"]
    f = (one["ssr"] - two["ssr"]) / 16 / (two["ssr"] / two["df"])
    assert joint_effects_f(y, x)["f_time"].statistic == pytest.approx(f, rel=1e-9)


TRUTH = {"rho": 0.4, "theta": (0.3, 0.2)}


def test_hausman_finds_city_effects_that_go_with_x_whatever_the_units():
    w = knn(80)
    y, x = draw(w, t=8, rng=np.random.default_rng(6), correlation=1.0, **TRUTH)
    test = hausman(y, x, w)
    assert test.rejects(0.001)
    assert (test.df, hausman(y, x, w, durbin=()).df) == (4, 2)
    assert hausman(5.0 * y, x * [0.1, 10.0], w).statistic == pytest.approx(test.statistic, rel=1e-5)


def test_hausman_keeps_its_size_where_errors_last():
    """100 panels, city effects apart from x, AR(.7) errors whose size differs by city."""
    w, rng, hits = knn(80), np.random.default_rng(9), []
    for _ in range(100):
        y, x = draw(w, t=6, rng=rng, correlation=0.0, **TRUTH)
        e = rng.standard_normal((80, 6))
        for s in range(1, 6):
            e[:, s] += 0.7 * e[:, s - 1]
        extra = np.linalg.solve(np.eye(80) - 0.4 * w.matrix.toarray(), np.exp(rng.standard_normal((80, 1)) / 2) * e)
        hits.append(hausman(y + extra, x, w).rejects())
    assert np.mean(hits) <= 0.13


def test_hausman_refuses_what_it_cannot_compare():
    w = knn(20)
    y, x = draw(w, t=5, rng=np.random.default_rng(7))
    panel_refused("one year", hausman, y[:, :1], x[:, :1], w)
    panel_refused("sum to one", hausman, y, x, w.matrix * 0.5)
    panel_refused("compares city effects", hausman, y, x, w, effects="time")
    fixed = np.concatenate([x, np.repeat(x[:, :1, :1], 5, axis=1)], axis=2)
    panel_refused("does not vary over time", hausman, y, fixed, w)
