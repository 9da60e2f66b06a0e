"""Frames of a small country for the policy tables: 18 cities in 3 provinces, 6 years, all tables of estimates."""

import numpy as np
import pandas as pd
from study_tools import with_schemes
from text_table import frame_of

N, YEARS = 18, (2012, 2013, 2014, 2015, 2016, 2017)
CITIES = [f"CN{100000 + i}" for i in range(N)]
KEYS = {"basis": "frozen_2012_2021", "index_code": "nqpf"}
FORCES, RELATIONS = [f"n{k}" for k in range(5)], [f"p{k}" for k in range(4)]


def weights() -> pd.DataFrame:
    rows = [("nqpf", code, 1 / 5) for code in FORCES] + [("pr", code, 1 / 4) for code in RELATIONS]
    return pd.DataFrame(rows, columns=["index_code", "indicator_code", "weight"]).assign(basis=KEYS["basis"])


def values(years=YEARS) -> pd.DataFrame:
    """z of both indexes; each year has its own generator, so that more years leave the old ones as they are."""
    level = np.random.default_rng(0).uniform(0.1, 0.7, size=(N, 2))
    rows = []
    for year in years:
        rng = np.random.default_rng([1, year])
        for side, (code, names) in enumerate((("nqpf", FORCES), ("pr", RELATIONS))):
            z = np.clip(level[:, [side]] + 0.02 * (year - 2012) + rng.normal(0, 0.1, size=(N, len(names))), 0, 1)
            rows += [(code, city, year, name, z[i, k]) for i, city in enumerate(CITIES) for k, name in enumerate(names)]
    table = pd.DataFrame(rows, columns=["index_code", "city_id", "year", "indicator_code", "z"])
    return table.assign(basis=KEYS["basis"])


def scores(z: pd.DataFrame, base=YEARS) -> pd.DataFrame:
    mean = z.groupby(["index_code", "city_id", "year"])["z"].mean().unstack("index_code").reset_index()
    inside = mean["year"].isin(base)

    def scaled(x):
        low, high = x[inside].min(), x[inside].max()
        return ((x - low) / (high - low) * 0.98 + 0.01).clip(0, 1)

    a, b = scaled(mean["nqpf"]), scaled(mean["pr"])
    c = np.sqrt((1 - (a - b).abs()) * np.minimum(a, b) / np.maximum(a, b))
    found = mean[["city_id", "year"]].assign(u=mean["nqpf"], p=mean["pr"], d=np.sqrt(c * (a + b) / 2), in_base=inside)
    return found.assign(**KEYS, relations_code="pr", weight_scheme="entropy_flat", pr_lagging=(a - b > 0.1) * 1.0)


# estimates of the whole country: one row each
THRESHOLDS = frame_of("""
kind             n_threshold  gamma  ci_lo  ci_hi  p_boot
spatial_emitter            1   0.45   0.42    0.5    0.01
hansen                     1    0.6    0.5    0.7     0.0
""")
BARRIERS = frame_of("""
ring_id  barrier_index   lo   hi
all                0.8  0.6  1.0
joint              0.5  0.3  0.9
""")
BLOCKS = frame_of("""
emitter  receiver  effect  per_link
c        c           0.02      0.14
c        p           0.60      0.13
p        c           0.05      0.08
p        p           0.05      0.01
""")
BOUNDARY = frame_of("""
step_km  boundary_km  half_distance_km
100            300.0                 -
""")
ASYMMETRY = {"asymmetry_index": 0.8, "asymmetry_lo": 0.7, "asymmetry_hi": 0.9, "n_obs": 108}
NETWORK = {"density_lo": 0.1, "density_hi": 0.2, "reciprocity": 0.7, "reciprocity_lo": 0.6, "reciprocity_hi": 0.8}
NETWORK |= {"cross_province_share": 0.5, "cross_province_lo": 0.4, "cross_province_hi": 0.6, "centre_reach_share": 1.0}
FEATURES = frame_of("""
code              low   high
population        1e6   9e6
gdp_nom           5e10  9e11
secondary_share   20    60
tertiary_share    20    40
""")


def blocks() -> pd.DataFrame:
    """Effects with bounds 0.02 beside them, links with 0.05."""
    link, effect = BLOCKS["per_link"], BLOCKS["effect"]
    found = BLOCKS.drop(columns="effect").assign(**KEYS, **ASYMMETRY, per_link_lo=link - 0.05, per_link_hi=link + 0.05)
    for side, estimate in (("e", "e_per_emitter"), ("r", "r_per_receiver")):
        found = found.assign(**{estimate: effect, f"{side}_lo": effect - 0.02, f"{side}_hi": effect + 0.02})
    return found


def frames(years=YEARS, base=YEARS) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    z, place, year = values(years), np.arange(N), pd.DataFrame({**KEYS, "year": years})
    city = pd.DataFrame({"city_id": CITIES, "province_code": (place // 6).astype(str)})
    city = city.assign(centroid_lon=110 + place % 6 * 1.5, centroid_lat=30 + place // 6 * 1.5)
    degree = pd.DataFrame({**KEYS, "city_id": CITIES, "out_degree": place % 5})
    pairs = [(CITIES[i], CITIES[i + 1]) for i in range(N - 1)] + [(CITIES[i], CITIES[i + 6]) for i in range(N - 6)]
    groups = {
        "core": ["core" if i % 6 == 0 else "periphery" for i in place],
        "cluster19": [("one", "two", "no_cluster")[i % 3] for i in place],
        "four_region": [("east", "west")[i // 9] for i in place],
    }
    feature = [
        (code, city, y, level * (1 + 0.01 * (y - 2012)))
        for code, low, high in FEATURES.itertuples(index=False)
        for city, level in zip(CITIES, rng.uniform(low, high, N), strict=True)
        for y in years
    ]
    country = {
        "scores": scores(z, base),
        "values": z,
        "weights": weights(),
        "city": city,
        "groups": pd.DataFrame({"city_id": CITIES, **groups}).melt("city_id", None, "scheme", "group_code"),
        "neighbours": pd.DataFrame(pairs, columns=["city_id_a", "city_id_b"]),
        "features": pd.DataFrame(feature, columns=["variable_code", "city_id", "year", "value"]),
        "threshold": THRESHOLDS.assign(**KEYS),
        "barrier": BARRIERS.assign(**KEYS),
        "block": blocks(),
        "boundary": BOUNDARY.assign(**KEYS, n_obs=108),
        "segmentation": pd.DataFrame(
            [(c, y, rng.uniform(0.3, 2)) for c in CITIES for y in years], columns=["city_id", "year", "seg"]
        ),
        "segmentation_pair": pd.DataFrame(
            [(y, same, 20, 5e-5 if same else 6e-5) for y in years for same in (False, True)],
            columns=["year", "same_province", "n", "v"],
        ),
        "dagum": year.assign(share_nb=40.0, share_nb_lo=30.0, share_nb_hi=50.0, n_obs=N),
        "network": year.assign(**NETWORK, n_obs=N),
        "network_city": degree.merge(year[["year"]], how="cross"),
    }
    return with_schemes(country)
