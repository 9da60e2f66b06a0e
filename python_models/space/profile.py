"""What a weight matrix is like: neighbours, sums, eigenvalues, components, and a hash of its links."""

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import ArpackNoConvergence, eigs

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.space.graph import DENSE_EIGEN, eigenvalues, labels_of, to_sparse

REAL = 1e-9  # an eigenvalue whose imaginary part is below this share of the largest one counts as real


@dataclass(frozen=True)
class WeightProfile(Shown):
    """See docs/formulas.md#normalisation. s0 = sum w_ij; s1 = (1/2) sum (w_ij + w_ji)^2; s2 = sum_i (row_i + col_i)^2;
    eig_min, eig_max: smallest and largest real eigenvalue; n_components of the undirected graph."""

    n: int
    n_islands_fixed: int
    n_islands: int
    min_nb: int
    mean_nb: float
    max_nb: int
    pct_nonzero: float
    n_components: int
    s0: float
    s1: float
    s2: float
    eig_min: float
    eig_max: float
    is_symmetric: bool
    sha256: str

    def to_frame(self) -> pd.DataFrame:
        """One row."""
        return pd.DataFrame([asdict(self)])


@aligned
def profile_weights(w: Any) -> WeightProfile:
    """Profile of weights given as graph, PySAL W or matrix. Nothing is normalised here.

    >>> from python_models.space import profile_weights
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> profile_weights(W).to_frame().shape
    (1, 15)
    """
    matrix = to_sparse(w)
    n = matrix.shape[0]
    counts = np.diff(matrix.indptr)
    s0, s1, s2 = weight_sums(matrix)
    low, high = _real_ends(matrix)
    gap = abs(matrix - matrix.T)
    return WeightProfile(
        n=n,
        n_islands_fixed=len(getattr(w, "attached", ())),
        n_islands=int((counts == 0).sum()),
        min_nb=int(counts.min()),
        mean_nb=float(counts.mean()),
        max_nb=int(counts.max()),
        pct_nonzero=100.0 * matrix.nnz / n**2,
        n_components=int(sparse.csgraph.connected_components(matrix, directed=False)[0]),
        s0=s0,
        s1=s1,
        s2=s2,
        eig_min=low,
        eig_max=high,
        is_symmetric=bool(gap.nnz == 0 or gap.data.max() <= 1e-12 * max(matrix.data.max(), 1e-300)),
        sha256=hash_links(w),
    )


def hash_links(w: Any) -> str:
    """sha256 of the triplets `receiver,emitter,weight`, one a line, sorted by the labels as text; weights with 12
    significant digits, so that the last bits of another platform do not matter."""
    matrix = sparse.coo_array(to_sparse(w))
    names = np.array([str(label) for label in labels_of(w)], dtype=object)
    lines = [f"{names[i]},{names[j]},{v:.12g}" for i, j, v in zip(matrix.row, matrix.col, matrix.data, strict=True)]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def weight_sums(matrix: Any) -> tuple[float, float, float]:
    """S0, S1, S2 of Cliff & Ord (1981)."""
    both = matrix + matrix.T
    margins = np.asarray(matrix.sum(axis=1)).ravel() + np.asarray(matrix.sum(axis=0)).ravel()
    return float(matrix.sum()), float((both.data**2).sum() / 2), float((margins**2).sum())


def _real_ends(matrix: Any) -> tuple[float, float]:
    n = matrix.shape[0]
    if matrix.nnz == 0:
        return 0.0, 0.0
    if n <= DENSE_EIGEN:
        return _ends(np.asarray(eigenvalues(matrix)))
    start = np.full(n, 1.0 / np.sqrt(n)) + np.arange(n) * (1e-3 / n)  # not the Perron vector itself
    found = [_outer(matrix, which, start) for which in ("SR", "LR")]
    return _ends(np.concatenate(found))


def _outer(matrix: Any, which: Any, start: FloatArray) -> Any:
    try:
        return eigs(matrix, k=4, which=which, v0=start, return_eigenvectors=False, maxiter=3_000)
    except ArpackNoConvergence as stopped:
        return stopped.eigenvalues


def _ends(values: Any) -> tuple[float, float]:
    if not len(values):
        return np.nan, np.nan
    scale = float(np.abs(values).max())
    real = np.real(values)[np.abs(np.imag(values)) <= REAL * scale]
    return (float(real.min()), float(real.max())) if len(real) else (np.nan, np.nan)
