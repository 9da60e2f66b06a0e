"""The report for people: counts, what is not known with rows to paste, what is refused, what to look at."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_project.errors import printable
from dagster_project.figures import grouped
from dagster_project.inspect.report import Report
from dagster_project.run.failures import say
from expectations.findings import ACCEPTED, REFUSED, WAITS

MAX_LISTED = 20
MAX_FIGURES = 5
MAX_LENGTH = 500


def as_json(report: Report) -> str:
    """The whole report as one JSON object; a figure that is not finite is null."""
    return json.dumps(vars(report), ensure_ascii=False, allow_nan=False)


def show(report: Report, console: Console) -> None:
    """A summary on the console; the JSON has every figure. What would not show, or would steer it, is written out."""
    load, counts = report.load, report.counts
    mark = "SYNTHETIC, " if load["is_synthetic"] else ""
    when = f"statistical year {load['year']}" if load["year"] else "several years"
    files = load["file"].split(", ")
    name = load["file"] if len(files) <= 3 else f"{files[0]} and {len(files) - 1} more files"
    head = f"{name}: {mark}{load['source']}, layout {load['layout']}, {when}"
    _say(console, head, *(f"  {line}" for line in load["said"]))
    _say(
        console,
        f"{counts['values']:,} figures of {counts['cities']} cities from {counts['columns_read']} columns; "
        f"{counts['columns_ignored']} columns ignored with a reason, {counts['columns_unknown']} unknown.",
    )
    colour = {ACCEPTED: "green", WAITS: "yellow", REFUSED: "red"}[report.verdict]
    console.print(f"If landed: [bold {colour}]{escape(printable(report.outcome))}[/].")
    _list(
        console, [f"{one['rule']}: {one['outcome']}" for one in report.findings if one["verdict"] in (WAITS, REFUSED)]
    )
    _headers(report, console)
    _cities(report, console)
    _blocks(report, console)
    if report.edits:
        _say(console, f"{len(report.edits)} figures cannot be right and would not be used as printed:")
    _list(console, [_edit_line(edit) for edit in report.edits])
    _rows(console, "correction.csv (replace: with the figure of the page)", report.ready_rows)
    sentences = {"The load as a whole would be refused": report.load_problems, "To look at": report.warnings}
    for title, lines in sentences.items():
        if lines:
            _say(console, f"{title}:")
        _list(console, [_cut(sentence) for sentence in lines])
    if report.is_clean:
        console.print("[green]Everything would be read.[/]")


def _headers(report: Report, console: Console) -> None:
    title = f"{len(report.unmapped_headers)} unknown headers"
    rows = [
        (f"{row['sheet']} {row['column']}".strip(), row["path"], row["nearest"] or "", f"{row['nearest_score']:.0f}")
        for row in report.unmapped_headers
    ]
    _table(console, Table("column", "header", "nearest known", "%", title=title), rows)
    _rows(console, "header_map.csv", (row["ready_row"] for row in report.unmapped_headers))


def _cities(report: Report, console: Console) -> None:
    rows = []
    for row in report.unknown_cities:
        near = row["known_elsewhere"] or ", ".join(f"{n['name']} {n['score']:.0f} %" for n in row["nearest"])
        rows.append((f"{row['sheet']} {row['cell'] or ''}".strip(), row["name"], near))
    _table(console, Table("cell", "name", "nearest official names", title=f"{len(rows)} unknown names"), rows)
    _rows(console, "city_alias.csv", (row["ready_row"] for row in report.unknown_cities if row["ready_row"]))


def _table(console: Console, table: Table, rows: Sequence[tuple[str, ...]]) -> None:
    for row in rows[:MAX_LISTED]:
        table.add_row(*(escape(printable(text)) for text in row))
    if rows:
        console.print(table)


def _rows(console: Console, seed: str, rows: Iterable[str]) -> None:
    unique = list(dict.fromkeys(rows))
    if unique:
        _say(console, f"Rows for {seed}, to be reviewed before they are pasted:")
    _list(console, unique)


def _blocks(report: Report, console: Console) -> None:
    if report.refused_blocks:
        console.print(f"[red]{len(report.refused_blocks)} columns are refused[/], whole or in part:", highlight=False)
    reasons: set[str] = set()
    for block in report.refused_blocks[:MAX_LISTED]:
        _say(console, f"  {_block_line(block)}")
        if block["reason"] not in reasons:
            _say(console, f"    {_cut(block['reason'])}")
        reasons.add(block["reason"])
    ready = (row for block in report.refused_blocks for row in block["ready_rows"])
    _rows(console, "header_map.csv (leave out), figure_pattern.csv, correction.csv or gate_answer.csv", ready)


def _block_line(block: dict[str, Any]) -> str:
    n = len(block["cities"])
    what = f"all {n} figures" if block["is_whole_column"] else f"{n} of its figures"
    pairs = zip(block["cities"], block["figures"], block["cells"], strict=True)
    first = ", ".join(f"{city} {_short(figure)} ({cell})" for city, figure, cell in list(pairs)[:MAX_FIGURES])
    more = ", ..." if n > MAX_FIGURES else ""
    place = f"{block['sheet']} column {block['column']}".strip()
    return f"{block['raw_column']} {block['scope']} {block['year'] or ''}, {place}: {what}: {first}{more}"


def _short(figure: object) -> str:
    return grouped(figure) if isinstance(figure, float) else f"'{figure}'"


def _edit_line(edit: dict[str, Any]) -> str:
    outcome = "left out" if edit["used"] is None else f"{grouped(edit['used'])} is used"
    place = f"{edit['sheet']} {edit['cell']}".strip()
    return (
        f"{edit['city_name']} {edit['raw_column']} {edit['scope']} {edit['year']}: printed '{edit['text']}'"
        f" ({place}), {outcome}; {edit['rule']}: {edit['why']}"
    )


def _list(console: Console, lines: Sequence[str]) -> None:
    """The first lines, and how many there are besides."""
    _say(console, *(f"  {line}" for line in lines[:MAX_LISTED]))
    if len(lines) > MAX_LISTED:
        _say(console, f"  ... and {len(lines) - MAX_LISTED} more (--json lists all)")


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= MAX_LENGTH else f"{sentence[:MAX_LENGTH]} ... (--json has it all)"


def _say(console: Console, *lines: str) -> None:
    say(console, *map(printable, lines))
