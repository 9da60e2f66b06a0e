"""Heads of the yearbook: words propose, figures confirm, and the editions at hand against a list read by eye."""

import numpy as np
import pandas as pd
import pytest
from dbt_models import DBT
from reading import header_rows
from text_table import words

from dagster_project.ingest import Load
from dagster_project.ingest.headers import geometry_of
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.workbook import open_sheets

GOLDEN = DBT.parent / "tests" / "golden" / "yearbook_heads" / "columns.csv"
VARIABLES = pd.read_csv(DBT / "seeds" / "variable.csv")
UNITS = pd.read_csv(DBT / "seeds" / "unit.csv").set_index("symbol")
NO_MAP = header_rows("x", header_key=["x"], variable_code="ignore", scope="city", unit="人")
CITIES = words(
    "石家庄市 唐山市 秦皇岛市 邯郸市 邢台市 保定市 张家口市 承德市 沧州市 廊坊市 衡水市 太原市 大同市 阳泉市"
)


def edition(heads, figures=None, *, year=2012, source="yearbook_wide"):
    """(cells, header) of one sheet with these heads and, by column, a figure for every city."""
    where = {"source": source, "data_year": year, "vintage": f"v{year}", "file": f"{source}{year}.xlsx", "sheet": "a"}
    names = ["城市", *heads]
    header = pd.DataFrame({**where, "col_no": range(1, len(names) + 1), "role": ["city", *["value"] * len(heads)]})
    header["path"] = names
    columns = [CITIES, *(figures if figures is not None else [np.arange(1, len(CITIES) + 1)] * len(heads))]
    cells = pd.DataFrame(
        [
            {**where, "row_no": row + 2, "col_no": col, "part": "body", "text": str(text)}
            for col, texts in enumerate(columns, 1)
            for row, text in enumerate(texts)
        ]
    )
    return cells, header


def heads_of(reading, *editions):
    """int_headers_mapped of these editions."""
    cells, header = (pd.concat([one[at] for one in editions], ignore_index=True) for at in (0, 1))
    reading.read(Load(cells, header), NO_MAP, VARIABLES)
    return reading.headers().query("header_path != ''").reset_index(drop=True)


@pytest.fixture(scope="module")
def wordings(reading):
    """Heads of editions from 1985 to 2025 with what they mean, each in a file of its own; empty: no concept here."""
    listed = pd.read_csv(GOLDEN.with_name("wordings.csv"), keep_default_na=False)
    editions = []
    for number, head in enumerate(listed["header_path"]):
        cells, header = edition([head])
        editions.append((cells.assign(file=str(number)), header.assign(file=str(number))))
    found = heads_of(reading, *editions).query("verdict.notna()").astype({"file": int}).set_index("file")
    return listed.join(found, rsuffix="_found")


def test_words_of_older_and_newer_editions_are_read_as_a_person_means_them(wordings):
    meant = wordings[wordings["variable_code"] != ""]
    is_right = (meant["variable_code"] == meant["variable_code_found"]) & (meant["scope"] == meant["scope_found"])
    is_right &= (meant["verdict"] == "recognised") & ((meant["unit"] == meant["unit_found"]) | (meant["unit"] == ""))
    assert is_right.all(), meant[~is_right].to_string()


def test_words_that_name_a_part_or_another_thing_are_not_taken_for_the_concept(wordings):
    """A person is asked, or it is new."""
    other = wordings[wordings["variable_code"] == ""]
    assert len(other) > 200
    assert other["verdict"].isin(["asked", "new"]).all(), other[other["verdict"] == "recognised"].to_string()


def test_a_unit_that_measures_something_else_needs_figures(reading):
    head = "在岗职工人数及工资状况 / 在岗职工工资总额(万人) / 全市"
    assert heads_of(reading, edition([head])).iloc[-1]["verdict"] == "asked"
    beside = heads_of(reading, edition([head]), edition([head.replace("万人", "万元")], year=2013))
    beside = beside[beside["words_code"] == "wage_bill_urban_units"]
    assert beside["verdict"].eq("recognised").all()
    assert beside["unit"].eq("万元").all()


# ---- figures ------------------------------------------------------------------------------------

HEADS = ["生产总值 / 地区生产总值（万元） / 全市", "财政 / 一般公共预算支出（万元）", "财政 / 教育支出（万元）"]


def figures_of(year, rng=None):
    """Three concepts of 14 cities with moves of a few per cent a year."""
    base = np.random.default_rng(5)
    gdp = np.exp(base.normal(16, 1, len(CITIES)))
    spending, education = (
        gdp * np.exp(base.normal(-2, 0.5, len(CITIES))),
        gdp * np.exp(base.normal(-4, 1, len(CITIES))),
    )
    rng = np.random.default_rng(year)
    return [
        np.round(one * np.exp(0.08 * (year - 2012) + rng.normal(0, 0.03, len(CITIES))))
        for one in (gdp, spending, education)
    ]


