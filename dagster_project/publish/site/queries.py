"""What the page reads: the marts of one published file, opened read-only, as frames and plain values.

SQL here only selects, filters and counts. Units: scores are `score_100` (points, 0 to 100 on the base window).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from dagster_project.publish.site import quality_queries
from dagster_project.published import open_read_only

HEADLINES = ("nqpf", "nqpf_yearbook")  # the first one that is computed is the headline
SCHEME = "entropy_flat"
RESTATED = "restated"
PARTS = ("composite", "new", "quality")


class ReportError(Exception):
    """The published file does not hold what the page needs; says what is missing and what to do."""


@dataclass(frozen=True)
class Meta:
    """Where the figures come from and which slice of them the page shows. Years are statistical years."""

    release: str
    index_code: str
    basis: str
    data_vintage: str
    method_version: str
    boundary_vintage: int
    cut_date: str
    n_loads: int
    is_synthetic: bool
    window_start: int
    window_end: int
    first_year: int
    last_year: int
    unscored: dict[int, int]  # year without a score for every sample city -> cities that have one
    n_sample: int


@dataclass(frozen=True)
class Facts:
    """Everything on the page. One frame a question; the grain is in the name of the function that reads it."""

    meta: Meta
    scores: pd.DataFrame  # part, city_id, year, score, rank, imputed
    equal: pd.DataFrame  # city_id, score, rank: equal weights, last year
    cities: pd.DataFrame
    groups: pd.DataFrame  # scheme, city_id, group_code, name_en, name_zh: as of the last year
    weights: pd.DataFrame
    coverage: pd.DataFrame
    sample: pd.DataFrame
    loads: pd.DataFrame
    checks: pd.DataFrame
    fills: pd.DataFrame
    disagreements: pd.DataFrame
    counts: dict[str, int]


def read_facts(snapshot: Path, *, release: str) -> Facts:
    """Read `snapshot` (schemas mart and ops), never write it. Raises ReportError without a headline index."""
    with open_read_only(snapshot) as con:
        index_code, basis = _headline(con)
        meta = _meta(con, release, index_code, basis)
        return Facts(
            meta=meta,
            scores=_scores(con, meta),
            equal=_equal(con, meta),
            cities=con.execute("from mart.dim_city order by city_id").df(),
            groups=_groups(con, meta.last_year),
            weights=_weights(con, meta),
            coverage=quality_queries.coverage(con, index_code),
            sample=quality_queries.sample(con, index_code),
            loads=quality_queries.loads(con),
            checks=quality_queries.checks(con),
            fills=quality_queries.fills(con),
            disagreements=quality_queries.disagreements(con),
            counts=quality_queries.counts(con, index_code, meta.first_year, meta.last_year),
        )


def _headline(con: duckdb.DuckDBPyConnection) -> tuple[str, str]:
    found = con.execute(
        "select index_code, max(basis) from mart.mart_index_score "
        "where weight_scheme = ? and basis <> ? and score is not null group by index_code",
        [SCHEME, RESTATED],
    ).fetchall()
    bases = dict(found)
    for code in HEADLINES:
        if code in bases:
            return code, bases[code]
    why = con.execute(
        "select check_id || ': ' || message from mart.mart_check_result "
        "where check_id like 'index_computed/%' and not passed order by 1"
    ).fetchall()
    raise ReportError(
        f"The published file has no score of {' or '.join(HEADLINES)} on a frozen basis: nothing to report. "
        f"Reasons given by the build: {'; '.join(r[0] for r in why) or 'none'}. Land the missing sources and refresh."
    )


def _meta(con: duckdb.DuckDBPyConnection, release: str, index_code: str, basis: str) -> Meta:
    vintage, cut_date, n_loads, is_synthetic = _one(
        con,
        "select data_vintage, cut_date, n_files, is_synthetic from mart.dim_vintage order by data_vintage desc limit 1",
    )
    method, boundary = _one(
        con,
        "select any_value(method_version), any_value(boundary_vintage) from mart.mart_index_score where index_code = ?",
        [index_code],
    )
    window = _one(
        con,
        "select min(window_start), max(window_end) from mart.mart_index_bounds where index_code = ? and basis = ?",
        [index_code, basis],
    )
    (n_sample,) = _one(
        con, "select count(*) from mart.mart_sample_city where index_code = ? and in_sample", [index_code]
    )
    per_year = dict(
        con.execute(
            "select year, count(score) from mart.mart_index_score "
            "where index_code = ? and basis = ? and weight_scheme = ? group by year order by year",
            [index_code, basis, SCHEME],
        ).fetchall()
    )
    complete = [y for y, n in per_year.items() if n == max(per_year.values())]
    return Meta(
        release=release,
        index_code=index_code,
        basis=basis,
        data_vintage=str(vintage),
        method_version=str(method),
        boundary_vintage=int(boundary),
        cut_date=str(cut_date or "not stated"),
        n_loads=int(n_loads or 0),
        is_synthetic=bool(is_synthetic) or release.endswith("SYNTHETIC"),
        window_start=int(window[0] or min(complete)),
        window_end=int(window[1] or max(complete)),
        first_year=min(complete),
        last_year=max(complete),
        unscored={y: n for y, n in per_year.items() if y not in complete},
        n_sample=int(n_sample),
    )


def _one(con: duckdb.DuckDBPyConnection, sql: str, params: list[object] | None = None) -> tuple:
    row = con.execute(sql, params or []).fetchone()
    if row is None:
        raise ReportError(f"The published file has no row for: {sql}. Rebuild the marts and publish again.")
    return row


def _scores(con: duckdb.DuckDBPyConnection, meta: Meta) -> pd.DataFrame:
    """One row per part (composite, new, quality), city and complete year."""
    return con.execute(
        """
        select
            case index_code when ? then 'composite' else replace(index_code, ? || '_', '') end as part,
            city_id, year, score_100 as score, rank_year as rank, share_imputed_weight as imputed
        from mart.mart_index_score
        where spec_code = ? and basis = ? and weight_scheme = ? and score is not null
            and year between ? and ?
        order by part, city_id, year
        """,
        [meta.index_code] * 3 + [meta.basis, SCHEME, meta.first_year, meta.last_year],
    ).df()


def _equal(con: duckdb.DuckDBPyConnection, meta: Meta) -> pd.DataFrame:
    return con.execute(
        "select city_id, score_100 as score, rank_year as rank from mart.mart_index_score "
        "where index_code = ? and basis = ? and weight_scheme = 'equal' and year = ? and score is not null "
        "order by city_id",
        [meta.index_code, meta.basis, meta.last_year],
    ).df()


def _groups(con: duckdb.DuckDBPyConnection, year: int) -> pd.DataFrame:
    return con.execute(
        "select scheme, city_id, group_code, group_name_en as name_en, group_name_zh as name_zh "
        "from mart.dim_group_membership where valid_from <= ? and (valid_to is null or valid_to >= ?) "
        "order by scheme, group_code, city_id",
        [year, year],
    ).df()


def _weights(con: duckdb.DuckDBPyConnection, meta: Meta) -> pd.DataFrame:
    """One row per indicator of the headline index, heaviest first."""
    return con.execute(
        """
        select w.indicator_code as code, w.dimension, i.tier, i.name_en, i.name_zh, i.unit, i.direction,
            w.entropy, w.redundancy, w.weight, w.dimension_weight, w.skewness, w.flag
        from mart.mart_index_weight as w
        left join mart.dim_indicator as i using (index_code, indicator_code)
        where w.index_code = ? and w.basis = ? and w.weight_scheme = ?
        order by w.weight desc, w.indicator_code
        """,
        [meta.index_code, meta.basis, SCHEME],
    ).df()
