"""Thresholds, own and of the emitter, and effects by group: published, brute force, size, recovery."""

import json

import numpy as np
import pandas as pd
import pytest
from checks import panel_refused, refused
from shared_files import oracle_files
from statsmodels.api import OLS
from worlds import world

from python_models.influence import group_effects, spatial_threshold, threshold_regression
from python_models.influence.threshold import critical_lr
from python_models.regression import fit_panel
from python_models.regression.within import within
from tests.random_graph import random_knn_weights


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


def test_published_table_and_trims_of_565_firms(firms, expected):
    result, want = fit(firms, n_grid=400, convention="hansen1999"), expected["pdR_dropped_last_year"]
    (one,) = result.thresholds
    assert [one.gamma, one.low, one.high] == pytest.approx([want["gamma1"], *want["CI95"]], abs=1e-5)
    assert (result.ssr0, result.ssr) == pytest.approx((want["S0"], want["S1"]), abs=1e-8)
    told = want["regime_cash_flow"] + want["regime_independent"], want["regime_se"] + want["se"]
    found = one.f, *result.slopes, *result.se, *result.se_white
    white = want["regime_white"] + want["white_se"]
    assert found == pytest.approx((want["F1_times_nT"], *told[0], *told[1], *white), abs=1e-6)
    # three thresholds with the shares of the publication; without it the third was .51453, beside the second
    found = fit(firms, n_grid=400, convention="hansen1999", n_thresholds=3, trim=(0.01, 0.01, 0.05)).thresholds
    assert [t.gamma for t in found] == pytest.approx([0.0157, 0.53616, 0.33134], abs=1e-5)


def panel(seed=0, n=60, years=8, gamma=0.6, low=0.2, high=0.6, noise=0.5):
    rng = np.random.default_rng(seed)
    q, x = rng.uniform(size=n), rng.normal(size=(n, years))
    y = np.where(q[:, None] <= gamma, low, high) * x + rng.normal(size=(n, 1)) + 0.1 * np.arange(years)
    return y + noise * rng.normal(size=(n, years)), x, q


@pytest.mark.parametrize("convention", ["within", "hansen1999"])
def test_simulated_panel_equals_regressions_of_statsmodels(convention):
    """Twin of the published table: q moves over the years, controls, one regression of statsmodels a candidate."""
    n, t, rng = 60, 8, np.random.default_rng(5)
    q, x, controls = rng.uniform(size=(n, t)), rng.normal(size=(n, t)), rng.normal(size=(n, t, 2))
    y = np.where(q < 0.4, 0.2, 0.7) * x + controls @ [0.5, -0.3] + rng.normal(size=(n, 1)) + rng.normal(size=(n, t))
    result = threshold_regression(y, x, q, controls, effects="entity", n_grid=40, convention=convention)
    (one,), is_published, dof = result.thresholds, convention == "hansen1999", n * (t - 1)
    years = t - is_published

    def regression(*columns):
        clean = [(a - a.mean(axis=1, keepdims=True))[:, :years].reshape(n * years, -1) for a in (y, *columns)]
        return OLS(clean[0].ravel(), np.hstack(clean[1:])).fit(cov_type="HC0")

    splits = [q < gamma if is_published else q <= gamma for gamma in one.grid]
    fits = [regression(x * low, x * ~low, controls) for low in splits]
    assert one.ssr == pytest.approx([fit.ssr for fit in fits], rel=1e-9)
    at = int(np.argmin(one.ssr))
    best, plain = fits[at], regression(x, controls)
    assert one.gamma == one.grid[at]
    assert result.slopes == pytest.approx(best.params, rel=1e-9)
    assert result.se_white == pytest.approx(best.bse, rel=1e-9)
    assert result.se == pytest.approx(np.sqrt(np.diag(best.normalized_cov_params) * best.ssr / (dof - 4)), rel=1e-9)
    f = (plain.ssr - best.ssr) / (best.ssr / dof) * (n * t / dof if is_published else 1.0)
    assert (result.ssr0, one.f) == pytest.approx((plain.ssr, f), rel=1e-9)


