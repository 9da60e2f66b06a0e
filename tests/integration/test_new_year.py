"""A new year arrives with new wordings, a renamed city and another unit: how much must a person touch?

The edition of 2017 is changed as editions change: two headers are worded anew, one city is renamed, one table is
printed in millions. The first run refuses it and prints rows; the person pastes them; the second run goes through.
"""

import csv
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from house import CITIES, YEARS, House, copy_of_project
from landing_tools import Page, read_page, renew_hash, supersede, write_page

from dagster_project.demo import generate_demo

# each refreshes whole warehouses: minutes on two cores
pytestmark = pytest.mark.slow

NEW_YEAR = YEARS[-1] + 1
OLD_NAME, NEW_NAME = "沧州市", "沧海市"
REWORDED = {
    "2-16": ("专利授权数", "专利授权总件数"),
    "2-22": ("普通本专科", "普通本专科院校"),
}  # table number -> header before and after
MILLIONS = "2-10"


@dataclass(frozen=True)
class NewYear:
    """Both runs of the new edition, what the person pasted, and which files that touched."""

    house: House
    refused: str
    pasted: list[tuple[str, str]]
    touched: list[str]


@pytest.fixture(scope="module")
def new_year(copy_small_warehouse, tmp_path_factory):
    project = copy_of_project(tmp_path_factory.mktemp("project"))
    copied = copy_small_warehouse("new_year")
    house = House(replace(copied.paths, project=project))
    _land_changed_edition(house, tmp_path_factory.mktemp("edition"))
    before = _hashes(project)
    first = house.refresh()
    assert first.exit_code == 3, first.text
    pasted = _paste(first.text, project / "dbt" / "seeds")
    second = house.refresh()
    assert second.exit_code == 0, second.text
    after = _hashes(project)
    touched = sorted(name for name in after if after[name] != before.get(name))
    return NewYear(house, first.text, pasted, touched)


def _hashes(project: Path) -> dict[str, bytes]:
    return {p.relative_to(project).as_posix(): p.read_bytes() for p in project.rglob("*") if p.is_file()}


def _land_changed_edition(house: House, root: Path) -> None:
    """The demo's edition of the new year with its changes; every register also knows the new year."""
    generate_demo(root, cities=CITIES, years=range(YEARS[0], NEW_YEAR + 1))
    for new in root.rglob("*.yml"):
        old = house.paths.landing / new.relative_to(root)
        if "yearbook" not in new.parts and old.exists():
            (file,) = new.parent.glob("*.csv")
            if file.read_bytes() != old.with_name(file.name).read_bytes():  # a register without the year stays
                later = shutil.copyfile(file, old.with_name(f"{file.stem}_{NEW_YEAR}.csv"))
                supersede(house.paths.landing, old, later)
    shutil.copytree(root / "yearbook" / str(NEW_YEAR), house.paths.landing / "yearbook" / str(NEW_YEAR))
    folder = house.paths.landing / "yearbook" / str(NEW_YEAR)
    for file in sorted(folder.glob("*.xlsx")):
        page = read_page(file)
        number = re.search(r"_(2-\d+)_", file.name)
        assert number is not None
        _change(page, number.group(1))
        write_page(page, file)
    renew_hash(house.paths.landing, folder / "yearbook.yml")


def _change(page: Page, number: str) -> None:
    for row in page.rows:
        if str(row[0]).strip() == OLD_NAME:
            row[0] = NEW_NAME
    if number in REWORDED:
        before, after = REWORDED[number]
        for row in page.rows:  # the heads of a single table reach further down than those of a wide sheet
            row[:] = [cell.replace(before, after) if isinstance(cell, str) else cell for cell in row]
    if number == MILLIONS:
        page.replace_text("万元", "百万元")
        for row in page.rows[4:]:
            for at in range(2, len(row)):
                if row[at] != "" and not re.search(r"[一-鿿A-Za-z]", str(row[at])):
                    row[at] = round(float(str(row[at]).replace(",", "")) / 100, 2)


def _paste(text: str, seeds: Path) -> list[tuple[str, str]]:
    """Append every printed row to the seed that it names, each once."""
    found = re.findall(r"row for (\w+\.csv)[^:]*: (.*?)(?: \(nearest.*)?$", text, flags=re.MULTILINE)
    rows = list(dict.fromkeys((seed, row.strip()) for seed, row in found))
    for seed, row in rows:
        with (seeds / seed).open(encoding="utf-8", newline="") as stream:
            width = len(next(csv.reader(stream)))
        (cells,) = csv.reader([row])
        assert len(cells) == width, f"the printed row does not fit {seed}: {row}"
        with (seeds / seed).open("a", encoding="utf-8") as stream:
            stream.write(row + "\n")
    return rows


def test_first_run_names_both_headers_and_the_city(new_year):
    for _, wording in REWORDED.values():
        assert wording in new_year.refused
    assert NEW_NAME in new_year.refused


def test_printed_rows_are_all_that_a_person_adds(new_year):
    seeds = [seed for seed, _ in new_year.pasted]
    assert seeds.count("header_map.csv") == len(REWORDED)
    assert seeds.count("city_alias.csv") == 1
    assert len(seeds) == len(REWORDED) + 1


def test_two_seeds_and_the_sidecar_are_all_files_that_were_touched(new_year):
    assert new_year.touched == ["dbt/seeds/city_alias.csv", "dbt/seeds/header_map.csv"]


def test_another_unit_needs_nobody(new_year):
    ratio = new_year.house.published(
        "select median(a.value / b.value) as ratio from mart.mart_source_value as a"
        " join mart.mart_source_value as b using (source, city_id, variable_code)"
        " where a.variable_code = 'fiscal_education' and a.source = 'yearbook' and a.year = ? and b.year = ?",
        [NEW_YEAR, NEW_YEAR - 1],
    )["ratio"].item()
    assert 0.8 < ratio < 1.5


def test_new_year_is_read_for_every_city_under_its_old_identity(new_year):
    cities = new_year.house.published(
        "select count(distinct city_id) as n from mart.mart_source_value where source = 'yearbook' and year = ?",
        [NEW_YEAR],
    )["n"].item()
    assert cities >= CITIES
