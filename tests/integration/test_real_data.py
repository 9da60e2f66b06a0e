"""The real yearbooks and compilations that lie beside the project: what must come out of them, figure by figure."""

import math
import re
import statistics

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from recompute import largest_gaps

from dagster_project.publish.explain.cities import NoAnswer
from dagster_project.publish.questions.answer import ask
from dagster_project.publish.questions.catalogue import questions
from dagster_project.published import open_read_only

pytestmark = pytest.mark.slow  # a refresh of all real files


FROZEN, WINDOW, YEARS = "frozen_2012_2021", (2012, 2021), list(range(2012, 2022))
CHENGDU = "CN510100"


# ---- the index -------------------------------------------------------------------------------------------


def test_at_least_275_cities_have_a_score_in_every_year(real_warehouse):
    scored = real_warehouse.published(
        "select city_id, list(year order by year) as years from mart.mart_index_score"
        " where index_code = 'nqpf_yearbook' and basis = ? and weight_scheme = 'entropy_flat'"
        " and year <= 2021 and score is not null group by all",
        [FROZEN],
    )
    complete = {row.city_id for row in scored.itertuples() if list(row.years) == YEARS}
    assert len(complete) >= 275
    assert CHENGDU in complete


@pytest.mark.parametrize("basis", [FROZEN, "restated"])
def test_scores_equal_an_independent_recomputation(real_warehouse, basis):
    assert max(largest_gaps(real_warehouse, "nqpf_yearbook", basis, WINDOW).values()) <= 1e-12


def test_index_of_22_indicators_is_skipped_with_its_reason(real_warehouse):
    check = real_warehouse.published("from mart.mart_check_result where check_id = 'index_computed/nqpf'")
    assert not check["passed"].item()
    assert check["message"].item().startswith("skipped: indicators without enough cities: ")
    assert "n2_robot (0 cities)" in check["message"].item()
    assert real_warehouse.published("from mart.mart_index_score where index_code = 'nqpf'").empty


# ---- figures to trust ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("city_id", "year", "first_print"),
    [("CN110000", 2012, 17_879.4), ("CN310000", 2021, 43_215), ("CN440300", 2021, 30_665)],
    ids=["Beijing 2012", "Shanghai 2021", "Shenzhen 2021"],
)
def test_first_print_of_gdp_stands_beside_the_revised_figure_each_with_its_cell(
    real_warehouse, city_id, year, first_print
):
    found = real_warehouse.published(
        "select concept, value / 1e4 as gdp, unit, file, cell, text, is_selected from mart.mart_source_value"
        # one compilation mixes first prints and revisions
        " where city_id = ? and year = ? and variable_code = 'gdp_nom' and source <> 'industry_structure'",
        [city_id, year],
    )
    assert set(found["unit"]) == {"yuan10k"}
    assert found["cell"].str.fullmatch(r"[A-Z]+\d+").all()
    assert found["text"].str.len().min() > 0
    first = found[found["concept"] == "first_print"]
    revised = found[found["concept"] == "revised"]
    assert len(first) >= 1
    assert (first["gdp"] - first_print).abs().max() < 0.05
    assert abs(revised["gdp"].item() - first_print) > 100
    assert list(found.loc[found["is_selected"], "concept"]) == ["revised"]
    log = real_warehouse.published(
        "select value_old / 1e4 as old, value_new / 1e4 as new from mart.mart_revision_log"
        " where kind = 'source' and city_id = ? and year = ? and variable_code = 'gdp_nom'"
        " and source_old <> 'industry_structure'",
        [city_id, year],
    )
    assert len(log) == len(first)
    assert (log["old"] - first_print).abs().max() < 0.05
    assert set(log["new"]) == {revised["gdp"].item()}


# ---- fills that a compiler made without saying so -----------------------------------------------------------------


def share_filled(house, rule, year, variable):
    """Share of the figures of a compilation that are flagged by the rule, of at least 250."""
    filled = house.published(
        "select coalesce(fill_rule = ?, false) as filled from mart.mart_source_value"
        " where source = 'panel_policies' and year = ? and variable_code like ?",
        [rule, year, variable],
    )["filled"]
    assert len(filled) > 250
    return filled.mean()


@pytest.mark.parametrize("variable", ["population_registered", "mobile_subscribers", "broadband_subscribers"])
def test_midpoints_of_2020_are_flagged_in_nearly_every_city(real_warehouse, variable):
    assert share_filled(real_warehouse, "midpoint", 2020, variable) > 0.95
    assert share_filled(real_warehouse, "midpoint", 2016, variable) < 0.05  # an honest year


