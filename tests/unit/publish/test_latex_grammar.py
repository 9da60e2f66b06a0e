"""The checker finds what LaTeX would stumble over; printed tables give it nothing to find."""

import pytest
from latex_grammar import problems

from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.paper.latex import LONG, to_latex

GOOD = r"""\begin{table}[htbp]
\centering\footnotesize
\caption{A \& B, 5 \%}\label{tab:t1}
\begin{tabular}{lr}
\toprule
Name & Value \\
\midrule
\multicolumn{2}{l}{\textit{Part}} \\
a & 0.1$^{***}$ \\
\bottomrule
\end{tabular}
\end{table}
"""

HOSTILE = (
    *("A&B_100% <b> $x$ {y} #1 ~ ^ \\z", "\\input{/etc/passwd}", "\\write18{rm}", "}{", "[1] first", "* star"),
    *("a\\\\b", "%comment", "\u202eesrever", "tab\tand\nline", "$$", "\\begin{verbatim}", "−0.4***"),
    *("<script>alert(1)</script>", "'; drop table mart.dim_city; --", "=cmd|'/c calc'!A1"),
)


def test_a_good_table_has_no_problem():
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("a & 0.1", "a & b & 0.1", "3 cells for 2 columns"),
        (r"5 \%", "5 #", "bare #"),
        (r"\&", "&", "& outside a row"),
        ("Name", "a_b", "_ outside math"),
        (r"\end{tabular}", "", "closes something else"),
        (r"\textit{Part}", r"\textit{Part", "closes something else"),
        ("$^{***}$", "$^{***}", "math never closed"),
        ("Name", "名称", "no glyph"),
        ("Name", r"\input{x}", r"unknown command \input"),
        ("a & 0.1", "[a] & 0.1", "takes this for its option"),
        (r"0.1$^{***}$ \\", "0.1", "text after the last row"),
    ],
)
def test_a_fault_is_named(old, new, said):
    assert old in GOOD
    assert any(said in problem for problem in problems(GOOD.replace(old, new)))


@pytest.mark.parametrize("n_rows", [3, LONG + 1])
def test_a_table_of_hostile_texts_would_compile(n_rows):
    body = [Row("body", (text, "x_1 & 50 %", "1")) for text in HOSTILE]
    rows = (Row("panel", (HOSTILE[0],)), *(body * n_rows)[: max(n_rows, len(body))], Row("below", ("", "", "[0, 1]")))
    grid = Grid("T99", HOSTILE[1], (HOSTILE[2], "Name", "[n]"), (True, True, False), rows, HOSTILE, "坏")
    assert problems(to_latex(grid)) == []


def test_chinese_text_in_a_cell_is_announced_with_what_it_needs():
    grid = Grid("T9", "Title", ("Name",), (True,), (Row("body", ("合肥",)),), ("n",), "标题")
    assert "xelatex" in to_latex(grid)
    assert "xelatex" not in to_latex(Grid("T9", "Title", ("Name",), (True,), (), ("n",), "标题"))
