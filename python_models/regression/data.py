"""From labelled frames and a graph to arrays in one order. Labels decide, row order never does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray

from python_models._align import align_to
from python_models._types import FloatArray
from python_models.regression.covariance import Rows
from python_models.regression.errors import PanelInputError
from python_models.regression.weights import SpatialWeights, spatial_weights
from python_models.regression.within import check_effects, has_entity, has_time


@dataclass(frozen=True, eq=False)
class PanelData:
    """A balanced panel in the order of the graph and of time.

    y (N, T), x (N, T, k), weights (N, N).   entities : N labels in the order of the graph.   times : T, ascending.
    """

    y: FloatArray
    x: FloatArray
    weights: SpatialWeights
    entities: pd.Index
    times: pd.Index
    dependent: str
    names: tuple[str, ...]
    index_names: tuple[str, str]
    rows: pd.MultiIndex | None = None  # of a stack: y (R, 1), x (R, 1, k), weights (R, R)

    @property
    def index(self) -> pd.MultiIndex:
        """(entity, time) of the flattened arrays."""
        if self.rows is not None:
            return self.rows
        return pd.MultiIndex.from_product([self.entities, self.times], names=list(self.index_names))

    def series(self, values: FloatArray, name: str) -> pd.Series:
        """values (N, T) with their labels."""
        return pd.Series(values.reshape(-1), index=self.index, name=name)


def align_panel(dependent: pd.Series | pd.DataFrame, exog: pd.Series | pd.DataFrame, graph: Any) -> PanelData:
    """Match a dependent variable, regressors and a graph by their labels.

    `dependent` and `exog` carry an (entity, time) MultiIndex in any row order. `graph`: a libpysal.graph.Graph, a
    libpysal W, a square DataFrame, or a pair (matrix, labels). Raises PanelInputError in words: duplicate or missing
    (entity, time), an entity that the graph lacks or the panel lacks, values that are missing or no numbers.
    """
    matrix, ids = graph_parts(graph)
    if not ids.is_unique:
        raise PanelInputError(f"the graph names city {_show(ids[ids.duplicated()][0])} twice.")
    left = _frame(dependent, "dependent")
    if left.shape[1] != 1:
        raise PanelInputError(f"the dependent variable must be one column, got {left.shape[1]}.")
    right = _frame(exog, "exog")
    _check_columns(right)
    y, times = _place(left, ids, None, "dependent")
    x, _ = _place(right, ids, times, "exog")
    index = left.index
    assert isinstance(index, pd.MultiIndex)  # checked by _frame
    names = tuple(str(c) for c in right.columns)
    weights = spatial_weights(matrix, labels=list(ids))
    return PanelData(y[..., 0], x, weights, ids, times, str(left.columns[0]), names, _level_names(index))


def _level_names(index: pd.MultiIndex) -> tuple[str, str]:
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
    regressors are known. In each year W keeps the cities with a row and loses the others' rows and columns; with
    `renormalise` rows sum to what they summed to before (a city without observed neighbours keeps a zero row).
    period_groups : a label a city: year effects of each group instead of common ones.
    """
    left, right = _frame(dependent, "dependent"), _frame(exog, "exog")
    if left.shape[1] != 1:
        raise PanelInputError(f"the dependent variable must be one column, got {left.shape[1]}.")
    _check_columns(right)
    for frame, what in ((left, "dependent"), (right, "exog")):
        if not frame.index.is_unique:
            city, year = frame.index[frame.index.duplicated()][0]
            raise PanelInputError(f"{what}: city {_show(city)}, year {_show(year)} occurs more than once.")
    both = pd.concat([left, right], axis=1, join="inner").replace([np.inf, -np.inf], np.nan).dropna()
    if both.empty:
        raise PanelInputError("no city and year has the dependent variable and all regressors.")
    cities, years = both.index.get_level_values(0), both.index.get_level_values(1)
    times = pd.Index(np.unique(years))
    by_year = {t: _labelled(graph, t) for t in times}
    ids = next(iter(by_year.values())).index
    _check_present(cities, ids)
    both = both.iloc[np.lexsort((ids.get_indexer(cities), times.get_indexer(years)))]
    index = both.index
    assert isinstance(index, pd.MultiIndex)  # checked by _frame
    cities, years = index.get_level_values(0), index.get_level_values(1)
    weights = _blocks(by_year, cities, years, times, renormalise)
    error = weights
    if error_graph is not None:
        error = _blocks({t: _labelled(error_graph, t) for t in times}, cities, years, times, renormalise)
    entities = ids[ids.isin(cities)]
    unit, time = entities.get_indexer(cities).astype(np.int64), times.get_indexer(years).astype(np.int64)
    calendar = times.to_numpy() if pd.api.types.is_integer_dtype(times) else np.arange(len(times))
    names = tuple(str(c) for c in right.columns)
    numbers = _numbers(both, "the panel")
    data = PanelData(
        numbers[:, :1],
        np.ascontiguousarray(numbers[:, None, 1:]),
        weights,
        entities,
        times,
        str(left.columns[0]),
        names,
        _level_names(index),
        index,
    )
    rows = Rows(unit, np.asarray(calendar[time], dtype=np.int64), len(entities))
    return Stack(data, rows, error, _dummies(effects, unit, time, entities, period_groups))


