"""`nqpf export` on a refreshed small warehouse: the figures are those of the marts, and LaTeX sets the tables."""

import io
import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from hashlib import sha256
from zipfile import ZipFile

import docx
import duckdb
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from house import CITIES, YEARS, said
from latex_grammar import problems
from python_calamine import CalamineWorkbook
from scipy.stats import norm

from dagster_project.publish.citation import Cited
from dagster_project.publish.exhibits.exhibit import Grid, Row, exhibits, read_grid, read_rows
from dagster_project.publish.exhibits.markup import to_html, to_markdown
from dagster_project.publish.exhibits.reader import ExportError, Reader, read_scope
from dagster_project.publish.locale import catalogue
from dagster_project.publish.paper import figures
from dagster_project.publish.paper.command import MAX_TOGETHER, Asked, export
from dagster_project.publish.paper.latex import LONG, to_latex
from dagster_project.publish.paper.word import letters, to_docx
from dagster_project.publish.release.replication import replication_archive
from dagster_project.publish.site import findings
from dagster_project.published import open_read_only

TABLES = {code: exhibit for code, exhibit in exhibits().items() if exhibit.columns}
HEADLINE = "index_code = 'nqpf' and basis like 'frozen%' and weight_scheme = 'entropy_flat'"


@pytest.fixture(scope="module")
def reader(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        yield Reader(con, read_scope(con))


@pytest.fixture(scope="module")
def grids(reader):
    """Every paper table that has rows here, as it is printed."""
    found = {}
    for code, table in TABLES.items():
        with suppress(ExportError):  # a test looks at the reasons
            found[code] = read_grid(reader, table)
    return found


@pytest.fixture(scope="module")
def exported(small_warehouse, tmp_path_factory):
    """exported(*words): what `nqpf export` prints; with `out` the file that it writes."""
    folder = tmp_path_factory.mktemp("exports")

    def run(*words, out=None):
        to_file = ["--out", str(folder / out)] if out else []
        done = small_warehouse.run_reading("export", *words, *to_file)
        assert done.exit_code == 0, done.text
        return folder / out if out else done.text

    return run


def test_weights_of_the_indicator_table_are_those_of_the_mart_and_sum_to_one_hundred(small_warehouse, exported):
    printed = pd.read_csv(exported("--table", "T1", "--format", "csv", out="T1.csv"))
    assert abs(printed["weight"].sum() - 100) < 1e-9
    mart = small_warehouse.published(f"from mart.mart_index_weight where {HEADLINE}")
    both = printed.merge(mart, on="indicator_code", suffixes=("", "_mart"), validate="1:1")
    assert len(both) == len(printed) == len(mart)
    assert (both["weight"] - 100 * both["weight_mart"]).abs().max() < 1e-12
    assert printed["release"].str.endswith("SYNTHETIC").all()


@pytest.mark.parametrize(("form", "start"), [("latex", "% T2"), ("markdown", "**T2."), ("html", "<!doctype html>")])
def test_a_printed_table_has_every_indicator_and_the_synthetic_mark(small_warehouse, exported, form, start):
    text = exported("--table", "T2", "--format", form)
    assert text.startswith(start)
    assert "SYNTHETIC demo data: says nothing about China" in text
    names = small_warehouse.published(
        "select l.name_en from mart.dim_indicator as i join mart.dim_label as l"
        " on l.kind = 'indicator' and l.code = i.indicator_code where index_code = 'nqpf'"
    )["name_en"]
    assert len(names) > 20
    assert not [name for name in names if name.replace("%", r"\%") not in text]


def test_every_paper_table_prints_or_says_why_not(small_warehouse, tmp_path):
    known = set(small_warehouse.published("select table_name from information_schema.tables")["table_name"])
    printed = []
    for code, table in TABLES.items():
        out = tmp_path / f"{code}.html"
        done = said(export, small_warehouse.paths, Asked("html", table=code, out=out))
        if done.exit_code == 0:
            printed.append(code)
            assert out.stat().st_size > 500
        else:
            assert done.exit_code == 2
            assert ("does not hold" in done.text) == bool(set(table.marts) - known), done.text
            assert "the build wrote down no reason" not in done.text
    assert {"T1", "T2", "T3", "T4", "T5", "T6"} <= set(printed)


def test_every_printed_table_would_compile_in_latex(grids):
    assert len(grids) >= 15
    assert {code: found for code, grid in grids.items() if (found := problems(to_latex(grid)))} == {}


def test_every_printed_table_has_its_columns_in_markdown_and_html(grids):
    for code, grid in grids.items():
        n = len(grid.heads)
        lines = [line for line in to_markdown(grid).splitlines() if line.startswith("|")]
        assert {len(re.findall(r"(?<!\\)\|", line)) - 1 for line in lines} == {n}, code
        rows = BeautifulSoup(to_html(grid), "html.parser").find_all("tr")
        widths = {sum(int(cell.get("colspan", 1)) for cell in row.find_all(["td", "th"])) for row in rows}
        assert widths == {n}, code
        assert len(rows) == len(grid.rows) + 1


def test_every_printed_table_stands_in_word_with_three_lines_and_its_points_under_each_other(exported, grids):
    document = docx.Document(exported("--all-tables", "--format", "docx", "--lang", "zh", out="all.docx"))
    assert len(document.tables) == len([grid for grid in grids.values() if len(grid.rows) <= MAX_TOGETHER])
    captions = [paragraph for paragraph in document.paragraphs if paragraph.style.name == "Caption"]
    assert [p.text.split()[0] for p in captions] == ["附表"] * len(document.tables)
    assert all(p._p.xpath(".//w:fldSimple[contains(@w:instr, 'SEQ')]") for p in captions)
    for table in document.tables:
        lines = [line.get(docx.oxml.ns.qn("w:sz")) for line in table._tbl.xpath("./w:tblPr/w:tblBorders/*")]
        below_head = {line.get(docx.oxml.ns.qn("w:sz")) for line in table._tbl.xpath("./w:tr[1]//w:tcBorders/w:bottom")}
        assert (lines, below_head) == (["12", "12"], {"6"})
        assert table._tbl.xpath("./w:tr[1]/w:trPr/w:tblHeader")
        assert table._tbl.xpath("./w:tblPr/w:tblDescription/@w:val")[0].startswith("nqpf:table/")
    columns = {a: (w.orientation, w.page_width > w.page_height) for a, w in enumerate(document.sections)}
    assert {kind for kind, is_wide in columns.values() if is_wide} == {1}
    assert document.styles["Normal"].element.rPr.rFonts.get(docx.oxml.ns.qn("w:eastAsia")) == "宋体"


def test_figures_of_a_word_table_have_their_points_under_each_other():
    grid = Grid("T0", "t", ("", "b"), (True, False), tuple(Row("body", ("", x)) for x in ("1.5", "−12.25***", "3")), ())
    document = docx.Document(io.BytesIO(to_docx([grid], catalogue("en"), "r", None)))
    cells = document.tables[0].columns[1].cells[1:]
    texts, right = [c.text for c in cells], [c.paragraphs[0].paragraph_format.right_indent.pt for c in cells]
    behind = [letters(text[text.index(".") :] if "." in text else "", 10.5) for text in texts]
    assert texts == ["1.5", "−12.25***", "3"]
    assert max(a + b for a, b in zip(right, behind, strict=True)) - right[2] < 0.1


def test_the_robustness_table_repeats_the_curve_and_its_summary(small_warehouse, grids):
    runs = small_warehouse.published(
        "from mart.mart_robustness where model_id = 'nqpf_sdm' and basis like 'frozen%'"
    ).set_index("run_id")
    body = [row.cells for row in grids["T19"].rows if row.kind == "body"]
    assert len(body) == len(runs) > 20
    assert body[0][0] == "headline"
    assert body[0][1].rstrip("*").replace("−", "-") == f"{runs.loc['nqpf_sdm', 'direct']:.3f}"
    notes = " ".join(grids["T19"].notes)
    assert all(f"{effect}: " in notes for effect in ("Direct", "Indirect", "Total"))
    assert sum(cells[-1] == "skipped" for cells in body) == (runs["status"] != "fitted").sum()


@pytest.mark.parametrize(
    ("code", "marts"),
    [
        ("F25", ("mart_robustness", "mart_robustness_placebo")),
        ("F26", ("mart_city_path", "mart_path_transition")),
        ("F27", ("mart_principle_monitor",)),
    ],
)
def test_figures_of_robustness_and_policy_have_their_charts(small_warehouse, reader, code, marts):
    assert all(len(small_warehouse.published(f"from mart.{mart} limit 1")) for mart in marts)
    found = figures.chosen(exhibits(), code)
    drawn = [exhibit for exhibit in found.values() if reader.has(*exhibit.marts)]  # depth trial crosses no choices
    assert len(drawn) >= len(marts)
    for exhibit in drawn:
        assert "SYNTHETIC demo data" in figures.draw_file(reader, exhibit, "svg").decode()


def test_the_dashboard_shows_every_national_light_or_that_its_finding_is_not_supported(small_warehouse, reader):
    first, last = reader.scope.first_year, reader.scope.last_year
    mart = small_warehouse.published(
        "select count(*) as n from mart.mart_principle_monitor where level = 'national' and index_code = 'nqpf'"
        " and basis like 'frozen%' and value is not null and light is not null"
        f" and year in (0, {first}, {(first + last) // 2}, {last})"
    )
    rows = [row for row in read_rows(reader, exhibits()["F27"]) if row["y"] is not None]
    assert len(rows) == mart["n"].item() > 0
    shade = {"green": 0.1, "amber": 0.3, "red": 0.6, "not supported": 0.9}
    assert all(float(row["y"]) == shade[row["light"]] for row in rows)


QUERIES = {code: exhibit.sql for code, exhibit in exhibits().items() if "lo_95(" in exhibit.sql} | {
    f"{slug}: {question['ask']}": claim["sql"]
    for slug, page in findings.pages().items()
    for question in page["questions"]
    for claim in question["claims"]
    if "lo_95(" in claim["sql"] and "as lo" in claim["sql"]
}


@pytest.mark.parametrize("sql", QUERIES.values(), ids=QUERIES)
def test_the_ends_of_an_interval_are_z_standard_errors_from_the_estimate(small_warehouse, sql):
    """The same query with an estimate and a standard error in place of the ends."""
    with open_read_only(small_warehouse.paths.published_file) as con:
        own = Reader(con, read_scope(con))
        shown = own.frame(sql)
        con.execute("create or replace temp macro lo_95(est, se) as est")
        con.execute("create or replace temp macro hi_95(est, se) as se")
        parts = own.frame(sql)
    assert len(shown) == len(parts) > 0
    estimate, half = parts["lo"].astype(float), norm.ppf(0.975) * parts["hi"].astype(float)
    assert (half > 0).any()
    assert shown["lo"].to_list() == pytest.approx((estimate - half).to_list(), rel=1e-12, nan_ok=True)
    assert shown["hi"].to_list() == pytest.approx((estimate + half).to_list(), rel=1e-12, nan_ok=True)


def test_an_interval_of_a_paper_table_is_z_standard_errors_wide_or_that_of_a_t_distribution(reader):
    n_normal = 0
    for code, table in TABLES.items():
        for column in table.columns:
            if not (column.se and column.lo) or table.brackets:
                continue
            for row in read_rows(reader, table):
                value, se, low, high = (row[name] for name in (column.field, column.se, column.lo, column.hi))
                if None in (value, se, low, high) or se == 0:
                    continue
                below, above = (value - low) / se, (high - value) / se
                assert below == pytest.approx(above, rel=1e-6), (code, row)
                assert above > norm.ppf(0.975) - 1e-6, (code, row)  # Rubin's rules and clusters have t
                n_normal += above == pytest.approx(norm.ppf(0.975), rel=1e-9)
    assert n_normal > 50


def test_workbook_and_panel_hold_the_same_cities_and_years(small_warehouse, exported):
    stata = pd.read_stata(exported("--format", "stata", out="panel.dta"))
    book = CalamineWorkbook.from_path(str(exported("--format", "excel", out="all.xlsx")))
    _, _, heads, *rows = book.get_sheet_by_name("panel").to_python()
    excel = pd.DataFrame(rows, columns=heads)
    assert len(stata) <= CITIES * len(YEARS)
    assert excel["city_id"].tolist() == stata["city_id"].tolist()
    # a workbook keeps 16 significant digits
    assert excel["score_nqpf"].tolist() == pytest.approx(stata["score_nqpf"].tolist(), rel=1e-15)
    mart = small_warehouse.published(
        f"select score_100 from mart.mart_index_score where {HEADLINE} order by city_id, year"
    )
    assert mart["score_100"].tolist() == stata["score_nqpf"].tolist()


def test_every_index_is_shown_and_summed_up_with_the_weights_it_is_published_with(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        published = dict(
            con.execute("select index_code, weight_scheme from mart.dim_index where is_computed order by 1").fetchall()
        )
        shown = {code: read_scope(con, code).scheme for code in published}
        summed_up = con.execute(
            """
            select t.index_code, t.indicator_code, t.year, t.corr_with_score, corr(v.z, s.score) as expected
            from mart.mart_indicator_summary as t
            join mart.mart_indicator_value as v using (index_code, basis, indicator_code)
            join mart.dim_index as i on t.index_code = i.index_code
            join mart.mart_index_score as s
                on v.index_code = s.index_code and v.basis = s.basis and v.city_id = s.city_id and v.year = s.year
                and s.weight_scheme = i.weight_scheme
            where t.year in (0, v.year)
            group by all
            """
        ).df()
    assert shown == published
    assert len(set(published.values())) > 1
    assert set(summed_up["index_code"]) == set(published)
    wrong = (summed_up["corr_with_score"] - summed_up["expected"]).abs() > 1e-9
    assert not wrong.any(), summed_up[wrong].to_string()
    assert summed_up["corr_with_score"].notna().mean() > 0.9


def test_a_mart_goes_out_as_parquet_with_all_its_rows(small_warehouse, exported):
    out = exported("--table", "mart_index_score", "--format", "parquet", out="score.parquet")
    n = small_warehouse.value("select count(*) from mart.mart_index_score")
    assert duckdb.sql(f"select count(*) from '{out}'").fetchall() == [(n,)]


def test_a_chart_of_the_report_goes_out_as_a_file(exported):
    text = exported("--figure", "F07", "--format", "svg", out="weights.svg").read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "SYNTHETIC demo data" in text


def test_an_unknown_table_is_answered_with_the_list(small_warehouse):
    done = small_warehouse.run_reading("export", "--table", "T99", "--format", "csv")
    assert done.exit_code == 2
    assert "T20" in done.text
    assert "mart_index_score" in done.text


def test_a_release_by_name_gives_the_same_table_as_the_published_one_it_became(small_warehouse, exported):
    asked = ("--table", "T5", "--format", "markdown")
    assert exported(*asked, "--release", small_warehouse.releases[-1].name) == exported(*asked)


# ---- as LaTeX sets them: all compile, fit their page, and name the packages that they need -----------------

XELATEX = shutil.which("xelatex")
needs_latex = pytest.mark.skipif(XELATEX is None, reason="no xelatex on the path")
PACKAGES = re.compile(r"^% \\usepackage\{(.+)\}$", re.MULTILINE)
SEEN = 2.0  # points by which a table may stand over: less than a millimetre
HOSTILE = (
    *("A&B_100% <b> $x$ {y} #1 ~ ^ \\z", "\\input{/etc/passwd}", "}{", "[1] first", "* star", "%comment", "−0.4***"),
)


def set_by_latex(grids, folder):
    """What xelatex says to a document with all tables; each loads the packages that its first lines name."""
    tables = {code: to_latex(grid) for code, grid in grids.items()}
    needed = sorted({name for text in tables.values() for found in PACKAGES.findall(text) for name in found.split(",")})
    parts = [r"\documentclass{article}", r"\usepackage[a4paper,margin=2.5cm]{geometry}"]
    parts += [rf"\usepackage{{{','.join(needed)}}}", r"\begin{document}"]
    for code, text in tables.items():
        parts += [rf"\typeout{{table {code}}}", text, r"\clearpage"]
    (folder / "tables.tex").write_text("\n".join([*parts, r"\end{document}"]), encoding="utf-8")
    command = [XELATEX, "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "tables.tex"]
    for _ in range(2):  # a longtable knows its widths the second time
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    assert done.returncode == 0, done.stdout[-3000:]
    return done.stdout


@needs_latex
def test_every_paper_table_compiles_and_fits_its_page(grids, tmp_path):
    """No letter without a glyph, no line that stands over by more than an eye sees."""
    faults, table = [], ""
    for line in set_by_latex(grids, tmp_path).splitlines():
        if named := re.match(r"table (\w+)", line):
            table = named[1]
        over = re.match(r"Overfull \\hbox \(([\d.]+)pt too wide\)", line)
        if (over and float(over[1]) > SEEN) or line.startswith("Missing character"):
            faults.append(f"{table}: {line}")
    assert faults == []
    assert (tmp_path / "tables.pdf").stat().st_size > 10_000


@needs_latex
def test_every_paper_table_alone_needs_no_more_than_it_names(grids, tmp_path):
    """The widest and the longest stand for their kind; together they use all packages."""
    kinds = {PACKAGES.findall(to_latex(grid))[0]: code for code, grid in grids.items()}
    for code in kinds.values():
        set_by_latex({code: grids[code]}, tmp_path)


@needs_latex
@pytest.mark.parametrize("n_rows", [1, LONG])
def test_hostile_texts_are_set_as_they_are(n_rows, tmp_path):
    rows = (Row("panel", (HOSTILE[0],)), *(Row("body", (text, text * 3, "1")) for text in HOSTILE * n_rows))
    grid = Grid("T99", HOSTILE[0], ("Name", "Long", "[n]"), (True, True, False), rows, HOSTILE, "坏")
    set_by_latex({"T99": grid}, tmp_path)
    if to_text := shutil.which("pdftotext"):
        text = subprocess.run([to_text, str(tmp_path / "tables.pdf"), "-"], capture_output=True, text=True, check=True)
        assert r"\input{/etc/passwd}" in text.stdout


def test_a_replication_pack_meets_the_published_numbers_from_its_folder(small_warehouse, exported, tmp_path):
    with ZipFile(exported("--table", "T11", "--format", "replication", out="pack.zip")) as pack:
        pack.extractall(tmp_path)
    (folder,) = tmp_path.iterdir()
    sums = [line.split("  ") for line in (folder / "CHECKSUMS.sha256").read_text().splitlines()]
    assert all(sha256((folder / name).read_bytes()).hexdigest() == kept for kept, name in sums)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert all(
        head in text for head in ("Data Availability and Provenance", "Dataset list", "Computational requirements")
    )
    assert "refit.py, line" in text
    assert "duckdb==" in (folder / "requirements.txt").read_text()
    run = [sys.executable, str(folder / "run.py")]
    done = subprocess.run(run, capture_output=True, text=True, check=False)
    met = re.search(r"(\d+) of (\d+) published numbers met", done.stdout)
    assert (done.returncode, met[1]) == (0, met[2]), done.stderr
    coef = folder / "data" / "parquet" / "mart_panel_coef.parquet"
    duckdb.sql(f"copy (select * replace (coef * 1.01 as coef) from '{coef}') to '{coef}.new' (format parquet)")
    coef.with_name(f"{coef.name}.new").replace(coef)
    assert subprocess.run(run, capture_output=True, check=False).returncode == 1


def test_a_source_without_a_licence_stops_a_replication_pack(small_warehouse, tmp_path):
    file = tmp_path / "city.duckdb"
    shutil.copyfile(small_warehouse.paths.published_file, file)
    file.chmod(0o644)
    with duckdb.connect(str(file)) as con:
        con.execute("update mart.mart_source_load set licence = 'none stated'")
    with open_read_only(file) as con:
        reader = Reader(con, read_scope(con))
        with pytest.raises(ExportError, match="state no licence: SYNTHETIC demo generator"):
            replication_archive(file, reader, {}, Cited("r", "v", "m", 2026, True))


def test_the_yearbook_alone_has_rows_dictionary_sources_and_licences(small_warehouse, exported, tmp_path):
    file = exported("--format", "yearbook", out="yearbook.zip")
    with ZipFile(file) as archive:
        archive.extractall(tmp_path)
    published = small_warehouse.published("from easy.yearbook order by all")
    for name in ("csv", "parquet"):
        frame = duckdb.sql(f"from '{tmp_path / name / f'easy.yearbook.{name}'}'").df()
        assert list(frame.columns) == list(published.columns)
        assert frame["cell"].tolist() == published["cell"].tolist()
        assert (frame["used_value"].isna() == published["used_value"].isna()).all()
    listed = pd.read_csv(tmp_path / "dictionary.csv")
    assert set(listed["table_name"]) == {"easy.yearbook", "easy.yearbook_wide", "easy.yearbook_concept"}
    assert listed["comment_zh"].notna().all()
    package = json.loads((tmp_path / "datapackage.json").read_text("utf-8"))
    loads = small_warehouse.published("select distinct title from mart.mart_source_load where title like '%yearbook%'")
    assert all(any(title in one["title"] for one in package["sources"]) for title in loads["title"])
    assert all(one["licence"] for one in package["sources"])
    assert not [one for one in package["sources"] if "panel" in one["title"]]
    assert {resource["title"] for resource in package["resources"]} == set(listed["table_name"])
