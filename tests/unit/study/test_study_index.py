"""Index and measurement tables on the panel of the SYNTHETIC country: a year is appended, everything is explained."""

import duckdb
import numpy as np
import pandas as pd
import pytest
from study_tools import SEEDS, lacking, settings

from dagster_project.demo.country import DEFAULT_SEED, HORIZON, draw_country, read_geography
from dagster_project.demo.figures import draw_indicators, standardised_sides
from dagster_project.paths import demo_paths
from dagster_project.study import index, measurement
from dagster_project.study.index import TABLES
from dagster_project.study.settings import RESTATED, read_index_specs, spec_frame
from python_models.simulation import Truth

FROZEN = "frozen_2012_2021"
WEIGHTING = pd.read_csv(SEEDS / "weight_scheme.csv")
HEADLINE = "entropy_flat"
SIZES = {"draws": 60, "resamples": 60}
CITIES = 80
KEYS = ["index_code", "weight_scheme", "city_id", "year"]


@pytest.fixture(scope="module")
def country():
    paths = demo_paths()
    geography = read_geography(paths.seeds)
    streams = [np.random.default_rng(s) for s in np.random.SeedSequence(DEFAULT_SEED).spawn(2)]
    drawn = draw_country(geography, Truth(), streams[0])
    return drawn, draw_indicators(standardised_sides(drawn), streams[1])


@pytest.fixture(scope="module")
def frames_until(country):
    """frames_until(year): what the index asset reads when the last landed year is `year`."""
    drawn, values = country
    paths = demo_paths()
    spec = spec_frame([s for s in read_index_specs(paths.index_specs) if s.index_code == "nqpf"])
    spec = spec[spec["indicator_code"].isin(values)].reset_index(drop=True)
    spec = spec.merge(WEIGHTING[["weight_scheme", "method"]], on="weight_scheme", how="left")
    cities, latent = [f"CN{i:06d}" for i in range(CITIES)], drawn.nqpf_new + drawn.nqpf_quality

    def make(last: int) -> dict[str, pd.DataFrame]:
        years = [y for y in HORIZON if y <= last]
        keys = pd.DataFrame({"city_id": np.repeat(cities, len(years)), "year": np.tile(years, CITIES)})
        rng, parts = np.random.default_rng(3), []
        for code in spec["indicator_code"]:
            marked = rng.random((CITIES, len(HORIZON))) < 0.02
            figures = {"value": values[code], "is_imputed": marked}
            own = {name: array[:CITIES, : len(years)].ravel() for name, array in figures.items()}
            parts.append(keys.assign(index_code="nqpf", indicator_code=code, **own))
        outside = keys.assign(external_code="latent_nqpf", value=latent[:CITIES, : len(years)].ravel())
        return {
            "panel": pd.concat(parts, ignore_index=True),
            "spec": spec,
            "indicator": pd.read_csv(paths.seeds / "indicator.csv"),
            "outside": outside,
            "measure": measures(outside),
            "size": keys.assign(variable_code="population", value=1.0 + np.arange(len(keys)) % 3),
            "province": pd.DataFrame({"city_id": cities, "province_code": [province(city) for city in cities]}),
            "judged": pd.DataFrame({"index_code": ["nqpf"], "is_computed": [True]}),
            "weighting": WEIGHTING,
            "context": pd.DataFrame({"data_vintage": [f"{last}A"]}),
            "previous": pd.DataFrame(),
        }

    return make


