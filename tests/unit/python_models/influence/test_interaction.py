"""Moderated spillovers: identities with the plain model and with S, recovery, invariances."""

import numpy as np
import pytest

from python_models.influence.interaction import absorptive_spillover, moderated_spillover
from python_models.regression import PanelInputError, average_effects, fit_panel
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


def test_effects_at_a_level_are_the_averages_of_s():
    y, x = drawn()
    found = run(y, x)
    p = dict(zip(found.fit.names, found.fit.params, strict=True))
    for i, v in enumerate(found.values.values()):
        own = p["x"] + p["x:m"] * (v - M.mean())
        lag = p["W:x"] + p["W:x:m"] * (v - M.mean())
        s = np.linalg.solve(np.eye(N) - p["rho"] * W, own * np.eye(N) + lag * W)
        direct, total = np.trace(s) / N, s.sum() / N
        assert found.point[i] == pytest.approx([direct, total - direct, total], abs=1e-9)


def test_at_the_mean_of_the_moderator_the_product_drops_out():
    y, x = drawn()
    found = run(y, x, levels={"mean": M.mean()})
    p = dict(zip(found.fit.names, found.fit.params, strict=True))
    assert found.point[0, 2] == pytest.approx((p["x"] + p["W:x"]) / (1 - p["rho"]), abs=1e-10)


def test_moderation_is_recovered_and_ordered():
    y, x = drawn()
    found = run(y, x)
    assert found.own[0] == pytest.approx(0.6, abs=4 * found.own[1])
    assert found.lag[0] == pytest.approx(0.9, abs=4 * found.lag[1])
    assert (np.diff(found.point, axis=0) > 0).all()
    assert found.p < 0.01
    assert (found.lower < found.point).all()
    assert (found.point < found.upper).all()


@pytest.mark.slow
def test_no_moderation_is_rejected_at_the_nominal_rate():
    p = [run(*drawn(g=0, h=0, seed=s)).p for s in range(100)]
    assert 0.01 <= np.mean(np.array(p) < 0.05) <= 0.11


def test_units_of_the_moderator_do_not_matter():
    y, x = drawn()
    one, two = run(y, x), run(y, x, 10 * M + 3)
    assert one.point == pytest.approx(two.point, abs=1e-8)
    assert one.wald.statistic == pytest.approx(two.wald.statistic, rel=1e-6)


def test_a_regime_is_read_at_its_two_levels():
    y, x = drawn()
    high = (M > 0.5).astype(float)
    frame = run(y, x, high, levels={"low": 0, "high": 1}).to_frame().set_index("at_percentile")
    assert frame.loc["high", "total"] > frame.loc["low", "total_hi"]


def test_a_moderator_over_time_brings_its_own_term():
    y, x = drawn()
    m = M[:, None] + 0.1 * np.random.default_rng(4).normal(size=(N, YEARS))
    assert {"m", "W:m"} <= set(run(y, x, m).fit.names)
    assert "m" not in run(y, x).fit.names


def test_absorption_is_recovered_and_only_moves_the_indirect_side():
    y, x = drawn("absorptive", h=0.3)
    found = absorptive_spillover(y, x, W)
    assert found.lag[0] == pytest.approx(0.3, abs=4 * found.lag[1])
    assert np.isnan(found.own[0])
    p = dict(zip(found.fit.names, found.fit.params, strict=True))
    v = found.values["p90"] - x.mean()
    s = np.linalg.solve(np.eye(N) - p["rho"] * W, p["x"] * np.eye(N) + (p["W:x"] + p["x:Wx"] * v) * W)
    assert found.point[2] == pytest.approx([np.trace(s) / N, (s.sum() - np.trace(s)) / N, s.sum() / N], abs=1e-9)


def test_bands_agree_with_the_delta_method_where_nothing_is_moderated():
    """With the level at the mean of the moderator the band is that of the average effect."""
    y, x = drawn(g=0, h=0)
    m = np.random.default_rng(8).normal(size=N)
    found = run(y, x, m, levels={"mean": float(m.mean())})
    plain = average_effects(fit_panel(y, x[:, :, None], W), method="delta")
    assert found.se[0] == pytest.approx(plain.se[0], rel=0.15)  # two more slopes


def test_bad_input_is_said_in_words():
    y, x = drawn()
    with pytest.raises(PanelInputError, match="does not vary"):
        run(y, x, np.ones(N))
    with pytest.raises(PanelInputError, match="missing or infinite"):
        run(y, x, np.full(N, np.nan))
    with pytest.raises(PanelInputError, match="sum to one"):
        moderated_spillover(y, x, M, 2 * W)
