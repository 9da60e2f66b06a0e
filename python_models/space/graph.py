"""Weights as a labelled PySAL graph: the bridge to matrices and labels, normalisation, and the hash of its links.

Row receives, column emits, and the diagonal is zero. Nothing here changes the graph it is given.
"""

import hashlib
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from libpysal.graph import Graph
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigs

from python_models._align import align_to, aligned, graph_labels
from python_models._types import FloatArray
from python_models._validate import require_unique
from python_models.space import spectrum

DENSE_EIGEN = 2_500  # up to this n all eigenvalues are found by LAPACK; above it ARPACK finds the outer ones
NORMALISATIONS = ("raw", "row", "spectral", "minmax")


class CityGraph(Graph):  # type: ignore[misc]  # libpysal has no type marker
    """A `libpysal.graph.Graph` that remembers how it was made.

    kind, normalisation : codes of docs/formulas.md.   params : the numbers behind the kind.   attached : cities that
    had no neighbour and were tied to their nearest one.
    """

    kind: str
    normalisation: str
    params: Mapping[str, Any]
    attached: tuple[Hashable, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per link: city_id_receiver, city_id_emitter, weight."""
        matrix = sparse.coo_array(to_sparse(self))
        labels = self.unique_ids.to_numpy()
        ends = {"city_id_receiver": labels[matrix.row], "city_id_emitter": labels[matrix.col]}
        return pd.DataFrame({**ends, "weight": matrix.data})


def to_graph(
    matrix: Any,
    labels: Sequence[Hashable] | None = None,
    *,
    kind: str = "custom",
    normalisation: str = "raw",
    params: Mapping[str, Any] | None = None,
    attached: Sequence[Hashable] = (),
) -> CityGraph:
    """Labelled graph of a square weight matrix.

    Parameters
    ----------
    matrix : (N, N) array or sparse matrix
        Weights; a row without links stays an isolate.
    labels : sequence, optional
        N different city labels; default: positions.
    kind, normalisation : str
        Codes that the graph keeps.
    params : mapping, optional
        Numbers behind the kind, which the graph keeps.
    attached : sequence
        Cities that were linked to their nearest one, which the graph keeps.

    Returns
    -------
    CityGraph
        The labelled graph.

    Raises
    ------
    ValueError
        A matrix that is not square, a weight that is negative or not finite, a link of a city with itself, a label used
        twice.

    Examples
    --------
    >>> from python_models.space import to_graph
    >>> to_graph(np.array([[0.0, 1.0], [1.0, 0.0]]), ["A", "B"]).n
    2
    """
    w = sparse.csr_array(matrix, dtype=np.float64, copy=True)
    w.sum_duplicates()
    w.eliminate_zeros()
    w.sort_indices()
    n = w.shape[0]
    names: list[Any] = list(range(n)) if labels is None else list(labels)
    if w.shape != (n, n) or len(names) != n:
        raise ValueError(f"weights must be square with one label per row, got {w.shape} and {len(names)} labels.")
    require_unique(names, "city")
    _check_entries(w, names)
    rows, cols, data = _with_self_loops(w)
    # levels in label order, not sorted: PySAL reads the order of the cities off the codes
    level: Any = pd.Index(names)
    codes = pd.MultiIndex([level, level], [rows, cols], names=["focal", "neighbor"])
    graph = CityGraph(pd.Series(data, index=codes, name="weight"), is_sorted=True)
    graph.kind, graph.normalisation = kind, normalisation
    graph.params, graph.attached = dict(params or {}), tuple(attached)
    # known already, so that neither needs a detour over the adjacency table
    graph.__dict__["_csr"], graph.__dict__["unique_ids"] = w, level
    return graph


def to_sparse(w: Any) -> Any:
    """Weights as a sparse matrix.

    Parameters
    ----------
    w : graph, PySAL W, sparse or dense (N, N) matrix
        Weights.

    Returns
    -------
    (N, N) csr_array
        A copy, in the order of `labels_of`.

    Raises
    ------
    ValueError
        A matrix that is not square.

    Examples
    --------
    >>> from python_models.space import to_graph, to_sparse
    >>> to_sparse(to_graph(np.array([[0.0, 1.0], [1.0, 0.0]]))).toarray()
    array([[0., 1.],
           [1., 0.]])
    """
    if isinstance(w, Graph):
        return w.__dict__["_csr"].copy() if "_csr" in w.__dict__ else _graph_matrix(w)
    if hasattr(w, "id_order") and hasattr(w, "sparse"):  # libpysal.weights.W
        w = w.sparse
    matrix = sparse.csr_array(w, dtype=np.float64, copy=True)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"weights must be a square matrix, got shape {matrix.shape}.")
    matrix.eliminate_zeros()
    return matrix


def labels_of(w: Any) -> Any:
    """City labels of the rows of `to_sparse(w)`; positions where the weights carry none."""
    if isinstance(w, Graph):
        return pd.Index(w.unique_ids)
    if hasattr(w, "id_order"):
        return pd.Index(w.id_order)
    return pd.RangeIndex(np.shape(w)[0])


def in_order_of(values: Any, w: Any, what: str = "y") -> tuple[FloatArray, pd.Index]:
    """Finite values in the order of the weights, with the labels. ValueError for other cities, NaN or infinity."""
    labels = labels_of(w)
    if graph_labels(w) is not None:
        values = align_to(labels, values, what)
    elif isinstance(values, pd.Series | pd.DataFrame):
        labels = values.index
    array = np.array(values, dtype=np.float64)
    if array.ndim == 0 or array.shape[0] != len(labels):
        raise ValueError(f"{what} needs one row per city of the weights ({len(labels)}), got shape {array.shape}.")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        place = labels[int(bad[0][0])]
        raise ValueError(f"{what} is missing or infinite for {len(bad)} cells, first city {place}: drop or fill it.")
    return array, labels


@aligned
def normalise(graph: Any, kind: str = "row") -> CityGraph:
    """Normalised copy of weights.

    Parameters
    ----------
    graph : graph, PySAL W or (N, N) matrix
        Weights; a row without links stays empty.
    kind : {"row", "spectral", "minmax", "raw"}
        `row` w_ij / sum_j w_ij; `spectral` W / max|eig(W)|; `minmax` W over the smaller of the largest row and the
        largest column sum; `raw` no change.

    Returns
    -------
    CityGraph
        A copy that knows its normalisation.

    Raises
    ------
    ValueError
        Another kind, or a divisor of zero.

    References
    ----------
    Kelejian and Prucha (2010, J. Econometrics 157).

    Examples
    --------
    >>> from python_models.space import normalise, to_graph, to_sparse
    >>> graph = to_graph(np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), ["A", "B", "C"])
    >>> to_sparse(normalise(graph)).toarray()[0]
    array([0. , 0.5, 0.5])
    """
    w = to_sparse(graph)
    if kind not in NORMALISATIONS:
        raise ValueError(f"unknown normalisation '{kind}': choose from {', '.join(NORMALISATIONS)}.")
    if kind == "row":
        sums = _row_sums(w)
        w = sparse.csr_array(sparse.diags_array(1.0 / np.where(sums > 0, sums, 1.0)) @ w)
    elif kind == "spectral":
        w = _divided(w, spectral_radius(w), "largest absolute eigenvalue")
    elif kind == "minmax":
        w = _divided(w, min(_row_sums(w).max(), _row_sums(w.T).max()), "smaller of the largest row and column sums")
    attributes = {name: getattr(graph, name) for name in ("kind", "params", "attached") if hasattr(graph, name)}
    normalisation = kind if kind != "raw" else getattr(graph, "normalisation", "raw")
    return to_graph(w, list(labels_of(graph)), normalisation=normalisation, **attributes)


def spectral_radius(w: Any) -> float:
    """max |eigenvalue| of a non-negative matrix (its Perron root)."""
    n = w.shape[0]
    if n <= DENSE_EIGEN:
        return float(np.abs(eigenvalues(w)).max())
    try:  # from a fixed start: nothing depends on a hidden generator
        values = eigs(w, k=6, which="LM", v0=np.full(n, 1.0 / np.sqrt(n)), return_eigenvectors=False, maxiter=5_000)
    except ArpackNoConvergence as stopped:
        values = stopped.eigenvalues
    if not len(values):
        raise ValueError("the largest eigenvalue was not found: normalise by row or minmax instead.")
    return float(np.abs(values).max())


def eigenvalues(w: Any) -> spectrum.ComplexArray:
    """All eigenvalues; real ones come out real where the weights have a symmetric twin."""
    matrix = sparse.csr_matrix(w)
    twin = spectrum.symmetric_twin(matrix)
    return spectrum.eigenvalues(matrix) if twin is None else spectrum.symmetric_eigenvalues(twin)


def _check_entries(w: Any, names: Sequence[Hashable]) -> None:
    bad = ~np.isfinite(w.data) | (w.data < 0)
    if bad.any():
        at = int(np.argmax(bad))
        row = int(np.searchsorted(w.indptr, at, side="right") - 1)
        raise ValueError(f"the weight of {names[row]} and {names[w.indices[at]]} is {w.data[at]}: it must be >= 0.")
    loops = np.flatnonzero(w.diagonal())
    if len(loops):
        raise ValueError(f"city {names[loops[0]]} has a weight with itself: the diagonal must be zero.")


def _with_self_loops(w: Any) -> tuple[Any, Any, FloatArray]:
    """Triplets in row order, with the zero self-loop that marks an isolate in PySAL."""
    counts = np.diff(w.indptr)
    rows = np.repeat(np.arange(w.shape[0]), counts)
    lone = np.flatnonzero(counts == 0)
    at = np.searchsorted(rows, lone)
    return np.insert(rows, at, lone), np.insert(w.indices, at, lone), np.insert(w.data, at, 0.0)


def _graph_matrix(graph: Any) -> Any:
    adjacency, labels = graph.adjacency, pd.Index(graph.unique_ids)
    rows, cols = (labels.get_indexer(adjacency.index.get_level_values(level)) for level in (0, 1))
    matrix = sparse.csr_array((adjacency.to_numpy(dtype=np.float64), (rows, cols)), shape=(len(labels),) * 2)
    matrix.eliminate_zeros()
    return matrix


def _row_sums(w: Any) -> FloatArray:
    return np.asarray(w.sum(axis=1), dtype=np.float64).ravel()


def _divided(w: Any, value: float, what: str) -> Any:
    if not value > 0:
        raise ValueError(f"the {what} is zero: these weights cannot be normalised this way.")
    return w / float(value)


def hash_links(w: Any) -> str:
    """sha256 of the sorted lines `receiver,emitter,weight`, 12 digits: the last bits of a platform do not matter."""
    matrix = sparse.coo_array(to_sparse(w))
    names = np.array([str(label) for label in labels_of(w)], dtype=object)
    lines = [f"{names[i]},{names[j]},{v:.12g}" for i, j, v in zip(matrix.row, matrix.col, matrix.data, strict=True)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def weight_sums(matrix: Any) -> tuple[float, float, float]:
    """S0 = sum w_ij, S1 = (1/2) sum (w_ij + w_ji)^2, S2 = sum_i (row_i + col_i)^2 (Cliff & Ord 1981)."""
    both = matrix + matrix.T
    margins = _row_sums(matrix) + _row_sums(matrix.T)
    return float(matrix.sum()), float((both.data**2).sum() / 2), float((margins**2).sum())
