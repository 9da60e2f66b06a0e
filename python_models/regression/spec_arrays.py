"""What the tests share: checked arrays, traces of the demeaned weights, least squares that complains in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import ArrayLike, FloatArray
from python_models.regression.data import align_panel
from python_models.regression.errors import PanelInputError
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import check_effects, has_entity, has_time

type Weights = Any  # SpatialWeights, sparse or dense (N, N); with labelled frames a graph as SpatialPanel takes it
type Values = ArrayLike | pd.Series | pd.DataFrame

_INDEPENDENT = 1e-7  # share of a regressor that the others must leave unexplained


@dataclass(frozen=True, eq=False)
class PanelInputs:
    """Checked y (N, T), x (N, T, k), W and the names of x."""

    y: FloatArray
    x: FloatArray
    weights: SpatialWeights
    names: tuple[str, ...]


def panel_inputs(y: Values, x: Values, w: Weights, names: Sequence[str] | None = None) -> PanelInputs:
    """Arrays (N, T), (N, T, k) with a matrix W; or frames on (entity, time) labels with a graph, in any row order.

    Raises PanelInputError in words: missing cells, shapes or labels that do not fit, a diagonal or an island in W.
    """
    if is_labelled(y):
        data = align_panel(y, x, w)  # type: ignore[arg-type]
        y, x, w, names = data.y, data.x, data.weights, data.names if names is None else names
    plane = as_panel_y(y)
    cube = as_panel_x(x, plane.shape)
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(cube.shape[2]))
    if len(labels) != cube.shape[2]:
        raise PanelInputError(f"{len(labels)} names for {cube.shape[2]} regressors.")
    return PanelInputs(plane, cube, as_weights(w, plane.shape[0]), labels)


def is_labelled(values: object) -> bool:
    """True for a pandas object on a MultiIndex (entity, time)."""
    return isinstance(values, pd.Series | pd.DataFrame) and isinstance(values.index, pd.MultiIndex)


def as_panel_y(y: Values, what: str = "y") -> FloatArray:
    """Return y as finite floats (N, T); a missing cell raises with its position."""
    plane = np.asarray(y, dtype=np.float64)
    if plane.ndim != 2:
        raise PanelInputError(f"{what} must have the axes (city, year), got shape {plane.shape}.")
    _require_finite(plane, what)
    return plane


def as_panel_x(x: Values, shape: tuple[int, ...], what: str = "x") -> FloatArray:
    """Return x as finite floats (N, T, k) that fit y; a missing cell raises with its position."""
    cube = np.asarray(x, dtype=np.float64)
    if cube.ndim != 3 or cube.shape[:2] != shape:
        raise PanelInputError(
            f"{what} must have the axes (city, year, regressor) of y {shape}, got shape {cube.shape}."
        )
    _require_finite(cube, what)
    return cube


def as_weights(w: Weights, n: int) -> SpatialWeights:
    """Return W checked and of size n."""
    weights = spatial_weights(w)
    if weights.n != n:
        raise PanelInputError(f"W is {weights.n} x {weights.n}, the panel has {n} cities: sizes must agree.")
    return weights


def degrees(n: int, t: int, effects: str) -> tuple[int, int]:
    """(N', T'): N - 1 where time effects are removed, T - 1 where city effects are."""
    check_effects(effects)
    return n - has_time(effects), t - has_entity(effects)


@dataclass(frozen=True)
class DemeanedTraces:
    """tr(Ws) and tr(Ws Ws + Ws'Ws) of Ws = J W J (time effects) or of W itself."""

    trace: float
    square: float


def demeaned_traces(weights: SpatialWeights, effects: str) -> DemeanedTraces:
    """The traces in closed form; no n x n product beyond sparse sums.

    With P = 11'/n, r = W1, c = W'1, s = 1'W1:  tr JW = tr W - s/n;
    tr JWJW = tr WW - 2 c'r/n + (s/n)^2;  |JWJ|^2 = |W|^2 - (|r|^2 + |c|^2)/n + (s/n)^2.
    """
    w, n = weights.matrix, weights.n
    trace = 0.0  # no city is its own neighbour
    square = float(w.multiply(w.T).sum() + w.multiply(w).sum())
    if not has_time(effects):
        return DemeanedTraces(trace, square)
    row, column = np.asarray(w.sum(axis=1)).ravel(), np.asarray(w.sum(axis=0)).ravel()
    s = float(row.sum())
    square += -2.0 * float(column @ row) / n - float(row @ row + column @ column) / n + 2.0 * (s / n) ** 2
    return DemeanedTraces(trace - s / n, square)


@dataclass(frozen=True)
class LeastSquares:
    """Coefficients (k,), residuals (rows,), inverse of Z'Z (k, k)."""

    coef: FloatArray
    residual: FloatArray
    bread: FloatArray


def least_squares(z: FloatArray, y: FloatArray, names: Sequence[str] | None = None) -> LeastSquares:
    """Ordinary least squares of y (rows,) on z (rows, k); a collinear column raises with its name."""
    require_independent(z, names)
    bread = np.linalg.inv(z.T @ z)
    coef = np.linalg.solve(z.T @ z, z.T @ y)
    return LeastSquares(coef, y - z @ coef, bread)


def require_independent(z: FloatArray, names: Sequence[str] | None = None) -> None:
    """Raise for the first column of z (rows, k) that the columns before it explain, or that is zero."""
    rows, k = z.shape
    if rows <= k:
        raise PanelInputError(f"{rows} rows are too few for {k} regressors.")
    labels = list(names) if names is not None else [f"regressor {j}" for j in range(k)]
    scale = np.sqrt((z**2).sum(axis=0))
    for j in np.flatnonzero(scale <= 1e-13 * max(1.0, float(scale.max(initial=0.0)))):
        raise PanelInputError(
            f"{labels[j]} has no variation left after the effects are removed: a time-invariant regressor "
            "is not identified beside city effects, nor one without cross-section beside year effects."
        )
    r = np.abs(np.diag(np.linalg.qr(z / scale, mode="r")))
    for j in np.flatnonzero(r < _INDEPENDENT):
        raise PanelInputError(f"{labels[j]} is collinear with the regressors before it: drop one of them.")


def _require_finite(values: FloatArray, what: str) -> None:
    bad = ~np.isfinite(values)
    if bad.any():
        at = tuple(int(i) for i in np.argwhere(bad)[0])
        raise PanelInputError(f"{what} holds a missing or infinite number, first at (city, year, ..) position {at}.")
