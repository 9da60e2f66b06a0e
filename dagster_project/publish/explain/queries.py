"""What one explained score needs from the published marts. Differences between two published rows are all it works out.

Everything is read on the frozen basis with the headline scheme: only there are scores of different years comparable.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pandas as pd

HEADLINE_WEIGHTS = "(select weight_scheme from mart.dim_weight_scheme where is_headline)"
CITY_SQL = """
select city_id, name_zh, name_en from mart.dim_city
where lower(?) in (
    lower(city_id), city_code, name_zh, regexp_replace(name_zh, '(市|地区|盟|自治州)$', ''), lower(name_en)
)
"""
PLACES = "pinyin or English name, Chinese name, or code"

INDEX_SQL = f"""
select s.index_code, s.basis, s.year
from mart.mart_index_score as s join mart.dim_index as i on s.index_code = i.index_code and s.basis = i.basis
where s.city_id = ? and s.score is not null and s.weight_scheme = {HEADLINE_WEIGHTS}
    and s.index_code = coalesce(?, s.index_code)
order by not i.is_headline, i.variant_of is not null, s.index_code, s.year
"""
PARTS_SQL = f"""
select index_code, year, score, score_100, rank_year, share_imputed_weight, is_provisional, out_of_base_range,
    count(*) over (partition by index_code, year) as n_cities
from mart.mart_index_score
where spec_code = ? and basis = ? and weight_scheme = {HEADLINE_WEIGHTS} and year in (?, ?) and score is not null
qualify city_id = ?
order by length(index_code), index_code, year
"""
INTERVAL_SQL = """
select rank_p05, rank_p50, rank_p95, p_top20, score_p05, score_p95, n_draws
from mart.mart_index_uncertainty where index_code = ? and basis = ? and city_id = ? and year = ?
"""
CELLS_SQL = """
select c.indicator_code, i.name_zh, i.name_en, i.unit, i.direction, i.dimension, i.tier, v.value_raw as value,
    v.value_final, v.value_origin, v.is_winsorised, v.is_capped, v.out_of_base_range, c.z, c.weight, c.contribution,
    c.obstacle_degree, b.contribution as contribution_before, u.value_raw as value_before
from mart.mart_index_contribution as c
join mart.dim_indicator as i using (index_code, indicator_code)
join mart.mart_indicator_value as v using (index_code, basis, city_id, year, indicator_code)
left join mart.mart_index_contribution as b
    on c.index_code = b.index_code and c.basis = b.basis and c.city_id = b.city_id
    and c.indicator_code = b.indicator_code and b.year = c.year - 1
left join mart.mart_indicator_value as u
    on c.index_code = u.index_code and c.basis = u.basis and c.city_id = u.city_id
    and c.indicator_code = u.indicator_code and u.year = c.year - 1
