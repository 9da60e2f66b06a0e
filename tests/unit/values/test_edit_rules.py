"""Each rule of editing on figures whose truth is known: the slip is found, the true change beside it is left alone."""

from __future__ import annotations

import duckdb
import numpy as np
import pandas as pd
import pytest
from dbt_models import with_macros
from editing import YEARS, Editing, Faults, series, times

from expectations import contract


@pytest.fixture(scope="module")
def editing():
    return Editing()


@pytest.fixture
def cities(editing):
    return editing.cities[:60]


def figure(figures, city, year):
    return float(figures.query("city_id == @city and year == @year")["value"].item())


def test_a_spike_of_one_year_is_taken_out(editing, cities):
    figures = series(cities, "fiscal_expenditure")
    for city, factor in zip(cities, (10.0, 0.1, 2.0, 0.5), strict=False):
        times(figures, city, [2016], factor)
    assert editing.decided(figures) == {(city, 2016): ("E3", "quarantine") for city in cities[:4]}
    assert editing.used(cities[3], 2016, "fiscal_expenditure") is None


def test_a_city_that_doubles_and_a_change_that_all_cities_share_are_no_slips(editing, cities):
    figures = series(cities, "fiscal_expenditure")
    times(figures, cities[3], range(2016, 2023), 2.0)
    assert editing.decided(figures) == {}
    pending = editing.con.execute("select city_id, year, rule from int_edits where action = 'pending'").fetchall()
    assert (cities[3], 2016, "E4") in pending
    figures = series(cities, "fiscal_expenditure")
    figures.loc[figures["year"] == 2016, "value"] *= 3.0
    assert editing.decided(figures) == {}


def test_of_two_spikes_side_by_side_the_sound_year_between_them_stays(editing, cities):
    figures = series(cities, "fiscal_expenditure", noise=0.01)
    times(figures, cities[3], [2014, 2016], 3.0)
    assert set(editing.decided(figures)) == {(cities[3], 2014), (cities[3], 2016)}


def test_a_run_that_comes_back_is_taken_out(editing, cities):
    figures, cells = series(cities, "broadband_subscribers"), {}
    for city, first, last, factor in zip(cities, (2014, 2014, 2013), (2015, 2017, 2014), (5.0, 0.2, 2.5), strict=False):
        times(figures, city, range(first, last + 1), factor)
        cells |= {(city, year): ("E4", "quarantine") for year in range(first, last + 1)}
    assert editing.decided(figures) == cells


def test_a_level_that_comes_and_goes_is_a_question_where_the_variable_moves_much_and_the_city_does_not(editing, cities):
    figures = series(cities, "fiscal_science", noise=0.4)
    calm = figures["city_id"].isin(cities[:20])
    figures.loc[calm, "value"] = series(cities[:20], "fiscal_science", noise=0.02)["value"].to_numpy()
    times(figures, cities[5], [2015, 2016], 2.5)
    times(figures, cities[7], range(2015, 2023), 2.5)  # stays there
    edits = editing.run(figures)
    asked = edits[(edits["rule"] == "E4") & (edits["action"] == "pending") & edits["about"].notna()]
    assert {(cities[5], 2015), (cities[5], 2016)} == set(
        asked.loc[asked["city_id"].isin(cities[:20])].filter(["city_id", "year"]).itertuples(index=False, name=None)
    )
    assert asked.loc[asked["city_id"] == cities[5], "about"].eq("2015-2016").all()
    assert asked["city_id"].nunique() <= 4  # of forty that move by two fifths a year


def test_losses_in_a_row_are_no_run_and_a_moved_boundary_excuses_an_edge(editing, cities):
    figures = series(cities, "industrial_profit")
    hit = (figures["city_id"] == cities[5]) & figures["year"].between(2014, 2016)
    figures.loc[hit, "value"] *= -0.5
    assert editing.decided(figures) == {}
    sql = "select to_city_id, effective_year from city_change where event_id = 'jianyang_2016'"
    ((joined, event),) = editing.con.execute(sql).fetchall()
    years = list(range(event - 5, event + 1))
    figures = series([*cities, joined], "fiscal_expenditure", years=years)
    times(figures, joined, [event], 3.0)
    assert editing.decided(figures) == {}


