"""Raw columns behind the indicators: the inverse of their constructions (docs/formulas.md#indicators).

First people, employment, prices and accounts; then every numerator from its ratio. GDP is the exact sum
of its three sectors, nominal growth is real growth times the deflator, and a part never exceeds its
whole.
"""

from collections.abc import Mapping

import numpy as np

from dagster_project.demo.country import Geography
from dagster_project.demo.indicators import Map, ar1, draw_map
from python_models._types import FloatArray

INDUSTRIES = ("auto", "electronics", "metal", "plastics", "food")
# robots per worker rise faster, and the industry is more typical of strong cities, from food to electronics
_ROBOT_START = {"auto": 30e3, "electronics": 22e3, "metal": 9e3, "plastics": 7e3, "food": 2e3}
_ROBOT_GROWTH = {"auto": 0.17, "electronics": 0.24, "metal": 0.20, "plastics": 0.15, "food": 0.16}
_INDUSTRY_SLOPE = {"auto": 0.9, "electronics": 1.3, "metal": 0.1, "plastics": 0.0, "food": -0.9}


def draw_raw(
    geography: Geography, sides: Mapping[str, FloatArray], x: Mapping[str, FloatArray], rng: np.random.Generator
) -> dict[str, FloatArray]:
    """Variable code -> (N, T), whole city on the base boundary; `x` holds what `draw_indicators` gave."""
    z = (sides["new"] + sides["quality"]) / 2
    raw = _people(geography, z, rng)
    raw |= _accounts(geography, z, x, raw, rng)
    deflator, population = raw.pop("deflator"), raw["population_resident"]
    per_10k, nominal = population / 1e4, raw["gdp_nom"]
    raw["he_students"] = np.rint(x["n1_hestud"] * per_10k)
    knowledge = x["n1_techemp"] / 100 * raw["emp_urban_units"]
    it_part = draw_map(Map("it", "", "share", 48, 0.15, 0.2, 0.03), z, rng) / 100
    raw["emp_it_services"] = np.rint(knowledge * it_part)
    raw["emp_sci_tech"] = np.rint(knowledge * (1 - it_part))
    raw["fiscal_expenditure"] = np.rint(nominal * draw_map(Map("gov", "", "share", 20, -0.1, 0.2, 0.02), z, rng) / 100)
    raw["fiscal_education"] = np.rint(raw["fiscal_expenditure"] * x["n1_edushare"] / 100)
    raw["fiscal_science"] = np.rint(raw["fiscal_expenditure"] * x["q1_scishare"] / 100)
    raw["broadband_subscribers"] = _round_to(x["n2_broadband"] / 100 * population, 100)
    raw["mobile_subscribers"] = _round_to(x["n2_mobile"] / 100 * population, 100)
    raw["telecom_revenue_nom"] = np.rint(x["n2_telecom"] * deflator * per_10k)
    raw |= _firms(z, x, per_10k, rng)
    raw["invention_grants"] = np.rint(x["q1_invpat"] * per_10k)
    raw["all_grants"] = np.maximum(np.rint(raw["invention_grants"] / (x["q1_patqual"] / 100)), raw["invention_grants"])
    raw["green_invention_grants"] = np.minimum(np.rint(x["q1_greenpat"] * per_10k), raw["invention_grants"])
    real = nominal / deflator
    raw["electricity_total"] = np.rint(x["q2_elecint"] * real / 1e4)
    built = (raw["va_secondary_nom"] + raw["va_tertiary_nom"]) / deflator / x["q2_landprod"]
    raw["built_up_area"] = np.round(np.maximum(built, 5), 2)
    raw["industrial_so2"] = np.rint(x["q3_so2int"] * raw["va_secondary_nom"] / deflator / 1e4)
    waste = raw["va_secondary_nom"] / deflator * draw_map(Map("waste", "", "exp", 0.9, -0.5, 0.4, 0.04), z, rng)
    raw["solid_waste_generated"] = _round_to(waste, 100)
    # re-use of stock from earlier years lets some printed rates pass 100
    raw["solid_waste_reused"] = _round_to(waste * x["n3_reuse"] / 100 * (1 + 0.05 * (x["n3_reuse"] > 97)), 100)
    raw["pm25_popw"] = np.round(x["q3_pm25"], 2)
    return raw


def _people(geography: Geography, z: FloatArray, rng: np.random.Generator) -> dict[str, FloatArray]:
    n, years = z.shape
    steps = np.arange(years)
    size = np.log(3.2e6) + 0.5 * rng.standard_normal((n, 1)) + 0.75 * geography.is_core[:, None]
    growth = 0.002 + 0.004 * z.mean(axis=1, keepdims=True) + 0.002 * rng.standard_normal((n, 1))
    resident = np.clip(np.exp(size + growth * steps), 3.0e5, 3.2e7)
    inflow = np.exp(0.06 * z.mean(axis=1, keepdims=True) + 0.05 * rng.standard_normal((n, 1)) + 0.002 * steps)
    total = resident * draw_map(Map("emp", "", "share", 54, 0.02, 0.08, 0.003), z, rng) / 100
    urban = total * draw_map(Map("units", "", "share", 26, 0.2, 0.15, 0.01), z, rng) / 100
    return {
        "population_resident": _round_to(resident, 100),
        "population_registered": _round_to(resident / inflow, 100),
        "emp_total": np.rint(total),
        "emp_urban_units": np.rint(urban),
    }


