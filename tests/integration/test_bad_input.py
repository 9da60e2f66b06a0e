"""Whatever is wrong with a file: one clear sentence, the documented exit code, and the published file untouched."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest
from changed import YEARBOOK_FAULTS
from landing_tools import read_page, read_sidecar, renew_hash, write_page, write_sidecar

BAD_INPUT, REFUSED = 2, 3
YEARBOOK = "yearbook/2013/synthetic_yearbook_2013.xlsx"


# ---- files that the gate refuses: all in one run, one test each ---------------------------------------------

# fault -> what the sentence about its file must say: what, where, what to do
GATE_SENTENCES: dict[str, list[str]] = {
    "duplicated_city": ["repeat a city", "'石家庄市' CN130100 (2014)", "cell A9", "cell A10", "What to do:"],
    "header_never_seen": ["not in the header map", "工业固体废弃物资源化比率", "column W", "header_map.csv"],
    "unit_never_seen": ["unit '万美金'", "va_primary_nom", "column AB", "Add the symbol to unit.csv"],
    "gdp_times_10000_in_all_cities": ["gdp_nom (city) 2014", "a unit slip of x10,000", "cell Z", "header_map.csv"],
    "gdp_of_city_and_districts_swapped": [
        "gdp_nom (city) 2014, ",
        "follow gdp_nom (district) of 2013",
        "wrong header",
        "yuan10k (printed '",
        "cell Z",
        "gdp_nom (district) 2014, ",
        "follow gdp_nom (city) of 2013",
        "cell AA",
        "paste its ready-made `ignore` row",
    ],
    "tertiary_shares_too_large": [
        "tertiary_share (city) 2014, ",
        "cities break shares_sum_to_100",
        "(printed '",
        "What to do:",
    ],
    "text_in_a_number_column": ["text instead of a number", "合肥市 2014 fiscal_education: '约八千'", "cell AW13"],
    "city_that_does_not_exist": ["no known city", "'桃花源' (2014)", "cell A9", "city_alias.csv"],
    "empty_year": ["a year without a single number", "2014: 13 cities, no number", "Check that the file really covers"],
}


def test_refused_run_ends_with_its_own_code_and_leaves_the_published_file(refused):
    assert {change.__name__ for change in YEARBOOK_FAULTS} <= set(GATE_SENTENCES)
    assert refused.outcome.exit_code == REFUSED
    assert refused.house.published_sha256 == refused.sha256_before
    assert "Traceback" not in refused.outcome.text
    assert any(line.startswith("The published file is unchanged") for line in refused.outcome.lines)


@pytest.mark.parametrize("fault", GATE_SENTENCES)
def test_gate_refuses_and_says_what_where_and_what_to_do(refused, fault):
    """What was refused is stored, so that it can be looked at in SQL."""
    about = [line for line in refused.outcome.lines if f"/{fault}." in line]
    assert any(all(part in line for part in GATE_SENTENCES[fault]) for line in about), about
    prefix, vintage = "series_" if fault == "empty_year" else "", [refused.vintages[fault]]
    load = refused.house.build(f"select is_accepted from raw.{prefix}load where vintage = ?", vintage)
    assert list(load["is_accepted"]) == [False]
    assert len(refused.house.build(f"from raw.{prefix}cells where vintage = ?", vintage)) > 400


def test_refused_column_comes_with_a_ready_made_row_of_the_header_map(refused):
    about = [line for line in refused.outcome.lines if "refused by block_stands_in_its_place" in line]
    rows = [line.split("row for header_map.csv: ")[1] for line in about]
    keys = [row.split(",")[:6] for row in rows]
    gdp = "地区生产总值/地区生产总值(当年价格)"
    assert keys == [
        ["yearbook", "2014", "2014", f"{gdp}/全市", "ignore", "city"],
        ["yearbook", "2014", "2014", f"{gdp}/市辖区", "ignore", "district"],
    ]


def test_swapped_columns_are_the_only_ones_refused(refused):
    """Population and GDP per head hang on GDP; they are not blamed."""
    failed = refused.house.build(
        "select rule_id, n_unexpected from ops.validation_result"
        " where vintage = ? and not passed and severity = 'error'",
        [refused.vintages["gdp_of_city_and_districts_swapped"]],
    )
    assert failed.to_numpy().tolist() == [["block_stands_in_its_place", 2]]


@pytest.mark.parametrize("encoding", ["registry_utf8", "registry_utf16"])
def test_long_csv_means_the_same_in_every_encoding(refused, encoding):
    house = refused.house
    accepted = house.build("select is_accepted from raw.series_load where vintage = ?", [refused.vintages[encoding]])
    assert list(accepted["is_accepted"]) == [True]
    sql = "select city_id, year, variable_code, value from reading.int_values_corrected where vintage = ? order by all"
    first = house.build(sql, [refused.vintages["registry_gb18030"]])
    assert len(first) > 300
    assert first["value"].notna().any()
    assert house.build(sql, [refused.vintages[encoding]]).equals(first)


# ---- files and sidecars that cannot be read -----------------------------------------------------------------


class Landed(NamedTuple):
    """The landing folder of a warehouse, with the file and the sidecar that are broken."""

    landing: Path

    @property
    def file(self):
        return self.landing / YEARBOOK

    @property
    def sidecar(self):
        return self.file.with_name("yearbook.yml")

    def say(self, sidecar=None, **changes):
        """Other content of a sidecar."""
        sidecar = sidecar or self.sidecar
        write_sidecar(sidecar, {**read_sidecar(sidecar), **changes})

    def rewrite(self, change):
        page = read_page(self.file)
        change(page)
        write_page(page, self.file)
        renew_hash(self.landing, self.sidecar)


def no_figures(page):
    for at in page.city_rows:
        page.rows[at][2:] = [""] * len(page.rows[at][2:])


def no_sidecar(landed):
    for sidecar in landed.landing.rglob("*.yml"):
        sidecar.unlink()


def all_real(landed):
    for sidecar in landed.landing.rglob("*.yml"):
        landed.say(sidecar, is_synthetic=False)


# one of each step that reads; what else a reader refuses is in tests/unit/ingest
CASES = {
    "wrong_hash": (
        lambda landed: landed.file.write_bytes(landed.file.read_bytes() + b"\0"),
        ["does not match its sidecar: expected sha256", YEARBOOK, "Restore the file", "'supersedes'"],
    ),
    "no_figures": (
        lambda landed: landed.rewrite(no_figures),
        ["No column holds values", "yearbook.yml", "Check layout and sheet"],
    ),
    "unknown_key": (
        lambda landed: landed.say(data_yaer=2013),
        ["Unknown key in the sidecar: data_yaer", "yearbook.yml", "Known keys: accepted_by"],
    ),
    "no_sidecar": (no_sidecar, ["There is no sidecar (*.yml)", "landing", "Write one for each file"]),
    "real_files_in_a_demo_warehouse": (
        all_real,
        ["holds synthetic data and the landing files are real", "--warehouse"],
    ),
}


@pytest.fixture(scope="module")
def untouched(copy_small_warehouse):
    """One copy for all cases: no refusal changes what is published."""
    return copy_small_warehouse("bad_input")


@pytest.fixture
def house(untouched, small_warehouse):
    """The same with sound landing files."""
    shutil.rmtree(untouched.paths.landing)
    shutil.copytree(small_warehouse.paths.landing, untouched.paths.landing)
    before = untouched.published_sha256
    yield untouched
    assert untouched.published_sha256 == before


@pytest.mark.parametrize(("break_it", "says"), CASES.values(), ids=CASES)
def test_unreadable_input_is_named_in_one_sentence(house, break_it, says):
    break_it(Landed(house.paths.landing))
    _is_refused_in_one_sentence(house.refresh(), says)


def test_year_without_sidecar_is_named_with_the_years_that_have_one(house):
    says = ["No sidecar has data_year 1999", "2012, 2013, 2014, 2015, 2016", "Write the sidecar first"]
    _is_refused_in_one_sentence(house.refresh(year=1999), says)


def _is_refused_in_one_sentence(outcome, says):
    assert outcome.exit_code == BAD_INPUT, outcome.text
    first, sentence, published, details = outcome.lines
    assert first.startswith("Not refreshed after")
    assert all(part in sentence for part in says), sentence
    assert published.startswith("The published file is unchanged")
    assert details.startswith("Details:")
    assert "Traceback" not in outcome.text
