"""Moderated and level-adjusted spillovers: identities with the plain model and S, recovery."""

import numpy as np
import pytest
from checks import panel_refused, refused
from worlds import world

from python_models.influence import adjusted_threshold, even_scale, level_adjusted, level_controls, split_blocks
from python_models.influence.blocks import BLOCKS
from python_models.influence.interaction import absorptive_spillover, moderated_spillover
from python_models.regression import average_effects, fit_panel
from python_models.simulation import random_knn_weights

N, YEARS, RHO = 120, 8, 0.3
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))
M = np.random.default_rng(2).uniform(size=N)


def drawn(kind="moderated", g=0.6, h=0.9, seed=0):
    rng = np.random.default_rng(seed)
    city, year = rng.normal(size=(N, 1)), rng.normal(size=(1, YEARS))
    x = rng.normal(size=(N, YEARS)) + 0.5 * city + 0.5 * year
    m = (M - M.mean())[:, None]
    extra = g * m * x + h * W @ (m * x) if kind == "moderated" else h * x * (W @ x)
    mean = x + 0.4 * W @ x + extra + city + year + rng.normal(size=(N, YEARS))
    return np.linalg.solve(np.eye(N) - RHO * W, mean), x


def run(y, x, m=M, **options):
    return moderated_spillover(y, x, m, W, **options)


def named(found):
    return dict(zip(found.fit.names, found.fit.params, strict=True))


def averages(own, lag, rho):
    """Direct, indirect and total of (I - rho W)^-1 (own I + lag W)."""
    s = np.linalg.solve(np.eye(N) - rho * W, own * np.eye(N) + lag * W)
    return [np.trace(s) / N, (s.sum() - np.trace(s)) / N, s.sum() / N]


def test_effects_at_a_level_are_the_averages_of_s_and_at_the_mean_the_product_drops_out():
    y, x = drawn()
    found, mean = run(y, x), run(y, x, levels={"mean": M.mean()})
    p = named(found)
    for point, level in zip(found.point, np.array(list(found.values.values())) - M.mean(), strict=True):
        expected = averages(p["x"] + p["x:m"] * level, p["W:x"] + p["W:x:m"] * level, p["rho"])
        assert point == pytest.approx(expected, abs=1e-9)
    p = named(mean)
    assert mean.point[0, 2] == pytest.approx((p["x"] + p["W:x"]) / (1 - p["rho"]), abs=1e-10)


def test_moderation_is_recovered_and_ordered_whatever_the_units():
    y, x = drawn()
    found, other = run(y, x), run(y, x, 10 * M + 3)
    assert found.own[0] == pytest.approx(0.6, abs=4 * found.own[1])
    assert found.lag[0] == pytest.approx(0.9, abs=4 * found.lag[1])
    assert (np.diff(found.point, axis=0) > 0).all()
    assert found.p < 0.01
    assert ((found.lower < found.point) & (found.point < found.upper)).all()
    assert other.point == pytest.approx(found.point, abs=1e-8)
    assert other.wald.statistic == pytest.approx(found.wald.statistic, rel=1e-6)


