"""From labelled frames and a graph to arrays in one order; checked arrays and what the tests share. Labels decide, row
order never does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from python_models._align import align_to, graph_labels
from python_models._types import ArrayLike, FloatArray
from python_models.regression.covariance import Rows
from python_models.regression.errors import PanelInputError, require_known
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import EFFECTS, has_entity, has_time

type Weights = Any  # SpatialWeights, sparse or dense (N, N); with labelled frames a graph as SpatialPanel takes it
type Values = ArrayLike | pd.Series | pd.DataFrame

_OWN_SHARE = 1e-6  # of an instrument that those before it must leave unexplained
_INDEPENDENT = 1e-7  # share of a regressor that the others must leave unexplained


@dataclass(frozen=True, eq=False)
class PanelData:
    """A balanced panel: y (N, T), x (N, T, k), weights (N, N), N entities in the order of the graph, T rising times."""

    y: FloatArray
    x: FloatArray
    weights: SpatialWeights
    entities: pd.Index
    times: pd.Index
    dependent: str
    names: tuple[str, ...]
    index_names: tuple[str, str]
    rows: pd.Index | None = None  # of a stack: y (R, 1), x (R, 1, k), weights (R, R)

    @property
    def index(self) -> pd.Index:
        if self.rows is not None:
            return self.rows
        return pd.MultiIndex.from_product([self.entities, self.times], names=list(self.index_names))

    def series(self, values: FloatArray, name: str) -> pd.Series:
        return pd.Series(values.reshape(-1), index=self.index, name=name)


def align_panel(dependent: pd.Series | pd.DataFrame, exog: pd.Series | pd.DataFrame, graph: Any) -> PanelData:
    """Match a dependent variable, regressors and a graph by their labels.

    `dependent` and `exog` carry an (entity, time) MultiIndex in any row order. `graph`: a libpysal Graph or W, a square
    DataFrame, or a pair (matrix, labels). PanelInputError in words: duplicate or missing (entity, time), an entity that
    the graph lacks or the panel lacks, values that are missing or no numbers.
    """
    matrix, ids = graph_parts(graph)
    left, right, names = _frames(dependent, exog)
    y, times = _place(left, ids, None, "dependent")
    x, _ = _place(right, ids, times, "exog")
    weights = spatial_weights(matrix, labels=list(ids))
    return PanelData(y[..., 0], x, weights, ids, times, str(left.columns[0]), names, _level_names(left.index))


def _frames(
    dependent: pd.Series | pd.DataFrame, exog: pd.Series | pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[str, ...]]:
    left, right = _frame(dependent, "dependent"), _frame(exog, "exog")
    if left.shape[1] != 1:
        raise PanelInputError(f"the dependent variable must be one column, got {left.shape[1]}.")
    names = tuple(str(c) for c in right.columns)
    for name in names:
        if names.count(name) > 1:
            raise PanelInputError(f"regressor '{name}' occurs twice.")
        if name.startswith("W:") or name in ("rho", "lambda", "sigma2"):
            raise PanelInputError(f"'{name}' is a name that the results use: rename this regressor.")
    return left, right, names


def _level_names(index: pd.Index) -> tuple[str, str]:
    first, second = (str(n) if n is not None else d for n, d in zip(index.names, ("entity", "time"), strict=True))
    return first, second


@dataclass(frozen=True, eq=False)
class Stack:
    """A panel as rows, year by year: its data, city and year codes, W of the error, and the sets of dummies."""

    data: PanelData
    codes: Rows
    error: SpatialWeights
    effects: tuple[NDArray[np.int64], ...]


def align_stack(
    dependent: pd.Series | pd.DataFrame,
    exog: pd.Series | pd.DataFrame,
    graph: Any,
    *,
    error_graph: Any = None,
    effects: str = "twoways",
    period_groups: pd.Series | None = None,
    renormalise: bool = True,
) -> Stack:
    """Match a panel with holes, or with a graph of each year, by its labels.

    graph, error_graph : one graph, or a mapping year -> graph. A row counts where the dependent variable and all
    regressors are known. In each year W keeps the cities with a row; with `renormalise` rows sum to what they summed to
    before (a city without observed neighbours keeps a zero row). period_groups : a label a city: year effects of each
    group.
    """
    left, right, names = _frames(dependent, exog)
    for frame, what in ((left, "dependent"), (right, "exog")):
        if not frame.index.is_unique:
            city, year = frame.index[frame.index.duplicated()][0]
            raise PanelInputError(f"{what}: city {_show(city)}, year {_show(year)} occurs more than once.")
    both = pd.concat([left, right], axis=1, join="inner").replace([np.inf, -np.inf], np.nan).dropna()
    if both.empty:
        raise PanelInputError("no city and year has the dependent variable and all regressors.")
    cities, years = both.index.get_level_values(0), both.index.get_level_values(1)
    times = pd.Index(np.unique(years))
    by_year = {t: _graph_of(graph, t) for t in times}
    ids = by_year[times[0]].labels
    _check_present(cities, ids)
    both = both.iloc[np.lexsort((ids.get_indexer(cities), times.get_indexer(years)))]
    cities, years = both.index.get_level_values(0), both.index.get_level_values(1)
    weights = error = _blocks(by_year, cities, years, renormalise)
    if error_graph is not None:
        error = _blocks({t: _graph_of(error_graph, t) for t in times}, cities, years, renormalise)
    entities = ids[ids.isin(cities)]
    unit, time = entities.get_indexer(cities).astype(np.int64), times.get_indexer(years).astype(np.int64)
    calendar = times.to_numpy() if pd.api.types.is_integer_dtype(times) else np.arange(len(times))
    y, x = np.split(_numbers(both, "the panel"), [1], axis=1)
    x = np.ascontiguousarray(x[:, None])
    labels = _level_names(both.index)
    data = PanelData(y, x, weights, entities, times, str(left.columns[0]), names, labels, both.index)
    rows = Rows(unit, np.asarray(calendar[time], dtype=np.int64), len(entities))
    return Stack(data, rows, error, _dummies(effects, unit, time, entities, period_groups))


def _dummies(
    effects: str, unit: NDArray[np.int64], time: NDArray[np.int64], entities: pd.Index, groups: pd.Series | None
) -> tuple[NDArray[np.int64], ...]:
    require_known(effects, EFFECTS, "effects")
    sets = [unit] if has_entity(effects) else []
    if has_time(effects) and groups is None:
        sets.append(time)
    elif has_time(effects):
        labels = np.asarray(align_to(entities, groups, "period_groups"))
        if labels.shape != (len(entities),) or pd.isna(labels).any():
            raise PanelInputError(f"period_groups must have one label for each of the {len(entities)} cities.")
        sets.append(pd.factorize(pd.MultiIndex.from_arrays([labels[unit], time]))[0].astype(np.int64))
    return tuple(sets) if sets else (np.zeros(len(unit), dtype=np.int64),)


class _Graph(NamedTuple):
    matrix: sp.csr_matrix
    labels: pd.Index


def _check_present(cities: pd.Index, ids: pd.Index, what: str = "") -> None:
    absent = pd.Index(cities.unique()).difference(ids, sort=False)
    if len(absent):
        hint = ""
        if len(absent) == cities.nunique():
            hint = f" (labels look like {_show(cities[0])} in the panel and {_show(ids[0])} in the graph)"
        raise PanelInputError(
            f"{what}{len(absent)} cities are missing from the graph, first {_show(absent[0])}{hint}: add them to "
            "the graph or take them out of the panel."
        )


def _blocks(graphs: Mapping[Any, _Graph], cities: pd.Index, years: pd.Index, renormalise: bool) -> SpatialWeights:
    """W of all rows (R, R), block-diagonal by year."""
    parts = []
    for t, graph in graphs.items():
        here = cities[years == t]
        _check_present(here, graph.labels)
        at = graph.labels.get_indexer(here)
        block = graph.matrix[at][:, at]
        if renormalise:
            before = np.asarray(graph.matrix[at].sum(axis=1)).ravel()
            now = np.asarray(block.sum(axis=1)).ravel()
            block = sp.diags(np.divide(before, now, out=np.zeros_like(now), where=now != 0)) @ block
        parts.append(block)
    return spatial_weights(sp.block_diag(parts, format="csr"), islands="keep")


def _graph_of(graph: Any, year: Any) -> _Graph:
    """The graph of a year, where there is one for each."""
    if isinstance(graph, Mapping):
        if year not in graph:
            raise PanelInputError(f"there is no graph for year {_show(year)}.")
        graph = graph[year]
    matrix, ids = graph_parts(graph)
    return _Graph(sp.csr_matrix(matrix.matrix if isinstance(matrix, SpatialWeights) else matrix), ids)


def graph_parts(graph: Any) -> tuple[Any, pd.Index]:
    if isinstance(graph, pd.DataFrame):
        if not graph.index.equals(graph.columns):
            raise PanelInputError("a weight frame needs the same labels in the same order on rows and columns.")
        matrix: Any = graph.to_numpy(dtype=np.float64)
        ids = graph.index
    elif (labels := graph_labels(graph)) is not None:
        matrix, ids = sp.csr_matrix(graph.sparse), labels
    elif isinstance(graph, tuple) and len(graph) == 2:
        matrix, ids = graph[0], pd.Index(graph[1])
        size = matrix.n if isinstance(matrix, SpatialWeights) else matrix.shape[0]
        if len(ids) != size:
            raise PanelInputError(f"{len(ids)} labels for a weight matrix of {size} rows.")
    else:
        raise PanelInputError(
            "the graph must be a libpysal Graph, a square frame, or a pair (matrix, labels): without labels its rows "
            f"cannot be matched with the panel, got {type(graph).__name__}."
        )
    if not ids.is_unique:
        raise PanelInputError(f"the graph names city {_show(ids[ids.duplicated()][0])} twice.")
    return matrix, ids


def graph_in_order(graph: Any, labels: pd.Index) -> sp.csr_matrix:
    """The matrix of a graph in the order of `labels`, which must be exactly its own."""
    parts = _graph_of(graph, None)
    _check_entities(labels, parts.labels, "the panel")
    at = parts.labels.get_indexer(labels)
    return sp.csr_matrix(parts.matrix[at][:, at])


def _frame(data: pd.Series | pd.DataFrame, what: str) -> pd.DataFrame:
    if not isinstance(data, pd.Series | pd.DataFrame):
        raise PanelInputError(f"{what} must be a Series or DataFrame with an (entity, time) MultiIndex.")
    frame = data.to_frame(name=data.name if data.name is not None else what) if isinstance(data, pd.Series) else data
    if not isinstance(frame.index, pd.MultiIndex) or frame.index.nlevels != 2:
        raise PanelInputError(f"{what} needs a MultiIndex with the two levels (entity, time).")
    if frame.empty:
        raise PanelInputError(f"{what} is empty (shape {frame.shape}).")
    return frame


def _place(frame: pd.DataFrame, ids: pd.Index, times: pd.Index | None, what: str) -> tuple[FloatArray, pd.Index]:
    """Values (N, T, c) in the order of `ids` and of rising time."""
    index = frame.index
    assert isinstance(index, pd.MultiIndex)  # checked by _frame
    index = index.remove_unused_levels()
    (rows, columns), (entities, years) = (np.asarray(c) for c in index.codes), index.levels
    for codes, level in ((rows, "entity"), (columns, "time")):
        if (codes < 0).any():
            raise PanelInputError(f"{what}: row {int(np.argmax(codes < 0))} has no {level} label.")
    order = np.argsort(np.asarray(years), kind="stable")
    rank = np.argsort(order)
    years = years[order]
    _check_entities(entities, ids, what)
    if times is not None and not years.equals(times):
        odd = years.symmetric_difference(times)
        raise PanelInputError(f"dependent and exog differ in their years, first {_show(odd[0])}.")
    place = ids.get_indexer(entities)[rows] * len(years) + rank[columns]
    counts = np.bincount(place, minlength=len(ids) * len(years))
    for wrong, text in ((counts > 1, "occurs more than once"), (counts == 0, "has no row")):
        if wrong.any():
            i, t = divmod(int(np.argmax(wrong)), len(years))
            raise PanelInputError(
                f"{what}: city {_show(ids[i])}, year {_show(years[t])} {text} ({int(wrong.sum())} such cells of "
                f"{len(counts)}): the panel must be balanced, one row for each city and year."
            )
    values = _numbers(frame, what)
    out = np.empty_like(values)
    out[place] = values
    cube = out.reshape(len(ids), len(years), -1)
    bad = ~np.isfinite(cube)
    if bad.any():
        i, t, c = np.argwhere(bad)[0]
        raise PanelInputError(
            f"{what}: {int(bad.sum())} missing or infinite values, first city {_show(ids[i])}, "
            f"year {_show(years[t])}, column '{frame.columns[c]}': fill it or leave the city out."
        )
    return cube, years


def _check_entities(entities: pd.Index, ids: pd.Index, what: str) -> None:
    _check_present(entities, ids, f"{what}: ")
    absent = ids.difference(entities, sort=False)
    if len(absent):
        raise PanelInputError(
            f"{what}: {len(absent)} cities of the graph have no row in the panel, first {_show(absent[0])}: build "
            "the graph from the cities of the panel (cutting it would break the weights)."
        )


def _numbers(frame: pd.DataFrame, what: str) -> FloatArray:
    for position, name in enumerate(frame.columns):
        if not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[position]):
            raise PanelInputError(f"{what}: column '{name}' holds {frame.dtypes.iloc[position]}, no numbers.")
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def _show(label: object) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)


def column_positions(names: Sequence[str], columns: Sequence[str] | None) -> tuple[int, ...] | None:
    """Positions of the chosen columns; None stays None."""
    if columns is None:
        return None
    for name in columns:
        if name not in names:
            raise PanelInputError(f"'{name}' is not a regressor; there are {', '.join(names)}.")
    return tuple(list(names).index(name) for name in columns)


class PanelInputs(NamedTuple):
    """Checked y (N, T), x (N, T, k), W and the names of x."""

    y: FloatArray
    x: FloatArray
    weights: SpatialWeights
    names: tuple[str, ...]


def panel_inputs(y: Values, x: Values, w: Weights, names: Sequence[str] | None = None) -> PanelInputs:
    """Arrays (N, T), (N, T, k) with a matrix W; or frames on (entity, time) labels with a graph, in any row order."""
    if is_labelled(y):
        data = align_panel(y, x, w)  # type: ignore[arg-type]
        y, x, w, names = data.y, data.x, data.weights, data.names if names is None else names
    plane = as_panel_y(y)
    cube = as_panel_x(x, plane.shape)
    return PanelInputs(plane, cube, as_weights(w, plane.shape[0]), names_of(names, cube.shape[2]))


def names_of(names: Sequence[str] | None, k: int) -> tuple[str, ...]:
    labels = tuple(names) if names is not None else tuple(f"x{j + 1}" for j in range(k))
    if len(labels) != k:
        raise PanelInputError(f"{len(labels)} names for {k} regressors.")
    return labels


def is_labelled(values: object) -> bool:
    return isinstance(values, pd.Series | pd.DataFrame) and isinstance(values.index, pd.MultiIndex)


def as_panel_y(y: Values, what: str = "y") -> FloatArray:
    """y as finite floats (N, T); a missing cell raises with its position."""
    plane = np.asarray(y, dtype=np.float64)
    if plane.ndim != 2:
        raise PanelInputError(f"{what} must have the axes (city, year), got shape {plane.shape}.")
    _require_finite(plane, what)
    return plane


def as_panel_x(x: Values, shape: tuple[int, ...], what: str = "x") -> FloatArray:
    """x as finite floats (N, T, k) that fit y."""
    cube = np.asarray(x, dtype=np.float64)
    if cube.ndim != 3 or cube.shape[:2] != shape:
        raise PanelInputError(
            f"{what} must have the axes (city, year, regressor) of y {shape}, got shape {cube.shape}."
        )
    _require_finite(cube, what)
    return cube


def as_weights(w: Weights, n: int) -> SpatialWeights:
    weights = spatial_weights(w)
    if weights.n != n:
        raise PanelInputError(f"W is {weights.n} x {weights.n}, the panel has {n} cities: sizes must agree.")
    return weights


def degrees(n: int, t: int, effects: str) -> tuple[int, int]:
    """(N', T'): N - 1 where time effects are removed, T - 1 where city effects are."""
    require_known(effects, EFFECTS, "effects")
    return n - has_time(effects), t - has_entity(effects)


class DemeanedTraces(NamedTuple):
    trace: float
    square: float


def demeaned_traces(weights: SpatialWeights, effects: str) -> DemeanedTraces:
    """tr(Ws) and tr(Ws Ws + Ws'Ws) of Ws = J W J (time effects) or of W itself, without a product n x n.

    With P = 11'/n, r = W1, c = W'1, s = 1'W1:  tr JW = tr W - s/n; tr JWJW = tr WW - 2 c'r/n + (s/n)^2;  |JWJ|^2 =
    |W|^2 - (|r|^2 + |c|^2)/n + (s/n)^2.
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


class LeastSquares(NamedTuple):
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


def independent(columns: FloatArray, scale: FloatArray | None = None) -> np.ndarray:
    """(m,) mask of the columns (rows, m) that add something to those before them, against `scale` (their length)."""
    basis = np.empty((len(columns), 0))
    is_independent = np.zeros(columns.shape[1], dtype=np.bool_)
    whole = np.linalg.norm(columns, axis=0) if scale is None else scale
    for j, column in enumerate(columns.T):
        rest = column - basis @ (basis.T @ column)
        rest = rest - basis @ (basis.T @ rest)
        length = float(np.linalg.norm(rest))
        is_independent[j] = length > _OWN_SHARE * whole[j] and whole[j] > 0
        if is_independent[j]:
            basis = np.column_stack([basis, rest / length])
    return is_independent


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
