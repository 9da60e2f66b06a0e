"""Every real file, cell by cell: what a person read off the print against what the house read."""

import shutil

import duckdb
import numpy as np
import pandas as pd
import pytest
import yaml
from house import House
from landing_tools import entry
from typer.testing import CliRunner
from xlsxwriter.utility import xl_col_to_name

from dagster_project.cli.main import app
from dagster_project.ingest import read_load, read_sidecar
from dagster_project.paths import PROJECT, real_paths

pytestmark = pytest.mark.slow  # a refresh of all real files

HAND_READ = PROJECT / "tests" / "golden" / "hand_read_cells"
PLACE = ["file", "sheet", "cell"]


def hand_read(name="*"):
    """The figures that a person read; file, sheet, cell, text, city, variable, scope, value, unit."""
    files = sorted(HAND_READ.glob(f"{name}.csv"))
    frame = pd.concat([pd.read_csv(file, dtype=str, keep_default_na=False) for file in files], ignore_index=True)
    return frame.assign(value=pd.to_numeric(frame["value"]))


@pytest.fixture(scope="session")
def compared(real_warehouse):
    """Hand-read cells beside the house's reading of the same address; columns *_house are null where it has none."""
    house = real_warehouse.build(
        "select c.file, c.sheet, c.cell, c.text, h.variable_code as variable, h.scope,"
        " coalesce(n.name_zh, k.name_zh) as city,"
        " v.value, v.unit"
        " from stg.stg_landing__cells as c"
        " left join reading.int_headers_mapped as h using (source, data_year, vintage, file, sheet, col_no)"
        " left join reading.int_rows_matched_to_cities as r using (source, data_year, vintage, file, sheet, row_no)"
        " left join seed.city as n on r.city_id = n.city_id left join seed.county as k on r.city_id = k.county_id"
        " left join reading.int_values_corrected as v using (source_cell_id)"
        # one file holds both censuses and is landed for each
        " where c.source <> 'census' or h.variable_code <> 'ignore'"
    )
    assert not house.duplicated(PLACE).any()
    hand = hand_read()
    # columns of the yearbook that a person left out are read by the dictionary (its golden list is that of its columns)
    is_left_out = (hand["variable"] == "ignore") & hand["file"].str.startswith("yearbook")
    landed = hand[hand["file"].isin(house["file"]) & (hand["variable"] != "") & ~is_left_out]
    return landed.merge(house, on=PLACE, how="left", suffixes=("", "_house"))


def test_at_least_300_figures_were_read_by_hand(compared, real_warehouse):
    """Of every landed file but tables of which others of the edition were read."""
    landed = real_warehouse.build(
        "select distinct source, file from raw.cells union select source, file from raw.series_cells"
    )
    unread = landed[~landed["file"].isin(compared["file"])]
    assert set(unread["source"]) <= {"yearbook_tables"}  # whose heads are those of the dictionary's golden list
    assert len(unread) < len(landed[landed["source"] == "yearbook_tables"])
    assert compared["value"].notna().sum() >= 300
    assert not compared.duplicated(PLACE).any()


@pytest.mark.parametrize("what", ["text", "variable", "scope", "city", "value", "unit"])
def test_every_cell_is_read_as_a_person_reads_it(compared, what):
    """Its text is that of the file, its header means what a reader takes it to mean, its row belongs to the city at its
    left, its value and unit are those read by hand."""
    mine, house, filled = compared[what], compared[f"{what}_house"], compared["text"] != ""
    asked = {
        "text": filled | house.notna(),
        "variable": filled,
        "scope": filled & (compared["variable"] != "ignore"),
        "city": filled,
        "value": mine.notna() | house.notna(),
        "unit": compared["value"].notna(),
    }[what]
    printed = house.fillna("") if what == "text" else house
    same = np.isclose(mine, house, rtol=1e-9, atol=0) if what == "value" else mine == printed
    assert compared[asked & ~same].empty, compared[asked & ~same].to_string()


# ---- agreement of the sources -------------------------------------------------------------------------------------

