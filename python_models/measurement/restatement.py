"""Why an old score changed: revised data, new bounds, new weights (docs/formulas.md#restatement).

The part of a player is its Shapley value, the mean over the orders of changing them from old to new. The parts sum to
s(new, new, new) - s(old, old, old), and swapping old and new flips every sign.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd

from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_cube
from python_models.panel import city_years
from python_models.scores import weighted_score

PLAYERS = ("revision", "bounds", "weights")


@dataclass(frozen=True, eq=False)
class Basis:
    """How raw values become a score, arrays (m,). Winsor limits are -inf / inf where there are none."""

    minimum: FloatArray
    maximum: FloatArray
    winsor_low: FloatArray
    winsor_high: FloatArray
    weights: FloatArray

    def scale(self, X: FloatArray, directions: FloatArray, caps: FloatArray) -> FloatArray:
        """z (N, T, m) of raw values; an indicator without range has no z."""
        cut = np.clip(np.minimum(X, caps), self.winsor_low, self.winsor_high)
        span = np.where(self.maximum > self.minimum, self.maximum - self.minimum, np.nan)
        z: FloatArray = np.where(directions > 0, cut - self.minimum, self.maximum - cut) / span
        return z


@dataclass(frozen=True, eq=False)
class Restatement:
    """Scores and parts, all (N, T); part_revision + part_bounds + part_weights = total_change."""

    cities: tuple[str, ...]
    years: tuple[int, ...]
    score_old: FloatArray
    score_new: FloatArray
    parts: dict[str, FloatArray]

    @property
    def total_change(self) -> FloatArray:
        return self.score_new - self.score_old

    def to_frame(self) -> pd.DataFrame:
        """One row per city and year that has both scores."""
        planes = {"score_old": self.score_old, "score_new": self.score_new}
        planes |= {f"part_{name}": part for name, part in self.parts.items()} | {"total_change": self.total_change}
        frame = pd.DataFrame(
            {**city_years(self.cities, self.years), **{name: plane.reshape(-1) for name, plane in planes.items()}}
        )
        return frame.dropna(subset=["total_change"]).reset_index(drop=True)


def restate(
    X_old: ArrayLike,
    X_new: ArrayLike,
    old: Basis,
    new: Basis,
    *,
    directions: ArrayLike,
    caps: ArrayLike,
    cities: Sequence[str],
    years: Sequence[int],
) -> Restatement:
    """Bridge from the old score to the new one for raw values (N, T, m) of the same cities, years, indicators.

    Scores are weighted sums. NaN where one of the two data sets lacks an indicator with weight.
    """
    before, after = as_cube(X_old, "old values"), as_cube(X_new, "new values")
    if before.shape != after.shape:
        raise ValueError(f"old and new values must have one shape, got {before.shape} and {after.shape}.")
    sign, ceiling = np.asarray(directions, dtype=np.float64), np.asarray(caps, dtype=np.float64)

    def score(changed: frozenset[str]) -> FloatArray:
        z = (new if "bounds" in changed else old).scale(after if "revision" in changed else before, sign, ceiling)
        return weighted_score(z, (new if "weights" in changed else old).weights)

    values = {subset: score(subset) for subset in subsets(PLAYERS)}
    parts = {player: shapley(values.__getitem__, PLAYERS, player) for player in PLAYERS}
    nothing, everything = frozenset[str](), frozenset(PLAYERS)
    return Restatement(tuple(cities), tuple(years), values[nothing], values[everything], parts)


def subsets(players: Sequence[str]) -> list[frozenset[str]]:
    """All coalitions of the players, the empty one first."""
    return [frozenset(c) for size in range(len(players) + 1) for c in combinations(players, size)]


def shapley(value: Callable[[frozenset[str]], FloatArray], players: Sequence[str], player: str) -> FloatArray:
    """Shapley value: sum over S without the player of |S|! (n - |S| - 1)! / n! (v(S + player) - v(S))."""
    n = len(players)
    others = [p for p in players if p != player]
    parts = [
        math.factorial(len(s)) * math.factorial(n - len(s) - 1) / math.factorial(n) * (value(s | {player}) - value(s))
        for s in subsets(others)
    ]
    total: FloatArray = np.sum(parts, axis=0)
    return total
