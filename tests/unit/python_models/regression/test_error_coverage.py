"""Coverage of 95 % intervals of every kind of error, 200 panels each: `python -m pytest -m slow -s` shows the table."""

import numpy as np
import pytest
from spec_worlds import knn

from python_models.regression import Cluster, Conley, fit_factors, fit_panel, spatial_2sls, wild_score

N, T, RHO, DRAWS = 60, 6, 0.4, 200
W = knn(N)
SOLVE = np.linalg.inv(np.eye(N) - RHO * W.matrix.toarray())
POINTS = np.random.default_rng(1).random((N, 2))  # the points of `knn`
GROUP = np.arange(N) % 20


def world(seed, kind):
    """x and errors that last (`city`), or are shared by 20 groups (`group`) or by near cities (`near`)."""
    rng = np.random.default_rng(seed)

    def part():
        own, t = rng.normal(size=(N, T)), np.arange(T)
        if kind == "city":
            return own @ np.linalg.cholesky(0.7 ** np.abs(t[:, None] - t[None])).T
        shared = rng.normal(size=(20, T))[GROUP] if kind == "group" else NEAR @ rng.normal(size=(N, T))
        return np.sqrt(0.5) * (own + shared)

    x = part()
    y = SOLVE @ (x + 0.3 * W.lag(x) + part() + rng.normal(size=(N, 1)))
    return y, x[:, :, None]


DISTANCE = np.linalg.norm(POINTS[:, None] - POINTS[None], axis=2)
NEAR = np.exp(-((DISTANCE / 0.1) ** 2))
NEAR /= np.linalg.norm(NEAR, axis=1, keepdims=True)
FAR = Conley(POINTS, 0.3, 0, metric="euclidean")


def ml(cov):
    return lambda y, x: fit_panel(y, x, W, cov=cov)


def two_stage(cov):
    return lambda y, x: spatial_2sls(y, x, W, cov=cov)


KINDS = {  # error: panels, fit
    "ML, by city": ("city", ml("cluster")),
    "ML, by group": ("group", ml(Cluster(GROUP))),
    "ML, by group and year": ("group", ml(Cluster(GROUP, by_time=True))),
    "ML, Conley": ("near", ml(FAR)),
    "S2SLS, by city": ("city", two_stage("cluster")),
    "S2SLS, by group": ("group", two_stage(Cluster(GROUP))),
    "S2SLS, by group and year": ("group", two_stage(Cluster(GROUP, by_time=True))),
    "S2SLS, Conley": ("near", two_stage(FAR)),
    "factors, by city": ("city", lambda y, x: fit_factors(y, x, W, n_factors=0)),
    "factors, by group": ("group", lambda y, x: fit_factors(y, x, W, n_factors=0, cov=Cluster(GROUP))),
}


FLOOR = 0.87
# Where the intervals of rho fall short of it, as docs/scale.md says: ML takes errors that near cities share for a part
# of rho; 20 groups over six years, and few far places, leave the errors of two-stage least squares too small.
RHO_NOT_REACHED = {"ML, Conley", "S2SLS, by group and year", "S2SLS, Conley"}


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_intervals_hold_the_truth(name):
    kind, fit = KINDS[name]
    found = [fit(*world(seed, kind)) for seed in range(DRAWS)]
    at = found[0].names.index("rho")
    estimates = np.array([f.params[[0, at]] for f in found])
    se = np.array([np.sqrt(np.diag(f.cov))[[0, at]] for f in found])
    held = (np.abs(estimates - [1.0, RHO]) <= 1.96 * se).mean(axis=0)
    ratio = se.mean(axis=0) / estimates.std(axis=0)
    print(f"| {name} | {held[0]:.3f} | {held[1]:.3f} | {ratio[0]:.2f} | {ratio[1]:.2f} |", flush=True)
    assert held[0] >= FLOOR
    assert (held[1] >= FLOOR) == (name not in RHO_NOT_REACHED)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["ML", "S2SLS"])
def test_wild_scores_by_group_keep_their_size(name):
    rejected = []
    for seed in range(DRAWS):
        fit = (fit_panel if name == "ML" else spatial_2sls)(*world(seed, "group"), W)
        null = wild_score(fit, "x1", null=1.0, groups=GROUP, draws=199, rng=np.random.default_rng(seed))
        rejected.append(null.p <= 0.05)
    print(f"| {name}, wild scores by group: rejects a true slope | {np.mean(rejected):.3f} | | | |", flush=True)
    assert 0.01 <= np.mean(rejected) <= 0.13