def _dummies(
    effects: str, unit: NDArray[np.int64], time: NDArray[np.int64], entities: pd.Index, groups: pd.Series | None
) -> tuple[NDArray[np.int64], ...]:
    check_effects(effects)
    sets = [unit] if has_entity(effects) else []
    if has_time(effects) and groups is None:
        sets.append(time)
    elif has_time(effects):
        labels = np.asarray(align_to(entities, groups, "period_groups"))
        if labels.shape != (len(entities),) or pd.isna(labels).any():
            raise PanelInputError(f"period_groups must have one label for each of the {len(entities)} cities.")
        sets.append(pd.factorize(pd.MultiIndex.from_arrays([labels[unit], time]))[0].astype(np.int64))
    return tuple(sets) if sets else (np.zeros(len(unit), dtype=np.int64),)


def _labelled(graph: Any, year: Any) -> _Graph:
    own = graph
    if isinstance(graph, Mapping):
        if year not in graph:
            raise PanelInputError(f"there is no graph for year {_show(year)}.")
        own = graph[year]
    matrix, ids = graph_parts(own)
    if not ids.is_unique:
        raise PanelInputError(f"the graph names city {_show(ids[ids.duplicated()][0])} twice.")
    return _Graph(sp.csr_matrix(matrix.matrix if isinstance(matrix, SpatialWeights) else matrix), ids)


@dataclass(frozen=True, eq=False)
class _Graph:
    matrix: sp.csr_matrix
    index: pd.Index


def _check_present(cities: pd.Index, ids: pd.Index) -> None:
    absent = pd.Index(cities.unique()).difference(ids, sort=False)
    if len(absent):
        raise PanelInputError(
            f"{len(absent)} cities are missing from the graph, first {_show(absent[0])}: add them to the graph or take "
            "them out of the panel."
        )


def _blocks(
    graphs: Mapping[Any, _Graph], cities: pd.Index, years: pd.Index, times: pd.Index, renormalise: bool
) -> SpatialWeights:
    """W of all rows (R, R), block-diagonal by year."""
    parts = []
    for t in times:
        graph, here = graphs[t], cities[years == t]
        _check_present(here, graph.index)
        at = graph.index.get_indexer(here)
        own = graph.matrix[at][:, at]
        if renormalise:
            before = np.asarray(graph.matrix[at].sum(axis=1)).ravel()
            now = np.asarray(own.sum(axis=1)).ravel()
            own = sp.diags(np.divide(before, now, out=np.zeros_like(now), where=now != 0)) @ own
        parts.append(own)
    return spatial_weights(sp.block_diag(parts, format="csr"), islands="keep")


def graph_parts(graph: Any) -> tuple[Any, pd.Index]:
    """The matrix of a graph and the label of each row."""
    if isinstance(graph, pd.DataFrame):
        if not graph.index.equals(graph.columns):
            raise PanelInputError("a weight frame needs the same labels in the same order on rows and columns.")
        return graph.to_numpy(dtype=np.float64), graph.index
    if hasattr(graph, "unique_ids") and hasattr(graph, "sparse"):  # libpysal.graph.Graph
        return sp.csr_matrix(graph.sparse), pd.Index(graph.unique_ids)
    if hasattr(graph, "id_order") and hasattr(graph, "sparse"):  # libpysal.weights.W
        return sp.csr_matrix(graph.sparse), pd.Index(graph.id_order)
    if isinstance(graph, tuple) and len(graph) == 2:
        matrix, labels = graph
        ids = pd.Index(labels)
        size = matrix.n if isinstance(matrix, SpatialWeights) else matrix.shape[0]
        if len(ids) != size:
            raise PanelInputError(f"{len(ids)} labels for a weight matrix of {size} rows.")
        return matrix, ids
    raise PanelInputError(
        "the graph must be a libpysal Graph, a square frame, or a pair (matrix, labels): without labels its rows "
        f"cannot be matched with the panel, got {type(graph).__name__}."
    )


def graph_in_order(graph: Any, labels: pd.Index) -> sp.csr_matrix:
    """The matrix of a graph with rows and columns in the order of `labels`, which must be exactly its own."""
    own = _labelled(graph, None)
    _check_entities(labels, own.index, "the panel")
    at = own.index.get_indexer(labels)
    return sp.csr_matrix(own.matrix[at][:, at])


