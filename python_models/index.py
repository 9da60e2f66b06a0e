"""The composite index of one basis: cap, winsorise, scale, weigh, score.

Every estimated quantity (winsor limits, bounds, weights) comes from the years of `window` only;
every year of the panel is then scored with it. `frozen` and `restated` are two calls of the same
function: frozen passes the base window, restated passes all years.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from python_models import _index_frames as frames
from python_models._types import BoolArray, FloatArray
from python_models._validate import as_mask, require_known
from python_models.entropy import CONSTANT, EMPTY_COLUMN
from python_models.panel import Panel
from python_models.scaling import Bounds, WinsorLimits, cap, minmax, winsor_limits, winsorise
from python_models.schemes import SchemeWeights, scheme_weights
from python_models.scores import weighted_score

_NO_ENTRIES: Mapping[str, float] = MappingProxyType({})
_NO_CHOICES: Mapping[str, bool] = MappingProxyType({})


@dataclass(frozen=True, eq=False)
class IndexResult:
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


def build_index(
    panel: Panel,
    *,
    directions: Mapping[str, int],
    dimensions: Mapping[str, str],
    window: tuple[int, int] = (2012, 2021),
    winsor: Mapping[str, bool] = _NO_CHOICES,
    winsor_quantiles: tuple[float, float] = (0.01, 0.99),
    caps: Mapping[str, float] = _NO_ENTRIES,
    scheme: str = "entropy",
    delta: float = 0.0,
    imputed: BoolArray | None = None,
    provisional: BoolArray | None = None,
) -> IndexResult:
    """Build the index of `panel` (N, T, m) with limits, bounds and weights of `window`.

    directions, dimensions : one entry per indicator of the panel, no more and no less.
    winsor, caps : entries only where wanted; an indicator without an entry is left as it is.
    imputed, provisional : masks (N, T, m). A provisional cell is scored, but takes no part in
    limits, bounds and weights. Without `imputed`, no cell counts as imputed.

    A missing cell (NaN) makes its score NaN, and leaves its row out of the weights. A value
    outside the base range (a year outside the window, or a provisional cell) is flagged
    `out_of_base_range`, judged before winsorising; its z is not clipped, but a winsorised
    indicator keeps the limits of the window in all years. An indicator that is constant in the
    window has no z and weight 0.
    Raises ValueError for a spec that does not fit the panel, a window without years, an
    indicator without values in the window, and the errors of the weight scheme.
    """
    _check_spec(panel, directions, dimensions, winsor, caps)
    imputed = as_mask(imputed, panel.values.shape, "imputed")
    provisional = as_mask(provisional, panel.values.shape, "provisional")
    dims = tuple(dimensions[name] for name in panel.names)
    in_base = panel.in_window(window)[None, :, None] & ~provisional

    scaled = _scale(panel, in_base, directions, winsor, winsor_quantiles, caps)
    base_z = np.where(in_base, scaled.z, np.nan)
    chosen = _name_constants(scheme_weights(base_z, scheme=scheme, dimensions=dims, delta=delta))
    labels = frames.Labels(panel.cities, panel.years, panel.names, dims)
    marks = frames.Marks(imputed, provisional, scaled.out_of_base_range)
    return IndexResult(
        cities=panel.cities,
        years=panel.years,
        names=panel.names,
        window=window,
        scheme=scheme,
        z=scaled.z,
        w=chosen.weights,
        score=weighted_score(scaled.z, chosen.weights),
        bounds=frames.bounds_frame(labels, scaled.bounds, scaled.limits, scaled.is_chosen, window),
        weights=frames.weights_frame(labels, chosen, base_z, delta),
        values=frames.values_frame(
            labels, scaled.final, scaled.z, scaled.is_winsorised, scaled.is_capped, scaled.out_of_base_range
        ),
        scores=frames.scores_frame(labels, scaled.z, chosen.weights, marks),
        contributions=frames.contributions_frame(labels, scaled.z, chosen.weights),
        warnings=_warnings(panel, window, chosen.flags),
    )


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
    return SchemeWeights(chosen.weights, chosen.entropy, chosen.redundancy, flags)


def _warnings(panel: Panel, window: tuple[int, int], flags: tuple[str, ...]) -> tuple[str, ...]:
    absent = [str(year) for year in range(window[0], window[1] + 1) if year not in panel.years]
    messages = [f"window_not_covered: the panel has no {', '.join(absent)}"] if absent else []
    flagged = [(flag, name) for flag, name in zip(flags, panel.names, strict=True) if flag]
    messages += [f"{flag}: {name} in {window[0]}-{window[1]}" for flag, name in flagged]
    return tuple(messages)


def _check_spec(
    panel: Panel,
    directions: Mapping[str, int],
    dimensions: Mapping[str, str],
    winsor: Mapping[str, bool],
    caps: Mapping[str, float],
) -> None:
    for spec, what in ((directions, "direction"), (dimensions, "dimension")):
        missing = [name for name in panel.names if name not in spec]
        if missing:
            raise ValueError(f"indicator {missing[0]} has no {what}: add it to the spec.")
    named = {"directions": directions, "dimensions": dimensions, "winsor": winsor, "caps": caps}
    for what, entries in named.items():
        require_known(list(entries), panel.names, f"indicator in {what}")


def _require_base_values(base: FloatArray, names: tuple[str, ...]) -> None:
    empty = np.isnan(base).all(axis=(0, 1))
    if empty.any():
        name = names[int(np.argmax(empty))]
        raise ValueError(f"indicator {name} has no value in the window: no bounds exist.")
