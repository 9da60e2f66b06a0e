"""The choices behind one index, and the score that each combination of them gives, quickly.

z and the sums that all schemes need are made once per (winsorising, imputation, edition); a score is then one product
of z with weights: those of `schemes` on min-max z (tested to 1e-10), whatever normalisation is averaged. TOPSIS brings
its own normalisation and aggregation.
"""

from dataclasses import dataclass, field, replace

import numpy as np
from scipy import special

from python_models._types import BoolArray, FloatArray
from python_models.measurement.critic import conflicts, correlation
from python_models.measurement.fast import OF_DIMENSIONS, Procedure, by_dimension, entropy_redundancy, normalised
from python_models.measurement.normalisation import normalise, positive
from python_models.measurement.vertical_horizontal import leading_weights

SCHEMES: tuple[str, ...] = (
    "entropy",
    "two_stage_entropy",
    "two_stage_equal",
    "equal",
    "equal_dimension",
    "critic",
    "entropy_critic",
)
SCHEMES += ("entropy_topsis", "vertical_horizontal")
"""Principal components are not among them: their weights can be negative, so no Dirichlet weights lie around them."""

QUANTILES = ((0.01, 0.99), (0.0, 1.0), (0.025, 0.975))  # the headline, no winsorising, a wider one
DELTAS = (0.0, 1e-4, 1e-2)
IMPUTATIONS = ("interpolated", "last_observed", "next_observed")
NORMALISATIONS = ("minmax", "zscore", "percentile")
AGGREGATIONS = ("arithmetic", "geometric", "mixed")  # mixed: arithmetic inside a dimension, geometric over dimensions
GIVEN, TOPSIS = "given", "entropy_topsis"
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
    normalisation: str = NORMALISATIONS[0]
    aggregation: str = AGGREGATIONS[0]


