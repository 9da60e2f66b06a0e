"""`nqpf edits`: what was edited, ordered by what it moves, and what stands out and waits for a person."""

import duckdb
import pandas as pd
from rich.console import Console

from dagster_project.cli import output
from dagster_project.figures import grouped
from dagster_project.paths import Paths
from dagster_project.publish.explain.cities import NoAnswer, the_city
from dagster_project.published import statements
from dagster_project.run.failures import answering, say
from dagster_project.run.ready_rows import correction_row

SHOWN = 20
DECIDED = ("quarantine", "replace", "relink", "keep")

SQL = statements(__file__)


@answering
def show_edits(
    paths: Paths, console: Console, subject: str | None, *, pending: bool, form: str, all_rows: bool
) -> None:
    """Decisions of a city or a variable (or all), most influential first. Exit: 0, 2 if the name is unknown."""
    with output.opened(paths, form, ("text", "json", "csv")) as con:
        city, variable = _subject(con, subject)
        actions = ["pending", "withheld"] if pending else list(DECIDED)
        rows = con.execute(SQL["decisions"], [actions, city, variable]).df()
        counts = con.execute(SQL["counts"]).df().iloc[0]
        moves = con.execute(SQL["moves"]).df()
        synthetic = con.execute("select bool_or(is_synthetic) from mart.dim_vintage").fetchall()[0][0]
    if form != "text":
        names, values = list(rows.columns), [tuple(row) for row in rows.itertuples(index=False)]
        print(output.as_text(form, names, values), end="")
        return
    if synthetic:
        console.print("[bold yellow]SYNTHETIC demo data[/]")
    say(console, *_head(counts, moves))
    first_rows = rows if all_rows else rows.head(SHOWN)
    for number, (_, row) in enumerate(first_rows.iterrows(), start=1):
        say(console, *_decision(number, row))
    if rows.empty:
        say(console, "Nothing is under question." if pending else "Nothing is edited.")
    elif len(first_rows) < len(rows):
        say(console, f"{len(first_rows)} of {len(rows)} decisions; --all shows them all.")
    say(console, *_what_to_do(rows, pending=pending))


def _subject(con: duckdb.DuckDBPyConnection, subject: str | None) -> tuple[str | None, str | None]:
    """(city id, variable): what the word names; NoAnswer if neither."""
    if subject is None:
        return None, None
    variables = [variable for (variable,) in con.execute(SQL["variables"]).fetchall()]
    if subject in variables:
        return None, subject
    try:
        return the_city(con, subject).city_id, None
    except NoAnswer as answer:
        raise NoAnswer(f"{answer} '{subject}' is no edited variable either: {', '.join(variables)}.") from answer


def _head(counts: pd.Series, moves: pd.DataFrame) -> list[str]:
    lines = [
        f"{counts['edited']:,} figures edited by {counts['decisions']:,} decisions, {counts['accepted']:,} accepted"
        f" against a rule, {counts['reviewed']:,} decided by a person, {counts['pending']:,} under question, of which"
        f" {counts['withheld']:,} of influence are left out until a person answers."
    ]
    return lines + [
        f"{m.index_code} {m.year}: of {m.n_city} ranks {m.n_moved_10} move by more than 10 places and {m.n_moved_20} by"
        f" more than 20 through editing (largest {m.largest_move})."
        for m in moves.itertuples()
    ]


def _decision(number: int, row: pd.Series) -> list[str]:
    outcome = "left out" if pd.isna(row["used"]) else grouped(row["used"])
    if row["action"] == "pending":
        expected = "" if pd.isna(row["expected"]) else f"; expected about {grouped(row['expected'])}"
        outcome = "used as printed" + expected
    effect = ""
    if row["influence"] > 0:
        effect = f"; {row['index_code']} {row['score_change']:+.2f} points, {int(row['rank_change']):+d} places"
    place = " ".join(str(part) for part in (row["file"], row["sheet"], row["cell"]) if isinstance(part, str) and part)
    years = "" if row["years"] == str(row["year"]) else f" (years {row['years']})"
    return [
        f"{number:3d}. {row['name_zh']} {row['name_en']} {row['year']} {row['variable_code']}{years}: {row['action']}"
        f" by {row['rule']}{effect}",
        f"     printed {grouped(row['printed'])} {row['unit']} -> {outcome}; {row['evidence']}",
        *([f"     '{row['printed_text']}' in {place} [{row['source']}]"] if place else []),
    ]


def _what_to_do(rows: pd.DataFrame, *, pending: bool) -> list[str]:
    """A ready-made row for the first figure that has a cell."""
    with_cell = rows[rows["cell"].notna() & (rows["rule"] != "reviewed")]
    if with_cell.empty:
        return []
    row, action = with_cell.iloc[0], "drop" if pending else "keep"
    place = (row["source"], row["city_id"], row["year"], row["variable_code"], row["printed_text"])
    what = "Decide" if pending else "Take an edit back"
    return [
        f"{what} with one row of dbt/seeds/correction.csv (keep, drop, or replace by a figure in the printed unit):",
        f"  {correction_row(*place, action, 'why, and who says so')}",
    ]
