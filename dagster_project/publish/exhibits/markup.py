"""The one writer of HTML tables and of pages of one file; exhibits as Markdown and HTML. LaTeX: paper/latex.py."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.inert import markdown_text, pipe_table


@cache
def _environment(*folders: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def html_page(template: Path, **context: Any) -> str:
    """A page that needs no other file, of a template that extends page.html.j2; texts are escaped."""
    return _environment(template.parent, Path(__file__).parent).get_template(template.name).render(context)


def to_markdown(grid: Grid) -> str:
    """A pipe table; panels are bold lines, what stands below a figure is a line of its own."""
    title = " / ".join(dict.fromkeys(markdown_text(text) for text in (grid.title, grid.title_zh) if text))
    rows = []
    for row in grid.rows:
        cells = [markdown_text(text) for text in row.cells]
        if row.kind == "panel":
            cells = [f"**{cells[0]}**", *[""] * (len(grid.heads) - 1)]
        rows.append(cells)
    table = pipe_table([markdown_text(head) for head in grid.heads], [not is_text for is_text in grid.is_text], rows)
    return f"**{grid.code}. {title}**\n\n{table}\n\n{grid.note_word} {markdown_text(' '.join(grid.notes))}\n"


def html_table(grid: Grid, *, caption: bool = True) -> Markup:
    """The table alone, its styles left to the page: class `num` right, `panel` and `below` for rows of that kind."""
    kinds = ["" if is_text else ' class="num"' for is_text in grid.is_text]
    heads = "".join(f'<th scope="col"{kind}>{escape(head)}</th>' for kind, head in zip(kinds, grid.heads, strict=True))
    rows = "\n".join(_html_row(row, kinds) for row in grid.rows)
    title = f"<caption>{escape(grid.code)}. {escape(grid.title)}</caption>" if caption else ""
    return Markup(f'<table class="grid">{title}<thead><tr>{heads}</tr></thead>\n<tbody>\n{rows}\n</tbody></table>')


def _html_row(row: Row, kinds: list[str]) -> str:
    if row.kind == "panel":
        return f'<tr class="panel"><th colspan="{len(kinds)}" scope="colgroup">{escape(row.cells[0])}</th></tr>'
    cells = [f"<td{kind}>{escape(text)}</td>" for kind, text in zip(kinds, row.cells, strict=True)]
    if row.kind == "body" and row.cells[0]:
        cells[0] = f'<th scope="row"{kinds[0]}>{escape(row.cells[0])}</th>'
    return f'<tr class="{row.kind}">{"".join(cells)}</tr>'


def to_html(grid: Grid) -> str:
    """A page with one table, for word processors."""
    title = f"{grid.code}. {grid.title}"
    return html_page(Path(__file__).with_name("table.html.j2"), title=title, grid=grid, table=html_table(grid))
