"""`nqpf inspect` on the real files that lie beside the project, as they are and with one thing changed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from landing_tools import Page
from looking import READ_SQL, changed, look, same_as_read

from dagster_project.paths import PROJECT


@pytest.fixture(scope="module", autouse=True)
def cache(tmp_path_factory):
    """A cache of its own: the template is built once for all tests of this file."""
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("cache")
        patch.setenv("XDG_CACHE_HOME", str(folder))
        yield folder


EDITIONS = {2018: 2019, 2019: 2020, 2020: 2021, 2023: 2024}
CITIES = pd.read_csv(PROJECT / "dbt" / "seeds" / "city.csv", dtype=str)
CITY_IDS = dict(zip(CITIES["name_zh"], CITIES["city_id"], strict=True))
HAND_READ = PROJECT / "tests" / "golden" / "hand_read_cells"


def wide(real_data: Path, year: int) -> Path:
    return real_data / "yearbook_wide" / f"china_city_statistical_yearbook_{EDITIONS[year]}_prefecture.xlsx"


@pytest.mark.slow
@pytest.mark.parametrize("year", EDITIONS)
def test_real_edition_is_read_like_a_refresh_reads_it(real_data, real_warehouse, year):
    report = look(wide(real_data, year))
    assert (report.load["source"], report.load["layout"], report.load["year"]) == ("yearbook_wide", "wide", year)
    assert report.is_clean, (report.refused_blocks, report.load_problems)
    same_as_read(report, real_warehouse.build(READ_SQL, [f"%{wide(real_data, year).name}"]))


def corrections() -> pd.DataFrame:
    """Printed figures that a reviewer struck out."""
    frame = pd.read_csv(PROJECT / "dbt" / "seeds" / "correction.csv", dtype=str)
    return frame[(frame["action"] == "drop") & (frame["status"] != "withdrawn")]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(file.stem for file in HAND_READ.glob("yearbook_*.csv")))
def test_figures_that_a_person_read_are_in_the_report(real_data, name):
    hand = pd.read_csv(HAND_READ / f"{name}.csv", dtype={"text": str})
    hand = hand[hand["value"].notna() & (hand["variable"] != "ignore")]
    found = {}
    for file in hand["file"].unique():
        found |= {(file, value["sheet"], value["cell"]): value for value in look(real_data / file).values}
    dropped = {(row.city_id, row.variable_code, row.scope, row.expect) for row in corrections().itertuples()}
    for row in hand.itertuples():
        if (CITY_IDS[row.city], row.variable, row.scope, row.text) in dropped:
            assert (row.file, row.sheet, row.cell) not in found  # a reviewer struck it out
            continue
        value = found[row.file, row.sheet, row.cell]
        expected = row.value * (1e6 if row.variable == "road_area" else 1)  # the list has it in m2, the house in km2
        assert (value["city_name"], value["value"]) == (row.city, pytest.approx(expected, rel=1e-12)), row
    assert len(hand) > 10


@pytest.mark.slow
@pytest.mark.parametrize("layout", ["2021", "2024"])
def test_every_table_of_prefectures_is_read_or_ignored_with_a_reason(real_data, layout):
    files = sorted((real_data / "yearbook_tables" / layout).rglob("*2-[0-9]*.xlsx"))
    files = [file for file in files if "1、" not in str(file)]
    assert len(files) == {"2021": 4, "2024": 30}[layout]
    for file in files:
        report = look(file)
        assert (report.load["source"], report.load["year"]) == ("yearbook_tables", int(layout) - 1)
        assert report.is_clean, (file.name, report.refused_blocks, report.load_problems)


def test_table_of_county_level_cities_is_not_taken_for_prefectures(real_data):
    report = look(real_data / "yearbook_tables" / "2021" / "2021_2021-3-3.xlsx")
    assert report.load["source"] == "county_tables"
    assert report.is_clean, (report.refused_blocks, report.load_problems)
    assert len({value["city_code"] for value in report.values}) == 387
    assert not any(value["city_code"].endswith("00") for value in report.values)


def test_shifted_table_is_refused_and_its_neighbours_are_read(real_data, tmp_path):
    """Spending, science and education of the whole city each stand one column too far to the right."""

    def shift(page: Page) -> None:
        first = next(col for row in page.rows[:8] for col, cell in enumerate(row) if "一般公共预算支出" in str(cell))
        for at in page.city_rows:
            page.rows[at][first : first + 3] = page.rows[at][first - 1 : first + 2]

    clean = look(wide(real_data, 2020))
    report = look(changed(wide(real_data, 2020), tmp_path, shift))
    refused = {(b["raw_column"], b["scope"]) for b in report.refused_blocks if b["is_whole_column"]}
    moved = {(name, "city") for name in ("fiscal_expenditure", "fiscal_science", "fiscal_education")}
    # an identity between two columns cannot tell which of them is wrong: its other side may be named too
    assert moved <= refused <= moved | {("fiscal_expenditure", "district")}
    assert report.values == [v for v in clean.values if (v["raw_column"], v["scope"]) not in refused]


@pytest.mark.parametrize(("year", "factor"), [(2020, 1e4), (2023, 1e-4)])
def test_slip_of_a_unit_is_refused_without_any_past(real_data, tmp_path, year, factor):
    """GDP in the other of 万元 and 亿元 under an unchanged header."""

    def slip(page: Page) -> None:
        column = page.column_of("地区生产总值", "全市")
        for at in page.city_rows:
            text = str(page.rows[at][column]).strip()
            if text.replace(".", "", 1).isdigit():
                page.rows[at][column] = float(text) * factor

    report = look(changed(wide(real_data, year), tmp_path, slip))
    (block,) = [block for block in report.refused_blocks if block["is_whole_column"]]
    assert (block["raw_column"], block["scope"]) == ("gdp_nom", "city")
    assert len(block["figures"]) > 280
    assert not any(v["raw_column"] == "gdp_nom" and v["scope"] == "city" for v in report.values)


def test_deleted_required_column_is_a_problem_of_the_load(real_data, tmp_path):
    def blank(page: Page) -> None:
        column = page.column_of("地区生产总值", "全市")
        for row in page.rows:
            row[column] = row[column + 1] = ""
        page.merged = [m for m in page.merged if not (m[0][1] <= column + 1 and m[1][1] >= column)]

    report = look(changed(wide(real_data, 2020), tmp_path, blank))
    assert any("gdp_nom" in problem for problem in report.load_problems)
    assert not report.is_clean


@pytest.mark.slow
def test_panel_of_many_years(real_data):
    report = look(real_data / "panel" / "china_city_panel_with_policies.csv", year=2012)
    beijing = {v["raw_column"]: v for v in report.values if v["city_code"] == "110000"}
    assert report.load["source"] == "panel_policies"
    assert (beijing["gdp_nom"]["value"], beijing["gdp_nom"]["unit"]) == (178_794_000, "10k yuan")
    assert beijing["gdp_nom"]["cell"] == "H24"
    assert beijing["population_registered"]["value"] == 12_975_000
