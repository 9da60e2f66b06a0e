"""Identities inside a file: `left_side / right_side` lies between two bounds, city by city; and who is to blame.

A side is a sum of products: `gdp_per_capita_nom * population_resident`, `a + b`, `100`. A variable may name its
scope (`gdp_nom@district`); one that does not takes each of the identity's `scopes` in turn.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from expectations.contract import Limits

type Term = tuple[float, tuple[str, ...]]


@dataclass(frozen=True)
class Identity:
    """One identity in one scope. left, right: terms (factor, blocks), a block being 'variable/scope'."""

    code: str
    scope: str
    left: tuple[Term, ...]
    right: tuple[Term, ...]
    low: float
    high: float
    words: str

    @cached_property
    def compares_scopes(self) -> bool:
        """One variable in two scopes: whole city and urban districts."""
        names = {block.partition("/")[0] for block in self.blocks}
        return len(names) == 1 and len(self.blocks) == 2

    @cached_property
    def blocks(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(block for _, parts in (*self.left, *self.right) for block in parts))


def read_identities(seed: pd.DataFrame) -> list[Identity]:
    """The identities of the seed, one per scope. ValueError names a row without a bound or with an empty side."""
    identities = []
    for row in seed.to_dict("records"):
        scopes = str(row["scopes"]).split() if isinstance(row["scopes"], str) else []
        low, high = _bound(row["low"], -np.inf), _bound(row["high"], np.inf)
        if low == -np.inf and high == np.inf:
            raise ValueError(f"identity.csv: {row['identity_code']} has neither low nor high.")
        for scope in scopes or [""]:
            sides = [_terms(str(row[side]), scope, str(row["identity_code"])) for side in ("left_side", "right_side")]
            words = _words(str(row["left_side"]), str(row["right_side"]), low, high)
            identities.append(Identity(str(row["identity_code"]), scope, sides[0], sides[1], low, high, words))
    return identities


def _bound(value: object, missing: float) -> float:
    return missing if value in (None, "") or value != value else float(str(value))


def _words(left: str, right: str, low: float, high: float) -> str:
    bounds = f"{low:g} to {high:g}" if np.isfinite(low) and np.isfinite(high) else ""
    bounds = bounds or (f"at most {high:g}" if np.isfinite(high) else f"at least {low:g}")
    return f"({left}) / ({right}) must be {bounds}"


def _terms(side: str, scope: str, code: str) -> tuple[Term, ...]:
    terms = []
    for product in side.split("+"):
        factor, blocks = 1.0, []
        for part in product.split("*"):
            word = part.strip()
            if not word:
                raise ValueError(f"identity.csv: {code} has an empty term in '{side}'.")
            if word.replace(".", "").isdigit():
                factor *= float(word)
            else:
                name, _, own_scope = word.partition("@")
                if not (own_scope or scope):
                    raise ValueError(f"identity.csv: {code} gives no scope for '{name}'.")
                blocks.append(f"{name}/{own_scope or scope}")
        terms.append((factor, tuple(blocks)))
    return tuple(terms)


def check(identity: Identity, wide: pd.DataFrame, limits: Limits) -> pd.DataFrame:
    """One row per city that has all figures: left, right, ratio, is_broken. wide: cities x blocks.

    Sides at most `identity_slack` apart count as equal; a negative or zero right side has no ratio and is left out.
    """
    if not set(identity.blocks) <= set(wide.columns):
        return pd.DataFrame(columns=["left", "right", "ratio", "is_broken"])
    left, right = _side(identity.left, wide), _side(identity.right, wide)
    is_known = ~np.isnan(left) & (right > 0)
    left, right = left[is_known], right[is_known]
    low = identity.low * right if np.isfinite(identity.low) else left
    high = identity.high * right if np.isfinite(identity.high) else left
    # a constant side (100 per cent) is no count: its slack is in the bounds
    slack = limits["identity_slack"] if any(blocks for _, blocks in identity.right) else 0.0
    is_broken = (left < low - slack) | (left > high + slack)
    columns = {"left": left, "right": right, "ratio": left / right, "is_broken": is_broken}
    return pd.DataFrame(columns, index=wide.index[is_known])


def _side(terms: Iterable[Term], wide: pd.DataFrame) -> np.ndarray:
    total = np.zeros(len(wide))
    for factor, blocks in terms:
        product = np.full(len(wide), factor)
        for block in blocks:
            product = product * wide[block].to_numpy(dtype="float64")
        total = total + product
    return total


def breaks_block(cities: pd.DataFrame, limits: Limits) -> bool:
    """So many of the cities break the identity that the fault is in a column."""
    broken = int(cities["is_broken"].sum()) if len(cities) else 0
    return broken >= limits["min_broken_cities"] and broken > limits["max_broken_cities"] * len(cities)


def looks_swapped(identity: Identity, cities: pd.DataFrame, limits: Limits) -> bool:
    """Two scopes of a variable contradict each other in most cities: each probably stands in the other's place."""
    return identity.compares_scopes and float(cities["is_broken"].mean()) > limits["swapped_share"]


def blame(
    broken: Iterable[Identity],
    unbroken: Iterable[Identity],
    guilty: Iterable[str],
    cleared: Iterable[str] = (),
    swapped: Iterable[Identity] = (),
) -> Mapping[str, list[Identity]]:
    """Block -> the broken identities that it is blamed for.

    guilty: blocks that another rule has found wrong: an identity that holds one of them is explained by it.
    cleared: blocks that follow their own past; they are blamed only when all blocks of an identity are cleared.
    Of the others those are blamed that break most identities and, among equals, meet fewest. Equals are all named,
    and so are both blocks of a `swapped` identity.
    """
    broken, unbroken, guilty, cleared, swapped = list(broken), list(unbroken), set(guilty), set(cleared), list(swapped)
    n_broken = _counts(broken)
    n_met = _counts(unbroken)
    result: dict[str, list[Identity]] = {}
    for identity in broken:
        if guilty & set(identity.blocks):
            continue
        suspects = [block for block in identity.blocks if block not in cleared] or list(identity.blocks)
        rank = {block: (n_broken[block], -n_met.get(block, 0)) for block in suspects}
        worst = max(rank.values())
        for block in suspects:
            if rank[block] == worst or identity in swapped:
                result.setdefault(block, []).append(identity)
    return result


def _counts(identities: Iterable[Identity]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for identity in identities:
        for block in identity.blocks:
            counts[block] = counts.get(block, 0) + 1
    return counts