def test_an_edge_far_off_the_line_is_taken_out(editing, cities):
    figures = series(cities, "fiscal_expenditure")
    edges = {cities[7]: 2010, cities[17]: 2022}
    for city, year in edges.items():
        times(figures, city, [year], 10.0)
    assert editing.decided(figures) == dict.fromkeys(edges.items(), ("E5", "quarantine"))
    # the first year has no path of the nation before it, and is told what it was held against all the same
    expected = editing.con.execute("select expected from int_edits where action = 'quarantine' order by city_id")
    printed = [figure(figures, *edge) for edge in edges.items()]
    assert [row[0] for row in expected.fetchall()] == pytest.approx([value / 10.0 for value in printed], rel=0.2)


def test_a_source_of_other_origin_speaks_for_a_spike_and_a_copy_of_the_same_one_does_not(editing, cities):
    figures = series(cities, "gdp_nom")
    times(figures, cities[3], [2016], 4.0)
    copy = figures.assign(source="panel_macro")
    assert editing.decided(pd.concat([figures, copy])) == {(cities[3], 2016): ("E3", "quarantine")}
    other = figures.assign(source="industry_structure", value=figures["value"] * 1.01)
    assert editing.decided(pd.concat([figures, other])) == {(cities[3], 2016): ("E3", "accept")}
    assert editing.used(cities[3], 2016, "gdp_nom") is not None


def test_another_print_of_the_same_figure_replaces_a_slip(editing, cities):
    figures = series(cities, "gdp_nom")
    copy, truth = figures.assign(source="panel_macro"), figure(figures, cities[3], 2016)
    times(figures, cities[3], [2016], 10.0)
    edits = editing.run(pd.concat([figures, copy])).query("city_id == @cities[3] and year == 2016")
    (row,) = edits[edits["action"] != "pending"].to_dict("records")
    assert (row["source"], row["action"]) == ("panel_policies", "replace")
    assert row["used_cell_id"] == f"panel_macro:gdp_nom:{cities[3]}:2016"
    assert row["about"] is None  # what it is held against, not the source that stands in
    assert editing.used(cities[3], 2016, "gdp_nom") == pytest.approx(truth)


def test_an_impossible_ratio_is_taken_out_and_a_level_of_the_citys_own_is_not(editing, cities):
    spending = series(cities, "fiscal_expenditure", level=1e6)
    science = spending.assign(variable_code="fiscal_science", value=spending["value"] * 0.02)
    own = science["city_id"] == cities[2]  # spends a lot on science, year after year
    science.loc[own, "value"] *= np.linspace(4.0, 8.0, len(YEARS))
    times(science, cities[4], [2015], 20.0)
    decided = editing.decided(pd.concat([spending, science]))
    assert decided == {(cities[4], 2015): ("E2", "quarantine")}


def test_what_is_counted_is_not_below_zero_and_a_loss_may_be(editing, cities):
    both = [series(cities, code, level=50.0, years=[2022]) for code in ("eldercare_homes", "industrial_profit")]
    for figures in both:
        times(figures, cities[1], [2022], -1.0)
    editing.run(pd.concat(both))
    sql = "select variable_code, city_id, rule from int_edits where action = 'quarantine'"
    out = editing.con.execute(sql).fetchall()
    assert out == [("eldercare_homes", cities[1], "E2")]


