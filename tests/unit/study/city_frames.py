"""A small made-up country as the warehouse hands it to the table builders."""

import numpy as np
import pandas as pd
from study_tools import with_schemes

NO_CLUSTER = "no_cluster"


def frames(n: int = 40, years: int = 8, base_years: int = 6) -> dict[str, pd.DataFrame]:
    """Scores of n cities that persist and drift upwards, with places, groups, neighbours and mass."""
    rng = np.random.default_rng(4)
    city = [f"CN{110000 + 100 * i}" for i in range(n)]
    lon, lat = rng.uniform(100, 120, n), rng.uniform(25, 40, n)
    level = 0.06 * (lon[:, None] - 110) + 0.3 * rng.standard_normal((n, 1))
    y = 0.3 * np.exp(level + 0.03 * np.arange(years) + 0.08 * rng.standard_normal((n, years)).cumsum(axis=1))
    labels = np.arange(2012, 2012 + years)
    scores = pd.DataFrame(
        {
            "index_code": "nqpf",
            "basis": "frozen_2012_2017",
            "weight_scheme": "entropy_flat",
            "city_id": np.repeat(city, years),
            "year": np.tile(labels, n),
            "score": y.ravel(),
            "share_imputed_weight": np.where(rng.random(n * years) < 0.1, 0.2, 0.0),
            "in_base": np.tile(labels < 2012 + base_years, n),
        }
    )
    places = pd.DataFrame(
        {
            "city_id": city,
            "city_code": [c[2:] for c in city],
            "province_code": [f"{11 + i % 5}0000" for i in range(n)],
            "admin_tier": "prefecture_city",
            "centroid_lon": lon,
            "centroid_lat": lat,
        }
    )
    place = np.arange(n)
    groups = pd.concat(
        [
            pd.DataFrame({"city_id": city, "scheme": "core", "group_code": np.where(place % 4, "periphery", "core")}),
            pd.DataFrame({"city_id": city, "scheme": "four_region", "group_code": np.where(lon > 110, "east", "west")}),
            pd.DataFrame(
                {"city_id": city, "scheme": "cluster19", "group_code": np.where(place % 3, NO_CLUSTER, "delta")}
            ),
        ]
    )
    order = np.argsort(lon)[:-1]  # the easternmost city has no neighbour
    neighbours = pd.DataFrame({"city_id_a": [city[i] for i in order[:-1]], "city_id_b": [city[i] for i in order[1:]]})
    mass = pd.DataFrame({"city_id": city, "value": rng.lognormal(10, 0.4, n)})
    made = {"scores": scores, "city": places, "groups": groups, "neighbours": neighbours, "mass": mass}
    return with_schemes(made)
