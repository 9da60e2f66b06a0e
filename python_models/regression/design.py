"""The demeaned columns of a model: y, Wy, W^2 y and Z, WZ, as far as the model needs them."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from python_models._types import FloatArray
from python_models.regression.convention import Convention
from python_models.regression.errors import PanelInputError
from python_models.regression.weights import SpatialWeights

COLLINEAR = 1e-12  # squared length of a column beside the others, relative to its own
ABSORBED = 1e-18  # squared length after demeaning, relative to that before


@dataclass(frozen=True, eq=False)
class Design:
    """ys (N, T, 1 + a): Q y, then those of Q W y, Q M y, Q M W y that the model has (W of the lag, M of the error). z
    (N, T, k): Q Z with Z = [X, WX]; mz: Q M Z, or None. With `elhorst` the order is W Q instead of Q W. names : k
    slopes."""

    ys: FloatArray
    z: FloatArray
    mz: FloatArray | None
    names: tuple[str, ...]


def y_columns(
    y: FloatArray, weights: SpatialWeights, conv: Convention, error_weights: SpatialWeights | None = None
) -> FloatArray:
    start = conv.project(y)
    raw = [start if conv.is_outer else y]
    if conv.has_rho:
        raw.append(weights.lag(raw[0]))
    if conv.has_lam:
        raw += [(error_weights or weights).lag(one) for one in raw]
    columns = raw[1:] if conv.is_outer else [conv.project(one) for one in raw[1:]]
    return np.stack([start, *columns], axis=-1)


def make_design(
    y: FloatArray,
    x: FloatArray,
    weights: SpatialWeights,
    conv: Convention,
    *,
    names: Sequence[str],
    lagged: Sequence[int],
    error_weights: SpatialWeights | None = None,
) -> Design:
    """Build the columns and check that every slope is identified; raises PanelInputError naming the column."""
    raw = np.concatenate([x, weights.lag(np.ascontiguousarray(x[..., list(lagged)]))], axis=2) if lagged else x
    labels = (*names, *(f"W:{names[j]}" for j in lagged))
    z = conv.project(raw)
    _check_slopes(raw, z, labels, conv)
    mz = None
    if conv.has_lam:
        error = error_weights or weights
        mz = error.lag(z) if conv.is_outer else conv.project(error.lag(raw))
    return Design(y_columns(y, weights, conv, error_weights), z, mz, labels)


def _check_slopes(raw: FloatArray, z: FloatArray, labels: Sequence[str], conv: Convention) -> None:
    k = z.shape[2]
    if conv.rows_free_of_effects <= k:
        raise PanelInputError(
            f"{conv.n} cities and {conv.t} years leave {conv.rows_free_of_effects} rows after the fixed effects, too "
            f"few for {k} slopes: use fewer regressors or more cities."
            if conv.absorb is None
            else f"{conv.n} rows less {conv.absorb.rank} effects are too few for {k} slopes: use fewer of both."
        )
    before, after = (raw**2).sum(axis=(0, 1)), (z**2).sum(axis=(0, 1))
    for j, name in enumerate(labels):
        if after[j] <= ABSORBED * before[j] or after[j] == 0.0:
            why = _why_absorbed(raw[..., j]) if conv.absorb is None else "has no variation left"
            raise PanelInputError(f"'{name}' {why}: effects={conv.effects!r} absorb it, drop it.")
    flat = z.reshape(-1, k) / np.sqrt(after)
    _check_rank(flat.T @ flat, labels)


def _why_absorbed(x: FloatArray) -> str:
    scale = np.abs(x).max()
    if np.ptp(x) <= 1e-9 * scale:
        return "is constant"
    if np.ptp(x, axis=1).max() <= 1e-9 * scale:
        return "does not vary over time within any city (time-invariant)"
    if np.ptp(x, axis=0).max() <= 1e-9 * scale:
        return "is the same for all cities in each year"
    return "is a city effect plus a year effect"


def _check_rank(gram: FloatArray, labels: Sequence[str]) -> None:
    """Column by column (Cholesky): the part of each column that the earlier ones do not span."""
    with suppress(np.linalg.LinAlgError):  # all at once; only where it fails is a culprit looked for
        if (np.diagonal(np.linalg.cholesky(gram)) ** 2 > COLLINEAR * np.diagonal(gram)).all():
            return
    for j in range(1, len(gram)):
        head = gram[:j, :j]
        share = np.linalg.solve(head, gram[:j, j])
        if gram[j, j] - gram[:j, j] @ share <= COLLINEAR * gram[j, j]:
            culprits = [f"'{labels[i]}'" for i in range(j) if abs(share[i]) > 1e-6]
            raise PanelInputError(
                f"'{labels[j]}' is collinear with {', '.join(culprits)} after the fixed effects: drop one of them."
            )
