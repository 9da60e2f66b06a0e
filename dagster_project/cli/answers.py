"""Answers in one line: what sets two cities apart, how a number is cited."""

from __future__ import annotations

import json

import duckdb
from rich.console import Console
from rich.markup import escape

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.citation import FORMS, Cited, citation
from dagster_project.publish.explain.cities import City, NoAnswer, the_city
from dagster_project.published import TABLES
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_OK

COMPARED = (
    "indicator_code",
    "name_zh",
    "name_en",
    "unit",
    "value_a",
    "value_b",
    "weight",
    "points_a",
    "points_b",
    "lead",
)
COMPARE_SQL = """
select a.indicator_code, i.name_zh, i.name_en, i.unit, a.value_raw as value_a, b.value_raw as value_b, a.weight,
    100 * a.contribution as points_a, 100 * b.contribution as points_b, points_a - points_b as lead
from mart.why_this_number as a
join mart.why_this_number as b using (index_code, year, indicator_code)
join mart.dim_indicator as i on i.index_code = a.index_code and i.indicator_code = a.indicator_code
where a.index_code = ? and a.year = ? and a.city_id = ? and b.city_id = ?
order by abs(lead) desc, a.indicator_code
"""
INDEX_SQL = "select index_code from mart.dim_index where is_headline"
SCORE_SQL = (
    "select score_100, rank_year, n_city from mart.city_ranking where index_code = ? and city_id = ? and year = ?"
)
YEARS_SQL = "select min(year), max(year) from mart.city_ranking where index_code = ? and city_id = ?"
RUN_SQL = """
select release, data_vintage, method_version, is_synthetic, year(started_at) as year
from mart.mart_run_manifest order by started_at desc limit 1
"""


def compare(paths: Paths, console: Console, names: tuple[str, str], year: int, form: str) -> int:
    """Score of two cities and what each indicator adds to the lead of the first; the parts sum to the lead."""
    con = output.opened(paths, console, form, output.FORMATS)
    if isinstance(con, int):
        return con
    with con:
        try:
            cities = [the_city(con, name) for name in names]
        except NoAnswer as problem:
            return _refused(console, problem)
        index = con.execute(INDEX_SQL).fetchall()[0][0]
        scores = [con.execute(SCORE_SQL, [index, city.city_id, year]).fetchall() for city in cities]
        for city, score in zip(cities, scores, strict=True):
            if not score:
                return _refused(console, _no_score(con, city, index, year))
        rows = con.execute(COMPARE_SQL, [index, year, *(city.city_id for city in cities)]).fetchall()
    (a, rank_a, n), (b, rank_b, _) = scores[0][0], scores[1][0]
    if form == "table":
        console.print(
            f"{index} {year}: {cities[0].label} {a:.2f} points (rank {rank_a} of {n}), "
            f"{cities[1].label} {b:.2f} (rank {rank_b}): {abs(a - b):.2f} points {'ahead' if a >= b else 'behind'}",
            highlight=False,
            soft_wrap=True,
        )
        short = ["indicator", cities[0].name_en, cities[1].name_en, "unit", "weight", "lead, points"]
        console.print(
            output.as_table(short, [(r[2], r[4], r[5], r[3], r[6], round(r[9], 4)) for r in rows], console.width)
        )
    else:
        print(output.as_text(form, COMPARED, rows), end="")
    return EXIT_OK


def cite(paths: Paths, console: Console, asked: list[str], form: str) -> int:
    """How to cite the release, a table of it, or the score of a city in a year."""
    con = output.opened(paths, console, form, FORMS)
    if isinstance(con, int):
        return con
    with con:
        release, vintage, method, synthetic, year = con.execute(RUN_SQL).fetchall()[0]
        try:
            found = _part(con, asked)
        except NoAnswer as problem:
            return _refused(console, problem)
    print(citation(Cited(release, vintage, method, year, synthetic, _hash(paths, release), found), form))
    return EXIT_OK


def _part(con: duckdb.DuckDBPyConnection, asked: list[str]) -> str:
    """What of the release is cited, as words; NoAnswer if it is not there."""
    if not asked:
        return ""
    if len(asked) == 1:
        names = con.execute(f"select schema_name || '.' || table_name from {TABLES}").fetchall()
        table = next((row[0] for row in names if asked[0] in (row[0], row[0].split(".")[1])), None)
        if table is None:
            raise NoAnswer(f"There is no table '{asked[0]}'; for a score give CITY YEAR.")
        return f"Table {table}"
    if len(asked) > 2 or not asked[1].isdigit():
        raise NoAnswer("Give nothing, a table, or CITY YEAR.")
    city, year = the_city(con, asked[0]), int(asked[1])
    index = con.execute(INDEX_SQL).fetchall()[0][0]
    score = con.execute(SCORE_SQL, [index, city.city_id, year]).fetchall()
    if not score:
        raise _no_score(con, city, index, year)
    points, rank, n = score[0]
    return f"{index}, {city.label}, {year}: {points:.2f} points, rank {rank} of {n}"


def _hash(paths: Paths, release: str) -> str:
    """sha256 of the published file as the manifest of its release has it; '' without one."""
    manifest = paths.releases / release / "manifest.json"
    if not manifest.is_file():
        return ""
    return str(json.loads(manifest.read_text(encoding="utf-8"))["files"]["city.duckdb"])


def _no_score(con: duckdb.DuckDBPyConnection, city: City, index: str, year: int) -> NoAnswer:
    """Why a city has no score in a year."""
    reason = con.execute(
        "select drop_reason from mart.mart_sample_city where city_id = ? and index_code = ? and not in_sample",
        [city.city_id, index],
    ).fetchall()
    first, last = con.execute(YEARS_SQL, [index, city.city_id]).fetchall()[0]
    if reason:
        why = f"it is not in the sample: {reason[0][0]}"
    else:
        why = f"its scores are of {first} to {last}" if first else "it has none in any year"
    return NoAnswer(f"{city.label} has no score of {index} in {year}: {why}.")


def _refused(console: Console, problem: NoAnswer) -> int:
    console.print(escape(str(problem)), highlight=False, soft_wrap=True)
    return EXIT_BAD_INPUT
