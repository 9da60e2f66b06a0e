"""LaTeX, Markdown and HTML of a table hold the same figures and no foreign mark-up."""

import re

from bs4 import BeautifulSoup

from dagster_project.publish.export.grid import Grid, Row
from dagster_project.publish.export.latex import LONG, TEXT, latex_text, to_latex
from dagster_project.publish.export.text import markdown_text, to_html, to_markdown

NASTY = "A&B_100% <b> $x$ {y} #1 ~ ^ \\z"
GRID = Grid(
    "T99",
    "Nasty & good",
    "坏与好",
    ("Name", "名称", "Value"),
    (True, True, False),
    (False, True, False),
    (Row("panel", ("Part | one",)), Row("body", (NASTY, "北京", "−0.378***")), Row("below", ("", "", "(0.016)"))),
    ("A note with 5 %.",),
)


def test_latex_escapes_every_special_character():
    assert latex_text("a_b & 5 % #1 $ {x}") == r"a\_b \& 5 \% \#1 \$ \{x\}"
    assert latex_text("\\ ~ ^ < >") == (
        r"\textbackslash{} \textasciitilde{} \textasciicircum{} \textless{} \textgreater{}"
    )


def test_latex_raises_stars_and_guards_brackets_that_would_be_options_of_a_line_end():
    assert latex_text("−0.378***") == "$-$0.378$^{***}$"
    assert latex_text("[0.1, 0.2]") == "{[}0.1, 0.2{]}"


def test_every_latex_row_has_as_many_cells_as_the_table_has_columns():
    text = to_latex(GRID)
    assert r"\begin{tabular}{lr}" in text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    for line in body.splitlines():
        if line.endswith(r"\\") and "multicolumn" not in line:
            assert len(re.findall(r"(?<!\\)&", line)) == 1, line
    assert re.findall(r"\\(?:top|mid|bottom)rule", text) == [r"\toprule", r"\midrule", r"\bottomrule"]


def test_latex_sets_no_chinese_character_outside_comments():
    lines = [line for line in to_latex(GRID).splitlines() if not line.startswith("%")]
    assert not re.search(r"[\u4e00-\u9fff]", "\n".join(lines))
    assert "坏与好" in to_latex(GRID)


def test_a_long_table_may_break_over_pages():
    rows = (Row("body", ("a", "b", "1")),) * (LONG + 1)
    text = to_latex(Grid("T9", "Long", "长", GRID.heads, GRID.is_text, GRID.is_zh, rows, ("n",)))
    assert r"\begin{longtable}{lr}" in text
    assert r"\begin{table}" not in text
    assert text.count("{") == text.count("}")


def test_a_wide_table_lies_on_its_side_and_a_long_text_is_broken():
    rows = (Row("body", ("a" * (TEXT + 1), *("1.234",) * 30)),)
    heads = ("Name", *("Value",) * 30)
    text = to_latex(Grid("T9", "Wide", "宽", heads, (True, *(False,) * 30), (False,) * 31, rows, ("n",)))
    assert r"% \usepackage{booktabs,array,pdflscape,graphicx}" in text
    assert text.index(r"\begin{landscape}") < text.index(r"\begin{table}[p]")
    assert r"\begin{tabular}{>{\raggedright\arraybackslash}p{" in text
    assert "landscape" not in to_latex(GRID)


def test_markdown_keeps_the_number_of_cells_whatever_the_text_is():
    lines = [line for line in to_markdown(GRID).splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    assert markdown_text("a|b*c_[d]<e>") == r"a\|b\*c\_\[d\]\<e\>"


def test_html_shows_exactly_the_cells_and_both_titles():
    page = BeautifulSoup(to_html(GRID), "html.parser")
    rows = [[cell.get_text() for cell in row.find_all(["td", "th"])] for row in page.find_all("tr")]
    assert rows == [list(GRID.heads), *[list(row.cells) for row in GRID.rows]]
    assert "T99. Nasty & good" in page.get_text()
    assert page.find(lang="zh-CN").get_text() == "坏与好"
    assert page.find("b") is None


def test_html_needs_no_style_sheet_so_that_a_copied_table_keeps_its_look():
    page = BeautifulSoup(to_html(GRID), "html.parser")
    assert page.find(["style", "link", "script"]) is None
    assert all("text-align" in cell["style"] for cell in page.find_all("td") if not cell.has_attr("colspan"))
