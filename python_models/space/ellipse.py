"""Weighted mean centre and standard deviational ellipse, and how the centre moves.

Centre X = sum y x / sum y; covariance C = sum y (x - X)(x - X)' / sum y, eigenvalues l1 >= l2. Axes sqrt(2 l) (the
ArcGIS convention) and sqrt(l); area pi a b of the former. Lefever (1926), Yuill (1971). The raw ellipse mostly shows
where cities are: compare it with the one of equal weights.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from python_models._align import aligned
from python_models._show import Shown
from python_models._types import FloatArray
from python_models.space.distance import albers, albers_inverse, haversine_km
from python_models.space.moran import DEFAULT_SEED


@dataclass(frozen=True, eq=False)
class EllipseResult(Shown):
    """table: one row per year: year, center_x, center_y in metres of the plane, lon, lat in degrees; major_km, minor_km
    (sqrt(2 l)) and major_sd_km, minor_sd_km (sqrt(l)); rotation_deg of the major axis, in [0, 180), clockwise from
    north; area_km2; move_km and move_bearing_deg since the year before (NaN in the first); center_x_lo .. move_hi: 95 %
    percentile intervals over resampled cities, the same in all years (NaN without bootstrap); n_obs, n_boot, seed."""

    table: pd.DataFrame

    def to_frame(self) -> pd.DataFrame:
        return self.table.copy()


@aligned
def center_ellipse(
    points: Any, y: Any = None, *, plane: bool = False, n_boot: int = 0, seed: int | None = DEFAULT_SEED
) -> EllipseResult:
    """Weighted mean centre and standard deviational ellipse of each year.

    Parameters
    ----------
    points : (N, 2) array or frame
        Longitude and latitude, projected with Albers (parallels 25 and 47, meridian 105), or metres with `plane=True`.
    y : (N,) or (N, T) array, Series or frame, optional
        Masses, not negative; without them every city weighs the same.
    plane : bool
        Whether `points` are metres in a plane.
    n_boot : int
        Resamples of cities for the intervals of centre and move; 0: none.
    seed : int, optional
        Seed of the resamples.

    Returns
    -------
    EllipseResult
        One entry a year.

    Raises
    ------
    ValueError
        NaN, a negative mass, a year without mass, fewer than three cities.

    Notes
    -----
    Centre X = sum y x / sum y; covariance C = sum y (x - X)(x - X)' / sum y with eigenvalues l1 >= l2; axes sqrt(2 l)
    and sqrt(l).

    References
    ----------
    Lefever (1926), Yuill (1971).

    Examples
    --------
    >>> from python_models.space import center_ellipse
    >>> center_ellipse([[0.0, 0.0], [2.0, 0.0], [1.0, 3.0]], plane=True).to_frame().shape
    (1, 22)
    """
    places = np.array(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or len(places) < 3:
        raise ValueError(f"points need the shape (city, 2) with at least three cities, got {places.shape}.")
    years = y.columns if isinstance(y, pd.DataFrame) else None
    if isinstance(y, (pd.Series, pd.DataFrame)) and isinstance(points, pd.DataFrame):
        y = y.reindex(points.index)
    mass = np.ones((len(places), 1)) if y is None else np.array(y, dtype=np.float64).reshape(len(places), -1)
    for name, values in (("points", places), ("y", mass)):
        bad = np.argwhere(~np.isfinite(values))
        if len(bad):
            raise ValueError(f"{name} is missing or infinite at row {int(bad[0][0])}.")
    if (mass < 0).any() or (mass.sum(axis=0) <= 0).any():
        raise ValueError("masses must not be negative, and each year needs a positive sum.")
    xy = places if plane else albers(places[:, 0], places[:, 1])
    return _result(xy, mass, years if years is not None else pd.RangeIndex(mass.shape[1]), plane, n_boot, seed)


def _result(xy: FloatArray, mass: FloatArray, years: Any, plane: bool, n_boot: int, seed: int | None) -> EllipseResult:
    centre = np.asarray(mass.T @ xy / mass.sum(axis=0)[:, None], dtype=np.float64)
    axes, rotation = _axes(xy, mass, centre)
    major, minor = np.sqrt(2 * axes).T / 1000
    lonlat = np.full(centre.shape, np.nan) if plane else albers_inverse(centre)
    move, bearing = _moves(centre, lonlat, plane)
    (x_lo, x_hi), (y_lo, y_hi), (move_lo, move_hi) = _intervals(xy, mass, plane, n_boot, seed)
    columns: dict[str, Any] = {"year": years, "center_x": centre[:, 0], "center_y": centre[:, 1]}
    columns |= {"lon": lonlat[:, 0], "lat": lonlat[:, 1], "major_km": major, "minor_km": minor}
    columns |= {"major_sd_km": major / np.sqrt(2), "minor_sd_km": minor / np.sqrt(2), "rotation_deg": rotation}
    columns |= {"area_km2": np.pi * major * minor, "move_km": move, "move_bearing_deg": bearing}
    columns |= {"center_x_lo": x_lo, "center_x_hi": x_hi, "center_y_lo": y_lo, "center_y_hi": y_hi}
    columns |= {"move_lo": move_lo, "move_hi": move_hi}
    columns |= {"n_obs": len(xy), "n_boot": n_boot, "seed": seed if n_boot else None}
    return EllipseResult(pd.DataFrame(columns))


def _axes(xy: FloatArray, mass: FloatArray, centre: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Eigenvalues (T, 2), largest first, and the rotation of the first axis (T,)."""
    offset = xy[:, None, :] - centre  # (N, T, 2)
    covariance = np.einsum("nt,nta,ntb->tab", mass, offset, offset) / mass.sum(axis=0)[:, None, None]
    values, vectors = np.linalg.eigh(covariance)
    east, north = vectors[:, 0, 1], vectors[:, 1, 1]  # eigh sorts upwards: the last vector is the major axis
    return np.maximum(values[:, ::-1], 0.0), np.degrees(np.arctan2(east, north)) % 180.0