def _frame(data: pd.Series | pd.DataFrame, what: str) -> pd.DataFrame:
    if not isinstance(data, pd.Series | pd.DataFrame):
        raise PanelInputError(f"{what} must be a Series or DataFrame with an (entity, time) MultiIndex.")
    frame = data.to_frame(name=data.name if data.name is not None else what) if isinstance(data, pd.Series) else data
    if not isinstance(frame.index, pd.MultiIndex) or frame.index.nlevels != 2:
        raise PanelInputError(f"{what} needs a MultiIndex with the two levels (entity, time).")
    if frame.empty:
        raise PanelInputError(f"{what} is empty (shape {frame.shape}).")
    return frame


def _check_columns(frame: pd.DataFrame) -> None:
    names = [str(c) for c in frame.columns]
    for name in names:
        if names.count(name) > 1:
            raise PanelInputError(f"regressor '{name}' occurs twice.")
        if name.startswith("W:") or name in ("rho", "lambda", "sigma2"):
            raise PanelInputError(f"'{name}' is a name that the results use: rename this regressor.")


def _place(frame: pd.DataFrame, ids: pd.Index, times: pd.Index | None, what: str) -> tuple[FloatArray, pd.Index]:
    """Values (N, T, c) in the order of `ids` and of ascending time."""
    index = frame.index
    assert isinstance(index, pd.MultiIndex)  # checked by _frame
    rows, found = _codes(index, 0, what)
    columns, years = _codes(index, 1, what)
    order = np.argsort(np.asarray(years), kind="stable")
    rank = np.empty(len(years), dtype=np.intp)
    rank[order] = np.arange(len(years))
    years = years[order]
    _check_entities(found, ids, what)
    if times is not None and not years.equals(times):
        odd = years.symmetric_difference(times)
        raise PanelInputError(f"dependent and exog differ in their years, first {_show(odd[0])}.")
    place = ids.get_indexer(found)[rows] * len(years) + rank[columns]
    counts = np.bincount(place, minlength=len(ids) * len(years))
    _check_balance(counts, ids, years, what)
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


def _codes(index: pd.MultiIndex, level: int, what: str) -> tuple[NDArray[np.intp], pd.Index]:
    """Position of each row in the labels that occur, and these labels."""
    codes = np.asarray(index.codes[level], dtype=np.intp)
    if (codes < 0).any():
        raise PanelInputError(f"{what}: row {int(np.argmax(codes < 0))} has no {('entity', 'time')[level]} label.")
    is_used = np.bincount(codes, minlength=len(index.levels[level])) > 0
    return (np.cumsum(is_used) - 1)[codes], index.levels[level][is_used]


def _check_entities(found: pd.Index, ids: pd.Index, what: str) -> None:
    absent = found.difference(ids, sort=False)
    if len(absent):
        hint = ""
        if len(absent) == len(found):
            hint = f" (labels look like {_show(found[0])} in the panel and {_show(ids[0])} in the graph)"
        raise PanelInputError(
            f"{what}: {len(absent)} cities are missing from the graph, first {_show(absent[0])}{hint}: add them to "
            "the graph or take them out of the panel."
        )
    unused = ids.difference(found, sort=False)
    if len(unused):
        raise PanelInputError(
            f"{what}: {len(unused)} cities of the graph have no row in the panel, first {_show(unused[0])}: build "
            "the graph from the cities of the panel (cutting it would break the weights)."
        )


def _check_balance(counts: NDArray[np.intp], ids: pd.Index, years: pd.Index, what: str) -> None:
    for wrong, text in ((counts > 1, "occurs more than once"), (counts == 0, "has no row")):
        if wrong.any():
            i, t = divmod(int(np.argmax(wrong)), len(years))
            raise PanelInputError(
                f"{what}: city {_show(ids[i])}, year {_show(years[t])} {text} ({int(wrong.sum())} such cells of "
                f"{len(counts)}): the panel must be balanced, one row for each city and year."
            )


def _numbers(frame: pd.DataFrame, what: str) -> FloatArray:
    for position, name in enumerate(frame.columns):
        if not pd.api.types.is_numeric_dtype(frame.dtypes.iloc[position]):
            raise PanelInputError(f"{what}: column '{name}' holds {frame.dtypes.iloc[position]}, no numbers.")
    return frame.to_numpy(dtype=np.float64, na_value=np.nan)


def _show(label: object) -> str:
    return repr(label.item() if isinstance(label, np.generic) else label)


def column_positions(names: Sequence[str], chosen: Sequence[str] | None) -> tuple[int, ...] | None:
    """Positions of the chosen columns; None stays None. Raises PanelInputError for an unknown name."""
    if chosen is None:
        return None
    for name in chosen:
        if name not in names:
            raise PanelInputError(f"'{name}' is not a regressor; there are {', '.join(names)}.")
    return tuple(list(names).index(name) for name in chosen)
