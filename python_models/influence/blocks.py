"""Asymmetric spillovers between centre and periphery: blocks W_{receiver,emitter} (docs/formulas.md#blocks)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._types import ArrayLike, BoolArray, FloatArray
from python_models.influence.spillover import Matrix, Simulated, SpilloverFit, fit_spillover
from python_models.regression import PanelInputError, SpatialWeights, spatial_weights
from python_models.regression.errors import estimable

BLOCKS = ("cc", "cp", "pc", "pp")  # receiver first: pc is received by the periphery, emitted by the centre


@dataclass(frozen=True, eq=False)
class BlockSpillover:
    """fit: the four theta; effects: simulated functionals, rows of `table`; wald of theta_pc = theta_cp."""

    fit: SpilloverFit
    simulated: Simulated
    is_centre: BoolArray
    wald: float
    p_asymmetry: float

    @property
    def asymmetry(self) -> tuple[float, float, float]:
        """(E_{C->P} - E_{P->C}) / (|E_{C->P}| + |E_{P->C}|) with its simulated 95 % interval."""
        low, high = self.simulated.interval()
        return float(self.simulated.point[-1]), float(low[-1]), float(high[-1])

    def to_frame(self) -> pd.DataFrame:
        """One row per emitter and receiver: theta, se, effect per emitter, receiver and link, with 95 % intervals."""
        low, high = self.simulated.interval()
        theta = self.fit.theta().set_index("name")
        rows = []
        for at, block in enumerate(BLOCKS):
            e, r, link = at, at + 4, at + 8
            has = block in theta.index
            rows.append(
                {
                    "receiver": block[0],
                    "emitter": block[1],
                    "theta_block": theta.loc[block, "theta"] if has else np.nan,
                    "se": theta.loc[block, "se"] if has else np.nan,
                    "e_per_emitter": self.simulated.point[e],
                    "e_lo": low[e],
                    "e_hi": high[e],
                    "r_per_receiver": self.simulated.point[r],
                    "r_lo": low[r],
                    "r_hi": high[r],
                    "per_link": self.simulated.point[link],
                    "per_link_lo": low[link],
                    "per_link_hi": high[link],
                }
            )
        return pd.DataFrame(rows)


def split_blocks(W: Matrix | SpatialWeights, is_centre: ArrayLike) -> dict[str, FloatArray]:
    """W_cc, W_cp, W_pc, W_pp (receiver, emitter), each (N, N), not re-normalised: together they are W."""
    full = spatial_weights(W).matrix.toarray()
    centre = np.asarray(is_centre, dtype=np.bool_)
    if centre.shape != (len(full),):
        raise PanelInputError(f"is_centre must have one flag a city ({len(full)}), got shape {centre.shape}.")
    groups = {"c": centre, "p": ~centre}
    return {b: full * np.outer(groups[b[0]], groups[b[1]]) for b in BLOCKS}


def block_effects(multiplier: FloatArray, is_centre: BoolArray, *, with_own: bool = False) -> FloatArray:
    """E_{emitter->receiver} per emitting city (4, in the order of BLOCKS), then R per receiving city (4).

    E_{a->b} = (1/N_a) sum_{j in a} sum_{i in b} S_ij, R the same sum over N_b; the diagonal only if `with_own`.
    """
    s = multiplier if with_own else multiplier - np.diag(np.diag(multiplier))
    groups = {"c": is_centre, "p": ~is_centre}
    sums = np.array([s[np.ix_(groups[b[0]], groups[b[1]])].sum() for b in BLOCKS])
    emitters = np.array([groups[b[1]].sum() for b in BLOCKS])
    receivers = np.array([groups[b[0]].sum() for b in BLOCKS])
    return np.concatenate([sums / emitters, sums / receivers])


@estimable("the spillover by block")
def block_spillover(
    y: ArrayLike,
    x: ArrayLike,
    W: Matrix | SpatialWeights,
    is_centre: ArrayLike,
    controls: ArrayLike | None = None,
    *,
    draws: int = 1000,
    rng: np.random.Generator,
    effects: str = "twoways",
    estimator: str = "lee_yu",
) -> BlockSpillover:
    """SDM with one theta per block and a common rho; effects by block, asymmetry index and Wald test.

    y, x: (N, T); W: (N, N) row-normalised; is_centre: (N,). Per link: E over the mean number of links of an emitter
    into the block. The asymmetry index is positive when a centre gives more to the periphery than it gets from it.
    PanelInputError: no centre, no periphery, or a block of W without links (named).
    """
    weights = spatial_weights(W)
    centre = np.asarray(is_centre, dtype=np.bool_)
    if centre.all() or not centre.any():
        raise PanelInputError("blocks need a centre and a periphery: every city is on one side.")
    matrices = {b: m for b, m in split_blocks(weights, centre).items() if m.any()}
    if not {"cp", "pc"} <= set(matrices):
        raise PanelInputError("W has no link between centre and periphery: no spillover between them can be estimated.")
    fit = fit_spillover(y, x, weights, matrices, controls, effects=effects, estimator=estimator)
    links = _links(weights, centre)

    def finish(found: FloatArray) -> FloatArray:
        outward, inward = found[BLOCKS.index("pc")], found[BLOCKS.index("cp")]
        scale = abs(outward) + abs(inward)
        index = (outward - inward) / scale if scale > 0 else 0.0
        return np.concatenate([found, found[:4] / links, [index]])

    simulated = fit.simulate(lambda s: block_effects(s, centre), finish=finish, draws=draws, rng=rng)
    wald, p = fit.wald_equal("pc", "cp")
    return BlockSpillover(fit, simulated, centre, wald, p)


def _links(weights: SpatialWeights, centre: BoolArray) -> FloatArray:
    """Mean number of links of an emitter into each block; NaN where there is none."""
    linked = weights.matrix.toarray() != 0
    groups = {"c": centre, "p": ~centre}
    counts = np.array([linked[np.ix_(groups[b[0]], groups[b[1]])].sum() / groups[b[1]].sum() for b in BLOCKS])
    return np.where(counts > 0, counts, np.nan)