def test_figures_of_the_editions_beside_confirm_the_words(reading):
    found = heads_of(reading, *(edition(HEADS, figures_of(year), year=year) for year in (2012, 2013, 2014)))
    found = found[found["verdict"].notna()]
    assert found["verdict"].eq("recognised").all()
    assert found["decided_by"].eq("words and figures").all()
    assert found["spread"].max() < 0.1


def test_exchanged_columns_are_asked_and_each_names_the_other(reading):
    gdp, spending, education = figures_of(2013)
    editions = [edition(HEADS, figures_of(year), year=year) for year in (2012, 2014)]
    found = heads_of(reading, *editions, edition(HEADS, [gdp, education, spending], year=2013))
    found = found[(found["data_year"] == 2013) & found["verdict"].notna()].set_index("words_code")
    assert found["verdict"].to_dict() == {
        "gdp_nom": "recognised",
        "fiscal_expenditure": "asked",
        "fiscal_education": "asked",
    }
    assert found.loc["fiscal_expenditure", "rival_code"] == "fiscal_education"
    assert found.loc["fiscal_education", "rival_code"] == "fiscal_expenditure"
    assert not found.loc[["fiscal_expenditure", "fiscal_education"], "is_known"].any()


@pytest.mark.parametrize("order", [(2012, 2013, 2014, 2015), (2015, 2013, 2012, 2014)])
def test_a_wrong_unit_is_set_right_by_the_other_editions_whatever_order_they_land_in(reading, order):
    editions = {year: edition(HEADS, figures_of(year), year=year) for year in order}
    gdp, spending, education = figures_of(2014)
    editions[2014] = edition(HEADS, [np.round(gdp / 1e4, 2), spending, education], year=2014)
    found = heads_of(reading, *editions.values())
    found = found[found["words_code"] == "gdp_nom"].set_index("data_year")
    assert found["unit"].to_dict() == {2012: "万元", 2013: "万元", 2014: "亿元", 2015: "万元"}
    assert found.loc[2014, ["decided_by", "header_unit"]].tolist() == ["words, unit by figures", "万元"]


def test_of_two_editions_with_other_units_for_like_figures_that_off_the_usual_level_is_asked(reading):
    """And both where the variable has no usual level."""
    for head, verdicts in {
        HEADS[0]: ["recognised", "asked"],
        "金融 / 金融机构存款余额（万元）": ["asked", "asked"],
    }.items():
        editions = [
            edition([text], figures_of(year)[:1], year=year)
            for year, text in ((2012, head), (2013, head.replace("万元", "亿元")))
        ]
        found = heads_of(reading, *editions)
        assert found[found["verdict"].notna()]["verdict"].tolist() == verdicts


def test_a_column_printed_twice_is_read_once(reading):
    found = heads_of(reading, edition([*HEADS, HEADS[0]], [*figures_of(2012), figures_of(2012)[0]]))
    assert found[["verdict", "variable_code"]].iloc[-1].tolist() == ["repeated", "ignore"]


def test_a_misread_word_that_no_figure_confirms_is_asked(reading):
    head = "行政区域 / 行政区域七地面积(平方公里) / 全市"
    alone = heads_of(reading, edition([head])).iloc[-1]
    assert (alone["verdict"], alone["words_code"]) == ("asked", "area_km2")
    beside = heads_of(reading, edition([head]), edition([head.replace("七", "土")], year=2013))
    assert beside[beside["words_code"] == "area_km2"]["verdict"].eq("recognised").all()


# ---- every edition at hand ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def editions(real_data, reading):
    """Every head of parts 2 and 3 of every edition, both copies, read with all figures; with the words of the heads."""
    cells, header = [], []
    for file in sorted([*real_data.glob("yearbook_editions/*/[23]-*.xlsx"), *real_data.glob("yearbook_wide/*.xlsx")]):
        is_wide = file.parent.name == "yearbook_wide"
        source = "yearbook_wide" if is_wide else {"2": "yearbook_tables", "3": "county_tables"}[file.name[0]]
        year = int(file.stem.split("_")[4] if is_wide else file.parent.name) - 1
        side = type("Sidecar", (), {"layout": "wide", "sheet": None, "keys": ()})
        where = {"source": source, "data_year": year, "vintage": "v"}
        found = geometry_of(file.name, open_sheets(file, None, Limits()), side)
        for frames, frame in zip((cells, header), found, strict=True):
            frames.append(frame.assign(**where, file=file.name))
    load = Load(pd.concat(cells, ignore_index=True), pd.concat(header, ignore_index=True))
    reading.read(load, NO_MAP, VARIABLES)
    return reading.con.execute(
        "select h.*, n.leaf, n.above, n.head_id from int_headers_mapped as h"
        " join int_header_names as n using (source, data_year, vintage, file, sheet, col_no)"
    ).df()