def test_figures_where_the_yearbook_prints_none_are_flagged(real_warehouse):
    """The sulphur dioxide of 2019 that the compilation fills where the yearbook prints a blank."""
    assert 0.1 < share_filled(real_warehouse, "blank_in_print", 2019, "industrial_so2") < 0.5
    assert share_filled(real_warehouse, "blank_in_print", 2016, "industrial_so2") == 0  # no yearbook to compare


@pytest.mark.parametrize("year", [2014, 2017, 2021])
def test_employees_in_ten_thousands_repeat_by_rounding(real_warehouse, year):
    assert share_filled(real_warehouse, "repeat", year, "emp_%") == 0


def test_what_a_compiler_filled_is_not_used_and_print_comes_before_its_compilations(real_warehouse):
    used = real_warehouse.build(
        "select v.source, v.year, v.fill_rule, s.kind from int.int_values_selected as v join seed.source as s"
        " using (source) where v.edit_policy <> 'as_printed' and v.variable_code = 'mobile_subscribers'"
    )
    assert set(used["fill_rule"]) == {""}
    assert set(used.loc[used["year"].isin([2018, 2019]), "kind"]) == {"printed"}  # the wide sheets at hand
    assert set(used.loc[used["year"].isin([2016, 2021]), "source"]) == {"panel_policies"}


# ---- borders that moved, and a revision of a level ------------------------------------------------------------


def test_all_figures_of_a_city_whose_border_moved_have_one_border(real_warehouse):
    """Gongzhuling left Siping in 2020: 192 telephones for 100 residents in 2019 where both have their own border."""
    found = real_warehouse.build(
        "select year, m.value / p.value as per_head from int.int_values_completed as m"
        " join int.int_values_completed as p using (edit_policy, city_id, year)"
        " where edit_policy = 'edited' and city_id = 'CN220300' and m.variable_code = 'mobile_subscribers'"
        " and p.variable_code = 'population' and year between 2015 and 2022"
    )
    assert found["per_head"].between(0.7, 1.6).all()


def test_a_level_of_gdp_that_is_cut_beside_its_growth_is_one_revision(real_warehouse):
    (growth,) = real_warehouse.build(
        "select used_value from int.int_edits where city_id = 'CN410800' and year = 2020"
        " and variable_code = 'gdp_real_index' and source = 'gdp_revised'"
    )["used_value"]
    assert 100 < growth < 105  # printed 78.99


# ---- nothing synthetic -------------------------------------------------------------------------------------------


def test_nothing_says_synthetic(real_warehouse):
    (release,) = real_warehouse.releases
    assert re.fullmatch(r"\d{4}\.\d{1,2}\.\d+", release.name)
    assert not real_warehouse.published("from mart.dim_vintage")["is_synthetic"].any()
    assert not real_warehouse.published("from mart.mart_source_load")["is_synthetic"].any()
    assert not real_warehouse.published("from mart.mart_run_manifest")["is_synthetic"].any()
    said = [page.name for page in (release / "docs").rglob("*.html") if "SYNTHETIC" in page.read_text(encoding="utf-8")]
    assert said == []


def test_no_error_is_published_and_core_cities_left_out_are_those_without_sound_figures(real_warehouse):
    """Lhasa prints too little; of Hohhot broadband of 2018 to 2021 is in doubt. Every other core city has a score."""
    checks = real_warehouse.published("select check_id, severity, message from mart.mart_check_result where not passed")
    assert checks[checks["severity"] == "error"].empty
    left = checks[checks["check_id"].str.startswith("core_city/")].set_index("check_id")["message"].sort_index()
    assert list(left.index) == ["core_city/digital_economy/CN150100", "core_city/digital_economy/CN540100"]
    assert "n2_broadband: too few observed years (first missing 2018)" in left.iloc[0]
    assert left.iloc[1:].str.contains("imputed cells").all()


# ---- indicators, recomputed from the files by other means --------------------------------------------------


