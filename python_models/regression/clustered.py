"""Covariance that allows any variance and any correlation over time within a city: the sandwich over whole cities.

    V = I^-1 [sum_i s_i s_i'] I^-1,   sum_i s_i = score at the estimate

With e = Q u (N, T), L the demeaned regressors, a_j and B_j = (G_j + G_j') / 2 (centred where the likelihood is) as in
`information`:

    slopes     s_i = sum_t L_it f_it / s2
    spatial j  s_i = [sum_t a_jit f_it + 2 sum_t e_it sum_{l<i} B_j,il e_lt + B_j,ii (sum_t e_it^2 - T' s2)] / s2
    s2         s_i = (sum_t e_it^2 - mean over cities) / (2 s2^2)

f_i = (I - H_i)^-1 e_i, with H_i (T, T) the block of city i of the projection on L and the a_j: the residuals of a city
without the pull that it has itself on the fit (the jackknife CR3; the few cities of a small group pull much). The
quadratic form e'Be belongs to pairs of cities; each pair is given to the city that comes later, so that the s_i are
uncorrelated (martingale differences). Given to both sides, half of its variance would be lost.
Sources: Kelejian and Prucha (2001, J. Econometrics 104), Arellano (1987), Bell and McCaffrey (2002, Survey Methodol.).
"""

from __future__ import annotations

import numpy as np

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.errors import PanelInputError
from python_models.regression.information import ScoreParts
from python_models.regression.multiplier import Multiplier

MOST_LEVERAGE = 0.95  # of a year of a city: beyond it its residual tells nothing


def influences(parts: ScoreParts, conv: Convention, e: FloatArray, sigma2: float, bread: FloatArray) -> FloatArray:
    """I^-1 s_i (N, p) in the order of `bread` = I^-1: slopes, rho, lambda, sigma2; V is their cross-product.

    e: (N, T) without the fixed effects. PanelInputError: more than 1,000 cities and a spatial parameter, where G is
    not kept.
    """
    return np.asarray(city_scores(parts, conv, e, sigma2) @ bread)


def city_scores(parts: ScoreParts, conv: Convention, e: FloatArray, sigma2: float) -> FloatArray:
    """Scores of the cities (N, p), made to sum to zero."""
    squares, freed = (e**2).sum(axis=1), _freed(parts, e)
    columns = [np.einsum("itk,it->ik", parts.regressors, freed) / sigma2]
    for linear, multiplier in zip(parts.linear, parts.multipliers, strict=True):
        form = _quadratic(multiplier, conv)
        pairs = 2.0 * (e * (np.tril(form, -1) @ e)).sum(axis=1)
        own = np.diag(form) * (squares - conv.t_eff * sigma2)
        columns.append((((linear * freed).sum(axis=1) + pairs + own) / sigma2)[:, None])
    columns.append((squares / (2.0 * sigma2**2))[:, None])
    scores = np.concatenate(columns, axis=1)
    return np.asarray(scores - scores.mean(axis=0))


def _freed(parts: ScoreParts, e: FloatArray) -> FloatArray:
    """f (N, T): residuals without the pull of the own city."""
    used = [a[:, :, None] for a in parts.linear if a.any()]
    z = np.concatenate([parts.regressors, *used], axis=2)
    gram = np.einsum("itk,itl->kl", z, z)
    hat = np.einsum("itk,kl,isl->its", z, np.linalg.pinv(gram), z)
    values, vectors = np.linalg.eigh(hat)
    inside = np.einsum("its,it->is", vectors, e) / (1.0 - np.minimum(values, MOST_LEVERAGE))
    return np.asarray(np.einsum("its,is->it", vectors, inside))


def _quadratic(multiplier: Multiplier, conv: Convention) -> FloatArray:
    """(G + G') / 2, demeaned over cities where the likelihood takes the constant mode out."""
    if multiplier.matrix is None:
        raise PanelInputError("errors clustered by city need at most 1,000 cities in a model with a spatial parameter.")
    g = multiplier.matrix
    if conv.is_centred:
        g = g - g.mean(axis=0, keepdims=True)
        g = g - g.mean(axis=1, keepdims=True)
    return np.asarray((g + g.T) / 2.0)
