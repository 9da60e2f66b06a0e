"""Errors of the dynamic SDM that do not rest on independent errors of one variance: the sandwich, summed by city."""

import numpy as np

from python_models._types import FloatArray
from python_models.regression.covariance import Cluster, Rows, meat, score_rows
from python_models.regression.dynamic_traces import Spectrum
from python_models.regression.multiplier import MatrixMultiplier


def clustered_covariance(
    wy: FloatArray,
    z: FloatArray,
    e: FloatArray,
    spectrum: Spectrum,
    *,
    params: FloatArray,
    bread: FloatArray,
    share: float,
) -> FloatArray:
    """B S B' (p, p) in the order delta, rho, s2; S sums the scores of a city over its years.

    wy, e (N, T), z (N, T, k): demeaned over cities and years, e = y - z delta - rho wy. bread (p, p): inverse of what
    minus the equations lose per unit of the parameters. share: mean of e^2 in units of s2 (T'/T). With G = W (I - rho
    W)^-1 the score of rho is (Wy - G e)'e / s2 plus a form in e, whose pairs of cities are counted as in `covariance`.
    Lagged y is fixed before e, so the scores of a city need no further term; what their mean loses to the short panel
    is the same constant for all cities as for the correction, and is taken out with it.
    Source: Arellano (1987); Kelejian and Prucha (2001); Yang (2018, J. Econometrics 205).
    """
    n, rho = spectrum.n, float(params[-2])
    g = MatrixMultiplier(np.linalg.solve((np.eye(n) - rho * spectrum.dense).T, spectrum.dense.T).T)
    spread = g.apply(e)
    linear = wy - (spread - spread.mean(axis=0))
    kind = Cluster()
    scores = score_rows(
        z,
        [linear],
        [g],
        e,
        float(params[-1]),
        Rows.balanced(n, e.shape[1]),
        is_centred=True,
        share=share,
        correction=kind.correction,
    )
    return np.asarray(bread @ meat(scores, kind, dof=e.size) @ bread.T)
