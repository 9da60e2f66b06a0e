"""What one explained score needs from the published marts. Differences between two published rows are all it works out.

Everything is read on the frozen basis with the own weights of the index: only there are scores of different years
comparable.
"""

from dataclasses import asdict, dataclass
from typing import Any

import duckdb
import pandas as pd

from dagster_project.publish.explain.cities import City, NoAnswer, the_city
from dagster_project.published import statements

SQL = statements(__file__)


@dataclass(frozen=True)
class Explanation:
    """One score with everything behind it; frames have one row per part, per indicator, per printed cell."""

    is_synthetic: bool
    release_vintage: str
    city: City
    year: int
    index: dict[str, str]
    is_headline: bool
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

    def command(self, what: str) -> str:
        """What a person types to see more of the same index."""
        index = "" if self.is_headline else f" --index {self.index['index_code']}"
        return f"nqpf explain {self.city.city_id} {self.year} {what}{index}"

    def part(self, index_code: str, year: int) -> pd.Series | None:
        rows = self.parts[(self.parts["index_code"] == index_code) & (self.parts["year"] == year)]
        return None if rows.empty else rows.iloc[0]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values for JSON."""
        content = asdict(self) | {"city": self.city._asdict()}
        for name in ("parts", "cells", "sources"):
            frame: pd.DataFrame = content[name]
            content[name] = frame.astype(object).where(frame.notna(), None).to_dict("records")
        return content


def explain_score(con: duckdb.DuckDBPyConnection, city_text: str, year: int, index: str | None) -> Explanation:
    """Everything behind the score of one city and year, of the headline index if none is named.

    NoAnswer where there is no such score: never another index in its place.
    """
    city = the_city(con, city_text)
    indexes = con.execute(SQL["indexes"]).df().set_index("index_code")
    code = index or next(iter(indexes.index[indexes["is_headline"]]), "")
    if code not in indexes.index:
        what = f"No index '{index}' is computed" if index else "No headline index is computed"
        raise NoAnswer(f"{what}. Indexes that are computed: {', '.join(map(str, indexes.index)) or 'none'}.")
    facts = indexes.loc[code]
    years = dict(con.execute(SQL["years"], [city.city_id]).fetchall())
    if year not in years.get(code, []):
        raise NoAnswer(_why_unscored(con, city, code, year, years, is_headline=bool(facts["is_headline"])))
    basis, weights = str(facts["basis"]), str(facts["weight_scheme"])
    keys = [code, basis, city.city_id, year]
    vintage, synthetic = con.execute(
        "select max(data_vintage), bool_or(is_synthetic) from mart.dim_vintage"
    ).fetchall()[0]
    return Explanation(
        is_synthetic=bool(synthetic),
        release_vintage=str(vintage),
        city=city,
        year=year,
        index={"index_code": code, **{name: str(facts[name]) for name in ("title_zh", "title_en")}},
        is_headline=bool(facts["is_headline"]),
        basis=basis,
        parts=con.execute(SQL["parts"], [code, basis, weights, year - 1, year, city.city_id]).df(),
        interval=_interval(con, keys),
        interval_before=_interval(con, [*keys[:3], year - 1]),
        cells=con.execute(SQL["cells"], keys).df(),
        sources=con.execute(SQL["sources"], {"index": code, "city": city.city_id, "year": year}).df(),
    )


def _interval(con: duckdb.DuckDBPyConnection, keys: list[object]) -> dict[str, float] | None:
    """Places over the draws of all choices; None where that table has no such row (a year after the window)."""
    interval = con.execute(SQL["interval"], keys).df()
    return None if interval.empty else {str(k): float(v) for k, v in interval.iloc[0].items()}


def _why_unscored(
    con: duckdb.DuckDBPyConnection, city: City, code: str, year: int, years: dict[str, list[int]], *, is_headline: bool
) -> str:
    """Why there is no score of `code`, and which indexes have one of that city and year. years: by index."""
    if scored_years := years.get(code):
        missing = con.execute(SQL["missing"], [code, city.city_id, year]).fetchall()
        lacking = f" Without a value: {', '.join(missing[0][0].split())}." if missing else ""
        text = f"{code} has no score of {city.label} in {year}.{lacking} Years with one: {_spans(scored_years)}."
    else:
        reasons = [row[0] for row in con.execute(SQL["dropped"], [code, city.city_id]).fetchall()]
        reason = "; ".join(reasons) or "no figures in the landed sources"
        text = f"{city.label} is not in {code}{', the headline index' if is_headline else ''}: {reason}."
    others = [other for other, years_of_index in years.items() if other != code and year in years_of_index]
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
