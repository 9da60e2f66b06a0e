"""How much of a place in the ranking is choice: thousands of indexes instead of one, and which choice matters.

Factors, each drawn evenly: the weight scheme, the winsorising, delta, the imputation, the edition of the values (that
of the headline, or another that the model holds), leaving one indicator out (or none), and Dirichlet weights around
those of the scheme (concentration 200). Every draw j has its own stream, SeedSequence(seed).spawn(draws)[j], so neither
the number of workers nor the order of work can change a number.

Places: 5, 50 and 95 % over the draws, and the share of draws among the first 20. Shares of the factors: the A/B design
of `sobol` on the mean absolute shift of places against the headline.
Reference: Saisana, Saltelli and Tarantola (2005).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from joblib import Parallel, delayed

from python_models._types import FloatArray
from python_models.measurement.choices import DELTAS, IMPUTATIONS, QUANTILES, SCHEMES, Choice, ChoiceModel, places
from python_models.measurement.sobol import SobolShares, sobol_shares

FACTORS = ("scheme", "winsorising", "delta", "drop_one", "imputation", "editing", "weights")
TOP = 20
CHUNK = 50  # draws a task; fixed, so that the work is cut in the same way for any number of workers


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """Draws of places and scores, arrays (draws, N, T); reference (N, T): places of the headline."""

    cities: tuple[str, ...]
    years: tuple[int, ...]
    reference: FloatArray
    ranks: FloatArray
    scores: FloatArray
    shares: SobolShares
    city_shares: SobolShares
    seed: int

    def to_frame(self) -> pd.DataFrame:
        """One row per city and year: rank_year, rank_p05/p50/p95, p_top20, score_p05/p50/p95, n_draws, n_obs, seed."""
        n, t = self.reference.shape
        rank, score = (np.quantile(x, (0.05, 0.5, 0.95), axis=0).reshape(3, -1) for x in (self.ranks, self.scores))
        return pd.DataFrame(
            {
                "city_id": pd.Series(np.repeat(np.array(self.cities, dtype=object), t), dtype="str"),
                "year": np.tile(np.array(self.years, dtype=np.int64), n),
                "rank_year": self.reference.reshape(-1).astype(np.int64),
                "rank_p05": rank[0],
                "rank_p50": rank[1],
                "rank_p95": rank[2],
                "p_top20": (self.ranks <= TOP).mean(axis=0).reshape(-1),
                "score_p05": score[0],
                "score_p50": score[1],
                "score_p95": score[2],
                "n_draws": len(self.ranks),
                "n_obs": n,
                "seed": self.seed,
            }
        )

    def factor_frame(self) -> pd.DataFrame:
        """One row per factor: factor, sobol_first, sobol_total with 5 and 95 % limits, n_draws, seed."""
        frame = self.shares.to_frame().rename(columns={"n_obs": "n_draws"})
        return frame.assign(n_obs=self.reference.size, seed=self.seed)

    def city_factor_frame(self) -> pd.DataFrame:
        """One row per city and factor: shares in the mean absolute shift of that city alone (nan if it never moves)."""
        k, n = self.city_shares.first.shape
        return pd.DataFrame(
            {
                "city_id": pd.Series(np.tile(np.array(self.cities, dtype=object), k), dtype="str"),
                "factor": np.repeat(np.array(self.city_shares.names, dtype=object), n),
                "sobol_first": self.city_shares.first.reshape(-1),
                "sobol_total": self.city_shares.total.reshape(-1),
                "n_draws": self.city_shares.n_obs,
                "seed": self.seed,
            }
        )


def uncertainty(
    model: ChoiceModel, *, cities: Sequence[str], years: Sequence[int], seed: int, draws: int = 1000, n_jobs: int = 1
) -> Uncertainty:
    """Draw `draws` indexes of `model` for the places, and (2 + 7) times as many for the shares of the factors.

    The same seed gives the same numbers with any `n_jobs`. ValueError: fewer than 2 draws, or labels that do not fit.
    """
    n, t, _ = model.values.shape
    if (len(cities), len(years)) != (n, t):
        raise ValueError(f"values are {n} cities x {t} years, labels count {len(cities)} x {len(years)}.")
    if draws < 2:
        raise ValueError(f"at least 2 draws are needed, got {draws}.")
    reference = places(model.score(Choice()))
    streams = np.random.SeedSequence(seed).spawn(draws)
    chunks = [streams[start : start + CHUNK] for start in range(0, draws, CHUNK)]
    if n_jobs == 1:
        done = [_run_chunk(model, chunk, reference) for chunk in chunks]
    else:
        done = Parallel(n_jobs=n_jobs)(delayed(_run_chunk)(model, chunk, reference) for chunk in chunks)
    ranks, scores, shifts = (np.concatenate(parts) for parts in zip(*done, strict=True))
    f = np.moveaxis(shifts, 0, 1)  # (2 + K, draws, N): A, B, AB_1 .. AB_K
    mean = f.mean(axis=2)
    return Uncertainty(
        tuple(cities),
        tuple(years),
        reference,
        ranks,
        scores,
        sobol_shares(mean[0], mean[1], mean[2:], FACTORS, seed=seed),
        sobol_shares(f[0], f[1], f[2:], FACTORS),
        seed,
    )


def _run_chunk(
    model: ChoiceModel, streams: list[np.random.SeedSequence], reference: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Ranks and scores of the A draws (c, N, T), and mean absolute shifts (c, 2 + K, N) of A, B, AB_1 .. AB_K."""
    (n, t, m), editions = model.values.shape, 1 + len(model.others)
    ranks, scores = np.empty((len(streams), n, t)), np.empty((len(streams), n, t))
    shifts = np.empty((len(streams), 2 + len(FACTORS), n))
    for j, stream in enumerate(streams):
        rng = np.random.default_rng(stream)
        a, b = rng.random(len(FACTORS) - 1 + m), rng.random(len(FACTORS) - 1 + m)
        for run, u in enumerate([a, b, *(_mixed(a, b, k) for k in range(len(FACTORS)))]):
            score = model.score(choice_of(u, m, editions), u[len(FACTORS) - 1 :])
            ranked = places(score)
            shifts[j, run] = np.abs(ranked - reference).mean(axis=1)
            if run == 0:
                ranks[j], scores[j] = ranked, score
    return ranks, scores, shifts


def choice_of(u: FloatArray, m: int, editions: int = 1) -> Choice:
    """The choice that the first six coordinates of a draw in [0, 1) stand for; all levels are equally likely."""
    dropped = int(u[3] * (m + 1))
    return Choice(
        scheme=SCHEMES[int(u[0] * len(SCHEMES))],
        quantiles=QUANTILES[int(u[1] * len(QUANTILES))],
        delta=DELTAS[int(u[2] * len(DELTAS))],
        drop=None if dropped == m or m == 1 else dropped,
        imputation=IMPUTATIONS[int(u[4] * len(IMPUTATIONS))],
        edition=int(u[5] * editions),
    )


def _mixed(a: FloatArray, b: FloatArray, factor: int) -> FloatArray:
    """Draw a with one factor from b; the last factor, the weights, is the whole rest of the draw."""
    mixed = a.copy()
    last = len(FACTORS) - 1
    own = slice(last, None) if factor == last else slice(factor, factor + 1)
    mixed[own] = b[own]
    return mixed
