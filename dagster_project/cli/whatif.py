"""`nqpf whatif`: scores and places under other weights, beside the published ones."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.exhibits.reader import ExportError, Reader, read_scope
from dagster_project.publish.whatif import whatif
from dagster_project.run.failures import answering, say

COLUMNS = (
    *("year", "city_id", "name_zh", "name_en", "rank_published", "rank_new", "places_won"),
    *("score_published", "score_new"),
)
SHOWN = 20
WEIGHTS_SQL = """
select weight_scheme, indicator_code, weight from mart.mart_index_weight
where index_code = $index and basis = $basis and year is null order by all
"""


@dataclass(frozen=True)
class Asked:
    """What is different: a scheme instead of the published one, a file of weights, then what is left out or kept."""

    index: str | None = None
    scheme: str | None = None
    weights: Path | None = None
    drop: Sequence[str] = ()
    only: Sequence[str] = ()
    years: Sequence[int] = ()


@answering
def show_whatif(paths: Paths, console: Console, asked: Asked, form: str) -> None:
    """Old and new score and place of every city, and how alike the orders are. Exit: 0, 2 for bad input."""
    with output.opened(paths, form) as con:
        reader = Reader(con, read_scope(con, asked.index))
        weights = weights_of(reader, asked)
        answers = {year: whatif(reader, weights, year) for year in asked.years or [reader.scope.last_year]}
        cities = con.execute("select city_id, name_zh, name_en from mart.dim_city").fetchall()
    names = {city: both for city, *both in cities}
    rows: list[tuple[Any, ...]] = []
    for year, answer in answers.items():
        for row in answer.table.to_dict("records"):
            place, old, points = int(row["rank"]), row["published_rank"], row["published_score"]
            before = None if old != old else int(old)  # a city that has no published score
            won = None if before is None else before - place
            city = row["city_id"]
            rows.append(
                (year, city, *names[city], before, place, won, None if points != points else points, row["score"])
            )
    if form != "table":
        print(output.as_text(form, COLUMNS, rows), end="")
        return
    used = {code: weight for code, weight in next(iter(answers.values())).weights.items() if weight > 0}
    say(console, "weights: " + ", ".join(f"{code} {weight:.4f}" for code, weight in used.items()))
    for year, answer in answers.items():
        moved = [abs(row[6]) for row in rows if row[0] == year and row[6] is not None]
        say(
            console,
            f"{year}: Spearman {answer.spearman:.4f} with the published order; "
            f"{sum(m > 10 for m in moved)} of {len(moved)} cities move more than 10 places, at most {max(moved)}",
        )
        console.print(output.as_table(COLUMNS, [row for row in rows if row[0] == year][:SHOWN], console.width))
    if any(len(answer.table) > SHOWN for answer in answers.values()):
        say(console, f"The first {SHOWN} are shown; --format csv prints all.")


def weights_of(reader: Reader, asked: Asked) -> dict[str, float]:
    """Weights by indicator. Raises ExportError for an unknown scheme or indicator and for a file that is no weights."""
    by_scheme: dict[str, dict[str, float]] = {}
    for row in reader.rows(WEIGHTS_SQL):
        by_scheme.setdefault(row["weight_scheme"], {})[row["indicator_code"]] = float(row["weight"])
    scheme = asked.scheme or reader.scope.scheme
    if scheme not in by_scheme:
        raise ExportError(f"There is no weight scheme '{scheme}'. Known: {', '.join(by_scheme)}.")
    known = by_scheme[scheme]
    for code in (*asked.drop, *asked.only):
        if code not in known:
            raise ExportError(f"{reader.scope.index} has no indicator '{code}'. Known: {', '.join(known)}.")
    weights = known if asked.weights is None else _from_file(asked.weights, set(known))
    kept = {code for code in known if code not in asked.drop and (not asked.only or code in asked.only)}
    return {code: weight for code, weight in weights.items() if code in kept}


def _from_file(file: Path, known: set[str]) -> dict[str, float]:
    """Columns indicator (or indicator_code) and weight; others are not read."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{file} cannot be read as UTF-8 text: {error}.") from error
    weights = dict[str, float]()
    for line, row in enumerate(rows, start=2):
        code = (row.get("indicator") or row.get("indicator_code") or "").strip()
        if code not in known:
            raise ExportError(
                f"{file.name}, line {line}: '{code}' is no indicator. Columns needed: indicator, weight; "
                f"indicators: {', '.join(sorted(known))}."
            )
        if code in weights:
            raise ExportError(f"{file.name}, line {line}: {code} has a weight already.")
        try:
            weights[code] = float(row.get("weight") or "")
        except ValueError:
            raise ExportError(f"{file.name}, line {line}: weight '{row.get('weight')}' is no number.") from None
    if not weights:
        raise ExportError(f"{file.name} holds no weight. Columns needed: indicator, weight.")
    return weights
