"""New panels from a fitted one, for the block bootstrap and for the parametric bias correction.

As S(rho) y = Z d + fixed effects + R(lam)^-1 e, a panel with other errors is y + S^-1 R^-1 (e* - e).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.regression.design import y_columns
from python_models.regression.errors import PanelInputError
from python_models.regression.estimators import Estimator
from python_models.regression.information import Point
from python_models.regression.logdet import log_determinant
from python_models.regression.systems import Factor
from python_models.regression.within import has_time

MAX_FAILED = 0.05  # share of bootstrap panels without a maximum inside the feasible range

type _Errors = Callable[[], FloatArray]


@dataclass(frozen=True, eq=False)
class Draws:
    """Parameters (B, p) of the refitted panels, and how many draws could not be fitted."""

    params: FloatArray
    failed: int

    @property
    def cov(self) -> FloatArray:
        """Covariance of the draws (p, p)."""
        return np.asarray(np.cov(self.params, rowvar=False))


@dataclass(frozen=True, eq=False)
class Resampler:
    """Refits an estimator on panels with new errors. e : residuals (N, T) at the point."""

    estimator: Estimator
    y: FloatArray
    e: FloatArray
    at: Point
    factors: tuple[Factor, ...]

    @classmethod
    def of(cls, estimator: Estimator, y: FloatArray, e: FloatArray, at: Point) -> Resampler:
        """Factor S(rho) and R(lambda) once."""
        pairs = ((at.lam, estimator.error_weights), (at.rho, estimator.weights))
        factors = tuple(log_determinant(w).system.factor(r) for r, w in pairs if r != 0.0)
        return cls(estimator, y, e, at, factors)

    def refit(self, errors: FloatArray, *, corrected: bool) -> FloatArray:
        """Parameters (p,) of the panel with these errors (N, T)."""
        change = errors - self.e
        for factor in self.factors:
            change = factor.solve(change)
        own = self.estimator
        ys = y_columns(self.y + change, own.weights, own.conv, own.error_weights)
        point, _ = self.estimator.maximum(ys)
        if corrected:
            point = self.estimator.corrected(ys, point)
        return point.pack(self.estimator.conv)

    def block(self, draws: int, rng: np.random.Generator) -> Draws:
        """Block bootstrap: whole cities' residual vectors (T,) drawn with replacement, N a draw.

        Residuals are scaled by sqrt(N/(N-1)) when year effects are removed (demeaning over cities took that share); the
        share that demeaning over years took needs no scale, as the refit demeans again. Robust to serial
        correlation, and to variances that differ between cities for reasons apart from x; not to variances tied to x
        (the blocks change places) nor to spatial correlation beyond the model.
        """
        n = len(self.e)
        if self.estimator.conv.absorb is not None:
            raise PanelInputError("residual vectors of cities change places only in a balanced panel: wild_bootstrap.")
        scale = np.sqrt(n / (n - 1.0)) if has_time(self.estimator.conv.effects) else 1.0
        return self._collect(draws, lambda: scale * self.e[rng.integers(0, n, n)], corrected=True)

    def wild(self, draws: int, rng: np.random.Generator) -> Draws:
        """Wild cluster bootstrap: each city keeps its residual vector, with a sign drawn for the whole city.

        Beside what `block` allows, variances may depend on x: a city's errors stay with its x.
        """
        rows = self.estimator.conv.panel_rows
        scale = np.sqrt(rows.n / (rows.n - 1.0)) if has_time(self.estimator.conv.effects) else 1.0

        def signed() -> FloatArray:
            signs = rng.choice(np.array([-1.0, 1.0]), size=rows.n)[rows.unit]
            return np.asarray(scale * self.e * signs.reshape(self.e.shape))

        return self._collect(draws, signed, corrected=True)

    def parametric(self, draws: int, rng: np.random.Generator) -> Draws:
        """Normal errors with variance sigma2 of the point."""
        root = np.sqrt(self.at.sigma2)
        return self._collect(draws, lambda: root * rng.standard_normal(self.e.shape), corrected=False)

    def _collect(self, draws: int, make: _Errors, *, corrected: bool) -> Draws:
        if draws < 2:
            raise PanelInputError(f"a bootstrap needs at least 2 draws, got {draws}.")
        kept: list[FloatArray] = []
        for _ in range(draws):
            try:
                kept.append(self.refit(make(), corrected=corrected))
            except PanelInputError:
                continue
        failed = draws - len(kept)
        if failed > MAX_FAILED * draws:
            raise PanelInputError(f"{failed} of {draws} bootstrap panels could not be fitted: the model is too weak.")
        return Draws(np.array(kept), failed)
