"""Spatial lags of y by block of centre and periphery: level 2 of the asymmetric spillovers (docs/formulas.md#blocks).

    y_t = sum_b rho_b W_b y_t + beta x_t + sum_b theta_b W_b x_t + C_t c + W C_t d + mu + lambda_t 1 + e_t

Often weakly identified: refused where the maximum lies at the edge or the Hessian is close to singular.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import optimize, stats

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Wald, normal, wald
from python_models.influence.blocks import split_blocks
from python_models.influence.spillover import AnyWeights, control_planes
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.covariance import Rows, city_influences, score_rows
from python_models.regression.errors import estimable
from python_models.regression.multiplier import MatrixMultiplier
from python_models.regression.within import within

EDGE = 0.98  # |rho_b|: inside, rows of W that sum to one keep the spectral radius of sum_b rho_b W_b below one
WORST_CONDITION = 1e6
STARTS = (-0.4, 0.0, 0.4)


@dataclass(frozen=True, eq=False)
class BlockLags(Shown):
    """blocks; rho, its cov (q, q); theta (q,) and beta at rho; condition: of the Hessian in rho.

    loglik, loglik_common : with rho by block and with one rho.   n_modes : different maxima met from the starts.
    wald, p_equal : all rho alike, chi2(q - 1).   lr, p_lr : the same by likelihood.
    """

    blocks: tuple[str, ...]
    rho: FloatArray
    cov: FloatArray
    theta: FloatArray
    beta: float
    condition: float
    loglik: float
    loglik_common: float
    n_modes: int

    @property
    def wald(self) -> float:
        return self._equal.statistic

    @property
    def p_equal(self) -> float:
        return self._equal.p

    @property
    def _equal(self) -> Wald:
        return wald(self.rho, self.cov, np.eye(len(self.rho))[1:] - np.eye(len(self.rho))[:1])

    @property
    def p_lr(self) -> float:
        return float(stats.chi2.sf(2.0 * (self.loglik - self.loglik_common), len(self.rho) - 1))

    def to_frame(self) -> pd.DataFrame:
        """One row a block: receiver, emitter, rho_block, se, lo, hi, theta_block; tests and fit repeated."""
        se = np.sqrt(np.diag(self.cov))
        found = normal(self.rho, se)
        receiver, emitter = zip(*self.blocks, strict=True)
        table: dict[str, Any] = {"receiver": receiver, "emitter": emitter, "rho_block": self.rho, "se": se}
        table |= {"lo": found.lower, "hi": found.upper, "theta_block": self.theta}
        table |= {**self._pick("wald", "p_equal", "p_lr"), "lnl": self.loglik, "lnl_common": self.loglik_common}
        return pd.DataFrame({**table, **self._pick("condition", "n_modes")})


@aligned
@estimable("spatial lags by block")
def block_lags(
    y: ArrayLike, x: ArrayLike, W: AnyWeights, is_centre: ArrayLike, controls: ArrayLike | None = None
) -> BlockLags:
    """Direct maximum likelihood with two-way effects, rho_b by a search from nine starts inside |rho_b| < 0.98.

    y, x (N, T); W (N, N) row-normalised; is_centre (N,); controls (N, T, k), each also as W C.
    lnL = const - (NT/2) ln SSR(rho) + T ln|I - sum_b rho_b W_b|; errors clustered by city (sandwich with H by formula);
    `lr` supposes independent errors of one variance. Year effects do not commute with W_b y, so a
    small bias of order 1/N is left. PanelInputError: a maximum at the edge, or a Hessian whose condition
    number is 1e6 or more: these data do not identify the lags of the blocks separately.

    >>> from python_models.influence import block_lags
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> block_lags(y, x, W, np.arange(12) < 4).to_frame().shape
    (4, 14)
    """
    weights = spatial_weights(W)
    if not weights.is_row_normalised:
        raise PanelInputError("lags by block need rows of W that sum to one: else |rho| < 1 says nothing.")
    parts = {b: m for b, m in split_blocks(weights, is_centre).items() if m.any()}
    if len(parts) < 2:
        raise PanelInputError("W has links in one block only: there is nothing to compare.")
    data = _Data.of(np.asarray(y, dtype=np.float64), np.asarray(x, dtype=np.float64), weights, parts, controls)
    found = [data.maximise(np.asarray(start)) for start in _starts(len(parts))]
    rho, loglik = max(found, key=lambda one: one[1])
    if np.abs(rho).max() > EDGE - 1e-6:
        raise PanelInputError(f"rho of block {list(parts)[int(np.abs(rho).argmax())]} runs to the edge of its range.")
    hessian = data.hessian(rho)
    roots = np.linalg.eigvalsh(-hessian)
    condition = float(roots[-1] / roots[0]) if roots[0] > 0 else float("inf")
    if condition >= WORST_CONDITION:
        raise PanelInputError(f"the lags of the blocks are not identified apart: condition number {condition:.2g}.")
    slopes = data.slopes(rho)
    far = {tuple(np.round(one[0], 2)) for one in found if np.abs(one[0] - rho).max() > 1e-3}
    theta, cov = slopes[1 : 1 + len(parts)], data.covariance(rho, hessian)
    fits = condition, loglik, data.common(), 1 + len(far)
    return BlockLags(tuple(parts), rho, cov, theta, float(slopes[0]), *fits)


def _starts(q: int) -> list[list[float]]:
    """Nine: all alike at three values, and the first two blocks against the others."""
    alike = [[s] * q for s in STARTS]
    return alike + [[a if b < 2 else c for b in range(q)] for a in STARTS for c in STARTS if a != c]


@dataclass(frozen=True, eq=False)
class _Data:
    """Cross-products C (1 + q, 1 + q) of the residuals of y* and (W_b y)* on Z*, their slopes (k, 1 + q), the W_b.

    z (NT, k), left (NT, 1 + q): Z* and the residuals.
    """

    cross: FloatArray
    coef: FloatArray
    matrices: FloatArray
    shape: tuple[int, int]
    z: FloatArray
    left: FloatArray

    @classmethod
    def of(
        cls, y: FloatArray, x: FloatArray, weights: SpatialWeights, parts: dict[str, FloatArray], controls: Any
    ) -> _Data:
        if y.ndim != 2 or x.shape != y.shape or len(y) != weights.n:
            raise PanelInputError(f"y and x need one shape (N, T), N = {weights.n}: got {y.shape} and {x.shape}.")
        columns = [x, *(m @ x for m in parts.values()), *control_planes(controls, weights).values()]
        z = within(np.stack(columns, axis=2), "twoways").reshape(y.size, -1)
        targets = within(np.stack([y, *(m @ y for m in parts.values())], axis=2), "twoways").reshape(y.size, -1)
        if not (np.isfinite(z).all() and np.isfinite(targets).all()):
            raise PanelInputError("y, x or controls hold a missing or infinite number: leave that city or year out.")
        coef = np.linalg.lstsq(z, targets, rcond=None)[0]
        e = targets - z @ coef
        return cls(e.T @ e, coef, np.stack(list(parts.values())), (y.shape[0], y.shape[1]), z, e)

    def covariance(self, rho: FloatArray, hessian: FloatArray) -> FloatArray:
        """Sandwich over cities, for rho (q, q); the slopes are concentrated out of H and of the linear parts."""
        n, t = self.shape
        share = (n - 1) * (t - 1) / (n * t)
        e = (self.left[:, 0] - self.left[:, 1:] @ rho).reshape(n, t)
        s2 = float((e**2).mean()) / share
        g = self.matrices @ np.linalg.inv(np.eye(n) - np.tensordot(rho, self.matrices, axes=1))
        linear = []
        for lag, one in zip(self.left[:, 1:].T, g, strict=True):
            quadratic = within(one @ e, "twoways").reshape(-1)
            quadratic -= self.z @ np.linalg.lstsq(self.z, quadratic, rcond=None)[0]
            linear.append((lag - quadratic).reshape(n, t))
        options: dict[str, Any] = {"is_centred": True, "share": share, "correction": "jackknife"}
        z, lags = self.z.reshape(n, t, -1), [MatrixMultiplier(one) for one in g]
        scores = score_rows(z, linear, lags, e, s2, Rows.balanced(n, t), **options)
        k = self.z.shape[1]
        bread = np.zeros((k + len(g) + 1,) * 2)
        bread[k:-1, k:-1] = np.linalg.inv(-hessian * share)
        influence = city_influences(scores, bread)[:, k:-1]
        return influence.T @ influence

    def slopes(self, rho: FloatArray) -> FloatArray:
        return np.asarray(self.coef[:, 0] - self.coef[:, 1:] @ rho)

    def loglik(self, rho: FloatArray) -> tuple[float, FloatArray]:
        """(lnL, gradient)."""
        n, t = self.shape
        m = n * t
        inner = np.eye(n) - np.tensordot(rho, self.matrices, axes=1)
        sign, logdet = np.linalg.slogdet(inner)
        if sign <= 0:
            return -np.inf, np.zeros_like(rho)
        ssr, slope = self._ssr(rho)
        inverse = np.linalg.inv(inner)
        traces = np.einsum("ij,bji->b", inverse, self.matrices)
        value = -m / 2.0 * (np.log(2.0 * np.pi * ssr / m) + 1.0) + t * logdet
        return float(value), -m / 2.0 * slope / ssr - t * traces

    def _ssr(self, rho: FloatArray) -> tuple[float, FloatArray]:
        c = self.cross
        ssr = float(c[0, 0] - 2.0 * c[0, 1:] @ rho + rho @ c[1:, 1:] @ rho)
        return ssr, -2.0 * (c[0, 1:] - c[1:, 1:] @ rho)

    def maximise(self, start: FloatArray) -> tuple[FloatArray, float]:
        def down(rho: FloatArray) -> tuple[float, FloatArray]:
            value, gradient = self.loglik(rho)
            return -value, -gradient

        options: Any = {"ftol": 1e-13, "gtol": 1e-7, "maxiter": 200}
        done = optimize.minimize(
            down, start, jac=True, method="L-BFGS-B", bounds=[(-EDGE, EDGE)] * len(start), options=options
        )
        return np.asarray(done.x), -float(done.fun)

    def hessian(self, rho: FloatArray) -> FloatArray:
        """d2 lnL: -(NT/2)[2 c_bc/SSR - s_b s_c/SSR^2] - T tr(S^-1 W_b S^-1 W_c)."""
        n, t = self.shape
        ssr, slope = self._ssr(rho)
        inverse = np.linalg.inv(np.eye(n) - np.tensordot(rho, self.matrices, axes=1))
        g = inverse @ self.matrices
        traces = np.einsum("bij,cji->bc", g, g)
        part = 2.0 * self.cross[1:, 1:] / ssr - np.outer(slope, slope) / ssr**2
        return np.asarray(-n * t / 2.0 * part - t * traces)

    def common(self) -> float:
        """Highest lnL with one rho for all blocks."""

        def down(r: float) -> float:
            return -self.loglik(np.full(len(self.matrices), r))[0]

        done = optimize.minimize_scalar(down, bounds=(-EDGE, EDGE), method="bounded", options={"xatol": 1e-9})
        return -float(done.fun)
