"""Level-adjusted spillovers: the scale, the controls, sizes."""

import numpy as np
import pytest
from checks import panel_refused, refused
from worlds import world

from python_models.influence import adjusted_threshold, fit_spillover, level_adjusted
from python_models.influence.blocks import BLOCKS, split_blocks
from python_models.influence.level_adjusted import even_scale, level_controls
from python_models.regression import by_segment
from tests.random_graph import random_knn_weights

N, YEARS, RHO = 120, 8, 0.3
W = random_knn_weights(N, 5, rng=np.random.default_rng(99))
M = np.random.default_rng(2).uniform(size=N)


def test_bad_input_is_said_in_words():
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


def p(y, x):
    return level_adjusted(y, x, W, split_blocks(W, CENTRE)).equal(("pc", "cp"))


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


def test_blocks_that_differ_are_told_apart():
    assert p(*positive(theta={"cc": 0.5, "cp": 0.1, "pc": 0.8, "pp": 0.2})) < 0.05


def test_effects_of_a_group_by_year_take_its_trend_out_and_one_group_changes_nothing():
    """Without a spatial lag a shift of a group in a year leaves every slope as it is; fitted by demeaning in groups."""
    y, x, _ = world([W], [0.3], n=N)
    t = y.shape[1]
    shift = np.where(CENTRE[:, None], np.random.default_rng(3).normal(size=t), 0.0)
    by_year = np.einsum("n,ts->nts", CENTRE.astype(float), np.eye(t)[:, 1:])
    fits = [fit_spillover(v, x, W, {"lag": W}, own_controls=by_year, with_lag=False) for v in (y, y + 5 * shift)]
    slopes = [fit.at(["x", "lag"]).point for fit in fits]
    assert slopes[0] == pytest.approx(slopes[1], abs=1e-9)
    planes = [y + 5 * shift, x, W @ x]
    free = [v - v.mean(axis=1, keepdims=True) for v in planes]
    free = [v - np.where(CENTRE[:, None], v[CENTRE].mean(axis=0), v[~CENTRE].mean(axis=0)) for v in free]
    columns = np.stack([v.ravel() for v in free[1:]], axis=1)
    assert slopes[1] == pytest.approx(np.linalg.lstsq(columns, free[0].ravel())[0], abs=1e-9)
    blocks = split_blocks(W, CENTRE)
    one = level_adjusted(*positive(), W, blocks, groups=["all"] * N).equal(("pc", "cp"))
    assert one == p(*positive())
    assert level_adjusted(*positive(), W, blocks, groups=CENTRE).equal(("pc", "cp")) != one


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


def test_segments_are_cut_on_the_adjusted_scale():
    """The fit on planes without what differs between the segments of a city; one segment is none."""
    (y, x), blocks, cut = positive(), split_blocks(W, CENTRE), [0, 0, 0, *[1] * (YEARS - 3)]
    assert level_adjusted(y, x, W, blocks, segments=[7] * y.shape[1]).equal(("pc", "cp")) == p(y, x)
    yy, xx = even_scale(y)[0], even_scale(x)[0]
    every = by_segment(level_controls(yy, xx), cut)
    fit = fit_spillover(by_segment(yy, cut), by_segment(xx, cut), W, blocks, every)
    found = level_adjusted(y, x, W, blocks, segments=cut).equal(("pc", "cp"))
    assert found == pytest.approx(fit.wald([{"pc": 1.0, "cp": -1.0}]).p, rel=1e-9)
    assert found != pytest.approx(p(y, x), rel=1e-3)
    assert 0 < level_adjusted(y, x, W, blocks, groups=CENTRE, segments=cut).equal(("pc", "cp")) < 1
