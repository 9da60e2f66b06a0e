"""Placebos: does the spillover need the true map, and does x come before y?

Relabelling W is the same as giving each city another one's data, so W and its log-determinant stay and only
cross-products are computed anew. docs/formulas.md#robustness.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Wald, normal, p_from_draws, wald
from python_models.influence.spillover import AnyWeights, control_planes, refuse_holes
from python_models.regression import CoreFit, PanelInputError, SpatialWeights, fit_panel, spatial_weights
from python_models.regression.convention import Convention, convention
from python_models.regression.design import make_design
from python_models.regression.estimators import Estimator
from python_models.regression.logdet import log_determinant
from python_models.tasks import parts, run_tasks

TERMS = ("theta", "indirect")
LEAD_LAG = ("x_lag", "x", "x_lead")


@dataclass(frozen=True, eq=False)
class LeadLag(Shown):
    """x of the year before, the same year and the year after in one model, each with its W x.

    fit : regressors x_lag, x, x_lead and the same with W, without the first and the last year.   leads, lags : Wald
    tests that the two slopes of the lead (of the lag) are zero, clustered by city. A lead that matters means that y
    moves before x does: x answers to y, or both to something else.
    """

    fit: CoreFit
    leads: Wald
    lags: Wald

    def to_frame(self) -> pd.DataFrame:
        """One row per term: term, coef, se, z, p, lower, upper."""
        se = np.sqrt(np.diagonal(self.fit.cov))
        at = [self.fit.names.index(f"{w}{name}") for name in LEAD_LAG for w in ("", "W:")]
        limits = normal(self.fit.params[at], se[at])
        terms = [self.fit.names[i] for i in at]
        return pd.DataFrame({"term": terms, "coef": self.fit.params[at], "se": se[at], **limits.columns()}).assign(
            p_leads=self.leads.p, p_lags=self.lags.p
        )


@aligned
def lead_lag(y: ArrayLike, x: ArrayLike, W: AnyWeights, controls: ArrayLike | None = None, **options: Any) -> LeadLag:
    """Does x come before y: SDM on x of the year before, of the year and of the year after.

    Parameters
    ----------
    y, x, W, controls : as in `fit_spillover`
    **options : effects, estimator, cov
        As in `fit_panel`; cov is by city by default.

    Returns
    -------
    LeadLag
        Slopes of x_(t-1), x_t, x_(t+1) and of their W x.

    Raises
    ------
    PanelInputError
        Fewer than five years.

    Notes
    -----
    Replacing x_t by x_(t+1) is no placebo where x lasts: the lead stands in for x itself. In one model it cannot.

    Examples
    --------
    >>> from python_models.influence import lead_lag
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> lead_lag(y, x, W).to_frame().shape
    (6, 9)
    """
    yy, xx = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if xx.ndim != 2 or xx.shape[1] < 5:
        raise PanelInputError(f"leads and lags beside x need five years or more, got shape {xx.shape}.")
    planes = dict(zip(LEAD_LAG, (xx[:, :-2], xx[:, 1:-1], xx[:, 2:]), strict=True))
    planes |= {name: plane[:, 1:-1] for name, plane in control_planes(controls).items()}
    x_all = np.stack(list(planes.values()), axis=2)
    fit = fit_panel(yy[:, 1:-1], x_all, spatial_weights(W), names=list(planes), **{"cov": "cluster", **options})

    def test(name: str) -> Wald:
        at = [fit.names.index(name), fit.names.index(f"W:{name}")]
        return wald(fit.params[at], fit.cov[np.ix_(at, at)])

    return LeadLag(fit, test("x_lead"), test("x_lag"))


@dataclass(frozen=True, eq=False)
class Placebo(Shown):
    """actual (3,): theta, indirect effect of x, rho with the true W and years; draws (B, 3): the same under placebos.

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
        ids = np.arange(len(rows))
        values = dict(zip(("theta", "indirect", "rho"), rows.T, strict=True))
        return pd.DataFrame({"draw_id": ids, "is_actual": ids == 0, **values})

    def summary(self) -> pd.DataFrame:
        """theta and indirect: actual, mean, 2.5 and 97.5 % points, covers_zero, p, number B of draws with an estimate.

        p = (1 + #{|draw| >= |actual|}) / (B + 1).
        """
        rows = []
        for at, term in enumerate(TERMS):
            values = self.draws[:, at][~np.isnan(self.draws[:, at])]
            low, high = np.quantile(values, [0.025, 0.975])
            p = p_from_draws(np.abs(values), abs(float(self.actual[at])))
            rows.append((term, self.actual[at], values.mean(), low, high, bool(low <= 0 <= high), p, len(values)))
        names = ["term", "actual", "mean_draws", "lower", "upper", "covers_zero", "p", "n_draws"]
        return pd.DataFrame(rows, columns=names)