def _moves(centre: FloatArray, lonlat: FloatArray, plane: bool) -> tuple[FloatArray, FloatArray]:
    """Distance (km) and bearing of each step, NaN for the first year; a centre that stays has no bearing."""
    if plane:
        east, north = np.diff(centre, axis=0).T
        return _from_first(np.hypot(east, north) / 1000, east, north)
    (lon1, lat1), (lon2, lat2) = lonlat[:-1].T, lonlat[1:].T
    step = haversine_km(lon1, lat1, lon2, lat2)
    phi1, phi2, lam = np.radians(lat1), np.radians(lat2), np.radians(lon2 - lon1)
    east = np.sin(lam) * np.cos(phi2)
    north = np.cos(phi1) * np.sin(phi2) - np.sin(phi1) * np.cos(phi2) * np.cos(lam)
    return _from_first(step, east, north)


def _from_first(step: FloatArray, east: FloatArray, north: FloatArray) -> tuple[FloatArray, FloatArray]:
    bearing = np.where(step > 1e-9, np.degrees(np.arctan2(east, north)) % 360.0, np.nan)
    return np.r_[np.nan, step], np.r_[np.nan, bearing]


def _intervals(
    xy: FloatArray, mass: FloatArray, plane: bool, n_boot: int, seed: int | None
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Percentile intervals of centre x, centre y and move; whole cities are drawn, once for all years."""
    n, t = mass.shape
    if not n_boot:
        nothing = np.full((2, t), np.nan)
        return nothing, nothing, nothing
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=n_boot).astype(np.float64)
    total = draws @ mass
    if (total <= 0).any():
        raise ValueError("a resample has no mass at all: too few cities carry a positive value.")
    x, y = (draws @ (mass * xy[:, [a]]) / total for a in (0, 1))
    move = np.hypot(np.diff(x, axis=1), np.diff(y, axis=1)) / 1000
    ends = [0.025, 0.975]
    move_limits = np.column_stack([np.full((2, 1), np.nan), np.quantile(move, ends, axis=0)])
    return np.quantile(x, ends, axis=0), np.quantile(y, ends, axis=0), move_limits