@pytest.mark.parametrize(("city", "year"), [("石家庄市", 2019), ("成都市", 2018), ("深圳市", 2021), ("绥化市", 2014)])
def test_indicators_follow_from_the_raw_files(real_warehouse, real_data, city, year):
    """pandas on the files against the warehouse as printed: deflator of the revised series, shares on its level.

    Wages by the median deflator of the cities of the province. By head of residents, or of registered persons under
    the policy that takes those. Chengdu before 2017 is bridged over the border that Jianyang moved.
    """
    beside = real_warehouse.build(
        "select name_zh from seed.city where province_code = (select province_code from seed.city where name_zh = ?)",
        [city],
    )["name_zh"]
    for policy, population in (("as_printed", "resident"), ("registered", "registered")):
        expected = pd.Series(indicators_by_hand(real_data, city, year, population, set(beside)))
        found = real_warehouse.build(
            "select indicator_code, value from int.int_indicators_constructed join seed.city using (city_id)"
            " where name_zh = ? and year = ? and edit_policy = ?",
            [city, year, policy],
        ).set_index("indicator_code")["value"]
        by_head = ["n1_hestud", "n2_broadband", "n2_mobile"]
        codes = expected.index if policy == "as_printed" else by_head
        assert (found[codes] / expected[codes] - 1).abs().max() < 1e-9


def indicators_by_hand(real_data, city, year, population, beside):
    def row(file):
        frame = pd.read_csv(real_data / "panel" / file)
        return frame[(frame["city"] == city) & (frame["year"] == year)].iloc[0]

    p, q = row("china_city_panel_with_policies.csv"), row("china_city_panel_macro_finance.csv")
    book = CalamineWorkbook.from_path(real_data / "components" / "296个地级市GDP相关数据（以2000年为基期）.xlsx")
    rows = book.get_sheet_by_name("Sheet1").to_python()
    printed = {(r[1], int(r[2])): (float(r[3]), float(r[4])) for r in rows if r[1] in beside and r[2] and r[3] and r[4]}

    def price(name):
        chained = math.prod(printed[name, t][1] / 100 for t in range(2013, year + 1))
        return printed[name, year][0] / printed[name, 2012][0] / chained

    has_path = [name for name in beside if all((name, t) in printed for t in range(2012, year + 1))]
    gdp, deflator, of_wages = printed[city, year][0], price(city), statistics.median(map(price, has_path))
    book = CalamineWorkbook.from_path(real_data / "components" / "298个地级市人口密度1998-2024年无缺失.xlsx")
    rows = book.get_sheet_by_name("面板数据").to_python()
    residents = next(float(r[6]) for r in rows if r[2] == city and r[0] == year)
    people = {"resident": residents, "registered": p["pop_hukou"]}[population]  # 万人
    return {
        "n1_hestud": p["uni_students"] / people,
        "n1_wage": q["avg_wage"] / of_wages,
        "n1_edushare": 100 * p["edu_exp"] / p["fiscal_exp"],
        "n2_broadband": p["internet_users"] / people / 100,
        "n2_mobile": 100 * p["mobile_users"] / people,
        "q1_scishare": 100 * p["sci_exp"] / p["fiscal_exp"],
        "q2_profit": p["industrial_profit"] / deflator / p["industrial_firms"],
        "q2_gdppc": 1e4 * gdp / people / deflator,
        "q3_struct": p["tertiary_share"] / p["secondary_share"],
        "q3_so2int": p["so2_emission"] * deflator / (gdp * p["secondary_share"] / 100),
    }


# ---- what editing must have done: figures that a reader would doubt ----------------------------------------


LAST = 2021
LOW, HIGH = 0.8, 1.6  # price of GDP, base year 1
NEAR_PROVINCE = 0.1
# coal and the price of a province that falls with it, in steps that are each inside the band: no step to correct
MANY_SMALL_STEPS = {"鸡西市"}
RICH, NEW = 30, ["东莞市", "深圳市", "佛山市"]
MOVE, WITHIN = 60, 3


def test_a_price_outside_the_band_is_that_of_the_province(real_warehouse):
    found = real_warehouse.build(
        "select c.name_zh, d.deflator,"
        " d.deflator / median(d.deflator) over (partition by c.province_code) - 1 as apart"
        " from int.int_deflators_chained as d join seed.city as c using (city_id)"
        " where d.edit_policy = 'edited' and d.year = ? and d.deflator_level <> 'province'"
        " qualify d.deflator not between ? and ?",
        [LAST, LOW, HIGH],
    )
    alone = found[found["apart"].abs() > NEAR_PROVINCE]
    assert set(alone["name_zh"]) == MANY_SMALL_STEPS


def test_no_real_wage_is_above_that_of_beijing_or_shanghai_by_its_price(real_warehouse):
    wages = real_warehouse.build(
        "select c.name_zh, w.value / d.deflator as wage from int.int_values_completed as w"
        " join int.int_deflators_chained as d using (edit_policy, city_id, year) join seed.city as c using (city_id)"
        " where w.edit_policy = 'edited' and w.variable_code = 'wage_avg_nom' and w.year = ?",
        [LAST],
    ).set_index("name_zh")["wage"]
    assert set(wages.nlargest(2).index) == {"上海市", "北京市"}