AGREEMENT = """
    with pairs as (
        select p.source as compilation, y.city_id, y.year, y.variable_code, y.text as yearbook_text,
            p.text as compilation_text,
            abs(p.value - y.value) > greatest(
                0.001 * greatest(abs(p.value), abs(y.value)),
                -- the compilation rounds employees to 10,000
                case when y.variable_code = 'emp_urban_units' then 5000 else 0 end
            ) as is_apart
        from mart.mart_source_value as y
        join mart.mart_source_value as p using (city_id, year, variable_code)
        where y.source = 'yearbook_wide' and y.year between 2018 and 2020
            and p.source in ('panel_policies', 'panel_macro')
    )
"""
KEY = ["city", "year", "variable_code", "compilation", "yearbook_text", "compilation_text"]


@pytest.fixture(scope="module")
def listed():
    """Cells on which they disagree, with the reason."""
    found = pd.read_csv(PROJECT / "tests" / "golden" / "source_agreement" / "exceptions.csv", dtype=str)
    assert found["reason"].str.len().min() > 10
    return found


def test_yearbook_and_compilations_agree_within_a_thousandth_except_listed_cells(real_warehouse, listed):
    """The mart of disagreements lists what differs by more than 1 %; all listed cells differ by far more."""
    apart = real_warehouse.published(
        f"{AGREEMENT} select n.name_zh as city, pairs.* exclude (is_apart, city_id)"
        " from pairs join mart.dim_city as n using (city_id) where is_apart"
    )
    found = apart.astype(str)[KEY].sort_values(KEY).values.tolist()
    assert found == listed[KEY].sort_values(KEY).values.tolist()
    mart = real_warehouse.published(
        "select n.name_zh as city, d.year::varchar as year, variable_code, source_a as compilation"
        " from mart.mart_source_disagreement as d join mart.dim_city as n using (city_id)"
        " where source_b = 'yearbook_wide'"
    )
    assert len(listed.merge(mart, on=KEY[:4])) == len(listed)


def test_the_agreement_covers_nearly_all_cities_of_every_shared_variable(real_warehouse):
    """Both print the figure and it is the same, by compilation, variable and year."""
    table = real_warehouse.published(
        f"{AGREEMENT} select compilation, variable_code, year, count(*) as n, avg((not is_apart)::int) as share_equal"
        " from pairs group by all order by all"
    )
    variables = table.groupby("compilation")["variable_code"].nunique()
    assert variables["panel_macro"] >= 8
    assert variables["panel_policies"] >= 15
    assert table["n"].min() > 220
    odd = table[table["share_equal"] <= 0.98]
    assert odd[["variable_code", "year"]].values.tolist() == [["emp_urban_units", 2020]]  # six cities of Hubei, listed
    assert (table["share_equal"] == 1).mean() > 0.8


# ---- files that no index uses: the reader opens them as well ------------------------------------------------------

LONG_KEYS = {
    "components/2000-2023地级市产业结构 .xlsx": {"city": "城市名称", "year": "年度标识"},
    "components/298个地级市人口密度1998-2024年无缺失.xlsx": {"city": "城市", "year": "年份"},
    "components/金融发展水平（2003-2023）236缺失.xlsx": {"city": "城市", "year": "年份"},
    "digital_finance/PKU_DFIIC_province.dta": {"city": "prov_name", "year": "year"},
}


def test_files_that_no_index_uses_are_read_with_a_sidecar_alone(real_data, tmp_path):
    hand = hand_read("not_landed")
    for (file, sheet), expected in hand.groupby(["file", "sheet"]):
        load = read_load(read_sidecar(sidecar_of(real_data, tmp_path, file, sheet)), real_data)
        letters = load.cells["col_no"].sub(1).map(xl_col_to_name)
        cells = load.cells.assign(cell=letters + load.cells["row_no"].astype(str))
        found = expected.merge(cells, on="cell", how="left", suffixes=("", "_house"))
        assert found["text"].tolist() == found["text_house"].tolist(), file
        assert set(found["part"]) == {"body"}, file


def sidecar_of(real_data, folder, file, sheet):
    """The sidecar that a person would write for this file."""
    long = {"layout": "long", "keys": LONG_KEYS.get(file)}
    content = {
        **(long if file in LONG_KEYS else {"layout": "tables", "data_year": 2020 if "/2021/" in file else 2023}),
        **({"sheet": sheet} if sheet else {}),
        "source": "trial",
        "files": [entry(real_data, real_data / file)],
        "producer": "see README",
        "title": file,
        "licence": "none stated",
        "accessed": "2026-11-01",
        "maturity": "first_print",
        "is_synthetic": False,
    }
    path = folder / "trial.yml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def test_the_address_of_a_cell_is_the_one_of_a_spreadsheet():
    """The SQL macro against other code, up to the three letters of the last column of a workbook."""
    macro = (PROJECT / "dbt" / "macros" / "text.sql").read_text(encoding="utf-8")
    body = macro.split("macro cell_address(row_no, col_no) -%}")[1].split("{%- endmacro")[0]
    sql = body.replace("{{ row_no }}", "7").replace("{{ col_no }}", "n")
    found = duckdb.sql(f"select n, {sql} as cell from range(1, 16385) as t (n)").df()
    assert found["cell"].tolist() == [f"{xl_col_to_name(n - 1)}7" for n in found["n"]]


