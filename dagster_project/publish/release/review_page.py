"""The list of a review as a page of its release: before and after on one map and one rank chart, then every line."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.chart import draw, in_light
from dagster_project.publish.exhibits.exhibit import Chart
from dagster_project.publish.exhibits.markup import html_page
from dagster_project.publish.exhibits.reader import SYNTHETIC
from dagster_project.publish.locale import catalogue
from dagster_project.publish.release.review import SQL, Line, rows_of
from dagster_project.published import open_side_by_side

PAGE = "review.html"
SHOWN = 20  # cities of the rank chart
MAP = Chart("map", y="score", facet="side", digits=1)
RANKS = Chart("range", x="rank", lo="low", hi="high", series="side", label="city", digits=0, x_title="rank")


def review_page(
    name: str,
    previous: str | None,
    lines: Sequence[Line],
    answers: Mapping[int, Mapping[str, str]],
    files: Sequence[Path],
) -> str:
    """HTML that needs no other file. `files`: the published file before and after; fewer: no pictures."""
    title = f"Review of {name}" + (f", compared with {previous}" if previous else ", the first release")
    return html_page(
        Path(__file__).with_name("review.html.j2"),
        title=title,
        is_synthetic=name.endswith("SYNTHETIC"),
        synthetic=SYNTHETIC,
        summary=summary(lines, answers),
        pictures=_pictures(*files) if len(files) == 2 else [],
        map_note=maps.note(),
        lines=lines,
        answers=answers,
        words_of=words_of,
    )


def summary(lines: Sequence[Line], answers: Mapping[int, Mapping[str, Any]]) -> str:
    """How many lines of each kind, and how many are answered."""
    kinds: dict[str, int] = {}
    for line in lines:
        kinds[line.kind] = kinds.get(line.kind, 0) + 1
    counts_in_words = ", ".join(f"{n} {kind}" for kind, n in kinds.items()) or "nothing moved"
    back = sum(answer["answer"] == "back" for answer in answers.values())
    n_open = sum(line.no not in answers for line in lines)
    loads = ", ".join(line.subject.removeprefix("load ") for line in lines if line.kind == "load")
    came = f" Loads: {loads}." if loads else ""
    return f"{len(lines)} lines ({counts_in_words}); {len(answers) - back} ok, {back} sent back, {n_open} open.{came}"


def words_of(answer: Mapping[str, str]) -> str:
    """An answer in words; empty where there is none."""
    why = f": {answer['why']}" if answer.get("why") else ""
    return f"{answer['answer']} ({answer['by']}){why}" if answer else ""


def _pictures(old: Path, new: Path) -> list[tuple[str, Markup]]:
    """Title and drawing of the map and of the rank chart."""
    with open_side_by_side({"old": old, "new": new}) as con:
        rows = rows_of(con, SQL["pictures"])
    if not rows:
        return []
    sides = (("before", "old"), ("after", "new"))
    scores = [
        {"city_id": row["city_id"], "side": side, "score": row[f"score_{database}"]}
        for side, database in sides
        for row in rows
    ]
    ranks = [
        {
            "city": f"{row['name_zh']} {row['name_en']}",
            "side": side,
            **{part: row[f"{name}_{database}"] for part, name in (("rank", "rank"), ("low", "lo"), ("high", "hi"))},
        }
        for row in rows[:SHOWN]
        if row["rank_old"] != row["rank_new"]
        for side, database in sides
    ]
    words, year = catalogue("en"), rows[0]["year"]
    pictures = [(f"Score in {year}, before and after, in the same classes", draw(MAP, scores, words, 1100))]
    if ranks:
        title = f"Ranks of {year} that moved most, before and after, with their ranges"
        pictures.append((title, draw(RANKS, ranks, words, 900)))
    return [(title, Markup(in_light(drawing.svg(title)))) for title, drawing in pictures]