def test_profile_equals_one_regression_for_each_candidate():
    y, x, q = panel()
    (one,) = threshold_regression(y, x, q).thresholds
    left, high = within(y, "twoways").ravel(), q[:, None] > one.grid[::7, None, None]
    for ssr, above in zip(one.ssr[::7], high, strict=True):
        design = within(np.stack([x * ~above, x * above], axis=2), "twoways").reshape(-1, 2)
        assert ssr == pytest.approx(OLS(left, design).fit().ssr, abs=1e-9)


def test_recovers_threshold_and_slopes_and_two_thresholds_in_any_order():
    result = threshold_regression(*panel(n=280, years=10), n_grid=300)
    (one,) = result.thresholds
    assert one.gamma == pytest.approx(0.6, abs=0.02)
    assert one.low <= 0.6 <= one.high
    ends = one.lr[np.isin(one.grid, [one.low, one.high])]  # the next candidates, which are rejected
    assert (ends > critical_lr()).all()
    assert [critical_lr(a) for a in (0.10, 0.05, 0.01)] == pytest.approx([5.9395, 7.3523, 10.5916], abs=1e-4)
    assert one.in_interval.sum() == ((one.grid > one.low) & (one.grid < one.high)).sum()
    assert result.slopes == pytest.approx([0.2, 0.6], abs=0.06)
    assert sum(result.n_regime) == 2800
    rng = np.random.default_rng(4)
    q, x = rng.uniform(size=200), rng.normal(size=(200, 10))
    slope = np.select([q <= 0.3, q <= 0.7], [0.0, 0.8], 0.3)
    y = slope[:, None] * x + rng.normal(size=(200, 1)) + 0.3 * rng.normal(size=(200, 10))
    two = threshold_regression(y, x, q, n_thresholds=2)
    assert sorted(t.gamma for t in two.thresholds) == pytest.approx([0.3, 0.7], abs=0.02)
    assert two.slopes == pytest.approx([0.0, 0.8, 0.3], abs=0.05)


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
    spread = [threshold_regression(*panel(seed=seed, n=200)).thresholds[0].eta2 for seed in range(20)]
    assert np.mean(spread) == pytest.approx(1.0, abs=0.15)  # of the likelihood ratio, where errors are independent


def test_bootstrap_rejects_a_true_threshold():
    one, two = (
        threshold_regression(*panel(), n_grid=40, draws=99, rng=np.random.default_rng(0)).thresholds[0] for _ in (0, 1)
    )
    assert one.p == two.p == 0.01  # 1 / (99 + 1)
    assert one.critical[0] < one.critical[1] < one.critical[2] < one.f


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"q": np.ones(20)}, "does not vary"),
        ({"trim": 0.6}, "enough rows"),
        ({"draws": 9}, "needs a generator"),
        ({"convention": "other"}, "unknown convention"),
    ],
)
def test_bad_input_is_said_in_words(change, what):
    y, x, q = panel(n=20, years=4)
    refused(what, threshold_regression, y, x, **{"q": q, **change})
    y[0, 0] = np.nan
    refused("y is missing or infinite at city 0, year 0", threshold_regression, y, x, q)


N = 120
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))
Q = np.random.default_rng(2).uniform(size=N)
GROUPS = np.where(Q <= 0.5, "low", "high")
LOW = (Q <= 0.5).astype(float)


def emitted(seed, low=0.2, high=1.0):
    return world([W * LOW[None, :], W * (1 - LOW)[None, :]], [low, high], seed=seed, n=N)


def groups(y, x, labels=GROUPS, **options):
    return group_effects(y, x, W, labels, **options)


def threshold(y, x, q=Q, draws=1, **options):
    return spatial_threshold(y, x, q, W, draws=draws, rng=np.random.default_rng(1), **options)


def by_group(found):
    return found.to_frame().set_index(["group_code", "effect"])


def test_group_effects_find_who_gives_more():
    found = groups(*emitted(0)[:2])
    frame = by_group(found)
    assert frame.loc[("high", "indirect"), "lower"] > frame.loc[("low", "indirect"), "upper"]
    assert frame["p_equal"].iloc[0] < 0.01
    total = frame["point"].unstack()
    assert (total["direct"] + total["indirect"]).to_numpy() == pytest.approx(total["total"].to_numpy(), abs=1e-12)
    # emitter effects weighted by group size are the average total effect of S
    s = found.fit.multiplier(found.fit.core.params)
    mean = sum(total.loc[g, "total"] * (g == GROUPS).mean() for g in ("low", "high"))
    assert mean == pytest.approx(s.sum() / N, abs=1e-10)


