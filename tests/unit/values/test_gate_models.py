"""Folders `edit` and `gate` of dbt on a country whose truth is known: a spoilt edition shows, a sound one does not."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from dbt_models import in_order, rendered
from editing import STABLE_CITIES, put_frame, with_seeds
from text_table import words

SEEDS = words(
    "city city_change county_change variable unit source identity edit_rule gate_rule gate_parameter "
    "indicator indicator_part"
)
OTHERS = ("gate_header", "gate_row", "gate_value", "gate_printed_total")  # frames of a load as they are
MODELS = [model for model in in_order("edit", "gate") if model.startswith(("edit_", "gate_")) and model not in OTHERS]
YEARS = (2016, 2017, 2018, 2019)
VARIABLES = {"gdp_nom": 2e7, "fiscal_revenue": 2e6, "fiscal_expenditure": 4e6, "fiscal_education": 8e5}
VARIABLES |= {"loans_balance_nom": 3e7, "retail_sales_nom": 1e7, "population_registered": 4e6}
VARIABLES |= {"mobile_subscribers": 3e6, "wage_bill_urban_units": 1e6}
NO_ANSWERS = """
create table int_county_cities (county_id varchar, city_id varchar, year_from integer, year_to integer);
create table index_spec (index_code varchar, indicator_code varchar);
create table county_weight as select 'population_registered' as variable_code, 0.7 as weight;
create table row_count as select 'book' as source, 'city' as level;
create table gate_answer (source varchar, data_year integer, vintage varchar, rule_id varchar, subject varchar,
    answer varchar, reviewed_by varchar, reason varchar);
