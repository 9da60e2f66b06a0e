"""Monitors of the four principles: values of cities, clusters and the nation, with preset bands and lights.

A cluster and the nation are the mean, population mean or median over their cities. Bands are conventions, not tests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from python_models._types import BoolArray, FloatArray

type Better = Literal["high", "low", "none"]
type Reduce = Literal["mean", "weighted_mean", "median"]

NATION = "all"
COLUMNS = ["principle", "monitor_code", "year", "level", "unit_id", "value", "lo", "hi", "n", "weight", "aggregate"]
COLUMNS += ["unit", "change_1y", "better", "band_low", "band_high", "light", "note"]


@dataclass(frozen=True)
class Monitor:
    """better: which side is green. high: green from band_high, red below band_low; low: green up to band_low, red
    above band_high; between them amber; none: no light."""

    code: str
    principle: str
    unit: str
    better: Better
    band_low: float = float("nan")
    band_high: float = float("nan")
    reduce: Reduce = "mean"


_C, _N, _D, _R = "compatibility", "collaborative_networks", "multi_level_diffusion", "regional_integration"
MONITORS = {
    m.code: m
    for m in (
        Monitor("mean_d", _C, "1", "high", 0.5, 0.6),  # classes of D: below bare, from primary coordination on
        Monitor("mean_d_population", _C, "1", "high", 0.5, 0.6, "weighted_mean"),
        Monitor("median_d", _C, "1", "high", 0.5, 0.6, "median"),
        Monitor("share_synergy", _C, "share", "high", 1 / 3, 1 / 2),
        Monitor("gap_centre_periphery_d", _C, "1", "low", 0.1, 0.2),  # one class, two classes of D
        Monitor("share_pr_lagging", _C, "share", "low", 0.2, 0.4),
        Monitor("network_density", _N, "share", "high", 0.1, 0.2),
        Monitor("network_reciprocity", _N, "share", "high", 0.4, 0.6),
        Monitor("network_cross_province", _N, "share", "high", 0.4, 0.6),
        Monitor("network_centre_reach", _N, "share", "high", 0.7, 0.9),
        Monitor("effect_centre_to_periphery", _D, "points per point in one centre", "high", 0.0, 0.5),
        Monitor("effect_on_periphery", _D, "points per point in all centres", "high", 0.0, 0.1),
        Monitor("asymmetry_index", _D, "1", "none"),
        Monitor("boundary", _D, "km", "high", 200.0, 400.0),
        Monitor("half_distance", _D, "km", "high", 50.0, 100.0),
        Monitor("link_ratio_centre_periphery_to_centre_centre", _D, "ratio", "high", 0.5, 1.0),
        Monitor("link_ratio_periphery_periphery_to_centre_periphery", _D, "ratio", "high", 0.5, 1.0),
        Monitor("barrier_index", _R, "1", "low", 0.25, 0.5),
        Monitor("segmentation", _R, "1e-4", "none"),
        Monitor("segmentation_within_province", _R, "1e-4", "none"),
        Monitor("segmentation_across_province", _R, "1e-4", "none"),
        Monitor("segmentation_ratio_across_to_within", _R, "ratio", "low", 1.1, 1.5),
        Monitor("between_share_of_gini", _R, "percent", "low", 30.0, 50.0),
    )
}


def light(monitor: Monitor, value: float) -> str | None:
    """green, amber or red; None without a value or a band."""
    if monitor.better == "none" or not np.isfinite(value):
        return None
    if monitor.better == "high":
        return "green" if value >= monitor.band_high else "amber" if value >= monitor.band_low else "red"
    return "green" if value <= monitor.band_low else "amber" if value <= monitor.band_high else "red"


def aggregate(values: FloatArray, reduce: Reduce, weights: FloatArray | None = None) -> float:
    """One number of the values (N,) that are not missing, NaN where none is left; w NaN or 0 leaves a city out."""
    usable = np.isfinite(values)
    if reduce == "weighted_mean":
        w = np.full(values.shape, np.nan) if weights is None else weights
        usable = usable & (w > 0)
        return float(values[usable] @ w[usable] / w[usable].sum()) if usable.any() else float("nan")
    if not usable.any():
        return float("nan")
    return float(values[usable].mean() if reduce == "mean" else np.median(values[usable]))


def city_monitor(
    code: str,
    values: FloatArray,
    cities: Sequence[str],
    years: Sequence[int],
    clusters: Mapping[str, BoolArray],
    *,
    weights: FloatArray | None = None,
    note: str = "",
) -> pd.DataFrame:
    """Rows of one monitor for cities, clusters and the nation.

    Parameters
    ----------
    code : str
        Code of the monitor, of MONITORS.
    values : (N, T) array
        Values; NaN is missing.
    cities : sequence of N str
        City codes.
    years : sequence of T int
        Years.
    clusters : mapping of (N,) masks
        Members of each cluster.
    weights : (N, T) array, optional
        Kept in the column `weight` (of a city its weight, above it their sum), so that every aggregate can be computed
        again from the city rows.
    note : str
        Why a row has no value.

    Returns
    -------
    DataFrame
        One row a unit and year.

    Examples
    --------
    >>> from python_models.policy import MONITORS, city_monitor
    >>> values = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> rows = city_monitor(next(iter(MONITORS)), values, ["a", "b"], [2020, 2021], {})
    >>> sorted(set(rows["level"]))
    ['city', 'national']
    """
    monitor = MONITORS[code]
    groups = [("city", city, np.arange(len(cities)) == i) for i, city in enumerate(cities)]
    groups += [("cluster", name, mask) for name, mask in clusters.items()]
    groups.append(("national", NATION, np.ones(len(cities), dtype=np.bool_)))
    rows = []
    for t, year in enumerate(years):
        x = values[:, t]
        w = np.full(len(x), np.nan) if weights is None else weights[:, t]
        usable = np.isfinite(x) if weights is None else np.isfinite(x) & (w > 0)
        for level, unit_id, mask in groups:
            inside = mask & usable
            value = float(x[mask][0]) if level == "city" else aggregate(x[mask], monitor.reduce, w[mask])
            weight = float(w[inside].sum()) if inside.any() else np.nan
            rows.append((year, level, unit_id, value, int(inside.sum()), weight))
    frame = pd.DataFrame(rows, columns=["year", "level", "unit_id", "value", "n", "weight"])
    return _finished(monitor, frame.assign(aggregate=monitor.reduce, note=note))


def single_monitor(code: str, frame: pd.DataFrame, *, note: str = "", made_by: str = "none") -> pd.DataFrame:
    """Rows of a monitor that is not an aggregate of city rows.

    Parameters
    ----------
    code : str
        Code of the monitor, of MONITORS.
    frame : DataFrame
        year (0: all years), value, optional lo, hi, n, level, unit_id. Without rows: one national row without a value.
    note : str
        Why a row has no value.
    made_by : str
        How the value is computed, a column of the result.

    Returns
    -------
    DataFrame
        One row a unit and year.

    Examples
    --------
    >>> from python_models.policy import MONITORS, single_monitor
    >>> frame = pd.DataFrame({"year": [2020], "value": [0.5]})
    >>> len(single_monitor(next(iter(MONITORS)), frame))
    1
    """
    if frame.empty:
        frame = pd.DataFrame({"year": [0], "value": [np.nan]})
    nation = pd.DataFrame({"level": "national", "unit_id": NATION, "n": 0}, index=frame.index)
    rows = pd.concat([frame, nation[[name for name in nation if name not in frame]]], axis=1)
    notes = rows["value"].isna().map({True: note, False: ""})
    return _finished(MONITORS[code], rows.assign(aggregate=made_by, note=notes))


def _finished(monitor: Monitor, frame: pd.DataFrame) -> pd.DataFrame:
    """Adds what the monitor says, the change since the year before, and the lights."""
    value, keys = frame["value"].astype(np.float64), ["level", "unit_id", "year"]
    before = frame.assign(year=frame["year"] + 1)[[*keys, "value"]]
    old = frame[keys].merge(before, how="left", on=keys)["value"]
    facts = {name: getattr(monitor, name) for name in ("principle", "unit", "better", "band_low", "band_high")}
    lights = value.map(lambda v: light(monitor, v)).astype(object)
    change = value.to_numpy() - old.to_numpy(dtype=np.float64)
    full = frame.assign(value=value, change_1y=change, monitor_code=monitor.code, **facts, light=lights)
    return full.reindex(columns=COLUMNS)
