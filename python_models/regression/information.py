"""Information matrix of every model, the observed one, and the sandwich of quasi-maximum likelihood.

Score parts: slopes L'e / s2 with L = Q(Z - lam WZ); each spatial parameter j has a linear part a_j (N, T) and a
quadratic part with B_j = G_j or J G_j J. With m = N'T' rows

    I_dd = L'L / s2       I_dj = L'a_j / s2      I_jl = T'[tr B_j B_l + tr B_j'B_l] + a_j'a_l / s2
    I_js2 = T' tr B_j / s2                       I_s2s2 = m / (2 s2^2)

rho:    G = R W S(rho)^-1 R^-1, R = I - lam M, a = Q{R W y - G e} (of one W and M, R drops out)
lambda: H = M R^-1, a = 0
`elhorst` and `direct_bc_sdpdmod` keep a = G (Z d) without demeaning it again. Lee (2004), Lee and Yu (2010), Elhorst
(2014).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.design import Design
from python_models.regression.likelihood import y_loadings, y_places
from python_models.regression.logdet import LogDet, log_determinant
from python_models.regression.multiplier import (
    Multiplier,
    conjugated,
    cross_trace,
    diagonals,
    multiplier,
    product_trace,
)
from python_models.regression.weights import SpatialWeights
from python_models.regression.within import has_entity, has_time


@dataclass(frozen=True, eq=False)
class Point:
    """Where the information is evaluated: slopes (k,), rho, lam, sigma2."""

    slopes: FloatArray
    rho: float
    lam: float
    sigma2: float

    def pack(self, conv: Convention) -> FloatArray:
        spatial = [self.rho] * conv.has_rho + [self.lam] * conv.has_lam
        return np.array([*self.slopes, *spatial, self.sigma2])

    @classmethod
    def unpack(cls, values: FloatArray, conv: Convention) -> Point:
        k = len(values) - 1 - conv.has_rho - conv.has_lam
        rho = float(values[k]) if conv.has_rho else 0.0
        return cls(values[:k], rho, float(values[-2]) if conv.has_lam else 0.0, float(values[-1]))


class ScoreParts(NamedTuple):
    """L (N, T, k); of each spatial parameter the linear part and multiplier; traces over the pairs."""

    regressors: FloatArray
    linear: tuple[FloatArray, ...]
    multipliers: tuple[Multiplier, ...]
    traces: FloatArray
    pairs: FloatArray
    trace_se: float


def residuals(design: Design, conv: Convention, at: Point) -> FloatArray:
    a = y_loadings(np.array(at.rho), np.array(at.lam))
    a = a[y_places(design.ys.shape[2], has_lam=design.mz is not None)]
    return np.asarray(design.ys @ a - filtered(design, at.lam) @ at.slopes)


def filtered(design: Design, lam: float) -> FloatArray:
    return design.z if design.mz is None else design.z - lam * design.mz


def score_parts(
    design: Design, conv: Convention, weights: SpatialWeights, at: Point, error_weights: SpatialWeights | None = None
) -> ScoreParts:
    regressors = filtered(design, at.lam)
    linear: list[FloatArray] = []
    multipliers: list[Multiplier] = []
    error = error_weights or weights
    if conv.has_rho:
        g = multiplier(weights, log_determinant(weights), at.rho)
        if conv.has_lam and error.key != weights.key:
            g = conjugated(g, error, log_determinant(error), at.lam)
        multipliers.append(g)
        if conv.is_plain:
            linear.append(g.apply(regressors @ at.slopes))
        else:
            lagged = design.ys[..., 1] - (at.lam * design.ys[..., 3] if conv.has_lam else 0.0)
            linear.append(lagged - conv.project(g.apply(residuals(design, conv, at))))
    if conv.has_lam:
        multipliers.append(multiplier(error, log_determinant(error), at.lam))
        linear.append(np.zeros(regressors.shape[:2]))
    traces, pairs, se = pair_traces(multipliers, conv)
    return ScoreParts(regressors, tuple(linear), tuple(multipliers), traces, pairs, se)


def pair_traces(multipliers: Sequence[Multiplier], conv: Convention) -> tuple[FloatArray, FloatArray, float]:
    """tr B_j, tr B_j B_l + tr B_j'B_l, and the largest relative standard error that probes leave."""
    size = len(multipliers)
    traces, pairs, worst = np.zeros(size), np.zeros((size, size)), 0.0
    for j, a in enumerate(multipliers):
        traces[j] = a.g1 - (1.0 / (1.0 - a.r) if conv.is_centred else 0.0)
        for i, b in enumerate(multipliers[: j + 1]):
            cross, se = cross_trace(b, a)
            total = product_trace(a, b) + cross
            if conv.is_centred:
                total -= 1.0 / ((1.0 - a.r) * (1.0 - b.r)) + float(a.column_sums @ b.column_sums) / conv.n
            pairs[i, j] = pairs[j, i] = total
            worst = max(worst, se / abs(total))
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


