"""Standard errors for least squares under correlation between cities and over time (Driscoll and Kraay 1998)."""

from __future__ import annotations

import numpy as np

from python_models._types import FloatArray


def driscoll_kraay(z: FloatArray, e: FloatArray, *, dof: int) -> FloatArray:
    """(Z'Z)^-1 S (Z'Z)^-1 for demeaned regressors z (N, T, k) and residuals e (N, T).

    S = NT/dof [G_0 + sum_l (1 - l/(L+1)) (G_l + G_l')], G_l = sum_t h_t h_{t-l}', h_t = sum_i z_it e_it: any
    correlation between cities of a year, Bartlett weights up to L = floor(4 (T/100)^(2/9)) years. dof: rows less
    effects and slopes. Asymptotic in T: with ten years the errors themselves are rough.
    """
    n, t, k = z.shape
    h = np.einsum("ntk,nt->tk", z, e)
    total = h.T @ h
    longest = bandwidth(t)
    for lag in range(1, longest + 1):
        gamma = h[lag:].T @ h[:-lag]
        total += (1.0 - lag / (longest + 1.0)) * (gamma + gamma.T)
    flat = z.reshape(-1, k)
    bread = np.linalg.inv(flat.T @ flat)
    return np.asarray(n * t / dof * bread @ total @ bread)


def bandwidth(t: int) -> int:
    """floor(4 (T/100)^(2/9)), below T."""
    return min(int(np.floor(4.0 * (t / 100.0) ** (2.0 / 9.0))), t - 1)
