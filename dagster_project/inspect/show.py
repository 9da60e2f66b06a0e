"""The report for people: counts, what is not known with rows to paste, what is refused, what to look at."""

import json
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dagster_project.ingest.errors import printable
from dagster_project.inspect.report import Report

MAX_LISTED = 20
MAX_FIGURES = 5
MAX_LENGTH = 500


def as_json(report: Report) -> str:
    """The whole report as one JSON object; a figure that is not finite is null."""
    content = {
        "load": report.load,
        "counts": report.counts,
        "values": report.values,
        "unmapped_headers": report.unmapped_headers,
        "unknown_cities": report.unknown_cities,
        "refused_blocks": report.refused_blocks,
        "edits": report.edits,
        "load_problems": report.load_problems,
        "warnings": report.warnings,
    }
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def show(report: Report, console: Console) -> None:
    """A summary on the console; the JSON has every figure."""
    _say(console, _headline(report))
    for line in report.load["said"]:
        _say(console, f"  {line}")
    counts = report.counts
    _say(
        console,
        f"{counts['values']:,} figures of {counts['cities']} cities from {counts['columns_read']} columns; "
        f"{counts['columns_ignored']} columns ignored with a reason, {counts['columns_unknown']} unknown.",
    )
    _headers(report, console)
    _cities(report, console)
    _blocks(report, console)
    _edits(report, console)
    _sentences(console, "The load as a whole would be refused", report.load_problems)
    _sentences(console, "To look at", report.warnings)
    if report.is_clean:
        console.print("[green]Everything would be read.[/]")


def _headline(report: Report) -> str:
    load = report.load
    mark = "SYNTHETIC, " if load["is_synthetic"] else ""
    when = f"statistical year {load['year']}" if load["year"] else "several years"
    return f"{load['file']}: {mark}{load['source']}, layout {load['layout']}, {when}"


def _headers(report: Report, console: Console) -> None:
    if not report.unmapped_headers:
        return
    table = Table("column", "header", "nearest known", "%", title=f"{len(report.unmapped_headers)} unknown headers")
    for row in report.unmapped_headers[:MAX_LISTED]:
        place = f"{row['sheet']} {row['column']}".strip()
        table.add_row(
            *(
                escape(printable(str(x)))
                for x in (place, row["path"], row["nearest"] or "", f"{row['nearest_score']:.0f}")
            )
        )
    console.print(table)
    rows = dict.fromkeys(row["ready_row"] for row in report.unmapped_headers)
    _rows(console, "header_map.csv", list(rows))


def _cities(report: Report, console: Console) -> None:
    if not report.unknown_cities:
        return
    table = Table("cell", "name", "nearest official names", title=f"{len(report.unknown_cities)} unknown names")
    for row in report.unknown_cities[:MAX_LISTED]:
        near = row["known_elsewhere"] or ", ".join(f"{n['name']} {n['score']:.0f} %" for n in row["nearest"])
        table.add_row(
            *(
                escape(printable(str(text)))
                for text in (f"{row['sheet']} {row['cell'] or ''}".strip(), row["name"], near)
            )
        )
    console.print(table)
    _rows(console, "city_alias.csv", [row["ready_row"] for row in report.unknown_cities if row["ready_row"]])


def _rows(console: Console, seed: str, rows: list[str]) -> None:
    if rows:
        _say(console, f"Rows for {seed}, to be reviewed before they are pasted:")
    for row in rows[:MAX_LISTED]:
        _say(console, f"  {row}")
    if len(rows) > MAX_LISTED:
        _say(console, f"  ... and {len(rows) - MAX_LISTED} more (--json lists all)")


def _blocks(report: Report, console: Console) -> None:
    if report.refused_blocks:
        console.print(f"[red]{len(report.refused_blocks)} columns are refused[/], whole or in part:", highlight=False)
    said: set[str] = set()
    for block in report.refused_blocks[:MAX_LISTED]:
        _say(console, f"  {_block_line(block)}")
        if block["reason"] not in said:
            _say(console, f"    {_cut(block['reason'])}")
        said.add(block["reason"])
    _rows(
        console,
        "header_map.csv (leave out), correction.csv or gate_answer.csv",
        list(dict.fromkeys(row for block in report.refused_blocks for row in block["ready_rows"])),
    )


def _block_line(block: dict[str, Any]) -> str:
    n = len(block["cities"])
    what = f"all {n} figures" if block["is_whole_column"] else f"{n} of its figures"
    pairs = zip(block["cities"], block["figures"], block["cells"], strict=True)
    shown = ", ".join(f"{city} {_short(figure)} ({cell})" for city, figure, cell in list(pairs)[:MAX_FIGURES])
    more = ", ..." if n > MAX_FIGURES else ""
    place = f"{block['sheet']} column {block['column']}".strip()
    return f"{block['raw_column']} {block['scope']} {block['year'] or ''}, {place}: {what}: {shown}{more}"


def _short(figure: object) -> str:
    return f"{figure:,.6g}" if isinstance(figure, float) else f"'{figure}'"


def _edits(report: Report, console: Console) -> None:
    if report.edits:
        _say(console, f"{len(report.edits)} figures cannot be right and would not be used as printed:")
    for edit in report.edits[:MAX_LISTED]:
        used = "left out" if edit["used"] is None else f"{edit['used']:,.6g} is used"
        place = f"{edit['sheet']} {edit['cell']}".strip()
        _say(
            console,
            f"  {edit['city_name']} {edit['raw_column']} {edit['scope']} {edit['year']}: printed '{edit['text']}'"
            f" ({place}), {used}; {edit['rule']}: {edit['why']}",
        )
    if len(report.edits) > MAX_LISTED:
        _say(console, f"  ... and {len(report.edits) - MAX_LISTED} more (--json lists all)")


def _sentences(console: Console, title: str, sentences: list[str]) -> None:
    if sentences:
        console.print(f"{title}:", highlight=False)
    for sentence in sentences[:MAX_LISTED]:
        _say(console, f"  {_cut(sentence)}")
    if len(sentences) > MAX_LISTED:
        _say(console, f"  ... and {len(sentences) - MAX_LISTED} more (--json lists all)")


def _cut(sentence: str) -> str:
    return sentence if len(sentence) <= MAX_LENGTH else f"{sentence[:MAX_LENGTH]} ... (--json has it all)"


def _say(console: Console, text: str) -> None:
    """Text of the file is shown as it stands, what would not show or would steer the screen written out."""
    console.print(printable(text), highlight=False, markup=False, soft_wrap=True)
