"""Labels decide, row order never does: the one place that matches labelled arguments.

Every public function that takes values of units (cities) from more than one argument is `aligned`. Arrays and lists
are taken to be in the order of the first labelled argument; so is a Series or frame on the default index 0, 1, ..
"""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pandas as pd


def aligned[**P, R](function: Callable[P, R]) -> Callable[P, R]:
    """Match the labels of all arguments before `function` sees them.

    The order of units is that of a graph if there is one, else of the first labelled argument. A frame with the same
    labels on both axes holds pairs of units, and both axes are matched. Columns that are numbers or dates (years) rise;
    others follow the first frame with the same ones. Frames on (unit, year) rows are left alone. ValueError names a
    label that occurs twice or that one argument lacks.
    """
    signature = inspect.signature(function)

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if not any(_has_labels(v) for v in (*args, *kwargs.values())):
            return function(*args, **kwargs)
        bound = signature.bind(*args, **kwargs)
        bound.arguments.update(_matched(bound.arguments))
        return function(*bound.args, **bound.kwargs)

    return call


def align_to(labels: pd.Index, values: Any, what: str, columns: pd.Index | None = None) -> Any:
    """`values` with its rows (of pairs: both axes) in the order of `labels`; arrays come back as they are."""
    if isinstance(values, Mapping):
        return {key: align_to(labels, value, f"{what}[{key!r}]", columns) for key, value in values.items()}
    if not isinstance(values, pd.Series | pd.DataFrame):
        return values
    if not _is_same(labels, values.index):
        if _is_default(values.index) and len(values) == len(labels):
            return values.set_axis(labels, axis=0)
        _refuse(labels, values.index, what)
    if isinstance(values, pd.Series):
        return values if values.index.equals(labels) else values.reindex(labels)
    if _is_pairs(values):
        return values if _in_order(values, labels, labels) else values.reindex(index=labels, columns=labels)
    if is_rising := _are_years(values.columns):
        columns = values.columns if values.columns.is_monotonic_increasing else values.columns.sort_values()
    elif columns is None or not _is_same(columns, values.columns):
        columns = values.columns
    if is_rising and not columns.is_unique:
        raise ValueError(f"{what} has the year {columns[columns.duplicated()][0]!r} twice.")
    return values if _in_order(values, labels, columns) else values.reindex(index=labels, columns=columns)


def _matched(arguments: Mapping[str, Any]) -> dict[str, Any]:
    with_labels = {name: value for name, value in arguments.items() if _has_labels(value)}
    flat = [v for value in with_labels.values() for v in (value.values() if isinstance(value, Mapping) else (value,))]
    frames = [v for v in flat if isinstance(v, pd.Series | pd.DataFrame)]
    if any(isinstance(v.index, pd.MultiIndex) for v in frames):
        return {}
    graphs = [labels for v in flat if (labels := graph_labels(v)) is not None]
    name_indexes = [v.index for v in frames if not _is_default(v.index)]
    reference = graphs[0] if graphs else (name_indexes or [frames[0].index])[0]
    planes = [v.columns for v in frames if isinstance(v, pd.DataFrame) and not _is_pairs(v)]
    planes = [c for c in planes if not _are_years(c)]
    for labels in graphs[1:]:
        if not labels.equals(reference):
            raise ValueError("two graphs name their cities in a different order: build them on the same labels.")
    return {
        name: align_to(reference, value, name, planes[0] if planes else None)
        for name, value in with_labels.items()
        if graph_labels(value) is None
    }


def graph_labels(value: Any) -> pd.Index | None:
    """Unit labels of a libpysal Graph or W, in the order of its rows; None for anything else."""
    if hasattr(value, "sparse"):
        for name in ("unique_ids", "id_order"):
            if hasattr(value, name):
                labels: pd.Index = pd.Index(getattr(value, name))
                return labels
    return None


def _has_labels(value: Any) -> bool:
    if isinstance(value, pd.Series | pd.DataFrame):
        return True
    if isinstance(value, Mapping):
        return any(_has_labels(v) for v in value.values())
    return hasattr(value, "sparse") and graph_labels(value) is not None


def _is_pairs(frame: pd.DataFrame) -> bool:
    """The same labels on both axes, in any order."""
    if frame.shape[0] != frame.shape[1]:
        return False
    return frame.index.equals(frame.columns) or not len(frame.index.symmetric_difference(frame.columns))


def _in_order(frame: pd.DataFrame, rows: pd.Index, columns: pd.Index) -> bool:
    return frame.index.equals(rows) and frame.columns.equals(columns)


def _are_years(columns: pd.Index) -> bool:
    """Numbers or dates."""
    return columns.dtype.kind in "iufM"


def _is_default(index: pd.Index) -> bool:
    return isinstance(index, pd.RangeIndex) and index.start == 0 and index.step == 1


def _is_same(labels: pd.Index, reference: pd.Index) -> bool:
    """The same labels, each once, in any order."""
    if reference.equals(labels):
        return True
    return len(reference) == len(labels) and reference.is_unique and not len(labels.difference(reference))


def _refuse(labels: pd.Index, reference: pd.Index, what: str) -> None:
    if not reference.is_unique:
        raise ValueError(f"{what} names {reference[reference.duplicated()][0]!r} twice: every unit must have one row.")
    missing, extra = labels.difference(reference), reference.difference(labels)
    if len(missing):
        raise ValueError(f"{what} has no row for {missing[0]!r} ({len(missing)} units missing): the labels must agree.")
    raise ValueError(f"{what} has a row for {extra[0]!r} that the other values lack ({len(extra)} such units).")
