"""LM, Wald, LR and F tests: identities, published statistics, size and power."""

import libpysal
import numpy as np
import pytest
import spreg
from checks import panel_refused
from golden import cases
from libpysal.examples import get_path
from scipy import stats
from spec_worlds import cigarettes, draw, inverse_distance, knn

from python_models.regression.core import fit_panel
from python_models.regression.spec_arrays import demeaned_traces
from python_models.regression.spec_lm import lm_tests
from python_models.regression.spec_search import nested_tests
from python_models.regression.spec_wald import (
    hausman,
    joint_effects_f,
    likelihood_ratio,
    wald,
    wald_against_sar,
    wald_against_sem,
)
from python_models.regression.weights import spatial_weights

CODES = ("lm_lag", "lm_err", "rlm_lag", "rlm_err")


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


def test_order_of_cities_scale_of_y_and_added_effects_do_not_matter():
    w = knn(40)
    rng = np.random.default_rng(3)
    y, x = draw(w, t=6, rng=rng, rho=0.3)
    base = lm_tests(y, x, w).to_frame()["statistic"]
    order = rng.permutation(40)
    moved = lm_tests(y[order], x[order], w.matrix[order][:, order])
    shifted = lm_tests(7.0 * y + rng.standard_normal((40, 1)) + rng.standard_normal((1, 6)), x * [10.0, 0.1], w)
    for other in (moved, shifted):
        np.testing.assert_allclose(other.to_frame()["statistic"], base, rtol=1e-8)


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
    if case == "munnell":
        published, (y, x, w) = cases.expected("munnell", "splm"), cases.munnell()
    else:
        published, y, x, w = cigarettes()
    tests = lm_tests(y, x, spatial_weights(w) if case == "munnell" else w, effects="entity", variant="naive")
    for code, name in zip(CODES, ("lml", "lme", "rlml", "rlme"), strict=True):
        assert tests[code].statistic == pytest.approx(published["lm_individual"][name]["stat"], rel=1e-8)


def test_without_effects_the_naive_statistics_are_those_of_spreg():
    """An intercept is taken out of the lag too: forgotten, LM lag is near 1 here instead of near 9."""
    w = libpysal.io.open(get_path("columbus.gal")).read()
    w.transform = "r"
    table = libpysal.io.open(get_path("columbus.dbf"))
    y, x = (np.array([table.by_col(name) for name in names]).T for names in (["CRIME"], ["INC", "HOVAL"]))
    told = spreg.LMtests(spreg.OLS(y, x, spat_diag=False), w)
    found = lm_tests(y, x[:, None, :], w.sparse, effects="none", variant="naive")
    for code, name in (("lm_lag", "lml"), ("lm_err", "lme"), ("rlm_lag", "rlml"), ("rlm_err", "rlme")):
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


def test_clustered_twins_keep_their_size_where_errors_last_and_the_plain_tests_do_not():
    """150 panels without any spatial dependence (Monte Carlo sd of a rate of 5 %: 1.8 points)."""
    w, rng = knn(80), np.random.default_rng(21)
    rates = {}
    for _ in range(150):
        tests = lm_tests(*lasting(w, 8, rng), w)
        for code in tests.codes:
            rates[code] = rates.get(code, 0) + tests[code].rejects() / 150
    assert all(rates[f"{code}_cluster"] <= 0.105 for code in CODES), rates
    assert max(rates[code] for code in CODES) > 0.11, rates


def test_clustered_twins_have_power():
    w, rng = knn(80), np.random.default_rng(22)
    hits = [lm_tests(*lasting(w, 8, rng, rho=0.3), w)["lm_lag_cluster"].rejects() for _ in range(10)]
    assert np.mean(hits) > 0.8


def test_each_test_finds_its_own_alternative():
    w = knn(100)
    y, x = draw(w, t=8, rng=np.random.default_rng(4), rho=0.4)
    lag = lm_tests(y, x, w)
    y, x = draw(w, t=8, rng=np.random.default_rng(5), lam=0.4)
    err = lm_tests(y, x, w)
    assert lag["rlm_lag"].rejects(0.001)
    assert lag["rlm_lag"].statistic > lag["rlm_err"].statistic
    assert err["rlm_err"].rejects(0.001)
    assert err["rlm_err"].statistic > err["rlm_lag"].statistic


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("nan", "missing"),
        ("constant", "no variation left"),
        ("twice", "collinear"),
        ("size", "panel has 20 cities"),
        ("variant", "variant"),
    ],
)
def test_bad_input_is_refused_in_words(change, message):
    w = knn(20)
    y, x = draw(w, t=5, rng=np.random.default_rng(6))
    variant = "centred"
    if change == "nan":
        y[3, 2] = np.nan
    elif change == "constant":
        x[:, :, 1] = x[:, :1, 1]
    elif change == "twice":
        x[:, :, 1] = 2.0 * x[:, :, 0]
    elif change == "size":
        w = knn(21)
    else:
        variant = "uncentred"
    panel_refused(message, lm_tests, y, x, w, variant=variant, names=["pr", "fdi"])


