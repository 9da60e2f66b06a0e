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
from numpy.polynomial.chebyshev import chebvander
from scipy import stats

from python_models._types import ArrayLike, FloatArray
from python_models.regression import CoreFit, PanelInputError, SpatialWeights, fit_panel, spatial_weights

Matrix = sp.spmatrix | sp.sparray | FloatArray
Functional = Callable[[FloatArray], FloatArray]
MAX_REDRAWS = 20
NODES, TAIL = (12, 24, 48), 1e-10  # Chebyshev nodes in rho; what the last coefficients may be


@dataclass(frozen=True, eq=False)
class SpilloverFit:
    """The fit, its matrices by name, and where beta, the theta and rho stand among the parameters."""

    core: CoreFit
    weights: SpatialWeights
    matrices: dict[str, FloatArray]
    positions: dict[str, int]

    def theta(self) -> pd.DataFrame:
        """One row per matrix: name, theta, se, z, p, lower, upper (95 %)."""
        at = [self.positions[name] for name in self.matrices]
        coef, se = self.core.params[at], np.sqrt(np.diag(self.core.cov)[at])
        return _estimates(list(self.matrices), coef, se)

    def wald_equal(self, first: str, second: str) -> tuple[float, float]:
        """(statistic, p) of theta_first = theta_second, chi2(1)."""
        i, j = self.positions[first], self.positions[second]
        v = self.core.cov
        gap = self.core.params[i] - self.core.params[j]
        statistic = float(gap**2 / (v[i, i] + v[j, j] - 2 * v[i, j]))
        return statistic, float(stats.chi2.sf(statistic, 1))

    def wald(self, contrasts: Sequence[Mapping[str, float]]) -> tuple[float, int]:
        """(Wald, q) of R theta = 0, one mapping {name of a parameter: weight} a row of R (q, p); KeyError: no such."""
        r = np.zeros((len(contrasts), len(self.core.params)))
        for row, contrast in zip(r, contrasts, strict=True):
            for name, weight in contrast.items():
                row[self.positions[name]] = weight
        gap = r @ self.core.params
        return float(gap @ np.linalg.solve(r @ self.core.cov @ r.T, gap)), len(r)

    def multiplier(self, params: FloatArray) -> FloatArray:
        """S (N, N) at a parameter vector."""
        n = self.weights.n
        inner = params[self.positions["x"]] * np.eye(n) if "x" in self.positions else np.zeros((n, n))
        for name, matrix in self.matrices.items():
            inner += params[self.positions[name]] * matrix
        rho = params[self.positions["rho"]] if "rho" in self.positions else 0.0
        if rho == 0:
            return np.asarray(inner)
        return np.asarray(np.linalg.solve(np.eye(n) - rho * self.weights.matrix.toarray(), inner))

    def simulate(
        self, functional: Functional, *, draws: int, rng: np.random.Generator, finish: Functional | None = None
    ) -> Simulated:
        """`functional` of S at the estimate and at draws from N(params, cov); unstable draws are drawn again.

        functional: (N, N) -> (m,), linear in S: S is linear in beta and theta, so only its curve in rho is needed, and
        that is read off few values of rho (Chebyshev, to 1e-10). finish: what is made of (m,) afterwards, not linear.
        """
        params, rejected = self._draws(draws, rng)
        done = finish or (lambda values: values)
        at = [self.positions[name] for name in self._slopes]
        curve = self._curve(functional, params)
        values = np.einsum("bk,bkm->bm", params[:, at], curve)
        point = functional(self.multiplier(self.core.params))
        return Simulated(done(point), np.array([done(row) for row in values]), rejected / (rejected + draws))

    @property
    def _slopes(self) -> list[str]:
        return [*(["x"] if "x" in self.positions else []), *self.matrices]

    def _draws(self, draws: int, rng: np.random.Generator) -> tuple[FloatArray, int]:
        """`draws` stable draws of the parameters and how many were not."""
        root = np.linalg.cholesky(_near_definite(self.core.cov))
        kept: list[FloatArray] = []
        rejected = 0
        while len(kept) < draws:
            params = self.core.params + root @ rng.standard_normal(len(root))
            if "rho" in self.positions and not self._is_stable(params[self.positions["rho"]]):
                rejected += 1
                if rejected > MAX_REDRAWS * draws:
                    raise PanelInputError("almost every draw of rho is unstable: the estimate stands at its bound.")
                continue
            kept.append(params)
        return np.array(kept), rejected

    def _curve(self, functional: Functional, params: FloatArray) -> FloatArray:
        """`functional` of (I - rho W)^-1 M for each slope's matrix M at the rho of each draw, (B, k, m)."""
        if "rho" not in self.positions:
            return np.repeat(self._parts(functional, 0.0)[None], len(params), axis=0)
        rho = params[:, self.positions["rho"]]
        low, high = float(rho.min()), float(rho.max())
        half = max((high - low) / 2.0, 1e-12)
        for size in NODES:
            nodes = np.cos(np.pi * (np.arange(size) + 0.5) / size)
            found = np.stack([self._parts(functional, low + half * (1.0 + t)) for t in nodes])
            coef = np.linalg.solve(chebvander(nodes, size - 1), found.reshape(size, -1))
            if np.abs(coef[-2:]).max() <= TAIL * np.abs(coef).max():
                break
        else:  # rho is drawn close to its bound: one inverse a draw
            return np.stack([self._parts(functional, float(r)) for r in rho])
        read = chebvander((rho - low) / half - 1.0, len(coef) - 1) @ coef
        return read.reshape(len(rho), *found.shape[1:])

    def _parts(self, functional: Functional, rho: float) -> FloatArray:
        """(k, m) at one rho."""
        n = self.weights.n
        inverse = np.eye(n)
        if rho != 0:
            inverse = np.linalg.inv(inverse - rho * self.weights.matrix.toarray())
        own = [functional(inverse)] if "x" in self.positions else []
        return np.stack([*own, *(functional(inverse @ matrix) for matrix in self.matrices.values())])

    def _is_stable(self, rho: float) -> bool:
        return bool(self.core.optimum.low < rho < self.core.optimum.high)


