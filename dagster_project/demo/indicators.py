"""True values of the 22 indicators: monotone noisy maps of the two latent sides, with the skew of real ones.

x_itk = g_k(c_k + s_k z_it + b_ik + m_itk): z is the standardised side (new or quality) of the city, b a city
term, m a slow AR(1); g is exp (counts per head, productivity) or a share in percent. s_k < 0 where less
is better.
"""

from dataclasses import dataclass

import numpy as np

from dagster_project.demo.country import BASE_YEARS
from python_models._types import FloatArray
from python_models.simulation import SimulatedCountry

MOVE_PERSISTENCE = 0.8


@dataclass(frozen=True)
class Map:
    """One indicator: side (new, quality), shape (exp, share), value at z = 0, slope, sds and trend."""

    code: str
    side: str
    shape: str
    centre: float
    slope: float
    city_sd: float
    move_sd: float
    trend: float = 0.0


MAPS = (
    Map("n1_hestud", "new", "exp", 130, 0.55, 0.22, 0.03),
    Map("n1_techemp", "new", "share", 3.2, 0.50, 0.20, 0.03),
    Map("n1_edushare", "new", "share", 17.5, 0.14, 0.05, 0.012),
    Map("n1_startup", "new", "exp", 85, 0.60, 0.20, 0.05),
    Map("n2_broadband", "new", "exp", 24, 0.32, 0.08, 0.02),
    Map("n2_mobile", "new", "exp", 95, 0.22, 0.07, 0.015),
    Map("n2_telecom", "new", "exp", 850, 0.32, 0.10, 0.02),
    Map("n2_aifirm", "new", "exp", 0.55, 1.00, 0.30, 0.05),
    Map("n3_sei", "new", "share", 6.0, 0.50, 0.16, 0.03),
    Map("n3_datafirm", "new", "exp", 0.45, 1.00, 0.30, 0.05),
    Map("n3_reuse", "new", "share", 80, 0.55, 0.30, 0.06),
    Map("q1_invpat", "quality", "exp", 1.0, 0.95, 0.28, 0.06),
    Map("q1_scishare", "quality", "share", 1.5, 0.50, 0.20, 0.05),
    Map("q1_patqual", "quality", "share", 14, 0.35, 0.15, 0.04),
    Map("q2_labprod", "quality", "exp", 78000, 0.18, 0.10, 0.008, 0.030),
    Map("q2_landprod", "quality", "exp", 105000, 0.28, 0.14, 0.010, 0.015),
    Map("q2_elecint", "quality", "exp", 780, -0.34, 0.18, 0.020),
    Map("q3_struct", "quality", "exp", 0.92, 0.28, 0.14, 0.015),
    Map("q3_so2int", "quality", "exp", 22, -0.85, 0.28, 0.06, -0.06),
    Map("q3_pm25", "quality", "exp", 43, -0.22, 0.08, 0.02),
)
# green patents are a part of the invention patents, so their number per head follows from this share
GREEN_SHARE = Map("green_share", "quality", "share", 16, 0.12, 0.15, 0.05)


def standardised_sides(country: SimulatedCountry) -> dict[str, FloatArray]:
    """z of both sides, (N, T): minus mean, over sd, of the base window."""
    sides = {"new": country.nqpf_new, "quality": country.nqpf_quality}
    base = {side: values[:, :BASE_YEARS] for side, values in sides.items()}
    return {side: (values - base[side].mean()) / base[side].std() for side, values in sides.items()}


def draw_indicators(sides: dict[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    """Indicator code -> (N, T) in its own unit (robot density follows from its parts, see raw.py)."""
    values = {m.code: draw_map(m, sides[m.side], rng) for m in MAPS}
    values["q1_greenpat"] = values["q1_invpat"] * draw_map(GREEN_SHARE, sides["quality"], rng) / 100
    return values


def draw_map(chosen: Map, z: FloatArray, rng: np.random.Generator) -> FloatArray:
    """One indicator on (N, T)."""
    n, years = z.shape
    noise = chosen.city_sd * rng.standard_normal((n, 1)) + ar1(n, years, chosen.move_sd, rng)
    line = chosen.slope * z + noise + chosen.trend * np.arange(years)
    if chosen.shape == "exp":
        return chosen.centre * np.exp(line)
    odds = chosen.centre / (100 - chosen.centre) * np.exp(line)
    return 100 * odds / (1 + odds)


def ar1(n: int, years: int, sd: float, rng: np.random.Generator, persistence: float = MOVE_PERSISTENCE) -> FloatArray:
    """Stationary AR(1) with innovation sd, (n, years)."""
    path = np.empty((n, years))
    path[:, 0] = sd / np.sqrt(1 - persistence**2) * rng.standard_normal(n)
    for t in range(1, years):
        path[:, t] = persistence * path[:, t - 1] + sd * rng.standard_normal(n)
    return path
