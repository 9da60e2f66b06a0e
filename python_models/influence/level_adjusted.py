"""Tests of equal slopes on an index, without what the shape of the index alone makes appear.

An index is convex in what it measures: a city of a high level moves more for the same push. Centre and periphery differ
in level, so tests of equal slopes reject where nothing differs. Three steps take that away:

1. scale      y and x each by a power (v^lambda - 1) / lambda, lambda by maximum likelihood over all cells, once.
2. level      l^d t and l^d (x - x_i.), d = 1, 2, 3, join the controls, for l = y of the first year and l = x_i.
3. trend      effects of the group of the receiving city by year: groups that differ in trend do not differ in slope.
4. variance   errors clustered by city, without the pull of the own city.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

from python_models._align import aligned
from python_models._types import ArrayLike, FloatArray
from python_models.inference import Wald
from python_models.influence.spillover import AnyWeights, Matrix, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, by_segment
from python_models.regression.errors import estimable

POWERS = (-2.0, 2.0)
DEGREE = 3


@dataclass(frozen=True, eq=False)
class LevelAdjusted:
    """fit on the adjusted scale: theta in standard deviations of y per standard deviation of x, errors by city.

    powers: lambda of y and of x; near 0 the scale is that of logarithms, 1 is the index as it is.
    """

    fit: SpilloverFit
    powers: tuple[float, float]

    def test(self, contrasts: Sequence[Mapping[str, float]]) -> Wald:
        """Wald test of R theta = 0, chi2(q): one mapping {name of a parameter: weight} a row of R.

        Names are those of the matrices, 'x' and 'rho'. KeyError: a name that the fit does not have.
        """
        return self.fit.wald(contrasts)

    def equal(self, *pairs: tuple[str, str]) -> float:
        """p of theta_a = theta_b for all pairs (a, b) together."""
        return self.test([{a: 1.0, b: -1.0} for a, b in pairs]).p


@aligned
@estimable("the level-adjusted test")
def level_adjusted(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    matrices: Mapping[str, Matrix],
    controls: ArrayLike | None = None,
    *,
    groups: ArrayLike | None = None,
    with_own: bool = True,
    segments: Sequence[int] | None = None,
) -> LevelAdjusted:
    """`fit_spillover` without what the shape of an index alone makes appear.

    Parameters
    ----------
    y, x : (N, T) array or frame
        Outcome and explanatory variable, above 0.
    W : weights (N, N)
        Row-normalised; row i receives.
    matrices : mapping of (N, N) arrays or masks
        M_m by name, as in `fit_spillover`.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    groups : (N,) labels, optional
        Group of each city: each group has effects of its own in every year.
    with_own : bool
        Whether beta x is in the model.
    segments : sequence of int, optional
        A label for each of the T years: cities have an effect in each segment, on the adjusted scale.

    Returns
    -------
    LevelAdjusted
        The fit on the adjusted scale, and tests of equal slopes.

    Raises
    ------
    PanelInputError
        As `fit_spillover`; y or x hold a value that is not above 0 or are all equal.

    Notes
    -----
    y and x each by `even_scale`, the terms of `level_controls` and indicators of group and year among the controls,
    errors clustered by city. Measured sizes and powers: docs/methods.md.

    References
    ----------
    Box and Cox (1964, J. Royal Stat. Society B 26), Wooldridge (2010, ch. 11).

    Examples
    --------
    >>> from python_models.influence import level_adjusted
    >>> rng = np.random.default_rng(1)
    >>> W = np.roll(np.eye(40), 1, axis=1) / 2 + np.roll(np.eye(40), -1, axis=1) / 2
    >>> x = np.exp(rng.normal(size=(40, 8)))
    >>> y = np.exp(0.1 * x + rng.normal(scale=0.1, size=(40, 8)))
    >>> type(level_adjusted(y, x, W, {"near": W})).__name__
    'LevelAdjusted'
    """
    yy, xx, every = even_level(y, x, controls, segments)
    by_year = None if groups is None else _group_years(groups, yy.shape[1])
    fit = fit_spillover(yy, xx, W, matrices, every, own_controls=by_year, with_own=with_own)
    return LevelAdjusted(fit, (even_scale(y, "y")[1], even_scale(x, "x")[1]))


def even_level(
    y: ArrayLike, x: ArrayLike, controls: ArrayLike | None, segments: Sequence[int] | None = None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """y and x on the even scale, and the controls with those of the level: steps 1 and 2; then `by_segment`."""
    yy, xx = even_scale(y, "y")[0], even_scale(x, "x")[0]
    others = np.empty((*yy.shape, 0)) if controls is None else np.asarray(controls, dtype=np.float64)
    every = np.concatenate([others, level_controls(yy, xx)], axis=2)
    if segments is None:
        return yy, xx, every
    return by_segment(yy, segments), by_segment(xx, segments), by_segment(every, segments)


def even_scale(values: ArrayLike, name: str = "values") -> tuple[FloatArray, float]:
    """Box-Cox scale of values above 0, standardised: ((v^lambda - 1) / lambda, lambda); the same for c v, c > 0.

    lambda in [-2, 2] maximises -m/2 ln var + (lambda - 1) sum ln v over all m cells (Box and Cox 1964).
    """
    v = np.asarray(values, dtype=np.float64)
    if not (np.isfinite(v).all() and (v > 0).all()):
        raise PanelInputError(f"the level-adjusted test needs {name} above 0 in every city and year.")
    if np.ptp(v) == 0:
        raise PanelInputError(f"all values of {name} are equal: they have no level.")
    v = v / np.exp(np.log(v).mean())
    cells = v.ravel()

    def down(power: float) -> float:
        return -float(stats.boxcox_llf(power, cells))

    optimum = optimize.minimize_scalar(down, bounds=POWERS, method="bounded", options={"xatol": 1e-6})
    power = float(optimum.x)
    scaled = stats.boxcox(cells, lmbda=power).reshape(v.shape)
    return np.asarray((scaled - scaled.mean()) / scaled.std()), power


def level_controls(y: FloatArray, x: FloatArray) -> FloatArray:
    """Controls (N, T, 12) for trends and slopes that go with the level of a city, of y and x (N, T).

    l^d t and l^d (x - x_i.), d = 1, 2, 3, for l = y_i1 and l = x_i., l standardised over cities.
    """
    move = x - x.mean(axis=1, keepdims=True)
    time = np.broadcast_to(np.arange(y.shape[1]) - (y.shape[1] - 1) / 2.0, y.shape)
    columns = []
    for level in (y[:, 0], x.mean(axis=1)):
        standard = ((level - level.mean()) / level.std())[:, None]
        columns += [standard**d * part for d in range(1, DEGREE + 1) for part in (time, move)]
    return np.stack(columns, axis=2)


def _group_years(groups: ArrayLike, n_years: int) -> FloatArray:
    """(N, T, (G - 1)(T - 1)) indicators of group and year; those of the first group and the first year are left out."""
    labels = np.asarray(groups)
    belongs = (labels[:, None] == np.unique(labels)[1:]).astype(np.float64)
    years = np.eye(n_years)[:, 1:]
    return np.asarray(np.einsum("ng,ts->ntgs", belongs, years).reshape(len(labels), n_years, -1))
