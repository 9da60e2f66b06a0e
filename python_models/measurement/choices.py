"""The choices behind one index, and the score that each combination of them gives, quickly.

A combination names a scheme, a winsorising, a delta, an imputation, an edition of the values and an indicator to leave
out. z and the sums that all schemes need are made once per (winsorising, imputation, edition); a score is then one
product of z with weights. The weights are those of `schemes` (tested to 1e-10).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import special, stats

from python_models._types import BoolArray, FloatArray
from python_models.measurement.critic import conflicts, correlation
from python_models.measurement.fast import Procedure, entropy_redundancy, normalised
from python_models.measurement.vertical_horizontal import leading_weights

SCHEMES = (
    "entropy",
    "two_stage_entropy",
    "two_stage_equal",
    "equal",
    "equal_dimension",
    "critic",
    "entropy_critic",
    "entropy_topsis",
    "vertical_horizontal",
)
"""Principal components are not among them: their weights can be negative, so no Dirichlet weights lie around them."""

QUANTILES = ((0.01, 0.99), (0.0, 1.0), (0.025, 0.975))  # the headline, no winsorising, a wider one
DELTAS = (0.0, 1e-4, 1e-2)
IMPUTATIONS = ("interpolated", "last_observed", "next_observed")
CONCENTRATION = 200.0


@dataclass(frozen=True)
class Choice:
    """One combination; `drop` is the number of the indicator that is left out, or None; `edition` 0 the headline's."""

    scheme: str = SCHEMES[0]
    quantiles: tuple[float, float] = QUANTILES[0]
    delta: float = DELTAS[0]
    drop: int | None = None
    imputation: str = IMPUTATIONS[0]
    edition: int = 0


@dataclass(frozen=True, eq=False)
class _Sums:
    """What the schemes need of z: rows (M, m), redundancy by delta, correlations, sd, Z'Z, mask of varying columns."""

    rows: FloatArray
    redundancy: dict[float, FloatArray]
    r: FloatArray
    sd: FloatArray
    squares: FloatArray
    varies: BoolArray


@dataclass(eq=False)
class ChoiceModel:
    """Scores for any `Choice` on complete values (N, T, m) of the base window; what was made once is kept.

    `others` are further editions of the same cells, for instance before editing: (values, imputed) each.
    """

    values: FloatArray
    imputed: BoolArray
    procedure: Procedure
    dimensions: tuple[str, ...]
    others: tuple[tuple[FloatArray, BoolArray], ...] = ()
    _sums: dict[tuple[tuple[float, float], str, int], _Sums] = field(default_factory=dict)
    _weights: dict[Choice, FloatArray] = field(default_factory=dict)

    def score(self, choice: Choice, u: FloatArray | None = None) -> FloatArray:
        """Score (N, T). `u` (m,) in (0, 1): weights are drawn around those of the scheme, see `dirichlet_weights`."""
        sums, w = self.sums(choice.quantiles, choice.imputation, choice.edition), self.weights(choice)
        if u is not None:
            w = dirichlet_weights(w, u)
        flat = _topsis(sums.rows, w) if choice.scheme == "entropy_topsis" else sums.rows @ w
        return flat.reshape(self.values.shape[:2])

    def weights(self, choice: Choice) -> FloatArray:
        """Weights (m,) of the scheme; 0 for the indicator that is left out."""
        if choice not in self._weights:
            self._weights[choice] = self._fresh_weights(choice)
        return self._weights[choice]

    def sums(self, quantiles: tuple[float, float], imputation: str, edition: int = 0) -> _Sums:
        key = (quantiles, imputation, edition)
        if key not in self._sums:
            own = Procedure(self.procedure.directions, self.procedure.caps, self.procedure.winsor, quantiles)
            values, imputed = ((self.values, self.imputed), *self.others)[edition]
            z = own.scale(imputed_as(values, imputed, imputation))
            self._sums[key] = _sums_of(z.reshape(-1, z.shape[2]))
        return self._sums[key]

    def _fresh_weights(self, choice: Choice) -> FloatArray:
        s = self.sums(choice.quantiles, choice.imputation, choice.edition)
        used = s.varies & (np.arange(len(s.varies)) != (-1 if choice.drop is None else choice.drop))
        if not used.any():
            raise ValueError("no indicator is left that varies: there is no index without it.")
        g = np.where(used, s.redundancy[choice.delta], 0.0)
        scheme = choice.scheme
        if scheme in ("entropy", "entropy_topsis"):
            return normalised(g, used)
        if scheme == "equal":
            return normalised(used.astype(np.float64))
        if scheme in ("equal_dimension", "two_stage_equal", "two_stage_entropy"):
            return self._by_dimension(scheme, s, g, used, choice.delta)
        if scheme == "vertical_horizontal":
            return _placed(leading_weights(s.squares[np.ix_(used, used)]), used)
        content = _placed(s.sd[used] * conflicts(s.r[np.ix_(used, used)]), used)
        critic = normalised(content, used)
        return critic if scheme == "critic" else normalised(np.sqrt(critic * normalised(g, used)), used)

    def _by_dimension(self, scheme: str, s: _Sums, g: FloatArray, used: BoolArray, delta: float) -> FloatArray:
        within, masks = np.zeros(len(g)), []
        for name in dict.fromkeys(self.dimensions):
            own = used & np.array([d == name for d in self.dimensions])
            if own.any():
                within[own] = 1.0 / own.sum() if scheme == "equal_dimension" else normalised(g[own])
                masks.append(own)
        outer = np.full(len(masks), 1.0 / len(masks))
        if scheme == "two_stage_entropy" and len(masks) > 1:
            scores = np.stack([s.rows[:, own] @ within[own] for own in masks], axis=1)
            outer = normalised(entropy_redundancy(scores, delta))
        return np.sum([w * np.where(own, within, 0.0) for w, own in zip(outer, masks, strict=True)], axis=0)


