"""A spatial panel whose spillover of one variable is split over several matrices; effects are read off S.

    y_t = rho W y_t + beta x_t + sum_m theta_m M_m x_t + C_t c + W C_t d + mu + lambda_t 1 + e_t
    S = (I - rho W)^-1 (beta I + sum_m theta_m M_m)

Blocks, rings and borders are all this model with other matrices M_m, which are not re-normalised
(docs/formulas.md#influences).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Normal, Wald, normal, wald
from python_models.regression import CoreFit, PanelInputError, Robust, SpatialWeights, fit_panel, spatial_weights

Matrix = sp.spmatrix | sp.sparray | FloatArray
Functional = Callable[[FloatArray], FloatArray]


@dataclass(frozen=True, eq=False)
class Linear(Shown):
    """Numbers (m,) with their covariance (m, m), by the delta method."""

    point: FloatArray
    cov: FloatArray

    @property
    def std_error(self) -> FloatArray:
        return np.asarray(np.sqrt(np.maximum(np.diagonal(self.cov), 0.0)))

    def normal(self, level: float = 0.95) -> Normal:
        """z, p and limits of each number."""
        return normal(self.point, self.std_error, level)

    def combine(self, loadings: FloatArray) -> Linear:
        """loadings (q, m) times the numbers; for a smooth function its value comes separately (`replace`)."""
        return Linear(loadings @ self.point, loadings @ self.cov @ loadings.T)


@dataclass(frozen=True, eq=False)
class SpilloverFit(Shown):
    """The fit, its matrices by name, and where beta, the theta and rho stand among the parameters."""

    core: CoreFit
    weights: SpatialWeights
    matrices: dict[str, FloatArray]
    positions: dict[str, int]

    def theta(self) -> pd.DataFrame:
        """One row per matrix: name, theta, se, z, p, lower, upper (95 %)."""
        found = self.at(list(self.matrices))
        columns = found.normal().columns()
        return pd.DataFrame({"name": list(self.matrices), "theta": found.point, "se": found.std_error, **columns})

    def at(self, names: Sequence[str]) -> Linear:
        """The named parameters with their covariance."""
        at = [self.positions[name] for name in names]
        return Linear(self.core.params[at], self.core.cov[np.ix_(at, at)])

    def wald_equal(self, first: str, second: str) -> Wald:
        """Wald test of theta_first = theta_second, chi2(1)."""
        return self.wald([{first: 1.0, second: -1.0}])

    def wald(self, contrasts: Sequence[Mapping[str, float]]) -> Wald:
        """Wald test of R theta = 0, one mapping {name of a parameter: weight} a row of R (q, p); KeyError: no such."""
        return wald(self.core.params, self.core.cov, self.restriction(contrasts))

    def restriction(self, contrasts: Sequence[Mapping[str, float]]) -> FloatArray:
        """R (q, p) of the contrasts."""
        r = np.zeros((len(contrasts), len(self.core.params)))
        for row, contrast in zip(r, contrasts, strict=True):
            for name, weight in contrast.items():
                row[self.positions[name]] = weight
        return r

    def multiplier(self, params: FloatArray) -> FloatArray:
        """S (N, N) at a parameter vector."""
        return np.asarray(self._inverse(params) @ self._inner(params))

    def _inner(self, params: FloatArray) -> FloatArray:
        n = self.weights.n
        inner = params[self.positions["x"]] * np.eye(n) if "x" in self.positions else np.zeros((n, n))
        for name, matrix in self.matrices.items():
            inner += params[self.positions[name]] * matrix
        return inner

    def _inverse(self, params: FloatArray) -> FloatArray:
        """(I - rho W)^-1, dense."""
        n = self.weights.n
        rho = params[self.positions["rho"]] if "rho" in self.positions else 0.0
        return np.linalg.inv(np.eye(n) - rho * self.weights.matrix.toarray()) if rho != 0 else np.eye(n)

    def effects(self, functional: Functional) -> Linear:
        """`functional` (N, N) -> (m,), linear in S, at the estimate, with errors by the delta method.

        dS/dbeta = A, dS/dtheta_m = A M_m, dS/drho = A W S with A = (I - rho W)^-1.
        """
        params, inverse = self.core.params, self._inverse(self.core.params)
        s = inverse @ self._inner(params)
        parts = {"x": inverse} if "x" in self.positions else {}
        gradient = np.zeros((len(np.atleast_1d(functional(s))), len(params)))
        for name, part in parts.items():
            gradient[:, self.positions[name]] = functional(part)
        for name, matrix in self.matrices.items():
            gradient[:, self.positions[name]] = functional(inverse @ matrix)
        if "rho" in self.positions:
            gradient[:, self.positions["rho"]] = functional(inverse @ self.weights.lag(s))
        return Linear(functional(s), gradient @ self.core.cov @ gradient.T)


@aligned
def fit_spillover(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    matrices: Mapping[str, Matrix],
    controls: ArrayLike | None = None,
    *,
    with_lag: bool = True,
    with_own: bool = True,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
) -> SpilloverFit:
    """Fit the model of this module. y, x: (N, T); controls: (N, T, k), each also as W C; W row-normalised (N, N).

    with_lag=False leaves rho out (SLX); with_own=False leaves beta x out (own slopes by group are diagonal M_m).
    Errors are clustered by city unless `cov` says otherwise (see `fit_panel`).
    Raises PanelInputError in words; a matrix of another size or one that is all zero is named.

    >>> from python_models.influence import fit_spillover
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> fit = fit_spillover(y, x, W, {"near": W}, with_lag=False)
    >>> fit.core.params.round(1)[:2]
    array([2., 1.])
    """
    yy, xx = np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64)
    weights = spatial_weights(W)
    dense: dict[str, FloatArray] = {}
    for name, matrix in matrices.items():
        full = _dense(matrix)
        if full.shape != (weights.n, weights.n):
            raise PanelInputError(f"matrix '{name}' has shape {full.shape}, W is for {weights.n} cities.")
        if not full.any():
            raise PanelInputError(f"matrix '{name}' links no two cities: leave it out.")
        dense[name] = full
    columns, names = [m @ xx for m in dense.values()], list(dense)
    if with_own:
        columns, names = [xx, *columns], ["x", *names]
    if controls is not None:
        c = np.asarray(controls, dtype=np.float64)
        for k in range(c.shape[2]):
            columns += [c[:, :, k], weights.lag(c[:, :, k])]
            names += [f"control_{k + 1}", f"W:control_{k + 1}"]
    core = fit_panel(
        yy,
        np.stack(columns, axis=2),
        weights,
        model="sar" if with_lag else "ols",
        effects=effects,
        estimator=estimator,
        cov=cov,
        names=names,
    )
    return SpilloverFit(core, weights, dense, {name: core.names.index(name) for name in core.names})


def _dense(matrix: Any) -> FloatArray:
    return np.array(sp.csr_matrix(matrix, dtype=np.float64).todense())
