"""Answers in one line: what sets two cities apart, how a number is cited."""

import datetime as dt
import re

import duckdb
import pandas as pd
from rich.console import Console

from dagster_project.cli import output
from dagster_project.cli.reading import table_of
from dagster_project.errors import Refusal
from dagster_project.figures import grouped
from dagster_project.paths import Paths
from dagster_project.publish.citation import FORMS, Cited, citation
from dagster_project.publish.explain.cities import City, NoAnswer, the_city
from dagster_project.publish.questions.answer import file_hash
from dagster_project.publish.release.folder import manifest_of
from dagster_project.publish.release.record import signature
from dagster_project.published import TABLES, statements
from dagster_project.run.failures import answering, say

SQL = statements(__file__)


@answering
def compare(paths: Paths, console: Console, names: tuple[str, str], year: int, form: str) -> None:
    """Score of two cities and what each indicator adds to the lead of the first; the parts sum to the lead."""
    with output.opened(paths, form) as con:
        first, second = (the_city(con, name) for name in names)
        index = _headline(con)
        (a, rank_a, n), (b, rank_b, _) = (_score(con, city, index, year) for city in (first, second))
        result = con.execute(SQL["compare"], [index, year, first.city_id, second.city_id])
        columns, rows = [column[0] for column in result.description], result.fetchall()
    if form != "table":
        print(output.as_text(form, columns, rows), end="")
        return
    say(
        console,
        f"{index} {year}: {first.label} {a:.2f} points (rank {rank_a} of {n}), "
        f"{second.label} {b:.2f} (rank {rank_b}): {abs(a - b):.2f} points {'ahead' if a >= b else 'behind'}",
    )
    numbers = [first.name_en, second.name_en, "lead", "weight"]
    table = pd.DataFrame(
        [(f"{r[2]}, {r[3]}", *(grouped(v, 5) for v in (r[4], r[5])), f"{r[9]:+.2f}", f"{r[6]:.4f}") for r in rows],
        columns=["indicator", *numbers],
    )
    console.print(table_of(table, whole=tuple(numbers)))
    say(console, "lead: points that the indicator adds to the lead of the first city (0: both beyond its limits)")


@answering
def cite(paths: Paths, console: Console, words: list[str], form: str, url: str = "") -> None:
    """How to cite the release, a table of it, or the score of a city in a year."""
    with output.opened(paths, form, FORMS) as con:
        release, vintage, method, synthetic, year = con.execute(SQL["run"]).fetchall()[0]
        part = _part(con, words, is_zh=form.startswith("gbt7714"))
        key = f"nqpf:score/{the_city(con, words[0]).city_id}/{words[1]}@{release}" if len(words) == 2 else ""
    if url and not re.fullmatch(r"https?://[^\s{}]+", url):
        raise Refusal(f"--url is the address where the release is offered, as https://..., not '{url}'.")
    day = dt.date.today().isoformat() if url else ""
    signer = signature(manifest_of(paths.releases / release), "zh" if form.startswith("gbt7714") else "en").rstrip(
        ".。"
    )
    source = Cited(release, vintage, method, year, synthetic, file_hash(paths, release), part, url, day, signer)
    print(citation(source, form))
    if key and form == "text":
        print(f"Key for a comment or an alternative text, which `nqpf check` reads: {key}")


def _part(con: duckdb.DuckDBPyConnection, words: list[str], *, is_zh: bool) -> str:
    """What of the release is cited, as words; NoAnswer if it is not there."""
    if not words:
        return ""
    if len(words) == 1:
        names = con.execute(f"select schema_name || '.' || table_name from {TABLES}").fetchall()
        table = next((row[0] for row in names if words[0] in (row[0], row[0].split(".")[1])), None)
        if table is None:
            raise NoAnswer(f"There is no table '{words[0]}'; for a score give CITY YEAR.")
        return f"{'表' if is_zh else 'Table'} {table}"
    if len(words) > 2 or not words[1].isdigit():
        raise NoAnswer("Give nothing, a table, or CITY YEAR.")
    city, year, index = the_city(con, words[0]), int(words[1]), _headline(con)
    points, rank, n = _score(con, city, index, year)
    if is_zh:
        return f"{index}，{city.label}，{year} 年：{points:.2f} 分，在 {n} 个城市中排名第 {rank}"
    return f"{index}, {city.label}, {year}: {points:.2f} points, rank {rank} of {n}"


def _headline(con: duckdb.DuckDBPyConnection) -> str:
    return str(con.execute(SQL["index"]).fetchall()[0][0])


def _score(con: duckdb.DuckDBPyConnection, city: City, index: str, year: int) -> tuple[float, int, int]:
    """Points, rank and number of cities; NoAnswer says why a city has no score in a year."""
    for points, rank, n in con.execute(SQL["score"], [index, city.city_id, year]).fetchall():
        return points, rank, n
    reason = con.execute(SQL["dropped"], [city.city_id, index]).fetchall()
    first, last = con.execute(SQL["years"], [index, city.city_id]).fetchall()[0]
    if reason:
        why = f"it is not in the sample: {reason[0][0]}"
    else:
        why = f"its scores are of {first} to {last}" if first else "it has none in any year"
    raise NoAnswer(f"{city.label} has no score of {index} in {year}: {why}.")
