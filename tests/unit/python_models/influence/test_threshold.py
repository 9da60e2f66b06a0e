"""Panel threshold regression: the published table, brute force, degenerate cases, invariances, size and recovery."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shared_files import oracle_files
from statsmodels.api import OLS

from python_models.influence import threshold_regression
from python_models.influence.threshold import critical_lr
from python_models.regression.within import within


@pytest.fixture(scope="module")
def firms() -> dict[str, np.ndarray]:
    frame = pd.read_csv(oracle_files() / "data" / "hansen_invest.csv")
    n = frame["firm"].nunique()
    return {name: frame[name].to_numpy().reshape(n, 15) for name in "iqcd"}


@pytest.fixture(scope="module")
def expected() -> dict:
    answers = json.loads((oracle_files() / "hansen_single_threshold.json").read_text(encoding="utf-8"))
    return answers["expected"]


def fit(firms, **options):
    y = firms["i"][:, 1:]
    q, c, d = (firms[name][:, :-1] for name in "qcd")
    controls = np.stack([q, q**2, q**3, d, q * d], axis=2)
    return threshold_regression(y, c, d, controls, **{"effects": "entity", "trim": 0.01, **options})


def test_published_table_of_565_firms(firms, expected):
    result, want = fit(firms, n_grid=400, convention="hansen1999"), expected["pdR_dropped_last_year"]
    (one,) = result.thresholds
    assert one.gamma == pytest.approx(want["gamma1"], abs=1e-5)
    assert (one.low, one.high) == pytest.approx(want["CI95"], abs=1e-5)
    assert (result.ssr0, result.ssr) == pytest.approx((want["S0"], want["S1"]), abs=1e-8)
    assert one.f == pytest.approx(want["F1_times_nT"], abs=1e-6)
    assert result.slopes == pytest.approx(want["regime_cash_flow"] + want["regime_independent"], abs=1e-6)
    assert result.se == pytest.approx(want["regime_se"] + want["se"], abs=1e-6)
    assert result.se_white == pytest.approx(want["regime_white"] + want["white_se"], abs=1e-6)


def test_published_trims_leave_quantiles_around_held_thresholds_out(firms):
    """Three thresholds with the shares of the publication; without it the third was .51453, beside the second."""
    found = fit(firms, n_grid=400, convention="hansen1999", n_thresholds=3, trim=(0.01, 0.01, 0.05)).thresholds
    assert [t.gamma for t in found] == pytest.approx([0.0157, 0.53616, 0.33134], abs=1e-5)


@pytest.mark.slow
def test_full_within_transformation_of_the_same_data(firms, expected):
    """All years kept: at the value below the published threshold, the same split of the firms."""
    want = expected["full_within_by_definition"]
    every = fit(firms, n_grid=10**6)
    assert every.thresholds[0].gamma == pytest.approx(want["gamma"], abs=1e-5)
    grid, ssr = every.thresholds[0].grid, every.thresholds[0].ssr
    below = grid[grid < want["gamma"]].max()  # regimes q < .0157 are regimes q <= the next lower value
    assert ssr[grid == below].item() == pytest.approx(want["S1"], abs=1e-6)


def panel(seed=0, n=60, years=8, gamma=0.6, low=0.2, high=0.6, noise=0.5):
    rng = np.random.default_rng(seed)
    q, x = rng.uniform(size=n), rng.normal(size=(n, years))
    y = np.where(q[:, None] <= gamma, low, high) * x + rng.normal(size=(n, 1)) + 0.1 * np.arange(years)
    return y + noise * rng.normal(size=(n, years)), x, q


@pytest.mark.parametrize("convention", ["within", "hansen1999"])
def test_simulated_panel_equals_regressions_of_statsmodels(convention):
    """Twin of the published table: q moves over the years, controls, one regression of statsmodels a candidate."""
    n, t = 60, 8
    rng = np.random.default_rng(5)
    q, x, controls = rng.uniform(size=(n, t)), rng.normal(size=(n, t)), rng.normal(size=(n, t, 2))
    y = np.where(q < 0.4, 0.2, 0.7) * x + controls @ [0.5, -0.3] + rng.normal(size=(n, 1)) + rng.normal(size=(n, t))
    result = threshold_regression(y, x, q, controls, effects="entity", n_grid=40, convention=convention)
    (one,) = result.thresholds
    is_published = convention == "hansen1999"
    kept = slice(0, t - 1 if is_published else t)

    def clean(a):
        return (a - a.mean(axis=1, keepdims=True))[:, kept].reshape(n * len(range(t)[kept]), -1)

    def regression(gamma):
        low = q < gamma if is_published else q <= gamma
        columns = [clean(x * low), clean(x * ~low), clean(controls)]
        return OLS(clean(y).ravel(), np.hstack(columns)).fit(cov_type="HC0")

    fits = [regression(gamma) for gamma in one.grid]
    assert one.ssr == pytest.approx([fit.ssr for fit in fits], rel=1e-9)
    best = fits[int(np.argmin([fit.ssr for fit in fits]))]
    assert one.gamma == one.grid[int(np.argmin(one.ssr))]
    assert result.slopes == pytest.approx(best.params, rel=1e-9)
    assert result.se_white == pytest.approx(best.bse, rel=1e-9)
    dof = n * (t - 1)
    assert result.se == pytest.approx(np.sqrt(np.diag(best.normalized_cov_params) * best.ssr / (dof - 4)), rel=1e-9)
    plain = OLS(clean(y).ravel(), np.hstack([clean(x), clean(controls)])).fit()
    f = (plain.ssr - best.ssr) / (best.ssr / dof) * (n * t / dof if is_published else 1.0)
    assert (result.ssr0, one.f) == pytest.approx((plain.ssr, f), rel=1e-9)


def test_profile_equals_one_regression_for_each_candidate():
    y, x, q = panel()
    result = threshold_regression(y, x, q)
    (one,) = result.thresholds
    for g, ssr in list(zip(one.grid, one.ssr, strict=True))[::7]:
        columns = [x * (q[:, None] <= g), x * (q[:, None] > g)]
        design = np.column_stack([within(c, "twoways").ravel() for c in columns])
        clean = within(y, "twoways").ravel()
        slope, *_ = np.linalg.lstsq(design, clean, rcond=None)
        assert ssr == pytest.approx(((clean - design @ slope) ** 2).sum(), abs=1e-9)


def test_recovers_threshold_and_slopes():
    result = threshold_regression(*panel(n=280, years=10), n_grid=300)
    (one,) = result.thresholds
    assert one.gamma == pytest.approx(0.6, abs=0.02)
    assert one.low <= 0.6 <= one.high
    assert result.slopes == pytest.approx([0.2, 0.6], abs=0.06)
    assert sum(result.n_regime) == 2800


def test_two_thresholds_are_found_in_any_order():
    rng = np.random.default_rng(4)
    q, x = rng.uniform(size=200), rng.normal(size=(200, 10))
    slope = np.select([q <= 0.3, q <= 0.7], [0.0, 0.8], 0.3)
    y = slope[:, None] * x + rng.normal(size=(200, 1)) + 0.3 * rng.normal(size=(200, 10))
    result = threshold_regression(y, x, q, n_thresholds=2)
    assert result.gammas == pytest.approx((0.3, 0.7), abs=0.02)
    assert result.slopes == pytest.approx([0.0, 0.8, 0.3], abs=0.05)


def test_interval_is_where_the_likelihood_ratio_stays_below_its_bound():
    (one,) = threshold_regression(*panel()).thresholds
    assert (one.in_interval == (one.lr <= critical_lr(0.05))).all()
    assert one.lr.min() == 0
    assert [critical_lr(a) for a in (0.10, 0.05, 0.01)] == pytest.approx([5.9395, 7.3523, 10.5916], abs=1e-4)


def lasting_panel(seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x AR(.9), errors AR(.7), both larger in some cities than in others: y, x (240, 8) and q (240,), cut at .5."""
    rng = np.random.default_rng(seed)
    level, q = np.exp(0.5 * rng.normal(size=240)), rng.uniform(size=240)
    e, x = np.zeros((240, 28)), np.zeros((240, 28))
    for t in range(1, 28):
        e[:, t] = 0.7 * e[:, t - 1] + level * rng.normal(size=240)
        x[:, t] = 0.9 * x[:, t - 1] + level * rng.normal(size=240)
    e, x = e[:, 20:], x[:, 20:]
    return np.where(q > 0.5, 0.9, 0.5)[:, None] * x + e, x, q


