"""Placebos of a policy: would other cities as pilots, or earlier dates, have shown as much? docs/formulas.md#pilots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import ArrayLike, FloatArray
from python_models.inference import p_from_draws
from python_models.influence.pilots import BY_CITY, Metric, PilotEffects, _Panel, _starts, pilot_effects
from python_models.regression import PanelInputError
from python_models.space.distance import distance_matrix
from python_models.tasks import Client, parts, run_tasks

LEAST_DRAWS = 19  # for a p of 5 %


@dataclass(frozen=True, eq=False)
class PilotPlacebo(Shown):
    """terms: direct and the rings; actual (p,): t of the true pilots; draws (B, p): t of drawn ones, NaN where a draw
    cannot be estimated."""

    terms: list[str]
    actual: FloatArray
    draws: FloatArray
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """term, t, p = (1 + #{|t*| >= |t|}) / (B + 1), n_draws B: draws with an estimate."""
        n_draws = (~np.isnan(self.draws)).sum(axis=0)
        p = [
            p_from_draws(np.abs(t_draws), abs(float(value))) if np.isfinite(value) and n else np.nan
            for value, t_draws, n in zip(self.actual, self.draws.T, n_draws, strict=True)
        ]
        return pd.DataFrame({"term": self.terms, "t": self.actual, "p": p, "n_draws": n_draws})


@aligned
def placebo_pilots(
    y: ArrayLike,
    start: ArrayLike,
    points: ArrayLike,
    years: Sequence[int],
    edges: Sequence[float],
    *,
    draws: int = 499,
    seed: int,
    metric: Metric = "haversine",
    client: Client | None = None,
    workers: int = 1,
) -> PilotPlacebo:
    """t of the imputed effects with the start years dealt to other cities.

    Parameters
    ----------
    y, start, points, years, edges : as in `pilot_effects`
    draws : int
        Deals; rings are drawn anew around the drawn pilots.
    seed : int
        Draw b has a stream of its own, SeedSequence(seed).spawn(draws)[b].
    metric : {"haversine", "euclidean"}
        Distance of two points.
    client, workers : distributed.Client, int
        As in `python_models.tasks.run_tasks`.

    Returns
    -------
    PilotPlacebo
        t (errors by city) of each draw and p of the true pilots.

    Raises
    ------
    PanelInputError
        Fewer than 19 draws, or the true pilots cannot be estimated.

    Notes
    -----
    The null is that the policy does nothing to anybody and that any city could have been chosen: places that were
    chosen for what they are break it.

    Examples
    --------
    >>> from python_models.influence import placebo_pilots
    >>> rng, place = np.random.default_rng(1), np.column_stack([np.arange(12.0) * 100, np.zeros(12)])
    >>> y, start = rng.normal(size=(12, 6)), np.where(np.arange(12) < 2, 2015.0, np.nan)
    >>> placebo_pilots(y, start, place, range(2012, 2018), [0, 150], draws=19, seed=1, metric="euclidean").draws.shape
    (19, 2)
    """
    if draws < LEAST_DRAWS:
        raise PanelInputError(f"a placebo needs at least {LEAST_DRAWS} draws for a p of 5 %, got {draws}.")
    values, begin, place = np.asarray(y, dtype=np.float64), _starts(start), np.asarray(points, dtype=np.float64)
    same: dict[str, Any] = {"points": place, "years": years, "edges": edges, "metric": metric}
    panel_of = partial(_Panel.of, values, distance=distance_matrix(place, metric), **same)
    actual = panel_of(start=begin)
    streams = np.random.SeedSequence(seed).spawn(draws)
    deal = partial(_dealt, panel_of, begin, len(actual.names))
    t_parts = run_tasks([partial(deal, part) for part in parts(streams)], client, workers=workers)
    return PilotPlacebo(actual.names, _t(actual), np.concatenate(t_parts), seed)


@aligned
def placebo_dates(
    y: ArrayLike,
    start: ArrayLike,
    points: ArrayLike,
    years: Sequence[int],
    edges: Sequence[float],
    *,
    shift: int = 2,
    cutoff: float = 300.0,
    metric: Metric = "haversine",
    clusters: ArrayLike | None = None,
) -> PilotEffects:
    """`pilot_effects` with earlier starts: an effect that it finds came before the policy.

    Parameters
    ----------
    y, start, points, years, edges : as in `pilot_effects`
    shift : int
        Years by which every start is earlier.
    cutoff, metric : as in `pilot_effects`
    clusters : (N,) labels, optional
        Cities whose errors go together; default: each city for itself.

    Returns
    -------
    PilotEffects
        On cells that were neither pilot nor exposed yet.

    Raises
    ------
    PanelInputError
        shift below 1, too few years before.

    Examples
    --------
    >>> from python_models.influence import placebo_dates
    >>> rng, place = np.random.default_rng(1), np.column_stack([np.arange(12.0) * 100, np.zeros(12)])
    >>> y, start = rng.normal(size=(12, 6)), np.where(np.arange(12) < 2, 2016.0, np.nan)
    >>> placebo_dates(y, start, place, range(2012, 2018), [0, 150], metric="euclidean").table["n_cells"].tolist()[:2]
    [4, 2]
    """
    if shift < 1:
        raise PanelInputError(f"a placebo of dates needs a shift of one year or more, got {shift}.")
    panel = _Panel.of(y, start, points, years, edges, metric)
    before = np.where(panel.clean, panel.y, np.nan)
    begin = panel.start - shift
    return pilot_effects(before, begin, points, years, edges, cutoff=cutoff, metric=metric, clusters=clusters)


def _dealt(
    panel_of: Callable[..., _Panel], start: FloatArray, n_terms: int, streams: Sequence[np.random.SeedSequence]
) -> FloatArray:
    """t of each draw (len(streams), n_terms), NaN where its pilots cannot be estimated."""
    rows = []
    for stream in streams:
        try:
            rows.append(_t(panel_of(start=np.random.default_rng(stream).permutation(start))))
        except PanelInputError:
            rows.append(np.full(n_terms, np.nan))
    return np.array(rows)


def _t(panel: _Panel) -> FloatArray:
    table = panel.imputed(on_pilots=False)
    variance = np.full(len(table.terms), np.nan)
    estimable = np.flatnonzero(np.isfinite(table.psi).all(axis=0))
    if estimable.size:
        variance[estimable] = np.diagonal(table.pick(estimable.tolist()).cov(BY_CITY))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(variance > 0, table.value / np.sqrt(variance), np.nan)
