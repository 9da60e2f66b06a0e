"""The composite index of one basis: cap, winsorise, scale, weigh, score.

Every estimated quantity (winsor limits, bounds, weights) comes from the years of `window` only;
every year of the panel is then scored with it. `frozen` and `restated` are two calls of the same
function: frozen passes the base window, restated passes all years.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
import pandas as pd

from python_models import _index_frames as frames
from python_models._show import Shown
from python_models._types import BoolArray, FloatArray
from python_models._validate import as_mask, require_known
from python_models.entropy import CONSTANT, EMPTY_COLUMN
from python_models.panel import Panel
from python_models.scaling import Bounds, WinsorLimits, cap, minmax, winsor_limits, winsorise
from python_models.schemes import SUM, SchemeWeights, scheme_score, scheme_weights

_NO_ENTRIES: Mapping[str, float] = MappingProxyType({})
_NO_CHOICES: Mapping[str, bool] = MappingProxyType({})
_NO_TIERS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class IndexResult(Shown):
    """One basis of one index. Arrays: z (N, T, m), w (m,), score (N, T). Frames, one row per:

    bounds         indicator: min_value, max_value, winsor_low_value, winsor_high_value, window
    weights        indicator: dimension, entropy, redundancy, weight, dimension_weight, delta,
                   skewness (of z in the window), flag
    values         city, year, indicator: value_final, z, is_winsorised, is_capped, out_of_base_range
    scores         city, year, index_suffix ('' or '_<dimension>'): score, score_100, rank_year,
                   pct_year, score_relative, share_imputed_weight, is_provisional, out_of_base_range
    contributions  city, year, indicator: weight, z, contribution, obstacle_degree

    warnings names every flagged indicator, and the years of the window that the panel lacks.
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
class ScaledIndex:
    """Everything that the schemes of one basis share: z (N, T, m), its part in the base (else NaN), labels, marks."""

    window: tuple[int, int]
    labels: frames.Labels
    marks: frames.Marks
    scaled: _Scaled
    base_z: FloatArray

    @property
    def z(self) -> FloatArray:
        return self.scaled.z

    def weights(self, scheme: str, delta: float = 0.0) -> SchemeWeights:
        """Weights of one scheme; an indicator that is constant in the window has weight 0 and a flag."""
        chosen = scheme_weights(self.base_z, scheme=scheme, dimensions=self.labels.dimensions, delta=delta)
        return _name_constants(chosen)


def build_index(
    panel: Panel,
    *,
    directions: Mapping[str, int],
    dimensions: Mapping[str, str],
    tiers: Mapping[str, str] = _NO_TIERS,
    window: tuple[int, int] | None = None,
    winsor: Mapping[str, bool] = _NO_CHOICES,
    winsor_quantiles: tuple[float, float] = (0.01, 0.99),
    caps: Mapping[str, float] = _NO_ENTRIES,
    scheme: str = "entropy",
    delta: float = 0.0,
    imputed: BoolArray | None = None,
    provisional: BoolArray | None = None,
) -> IndexResult:
    """Build the index of `panel` (N, T, m) with limits, bounds and weights of `window` (None: all years of the panel).

    directions, dimensions : one entry per indicator of the panel, no more and no less.
    tiers : none, or one entry per indicator; weighted sums then also get a score for each tier.
    winsor, caps : entries only where wanted; an indicator without an entry is left as it is.
    imputed, provisional : masks (N, T, m). A provisional cell is scored, but takes no part in
    limits, bounds and weights. Without `imputed`, no cell counts as imputed.

    A missing cell (NaN) makes its score NaN, and leaves its row out of the weights. A value
    outside the base range (a year outside the window, or a provisional cell) is flagged
    `out_of_base_range`, judged before winsorising; its z is not clipped, but a winsorised
    indicator keeps the limits of the window in all years. An indicator that is constant in the
    window has no z and weight 0. Contributions are empty for a scheme that is no weighted sum.
    Raises ValueError for a spec that does not fit the panel, a window without years, an
    indicator without values in the window, and the errors of the weight scheme.

    >>> from python_models import Panel, build_index
    >>> values = np.array([[[1.0, 9.0]], [[2.0, 7.0]], [[3.0, 1.0]]])
    >>> panel = Panel(values, ("A", "B", "C"), (2021,), ("patents", "smoke"))
    >>> index = build_index(panel, directions={"patents": 1, "smoke": -1}, dimensions={"patents": "p",
    ...     "smoke": "s"}, scheme="equal")
    >>> index.score.round(3)
    array([[0.   ],
           [0.375],
           [1.   ]])
    """
    base = scale_index(
        panel,
        directions=directions,
        dimensions=dimensions,
        tiers=tiers,
        window=window,
        winsor=winsor,
        winsor_quantiles=winsor_quantiles,
        caps=caps,
        imputed=imputed,
        provisional=provisional,
    )
    return index_of_scheme(base, scheme=scheme, delta=delta)