def _accounts(
    geography: Geography,
    z: FloatArray,
    x: Mapping[str, FloatArray],
    raw: Mapping[str, FloatArray],
    rng: np.random.Generator,
) -> dict[str, FloatArray]:
    """GDP from labour productivity, its deflator (2012 = 1), index, sectors, and what is scaled by them."""
    n, years = z.shape
    provinces, where = np.unique(np.asarray(geography.province), return_inverse=True)
    moves = (
        0.021 + 0.010 * rng.standard_normal((len(provinces), years))[where] + 0.004 * rng.standard_normal((n, years))
    )
    moves[:, 0] = 0.0
    deflator = np.exp(moves.cumsum(axis=1))
    real = x["q2_labprod"] * raw["emp_total"] / 1e4
    nominal = np.rint(real * deflator)
    real = nominal / deflator
    index = np.empty_like(real)
    index[:, 0] = 100 * (1.085 + 0.01 * rng.standard_normal(n))
    index[:, 1:] = 100 * real[:, 1:] / real[:, :-1]
    first = draw_map(Map("primary", "", "share", 11, -0.55, 0.25, 0.02), z, rng) / 100
    primary = np.rint(nominal * first)
    secondary = np.rint((nominal - primary) / (1 + x["q3_struct"]))
    profit = secondary * draw_map(Map("profit", "", "exp", 0.16, 0.15, 0.25, 0.08), z, rng)
    firms = raw["population_resident"] / 1e4 * draw_map(Map("above", "", "exp", 1.8, 0.25, 0.3, 0.03), z, rng)
    wage = draw_map(Map("wage", "", "exp", 45000, 0.16, 0.05, 0.01, 0.055), z, rng)
    return {
        "deflator": deflator,
        "gdp_nom": nominal,
        "va_primary_nom": primary,
        "va_secondary_nom": secondary,
        "va_tertiary_nom": nominal - primary - secondary,
        "gdp_real_index": np.round(index, 2),
        "gdp_per_capita_nom": np.rint(nominal * 1e4 / raw["population_resident"]),
        "secondary_share": np.round(100 * secondary / nominal, 2),
        "tertiary_share": np.round(100 * (nominal - primary - secondary) / nominal, 2),
        "industrial_profit": np.rint(profit),
        "industrial_firms": np.rint(firms),
        "wage_avg_nom": np.rint(wage),
    }


def _firms(
    z: FloatArray, x: Mapping[str, FloatArray], per_10k: FloatArray, rng: np.random.Generator
) -> dict[str, FloatArray]:
    stock = np.rint(per_10k * draw_map(Map("stock", "", "exp", 260, 0.4, 0.2, 0.02), z, rng))
    return {
        "all_firms_stock": stock,
        "newly_registered_firms": np.rint(x["n1_startup"] * per_10k),
        "ai_firms_stock": np.rint(x["n2_aifirm"] * per_10k),
        "sei_firms_stock": np.rint(stock * x["n3_sei"] / 100),
        "bigdata_firms_stock": np.rint(x["n3_datafirm"] * per_10k),
    }


def draw_robots(
    sides: Mapping[str, FloatArray], raw: Mapping[str, FloatArray], rng: np.random.Generator
) -> tuple[dict[str, FloatArray], dict[str, FloatArray]]:
    """(base employment 2010 by industry, (N,)), (national robots by industry, (T,)).

    Robot density sum_s (e_is/e_i)(R_st/e_s) rises with the new side because strong cities have more of the
    industries that buy robots.
    """
    n, years = sides["new"].shape
    level = sides["new"][:, :10].mean(axis=1)
    workers = 0.12 * raw["emp_total"][:, 0]
    weights = {s: np.exp(_INDUSTRY_SLOPE[s] * level + 0.15 * rng.standard_normal(n)) for s in INDUSTRIES}
    total = np.sum(list(weights.values()), axis=0)
    base = {f"emp_base_{s}": np.rint(workers * w / total) for s, w in weights.items()}
    noise = {s: ar1(1, years, 0.02, rng)[0] for s in INDUSTRIES}
    robots = {
        f"robots_{s}": np.rint(_ROBOT_START[s] * np.exp(_ROBOT_GROWTH[s] * np.arange(years) + noise[s]))
        for s in INDUSTRIES
    }
    return base, robots


def _round_to(values: FloatArray, step: float) -> FloatArray:
    """Round to the precision that the yearbook prints, so that the truth can be recovered exactly."""
    return np.rint(values / step) * step
