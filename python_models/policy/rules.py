"""Four paths of development by a stated rule: cuts, decision list, margin, and the replay of a stored row.

Inputs of a city-year: u NQPF, p production relations, d coordination degree, u_neighbour mean NQPF of the neighbours,
p_neighbour weighted presence of neighbours with high relations, barrier to the nearest centres.

    r1           u >= u*, p >= p*, d >= d*                     endogenous_evolution
    r2           u <  u*, p >= p*, u_neighbour >= uN*          gradient_transfer
    r3           p <  p*, p_neighbour >= pN*, barrier <= b*    institutional_spillover
    r4           p <  p*, p_neighbour < pN* or barrier > b*    institutional_learning
    r5_adjust    u >= u*, p >= p*, d < d*                      endogenous_evolution, endogenous_adjust
    r5_isolated  u <  u*, p >= p*, u_neighbour < uN*           gradient_transfer, gradient_isolated

Under r3 and r4 a city with u >= u* is a pr_lagging_leader. A value on its cut is high, a barrier on its cut or unknown
is not. The rules cover every case once: a path is an assignment, not an estimate of what a policy would do.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray

type Codes = NDArray[np.int8]

INPUTS = ("u", "p", "d", "u_neighbour", "p_neighbour", "barrier")
PATHS = ("endogenous_evolution", "gradient_transfer", "institutional_spillover", "institutional_learning")
SUBTYPES = ("main", "endogenous_adjust", "gradient_isolated", "pr_lagging_leader")
RULES = ("r1", "r2", "r3", "r4", "r5_adjust", "r5_isolated")
PATH_OF_RULE = np.array([0, 1, 2, 3, 0, 1], dtype=np.int8)
BARRIER = INPUTS.index("barrier")


@dataclass(frozen=True)
class Cuts:
    """Cut and standard deviation of each input, both (6,) in the order of INPUTS; NaN where there is no barrier."""

    value: tuple[float, ...]
    sd: tuple[float, ...]

    def to_json(self) -> str:
        """{"u": .., "sd_u": .., ..}: every digit, so that a stored row can be replayed; null where not known."""
        pairs = zip(INPUTS, self.value, self.sd, strict=True)
        numbers = {key: number for name, value, sd in pairs for key, number in ((name, value), (f"sd_{name}", sd))}
        return json.dumps({key: number if math.isfinite(number) else None for key, number in numbers.items()})


@dataclass(frozen=True, eq=False)
class Assignment(Shown):
    """Codes of the shape of the inputs without their last axis: positions in RULES, PATHS and SUBTYPES."""

    rule: Codes
    path: Codes
    subtype: Codes

    def to_frame(self) -> pd.DataFrame:
        """One row per cell in array order: path, subtype, rule_fired."""
        code_columns = ((PATHS, self.path), (SUBTYPES, self.subtype), (RULES, self.rule))
        columns = [np.array(names, dtype=object)[codes.ravel()] for names, codes in code_columns]
        return pd.DataFrame(dict(zip(("path", "subtype", "rule_fired"), columns, strict=True)))


class Decision(NamedTuple):
    """What the rules say of one row."""

    path: str
    subtype: str
    rule_fired: str


def base_cuts(inputs: ArrayLike, base: ArrayLike, d_cut: float) -> Cuts:
    """Cuts of the inputs at their medians over the base years.

    Parameters
    ----------
    inputs : (N, T, 6) array
        Inputs of the rules; an unknown barrier (NaN) does not count.
    base : (T,) mask
        Base years. A later panel with the same base years has the same cuts.
    d_cut : float
        Cut of d, which is estimated elsewhere.

    Returns
    -------
    Cuts
        Medians and standard deviations.

    Raises
    ------
    ValueError
        No base year, or a missing input other than the barrier.

    Examples
    --------
    >>> from python_models.policy import base_cuts
    >>> inputs = np.random.default_rng(1).normal(size=(8, 4, 6))
    >>> type(base_cuts(inputs, [True, True, False, False], 0.5)).__name__
    'Cuts'
    """
    x = _checked(inputs)
    mask = np.asarray(base, dtype=np.bool_)
    if x.ndim != 3 or mask.shape != x.shape[1:2] or not mask.any():
        raise ValueError(f"inputs need the shape (N, T, 6) and one mark a year, some true: {x.shape}, {mask.shape}.")
    cells = x[:, mask].reshape(-1, len(INPUTS))
    value, sd = np.median(cells, axis=0), cells.std(axis=0)
    barriers = cells[np.isfinite(cells[:, BARRIER]), BARRIER]  # a lone centre has no other one to be far from
    value[BARRIER], sd[BARRIER] = (np.median(barriers), barriers.std()) if len(barriers) else (np.nan, np.nan)
    value[INPUTS.index("d")] = d_cut
    return Cuts(tuple(float(v) for v in value), tuple(float(v) for v in sd))


def year_cuts(inputs: ArrayLike, base: ArrayLike, d_cut: float) -> tuple[Cuts, ...]:
    """Cuts at the median of each year, so that a trend which all cities share moves no city.

    Parameters
    ----------
    inputs : (N, T, 6) array
        Inputs of the rules.
    base : (T,) mask
        Base years of barrier and standard deviations, as in `base_cuts`.
    d_cut : float
        Cut of d, the same in all years.

    Returns
    -------
    tuple of T Cuts
        A later year leaves the cuts of the earlier ones alone.

    Raises
    ------
    ValueError
        As `base_cuts`.

    Examples
    --------
    >>> from python_models.policy import year_cuts
    >>> inputs = np.random.default_rng(1).normal(size=(8, 4, 6))
    >>> len(year_cuts(inputs, [True] * 4, 0.5))
    4
    """
    pooled, x = base_cuts(inputs, base, d_cut), _checked(inputs)
    median = np.median(x, axis=0)
    for name in ("d", "barrier"):
        median[:, INPUTS.index(name)] = pooled.value[INPUTS.index(name)]
    return tuple(Cuts(tuple(float(v) for v in row), pooled.sd) for row in median)


def classify(inputs: ArrayLike, cuts: Cuts | Sequence[Cuts]) -> Assignment:
    """Path, sub-type and rule of each city and year.

    Parameters
    ----------
    inputs : (.., 6) array
        Inputs of the rules.
    cuts : Cuts or sequence of Cuts
        One for all, or one a year for inputs (.., T, 6).

    Returns
    -------
    Assignment
        Codes of the shape of the inputs without the last axis.

    Raises
    ------
    ValueError
        A missing input other than the barrier.

    Examples
    --------
    >>> from python_models.policy import base_cuts, classify
    >>> inputs = np.random.default_rng(1).normal(size=(8, 4, 6))
    >>> classify(inputs, base_cuts(inputs, [True] * 4, 0.5)).path.shape
    (8, 4)
    """
    return decide(_states(_checked(inputs), cuts))


def decide(high: BoolArray) -> Assignment:
    """Apply the decision list to the mask (.., 6) of inputs that are high."""
    rule = _RULE_OF_STATE[high @ _BITS]
    subtype = np.select([rule == 4, rule == 5, np.isin(rule, (2, 3)) & high[..., 0]], [1, 2, 3], 0)
    return Assignment(rule, PATH_OF_RULE[rule], subtype.astype(np.int8))


def margin(inputs: ArrayLike, cuts: Cuts | Sequence[Cuts]) -> tuple[FloatArray, NDArray[np.object_]]:
    """Distance to the nearest cut that matters.

    Parameters
    ----------
    inputs : (.., 6) array
        Inputs of the rules.
    cuts : Cuts or sequence of Cuts
        As in `classify`.

    Returns
    -------
    distance : (..) array
        In standard deviations of the base window; NaN where no input that matters varies.
    name : (..) array of str
        Its input; "" where there is none.

    Notes
    -----
    min over k of |x_k - cut_k| / sd_k, over the cuts whose crossing alone changes the path or the sub-type.

    Examples
    --------
    >>> from python_models.policy import base_cuts, margin
    >>> inputs = np.random.default_rng(1).normal(size=(8, 4, 6))
    >>> distance, name = margin(inputs, base_cuts(inputs, [True] * 4, 0.5))
    >>> bool((distance >= 0).all())
    True
    """
    x = _checked(inputs)
    high = _states(x, cuts)
    now = decide(high)
    distances = np.full(x.shape, np.inf)
    value, spread = _values(cuts)
    for k in range(len(INPUTS)):
        cut, sd = value[..., k], np.where(spread[..., k] > 0, spread[..., k], np.nan)
        other_side = high.copy()
        other_side[..., k] = ~other_side[..., k]
        then = decide(other_side)
        matters = (then.path != now.path) | (then.subtype != now.subtype)
        gap = np.abs(x[..., k] - cut) / sd
        distances[..., k] = np.where(matters & np.isfinite(gap), gap, np.inf)
    least = distances.min(axis=-1)
    is_finite = np.isfinite(least)
    names = np.where(is_finite, np.array(INPUTS, dtype=object)[distances.argmin(axis=-1)], "")
    return np.where(is_finite, least, np.nan), names


def replay(row: Mapping[str, Any]) -> Decision:
    """Repeat the decision of one stored row from its six inputs and its `cuts` text, one comparison after the other."""
    cut = json.loads(row["cuts"])
    forces, relations = row["u"] >= cut["u"], row["p"] >= cut["p"]
    if relations and forces:
        if row["d"] >= cut["d"]:
            return Decision("endogenous_evolution", "main", "r1")
        return Decision("endogenous_evolution", "endogenous_adjust", "r5_adjust")
    if relations:
        if row["u_neighbour"] >= cut["u_neighbour"]:
            return Decision("gradient_transfer", "main", "r2")
        return Decision("gradient_transfer", "gradient_isolated", "r5_isolated")
    kind = "pr_lagging_leader" if forces else "main"
    has_barrier = not pd.isna(row["barrier"]) and cut["barrier"] is not None
    if row["p_neighbour"] >= cut["p_neighbour"] and not (has_barrier and row["barrier"] > cut["barrier"]):
        return Decision("institutional_spillover", kind, "r3")
    return Decision("institutional_learning", kind, "r4")


def replay_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Stored rows whose decision does not follow from their inputs and cuts.

    Parameters
    ----------
    table : DataFrame
        Inputs, cuts, path, sub-type and rule.

    Returns
    -------
    DataFrame
        The rows that differ; none in a sound table.

    Examples
    --------
    >>> from python_models.policy import Cuts, replay_differences
    >>> row = dict(u=1.0, p=1.0, d=0.2, u_neighbour=0.0, p_neighbour=0.0, barrier=0.0)
    >>> row["cuts"] = Cuts(value=(0.5,) * 6, sd=(1.0,) * 6).to_json()
    >>> true = row | dict(path="endogenous_evolution", subtype="endogenous_adjust", rule_fired="r5_adjust")
    >>> stored = pd.DataFrame([true, true | {"path": "gradient_transfer"}])
    >>> replay_differences(stored).index.tolist()
    [1]
    """
    columns, names = list(Decision._fields), [*INPUTS, "cuts"]
    replays = [replay(dict(zip(names, row, strict=True))) for row in table[names].itertuples(index=False, name=None)]
    stored = table[columns].itertuples(index=False, name=None)
    differs = [tuple(mine) != theirs for mine, theirs in zip(replays, stored, strict=True)]
    return table[np.array(differs, dtype=np.bool_)]


