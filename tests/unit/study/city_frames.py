"""A small made-up country as the warehouse hands it to the table builders."""

import numpy as np
import pandas as pd
from study_tools import with_schemes


def frames(n: int = 40, years: int = 8, base_years: int = 6) -> dict[str, pd.DataFrame]:
    """Scores of n cities that persist and drift upwards, with places, groups, neighbours and mass."""
    rng = np.random.default_rng(4)
    city, place = [f"CN{110000 + 100 * i}" for i in range(n)], np.arange(n)
    lon, lat = rng.uniform(100, 120, n), rng.uniform(25, 40, n)
    level = 0.06 * (lon[:, None] - 110) + 0.3 * rng.standard_normal((n, 1))
    y = 0.3 * np.exp(level + 0.03 * np.arange(years) + 0.08 * rng.standard_normal((n, years)).cumsum(axis=1))
    scores = pd.DataFrame({"city_id": np.repeat(city, years), "year": np.tile(2012 + np.arange(years), n)})
    scores = scores.assign(
        index_code="nqpf",
        basis="frozen_2012_2017",
        weight_scheme="entropy_flat",
        score=y.ravel(),
        share_imputed_weight=np.where(rng.random(n * years) < 0.1, 0.2, 0.0),
        in_base=scores["year"] < 2012 + base_years,
    )
    places = pd.DataFrame({"city_id": city, "city_code": [c[2:] for c in city], "admin_tier": "prefecture_city"})
    places["province_code"] = [f"{11 + i % 5}0000" for i in range(n)]
    groups = {
        "core": np.where(place % 4, "periphery", "core"),
        "four_region": np.where(lon > 110, "east", "west"),
        "cluster19": np.where(place % 3, "no_cluster", "delta"),
    }
    order = np.argsort(lon)[:-1]  # the easternmost city has no neighbour
    made = {
        "scores": scores,
        "city": places.assign(centroid_lon=lon, centroid_lat=lat),
        "groups": pd.DataFrame({"city_id": city, **groups}).melt("city_id", None, "scheme", "group_code"),
        "neighbours": pd.DataFrame({"city_id_a": np.array(city)[order[:-1]], "city_id_b": np.array(city)[order[1:]]}),
        "mass": pd.DataFrame({"city_id": city, "value": rng.lognormal(10, 0.4, n)}),
    }
    return with_schemes(made)