@pytest.mark.parametrize("indicator", ["n2_mobile", "n2_broadband", "n1_hestud"])
def test_figures_per_head_of_cities_of_migrants_lie_among_those_of_rich_cities(real_warehouse, indicator):
    figures = real_warehouse.build(
        "select c.name_zh, i.indicator_code, i.value from int.int_indicators_constructed as i"
        " join seed.city as c using (city_id)"
        " where i.edit_policy = 'edited' and i.year = ? and i.indicator_code in (?, 'q2_gdppc')",
        [LAST, indicator],
    ).pivot(index="name_zh", columns="indicator_code", values="value")
    rich = figures.drop(NEW)["q2_gdppc"].nlargest(RICH).index
    low, high = figures.loc[rich, indicator].agg(["min", "max"])
    # of the three Shenzhen has truly few students
    assert figures.loc[NEW, indicator].between(0 if indicator == "n1_hestud" else low, high).all()


def test_no_rank_moves_far_up_and_back_within_three_years(real_warehouse):
    ranks = real_warehouse.published(
        "select city_id, year, rank_year from mart.mart_index_score where index_code = 'nqpf_yearbook'"
        " and basis like 'frozen%' and is_headline and rank_year is not null and year between ? and ?",
        list(WINDOW),
    ).pivot(index="city_id", columns="year", values="rank_year")
    assert len(ranks) >= 275
    assert swings(ranks) == []


def swings(ranks):
    """(city, year before, year after) of ranks that leave those of both years by more than `MOVE` places, one way."""
    found = []
    years = list(ranks.columns)
    for first, before in enumerate(years):
        for after in years[first + 2 : first + WITHIN + 1]:
            outside, between = ranks[[before, after]], ranks[[y for y in years if before < y < after]]
            is_far = (outside.min(axis=1) - between.max(axis=1) > MOVE) | (
                between.min(axis=1) - outside.max(axis=1) > MOVE
            )
            found += [(str(city), int(before), int(after)) for city in ranks.index[is_far]]
    return found


def test_a_swing_is_one_way_and_back():
    years = pd.Index([2012, 2013, 2014, 2015])
    ranks = pd.DataFrame([[200, 100, 110, 190], [200, 100, 90, 80], [50, 130, 60, 60]], ["a", "b", "c"], years)
    assert swings(ranks) == [("c", 2012, 2014), ("a", 2012, 2015)]


# ---- the worked questions --------------------------------------------------------------------------------------

NO_ROWS = {"vintage_changes"}  # a first release


@pytest.mark.parametrize("asked", [q for q in questions().values() if q.sql], ids=lambda q: q.id)
def test_every_worked_question_is_answered_on_real_files(real_warehouse, asked):
    with open_read_only(real_warehouse.paths.published_file) as con:
        if asked.id == "total":
            with pytest.raises(NoAnswer, match="their sum is no total"):
                ask(con, real_warehouse.paths, asked, asked.examples)
            return
        found = ask(con, real_warehouse.paths, asked, asked.examples)
    assert bool(found.rows) == (asked.id not in NO_ROWS)


# ---- what is under question, and breaks ------------------------------------------------------------------------


def test_what_is_under_question_and_of_influence_is_not_used(real_warehouse):
    used = real_warehouse.value(
        "select count(*) from mart.mart_indicator_source as s join mart.mart_edit as e using (source_cell_id)"
        " join mart.dim_index as i on s.index_code = i.index_code and i.edit_policy <> 'as_printed'"
        # prices have rules of their own (E9)
        " where e.action = 'withheld' and s.year = e.year and s.value_origin = 'observed'"
        " and e.variable_code <> 'gdp_nom'"
    )
    assert used == 0
    assert real_warehouse.value("select count(*) from mart.mart_edit where action = 'withheld'") > 50
    assert real_warehouse.value("select max(abs(rank_change)) from mart.mart_edit where action = 'pending'") <= 10
    assert real_warehouse.value("select sum(n_withheld) from easy.ranking") > 0


def test_the_analysed_indexes_cross_no_break_and_the_unbridged_ones_do(real_warehouse):
    crossed = real_warehouse.published("select index_code, n_break, breaks_crossed from mart.dim_index")
    crossed = crossed.set_index("index_code")
    assert crossed.loc[["nqpf_yearbook", "pr_yearbook"], "breaks_crossed"].tolist() == [0, 0]
    assert crossed.loc["pr_yearbook_unbridged", "breaks_crossed"] == crossed.loc["pr_yearbook", "n_break"] > 0
