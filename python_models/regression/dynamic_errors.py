"""Errors of the dynamic SDM that do not rest on independent errors of one variance: the sandwich, summed by city."""

import numpy as np

from python_models._types import FloatArray
from python_models.regression.covariance import Cluster, Rows, meat, score_rows
from python_models.regression.dynamic_score import mean_scores
from python_models.regression.dynamic_traces import Spectrum
from python_models.regression.logdet import log_determinant
from python_models.regression.multiplier import multiplier


def clustered_covariance(
    wy: FloatArray,
    z: FloatArray,
    e: FloatArray,
    spectrum: Spectrum,
    *,
    params: FloatArray,
    bread: FloatArray,
    is_uncorrected: bool,
) -> FloatArray:
    """B S B' (p, p) in the order delta, rho, s2; S sums the scores of a city over its years.

    wy, e (N, T), z (N, T, k): demeaned over cities and years, e = y - z delta - rho wy. bread (p, p): inverse of what
    minus the equations lose per unit of the parameters. With G = W (I - rho W)^-1 the score of rho is (Wy - G e)'e / s2
    plus a form in e, whose pairs of cities are counted as in `covariance`. The equations that a correction solves add
    what the scores lose on the mean to the short panel, a = (tr JM, tr JWM, 0, .., tau tr JGM + eta tr JGWM), times s2:
    as s2 is the mean of e'e, a city bears it by its share of e'e, which differs where variances do.
    Source: Arellano (1987); Kelejian and Prucha (2001); Yang (2018, J. Econometrics 205).
    """
    n, rho = spectrum.n, float(params[-2])
    g = multiplier(spectrum.weights, log_determinant(spectrum.weights), rho)
    spread = g.apply(e)
    linear = wy - (spread - spread.mean(axis=0))
    kind = Cluster()
    years = e.shape[1]
    scores = score_rows(
        z,
        [linear],
        [g],
        e,
        float(params[-1]),
        Rows.balanced(n, years),
        is_centred=True,
        share=1.0 if is_uncorrected else 1.0 - 1.0 / years,
        correction=kind.correction,
    )
    if not is_uncorrected:
        lost = mean_scores(spectrum, years, float(params[0]), float(params[1]), rho)
        share = (e**2 / (e**2).sum()).reshape(-1)
        for position, mean in zip((0, 1, z.shape[2]), lost, strict=True):
            scores.own[:, position] += share * mean
    return np.asarray(bread @ meat(scores, kind, dof=e.size) @ bread.T)
