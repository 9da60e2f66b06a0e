"""How much of a club depends on who else is in the sample, and on how the score was weighted."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from python_models._align import align_to
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray, IntArray
from python_models.dynamics.clubs import ClubResult, find_clubs, merge_clubs
from python_models.dynamics.logt import positive_plane


@dataclass(frozen=True, eq=False)
class ClubStability(Shown):
    """share (N,): over the members of the same club, the mean share of draws in which both were in one club again.

    For a divergent unit the share of draws in which it was divergent again. together (N, N): shares of all pairs, nan
    where two units were never drawn at once.
    """

    share: pd.Series
    together: FloatArray
    n_draws: int
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per unit: unit, stability_share."""
        unit = pd.Series(self.share.index.to_list(), dtype=object)
        return pd.DataFrame({"unit": unit, "stability_share": self.share.to_numpy()})


def club_stability(
    clubs: ClubResult, *, other: ArrayLike | pd.DataFrame | None = None, n_draws: int = 200, seed: int = 0
) -> ClubStability:
    """Form and merge the clubs again on drawn samples.

    Parameters
    ----------
    clubs : ClubResult
        Merged clubs of (N, T) paths.
    other : (N, T) array or frame, optional
        The same paths under another weighting of the score.
    n_draws : int
        Number of samples.
    seed : int
        Seed of the samples.

    Returns
    -------
    ClubStability
        How often each unit and each pair is in the same club again.

    Notes
    -----
    Each draw keeps the distinct units of N draws with replacement (about 63 %) and, with `other`, mixes the two paths
    by one uniform weight: what sampling and weighting leave open.

    Examples
    --------
    >>> from python_models.dynamics import club_stability, find_clubs
    >>> rng, t = np.random.default_rng(3), np.arange(1, 21)
    >>> level = np.repeat([4.0, 9.0], 6)[:, None]
    >>> Y = level + rng.normal(size=(12, 1)) / t + 0.001 * rng.normal(size=(12, 20))
    >>> clubs = find_clubs(pd.DataFrame(Y, [f"c{k}" for k in range(12)]))
    >>> club_stability(clubs, n_draws=5).n_draws
    5
    """
    paths = clubs.paths
    second = paths if other is None else positive_plane(align_to(clubs.labels.index, other, "other"))
    if second.shape != paths.shape:
        raise ValueError(f"other has shape {second.shape}, the paths {paths.shape}: the axes must match.")
    labels, n = clubs.labels.to_numpy(), paths.shape[0]
    both, both_inside, divergent = np.zeros((n, n)), np.zeros((n, n)), np.zeros(n)
    rng = np.random.default_rng(seed)
    for _ in range(n_draws):
        units = np.unique(rng.integers(0, n, n))
        share = rng.random() if other is not None else 0.0
        if units.size < 2:
            continue
        redrawn = merge_clubs(find_clubs((1.0 - share) * paths[units] + share * second[units], clubs.r))
        club_of = redrawn.labels.to_numpy()
        both[np.ix_(units, units)] += 1.0
        both_inside[np.ix_(units, units)] += (club_of[:, None] == club_of[None, :]) & (club_of > 0)[:, None]
        divergent[units] += club_of == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        together = both_inside / both
        alone = divergent / np.diagonal(both)
    share_of = np.array([_share(i, labels, together, alone) for i in range(n)])
    return ClubStability(pd.Series(share_of, index=clubs.labels.index, name="stability_share"), together, n_draws, seed)


def _share(i: int, labels: IntArray, together: FloatArray, alone: FloatArray) -> float:
    if labels[i] == 0:
        return float(alone[i])
    mates = np.flatnonzero((labels == labels[i]) & (np.arange(labels.size) != i))
    shares = together[i, mates][~np.isnan(together[i, mates])]
    return float(shares.mean()) if shares.size else float("nan")
