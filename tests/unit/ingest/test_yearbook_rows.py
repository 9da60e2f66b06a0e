"""Rows and figures of the yearbook that are read by what stands beside them: other tables, editions, the other copy."""

import pandas as pd
import pytest
from dbt_models import rendered
from reading import header_rows, variables

from dagster_project.ingest import Load

FUJIAN = ["福建省", "福州市", "厦门市", "莆田市", "三明市", "泉州市", "漳州市", "南平市", "龙岩市", "宁德市", "江西省"]
VARIABLES = variables(variable_code=["gdp_nom", "deposits_nom"], unit="yuan10k", kind="stock", band_low=["10", "10"])
VARIABLES = VARIABLES.astype({"band_low": "float64", "band_high": "float64"})


def sheet(labels, figures, *, year=2012, source="yearbook_wide", name="S"):
    """(cells, header) of a sheet of labels and columns of texts; headings of provinces have no figures."""
    where = {"source": source, "data_year": year, "vintage": f"{source}{year}", "file": f"{year}.xlsx", "sheet": name}
    rows = []
    for row, label in enumerate(labels, 5):
        rows.append({**where, "row_no": row, "col_no": 1, "part": "body", "text": label})
        texts = [] if label.endswith("省") else [column[row - 5] for column in figures]
        rows += [
            {**where, "row_no": row, "col_no": col, "part": "body", "text": str(text)}
            for col, text in enumerate(texts, 2)
        ]
    heads = [("city", "城市"), *zip(["value"] * len(figures), ["地区生产总值 (万元)", "存款 (万元)"], strict=False)]
    header = [{**where, "col_no": col, "role": role, "path": path} for col, (role, path) in enumerate(heads, 1)]
    return pd.DataFrame(rows), pd.DataFrame(header)


def read(reading, *sheets):
    cells, header = (pd.concat([one[at] for one in sheets], ignore_index=True) for at in (0, 1))
    keys = {"header_key": ["地区生产总值", "存款"], "variable_code": ["gdp_nom", "deposits_nom"]}
    known = [header_rows(source, **keys) for source in ("yearbook_wide", "yearbook_tables")]
    known = pd.concat(known, ignore_index=True).assign(scope="city", unit="万元")
    reading.read(Load(cells, header), known, VARIABLES)
    return reading.rows()


def amounts(year):
    return [1000 * (n + 1) + year for n in range(len(FUJIAN))]


def test_a_misread_name_is_read_by_its_place_and_one_that_shares_nothing_is_asked(reading):
    sound = [sheet(FUJIAN, [amounts(year)], year=year) for year in (2011, 2013)]
    names = [{"漳州市": "潭州市", "宁德市": "桃花源", "福建省": "福建省"}.get(name, name) for name in FUJIAN]
    rows = read(reading, *sound, sheet(names, [amounts(2012)], year=2012)).query("data_year == 2012")
    rows = rows.set_index("city_text")
    assert rows.loc["潭州市", "city_id"] == "CN350600"
    assert rows.loc["潭州市", "evidence"] == "read as 漳州市, which 2 other tables print between 泉州市 and 南平市"
    assert rows.loc["桃花源", "row_kind"] == "unknown"
    assert rows["evidence"].notna().sum() == 1


def test_a_file_that_stands_alone_is_held_against_the_roster(reading):
    rows = read(reading, sheet(["潭州市" if name == "漳州市" else name for name in FUJIAN], [amounts(2012)]))
    assert rows["evidence"].dropna().tolist() == ["read as 漳州市, which the roster has between 泉州市 and 南平市"]


def test_one_of_two_rows_under_one_name_is_the_city_that_others_print_there(reading):
    names = ["泉州市" if name == "漳州市" else name for name in FUJIAN]
    rows = read(reading, sheet(FUJIAN, [amounts(2011)], year=2011), sheet(names, [amounts(2012)]))
    twice = rows.query("data_year == 2012 and city_text == '泉州市'")
    assert twice["city_id"].tolist() == ["CN350500", "CN350600"]


