"""Tables of disparity and convergence on a small invented country with dated groups."""

import numpy as np
import pandas as pd
import pytest
from study_tools import lacking, settings, with_schemes

from dagster_project.study import convergence, disparity
from dagster_project.study.groups import Groups
from dagster_project.study.panels import score_panels, twins
from python_models.inequality import dagum, gini

CITIES = [f"CN{i:03d}" for i in range(48)]
YEARS = list(range(2012, 2020))


def country() -> dict[str, pd.DataFrame]:
    """48 cities in 12 provinces and 4 regions; 3 cores a region; the frozen and restated scores differ slightly."""
    rng, place = np.random.default_rng(1), np.arange(48)
    region, is_core = place // 12, place % 4 == 0
    level = 0.15 + 0.03 * (3 - region) + 0.06 * is_core
    score = level[:, None] * np.exp(0.05 * np.arange(8) + 0.1 * rng.normal(size=(48, 8)))
    keys = {"city_id": np.repeat(CITIES, 8), "year": np.tile(YEARS, 48)}
    every = pd.concat(
        [
            pd.DataFrame({**keys, "score": (score * factor * tilt).ravel(), "basis": basis, "weight_scheme": scheme})
            for basis, factor in (("frozen_2012_2021", 1.0), ("restated", 0.9))
            for scheme, tilt in (("entropy_flat", 1.0), ("equal", 1.1))
        ]
    ).assign(index_code="nqpf")
    every["is_frozen"] = every["basis"] != "restated"
    groups = {
        "four_region": np.array(["east", "central", "west", "northeast"])[region],
        "core": np.where(is_core, "core", "periphery"),
        "east_vs_cw": np.where(region == 0, "east", "central_west"),
    }
    dated = pd.DataFrame({"city_id": CITIES, **groups}).melt("city_id", None, "scheme", "group_code")
    city = pd.DataFrame({"city_id": CITIES, "province_code": [f"{i // 4:02d}" for i in place]})
    made = {
        "scores": every[every["weight_scheme"] == "entropy_flat"],
        "other_scores": every[every["weight_scheme"] == "equal"],
        "groups": dated.assign(valid_from=0, valid_to=None),
        "city": city.assign(admin_tier=np.where(place < 4, "municipality", "prefecture_city")),
        "population": pd.DataFrame({**keys, "population": np.repeat(1e6 * (1 + place % 5), 8)}),
        "neighbours": pd.DataFrame({"city_id_a": CITIES[:-1], "city_id_b": CITIES[1:]}),
    }
    return with_schemes(made)


FRAMES = country()


def disparities(frames, **sizes):
    return disparity.build(frames, settings(disparity={"bootstrap": 19, "trend": 99, **sizes}))


def movements(frames, **sizes):
    return convergence.build(frames, settings(convergence=sizes))


@pytest.fixture(scope="module")
def found():
    return disparities(FRAMES, bootstrap=99)


@pytest.fixture(scope="module")
def moving():
    return movements(FRAMES, bootstrap=19, draws=10)


def test_changes_are_those_of_the_summaries_and_spread_converges_only_in_level_and_log(found):
    one = found["disparity_change"].query("basis == 'restated'").set_index(["scheme", "measure"])
    summary = found["disparity_summary"].query("basis == 'restated' and scheme == 'all' and not weighted")
    ends = summary.set_index("year").loc[[summary["year"].min(), summary["year"].max()]]
    for measure in ("gini", "sd", "cv", "theil_t"):
        row = one.loc[("all", measure)]
        assert [row["value_first"], row["value_last"]] == pytest.approx(ends[measure].tolist(), abs=1e-12)
        assert row["lo"] <= row["hi"]
    assert set(one.loc["core"].index) >= {"gap", "gap_log", "dagum_between", "theil_t_within"}
    assert "gini" not in one.loc["core"].index
    trend = found["sigma_trend"]
    assert set(trend["measure"]) == {"sigma_log", "sd", "cv"}
    verdicts = trend.pivot(index=["basis", "index_code", "scheme", "group_code"], columns="measure", values="verdict")
    joint = trend.groupby(["basis", "index_code", "scheme", "group_code"])["joint"].first().reindex(verdicts.index)
    both = (verdicts["sigma_log"] == "convergence") & (verdicts["sd"] == "convergence")
    assert ((joint == "converges") == both).all()


def test_parts_sum_to_totals_and_the_one_between_groups_less_chance_is_below_the_plain_one(found):
    d, t = found["dagum_component"], found["theil_nested"]
    assert (d["g_w"] + d["g_nb"] + d["g_t"] - d["g_total"]).abs().max() < 1e-10
    assert (t["between_region"] + t["between_province"] + t["within_province"] - t["total"]).abs().max() < 1e-10
    assert set(d["scheme"]) == {"four_region", "core", "east_vs_cw", "province"}
    assert d["g_total_lo"].le(d["g_total_hi"]).all()
    limits = d.set_index("scheme")[["g_w_lo", "g_w_hi", "share_nb_lo", "share_t_hi"]].notna()
    assert not limits.loc["province"].any(axis=None)  # leaving out a group changes how many share what is inside
    assert limits.loc["core"].all(axis=None)
    parts = found["dagum_component"].query("scheme == 'core'")
    assert (parts["g_nb_corrected"] <= parts["g_nb"]).all()
    assert parts["p_equal_means"].between(0, 1).all()
    n = found["theil_nested"].groupby("sample")["n_obs"].first()
    assert n.to_dict() == {"all": 48, "no_municipality": 44}


