"""Text of the data never acts: not in a spreadsheet, SQL, a page, LaTeX or on a screen."""

import csv
import io
import json

import duckdb
import pytest
from bs4 import BeautifulSoup
from latex_grammar import problems
from promised_marts import create
from rich.console import Console

from dagster_project.cli import output
from dagster_project.publish.exhibits.exhibit import Grid, Row
from dagster_project.publish.exhibits.markup import to_html
from dagster_project.publish.inert import csv_select, plain_cell
from dagster_project.publish.paper.latex import LONG, to_latex
from dagster_project.publish.paper.plain import rows_as

FORMULAS = (
    *("=cmd|'/c calc'!A1", "+1+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1"),
    *("\uff1d1+1", "\uff0b1", "\uff0d1+1", "\uff20x", "=", "-", "--1"),
)
HARMLESS = ("", "北京", "0.5", "-0.5", "+3", "-1e-7", "a=b", " =1", "1-2", "'=1", "'; drop table mart.t; --", "NULL")
MARKUP = "<script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.mark.parametrize("text", FORMULAS + HARMLESS)
def test_a_formula_gets_an_apostrophe_and_other_text_stays_in_python_and_in_sql(text):
    assert plain_cell(text) == (f"'{text}" if text in FORMULAS else text)
    select = csv_select([("t", "VARCHAR"), ("l", "VARCHAR[]")])
    found = duckdb.execute(f"select {select} from (select ? as t, [?, 'b'] as l)", [text, text]).fetchall()
    assert found == [(plain_cell(text), plain_cell(f"{text}; b"))]


@pytest.fixture
def hostile(tmp_path):
    file = tmp_path / "it's a file.duckdb"
    with duckdb.connect(str(file)) as con:
        con.execute(f"create schema mart; {create('dim_city')}")
        con.execute('create table mart.t (n integer, x double, "=name" varchar, many varchar[])')
        rows = [[n, text] for n, text in enumerate(FORMULAS + HARMLESS)]
        con.executemany("insert into mart.t values (?, -0.5, ?, ['@a', 'b'])", rows)
    return file


def test_the_csv_of_an_export_and_of_a_query_hold_every_text_and_no_formula(hostile, reader, tmp_path):
    made = rows_as(hostile, reader(), "from mart.t order by n", "csv").decode()
    rows = list(csv.reader(io.StringIO(made, newline="")))[1:]
    assert [row[2] for row in rows] == [plain_cell(text) for text in FORMULAS + HARMLESS]
    assert {row[1] for row in rows} == {"-0.5"}
    assert {row[3] for row in rows} == {"'@a; b"}
    with duckdb.connect(str(hostile), read_only=True) as con:
        con.execute("from mart.t order by n")
        made = "".join(output.as_csv([d[0] for d in con.description], output.blocks(con, 1000)))
    head, *rows = csv.reader(io.StringIO(made, newline=""))
    assert head == ["n", "x", "'=name", "many"]
    assert [row[2] for row in rows] == [plain_cell(text) for text in FORMULAS + HARMLESS]
    assert {row[1] for row in rows} == {"-0.5"}
    with pytest.raises(duckdb.PermissionException):
        rows_as(hostile, reader(), f"select * from read_csv('{tmp_path}/x.csv')", "csv")


def test_json_keeps_digits_and_has_no_nan_and_markdown_has_one_line_a_row_and_no_markup():
    rows = [(0.1 + 0.2, float("nan"), MARKUP, [1, None])]
    found = json.loads(output.as_json(["a", "a", "t", "l"], rows))
    assert found == [{"a": 0.1 + 0.2, "a_1": None, "t": MARKUP, "l": [1, None]}]
    made = output.as_markdown(["t"], [(f"{MARKUP}|\n# head",)])
    assert len(made.splitlines()) == 3
    assert "\\<script\\>" in made
    assert made.splitlines()[-1].count("|") - made.splitlines()[-1].count("\\|") == 2


def test_the_screen_and_a_page_show_markup_and_move_no_cursor():
    console = Console(record=True, width=200, file=io.StringIO())
    console.print(output.as_table(["t"], [("[red]x[/red]",), ("\x1b[2Jgone \u202eesrever",)], 200))
    shown = console.export_text()
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    grid = Grid("T9", MARKUP, (MARKUP,), (True,), (Row("panel", (MARKUP,)), Row("body", (MARKUP,))), (MARKUP,))
    page = BeautifulSoup(to_html(grid), "html.parser")
    assert page.find(["script", "img"]) is None
    assert page.find("th").text == MARKUP


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


def test_a_good_table_has_no_problem_and_chinese_in_a_cell_is_announced_with_what_it_needs():
    assert problems(GOOD) == []
    grid = Grid("T9", "Title", ("Name",), (True,), (Row("body", ("合肥",)),), ("n",), "标题")
    assert "xelatex" in to_latex(grid)
    assert "xelatex" not in to_latex(Grid("T9", "Title", ("Name",), (True,), (), ("n",), "标题"))


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