@pytest.mark.slow
def test_every_column_of_every_edition_is_recognised(editions):
    is_read = editions["verdict"].isin(["recognised", "repeated", "empty"])  # empty: a head without figures
    per_edition = is_read.groupby([editions["source"], editions["data_year"]]).mean()
    asked = editions[~is_read]
    assert per_edition.min() >= 0.99, asked[["source", "data_year", "header_path", "verdict"]].to_string()
    assert asked.groupby("data_year")["header_key"].nunique().max() <= 5 if len(asked) else True


@pytest.mark.slow
def test_no_column_of_the_list_read_by_eye_is_recognised_wrong(editions):
    golden = pd.read_csv(GOLDEN, dtype={"copy": str})
    assert len(golden) >= 300
    assert golden["edition"].nunique() == 9
    copy = editions["file"].str.extract(r"^([23]-\d+)")[0].fillna("wide")
    mine = editions.assign(edition=editions["data_year"] + 1, copy=copy, column=editions["col_no"])
    both = golden.merge(mine, on=["edition", "copy", "column"], how="left", suffixes=("", "_mine"))
    both["is_right"] = (both["variable_code"] == both["variable_code_mine"]) & (both["scope"] == both["scope_mine"])
    both["is_right"] &= both["unit"].map(UNITS["factor"]) == both["unit_mine"].map(UNITS["factor"])
    assert both["is_right"].all(), both[~both["is_right"]].to_string()


@pytest.mark.slow
def test_both_copies_of_an_edition_print_the_same_concepts(editions):
    read = editions[editions["verdict"] == "recognised"]
    sets = read.groupby(["data_year", "source"])[["variable_code", "scope"]].apply(
        lambda f: frozenset(map(tuple, f.values))
    )
    for year in read["data_year"].unique():
        assert sets[year, "yearbook_wide"] == sets[year, "yearbook_tables"], year


@pytest.mark.slow
@pytest.mark.parametrize("year", [2011, 2012, 2014, 2015, 2017, 2018, 2019, 2020, 2023])
def test_an_edition_is_recognised_without_the_words_that_it_alone_taught(editions, reading, year):
    """Words and concepts that no other edition has are taken out of the dictionary; then the same bars hold."""
    seen = editions[editions["words_code"].notna()][["leaf", "above", "data_year", "words_code"]].drop_duplicates()
    taught = reading.con.execute("from concept_word").df()
    plain = words_as_matched(reading, taught)
    kept = []
    for row in taught.to_dict("records"):
        heads = seen[seen["words_code"] == row["variable_code"]]
        left = {part: without_words_of(row[part], heads, year, plain, part) for part in ("leaf", "above")}
        if None not in left.values():
            kept.append({**row, **left})
    reading.con.register("fewer", pd.DataFrame(kept).replace({"": None}))
    try:
        reading.con.execute("create or replace table concept_word as from fewer")
        for model in ("int_header_words", "int_header_figures", "int_headers_mapped"):
            reading.con.execute(f"create or replace table {model} as {reading.models[model]}")
        again = reading.con.execute("from int_headers_mapped where data_year = ?", [year]).df()
    finally:
        reading.con.register("all_words", taught)
        reading.con.execute("create or replace table concept_word as from all_words")
    place = ["source", "file", "sheet", "col_no"]
    concepts = pd.MultiIndex.from_frame(editions[["source", "words_code"]])
    is_left_out = editions["data_year"] == year
    truth = editions[is_left_out & editions["words_code"].notna() & concepts.isin(concepts[~is_left_out])]
    both = truth.merge(again, on=place, suffixes=("", "_again"))
    is_read = both["verdict_again"].isin(["recognised", "repeated"])
    wrong = both[is_read & (both["words_code"] != both["words_code_again"])]
    assert wrong.empty, wrong[["header_path", "words_code", "words_code_again"]].to_string()
    assert is_read.mean() >= 0.99, both[~is_read]["header_path"].to_string()
    assert both[~is_read]["leaf"].nunique() <= 5


def words_as_matched(reading, taught):
    """Every word of the dictionary as the SQL looks for it."""
    every = {
        w
        for part in ("leaf", "above")
        for text in taught[part].dropna()
        for group in text.split(" ")
        for w in group.split("|")
    }
    return {word: "".join(sign for sign in word if sign.isalpha() or sign in "&%‰") for word in every}


def without_words_of(text, heads, year, plain, part):
    """The groups of a rule without the words that only this year prints; None where a group has none left."""
    if not isinstance(text, str):
        return ""
    groups = []
    for group in text.split(" "):
        left = []
        for word in group.split("|"):
            where = heads["leaf"] if part == "leaf" else heads["leaf"] + heads["above"]
            years = set(heads[where.str.contains(plain[word], regex=False)]["data_year"])
            if years != {year}:
                left.append(word)
        if not left:
            return None
        groups.append("|".join(left))
    return " ".join(groups)
