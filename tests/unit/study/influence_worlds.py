"""A small warehouse whose spillover is real, and two regressions on it."""

import numpy as np
import pandas as pd
from study_tools import with_schemes

from dagster_project.study.settings import PanelSpec, PanelVariable
from tests.random_graph import random_knn_weights

KEYS = {"basis": "frozen_2012_2021", "index_code": "nqpf", "weight_scheme": "entropy_flat"}


def warehouse(n=40, years=range(2012, 2019)):
    """Frames as the pipeline reads them, of a country whose spillover is real."""
    rng, t = np.random.default_rng(11), len(years)
    w = random_knn_weights(n, 4, rng=np.random.default_rng(5))
    places = np.random.default_rng(5).random((n, 2))
    pr = 0.4 + 0.1 * rng.normal(size=(n, 1)) + 0.05 * rng.normal(size=(n, t))
    y = np.linalg.solve(np.eye(n) - 0.3 * w, 0.5 * pr + 0.4 * w @ pr + 0.02 * rng.normal(size=(n, t)))
    cities = [f"c{i:02d}" for i in range(n)]
    index = {"city_id": np.repeat(cities, t), "year": np.tile(list(years), n)}
    scores = [
        pd.DataFrame({**index, **KEYS, "index_code": code, "score": values.ravel(), "share_imputed_weight": 0.0})
        for code, values in (("nqpf", y), ("pr", pr))
    ]
    names = {"core": "core", "cluster": "cluster", "east_vs_cw": "east"}
    groups = {scheme: [name, *["other"] * 3] * (n // 4) for scheme, name in names.items()}
    d = pd.DataFrame({**index, "basis": KEYS["basis"], "index_code": "nqpf", "d": rng.uniform(size=n * t)})
    city = pd.DataFrame({"city_id": cities, "province_code": ["10", "20"] * (n // 2), "admin_tier": "prefecture"})
    made = {
        "scores": pd.concat(scores),
        "indicators": pd.DataFrame(columns=["indicator_code", "city_id", "year", "value"]),
        "city": city.assign(centroid_lon=110 + 5 * places[:, 0], centroid_lat=30 + 5 * places[:, 1]),
        "groups": pd.DataFrame({"city_id": cities, **groups}).melt("city_id", None, "scheme", "group_code"),
        "neighbours": pd.DataFrame({"city_id_a": [], "city_id_b": []}),
        "breaks": pd.DataFrame(columns=["index_code", "indicator_code", "year", "is_bridged"]),
        "mass": pd.DataFrame({"city_id": cities, "value": 1.0}),
        "pilot": pd.DataFrame(columns=["policy_code", "city_id", "start_year"]),
        "synergy_year": d,
        "synergy": d.drop_duplicates("city_id"),
    }
    return with_schemes(made)


def specs():
    score = {"source": "score", "unit": "points", "scale": 100.0, "weight_scheme": KEYS["weight_scheme"]}
    y, x = PanelVariable("nqpf", code="nqpf", **score), PanelVariable("pr", code="pr", **score)
    common = {"y": y, "x": (x,), "controls": ()}
    return [
        PanelSpec("head", "headline", w_code="knn6_row", is_headline=True, **common),
        PanelSpec("far", "variant", w_code="knn10_row", variant_of="head", change="W: 10 nearest", **common),
    ]
