"""Policy tables: replay, refresh, benchmarks, monitors as aggregates, and what happens without inputs."""

import json

import numpy as np
import pandas as pd
import pytest
from policy_worlds import CITIES, YEARS, N, frames
from study_tools import settings
from text_table import words

from dagster_project.study import policy
from python_models.policy import MONITORS
from python_models.policy.monitors import light
from python_models.policy.rules import replay

ESTIMATES = tuple(
    words("threshold barrier block boundary segmentation segmentation_pair dagum network network_city features")
)


@pytest.fixture(scope="module")
def country():
    return frames()


@pytest.fixture(scope="module")
def tables(country):
    return build(country, 60)


def build(country, draws=5):
    return policy.build(country, settings(policy={"draws": draws}))


def without(country, *names):
    """Empty frames as a warehouse gives them: no rows, and columns that lost their types."""
    return {k: pd.DataFrame(columns=v.columns) if k in names else v for k, v in country.items()}


def test_every_city_year_has_one_path_and_a_benchmark_with_better_relations(tables):
    table = tables["city_path"]
    assert len(table) == N * len(YEARS) == len(table.drop_duplicates(["city_id", "year"]))
    for row in table.to_dict("records"):
        assert tuple(replay(row)) == (row["path"], row["subtype"], row["rule_fired"])
    assert table["path"].nunique() >= 3
    assert table["p_path"].between(0, 1).all()
    assert (table["margin"] >= 0).all()
    table = tables["city_path"].set_index(["city_id", "year"])
    named = table[table["benchmark_city_id"].notna()]
    assert len(table) - len(named) == len(YEARS)  # the best city of each year has none
    for (city, year), row in named.iterrows():
        assert row["benchmark_city_id"] != city
        assert table.loc[(row["benchmark_city_id"], year), "p"] > row["p"]
        assert 0 <= row["benchmark_distance"] <= 1


def test_a_new_year_changes_no_old_path(tables):
    longer = build(frames((*YEARS, 2018), base=YEARS), 2)["city_path"]
    assert longer["year"].max() == 2018
    keys = ["city_id", "year"]
    columns = [*keys, "path", "subtype", "rule_fired", "u", "p", "d", "u_neighbour", "p_neighbour", "barrier", "cuts"]
    old = longer[longer["year"] < 2018][columns].sort_values(keys).reset_index(drop=True)
    pd.testing.assert_frame_equal(old, tables["city_path"][columns].sort_values(keys).reset_index(drop=True))


def test_thresholds_and_barriers_come_from_the_estimates_in_order(country, tables):
    def cut(path):
        return json.loads(path["cuts"].iloc[0])["d"]

    assert cut(tables["city_path"]) == 0.45  # the emitter's threshold before the own one
    assert tables["city_path"]["barrier"].max() == pytest.approx(0.5)  # rings before the plain barrier
    for p_boot, value, caveat in (([0.2, 0.01], 0.6, "cut_hansen"), ([0.2, np.nan], 0.5, "default_cut")):
        path = build({**country, "threshold": country["threshold"].assign(p_boot=p_boot)}, 2)["city_path"]
        assert cut(path) == value
        assert caveat in path["caveats"].iloc[0]


AGGREGATES = {
    "median": lambda g: g["value"].median(),
    "mean": lambda g: g["value"].mean(),
    "weighted_mean": lambda g: (g["value"] * g["weight"]).sum() / g["weight"].sum(),
}


@pytest.mark.parametrize(
    "code", words("mean_d mean_d_population median_d share_synergy share_pr_lagging network_density segmentation")
)
def test_nation_and_clusters_are_aggregates_of_city_rows(tables, country, code):
    rows = tables["principle_monitor"].query("monitor_code == @code")
    member = country["groups"].query("scheme == 'cluster19'").set_index("city_id")["group_code"]
    city = rows[rows["level"] == "city"].assign(cluster=lambda f: f["unit_id"].map(member))
    combine = AGGREGATES[rows["aggregate"].iloc[0]]
    for year in YEARS:
        mine, shown = city[city["year"] == year], rows[rows["year"] == year].set_index(["level", "unit_id"])["value"]
        assert shown["national"].iloc[0] == pytest.approx(combine(mine), abs=1e-10)
        for name in ("one", "two"):
            assert shown["cluster", name] == pytest.approx(combine(mine[mine["cluster"] == name]), abs=1e-10)


POOLED = words("""
    effect_centre_to_periphery effect_on_periphery asymmetry_index boundary half_distance barrier_index
    link_ratio_centre_periphery_to_centre_centre link_ratio_periphery_periphery_to_centre_periphery
""")


