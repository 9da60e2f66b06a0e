"""A printed table as Markdown or as HTML that a word processor takes over with its borders; LaTeX: latex.py."""

from __future__ import annotations

import html
import re

from dagster_project.publish.export.grid import Grid, Row

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]+")


def markdown_text(text: str) -> str:
    """Text without a mark of Markdown or HTML in it."""
    return re.sub(r"([\\`*_\[\]|<>#~&$])", r"\\\1", CONTROL.sub(" ", text))


def to_markdown(grid: Grid) -> str:
    """A pipe table with both titles; panels are bold lines, what stands below a figure is a line of its own."""
    lines = [
        f"**{grid.code}. {markdown_text(grid.title_en)} / {markdown_text(grid.title_zh)}**",
        "",
        _pipes([markdown_text(head) for head in grid.heads]),
        _pipes([":--" if is_text else "--:" for is_text in grid.is_text]),
    ]
    for row in grid.rows:
        cells = [markdown_text(text) for text in row.cells]
        if row.kind == "panel":
            cells = [f"**{cells[0]}**", *[""] * (len(grid.heads) - 1)]
        lines.append(_pipes(cells))
    return "\n".join([*lines, "", f"Note. {markdown_text(' '.join(grid.notes))}", ""])


def _pipes(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


RULE = "border-top:1.5pt solid black"
CELL = "padding:1pt 6pt;border:none"


def to_html(grid: Grid) -> str:
    """A page with one table whose styles stand in the elements: a copy of it keeps rules and alignment in Word."""
    heads = "".join(
        _td("th", head, grid.is_text[k], f";{RULE};border-bottom:0.75pt solid black")
        for k, head in enumerate(grid.heads)
    )
    rows = "\n".join(_html_row(row, grid) for row in grid.rows)
    title = html.escape(f"{grid.code}. {grid.title_en}")
    zh = html.escape(grid.title_zh)
    notes = " ".join(html.escape(note) for note in grid.notes)
    font = "font-family:'Times New Roman',SimSun,serif;font-size:10pt"
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title></head>\n<body>\n'
        f'<p style="{font};font-weight:bold">{title}<br><span lang="zh-CN">{zh}</span></p>\n'
        f'<table style="border-collapse:collapse;{font};border-bottom:1.5pt solid black">\n'
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>\n"
        f'<p style="{font};font-size:9pt">Note. {notes}</p>\n</body></html>\n'
    )


def _html_row(row: Row, grid: Grid) -> str:
    if row.kind == "panel":
        return (
            f'<tr><td colspan="{len(grid.heads)}" style="{CELL};font-style:italic">'
            f"{html.escape(row.cells[0])}</td></tr>"
        )
    return f"<tr>{''.join(_td('td', text, grid.is_text[k], '') for k, text in enumerate(row.cells))}</tr>"


def _td(tag: str, text: str, is_text: bool, style: str) -> str:
    align = "left" if is_text else "right"
    return f'<{tag} style="{CELL};text-align:{align}{style}">{html.escape(text)}</{tag}>'