def test_names_of_the_groups_do_not_matter_and_the_receiver_version_looks_at_the_other_end():
    y, x, _ = emitted(2)
    one, two = (by_group(groups(y, x, names))["point"] for names in (GROUPS, np.where(GROUPS == "low", "z", "a")))
    assert two["z"].to_numpy() == pytest.approx(one["low"].to_numpy(), abs=1e-8)
    matrices = [W * LOW[:, None], W * (1 - LOW)[:, None]]
    y, x, _ = world(matrices, [0.2, 1.0], seed=3, n=N)
    fits = {side: groups(y, x, side=side).fit.core.loglik for side in ("emitter", "receiver")}
    assert fits["receiver"] > fits["emitter"]


def test_threshold_of_the_emitter_is_found_tested_with_a_seed_and_fits_the_receiver_worse():
    y, x, _ = emitted(4)
    emitter, receiver = (threshold(y, x, side=s, n_grid=40) for s in ("emitter", "receiver"))
    assert emitter.low <= 0.5 <= emitter.high
    assert abs(emitter.gamma - 0.5) < 0.1
    assert emitter.loglik.max() > receiver.loglik.max()
    theta = emitter.to_frame().set_index("name")["theta"]
    assert theta["lag:high"] > theta["lag:low"]
    y, x, _ = emitted(6)
    one, two = (threshold(y, x, n_grid=12, draws=99) for _ in (0, 1))
    assert one.p == two.p == 0.01  # 1 / (99 + 1): no draw comes near


def test_profile_without_a_difference_equals_the_plain_model():
    """At any gamma the model nests the plain SDM: LR is never negative."""
    y, x, _ = emitted(5, 0.4, 0.4)
    found, plain = threshold(y, x, n_grid=20), fit_panel(y, x[:, :, None], W, model="sdm")
    assert found.lr >= 0
    assert (found.loglik >= plain.loglik - 1e-8).all()


@pytest.mark.slow
def test_errors_that_go_with_q_make_no_threshold():
    """Lasting errors whose size goes with q, equal spillovers: rejected near 5 % of the time."""
    p = []
    for seed in range(25):
        rng = np.random.default_rng(seed)
        y, x, _ = emitted(seed, 0.4, 0.4)
        size = np.exp(2 * (Q - 0.5))[:, None]
        e = size * (0.7 * rng.normal(size=(N, 1)) + 0.2 * rng.normal(size=(N, 8)).cumsum(axis=1))
        y = y + np.linalg.solve(np.eye(N) - 0.3 * W, e)
        p.append(threshold(y, x, n_grid=8, draws=99).p)
    assert np.mean(np.array(p) <= 0.05) <= 0.16


def test_groups_and_spatial_thresholds_refuse_bad_input_in_words():
    y, x, _ = emitted(7)
    panel_refused("two groups or more", groups, y, x, np.full(N, "a"))
    panel_refused("does not vary", threshold, y, x, np.ones(N))
    panel_refused("one known number a city", threshold, y, x, np.full(N, np.nan))


@pytest.mark.parametrize("side", ["emitter", "receiver"])
def test_spread_of_the_likelihood_ratio_is_one_for_independent_errors_and_more_for_lasting_ones(side):
    """10 panels each, at the true threshold; lasting: x and the errors are random walks."""
    spread = []
    for seed in range(10):
        y, x, _ = emitted(seed)
        walk, e = np.random.default_rng(seed).normal(size=(2, N, 8)).cumsum(axis=2)
        lasting = 0.5 * walk + W @ (np.where(Q <= 0.5, 0.2, 1.0)[:, None] * walk) + e
        spread.append([threshold(*pair, side=side, n_grid=3).eta2 for pair in ((y, x), (lasting, walk))])
    independent, last = np.mean(spread, axis=0)
    assert independent == pytest.approx(1.0, abs=0.3)
    assert last > 1.7
