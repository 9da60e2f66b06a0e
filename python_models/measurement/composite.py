"""One composite index of any table: units x indicators, in one year or several, with levels of any depth.

    index = CompositeIndex(panel, directions=..., levels={"income": ("economy",), ...})
    index.fit(), .explain("a"), .whatif(...)

Every estimated quantity (limits, bounds, weights) comes from the years of `window` only; every year of the panel is
then scored with it. Weights always come from min-max z, whatever normalisation is averaged.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from python_models._show import Shown
from python_models._types import BoolArray, FloatArray
from python_models._validate import as_mask, require_known
from python_models.entropy import CONSTANT, EMPTY_COLUMN
from python_models.measurement import _index_frames as frames
from python_models.measurement.aggregation import Level, Path, aggregate, flat_weights
from python_models.measurement.frontier import benefit_of_the_doubt
from python_models.measurement.normalisation import normalise, positive
from python_models.measurement.schemes import SUM, SchemeWeights, scheme_score, scheme_weights
from python_models.measurement.treatment import NONE, WINSORISED, logged, treat
from python_models.panel import Panel
from python_models.scaling import Bounds, WinsorLimits, cap, minmax, winsor_limits, winsorise

GIVEN, FRONTIER = "given", "benefit_of_the_doubt"
TREATMENTS = ("limits", "rule")
NEED_POSITIVE = ("geometric", "harmonic", "power", "mpi", "ampi")
_NO_ENTRIES: Mapping[str, float] = MappingProxyType({})
_NO_CHOICES: Mapping[str, bool] = MappingProxyType({})
_NO_LEVELS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class IndexResult(Shown):
    """One basis of one index. Arrays: z (N, T, m), w (m,), score (N, T). Frames, one row per:

    bounds         indicator: min_value, max_value, winsor_low_value, winsor_high_value, window
    weights        indicator: dimension, entropy, redundancy, weight, dimension_weight, delta, skewness, flag
    values         city, year, indicator: value_final, z, is_winsorised, is_capped, out_of_base_range
    scores         city, year, index_suffix ('' or '_<group>'): score, score_100, rank_year,
                   pct_year, score_relative, share_imputed_weight, is_provisional, out_of_base_range
    contributions  city, year, indicator: weight, z, contribution, obstacle_degree
    """

    cities: tuple[str, ...]
    years: tuple[int, ...]
    names: tuple[str, ...]
    window: tuple[int, int]
    scheme: str
    z: FloatArray
    w: FloatArray
    score: FloatArray
    bounds: pd.DataFrame
    weights: pd.DataFrame
    values: pd.DataFrame
    scores: pd.DataFrame
    contributions: pd.DataFrame
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """A copy of `scores`, the headline table."""
        return self.scores.copy()


@dataclass(frozen=True, eq=False)
class Scaled:
    """Cells on their way from natural units to z, all (N, T, m); is_chosen (m,), treated: the table of the rule."""

    final: FloatArray
    z: FloatArray
    base_z: FloatArray
    is_capped: BoolArray
    is_winsorised: BoolArray
    out_of_base_range: BoolArray
    is_chosen: BoolArray
    limits: WinsorLimits
    bounds: Bounds
    treated: pd.DataFrame | None


@dataclass(frozen=True, eq=False)
class CompositeIndex(Shown):
    """The index of `panel` (N, T, m). Nothing is computed before it is asked for.

    directions : +1 (more is better) or -1, one entry per indicator of the panel.
    levels : parents of each indicator, the nearest first: "economy", or ("trade", "economy"), one length for all.
        Weighted sums get a score for every group; the last parent is the dimension.
    window : first and last year of the base; all years if not given.
    treatment : "limits" winsorises at quantiles where `winsor` says so; "rule" goes by skewness and kurtosis.
    winsor, caps : entries only where wanted.
    scheme : a name of `schemes.SCHEMES`, "given" (with `weights`) or "benefit_of_the_doubt" (with `share_bounds`).
    weights : of indicators and groups by name, on any scale, shared inside each parent.
    normalisation, targets : see `normalisation`. aggregation : a rule, or one a level, see `aggregation`.
    imputed, provisional : masks (N, T, m). A provisional cell is scored, but takes no part in limits, bounds and
        weights.

    A missing cell (NaN) makes its score NaN, and leaves its row out of the weights. A value outside the base range is
    flagged `out_of_base_range`, judged before winsorising; its z is not clipped. An indicator that is constant in the
    window has no z and weight 0. ValueError, when first used: a spec that does not fit the panel, a window without
    years, an indicator without values in it, a rule that a scheme cannot have, and the errors of the weight scheme.
    """

    panel: Panel
    directions: Mapping[str, int]
    levels: Mapping[str, str | Path] = _NO_LEVELS
    window: tuple[int, int] | None = None
    scheme: str = "entropy"
    delta: float = 0.0
    weights: Mapping[str, float] = _NO_ENTRIES
    share_bounds: tuple[float, float] = (0.0, 1.0)
    treatment: str = "limits"
    winsor: Mapping[str, bool] = _NO_CHOICES
    winsor_quantiles: tuple[float, float] = (0.01, 0.99)
    caps: Mapping[str, float] = _NO_ENTRIES
    normalisation: str = "minmax"
    targets: Mapping[str, float] = _NO_ENTRIES
    aggregation: str | tuple[str, ...] = "arithmetic"
    imputed: BoolArray | None = None
    provisional: BoolArray | None = None

    def fit(self, scheme: str | None = None, *, delta: float | None = None) -> IndexResult:
        """Everything of one scheme, by default its own."""
        scheme, delta = scheme or self.scheme, self.delta if delta is None else delta
        labels, scaled, weighting = self.labels, self.scaled, self.weigh(scheme, delta)
        z, is_sum = self.z, weighting.rule == SUM and self.is_sum
        score, reasons = self.score_of(weighting)
        full = frames.contributions_frame(labels, z, weighting.weights if is_sum else np.ones(len(labels.names)))
        return IndexResult(
            cities=labels.cities,
            years=labels.years,
            names=labels.names,
            window=self.base_window,
            scheme=scheme,
            z=z,
            w=weighting.weights,
            score=score,
            bounds=frames.bounds_frame(labels, scaled.bounds, scaled.limits, scaled.is_chosen, self.base_window),
            weights=frames.weights_frame(labels, weighting, scaled.base_z, delta),
            values=frames.values_frame(
                labels,
                value_final=scaled.final,
                z=z,
                is_winsorised=scaled.is_winsorised,
                is_capped=scaled.is_capped,
                out_of_base_range=scaled.out_of_base_range,
            ),
            scores=frames.scores_frame(labels, z, weighting, self.marks, score, is_sum),
            contributions=full if is_sum else full.iloc[:0],
            warnings=_warnings(labels.years, self.base_window, labels.names, weighting.flags) + reasons,
        )

    def scores(
        self, scheme: str | None = None, *, delta: float | None = None, groups: Container[str] | None = None
    ) -> tuple[SchemeWeights, pd.DataFrame, pd.DataFrame]:
        """Weights of one scheme, and the frames `weights` and `scores` of `fit` without the rest of it.

        groups : those with scores of their own beside the index, by default all.
        """
        delta = self.delta if delta is None else delta
        weighting = self.weigh(scheme or self.scheme, delta)
        score, _ = self.score_of(weighting)
        weights = frames.weights_frame(self.labels, weighting, self.scaled.base_z, delta)
        is_sum = weighting.rule == SUM and self.is_sum
        scores = frames.scores_frame(self.labels, self.z, weighting, self.marks, score, is_sum, groups)
        return weighting, weights, scores

    def groups(self) -> tuple[Level, ...]:
        """Scores of all levels of the own scheme, the lowest first; the last one is the index."""
        weighting = self.weigh(self.scheme, self.delta)
        return aggregate(self._averaged(), np.abs(weighting.weights), self.paths, self.aggregation)

    def explain(self, unit: str, year: int | None = None) -> pd.DataFrame:
        """One row per indicator of a unit in a year, by default the last: what it gives to the score, and to the rank.

        value, z, weight, group; gain: score less the score with the indicator at the mean of the year (N units);
        rank_without: rank if it were there. The highest gain comes first. ValueError: an unknown unit or year.
        """
        year = self.panel.years[-1] if year is None else year
        require_known([unit], self.panel.cities, "unit")
        require_known([year], self.panel.years, "year")
        i, t = self.panel.cities.index(unit), self.panel.years.index(year)
        weighting = self.weigh(self.scheme, self.delta)
        plane, rows = self.z[:, [t]], []
        score = self._scored(plane, weighting)[0][:, 0]
        for k, name in enumerate(self.panel.names):
            without = plane.copy()
            without[i, 0, k] = np.nanmean(plane[:, 0, k]) if not np.isnan(plane[:, 0, k]).all() else np.nan
            other = self._scored(without, weighting)[0][:, 0]
            value, z = self.panel.values[i, t, k], plane[i, 0, k]
            place = int((other > other[i]).sum()) + 1
            here = (unit, year, name, self.labels.dimensions[k], value, z, weighting.weights[k])
            rows.append((*here, score[i] - other[i], int((score > score[i]).sum()) + 1, place))
        columns = ["unit", "year", "indicator", "group", "value", "z", "weight", "gain", "rank", "rank_without"]
        return pd.DataFrame(rows, columns=columns).sort_values("gain", ascending=False, ignore_index=True)

    def whatif(self, cells: Mapping[tuple[str, int, str], float] | None = None, **changes: Any) -> pd.DataFrame:
        """One row per unit and year: score and rank as they are and as they would be, shift (places won), change.

        cells: other figures by (unit, year, indicator); changes: any argument of the index. Bounds and weights are
        estimated again. ValueError: an unknown cell, or what the changed index raises.
        """
        panel = self.panel
        if cells:
            values = panel.values.copy()
            for (unit, year, name), value in cells.items():
                for label, labels, what in ((unit, panel.cities, "unit"), (name, panel.names, "indicator")):
                    require_known([label], labels, what)
                require_known([year], panel.years, "year")
                values[panel.cities.index(unit), panel.years.index(year), panel.names.index(name)] = value
            changes["panel"] = Panel(values, panel.cities, panel.years, panel.names)
        other = replace(self, **changes)
        keys = ["city_id", "year"]
        old, new = (
            index.scores()[2].query("index_suffix == ''")[[*keys, "score", "rank_year"]] for index in (self, other)
        )
        both = old.merge(new, on=keys, suffixes=("_old", "_new"), validate="1:1")
        both = both.rename(columns={"rank_year_old": "rank_old", "rank_year_new": "rank_new"})
        return both.assign(shift=both["rank_old"] - both["rank_new"], change=both["score_new"] - both["score_old"])

    @cached_property
    def base_window(self) -> tuple[int, int]:
        return self.window or (self.panel.years[0], self.panel.years[-1])

    @cached_property
    def paths(self) -> tuple[Path, ...]:
        """Parents of each indicator in panel order, the nearest first."""
        levels = [self.levels.get(name, ()) for name in self.panel.names]
        return tuple((path,) if isinstance(path, str) else tuple(path) for path in levels)

    @cached_property
    def labels(self) -> frames.Labels:
        self._check()
        return frames.Labels(self.panel.cities, self.panel.years, self.panel.names, self.paths)

    @cached_property
    def is_sum(self) -> bool:
        """The score is a weighted sum of normalised indicators."""
        return self.aggregation == "arithmetic" or set(self.aggregation) == {"arithmetic"}

    @cached_property
    def in_base(self) -> BoolArray:
        provisional = as_mask(self.provisional, self.panel.values.shape, "provisional")
        mask: BoolArray = self.panel.in_window(self.base_window)[None, :, None] & ~provisional
        return mask

    @cached_property
    def marks(self) -> frames.Marks:
        shape = self.panel.values.shape
        provisional = as_mask(self.provisional, shape, "provisional")
        return frames.Marks(as_mask(self.imputed, shape, "imputed"), provisional, self.scaled.out_of_base_range)

    @cached_property
    def scaled(self) -> Scaled:
        """Capped and treated values, their min-max z, and its part in the base (NaN outside)."""
        labels, names, in_base = self.labels, self.panel.names, self.in_base
        values, is_capped = cap(self.panel.values, [self.caps.get(name, np.inf) for name in names])
        base = np.where(in_base, values, np.nan)
        _require_base_values(base, names)
        limits = winsor_limits(base, low=self.winsor_quantiles[0], high=self.winsor_quantiles[1])
        is_chosen = np.array([bool(self.winsor.get(name, False)) for name in names])
        table = None
        if self.treatment == "rule":
            final, limits, table = _by_rule(values, base, names)
            is_chosen = (table["action"] != NONE).to_numpy(bool)
            is_winsorised: BoolArray = is_chosen & ((values < limits.low) | (values > limits.high))
        else:
            final, is_winsorised = winsorise(values, limits, apply=is_chosen)
        bounds = Bounds.from_window(np.where(in_base, final, np.nan))
        # judged before winsorising: else the most trending indicators could never report that the range is too narrow
        low, high = np.nanmin(base, axis=(0, 1)), np.nanmax(base, axis=(0, 1))
        edges = (low, high) if self.treatment == "rule" else (bounds.minimum, bounds.maximum)
        out: BoolArray = ~in_base & ((values < edges[0]) | (values > edges[1]))
        z = minmax(final, bounds, [self.directions[name] for name in labels.names])
        base_z = np.where(in_base, z, np.nan)
        return Scaled(final, z, base_z, is_capped, is_winsorised, out, is_chosen, limits, bounds, table)

    @cached_property
    def z(self) -> FloatArray:
        """Normalised indicators (N, T, m): what is averaged."""
        if self.normalisation == "minmax":
            return self.scaled.z
        names = self.panel.names
        targets = [self.targets.get(name, np.nan) for name in names] if self.targets else None
        signs = [self.directions[name] for name in names]
        return normalise(self.scaled.final, self.normalisation, signs, in_base=self.in_base, targets=targets)

    def weigh(self, scheme: str, delta: float = 0.0) -> SchemeWeights:
        """Weights of one scheme; an indicator that is constant in the window has weight 0 and a flag."""
        base_z, m = self.scaled.base_z, len(self.panel.names)
        if scheme not in (GIVEN, FRONTIER):
            weights = scheme_weights(base_z, scheme=scheme, dimensions=self.labels.dimensions, delta=delta)
            return _name_constants(weights)
        empty = np.isnan(base_z).all(axis=(0, 1))
        flags, no_entropy = tuple(CONSTANT if e else "" for e in empty), np.full(m, np.nan)
        if scheme == GIVEN:
            w = np.where(empty, 0.0, flat_weights(dict(self.weights), self.panel.names, self.paths))
            return SchemeWeights(w / w.sum(), no_entropy, no_entropy, flags)
        shares = np.nan_to_num(np.nanmean(self._frontier[1], axis=(0, 1)))
        return SchemeWeights(shares / shares.sum(), no_entropy, no_entropy, flags, FRONTIER)

    def score_of(self, weighting: SchemeWeights) -> tuple[FloatArray, tuple[str, ...]]:
        """Scores (N, T) by the rule of the weights and the aggregation, and what went wrong on the way."""
        return self._scored(self.z, weighting)

    def _scored(self, z: FloatArray, scheme: SchemeWeights) -> tuple[FloatArray, tuple[str, ...]]:
        if scheme.rule == FRONTIER:
            if z is self.z:
                return self._frontier[0], self._frontier[2]
            frontier = benefit_of_the_doubt(z, low=self.share_bounds[0], high=self.share_bounds[1])
            return frontier.score, frontier.reasons
        if self.is_sum:
            return scheme_score(z, scheme), ()
        if scheme.rule != SUM:
            raise ValueError(f"weights of the rule '{scheme.rule}' bring their own score: use arithmetic aggregation.")
        return aggregate(self._averaged(z), scheme.weights, self.paths, self.aggregation)[-1].scores[..., 0], ()

    @cached_property
    def _frontier(self) -> tuple[FloatArray, FloatArray, tuple[str, ...]]:
        frontier = benefit_of_the_doubt(self.z, low=self.share_bounds[0], high=self.share_bounds[1])
        warnings = (
            (f"{frontier.n_failed} programs without an answer: {'; '.join(frontier.reasons)}",)
            if frontier.n_failed
            else ()
        )
        return frontier.score, frontier.shares, warnings

    def _averaged(self, z: FloatArray | None = None) -> FloatArray:
        """z, on a scale above 0 where a mean needs one."""
        z = self.z if z is None else z
        rules = (self.aggregation,) if isinstance(self.aggregation, str) else self.aggregation
        needs = any(rule.rstrip("+").partition(":")[0] in NEED_POSITIVE for rule in rules)
        return positive(z, self.normalisation) if needs else z

    def _check(self) -> None:
        names = self.panel.names
        specs: list[tuple[Mapping[str, Any], str]] = [(self.directions, "direction")]
        specs += [(self.levels, "level")] if self.levels else []
        for spec, what in specs:
            missing = [name for name in names if name not in spec]
            if missing:
                raise ValueError(f"indicator {missing[0]} has no {what}: add it to the spec.")
        for what in ("directions", "levels", "winsor", "caps", "targets"):
            require_known(list(getattr(self, what)), names, f"indicator in {what}")
        if len({len(path) for path in self.paths}) > 1:
            raise ValueError("levels must name the same number of parents for every indicator.")
        groups = [g for path in self.paths for g in path]
        require_known(list(self.weights), (*names, *groups), "indicator or group in weights")
        if self.treatment not in TREATMENTS:
            raise ValueError(f"unknown treatment '{self.treatment}': use one of {', '.join(TREATMENTS)}.")


def _by_rule(
    capped: FloatArray, base: FloatArray, names: tuple[str, ...]
) -> tuple[FloatArray, WinsorLimits, pd.DataFrame]:
    """All cells treated as the rule treats the base: clipped to what the base keeps, then a logarithm where needed."""
    flat = base.reshape(-1, len(names))
    treated = treat(flat, names)
    is_log = ~treated.table["action"].isin([NONE, WINSORISED]).to_numpy(bool)
    base_values = np.where(is_log, flat, treated.values)
    limits = WinsorLimits(np.nanmin(base_values, axis=0), np.nanmax(base_values, axis=0))
    is_treated = (treated.table["action"] != NONE).to_numpy(bool)
    final = np.where(is_treated, np.clip(capped, limits.low, limits.high), capped)
    for k in np.flatnonzero(is_log):
        final[..., k] = logged(final[..., k], flat[:, k])
    return final, limits, treated.table


def _name_constants(weighting: SchemeWeights) -> SchemeWeights:
    """Min-max leaves no z for a constant indicator, so here an empty column means a constant one."""
    flags = tuple(CONSTANT if flag == EMPTY_COLUMN else flag for flag in weighting.flags)
    return replace(weighting, flags=flags)


def _warnings(
    years: tuple[int, ...], window: tuple[int, int], names: tuple[str, ...], flags: tuple[str, ...]
) -> tuple[str, ...]:
    absent = [str(year) for year in range(window[0], window[1] + 1) if year not in years]
    messages = [f"window_not_covered: the panel has no {', '.join(absent)}"] if absent else []
    name_flags = [(flag, name) for flag, name in zip(flags, names, strict=True) if flag]
    messages += [f"{flag}: {name} in {window[0]}-{window[1]}" for flag, name in name_flags]
    return tuple(messages)


def _require_base_values(base: FloatArray, names: tuple[str, ...]) -> None:
    empty = np.isnan(base).all(axis=(0, 1))
    if empty.any():
        name = names[int(np.argmax(empty))]
        raise ValueError(f"indicator {name} has no value in the window: no bounds exist.")