def test_a_share_over_a_hundred_and_a_fraction_for_per_cent_are_taken_out(editing, cities):
    shares = series(cities, "air_quality_share", level=80.0, noise=0.0, spread=0.03, years=[2022])
    times(shares, cities[1], [2022], 100.0)
    times(shares, cities[2], [2022], 0.01)
    assert editing.decided(shares) == {(city, 2022): ("E2", "quarantine") for city in cities[1:3]}


def test_a_figure_with_few_years_beside_it_is_a_question_beside_those_of_other_cities(editing, cities):
    people = series(cities, "population_resident", level=1e6, growth=0.0, noise=0.0, spread=1.2)
    pupils = people[people["year"] == 2022].assign(variable_code="students_kindergarten")
    pupils["value"] *= 0.03 * np.exp(np.random.default_rng(2).normal(0.0, 0.2, len(pupils)))
    times(pupils, cities[5], [2022], 1e-4)
    beds = series(cities, "welfare_beds", level=1e3, noise=0.01, spread=0.2, years=[2019, 2020, 2021, 2022])
    times(beds, cities[6], [2019, 2020, 2021, 2022], 30.0)
    edits = editing.run(pd.concat([people, pupils, beds]))
    (row,) = edits.to_dict("records")  # far from other cities is a level of its own where four years show it
    assert (row["variable_code"], row["city_id"], row["rule"], row["action"]) == (
        "students_kindergarten", cities[5], "E5", "pending",
    )  # fmt: skip
    residents = figure(people, cities[5], 2022)
    assert row["expected"] == pytest.approx(0.03 * residents, rel=0.1)


@pytest.fixture
def people(cities):
    registered = series(cities, "population_registered", level=3e6, growth=0.003, noise=0.002)
    ratio = np.repeat(np.exp(np.random.default_rng(5).normal(0.0, 0.2, len(cities))), len(YEARS))
    return registered, registered.assign(variable_code="population_resident", value=registered["value"] * ratio)


def test_a_year_of_another_definition_is_computed_by_its_own(editing, cities, people):
    registered, resident = people
    gdp = series(cities, "gdp_nom", level=1e7)
    per_head = 1e4 * gdp["value"] / resident["value"]
    printed = per_head.where(gdp["year"] != 2013, 1e4 * gdp["value"] / registered["value"])
    wrong = gdp.copy()
    times(wrong, cities[7], [2013], 10.0)  # E3 takes it out: it is no part of another figure
    times(wrong, cities[8], YEARS, 10.0)  # a level that no rule sees, but far from what is printed a head
    figures = [registered, resident, wrong, gdp.assign(variable_code="gdp_per_capita_nom", value=printed)]
    switched = editing.run(pd.concat(figures)).query("rule == 'E6'")
    assert set(switched["year"]) == {2013}
    assert len(switched) == len(cities)
    actions = switched.set_index("city_id")["action"]
    assert actions[actions != "replace"].to_dict() == dict.fromkeys(cities[7:9], "quarantine")
    want = figure(gdp.assign(value=per_head), cities[0], 2013)
    assert editing.used(cities[0], 2013, "gdp_per_capita_nom") == pytest.approx(want)


def test_what_a_compiler_filled_is_not_used(editing, cities):
    figures = series(cities, "mobile_subscribers", level=3e6)
    times(figures, cities[3], [2021], 5.0)
    filled = (figures["city_id"] == cities[3]) & (figures["year"] == 2020)
    figures["fill_rule"] = np.where(filled, "midpoint", "")
    decided = editing.decided(figures)
    assert decided[(cities[3], 2021)] == ("E3", "quarantine")
    assert decided[(cities[3], 2020)] == ("E7", "quarantine")


def test_estimates_that_the_census_refutes_are_rebased_between_the_censuses(editing, cities, people):
    resident = people[1].assign(source="population")
    times(resident, cities[1], range(2020, 2023), 0.8)
    editing.run(resident)

    def shift(city, year):
        return np.log(editing.used(city, year, "population_resident", "population") / figure(resident, city, year))

    assert [shift(cities[1], year) for year in (2010, 2020)] == [0.0, 0.0]
    assert shift(cities[1], 2015) == pytest.approx(0.5 * np.log(0.8), abs=0.02)
    assert shift(cities[2], 2015) == pytest.approx(0.0, abs=1e-6)


