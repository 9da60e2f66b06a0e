"""Great-circle distances (mean earth radius 6371.0088 km, Moritz 2000) and the Albers equal-area conic on GRS80 (Snyder
1987, USGS Professional Paper 1395, section 14).
"""

import numpy as np
from scipy.spatial import cKDTree

from python_models._types import ArrayLike, FloatArray

EARTH_RADIUS_KM = 6371.0088
PARALLELS, LON0 = (25.0, 47.0), 105.0  # degrees; origin of y on the equator
_A = 6378137.0  # GRS80 semi-major axis, m
_E2 = 0.00669438002290  # GRS80 first eccentricity squared


def haversine_km(lon1: ArrayLike, lat1: ArrayLike, lon2: ArrayLike, lat2: ArrayLike) -> FloatArray:
    """Great-circle distance in km of points in degrees; the arguments broadcast.

    d = 2 R asin sqrt(sin^2((lat2 - lat1)/2) + cos lat1 cos lat2 sin^2((lon2 - lon1)/2)).
    """
    lam1, phi1, lam2, phi2 = (np.radians(np.asarray(v, dtype=np.float64)) for v in (lon1, lat1, lon2, lat2))
    h = np.sin((phi2 - phi1) / 2) ** 2 + np.cos(phi1) * np.cos(phi2) * np.sin((lam2 - lam1) / 2) ** 2
    return np.asarray(2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0))), dtype=np.float64)


def pair_distances(points: FloatArray, i: ArrayLike, j: ArrayLike, metric: str) -> FloatArray:
    """Distance of the points (N, 2) at positions i and j: km for `haversine` (lon, lat), else in their own unit."""
    a, b = points[np.asarray(i)], points[np.asarray(j)]
    if metric == "haversine":
        return haversine_km(a[..., 0], a[..., 1], b[..., 0], b[..., 1])
    return np.asarray(np.hypot(a[..., 0] - b[..., 0], a[..., 1] - b[..., 1]), dtype=np.float64)


def distance_matrix(points: FloatArray, metric: str) -> FloatArray:
    """All distances, shape (N, N), exactly symmetric with a zero diagonal."""
    n = len(points)
    upper = np.triu_indices(n, 1)
    distances = np.zeros((n, n), dtype=np.float64)
    distances[upper] = pair_distances(points, *upper, metric)
    return distances + distances.T


def tree(points: FloatArray, metric: str) -> tuple[cKDTree, FloatArray]:
    """A k-d tree with the order of distances of `metric`, and its points (lon, lat on the unit sphere)."""
    if metric != "haversine":
        return cKDTree(points), points
    lon, lat = np.radians(points).T
    sphere = np.column_stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
    return cKDTree(sphere), sphere


def tree_radius(distance: float, metric: str) -> float:
    """The distance of `metric` on the scale of `tree`, a hair longer so that rounding loses no pair."""
    if metric != "haversine":
        return distance * (1 + 1e-9)
    return float(2 * np.sin(min(distance / EARTH_RADIUS_KM, np.pi) / 2) * (1 + 1e-9))


def albers(lon: ArrayLike, lat: ArrayLike) -> FloatArray:
    """Albers equal-area x, y in metres, shape (N, 2), of degrees; parallels 25 and 47, origin 105 E on the equator."""
    n, c = _cone()
    rho = _A * np.sqrt(c - n * _authalic(np.asarray(lat, dtype=np.float64))) / n
    rho0 = _A * np.sqrt(c) / n
    theta = n * np.radians(np.asarray(lon, dtype=np.float64) - LON0)
    return np.column_stack([rho * np.sin(theta), rho0 - rho * np.cos(theta)])


def albers_inverse(xy: FloatArray) -> FloatArray:
    """Longitude, latitude in degrees of Albers metres (N, 2): the inverse of `albers` to 1e-10 degrees."""
    n, c = _cone()
    rho0 = _A * np.sqrt(c) / n
    x, y = xy[:, 0], rho0 - xy[:, 1]
    q = (c - (np.hypot(x, y) * n / _A) ** 2) / n
    phi = np.arcsin(np.clip(q / 2, -1.0, 1.0))
    e = np.sqrt(_E2)
    for _ in range(8):  # Snyder 3-16: converges to rounding in three or four steps
        s = np.sin(phi)
        residual = q / (1 - _E2) - s / (1 - _E2 * s**2) + np.log((1 - e * s) / (1 + e * s)) / (2 * e)
        phi = phi + (1 - _E2 * s**2) ** 2 / (2 * np.cos(phi)) * residual
    return np.column_stack([LON0 + np.degrees(np.arctan2(x, y)) / n, np.degrees(phi)])


def _authalic(lat: FloatArray | np.float64) -> FloatArray:
    s, e = np.sin(np.radians(lat)), np.sqrt(_E2)
    q = (1 - _E2) * (s / (1 - _E2 * s**2) - np.log((1 - e * s) / (1 + e * s)) / (2 * e))
    return np.asarray(q, dtype=np.float64)


def _cone() -> tuple[float, float]:
    """Cone constant n and C of Snyder 14-13, 14-14."""
    phi = np.radians(PARALLELS)
    m2 = np.cos(phi) ** 2 / (1 - _E2 * np.sin(phi) ** 2)
    q1, q2 = (float(_authalic(np.float64(v))) for v in PARALLELS)
    n = (m2[0] - m2[1]) / (q2 - q1)
    return float(n), float(m2[0] + n * q1)
