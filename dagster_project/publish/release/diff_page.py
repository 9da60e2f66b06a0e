"""The page of what changed between two releases: one account, written as Markdown and as HTML."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.exhibits.markup import html_page, html_table
from dagster_project.publish.inert import figure, markdown_text, pipe_table
from dagster_project.publish.release.diff import BRIDGE, Frames

SHOWN = 20  # rows of a long table on the page; `nqpf release diff --format json` has all
ABSENT = "One of the two files does not hold these tables: it was published by an older version."
SYNTHETIC = "SYNTHETIC demo data: says nothing about China."
BRIDGE_NOTE = (
    "The parts say what moved a score: revision of figures, bounds of the scale, weights, method; they sum to its"
    " change. Empty: the two releases rest on one data vintage, are not neighbours, or the index is a variant."
)


@dataclass(frozen=True)
class Section:
    """A heading, sentences, and the first rows of a table (None: no table)."""

    title: str
    sentences: tuple[str, ...] = ()
    frame: pd.DataFrame | None = None


def diff_markdown(old_name: str | None, new_name: str, frames: Frames | None) -> str:
    """A page that a person reads before trusting a release."""
    title, sections = _account(old_name, new_name, frames)
    lines = [f"# {_plain(title)}"]
    for section in sections:
        lines += ["", f"## {section.title}"] if section.title else []
        for sentence in section.sentences:
            lines += ["", _plain(sentence)]
        if section.frame is not None:
            lines += ["", _pipe_table(section.frame)]
    return "\n".join(lines) + "\n"


def diff_html(old_name: str | None, new_name: str, frames: Frames | None) -> str:
    """The same account as one page that needs no other file."""
    title, sections = _account(old_name, new_name, frames)
    template = Path(__file__).with_name("diff.html.j2")
    return html_page(template, title=title, sections=sections, table=_html_table)


def _account(old_name: str | None, new_name: str, frames: Frames | None) -> tuple[str, list[Section]]:
    if frames is None:
        mark = (SYNTHETIC,) if new_name.endswith("SYNTHETIC") else ()
        return new_name, [Section("", (*mark, "First release: there is nothing to compare it with."))]
    parts = [_run, _summary, _scores, _coefficients, _members, _sources, _cells, _weights, _tables]
    return f"{new_name}, compared with {old_name}", [part(frames) for part in parts]


def _run(frames: Frames) -> Section:
    run = frames.get("run")
    if run is None:
        return Section("", (ABSENT,))
    old, new = (run[run["side"] == side].iloc[0] for side in ("old", "new"))
    sentences = [SYNTHETIC] if new["is_synthetic"] else []
    for column, words in (("data_vintage", "Data vintage"), ("method_version", "Method")):
        same = old[column] == new[column]
        sentences.append(f"{words}: {new[column]}, " + ("as before." if same else f"before {old[column]}."))
    return Section("", tuple(sentences))


def _summary(frames: Frames) -> Section:
    """What a reader must know first, in a paragraph."""
    changes, members = frames.get("scores"), frames.get("members")
    if changes is None or "is_headline" not in changes:
        return Section("In short", (ABSENT,))
    headline = changes[changes["is_headline"]]
    if headline.empty:
        sentences = ["No score or rank of the headline index moved."]
    else:
        year = int(headline["year"].max())
        last = headline[headline["year"] == year]
        shift = (last["rank_new"] - last["rank_old"]).abs()
        sentences = [
            f"Headline index {headline['index_code'].iloc[0]}: in {year} {int((shift > 0).sum())} ranks moved,"
            f" {int((shift > 10).sum())} by more than 10 places, {int((shift > 20).sum())} by more than 20."
        ]
        if (shift > 0).any():
            top = last.iloc[int(shift.to_numpy().argmax())]
            sentences.append(f"The largest: {top['name_en']} from {int(top['rank_old'])} to {int(top['rank_new'])}.")
    if members is not None and len(members):
        phrases = [
            f"{len(cities)} {what}: {', '.join(cities['name_en'].fillna(cities['city_id']))}"
            for what, cities in members.groupby("what")
        ]
        sentences.append("Cities of its sample, " + "; ".join(phrases) + ".")
    others = changes.loc[~changes["is_headline"], "index_code"].nunique()
    sentences.append(f"Scores of {others} other indexes and variants moved." if others else "No other index moved.")
    return Section("In short", (" ".join(sentences),))


def _members(frames: Frames) -> Section:
    members = frames.get("members")
    title = "Cities that joined or left the headline sample"
    return Section(title, (ABSENT,) if members is None else (), members)


def _cells(frames: Frames) -> Section:
    cells = frames["cells"]
    if cells is None:
        return Section("Indicator cells", (ABSENT,))
    counts = cells.pivot_table(index="index_code", columns="what", values="city_id", aggfunc="count", fill_value=0)
    counts = counts.reindex(columns=["added", "revised", "removed"], fill_value=0).reset_index()
    counts.columns.name = None
    sentences = [f"{len(cells)} cells of the frozen basis differ."]
    revised = cells[cells["what"] == "revised"]
    if len(revised):
        top = revised.iloc[0]
        sentences.append(
            f"The largest relative revision: {top['indicator_code']} of {top['city_id']} in {top['year']},"
            f" {_text(top['value_old'])} before, {_text(top['value_new'])} now."
        )
    return Section("Indicator cells", tuple(sentences), counts)


def _sources(frames: Frames) -> Section:
    sources = frames["sources"]
    return Section("Sources added, removed, superseded", (ABSENT,) if sources is None else (), sources)


def _scores(frames: Frames) -> Section:
    changes = frames["scores"]
    if changes is None:
        return Section("Scores that moved", (ABSENT,))
    is_main = changes["is_headline"] if "is_headline" in changes else pd.Series(True, index=changes.index)
    counts = changes.loc[~is_main, "index_code"].value_counts().sort_index()
    changes = changes[is_main].drop(columns="is_headline", errors="ignore")
    sentences = [f"{int((changes['rank_old'] != changes['rank_new']).sum())} ranks of a city and year moved."]
    if len(counts):
        counts_in_words = ", ".join(f"{name} {count}" for name, count in counts.items())
        sentences.append(f"Moved in other indexes and variants (--format json has them): {counts_in_words}.")
    parts = [name for name in BRIDGE.split(", ") if name in changes]
    if parts and len(changes):
        sentences.append(BRIDGE_NOTE)
        whole = changes.dropna(subset=parts)
        if len(whole):
            means = ", ".join(f"{name.removeprefix('part_')} {_text(whole[name].abs().mean())}" for name in parts)
            sentences.append(f"Mean absolute part over the {len(whole)} explained changes: {means}.")
    return Section(f"Headline scores that moved ({len(changes)})", tuple(sentences), changes)


def _weights(frames: Frames) -> Section:
    weights = frames["weights"]
    if weights is None:
        return Section("Weights that moved", (ABSENT,))
    return Section(f"Weights that moved ({len(weights)})", (), weights)


def _coefficients(frames: Frames) -> Section:
    """All rows: they are few, and one that did not move says as much."""
    estimates = frames.get("coefficients")
    title = "Headline coefficients and effects, old and new"
    if estimates is None:
        return Section(title, (ABSENT,))
    table = estimates[["model_id", "basis", "kind", "term"]].copy()
    for side in ("old", "new"):
        three = (estimates[f"{name}_{side}"] for name in ("estimate", "lo", "hi"))
        table[side] = [_interval(*row) for row in zip(*three, strict=True)]
    table["change"], table["intervals_apart"] = estimates["change"], estimates["intervals_apart"]
    apart = int(estimates["intervals_apart"].sum())
    sentence = (
        f"Estimates with 95 % intervals. Of {len(estimates)}, {apart} lie outside each other's interval altogether."
    )
    return Section(title, (sentence,) if len(estimates) else ("No headline regression was fitted in either.",), table)


def _tables(frames: Frames) -> Section:
    tables = frames.get("tables")
    if tables is None or tables.empty:
        return Section("Tables and columns", ("The same in both.",))
    table_rows = tables.groupby(["what", "table_name"])["column_name"].agg(", ".join).reset_index(name="columns")
    return Section("Tables and columns", (), table_rows)


def _interval(point: float, low: float, high: float) -> str:
    if math.isnan(point):
        return ""
    return _text(point) + ("" if math.isnan(low) or math.isnan(high) else f" [{_text(low)}, {_text(high)}]")


def _plain(text: str) -> str:
    """Text without a mark of Markdown; an underscore inside a word is none."""
    return re.sub(r"(?<=\w)\\_(?=\w)", "_", markdown_text(text))


def _text(value: object) -> str:
    if isinstance(value, float):
        return figure(value)
    return "" if value is None or value is pd.NA else str(value)


def _rows(frame: pd.DataFrame) -> tuple[list[list[str]], str]:
    is_long = len(frame) > SHOWN and "intervals_apart" not in frame
    head = frame.head(SHOWN) if is_long else frame
    rest = f"The first {SHOWN} of {len(frame)} rows; --format json has all." if is_long else ""
    return [[_text(value) for value in row] for row in head.itertuples(index=False, name=None)], rest


def _is_number(frame: pd.DataFrame) -> list[bool]:
    return [pd.api.types.is_numeric_dtype(frame[name]) and frame[name].dtype != bool for name in frame.columns]


def _pipe_table(frame: pd.DataFrame) -> str:
    if frame.empty:
        return "None."
    rows, rest = _rows(frame)
    cells = ([_plain(cell) for cell in row] for row in rows)
    table = pipe_table([_plain(str(name)) for name in frame.columns], _is_number(frame), cells)
    return f"{table}\n\n{rest}" if rest else table


def _html_table(frame: pd.DataFrame) -> Markup:
    if frame.empty:
        return Markup("<p>None.</p>")
    rows, rest = _rows(frame)
    is_text = tuple(not number for number in _is_number(frame))
    grid = Grid("", "", tuple(map(str, frame.columns)), is_text, tuple(Row("body", tuple(row)) for row in rows), ())
    below = Markup("<p>{}</p>").format(rest) if rest else ""
    return Markup("<div>{}</div>{}").format(html_table(grid, caption=False), below)