def prices_and_volumes(cities, seed=3):
    """Nominal GDP and printed growth of one source, prices of a city near those of its province."""
    rng = np.random.default_rng(seed)
    n, t = len(cities), len(YEARS)
    growth = 0.07 + rng.normal(0.0, 0.01, (n, t))
    price = 0.02 + rng.normal(0.0, 0.01, (1, t)) + rng.normal(0.0, 0.008, (n, t))
    nominal = 1e7 * np.exp(rng.normal(0.0, 0.6, (n, 1)) + np.cumsum(growth + price, axis=1))
    keys = {"source": "gdp_revised", "city_id": np.repeat(cities, t), "year": np.tile(YEARS, n)}
    gdp = pd.DataFrame({**keys, "variable_code": "gdp_nom", "value": nominal.reshape(-1)})
    index = gdp.assign(variable_code="gdp_real_index", value=100 * np.exp(growth).reshape(-1))
    return gdp, index


def test_gdp_of_a_city_that_doubles_in_volume_is_left_alone_and_a_level_break_carried_back(editing, cities):
    gdp, index = prices_and_volumes(cities)
    sound = gdp[gdp["city_id"] == cities[9]].set_index("year")["value"]
    times(gdp, cities[9], range(2010, 2019), 2.0)  # the years before a census: twice the level of the years after
    edits = editing.run(pd.concat([gdp, index]))
    relinked = edits[edits["action"] == "relink"]
    assert set(relinked["city_id"]) == {cities[9]}
    assert set(relinked["year"]) == set(range(2010, 2019))
    used = [editing.used(cities[9], year, "gdp_nom", "gdp_revised") for year in YEARS]
    assert np.abs(np.log(np.array(used) / sound.to_numpy())).max() < 0.03  # off by the price of one year at most
    assert used[YEARS.index(2020)] == sound[2020]
    gdp, index = prices_and_volumes(cities)
    times(gdp, cities[9], range(2016, 2023), 1.35)
    times(index, cities[9], [2016], 1.35)
    assert editing.decided(pd.concat([gdp, index])) == {}


def test_a_level_that_is_cut_with_its_growth_beside_it_is_one_revision(editing, cities):
    gdp, index = prices_and_volumes(cities)
    sound = gdp[gdp["city_id"] == cities[9]].set_index("year")["value"]
    times(gdp, cities[9], range(2016, 2023), 0.7)
    times(index, cities[9], [2016], 0.7)
    editing.run(pd.concat([gdp, index]))
    assert editing.used(cities[9], 2016, "gdp_real_index", "gdp_revised") == pytest.approx(107, rel=0.02)
    used = [editing.used(cities[9], year, "gdp_nom", "gdp_revised") for year in YEARS]
    assert np.array(used) / (0.7 * sound.to_numpy()) == pytest.approx(1, rel=0.05)


def test_growth_that_does_not_fit_is_what_nominal_gdp_leaves_over_the_usual_price(editing, cities):
    gdp, index = prices_and_volumes(cities)
    slips = {cities[9]: 10.0, cities[19]: 1.5}
    truth = [figure(index, city, 2016) for city in slips]
    for city, factor in slips.items():
        times(index, city, [2016], factor)
    edits = editing.run(pd.concat([gdp, index]))
    rows = edits[edits["city_id"].isin(slips) & (edits["variable_code"] == "gdp_real_index")]
    assert rows[["city_id", "year"]].to_numpy().tolist() == [[city, 2016] for city in slips]
    assert rows["used_value"].tolist() == pytest.approx(truth, rel=0.03)


