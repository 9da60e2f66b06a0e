"""What a person changes, in a copy of the project: rows for a new year or a refused column, the window, a scheme.

The edition of 2017 is changed as editions change: two headers are worded as the dictionary does not know them, one as
it does, one city is renamed, one table is printed in millions. The first run refuses it and prints rows; the person
pastes them; the second run goes through.
"""

import csv
import re
import shutil
from dataclasses import replace
from typing import NamedTuple

import pytest
from changed import gdp_of_city_and_districts_swapped
from house import CITIES, YEARS, House, copy_of_project
from landing_tools import changed_copy, read_page, renew_hash, supersede, vintage_of, write_page

from dagster_project.demo import generate_demo

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

NEW_YEAR = YEARS[-1] + 1
OLD_NAME, NEW_NAME = "沧州市", "沧海市"
# table number -> header before and after
UNKNOWN = {"2-6": ("一般工业固体废物产生量", "一般工业固废生成量"), "2-22": ("普通本专科", "普通本科和专科")}
REWORDED = {"2-16": ("专利授权数", "专利授权总件数"), **UNKNOWN}
MILLIONS = "2-10"


@pytest.fixture(scope="module")
def with_own_project(small_warehouse, tmp_path_factory):
    """with_own_project(name): a copy of the small warehouse and of the project that builds it."""

    def make(name):
        root = tmp_path_factory.mktemp(name)
        return House(replace(small_warehouse.copy(root).paths, project=copy_of_project(root / "project")))

    return make


def paste(text, house):
    """Append every row that was printed to the seed that it names, each once; a new head means what its table lacks."""
    found = re.findall(r"row for (\w+\.csv)[^:]*: (.*?)(?: \(([^()]*)\))?$", text, flags=re.MULTILINE)
    rows = list(dict.fromkeys((seed, completed(row.strip(), comment)) for seed, row, comment in found))
    assert rows
    for seed, row in rows:
        with (house.paths.seeds / seed).open("r+", encoding="utf-8", newline="") as stream:
            head, *_ = csv.reader(stream)
            (cells,) = csv.reader([row])
            assert len(cells) == len(head), f"the printed row does not fit {seed}: {row}"
            stream.seek(0, 2)
            stream.write(row + "\n")
    return rows


def completed(row, comment):
    if lacks := re.search(r"no column means (\w+), which this table has had", comment):
        return row.replace(",ignore,city,,a new concept", f",{lacks[1]},city,,")
    return row


# ---- a new edition --------------------------------------------------------------------------------------


class NewYear(NamedTuple):
    """Both runs of the new edition, what the person wrote, and which files that touched."""

    house: House
    refused: str
    pasted: list[tuple[str, str]]
    touched: list[str]


@pytest.fixture(scope="module")
def new_year(with_own_project, tmp_path_factory):
    house = with_own_project("new_year")
    land_changed_edition(house, tmp_path_factory.mktemp("edition"))
    before = contents(house.paths.project)
    first = house.refresh()
    assert first.exit_code == 3, first.text
    pasted = paste(first.text, house)
    house.must_refresh()
    after = contents(house.paths.project)
    return NewYear(house, first.text, pasted, sorted(name for name in after if after[name] != before.get(name)))


def contents(project):
    return {p.relative_to(project).as_posix(): p.read_bytes() for p in project.rglob("*") if p.is_file()}


def land_changed_edition(house, root):
    """The demo's edition of the new year with its changes; every register also knows the new year."""
    generate_demo(root, cities=CITIES, years=range(YEARS[0], NEW_YEAR + 1))
    for new in root.rglob("*.yml"):
        old = house.paths.landing / new.relative_to(root)
        if "yearbook" not in new.parts and old.exists():
            for file in new.parent.glob("*.csv"):
                if file.read_bytes() != old.with_name(file.name).read_bytes():  # a register without the year stays
                    later = shutil.copyfile(file, old.with_name(f"{file.stem}_{NEW_YEAR}.csv"))
                    supersede(house.paths.landing, old, later)
    folder = house.paths.landing / "yearbook" / str(NEW_YEAR)
    shutil.copytree(root / "yearbook" / str(NEW_YEAR), folder)
    for file in sorted(folder.glob("*.xlsx")):
        page = read_page(file)
        change_edition(page, re.search(r"_(2-\d+)_", file.name)[1])
        write_page(page, file)
    renew_hash(house.paths.landing, folder / "yearbook.yml")


