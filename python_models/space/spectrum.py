"""Eigenvalues of W and what they say about the feasible range of rho."""

import numpy as np
import scipy.linalg
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.sparse.linalg import ArpackNoConvergence, eigs

from python_models._types import FloatArray

type ComplexArray = NDArray[np.complex128]

BLOCK = 256  # rows that are compared at once
DENSE_LIMIT = 1000  # no dense n x n matrix of a sparse W above this size


def eigenvalues(matrix: sp.csr_matrix) -> ComplexArray:
    """All eigenvalues (n,), complex."""
    return np.linalg.eigvals(matrix.toarray()).astype(np.complex128)


def symmetric_eigenvalues(twin: FloatArray) -> ComplexArray:
    """All eigenvalues (n,) of a symmetric matrix, as complex numbers; `twin` is used up to save memory."""
    values = scipy.linalg.eigvalsh(twin, overwrite_a=True, check_finite=False, driver="evd")
    return np.asarray(values).astype(np.complex128)


def symmetric_twin(matrix: sp.csr_matrix) -> FloatArray | None:
    """D^-1/2 W D^1/2 (dense) if W = D A with A symmetric and D > 0: row-normalised contiguity, inverse distance; else
    None.

    D follows from w_ij / w_ji = d_i / d_j along a spanning tree; the result is then checked on every pair.
    """
    if (matrix.data <= 0).any():
        return None
    if (log_d := _along_trees(matrix)) is None:
        return None
    root = np.exp((log_d - log_d.max()) / 2.0)
    dense: FloatArray = matrix.toarray()
    dense *= root[None, :]
    dense /= root[:, None]
    limit = 1e-9 * float(dense.max())
    for start in range(0, len(dense), BLOCK):
        rows = slice(start, start + BLOCK)
        if np.abs(dense[rows] - dense[:, rows].T).max() > limit:
            return None
    return dense


def _along_trees(matrix: sp.csr_matrix) -> FloatArray | None:
    """ln d with d_i / d_j = w_ij / w_ji along one spanning tree a component; None if a link has one direction only."""
    n = matrix.shape[0]
    if matrix.indptr[1] == n - 1:  # the first city has links with all others: a star
        back = np.asarray(matrix[1:, [0]].toarray()).ravel()
        return None if (back == 0).any() else np.concatenate([[0.0], np.log(back / matrix.data[: n - 1])])
    log_d = np.zeros(n)
    _, component = connected_components(matrix, directed=False)
    for start in np.unique(component, return_index=True)[1]:
        order, parent = breadth_first_order(matrix, int(start), directed=False)
        if len(order) == 1:  # a city without links
            continue
        nodes, above = order[1:], parent[order[1:]]
        out, back = np.asarray(matrix[nodes, above]).ravel(), np.asarray(matrix[above, nodes]).ravel()
        if (out == 0).any() or (back == 0).any():
            return None
        for node, up, rise in zip(nodes, above, np.log(out / back), strict=True):
            log_d[node] = log_d[up] + rise
    return log_d


def spectral_radius(matrix: sp.csr_matrix) -> float:
    """Largest |eigenvalue|; the smaller of the two matrix norms (an upper bound) if it does not converge."""
    if matrix.shape[0] <= DENSE_LIMIT:
        return float(np.abs(eigenvalues(matrix)).max())
    start = np.ones(matrix.shape[0])  # fixed start: the same answer every time
    try:
        return float(np.abs(eigs(matrix, k=1, which="LM", v0=start, return_eigenvectors=False))[0])
    except ArpackNoConvergence:
        size = abs(matrix)
        return float(min(size.sum(axis=1).max(), size.sum(axis=0).max()))


def smallest_real(matrix: sp.csr_matrix) -> float:
    """Smallest real eigenvalue omega_min; minus the spectral radius if it does not converge or is not real."""
    if matrix.shape[0] <= DENSE_LIMIT:
        values = eigenvalues(matrix)
        real = values.real[np.abs(values.imag) <= 1e-12]
        return float(real.min()) if len(real) else -float(np.abs(values).max())
    try:
        value = eigs(matrix, k=1, which="SR", v0=np.ones(matrix.shape[0]), return_eigenvectors=False)[0]
    except ArpackNoConvergence:
        return -spectral_radius(matrix)
    return float(value.real) if abs(value.imag) <= 1e-10 else -spectral_radius(matrix)
