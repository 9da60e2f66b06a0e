"""A small published file on disk: two indexes, a headline regression with its data and W, ten cities with twins."""

from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from promised_marts import create
from text_table import words

from python_models.regression import SpatialPanel
from python_models.space import build_weights, to_sparse

BASIS, YEARS = "frozen_2012_2016", list(range(2012, 2017))
CITIES = [f"CN{n:06d}" for n in range(10)]
NAMES_ZH = [f"{c}市" for c in "甲乙丙丁戊己庚辛壬癸"]
NAMES_EN = ["Jia", "Yi", "Bing", "Twin", "Twin", "Ji", "Geng", "Xin", "Ren", "Gui"]
KEYS = {"basis": BASIS, "index_code": "nqpf", "weight_scheme": "entropy_flat"}
TABLES = words("""
    mart_run_manifest dim_city dim_index dim_indicator dim_weight_scheme dim_weight_matrix mart_index_bounds
    mart_indicator_value mart_index_score mart_model_data mart_model_edge mart_spatial_weight_edge mart_panel_coef
    mart_panel_effect dim_model_spec mart_sample_city dim_vintage
""")
INDICATORS = {"nqpf": ("a1", "b1", "b2"), "pr": ("p1", "b2")}


def figures() -> pd.DataFrame:
    rng = np.random.default_rng(11)
    rows = pd.MultiIndex.from_product([CITIES, YEARS], names=["city_id", "year"])
    codes = sorted({code for of in INDICATORS.values() for code in of})
    return pd.DataFrame(rng.uniform(1, 9, (len(rows), len(codes))), rows, codes)


def make_world(file: Path) -> pd.DataFrame:
    own = figures()
    with duckdb.connect(str(file)) as con:
        con.execute("create schema mart; create schema easy")
        for table in TABLES:
            con.execute(create(table))
        con.execute("create table easy.city_variable (variable_code varchar, city_id varchar, year int, value double)")
        _dimensions(con)
        _scores(con, own)
        _regression(con, own)
    return own


def put(con: duckdb.DuckDBPyConnection, table: str, frame: pd.DataFrame, **same: object) -> None:
    frame = frame.assign(**same)
    con.register("incoming", frame)
    con.execute(f"insert into mart.{table} by name select * from incoming")
    con.unregister("incoming")


def _dimensions(con: duckdb.DuckDBPyConnection) -> None:
    run = {"release": "R1", "data_vintage": "2016A", "method_version": "m1", "is_synthetic": True}
    put(con, "mart_run_manifest", pd.DataFrame([run]), started_at=pd.Timestamp("2026-11-24 08:00"))
    places = pd.DataFrame({"city_id": CITIES, "city_code": [c[2:] for c in CITIES], "name_zh": NAMES_ZH})
    points = {"centroid_lon": [110.0 + n % 4 for n in range(10)], "centroid_lat": [30.0 + n // 4 for n in range(10)]}
    put(con, "dim_city", places, name_en=NAMES_EN, province_name="省", boundary_vintage=2021, **points)
    facts = {"is_computed": True, "weight_scheme": "entropy_flat", "variant_of": None}
    put(con, "dim_index", pd.DataFrame({"index_code": ["nqpf", "pr"], "n_indicator": [3, 2]}), **facts)
    for index, codes in INDICATORS.items():
        frame = pd.DataFrame({"indicator_code": codes, "dimension": [code[0] for code in codes]})
        direction = [-1 if code == "b2" else 1 for code in codes]
        put(con, "dim_indicator", frame, index_code=index, direction=direction, transform="none", name_en="x")
    window = pd.DataFrame({"window_start": [2012], "window_end": [2016]})
    put(con, "mart_index_bounds", window, basis=BASIS, index_code="nqpf")
    matrices = {"w_code": ["queen_row", "knn2_row", "econ_row"], "kind": ["queen", "knn", "econ"]}
    put(con, "dim_weight_matrix", pd.DataFrame(matrices), params_json=["{}", '{"k": 2}', "{}"], normalisation="row")


def _scores(con: duckdb.DuckDBPyConnection, own: pd.DataFrame) -> None:
    for index, codes in INDICATORS.items():
        long = own[list(codes)].reset_index().melt(["city_id", "year"], None, "indicator_code", "value_raw")
        put(con, "mart_indicator_value", long, index_code=index, basis=BASIS)
        score = pd.DataFrame({"score": own[codes[0]] / 10, "score_100": 10 * own[codes[0]]}).reset_index()
        score["rank_year"] = score.groupby("year")["score"].rank(ascending=False).astype(int)
        put(con, "mart_index_score", score, **{**KEYS, "index_code": index})


def _regression(con: duckdb.DuckDBPyConnection, own: pd.DataFrame) -> None:
    points = con.execute("select city_id, centroid_lon, centroid_lat from mart.dim_city").df().set_index("city_id")
    graph = build_weights("knn", points=points, k=3)
    coo = to_sparse(graph).tocoo()
    links = pd.DataFrame({"i": np.array(CITIES)[coo.row], "j": np.array(CITIES)[coo.col], "w": coo.data})
    keys = {**KEYS, "model_id": "nqpf_sdm"}
    put(con, "mart_model_edge", links.rename(columns={"i": "city_i", "j": "city_j"}), **keys)
    both = links.drop(columns="w").rename(columns={"i": "city_id_receiver", "j": "city_id_emitter"})
    put(con, "mart_spatial_weight_edge", both, w_code="queen_row")
    y, x = 10 * own["a1"].rename("nqpf"), pd.DataFrame({"pr": 10 * own["p1"], "ln_b1": np.log(own["b1"])})
    for role, column in (("y", y), ("x", x["pr"]), ("control", x["ln_b1"])):
        put(
            con, "mart_model_data", column.rename("value").reset_index(), term=column.name, role=role, segment=0, **keys
        )
    coef = SpatialPanel(y, x, graph, model="sdm").fit().to_frame()[["term", "coef"]]
    put(con, "mart_panel_coef", coef, **keys)
    spec = {"model_id": ["nqpf_sdm"], "y_code": ["nqpf"], "is_headline": [True], "w_code": ["queen_row"]}
    more = {"fe": "twoways", "estimator": "lee_yu", "model_type": "sdm", "se_type": "cluster"}
    put(con, "dim_model_spec", pd.DataFrame(spec), x_codes=[["pr"]], **more)
