"""Difference and system GMM of the dynamic spatial model: algebra, another program's numbers, known truth."""

import numpy as np
import pytest

from python_models.regression import PanelInputError
from python_models.regression.dynamic import dynamic_effects
from python_models.regression.dynamic_gmm import Stacked, dynamic_gmm, fit_gmm, independent
from python_models.simulation import random_knn_weights

TRUTH = {"y_lag": 0.4, "W:y_lag": -0.1, "x1": 1.0, "W:x1": 0.3, "rho": 0.3}


def panel(seed, *, n=120, years=8, feedback=0.0):
    """y, x (N, T + 1, 1), W at TRUTH; with `feedback` a shock to y moves x of the same year: x is endogenous."""
    rng = np.random.default_rng(seed)
    w = random_knn_weights(n, 5, rng=np.random.default_rng(7))
    s = np.linalg.inv(np.eye(n) - 0.3 * w)
    mu, burn = rng.normal(size=n), 30
    y, x, ys, xs = np.zeros(n), np.zeros(n), [], []
    for year in range(burn + years):
        e = rng.normal(size=n)
        x = 0.6 * x + 0.3 * mu + rng.normal(size=n) + feedback * e
        y = s @ (0.4 * y - 0.1 * w @ y + x + 0.3 * w @ x + mu + 0.2 * np.sin(year) + e)
        if year >= burn:
            ys.append(y)
            xs.append(x)
    return np.array(ys).T, np.array(xs).T[:, :, None], w


def stacked(seed=0, *, n=60, rows=4, k=2, m=5):
    rng = np.random.default_rng(seed)
    z, noise = rng.normal(size=(n, rows, m)), rng.normal(size=(n, rows))
    x = np.einsum("nrm,mk->nrk", z, rng.normal(size=(m, k))) + noise[:, :, None]
    return Stacked(x @ np.arange(1.0, k + 1) + noise, x, z, np.eye(rows), rows)


# pydynpd 0.2.2 (which repeats xtabond2), two-step with Windmeijer's errors and collapsed instruments, run on
# panel(3, feedback=0.5) less its yearly means; order y_lag, W:y_lag, x, W:x, rho.
OTHER_PROGRAM = {
    ("difference", (0,)): {
        "coef": [0.2717077210, -0.1369706326, 1.2219334475, 0.2822572033, 0.4527541117],
        "se": [0.0620827741, 0.1515469530, 0.1358828922, 0.3958935588, 0.2158525208],
        "hansen": (16.649027332472, 13),
        "ar": (-4.980679307586, -0.084840756873),
        "instruments": 18,
    },
    ("difference", ()): {
        "coef": [0.1999962674, -0.0488964115, 1.4502070288, -0.2558289051, 0.5699085359],
        "se": [0.0443587182, 0.0892745945, 0.0412519220, 0.3072430139, 0.1656143400],
        "hansen": (13.160356476283, 8),
        "ar": (-5.933877323852, -0.698736790905),
        "instruments": 13,
    },
    # it adds a constant to the levels, which demeaned data do not need: coefficients and J agree, errors nearly
    ("system", (0,)): {
        "coef": [0.3291109805, -0.1704763111, 1.1813600356, 0.1222922321, 0.5173820346],
        "hansen": (22.621544957798, 19),
        "instruments": 24,
    },
}


@pytest.mark.parametrize(("kind", "endogenous"), OTHER_PROGRAM)
def test_numbers_are_those_of_another_program(kind, endogenous):
    expected = OTHER_PROGRAM[kind, endogenous]
    found = dynamic_gmm(*panel(3, feedback=0.5), kind=kind, endogenous=endogenous)
    assert found.params == pytest.approx(expected["coef"], abs=2e-9)
    assert (found.gmm.hansen.statistic, found.gmm.hansen.df) == pytest.approx(expected["hansen"], abs=1e-9)
    assert found.gmm.n_instruments == expected["instruments"]
    if "se" in expected:
        assert found.std_errors == pytest.approx(expected["se"], abs=2e-9)
        assert [test.statistic for test in found.gmm.ar] == pytest.approx(expected["ar"], abs=1e-9)


