"""`nqpf index`, `nqpf model`, `nqpf whatif`: an index, a regression or weights of one's own; nothing is refreshed."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from rich.console import Console
from rich.table import Table

from dagster_project.cli import output
from dagster_project.cli.reading import table_of
from dagster_project.errors import Refusal
from dagster_project.paths import Paths
from dagster_project.publish.exhibits.reader import ExportError, Reader, read_scope
from dagster_project.publish.own.spec import years_of
from dagster_project.publish.whatif import whatif
from dagster_project.run.failures import answering, say

SHOWN, NAMED = 20, 5
COLUMNS = (
    *("year", "city_id", "name_zh", "name_en", "rank_published", "rank_new", "places_won"),
    *("score_published", "score_new"),
)
WEIGHTS_SQL = """
select weight_scheme, indicator_code, weight from mart.mart_index_weight
where index_code = $index and basis = $basis and year is null order by all
"""
# What a screen is wide enough for; every other format has all columns.
ON_SCREEN = {
    "scores": ["year", "name_zh", "name_en", "rank_year", "score_100", "published_rank", "published_score"],
    "weights": ["indicator_code", "name_en", "unit", "dimension", "direction", "weight"],
    "estimates": ["kind", "term", "estimate", "std_error", "p", "lower", "upper", "published"],
}

type Answer = tuple[dict[str, pd.DataFrame], list[str]]


def show_index(paths: Paths, console: Console, file: Path, part: str, form: str) -> int:
    """Scores, weights or values of the index that `file` describes. Exit: 0, 2 for bad input."""

    def answer(reader: Reader) -> Answer:
        from dagster_project.publish.own import own_index

        result = own_index(reader, file)
        lines = [
            "weights: " + ", ".join(f"{row.indicator_code} {row.weight:.4f}" for row in result.weights.itertuples()),
            *(f"{row.indicator_code}: {row.origin}" for row in result.weights.itertuples()),
            f"bounds and weights of {result.window[0]}-{result.window[1]}; {result.scores['city_id'].nunique()} cities",
            *_misses(reader, result.left_out),
            *result.warnings,
        ]
        if result.spearman == result.spearman:
            last = result.scores["year"].max()
            lines.append(f"{last}: Spearman {result.spearman:.4f} with the published order of {reader.scope.index}")
        return {"scores": result.scores, "weights": result.weights, "values": result.values}, lines

    return _show(paths, console, answer, part, ("scores", "weights", "values"), form)


def show_model(paths: Paths, console: Console, file: Path, part: str, form: str) -> int:
    """Estimates, data or W of the regression that `file` describes. Exit: 0, 2 for bad input."""

    def answer(reader: Reader) -> Answer:
        from dagster_project.publish.own import own_model

        result = own_model(reader, file)
        years = result.data["year"]
        lines = [
            ", ".join(f"{key} {value}" for key, value in result.settings.items()),
            f"{result.data['city_id'].nunique()} cities, {years.min()}-{years.max()} ({years.nunique()} years), "
            f"ln L {result.results.loglik:.3f}, R2 within {result.results.r2_within:.4f}",
            *(f"{term}: {origin}" for term, origin in result.origins.items()),
            *_misses(reader, result.left_out),
        ]
        return {"estimates": result.estimates, "data": result.data, "links": result.links}, lines

    return _show(paths, console, answer, part, ("estimates", "data", "links"), form)


@answering
def _show(
    paths: Paths, console: Console, answer: Callable[[Reader], Answer], part: str, parts: Sequence[str], form: str
) -> None:
    if part not in parts:
        raise Refusal(f"--show must be one of {', '.join(parts)}.")
    with output.opened(paths, form) as con:
        frames, lines = answer(Reader(con, read_scope(con)))
    say(console if form == "table" else Console(stderr=True), *lines)
    frame = frames[part]
    if form == "table":
        if "year" in frame:
            frame = frame[frame["year"] == frame["year"].max()]
        columns = [name for name in ON_SCREEN.get(part, list(frame.columns)) if name in frame]
        frame = frame[columns] if part in ("weights", "estimates") else frame[columns].head(SHOWN)
    names = list(map(str, frame.columns))
    rows = list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))
    if form != "table":
        print(output.as_text(form, names, rows), end="")
        return
    console.print(output.as_table(names, rows, console.width) if part != "estimates" else _estimates(frame))
    if len(rows) < len(frames[part]):
        say(console, f"{len(rows)} of {len(frames[part]):,} rows are shown; --format csv prints all.")


def _estimates(frame: pd.DataFrame) -> Table:
    """Every column, with as many digits as are read; a coefficient is named by its term alone."""
    kinds, terms = frame["kind"], frame["term"]
    names = [term if kind == "coefficient" else f"{term} ({kind})" for kind, term in zip(kinds, terms, strict=True)]
    numbers = frame.drop(columns=["kind", "term"]).rename(columns={"std_error": "se"})
    texts = numbers.map(lambda value: f"{value:.4g}" if pd.notna(value) else "")
    texts.insert(0, "term", names)
    return table_of(texts, whole=tuple(numbers.columns))


def _misses(reader: Reader, left_out: Mapping[str, str]) -> list[str]:
    if not left_out:
        return []
    names = {row["city_id"]: row["full_name"] for row in reader.rows("select city_id, full_name from city")}
    first = "; ".join(f"{names[city]} ({why})" for city, why in list(left_out.items())[:NAMED])
    return [f"left out, {len(left_out)}: {first}{' ...' if len(left_out) > NAMED else ''}"]


@dataclass(frozen=True)
class Asked:
    """What is different: a scheme instead of the published one, a file of weights, then what is left out or kept."""

    index: str | None = None
    scheme: str | None = None
    weights: Path | None = None
    drop: Sequence[str] = ()
    only: Sequence[str] = ()
    years: str | None = None


@answering
def show_whatif(paths: Paths, console: Console, request: Asked, form: str) -> None:
    """Old and new score and place of every city, and how alike the orders are. Exit: 0, 2 for bad input."""
    with output.opened(paths, form) as con:
        reader = Reader(con, read_scope(con, request.index))
        weights = weights_of(reader, request)
        years = years_of(request.years.split(",") if request.years else None, "--years") or [reader.scope.last_year]
        answers = {year: whatif(reader, weights, year) for year in years}
        cities = con.execute("select city_id, name_zh, name_en from mart.dim_city").fetchall()
    names = {city: both for city, *both in cities}
    rows: list[tuple[Any, ...]] = []
    for year, answer in answers.items():
        for row in answer.table.to_dict("records"):
            place, old, points = int(row["rank"]), row["published_rank"], row["published_score"]
            before = None if old != old else int(old)  # a city that has no published score
            rise = None if before is None else before - place
            city = row["city_id"]
            rows.append(
                (year, city, *names[city], before, place, rise, None if points != points else points, row["score"])
            )
    if form != "table":
        print(output.as_text(form, COLUMNS, rows), end="")
        return
    nonzero = {code: weight for code, weight in next(iter(answers.values())).weights.items() if weight > 0}
    say(console, "weights: " + ", ".join(f"{code} {weight:.4f}" for code, weight in nonzero.items()))
    for year, answer in answers.items():
        shifts = [abs(row[6]) for row in rows if row[0] == year and row[6] is not None]
        say(
            console,
            f"{year}: Spearman {answer.spearman:.4f} with the published order; "
            f"{sum(m > 10 for m in shifts)} of {len(shifts)} cities move more than 10 places, at most {max(shifts)}",
        )
        console.print(_places([row for row in rows if row[0] == year][:SHOWN]))
    if any(len(answer.table) > SHOWN for answer in answers.values()):
        say(console, f"The first {SHOWN} are shown; --format csv prints all.")


def _places(rows: Sequence[tuple[Any, ...]]) -> Table:
    """What a screen of 80 columns is wide enough for: names, places, scores."""
    texts = [
        (zh, en, *("" if n is None else f"{n}" for n in places), *("" if s is None else f"{s:.2f}" for s in scores))
        for _, _, zh, en, *places, scores in [(*row[:7], row[7:]) for row in rows]
    ]
    names = ["city", "", "rank", "new rank", "places won", "score", "new score"]
    return table_of(pd.DataFrame(texts, columns=names), whole=tuple(names[2:]))


def weights_of(reader: Reader, request: Asked) -> dict[str, float]:
    """Weights by indicator. Raises ExportError for an unknown scheme or indicator and for a file that is no weights."""
    by_scheme: dict[str, dict[str, float]] = {}
    for row in reader.rows(WEIGHTS_SQL):
        by_scheme.setdefault(row["weight_scheme"], {})[row["indicator_code"]] = float(row["weight"])
    scheme = request.scheme or reader.scope.scheme
    if scheme not in by_scheme:
        raise ExportError(f"There is no weight scheme '{scheme}'. Known: {', '.join(by_scheme)}.")
    scheme_weights = by_scheme[scheme]
    for code in (*request.drop, *request.only):
        if code not in scheme_weights:
            raise ExportError(f"{reader.scope.index} has no indicator '{code}'. Known: {', '.join(scheme_weights)}.")
    weights = scheme_weights if request.weights is None else _weights_in(request.weights, set(scheme_weights))
    codes = {code for code in scheme_weights if code not in request.drop and (not request.only or code in request.only)}
    return {code: weight for code, weight in weights.items() if code in codes}


def _weights_in(file: Path, codes: set[str]) -> dict[str, float]:
    """Columns indicator (or indicator_code) and weight; others are not read."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except (OSError, UnicodeDecodeError) as error:
        raise ExportError(f"{file} cannot be read as UTF-8 text: {error}.") from error
    weights = dict[str, float]()
    for line, row in enumerate(rows, start=2):
        code = (row.get("indicator") or row.get("indicator_code") or "").strip()
        if code not in codes:
            raise ExportError(
                f"{file.name}, line {line}: '{code}' is no indicator. Columns needed: indicator, weight; "
                f"indicators: {', '.join(sorted(codes))}."
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