def test_monitors_by_hand_with_their_change_since_the_year_before(tables, country):
    rows = tables["principle_monitor"]
    monitor = rows.query("level == 'national' and year == 2014").set_index("monitor_code")
    d = country["scores"].query("year == 2014").set_index("city_id")["d"]
    core = country["groups"].query("scheme == 'core' and group_code == 'core'")["city_id"]
    gap = d[core].mean() - d.drop(core).mean()
    assert monitor.loc["gap_centre_periphery_d", "value"] == pytest.approx(gap, abs=1e-12)
    assert monitor.loc["share_synergy", "value"] == pytest.approx((d >= 0.45).mean())
    assert monitor.loc["segmentation_ratio_across_to_within", "value"] == pytest.approx(6 / 5)
    for code in ("mean_d", "share_synergy"):
        assert monitor.loc[code, "lo"] <= monitor.loc[code, "value"] <= monitor.loc[code, "hi"]
    mine = rows.query("monitor_code == 'mean_d' and level == 'national'").set_index("year")
    assert mine.loc[2015, "change_1y"] == pytest.approx(mine.loc[2015, "value"] - mine.loc[2014, "value"])
    assert np.isnan(mine.loc[2012, "change_1y"])
    pooled = rows[rows["year"] == 0]
    assert set(pooled["monitor_code"]) == set(POOLED)
    assert pooled["change_1y"].isna().all()


def test_a_ratio_over_a_link_that_may_be_zero_has_no_value(country, tables):
    code = "link_ratio_periphery_periphery_to_centre_periphery"
    rows = tables["principle_monitor"].set_index("monitor_code")
    assert rows.loc[code, "value"] == pytest.approx(0.01 / 0.13)
    open_link = {**country, "block": country["block"].assign(per_link_lo=-0.1)}
    none = build(open_link, 2)["principle_monitor"].set_index("monitor_code")
    assert np.isnan(none.loc[code, "value"])
    assert "zero" in none.loc[code, "note"]


def test_a_network_without_centre_or_links_says_why_it_has_no_value_in_those_years_alone(country):
    network = country["network"].assign(centre_reach_share=np.nan)
    network.loc[network["year"] == 2013, "reciprocity"] = np.nan
    rows = build({**country, "network": network}, 2)["principle_monitor"].set_index(["monitor_code", "year"])["note"]
    assert set(rows["network_centre_reach"]) == {"the sample lacks core cities or periphery"}
    assert {year: note for year, note in rows["network_reciprocity"].items() if note} == {
        2013: "the network has no link"
    }
    assert set(rows["network_cross_province"]) == {""}


def test_every_monitor_is_there_and_its_light_follows_its_bands(tables):
    rows = tables["principle_monitor"]
    assert set(rows["monitor_code"]) == set(MONITORS)
    assert not rows.duplicated(["basis", "index_code", "monitor_code", "year", "level", "unit_id"]).any()
    high, low = MONITORS["mean_d"], MONITORS["barrier_index"]
    assert [light(high, v) for v in (0.49, 0.5, 0.6)] == ["red", "amber", "green"]
    assert [light(low, v) for v in (0.25, 0.5, 0.51)] == ["green", "amber", "red"]
    assert light(MONITORS["asymmetry_index"], 0.5) is None
    assert light(high, np.nan) is None


def test_without_estimates_or_values_monitors_are_empty_with_a_reason_and_paths_are_there(country):
    bare = build(without(country, *ESTIMATES), 5)
    table = bare["city_path"]
    assert len(table) == N * len(YEARS)
    assert table["barrier"].isna().all()
    assert table["benchmark_city_id"].isna().all()
    assert table["caveats"].iloc[0] == "default_cut,no_barrier"
    rows = bare["principle_monitor"]
    assert set(rows["monitor_code"]) == set(MONITORS)
    empty = rows[rows["value"].isna()]
    assert (empty["note"].str.len() > 0).all()
    assert set(rows.loc[rows["value"].notna(), "principle"]) == {"compatibility"}
    made = build(without(country, "values", "weights"))
    assert made["city_path"]["p_path"].isna().all()
    assert made["path_summary"]["share_lo"].isna().all()
    assert "no_draws" in made["city_path"]["caveats"].iloc[0]


def test_a_city_with_a_gap_is_left_out_and_two_years_are_enough(country):
    rows = country["scores"]
    gap = {**country, "scores": rows[~((rows["city_id"] == CITIES[4]) & (rows["year"] == 2014))]}
    made = build(gap, 2)["city_path"]
    assert made["city_id"].nunique() == N - 1
    assert CITIES[4] not in set(made["benchmark_city_id"].dropna())
    for years in ((2012, 2013), (2012,)):
        made = build(frames(years, base=years), 2)
        assert len(made["city_path"]) == N * len(years)
        assert made["path_transition"].empty == (len(years) == 1)
