"""easy.yearbook: one row a printed figure, which copy it is taken from, and what of it may be used."""

import json

import duckdb
import pandas as pd
import pytest
from dbt_models import rendered

EMPTY = """
create table concept_break (variable_code varchar, year integer, what_changed varchar);
create table int_edits_settled (
    source varchar, city_id varchar, year integer, variable_code varchar, rule varchar, action varchar,
    used_value double, evidence varchar
);
create table edit_doubt (source_cell_id varchar, rule varchar, evidence varchar);
create table int_units as select 'c' as city_id, '市' as name_zh, null as parent_city_id, '1' as province_code
    union all select 'k', '县级市', 'c', '1';
create table city as select 'c' as city_id, 'City' as name_en, 'Province' as province_en;
create table variable as select 'gdp' as variable_code, '总值' as name_zh, 'product' as name_en;
create table source (source varchar, unit_level varchar, default_rank integer, has_dictionary boolean);
insert into source values ('wide', 'city', 4, true), ('tables', 'city', 5, true), ('counties', 'county', 1, true),
    ('panel', 'city', 2, false);
create table stg_landing__loads as
    select source, 2015 as data_year, 'v' as vintage, true as is_current,
        case when source in ('tables', 'counties') then 'a.xlsx, b.xlsx' else 'a.xlsx' end as files,
        null::varchar as left_out
    from source;
"""

FIGURES = "create table figure (k integer, source varchar, city_id varchar, scope varchar, value double)"
PRINTS = """
create table int_values_corrected as
    select source, 2015 as data_year, 'v' as vintage, city_id, 2015 as year,
        if(city_id = 'k', 'county', 'city') as level,
        'gdp' as variable_code, scope, 'yuan10k' as unit, value as value_printed, value, false as is_corrected,
        null::varchar as correction_action, null::varchar as correction_reason, false as is_settled, 'a.xlsx' as file,
        '1' as sheet, 'B' || k as cell, source || k as source_cell_id
    from figure
"""


@pytest.fixture
def yearbook():
    """yearbook(figures, more): its rows for figures as (source, unit, scope, value); `more`: SQL of what rules say."""

    def run(figures, more=""):
        with duckdb.connect() as con:
            con.execute(EMPTY)
            con.execute(FIGURES)
            con.executemany("insert into figure values (?, ?, ?, ?, ?)", [(k, *one) for k, one in enumerate(figures)])
            con.execute(PRINTS)
            con.execute(more)
            con.execute(f"create view int_values_left_out as {rendered('values/int_values_left_out')}")
            return con.execute(rendered("easy/yearbook")).df()

    return run


def test_copies_of_an_edition_are_one_figure_and_the_table_counts_where_they_differ(yearbook):
    row = yearbook([("wide", "c", "city", 100.0), ("tables", "c", "city", 200.0), ("panel", "c", "city", 300.0)])
    (found,) = row.to_dict("records")
    assert (found["source"], found["printed_value"], found["used_value"]) == ("tables", 200.0, 200.0)
    assert (found["n_print"], found["prints_agree"], found["edition_year"]) == (2, False, 2016)
    same = yearbook([("wide", "c", "city", 100.0), ("tables", "c", "city", 100.5)])
    assert same["prints_agree"].tolist() == [True]


def test_rules_of_editing_decide_on_cities_and_the_gate_on_districts_and_counties(yearbook):
    figures = [("tables", "c", "city", 1.0), ("tables", "c", "district", 2.0), ("counties", "k", "city", 3.0)]
    doubts = "".join(
        f"insert into edit_doubt values ('{cell}', 'far', 'why');" for cell in ("tables0", "tables1", "counties2")
    )
    rows = yearbook(figures, doubts).set_index(["unit_id", "scope"])
    assert rows["action"].to_dict() == {
        ("c", "city"): "pending",
        ("c", "district"): "quarantine",
        ("k", "city"): "quarantine",
    }
    assert rows["used_value"].isna().to_dict() == {("c", "city"): False, ("c", "district"): True, ("k", "city"): True}
    assert rows.loc[("k", "city"), ["city_en", "evidence"]].tolist() == ["City", "why"]


@pytest.mark.parametrize(
    ("place", "source", "used"),
    [
        ({"scope": "city"}, "wide", 2.0),  # the other copy is sound
        ({"variable_code": "other, gdp", "province_id": "1"}, "wide", 2.0),
        ({"province_id": "2"}, "tables", 1.0),
        ({"scope": "district"}, "tables", 1.0),
        ({"city_id": "c"}, "wide", 2.0),
    ],
)
def test_a_block_that_the_gate_left_out_is_not_used(yearbook, place, source, used):
    block = {"rule_id": "r", "variable_code": "gdp", "year": 2015.0, "why": "w", **place}
    more = f"update stg_landing__loads set left_out = '[{json.dumps(block)}]' where source = 'tables'"
    (row,) = yearbook([("tables", "c", "city", 1.0), ("wide", "c", "city", 2.0)], more).to_dict("records")
    assert (row["source"], row["used_value"], row["n_print"]) == (source, used, 2)
    if source == "wide":
        (alone,) = yearbook([("tables", "c", "city", 1.0)], more).astype(object).to_dict("records")
        assert (alone["printed_value"], alone["action"], alone["rule"], alone["evidence"]) == (
            1.0,
            "quarantine",
            "r",
            "w",
        )
        assert pd.isna(alone["used_value"])


@pytest.mark.parametrize(
    ("action", "used", "replaced"),
    [("replace", 7.0, 7.0), ("quarantine", None, None), ("withheld", None, None), ("accept", 1.0, None)],
)
def test_an_edit_says_what_is_used_in_place_of_the_print(yearbook, action, used, replaced):
    edit = f"insert into int_edits_settled values ('tables', 'c', 2015, 'gdp', 'E3', '{action}', 7.0, '')"
    (row,) = (
        yearbook([("tables", "c", "city", 1.0)], edit).astype(object).replace({float("nan"): None}).to_dict("records")
    )
    assert (row["printed_value"], row["used_value"], row["replaced_value"], row["rule"]) == (1.0, used, replaced, "E3")


def test_a_corrected_figure_and_a_break_of_the_concept_are_marked(yearbook):
    more = """
        update int_values_corrected set value = 5.0, is_corrected = true, correction_action = 'replace',
            correction_reason = 'digit';
        insert into concept_break values ('gdp', 2015, 'another scope');
    """
    (row,) = yearbook([("tables", "c", "city", 1.0)], more).to_dict("records")
    assert (row["rule"], row["action"], row["used_value"], row["evidence"]) == ("reviewed", "replace", 5.0, "digit")
    assert row["is_break"]
