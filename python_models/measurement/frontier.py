"""Benefit of the doubt (BoD): every unit is scored with the weights that suit it best.

    score_i = max_w w'y_i   subject to   w'y_k <= 1 for all units k,  w >= 0,  low_j <= w_j y_ij / (w'y_i) <= high_j

One linear program a unit and year (scipy HiGHS). Weights of a unit with score 1 are not unique; scores are.
Reference: Cherchye et al. (2007); Melyn and Moesen (1991).
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linprog

from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_cube


@dataclass(frozen=True, eq=False)
class Frontier:
    """score (N, T) in (0, 1], shares (N, T, m) of each indicator in the score; n_failed programs without an answer.

    A program that has no answer leaves NaN, never another method's number; `reasons` are the solver's words.
    """

    score: FloatArray
    shares: FloatArray
    n_failed: int
    reasons: tuple[str, ...]


def benefit_of_the_doubt(Y: ArrayLike, *, low: float | ArrayLike = 0.0, high: float | ArrayLike = 1.0) -> Frontier:
    """BoD of Y (N, T, m), higher is better, the frontier made of all complete rows of the same year.

    low, high: bounds of the shares, one number or (m,); none by default. A row with a NaN has no score.
    ValueError: a negative value, bounds out of order, or low bounds that sum to more than 1 or high ones to less.
    """
    cube = as_cube(Y, "Y")
    n, years, m = cube.shape
    if (cube < 0.0).any():
        raise ValueError("benefit of the doubt needs values of 0 and more: shift or normalise them first.")
    least, most = (np.broadcast_to(np.asarray(b, dtype=np.float64), (m,)) for b in (low, high))
    if (least > most).any() or least.sum() > 1.0 + 1e-12 or most.sum() < 1.0 - 1e-12 or (least < 0.0).any():
        raise ValueError("bounds of shares must hold 0 <= low <= high, with sum(low) <= 1 <= sum(high).")
    score, shares, reasons = np.full((n, years), np.nan), np.full(cube.shape, np.nan), []
    for t in range(years):
        complete = ~np.isnan(cube[:, t]).any(axis=1)
        for i in np.flatnonzero(complete):
            y = cube[i, t]
            rows, limits = [cube[complete, t]], [np.ones(int(complete.sum()))]
            for bound, sign in ((least, 1.0), (most, -1.0)):
                bites = np.flatnonzero(bound > 0.0 if sign > 0 else bound < 1.0)
                rows.append(sign * (np.outer(bound[bites], y) - np.eye(m)[bites] * y))
                limits.append(np.zeros(len(bites)))
            solution = linprog(-y, A_ub=np.vstack(rows), b_ub=np.concatenate(limits), bounds=(0, None), method="highs")
            if solution.status != 0:
                reasons.append(str(solution.message))
                continue
            score[i, t] = float(y @ solution.x)
            shares[i, t] = solution.x * y / score[i, t] if score[i, t] > 0.0 else np.nan
    return Frontier(score, shares, len(reasons), tuple(dict.fromkeys(reasons)))