def scale_index(
    panel: Panel,
    *,
    directions: Mapping[str, int],
    dimensions: Mapping[str, str],
    tiers: Mapping[str, str] = _NO_TIERS,
    window: tuple[int, int] | None = None,
    winsor: Mapping[str, bool] = _NO_CHOICES,
    winsor_quantiles: tuple[float, float] = (0.01, 0.99),
    caps: Mapping[str, float] = _NO_ENTRIES,
    imputed: BoolArray | None = None,
    provisional: BoolArray | None = None,
) -> ScaledIndex:
    """The first half of `build_index`, with the same arguments: everything before a scheme is chosen."""
    _check_spec(panel, directions, dimensions, winsor, caps, tiers)
    window = (panel.years[0], panel.years[-1]) if window is None else window
    imputed = as_mask(imputed, panel.values.shape, "imputed")
    provisional = as_mask(provisional, panel.values.shape, "provisional")
    in_base = panel.in_window(window)[None, :, None] & ~provisional
    scaled = _scale(panel, in_base, directions, winsor, winsor_quantiles, caps)
    labels = frames.Labels(
        panel.cities,
        panel.years,
        panel.names,
        tuple(dimensions[name] for name in panel.names),
        tuple(tiers[name] for name in panel.names) if tiers else (),
    )
    marks = frames.Marks(imputed, provisional, scaled.out_of_base_range)
    return ScaledIndex(window, labels, marks, scaled, np.where(in_base, scaled.z, np.nan))


def index_of_scheme(base: ScaledIndex, *, scheme: str = "entropy", delta: float = 0.0) -> IndexResult:
    """The second half of `build_index`: weights and scores of one scheme on scaled indicators."""
    labels, scaled, chosen = base.labels, base.scaled, base.weights(scheme, delta)
    empty = frames.contributions_frame(labels, scaled.z, np.full(len(labels.names), 1.0)).iloc[:0]
    return IndexResult(
        cities=labels.cities,
        years=labels.years,
        names=labels.names,
        window=base.window,
        scheme=scheme,
        z=scaled.z,
        w=chosen.weights,
        score=scheme_score(scaled.z, chosen),
        bounds=frames.bounds_frame(labels, scaled.bounds, scaled.limits, scaled.is_chosen, base.window),
        weights=frames.weights_frame(labels, chosen, base.base_z, delta),
        values=frames.values_frame(
            labels, scaled.final, scaled.z, scaled.is_winsorised, scaled.is_capped, scaled.out_of_base_range
        ),
        scores=frames.scores_frame(labels, scaled.z, chosen, base.marks),
        contributions=frames.contributions_frame(labels, scaled.z, chosen.weights) if chosen.rule == SUM else empty,
        warnings=_warnings(labels.years, base.window, labels.names, chosen.flags),
    )