where c.index_code = ? and c.basis = ? and c.city_id = ? and c.year = ?
order by c.contribution desc, c.indicator_code
"""
SOURCES_SQL = """
select indicator_code, variable_code, source, file, sheet, cell, text, value, unit from mart.mart_indicator_source
where index_code = ? and city_id = ? and year = ? order by indicator_code, variable_code, source, file, cell
"""
SKIPPED_SQL = "select index_code, drop_reason from mart.mart_sample_city where city_id = ? and not in_sample order by 1"


class NoAnswer(Exception):
    """The published file holds no such score; the text says why, and what can be asked instead."""


@dataclass(frozen=True)
class Explanation:
    """One score with everything behind it; frames have one row per part, per indicator, per printed cell."""

    is_synthetic: bool
    release_vintage: str
    city: dict[str, str]
    year: int
    index: dict[str, str]
    basis: str
    parts: pd.DataFrame
    interval: dict[str, float] | None
    interval_before: dict[str, float] | None
    cells: pd.DataFrame
    sources: pd.DataFrame

    @property
    def score(self) -> pd.Series:
        """The composite of the asked year."""
        return self.part(self.index["index_code"], self.year)  # type: ignore[return-value]

    def part(self, index_code: str, year: int) -> pd.Series | None:
        found = self.parts[(self.parts["index_code"] == index_code) & (self.parts["year"] == year)]
        return None if found.empty else found.iloc[0]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        content = asdict(self)
        for name in ("parts", "cells", "sources"):
            frame: pd.DataFrame = content[name]
            content[name] = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return content


def find_city(con: duckdb.DuckDBPyConnection, asked: str) -> dict[str, str]:
    """The one city of that name or code; NoAnswer names the three nearest."""
    found = con.execute(CITY_SQL, [asked]).fetchall()
    if len(found) == 1:
        return dict(zip(("city_id", "name_zh", "name_en"), found[0], strict=True))
    from rapidfuzz import fuzz, process, utils

    known = con.execute("select name_zh, name_en, city_code from mart.dim_city order by 1").fetchall()
    pool = {name: f"{zh} {en}" for zh, en, code in known for name in (zh, en, code) if name}
    near = process.extract(asked, list(pool), scorer=fuzz.ratio, limit=12, processor=utils.default_process)
    names = list(dict.fromkeys(pool[name] for name, _, _ in near))[:3]
    what = "No city is" if not found else f"{len(found)} cities are"
    raise NoAnswer(f"{what} called '{asked}' ({PLACES}). Nearest names: {', '.join(names)}.")


def explain_score(con: duckdb.DuckDBPyConnection, asked: str, year: int, index: str | None) -> Explanation:
    """Everything behind the score of one city and year; NoAnswer if there is none."""
    city = find_city(con, asked)
    scored = con.execute(INDEX_SQL, [city["city_id"], index]).df()
    if scored.empty:
        raise NoAnswer(_why_unscored(con, city, index))
    index_code, basis = (str(scored.iloc[0][c]) for c in ("index_code", "basis"))
    years = sorted(scored.loc[scored["index_code"] == index_code, "year"])
    if year not in years:
        raise NoAnswer(
            f"{index_code} has no score of {city['name_zh']} {city['name_en']} in {year}."
            f" Years with one: {_spans([int(y) for y in years])}."
        )
    keys = [index_code, basis, city["city_id"], year]
    titles = con.execute("select title_zh, title_en from mart.dim_index where index_code = ?", [index_code]).fetchall()
    vintage, synthetic = con.execute(
        "select max(data_vintage), bool_or(is_synthetic) from mart.dim_vintage"
    ).fetchall()[0]
    return Explanation(
        is_synthetic=bool(synthetic),
        release_vintage=str(vintage),
        city=city,
        year=year,
        index={"index_code": index_code, "title_zh": titles[0][0], "title_en": titles[0][1]},
        basis=basis,
        parts=con.execute(PARTS_SQL, [index_code, basis, year - 1, year, city["city_id"]]).df(),
        interval=_interval(con, keys),
        interval_before=_interval(con, [*keys[:3], year - 1]),
        cells=con.execute(CELLS_SQL, keys).df(),
        sources=con.execute(SOURCES_SQL, [index_code, city["city_id"], year]).df(),
    )


def _interval(con: duckdb.DuckDBPyConnection, keys: list[object]) -> dict[str, float] | None:
    """Places over the draws of all choices; None where that table has no such row (a year after the window)."""
    found = con.execute(INTERVAL_SQL, keys).df()
    return None if found.empty else {str(k): float(v) for k, v in found.iloc[0].items()}


def _why_unscored(con: duckdb.DuckDBPyConnection, city: dict[str, str], index: str | None) -> str:
    known = [
        row[0] for row in con.execute("select index_code from mart.dim_index where is_computed order by 1").fetchall()
    ]
    text = f"{city['name_zh']} {city['name_en']} has no score{f' of {index}' if index else ''}."
    if index and index not in known:
        return f"{text} Indexes that are computed: {', '.join(known) or 'none'}."
    reasons = con.execute(SKIPPED_SQL, [city["city_id"]]).fetchall()
    kept = [f"{code}: {reason}" for code, reason in reasons if code == (index or code)]
    return f"{text} Not in the sample of {'; '.join(kept)}." if kept else text


def _spans(years: list[int]) -> str:
    """2012, 2013, 2014, 2016 -> 2012-2014, 2016."""
    spans: list[list[int]] = []
    for year in years:
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
