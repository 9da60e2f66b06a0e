"""Audit of a composite index by the ten steps of the handbook of the OECD and the JRC (2008).

One row a check and item, with a verdict: `holds` (the figure is on the good side of its limit), `fails` (on the bad
side), `weak` (between the two limits), `told` (no limit). Limits are those of the JRC's own audits where there are any,
else named in LIMITS. Everything without draws is of the base window; steps 7 and 10 are of its last year.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from python_models._show import Shown
from python_models._types import FloatArray
from python_models.measurement.aggregation import aggregate
from python_models.measurement.choices import AGGREGATIONS, GIVEN, NORMALISATIONS, SCHEMES, Choice, ChoiceModel
from python_models.measurement.composite import CompositeIndex
from python_models.measurement.critic import correlation
from python_models.measurement.fast import Procedure
from python_models.measurement.frontier import benefit_of_the_doubt
from python_models.measurement.importance import level_table, optimised_weights
from python_models.measurement.imputation import multiple_imputation
from python_models.measurement.normalisation import normalise, positive
from python_models.measurement.pca import pca_index
from python_models.measurement.smaa import smaa
from python_models.measurement.treatment import moments, passes
from python_models.measurement.uncertainty import FACTORS, Uncertainty, uncertainty
from python_models.measurement.validity import pearson

HOLDS, WEAK, FAILS, TOLD = "holds", "weak", "fails", "told"
# check: (good from here on, bad from here on); the order says which way is good
LIMITS: Mapping[str, tuple[float, float]] = {
    "indicators_in_group": (2.0, 1.0),
    "coverage": (0.9, 0.65),
    "imputed_rank_sd": (1.0, 5.0),
    "kmo": (0.6, 0.5),
    "bartlett_p": (0.05, 0.1),
    "alpha": (0.7, 0.6),
    "r_parent": (0.3, 0.0),
    "r_index": (0.3, 0.0),
    "r_siblings": (0.92, 0.97),
    "rank_shift": (0.05, 0.15),
    "effective_ratio": (1.5, 2.0),
    "group_ratio": (1.5, 2.0),
    "rank_width": (0.1, 0.25),
    "failed_draws": (0.0, 0.01),
    "largest_share": (0.3, 0.5),
    "pairs_apart": (0.75, 0.5),
}
COPIES = 5
MOST_UNITS = 2000  # above this many units a year, a program each would take longer than all the rest


@dataclass(frozen=True, eq=False)
class Audit(Shown):
    """table, one row per check and item: step, check, item, value, reference, verdict, n_obs, good, bad (its limits).

    value is held against reference where there is one. levels: `importance.level_table`; drawn: of steps 7 and 10.
    """

    table: pd.DataFrame
    levels: pd.DataFrame
    drawn: Uncertainty

    def failures(self) -> pd.DataFrame:
        """The rows that fail, in the order of the steps."""
        return self.table[self.table["verdict"] == FAILS].reset_index(drop=True)


def audit(
    index: CompositeIndex,
    *,
    draws: int = 10_000,
    seed: int = 0,
    n_jobs: int = 1,
    factors: tuple[str, ...] = FACTORS,
    drawn: Uncertainty | None = None,
    outside: Mapping[str, FloatArray] | None = None,
) -> Audit:
    """Audit of an index by the ten steps of the OECD and the JRC, over its base window.

    Parameters
    ----------
    index : CompositeIndex
        The index; units that are complete in the base window count.
    draws : int
        Number of indexes that are computed in all for the uncertainty analysis.
    seed : int
        Seed of the draws.
    n_jobs : int
        Threads of the draws.
    factors : tuple of str
        Choices that are drawn, of `uncertainty.FACTORS`.
    drawn : Uncertainty, optional
        An uncertainty analysis in place of new draws.
    outside : mapping of (N, T) arrays, optional
        Variables that are no part of the index, for step 9.

    Returns
    -------
    Audit
        One row a check and item, with value, limits and verdict.

    Raises
    ------
    ValueError
        Fewer than 3 complete units, a choice that draws do not know, too few draws.

    References
    ----------
    OECD and JRC (2008), Handbook on constructing composite indicators.

    Examples
    --------
    >>> from python_models import CompositeIndex, Panel
    >>> from python_models.measurement import audit
    >>> values = np.random.default_rng(3).uniform(1.0, 9.0, size=(8, 2, 3))
    >>> panel = Panel(values, tuple("abcdefgh"), (2020, 2021), ("x1", "x2", "x3"))
    >>> index = CompositeIndex(panel, {"x1": 1, "x2": 1, "x3": -1}, {"x1": "p", "x2": "p", "x3": "q"})
    >>> sorted(set(audit(index, draws=40, seed=1).table["step"]))  # nothing outside: no step 9
    [1, 2, 3, 4, 5, 6, 7, 8, 10]
    """
    _Audited.check(index)
    a = _Audited(index)
    if drawn is None:
        base = max(2, draws // (2 + len(factors)))
        more: dict[str, Any] = {"seed": seed, "draws": base, "n_jobs": n_jobs, "factors": factors}
        drawn = uncertainty(a.model(), cities=a.units, years=a.years, **more)
    rows = [
        *a.framework(),
        *a.data(),
        *a.imputation(seed),
        *a.structure(),
        *a.normalisations(),
        *a.weighting(),
        *_robustness(drawn, a, seed),
        *a.details(),
        *a.links(outside or {}),
        *_presentation(drawn),
    ]
    columns = ["step", "check", "item", "value", "reference", "verdict", "n_obs"]
    table = pd.DataFrame(rows, columns=columns)
    limits = [LIMITS.get(check, (math.nan, math.nan)) for check in table["check"]]
    return Audit(table.assign(good=[x[0] for x in limits], bad=[x[1] for x in limits]), a.table, drawn)


type Row = tuple[int, str, str, float, float, str, int]


def _row(step: int, check: str, value: float, n_obs: int, *, item: str = "", reference: float = math.nan) -> Row:
    return step, check, item, float(value), reference, verdict(check, float(value)), n_obs


def verdict(check: str, value: float) -> str:
    """By LIMITS; a check without limits, or a figure that does not exist, is told."""
    if check not in LIMITS or math.isnan(value):
        return TOLD
    good, bad = LIMITS[check]
    sign = 1.0 if good > bad else -1.0
    if sign * value >= sign * good:
        return HOLDS
    return FAILS if sign * value <= sign * bad else WEAK


def _records(table: pd.DataFrame) -> list[Any]:
    return list(table.itertuples(index=False))


class _Audited:
    """The base window of an index and its complete units: arrays (N, T, m), and what several steps need."""

    @staticmethod
    def check(index: CompositeIndex) -> None:
        is_valid = (index.normalisation in NORMALISATIONS, index.aggregation in (*AGGREGATIONS, "harmonic"))
        if not all(is_valid) or index.scheme not in (*SCHEMES, GIVEN):
            raise ValueError(
                f"draws know the normalisations {', '.join(NORMALISATIONS)}, the aggregations "
                f"{', '.join(AGGREGATIONS)} or harmonic, and the schemes {', '.join((*SCHEMES, GIVEN))}."
            )

    def __init__(self, index: CompositeIndex) -> None:
        inside = index.panel.in_window(index.base_window)
        values = index.panel.values[:, inside]
        self.complete = ~np.isnan(values).any(axis=(1, 2))
        if self.complete.sum() < 3:
            raise ValueError(f"an audit needs 3 complete units in the base window, found {int(self.complete.sum())}.")
        self.index, self.inside = index, inside
        self.units = tuple(c for c, ok in zip(index.panel.cities, self.complete, strict=True) if ok)
        self.years = tuple(y for y, ok in zip(index.panel.years, inside, strict=True) if ok)
        self.names, self.n_all = index.panel.names, len(index.panel.cities)
        self.values = values[self.complete]
        self.final = index.scaled.final[:, inside][self.complete]
        self.imputed = index.marks.imputed[:, inside][self.complete]
        self.minmax = np.nan_to_num(index.scaled.z[:, inside][self.complete])
        self.z = np.nan_to_num(index.z[:, inside][self.complete])
        self.chosen = index.weigh(index.scheme, index.delta)
        self.w = self.chosen.weights
        self.score = index.score_of(self.chosen)[0][:, inside][self.complete]
        self.levels = aggregate(self.z, np.abs(self.w), index.paths, "arithmetic")
        levels = (*self.levels[:-1], replace(self.levels[-1], scores=self.score[..., None]))
        self.table = level_table(self.names, self.z, np.abs(self.w), levels)
        self.size = self.score.size

    def model(self) -> ChoiceModel:
        """The choices around the index: its own stands first."""
        i, names = self.index, self.names
        is_rule = i.treatment == "rule"
        procedure = Procedure(
            np.array([float(i.directions[n]) for n in names]),
            np.array([i.caps.get(n, np.inf) for n in names]),
            np.array([not is_rule and bool(i.winsor.get(n, False)) for n in names]),
        )
        options: dict[str, Any] = {name: getattr(i, name) for name in ("scheme", "delta", "normalisation")}
        headline = Choice(quantiles=i.winsor_quantiles, aggregation=str(i.aggregation), **options)
        fixed_weights = self.w if i.scheme == GIVEN else None
        values = self.final if is_rule else self.values
        return ChoiceModel(values, self.imputed, procedure, i.labels.dimensions, (), headline, fixed_weights)

    def framework(self) -> list[Row]:
        rows = [_row(1, "n_units", len(self.units), self.n_all), _row(1, "n_indicators", len(self.names), self.size)]
        groups = [g for level in self.levels[:-1] for g in zip(level.names, level.members, strict=True)]
        return rows + [_row(1, "indicators_in_group", len(members), self.size, item=name) for name, members in groups]

    def data(self) -> list[Row]:
        coverage = 1.0 - self.imputed.mean(axis=(0, 1))
        rows = [_row(2, "coverage", v, self.size, item=name) for v, name in zip(coverage, self.names, strict=True)]
        for k, name in enumerate(self.names):
            skewness, kurtosis = moments(self.final[..., k].reshape(-1))
            good = HOLDS if passes(skewness, kurtosis) else FAILS
            rows.append((2, "skewness", name, skewness, kurtosis, good, self.size))
        return rows

    def imputation(self, seed: int) -> list[Row]:
        share = float(self.imputed.mean())
        rows = [_row(3, "share_imputed", share, self.imputed.size)]
        t = int(self.imputed.sum(axis=(0, 2)).argmax())
        holes = self.imputed[:, t]
        if not holes.any():
            return [*rows, _row(3, "imputed_rank_sd", 0.0, len(self.units))]
        x = np.where(holes, np.nan, self.minmax[:, t])
        usable = ((~np.isnan(x)).sum(axis=0) >= 3) & (self.w != 0.0)
        try:
            copies = multiple_imputation(x[:, usable], copies=COPIES, seed=seed)
        except ValueError:
            return [*rows, _row(3, "imputed_rank_sd", math.nan, 0)]
        completions = np.repeat(self.minmax[None, :, t], len(copies.values), axis=0)
        completions[..., usable] = copies.values
        places = rankdata(-(completions @ self.w), axis=1)
        sd = float(places.std(axis=0, ddof=1).mean()) if len(places) > 1 else math.nan
        rows.append(_row(3, "imputed_rank_sd", sd, len(self.units), item=str(self.years[t])))
        return [*rows, _row(3, "failed_imputations", copies.n_failed, COPIES)]

    def structure(self) -> list[Row]:
        flat = self.z.reshape(-1, len(self.names))
        varies = np.ptp(flat, axis=0) > 0.0
        components = pca_index(np.where(varies, self.z, np.nan))
        rows = [
            _row(4, "kmo", components.kmo, components.n_rows),
            _row(4, "bartlett_p", components.bartlett_p, components.n_rows),
            _row(4, "first_component", components.eigenvalues[0] / components.eigenvalues.sum(), components.n_rows),
        ]
        groups = self.table[self.table["level"] > 0]
        rows += [_row(4, "alpha", r.alpha, r.n_obs, item=str(r.name)) for r in _records(groups)]
        siblings = self.table.groupby(["level", "parent"])["name"].transform("size")
        for r in _records(self.table[(self.table["level"] == 0) & (siblings > 1)]):
            rows.append(_row(4, "r_parent", r.r_parent, r.n_obs, item=str(r.name)))
        every = np.full((len(varies), len(varies)), np.nan)
        every[np.ix_(varies, varies)] = correlation(flat[:, varies])
        lowest = self.levels[0]
        for name, members in zip(lowest.names, lowest.members, strict=True):
            if len(members) > 1:
                pairs = every[np.ix_(members, members)][~np.eye(len(members), dtype=bool)]
                rows.append(_row(4, "r_siblings", float(np.nanmax(pairs)), self.size, item=name))
        return rows

    def shift(self, other: FloatArray) -> float:
        """Mean absolute shift of places within years, over the number of units."""
        a, b = (rankdata(-np.round(s, 12), axis=0, method="min") for s in (self.score, other))
        return float(np.abs(a - b).mean() / len(self.units))

    def normalisations(self) -> list[Row]:
        signs = [float(self.index.directions[n]) for n in self.names]
        rows = []
        for method in ("minmax", "zscore", "rank", "goalposts"):
            if method != self.index.normalisation:
                other = np.nan_to_num(normalise(self.final, method, signs)) @ self.w
                rows.append(_row(5, "rank_shift", self.shift(other), self.size, item=method))
        return rows

    def weighting(self) -> list[Row]:
        rows = []
        for r in _records(self.table):
            if r.level == self.table["level"].max() or not r.weight > 0.0:
                continue
            check = "effective_ratio" if r.level == 0 else "group_ratio"
            ratio = max(r.effective / r.weight, r.weight / max(r.effective, 1e-9))
            rows.append((6, check, str(r.name), r.effective, r.weight, verdict(check, ratio), r.n_obs))
            rows.append(_row(6, "r_index", r.r_index, r.n_obs, item=str(r.name)))
        if len(self.levels) > 1 and len(self.levels[-2].names) > 1:
            top = self.levels[-2]
            weighs = top.weights > 0.0
            columns = top.scores[..., weighs].reshape(-1, int(weighs.sum()))
            fair = optimised_weights(columns, top.weights[weighs]) if len(columns[0]) > 1 else top.weights[weighs]
            for name, weight, nominal in zip(np.array(top.names)[weighs], fair, top.weights[weighs], strict=True):
                rows.append((6, "optimised_weight", str(name), float(weight), float(nominal), TOLD, self.size))
        paths, w = self.index.paths, np.abs(self.w)
        for rule in ("geometric", "harmonic", "copeland"):
            y = self.minmax if rule == "copeland" else positive(self.minmax, "minmax")
            if rule == "copeland" and len(self.units) > MOST_UNITS:
                continue
            other = aggregate(y, w, ((),) * len(paths), rule)[-1].scores[..., 0]
            rows.append(_row(6, "rank_shift", self.shift(other), self.size, item=rule))
        if len(self.units) <= MOST_UNITS:
            last = positive(self.minmax[:, [-1]], "minmax")
            frontier = benefit_of_the_doubt(last)
            rows.append(_row(6, "units_on_frontier", float((frontier.score > 1.0 - 1e-8).mean()), len(self.units)))
            rows.append(_row(6, "failed_programs", frontier.n_failed, len(self.units)))
        return rows

    def details(self) -> list[Row]:
        """Share of each indicator in the spread of the scores: Cov(w z, score) / Var(score); the shares sum to 1."""
        if self.chosen.rule != "sum" or not self.index.is_sum:
            return []
        deviation = self.score - self.score.mean()
        parts = (self.w * self.z * deviation[..., None]).mean(axis=(0, 1)) / deviation.var()
        rows = [
            (8, "share_of_variance", n, float(p), float(v), TOLD, self.size)
            for n, p, v in zip(self.names, parts, self.w, strict=True)
        ]
        return [*rows, _row(8, "largest_share", parts.max(), self.size, item=self.names[int(parts.argmax())])]

    def links(self, outside: Mapping[str, FloatArray]) -> list[Row]:
        rows = []
        for name, plane in outside.items():
            other, score = plane[:, self.inside][self.complete, -1], self.score[:, -1]
            there = ~np.isnan(other)
            rows.append(_row(9, "r_outside", pearson(score[there], other[there]).value, int(there.sum()), item=name))
        return rows


def _robustness(drawn: Uncertainty, a: _Audited, seed: int) -> list[Row]:
    n, last = len(drawn.cities), drawn.ranks[:, :, -1]
    low, high = np.quantile(last, (0.05, 0.95), axis=0)
    width = (high - low) / n
    rows = [
        _row(7, "rank_width", float(np.median(width)), len(drawn.ranks)),
        _row(7, "rank_width_largest", float(width.max()), len(drawn.ranks), item=drawn.cities[int(width.argmax())]),
        _row(7, "outside_range", float(((drawn.reference[:, -1] < low) | (drawn.reference[:, -1] > high)).mean()), n),
        _row(7, "failed_draws", drawn.n_failed / drawn.n_evaluations, drawn.n_evaluations),
    ]
    shares = drawn.shares
    for name, first, total in zip(shares.names, shares.first, shares.total, strict=True):
        rows.append((7, "sobol_total", name, float(total), float(first), TOLD, shares.n_obs))
    acceptability = smaa(a.minmax[:, -1], draws=1000, seed=seed)
    first_ranks = acceptability.ranks[:, 0]
    best = int(first_ranks.argmax())
    rows.append(_row(7, "first_for_any_weights", first_ranks[best], acceptability.n_draws, item=drawn.cities[best]))
    rows.append(_row(7, "units_first_for_some_weights", float((first_ranks > 0.0).sum()), acceptability.n_draws))
    return rows


def _presentation(drawn: Uncertainty) -> list[Row]:
    """Share of pairs of units whose rank ranges of the last year do not touch: what a ranking may be read for."""
    low, high = np.quantile(drawn.ranks[:, :, -1], (0.05, 0.95), axis=0)
    n = len(low)
    before = np.searchsorted(np.sort(high), low, side="left").sum()  # pairs where one ends before the other begins
    return [_row(10, "pairs_apart", 2.0 * float(before) / (n * (n - 1)), n)]
