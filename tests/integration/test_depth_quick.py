"""A release at depth quick: fewer things, each as at other depths; what is left out is empty, named and led nowhere."""

import re

import pytest

LEFT_OUT = ("mart_index_uncertainty", "mart_disparity_summary", "mart_lisa", "mart_coupling", "mart_city_state")
COLUMNS = """
    select schema_name, table_name, column_name, data_type, is_nullable, comment from duckdb_columns()
    where schema_name in ('easy', 'mart') and column_name <> 'is_headline' order by all
"""
# what the headline is said with: where it is there, it is the same
SAME = (
    "mart_source_value",
    "mart_indicator_value",
    "mart_index_score",
    "mart_index_contribution",
    "mart_panel_effect",
    "mart_panel_coef",
)


@pytest.fixture(scope="module")
def quick(copy_small_warehouse):
    house = copy_small_warehouse("quick")
    house.must_refresh(environment={"NQPF_DEPTH": "quick"})
    return house


@pytest.fixture(scope="module")
def docs(quick):
    return quick.paths.releases / quick.releases[-1] / "docs"


def test_tables_that_are_left_out_have_their_columns_and_no_rows(quick, small_warehouse):
    assert quick.published(COLUMNS).equals(small_warehouse.published(COLUMNS))
    for table in LEFT_OUT:
        assert small_warehouse.value(f"select count(*) from mart.{table}") > 0, table
        assert quick.value(f"select count(*) from mart.{table}") == 0, table
    assert quick.published("from mart.mart_panel_effect where p_family is not null").empty


@pytest.mark.parametrize("table", SAME)
def test_a_figure_that_is_there_is_the_same(quick, small_warehouse, table):
    other = "p_family, " if table == "mart_panel_effect" else ""  # of all regressions of the headline
    sql = f"select * exclude ({other}data_vintage, method_version, boundary_vintage) from mart.{table}"
    there, here = (house.published(sql).astype(str) for house in (small_warehouse, quick))
    assert 0 < len(here) <= len(there)
    both = here.merge(there.drop_duplicates(), how="left", indicator=True)
    assert (both["_merge"] == "both").all()


def test_no_link_leads_to_a_page_that_is_left_out(docs):
    assert not list(docs.rglob("cities/*"))
    n_links = 0
    for page in docs.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert "data-quick" in text, page
        for link in re.findall(r'(?:href|src)="([^"#?:]+)["#?]', text):
            n_links += 1
            assert (page.parent / link).exists(), f"{page}: {link}"
    assert n_links > 500
    assert 'href="compare.html#c=' in (docs / "index.html").read_text(encoding="utf-8")


def test_pages_name_what_is_left_out(docs):
    text = (docs / "index.html").read_text(encoding="utf-8")
    assert "the headline alone. Left out: variants" in text
    assert "how sure ranks are was not computed" in text
    assert '<span class="absent">Disparity</span>' in text
    assert '<span class="absent">区域差异</span>' in (docs / "zh" / "index.html").read_text(encoding="utf-8")


def test_a_cell_is_explained_and_the_ranking_said(quick):
    city, year, score = quick.published(
        "select name_en, year, score_100 from mart.city_ranking where rank_year = 1 order by year desc limit 1"
    ).iloc[0]
    answer = quick.run_reading("explain", city, year)
    assert answer.exit_code == 0, answer.text
    assert f"{score:.1f}" in answer.text
    assert "not at depth quick" in answer.text
    said = quick.run_reading("ask", "rank", "--city", city).text
    assert "not at depth quick" in said
    assert f"in {year}." in said  # without a range that is not there
