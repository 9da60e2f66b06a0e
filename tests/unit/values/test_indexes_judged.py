"""Whether an index is computed, and what is said where it is not."""

import duckdb
from dbt_models import rendered

CITIES = range(10)


def skip_reason(faulty):
    """Of an index with two indicators that all cities have in some year; faulty: city -> indicators that lack years."""
    con = duckdb.connect()
    con.execute(
        "create table index_spec as select 'nqpf' as index_code, unnest(['a', 'b']) as indicator_code,"
        " 'edited' as edit_policy, 0.7 as min_city_share, 1 as headline_rank, false as is_left_out"
    )
    con.execute(
        f"create table int_indicators_constructed as select indicator_code, 'edited' as edit_policy, 1.0 as value,"
        f" unnest(range({len(CITIES)})) as city_id from index_spec"
    )
    rows = [("nqpf", city, faulty.get(city), city not in faulty) for city in CITIES]
    con.execute(
        "create table int_sample_cities_judged (index_code text, city_id int, faulty_indicators text, in_sample bool)"
    )
    con.executemany("insert into int_sample_cities_judged values (?, ?, ?, ?)", rows)
    ((is_computed, reason),) = con.execute(
        f"select is_computed, skip_reason from ({rendered('panel/int_indexes_judged')})"
    ).fetchall()
    assert is_computed == (reason is None)
    return reason


def test_indicators_that_keep_cities_out_are_named_the_most_common_first():
    assert skip_reason({}) is None
    assert skip_reason({0: "a", 1: "b", 2: "b"}) is None
    assert skip_reason({0: "a", 1: "a b", 2: "b", 3: "b"}) == (
        "only 6 cities are complete, 7 are needed; years are missing of b (3 cities), a (2 cities)"
    )


def test_cities_with_too_many_imputed_years_lack_no_indicator():
    assert skip_reason(dict.fromkeys(range(4))) == "only 6 cities are complete, 7 are needed"
