"""How much of a place in the ranking is choice: thousands of indexes instead of one, and which choice matters.

The factors of `choices.FIELDS` and Dirichlet weights around those of the scheme, each drawn evenly; what is not asked
for stays at the headline. Draw j has its own stream, SeedSequence(seed).spawn(draws)[j], so neither the number of
workers nor the order of work can change a number. Shares: the A/B design of `sobol` on the mean absolute shift of
places. A draw that has no index is left out and counted. docs/formulas.md#uncertainty.
"""

from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from python_models._types import BoolArray, FloatArray
from python_models._validate import require_known
from python_models.measurement.choices import FIELDS, TOPSIS, Choice, ChoiceModel, dirichlet_weights
from python_models.measurement.sobol import SobolShares, sobol_shares
from python_models.panel import city_years

FACTORS = (*FIELDS, "weights")
TOP = 20
DIGITS = 12
CHUNK = 256  # runs in hand at a time


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Draws of places and scores, arrays (draws, N, T); reference (N, T): places of the headline.

    n_evaluations: indexes that were made, draws of the design included; n_failed of them have no score.
    """

    cities: tuple[str, ...]
    years: tuple[int, ...]
    reference: FloatArray
    ranks: NDArray[np.int32]
    scores: FloatArray
    shares: SobolShares
    seed: int
    n_evaluations: int
    n_failed: int
    reasons: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """One row per city and year: rank_year, rank_p05/p50/p95, p_top20, score_p05/p50/p95, n_draws, n_obs, seed."""
        n, t = self.reference.shape
        # the order statistic itself and no point between two: a rank is a whole number
        at = (0.05, 0.5, 0.95)
        ranks = [np.quantile(self.ranks[..., year], at, axis=0, method="inverted_cdf") for year in range(t)]
        scores = [np.quantile(self.scores[..., year], at, axis=0) for year in range(t)]
        quantiles = (np.stack(parts, axis=2).reshape(3, -1) for parts in (ranks, scores))
        rank, score = (dict(zip(("p05", "p50", "p95"), limits, strict=True)) for limits in quantiles)
        columns: dict[str, Any] = city_years(self.cities, self.years)
        columns["rank_year"] = self.reference.reshape(-1).astype(np.int64)
        columns |= {f"rank_{p}": v for p, v in rank.items()}
        columns["p_top20"] = (self.ranks <= TOP).mean(axis=0).reshape(-1)
        columns |= {f"score_{p}": v for p, v in score.items()}
        return pd.DataFrame({**columns, "n_draws": len(self.ranks), "n_obs": n, "seed": self.seed})

    def factor_frame(self) -> pd.DataFrame:
        """One row per factor: factor, sobol_first, sobol_total with 5 and 95 % limits, n_draws, seed."""
        frame = self.shares.to_frame().rename(columns={"n_obs": "n_draws"})
        return frame.assign(n_obs=self.reference.size, seed=self.seed)


def uncertainty(
    model: ChoiceModel,
    *,
    cities: Sequence[str],
    years: Sequence[int],
    seed: int,
    draws: int = 1000,
    n_jobs: int = 1,
    factors: Sequence[str] = FACTORS,
) -> Uncertainty:
    """Draw `draws` indexes of `model` for the places, and (2 + K) times as many for the shares of the K factors.

    The same seed gives the same numbers with any `n_jobs` (threads, one year each). ValueError: fewer than 2 draws
    (with a score), an unknown factor, or labels that do not fit.
    """
    n, t, m = model.values.shape
    if (len(cities), len(years)) != (n, t):
        raise ValueError(f"values are {n} cities x {t} years, labels count {len(cities)} x {len(years)}.")
    if draws < 2:
        raise ValueError(f"at least 2 draws are needed, got {draws}.")
    require_known(factors, FACTORS, "factor")
    factor_names = tuple(factor for factor in FACTORS if factor in factors)
    runs = _Runs(model, _design(seed, draws, m, factor_names), factor_names)
    reference = ranked(model.score(model.headline).T).T.astype(np.float64)
    size = 2 + len(factor_names)
    ranks, scores = np.empty((draws, n, t), dtype=np.int32), np.empty((draws, n, t))
    shift, is_failure = np.zeros((draws * size, n), dtype=np.float32), runs.failed.copy()

    def of_year(year: int) -> tuple[NDArray[np.int32], BoolArray]:
        year_scores = np.empty((draws, n))
        place, bad = runs.of_year(year, year_scores)
        scores[..., year], ranks[..., year] = year_scores, place[:draws]
        np.abs(np.subtract(place, reference[:, year].astype(np.int32), out=place), out=place)
        return place, bad

    with ThreadPoolExecutor(max_workers=n_jobs) as pool:
        for start in range(0, t, n_jobs):  # as many years at a time as there are workers: their draws are large
            for shift_part, bad in pool.map(of_year, range(start, min(start + n_jobs, t))):
                shift += shift_part
                is_failure |= bad
    if (~is_failure[:draws]).sum() < 2:
        raise ValueError(f"fewer than 2 of {draws} draws have a score: {'; '.join(runs.reasons) or 'not finite'}.")
    f = shift.reshape(size, draws, n)
    if is_failure.any():  # a base draw needs all of its runs
        f = f[:, ~is_failure.reshape(size, draws).any(axis=0)]
        ranks, scores = ranks[~is_failure[:draws]], scores[~is_failure[:draws]]
    mean = f.mean(axis=2, dtype=np.float64) / t
    shares = sobol_shares(mean[0], mean[1], mean[2:], factor_names, seed=seed)
    parts = tuple(cities), tuple(years), reference, ranks, scores
    return Uncertainty(*parts, shares, seed, len(is_failure), int(is_failure.sum()), runs.reasons)


def choices_of(
    design: FloatArray, model: ChoiceModel, fields: Collection[str], factors: Sequence[str] = FACTORS
) -> tuple[list[Choice], NDArray[np.intp]]:
    """The different choices of some fields that the first coordinates of draws (d, ..) in [0, 1) stand for, in the
    order in which they come, and which of them each draw has (d,). Levels of a factor are equally likely.
    """
    levels = {
        name: model.levels(factor) if factor in factors and name in fields else (getattr(model.headline, name),)
        for factor, name in FIELDS.items()
    }
    picks = (design[:, : len(levels)] * [len(each) for each in levels.values()]).astype(int)
    unique, first, which = np.unique(picks, axis=0, return_index=True, return_inverse=True)
    order = np.argsort(first)
    chosen = [
        Choice(**{name: each[i] for (name, each), i in zip(levels.items(), row, strict=True)})
        for row in unique[order].tolist()
    ]
    return chosen, np.argsort(order)[which]


class _Runs:
    """All runs of a design, grouped so that one product gives the scores of a group in a year."""

    def __init__(self, model: ChoiceModel, design: FloatArray, factors: tuple[str, ...]) -> None:
        self.model, m = model, model.values.shape[2]
        # normalisation and aggregation do not enter the weights; delta and the indicator left out enter nothing else
        weighings, which = choices_of(design, model, set(FIELDS.values()) - {"normalisation", "aggregation"}, factors)
        weights, has_none = np.zeros((len(weighings), m)), np.zeros(len(weighings), dtype=bool)
        reasons: dict[str, None] = {}
        for j, choice in enumerate(weighings):
            try:
                weights[j] = model.weights(choice)
            except ValueError as error:
                has_none[j] = True
                reasons[str(error)] = None
        self.failed: BoolArray = has_none[which]
        self.weights = weights[which]
        if "weights" in factors:
            self.weights = dirichlet_weights(self.weights, design[:, len(FIELDS) :])
        bases, which = choices_of(design, model, set(FIELDS.values()) - {"delta", "drop"}, factors)
        shapes = [replace(one, scheme=TOPSIS if one.scheme == TOPSIS else "", delta=0.0, drop=None) for one in bases]
        places = {shape: place for place, shape in enumerate(dict.fromkeys(shapes))}
        group = np.array([places[shape] for shape in shapes])[which]
        self.groups = {shape: np.flatnonzero((group == place) & ~self.failed) for shape, place in places.items()}
        self.reasons = tuple(reasons)
        for choice in self.groups:  # made once, before the threads
            model.scores(choice, self.weights[:1], 0)

    def of_year(self, year: int, scores: FloatArray) -> tuple[NDArray[np.int32], BoolArray]:
        """Places (runs, N) of one year, and the runs with a score that is not finite; fills `scores` (draws, N)."""
        n = self.model.values.shape[0]
        places, bad = np.ones((len(self.weights), n), dtype=np.int32), np.zeros(len(self.weights), dtype=bool)
        for choice, rows in self.groups.items():
            for part in np.split(rows, range(CHUNK, len(rows), CHUNK)):
                part_scores = self.model.scores(choice, self.weights[part], year)
                bad[part] = ~np.isfinite(part_scores).all(axis=1)
                part_scores[bad[part]] = 0.0
                places[part] = ranked(part_scores)
                is_base = part < len(scores)
                scores[part[is_base]] = part_scores[is_base]
        return places, bad


def ranked(scores: FloatArray) -> NDArray[np.int32]:
    """Places (d, N) in each row of scores (d, N), 1 the highest; what is level to 12 digits shares the best place.

    One sort of whole numbers: the rounded score in the upper bits, the unit in the lower ones.
    """
    n = scores.shape[1]
    bits = n.bit_length()
    largest = np.maximum(np.abs(scores).max(axis=1, keepdims=True), 1.0)
    keys = np.rint(scores * (-(10.0**DIGITS) / largest)).astype(np.int64)
    keys <<= bits
    keys |= np.arange(n)
    keys.sort(axis=1)
    unit = keys & ((1 << bits) - 1)
    keys >>= bits
    place = np.broadcast_to(np.arange(1, n + 1, dtype=np.int32), keys.shape)
    is_new = keys[:, 1:] != keys[:, :-1]
    if not is_new.all():
        first = np.concatenate([np.ones((len(keys), 1), dtype=bool), is_new], axis=1)
        place = np.maximum.accumulate(np.where(first, place, 0), axis=1)
    result = np.empty(keys.shape, dtype=np.int32)
    np.put_along_axis(result, unit, place, axis=1)
    return result


def _design(seed: int, draws: int, m: int, factors: tuple[str, ...]) -> FloatArray:
    """Rows ((2 + K) draws, 8 + m): A, B, and A with one factor from B; "weights" is all that follows the eighth."""
    size, k = len(FIELDS) + m, list(FIELDS)
    pairs = np.stack([np.random.default_rng(s).random((2, size)) for s in np.random.SeedSequence(seed).spawn(draws)])
    blocks = [pairs[:, 0], pairs[:, 1]]
    for factor in factors:
        exchange = pairs[:, 0].copy()
        columns = slice(len(FIELDS), None) if factor == "weights" else [k.index(factor)]
        exchange[:, columns] = pairs[:, 1, columns]
        blocks.append(exchange)
    return np.concatenate(blocks)
