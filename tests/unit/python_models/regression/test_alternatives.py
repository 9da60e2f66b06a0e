"""Other models, other W, other assumptions: effects side by side, posterior weights, factors, sensitivity."""

import numpy as np
import pytest
from checks import panel_refused, ring
from scipy import integrate
from spec_worlds import draw, knn

from python_models.influence import lead_lag
from python_models.regression import (
    Cluster,
    Conley,
    count_factors,
    fit_factors,
    fit_panel,
    model_weights,
    robustness_value,
    spatial_2sls,
)

WIDE = {"near": knn(60, 4), "far": knn(60, 8, seed=5)}


def dense_log_marginal(y, x, w, model, low, high):
    """The density of y under the g prior, written out: multivariate t on the transformed rows, integrated over rho."""
    n, t = y.shape
    years, cities = (np.linalg.svd(np.eye(m) - 1 / m)[0][:, : m - 1] for m in (t, n))
    ws = cities.T @ w.matrix.toarray() @ cities
    yy, xx = cities.T @ y @ years, [cities.T @ x[:, :, k] @ years for k in range(x.shape[2])]
    columns = xx + ([ws @ v for v in xx] if model in ("sdm", "sdem", "slx") else [])
    m, g = yy.size, 1.0 / max(yy.size, len(columns) ** 2)

    def log_density(rho):
        s = np.eye(n - 1) - rho * ws
        left = (s @ yy).ravel()
        z = np.column_stack([(s @ v if model in ("sem", "sdem") else v).ravel() for v in columns])
        cov = np.eye(m) + z @ np.linalg.inv(g * z.T @ z) @ z.T
        log = -0.5 * np.linalg.slogdet(cov)[1] - m / 2 * np.log(left @ np.linalg.solve(cov, left))
        return log + (t - 1) * np.linalg.slogdet(s)[1]

    if model == "slx":
        return log_density(0.0)
    top = max(log_density(r) for r in np.linspace(low, high, 41)[1:-1])
    area = integrate.quad(lambda r: np.exp(log_density(r) - top), low, high, limit=200)[0]
    return top + np.log(area / (high - low))


@pytest.mark.parametrize("model", ["sdm", "sdem", "sar", "sem", "slx"])
def test_marginal_likelihoods_equal_the_density_written_out(model):
    w = knn(12, 3)
    y, x = draw(w, t=4, rng=np.random.default_rng(2), rho=0.3, theta=(0.4, 0.2))
    found, optimum = model_weights(y, x, {"w": w}).set_index("model")["log_marginal"], fit_panel(y, x, w).optimum
    assert len(found) == 5
    assert found[model] == pytest.approx(dense_log_marginal(y, x, w, model, optimum.low, optimum.high), abs=2e-3)


@pytest.mark.parametrize(
    ("truth", "model"),
    [
        ({"rho": 0.4, "theta": (0.4, 0.3)}, "sdm"),
        ({"rho": 0.4}, "sar"),
        ({"lam": 0.5}, "sem"),
        ({"theta": (0.5, 0.4)}, "slx"),
    ],
)
def test_posterior_weights_find_the_model_and_the_w_behind_the_data(truth, model):
    y, x = draw(WIDE["near"], t=10, rng=np.random.default_rng(3), **truth)
    table = model_weights(y, x, WIDE)
    assert table["weight"].sum() == pytest.approx(1)
    by = table.drop_duplicates("model").set_index("model")["weight_model"]
    assert by.idxmax() == model
    assert table.drop_duplicates("w").set_index("w")["weight_w"]["near"] > 0.95


def test_weights_do_not_depend_on_units():
    y, x = draw(WIDE["near"], t=5, rng=np.random.default_rng(4), rho=0.3)
    one, two = model_weights(y, x, WIDE)["weight"], model_weights(9 * y + 3, x * [0.1, 4], WIDE)["weight"]
    assert two.to_numpy() == pytest.approx(one.to_numpy(), abs=1e-8)


def common_world(seed, w, t=14, strength=1.5):
    """One factor that x follows too."""
    rng, n = np.random.default_rng(seed), w.n
    loading, factor = rng.normal(size=(n, 1)) + 1, rng.normal(size=(t, 1))
    x = rng.normal(size=(n, t)) + 0.8 * loading @ factor.T
    mean = x + 0.3 * w.lag(x) + strength * loading @ factor.T + rng.normal(size=(n, 1)) + rng.normal(size=(1, t))
    y = np.linalg.solve(np.eye(n) - 0.4 * w.matrix.toarray(), mean + rng.normal(size=(n, t)))
    return y, x[:, :, None]


def test_without_factors_the_fit_and_its_errors_are_those_of_the_core():
    w, group = knn(40), np.arange(40) % 5
    y, x = common_world(1, w)
    points = np.random.default_rng(1).uniform(0, 9, (40, 2))
    near = Conley(points, 3.0, 1, metric="euclidean")
    for kind, rel in (("cluster", 1e-4), (Cluster(group), 1e-3), (Cluster(by_time=True), 1e-3), (near, 1e-3)):
        one, two = fit_factors(y, x, w, n_factors=0, cov=kind), fit_panel(y, x, w, cov=kind)
        assert one.params == pytest.approx(two.params, rel=1e-6)
        assert np.sqrt(np.diag(one.cov))[:3] == pytest.approx(np.sqrt(np.diag(two.cov))[:3], rel=rel)
    assert np.isfinite(fit_factors(y, x, w, n_factors=1, cov=Cluster(group)).cov).all()


