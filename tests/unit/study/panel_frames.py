"""Frames as the warehouse hands them to the panel tables, made from a simulated Durbin world."""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree
from study_tools import with_schemes

CONTROLS = {"p3_fdi": 3.0, "p3_finance": 1.0, "c_urban": 55.0, "c_density": 400.0, "c_road": 15.0, "c_secondary": 500.0}
TRUTH = {"rho": 0.35, "beta": 0.6, "theta": 0.3}


def panel_frames(n: int = 60, years: range = range(2012, 2019), seed: int = 1, k: int = 6) -> dict[str, pd.DataFrame]:
    """`nqpf` = SDM of `pr` over the contiguity of `neighbours`; the controls are noise around their level."""
    rng = np.random.default_rng(seed)
    t = len(years)
    cities = [f"CN{100000 + i}" for i in range(n)]
    points = rng.random((n, 2)) * [20.0, 15.0] + [100.0, 25.0]
    near = cKDTree(points).query(points, k=k // 2 + 1)[1][:, 1:]
    edges = sorted({tuple(sorted((i, int(j)))) for i in range(n) for j in near[i]})
    w = np.zeros((n, n))
    for i, j in edges:
        w[i, j] = w[j, i] = 1.0
    w /= w.sum(axis=1, keepdims=True)
    city_effect = rng.standard_normal((n, 1))
    pr = 0.4 + 0.05 * rng.standard_normal((n, t)) + 0.03 * city_effect
    mean = TRUTH["beta"] * pr + TRUTH["theta"] * w @ pr + 0.03 * city_effect + 0.01 * np.arange(t)
    mean = mean + 0.02 * rng.standard_normal((n, t)) - 0.1
    nqpf = np.linalg.solve(np.eye(n) - TRUTH["rho"] * w, mean)
    keys = {"city_id": np.repeat(cities, t), "year": np.tile(list(years), n)}
    imputed = {"share_imputed_weight": np.repeat(np.where(np.arange(n) % 10, 0.0, 0.2), t)}
    scores = [
        pd.DataFrame({**keys, **imputed, "score": values.ravel()}).assign(index_code=code)
        for code, values in (("nqpf", nqpf), ("pr", pr))
    ]
    indicators = [
        pd.DataFrame({**keys, "value": level * np.exp(0.1 * rng.standard_normal(n * t))}).assign(indicator_code=code)
        for code, level in CONTROLS.items()
    ]
    city = pd.DataFrame({"city_id": cities, "centroid_lon": points[:, 0], "centroid_lat": points[:, 1]})
    city["province_code"] = [f"{10 + i % 6}0000" for i in range(n)]
    city["admin_tier"] = ["municipality" if i < 2 else "prefecture" for i in range(n)]
    core = ["core" if i % 4 == 0 else "other" for i in range(n)]
    scored = pd.concat(scores, ignore_index=True).assign(basis="frozen_2012_2021", weight_scheme="entropy_flat")
    made = {
        "scores": scored,
        "indicators": pd.concat(indicators, ignore_index=True),
        "city": city,
        "groups": pd.DataFrame({"city_id": cities, "scheme": "core", "group_code": core}),
        "neighbours": pd.DataFrame([(cities[i], cities[j]) for i, j in edges], columns=["city_id_a", "city_id_b"]),
        "breaks": pd.DataFrame(columns=["index_code", "indicator_code", "year", "is_bridged"]),
        "contributions": pd.DataFrame(columns=["basis", "index_code", "indicator_code", "weight"]),
        "mass": pd.DataFrame({"city_id": cities, "value": np.exp(10 + 0.5 * rng.standard_normal(n))}),
    }
    return with_schemes(made)
