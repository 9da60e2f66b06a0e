"""The paper tables as LaTeX sets them: all compile, fit their page, and name the packages that they need."""

import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from dagster_project.publish.exhibits.exhibit import Grid, Row, exhibits, read_grid
from dagster_project.publish.exhibits.reader import ExportError, Reader, read_scope
from dagster_project.publish.paper.latex import LONG, to_latex
from dagster_project.published import open_read_only

XELATEX = shutil.which("xelatex")
pytestmark = pytest.mark.skipif(XELATEX is None, reason="no xelatex on the path")

PACKAGES = re.compile(r"^% \\usepackage\{(.+)\}$", re.MULTILINE)
SEEN = 2.0  # points by which a table may stand over: less than a millimetre
HOSTILE = (
    "A&B_100% <b> $x$ {y} #1 ~ ^ \\z",
    "\\input{/etc/passwd}",
    "}{",
    "[1] first",
    "* star",
    "%comment",
    "−0.4***",
)


def log_of(tables: dict[str, str], folder: Path) -> str:
    """What xelatex says to a document with all tables; each loads the packages that its first lines name."""
    needed = sorted({name for text in tables.values() for found in PACKAGES.findall(text) for name in found.split(",")})
    parts = [
        r"\documentclass{article}",
        r"\usepackage[a4paper,margin=2.5cm]{geometry}",
        rf"\usepackage{{{','.join(needed)}}}",
        r"\begin{document}",
    ]
    for code, text in tables.items():
        parts += [rf"\typeout{{table {code}}}", text, r"\clearpage"]
    (folder / "tables.tex").write_text("\n".join([*parts, r"\end{document}"]), encoding="utf-8")
    command = [XELATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "tables.tex"]
    for _ in range(2):  # a longtable knows its widths the second time
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


def faults(log: str) -> list[str]:
    """Letters without a glyph; lines that stand over by more than an eye sees, with the table."""
    found, table = [], ""
    for line in log.splitlines():
        if said := re.match(r"table (\w+)", line):
            table = said[1]
        over = re.match(r"Overfull \\hbox \(([\d.]+)pt too wide\)", line)
        if (over and float(over[1]) > SEEN) or line.startswith("Missing character"):
            found.append(f"{table}: {line}")
    return found


@pytest.fixture(scope="module")
def tables(small_warehouse):
    """Every paper table that has rows here."""
    found = {}
    with open_read_only(small_warehouse.paths.published_file) as con:
        reader = Reader(con, read_scope(con))
        for code, exhibit in exhibits().items():
            with suppress(ExportError):
                if exhibit.columns:
                    found[code] = to_latex(read_grid(reader, exhibit))
    return found


def test_every_paper_table_compiles_and_fits_its_page(tables, tmp_path):
    assert len(tables) >= 15
    assert faults(log_of(tables, tmp_path)) == []
    assert (tmp_path / "tables.pdf").stat().st_size > 10_000


def test_every_paper_table_alone_needs_no_more_than_it_names(tables, tmp_path):
    """The widest and the longest stand for their kind; together they use all packages."""
    kinds = {PACKAGES.findall(text)[0]: code for code, text in tables.items()}
    for code in kinds.values():
        log_of({code: tables[code]}, tmp_path)


@pytest.mark.parametrize("n_rows", [1, LONG])
def test_hostile_texts_are_set_as_they_are(n_rows, tmp_path):
    rows = (Row("panel", (HOSTILE[0],)), *(Row("body", (text, text * 3, "1")) for text in HOSTILE * n_rows))
    grid = Grid("T99", HOSTILE[0], "坏", ("Name", "Long", "[n]"), (True, True, False), (False,) * 3, rows, HOSTILE)
    log_of({"T99": to_latex(grid)}, tmp_path)
    if to_text := shutil.which("pdftotext"):
        text = subprocess.run([to_text, str(tmp_path / "tables.pdf"), "-"], capture_output=True, text=True, check=True)
        assert r"\input{/etc/passwd}" in text.stdout