def test_uncentred_statistics_over_reject_where_centred_ones_do_not():
    """Quick look: 120 panels, dense W; the mean of a chi2(1) is 1, sd sqrt(2/120) = 0.13."""
    w, rng = inverse_distance(60), np.random.default_rng(7)
    centred, naive = [], []
    for _ in range(120):
        y, x = draw(w, t=6, rng=rng)
        centred.append([lm_tests(y, x, w)[code].statistic for code in CODES])
        naive.append(lm_tests(y, x, w, variant="naive")["lm_err"].statistic)
    assert np.all(np.abs(np.mean(centred, axis=0) - 1.0) < 0.52)
    assert np.mean(naive) > 2.0


@pytest.mark.slow
@pytest.mark.parametrize("weights", [knn(120, 6, seed=3), inverse_distance(120, seed=3)], ids=["knn", "invd"])
def test_size_of_centred_tests_is_nominal_and_of_uncentred_ones_is_not(weights):
    """2,000 panels (Monte Carlo sd 0.5 points), N = 120, T = 10, nominal 5 %: between 3.5 and 6.5 %."""
    rng = np.random.default_rng(11)
    centred, naive = np.zeros(4), np.zeros(4)
    for _ in range(2000):
        y, x = draw(weights, t=10, rng=rng)
        for counts, variant in ((centred, "centred"), (naive, "naive")):
            tests = lm_tests(y, x, weights, variant=variant)
            counts += [tests[code].rejects() for code in CODES]
    assert np.all((centred / 2000 >= 0.035) & (centred / 2000 <= 0.065)), centred / 2000
    assert (naive / 2000).max() > 0.065, naive / 2000


@pytest.mark.slow
def test_power_against_a_lag_of_one_fifth():
    w, rng = knn(120, 6, seed=3), np.random.default_rng(12)
    hits = [lm_tests(*draw(w, t=10, rng=rng, rho=0.2), w)["lm_lag"].rejects() for _ in range(200)]
    assert np.mean(hits) > 0.95


def three_models(y, x, w, **options):
    return [fit_panel(y, x, w, model=model, **options) for model in ("sdm", "sar", "sem")]


def test_wald_of_one_restriction_is_the_squared_t_ratio():
    test = wald([0.3, 2.0], np.diag([0.04, 1.0]), [[1.0, 0.0]])
    assert test.statistic == pytest.approx(0.3**2 / 0.04)
    assert test.p == pytest.approx(2 * stats.norm.sf(1.5))


def test_wald_does_not_depend_on_how_the_restriction_is_written():
    rng = np.random.default_rng(1)
    root = rng.standard_normal((4, 4))
    theta, cov = rng.standard_normal(4), root @ root.T
    r = rng.standard_normal((2, 4))
    mixed = np.array([[2.0, 1.0], [0.0, -3.0]]) @ r
    assert wald(theta, cov, r).statistic == pytest.approx(wald(theta, cov, mixed).statistic, rel=1e-10)


def test_common_factor_restriction_is_the_delta_method():
    rng = np.random.default_rng(2)
    root = rng.standard_normal((5, 5))
    beta, theta, rho, cov = rng.standard_normal(2), rng.standard_normal(2), 0.4, root @ root.T

    def restriction(p):
        return p[2:4] + p[4] * p[:2]

    at, gradient = np.concatenate([beta, theta, [rho]]), np.empty((2, 5))
    for j in range(5):
        step = np.zeros(5)
        step[j] = 1e-6
        gradient[:, j] = (restriction(at + step) - restriction(at - step)) / 2e-6
    value = restriction(at)
    expected = value @ np.linalg.solve(gradient @ cov @ gradient.T, value)
    assert wald_against_sem(beta, theta, rho, cov).statistic == pytest.approx(expected, rel=1e-7)


def test_wald_and_lr_agree_near_the_hypothesis_and_find_the_durbin_model():
    w = knn(150)
    y, x = draw(w, t=10, rng=np.random.default_rng(3), rho=0.4, theta=(0.1, 0.05))
    tests = nested_tests(*three_models(y, x, w, cov="info"))
    assert tests["wald_sar"].statistic == pytest.approx(tests["lr_sar"].statistic, rel=0.1)
    assert tests["wald_sem"].rejects(0.001)
    assert tests["lr_sem"].rejects(0.001)
    assert {test.df for test in tests.tests} == {2.0}


