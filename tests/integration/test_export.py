"""`nqpf export` on a refreshed small warehouse: the figures are those of the marts."""

import io
import re
from contextlib import suppress

import duckdb
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from house import CITIES, YEARS, House
from latex_grammar import problems
from python_calamine import CalamineWorkbook

from dagster_project.publish.exhibits.exhibit import exhibits, read_grid, read_rows
from dagster_project.publish.exhibits.markup import to_html, to_markdown
from dagster_project.publish.exhibits.reader import ExportError, Reader, read_scope
from dagster_project.publish.paper import figures
from dagster_project.publish.paper.command import Asked, export
from dagster_project.publish.paper.latex import to_latex
from dagster_project.published import open_read_only

TABLES = {code: exhibit for code, exhibit in exhibits().items() if exhibit.columns}


def query(house: House, sql: str) -> pd.DataFrame:
    with duckdb.connect(str(house.paths.published_file), read_only=True) as con:
        return con.execute(sql).df()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("exports")


def test_weights_of_the_indicator_table_are_those_of_the_mart_and_sum_to_one_hundred(small_warehouse, folder):
    out = folder / "T1.csv"
    done = small_warehouse.run_reading("export", "--table", "T1", "--format", "csv", "--out", str(out))
    assert done.exit_code == 0, done.text
    printed = pd.read_csv(out)
    assert abs(printed["weight"].sum() - 100) < 1e-9
    basis = "basis like 'frozen%' and weight_scheme = 'entropy_flat'"
    mart = query(small_warehouse, f"from mart.mart_index_weight where index_code = 'nqpf' and {basis}")
    both = printed.merge(mart, on="indicator_code", suffixes=("", "_mart"), validate="1:1")
    assert len(both) == len(printed) == len(mart)
    assert (both["weight"] - 100 * both["weight_mart"]).abs().max() < 1e-12
    assert printed["release"].str.endswith("SYNTHETIC").all()


@pytest.mark.parametrize(("format", "start"), [("latex", "% T2"), ("markdown", "**T2."), ("html", "<!doctype html>")])
def test_a_printed_table_has_every_indicator_and_the_synthetic_mark(small_warehouse, format, start):
    done = small_warehouse.run_reading("export", "--table", "T2", "--format", format)
    assert done.exit_code == 0, done.text
    assert done.text.startswith(start)
    assert "SYNTHETIC demo data: says nothing about China" in done.text
    names = query(
        small_warehouse,
        "select l.name_en from mart.dim_indicator as i join mart.dim_label as l"
        " on l.kind = 'indicator' and l.code = i.indicator_code where index_code = 'nqpf'",
    )["name_en"]
    assert len(names) > 20
    assert not [name for name in names if name.replace("%", r"\%") not in done.text]


def test_every_paper_table_prints_or_says_why_not(small_warehouse, folder):
    from rich.console import Console

    known = set(query(small_warehouse, "select table_name from information_schema.tables")["table_name"])
    printed = []
    for code, table in TABLES.items():
        console = Console(record=True, width=4000, file=io.StringIO())
        out = folder / f"{code}.html"
        result = export(small_warehouse.paths, console, Asked("html", table=code, out=out))
        said = console.export_text()
        if result == 0:
            printed.append(code)
            assert out.stat().st_size > 500
        else:
            assert result == 2
            missing = [name for name in table.marts if name not in known]
            assert ("does not hold" in said) == bool(missing), said
            assert "the build wrote down no reason" not in said
    assert {"T1", "T2", "T3", "T4", "T5", "T6"} <= set(printed)


@pytest.fixture(scope="module")
def grids(small_warehouse):
    """Every paper table that has rows here, as it is printed."""
    found = {}
    with open_read_only(small_warehouse.paths.published_file) as con:
        reader = Reader(con, read_scope(con))
        for code, table in TABLES.items():
            with suppress(ExportError):  # the test above looks at the reasons
                found[code] = read_grid(reader, table)
    return found


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


def test_the_robustness_table_repeats_the_curve_and_its_summary(small_warehouse, grids):
    runs = query(small_warehouse, "from mart.mart_robustness where model_id = 'nqpf_sdm' and basis like 'frozen%'")
    body = [row for row in grids["T19"].rows if row.kind == "body"]
    assert len(body) == len(runs) > 20
    headline = runs.set_index("run_id").loc["nqpf_sdm"]
    assert body[0].cells[0] == "headline"
    assert body[0].cells[1].rstrip("*").replace("−", "-") == f"{headline['direct']:.3f}"
    notes = " ".join(grids["T19"].notes)
    for effect in ("Direct", "Indirect", "Total"):
        assert f"{effect}: " in notes
    assert sum(row.cells[-1] == "skipped" for row in body) == (runs["status"] != "fitted").sum()


