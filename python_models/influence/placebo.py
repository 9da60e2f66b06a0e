"""Placebo weights: does the spillover need the true map, or would any relabelling of the cities in W give it?

A relabelling P W P' keeps eigenvalues, so one log-determinant serves every draw; relabelling W is the same as giving
each city another one's data, so W stays as it is and only cross-products are made anew. METHODS 7.12.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from python_models._types import ArrayLike, FloatArray
from python_models.influence.spillover import Matrix
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.convention import Convention, convention
from python_models.regression.design import make_design
from python_models.regression.estimators import Estimator
from python_models.regression.logdet import log_determinant

CHUNK = 37  # draws a task
TERMS = ("theta", "indirect")


@dataclass(frozen=True, eq=False)
class Placebo:
    """actual (3,): theta, indirect effect of x, rho under the true W; draws (B, 3): the same under relabellings.

    A draw whose rho runs to the bound of its range has no estimate: NaN.
    """

    actual: FloatArray
    draws: FloatArray
    seed: int

    @property
    def n_refused(self) -> int:
        return int(np.isnan(self.draws[:, 0]).sum())

    def to_frame(self) -> pd.DataFrame:
        """One row a draw, number 0 with is_actual for the true W: draw_id, is_actual, theta, indirect, rho."""
        rows = np.vstack([self.actual, self.draws])
        frame = pd.DataFrame(rows, columns=["theta", "indirect", "rho"])
        frame.insert(0, "draw_id", np.arange(len(rows)))
        frame.insert(1, "is_actual", frame["draw_id"] == 0)
        return frame

    def summary(self) -> pd.DataFrame:
        """theta and indirect: actual, mean, 2.5 and 97.5 % points, covers_zero, p, number B of draws with an estimate.

        p = (1 + #{|draw| >= |actual|}) / (B + 1).
        """
        rows = []
        for at, term in enumerate(TERMS):
            values = self.draws[:, at][~np.isnan(self.draws[:, at])]
            low, high = np.quantile(values, [0.025, 0.975])
            p = (1 + int((np.abs(values) >= abs(self.actual[at])).sum())) / (len(values) + 1)
            rows.append((term, self.actual[at], values.mean(), low, high, bool(low <= 0 <= high), p, len(values)))
        names = ["term", "actual", "mean_draws", "lower", "upper", "covers_zero", "p", "n_draws"]
        return pd.DataFrame(rows, columns=names)


def placebo_weights(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    controls: ArrayLike | None = None,
    *,
    draws: int = 999,
    seed: int,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    n_jobs: int | None = None,
) -> Placebo:
    """SDM of y (N, T) on x (N, T) and controls (N, T, k) under `draws` relabellings of the cities in W (N, N).

    Draw b has its own stream, SeedSequence(seed).spawn(draws)[b]: neither the number of workers nor the backend changes
    a number. `n_jobs` None follows the surrounding `joblib.parallel_config` (one process without it; "dask" sends the
    draws to a cluster). Raises PanelInputError when the model under the true W is refused, or every draw is.
    """
    if draws < 19:
        raise PanelInputError(f"a placebo needs at least 19 draws for a p of 5 %, got {draws}.")
    yy, xx = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)[:, :, None]
    if controls is not None:
        xx = np.concatenate([xx, np.asarray(controls, dtype=np.float64)], axis=2)
    for what, values in (("y", yy), ("x or controls", xx)):
        if not np.isfinite(values).all():
            place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
            raise PanelInputError(f"{what} holds a missing or infinite value at {place} (city, year).")
    weights = spatial_weights(W)
    if not weights.is_row_normalised:
        raise PanelInputError("the placebo needs rows of W that sum to one: its effects use W1 = 1.")
    conv = convention(model="sdm", effects=effects, estimator=estimator, n=len(yy), t=yy.shape[1], weights=weights)
    actual = _estimate(yy, xx, weights, conv, np.arange(len(yy)))
    streams = np.random.SeedSequence(seed).spawn(draws)
    tasks = [streams[start : start + CHUNK] for start in range(0, draws, CHUNK)]
    done = Parallel(n_jobs=n_jobs)(delayed(_chunk)(yy, xx, weights, conv, task) for task in tasks)
    values = np.concatenate(done)
    if np.isnan(values[:, 0]).all():
        raise PanelInputError("no relabelling of W lets the model be estimated.")
    return Placebo(actual, values, seed)


def _chunk(
    y: FloatArray, x: FloatArray, weights: SpatialWeights, conv: Convention, streams: Sequence[np.random.SeedSequence]
) -> FloatArray:
    rows = []
    for stream in streams:
        order = np.random.default_rng(stream).permutation(len(y))
        try:
            rows.append(_estimate(y, x, weights, conv, order))
        except PanelInputError:
            rows.append(np.full(3, np.nan))
    return np.array(rows)


def _estimate(y: FloatArray, x: FloatArray, weights: SpatialWeights, conv: Convention, order: np.ndarray) -> FloatArray:
    """theta, indirect effect of the first regressor and rho, the city at place i having the data of order[i]."""
    k = x.shape[2]
    names = [f"x{j}" for j in range(k)]
    design = make_design(y[order], x[order], weights, conv, names=names, lagged=range(k))
    point, _ = Estimator.of(design, conv, weights).maximum(design.ys)
    rho = point.rho
    trace = -float(log_determinant(weights).derivatives(rho, near=rho)[1]) / weights.n  # tr G / n
    beta, theta = float(point.slopes[0]), float(point.slopes[k])
    total, direct = (beta + theta) / (1.0 - rho), beta * (1.0 + rho * trace) + theta * trace
    return np.array([theta, total - direct, rho])
