"""Wild cluster bootstrap of one coefficient: few clusters, or clusters of very different size.

y* = fit + s_g e: each cluster keeps its residuals with a drawn sign s_g = +-1; t is made anew in every draw. With the
null imposed the fit and e are those of the model without the regressor. A model with a spatial lag is not fitted again:
t* = |sum_g s_g psi_g| / se with psi what each cluster adds to the estimate, for any number of cities. Cameron, Gelbach
and Miller (2008, Rev. Economics and Statistics 90); Kline and Santos (2012, J. Econometric Methods 1).
"""

from dataclasses import dataclass

import numpy as np

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.regression.core import CoreFit
from python_models.regression.covariance import group_codes, sums_by
from python_models.regression.data import Values, Weights, least_squares, panel_inputs
from python_models.regression.errors import PanelInputError
from python_models.regression.factors import FactorFit
from python_models.regression.iv import IVFit
from python_models.regression.within import within

MOST_SIGNS = 12  # clusters up to which all 2^G patterns of signs are taken
CELLS = 4_000_000


@dataclass(frozen=True, eq=False)
class WildTest(Shown):
    """t of the coefficient (no small-sample factor), |t*| of the draws; is_enumerated: all patterns of signs, p is
    their share, else (1 + number of draws) / (1 + draws)."""

    estimate: float
    t: float
    draws: FloatArray
    is_enumerated: bool

    @property
    def p(self) -> float:
        above = int((self.draws >= abs(self.t) * (1.0 - 1e-9)).sum())
        return above / len(self.draws) if self.is_enumerated else (above + 1) / (len(self.draws) + 1)

    def critical(self, level: float = 0.95) -> float:
        return float(np.quantile(self.draws, level))


@aligned
def wild_cluster(
    y: Values,
    x: Values,
    w: Weights,
    *,
    term: int,
    durbin: bool = False,
    groups: ArrayLike | None = None,
    effects: str = "twoways",
    impose_null: bool = True,
    draws: int = 999,
    rng: np.random.Generator | None = None,
) -> WildTest:
    """Test slope number `term` of least squares of y (N, T) on x (N, T, k) (and W x with `durbin`) against zero.

    groups: a label a city; None clusters by city. Up to 12 clusters all patterns of signs are taken, without `rng`.

    >>> from python_models.regression import wild_cluster
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> wild_cluster(y, x[..., None], W, term=0).p < 0.01
    True
    """
    given = panel_inputs(y, x, w)
    cube = np.concatenate([given.x, given.weights.lag(given.x)], axis=2) if durbin else given.x
    n, t, k = cube.shape
    if not 0 <= term < k:
        raise PanelInputError(f"term must be a slope from 0 to {k - 1}, got {term}.")
    codes, count = (np.arange(n), n) if groups is None else group_codes(groups, n)
    rows = np.repeat(codes, t)
    z = within(cube, effects).reshape(n * t, k)
    ys = within(given.y, effects).reshape(-1)
    full = least_squares(z, ys)
    others = np.delete(z, term, axis=1)
    column = z[:, term] - others @ np.linalg.lstsq(others, z[:, term], rcond=None)[0]
    length = float(column @ column)

    def t_of(e: FloatArray, estimate: FloatArray) -> FloatArray:
        return estimate / np.sqrt((sums_by(column[:, None] * e, rows) ** 2).sum(axis=0)) * length

    estimate = float(full.coef[term])
    observed = float(t_of(full.residual[:, None], np.array([estimate]))[0])
    imposed = least_squares(others, ys).residual if k > 1 else ys
    e = imposed if impose_null else full.residual
    signs, is_all = _signs(count, draws, rng)
    step = max(1, CELLS // (n * t))
    found = []
    for start in range(0, signs.shape[1], step):
        u = e[:, None] * signs[rows, start : start + step]
        clean = within(u.reshape(n, t, -1), effects).reshape(n * t, -1)
        left = clean - z @ (full.bread @ (z.T @ clean))
        found.append(np.abs(t_of(left, column @ u / length)))
    return WildTest(estimate, observed, np.concatenate(found), is_all)


def wild_score(
    fit: CoreFit | IVFit | FactorFit,
    name: str,
    *,
    groups: ArrayLike | None = None,
    null: float = 0.0,
    draws: int = 999,
    rng: np.random.Generator | None = None,
) -> WildTest:
    """Test one parameter of a fit with cov='cluster' against `null`: maximum likelihood, 2SLS or factors, any N.

    >>> from python_models.regression import fit_panel, wild_score
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> wild_score(fit_panel(y, x[..., None], W, names=["x"]), "x", rng=np.random.default_rng(1)).p
    0.001
    """
    if fit.influence is None:
        raise PanelInputError("the wild score bootstrap needs a fit with cov='cluster'.")
    if name not in fit.names:
        raise PanelInputError(f"'{name}' is not a parameter; there are {', '.join(fit.names)}.")
    at, n = fit.names.index(name), fit.cities
    psi = fit.influence[:, at]
    if groups is not None:
        codes, _ = group_codes(groups, n)
        psi = sums_by(psi.reshape(-1, n).sum(axis=0)[:, None], codes)[:, 0]
    estimate, se = float(fit.params[at]) - null, float(np.sqrt(psi @ psi))
    signs, is_all = _signs(len(psi), draws, rng)
    return WildTest(float(fit.params[at]), estimate / se, np.abs(psi @ signs) / se, is_all)


def _signs(count: int, draws: int, rng: np.random.Generator | None) -> tuple[FloatArray, bool]:
    """(G, B) of +-1: all patterns of few clusters, else drawn."""
    if count <= MOST_SIGNS:
        patterns = np.arange(2**count)
        return np.where((patterns[None, :] >> np.arange(count)[:, None]) & 1, -1.0, 1.0), True
    if rng is None:
        raise PanelInputError("drawn signs need `rng`, for example numpy.random.default_rng(2026).")
    if draws < 99:
        raise PanelInputError(f"a wild bootstrap needs 99 draws or more, got {draws}.")
    return rng.choice(np.array([-1.0, 1.0]), size=(count, draws)), False