def test_one_row_that_keeps_a_figure_or_its_price_step_reverses_the_edit(editing, cities):
    figures = series(cities, "fiscal_expenditure")
    times(figures, cities[3], [2016], 4.0)
    kept = (figures["city_id"] == cities[3]) & (figures["year"] == 2016)
    figures["correction_action"] = np.where(kept, "keep", None)
    figures["is_settled"] = kept
    assert editing.decided(figures) == {(cities[3], 2016): ("E3", "keep")}
    assert editing.used(cities[3], 2016, "fiscal_expenditure") == figures.loc[kept, "value"].iloc[0]
    level = series(cities, "fiscal_expenditure")
    times(level, cities[3], range(2016, 2023), 2.0)  # what only stands out is answered too
    level["is_settled"] = (level["city_id"] == cities[3]) & (level["year"] == 2016)
    assert editing.decided(level) == {(cities[3], 2016): ("E4", "keep")}
    gdp, index = prices_and_volumes(cities)
    times(gdp, cities[9], range(2010, 2019), 2.0)
    gdp["is_settled"] = (gdp["city_id"] == cities[9]) & (gdp["year"] == 2019)
    index["is_settled"] = False
    assert editing.decided(pd.concat([gdp, index])) == {(cities[9], 2019): ("E4", "keep")}  # nothing of E9


def test_a_typed_figure_is_judged_like_a_printed_one(editing, cities):
    figures = series(cities, "mobile_subscribers", level=3e6)
    times(figures, cities[3], [2016], 1e-4)  # typed in 10 000 accounts where accounts are meant
    typed = (figures["city_id"] == cities[3]) & (figures["year"] == 2016)
    figures["correction_action"] = np.where(typed, "replace", None)
    assert editing.decided(figures) == {(cities[3], 2016): ("E3", "quarantine")}


NOISE = {"fiscal_expenditure": 0.05, "fiscal_education": 0.06, "mobile_subscribers": 0.05, "retail_sales_nom": 0.03}
NOISE |= {"loans_balance_nom": 0.03, "wage_avg_nom": 0.025, "he_students": 0.05, "industrial_firms": 0.06}
SLIPS = {  # class -> factors and lengths of run
    "E3": [(10.0, 1), (0.1, 1), (3.0, 1), (1 / 3, 1), (2.0, 1), (0.5, 1)],
    "E4": [(10.0, 2), (0.1, 3), (3.0, 2), (1 / 3, 4), (2.4, 2)],
    "E5": [(10.0, 0), (0.1, 0), (4.0, 0)],
}
BARS = {"E3": 0.95, "E4": 0.85, "E5": 0.85}


def test_planted_slips_are_found_and_sound_figures_are_not_touched(editing):
    cities, rng = editing.cities[:220], np.random.default_rng(11)
    frames, planted, jumps = [], {}, set()
    for number, (variable, noise) in enumerate(NOISE.items()):
        figures = series(cities, variable, level=5e4, noise=noise, spread=0.15, seed=number)
        free = list(rng.permutation(cities))
        for rule, kinds in SLIPS.items():
            for factor, length in kinds * 2:
                city = free.pop()
                if rule == "E5":
                    years = [int(rng.choice([YEARS[0], YEARS[-1]]))]
                else:
                    start = int(rng.integers(YEARS[2], YEARS[-2] - length))
                    years = list(range(start, start + length))
                times(figures, city, years, factor)
                planted |= {(variable, city, year): rule for year in years}
        for factor in (2.0, 0.6, 1.7) * 3:  # true jumps, to stay
            city, year = free.pop(), int(rng.integers(2013, 2020))
            times(figures, city, range(year, YEARS[-1] + 1), factor)
            jumps.add((variable, city))
        frames.append(figures)
    edits = editing.run(pd.concat(frames))
    touched = {(r.variable_code, r.city_id, r.year) for r in edits[edits["action"] == "quarantine"].itertuples()}
    assert len(planted) >= 300
    for rule, bar in BARS.items():
        cells = [cell for cell, of_rule in planted.items() if of_rule == rule]
        assert np.mean([cell in touched for cell in cells]) >= bar, rule
    false = touched - set(planted)
    assert len(false) * 2000 <= sum(len(frame) for frame in frames), sorted(false)
    assert not [cell for cell in false if cell[:2] in jumps]


