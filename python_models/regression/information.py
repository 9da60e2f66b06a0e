"""Information matrix and standard errors of every model, from one block form.

Score parts: slopes L'e / s2 with L = Q(Z - lam WZ); each spatial parameter j has a linear part a_j (N, T) and a
quadratic part with B_j = G_j or J G_j J. With m = N'T' rows

    I_dd = L'L / s2       I_dj = L'a_j / s2      I_jl = T'[tr B_j B_l + tr B_j'B_l] + a_j'a_l / s2
    I_js2 = T' tr B_j / s2                       I_s2s2 = m / (2 s2^2)

rho:    G = W S(rho)^-1, a = Q{(I - lam W) W y - G e} = Q G (I - lam W)(Z d + fixed effects), as S y = Z d + ... + u
lambda: H = W (I - lam W)^-1, a = 0
`elhorst` and `direct_bc_sdpdmod` keep a = G (Z d) without demeaning it again.
Sources: Lee (2004), Lee and Yu (2010), Elhorst (2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.design import Design
from python_models.regression.logdet import LogDet
from python_models.regression.multiplier import Multiplier, cross_trace, multiplier, product_trace
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import within


@dataclass(frozen=True, eq=False)
class Point:
    """Where the information is evaluated: slopes (k,), rho, lam, sigma2."""

    slopes: FloatArray
    rho: float
    lam: float
    sigma2: float

    def pack(self, conv: Convention) -> FloatArray:
        """One vector: slopes, rho, lambda (those the model has), sigma2."""
        spatial = [self.rho] * conv.has_rho + [self.lam] * conv.has_lam
        return np.array([*self.slopes, *spatial, self.sigma2])

    @classmethod
    def unpack(cls, values: FloatArray, conv: Convention) -> Point:
        """The inverse of `pack`."""
        k = len(values) - 1 - conv.has_rho - conv.has_lam
        rho = float(values[k]) if conv.has_rho else 0.0
        return cls(values[:k], rho, float(values[-2]) if conv.has_lam else 0.0, float(values[-1]))


@dataclass(frozen=True, eq=False)
class ScoreParts:
    """L (N, T, k); for each spatial parameter its linear part and multiplier; traces over the pairs."""

    regressors: FloatArray
    linear: tuple[FloatArray, ...]
    multipliers: tuple[Multiplier, ...]
    traces: FloatArray
    pairs: FloatArray
    trace_se: float


def residuals(design: Design, conv: Convention, at: Point) -> FloatArray:
    """e (N, T) at a point."""
    a = np.array([1.0, -(at.rho + at.lam), at.rho * at.lam])[: design.ys.shape[2]]
    return np.asarray(design.ys @ a - filtered(design, at.lam) @ at.slopes)


def filtered(design: Design, lam: float) -> FloatArray:
    """Q (I - lam W) Z, (N, T, k)."""
    return design.z if design.wz is None else design.z - lam * design.wz


def score_parts(design: Design, conv: Convention, weights: SpatialWeights, logdet: LogDet, at: Point) -> ScoreParts:
    """Linear parts and traces at a point."""
    regressors = filtered(design, at.lam)
    linear: list[FloatArray] = []
    multipliers: list[Multiplier] = []
    if conv.has_rho:
        g = multiplier(weights, logdet, at.rho)
        multipliers.append(g)
        if conv.is_plain:
            linear.append(g.apply(regressors @ at.slopes))
        else:
            lagged = design.ys[..., 1] - (at.lam * design.ys[..., 2] if conv.has_lam else 0.0)
            linear.append(lagged - within(g.apply(residuals(design, conv, at)), conv.effects))
    if conv.has_lam:
        multipliers.append(multiplier(weights, logdet, at.lam))
        linear.append(np.zeros(regressors.shape[:2]))
    traces, pairs, se = _traces(multipliers, conv)
    return ScoreParts(regressors, tuple(linear), tuple(multipliers), traces, pairs, se)


def _traces(multipliers: Sequence[Multiplier], conv: Convention) -> tuple[FloatArray, FloatArray, float]:
    """tr B_j, tr B_j B_l + tr B_j'B_l, and the largest relative standard error that probes leave."""
    size = len(multipliers)
    traces, pairs, worst = np.zeros(size), np.zeros((size, size)), 0.0
    for j, a in enumerate(multipliers):
        traces[j] = a.g1 - (1.0 / (1.0 - a.r) if conv.is_centred else 0.0)
        for i, b in enumerate(multipliers[: j + 1]):
            cross = cross_trace(b, a)
            total = product_trace(a, b) + cross.value
            if conv.is_centred:
                total -= 1.0 / ((1.0 - a.r) * (1.0 - b.r)) + float(a.column_sums @ b.column_sums) / conv.n
            pairs[i, j] = pairs[j, i] = total
            worst = max(worst, cross.se / abs(total))
    return traces, pairs, worst


def information(parts: ScoreParts, conv: Convention, sigma2: float) -> FloatArray:
    """Information matrix (p, p) in the order slopes, rho, lambda, sigma2."""
    k, size = parts.regressors.shape[2], len(parts.multipliers)
    flat = np.column_stack([parts.regressors.reshape(-1, k), *(a.reshape(-1) for a in parts.linear)])
    info = np.zeros((k + size + 1, k + size + 1))
    info[:-1, :-1] = flat.T @ flat / sigma2
    info[k:-1, k:-1] += conv.t_eff * parts.pairs
    info[-1, k:-1] = info[k:-1, -1] = conv.t_eff * parts.traces / sigma2
    info[-1, -1] = conv.n_rows / (2.0 * sigma2**2)
    return info


def inverse(info: FloatArray) -> FloatArray:
    """Inverse of a symmetric matrix whose parameters have very different scales."""
    root = np.sqrt(np.diagonal(info))
    out = np.linalg.inv(info / np.outer(root, root)) / np.outer(root, root)
    return np.asarray((out + out.T) / 2.0)