def test_a_common_factor_that_x_follows_is_taken_out():
    w = knn(80)
    found = [fit_factors(*common_world(seed, w), w, n_factors=1) for seed in range(8)]
    params = np.array([f.params[:3] for f in found])
    assert params.mean(axis=0) == pytest.approx([1.0, 0.3, 0.4], abs=0.08)
    plain = np.mean([fit_panel(*common_world(seed, w), w).params[0] for seed in range(8)])
    assert plain > 1.3  # what the fixed effects alone say
    one = found[0]
    assert one.factors.T @ one.factors / 14 == pytest.approx(np.eye(1))
    assert one.common.shape == (80, 14)
    assert list(one.to_frame()["term"]) == ["x1", "W:x1", "rho", "sigma2"]


def test_number_of_factors_is_seen_and_too_many_are_refused():
    w, small = knn(80), knn(20)
    table = count_factors(*common_world(2, w), w, most=4)
    assert table.loc[table["is_chosen"], "r"].item() == table["ratio"].iloc[1:].idxmax() == 1
    none = count_factors(*common_world(2, w, strength=0.0), w, most=4)
    assert none.loc[none["is_chosen"], "r"].item() in (0, 1)  # x alone follows the factor
    few = *common_world(3, small, t=5), small
    panel_refused("leave no rows", fit_factors, *few, n_factors=4)
    panel_refused("factors go with", fit_factors, *few, n_factors=1, model="sem")


def lasting(seed, w, feedback):
    """x lasts (AR .95); with feedback it answers to last year's y."""
    rng, n, t = np.random.default_rng(seed), w.n, 10
    x, y = rng.normal(size=(n, t)), np.zeros((n, t))
    solve = np.linalg.inv(np.eye(n) - 0.3 * w.matrix.toarray())
    for s in range(t):
        if s:
            x[:, s] = 0.95 * x[:, s - 1] + 0.4 * rng.normal(size=n) + feedback * y[:, s - 1]
        y[:, s] = solve @ (0.5 * x[:, s] + 0.3 * w.lag(x[:, s]) + rng.normal(size=n))
    return y, x


def test_a_lead_in_place_of_x_is_no_placebo_and_a_lead_beside_x_is_one():
    """x lasts and nothing runs ahead: x of the next year alone is significant, beside x it is not."""
    w = knn(80)
    replaced, beside = [], []
    for seed in range(20):
        y, x = lasting(seed, w, 0.0)
        alone = fit_panel(y[:, :-1], x[:, 1:, None], w)
        replaced.append(abs(alone.params[0]) > 1.96 * np.sqrt(alone.cov[0, 0]))
        beside.append(lead_lag(y, x, w).leads.p < 0.05)
    assert np.mean(replaced) > 0.7
    assert np.mean(beside) <= 0.2


def test_feedback_from_y_shows_in_the_lead():
    w = knn(80)
    assert np.mean([lead_lag(*lasting(seed, w, 0.15), w).leads.p < 0.05 for seed in range(6)]) > 0.8
    found = lead_lag(*lasting(1, w, 0.0), w)
    assert list(found.to_frame()["term"]) == ["x_lag", "W:x_lag", "x", "W:x", "x_lead", "W:x_lead"]
    panel_refused("five years", lead_lag, *(v[:, :4] for v in lasting(1, w, 0.0)), w)


def test_robustness_value_of_the_published_example():
    """Darfur (Cinelli and Hazlett 2020, table 1): t 4.18, 783 degrees of freedom."""
    found = robustness_value(0.09731582, 0.02325654, 783)
    assert (found.partial_r2, found.value, found.value_alpha) == pytest.approx((0.02187, 0.13878, 0.07626), abs=5e-6)
    assert robustness_value(0.01, 0.02, 100).value_alpha == 0.0
    panel_refused("se > 0", robustness_value, 1.0, 0.0, 10)


def instrumented(seed=0, strength=1.0, direct=0.0):
    w, rng = knn(60), np.random.default_rng(seed)
    z, u = rng.normal(size=(2, 60, 6, 1))
    d = strength * z + u + rng.normal(size=(60, 6, 1))
    x = rng.normal(size=(60, 6, 1))
    mean = (d + x + u + direct * z)[:, :, 0] + rng.normal(size=(60, 6))
    y = np.linalg.solve(np.eye(60) - 0.3 * w.matrix.toarray(), mean)
    return spatial_2sls(y, x, w, endog=d, instruments=z, endog_names=["d"])


def test_effective_f_tells_weak_from_strong_instruments_and_with_one_is_the_clustered_f():
    """pi'Q'Q pi / tr(V Q'Q) with one column: the squared t of the first stage, clustered."""
    strong, weak = instrumented(), instrumented(strength=0.05)
    assert strong.first_stages[0].effective_f > 60
    assert weak.first_stages[0].effective_f < 23.1
    assert weak.is_weak
    assert "effective_f" in strong.diagnostics()
    w = knn(40)
    y, x = draw(w, t=6, rng=np.random.default_rng(3), rho=0.3)
    fit = spatial_2sls(y, x[:, :, :1], w, w_lags=2)
    (stage,), rows = fit.first_stages, 39 * 5
    assert len(fit.instruments) == 1
    assert stage.kp_f == pytest.approx(stage.effective_f * (rows - 3) / rows, rel=1e-8)


def test_a_w_that_the_cities_do_not_identify_has_a_note_and_no_weight():
    """Every other city alike: W x is x but for a factor, once the year effects are gone."""
    rng, n, t = np.random.default_rng(2), 11, 6
    graphs = {"ring": ring(n), "everybody": (1 - np.eye(n)) / (n - 1)}
    found = model_weights(rng.normal(size=(n, t)), rng.normal(size=(n, t, 1)), graphs).set_index(["w", "model"])
    assert "collinear" in found.loc[("everybody", "sdm"), "note"]
    assert np.isnan(found.loc[("everybody", "sdm"), "weight"])
    assert found["weight"].sum() == pytest.approx(1.0)
