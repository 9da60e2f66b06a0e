"""The worked questions, the page docs/sql.md, and the two tables that are named for questions."""

import io
import json
import re
import subprocess
import sys

import duckdb
import numpy as np
import pandas as pd
import pytest
from house import CITIES, YEARS, said
from rich.console import Console

from dagster_project.cli.sql import run_sql
from dagster_project.paths import PROJECT
from dagster_project.publish.explain.cities import NoAnswer
from dagster_project.publish.questions.answer import ask, values, with_values
from dagster_project.publish.questions.catalogue import find, parameters, questions
from dagster_project.published import open_read_only
from scripts import questions as pages

PAGE = PROJECT / "docs" / "sql.md"
ASKED = [q for q in questions().values() if q.sql]


@pytest.fixture(scope="module")
def con(small_warehouse):
    with open_read_only(small_warehouse.paths.published_file) as opened:
        yield opened


def answer(house, name, **given):
    """The rows of a worked question."""
    with open_read_only(house.paths.published_file) as con:
        found = ask(con, house.paths, questions()[name], {**questions()[name].examples, **given})
    return pd.DataFrame(found.rows, columns=found.columns)


@pytest.mark.parametrize("asked", questions().values(), ids=lambda q: q.id)
def test_every_question_is_in_both_languages_and_the_page_repeats_it(asked):
    assert asked.en[-1] in "?."
    assert re.search("[一-鿿]", asked.zh)
    assert not re.search("[一-鿿]", asked.en)
    assert set(asked.parameters) <= set(parameters())
    assert asked.sql is None or set(re.findall(r"\$(\w+)", asked.sql)) == set(asked.parameters)
    assert find(asked.en)[0] == find(asked.zh)[0] == asked or asked in find(asked.en)[:3] + find(asked.zh)[:3]


def test_the_page_of_questions_is_fresh():
    assert pages.PAGE.read_text("utf-8") == pages.page(), "write it anew: python -m scripts.questions"


@pytest.mark.parametrize("asked", ASKED, ids=lambda q: q.id)
def test_every_question_is_answered_with_sentence_source_and_statement(small_warehouse, con, asked):
    if asked.refuse:  # twelve cities are not all of them
        with pytest.raises(NoAnswer, match="their sum is no total"):
            ask(con, small_warehouse.paths, asked, asked.examples)
        return
    found = ask(con, small_warehouse.paths, asked, asked.examples)
    reason = with_values(asked.reason or "(select 1)", values(con, asked, asked.examples)[0])
    assert (found.n > 0) == (con.execute(f"select count(*) from {reason}").fetchall()[0][0] > 0)
    assert len(con.execute(found.statement).fetchall()) == found.n
    assert set(asked.figure) - {"unit", None, *found.columns} <= {*asked.figure[1:2], *asked.figure[4:]}
    for sentence in (found.sentence, found.sentence_zh):
        assert "{" not in sentence
        assert "None" not in sentence
        assert "nan" not in sentence.split()
    assert found.release in found.citation
    assert found.key in found.citation
    assert "SYNTHETIC" in found.sentence
    assert "合成" in found.sentence_zh
    if found.lo is not None:
        assert found.interval_of
        assert found.lo <= found.hi


def test_the_ranking_is_that_of_the_published_scores(small_warehouse):
    top = answer(small_warehouse, "ranking")
    assert list(top["rank_year"]) == list(range(1, CITIES + 1))
    assert top["score_100"].is_monotonic_decreasing
    assert (top["year"] == YEARS[-1]).all()


def test_changes_of_the_contributions_sum_to_the_change_of_the_score(small_warehouse):
    change = small_warehouse.value(
        "select score_change from mart.city_ranking where index_code = 'nqpf' and name_en = 'Hefei' and year = ?",
        [YEARS[-1]],
    )
    assert answer(small_warehouse, "change")["contribution_change"].sum() == pytest.approx(change, abs=1e-9)


def test_shares_of_the_decompositions_sum_to_a_hundred_and_rows_of_the_markov_matrix_to_one(small_warehouse):
    table, matrix = answer(small_warehouse, "inequality_of_indexes"), answer(small_warehouse, "upward_help")
    assert list(table["year"]) == list(YEARS)
    across = ("share_between_region", "share_between_province", "share_within_province")
    for parts in (("share_within", "share_between", "share_overlap"), across):
        np.testing.assert_allclose(table[[*parts]].sum(axis=1), 100, rtol=0, atol=1e-9)
    assert list(matrix["state_from"]) == [1, 2, 3, 4]
    assert np.isnan(matrix["upward_help"].iloc[3])
    visited = matrix[matrix["n_row"] > 0]
    np.testing.assert_allclose(visited[["to_1", "to_2", "to_3", "to_4"]].sum(axis=1), 1, rtol=0, atol=1e-12)


def test_the_wide_panel_has_every_city_and_year_once(small_warehouse):
    panel = answer(small_warehouse, "scores_wide")
    assert len(panel) == len(panel.drop_duplicates(["city_id", "year"])) == CITIES * len(YEARS)
    long = small_warehouse.published(
        "select value_raw from mart.why_this_number where index_code = 'nqpf' and indicator_code = 'n2_broadband'"
        " order by city_id, year"
    )
    np.testing.assert_array_equal(panel["raw_n2_broadband"], long["value_raw"])


# ---- the two question tables; that parts sum to the score is a test of dbt ------------------------------