def _values(cuts: Cuts | Sequence[Cuts]) -> tuple[FloatArray, FloatArray]:
    """Cuts and standard deviations, (6,) or (T, 6)."""
    if isinstance(cuts, Cuts):
        return np.array(cuts.value), np.array(cuts.sd)
    return np.array([c.value for c in cuts]), np.array([c.sd for c in cuts])


def _states(x: FloatArray, cuts: Cuts | Sequence[Cuts]) -> BoolArray:
    """True where an input is high: on the cut is high, for the barrier only above it; not known is not high."""
    value, _ = _values(cuts)
    high = np.asarray(x >= value)
    high[..., BARRIER] = x[..., BARRIER] > value[..., BARRIER]
    return high


def _first_match(state: tuple[bool, ...]) -> int:
    u, p, d, u_near, p_near, barrier = state
    conditions = (
        u and p and d,
        not u and p and u_near,
        not p and p_near and not barrier,
        not p and (not p_near or barrier),
        u and p and not d,
        not u and p and not u_near,
    )
    return conditions.index(True)


_BITS = 1 << np.arange(len(INPUTS))[::-1]
_RULE_OF_STATE = np.array([_first_match(s) for s in product((False, True), repeat=len(INPUTS))], dtype=np.int8)


def _checked(inputs: ArrayLike) -> FloatArray:
    x = np.asarray(inputs, dtype=np.float64)
    if x.ndim == 0 or x.shape[-1] != len(INPUTS):
        raise ValueError(f"inputs need {', '.join(INPUTS)} on the last axis, got shape {x.shape}.")
    bad = ~np.isfinite(x[..., :BARRIER])
    if bad.any():
        *cell, k = (int(i) for i in np.argwhere(bad)[0])
        raise ValueError(f"{INPUTS[k]} is missing in cell {tuple(cell)}: no rule can be read without it.")
    return x