FIELDS = {
    "scheme": "scheme",
    "winsorising": "quantiles",
    "delta": "delta",
    "drop_one": "drop",
    "imputation": "imputation",
    "editing": "edition",
    "normalisation": "normalisation",
    "aggregation": "aggregation",
}
"""Field of `Choice` behind each factor."""


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

    `others` are further editions of the same cells: (values, imputed) each. `fixed_weights`: weights (m,) of the scheme
    "given".
    """

    values: FloatArray
    imputed: BoolArray
    procedure: Procedure
    dimensions: tuple[str, ...]
    others: tuple[tuple[FloatArray, BoolArray], ...] = ()
    headline: Choice = field(default_factory=Choice)
    fixed_weights: FloatArray | None = None
    _sums: dict[tuple[tuple[float, float], str, int], _Sums] = field(default_factory=dict)
    _weights: dict[Choice, FloatArray] = field(default_factory=dict)
    _bases: dict[tuple[object, ...], tuple[FloatArray, float, float]] = field(default_factory=dict)

    def score(self, choice: Choice, u: FloatArray | None = None) -> FloatArray:
        """Score (N, T). `u` (m,) in (0, 1): weights are drawn around those of the scheme, see `dirichlet_weights`."""
        w = self.weights(choice)
        w = w if u is None else dirichlet_weights(w, u)
        return self.scores(choice, w[None, :], slice(None)).reshape(self.values.shape[:2])

    def scores(self, choice: Choice, weights: FloatArray, year: int | slice) -> FloatArray:
        """Scores (d, N), or (d, N T) of all years, of d sets of weights (d, m) under one choice.

        A scale that is not the headline's is brought to the mean and spread of min-max z; no rank is touched.
        """
        rows, centre, unit = self._base(choice)
        y = rows[:, year].reshape(-1, rows.shape[2])
        if choice.scheme == TOPSIS:
            worst, best = np.sqrt(weights**2 @ (y**2).T), np.sqrt(weights**2 @ ((1.0 - y) ** 2).T)
            score: FloatArray = worst / (best + worst)
            return score
        masks = [[d == name for d in self.dimensions] for name in dict.fromkeys(self.dimensions)]
        means = _means(y, weights, choice.aggregation, np.array(masks))
        if (centre, unit) != (0.0, 1.0):
            means *= unit
            means += centre
        return means

    def levels(self, factor: str) -> tuple[object, ...]:
        """What a factor can be, the headline first: every level is equally likely in a draw."""
        schemes = SCHEMES if self.fixed_weights is None else (GIVEN, *SCHEMES)
        m = self.values.shape[2]
        every: dict[str, tuple[object, ...]] = {
            "scheme": schemes,
            "winsorising": QUANTILES,
            "delta": DELTAS,
            "drop_one": (*range(m), None) if m > 1 else (None,),
            "imputation": IMPUTATIONS,
            "editing": tuple(range(1 + len(self.others))),
            "normalisation": NORMALISATIONS,
            "aggregation": AGGREGATIONS,
        }
        level: object = getattr(self.headline, FIELDS[factor])
        return every[factor] if level in every[factor] else (level, *every[factor])

    def _base(self, choice: Choice) -> tuple[FloatArray, float, float]:
        """Rows (N, T, m) that a choice averages, and what brings their mean to the common scale: centre + unit y."""
        plain = choice.scheme == TOPSIS or (choice.normalisation, choice.aggregation) == ("minmax", "arithmetic")
        key = (choice.quantiles, choice.imputation, choice.edition, "" if plain else choice.normalisation)
        if key not in self._bases:
            flat = self.sums(choice.quantiles, choice.imputation, choice.edition).rows
            z: FloatArray = flat.reshape(self.values.shape)
            if plain:
                self._bases[key] = (z, 0.0, 1.0)
            else:
                # z is min-max with more is better: every other method can start from it
                y = positive(normalise(z, choice.normalisation, np.ones(z.shape[2])), choice.normalisation)
                is_z = choice.normalisation == "zscore"
                unit = 10.0 * float(z.std(axis=(0, 1)).mean()) if is_z else 1.0
                self._bases[key] = (np.nan_to_num(y, nan=1.0), float(z.mean()) - unit if is_z else 0.0, unit)
        return self._bases[key]

    def weights(self, choice: Choice) -> FloatArray:
        """Weights (m,) of the scheme; 0 for the indicator that is left out."""
        key = replace(choice, normalisation="", aggregation="")  # neither can change a weight
        if key not in self._weights:
            self._weights[key] = self._fresh_weights(key)
        return self._weights[key]

    def sums(self, quantiles: tuple[float, float], imputation: str, edition: int = 0) -> _Sums:
        key = (quantiles, imputation, edition)
        if key not in self._sums:
            procedure = Procedure(self.procedure.directions, self.procedure.caps, self.procedure.winsor, quantiles)
            values, imputed = ((self.values, self.imputed), *self.others)[edition]
            z = procedure.scale(imputed_as(values, imputed, imputation))
            self._sums[key] = _sums_of(z.reshape(-1, z.shape[2]))
        return self._sums[key]

    def _fresh_weights(self, choice: Choice) -> FloatArray:
        s = self.sums(choice.quantiles, choice.imputation, choice.edition)
        columns = s.varies & (np.arange(len(s.varies)) != (-1 if choice.drop is None else choice.drop))
        if not columns.any():
            raise ValueError("no indicator is left that varies: there is no index without it.")
        g = np.where(columns, s.redundancy[choice.delta], 0.0)
        scheme = choice.scheme
        if scheme == GIVEN and self.fixed_weights is not None:
            return normalised(np.where(columns, self.fixed_weights, 0.0))
        if scheme in ("entropy", TOPSIS):
            return normalised(g, columns)
        if scheme == "equal":
            return normalised(columns.astype(np.float64))
        if scheme in OF_DIMENSIONS:
            return by_dimension(scheme, s.rows, g, columns, self.dimensions, choice.delta)
        if scheme == "vertical_horizontal":
            return _in_columns(leading_weights(s.squares[np.ix_(columns, columns)]), columns)
        content = _in_columns(s.sd[columns] * conflicts(s.r[np.ix_(columns, columns)]), columns)
        critic = normalised(content, columns)
        return critic if scheme == "critic" else normalised(np.sqrt(critic * normalised(g, columns)), columns)


def dirichlet_weights(w: FloatArray, u: FloatArray) -> FloatArray:
    """Dirichlet(CONCENTRATION w) weights (.., m) from uniforms u (.., m): gamma quantiles over their sum.

    Made by quantiles, so the same u moves the weights of any scheme alike. An indicator of weight 0 keeps it.
    """
    gammas = np.zeros(w.shape)
    some = w > 0.0
    gammas[some] = special.gammaincinv(CONCENTRATION * w[some], u[some])
    total = gammas.sum(axis=-1, keepdims=True)
    return np.where(total > 0.0, gammas / np.where(total > 0.0, total, 1.0), w)


def imputed_as(values: FloatArray, imputed: BoolArray, imputation: str) -> FloatArray:
    """Values (N, T, m) with the marked cells filled in another way: 'interpolated' (as they are), or by the nearest
    unmarked value of the same city and indicator before ('last_observed') or after ('next_observed') where there is
    one.
    """
    if imputation not in IMPUTATIONS:
        raise ValueError(f"unknown imputation '{imputation}': use one of {', '.join(IMPUTATIONS)}.")
    if imputation == "interpolated" or not imputed.any():
        return values
    order = slice(None) if imputation == "last_observed" else slice(None, None, -1)
    result, is_imputed = values[:, order].copy(), imputed[:, order]
    last = np.where(is_imputed[:, 0], np.nan, result[:, 0])
    for t in range(1, result.shape[1]):
        hole = is_imputed[:, t] & ~np.isnan(last)
        result[:, t] = np.where(hole, last, result[:, t])
        last = np.where(is_imputed[:, t], last, result[:, t])
    return result[:, order]


def _sums_of(rows: FloatArray) -> _Sums:
    varies = rows.max(axis=0) > rows.min(axis=0)
    r = np.eye(rows.shape[1])
    r[np.ix_(varies, varies)] = correlation(rows[:, varies])
    redundancy = {delta: entropy_redundancy(rows, delta) for delta in DELTAS}
    return _Sums(rows, redundancy, r, rows.std(axis=0), rows.T @ rows, varies)


def _means(y: FloatArray, w: FloatArray, rule: str, masks: BoolArray) -> FloatArray:
    """Means (d, n) of rows y (n, m) with weights w (d, m); masks (D, m) are the dimensions of a mixed mean."""
    if rule == "arithmetic":
        return np.asarray(w @ y.T, dtype=np.float64)
    if rule == "harmonic":
        return np.asarray(1.0 / (w @ (1.0 / y).T), dtype=np.float64)
    if rule == "geometric":
        means = w @ np.log(y).T
        return np.asarray(np.exp(means, out=means), dtype=np.float64)
    if rule != "mixed":
        raise ValueError(f"draws know arithmetic, geometric, harmonic and mixed means, not '{rule}'.")
    total = np.zeros((len(w), len(y)))
    for mask in masks:
        share = w[:, mask].sum(axis=1, keepdims=True)
        inner = (w[:, mask] / np.where(share > 0.0, share, 1.0)) @ y[:, mask].T
        inner[share[:, 0] == 0.0] = 1.0
        np.log(inner, out=inner)
        inner *= share
        total += inner
    return np.asarray(np.exp(total, out=total), dtype=np.float64)


def _in_columns(x: FloatArray, columns: BoolArray) -> FloatArray:
    full = np.zeros(len(columns))
    full[columns] = x
    return full