def test_a_page_that_is_printed_twice_is_read_once(reading):
    rows = read(reading, sheet(FUJIAN + FUJIAN[1:10], [amounts(2012) + amounts(2012)[1:10]]))
    assert rows["row_kind"].tolist()[11:] == ["note"] * 9


def reread(reading):
    for model in ("int_bands", "int_figures_reread"):
        reading.con.execute(f"create or replace table {model} as {rendered(f'reading/{model}')}")
    return reading.con.execute(
        "select q.value, q.reading, v.source, v.data_year, v.text, v.city_id from int_figures_reread as q"
        " join int_values_converted_to_units as v using (source_cell_id) order by v.data_year, v.cell"
    ).df()


def test_a_figure_with_junk_is_read_by_the_other_copy_or_by_its_neighbours_else_left_out(reading):
    wide, tables = amounts(2012), amounts(2012)
    wide[1], wide[2], tables[2], wide[3], tables[3] = "4^012", "丨5012", "50:2x", "?", "5x"
    beside = [sheet(FUJIAN, [amounts(year)], year=year) for year in (2011, 2013)]
    read(reading, *beside, sheet(FUJIAN, [wide]), sheet(FUJIAN, [tables], source="yearbook_tables"))
    found = reread(reading).set_index(["source", "text"])
    assert found.loc[("yearbook_wide", "4^012"), "value"] == 4012
    assert found.loc[("yearbook_wide", "4^012"), "reading"] == "no number; yearbook_tables prints 4012"
    assert found.loc[("yearbook_wide", "丨5012"), "reading"].startswith("no number; 5012 lies between 5011 and 5013")
    assert pd.isna(found.loc[("yearbook_wide", "?"), "value"])


FORMS = {"figure": "{}元", "negative": "（{}）", "blank": "（{}）", "": "（{}）"}


@pytest.mark.parametrize(("reads", "form"), FORMS.items())
def test_texts_of_one_form_are_read_by_one_answer(reading, reads, form):
    figures = amounts(2012)
    answer = {
        "source": "yearbook_wide",
        "data_year": 2012,
        "pattern": form.format("#").translate({65288: "(", 65289: ")"}),
    }
    rows = pd.DataFrame([{**answer, "vintage": None, "reads": reads, "reason": "told by the page"}] * bool(reads))
    asked = reading.con.execute("from figure_pattern").df()
    reading.con.register("answers", pd.concat([asked, rows]))
    reading.con.execute("create or replace table figure_pattern as from answers")
    try:
        read(reading, sheet(FUJIAN, [[form.format(f"{figure:,}") for figure in figures]]))
        values = reading.con.execute("from int_values_converted_to_units order by cell").df()
    finally:
        reading.con.register("answers", asked)
        reading.con.execute("create or replace table figure_pattern as from answers")
    assert values["pattern"].unique().tolist() == [answer["pattern"]]
    assert values["is_number"].tolist() == [bool(reads)] * len(values)
    sign = {"figure": 1, "negative": -1}.get(reads)
    expected = [sign * figure for figure in figures if sign][1:-1]
    assert sorted(values["value"].dropna()) == sorted(expected)


def test_words_and_a_column_full_of_junk_are_left_to_a_person(reading):
    noted = amounts(2012)
    noted[1] = "约八千"
    read(reading, sheet(FUJIAN, [noted, ["x7"] * len(FUJIAN)]))
    assert reread(reading).empty


def test_where_the_copies_differ_again_and_again_the_one_that_fits_the_years_beside_it_is_used(reading):
    wrong = amounts(2012)
    wrong[1:8] = [figure * 3 for figure in wrong[1:8]]
    beside = [sheet(FUJIAN, [amounts(year)], year=year) for year in (2011, 2013)]
    single = amounts(2012)
    single[9] *= 3  # one figure is no block
    read(
        reading,
        *beside,
        sheet(FUJIAN, [wrong, single]),
        sheet(FUJIAN, [amounts(2012), amounts(2012)], source="yearbook_tables"),
    )
    found = reread(reading)
    assert found["source"].tolist() == ["yearbook_wide"] * 7
    assert sorted(found["value"]) == amounts(2012)[1:8]
    assert "the two differ in 7 cities" in found["reading"].iloc[0]
