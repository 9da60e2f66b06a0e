"""What one explained score needs from the published marts. Differences between two published rows are all it works out.

Everything is read on the frozen basis with the own weights of the index: only there are scores of different years
comparable.
"""

from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pandas as pd

from dagster_project.publish.explain.cities import City, NoAnswer, the_city

INDEXES_SQL = """
select index_code, title_zh, title_en, basis, weight_scheme, is_headline
from mart.dim_index where is_computed order by not is_headline, variant_of is not null, index_code
"""
YEARS_SQL = """
select s.index_code, list(s.year order by s.year) as years
from mart.mart_index_score as s
join mart.dim_index as i on s.index_code = i.index_code and s.basis = i.basis and s.weight_scheme = i.weight_scheme
where s.city_id = ? and s.score is not null
group by s.index_code, i.variant_of order by i.variant_of is not null, s.index_code
"""
PARTS_SQL = """
select index_code, year, score, score_100, rank_year, share_imputed_weight, is_provisional, out_of_base_range,
    count(*) over (partition by index_code, year) as n_cities
from mart.mart_index_score
where spec_code = ? and basis = ? and weight_scheme = ? and year in (?, ?) and score is not null
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
DROPPED_SQL = """
select drop_reason from mart.mart_sample_city where index_code = ? and city_id = ? and not in_sample
"""
MISSING_SQL = """
select missing_indicators from mart.incomplete_year where index_code = ? and city_id = ? and year = ?
"""


@dataclass(frozen=True)
class Explanation:
    """One score with everything behind it; frames have one row per part, per indicator, per printed cell."""

    is_synthetic: bool
    release_vintage: str
    city: City
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
        content = asdict(self) | {"city": self.city._asdict()}
        for name in ("parts", "cells", "sources"):
            frame: pd.DataFrame = content[name]
            content[name] = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return content


def explain_score(con: duckdb.DuckDBPyConnection, asked: str, year: int, index: str | None) -> Explanation:
    """Everything behind the score of one city and year, of the headline index if none is named.

    NoAnswer where there is no such score: never another index in its place.
    """
    city = the_city(con, asked)
    known = con.execute(INDEXES_SQL).df().set_index("index_code")
    code = index or next(iter(known.index[known["is_headline"]]), "")
    if code not in known.index:
        what = f"No index '{index}' is computed" if index else "No headline index is computed"
        raise NoAnswer(f"{what}. Indexes that are computed: {', '.join(map(str, known.index)) or 'none'}.")
    chosen = known.loc[code]
    years = dict(con.execute(YEARS_SQL, [city.city_id]).fetchall())
    if year not in years.get(code, []):
        raise NoAnswer(_why_unscored(con, city, code, year, years, is_headline=bool(chosen["is_headline"])))
    basis, weights = str(chosen["basis"]), str(chosen["weight_scheme"])
    keys = [code, basis, city.city_id, year]
    vintage, synthetic = con.execute(
        "select max(data_vintage), bool_or(is_synthetic) from mart.dim_vintage"
    ).fetchall()[0]
    return Explanation(
        is_synthetic=bool(synthetic),
        release_vintage=str(vintage),
        city=city,
        year=year,
        index={"index_code": code, **{name: str(chosen[name]) for name in ("title_zh", "title_en")}},
        basis=basis,
        parts=con.execute(PARTS_SQL, [code, basis, weights, year - 1, year, city.city_id]).df(),
        interval=_interval(con, keys),
        interval_before=_interval(con, [*keys[:3], year - 1]),
        cells=con.execute(CELLS_SQL, keys).df(),
        sources=con.execute(SOURCES_SQL, [code, city.city_id, year]).df(),
    )


def _interval(con: duckdb.DuckDBPyConnection, keys: list[object]) -> dict[str, float] | None:
    """Places over the draws of all choices; None where that table has no such row (a year after the window)."""
    found = con.execute(INTERVAL_SQL, keys).df()
    return None if found.empty else {str(k): float(v) for k, v in found.iloc[0].items()}


def _why_unscored(
    con: duckdb.DuckDBPyConnection, city: City, code: str, year: int, years: dict[str, list[int]], *, is_headline: bool
) -> str:
    """Why there is no score of `code`, and which indexes have one of that city and year. years: by index."""
    if own := years.get(code):
        missing = con.execute(MISSING_SQL, [code, city.city_id, year]).fetchall()
        lacking = f" Without a value: {', '.join(missing[0][0].split())}." if missing else ""
        text = f"{code} has no score of {city.label} in {year}.{lacking} Years with one: {_spans(own)}."
    else:
        reasons = [row[0] for row in con.execute(DROPPED_SQL, [code, city.city_id]).fetchall()]
        reason = "; ".join(reasons) or "no figures in the landed sources"
        text = f"{city.label} is not in {code}{', the headline index' if is_headline else ''}: {reason}."
    others = [other for other, scored in years.items() if other != code and year in scored]
    if not others:
        return text
    return f"{text} {year} is scored in {', '.join(others)}: `--index {others[0]}`."


def _spans(years: list[int]) -> str:
    """2012, 2013, 2014, 2016 -> 2012-2014, 2016."""
    spans: list[list[int]] = []
    for year in years:
        if spans and year == spans[-1][1] + 1:
            spans[-1][1] = year
        else:
            spans.append([year, year])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)
