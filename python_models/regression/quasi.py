"""Sandwich of quasi-maximum likelihood: V = I^-1 (I + Omega) I^-1 for errors that are not normal.

Omega holds the third and fourth cumulants k3, k4 of the errors. With A_j = B_j (x) P (P demeans over years if city
effects are removed), d_j = diag(B_j), tau = 1 - 1/T or 1, q the diagonal of the projection Q:

    Omega_jl   = k4 / s2^2 T tau^2 sum d_j d_l + k3 / s2^2 tau sum (a_j d_l + a_l d_j)
    Omega_dj   = k3 / s2^2 tau sum L d_j           Omega_ds2 = k3 q / (2 s2^3) sum L
    Omega_js2  = k4 / (2 s2^3) T tau q sum d_j + k3 q / (2 s2^3) sum a_j
    Omega_s2s2 = k4 N T q^2 / (4 s2^4)

With city effects the k3 terms vanish, as L and a_j sum to zero over years. Lee (2004), Lee and Yu (2010).
"""

from itertools import combinations_with_replacement

import numpy as np

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.information import ScoreParts
from python_models.regression.multiplier import diagonals
from python_models.regression.within import has_entity, has_time


def cumulants(e: FloatArray, conv: Convention) -> tuple[float, float]:
    """Third and fourth cumulant of the errors from the demeaned residuals e = Q u (N, T).

    kappa_r(e_it) = kappa_r(u) sum_js Q_(it),(js)^r, and Q = J_N (x) J_T, so the sums are known; this undoes the pull
    towards normality that demeaning causes.
    """
    variance = float((e**2).mean())
    third = float((e**3).mean()) / _power_sum(conv, 3)
    fourth = (float((e**4).mean()) - 3.0 * variance**2) / _power_sum(conv, 4)
    return third, fourth


def omega(parts: ScoreParts, conv: Convention, e: FloatArray, sigma2: float) -> FloatArray:
    """Omega (p, p) in the order slopes, rho, lambda, sigma2."""
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


def sandwich(inverse_information: FloatArray, omega_matrix: FloatArray) -> FloatArray:
    """I^-1 + I^-1 Omega I^-1."""
    return np.asarray(inverse_information + inverse_information @ omega_matrix @ inverse_information)


def _power_sum(conv: Convention, r: int) -> float:
    """sum_js Q_(it),(js)^r, the same for every cell; r = 1 means the diagonal of Q."""

    def one(size: int, is_removed: bool) -> float:
        own = 1.0 - 1.0 / size if is_removed else 1.0
        return own if r == 1 else own**r + ((size - 1) * (-1.0 / size) ** r if is_removed else 0.0)

    if conv.effects == "none":
        return one(conv.n * conv.t, True)
    return one(conv.n, has_time(conv.effects)) * one(conv.t, has_entity(conv.effects))