@pytest.mark.slow
def test_no_moderation_is_rejected_at_the_nominal_rate():
    p = [run(*drawn(g=0, h=0, seed=s)).p for s in range(100)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.11


def test_a_regime_is_read_at_its_two_levels_and_a_moderator_over_time_brings_its_own_term():
    y, x = drawn()
    high = run(y, x, (M > 0.5).astype(float), levels={"low": 0, "high": 1})
    frame = high.to_frame().set_index("at_percentile")
    assert frame.loc["high", "total"] > frame.loc["low", "total_hi"]
    over_time = run(y, x, M[:, None] + 0.1 * np.random.default_rng(4).normal(size=(N, YEARS)))
    assert {"m", "W:m"} <= set(over_time.fit.names)
    assert "m" not in high.fit.names


def test_absorption_is_recovered_and_only_moves_the_indirect_side():
    y, x = drawn("absorptive", h=0.3)
    found = absorptive_spillover(y, x, W)
    assert found.lag[0] == pytest.approx(0.3, abs=4 * found.lag[1])
    assert np.isnan(found.own[0])
    p, level = named(found), found.values["p90"] - x.mean()
    assert found.point[2] == pytest.approx(averages(p["x"], p["W:x"] + p["x:Wx"] * level, p["rho"]), abs=1e-9)


def test_bands_agree_with_the_delta_method_where_nothing_is_moderated():
    """With the level at the mean of the moderator the band is that of the average effect."""
    y, x = drawn(g=0, h=0)
    m = np.random.default_rng(8).normal(size=N)
    found = run(y, x, m, levels={"mean": float(m.mean())})
    plain = average_effects(fit_panel(y, x[:, :, None], W), method="delta")
    assert found.se[0] == pytest.approx(plain.se[0], rel=0.15)  # two more slopes


def test_bad_input_is_said_in_words():
    y, x = drawn()
    panel_refused("does not vary", run, y, x, np.ones(N))
    panel_refused("missing or infinite", run, y, x, np.full(N, np.nan))
    panel_refused("sum to one", moderated_spillover, y, x, M, 2 * W)
    for values, words in (([[1.0, 0.0]], "above 0"), ([[2.0, 2.0]], "equal"), ([[1.0, np.nan]], "above 0")):
        panel_refused(words, even_scale, values)


N = 120
CENTRE = np.arange(N) % 4 == 0
EQUAL = dict.fromkeys(BLOCKS, 0.3)


def positive(seed=0, theta=EQUAL):
    """exp of a world with known blocks: an index that is convex in it."""
    blocks = split_blocks(W, CENTRE)
    y, x, _ = world([blocks[b] for b in BLOCKS], [theta[b] for b in BLOCKS], seed=seed, n=N)
    return np.exp(0.3 * y), np.exp(0.3 * x)


def p(y, x, centre=CENTRE):
    return level_adjusted(y, x, W, split_blocks(W, centre)).equal(("pc", "cp"))


@pytest.mark.parametrize(("power", "make"), [(0.0, np.exp), (0.5, np.square), (1.0, lambda v: v)])
def test_scale_finds_the_power_that_makes_values_normal(power, make):
    values = 8 + np.random.default_rng(1).normal(size=(300, 10))
    scaled, found = even_scale(make(values))
    assert found == pytest.approx(power, abs=0.15)
    assert (scaled.mean(), scaled.std()) == pytest.approx((0, 1), abs=1e-9)
    assert even_scale(7.0 * make(values))[0] == pytest.approx(scaled, abs=1e-4)


def test_controls_are_trend_and_slope_by_powers_of_two_levels():
    y, x = np.random.default_rng(2).normal(size=(2, 9, 5))
    found = level_controls(y, x)
    assert found.shape == (9, 5, 12)
    level = (y[:, 0] - y[:, 0].mean()) / y[:, 0].std()
    assert found[:, :, 0] == pytest.approx(np.outer(level, [-2, -1, 0, 1, 2]))
    assert found[:, :, 3] == pytest.approx(level[:, None] ** 2 * (x - x.mean(axis=1, keepdims=True)))
    assert found[:, :, 1::2].sum(axis=1) == pytest.approx(0, abs=1e-12)


def test_neither_the_unit_nor_the_names_of_the_sides_matter_and_blocks_that_differ_are_told_apart():
    y, x = positive()
    assert p(100 * y, x / 3) == pytest.approx(p(y, x), rel=1e-3)
    assert p(y, x, ~CENTRE) == pytest.approx(p(y, x), rel=1e-6)
    assert p(*positive(theta={"cc": 0.5, "cp": 0.1, "pc": 0.8, "pp": 0.2})) < 0.05


def test_several_equalities_are_tested_together():
    found = level_adjusted(*positive(), W, split_blocks(W, CENTRE))
    both = found.test([{"pc": 1, "cp": -1}, {"cc": 1, "pp": -1}])
    assert both.df == 2
    assert both.statistic >= found.test([{"pc": 1, "cp": -1}]).statistic
    assert both.p == pytest.approx(found.equal(("pc", "cp"), ("cc", "pp")))
    refused("nowhere", found.test, [{"nowhere": 1.0}], error=KeyError)


def test_a_threshold_in_the_emitter_is_found_at_its_place():
    q = np.random.default_rng(5).uniform(size=N)
    high = (q > 0.5).astype(float)
    y, x, _ = world([W * (1 - high), W * high], [0.1, 1.0], n=N)
    found = adjusted_threshold(np.exp(0.3 * y), np.exp(0.3 * x), q, W, draws=99, rng=np.random.default_rng(6))
    assert found.p == pytest.approx(0.01)  # 1 / (99 + 1): no draw comes near
    assert found.gamma == pytest.approx(0.5, abs=0.06)
    assert found.wald.max() == found.statistic
    panel_refused("one known number a city", adjusted_threshold, y, x, q[:-1], W, rng=np.random.default_rng(6))
