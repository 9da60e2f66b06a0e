"""Questions with their sentence, figure and doubt: what pages.yml describes, read from one file in one language."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml
from markupsafe import Markup

from dagster_project.publish.exhibits import map as maps
from dagster_project.publish.exhibits.chart import NARROW, WIDE, Drawing, draw
from dagster_project.publish.exhibits.exhibit import Exhibit, exhibits, read_grid, read_notes, read_rows
from dagster_project.publish.exhibits.markup import html_table
from dagster_project.publish.exhibits.reader import SYNTHETIC, ExportError, Reader, Record
from dagster_project.publish.locale import msg
from dagster_project.publish.site.shared import as_csv

# All else may stand in an address inside quotation marks; browsers encode what is not ASCII.
IN_ADDRESS = re.compile(r"[%#\"<>&\s\ufeff]")
FIGURE = re.compile(r"\{(\w+)")
ABSENT = msg("Not in this release: {title}.")


@dataclass(frozen=True)
class Said:
    """One sentence and what it rests on. `says`: 1 up, -1 down, 0 not distinguishable from zero, None no direction."""

    text: str
    says: int | None = None
    est: float | None = None
    lo: float | None = None
    hi: float | None = None
    p: float | None = None

    @property
    def parts(self) -> tuple[str, str]:
        """The first sentence, and the figures behind it."""
        lead, *rest = re.split(r"(?<=[a-z)\d%]\. )|(?<=。)", self.text, maxsplit=1)
        return lead.strip(), "".join(rest)


@dataclass(frozen=True)
class Shown:
    """An exhibit on a page: drawings for wide and narrow screens or a table, with what stands below it."""

    code: str
    title: str
    unit: str
    notes: list[str]
    method: str
    svgs: list[Markup] = field(default_factory=list)
    map: dict[str, Any] | None = None
    table: Markup | None = None


@cache
def _all() -> dict[str, dict[str, Any]]:
    text = Path(__file__).with_name("pages.yml").read_text(encoding="utf-8")
    return dict(yaml.load(text, yaml.CSafeLoader))


def pages() -> dict[str, dict[str, Any]]:
    """The pages of findings as pages.yml has them."""
    return {slug: page for slug, page in _all().items() if slug != "index"}


def overview() -> dict[str, Any]:
    """Headline and cards of the first page."""
    return _all()["index"]


def side(row: Record) -> int:
    """What the figures allow to say: 1 or -1 where the interval lies on one side of zero (or p is at most 0.05)."""
    est, low, high, p = (row.get(name) for name in ("est", "lo", "hi", "p"))
    if low is None and high is None and p is not None:
        return 0 if p > 0.05 or not est else 1 if est > 0 else -1
    return 1 if low is not None and low > 0 else -1 if high is not None and high < 0 else 0


def sentences_of(reader: Reader, claim: dict[str, Any]) -> list[Said]:
    """The sentences of a claim, one a row; none where its tables are not in the file."""
    if not all(mart in reader.tables for mart in claim["marts"]):
        return []
    return [sentence(reader, claim, row) for row in reader.rows(claim["sql"])]


def sentence(reader: Reader, claim: dict[str, Any], row: Record) -> Said:
    """What the figures of the row allow: `up`, `down`, `none` or `say`, then of `adds` what begins with no zero."""
    says, est = None if "say" in claim else side(row), row.get("est")
    text = claim["say"] if says is None else claim.get({1: "up", -1: "down", 0: "none"}[says]) or claim["none"]
    texts = [text, *(more for more in claim.get("adds", ()) if row[FIGURE.findall(more)[0]])]
    size = None if est is None else abs(float(est))
    sentences = " ".join(reader.words.say(one, **row, size=size) for one in texts).replace("。 ", "。")
    ends = {name: None if row.get(name) is None else float(row[name]) for name in ("est", "lo", "hi", "p")}
    return Said(sentences) if says is None else Said(sentences, says, **ends)


def show(reader: Reader, code: str, row_store: dict[str, list[Record]] | None = None) -> Shown | str:
    """The exhibit, or the sentence that it is not in this release. Its rows are put into `row_store`."""
    exhibit = exhibits()[code]
    words = reader.words
    try:
        rows = read_rows(reader, exhibit)
        grid = read_grid(reader, exhibit, rows, origin=False) if exhibit.columns and not exhibit.chart else None
    except ExportError:
        return words.say(ABSENT, title=words.gettext(exhibit.title))
    if row_store is not None:
        row_store[code] = rows
    notes = read_notes(reader, exhibit, rows)
    unit = words.gettext(exhibit.unit) if exhibit.unit else ""
    figure = Shown(code, words.gettext(exhibit.title), unit, notes, exhibit.method)
    if grid is not None:
        return replace(figure, table=html_table(grid, caption=False))
    if exhibit.chart and exhibit.chart.mark == "map":
        digits = exhibit.chart.digits
        return replace(figure, map=map_data(rows, lambda value: f"{value:,.{digits}f}"))
    return replace(figure, svgs=[Markup(svg) for svg in drawn(reader, exhibit, rows, figure.title, notes)])


def drawn(reader: Reader, exhibit: Exhibit, rows: list[Record], title: Any, notes: list[str]) -> list[str]:
    """The chart for wide and for narrow screens, each with what its file needs outside the part that is seen."""
    assert exhibit.chart is not None
    charts = []
    for width, kind in ((WIDE, "wide"), (NARROW, "narrow")):
        drawing = draw(exhibit.chart, rows, reader.words, width)
        frame(drawing, reader, f"{exhibit.code}. {title}", notes)
        charts.append(drawing.svg(str(title), kind))
    return charts


def frame(drawing: Drawing, reader: Reader, title: str, notes: list[str]) -> None:
    """Title, caveats and source of a downloaded picture."""
    mark = [f"{reader.words.gettext(SYNTHETIC)}."] if reader.scope.is_synthetic else []
    drawing.set_frame(title, [*mark, *notes, reader.origin])


def picture(reader: Reader, drawing: Drawing, title: str, label: str, rows: list[Record]) -> dict[str, Markup]:
    """A small chart of a single city or indicator, `svg` and `csv`: its file carries title, caveat and source too."""
    frame(drawing, reader, title, [])
    columns = {"about": title, "release": reader.scope.release}
    table = [{**row, **(columns if k == 0 else dict.fromkeys(columns))} for k, row in enumerate(rows)]
    return {
        "svg": Markup(drawing.svg(label, "middle")),
        "csv": Markup("data:text/csv;charset=utf-8," + IN_ADDRESS.sub(lambda match: quote(match[0]), as_csv(table))),
    }


def map_data(rows: list[Record], text: Callable[[float], str]) -> dict[str, Any]:
    """What the script draws: a step of the palette or a category for each city, and the key; `text`: of a number.

    Rows with lon and lat are points on the map, with their own words in `say`."""
    points = {row["city_id"]: maps.place(row["lon"], row["lat"]) for row in rows if row.get("lon") is not None}
    more = {"points": points, "say": {row["city_id"]: row["say"] for row in rows}} if points else {}
    value_of = {row["city_id"]: float(row["y"]) for row in rows if row.get("y") is not None}
    if rows and not value_of:
        names = [str(name) for name in dict.fromkeys(row["series"] for row in rows)]
        key = [[f"a{k}", name, sum(row["series"] == name for row in rows)] for k, name in enumerate(names)]
        return {"fill": {row["city_id"]: f"a{names.index(str(row['series']))}" for row in rows}, "key": key} | more
    limits = maps.breaks(list(value_of.values()))
    ends = [min(value_of.values()), *limits, max(value_of.values())] if value_of else []
    key = [[f"s{maps.class_of(low, limits)}", f"{text(low)}–{text(high)}", 0] for low, high in pairwise(ends)]
    return {"fill": {city: f"s{maps.class_of(value, limits)}" for city, value in value_of.items()}, "key": key} | more


def page(reader: Reader, slug: str, row_store: dict[str, list[Record]] | None = None) -> dict[str, Any]:
    """A page of findings: its questions with sentences and figures. A figure that is not there is said."""
    page_spec, words = pages()[slug], reader.words
    questions = []
    for k, question in enumerate(page_spec["questions"], 1):
        figure = show(reader, question["figure"], row_store)
        sentences = [one for claim in question["claims"] for one in sentences_of(reader, claim)]
        if not sentences and isinstance(figure, str):
            continue
        questions.append(
            {
                "ask": words.gettext(question["ask"]),
                "anchor": f"q{k}",
                "said": sentences,
                "sure": words.gettext(question["sure"]),
                "figure": figure,
            }
        )
    codes = [code for code in page_spec.get("appendix", ()) if reader.scope.is_synthetic or not exhibits()[code].demo]
    appendix = [show(reader, code, row_store) for code in codes]
    claims = [page_spec["headline"]] if "headline" in page_spec else page_spec["questions"][0]["claims"]
    first = [one for claim in claims for one in sentences_of(reader, claim)] if questions else []
    title = words.gettext(page_spec["title"])
    return {
        "slug": slug,
        "title": title,
        "heading": first[0].parts[0].rstrip(".。") if first else title,
        "lead": words.gettext(page_spec["lead"]),
        "questions": questions,
        "appendix": [one for one in appendix if isinstance(one, Shown)],
        "absent": [one for one in appendix if isinstance(one, str)],
    }


def headline(reader: Reader) -> Said:
    """The finding, no more than the ranges of the ranks allow."""
    spec = overview()
    return [*sentences_of(reader, spec["headline"]), *sentences_of(reader, spec["bare"])][0]


def findings_held(reader: Reader) -> list[Said]:
    """What the files say about the findings that the study set out to test; nothing where no regression was planned."""
    return [one for claim in overview()["findings"] for one in sentences_of(reader, claim)]


def cards(reader: Reader) -> list[dict[str, Any]]:
    """Level, gap, movers, trust: one sentence, one small line, one link each; without those that cannot be said."""
    result = []
    for card in overview()["cards"]:
        slug, question, claim = card.get("same", ("", 0, 0))
        sentences = sentences_of(reader, pages()[slug]["questions"][question]["claims"][claim] if slug else card)
        series = reader.rows(card["spark"]) if "spark" in card and reader.has(*card["marts"]) else []
        if sentences:
            title, line = reader.words.gettext(card["title"]), [row["v"] for row in series]
            result.append({"title": title, "href": card["href"], "said": sentences[0], "line": line})
    return result
