"""Spatial weights as the estimators use them: a checked sparse matrix, row receives, column emits, with the hash of its
content.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pandas as pd
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import reverse_cuthill_mckee

from python_models._align import aligned, graph_labels
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.regression.errors import PanelInputError, require_known

ROW_SUM_TOLERANCE = 1e-10
SOLVERS = ("eigenvalues", "dense", "sparse", "matrix_free")


@dataclass(frozen=True, eq=False)
class SpatialWeights(Shown):
    """A weight matrix W (n, n), checked once.

    matrix : CSR, float64, sorted, no stored zeros.   key : sha256 of the sorted triplets (row, column, weight).
    is_row_normalised : every row sums to one (1e-10); then W1 = 1 and the two-way transformation holds.
    solver : how I - rho W is solved: eigenvalues, dense, sparse, matrix_free, or None for a choice by size.
    """

    matrix: sp.csr_matrix
    key: str
    is_row_normalised: bool
    solver: str | None = None

    @property
    def n(self) -> int:
        return int(self.matrix.shape[0])

    @property
    def density(self) -> float:
        return float(self.matrix.nnz) / float(self.n) ** 2

    @cached_property
    def near(self) -> tuple[NDArray[np.intp], sp.csr_matrix]:
        """An order in which neighbours stand near each other, and W in it: products find their rows in the cache."""
        order = reverse_cuthill_mckee(self.matrix).astype(np.intp)
        matrix = self.matrix[order][:, order]
        matrix.sort_indices()
        return order, matrix

    @property
    def has_unit_or_no_rows(self) -> bool:
        """Weights are not negative and every row sums to one or is empty: then |r| < 1 is feasible."""
        sums = np.asarray(self.matrix.sum(axis=1)).ravel()
        return bool((self.matrix.data >= 0).all() and ((sums == 0) | (np.abs(sums - 1) <= ROW_SUM_TOLERANCE)).all())

    def lag(self, values: FloatArray) -> FloatArray:
        flat = self.matrix @ values.reshape(self.n, -1)
        return np.asarray(flat, dtype=np.float64).reshape(values.shape)


@aligned
def spatial_weights(
    W: Any,
    *,
    labels: Sequence[object] | None = None,
    islands: Literal["refuse", "keep"] = "refuse",
    solver: str | None = None,
) -> SpatialWeights:
    """Check a weight matrix in the row order of the data, and hash it.

    Parameters
    ----------
    W : (n, n) matrix, square frame or libpysal graph
        Weights.
    labels : sequence, optional
        Labels of the cities, for messages.
    islands : str
        "refuse", or "keep": rows without neighbours stay zero.
    solver : str, optional
        A name of SOLVERS instead of the choice by size (see `logdet.log_determinant`).

    Returns
    -------
    SpatialWeights
        The matrix with what is known of it.

    Raises
    ------
    PanelInputError
        An unknown solver, a shape that is not square, a weight that is not finite, a diagonal that is not zero, a city
        without neighbours.

    Examples
    --------
    >>> from python_models.regression import spatial_weights
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> spatial_weights(W).is_row_normalised
    True
    """
    if solver is not None:
        require_known(solver, SOLVERS, "solver")
    if isinstance(W, SpatialWeights):
        return W if solver is None else replace(W, solver=solver)
    W = W.to_numpy(dtype=np.float64) if isinstance(W, pd.DataFrame) else W.sparse if graph_labels(W) is not None else W
    matrix = sp.csr_matrix(W, dtype=np.float64, copy=True)
    rows, columns = matrix.shape
    if rows != columns:
        raise PanelInputError(f"W must be square, got {rows} rows and {columns} columns.")
    matrix.sum_duplicates()
    matrix.eliminate_zeros()
    matrix.sort_indices()
    _check(matrix, labels, islands == "refuse")
    sums = np.asarray(matrix.sum(axis=1)).ravel()
    digest = hashlib.sha256()
    for part in (matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data):
        digest.update(np.ascontiguousarray(part).data)
    return SpatialWeights(matrix, digest.hexdigest(), bool(np.abs(sums - 1.0).max() <= ROW_SUM_TOLERANCE), solver)


def _check(matrix: sp.csr_matrix, labels: Sequence[object] | None, refuse_islands: bool) -> None:
    def name(i: int) -> str:
        return f"'{labels[i]}'" if labels is not None else f"number {i}"

    if not np.isfinite(matrix.data).all():
        row = int(np.searchsorted(matrix.indptr, int(np.argmin(np.isfinite(matrix.data))), side="right")) - 1
        raise PanelInputError(f"W holds a weight that is not finite in the row of city {name(row)}.")
    diagonal = matrix.diagonal()
    if diagonal.any():
        i = int(np.argmax(diagonal != 0))
        raise PanelInputError(
            f"W has {int((diagonal != 0).sum())} diagonal weights, first city {name(i)} ({diagonal[i]:g}): "
            "a city is not its own neighbour, set the diagonal to zero."
        )
    counts = np.diff(matrix.indptr)
    if refuse_islands and (counts == 0).any():
        i = int(np.argmin(counts))
        raise PanelInputError(
            f"{int((counts == 0).sum())} cities have no neighbour (islands), first city {name(i)}: "
            "link each to its nearest city or leave it out."
        )
