"""What editing must have done to the real files: prices, wages, figures per head, ranks that a reader would doubt."""

from __future__ import annotations

import pandas as pd
import pytest

pytestmark = pytest.mark.slow  # a refresh of all real files

YEAR, WINDOW = 2021, (2012, 2021)
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
        [YEAR, LOW, HIGH],
    )
    alone = found[found["apart"].abs() > NEAR_PROVINCE]
    assert set(alone["name_zh"]) == MANY_SMALL_STEPS


def test_no_real_wage_is_above_that_of_beijing_or_shanghai_by_its_price(real_warehouse):
    wages = real_warehouse.build(
        "select c.name_zh, w.value / d.deflator as wage from int.int_values_completed as w"
        " join int.int_deflators_chained as d using (edit_policy, city_id, year) join seed.city as c using (city_id)"
        " where w.edit_policy = 'edited' and w.variable_code = 'wage_avg_nom' and w.year = ?",
        [YEAR],
    ).set_index("name_zh")["wage"]
    assert set(wages.nlargest(2).index) == {"上海市", "北京市"}


@pytest.mark.parametrize("indicator", ["n2_mobile", "n2_broadband", "n1_hestud"])
def test_figures_per_head_of_cities_of_migrants_lie_among_those_of_rich_cities(real_warehouse, indicator):
    figures = real_warehouse.build(
        "select c.name_zh, i.indicator_code, i.value from int.int_indicators_constructed as i"
        " join seed.city as c using (city_id)"
        " where i.edit_policy = 'edited' and i.year = ? and i.indicator_code in (?, 'q2_gdppc')",
        [YEAR, indicator],
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


def swings(ranks: pd.DataFrame) -> list[tuple[str, int, int]]:
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
