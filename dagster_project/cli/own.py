"""`nqpf index` and `nqpf model`: an index or a regression of one's own, from a file outside the project."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd
from rich.console import Console

from dagster_project.cli import output
from dagster_project.paths import Paths
from dagster_project.publish.exhibits.reader import Reader, read_scope
from dagster_project.run.failures import Refusal, answering, say

SHOWN, NAMED = 20, 5
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

        own = own_index(reader, file)
        lines = [
            "weights: " + ", ".join(f"{row.indicator_code} {row.weight:.4f}" for row in own.weights.itertuples()),
            *(f"{row.indicator_code}: {row.origin}" for row in own.weights.itertuples()),
            f"bounds and weights of {own.window[0]}-{own.window[1]}; {own.scores['city_id'].nunique()} cities",
            *_missed(reader, own.left_out),
            *own.warnings,
        ]
        if own.spearman == own.spearman:
            last = own.scores["year"].max()
            lines.append(f"{last}: Spearman {own.spearman:.4f} with the published order of {reader.scope.index}")
        return {"scores": own.scores, "weights": own.weights, "values": own.values}, lines

    return _show(paths, console, answer, part, ("scores", "weights", "values"), form)


def show_model(paths: Paths, console: Console, file: Path, part: str, form: str) -> int:
    """Estimates, data or W of the regression that `file` describes. Exit: 0, 2 for bad input."""

    def answer(reader: Reader) -> Answer:
        from dagster_project.publish.own import own_model

        own = own_model(reader, file)
        years = own.data["year"]
        lines = [
            ", ".join(f"{key} {value}" for key, value in own.settings.items()),
            f"{own.data['city_id'].nunique()} cities, {years.min()}-{years.max()} ({years.nunique()} years), "
            f"ln L {own.results.loglik:.3f}, R2 within {own.results.r2_within:.4f}",
            *(f"{term}: {origin}" for term, origin in own.origins.items()),
            *_missed(reader, own.left_out),
        ]
        return {"estimates": own.estimates, "data": own.data, "links": own.links}, lines

    return _show(paths, console, answer, part, ("estimates", "data", "links"), form)


@answering
def _show(
    paths: Paths, console: Console, answer: Callable[[Reader], Answer], part: str, known: Sequence[str], form: str
) -> None:
    if part not in known:
        raise Refusal(f"--show must be one of {', '.join(known)}.")
    with output.opened(paths, form) as con:
        frames, lines = answer(Reader(con, read_scope(con)))
    say(console if form == "table" else Console(stderr=True), *lines)
    frame = frames[part]
    if form == "table":
        if "year" in frame:
            frame = frame[frame["year"] == frame["year"].max()]
        kept = [name for name in ON_SCREEN.get(part, list(frame.columns)) if name in frame]
        frame = frame[kept] if part in ("weights", "estimates") else frame[kept].head(SHOWN)
    names = list(map(str, frame.columns))
    rows = list(frame.astype(object).where(frame.notna(), None).itertuples(index=False, name=None))
    if form != "table":
        print(output.as_text(form, names, rows), end="")
        return
    console.print(output.as_table(names, rows, console.width))
    if len(rows) < len(frames[part]):
        say(console, f"{len(rows)} of {len(frames[part]):,} rows are shown; --format csv prints all.")


def _missed(reader: Reader, left_out: Mapping[str, str]) -> list[str]:
    if not left_out:
        return []
    names = {row["city_id"]: row["full_name"] for row in reader.rows("select city_id, full_name from city")}
    first = "; ".join(f"{names[city]} ({why})" for city, why in list(left_out.items())[:NAMED])
    return [f"left out, {len(left_out)}: {first}{' ...' if len(left_out) > NAMED else ''}"]
