"""Schema easy of the published file, and own index and regression: recomputed from what they are taken from."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import yaml

from dagster_project.paths import PROJECT
from dagster_project.publish.own import open_reader, own_index, own_model

MODELS = yaml.safe_load((PROJECT / "dbt" / "models" / "easy" / "_easy.yml").read_text("utf-8"))["models"]
KEYS = {model["name"]: model["config"]["meta"]["key"] for model in MODELS}
TECHNICAL = {"basis", "index_code", "weight_scheme", "data_vintage", "method_version", "boundary_vintage", "seed"}
# Tables that are empty where the planted country gives them nothing to say.
MAY_BE_EMPTY = {"edits", "effects"}


def easy(house, table):
    return house.published(f"from easy.{table} order by {', '.join(KEYS[table])}")


@pytest.mark.parametrize("table", sorted(KEYS))
def test_a_table_has_no_technical_column_and_words_for_each(small_warehouse, table):
    frame = easy(small_warehouse, table)
    assert table in MAY_BE_EMPTY or len(frame) > 0
    assert not TECHNICAL & set(frame.columns)
    words = small_warehouse.published(
        "select column_name, comment from duckdb_columns() where schema_name = 'easy' and table_name = ?", [table]
    )
    assert list(words["column_name"]) == list(frame.columns)
    assert (words["comment"].fillna("").str.len() > 5).all()
    for name in {"name_zh", "name_en"} & set(frame):  # no source has English names of all counties
        assert frame[name].notna().all()


def test_the_schema_holds_these_tables_and_no_other(small_warehouse):
    tables = small_warehouse.published("select table_name from information_schema.tables where table_schema = 'easy'")
    assert set(tables["table_name"]) == set(KEYS)


def test_points_of_the_long_panel_sum_to_the_score_of_every_ranked_city(small_warehouse):
    ranking = easy(small_warehouse, "ranking").set_index(["city_id", "year"])
    summed = easy(small_warehouse, "panel_long").groupby(["city_id", "year"])["contribution_100"].sum()
    assert len(summed) == len(ranking)
    np.testing.assert_allclose(summed, ranking["score_100"].reindex(summed.index), rtol=0, atol=1e-10)
    for _, year in ranking.groupby("year"):
        assert sorted(year["rank_year"]) == list(range(1, len(year) + 1))
        assert year.sort_values("rank_year")["score_100"].is_monotonic_decreasing


def test_the_wide_panel_says_the_same_as_the_long_one(small_warehouse):
    wide = easy(small_warehouse, "panel_wide").set_index(["city_id", "year"])
    long = easy(small_warehouse, "panel_long")
    for prefix, column in (("raw_", "value_raw"), ("z_", "z_100")):
        expected = long.pivot(index=["city_id", "year"], columns="indicator_code", values=column).add_prefix(prefix)
        pd.testing.assert_frame_equal(wide[expected.columns], expected, check_names=False)
    weights = long.groupby(["dimension"])[["weight"]].sum().div(len(wide))["weight"]
    parts = sum(
        long[long["dimension"] == d].groupby(["city_id", "year"])["contribution_100"].sum() for d in weights.index
    )
    np.testing.assert_allclose(parts, wide["score_100"], rtol=0, atol=1e-10)
    ranking = easy(small_warehouse, "ranking").set_index(["city_id", "year"])
    pd.testing.assert_series_equal(wide["score_100"], ranking["score_100"].reindex(wide.index))


def test_groups_and_relations_of_the_wide_panel_are_those_of_the_marts(small_warehouse):
    wide = easy(small_warehouse, "panel_wide")
    schemes = small_warehouse.published(
        "select scheme, city_id, group_code from mart.dim_group_membership where valid_to is null"
    )
    assert {f"group_{scheme}" for scheme in schemes["scheme"]} <= set(wide.columns)
    last = wide[wide["year"] == wide["year"].max()].set_index("city_id")
    for scheme, rows in schemes.groupby("scheme"):
        expected = rows.set_index("city_id")["group_code"].reindex(last.index)
        assert (last[f"group_{scheme}"].fillna("") == expected.fillna("")).all(), scheme
    relations = small_warehouse.published(
        "select r.city_id, r.year, r.score_100 from mart.city_ranking as r"
        " join mart.dim_index as i on r.index_code = i.relations_code and i.is_headline"
    )
    both = wide.merge(relations, on=["city_id", "year"])
    assert len(both) > 0
    np.testing.assert_array_equal(both["score_relations"], both["score_100_y"])


def test_a_figure_that_waits_for_a_person_is_in_question_and_no_other(small_warehouse):
    rows = small_warehouse.published("""
        with pending as (
            select city_id, year, list(distinct variable_code) as codes from mart.mart_edit
            where action = 'pending' and is_selected
            group by all
        )
        select v.is_in_question, p.city_id is not null as has_question,
            coalesce(list_contains(p.codes, v.variable_code), false) as is_pending, count(*) as n
        from easy.city_variable as v
        left join pending as p using (city_id, year)
        group by all
    """)
    assert rows.loc[rows["is_pending"], "is_in_question"].all()
    assert rows.loc[rows["is_in_question"], "has_question"].all()
    assert rows.loc[rows["is_pending"], "n"].sum() > 0
    asked = easy(small_warehouse, "panel_long").groupby(["city_id", "year"])["is_in_question"].any()
    n_pending = easy(small_warehouse, "ranking").set_index(["city_id", "year"])["n_pending"].reindex(asked.index)
    assert (asked == (n_pending > 0)).all()
    assert asked.any()


def test_a_variable_is_the_selected_figure_and_leads_to_its_cell(small_warehouse):
    both = small_warehouse.published(
        "select v.value, s.value as printed from easy.city_variable as v"
        " join mart.mart_source_value as s on s.city_id = v.city_id and s.year = v.year"
        " and s.variable_code = v.variable_code and s.source = v.source and s.file = v.file and s.cell = v.cell"
        " where v.value_origin = 'observed' and v.n_cell = 1 and v.value = v.value_as_printed and s.is_selected"
        " and v.variable_code <> 'pm25_popw'"  # two satellite products spliced onto one level
    )
    assert len(both) > 1000
    np.testing.assert_allclose(both["value"], both["printed"], rtol=1e-12)


def test_real_gdp_is_nominal_gdp_in_the_base_year_and_the_wide_twin_repeats_all(small_warehouse):
    wide = easy(small_warehouse, "city_variable_wide").set_index(["city_id", "year"])
    base = wide.xs(2012, level="year")[["gdp_nom", "gdp_real"]].dropna()
    assert len(base) >= 10
    np.testing.assert_allclose(base["gdp_real"], base["gdp_nom"], rtol=1e-9)
    assert not np.allclose(wide["gdp_real"].dropna(), wide.loc[wide["gdp_real"].notna(), "gdp_nom"])
    long = easy(small_warehouse, "city_variable")
    assert {"gdp_nom", "gdp_real", "population", "area_km2", "c_density"} <= set(long["variable_code"])
    expected = long.pivot(index=["city_id", "year"], columns="variable_code", values="value")
    pd.testing.assert_frame_equal(wide[expected.columns], expected, check_names=False)


def test_the_yearbook_is_printed_and_used_as_its_cells_say_and_the_wide_twin_repeats_what_is_used(small_warehouse):
    both = small_warehouse.published(
        "select y.printed_value, s.value_printed, y.used_value, s.used_value as used from easy.yearbook as y"
        " join mart.mart_source_value as s on s.city_id = y.unit_id and s.year = y.year"
        " and s.variable_code = y.variable_code and s.source = y.source and s.file = y.file and s.sheet = y.sheet"
        " and s.cell = y.cell"
    )
    assert len(both) > 1000
    assert (both["printed_value"] != both["used_value"]).any()
    pd.testing.assert_series_equal(both["printed_value"], both["value_printed"], check_names=False)
    pd.testing.assert_series_equal(both["used_value"], both["used"], check_names=False)
    long, wide = easy(small_warehouse, "yearbook"), easy(small_warehouse, "yearbook_wide")
    assert set(long["unit_level"]) == {"city", "county"}
    assert set(long["scope"]) == {"city", "district", "built_up"}
    named = long["variable_code"] + long["scope"].map({"district": "_district"}).fillna("")
    keys = ["unit_level", "unit_id", "year"]
    expected = long.assign(name=named).pivot(index=keys, columns="name", values="used_value").dropna(how="all")
    pd.testing.assert_frame_equal(
        wide.set_index(keys)[expected.columns].loc[expected.index], expected, check_names=False
    )
    counts = long.groupby(["unit_level", "variable_code", "scope"]).size()
    listed = easy(small_warehouse, "yearbook_concept").set_index(counts.index.names)["n_units"]
    pd.testing.assert_series_equal(listed.map(lambda text: sum(map(int, text.split()))), counts, check_names=False)


def test_every_city_is_ranked_or_dropped_with_a_reason(small_warehouse):
    dropped, ranking = easy(small_warehouse, "dropped"), easy(small_warehouse, "ranking")
    cities = small_warehouse.published("select city_id from mart.dim_city")
    assert set(dropped["city_id"]) | set(ranking["city_id"]) == set(cities["city_id"])
    assert not set(dropped["city_id"]) & set(ranking["city_id"])
    assert (dropped["drop_reason"].str.len() > 5).all()


def test_gaps_and_inequality_are_those_of_the_wide_panel(small_warehouse):
    wide, gap = easy(small_warehouse, "panel_wide"), easy(small_warehouse, "gap")
    for row in gap.itertuples():
        year = wide[wide["year"] == row.year]
        mean = {
            code: year.loc[year[f"group_{row.scheme}"] == code, "score_100"].mean()
            for code in (row.group_high, row.group_low)
        }
        assert row.gap_100 == pytest.approx(mean[row.group_high] - mean[row.group_low], abs=1e-9)
        assert row.gap_lo_100 <= row.gap_100 <= row.gap_hi_100
        assert row.group_high_zh
        assert row.group_low_en
    first = gap.groupby(["scheme", "group_high", "group_low"])["gap_100"].transform("first")
    np.testing.assert_allclose(gap["change_100"], gap["gap_100"] - first, rtol=0, atol=1e-9)
    drawn = gap[gap["change_lo_100"].notna()].set_index("scheme")
    changes = small_warehouse.published(
        "select c.* from mart.mart_disparity_change as c join mart.dim_index as i"
        " on c.index_code = i.index_code and c.basis = i.basis and i.is_headline where c.measure = 'gap'"
    ).set_index("scheme")["change"]
    assert set(drawn.index) == set(changes.index) & set(gap["scheme"])
    assert (drawn["year"] == gap["year"].max()).all()
    np.testing.assert_allclose(drawn["change_100"].abs(), 100 * changes[drawn.index].abs(), rtol=0, atol=1e-9)
    whole = easy(small_warehouse, "inequality")
    for row in whole.itertuples():
        y = np.sort(wide.loc[wide["year"] == row.year, "score_100"].to_numpy())
        ranks = np.arange(1, y.size + 1)
        assert row.gini == pytest.approx(2 * (ranks @ y) / (y.size * y.sum()) - (y.size + 1) / y.size, abs=1e-12)
        assert row.mean_100 == pytest.approx(y.mean(), abs=1e-10)
    assert (whole["scheme"] == "all").sum() == wide["year"].nunique()


def test_moves_of_a_class_sum_to_100_percent_and_classes_of_neighbours_to_all(small_warehouse):
    moves = easy(small_warehouse, "markov")
    sums = moves[moves["n_row"] > 0].groupby(["neighbours", "state_from"])["percent"].sum()
    np.testing.assert_allclose(sums, 100, rtol=0, atol=1e-9)
    n = moves.assign(whole=moves["neighbours"] == "all").groupby(["whole", "state_from", "state_to"])["n"].sum()
    assert (n[True] == n[False]).all()
    ranking = easy(small_warehouse, "ranking")
    pairs = sum(len(ranking[ranking["year"] == a]) for a, b in pairwise(sorted(ranking["year"].unique())) if b == a + 1)
    assert n[True].sum() == pairs


def test_space_and_effects_are_those_of_the_headline_neighbours(small_warehouse):
    lisa, moran = easy(small_warehouse, "lisa"), easy(small_warehouse, "moran")
    mean = lisa.groupby("year").apply(lambda y: (y["z"] * y["lag_z"]).sum() / (y["z"] ** 2).sum(), include_groups=False)
    np.testing.assert_allclose(mean.to_numpy(), moran["moran_i"], rtol=0, atol=1e-9)
    effects = easy(small_warehouse, "effects").pivot(index="variable", columns="effect", values="points_per_unit")
    if not effects.empty:
        np.testing.assert_allclose(effects["direct"] + effects["indirect"], effects["total"], rtol=0, atol=1e-9)


def test_a_year_is_scored_or_incomplete_never_both(small_warehouse):
    both = small_warehouse.published(
        "select count(*) as n from mart.why_this_number join mart.incomplete_year using (index_code, city_id, year)"
    )
    assert both["n"][0] == 0
    left = small_warehouse.published(
        "select count(*) as n from mart.mart_index_score as s join mart.dim_index as i"
        " on s.index_code = i.index_code and s.basis = i.basis and s.weight_scheme = i.weight_scheme"
        " and i.variant_of is null where s.score is null"
    )
    assert left["n"][0] == len(small_warehouse.published("from mart.incomplete_year"))


def test_headline_regression_is_fitted_again_from_the_file_alone(small_warehouse):
    """The referee's script, as a program of its own."""
    script = PROJECT / "docs" / "refit" / "refit.py"
    command = [sys.executable, str(script), str(small_warehouse.paths.published_file)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [line.split() for line in done.stdout.splitlines()]
    apart = {row[0]: float(row[3]) for row in rows if len(row) == 4 and row[0] != "refitted"}
    fitted = small_warehouse.published(
        "select count(*) as n from mart.dim_model_spec where is_headline and status = 'fitted'"
    )
    assert fitted["n"][0] > 0
    assert {"rho", "sigma2", "lnl", "W:pr"} < set(apart)
    assert max(map(abs, apart.values())) < 1e-6


def test_own_index_and_own_model_give_what_is_published_and_also_where_w_is_built_anew(small_warehouse):
    with open_reader(small_warehouse.paths.published_file) as reader:
        sql = "select indicator_code from mart.dim_indicator where index_code = $index"
        own = own_index(reader, {"indicators": [row["indicator_code"] for row in reader.rows(sql)]}).scores
        specs = ({"name": "again"}, {"name": "anew", "w": reader.scope.w})
        models = [own_model(reader, spec).estimates.dropna(subset=["published"]) for spec in specs]
    assert len(own) == own["published_score"].notna().sum() > 0
    np.testing.assert_allclose(own["score_100"], own["published_score"], rtol=0, atol=1e-9)
    assert (own["rank_year"] == own["published_rank"]).all()
    for both in models:
        assert {"coefficient", "direct", "indirect", "total"} == set(both["kind"])
        np.testing.assert_allclose(both["estimate"], both["published"], rtol=1e-6, atol=1e-6)