def dirichlet_weights(w: FloatArray, u: FloatArray, concentration: float = CONCENTRATION) -> FloatArray:
    """Dirichlet(concentration w) weights (m,) from uniforms u (m,): gamma quantiles over their sum.

    Mean w, variance w_k (1 - w_k) / (concentration + 1). Made by quantiles, so the same u moves the weights of any
    scheme in the same way: the factor "weights" of the design is u. An indicator of weight 0 keeps it.
    """
    drawn = np.zeros(len(w))
    some = w > 0.0
    drawn[some] = special.gammaincinv(concentration * w[some], u[some])
    total = drawn.sum()
    return drawn / total if total > 0.0 else w


def imputed_as(values: FloatArray, imputed: BoolArray, imputation: str) -> FloatArray:
    """Values (N, T, m) with the marked cells filled in another way.

    'interpolated': as they are. 'last_observed', 'next_observed': the nearest unmarked value of the same city and
    indicator before or after; a cell without one keeps its value. ValueError: unknown name.
    """
    if imputation not in IMPUTATIONS:
        raise ValueError(f"unknown imputation '{imputation}': use one of {', '.join(IMPUTATIONS)}.")
    if imputation == "interpolated" or not imputed.any():
        return values
    order = slice(None) if imputation == "last_observed" else slice(None, None, -1)
    result, marked = values[:, order].copy(), imputed[:, order]
    seen = np.where(marked[:, 0], np.nan, result[:, 0])
    for t in range(1, result.shape[1]):
        hole = marked[:, t] & ~np.isnan(seen)
        result[:, t] = np.where(hole, seen, result[:, t])
        seen = np.where(marked[:, t], seen, result[:, t])
    return result[:, order]


def places(score: FloatArray) -> FloatArray:
    """Places (N, T) inside each year: 1 is the highest score, ties share the best place."""
    ranked: FloatArray = stats.rankdata(-score, axis=0, method="min")
    return ranked


def _sums_of(rows: FloatArray) -> _Sums:
    varies = rows.max(axis=0) > rows.min(axis=0)
    r = np.eye(rows.shape[1])
    r[np.ix_(varies, varies)] = correlation(rows[:, varies])
    redundancy = {delta: entropy_redundancy(rows, delta) for delta in DELTAS}
    return _Sums(rows, redundancy, r, rows.std(axis=0), rows.T @ rows, varies)


def _topsis(rows: FloatArray, w: FloatArray) -> FloatArray:
    worst = np.sqrt((rows**2) @ w**2)
    best = np.sqrt(((1.0 - rows) ** 2) @ w**2)
    score: FloatArray = worst / (best + worst)
    return score


def _placed(x: FloatArray, used: BoolArray) -> FloatArray:
    full = np.zeros(len(used))
    full[used] = x
    return full