# ---- what was read of each file, and how fast ---------------------------------------------------------------------

CELLS_BY_FILE = """
    select c.source, c.file, count(*) as body,
        count(*) filter (h.variable_code <> 'ignore' and (c.is_blank or c.number is not null)) as read,
        count(*) filter (h.variable_code = 'ignore') as ignored,
        count(*) filter (h.variable_code <> 'ignore' and not c.is_blank and c.number is null) as refused,
        count(*) filter (not c.is_blank and c.number is null) as unreadable
    from stg.stg_landing__cells as c
    join reading.int_headers_mapped as h using (source, data_year, vintage, file, sheet, col_no)
    group by all order by all
"""
ANSWERED = """
    select c.is_corrected, c.reading, c.value from reading.int_values_converted_to_units as v
    join reading.int_values_corrected as c using (source_cell_id) where not v.is_number
"""
# letters that a scan put for digits, counted in the workbook's XML
UNREADABLE = {"2019": 24, "2020": 2, "2021": 0, "2024": 2}


def test_only_misread_digits_of_each_file_are_refused(real_warehouse, capsys):
    """Prints the table: cells of the body, read, under ignored headers, refused."""
    table = real_warehouse.build(CELLS_BY_FILE).set_index("file")
    with capsys.disabled():
        print("\n" + table.to_string())
    assert (table["read"] > 0).sum() >= 19
    wide = table[table["source"] == "yearbook_wide"]
    assert {file.split("_")[-2]: count for file, count in wide["unreadable"].items()} == UNREADABLE
    assert table["unreadable"][table["source"] == "yearbook_tables"].sum() == 2  # as in the wide sheet of 2024
    # a reviewed correction answers 82X0, nine of employment by sector and four of county-level cities; others are read
    # by what the other copy or the editions beside print, or are left out
    answered = real_warehouse.build(ANSWERED)
    assert len(answered) == table["refused"].sum()
    assert answered["is_corrected"].sum() == 14
    reread = answered[~answered["is_corrected"]]
    assert (reread["value"].isna() == (reread["reading"] == "no number")).all(), reread.to_string()
    assert reread["reading"].str.startswith("no number").all()


# ---- every edition at hand -----------------------------------------------------------------------------------------

FOLDERS = ("panel", "components", "census", "crosswalk", "digital_finance", "environment", "other_indexes", "outside")
EDITIONS = ("yearbook_editions", "yearbook_wide")
WEIGHING = """
    from int.int_values_left_out as o
    join reading.int_values_corrected as v using (source_cell_id, variable_code)
    join gate.gate_weight as w on v.level = w.unit_level and v.variable_code = w.variable_code
    where v.scope <> 'district'
"""


def test_every_edition_at_hand_is_accepted_and_published_by_two_commands(real_data, tmp_path):
    """Wide sheets, tables and tables of county-level cities of nine editions, beside the compilations."""
    landing = tmp_path / "landing"
    for name in (*FOLDERS, *EDITIONS):
        shutil.copytree(real_data / name, landing / name)
    for file in (PROJECT / "warehouse" / "landing").glob("*.yml"):
        if not file.name.startswith(("yearbook_", "county_")):
            shutil.copy(file, landing)
    done = CliRunner().invoke(app, ["sidecar", str(landing), "--write"])
    assert done.exit_code == 0, done.output
    house = House(real_paths(landing, tmp_path / "warehouse"))
    house.must_refresh(environment={"NQPF_DEPTH": "quick"})
    loads = house.build("select source, count(*) as n from raw.load where is_accepted group by all")
    editions = dict.fromkeys(("county_tables", "yearbook_tables", "yearbook_wide"), 9)
    assert dict(loads.itertuples(index=False)) == {"census": 2, **editions}
    assert len(house.build("from int.int_values_left_out")) > 100
    assert house.build(WEIGHING).empty