def test_one_step_with_an_identity_weight_is_two_stage_least_squares():
    data = stacked()
    x, z, y = data.x.reshape(-1, 2), data.z.reshape(-1, 5), data.y.ravel()
    fitted = z @ np.linalg.lstsq(z, x, rcond=None)[0]
    assert fit_gmm(data).one_step == pytest.approx(np.linalg.solve(fitted.T @ x, fitted.T @ y), abs=1e-10)


def test_two_steps_are_those_of_a_general_iv_program():
    iv = pytest.importorskip("linearmodels.iv")
    data = stacked(3)
    n, rows = data.y.shape
    first = np.einsum("nrm,nrl->ml", data.z, data.z) / (n * rows)
    model = iv.IVGMM(
        data.y.ravel(),
        None,
        data.x.reshape(-1, 2),
        data.z.reshape(-1, 5),
        weight_type="clustered",
        clusters=np.repeat(np.arange(n), rows),
        center=False,
    )
    other = model.fit(
        iter_limit=2, initial_weight=np.linalg.inv(first), cov_type="clustered", clusters=np.repeat(np.arange(n), rows)
    )
    found = fit_gmm(data)
    assert found.params == pytest.approx(other.params.to_numpy(), abs=1e-9)
    assert found.hansen.statistic == pytest.approx(other.j_stat.stat, rel=0.02)  # its J reweighs with the second step


def test_exactly_identified_is_instrumental_variables_and_needs_no_correction():
    data = stacked(m=2)
    found = fit_gmm(data)
    x, z, y = data.x.reshape(-1, 2), data.z.reshape(-1, 2), data.y.ravel()
    assert found.params == pytest.approx(np.linalg.solve(z.T @ x, z.T @ y), abs=1e-10)
    assert found.cov == pytest.approx(found.cov_plain, abs=1e-12)
    assert np.isnan(found.hansen.p)


def test_windmeijers_derivative_is_that_of_the_second_step():
    """b2 as a function of the b1 that weighs it, by finite differences."""
    data = stacked(5)
    found = fit_gmm(data)
    zx, zy = np.einsum("nrm,nrk->mk", data.z, data.x), np.einsum("nrm,nr->m", data.z, data.y)

    def second(b1):
        g = np.einsum("nrm,nr->nm", data.z, data.y - data.x @ b1)
        half = zx.T @ np.linalg.inv(g.T @ g)
        return np.linalg.solve(half @ zx, half @ zy)

    assert second(found.one_step) == pytest.approx(found.params, abs=1e-10)
    step = 1e-6
    d = np.stack(
        [(second(found.one_step + step * u) - second(found.one_step - step * u)) / (2 * step) for u in np.eye(2)],
        axis=1,
    )
    v, v1 = found.cov_plain, found.one_step_cov
    assert found.cov == pytest.approx(v + d @ v + v @ d.T + d @ v1 @ d.T, rel=1e-5)


def test_order_of_cities_scale_and_effects_do_not_matter():
    y, x, w = panel(1, n=80)
    one = dynamic_gmm(y, x, w, endogenous=(0,))
    order = np.random.default_rng(0).permutation(80)
    two = dynamic_gmm(y[order], x[order], w[np.ix_(order, order)], endogenous=(0,))
    assert two.params == pytest.approx(one.params, abs=1e-8)
    years = dynamic_gmm(y + np.arange(8.0) ** 2, x, w, endogenous=(0,))
    assert years.params == pytest.approx(one.params, abs=1e-8)
    scaled = dynamic_gmm(10 * y, x, w, endogenous=(0,))
    assert scaled.params == pytest.approx(one.params * [1, 1, 10, 10, 1], abs=1e-7)


