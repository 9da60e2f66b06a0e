"""The long run of a transition matrix: classes, ergodic vector, mobility.

P (K, K) with rows that sum to 1; a row of NaN is a state without transitions. docs/formulas.md#long-run.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from python_models._show import Shown
from python_models._types import FloatArray

ROW_SUM = 1e-9  # how far a row may be from 1
MOBILITY = ("prais", "shorrocks_det", "lambda2", "eigen", "bartholomew", "half_life")


@dataclass(frozen=True, eq=False)
class ErgodicResult(Shown):
    """distribution (K,): pi with pi'P = pi, sum 1; NaN everywhere if there is more than one closed class.

    classes : (K,) number of the communicating class of each state, -1 for an empty state.   closed : class numbers
    that are never left.   by_class : pi of each closed class, (n_closed, K), zero outside the class.
    is_open : a state without a row can be entered, so that no long run is defined.
    """

    distribution: FloatArray
    classes: Any
    closed: tuple[int, ...]
    by_class: FloatArray
    is_open: bool

    @property
    def n_closed_classes(self) -> int:
        return len(self.closed)

    def to_frame(self) -> pd.DataFrame:
        """One row per state: state, class_id, is_closed, pi (of its own class), pi_global."""
        k = len(self.distribution)
        in_class = self.by_class.sum(axis=0) if len(self.by_class) else np.full(k, np.nan)
        is_closed = np.isin(self.classes, self.closed)
        pi = {"pi": np.where(is_closed, in_class, np.nan), "pi_global": self.distribution}
        return pd.DataFrame({"state": np.arange(k), "class_id": self.classes, "is_closed": is_closed, **pi})


def ergodic(p: Any) -> ErgodicResult:
    """Communicating classes of a chain and the ergodic vector of each closed one.

    Parameters
    ----------
    p : (K, K) array or frame, or MarkovResult
        Transition probabilities; each row sums to one, or is NaN for an empty state.

    Returns
    -------
    ErgodicResult
        Classes and vectors; `distribution` is NaN if more than one class is closed.

    Raises
    ------
    ValueError
        A matrix that is not square, or a row that is no distribution.

    Examples
    --------
    >>> from python_models.dynamics import ergodic
    >>> ergodic([[0.9, 0.1], [0.3, 0.7]]).distribution.round(3)
    array([0.75, 0.25])
    """
    matrix = check_matrix(p)
    k = len(matrix)
    empty = np.isnan(matrix).any(axis=1)
    is_link = np.where(np.isnan(matrix), 0.0, matrix) > 0
    is_open = bool(is_link[:, empty].any())
    number = connected_components(csr_array(is_link.astype(np.float64)), connection="strong")[1].astype(np.int64)
    number[empty] = -1
    number = _renumber(number)
    numbers = range(number.max(initial=-1) + 1)
    closed = [c for c in numbers if not is_link[np.ix_(number == c, number != c)].any()]
    by_class = np.zeros((len(closed), k))
    for row, code in enumerate(closed):
        members = np.flatnonzero(number == code)
        by_class[row, members] = _stationary(matrix[np.ix_(members, members)])
    whole = by_class[0] if len(closed) == 1 and not is_open else np.full(k, np.nan)
    return ErgodicResult(whole, number, tuple(closed), by_class, is_open)


def mobility_stack(p: FloatArray, pi: FloatArray) -> dict[str, FloatArray]:
    """Mobility indices (B,) of a stack (B, K, K), K >= 2, with its ergodic vectors (B, K); 0 is no mobility.

    prais = (K - tr P)/(K - 1);   shorrocks_det = 1 - |det P|^(1/(K-1));   lambda2 = second largest |eigenvalue|;
    eigen = 1 - lambda2;   bartholomew = sum_i pi_i sum_j p_ij |i - j| / (K - 1);   half_life = ln 2 / -ln lambda2, in
    periods of P. NaN where the matrix has an empty row, or needs an ergodic vector that does not exist.
    """
    k = p.shape[1]
    out = {name: np.full(len(p), np.nan) for name in MOBILITY}
    whole = ~np.isnan(p).any(axis=(1, 2))
    if not whole.any():
        return out
    good = p[whole]
    size = np.sort(np.abs(np.linalg.eigvals(good)), axis=1)[:, ::-1]
    second = np.where(size[:, 1] < 1e-12, 0.0, np.minimum(size[:, 1], 1.0))
    second = np.where(second > 1 - 1e-12, 1.0, second)
    step = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    out["prais"][whole] = (k - np.trace(good, axis1=1, axis2=2)) / (k - 1)
    out["shorrocks_det"][whole] = 1 - np.abs(np.linalg.det(good)) ** (1 / (k - 1))
    out["lambda2"][whole] = second
    out["eigen"][whole] = 1 - second
    out["bartholomew"][whole] = (pi[whole] * (good * step).sum(axis=2)).sum(axis=1) / (k - 1)
    with np.errstate(divide="ignore"):  # lambda2 = 1 never forgets (infinite), lambda2 = 0 forgets at once (0)
        out["half_life"][whole] = np.where(second == 1, np.inf, np.log(2) / -np.log(np.where(second == 1, 0.5, second)))
    return out


def stationary_stack(p: FloatArray) -> FloatArray:
    """Ergodic vectors (B, K) of a stack (B, K, K); NaN where it is not unique or a row is empty."""
    pi = np.full(p.shape[:2], np.nan)
    k = p.shape[1]
    steps = np.linalg.matrix_power((np.where(np.isnan(p), 0.0, p) > 0) + np.eye(k), k - 1)
    # one closed class if and only if some state can be reached from everywhere
    is_single = ~np.isnan(p).any(axis=(1, 2)) & (steps > 0).all(axis=1).any(axis=1)
    if is_single.any():
        pi[is_single] = _stationary(p[is_single])
    return pi


def check_matrix(p: Any) -> FloatArray:
    """P as floats, also from a result with `probabilities`. Raises ValueError unless it is square, within [0, 1], and
    each row sums to 1 or is all NaN."""
    matrix = np.array(getattr(p, "probabilities", p), dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not len(matrix):
        raise ValueError(f"a transition matrix must be square, got shape {matrix.shape}.")
    missing = np.isnan(matrix)
    half = missing.any(axis=1) & ~missing.all(axis=1)
    if half.any():
        raise ValueError(f"row {int(np.argmax(half))} is missing in part: an empty state has NaN in the whole row.")
    bad = (np.abs(matrix.sum(axis=1) - 1) > ROW_SUM) | (matrix < -ROW_SUM).any(axis=1)
    if bad.any():
        row = int(np.argmax(bad))
        raise ValueError(f"row {row} is no distribution: it sums to {matrix[row].sum():.12g}.")
    return matrix


def _stationary(p: FloatArray) -> FloatArray:
    """pi of matrices (.., K, K) with one closed class: 1'(I - P + E)^-1, E all ones."""
    k = p.shape[-1]
    a = np.eye(k) - p + 1.0
    pi = np.linalg.solve(np.swapaxes(a, -1, -2), np.ones((*p.shape[:-2], k, 1)))[..., 0]
    pi = np.where(pi > 1e-14, pi, 0.0)  # a transient state, up to rounding
    return np.asarray(pi / pi.sum(axis=-1, keepdims=True), dtype=np.float64)


def _renumber(number: Any) -> Any:
    """Class numbers in the order of the states, -1 kept."""
    codes = {code: place for place, code in enumerate(dict.fromkeys(int(c) for c in number if c >= 0))}
    return np.array([codes.get(int(c), -1) for c in number], dtype=np.int64)
