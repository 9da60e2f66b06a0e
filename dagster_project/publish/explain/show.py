"""The explanation for a person (a screen, or everything), for a paper in Markdown, or as JSON for a program."""

import json
from pathlib import Path

import jinja2
import pandas as pd
from rich.console import Console

from dagster_project.errors import Refusal
from dagster_project.figures import grouped
from dagster_project.paths import Paths
from dagster_project.publish.explain.queries import Explanation, explain_score
from dagster_project.publish.explain.story import IMPUTED, Story, story
from dagster_project.publish.inert import markdown_text
from dagster_project.publish.locale import languages
from dagster_project.published import open_published
from dagster_project.run.failures import answering, nothing_published, say

CELLS_SHOWN = 4
SYNTHETIC = "SYNTHETIC demo data: says nothing about China"


@answering
def show_score(
    paths: Paths,
    console: Console,
    city: str,
    year: int,
    index: str | None,
    *,
    form: str = "text",
    full: bool = False,
    language: str = "en",
) -> None:
    """Print why the score of a city and year is what it is. `form`: text, json or markdown.

    `full` adds every indicator with its printed cells; JSON always holds all of it. `language`: of the short answer.
    """
    if language not in languages():
        raise Refusal(f"There is no language '{language}'. Languages: {', '.join(languages())}.")
    con = open_published(paths)
    if con is None:
        raise nothing_published(paths)
    with con:
        explanation = explain_score(con, city, year, index)
    if form == "json":
        print(json.dumps(explanation.as_dict(), ensure_ascii=False, default=_plain))
    elif form == "markdown":
        print(as_markdown(explanation, full=full, language=language), end="")
    else:
        if explanation.is_synthetic:
            console.print(f"[bold yellow]{SYNTHETIC}[/]")
        everything = [*tiers(explanation), *indicators(explanation)] if full else []
        say(console, *as_text(story(explanation, language)), *everything)


def as_text(tale: Story) -> list[str]:
    """The story for a screen."""
    score, rank, parts, caveats, more = (f"{label:6}" for label in tale.labels)
    lines = [tale.title, f"  {score} {tale.score}", f"  {rank} {tale.rank}", f"  {parts} {tale.moved}", tale.headline]
    for part in tale.parts:
        lines += [f"  {part.points:+6.2f}  {part.code}  {part.name}", f"          {part.value}; {part.printed}"]
    lines += [f"  {tale.rest}"] if tale.rest else []
    lines += [caveats.strip(), *(f"  - {caveat}" for caveat in tale.caveats)]
    return [*lines, more.strip() + " " + "; ".join(f"`{command}`" for command in tale.more)]


def as_markdown(x: Explanation, *, full: bool, language: str = "en") -> str:
    """The story, or with `full` every indicator, as a heading, a list and a table."""
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["inert"] = markdown_text
    environment.filters["grouped"] = grouped
    template = environment.from_string(Path(__file__).with_name("show.md.j2").read_text(encoding="utf-8"))
    return template.render(x=x, tale=story(x, language), full=full, synthetic=SYNTHETIC)


def tiers(x: Explanation) -> list[str]:
    """Basis and vintage, dimensions and tiers with their ranks."""
    code = x.index["index_code"]
    others = x.parts[(x.parts["year"] == x.year) & (x.parts["index_code"] != code)]
    names = [(str(r["index_code"]).removeprefix(f"{code}_"), r) for _, r in others.iterrows()]
    names.sort(key=lambda pair: (len(pair[0]) <= 2, pair[0]))  # dimensions, then tiers
    parts = ", ".join(f"{name} {r['score']:.3f} (rank {r['rank_year']:.0f})" for name, r in names)
    return [f"Basis {x.basis}, data vintage {x.release_vintage}: {parts}"]


def indicators(x: Explanation) -> list[str]:
    """Three lines an indicator, the largest contribution first, and the largest obstacles."""
    weak = x.cells.dropna(subset=["obstacle_degree"]).sort_values("obstacle_degree", ascending=False, kind="stable")
    worst = ", ".join(f"{r['indicator_code']} {100 * r['obstacle_degree']:.1f} %" for _, r in weak.head(3).iterrows())
    worst = worst or "no obstacle: every indicator is at its best"
    lines = [f"Largest obstacles (share of the distance to the best score): {worst}", "Contributions (sum = score):"]
    for _, cell in x.cells.iterrows():
        lines += _indicator(x, cell)
    return lines


def _indicator(x: Explanation, cell: pd.Series) -> list[str]:
    marks = _marks(cell)
    share = 100 * cell["contribution"] / x.score["score"] if x.score["score"] else float("nan")
    change = cell["contribution"] - cell["contribution_before"]
    since = "" if pd.isna(change) else f", since {x.year - 1} {change:+.4f} (value was {grouped(cell['value_before'])})"
    obstacle = "none" if pd.isna(cell["obstacle_degree"]) else f"{100 * cell['obstacle_degree']:.1f} %"
    sense = "higher is better" if cell["direction"] > 0 else "lower is better"
    lines = [
        f"  {cell['indicator_code']}  {cell['name_zh']} / {cell['name_en']} [{cell['dimension']}, {cell['tier']}]",
        f"      {grouped(cell['value'])} {cell['unit']} ({sense}): z {cell['z']:.4f} x weight {cell['weight']:.4f}"
        f" = {cell['contribution']:.4f} ({share:.1f} % of the score), obstacle {obstacle}"
        f"{since}" + (f"  [{', '.join(marks)}]" if marks else ""),
    ]
    cells = x.sources[x.sources["indicator_code"] == cell["indicator_code"]]
    for _, s in cells.head(CELLS_SHOWN).iterrows():
        place = " ".join(str(part) for part in (s["file"], s["sheet"], s["cell"]) if part)
        out = "; left out until a person answers" if s["edit_action"] == "withheld" else ""
        lines.append(
            f"      {s['variable_code']} = {grouped(s['value'], 10)} {s['unit']}, in {place} [{s['source']}]{out}"
        )
    if len(cells) > CELLS_SHOWN:
        rest = len(cells) - CELLS_SHOWN
        lines.append(f"      and {rest} more printed cells: `{x.command(cell['indicator_code'])}`")
    return lines


def _marks(cell: pd.Series) -> list[str]:
    marks = [str(cell["value_origin"])] if cell["value_origin"] in IMPUTED else []
    moved_to = grouped(cell["value_final"])
    if cell["is_winsorised"]:
        marks.append(f"winsorised to {moved_to}")
    if cell["is_capped"]:
        marks.append(f"capped at {moved_to}")
    if cell["out_of_base_range"]:
        marks.append("outside the base range")
    return marks


def _plain(value: object) -> object:
    """numpy scalars as Python ones."""
    return value.item() if hasattr(value, "item") else str(value)
