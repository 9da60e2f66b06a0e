"""Questions about the data behind the index: coverage, sample, loads, checks, fills, disagreements."""

from __future__ import annotations

import duckdb
import pandas as pd


def coverage(con: duckdb.DuckDBPyConnection, index_code: str) -> pd.DataFrame:
    """One row per indicator and year of the index: cities with an observed, imputed or no value."""
    return con.execute(
        """
        select c.indicator_code as code, i.name_en, i.name_zh, i.dimension, i.tier, c.year, c.n_city, c.n_observed,
            c.n_imputed, c.n_suspected_fill, c.n_missing
        from mart.mart_indicator_coverage as c
        left join mart.dim_indicator as i using (index_code, indicator_code)
        where c.index_code = ?
        order by i.tier, c.indicator_code, c.year
        """,
        [index_code],
    ).df()


def sample(con: duckdb.DuckDBPyConnection, index_code: str) -> pd.DataFrame:
    """One row per city that was judged for the index."""
    return con.execute(
        "select city_id, name_en, name_zh, in_sample, is_core, coalesce(drop_reason, 'no reason given') as drop_reason "
        "from mart.mart_sample_city where index_code = ? order by is_core desc, city_id",
        [index_code],
    ).df()


def loads(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row per accepted load."""
    return con.execute("from mart.mart_source_load order by source, data_year, load_no").df()


def checks(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row per check with severity warn or error that did not pass; kind = what was checked."""
    return con.execute(
        """
        select check_id, severity, observed, expected, message,
            case when check_id like 'gate/%' then 'gate: ' || split_part(check_id, '/', -1)
                else split_part(check_id, '/', 1) end as kind
        from mart.mart_check_result
        where not passed and severity in ('warn', 'error')
        order by severity, kind, check_id
        """
    ).df()


def fills(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row per rule: printed figures that look like undeclared fills, and how many of them are used."""
    return con.execute(
        """
        select fill_rule, count(*) as n, count(*) filter (where is_selected) as n_used
        from mart.mart_source_value where fill_rule is not null and fill_rule <> ''
        group by fill_rule order by n desc, fill_rule
        """
    ).df()


def disagreements(con: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """One row per variable: pairs of printed cells that differ by more than 1 %, conflicts = same concept."""
    return con.execute(
        """
        select variable_code, count(*) as n, count(*) filter (where concept_a = concept_b) as n_conflict,
            median(abs(relative_difference)) as median_difference,
            list_sort(list_distinct(flatten(list([source_a, source_b])))) as sources
        from mart.mart_source_disagreement
        group by variable_code order by n desc, variable_code
        """
    ).df()


def counts(con: duckdb.DuckDBPyConnection, index_code: str, first: int, last: int) -> dict[str, int]:
    """Single counts: checks, corrections, revised and replaced figures, suspected fills among the index values."""
    queries: dict[str, tuple[str, list[object]]] = {
        "checks": ("select count(*) from mart.mart_check_result where severity in ('warn', 'error')", []),
        "corrected": ("select count(*) from mart.mart_source_value where is_corrected", []),
        "revised": ("select count(*) from mart.mart_revision_log where kind = 'file'", []),
        "replaced": ("select count(*) from mart.mart_revision_log where kind = 'source'", []),
        "suspected_in_index": (
            "select coalesce(sum(n_suspected_fill), 0) from mart.mart_indicator_coverage "
            "where index_code = ? and year between ? and ?",
            [index_code, first, last],
        ),
        "cells_in_index": (
            "select coalesce(sum(n_city - n_missing), 0) from mart.mart_indicator_coverage "
            "where index_code = ? and year between ? and ?",
            [index_code, first, last],
        ),
    }
    return {name: int((con.execute(*query).fetchone() or (0,))[0]) for name, query in queries.items()}
