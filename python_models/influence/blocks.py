"""Asymmetric spillovers between centre and periphery: blocks W_{receiver,emitter} (docs/formulas.md#blocks)."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.inference import Wald, normal
from python_models.influence.spillover import Linear, Matrix, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, Robust, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

LEVEL = 0.05
BLOCKS = ("cc", "cp", "pc", "pp")  # receiver first: pc is received by the periphery, emitted by the centre


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
        found = normal(gap / scale, np.sqrt(gradient @ cov @ gradient))
        return float(gap / scale), float(found.lower), float(found.upper)

    def to_frame(self) -> pd.DataFrame:
        """One row per emitter and receiver: theta, se, effect per emitter, receiver and link, with 95 % intervals."""
        limits, point = self.effects.normal(), self.effects.point
        theta = self.fit.theta().set_index("name")
        rows = []
        for at, block in enumerate(BLOCKS):
            has = block in theta.index
            row = {
                "receiver": block[0],
                "emitter": block[1],
                "theta_block": theta.loc[block, "theta"] if has else np.nan,
                "se": theta.loc[block, "se"] if has else np.nan,
            }
            for name, short, i in (
                ("e_per_emitter", "e", at),
                ("r_per_receiver", "r", at + 4),
                ("per_link", "per_link", at + 8),
            ):
                row |= {name: point[i], f"{short}_lo": limits.lower[i], f"{short}_hi": limits.upper[i]}
            rows.append(row)
        return pd.DataFrame(rows)


@aligned
def split_blocks(W: Matrix | SpatialWeights, is_centre: ArrayLike) -> dict[str, FloatArray]:
    """W_cc, W_cp, W_pc, W_pp (receiver, emitter), each (N, N), not re-normalised: together they are W.

    >>> from python_models.influence import split_blocks
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> {name: float(part.sum()) for name, part in split_blocks(W, np.arange(12) < 4).items()}
    {'cc': 3.0, 'cp': 1.0, 'pc': 1.0, 'pp': 7.0}
    """
    full = spatial_weights(W).matrix.toarray()
    centre = np.asarray(is_centre, dtype=np.bool_)
    if centre.shape != (len(full),):
        raise PanelInputError(f"is_centre must have one flag a city ({len(full)}), got shape {centre.shape}.")
    groups = {"c": centre, "p": ~centre}
    return {b: full * np.outer(groups[b[0]], groups[b[1]]) for b in BLOCKS}


@aligned
def block_effects(multiplier: ArrayLike, is_centre: ArrayLike, *, with_own: bool = False) -> FloatArray:
    """E_{emitter->receiver} per emitting city (4, in the order of BLOCKS), then R per receiving city (4).

    E_{a->b} = (1/N_a) sum_{j in a} sum_{i in b} S_ij, R the same sum over N_b; the diagonal only if `with_own`.

    >>> from python_models.influence import block_effects
    >>> W = np.roll(np.eye(12), 1, axis=1) / 2 + np.roll(np.eye(12), -1, axis=1) / 2
    >>> block_effects(np.linalg.inv(np.eye(12) - 0.3 * W), np.arange(12) < 4).round(3).shape
    (8,)
    """
    s, centre = np.asarray(multiplier, dtype=np.float64), np.asarray(is_centre, dtype=np.bool_)
    s = s if with_own else s - np.diag(np.diag(s))
    groups = {"c": centre, "p": ~centre}
    sums = np.array([s[np.ix_(groups[b[0]], groups[b[1]])].sum() for b in BLOCKS])
    emitters = np.array([groups[b[1]].sum() for b in BLOCKS])
    receivers = np.array([groups[b[0]].sum() for b in BLOCKS])
    return np.concatenate([sums / emitters, sums / receivers])


@aligned
@estimable("the spillover by block")
def block_spillover(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    is_centre: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    effects: str = "twoways",
    estimator: str = "lee_yu",
    cov: str | Robust = "cluster",
) -> BlockSpillover:
    """SDM with one theta per block and a common rho; effects by block, their difference and the Wald test.

    y, x: (N, T); W: (N, N) row-normalised; is_centre: (N,). Per link: E over the mean number of links of an emitter
    into the block.
    PanelInputError: no centre, no periphery, or a block of W without links (named).

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
    fit = fit_spillover(y, x, weights, matrices, controls, effects=effects, estimator=estimator, cov=cov)
    links = _links(weights, centre)
    found = fit.effects(lambda s: block_effects(s, centre))
    per_link = np.zeros((12, 8))
    per_link[:8] = np.eye(8)
    per_link[8:, :4] = np.diag(1.0 / links)
    return BlockSpillover(fit, found.combine(per_link), centre, fit.wald_equal("pc", "cp"))


def _links(weights: SpatialWeights, centre: BoolArray) -> FloatArray:
    """Mean number of links of an emitter into each block; NaN where there is none."""
    linked = weights.matrix.toarray() != 0
    groups = {"c": centre, "p": ~centre}
    counts = np.array([linked[np.ix_(groups[b[0]], groups[b[1]])].sum() / groups[b[1]].sum() for b in BLOCKS])
    return np.where(counts > 0, counts, np.nan)
