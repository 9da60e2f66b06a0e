"""From normalised indicators to scores, level by level, with the same or another rule at every level.

For the children y_k of one parent, with weights v_k that sum to 1 inside it, M the weighted mean and S the spread of a
unit's children around it (n - 1 for mpi, n for ampi):

    arithmetic  sum v_k y_k                 geometric  exp(sum v_k log y_k)        harmonic  1 / sum(v_k / y_k)
    mpi, mpi+   M - S^2 / M, M + S^2 / M    ampi, ampi+ the same with S of n       power:p   (sum v_k y_k^p)^(1/p)
    copeland    units that are outranked less units that outrank, by year; i outranks j if the weights of the children
                where i is higher, and half of those of ties, pass one half

OECD and JRC (2008), step 6; Mazziotta and Pareto (2016); Munda and Nardo (2009) for outranking.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from python_models._types import ArrayLike, FloatArray
from python_models._validate import as_cube

RULES = ("arithmetic", "geometric", "harmonic", "copeland", "mpi", "mpi+", "ampi", "ampi+")
TOP = "index"
type Path = tuple[str, ...]
"""Parents of an indicator, the nearest first, without the index itself."""


@dataclass(frozen=True, eq=False)
class Level:
    """Groups of one level: names, weight (G,), scores (N, T, G), and `members`, the columns of the level below."""

    names: tuple[str, ...]
    weights: FloatArray
    scores: FloatArray
    members: tuple[tuple[int, ...], ...]


def aggregate(Z: ArrayLike, w: ArrayLike, paths: Sequence[Path], rules: str | Sequence[str]) -> tuple[Level, ...]:
    """Levels from the lowest groups to the index, of Z (N, T, m), flat weights (m,) and paths of one length.

    rules: one for all levels, or one a level. A child of weight 0 takes no part; any other NaN makes the score of its
    parents NaN. ValueError: an unknown rule, a mean that needs values above 0, or paths of different lengths.
    """
    cube, weights = as_cube(Z, "Z"), np.asarray(w, dtype=np.float64)
    depth = len(paths[0]) if paths else 0
    if len(paths) != cube.shape[2] or any(len(path) != depth for path in paths):
        raise ValueError(f"{cube.shape[2]} indicators need as many paths of one length, got {len(paths)} paths.")
    level_rules = (rules,) * (depth + 1) if isinstance(rules, str) else tuple(rules)
    if len(level_rules) != depth + 1:
        raise ValueError(f"{depth + 1} levels need as many rules, got {len(level_rules)}.")
    levels, scores, keys = [], cube, [tuple(path) for path in paths]
    for rule in level_rules:
        groups = list(dict.fromkeys(keys))
        members = tuple(tuple(k for k, key in enumerate(keys) if key == group) for group in groups)
        total = np.array([weights[list(columns)].sum() for columns in members])
        scores = np.stack(
            [_combined(scores[..., list(columns)], weights[list(columns)], rule) for columns in members], axis=-1
        )
        levels.append(Level(tuple(group[0] if group else TOP for group in groups), total, scores, members))
        weights, keys = total, [group[1:] for group in groups]
    return tuple(levels)


def flat_weights(weights: dict[str, float], names: Sequence[str], paths: Sequence[Path]) -> FloatArray:
    """Flat weights (m,) of nested ones: shares inside each parent, multiplied along the path.

    given: weight of every indicator and group by name, on any scale; a name that is not there has weight 1.
    """
    nodes = [(name, *path) for name, path in zip(names, paths, strict=True)]
    result = np.ones(len(nodes))
    for depth in range(len(nodes[0])):
        for k, node in enumerate(nodes):
            siblings = dict.fromkeys(n[depth:] for n in nodes if n[depth + 1 :] == node[depth + 1 :])
            total = sum(weights.get(s[0], 1.0) for s in siblings)
            result[k] *= weights.get(node[depth], 1.0) / total
    return result


def _combined(y: FloatArray, w: FloatArray, rule: str) -> FloatArray:
    has_weight = w > 0.0
    if not has_weight.any():
        return np.full(y.shape[:2], np.nan)
    y, v = y[..., has_weight], w[has_weight] / w[has_weight].sum()
    name, _, exponent = rule.partition(":")
    if name == "copeland":
        return copeland(y, v)
    if name in ("geometric", "harmonic") or (name == "power" and exponent):
        if (y <= 0.0).any():
            raise ValueError(f"the {name} mean needs values above 0: choose another normalisation, or a floor.")
        if name == "geometric":
            return np.asarray(np.exp(np.log(y) @ v), dtype=np.float64)
        p = -1.0 if name == "harmonic" else float(exponent)
        return np.asarray(((y**p) @ v) ** (1.0 / p), dtype=np.float64)
    if rule not in RULES:
        raise ValueError(f"unknown aggregation '{rule}': use power:p or one of {', '.join(RULES)}.")
    mean = np.zeros(y.shape[:2])
    for k in range(len(v)):  # in order: the bits of a score depend on its own row only
        mean = mean + v[k] * y[..., k]
    if name == "arithmetic":
        return mean
    n = len(v) if name.startswith("ampi") else max(len(v) - 1, 1)
    penalty = ((y - mean[..., None]) ** 2 @ v) * len(v) / n / mean
    return mean + penalty if name.endswith("+") else mean - penalty


def copeland(y: FloatArray, v: FloatArray) -> FloatArray:
    """Copeland scores (N, T) of y (N, T, k) with weights v (k,) that sum to 1; NaN for a unit with a hole."""
    result = np.full(y.shape[:2], np.nan)
    for t in range(y.shape[1]):
        there = ~np.isnan(y[:, t]).any(axis=1)
        rows = y[there, t]
        share = np.zeros((len(rows), len(rows)))
        for k, weight in enumerate(v):
            gap = np.sign(rows[:, None, k] - rows[None, :, k])
            share += weight * (gap + 1.0) / 2.0
        # a pair that is level up to rounding is level
        net_wins = np.where(np.abs(share - 0.5) < 1e-9, 0.0, np.sign(share - 0.5))
        result[there, t] = net_wins.sum(axis=1)
    return result