def test_city_ranking_repeats_the_headline_scores_and_compares_years(small_warehouse):
    table = small_warehouse.published("from mart.city_ranking order by index_code, city_id, year")
    scores = small_warehouse.published(
        "select s.index_code, s.city_id, s.year, s.score_100, s.rank_year from mart.mart_index_score as s"
        " join mart.dim_index as i on s.index_code = i.index_code and i.variant_of is null"
        " where s.basis = i.basis and s.weight_scheme = i.weight_scheme order by 1, 2, 3"
    )
    pd.testing.assert_frame_equal(table[list(scores.columns)], scores)
    assert {"nqpf", "pr"} <= set(table["index_code"])
    before = table.groupby(["index_code", "city_id"])[["score_100", "rank_year"]].shift()
    assert (before["rank_year"].isna() == (table["year"] == YEARS[0])).all()
    change = table["score_100"] - before["score_100"]
    np.testing.assert_allclose(table["score_change"], change, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(table["rank_change"].astype(float), before["rank_year"] - table["rank_year"])
    assert (table["rank_p05"] <= table["rank_p95"]).all()


def test_addresses_are_those_of_the_cells_that_were_read(small_warehouse):
    """The address comes from the id of the cell; where the cell is published too, both say the same."""
    both = small_warehouse.published(
        "select w.source = m.source and w.file = m.file and w.sheet = m.sheet and w.cell = m.cell as same"
        " from mart.why_this_number as w"
        " join mart.mart_indicator_value as v using (basis, index_code, city_id, year, indicator_code)"
        " join mart.mart_source_value as m on v.source_cell_id = m.source_cell_id"
    )
    assert len(both) > 1000
    assert both["same"].all()


# ---- access from outside ------------------------------------------------------------------------------


def test_csv_json_and_markdown_say_the_same(small_warehouse, capsys):
    query = "select city_id, name_zh, score_100, rank_change from mart.city_ranking where year <= 2013 order by all"
    texts = {}
    for form in ("csv", "json", "markdown"):
        assert run_sql(small_warehouse.paths, Console(), query, form, None, None) == 0
        texts[form] = capsys.readouterr().out
    rows = json.loads(texts["json"])
    frame = pd.read_csv(io.StringIO(texts["csv"]), float_precision="round_trip")
    assert list(frame["score_100"]) == [row["score_100"] for row in rows]
    assert frame["rank_change"].isna().sum() == sum(row["rank_change"] is None for row in rows) > 0
    lines = texts["markdown"].splitlines()
    assert len(lines) == len(rows) + 2
    for line, row in zip(lines[2:], rows, strict=True):
        assert [row["city_id"], row["name_zh"]] == [cell.strip() for cell in line.split("|")[1:3]]


def test_a_query_that_fails_or_is_no_text_is_one_sentence(small_warehouse, tmp_path):
    (tmp_path / "one.sql").write_text("select 1")
    (tmp_path / "latin.sql").write_bytes(b"select '\xe9'")
    for query, form, file, words in (
        ("from mart.nothing", "json", None, "does not exist"),
        ("drop table mart.dim_city", "json", None, "DROP is refused"),
        ("from read_csv('/etc/passwd')", "json", None, "disabled"),
        (None, "json", None, "--file"),
        (None, "json", tmp_path / "none.sql", "cannot be read"),
        (None, "json", tmp_path / "latin.sql", "not UTF-8"),
        ("select 1", "json", tmp_path / "one.sql", "Give one query"),
        ("select 1", "xml", None, "csv"),
    ):
        outcome = said(run_sql, small_warehouse.paths, query, form, None, file)
        assert outcome.exit_code == 2
        assert words in outcome.text
        assert "Traceback" not in outcome.text


def python_blocks():
    return re.findall(r"^```python\n(.*?)^```", PAGE.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def demo_folder(small_warehouse, tmp_path_factory):
    """A folder where `warehouse/demo` is the small warehouse, and the page's code has run, block by block."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "warehouse").mkdir()
    (folder / "warehouse" / "demo").symlink_to(small_warehouse.paths.warehouse, target_is_directory=True)
    (folder / "dbt").symlink_to(PROJECT / "dbt", target_is_directory=True)
    for block in python_blocks():
        done = subprocess.run([sys.executable, "-c", block], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout
    return folder


def test_parquet_csv_and_stata_say_the_same_as_the_file(small_warehouse, demo_folder):
    """The Stata file is made by the Python of the page, which runs as printed."""
    release = small_warehouse.releases[-1]
    mine = small_warehouse.published("from mart.city_ranking order by all")
    back = pd.read_stata(demo_folder / "city_ranking.dta")
    others = {
        "parquet": duckdb.sql(f"from read_parquet('{release}/parquet/city_ranking.parquet') order by all").df(),
        "csv": pd.read_csv(release / "csv" / "city_ranking.csv.gz", encoding="utf-8-sig"),
        "stata": back.sort_values(["index_code", "year", "city_id"], ignore_index=True),
    }
    for kind, other in others.items():
        assert list(other["name_zh"]) == list(mine["name_zh"]), kind
        np.testing.assert_allclose(other["score_100"], mine["score_100"], rtol=1e-15, err_msg=kind)
        np.testing.assert_array_equal(other["rank_year"], mine["rank_year"], err_msg=kind)
    with pd.read_stata(demo_folder / "city_ranking.dta", iterator=True) as reader:
        assert "SYNTHETIC" in reader.data_label
        assert reader.variable_labels()["rank_year"].startswith("Rank among the cities of the year")
