"""A printed table as LaTeX that fits its page: A4 with a line of 16 cm, type of 10 points.

What is wider than the line is set on a page on its side; long texts are broken inside their column; what is still too
wide (or stands in a document with a narrower line) is shrunk. The first comment names the packages.
"""

import re
from pathlib import Path

import jinja2

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.inert import UNSEEN

WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")  # no glyph without ctex or xeCJK
LINE = 455  # points of a line of 16 cm
SMALL, TINY = (4.3, 12), (3.8, 6)  # points of an average letter and between columns: \footnotesize, \scriptsize
TEXT = 30  # letters: longer texts are broken
LONG = 45  # rows from which a LaTeX table may break over pages
LATEX = {
    **{char: f"\\{char}" for char in "&%$#_{}"},
    **{char: f"{{{char}}}" for char in "[]"},
    "²": "$^2$",
    "³": "$^3$",
    "⁴": "$^4$",
    "⁻": "$^{-}$",
    "β": r"$\beta$",
    "θ": r"$\theta$",
    "ρ": r"$\rho$",
    "µ": r"$\mu$",
    "°": r"$^\circ$",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
    "·": r"$\cdot$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def latex_text(text: str) -> str:
    r"""Text that LaTeX sets as it is, stars raised; a bare [ or * at the start of a row would be an option of \\."""
    return "".join(
        f"$^{{{part}}}$" if part.startswith("*") else "".join(LATEX.get(char, char) for char in part)
        for part in re.split(r"(\*+)", UNSEEN.sub(" ", text))
    )


# << >> for texts, lines that begin with %% for decisions: braces and % are LaTeX's own
TEMPLATE = jinja2.Environment(
    variable_start_string="<<",
    variable_end_string=">>",
    line_statement_prefix="%%",
    undefined=jinja2.StrictUndefined,
    autoescape=False,
).from_string(Path(__file__).with_name("table.tex.j2").read_text(encoding="utf-8"))
TEMPLATE.globals["tex"] = latex_text


def to_latex(grid: Grid) -> str:
    """A table environment, longtable above 45 rows. The Chinese title stands in a comment: it needs xeCJK or ctex."""
    columns = range(len(grid.heads))
    widths = [_letters(grid, k) for k in columns]
    is_wide, is_long = _points(widths, *TINY) > LINE, len(grid.rows) > LONG
    spec = "".join(_column(grid, k) for k in columns)
    tight = rf"\scriptsize\setlength{{\tabcolsep}}{{{2 if is_wide else 3}pt}}"
    table = TEMPLATE.render(
        grid=grid,
        is_wide=is_wide,
        is_long=is_long,
        spec=spec,
        head=_row(Row("body", grid.heads), len(columns)),
        rows=[_row(row, len(columns)) for row in grid.rows],
        size=r"\footnotesize" if _points(widths, *SMALL) <= LINE else tight,
        notes=" ".join(grid.notes),
    ).rstrip("\n")
    package_use = {"booktabs": True, "array": ">{" in spec, "longtable": is_long, "pdflscape": is_wide}
    package_use["graphicx"] = is_wide and not is_long
    opening = [f"% {grid.code} {grid.title_zh}"]
    if WIDE.search(table):
        opening.append("% holds Chinese text: set it with xelatex and \\usepackage{ctex}")
    packages = ",".join(name for name, is_needed in package_use.items() if is_needed)
    return "\n".join([*opening, rf"% \usepackage{{{packages}}}", table]) + "\n"


def _points(widths: list[int], letter: float, gap: float) -> float:
    return sum(width * letter + gap for width in widths)


def _longest(grid: Grid, k: int) -> int:
    """Letters of the longest cell; panels go over all columns."""
    return max([len(grid.heads[k]), *(len(row.cells[k]) for row in grid.rows if row.kind != "panel")])


def _letters(grid: Grid, k: int) -> int:
    """Letters that the column takes."""
    return min(_longest(grid, k), TEXT) if grid.is_text[k] else _longest(grid, k)


def _column(grid: Grid, k: int) -> str:
    if not grid.is_text[k]:
        return "r"
    return "l" if _longest(grid, k) <= TEXT else rf">{{\raggedright\arraybackslash}}p{{{round(TEXT * TINY[0])}pt}}"


def _row(row: Row, n: int) -> str:
    if row.kind == "panel":
        return rf"\multicolumn{{{n}}}{{l}}{{\textit{{{latex_text(row.cells[0])}}}}} \\"
    return " & ".join(map(latex_text, row.cells[:n])) + r" \\"