def change_edition(page, number):
    before, after = REWORDED.get(number, ("", ""))
    for row in page.rows:  # the heads of a single table reach further down than those of a wide sheet
        if str(row[0]).strip() == OLD_NAME:
            row[0] = NEW_NAME
        if before:
            row[:] = [cell.replace(before, after) if isinstance(cell, str) else cell for cell in row]
    if number == MILLIONS:
        page.replace_text("万元", "百万元")
        for row in page.rows[4:]:
            for at in range(2, len(row)):
                if row[at] != "" and not re.search(r"[一-鿿A-Za-z]", str(row[at])):
                    row[at] = round(float(str(row[at]).replace(",", "")) / 100, 2)


def test_first_run_names_both_headers_and_prints_all_that_a_person_adds(new_year):
    assert "  Waits for 2 answers: yearbook 2017.\n" in new_year.refused
    for _, wording in UNKNOWN.values():
        assert wording in new_year.refused
    assert REWORDED["2-16"][1] not in new_year.refused  # read by its words
    assert NEW_NAME not in new_year.refused  # read by its place among the others
    assert [seed for seed, _ in new_year.pasted] == ["header_map.csv", "header_map.csv"]
    assert {row.split(",")[4] for _, row in new_year.pasted} == {"he_students", "solid_waste_generated"}
    assert new_year.touched == ["dbt/seeds/header_map.csv"]


def test_a_column_that_is_read_by_its_words_displaces_no_longer_series(new_year):
    """The edition alone prints all patents granted: those of the register are used, of the new year too."""
    patents = new_year.house.published(
        "select source, year, is_selected from mart.mart_source_value where variable_code = 'all_grants'"
    )
    assert set(patents.loc[patents["source"] == "yearbook", "year"]) == {NEW_YEAR}
    used = patents[patents["is_selected"]]
    assert set(used["source"]) == {"patent"}
    assert set(used["year"]) == {*YEARS, NEW_YEAR}
    assert new_year.house.value("select max(year) from mart.mart_index_score where index_code = 'nqpf'") == NEW_YEAR


def test_another_unit_needs_nobody(new_year):
    ratio = new_year.house.value(
        "select median(a.value / b.value) as ratio from mart.mart_source_value as a"
        " join mart.mart_source_value as b using (source, city_id, variable_code)"
        " where a.variable_code = 'fiscal_education' and a.source = 'yearbook' and a.year = ? and b.year = ?",
        [NEW_YEAR, NEW_YEAR - 1],
    )
    assert 0.8 < ratio < 1.5


def test_new_year_is_read_for_every_city_under_its_old_identity(new_year):
    sql = "select count(distinct city_id) from mart.mart_source_value where source = 'yearbook' and year = ?"
    assert new_year.house.value(sql, [NEW_YEAR]) >= CITIES


# ---- a column of the last year that an index needs is left out ---------------------------------------------


