"""Errors that allow related errors: by definition in loops, other programs' numbers, invariances, simulated spread."""

import itertools
import json

import numpy as np
import pandas as pd
import pytest
from checks import panel_refused
from golden import cases
from shared_files import oracle_files

from python_models.regression import Cluster, Conley, DriscollKraay, SpatialPanel, average_effects, fit_panel
from python_models.regression.covariance import Rows, city_influences, freed, meat, score_rows
from python_models.regression.multiplier import MatrixMultiplier
from python_models.regression.within import within
from tests.random_graph import random_knn_weights

N, T = 60, 7
W = random_knn_weights(N, 5, rng=np.random.default_rng(1))
POINTS = np.random.default_rng(2).uniform(0, 10, (N, 2))
GROUP = np.arange(N) % 7


def panel(seed, rho=0.3, n=N, w=W):
    """Errors that last and are the larger the larger the city's own spread of x is."""
    rng = np.random.default_rng(seed)
    size = np.exp(0.5 * rng.normal(size=(n, 1)))
    x, e = size * rng.normal(size=(n, T)).cumsum(axis=1), np.empty((n, T))
    e[:, 0] = rng.normal(size=n)
    for t in range(1, T):
        e[:, t] = 0.7 * e[:, t - 1] + rng.normal(size=n)
    return np.linalg.solve(np.eye(n) - rho * w, x + size * e), x


def errors(fit):
    return np.sqrt(np.diag(fit.cov))


def fitted(y, x, cov="cluster", **options):
    return fit_panel(y, x[:, :, None], W, cov=cov, **options)


KINDS = {
    "iid": "info",
    "cl_unit": Cluster(correction="none"),
    "two_way": Cluster(by_time=True, correction="none"),
    "two_way_G": Cluster(by_time=True, correction="groups"),
    **{f"DK{lag}": DriscollKraay(lag, is_scaled=False) for lag in (1, 2, 3)},
}
COMPLETE = (np.ones((48, 48)) - np.eye(48)) / 47  # least squares does not use it


@pytest.fixture(scope="module")
def munnell():
    return cases.expected("munnell", "errors"), *cases.munnell()[:2]


@pytest.mark.parametrize("key", KINDS)
def test_least_squares_errors_are_those_of_fixest_and_linearmodels(munnell, key):
    told, y, x = munnell
    fit = fit_panel(y, x, COMPLETE, model="ols", cov=KINDS[key])
    assert fit.params[:4] == pytest.approx(told["coef"], rel=1e-9)
    assert errors(fit)[:4] == pytest.approx(told[key], rel=1e-9)


@pytest.mark.parametrize("lag", [0, 2])
@pytest.mark.parametrize("kernel", ["bartlett", "uniform"])
@pytest.mark.parametrize("cutoff", [300, 680])
def test_conley_errors_are_those_of_conleyreg(cutoff, kernel, lag):
    """The centres of the states come with R: only where the answers are at hand; the definition is tested below."""
    folder = oracle_files()
    told = json.loads((folder / "se_munnell.json").read_text(encoding="utf-8"))["expected"]
    d = pd.read_csv(folder / "data" / "munnell_xy.csv").sort_values(["state", "year"])
    points = d.drop_duplicates("state")[["lon", "lat"]].to_numpy()
    earth = 6371.0088 / 6371.01  # conleyreg takes another radius
    kind = Conley(points, cutoff * earth, lag, kernel, correction="none")
    fit = fit_panel(*cases.munnell()[:2], COMPLETE, model="ols", cov=kind)
    want = told[f"conley_{cutoff}_{kernel}_{lag}"]
    assert errors(fit)[:4] == pytest.approx([want[term] for term in ("lpcap", "lpc", "lemp", "unemp")], rel=1e-9)


def looped(x, a, g, e, s2, kernel):
    """S of one regressor and one spatial parameter from its definition: every pair of rows by itself."""
    n, t = e.shape
    b = (g + g.T) / 2
    own = np.stack([x * e, a * e + np.diag(b)[:, None] * (e**2 - s2)], axis=2) / s2
    q = e * (b @ e - np.diag(b)[:, None] * e) / s2
    both = own + np.stack([0 * q, q], axis=2)
    total = np.zeros((2, 2))
    for i, h in itertools.product(range(n), repeat=2):
        for r, s in itertools.product(range(t), repeat=2):
            total += kernel(i, h, r, s) * np.outer(both[i, r], both[h, s])
        if i != h:
            total[1, 1] += (1 - kernel(i, h, 0, 0)) * (b[i, h] * (e[i] @ e[h]) / s2) ** 2
    return total