def test_interval_holds_the_threshold_where_errors_last_and_that_of_independent_errors_does_not():
    """60 panels, nominal 95 %."""
    inside = []
    for seed in range(60):
        y, x, q = lasting_panel(seed)
        (one,) = threshold_regression(y, x, q, n_grid=240).thresholds
        truth = q[q <= 0.5].max()
        inside.append([one.low <= truth <= one.high, one.lr[one.grid == truth][0] * one.eta2 <= critical_lr(0.05)])
    by_city, independent = np.mean(inside, axis=0)
    assert by_city >= 0.88
    assert independent <= 0.8


def test_spread_of_the_likelihood_ratio_is_one_for_independent_errors():
    found = [threshold_regression(*panel(seed=seed, n=200)).thresholds[0].eta2 for seed in range(20)]
    assert np.mean(found) == pytest.approx(1.0, abs=0.15)


@given(st.integers(0, 500), st.floats(0.1, 10), st.floats(-5, 5))
@settings(max_examples=15, deadline=None)
def test_scale_shift_and_order_do_not_matter(seed, scale, shift):
    y, x, q = panel(seed, n=30, years=5)
    plain = threshold_regression(y, x, q, n_grid=40)
    rng = np.random.default_rng(seed)
    moved = y + shift * rng.normal(size=(30, 1)) + shift * rng.normal(size=(1, 5))  # city and year constants
    order = rng.permutation(30)
    other = threshold_regression(scale * moved[order], x[order], q[order], n_grid=40)
    assert other.gammas == plain.gammas
    assert other.slopes == pytest.approx(scale * plain.slopes, rel=1e-6, abs=1e-8)