def scores_of_scheme(
    base: ScaledIndex, *, scheme: str, delta: float = 0.0
) -> tuple[SchemeWeights, pd.DataFrame, pd.DataFrame]:
    """Weights of one scheme, and the frames `weights` and `scores` of `IndexResult` without the rest of it."""
    chosen = base.weights(scheme, delta)
    weights = frames.weights_frame(base.labels, chosen, base.base_z, delta)
    return chosen, weights, frames.scores_frame(base.labels, base.z, chosen, base.marks)


@dataclass(frozen=True, eq=False)
class _Scaled:
    """Cells on their way from natural units to z, all (N, T, m); is_chosen (m,)."""

    final: FloatArray
    z: FloatArray
    is_capped: BoolArray
    is_winsorised: BoolArray
    out_of_base_range: BoolArray
    is_chosen: BoolArray
    limits: WinsorLimits
    bounds: Bounds


def _scale(
    panel: Panel,
    in_base: BoolArray,
    directions: Mapping[str, int],
    winsor: Mapping[str, bool],
    quantiles: tuple[float, float],
    caps: Mapping[str, float],
) -> _Scaled:
    capped, is_capped = cap(panel.values, [caps.get(name, np.inf) for name in panel.names])
    base = np.where(in_base, capped, np.nan)
    _require_base_values(base, panel.names)
    limits = winsor_limits(base, low=quantiles[0], high=quantiles[1])
    is_chosen = np.array([bool(winsor.get(name, False)) for name in panel.names])
    final, is_winsorised = winsorise(capped, limits, apply=is_chosen)
    bounds = Bounds.from_window(np.where(in_base, final, np.nan))
    # Judged before winsorising: otherwise the most winsorised, most trending indicators could
    # never report that the base range has become too narrow.
    out: BoolArray = ~in_base & ((capped < bounds.minimum) | (capped > bounds.maximum))
    z = minmax(final, bounds, [directions[name] for name in panel.names])
    return _Scaled(final, z, is_capped, is_winsorised, out, is_chosen, limits, bounds)


def _name_constants(chosen: SchemeWeights) -> SchemeWeights:
    """Min-max leaves no z for a constant indicator, so here an empty column means a constant one."""
    flags = tuple(CONSTANT if flag == EMPTY_COLUMN else flag for flag in chosen.flags)
    return replace(chosen, flags=flags)


def _warnings(
    years: tuple[int, ...], window: tuple[int, int], names: tuple[str, ...], flags: tuple[str, ...]
) -> tuple[str, ...]:
    absent = [str(year) for year in range(window[0], window[1] + 1) if year not in years]
    messages = [f"window_not_covered: the panel has no {', '.join(absent)}"] if absent else []
    flagged = [(flag, name) for flag, name in zip(flags, names, strict=True) if flag]
    messages += [f"{flag}: {name} in {window[0]}-{window[1]}" for flag, name in flagged]
    return tuple(messages)


def _check_spec(
    panel: Panel,
    directions: Mapping[str, int],
    dimensions: Mapping[str, str],
    winsor: Mapping[str, bool],
    caps: Mapping[str, float],
    tiers: Mapping[str, str],
) -> None:
    required = [(directions, "direction"), (dimensions, "dimension"), *([(tiers, "tier")] if tiers else [])]
    for spec, what in required:
        missing = [name for name in panel.names if name not in spec]
        if missing:
            raise ValueError(f"indicator {missing[0]} has no {what}: add it to the spec.")
    named = {"directions": directions, "dimensions": dimensions, "winsor": winsor, "caps": caps, "tiers": tiers}
    for what, entries in named.items():
        require_known(list(entries), panel.names, f"indicator in {what}")


def _require_base_values(base: FloatArray, names: tuple[str, ...]) -> None:
    empty = np.isnan(base).all(axis=(0, 1))
    if empty.any():
        name = names[int(np.argmax(empty))]
        raise ValueError(f"indicator {name} has no value in the window: no bounds exist.")
