"""Fixed against random city effects in a spatial lag model: Hausman's test and Mundlak's regression.

Fixed effects stay the headline whatever the outcome, as the cities are the population and not a sample.
"""

from collections.abc import Sequence

import numpy as np

from python_models.regression.spec_arrays import Values, Weights
from python_models.regression.spec_random import fit_fixed, fit_random, information, panel_parts
from python_models.regression.spec_results import SpecTest, SpecTests
from python_models.regression.spec_wald import wald

_RANK = 1e-8  # eigenvalues of the scaled variance difference below this share of the largest count as zero


def hausman_tests(
    y: Values,
    x: Values,
    w: Weights,
    *,
    effects: str = "twoways",
    durbin: Sequence[int] | None = None,
    names: Sequence[str] | None = None,
) -> SpecTests:
    """`hausman` and `mundlak`: H0 city effects are independent of the regressors.

    hausman: h = d'(V_FE - V_RE)^- d, d = difference of slopes and rho, chi2(rank). Both variances are taken at the
    random-effects estimate, where they are valid under H0 and their difference is closest to positive
    semi-definite; where it is not, the generalised inverse over its positive part is used, the rank is the df, the
    note says so, and `mundlak` decides (Mutl & Pfaffermayr 2011).
    mundlak: Wald test of the city means of X and W X added to the random-effects model, chi2(number of means).
    y (N, T), x (N, T, k); durbin as in the fitted model. Raises PanelInputError as panel_parts does.
    """
    parts = panel_parts(y, x, w, effects=effects, durbin=durbin, names=names)
    fixed, random = fit_fixed(parts), fit_random(parts)
    v_fixed = np.linalg.inv(information(parts, random, random=False))
    v_random = np.linalg.inv(information(parts, random, random=True))
    widened = panel_parts(y, x, w, effects=effects, durbin=durbin, names=names, unit_means=True)
    mundlak = fit_random(widened)
    q = parts.z_within.shape[2]
    select = np.zeros((q, 2 * q + 1))
    select[:, q : 2 * q] = np.eye(q)
    cov = np.linalg.inv(information(widened, mundlak, random=True))
    return SpecTests(
        (
            _hausman(fixed.params - random.params, v_fixed - v_random),
            wald(mundlak.params, cov, select, code="mundlak", note="H0: no city means of X and W X"),
        )
    )


def _hausman(d: np.ndarray, variance: np.ndarray) -> SpecTest:
    scale = np.sqrt(np.abs(np.diag(variance)))
    values, vectors = np.linalg.eigh(variance / np.outer(scale, scale))
    positive = values > _RANK * values.max()
    rank = int(positive.sum())
    if rank == 0:
        return SpecTest("hausman", np.nan, 0.0, np.nan, "V_FE - V_RE has no positive part: read mundlak")
    rotated = vectors.T @ (d / scale)
    statistic = float((rotated[positive] ** 2 / values[positive]).sum())
    note = "" if rank == len(d) else f"V_FE - V_RE not positive definite: rank {rank} of {len(d)}, mundlak decides"
    return SpecTest.chi2("hausman", statistic, rank, note)
