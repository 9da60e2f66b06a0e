"""Adjusted-score estimator of the dynamic SDM: the score of the within likelihood less its expectation."""

import numpy as np
from scipy import optimize

from python_models._types import FloatArray
from python_models.regression.dynamic_traces import ComplexArray, Spectrum

_RESIDUAL = 1e-8  # largest score per observation at a root
_STEP = 1e-6


def adjusted_score(
    y: FloatArray, wy: FloatArray, z: FloatArray, spectrum: Spectrum, *, t: int, start: FloatArray
) -> FloatArray | None:
    """Solve Z'e/s2 + a = 0 and (Wy)'e/s2 + a_rho = 0, or None where no stable root is near `start`.

    y, wy (NT,), z (NT, k) demeaned, e = y - z delta - rho wy, s2 = e'e/((N-1)(T-1)).
    A = S^-1 (tau I + eta W), M = sum_{h=0}^{T-2} ((T-1-h)/T) A^h S^-1, a = [tr JM, tr JWM, 0, ..],
    a_rho = tau tr JGM + eta tr JGWM - (T-1) tr JG: the expectations exact for any T.
    The x are partialled out first, so that the search has three unknowns (tau, eta, rho).
    """
    n = spectrum.n
    x = z[:, 2:]
    four = np.column_stack([y, z[:, :2], wy])
    left = four - x @ np.linalg.lstsq(x, four, rcond=None)[0] if x.shape[1] else four
    cross = left.T @ left
    rows = (n - 1) * t

    def equations(theta: FloatArray) -> FloatArray:
        c = np.concatenate([[1.0], -theta])
        score = (cross @ c)[1:]
        s2 = float(c @ cross @ c) / ((n - 1) * (t - 1))
        tau, eta, rho = theta
        return np.asarray((score / s2 + _expectations(spectrum, t, tau, eta, rho)) / rows)

    begin = np.array([start[0], start[1], start[-2]])
    found = optimize.root(equations, begin, method="hybr", options={"xtol": 1e-12})
    theta = np.asarray(found.x, dtype=np.float64)
    low, high = spectrum.bounds()
    if np.abs(equations(theta)).max() > _RESIDUAL or not low < theta[2] < high:
        return None
    if spectrum.radius(*theta) >= 1.0:
        return None
    beta = np.linalg.lstsq(x, y - z[:, :2] @ theta[:2] - theta[2] * wy, rcond=None)[0]
    delta = np.concatenate([theta[:2], beta])
    e = y - z @ delta - theta[2] * wy
    s2 = float(e @ e) / ((n - 1) * (t - 1))
    return np.concatenate([delta, [theta[2], s2]])


def mean_scores(spectrum: Spectrum, t: int, tau: float, eta: float, rho: float) -> FloatArray:
    """(tr JM, tr JWM, tau tr JGM + eta tr JGWM): what demeaning takes from the mean scores of tau, eta and rho."""
    h = np.arange(t - 1)
    share = (t - 1 - h) / t

    def m(w: ComplexArray) -> ComplexArray:
        s_inverse = 1.0 / (1.0 - rho * w)
        a = (tau + eta * w) * s_inverse
        total = np.zeros_like(w)
        for weight in share[::-1]:  # Horner: sum of share_h a^h
            total = total * a + weight
        return np.asarray(total * s_inverse, dtype=np.complex128)

    def of_rho(w: ComplexArray) -> ComplexArray:
        return np.asarray((tau + eta * w) * w / (1.0 - rho * w) * m(w), dtype=np.complex128)

    star = spectrum.star
    return (spectrum.n - 1) * np.array([star(m), star(lambda w: w * m(w)), star(of_rho)])


def _expectations(spectrum: Spectrum, t: int, tau: float, eta: float, rho: float) -> FloatArray:
    """(tr JM, tr JWM, tau tr JGM + eta tr JGWM - (T-1) tr JG)."""
    trace = spectrum.star(lambda w: w / (1.0 - rho * w))
    return mean_scores(spectrum, t, tau, eta, rho) - [0.0, 0.0, (spectrum.n - 1) * (t - 1) * trace]


def slope(y: FloatArray, wy: FloatArray, z: FloatArray, spectrum: Spectrum, t: int, theta: FloatArray) -> FloatArray:
    """Minus the derivative (p - 1, p - 1) of the full set of equations by theta = (delta, rho), central differences."""
    n = spectrum.n
    k = z.shape[1]
    regressors = np.column_stack([z, wy])

    def equations(point: FloatArray) -> FloatArray:
        e = y - regressors @ point
        s2 = float(e @ e) / ((n - 1) * (t - 1))
        value = regressors.T @ e / s2
        extra = _expectations(spectrum, t, float(point[0]), float(point[1]), float(point[-1]))
        value[:2] += extra[:2]
        value[k] += extra[2]
        return np.asarray(value)

    found = np.empty((k + 1, k + 1))
    for j in range(k + 1):
        step = np.zeros(k + 1)
        step[j] = _STEP * max(1.0, abs(float(theta[j])))
        found[:, j] = (equations(theta - step) - equations(theta + step)) / (2.0 * step[j])
    return found