def test_models_of_different_samples_are_not_compared():
    w = knn(30)
    y, x = draw(w, t=6, rng=np.random.default_rng(4))
    sdm, sar, sem = three_models(y, x, w)
    other = fit_panel(y, x, w, model="sar", estimator="direct")
    panel_refused("nothing is nested", nested_tests, sdm, other, sem)
    panel_refused("expected sdm, sar and sem", nested_tests, sar, sdm, sem)


def test_a_narrow_model_that_fits_better_is_refused():
    panel_refused("higher likelihood", likelihood_ratio, -10.0, -9.0, 2, code="lr")


def test_dependent_restrictions_are_refused():
    panel_refused("linearly dependent", wald, [1.0, 2.0], np.eye(2), [[1.0, 1.0], [2.0, 2.0]])


def test_theta_of_very_different_units_is_no_dependence():
    assert wald_against_sar([1e-6, 1e6], np.diag([1e-13, 1e11])).statistic == pytest.approx(20.0)


def test_joint_f_equals_the_comparison_of_dummy_regressions():
    rng = np.random.default_rng(5)
    n, t = 12, 5
    x = rng.standard_normal((n, t, 2))
    y = x @ [1.0, 2.0] + rng.standard_normal((n, 1)) + rng.standard_normal((n, t))
    city = np.kron(np.eye(n), np.ones((t, 1)))
    year = np.kron(np.ones((n, 1)), np.eye(t))[:, 1:]

    def ssr(*blocks):
        z = np.hstack([x.reshape(n * t, 2), np.ones((n * t, 1)), *blocks])
        return float(np.linalg.lstsq(z, y.ravel(), rcond=None)[1][0])

    full, df = ssr(city[:, 1:], year), n * t - n - t + 1 - 2
    tests = joint_effects_f(y, x)
    assert tests["f_ind"].statistic == pytest.approx((ssr(year) - full) / (n - 1) / (full / df), rel=1e-10)
    assert tests["f_time"].statistic == pytest.approx((ssr(city[:, 1:]) - full) / (t - 1) / (full / df), rel=1e-10)
    assert tests["f_ind"].df_denominator == df


def test_joint_f_of_years_equals_the_published_sums_of_squares():
    """plm's within models of the Munnell panel: SSR 1.11118850875548 (individual), 0.879439996401622 (two-way)."""
    expected, (y, x, _) = cases.expected("munnell")["ols_within"], cases.munnell()
    one, two = expected["individual"], expected["twoways"]
    f = (one["ssr"] - two["ssr"]) / 16 / (two["ssr"] / two["df"])
    assert joint_effects_f(y, x)["f_time"].statistic == pytest.approx(f, rel=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("truth", ["sar", "sem"])
def test_size_under_sar_and_under_sem(truth):
    """500 panels, N = 120, T = 10: Wald and LR of the true hypothesis reject in 3 to 8 %."""
    w, rng = knn(120), np.random.default_rng(6)
    spatial = {"rho": 0.4} if truth == "sar" else {"lam": 0.4}
    hits = []
    for _ in range(500):
        tests = nested_tests(*three_models(*draw(w, t=10, rng=rng, **spatial), w))
        hits.append([tests[f"{kind}_{truth}"].rejects() for kind in ("wald", "lr")])
    assert np.all((np.mean(hits, axis=0) >= 0.03) & (np.mean(hits, axis=0) <= 0.08)), np.mean(hits, axis=0)


TRUTH = {"rho": 0.4, "theta": (0.3, 0.2)}


def test_hausman_does_not_depend_on_the_order_of_cities_nor_on_units():
    w, rng = knn(40), np.random.default_rng(5)
    y, x = draw(w, t=6, rng=rng, **TRUTH)
    order = rng.permutation(40)
    base = hausman(y, x, w).statistic
    assert hausman(y[order], x[order], w.matrix[order][:, order]).statistic == pytest.approx(base, rel=1e-5)
    assert hausman(5.0 * y, x * [0.1, 10.0], w).statistic == pytest.approx(base, rel=1e-5)


def test_hausman_finds_city_effects_that_go_with_x():
    w = knn(80)
    y, x = draw(w, t=8, rng=np.random.default_rng(6), correlation=1.0, **TRUTH)
    test = hausman(y, x, w)
    assert test.rejects(0.001)
    assert test.df == 4
    assert hausman(y, x, w, durbin=()).df == 2


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
