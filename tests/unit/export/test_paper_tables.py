"""The twenty paper tables fit the tables that the dbt project promises."""

import re

import pytest
from promised_marts import insert, promised

from dagster_project.publish.export.errors import ExportError
from dagster_project.publish.export.paper import read_frame, read_grid
from dagster_project.publish.export.registry import TABLES


def test_there_are_twenty_tables_in_their_order_with_titles_in_two_languages():
    assert list(TABLES) == [f"T{k}" for k in range(1, 21)]
    for table in TABLES.values():
        assert re.search(r"[A-Za-z]{4}", table.title_en)
        assert re.search(r"[\u4e00-\u9fff]{3}", table.title_zh)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_a_table_names_every_mart_that_it_reads(table):
    read = set(re.findall(r"mart\.(mart_\w+)", table.sql + table.note_sql))
    assert read <= set(table.marts)


@pytest.mark.parametrize("table", TABLES.values(), ids=list(TABLES))
def test_its_queries_fit_the_contracts_of_the_marts(table, empty, scope):
    if not set(table.marts) <= set(promised()):
        pytest.skip("the dbt project does not promise these marts yet")
    frame = empty.execute(table.sql, scope.parameters(table.sql)).df()
    fields = {f for c in table.columns for f in (c.field, c.se, c.lo, c.hi, c.p) if f} | {table.panel, table.across}
    assert fields - {""} <= set(frame.columns)
    if table.note_sql:
        empty.execute(table.note_sql, scope.parameters(table.note_sql))


def effect(con, kind, point, **more):
    insert(
        con,
        "mart_panel_effect",
        model_id="nqpf_sdm",
        basis="frozen_2012_2021",
        variable="pr",
        effect=kind,
        horizon="static",
        point=point,
        **more,
    )


def test_the_printed_figures_are_those_of_the_mart(empty, scope):
    effect(empty, "indirect", 0.4167, se_delta=0.0504, lo=0.3228, hi=0.5153, p=1e-12, n_obs=2710, seed=7)
    effect(empty, "direct", -0.3778, se_delta=0.016, lo=-0.41, hi=-0.3453, p=0.03, n_obs=2710, seed=7)
    grid = read_grid(empty, TABLES["T12"], scope)
    assert grid.heads == ("", "Direct", "Indirect")
    assert [row.cells for row in grid.rows] == [
        ("pr", "−0.378**", "0.417***"),
        ("", "(0.016) [−0.410, −0.345]", "(0.050) [0.323, 0.515]"),
    ]


def test_the_note_says_what_brackets_stars_n_seed_and_origin_are(empty, scope):
    effect(empty, "direct", 0.1, se_delta=0.016, n_obs=2710, seed=7)
    note = " ".join(read_grid(empty, TABLES["T12"], scope).notes)
    for words in (
        "(standard errors)",
        "*** p < 0.01",
        "n = 2,710",
        "Seed of the draws = 7",
        "frozen_2012_2021",
        "Release 2026.1-SYNTHETIC",
    ):
        assert words in note


def test_synthetic_figures_are_marked_in_title_and_note_and_real_ones_are_not(empty, scope):
    effect(empty, "direct", 0.1)
    marked = read_grid(empty, TABLES["T12"], scope)
    assert marked.title_en.startswith("SYNTHETIC")
    assert marked.title_zh.startswith("合成数据")
    assert marked.notes[0].startswith("SYNTHETIC")
    real = type(scope)(*{**vars(scope), "is_synthetic": False, "release": "2026.1"}.values())
    text = str(read_grid(empty, TABLES["T12"], real))
    assert "SYNTHETIC" not in text


def test_the_paths_are_counted_and_listed(empty, scope):
    empty.execute("drop table if exists mart.mart_path_summary; drop table if exists mart.mart_city_path")
    empty.execute(
        "create table mart.mart_path_summary as select 'nqpf' as index_code, 'frozen_2012_2021' as basis,"
        " 2021 as year, 'all' as scheme, 'gradient_transfer' as path, 2 as n, 8 as n_group, 0.25 as share,"
        " 5 as seed"
    )
    empty.execute(
        "create table mart.mart_city_path as select 'nqpf' as index_code, 'frozen_2012_2021' as basis,"
        " unnest(['c1', 'c2']) as city_id, 2021 as year, 'gradient_transfer' as path"
    )
    insert(empty, "dim_city", city_id="c1", name_en="Wuhu")
    insert(empty, "dim_city", city_id="c2", name_en="Hefei")
    grid = read_grid(empty, TABLES["T20"], scope)
    assert [row.cells for row in grid.rows] == [("Gradient transfer", "2"), ("", "(25)")]
    assert "Gradient transfer in 2021 (2 cities): Hefei, Wuhu." in grid.notes


def test_a_mart_that_is_not_published_is_named(empty, scope):
    empty.execute("drop table mart.mart_panel_effect")
    with pytest.raises(ExportError, match=r"T12 needs mart_panel_effect, which release 2026\.1-SYNTHETIC"):
        read_frame(empty, TABLES["T12"], scope)


def test_an_empty_table_says_why_the_regression_was_skipped(empty, scope):
    insert(empty, "mart_panel_fit", model_id="nqpf_sdm", status="skipped", skip_reason="only 9 cities have data.")
    with pytest.raises(ExportError, match="nqpf_sdm: only 9 cities have data"):
        read_frame(empty, TABLES["T12"], scope)


def test_an_empty_table_says_why_the_analysis_was_skipped_and_not_why_another_was(empty, scope):
    for analysis, reason in (("blocks", "no centre"), ("barrier", "one province")):
        insert(
            empty,
            "mart_influence_run",
            model_id="nqpf_sdm",
            analysis=analysis,
            variant="core",
            status="skipped",
            skip_reason=reason,
        )
    with pytest.raises(ExportError, match="blocks core: no centre") as caught:
        read_frame(empty, TABLES["T15"], scope)
    assert "one province" not in str(caught.value)
