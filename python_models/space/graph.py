"""Weights as a labelled PySAL graph: the bridge to matrices, labels, normalisation.

Row receives, column emits, and the diagonal is zero. Nothing here changes the graph it is given.
"""

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

DENSE_EIGEN = 2_500  # up to this n all eigenvalues are found by LAPACK; above it ARPACK finds the outer ones
NORMALISATIONS = ("raw", "row", "spectral", "minmax")


class CityGraph(Graph):  # type: ignore[misc]  # libpysal has no type marker
    """A `libpysal.graph.Graph` that remembers how it was made.

    kind, normalisation : codes of docs/formulas.md#weights and #normalisation.   params : the numbers behind the kind.
    attached : labels of the cities that had no neighbour and were tied to their nearest one.
    """

    kind: str
    normalisation: str
    params: Mapping[str, Any]
    attached: tuple[Hashable, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per link: city_id_receiver, city_id_emitter, weight."""
        matrix = sparse.coo_array(to_sparse(self))
        labels = self.unique_ids.to_numpy()
        return pd.DataFrame(
            {"city_id_receiver": labels[matrix.row], "city_id_emitter": labels[matrix.col], "weight": matrix.data}
        )


def to_graph(
    matrix: Any,
    labels: Sequence[Hashable] | None = None,
    *,
    kind: str = "custom",
    normalisation: str = "raw",
    params: Mapping[str, Any] | None = None,
    attached: Sequence[Hashable] = (),
) -> CityGraph:
    """Labelled graph of a square weight matrix (dense or sparse); a row without links stays an isolate.

    Raises ValueError for a matrix that is not square, a weight that is negative or not finite, a link of a city
    with itself, or a label used twice.

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
    """CSR copy of weights given as graph, PySAL W, sparse or dense matrix, in the order of `labels_of`.

    >>> from python_models.space import to_graph, to_sparse
    >>> to_sparse(to_graph(np.array([[0.0, 1.0], [1.0, 0.0]]))).toarray()
    array([[0., 1.],
           [1., 0.]])
    """
    if isinstance(w, CityGraph):
        return w.__dict__["_csr"].copy() if "_csr" in w.__dict__ else _graph_matrix(w)
    if isinstance(w, Graph):
        return _graph_matrix(w)
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
    """Values as finite floats in the order of the weights, with the labels (see `python_models._align`).

    Raises ValueError for other cities, another length, NaN or infinity.
    """
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
    """Normalised copy: `row` w_ij/sum_j w_ij; `spectral` W/max|eig(W)|; `minmax` W over the smaller of the largest
    row and the largest column sum (Kelejian & Prucha 2010, J. Econometrics 157); `raw` no change.

    A row without links stays empty. Raises ValueError for another kind, and where the divisor is zero.

    >>> from python_models.space import normalise, to_graph, to_sparse
    >>> graph = to_graph(np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), ["A", "B", "C"])
    >>> to_sparse(normalise(graph)).toarray()
    array([[0. , 0.5, 0.5],
           [1. , 0. , 0. ],
           [1. , 0. , 0. ]])
    """
    w = to_sparse(graph)
    if kind not in NORMALISATIONS:
        raise ValueError(f"unknown normalisation '{kind}': choose from {', '.join(NORMALISATIONS)}.")
    if kind == "row":
        sums = _row_sums(w)
        w = sparse.csr_array(sparse.diags_array(1.0 / np.where(sums > 0, sums, 1.0)) @ w)
    elif kind == "spectral":
        w = w / _divisor(spectral_radius(w), "largest absolute eigenvalue")
    elif kind == "minmax":
        w = w / _divisor(min(_row_sums(w).max(), _row_sums(w.T).max()), "smaller of the largest row and column sums")
    return to_graph(
        w,
        list(labels_of(graph)),
        kind=getattr(graph, "kind", "custom"),
        normalisation=kind if kind != "raw" else getattr(graph, "normalisation", "raw"),
        params=getattr(graph, "params", None),
        attached=getattr(graph, "attached", ()),
    )


def spectral_radius(w: Any) -> float:
    """max |eigenvalue| of a non-negative matrix (its Perron root)."""
    n = w.shape[0]
    if n <= DENSE_EIGEN:
        return float(np.abs(eigenvalues(w)).max())
    start = np.full(n, 1.0 / np.sqrt(n))  # fixed start: the answer does not depend on a hidden generator
    try:
        found = eigs(w, k=6, which="LM", v0=start, return_eigenvectors=False, maxiter=5_000)
    except ArpackNoConvergence as stopped:
        found = stopped.eigenvalues
        if not len(found):
            raise ValueError("the largest eigenvalue was not found: normalise by row or minmax instead.") from None
    return float(np.abs(found).max())


def eigenvalues(w: Any) -> FloatArray | np.ndarray[Any, np.dtype[np.complex128]]:
    """All eigenvalues. Weights with symmetric support w_ij = r_i s_ij go through their symmetric twin, so that real
    ones come out real; other weights may have complex ones."""
    twin = symmetric_twin(w)
    if twin is not None:
        return np.asarray(np.linalg.eigvalsh(twin.toarray()), dtype=np.float64)
    return np.linalg.eigvals(w.toarray())


def symmetric_twin(w: Any) -> Any | None:
    """D^(1/2) S D^(1/2) when W = D S with S symmetric and D the row sums' inverse (row-normalised from symmetric
    weights) or W itself when it is symmetric; None otherwise. It has the eigenvalues of W."""
    gap = abs(w - w.T)
    scale = abs(w.data).max() if w.nnz else 0.0
    if gap.nnz == 0 or gap.data.max() <= 1e-14 * scale:
        return w
    ratio = _log_ratios(w)
    if ratio is None:
        return None
    root = np.exp(0.5 * ratio)
    twin = sparse.csr_array(sparse.diags_array(root) @ w @ sparse.diags_array(1.0 / root))
    gap = abs(twin - twin.T)
    return (twin + twin.T) / 2 if gap.nnz == 0 or gap.data.max() <= 1e-10 * abs(twin.data).max() else None


def _log_ratios(w: Any) -> FloatArray | None:
    """u with u_j - u_i = ln(w_ij/w_ji) along a spanning forest, so that W = D S needs d_i = exp(-u_i)."""
    other = sparse.csr_array(w.T)
    other.sort_indices()
    if w.nnz != other.nnz or (w.indices != other.indices).any() or (w.indptr != other.indptr).any():
        return None
    rows = np.repeat(np.arange(w.shape[0]), np.diff(w.indptr))
    step = sparse.csr_array((np.log(w.data / other.data), w.indices, w.indptr), shape=w.shape)
    u = np.zeros(w.shape[0])
    seen = np.zeros(w.shape[0], dtype=np.bool_)
    support = sparse.csr_array((np.ones(w.nnz), (rows, w.indices)), shape=w.shape)
    for root in range(w.shape[0]):
        if seen[root]:
            continue
        order, parent = sparse.csgraph.breadth_first_order(support, root, directed=False)
        seen[order] = True
        for node in order[1:]:
            mother = parent[node]
            low, high = step.indptr[mother], step.indptr[mother + 1]
            at = low + np.searchsorted(step.indices[low:high], node)
            u[node] = u[mother] + step.data[at]
    return u


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
    """Triplets in row order, with the zero self-loop that marks an isolate in PySAL's graph."""
    counts = np.diff(w.indptr)
    rows = np.repeat(np.arange(w.shape[0]), counts)
    lone = np.flatnonzero(counts == 0)
    at = np.searchsorted(rows, lone)
    return np.insert(rows, at, lone), np.insert(w.indices, at, lone), np.insert(w.data, at, 0.0)


def _graph_matrix(graph: Any) -> Any:
    adjacency = graph.adjacency
    labels = pd.Index(graph.unique_ids)
    rows = labels.get_indexer(adjacency.index.get_level_values(0))
    cols = labels.get_indexer(adjacency.index.get_level_values(1))
    matrix = sparse.csr_array((adjacency.to_numpy(dtype=np.float64), (rows, cols)), shape=(len(labels),) * 2)
    matrix.eliminate_zeros()
    return matrix


def _row_sums(w: Any) -> FloatArray:
    return np.asarray(w.sum(axis=1), dtype=np.float64).ravel()


def _divisor(value: float, what: str) -> float:
    if not value > 0:
        raise ValueError(f"the {what} is zero: these weights cannot be normalised this way.")
    return float(value)
