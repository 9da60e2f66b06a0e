"""`nqpf edits`: what was edited, ordered by what it moves, and what stands out and waits for a person."""

from __future__ import annotations

import csv
import io

import duckdb
import pandas as pd
from rich.console import Console
from rich.markup import escape

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.explain.cities import NoAnswer, the_city
from dagster_project.run.failures import EXIT_BAD_INPUT, EXIT_OK

SHOWN = 20
DECIDED = ("quarantine", "replace", "relink", "keep")

# One decision often touches several years (a run, a price path): the year that it moves most stands for it.
DECISIONS_SQL = """
select city_id, name_zh, name_en, variable_code, source, rule, action,
    arg_max(year, (influence, -year)) as year, string_agg(year::varchar, ' ' order by year) as years,
    arg_max(printed_value, (influence, -year)) as printed, arg_max(used_value, (influence, -year)) as used,
    arg_max(expected, (influence, -year)) as expected, any_value(unit) as unit,
    arg_max(printed_text, (influence, -year)) as printed_text, arg_max(file, (influence, -year)) as file,
    arg_max(sheet, (influence, -year)) as sheet, arg_max(cell, (influence, -year)) as cell,
    arg_max(evidence, (influence, -year)) as evidence, arg_max(index_code, (influence, -year)) as index_code,
    arg_max(score_change, (influence, -year)) as score_change,
    arg_max(rank_change, (influence, -year)) as rank_change, max(influence) as influence,
    any_value(reviewed_by) as reviewed_by
from mart.mart_edit
where is_selected and list_contains(?, action) and city_id = coalesce(?, city_id)
    and variable_code = coalesce(?, variable_code)
group by city_id, name_zh, name_en, variable_code, source, rule, action
order by influence desc, city_id, variable_code, year
"""
COUNTS_SQL = """
select count(*) filter (action in ('quarantine', 'replace', 'relink')) as edited,
    count(distinct (city_id, variable_code, rule, action))
        filter (action in ('quarantine', 'replace', 'relink')) as decisions,
    count(*) filter (action = 'pending') as pending, count(*) filter (action = 'accept') as accepted,
    count(*) filter (rule = 'reviewed' or reviewed_by is not null) as reviewed
from mart.mart_edit where is_selected
"""
MOVES_SQL = """
select m.* from mart.mart_edit_rank_move as m
where m.edit_policy = 'as_printed' and m.basis like 'frozen%'
    and m.year = (select max(i.window_end) from mart.dim_index as i where i.index_code = m.index_code)
order by m.index_code
"""
VARIABLES_SQL = "select distinct variable_code from mart.mart_edit order by 1"
FORMATS = ("text", "json", "csv")


def show_edits(
    paths: Paths,
    console: Console,
    asked: str | None,
    *,
    pending: bool = False,
    form: str = "text",
    all_rows: bool = False,
) -> int:
    """Decisions of a city or a variable (or all), most influential first. Exit: 0, 2 if the name is unknown."""
    con = output.opened(paths, console, form, FORMATS)
    if isinstance(con, int):
        return con
    with con:
        try:
            city, variable = _asked(con, asked)
        except NoAnswer as answer:
            known = ", ".join(row[0] for row in con.execute(VARIABLES_SQL).fetchall())
            text = f"{answer} '{asked}' is no edited variable either: {known}."
            console.print(escape(text), highlight=False, soft_wrap=True)
            return EXIT_BAD_INPUT
        actions = ["pending"] if pending else list(DECIDED)
        rows = con.execute(DECISIONS_SQL, [actions, city, variable]).df()
        counts = con.execute(COUNTS_SQL).df().iloc[0]
        moves = con.execute(MOVES_SQL).df()
        synthetic = con.execute("select bool_or(is_synthetic) from mart.dim_vintage").fetchall()[0][0]
    if form != "text":
        names, values = list(rows.columns), [tuple(row) for row in rows.itertuples(index=False)]
        print(output.as_text(form, names, values), end="")
        return EXIT_OK
    if synthetic:
        console.print("[bold yellow]SYNTHETIC demo data[/]")
    for line in _head(counts, moves):
        console.print(line, highlight=False, soft_wrap=True)
    shown = rows if all_rows else rows.head(SHOWN)
    for number, (_, row) in enumerate(shown.iterrows(), start=1):
        for line in _decision(number, row):
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    if rows.empty:
        console.print("Nothing is pending." if pending else "Nothing is edited.")
    elif len(shown) < len(rows):
        console.print(f"{len(shown)} of {len(rows)} decisions; --all shows them all.", highlight=False)
    for line in _what_to_do(rows, pending=pending):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
    return EXIT_OK


def _asked(con: duckdb.DuckDBPyConnection, asked: str | None) -> tuple[str | None, str | None]:
    """(city id, variable): what the word names; NoAnswer if neither."""
    if asked is None:
        return None, None
    if (asked,) in con.execute(VARIABLES_SQL).fetchall():
        return None, asked
    return the_city(con, asked).city_id, None


def _head(counts: pd.Series, moves: pd.DataFrame) -> list[str]:
    lines = [
        f"{counts['edited']:,} figures edited by {counts['decisions']:,} decisions, {counts['accepted']:,} accepted"
        f" against a rule, {counts['reviewed']:,} decided by a person, {counts['pending']:,} pending."
    ]
    return lines + [
        f"{m.index_code} {m.year}: of {m.n_city} ranks {m.n_moved_10} move by more than 10 places and {m.n_moved_20} by"
        f" more than 20 through editing (largest {m.largest_move})."
        for m in moves.itertuples()
    ]


def _decision(number: int, row: pd.Series) -> list[str]:
    used = "left out" if pd.isna(row["used"]) else f"{row['used']:,.6g}"
    if row["action"] == "pending":
        used = "used as printed" + ("" if pd.isna(row["expected"]) else f"; expected about {row['expected']:,.6g}")
    moved = ""
    if row["influence"] > 0:
        moved = f"; {row['index_code']} {row['score_change']:+.2f} points, {int(row['rank_change']):+d} places"
    place = " ".join(str(part) for part in (row["file"], row["sheet"], row["cell"]) if isinstance(part, str) and part)
    years = "" if row["years"] == str(row["year"]) else f" (years {row['years']})"
    return [
        f"{number:3d}. {row['name_zh']} {row['name_en']} {row['year']} {row['variable_code']}{years}: {row['action']}"
        f" by {row['rule']}{moved}",
        f"     printed {row['printed']:,.6g} {row['unit']} -> {used}; {row['evidence']}",
        *([f"     '{row['printed_text']}' in {place} [{row['source']}]"] if place else []),
    ]


def _what_to_do(rows: pd.DataFrame, *, pending: bool) -> list[str]:
    """A ready-made row for the first figure that has a cell."""
    with_cell = rows[rows["cell"].notna() & (rows["rule"] != "reviewed")]
    if with_cell.empty:
        return []
    row, buffer = with_cell.iloc[0], io.StringIO()
    scope = "built_up" if row["variable_code"] == "built_up_area" else "city"
    action = "drop" if pending else "keep"
    cells = [
        row["source"],
        "",
        row["city_id"],
        row["year"],
        row["variable_code"],
        scope,
        action,
        "",
        row["printed_text"],
    ]
    csv.writer(buffer, lineterminator="").writerow([*cells, "why, and who says so", "open"])
    what = "Decide" if pending else "Take an edit back"
    return [
        f"{what} with one row of dbt/seeds/correction.csv (keep, drop, or replace by a figure in the printed unit):",
        f"  {buffer.getvalue()}",
    ]
