"""Spillovers between groups of cities: blocks W_{receiver,emitter} of centre and periphery (docs/formulas.md#blocks),
and effects by group with the whole W: interactions, no split samples (docs/formulas.md#group-effects)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.inference import Wald, normal, rank_sets
from python_models.influence.spillover import AnyWeights, Linear, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, spatial_weights
from python_models.regression.errors import estimable

type Side = Literal["emitter", "receiver"]

EFFECTS = ("direct", "indirect", "total")
LEVEL = 0.05
BLOCKS = ("cc", "cp", "pc", "pp")  # receiver first: pc is received by the periphery, emitted by the centre
MEANS = {"e_per_emitter": "e", "r_per_receiver": "r", "per_link": "per_link"}


@dataclass(frozen=True, eq=False)
class BlockSpillover(Shown):
    """fit: the four theta; effects: E (4), R (4) and E per link (4) in the order of BLOCKS, delta method.

    wald: of theta_pc = theta_cp.
    """

    fit: SpilloverFit
    effects: Linear
    is_centre: BoolArray
    wald: Wald

    @property
    def p_asymmetry(self) -> float:
        return self.wald.p

    @property
    def difference(self) -> Linear:
        """E_{C->P} - E_{P->C}: what a centre gives to the periphery less what it gets from it, with its error."""
        loadings = np.zeros((1, len(self.effects.point)))
        loadings[0, BLOCKS.index("pc")], loadings[0, BLOCKS.index("cp")] = 1.0, -1.0
        return self.effects.combine(loadings)

    @property
    def asymmetry(self) -> tuple[float, float, float]:
        """(E_{C->P} - E_{P->C}) / (|E_{C->P}| + |E_{P->C}|) with its 95 % interval (delta method).

        NaN unless both effects differ from zero at 5 %: the index has a kink there, and `difference` is to be read.
        """
        at = [BLOCKS.index("pc"), BLOCKS.index("cp")]
        (a, b), cov = self.effects.point[at], self.effects.cov[np.ix_(at, at)]
        if not (self.effects.normal().p[at] < LEVEL).all():
            return (float("nan"),) * 3
        scale, gap = abs(a) + abs(b), a - b
        gradient = np.array([1.0, -1.0]) / scale - gap / scale**2 * np.sign([a, b])
        interval = normal(gap / scale, np.sqrt(gradient @ cov @ gradient))
        return float(gap / scale), float(interval.lower), float(interval.upper)

    def to_frame(self) -> pd.DataFrame:
        """One row per emitter and receiver: theta, se, effect per emitter, receiver and link, with 95 % intervals."""
        limits, point = self.effects.normal(), self.effects.point
        theta = self.fit.theta().set_index("name").reindex(BLOCKS)
        table: dict[str, Any] = {"receiver": [b[0] for b in BLOCKS], "emitter": [b[1] for b in BLOCKS]}
        table |= {"theta_block": theta["theta"].to_numpy(), "se": theta["se"].to_numpy()}
        for k, (name, short) in enumerate(MEANS.items()):
            at = slice(4 * k, 4 * k + 4)
            table |= {name: point[at], f"{short}_lo": limits.lower[at], f"{short}_hi": limits.upper[at]}
        return pd.DataFrame(table)


@aligned
def split_blocks(W: AnyWeights, is_centre: ArrayLike) -> dict[str, FloatArray]:
    """Blocks W_cc, W_cp, W_pc, W_pp (N, N) of W by receiver and emitter, not normalised again: together they are W."""
    full = spatial_weights(W).matrix.toarray()
    centre = np.asarray(is_centre, dtype=np.bool_)
    if centre.shape != (len(full),):
        raise PanelInputError(f"is_centre must have one flag a city ({len(full)}), got shape {centre.shape}.")
    return {b: full * np.outer(*sides) for b, sides in _sides(centre).items()}


def _sides(centre: BoolArray) -> dict[str, tuple[BoolArray, BoolArray]]:
    """Masks of the receivers and the emitters of each block."""
    groups = {"c": centre, "p": ~centre}
    return {b: (groups[b[0]], groups[b[1]]) for b in BLOCKS}


def block_effects(multiplier: ArrayLike, is_centre: ArrayLike, *, with_own: bool = False) -> FloatArray:
    """Effects between centre and periphery (8,): E per emitting city in the order of BLOCKS, then R per receiving one.

    E_{a->b} = (1/N_a) sum_{j in a} sum_{i in b} S_ij, R the same sum over N_b; multiplier S (N, N): effects of a change
    of x in j on y in i, whose diagonal counts `with_own`.
    """
    s, centre = np.asarray(multiplier, dtype=np.float64), np.asarray(is_centre, dtype=np.bool_)
    s = s if with_own else s - np.diag(np.diag(s))
    pairs = _sides(centre).values()
    sums = np.array([s[np.ix_(receivers, emitters)].sum() for receivers, emitters in pairs])
    n = np.array([(receivers.sum(), emitters.sum()) for receivers, emitters in pairs])
    return np.concatenate([sums / n[:, 1], sums / n[:, 0]])


@aligned
@estimable("the spillover by block")
def block_spillover(
    y: ArrayLike, x: ArrayLike, W: AnyWeights, is_centre: ArrayLike, controls: ArrayLike | None = None, **options: Any
) -> BlockSpillover:
    """Spillovers by block of centre and periphery (docs/formulas.md#blocks).

    Parameters
    ----------
    y, x, W : as in `fit_spillover`
    is_centre : (N,) mask or Series
        Cities of the centre.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    **options : effects, estimator, cov
        As in `fit_spillover`.

    Returns
    -------
    BlockSpillover
        SDM with one theta per block and a common rho; effects by block, their difference and its Wald test. Per link: E
        over the mean number of links of an emitter into the block.

    Raises
    ------
    PanelInputError
        No centre, no periphery, or a block of W without links (by its name).

    Examples
    --------
    >>> from python_models.influence import block_spillover
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> block_spillover(y, x, W, np.arange(12) < 4).to_frame().shape
    (4, 13)
    """
    weights = spatial_weights(W)
    centre = np.asarray(is_centre, dtype=np.bool_)
    if centre.all() or not centre.any():
        raise PanelInputError("blocks need a centre and a periphery: every city is on one side.")
    matrices = {b: m for b, m in split_blocks(weights, centre).items() if m.any()}
    if not {"cp", "pc"} <= set(matrices):
        raise PanelInputError("W has no link between centre and periphery: no spillover between them can be estimated.")
    fit = fit_spillover(y, x, weights, matrices, controls, **options)
    is_link = weights.matrix.toarray() != 0
    links = np.array([is_link[np.ix_(*sides)].sum() / sides[1].sum() for sides in _sides(centre).values()])
    per_link = np.zeros((12, 8))
    per_link[:8] = np.eye(8)
    per_link[8:, :4] = np.diag(1.0 / np.where(links > 0, links, np.nan))
    effects = fit.effects(lambda s: block_effects(s, centre))
    return BlockSpillover(fit, effects.combine(per_link), centre, fit.wald_equal("pc", "cp"))


@dataclass(frozen=True, eq=False)
class GroupEffects(Shown):
    """fit with beta_g ('own:g') and theta_g ('lag:g'); effects (3 a group); Wald of equal slopes over the groups."""

    fit: SpilloverFit
    groups: tuple[str, ...]
    effects: Linear
    side: Side
    wald: Wald

    @property
    def p_equal(self) -> float:
        return self.wald.p

    @property
    def contrasts(self) -> list[dict[str, float]]:
        """Rows of R in R theta = 0: beta_g and theta_g against those of the first group."""
        return _contrasts(self.groups)

    def to_frame(self) -> pd.DataFrame:
        """One row per group and effect: point, se, lower, upper, p (delta method), and the 95 % confidence set rank_low
        to rank_high of the group's rank in that effect, 1 for the largest."""
        limits, k = self.effects.normal(), len(self.groups)
        ranks = np.empty((len(EFFECTS) * k, 2), dtype=np.int64)
        for at in (np.arange(e, len(ranks), len(EFFECTS)) for e in range(len(EFFECTS))):
            part = self.effects.point[at], self.effects.cov[np.ix_(at, at)]
            ranks[at] = rank_sets(*part, rng=np.random.default_rng(0))
        keys = {"group_code": np.repeat(np.array(self.groups, dtype=object), len(EFFECTS)), "effect": [*EFFECTS] * k}
        values = {
            "point": self.effects.point,
            "se": self.effects.std_error,
            "lower": limits.lower,
            "upper": limits.upper,
        }
        ends = {"rank_low": ranks[:, 0], "rank_high": ranks[:, 1]}
        return pd.DataFrame({**keys, **values, "p": limits.p, "p_equal": self.p_equal, **ends})


@aligned
@estimable("the effects by group")
def group_effects(
    y: ArrayLike,
    x: ArrayLike,
    W: AnyWeights,
    groups: Sequence[object],
    controls: ArrayLike | None = None,
    *,
    side: Side = "emitter",
    **options: Any,
) -> GroupEffects:
    """Effects by group of cities: interactions, no split samples (docs/formulas.md#group-effects).

    Parameters
    ----------
    y, x, W : as in `fit_spillover`
    groups : sequence of N labels
        Group of each city.
    controls : (N, T, k) array, optional
        Further regressors, each also as W C.
    side : {"emitter", "receiver"}
        theta_g goes with the group of the neighbour that emits, W (1[g] x), or of the city that receives, 1[g] (W x).
    **options : effects, estimator, cov
        As in `fit_spillover`.

    Returns
    -------
    GroupEffects
        Effects of each group, and the Wald test that beta_g and theta_g are equal, 2 (G - 1) degrees of freedom.

    Raises
    ------
    PanelInputError
        Fewer than two groups.

    Notes
    -----
    y = rho W y + sum_g 1[g] x beta_g + spillovers by group + controls + effects. direct: mean diagonal of S over the
    cities of the group; indirect: mean column sum (emitter: what a city gives) or row sum (receiver: what it gets)
    without the diagonal.

    Examples
    --------
    >>> from python_models.influence import group_effects
    >>> from python_models.simulation import small_panel
    >>> y, x, W = small_panel()
    >>> group_effects(y, x, W, ["e"] * 6 + ["w"] * 6).to_frame().shape
    (6, 10)
    """
    weights = spatial_weights(W)
    labels = np.asarray([str(g) for g in groups])
    if labels.shape != (weights.n,):
        raise PanelInputError(f"groups must have one label a city ({weights.n}), got shape {labels.shape}.")
    names = tuple(sorted(set(labels)))
    if len(names) < 2:
        raise PanelInputError("group effects need two groups or more.")
    if side not in ("emitter", "receiver"):
        raise PanelInputError(f"unknown side {side!r}: choose emitter or receiver.")
    full = np.asarray(weights.matrix.todense())
    masks = {g: (labels == g).astype(np.float64) for g in names}
    matrices = {f"own:{g}": np.diag(m) for g, m in masks.items()}
    matrices |= {f"lag:{g}": full * m[None, :] if side == "emitter" else full * m[:, None] for g, m in masks.items()}
    fit = fit_spillover(y, x, weights, matrices, controls, with_own=False, **options)
    axis = 0 if side == "emitter" else 1

    def functional(multiplier: FloatArray) -> FloatArray:
        diagonal = np.diag(multiplier)
        total = multiplier.sum(axis=axis)
        means = [(diagonal[m > 0].mean(), total[m > 0].mean()) for m in masks.values()]
        return np.array([value for d, t in means for value in (d, t - d, t)])

    return GroupEffects(fit, names, fit.effects(functional), side, fit.wald(_contrasts(names)))


def _contrasts(names: tuple[str, ...]) -> list[dict[str, float]]:
    first, *others = names
    return [{f"{part}:{g}": 1.0, f"{part}:{first}": -1.0} for part in ("own", "lag") for g in others]