"""
N_PROVINCES, N_CITIES = 12, 10


class Gate:
    """Seeds of the project and the models over whatever figures a test makes up."""

    def __init__(self) -> None:
        self.con = with_seeds(*SEEDS)
        self.con.execute(NO_ANSWERS)
        self.cities = self.con.execute(
            f"""
            {STABLE_CITIES} and province_code in (
                select province_code from city where level = 'city' and valid_to is null
                group by 1 having count(*) >= {N_CITIES + 3} order by 1 limit {N_PROVINCES}
            )
            qualify row_number() over (partition by province_code order by city_id) <= {N_CITIES}
            order by 1
            """
        ).fetchall()
        assert len(self.cities) > 80

    def sound(self, seed: int = 1) -> pd.DataFrame:
        """Figures of four editions: growth of all cities, a little of each city's own, ranks that hold."""
        rng = np.random.default_rng(seed)
        rows, size = [], np.exp(rng.normal(0, 0.8, len(self.cities)))
        for at, (variable, level) in enumerate(VARIABLES.items()):
            own = level * size * np.exp(rng.normal(0, 0.15, len(self.cities)))
            for number, year in enumerate(YEARS):
                own = own * np.exp(0.06 + rng.normal(0, 0.02, len(self.cities)))
                for n, (city, _) in enumerate(self.cities):
                    rows.append((year, f"v{year}", city, variable, round(own[n], 1), n + 5, at + 2, number))
        columns = words("data_year vintage city_id variable_code value row_no col_no load_order")
        return pd.DataFrame(rows, columns=columns).assign(source="book", scope="city")

    def build(self, figures: pd.DataFrame, last: str = MODELS[-1]) -> None:
        """The models up to that one, over an edition of 2019 that waits and older ones that are accepted."""
        frame = figures.assign(year=figures["data_year"], file="f", sheet="S")
        frame["level"] = np.where(frame["city_id"].str.endswith("0000"), "province", "city")
        frame["text"], frame["unit"] = frame.get("text", "t"), frame.get("unit", "u")
        frame["cell"] = [f"{chr(64 + r.col_no)}{r.row_no}" for r in figures.itertuples()]
        frame["source_cell_id"] = frame["source"] + "@" + frame["vintage"] + ":f!S!" + frame["cell"]
        frame["is_settled"], frame["row_kind"] = False, "city"
        loads = frame[["source", "data_year", "vintage", "load_order"]].drop_duplicates()
        loads["is_waiting"] = (loads["data_year"] == max(YEARS)) & (loads["source"] == "book")
        loads["is_accepted"] = ~loads["is_waiting"]
        headers = frame.drop_duplicates(["source", "data_year", "vintage", "variable_code"]).assign(
            header_path=lambda f: "table " + ((f["col_no"] - 2) // 3).astype(str) + " / " + f["variable_code"]
        )
        proposed = frame.iloc[:0].assign(rule="", printed_value=0.0, used_value=0.0, evidence="", action="")
        for name in ("int_values_corrected", "int_rows_matched_to_cities"):
            put_frame(self.con, name, frame)
        put_frame(self.con, "landed", loads)
        put_frame(self.con, "int_headers_mapped", headers)
        put_frame(self.con, "int_edits_proposed", proposed)
        for model in ("int_borders", *MODELS[: MODELS.index(last) + 1]):
            self.con.execute(f"create or replace table {model} as {self.sql(model)}")

    def judge(self, figures: pd.DataFrame) -> dict[str, list[tuple[str, str]]]:
        """Rule -> (subject, why) beyond its limit, of the newest edition."""
        self.build(figures)
        found: dict[str, list[tuple[str, str]]] = {}
        for rule, subject, why in self.con.execute(
            "select rule_id, subject, why from gate_observation where observed > limit_at order by 1, 2"
        ).fetchall():
            found.setdefault(rule, []).append((subject, why))
        return found

    def edited(self, figures: pd.DataFrame | None = None) -> dict[tuple[str, str], str]:
        """(city, variable) -> rule, of the edition that waits; without figures, of those judged last."""
        if figures is not None:
            self.build(figures, "gate_edit")
        rows = self.con.execute("select city_id, variable_code, rule from gate_edit where year = 2019").fetchall()
        return {(city, variable): rule for city, variable, rule in rows}

    def sql(self, model: str) -> str:
        folder = {"edit": "edit", "gate": "gate"}.get(model.partition("_")[0], "reading")
        return rendered(f"{folder}/{model}")


@pytest.fixture(scope="module")
def gate():
    return Gate()


@pytest.fixture(scope="module")
def truth(gate):
    return gate.sound()


@pytest.fixture
def figures(gate, truth):
    """Sound figures for a test to spoil; what it does to the seeds is undone."""
    gate.con.begin()
    yield truth.copy()
    gate.con.rollback()


def subjects(found, rule):
    return [subject for subject, _ in found[rule]]


def at(figures, variable=None, cities=None, year=2019):
    """year None: any."""
    found = figures["data_year"].eq(year) if year else figures["data_year"].notna()
    if variable:
        found &= figures["variable_code"] == variable
    return found & figures["city_id"].isin(cities) if cities is not None else found


def of_province(gate, number):
    provinces = sorted({province for _, province in gate.cities})
    return [city for city, province in gate.cities if province == provinces[number]]


def put(figures, variable, cities, values):
    for city, value in zip(cities, values, strict=True):
        figures.loc[at(figures, variable, [city]), "value"] = value


def read(figures, variable, cities, year=2019):
    one = figures[at(figures, variable, cities, year)].set_index("city_id")["value"]
    return [one[city] for city in cities]


def test_a_sound_edition_shows_nothing_also_in_another_order_of_rows(gate, figures):
    assert gate.judge(figures) == {}
    assert gate.edited() == {}
    figures["row_no"] = 200 - figures["row_no"]
    assert gate.judge(figures) == {}


def shift(figures, variable, cities, rows=1):
    mask = at(figures, variable, cities) & (figures["scope"] == "city")
    assert figures.loc[mask, "city_id"].tolist() == cities
    figures.loc[mask, "value"] = np.roll(figures.loc[mask, "value"].to_numpy(), rows)


def exchange(figures, variables, one, other):
    for variable in variables:
        put(figures, variable, [one, other], read(figures, variable, [other, one]))


def test_rows_exchanged_side_by_side_and_far_apart_name_their_cities(gate, figures):
    pairs = [[gate.cities[n][0] for n in pair] for pair in ((3, 4), (12, 70))]
    for pair in pairs:
        exchange(figures, VARIABLES, *pair)
    assert subjects(gate.judge(figures), "row_holds_its_own_figures") == sorted(pairs[0] + pairs[1])


def test_a_shift_in_one_province_and_of_some_rows_of_two_is_seen(gate, figures):
    last = [city for city, _ in gate.cities][-14:-6]  # four of each of two provinces
    shift(figures, "gdp_nom", of_province(gate, 5), -1)
    for variable, rows in (("loans_balance_nom", -1), ("retail_sales_nom", 1)):
        shift(figures, variable, last, rows)
    found = gate.judge(figures)["province_stands_in_its_place"]
    assert [subject.split("/")[0] for subject, _ in found] == ["gdp_nom", "loans_balance_nom", "retail_sales_nom"]
    assert ["fit the row above them" in why for _, why in found[1:]] == [False, True]
    assert "fit the row below them" in found[1][1]


@pytest.mark.parametrize("table", [["gdp_nom", "fiscal_revenue", "fiscal_expenditure"], ["gdp_nom", "fiscal_revenue"]])
def test_two_rows_of_one_table_exchanged_name_both_cities(gate, figures, table):
    one, other = gate.cities[2][0], gate.cities[70][0]
    first = ["gdp_nom", "fiscal_revenue", "fiscal_expenditure"]  # the columns of `table 0`
    figures = figures[~figures["variable_code"].isin(set(first) - set(table))].copy()
    exchange(figures, table, one, other)
    found, columns = gate.judge(figures), ", ".join(sorted(table))
    assert subjects(found, "row_holds_its_own_figures") == [f"{one}/{columns}", f"{other}/{columns}"]
    assert all(f"its figures {columns} fit the past of" in why for _, why in found["row_holds_its_own_figures"])


def test_rows_that_another_accepted_source_prints_too_stand_right(gate, figures):
    for source in ("book", "copy"):
        gate.con.execute("insert into source (source, unit_level, concept) values (?, 'city', 'first_print')", [source])
    copy = figures.assign(source="copy", vintage=lambda f: "c" + f["vintage"])
    pair = [gate.cities[n][0] for n in (3, 4)]
    exchange(figures, VARIABLES, *pair)
    found = gate.judge(pd.concat([figures, copy], ignore_index=True))
    assert subjects(found, "row_holds_its_own_figures") == sorted(pair)
    exchange(copy, VARIABLES, *pair)
    assert "row_holds_its_own_figures" not in gate.judge(pd.concat([figures, copy], ignore_index=True))


def test_a_table_gets_the_same_verdict_alone_and_with_the_rest_of_its_edition(gate, figures):
    """Two cities whose figures of one table fit each other's past a little better are no exchange."""
    one, other = gate.cities[2][0], gate.cities[70][0]
    table = ["gdp_nom", "fiscal_revenue", "fiscal_expenditure"]
    gate.con.execute("update gate_parameter set value = 3 where parameter = 'min_columns'")
    near = figures.copy()
    for variable in table:
        for year in YEARS:
            (value,) = read(figures, variable, [one], year)
            near.loc[at(near, variable, [other], year), "value"] = round(value * 1.09, 1)
    for pair, is_seen in ((near, False), (figures, True)):
        exchange(pair, table, one, other)
        for edition in (pair, pair[pair["variable_code"].isin(table)]):
            assert ("row_holds_its_own_figures" in gate.judge(edition)) is is_seen


def test_cities_that_truly_move_keep_their_figures(gate, figures):
    figures.loc[at(figures, cities=[gate.cities[80][0]]), "value"] *= 1.9
    for variable, factor in (("gdp_nom", 1.8), ("fiscal_revenue", 1.7), ("fiscal_expenditure", 1.9)):
        figures.loc[at(figures, variable, [gate.cities[20][0]]), "value"] *= factor
        figures.loc[at(figures, variable, [gate.cities[50][0]]), "value"] /= factor
    assert gate.judge(figures) == gate.edited() == {}


OF_COUNTIES = "insert into source (source, unit_level) values ('book', 'county')"


def test_of_counties_only_those_of_one_province_are_held_to_each_other(gate, figures):
    gate.con.execute(OF_COUNTIES)
    here, there = of_province(gate, 0), of_province(gate, 1)
    exchange(figures, VARIABLES, here[1], here[4])
    exchange(figures, VARIABLES, here[7], there[4])
    assert subjects(gate.judge(figures), "row_holds_its_own_figures") == [here[1], here[4]]


def test_an_exchange_of_counties_must_be_seen_from_both(gate, figures):
    """a has the figures of b, b those of c, and c has truly moved: rows one off, or three odd counties."""
    a, b, c = of_province(gate, 0)[1:8:3]
    for variable in VARIABLES:
        of_b, of_c = read(figures, variable, (b, c))
        put(figures, variable, (a, b, c), (of_b, of_c, 9 * of_c))
    assert a in subjects(gate.judge(figures), "row_holds_its_own_figures")
    gate.con.execute(OF_COUNTIES)
    assert "row_holds_its_own_figures" not in gate.judge(figures)


def test_a_power_of_ten_in_a_total_is_told_and_another_slip_refuses(gate, figures):
    cities = figures.assign(city_id="CN" + figures["city_id"].map(dict(gate.cities)))
    keys = words("source data_year vintage variable_code scope col_no load_order city_id")
    totals = cities.groupby(keys, as_index=False).agg(value=("value", "sum"), row_no=("row_no", "min"))
    figures = pd.concat([figures, totals.assign(row_no=totals["row_no"] + 500)], ignore_index=True)
    assert gate.judge(figures) == {}
    province, slips = gate.cities[0][1], {"fiscal_revenue": 10.0, "gdp_nom": 0.1, "retail_sales_nom": 1.3}
    for variable, factor in slips.items():
        figures.loc[at(figures, variable, [f"CN{province}"]), "value"] *= factor
    one, other, third = (f"{variable}/city/2019/{province}" for variable in slips)
    found = {rule: [subject for subject, _ in rows] for rule, rows in gate.judge(figures).items()}
    assert found == {"total_is_in_its_unit": [one, other], "province_sum_meets_total": [third]}


def test_a_column_whose_counties_sum_to_more_than_many_cities_print_is_seen(gate, figures):
    """Two units of the book each are the counties of a city of another source: four cities are many, three are not."""
    gate.con.execute(OF_COUNTIES)
    gate.con.execute("insert into source (source, unit_level, concept) values ('town', 'city', 'first_print')")
    city_of = {county: gate.cities[n - n % 2][0] for n, (county, _) in enumerate(gate.cities[:40])}
    for county, city in city_of.items():
        gate.con.execute("insert into int_county_cities values (?, ?, 0, 9999)", [county, city])
    n_cities = {"loans_balance_nom": 3, "retail_sales_nom": 4}
    counties = figures[at(figures, None, list(city_of)) & figures["variable_code"].isin(n_cities)]
    towns, keys = counties.assign(city_id=counties["city_id"].map(city_of)), ["city_id", "variable_code"]
    towns = towns.groupby(keys).agg(dict.fromkeys(towns.columns.drop([*keys, "value"]), "first") | {"value": "sum"})
    figures = pd.concat([figures, towns.reset_index().assign(source="town", vintage="t")], ignore_index=True)
    assert "counties_sum_to_city" not in gate.judge(figures)
    for variable, n in n_cities.items():
        more = at(figures, variable, list(city_of)[: 2 * n]) & (figures["source"] == "book")
        figures.loc[more, "value"] *= 1.5
    ((subject, why),) = gate.judge(figures)["counties_sum_to_city"]
    assert subject == "retail_sales_nom/city/2019"
    assert why == "in 4 of 20 cities the counties sum to what the city cannot have, in the median to 1.5 of it"


def test_what_is_current_stays_in_doubt_and_only_what_waits_is_before_the_gate(gate, figures):
    for number, year in ((3, 2018), (5, 2019)):
        slip = at(figures, "wage_bill_urban_units", [of_province(gate, number)[5]], year)
        figures.loc[slip, "value"] *= 10
    older = figures[figures["data_year"] == 2018]
    gate.build(pd.concat([figures, older.assign(vintage="a", load_order=-1)], ignore_index=True))
    judged = "select data_year, vintage from edit_load where is_judged order by all"
    assert gate.con.execute(judged).fetchall() == [(year, f"v{year}") for year in YEARS]
    years = "select distinct data_year from edit_load where load_id in (select load_id from {}) order by 1"
    assert gate.con.execute(years.format("edit_doubt")).fetchall() == [(2018,), (2019,)]
    assert gate.con.execute(years.format("gate_figure")).fetchall() == [(2019,)]
    assert gate.con.execute("select distinct data_year from gate_edit").fetchall() == [(2019,)]


def test_the_limit_of_a_run_grows_with_the_rows(gate, figures):
    question = "select max(times_limit) from gate_run"
    gate.build(figures, "gate_run")
    ((few,),) = gate.con.execute(question).fetchall()
    gate.con.execute("update gate_parameter set value = value / 100 where parameter = 'run_rows'")
    gate.build(figures, "gate_run")
    assert gate.con.execute(question).fetchall()[0][0] < 0.9 * few


def test_small_whole_numbers_are_little_evidence_of_a_run_of_rows(gate, figures):
    """One firm, two or three among many: that some of them are those of the row below says nothing."""
    rng, small = np.random.default_rng(3), [city for city, _ in gate.cities[:60]]
    firms = rng.integers(1, 4, len(small))
    for year in YEARS:
        firms = np.where(rng.uniform(size=len(small)) < 0.5, rng.integers(1, 4, len(small)), firms)
        figures.loc[at(figures, "mobile_subscribers", small, year), "value"] = firms.astype(float)
    gate.build(figures, "gate_run")
    (evidence,) = gate.con.execute("select by_move from gate_run where variable_code = 'mobile_subscribers'").fetchall()
    assert evidence[0] < 7


def test_the_jump_of_a_unit_whose_border_moved_is_no_slip(gate, figures):
    city = of_province(gate, 3)[5]
    figures.loc[at(figures, "wage_bill_urban_units", [city]), "value"] *= 10
    assert (city, "wage_bill_urban_units") in gate.edited(figures)
    columns = "effective_year, old_county_id, new_county_id, kind"
    gate.con.execute(f"insert into county_change ({columns}) values (2019, 'x', '{city}', 'merged')")
    assert (city, "wage_bill_urban_units") not in gate.edited(figures)


def test_a_row_printed_for_two_cities_and_the_row_of_last_year_are_seen(gate, figures):
    one, other, third = (gate.cities[n][0] for n in (12, 61, 33))
    for variable in VARIABLES:
        put(figures, variable, [other], read(figures, variable, [one]))
        put(figures, variable, [third], read(figures, variable, [third], 2018))
    found = dict(gate.judge(figures)["row_holds_its_own_figures"])
    assert {one, third} <= set(found) <= {one, other, third}
    assert found[third] == "nearly all its figures are those of the last edition"


def test_a_sort_and_another_unit_inside_one_province_are_seen(gate, figures):
    cities = of_province(gate, 3)
    put(figures, "fiscal_revenue", cities, sorted(read(figures, "fiscal_revenue", cities)))
    figures.loc[at(figures, "retail_sales_nom", of_province(gate, 2)), "value"] *= 10
    found = gate.judge(figures)
    assert subjects(found, "province_stands_in_its_place") == ["fiscal_revenue/city/2019"]
    assert subjects(found, "province_is_in_its_unit") == ["retail_sales_nom/city/2019"]


def test_the_last_year_pasted_again_is_seen_whole_and_in_one_province(gate, figures):
    everywhere = [city for city, _ in gate.cities]
    put(figures, "loans_balance_nom", everywhere, read(figures, "loans_balance_nom", everywhere, 2018))
    here = of_province(gate, 1)
    put(figures, "fiscal_education", here, read(figures, "fiscal_education", here, 2018))
    found = gate.judge(figures)
    assert [subject for subject, _ in found["block_is_of_its_year"]] == ["loans_balance_nom/city/2019"]
    assert "100.0 % of the figures are those of book 2018" in found["block_is_of_its_year"][0][1]
    assert [subject for subject, _ in found["province_is_of_its_year"]] == ["fiscal_education/city/2019"]


def test_missing_figures_of_a_province_are_counted(gate, figures):
    gone = at(figures, cities=of_province(gate, 4)) & figures["variable_code"].isin(["gdp_nom", "fiscal_expenditure"])
    ((subject, why),) = gate.judge(figures[~gone])["province_has_its_figures"]
    assert subject.endswith("/2019")
    assert "lacks 20 figures that it had in 2018: fiscal_expenditure (city), gdp_nom (city)" in why


def test_what_no_index_uses_is_counted_apart_and_does_not_weigh(gate, figures):
    """Fiscal revenue is in no indicator: missing in a province, in another unit there, or with slips in a city."""
    gone = at(figures, cities=of_province(gate, 4)) & figures["variable_code"].isin(["gdp_nom", "fiscal_revenue"])
    figures.loc[at(figures, "fiscal_revenue", of_province(gate, 6)), "value"] *= 10
    figures.loc[at(figures, "fiscal_revenue", [gate.cities[20][0]]), "value"] /= 10
    gate.judge(figures[~gone])
    weighs = "select subject, weighs from gate_observation where rule_id = '{}' and observed > limit_at order by 1"
    found = gate.con.execute(weighs.format("province_has_its_figures")).fetchall()
    assert [(subject.partition("/")[2], one) for subject, one in found] == [("2019", True), ("2019/other", False)]
    found = gate.con.execute(weighs.format("province_is_in_its_unit")).fetchall()
    assert found == [("fiscal_revenue/city/2019", False)]
    assert not gate.con.execute("from gate_observation where rule_id like 'edits%city%'").fetchall()


def test_a_column_without_a_past_that_a_province_lacks_is_seen(gate, figures):
    figures = figures[(figures["variable_code"] != "gdp_nom") | (figures["data_year"] == 2019)]
    assert gate.judge(figures) == {}
    gone = at(figures, "gdp_nom", of_province(gate, 4)[:8])  # of ten: the others print it
    assert "province_has_its_figures" not in gate.judge(figures[~gone])
    gone = at(figures, "gdp_nom", of_province(gate, 4))
    ((_, why),) = gate.judge(figures[~gone])["province_has_its_figures"]
    assert "lacks 10 figures that nearly all other cities have: gdp_nom (city)" in why


def test_another_concept_in_a_whole_column_and_a_figure_printed_twice_are_seen(gate, figures):
    rng = np.random.default_rng(5)
    column = at(figures, "population_registered")
    figures.loc[column, "value"] *= np.exp(rng.normal(-0.3, 0.25, column.sum()))
    again = figures[at(figures, "gdp_nom")].assign(col_no=20)
    found = gate.judge(pd.concat([figures, again]))
    assert "population_registered/city/2019" in subjects(found, "block_moves_as_usual")
    assert subjects(found, "figure_is_printed_once") == ["gdp_nom/city/2019"]


def test_a_lost_digit_and_a_zero_are_left_out_and_nothing_else(gate, figures):
    first, second = gate.cities[10][0], gate.cities[55][0]
    figures.loc[at(figures, "gdp_nom", [first]), "value"] /= 10
    figures.loc[at(figures, "mobile_subscribers", [second]), "value"] = 0
    assert gate.judge(figures) == {}
    told = {(first, "gdp_nom"): "figure_follows_its_past", (second, "mobile_subscribers"): "zero_is_a_figure"}
    assert gate.edited() == told


def test_more_slips_than_a_sound_edition_has_ask_once(gate, figures):
    for n, variable in enumerate(list(VARIABLES) * 2):
        figures.loc[at(figures, variable, [gate.cities[5 + 4 * n][0]]), "value"] /= 10
    assert set(gate.judge(figures)) == {"edits_are_few"}
    answer = "('book', 2019, null, 'edits_are_few', 'edits', 'accept', 'a', 'b')"
    gate.con.execute(f"insert into gate_answer values {answer}")
    assert gate.judge(figures) == {}


def restless(figures, variable, spread, seed):
    """The column anew, with moves of that spread."""
    rng = np.random.default_rng(seed)
    column = figures["variable_code"] == variable
    moves = pd.DataFrame({year: rng.normal(0, spread, column.sum() // len(YEARS)) for year in YEARS}).cumsum(axis=1)
    for year in YEARS:
        figures.loc[at(figures, variable, year=year), "value"] *= np.exp(moves[year].to_numpy())


def with_districts(figures, variable, years=YEARS):
    """The column of the urban districts beside the city's: some 40 %, and they move together."""
    rng = np.random.default_rng(9)
    there = figures[(figures["variable_code"] == variable) & figures["data_year"].isin(years)]
    share = {city: rng.uniform(0.3, 0.5) for city in there["city_id"].unique()}
    noise = np.exp(rng.normal(0, 0.02, len(there)))
    districts = there.assign(
        scope="district", col_no=there["col_no"] + 20, value=there["value"] * there["city_id"].map(share) * noise
    )
    return pd.concat([figures, districts], ignore_index=True)


def test_rows_of_a_restless_column_in_another_order_are_seen(gate, figures):
    """Of one province, half of which stand right; and over two, so that neither tells, beside the other scope: against
    usual moves alone that run is too short."""
    restless(figures, "retail_sales_nom", 0.2, 3)
    restless(figures, "loans_balance_nom", 0.4, 4)
    figures = with_districts(figures, "loans_balance_nom")
    assert gate.judge(figures) == {}
    cities = of_province(gate, 7)
    moved = [cities[at] for at in (0, 5, 2, 9, 3, 7)]
    values = read(figures, "retail_sales_nom", moved)
    put(figures, "retail_sales_nom", moved, [values[at] for at in (1, 0, 3, 2, 5, 4)])
    shift(figures, "loans_balance_nom", [city for city, _ in gate.cities][3:11])
    found = subjects(gate.judge(figures), "province_stands_in_its_place")
    assert found == ["loans_balance_nom/city/2019", "retail_sales_nom/city/2019"]


def test_slips_of_what_was_never_printed_before_are_seen_beside_the_other_scope(gate, figures):
    """Rows of a whole column; and a part that is more than its whole, which is left out."""
    figures = figures[(figures["variable_code"] != "mobile_subscribers") | (figures["data_year"] == 2019)]
    figures = with_districts(with_districts(figures, "mobile_subscribers"), "retail_sales_nom", (2019,))
    assert gate.judge(figures) == {}
    city = gate.cities[64][0]
    figures.loc[at(figures, "retail_sales_nom", [city]) & (figures["scope"] == "district"), "value"] *= 10
    shift(figures, "mobile_subscribers", [city for city, _ in gate.cities][20:45])
    assert "mobile_subscribers/city/2019" in subjects(gate.judge(figures), "province_stands_in_its_place")
    assert gate.edited()[city, "retail_sales_nom"] == "figure_meets_identities"


def test_a_crowd_of_slips_in_one_province_waits_for_a_person(gate, figures):
    cities = of_province(gate, 6)
    for variable in ("gdp_nom", "fiscal_education"):
        figures.loc[at(figures, variable, cities[:3]), "value"] *= 10
    assert gate.judge(figures) == {}
    assert len(gate.edited()) == 6
    figures.loc[at(figures, "gdp_nom", cities[3:5]), "value"] *= 10
    ((subject, why),) = gate.judge(figures)["edits_of_a_column_are_few"]
    assert subject.startswith("gdp_nom/city/2019/")
    assert why.startswith("5 of its figures in province ")


def test_a_city_with_many_slips_waits_for_a_person(gate, figures):
    city = gate.cities[40][0]
    apart = ("gdp_nom", "fiscal_education", "population_registered")  # one of each table
    for variable in (*apart, "mobile_subscribers", "loans_balance_nom"):
        figures.loc[at(figures, variable, [city]), "value"] = 0
    ((subject, why),) = gate.judge(figures)["edits_of_a_city_are_few"]
    assert (subject, why) == (f"{city}/2019", "5 of its figures cannot be right")


def test_patents_do_not_fall_to_zero_from_an_ordinary_number(gate, figures):
    patents = figures["variable_code"] == "mobile_subscribers"
    figures.loc[patents, "variable_code"] = "all_grants"  # may be zero
    small, large = gate.cities[9][0], gate.cities[77][0]
    figures.loc[at(figures, "all_grants", [small], 2018), "value"] = 5
    figures.loc[at(figures, "all_grants", [small, large]), "value"] = 0
    assert gate.judge(figures) == {}
    assert gate.edited() == {(large, "all_grants"): "zero_is_a_figure"}
    figures.loc[at(figures, "all_grants", year=2018), "value"] = 0  # a rare thing: its median is nothing
    figures.loc[at(figures, "all_grants", [small, large], 2018), "value"] = 3
    assert gate.edited(figures) == {}


def test_a_count_below_zero_is_left_out_and_a_loss_is_not(gate, figures):
    mobile = figures["variable_code"].isin(["mobile_subscribers", "fiscal_revenue"])
    figures.loc[mobile, "scope"] = "district"  # of which E2 does not speak
    figures["unit"] = figures["variable_code"].map({"mobile_subscribers": "accounts"}).fillna("yuan10k")
    for variable in ("mobile_subscribers", "fiscal_revenue"):
        figures.loc[at(figures, variable, [gate.cities[8][0]]), "value"] *= -1
    gate.judge(figures)
    assert gate.edited()[(gate.cities[8][0], "mobile_subscribers")] == "count_is_not_below_zero"
    assert gate.edited().get((gate.cities[8][0], "fiscal_revenue")) != "count_is_not_below_zero"


def test_a_decimal_point_among_whole_numbers_is_left_out(gate, figures):
    figures["text"] = figures["value"].round().astype(int).astype(str)
    shares = figures["variable_code"] == "loans_balance_nom"
    figures.loc[shares, "text"] += ".5"  # a column of its own kind
    one = at(figures, "fiscal_revenue", [gate.cities[8][0]])
    figures.loc[one, "text"] = figures.loc[one, "text"].str[:-1] + "." + figures.loc[one, "text"].str[-1:] + "4"
    assert gate.judge(figures) == {}
    assert gate.edited() == {(gate.cities[8][0], "fiscal_revenue"): "figure_is_whole"}


def test_limits_of_counts_are_where_the_table_says(gate, figures):
    """Spoils on both sides of a limit, apart from one another, in one edition: the near one is not seen."""
    provinces = [of_province(gate, number) for number in range(len({province for _, province in gate.cities}))]
    usual = {"province_slip_share": 0.8, "copied_share": 0.8, "min_empty": 4}
    names = ", ".join(f"'{name}'" for name in usual)
    stated = gate.con.execute(f"select parameter, value from gate_parameter where parameter in ({names})").fetchall()
    assert dict(stated) == usual
    # another unit in eight and in seven of ten cities of a province
    assert len(provinces[0]) == len(provinces[1]) == N_CITIES
    figures.loc[at(figures, "retail_sales_nom", provinces[0][:8]), "value"] *= 10
    figures.loc[at(figures, "mobile_subscribers", provinces[1][:7]), "value"] *= 10
    # eight and seven of nine figures of a row are those of the last edition
    copied, nearly = provinces[2][0], provinces[3][0]
    for city, n in ((copied, 8), (nearly, 7)):
        for variable in list(VARIABLES)[:n]:
            put(figures, variable, [city], read(figures, variable, [city], 2018))
    # a province that had four figures of a column, or three, has none
    for variable, cities, n in (("fiscal_education", provinces[4], 4), ("wage_bill_urban_units", provinces[5], 3)):
        rest = at(figures, variable, cities[n:], None)
        figures = figures[~(rest | at(figures, variable, cities))]
    found = gate.judge(figures)
    assert subjects(found, "province_is_in_its_unit") == ["retail_sales_nom/city/2019"]
    rows = dict(found["row_holds_its_own_figures"])
    assert copied in rows
    assert nearly not in rows
    lost = [why for _, why in found["province_has_its_figures"] if "that it had in 2018" in why]
    assert len(lost) == 1
    assert lost[0].endswith("lacks 4 figures that it had in 2018: fiscal_education (city)")


def test_an_answer_to_one_subject_leaves_the_others_waiting(gate, figures):
    for variable, number in (("retail_sales_nom", 2), ("mobile_subscribers", 6)):
        figures.loc[at(figures, variable, of_province(gate, number)), "value"] *= 10
    rule, (first, second) = "province_is_in_its_unit", ("mobile_subscribers/city/2019", "retail_sales_nom/city/2019")
    assert subjects(gate.judge(figures), rule) == [first, second]
    gate.con.execute(f"insert into gate_answer values ('book', 2019, null, '{rule}', '{first}', 'accept', 'a', 'b')")
    assert subjects(gate.judge(figures), rule) == [second]


def test_of_identities_only_narrow_ones_judge_a_province_and_only_what_waits_is_asked(gate, figures):
    """District less than city in both years is broken; education of a budget may be any part of it, within limits."""
    rows = figures[at(figures, "fiscal_education", year=None)].assign(variable_code="fiscal_science")
    science = rows.assign(value=rows["value"] / 10, col_no=rows["col_no"] + 30)
    wide = pd.concat([figures, science], ignore_index=True)
    for year in (2018, 2019):
        wide.loc[at(wide, "fiscal_education", of_province(gate, 3), year), "value"] *= 9
    assert "province_meets_identities" not in gate.judge(wide)
    figures = with_districts(figures, "fiscal_education")
    for year in (2018, 2019):
        mask = at(figures, "fiscal_education", of_province(gate, 3), year) & (figures["scope"] == "district")
        figures.loc[mask, "value"] *= 4
    assert "province_meets_identities" in gate.judge(figures)
    assert gate.con.execute("select distinct data_year from gate_observation").fetchall() == [(2019,)]


def test_a_province_printed_in_order_of_size_stands_in_its_place(gate, figures):
    cities = of_province(gate, 3)
    rows = sorted(figures.loc[at(figures, cities=cities), "row_no"].unique())
    by_size = sorted(cities, key=dict(zip(cities, read(figures, "gdp_nom", cities, 2018), strict=True)).get)
    for row, city in zip(rows, by_size, strict=True):
        figures.loc[at(figures, cities=[city]), "row_no"] = row
    put(figures, "gdp_nom", by_size, [1.06 * value for value in read(figures, "gdp_nom", by_size, 2018)])
    assert read(figures, "gdp_nom", by_size) == sorted(read(figures, "gdp_nom", cities))
    assert gate.judge(figures) == {}


def test_totals_that_are_often_no_sums_are_not_held_to_them(gate, figures):
    """A total is judged where those of eight in ten provinces are sums: two of ten off are seen, three are not."""
    province_of = dict(gate.cities)
    kept = sorted(set(province_of.values()))[:10]
    figures = figures[figures["city_id"].map(province_of).isin(kept)]
    keys = words("source data_year vintage variable_code scope col_no load_order city_id")
    totals = figures.assign(city_id="CN" + figures["city_id"].map(province_of))
    totals = totals.groupby(keys, as_index=False).agg(value=("value", "sum"), row_no=("row_no", "min"))
    figures = pd.concat([figures, totals.assign(row_no=totals["row_no"] + 500)], ignore_index=True)
    for variable, n in (("gdp_nom", 2), ("retail_sales_nom", 3)):
        figures.loc[at(figures, variable, [f"CN{province}" for province in kept[:n]]), "value"] *= 1.3
    found = gate.judge(figures)
    assert subjects(found, "province_sum_meets_total") == [f"gdp_nom/city/2019/{province}" for province in kept[:2]]