def test_without_a_column_of_the_last_year_the_release_stays_and_what_lacks_is_named(with_own_project):
    house = with_own_project("without_column")
    before = house.published_sha256
    with (house.paths.seeds / "header_map.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"yearbook,{YEARS[-1]},{YEARS[-1]},在校学生数(一)/普通本专科/全市,ignore,city,,not printed\n")
    outcome = house.refresh()
    assert outcome.exit_code == 2
    assert house.published_sha256 == before
    (why,) = [line for line in outcome.lines if line.startswith("no headline index can be computed.")]
    assert f"nqpf: only 0 cities are complete, 9 are needed; years are missing of n1_hestud ({CITIES} cities)" in why
    assert "header_map.csv" in why
    assert "nan" not in why


# ---- a column is refused, the printed row is pasted, and the rest of the file is taken ---------------------


def test_rows_of_the_message_let_the_rest_of_the_file_pass(with_own_project):
    house = with_own_project("refused_column")
    good = house.paths.landing / "yearbook" / "2014"
    file = changed_copy(good / "synthetic_yearbook_2014.xlsx", "swapped.xlsx", gdp_of_city_and_districts_swapped)
    vintage = [vintage_of(supersede(house.paths.landing, good / "yearbook.yml", file))]

    def figures():
        rows = house.build(
            "select variable_code || '/' || scope as block, count(*) as n from reading.int_values_corrected"
            " where vintage = ? and value is not null group by all",
            vintage,
        )
        return dict(zip(rows["block"], rows["n"], strict=True))

    outcome = house.refresh()
    assert outcome.exit_code == 3
    before = figures()
    paste(outcome.text, house)
    house.must_refresh()
    assert house.build("select is_accepted from raw.load where vintage = ?", vintage).squeeze()
    after = figures()
    assert set(before) - set(after) == {"gdp_nom/city", "gdp_nom/district"}
    assert after == {block: before[block] for block in after}
    sql = "select rule_id, severity from ops.validation_result where vintage = ? and not passed"
    assert ["required_variable_is_not_left_out", "warn"] in house.build(sql, vintage).to_numpy().tolist()


# ---- the base window is typed once, a group scheme is rows of two seeds: everything follows ------------------


# variants that name the start or the end of their window themselves
OWN_WINDOWS = {
    "nqpf_yearbook_patents": "frozen_2017_2021",
    "nqpf_yearbook_techemp": "frozen_2013_2019",
    "pr_yearbook_ownership": "frozen_2013_2019",
}


@pytest.fixture(scope="module")
def moved(with_own_project):
    """Built on with a later window, and with coasts: two rows a city and one scheme."""
    house = with_own_project("moved")
    index = house.paths.specs / "index.yml"
    text = index.read_text(encoding="utf-8")
    assert text.count("window_start: 2012") == 1
    index.write_text(text.replace("window_start: 2012", "window_start: 2013"), encoding="utf-8")
    seeds = house.paths.seeds
    with (seeds / "city.csv").open(encoding="utf-8") as stream:
        cities = [row["city_id"] for row in csv.DictReader(stream) if row["level"] == "city"]
    provinces = sorted({city[:4] for city in cities})
    with (seeds / "group_scheme.csv").open("a", encoding="utf-8") as stream:
        stream.write("coast,90,region,false,true,,\n")
    with (seeds / "city_group.csv").open("a", encoding="utf-8") as stream:
        for city in cities:  # a region is made of whole provinces
            stream.write(f"coast,{city},{'ab'[provinces.index(city[:4]) % 2]},海岸,Coast,,,made up\n")
    house.must_refresh()
    return house


def test_tables_prices_and_years_follow_the_window_and_are_not_empty(moved):
    bases = moved.build("select index_code, basis from mart.dim_index").set_index("index_code")["basis"]
    assert bases.to_dict() == dict.fromkeys(bases.index, "frozen_2013_2021") | OWN_WINDOWS
    for table in ("city_ranking", "why_this_number"):
        found = moved.build(f"select basis, min(year) as first from mart.{table} group by all")
        assert found.to_numpy().tolist() == [["frozen_2013_2021", 2013]], table
    history = 2  # years before the window that are read beside it, see dbt_project.yml
    assert moved.build("select min(year) from int.int_values_completed").squeeze() == 2013 - history
    deflators = moved.build("select deflator from int.int_deflators_chained where year = 2013")["deflator"]
    assert len(deflators) > 0
    assert deflators.sub(1).abs().max() < 1e-12
    inside = moved.build("select year from mart.dim_year where is_in_base_window order by 1")["year"]
    assert inside.tolist() == [2013, 2014, 2015, 2016]


def test_a_scheme_of_the_seeds_is_compared_like_the_others(moved):
    scheme = moved.build("select role, n_group, is_partition from mart.dim_group_scheme where scheme = 'coast'")
    assert scheme.to_dict("records") == [{"role": "region", "n_group": 2, "is_partition": True}]
    for table in ("mart_disparity_summary", "mart_group_gradient"):
        schemes = set(moved.build(f"select distinct scheme from mart.{table}")["scheme"])
        assert {"coast", "core"} <= schemes, table