def test_summaries_are_those_of_the_scores_and_weighted_ones_count_people(found):
    row = found["disparity_summary"].query("scheme == 'all' and year == 2015 and not weighted and basis == 'restated'")
    y = FRAMES["scores"].query("basis == 'restated' and year == 2015")["score"]
    assert row["gini"].item() == pytest.approx(gini(y), abs=1e-12)
    assert row["gini_unbiased"].item() == pytest.approx(gini(y) * 48 / 47, abs=1e-12)
    assert row["median"].item() == pytest.approx(y.median(), abs=1e-12)
    assert row["p90"].item() == pytest.approx(y.quantile(0.9), abs=1e-12)
    assert row["sd"].item() == pytest.approx(y.std(), abs=1e-12)
    row = found["disparity_summary"].query("scheme == 'all' and year == 2015 and weighted and basis == 'restated'")
    y = FRAMES["scores"].query("basis == 'restated' and year == 2015")
    people = FRAMES["population"].query("year == 2015").set_index("city_id")["population"].reindex(y["city_id"])
    assert row["gini"].item() == pytest.approx(gini(y.set_index("city_id")["score"], people), abs=1e-12)
    assert row["mean"].item() == pytest.approx(np.average(y["score"], weights=people), abs=1e-12)


def test_centre_comes_first_and_is_ahead(found):
    rows = found["group_gradient"].query("scheme == 'core' and measure == 'level'")
    assert set(rows["group_high"]) == {"core"}
    assert (rows["diff"] > 0).all()
    assert (rows["p_perm"] <= 0.05).all()
    growth = found["group_gradient"].query("scheme == 'core' and measure == 'growth'")
    assert growth["period"].unique().tolist() == ["2012-2019"]


def test_a_group_list_is_that_of_the_year_and_without_one_there_are_provinces():
    frames = dict(FRAMES)
    groups = FRAMES["groups"].copy()
    first = (groups["scheme"] == "core") & (groups["city_id"] == "CN001")
    groups.loc[first, "valid_to"] = 2014
    later = pd.DataFrame([["CN001", "core", "core", 2015, None]], columns=groups.columns)
    frames["groups"] = pd.concat([groups, later], ignore_index=True)
    found = disparities(frames)["dagum_within"]
    n = found.query("scheme == 'core' and group_code == 'core' and basis == 'restated'").set_index("year")["n_j"]
    assert (n[2014], n[2015]) == (12, 13)
    panel = score_panels(frames["scores"])[0]
    exact = dagum(panel.scores[:, 2], Groups.read(frames).of("core", panel.cities, 2014))
    row = found.query("scheme == 'core' and group_code == 'core' and basis == 'frozen_2012_2021' and year == 2014")
    assert row["g_jj"].item() == pytest.approx(exact.gini_within["core"], abs=1e-14)
    frames = {**FRAMES, "groups": FRAMES["groups"].iloc[:0]}
    found = disparities(frames)
    assert set(found["dagum_component"]["scheme"]) == {"province"}
    assert set(found["disparity_summary"]["scheme"]) == {"all"}


def test_scores_with_a_gap_or_a_negative_year_are_left_out_and_equal_bases_are_computed_once():
    scores = FRAMES["scores"].copy()
    scores.loc[(scores["city_id"] == "CN005") & (scores["year"] == 2013), "score"] = np.nan
    scores.loc[(scores["city_id"] == "CN007") & (scores["year"] == 2019), "score"] = -0.01
    panel = score_panels(scores)[0]
    assert "CN005" not in panel.cities
    assert panel.years == tuple(range(2012, 2019))
    scores = FRAMES["scores"]
    same = scores[scores["basis"] == "restated"].assign(basis="frozen_2012_2021", is_frozen=True)
    panels = score_panels(pd.concat([scores[scores["basis"] == "restated"], same]))
    assert [len(group) for group in twins(panels)] == [2]


def test_densities_speed_and_clubs_are_consistent_and_groups_are_frozen_only(moving):
    assert moving["kde_feature"]["mass"].sub(1.0).abs().max() < 1e-3
    curves = moving["kde_curve"]
    assert set(curves.query("basis == 'restated'")["scheme"]) == {"all"}
    assert curves.groupby(["basis", "scheme", "group_code"])["x"].nunique().max() <= 2 * 512
    beta, members = moving["beta_convergence"], moving["club_membership"]
    product = (beta["speed"] * beta["half_life_years"]).dropna()
    assert product.sub(np.log(2.0)).abs().max() < 1e-12
    assert (members["is_divergent"] == (members["club_id_final"] == 0)).all()
    assert (members["club_id_final"] <= members["club_id_initial"]).all()  # merging only ever joins neighbours
    assert members["is_exploratory"].all()
    assert members["stability_share"].dropna().between(0.0, 1.0).all()


@pytest.mark.parametrize(
    ("cities", "years"),
    [
        (CITIES[::4], range(2012, 2017)),
        (CITIES[:3], range(2012, 2020)),
        (CITIES[:2], range(2012, 2013)),
        ([], range(0)),
    ],
)
def test_a_small_country_without_borders_and_population_has_the_same_columns(cities, years):
    scores = FRAMES["scores"]
    nothing = {name: FRAMES[name].iloc[:0] for name in ("other_scores", "neighbours", "population")}
    frames = {**FRAMES, **nothing, "scores": scores[scores["city_id"].isin(cities) & scores["year"].isin(list(years))]}
    tables = {**disparities(frames), **movements(frames, bootstrap=9, draws=3)}
    assert lacking(tables).keys() <= {"beta_convergence"}
    assert tables["club_membership"].empty or len(years) >= 7
