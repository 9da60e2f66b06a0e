"""The roster of the demo, its map, and the latent panel drawn on it.

The whole roster and every year of `HORIZON` are always drawn, then cut to what was asked for: a city or a
year has the same values in a small demo and in a full one, and next year's files do not change the old
ones.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from python_models._types import FloatArray
from python_models.simulation import SimulatedCountry, Truth, contiguity_weights, near_weights, simulate_country


@cache
def rows_of(name: str) -> list[dict[str, str]]:
    """Rows of a csv file beside this module."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def words(text: str) -> tuple[str, ...]:
    """The words of a text: a long list of names reads better than a column of them."""
    return tuple(text.split())


DEFAULT_SEED = 20211231
HORIZON = tuple(range(2012, 2026))
KM_PER_DEGREE = 111.2
BASE_YEARS = 10  # of HORIZON: the window that sets the scale of the latents
TIBET = "540000"
RECODED_LATE = ("CN630200", "CN650400", "CN650500")  # were 地区 when the window opens

# the order in which cities join a small demo: both parts of the merge, one transfer, core and periphery
SMALL_ROSTER = words(
    "CN110000 CN120000 CN370100 CN341500 CN340400 CN340100 CN130100 CN340200 CN370900 CN131000 CN130900 CN341100"
)


@dataclass(frozen=True)
class Transfer:
    """A county that moved: `first_year` is the first statistical year printed on the new boundary.

    share_population, share_gdp: the county's part of the old city's printed figure.
    """

    county_id: str
    old_city: str
    new_city: str
    first_year: int
    share_population: float
    share_gdp: float


TRANSFERS = (
    Transfer("CN340422", "CN341500", "CN340400", 2016, 0.20, 0.17),
    Transfer("CN340722", "CN340800", "CN340700", 2016, 0.16, 0.13),
    Transfer("CN510185", "CN512000", "CN510100", 2016, 0.24, 0.27),
    Transfer("CN220184", "CN220300", "CN220100", 2020, 0.26, 0.30),
)
MERGED_CITY, MERGED_INTO, MERGED_FIRST_YEAR = "CN371200", "CN370100", 2019


@dataclass(frozen=True)
class Geography:
    """Facts from the seeds: rows of all places by id; the roster in `city_id` order, its groups, graph, plane in km."""

    units: dict[str, dict[str, Any]]
    roster: tuple[str, ...]
    is_core: FloatArray
    is_cluster: FloatArray
    is_east: FloatArray
    province: tuple[str, ...]
    weights: FloatArray
    plane: FloatArray


@dataclass(frozen=True)
class DemoTruth:
    """What the generator knows and the pipeline does not.

    latent: city_id, year, nqpf, nqpf_new, nqpf_quality, pr; parameters: name, value; effects: name, value, of the
    drawn multiplier; indicator: city_id, year, indicator_code, value in sound files; faults: one row per planted fault;
    slips: `slips.COLUMNS`; raw: city_id, year, variable_code, value on the base boundary, before any damage; synergy:
    city_id, synergy.
    """

    latent: pd.DataFrame
    parameters: pd.DataFrame
    effects: pd.DataFrame
    indicator: pd.DataFrame
    faults: pd.DataFrame
    slips: pd.DataFrame
    raw: pd.DataFrame
    synergy: pd.DataFrame


def read_geography(seeds: Path) -> Geography:
    """Read city.csv, city_group.csv and city_neighbour.csv from the seed folder."""
    units = pd.read_csv(seeds / "city.csv", dtype=str).set_index("city_id", drop=False)
    groups = pd.read_csv(seeds / "city_group.csv", dtype=str)
    pairs = pd.read_csv(seeds / "city_neighbour.csv", dtype=str)
    roster = _roster(units)
    position = {city_id: i for i, city_id in enumerate(roster)}
    edges = [
        (position[a], position[b])
        for a, b in zip(pairs["city_id_a"], pairs["city_id_b"], strict=True)
        if a in position and b in position
    ]
    rows = units.loc[list(roster)]
    coordinates = rows[["centroid_lon", "centroid_lat"]].astype(float).to_numpy()

    def member(scheme: str, code: str) -> FloatArray:
        members = groups[(groups["scheme"] == scheme) & (groups["group_code"] == code)]["city_id"]
        return np.isin(roster, members.to_numpy()).astype(float)

    return Geography(
        units={str(row["city_id"]): dict(row) for _, row in units.iterrows()},
        roster=roster,
        is_core=member("core", "core"),
        is_cluster=member("cluster", "cluster"),
        is_east=member("four_region", "east"),
        province=tuple(rows["province_code"]),
        weights=contiguity_weights(len(roster), edges, coordinates),
        plane=KM_PER_DEGREE * coordinates * [np.cos(np.radians(coordinates[:, 1].mean())), 1.0],
    )


def _roster(units: pd.DataFrame) -> tuple[str, ...]:
    """Cities (市) of prefecture level that exist in every year, without Tibet: about 286."""
    first = pd.to_numeric(units["valid_from"]).fillna(0)
    last = pd.to_numeric(units["valid_to"]).fillna(9999)
    lasting = (first < HORIZON[0]) & (last >= HORIZON[BASE_YEARS - 1])
    is_city = (units["level"] == "city") & units["name_zh"].str.endswith("市") & (units["province_code"] != TIBET)
    return tuple(c for c in sorted(units.index[lasting & is_city]) if c not in RECODED_LATE)


def choose_cities(geography: Geography, cities: Iterable[str] | int | None) -> tuple[str, ...]:
    """The asked cities in roster order: None = all, a number = that many, small roster first, or city ids."""
    if cities is None:
        return geography.roster
    if isinstance(cities, int):
        order = [*SMALL_ROSTER, *(c for c in geography.roster if c not in SMALL_ROSTER)]
        selection = set(order[:cities])
    else:
        selection = set(cities)
    unknown = sorted(selection - set(geography.roster))
    if unknown:
        raise ValueError(f"{unknown[0]} is not a city of the demo: take ids of city.csv such as CN110000.")
    return tuple(c for c in geography.roster if c in selection)


def check_years(years: Iterable[int]) -> tuple[int, ...]:
    """The asked years in order, without holes and inside HORIZON."""
    in_order = tuple(sorted(set(years)))
    if not in_order or in_order[0] < HORIZON[0] or in_order[-1] > HORIZON[-1]:
        raise ValueError(f"the demo knows the years {HORIZON[0]} to {HORIZON[-1]}, asked for {list(in_order)}.")
    if len(in_order) != in_order[-1] - in_order[0] + 1:
        raise ValueError(f"the demo years must follow each other, got {list(in_order)}.")
    return in_order


def draw_country(geography: Geography, truth: Truth, rng: np.random.Generator) -> SimulatedCountry:
    """The latent panel on the whole roster and HORIZON; its W is near contiguity, and no candidate of the study."""
    return simulate_country(
        near_weights(geography.weights, geography.plane, truth),
        is_core=geography.is_core,
        is_cluster=geography.is_cluster,
        is_east=geography.is_east,
        province=geography.province,
        n_years=len(HORIZON),
        truth=truth,
        rng=rng,
    )