def put_together(frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    parts = list(index.build(frames, settings()))
    return {table: pd.concat([part[table] for part in parts], ignore_index=True) for table in TABLES}


def province(city: str) -> str:
    return f"p{int(city[2:]) // 4}"


def measures(latent: pd.DataFrame) -> pd.DataFrame:
    """Lights of cities, and what others say of provinces."""
    lights = latent.assign(external_code="lights", is_of_provinces=False)
    others = latent.assign(city_id=latent["city_id"].map(province), external_code="others", is_of_provinces=True)
    others = others.groupby(["external_code", "is_of_provinces", "city_id", "year"], as_index=False)["value"].mean()
    return pd.concat([lights, others]).rename(columns={"city_id": "unit_id"})


@pytest.fixture(scope="module")
def built(frames_until):
    """built[year]: input frames, index tables, measurement tables."""
    result = {}
    for year in (2021, 2022):
        frames = frames_until(year)
        tables = put_together(frames)
        inputs = {**frames, **{name: tables[f"index_{name}"] for name in ("bounds", "weight", "score", "value")}}
        for name in ("weight", "score"):  # as the queries give them
            inputs[name] = inputs[name].assign(is_headline=inputs[name]["weight_scheme"] == HEADLINE)
        result[year] = inputs, tables, measurement.build(inputs, settings(measurement=SIZES))
    return result


def of(frame, basis, scheme=HEADLINE):
    return frame[(frame["basis"] == basis) & (frame["weight_scheme"] == scheme)]


def test_a_provisional_figure_is_scored_and_marked_but_shapes_no_bound_or_weight(frames_until):
    frames = frames_until(2021)
    panel = frames["panel"]
    one = (panel["city_id"] == "CN000000") & (panel["year"] == 2021)
    far = panel.assign(is_provisional=one, value=panel["value"].where(~one, 1e6))
    usual, with_far = (put_together({**frames, "panel": cells}) for cells in (panel.assign(is_provisional=one), far))
    for table in ("index_bounds", "index_weight"):
        pd.testing.assert_frame_equal(usual[table], with_far[table])
    scores = of(with_far["index_score"], RESTATED).query("index_code == 'nqpf'").set_index(["city_id", "year"])
    assert scores.index[scores["is_provisional"]].tolist() == [("CN000000", 2021)]
    assert scores["score"].notna().all()


def test_restated_scores_move_with_a_new_year_alone_and_the_bridge_explains_each_move(built):
    before, after = (of(built[year][1]["index_score"], RESTATED) for year in (2021, 2022))
    composite = [f[f["index_code"] == "nqpf"].set_index(["city_id", "year"])["score"] for f in (before, after)]
    moved = (composite[1] - composite[0]).dropna()
    assert len(moved) == CITIES * 10
    assert (moved.abs() > 1e-9).mean() > 0.99

    bridge = built[2022][2]["index_restatement"].set_index(["city_id", "year"])
    parts = bridge[["part_revision", "part_bounds", "part_weights", "part_method"]]
    np.testing.assert_allclose(parts.sum(axis=1), bridge["total_change"], rtol=0, atol=1e-12)
    # before 2022 both bases had one window, so the old restated score is the frozen one: the bridge is the whole move
    np.testing.assert_allclose(bridge.loc[moved.index, "total_change"], moved, rtol=0, atol=1e-12)
    assert (bridge["part_bounds"].abs() > 0).any()
    assert (bridge["part_weights"].abs() > 0).all()
    assert (bridge["part_revision"] == 0).all()
    assert len(bridge) == CITIES * 11
    assert (built[2021][2]["index_restatement"]["total_change"] == 0).all()


def test_tables_are_those_that_are_announced_without_a_hole_and_empty_without_an_index(built):
    tables = built[2022][2]
    assert set(tables) == set(measurement.TABLES)
    assert lacking({**tables, **built[2022][1]}) == {}
    for name, frame in tables.items():
        assert len(frame), name
        # rho = 1; a city that never moves
        may_be_empty = ["spearman_low", "spearman_high", "sobol_first", "sobol_total"]
        if name == "index_audit":  # what is told without a limit; alpha of a single indicator
            may_be_empty += ["value", "reference", "limit_good", "limit_bad"]
        assert not frame.drop(columns=may_be_empty, errors="ignore").isna().to_numpy().any(), name
    inputs, _, _ = built[2021]
    empty = {**inputs, "bounds": inputs["bounds"].iloc[:0]}
    tables = measurement.build(empty, settings(measurement=SIZES))
    assert set(tables) == set(measurement.TABLES)
    assert all(frame.empty for frame in tables.values())


def test_the_interval_is_about_the_published_place_and_the_index_ranks_like_the_latent_truth(built):
    _, made, tables = built[2022]
    score = of(made["index_score"], FROZEN).query("index_code == 'nqpf'")
    both = tables["index_uncertainty"].query("basis == @FROZEN").merge(score, on=["city_id", "year"])
    assert (both["rank_year_x"] == both["rank_year_y"]).all()
    inside = (both["rank_p05"] <= both["rank_year_x"]) & (both["rank_year_x"] <= both["rank_p95"])
    assert inside.mean() > 0.8
    validity = built[2022][2]["index_validity"].query("basis == @FROZEN")
    assert set(validity["year"]) == set(range(2012, 2023))
    assert (validity["spearman"] > 0.9).all()
    assert (validity.query("external_code == 'latent_nqpf'")["spearman"] > 0.95).all()
    assert set(validity["external_code"]) == {"latent_nqpf", "lights", "others_population"}


def test_a_measure_of_provinces_is_held_against_the_weighted_mean_of_their_cities(built):
    inputs, tables, measured = built[2021]
    score = of(tables["index_score"], FROZEN).query("index_code == 'nqpf' and year == 2015")
    score = score.merge(inputs["size"], on=["city_id", "year"]).assign(province=lambda f: f["city_id"].map(province))
    mean = score.groupby("province").apply(lambda f: np.average(f["score"], weights=f["value"]))
    theirs = inputs["measure"].query("external_code == 'others' and year == 2015").set_index("unit_id")["value"]
    row = measured["index_validity"].query("basis == @FROZEN and external_code == 'others_population' and year == 2015")
    assert row["pearson"].item() == pytest.approx(np.corrcoef(mean, theirs[mean.index])[0, 1], abs=1e-12)
    assert row["n_obs"].item() == CITIES // 4


def test_dropping_an_indicator_is_the_index_without_it(built, frames_until):
    frames = frames_until(2021)
    without = {k: f[f["indicator_code"] != "q1_invpat"] if k in ("panel", "spec") else f for k, f in frames.items()}
    reduced = of(put_together(without)["index_score"], FROZEN).query("index_code == 'nqpf' and year == 2021")
    whole = of(built[2021][1]["index_score"], FROZEN).query("index_code == 'nqpf' and year == 2021")
    both = whole.merge(reduced, on="city_id")
    row = built[2021][2]["index_drop_one"].query("basis == @FROZEN and year == 2021 and indicator_code == 'q1_invpat'")
    assert row["spearman"].item() == pytest.approx(both["score_x"].corr(both["score_y"], method="spearman"), abs=1e-12)
    assert row["mean_abs_rank_shift"].item() == (both["rank_year_x"] - both["rank_year_y"]).abs().mean()


def test_a_part_is_one_index_on_one_basis_and_other_schemes_are_for_headlines_only(built, frames_until):
    """What is held at once does not grow with the number of indexes."""
    keys = [
        tuple(part["index_value"][["index_code", "basis"]].drop_duplicates().itertuples(index=False))
        for part in index.build(frames_until(2021), settings())
    ]
    assert [len(pairs) for pairs in keys] == [1, 1]
    assert len(set(keys)) == 2
    assert not built[2021][1]["index_score"].duplicated([*KEYS, "basis"]).any()
    frames = frames_until(2021)
    variant = {**frames, "spec": frames["spec"].assign(variant_of="nqpf_other")}
    assert set(put_together(variant)["index_score"]["weight_scheme"]) == {HEADLINE, "equal"}


def test_entropy_weights_computed_in_sql_agree(built):
    _, made, _ = built[2022]
    with duckdb.connect() as con:
        con.register("value", made["index_value"])
        con.register("bounds", made["index_bounds"])
        text = (demo_paths().dbt_project / "analyses" / "entropy_weights.sql").read_text(encoding="utf-8")
        for mart, name in (("mart.mart_indicator_value", "value"), ("mart.mart_index_bounds", "bounds")):
            text = text.replace(mart, name)
        weights = con.execute(text).df()
    mine = made["index_weight"].query("weight_scheme == @HEADLINE")
    both = mine.merge(weights, on=["index_code", "basis", "indicator_code"], how="outer", suffixes=("", "_sql"))
    assert len(both) == len(mine)
    np.testing.assert_allclose(both["weight_sql"], both["weight"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(both["entropy_sql"], both["entropy"], rtol=0, atol=1e-9)


def test_build_without_a_computable_index_says_which_and_why(frames_until):
    frames = frames_until(2021)
    judged = frames["judged"].assign(is_computed=False, skip_reason="only 3 cities are complete, 200 are needed")
    variant = judged.assign(index_code="nqpf_variant", skip_reason=None)
    both = frames | {"judged": pd.concat([variant, judged], ignore_index=True)}
    with pytest.raises(ValueError, match=r"no headline index can be computed\. nqpf: only 3 cities are complete"):
        index.build(both, settings())