@pytest.fixture(scope="module")
def reader(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as con:
        yield Reader(con, read_scope(con))


@pytest.mark.parametrize(
    ("code", "marts"),
    [
        ("F25", ("mart_robustness", "mart_robustness_placebo")),
        ("F26", ("mart_city_path", "mart_path_transition")),
        ("F27", ("mart_principle_monitor",)),
    ],
)
def test_figures_of_robustness_and_policy_have_their_charts(small_warehouse, reader, code, marts):
    for mart in marts:
        assert query(small_warehouse, f"select count(*) as n from mart.{mart}")["n"][0] > 0
    found = figures.chosen(exhibits(), code)
    assert len(found) >= len(marts)
    for exhibit in found.values():
        assert "SYNTHETIC demo data" in figures.draw_file(reader, exhibit, "svg").decode()


def test_the_dashboard_shows_every_national_light(small_warehouse, reader):
    mart = query(
        small_warehouse,
        "select light, count(*) as n from mart.mart_principle_monitor where level = 'national' and index_code = 'nqpf'"
        " and basis like 'frozen%' and value is not null and light is not null group by light",
    )
    rows = read_rows(reader, exhibits()["F27"])
    shade = {"green": 0.1, "amber": 0.5, "red": 0.95}
    shown = {light: sum(float(row["y"]) == own for row in rows) for light, own in shade.items()}
    assert {light: n for light, n in shown.items() if n} == dict(zip(mart["light"], mart["n"], strict=True))


def test_workbook_and_panel_hold_the_same_cities_and_years(small_warehouse, folder):
    for format, name in (("excel", "all.xlsx"), ("stata", "panel.dta")):
        done = small_warehouse.run_reading("export", "--format", format, "--out", str(folder / name))
        assert done.exit_code == 0, done.text
    stata = pd.read_stata(folder / "panel.dta")
    assert len(stata) <= CITIES * len(YEARS)
    sheet = CalamineWorkbook.from_path(str(folder / "all.xlsx")).get_sheet_by_name("panel").to_python()
    excel = pd.DataFrame(sheet[3:], columns=sheet[2])
    assert excel["city_id"].tolist() == stata["city_id"].tolist()
    # a workbook keeps 16 significant digits
    assert excel["score_nqpf"].tolist() == pytest.approx(stata["score_nqpf"].tolist(), rel=1e-15)
    mart = query(
        small_warehouse,
        "select city_id, year, score_100 from mart.mart_index_score where index_code = 'nqpf'"
        " and basis like 'frozen%' and weight_scheme = 'entropy_flat' order by all",
    )
    assert mart["score_100"].tolist() == stata["score_nqpf"].tolist()


def test_a_mart_goes_out_as_parquet_with_all_its_rows(small_warehouse, folder):
    out = folder / "score.parquet"
    done = small_warehouse.run_reading(
        "export", "--table", "mart_index_score", "--format", "parquet", "--out", str(out)
    )
    assert done.exit_code == 0, done.text
    n = query(small_warehouse, "select count(*) as n from mart.mart_index_score")["n"][0]
    assert duckdb.sql(f"select count(*) from '{out}'").fetchall() == [(n,)]


def test_a_chart_of_the_report_goes_out_as_a_file(small_warehouse, folder):
    out = folder / "weights.svg"
    done = small_warehouse.run_reading("export", "--figure", "F07", "--format", "svg", "--out", str(out))
    assert done.exit_code == 0, done.text
    text = out.read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "SYNTHETIC demo data" in text


def test_an_unknown_table_is_answered_with_the_list(small_warehouse):
    done = small_warehouse.run_reading("export", "--table", "T99", "--format", "csv")
    assert done.exit_code == 2
    assert "T20" in done.text
    assert "mart_index_score" in done.text


def test_a_release_by_name_gives_the_same_table_as_the_published_one_it_became(small_warehouse):
    release = query(small_warehouse, "select release from mart.mart_run_manifest order by started_at desc")["release"][
        0
    ]
    asked = ("export", "--table", "T5", "--format", "markdown")
    now, named = small_warehouse.run_reading(*asked), small_warehouse.run_reading(*asked, "--release", release)
    assert named.exit_code == 0, named.text
    assert named.text == now.text
