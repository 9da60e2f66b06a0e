"""Wald, LR and F tests: nested models, hand-made restrictions, size under their hypotheses."""

import numpy as np
import pytest
from golden import cases
from scipy import stats
from spec_worlds import draw, knn

from python_models.regression.core import fit_panel
from python_models.regression.errors import PanelInputError
from python_models.regression.spec_search import hausman, joint_effects_f, likelihood_ratio, nested_tests, wald


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
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(2), rho=0.4, theta=(0.1, 0.05))
    sdm, sar, sem = three_models(y, x, w)
    at, gradient = sdm.params[:5], np.empty((2, 5))

    def restriction(p):
        return p[2:4] + p[4] * p[:2]

    for j in range(5):
        step = np.zeros(5)
        step[j] = 1e-6
        gradient[:, j] = (restriction(at + step) - restriction(at - step)) / 2e-6
    value = restriction(at)
    expected = value @ np.linalg.solve(gradient @ sdm.cov[:5, :5] @ gradient.T, value)
    assert nested_tests(sdm, sar, sem)["wald_sem"].statistic == pytest.approx(expected, rel=1e-7)


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
    with pytest.raises(PanelInputError, match="nothing is nested"):
        nested_tests(sdm, other, sem)
    with pytest.raises(PanelInputError, match="expected sdm, sar and sem"):
        nested_tests(sar, sdm, sem)


def test_a_narrow_model_that_fits_better_is_refused():
    with pytest.raises(PanelInputError, match="higher likelihood"):
        likelihood_ratio(-10.0, -9.0, 2, code="lr")


def test_dependent_restrictions_are_refused():
    with pytest.raises(PanelInputError, match="linearly dependent"):
        wald([1.0, 2.0], np.eye(2), [[1.0, 1.0], [2.0, 2.0]])


def test_theta_of_very_different_units_is_no_dependence():
    assert wald([1e-6, 1e6], np.diag([1e-13, 1e11]), np.eye(2)).statistic == pytest.approx(20.0)


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
    with pytest.raises(PanelInputError, match="one year"):
        hausman(y[:, :1], x[:, :1], w)
    with pytest.raises(PanelInputError, match="sum to one"):
        hausman(y, x, w.matrix * 0.5)
    with pytest.raises(PanelInputError, match="compares city effects"):
        hausman(y, x, w, effects="time")
    fixed = np.concatenate([x, np.repeat(x[:, :1, :1], 5, axis=1)], axis=2)
    with pytest.raises(PanelInputError, match="does not vary over time"):
        hausman(y, fixed, w)