def observed(design: Design, conv: Convention, both: Sequence[LogDet], at: Point) -> FloatArray:
    """Observed information (p, p), minus the second derivatives of the likelihood, in the order of `information`:
    products of e_rho = -(Wy - lam MWy), e_lam = -(My - rho MWy) + MZ d and Z - lam MZ over s2, e'MWy, e'MZ, and -T'
    f''."""
    e, ys = residuals(design, conv, at).reshape(-1), design.ys.reshape(-1, design.ys.shape[2])
    k, s2 = design.z.shape[2], at.sigma2
    columns = [filtered(design, at.lam).reshape(-1, k)]
    if conv.has_rho:
        columns.append((ys[:, 1] - (at.lam * ys[:, 3] if conv.has_lam else 0.0))[:, None])
    if design.mz is not None:
        mz = design.mz.reshape(-1, k)
        lagged = ys[:, 2] - at.rho * ys[:, 3] if conv.has_rho else ys[:, 1]
        columns.append((lagged - mz @ at.slopes)[:, None])
    flat = np.column_stack(columns)
    size = flat.shape[1]
    info = np.zeros((size + 1, size + 1))
    info[:-1, :-1] = flat.T @ flat / s2
    if design.mz is not None:
        info[:k, size - 1] += mz.T @ e / s2
        if conv.has_rho:
            info[k, size - 1] += float(ys[:, 3] @ e) / s2
        info[size - 1, : size - 1] = info[: size - 1, size - 1]
    spatial = [(both[0], at.rho)] * conv.has_rho + [(both[1], at.lam)] * conv.has_lam
    for j, (ld, r) in enumerate(spatial):
        bend = float(ld.derivatives(r)[2]) + (1.0 / (1.0 - r) ** 2 if conv.is_centred else 0.0)
        info[k + j, k + j] -= conv.t_eff * bend
    info[:-1, -1] = info[-1, :-1] = flat.T @ e / s2**2
    info[-1, -1] = float(e @ e) / s2**3 - conv.n_rows / (2.0 * s2**2)
    return info


def inverse(info: FloatArray) -> FloatArray:
    """Inverse of a symmetric matrix whose parameters have very different scales."""
    root = np.sqrt(np.diagonal(info))
    out = np.linalg.inv(info / np.outer(root, root)) / np.outer(root, root)
    return np.asarray((out + out.T) / 2.0)


def cumulants(e: FloatArray, conv: Convention) -> tuple[float, float]:
    """Third and fourth cumulant of u from e = Q u (N, T): kappa_r(e_it) = kappa_r(u) sum_js Q_(it),(js)^r."""
    variance = float((e**2).mean())
    third = float((e**3).mean()) / _power_sum(conv, 3)
    fourth = (float((e**4).mean()) - 3.0 * variance**2) / _power_sum(conv, 4)
    return third, fourth


def omega(parts: ScoreParts, conv: Convention, e: FloatArray, sigma2: float) -> FloatArray:
    """Omega (p, p) of V = I^-1 + I^-1 Omega I^-1 for errors with cumulants k3, k4, in the order slopes, rho, lambda,
    sigma2.

    With d_j = diag(B_j), tau = 1 - 1/T with city effects or 1, q the diagonal of Q:

        Omega_jl   = k4 / s2^2 T tau^2 sum d_j d_l + k3 / s2^2 tau sum (a_j d_l + a_l d_j)
        Omega_dj   = k3 / s2^2 tau sum L d_j           Omega_ds2 = k3 q / (2 s2^3) sum L
        Omega_js2  = k4 / (2 s2^3) T tau q sum d_j + k3 q / (2 s2^3) sum a_j
        Omega_s2s2 = k4 N T q^2 / (4 s2^4)
    """
    k3, k4 = cumulants(e, conv)
    k, size = parts.regressors.shape[2], len(parts.multipliers)
    tau = 1.0 - 1.0 / conv.t if has_entity(conv.effects) else 1.0
    q = _power_sum(conv, 1)
    halves = [diagonals(m, is_centred=has_time(conv.effects)) for m in parts.multipliers]
    means = [(a + b) / 2.0 for a, b in halves]
    out = np.zeros((k + size + 1, k + size + 1))
    s2, s3 = sigma2**2, 2.0 * sigma2**3
    for i, j in combinations_with_replacement(range(size), 2):
        squares = float(halves[i][0] @ halves[j][1] + halves[i][1] @ halves[j][0]) / 2.0
        mixed = float((parts.linear[i].sum(axis=1) @ means[j]) + (parts.linear[j].sum(axis=1) @ means[i]))
        out[k + i, k + j] = (k4 * conv.t * tau**2 * squares + k3 * tau * mixed) / s2
    for j in range(size):
        out[:k, k + j] = k3 * tau * (parts.regressors.sum(axis=1).T @ means[j]) / s2
        out[k + j, -1] = (k4 * conv.t * tau * q * means[j].sum() + k3 * q * parts.linear[j].sum()) / s3
    out[:k, -1] = k3 * q * parts.regressors.sum(axis=(0, 1)) / s3
    out[-1, -1] = k4 * conv.n * conv.t * q**2 / (4.0 * sigma2**4)
    return np.asarray(np.triu(out) + np.triu(out, 1).T)


def sandwich(bread: FloatArray, filling: FloatArray) -> FloatArray:
    return np.asarray(bread + bread @ filling @ bread)


def _power_sum(conv: Convention, r: int) -> float:
    """sum_js Q_(it),(js)^r, the same for every cell; r = 1 means the diagonal of Q."""

    def one(size: int, is_removed: bool) -> float:
        diagonal = 1.0 - 1.0 / size if is_removed else 1.0
        return diagonal if r == 1 else diagonal**r + ((size - 1) * (-1.0 / size) ** r if is_removed else 0.0)

    if conv.effects == "none":
        return one(conv.n * conv.t, True)
    return one(conv.n, has_time(conv.effects)) * one(conv.t, has_entity(conv.effects))