@pytest.mark.parametrize(
    ("kind", "kernel"),
    [
        (Cluster(np.arange(8) // 3, correction="none"), lambda i, h, r, s: float(i // 3 == h // 3)),
        (
            Conley(np.c_[np.arange(8.0), np.zeros(8)], 2.5, 1, metric="euclidean", correction="none"),
            lambda i, h, r, s: max(0.0, 1 - abs(i - h) / 2.5) * (r == s) + 0.5 * (i == h) * (abs(r - s) == 1),
        ),
        (  # pairs exactly at the cutoff are inside
            Conley(np.c_[np.arange(8) // 2 * 1.0, np.zeros(8)], 1.0, 0, "uniform", "euclidean", correction="none"),
            lambda i, h, r, s: float(abs(i // 2 - h // 2) <= 1 and r == s),
        ),
    ],
)
def test_scores_and_pairs_equal_their_definition(kind, kernel):
    rng = np.random.default_rng(5)
    e, x, a = (within(v, "entity") for v in rng.normal(size=(3, 8, 4)))
    g, s2 = rng.normal(size=(8, 8)) / 8, 0.8
    options = {"is_centred": False, "share": 1.0, "correction": "none"}
    scores = score_rows(x[:, :, None], [a], [MatrixMultiplier(g)], e, s2, Rows.balanced(8, 4), **options)
    assert meat(scores, kind, dof=10)[:2, :2] == pytest.approx(looped(x, a, g, e, s2, kernel), rel=1e-9)


def test_rows_of_an_unbalanced_stack_give_the_same_as_the_balanced_panel():
    """The same scores as one long column of rows with city and year codes: what holes in a panel need."""
    rng, rows = np.random.default_rng(6), Rows.balanced(6, 3)
    e, x, a = rng.normal(size=(3, 6, 3))
    g, bread = rng.normal(size=(6, 6)) / 6, np.eye(3)
    options = {"is_centred": False, "share": 1.0, "correction": "jackknife"}
    plane = score_rows(x[:, :, None], [a], [MatrixMultiplier(g)], e, 1.0, rows, **options)
    block = MatrixMultiplier(np.kron(g, np.eye(3)))  # rows city by city: only the same year is linked
    long, left, errors_ = x.reshape(18, 1, 1), a.reshape(18, 1), e.reshape(18, 1)
    stack = score_rows(long, [left], [block], errors_, 1.0, rows, **options)
    assert city_influences(stack, bread) == pytest.approx(city_influences(plane, bread))
    for kind in (Cluster(np.arange(6) % 2), Cluster(by_time=True), Cluster(np.arange(6) % 2, by_time=True)):
        assert meat(stack, kind, dof=5) == pytest.approx(meat(plane, kind, dof=5)), kind


def slx_parts(x):
    """Demeaned x and W x (N, T, 2), and the inverse of their cross-product."""
    z = within(np.stack([x, W @ x], axis=2), "twoways")
    return z, np.linalg.inv(np.einsum("itk,itl->kl", z, z))


@pytest.mark.parametrize(
    ("k", "size"), [(1, 10.0), (5, 4.0), (12, 4.0)], ids=["fewer columns than years", "as many", "more"]
)
def test_residuals_free_of_the_city_are_those_of_its_own_years_solved(k, size):
    rng = np.random.default_rng(k)
    unit = np.repeat(np.arange(20), rng.permutation(np.arange(20) % 4 + 2))  # two to five years a city
    z, e = rng.normal(size=(len(unit), k)), rng.normal(size=len(unit))
    z[unit == 7] *= size
    hat, expected = z @ np.linalg.solve(z.T @ z, z.T), np.empty_like(e)
    assert 0.55 < np.linalg.eigvalsh(hat[np.ix_(unit == 7, unit == 7)]).max() < 0.93  # much pull, below the cap
    for city in range(20):
        at = unit == city
        expected[at] = np.linalg.solve(np.eye(at.sum()) - hat[np.ix_(at, at)], e[at])
    mixed = rng.permutation(len(unit))
    rows = Rows(unit[mixed], np.arange(len(unit)), 20)
    assert freed([z[mixed, :1], z[mixed, 1:]], e[mixed], rows) == pytest.approx(expected[mixed], rel=1e-9)


def test_least_squares_give_the_jackknife_over_cities():
    y, x = panel(0)
    fit, (z, bread) = fitted(y, x, model="slx"), slx_parts(x)
    alone = [np.linalg.solve(np.eye(T) - zi @ bread @ zi.T, e) for zi, e in zip(z, fit.residuals, strict=True)]
    scores = np.einsum("itk,it->ik", z, np.array(alone))
    scores = scores - scores.mean(axis=0)
    assert fit.cov[:2, :2] == pytest.approx(bread @ scores.T @ scores @ bread, rel=1e-8)


def test_clustered_by_city_is_the_default_and_the_cross_product_of_what_cities_add():
    y, x = panel(1)
    fit = fit_panel(y, x[:, :, None], W)
    assert (fit.cov_type, fit.influence.shape) == ("cluster", (2 * N, len(fit.params)))
    assert fit.influence.sum(axis=0) == pytest.approx(0.0, abs=1e-9)
    assert fit.cov == pytest.approx(fit.influence.T @ fit.influence, rel=1e-12)
    assert fitted(y, x, "info").influence is None


def test_special_cases_meet():
    y, x = panel(3)
    city, each = (fitted(y, x, Cluster(groups, correction="groups")) for groups in (None, np.arange(N)))
    assert errors(each) == pytest.approx(errors(city), rel=0.25)  # the products of own and pairs are noise
    reach = {r: Conley(POINTS, r, 0, "uniform", "euclidean", "none") for r in (1e-6, 1e6)}
    white, wide, dk = (fitted(y, x, c, model="slx") for c in (*reach.values(), DriscollKraay(0, is_scaled=False)))
    # no near city and no lag: White's errors; all cities near: Driscoll and Kraay's without lags
    z, bread = slx_parts(x)
    scores = (z * white.residuals[:, :, None]).reshape(-1, 2)
    assert white.cov[:2, :2] == pytest.approx(bread @ scores.T @ scores @ bread, rel=1e-9)
    assert wide.cov[:2, :2] == pytest.approx(dk.cov[:2, :2], rel=1e-9)


@pytest.mark.parametrize("cov", ["cluster", Cluster(GROUP)], ids=["city", "group"])
def test_many_cities_have_clustered_errors_close_to_the_exact_ones(cov, monkeypatch):
    """Above 1,000 cities G is not kept: solves, probes for its diagonal; nothing is refused."""
    y, x = panel(4)
    exact = errors(fitted(y, x, cov))[:3]
    monkeypatch.setattr("python_models.regression.multiplier.DENSE_LIMIT", 10)
    assert errors(fitted(y, x, cov))[:3] == pytest.approx(exact, rel=0.02)


def test_labels_of_clusters_and_points_are_matched_with_the_panel():
    y, x = panel(7)
    cities = [f"C{i:02d}" for i in range(N)]
    y_frame, x_frame, graph = pd.DataFrame(y, cities), pd.DataFrame(x, cities), pd.DataFrame(W, cities, cities)
    model = SpatialPanel(y_frame, {"x": x_frame}, graph)
    shuffled = np.random.default_rng(1).permutation(N)
    group, points = pd.Series(GROUP, cities).iloc[shuffled], pd.DataFrame(POINTS, cities).iloc[shuffled]
    assert model.fit(Cluster(group)).cov.to_numpy() == pytest.approx(fitted(y, x, Cluster(GROUP)).cov)
    far, same = (Conley(p, 2.0, metric="euclidean") for p in (points, POINTS))
    assert model.fit(far).cov.to_numpy() == pytest.approx(fitted(y, x, same).cov)
    assert model.fit().core.cov_type == "cluster"


def test_intervals_and_p_of_effects_come_from_one_method():
    fit = fitted(*panel(8))
    simulated = average_effects(fit, method="simulation", draws=999, rng=np.random.default_rng(1))
    for found in (average_effects(fit), simulated):
        assert ((found.p < 0.05) == ((found.lower > 0) | (found.upper < 0))).all()
    assert simulated.p.min() >= 2 / 1000


def test_bad_requests_are_said_in_words():
    y, x = panel(9)
    panel_refused("two groups or more", fitted, y, x, Cluster(np.zeros(N)))
    panel_refused("one label a city", fitted, y, x, Cluster(np.arange(3)))
    panel_refused("no cluster label", fitted, y, x, Cluster([None] * N))
    panel_refused("correction must be", fitted, y, x, Cluster(correction="half"))
    panel_refused("two known coordinates", fitted, y, x, Conley(POINTS[:3], 1.0))
    panel_refused("cutoff above 0", fitted, y, x, Conley(POINTS, 0.0))
    panel_refused("kernel must be", fitted, y, x, Conley(POINTS, 1.0, kernel="round"))
    panel_refused("cov must be one of", fitted, y, x, "white")
    panel_refused("needs `rng`", fitted, y, x, "block_bootstrap")
