"""A printed table as LaTeX that fits its page: A4 with a line of 16 cm, type of 10 points.

What is wider than the line is set on a page on its side; long texts are broken inside their column; what is still too
wide (or stands in a document with a narrower line) is shrunk. The first comment names the packages.
"""

import re

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.exhibits.markup import CONTROL

WIDE = re.compile(r"[\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")  # no glyph without ctex or xeCJK
LINE = 455  # points of a line of 16 cm
SMALL, TINY = (4.3, 12), (3.8, 6)  # points of an average letter and between columns: \footnotesize, \scriptsize
TEXT = 30  # letters: longer texts are broken
LONG = 45  # rows from which a LaTeX table may break over pages
LATEX = {
    "\\": r"\textbackslash{}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "−": "$-$",
    "×": r"$\times$",
    "–": "--",
    "²": r"$^2$",
    "µ": r"$\mu$",
    "°": r"$^\circ$",
    "[": "{[}",
    "]": "{]}",
    "·": r"$\cdot$",
    "≥": r"$\geq$",
    "≤": r"$\leq$",
    "→": r"$\to$",
    "β": r"$\beta$",
    "θ": r"$\theta$",
    "ρ": r"$\rho$",
    "⁻": r"$^{-}$",
    "⁴": r"$^4$",
    "³": r"$^3$",
}


def latex_text(text: str) -> str:
    r"""Text that LaTeX sets as it is, stars raised; a bare [ or * at the start of a row would be an option of \\."""
    return "".join(
        f"$^{{{part}}}$" if part.startswith("*") else "".join(LATEX.get(char, char) for char in part)
        for part in re.split(r"(\*+)", CONTROL.sub(" ", text))
    )


def to_latex(grid: Grid) -> str:
    """A table environment, longtable above 45 rows. The Chinese title stands in a comment: it needs xeCJK or ctex."""
    keep = range(len(grid.heads))
    widths = [_letters(grid, k) for k in keep]
    is_wide = _points(widths, *TINY) > LINE
    is_long = len(grid.rows) > LONG
    spec = "".join(_column(grid, k) for k in keep)
    head = " & ".join(latex_text(grid.heads[k]) for k in keep) + r" \\"
    body = [_row(row, keep) for row in grid.rows]
    caption = rf"\caption{{{latex_text(grid.title)}}}\label{{tab:{grid.code.lower()}}}"
    gap = 2 if is_wide else 3
    size = r"\footnotesize" if _points(widths, *SMALL) <= LINE else rf"\scriptsize\setlength{{\tabcolsep}}{{{gap}pt}}"
    said = f"{latex_text(grid.note_word)} {latex_text(' '.join(grid.notes))}"
    note = rf"\begin{{minipage}}{{\linewidth}}\scriptsize {said}\end{{minipage}}"
    lines = (
        _long(spec, head, body, caption, size, note)
        if is_long
        else _short(spec, head, body, caption, size, note, is_wide=is_wide)
    )
    if is_wide:
        lines = [r"\begin{landscape}", *lines, r"\end{landscape}"]
    packages = [
        "booktabs",
        *(["array"] if ">{" in spec else []),
        *(["longtable"] if is_long else []),
        *(["pdflscape"] if is_wide else []),
        *(["graphicx"] if is_wide and not is_long else []),
    ]
    opening = [f"% {grid.code} {grid.title_zh}", rf"% \usepackage{{{','.join(packages)}}}"]
    if WIDE.search("\n".join(lines)):
        opening.insert(1, "% holds Chinese text: set it with xelatex and \\usepackage{ctex}")
    return "\n".join([*opening, *lines]) + "\n"


def _long(spec: str, head: str, body: list[str], caption: str, size: str, note: str) -> list[str]:
    """A table that may break over pages; its head is repeated."""
    return [
        "{" + size,
        rf"\begin{{longtable}}{{{spec}}}",
        caption + r"\\",
        r"\toprule",
        head,
        r"\midrule",
        r"\endfirsthead",
        r"\toprule",
        head,
        r"\midrule",
        r"\endhead",
        r"\bottomrule",
        r"\endfoot",
        *body,
        r"\end{longtable}",
        rf"\noindent{note}",
        "}",
    ]


def _short(spec: str, head: str, body: list[str], caption: str, size: str, note: str, *, is_wide: bool) -> list[str]:
    shrink = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{" if is_wide else ""
    return [
        rf"\begin{{table}}[{'p' if is_wide else 'htbp'}]",
        r"\centering" + size,
        caption,
        *([shrink] if shrink else []),
        rf"\begin{{tabular}}{{{spec}}}",
        r"\toprule",
        head,
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}" + ("}" if shrink else ""),
        "",
        note,
        r"\end{table}",
    ]


def _points(widths: list[int], letter: float, gap: float) -> float:
    return sum(width * letter + gap for width in widths)


def _letters(grid: Grid, k: int) -> int:
    """Letters that the column takes; its panels go over all columns."""
    longest = max([len(grid.heads[k]), *(len(row.cells[k]) for row in grid.rows if row.kind != "panel")])
    return min(longest, TEXT) if grid.is_text[k] else longest


def _column(grid: Grid, k: int) -> str:
    if not grid.is_text[k]:
        return "r"
    longest = max([len(grid.heads[k]), *(len(row.cells[k]) for row in grid.rows if row.kind != "panel")])
    return "l" if longest <= TEXT else rf">{{\raggedright\arraybackslash}}p{{{round(TEXT * TINY[0])}pt}}"


def _row(row: Row, keep: range) -> str:
    if row.kind == "panel":
        return rf"\multicolumn{{{len(keep)}}}{{l}}{{\textit{{{latex_text(row.cells[0])}}}}} \\"
    return " & ".join(latex_text(row.cells[k]) for k in keep) + r" \\"
