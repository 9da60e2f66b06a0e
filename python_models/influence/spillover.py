"""A spatial panel whose spillover of one variable is split over several matrices; effects are read off S.

    y_t = rho W y_t + beta x_t + sum_m theta_m M_m x_t + C_t c + W C_t d + mu + lambda_t 1 + e_t
    S = (I - rho W)^-1 (beta I + sum_m theta_m M_m)

Blocks, rings and borders are all this model with other matrices M_m, not re-normalised (docs/formulas.md#influences).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
import scipy.sparse as sp

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Normal, Wald, normal, wald
from python_models.regression import CoreFit, PanelInputError, Robust, SpatialWeights, fit_panel, spatial_weights

Matrix = sp.spmatrix | sp.sparray | FloatArray
type AnyWeights = Matrix | SpatialWeights


@dataclass(frozen=True, eq=False)
class Linear(Shown):
    """Numbers (m,) with their covariance (m, m), by the delta method."""

    point: FloatArray
    cov: FloatArray

    @property
    def std_error(self) -> FloatArray:
        return np.asarray(np.sqrt(np.maximum(np.diagonal(self.cov), 0.0)))

    def normal(self) -> Normal:
        """z, p and 95 % limits of each number."""
        return normal(self.point, self.std_error)

    def combine(self, loadings: FloatArray) -> Linear:
        """loadings (q, m) times the numbers."""
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
        theta, names = self.at(list(self.matrices)), list(self.matrices)
        return pd.DataFrame({"name": names, "theta": theta.point, "se": theta.std_error, **theta.normal().columns()})

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
        n = self.weights.n
        rho = params[self.positions["rho"]] if "rho" in self.positions else 0.0
        return np.linalg.inv(np.eye(n) - rho * self.weights.matrix.toarray()) if rho != 0 else np.eye(n)

    def effects(self, functional: Callable[[FloatArray], FloatArray]) -> Linear:
        """`functional` (N, N) -> (m,), linear in S, at the estimate, with errors by the delta method.

        dS/dbeta = A, dS/dtheta_m = A M_m, dS/drho = A W S with A = (I - rho W)^-1.
        """
        params, inverse = self.core.params, self._inverse(self.core.params)
        s = inverse @ self._inner(params)
        parts = {name: inverse @ matrix for name, matrix in self.matrices.items()}
        if "x" in self.positions:
            parts["x"] = inverse
        if "rho" in self.positions:
            parts["rho"] = inverse @ self.weights.lag(s)
        point = functional(s)
        gradient = np.zeros((len(np.atleast_1d(point)), len(params)))
        for name, part in parts.items():
            gradient[:, self.positions[name]] = functional(part)
        return Linear(point, gradient @ self.core.cov @ gradient.T)


@aligned
def fit_spillover(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    matrices: Mapping[str, Matrix],
    controls: ArrayLike | None = None,
    *,
    own_controls: ArrayLike | None = None,
    with_lag: bool = True,
    with_own: bool = True,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
) -> SpilloverFit:
    """Spatial panel model whose spillover of x is split over several matrices (docs/formulas.md#influences).

    Parameters
    ----------
    y, x : (N, T) array or frame
        Outcome and explanatory variable.
    W : weights (N, N)
        Row-normalised; row i receives.
    matrices : mapping of (N, N) arrays or masks
        M_m by name, not normalised again.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    own_controls : (N, T, k) array, optional
        Further regressors without W times them.
    with_lag : bool
        Whether rho W y is in the model; without it SLX.
    with_own : bool
        Whether beta x is in the model; slopes by group are diagonal M_m without it.
    effects, estimator, cov : str
        As in `fit_panel`; errors are clustered by city unless `cov` says otherwise.

    Returns
    -------
    SpilloverFit
        The fit, and effects read off S.

    Raises
    ------
    PanelInputError
        As `fit_panel`; a matrix of another size or one that is all zero, by its name.

    Examples
    --------
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
        full = np.array(sp.csr_matrix(cast("Any", matrix), dtype=np.float64).todense())
        if full.shape != (weights.n, weights.n):
            raise PanelInputError(f"matrix '{name}' has shape {full.shape}, W is for {weights.n} cities.")
        if not full.any():
            raise PanelInputError(f"matrix '{name}' links no two cities: leave it out.")
        dense[name] = full
    planes = {"x": xx} if with_own else {}
    planes |= {name: m @ xx for name, m in dense.items()}
    planes |= control_planes(controls, weights)
    planes |= {f"own_{name}": plane for name, plane in control_planes(own_controls).items()}
    core = fit_panel(
        yy,
        np.stack(list(planes.values()), axis=2),
        weights,
        model="sar" if with_lag else "ols",
        effects=effects,
        estimator=estimator,
        cov=cov,
        names=list(planes),
    )
    return SpilloverFit(core, weights, dense, {name: core.names.index(name) for name in core.names})


def control_planes(controls: ArrayLike | None, weights: SpatialWeights | None = None) -> dict[str, FloatArray]:
    """control_1, control_2, .. of controls (N, T, k); with `weights` each is followed by W times it."""
    planes: dict[str, FloatArray] = {}
    if controls is not None:
        for k, plane in enumerate(np.moveaxis(np.asarray(controls, dtype=np.float64), 2, 0), start=1):
            planes[f"control_{k}"] = plane
            if weights is not None:
                planes[f"W:control_{k}"] = weights.lag(plane)
    return planes


def refuse_holes(values: FloatArray, what: str) -> None:
    """PanelInputError that names the first place (city, year) with a missing or infinite value."""
    if not np.isfinite(values).all():
        place = tuple(int(i) for i in np.argwhere(~np.isfinite(values))[0])
        raise PanelInputError(f"{what} holds a missing or infinite value at {place} (city, year).")