def test_bootstrap_rejects_a_true_threshold_and_is_seeded():
    one, two = (threshold_regression(*panel(), draws=99, rng=np.random.default_rng(3)).thresholds[0] for _ in (0, 1))
    assert one.p == two.p == 0.01  # 1 / (99 + 1)
    assert one.critical[0] < one.critical[1] < one.critical[2] < one.f


def test_bootstrap_of_no_threshold_is_rarely_significant():
    p = [
        threshold_regression(*panel(s, low=0.4, high=0.4), n_grid=40, draws=49, rng=np.random.default_rng(s))
        .thresholds[0]
        .p
        for s in range(40)
    ]
    assert np.mean(np.array(p) < 0.05) <= 0.15


@pytest.mark.slow
def test_size_and_coverage_of_many_panels():
    """Mean threshold within .01, interval covers 93 % or more, size of the bootstrap 3-8 %."""
    found = [threshold_regression(*panel(s, n=280, years=10, noise=1.0)).thresholds[0] for s in range(200)]
    gammas = np.array([t.gamma for t in found])
    assert abs(gammas.mean() - 0.6) < 0.01
    assert np.mean([t.low <= 0.6 <= t.high for t in found]) >= 0.93
    p = [
        threshold_regression(*panel(s, low=0.4, high=0.4), draws=100, rng=np.random.default_rng(s)).thresholds[0].p
        for s in range(200)
    ]
    assert 0.02 <= np.mean(np.array(p) < 0.05) <= 0.09


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"y": np.nan}, "y is missing or infinite at city 0, year 0"),
        ({"q": 1.0}, "does not vary"),
        ({"trim": 0.6}, "enough rows"),
        ({"draws": 9}, "needs a generator"),
        ({"convention": "other"}, "unknown convention"),
    ],
)
def test_bad_input_is_said_in_words(change, what):
    y, x, q = panel(n=20, years=4)
    if "y" in change:
        y = y.copy()
        y[0, 0] = change.pop("y")
    if "q" in change:
        q = np.full(20, change.pop("q"))
    with pytest.raises(ValueError, match=what):
        threshold_regression(y, x, q, **change)