@pytest.fixture(scope="module")
def faults(editing):
    return Faults(editing)


KEEP = {"source": "yearbook", "city_id": "CN110000", "year": 2018, "variable_code": "mobile_subscribers"}
KEEP |= {"scope": "city", "action": "keep", "expect": "3972", "reason": "looked at", "status": "open"}
KEEP |= {"action": "keep", "expect": "3972", "reason": "looked at", "status": "open"}


def test_bad_rows_of_the_seeds_are_named_once_each(faults):
    assert faults.sentences(correction=[KEEP]) == []
    spoilt = faults.rule.query("not (rule == 'E4' and parameter == 'years')")
    assert faults.sentences(rule=spoilt) == ["edit_rule.csv: rule E4 has no row for * and years: it cannot be applied."]
    (sentence,) = faults.sentences(correction=[KEEP | {"variable_code": "gdp_nom"}])
    assert "keep of 北京市 (CN110000) 2018 gdp_nom (city) in yearbook: no such cell" in sentence
    assert faults.sentences(correction=[KEEP | {"source": "panel_macro"}]) == []
    (sentence,) = faults.sentences(correction=[KEEP | {"source": "panel"}])
    assert sentence.endswith("(city) in panel: no such source; see source.csv.")
    sentences = faults.sentences(correction=[KEEP, KEEP | {"action": "drop"}])
    assert sentences == [
        "correction.csv: two decisions (drop, keep) for one cell, 北京市 (CN110000) 2018 mobile_subscribers (city) in"
        " yearbook, while it prints '3972'. Keep one row, or write status withdrawn."
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("E11 * - mad 6", "E11 * mad: no such rule or parameter"),
        ("E3 * - spread 6", "no such rule or parameter. Known: E3 "),
        ("E3 phones - mad 6", "phones mad: no such variable"),
        ("E2 gdp_nom folk low 1", "folk is no variable"),
        ("E3 gdp_nom - mad -", "the value is missing"),
        ("E3 * - mad 7", "E3 * mad: the row stands twice"),
    ],
)
def test_a_parameter_row_that_no_rule_can_use_is_named(faults, row, said):
    spoilt = faults.rule.copy()
    rule, variable, against, parameter, value = (None if part == "-" else part for part in row.split())
    spoilt.loc[len(spoilt)] = [rule, variable, against, parameter, value and float(value), None]
    sentences = faults.sentences(rule=spoilt)
    assert any(said in sentence for sentence in sentences), sentences


def test_a_replacement_that_a_rule_would_take_out_is_named_with_the_unit_to_type_it_in(faults):
    sentences = faults.sentences(correction=[KEEP | {"action": "replace", "value": 3972.0}])
    assert len(sentences) == 1
    assert "which rule E3 would take out: far off" in sentences[0]
    assert "in the unit of the column (万户)" in sentences[0]
    assert faults.sentences(correction=[KEEP | {"action": "replace"}])[0].endswith("or the factor.")


def test_a_figure_in_a_sentence_has_four_digits_and_no_exponent():
    values = (1.8534e-05, -2.5e-07, 0.00012346, 0.0, 12.34567, 16_413.2, None)
    con, query = duckdb.connect(), with_macros("select {{ figure('x') }} from (select ?::double as x)")
    texts = [con.execute(query, [value]).fetchall()[0][0] for value in values]
    assert [*map(contract.figure, values[:-1])] == texts[:-1]  # as the gate prints it
    assert texts == ["0.00001853", "-0.00000025", "0.0001235", "0", "12.35", "16,413", None]
