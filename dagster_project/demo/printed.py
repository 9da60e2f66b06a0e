"""From the truth on the base boundary to what the books print: old boundaries, first prints, districts.

A printed panel is a dict (variable, scope) -> (rows, T) over `rows`: the roster and the city that was merged.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from dagster_project.demo.country import (
    HORIZON,
    MERGED_CITY,
    MERGED_FIRST_YEAR,
    MERGED_INTO,
    TRANSFERS,
    Geography,
    Transfer,
    rows_of,
    words,
)
from dagster_project.demo.figures import Map, draw_map
from python_models._types import FloatArray

MERGED_SHARE = {"population": 0.15, "gdp": 0.11}
# census revision: the last word over the first print, in percent, for the statistical years before the census
REVISION = {"130000": 8, "430000": -6, "450000": 9, "620000": -7, "360000": 6, "350000": 8}
REVISED_FROM = 2018
CENSUS_YEAR, RESIDENT_DRIFT = 2020, 0.03  # residents printed before were carried forward: sd of ln(printed / true) then
MOST_MOVED = 0.95  # of a figure of the new city may be the county's
LEAST_RATE = 0.1  # of its own: a draw may ask for less than nothing of a city that took in a much worse county
PRINTED_RATES = ("gdp_real_index", "pm25_popw", "wage_avg_nom")
SECTORS = ("va_primary_nom", "va_secondary_nom", "va_tertiary_nom")
DIVIDED = words(  # printed for the districts as a share of the city's own
    "population_resident population_registered va_primary_nom va_secondary_nom va_tertiary_nom emp_urban_units"
    " emp_it_services emp_sci_tech fiscal_expenditure industrial_firms industrial_profit"
)
UNDIVIDED_SHARE = 0.04  # of the prefecture cities have no county: district = whole city


@dataclass(frozen=True)
class Printed:
    """rows: city ids; values: (variable, scope) -> (rows, T); counties: county_id -> variable -> (T,)."""

    rows: tuple[str, ...]
    values: dict[tuple[str, str], FloatArray]
    counties: dict[str, dict[str, FloatArray]]


@dataclass(frozen=True)
class Rules:
    """How a variable crosses a boundary: shares of additive ones (population, gdp), weights of rates."""

    shares: dict[str, str]
    weights: dict[str, str]


def read_rules(seeds: Path) -> Rules:
    """The rules of variable.csv."""
    variables = pd.read_csv(seeds / "variable.csv", dtype=str).set_index("variable_code")
    additive = variables["harmonise"] == "sum"
    return Rules(
        shares={str(k): str(v) for k, v in variables.loc[additive, "transfer_share"].items()},
        weights={str(k): str(v) for k, v in variables.loc[~additive, "weight_variable"].items()},
    )


def as_printed(geography: Geography, raw: Mapping[str, FloatArray], rules: Rules, rng: np.random.Generator) -> Printed:
    """First prints on the boundary of each year, both scopes, and the printed columns that no index uses."""
    city = {name: values.copy() for name, values in raw.items()}
    _print_first(geography, city, rng)
    counties = {t.county_id: _move_back(geography, city, rules, t) for t in TRANSFERS}
    rows = (*geography.roster, MERGED_CITY)
    split = {name: _split_merged(geography, name, values, rules.shares) for name, values in city.items()}
    _rebuild(split)
    split["invention_grants"] = np.minimum(split["invention_grants"], split["all_grants"])
    split["green_invention_grants"] = np.minimum(split["green_invention_grants"], split["invention_grants"])
    values = {(name, "city"): panel for name, panel in split.items()}
    values |= {(name, "district"): panel for name, panel in _districts(geography, split, rng).items()}
    values[("built_up_area", "built_up")] = values.pop(("built_up_area", "city"))
    values |= _extras(split, rng)
    return Printed(rows, values, counties)


def _print_first(geography: Geography, city: dict[str, FloatArray], rng: np.random.Generator) -> None:
    """Undo the census revisions. GDP: first print = revised / (1 + delta ramp), the ramp grows from .7 to .95. The
    residents of a city drift away from the truth until the census counts them."""
    delta = np.array([REVISION.get(code, 0) / 100 for code in geography.province])[:, None]
    years = np.array(HORIZON)
    ramp = np.where(years < REVISED_FROM, 0.70 + 0.05 * (years - HORIZON[0]), 0.0)
    for name in SECTORS:
        city[name] = np.rint(city[name] / (1 + delta * ramp))
    since = np.where(years < CENSUS_YEAR, (years - HORIZON[0]) / (CENSUS_YEAR - HORIZON[0]), 0.0)
    drift = np.exp(RESIDENT_DRIFT * rng.standard_normal((len(delta), 1)) * since)
    city["population_resident"] = _at_grain("population_resident", city["population_resident"] * drift)


def _move_back(
    geography: Geography, city: dict[str, FloatArray], rules: Rules, event: Transfer
) -> dict[str, FloatArray]:
    """Give the county back to its old city before the transfer (in place); returns its figures."""
    old, new = geography.roster.index(event.old_city), geography.roster.index(event.new_city)
    before = np.array(HORIZON) < event.first_year
    drift = 1 + 0.01 * np.arange(len(HORIZON))
    share = {"population": event.share_population * drift, "gdp": event.share_gdp * drift}
    originals = {}
    for name in (n for n in city if n in rules.shares and n != "gdp_nom"):
        s, panel = share[rules.shares[name]], city[name]
        part = np.where(before, np.minimum(s / (1 - s) * panel[old], MOST_MOVED * panel[new]), 0.0)
        originals[name] = _at_grain(name, part)
        panel[old] += originals[name]
        panel[new] -= originals[name]
    for panels in (originals, city):
        panels["gdp_nom"] = sum((panels[name] for name in SECTORS), np.zeros(1))
    for name in PRINTED_RATES:
        # without the county the new city prints the rate that gives its true one when both are averaged
        panel, weight = city[name], rules.weights[name]
        county, rest = originals[weight], city[weight][new]
        apart = panel[new] + (panel[new] - panel[old]) * county / rest
        panel[new] = np.round(np.maximum(apart, LEAST_RATE * panel[new]), 2)
    return originals


COARSE = words(
    "population_resident population_registered broadband_subscribers mobile_subscribers solid_waste_generated"
    " solid_waste_reused"
)


def grain_of(name: str) -> float:
    """Printed precision in canonical units: 0.01 of ten thousand persons, accounts or tons is 100."""
    return 100.0 if name in COARSE else 1.0


def _at_grain(name: str, part: FloatArray) -> FloatArray:
    return np.round(part, 2) if name == "built_up_area" else np.rint(part / grain_of(name)) * grain_of(name)


def _split_merged(geography: Geography, name: str, panel: FloatArray, shares: Mapping[str, str]) -> FloatArray:
    """Append the row of the merged city; before the merger its part leaves the city that took it over."""
    keeper = geography.roster.index(MERGED_INTO)
    before = np.array(HORIZON) < MERGED_FIRST_YEAR
    panel = panel.copy()
    if name not in shares:
        part = panel[keeper]
    else:
        part = _at_grain(name, panel[keeper] * MERGED_SHARE[shares[name]])
        panel[keeper] = np.where(before, panel[keeper] - part, panel[keeper])
    return np.vstack([panel, np.where(before, part, np.nan)])


def _rebuild(area: dict[str, FloatArray]) -> None:
    """Totals and ratios from the printed parts, so that every row is consistent in itself (in place)."""
    primary, secondary, tertiary = (area[name] for name in SECTORS)
    area["gdp_nom"] = primary + secondary + tertiary
    area["gdp_per_capita_nom"] = np.rint(area["gdp_nom"] * 1e4 / area["population_resident"])
    area["secondary_share"] = np.round(100 * secondary / area["gdp_nom"], 2)
    area["tertiary_share"] = np.round(100 * tertiary / area["gdp_nom"], 2)
    area["x_primary_share"] = np.round(100 - area["secondary_share"] - area["tertiary_share"], 2)


def _districts(geography: Geography, city: Mapping[str, FloatArray], rng: np.random.Generator) -> dict[str, FloatArray]:
    """Urban-district columns: never above the whole city, equal to it where a city has no county."""
    n = len(geography.roster) + 1
    whole = rng.random(n) < UNDIVIDED_SHARE
    whole[: n - 1] |= np.array([geography.units[c]["admin_tier"] == "municipality" for c in geography.roster])
    base = rng.uniform(0.25, 0.75, n)
    district = {}
    for name in DIVIDED:
        share = np.where(whole, 1.0, np.clip(base * np.exp(0.1 * rng.standard_normal(n)), 0.05, 0.97))
        district[name] = np.floor(city[name] * share[:, None] / grain_of(name)) * grain_of(name)
    for name in ("fiscal_education", "fiscal_science"):
        # a floor keeps education and science below the spending they are part of
        district[name] = np.floor(city[name] * (district["fiscal_expenditure"] / city["fiscal_expenditure"]))
    tilt = np.where(whole, 0.0, 0.3 * rng.standard_normal(n))[:, None]
    district["gdp_real_index"] = np.round(city["gdp_real_index"] + tilt, 2)
    district["wage_avg_nom"] = np.rint(city["wage_avg_nom"] * np.where(whole, 1.0, 1.04)[:, None])
    _rebuild(district)
    return district


def _extras(city: Mapping[str, FloatArray], rng: np.random.Generator) -> dict[tuple[str, str], FloatArray]:
    """Printed columns that no index uses, in printed units: a level of its own or at the scale of another variable."""
    shape = city["gdp_nom"].shape
    values = {}
    for row in rows_of("extra_column.csv"):
        name, scale = row["variable"], row["scale_variable"]
        level_map = Map(name, "", "exp", float(row["level"]), 0.0, float(row["noise"]), 0.02, 0.0)
        figures = (city[scale] if scale else 1.0) * draw_map(level_map, np.zeros(shape), rng)
        values[(name, "city")] = np.minimum(figures, 99.5) if name.endswith("rate") else figures
        values[(name, "district")] = 0.6 * values[(name, "city")]
    values[("x_growth", "city")] = np.round(city["gdp_real_index"] - 100, 2)
    values[("x_growth", "district")] = values[("x_growth", "city")]
    for name, code in (("x_pm25", "pm25_popw"), ("x_all_grants", "all_grants"), ("x_invention", "invention_grants")):
        values[(name, "city")] = city[code].copy()
    values[("x_reuse_rate", "city")] = np.minimum(100 * city["solid_waste_reused"] / city["solid_waste_generated"], 100)
    values[("x_mean_population", "city")] = 0.998 * city["population_registered"]
    values[("x_mean_population", "district")] = 0.6 * values[("x_mean_population", "city")]
    return values