@dataclass(frozen=True, eq=False)
class Simulated:
    """point (m,), draws (B, m), share of draws that were rejected."""

    point: FloatArray
    values: FloatArray
    share_rejected: float

    @property
    def std_error(self) -> FloatArray:
        return np.asarray(np.nanstd(self.values, axis=0, ddof=1))

    def interval(self, level: float = 0.95) -> tuple[FloatArray, FloatArray]:
        """Percentile interval, lower and upper (m,)."""
        tail = (1 - level) / 2
        return np.nanquantile(self.values, tail, axis=0), np.nanquantile(self.values, 1 - tail, axis=0)


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
    cov: str = "info",
) -> SpilloverFit:
    """Fit the model of this module. y, x: (N, T); controls: (N, T, k), each also as W C; W row-normalised (N, N).

    with_lag=False leaves rho out (SLX); with_own=False leaves beta x out (own slopes by group are diagonal M_m).
    Raises PanelInputError in words; a matrix of another size or one that is all zero is named.
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


def _estimates(names: list[str], coef: FloatArray, se: FloatArray) -> pd.DataFrame:
    z = coef / se
    half = stats.norm.ppf(0.975) * se
    return pd.DataFrame(
        {
            "name": names,
            "theta": coef,
            "se": se,
            "z": z,
            "p": 2 * stats.norm.sf(np.abs(z)),
            "lower": coef - half,
            "upper": coef + half,
        }
    )


def _near_definite(cov: FloatArray) -> FloatArray:
    """Symmetric, with a hair on the diagonal: rounding may leave a variance matrix a little short of definite."""
    even = (cov + cov.T) / 2
    return np.asarray(even + 1e-12 * np.diag(np.diag(even)))