@aligned
def placebo_weights(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    controls: ArrayLike | None = None,
    *,
    draws: int = 999,
    seed: int,
    **more: Any,
) -> Placebo:
    """SDM under relabellings of the cities in W: does the spillover need the true map?

    Parameters
    ----------
    y, x, W, controls : as in `fit_spillover`
    draws : int
        Relabellings.
    seed : int
        Draw b has a stream of its own, SeedSequence(seed).spawn(draws)[b]: it does not matter where it is computed.
    **more : effects, estimator, client, workers
        The first two as in `fit_panel`, the others as in `python_models.tasks.run_tasks`.

    Returns
    -------
    Placebo
        Estimates of the draws and p of the true map.

    Raises
    ------
    PanelInputError
        The model under the true W is refused, or every draw is.

    Examples
    --------
    >>> from python_models.influence import placebo_weights
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> placebo_weights(y, x, W, draws=19, seed=1).to_frame().shape
    (20, 5)
    """
    return _placebo(y, x, W, controls, draws, seed, **more)


def _placebo(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    controls: ArrayLike | None,
    draws: int,
    seed: int,
    *,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    **where: Any,
) -> Placebo:
    if draws < 19:
        raise PanelInputError(f"a placebo needs at least 19 draws for a p of 5 %, got {draws}.")
    yy, xx = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)[:, :, None]
    if controls is not None:
        xx = np.concatenate([xx, np.asarray(controls, dtype=np.float64)], axis=2)
    refuse_holes(yy, "y")
    refuse_holes(xx, "x or controls")
    weights = spatial_weights(W)
    if not weights.is_row_normalised:
        raise PanelInputError("the placebo needs rows of W that sum to one: its effects use W1 = 1.")
    conv = convention(model="sdm", effects=effects, estimator=estimator, n=len(yy), t=yy.shape[1], W=weights)
    actual = _estimate(yy, xx, weights, conv)
    streams = np.random.SeedSequence(seed).spawn(draws)
    tasks = [partial(_draws, yy, xx, weights, conv, part) for part in parts(streams)]
    values = np.concatenate(run_tasks(tasks, **where))
    if np.isnan(values[:, 0]).all():
        raise PanelInputError("no placebo lets the model be estimated.")
    return Placebo(actual, values, seed)


def _draws(
    y: FloatArray, x: FloatArray, weights: SpatialWeights, conv: Convention, streams: Sequence[np.random.SeedSequence]
) -> FloatArray:
    rows = []
    for stream in streams:
        order = np.random.default_rng(stream).permutation(len(y))  # the city at place i has the data of order[i]
        try:
            rows.append(_estimate(y[order], x[order], weights, conv))
        except PanelInputError:
            rows.append(np.full(3, np.nan))
    return np.array(rows)


def _estimate(y: FloatArray, x: FloatArray, weights: SpatialWeights, conv: Convention) -> FloatArray:
    """theta, indirect effect of the first regressor and rho."""
    k = x.shape[2]
    names = [f"x{j}" for j in range(k)]
    design = make_design(y, x, weights, conv, names=names, lagged=range(k))
    point, _ = Estimator.of(design, conv, weights).maximum(design.ys)
    rho = point.rho
    trace = -float(log_determinant(weights).derivatives(rho, near=rho)[1]) / weights.n  # tr G / n
    beta, theta = float(point.slopes[0]), float(point.slopes[k])
    total, direct = (beta + theta) / (1.0 - rho), beta * (1.0 + rho * trace) + theta * trace
    return np.array([theta, total - direct, rho])