def test_endogenous_x_is_recovered_where_likelihood_of_an_exogenous_x_fails():
    """A shock to y moves x: treated as exogenous the slope is far off, instrumented it is not."""
    right, wrong = ([], [])
    for seed in range(12):
        data = panel(seed, n=200, years=11, feedback=0.5)
        right.append(dynamic_gmm(*data, endogenous=(0,)).params)
        wrong.append(dynamic_gmm(*data).params)
    assert np.mean(right, axis=0)[2] == pytest.approx(1.0, abs=0.08)
    assert np.mean(right, axis=0)[0] == pytest.approx(0.4, abs=0.04)
    assert np.mean(wrong, axis=0)[2] > 1.3


def test_serial_correlation_shows_and_short_and_long_run_effects_follow():
    y, x, w = panel(2, n=200, years=11)
    found = dynamic_gmm(y, x, w)
    first, second = found.gmm.ar
    assert first.p < 0.001
    assert second.p > 0.01
    assert found.sigma2 == pytest.approx(1.0, abs=0.15)
    tau, eta, beta, theta, rho = found.params
    effects = dynamic_effects(found.as_dynamic()).to_frame().set_index(["horizon", "effect"])
    assert effects.loc[("short", "total"), "point"] == pytest.approx((beta + theta) / (1 - rho))
    assert effects.loc[("long", "total"), "point"] == pytest.approx((beta + theta) / (1 - tau - eta - rho))
    assert (effects["se"] > 0).all()
    row = found.diagnostics().iloc[0]
    assert row["endogenous"] == "y_lag, W:y_lag, W:y"
    assert row["n_instruments"] == found.gmm.n_instruments == len(found.instruments)
    assert row["rho"] == found.params[-1]


def test_a_repeated_instrument_is_dropped_and_named_reasons_are_given():
    columns = np.random.default_rng(0).normal(size=(50, 3))
    assert independent(np.column_stack([columns, columns[:, 0], np.zeros(50)])).tolist() == [True] * 3 + [False] * 2
    y, x, w = panel(0, n=20)
    with pytest.raises(PanelInputError, match="fewer instruments than cities"):
        dynamic_gmm(y, x, w, endogenous=(0,))
    y, x, w = panel(0)
    with pytest.raises(PanelInputError, match="needs 5 years"):
        dynamic_gmm(y[:, :4], x[:, :4], w)
    with pytest.raises(PanelInputError, match="max_lag must be 2"):
        dynamic_gmm(y, x, w, max_lag=1)
    with pytest.raises(PanelInputError, match="kind must be"):
        dynamic_gmm(y, x, w, kind="level")
    with pytest.raises(PanelInputError, match="endogenous must name"):
        dynamic_gmm(y, x, w, endogenous=(4,))
    y[3, 2] = np.nan
    with pytest.raises(PanelInputError, match="missing"):
        dynamic_gmm(y, x, w)


@pytest.mark.slow
def test_truth_is_covered_at_its_rate_and_valid_instruments_are_not_rejected():
    """N = 200, T = 10, 200 panels: near the truth, intervals near 95 %, J and AR(2) near their size."""
    params, covers, rejected = [], [], []
    truth = np.array(list(TRUTH.values()))
    for seed in range(200):
        found = dynamic_gmm(*panel(seed, n=200, years=11))
        params.append(found.params)
        covers.append(np.abs(found.params - truth) < 1.96 * found.std_errors)
        rejected.append((found.gmm.hansen.p < 0.05, found.gmm.ar[1].p < 0.05))
    mean, sd = np.mean(params, axis=0), np.std(params, axis=0)
    assert (np.abs(mean - truth) < 0.8 * sd).all()  # instruments of a spatial lag are weak: some bias is left
    assert np.mean(covers, axis=0).min() > 0.82
    assert np.mean(rejected, axis=0).max() < 0.10
