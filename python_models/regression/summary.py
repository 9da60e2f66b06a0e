"""Tables as text, HTML and LaTeX."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

_LATEX = {"&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}"}
_LATEX |= {"~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "\\": r"\textbackslash{}"}


@dataclass(frozen=True)
class Summary:
    """A title, header lines (name, value), columns and rows of text. `str()` gives the text table."""

    title: str
    header: tuple[tuple[str, str], ...]
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def as_text(self) -> str:
        """Fixed-width text: first column left, numbers right."""
        table = (self.columns, *self.rows)
        widths = [max(len(row[j]) for row in table) for j in range(len(self.columns))]
        lines = [_text_line(row, widths) for row in table]
        wide = max(len(self.title), *(len(line) for line in lines))
        head = [f"{name:<24}{value}".rstrip() for name, value in self.header]
        rule = "-" * wide
        return "\n".join([self.title, "=" * wide, *head, *([rule] if head else []), lines[0], rule, *lines[1:], rule])

    def __str__(self) -> str:
        return self.as_text()

    def as_html(self) -> str:
        """An HTML table, every text escaped."""
        head = "".join(f"<tr><th>{_h(n)}</th><td>{_h(v)}</td></tr>" for n, v in self.header)
        names = "".join(f"<th>{_h(c)}</th>" for c in self.columns)
        body = "".join("<tr>" + "".join(f"<td>{_h(c)}</td>" for c in row) + "</tr>" for row in self.rows)
        header = f'<table class="panel-header">{head}</table>' if head else ""
        return (
            f'<div class="panel-summary"><h4>{_h(self.title)}</h4>{header}'
            f"<table><thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
        )

    def _repr_html_(self) -> str:
        return self.as_html()

    def as_latex(self) -> str:
        """A LaTeX table (booktabs), special characters escaped; the header stands below as notes."""
        spec = "l" + "r" * (len(self.columns) - 1)
        lines = [" & ".join(_t(cell) for cell in row) + r" \\" for row in self.rows]
        notes = "; ".join(f"{_t(name)}: {_t(value)}" for name, value in self.header)
        return "\n".join(
            [
                r"\begin{table}",
                rf"\caption{{{_t(self.title)}}}",
                rf"\begin{{tabular}}{{{spec}}}",
                r"\toprule",
                " & ".join(_t(c) for c in self.columns) + r" \\",
                r"\midrule",
                *lines,
                r"\bottomrule",
                r"\end{tabular}",
                *([rf"\par\footnotesize {notes}."] if notes else []),
                r"\end{table}",
            ]
        )


def summarise(title: str, header: Sequence[tuple[str, str]], frame: pd.DataFrame) -> Summary:
    """A summary of a frame: numbers to four decimals (six significant digits if small or large)."""
    rows = tuple(tuple(cell(value) for value in row) for row in frame.itertuples(index=False))
    return Summary(title, tuple(header), tuple(str(c) for c in frame.columns), rows)


def cell(value: object) -> str:
    """One value as text; a missing number is empty."""
    if not isinstance(value, float | np.floating):
        return str(value)
    number = float(value)
    if np.isnan(number):
        return ""
    if number != 0.0 and not 1e-3 <= abs(number) < 1e6:
        return f"{number:.4g}"
    return f"{number:.4f}"


def _text_line(row: Sequence[str], widths: Sequence[int]) -> str:
    first = f"{row[0]:<{widths[0]}}"
    return "  ".join([first, *(f"{c:>{w}}" for c, w in zip(row[1:], widths[1:], strict=True))]).rstrip()


def _h(text: str) -> str:
    return html.escape(text)


def _t(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
