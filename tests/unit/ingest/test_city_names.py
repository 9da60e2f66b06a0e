"""Names at the left of a row against the dated names of the city seed: right year, right unit, or refused."""

from reading import header_rows

import pandas as pd
import pytest
from reading import DBT, Reading

from dagster_project.ingest import read_load
from expectations.suggest import CityNames

VARIABLES = pd.DataFrame(columns=pd.read_csv(DBT / "seeds" / "variable.csv").columns, dtype=str)

NO_HEADERS = header_rows("x", header_key=["x"], variable_code="ignore", scope="city", unit="人")



@pytest.fixture(scope="module")
def reading():
    return Reading()



@pytest.fixture
def match(tmp_path, write_xlsx, sidecar_of, reading):
    """match(names, year, source): (city_id or None, row_kind) of each name printed with one figure beside it."""

    def run(names: list[str], year: int, source: str = "yearbook_tables") -> list[tuple[str | None, str]]:
        rows = [["城市", "City", "人口（万人）"], *([name, "x", 1.0] for name in names)]
        write_xlsx("a.xlsx", {"S": (rows, [])})
        sidecar = sidecar_of("a.xlsx", layout="tables", source=source, data_year=year, edition_year=year + 1)
        reading.read(read_load(sidecar, tmp_path), NO_HEADERS, VARIABLES)
        found = reading.rows()[["city_id", "row_kind"]]
        return list(found.where(found.notna(), None).itertuples(index=False, name=None))

    return run



def test_a_city_and_a_province_with_one_stem_are_told_apart(match):
    """吉林市 and 吉林省, 海南省 and 海南藏族自治州; bare names are the province in the yearbooks."""
    assert match(["吉林省", "吉林市", "海南省", "海口市", "  三亚市", "儋州市"], 2020) == [
        ("CN220000", "province"),
        ("CN220200", "city"),
        ("CN460000", "province"),
        ("CN460100", "city"),
        ("CN460200", "city"),
        ("CN460400", "city"),
    ]
    assert match(["吉林", "海南", "海南藏族自治州"], 2019, "yearbook_wide") == [
        ("CN220000", "province"),
        ("CN460000", "province"),
        ("CN632500", "city"),
    ]


@pytest.mark.parametrize(
    ("name", "city", "valid", "too_late"),
    [
        ("莱芜市", "CN371200", 2018, 2019),  # became districts of 济南
        ("巢湖市", "CN341400", 2010, 2012),  # today a county-level city bears the name
        ("襄樊市", "CN420600", 2010, 2012),  # 襄阳
        ("昌都地区", "CN540300", 2013, 2016),
        ("那曲地区", "CN540600", 2016, 2020),
        ("哈密地区", "CN650500", 2015, 2020),
    ],
)
def test_a_name_of_another_year_is_refused(match, name, city, valid, too_late):
    assert match([name], valid) == [(city, "city")]
    assert match(["北京市", name], too_late) == [("CN110000", "city"), (None, "unknown")]
    hint = CityNames(DBT / "seeds").hint("yearbook_tables", name, too_late)
    assert hint.ready_row == ""  # an alias row would hide that the year is wrong
    assert city in hint.elsewhere


def test_a_misread_name_belongs_to_its_edition_only(match):
    misread = ["麥庄市", "荷泽市", "深河市", "常徳市", "脩州市", "那曲冇"]
    ids = ["CN370400", "CN371700", "CN411100", "CN430700", "CN460400", "CN540600"]
    assert match(misread, 2018, "yearbook_wide") == [(city, "city") for city in ids]
    assert match(misread, 2020, "yearbook_wide") == [(None, "unknown")] * 6


def test_a_county_is_known_by_its_name_of_the_year_and_the_heading_above(match):
    """In a source about counties; elsewhere the same names are unknown."""
    moved = [("CN341521", "county"), ("CN340422", "county")]
    assert [match(["寿县"], year, "county_tables")[0] for year in (2014, 2016)] == moved
    # a district of that name in Nanjing and in Xuzhou, and in three other provinces
    rows = ["福建省", "鼓楼区", "河南省", "鼓楼区", "江苏省", "鼓楼区", "邛峡市", "石家庄市"]
    found = match(rows, 2023, "county_tables")
    assert found[1] == ("CN350102", "county")
    assert found[3] == ("CN410204", "county")
    assert found[5] == (None, "unknown")  # two in one province: the file needs codes
    assert found[6] == ("CN510183", "county")
    assert found[7] == ("CN130100", "city")
    assert match(["鹿泉市"], 2013, "yearbook_tables") == [(None, "unknown")]


def test_an_unknown_name_is_listed_with_the_three_nearest_and_their_score(match):
    assert match(["石冢庄市"], 2020) == [(None, "unknown")]
    hint = CityNames(DBT / "seeds").hint("yearbook_tables", "石冢庄市", 2020)
    assert len(hint.nearest) == 3
    assert hint.nearest[0] == ("石家庄市", 75.0)
    assert [score for _, score in hint.nearest] == sorted((score for _, score in hint.nearest), reverse=True)
    assert hint.ready_row == "石冢庄市,CN130100,2020,2020,ocr,yearbook_tables,"


def test_a_row_without_figures_and_without_a_known_name_is_a_note(match, tmp_path, write_xlsx, sidecar_of, reading):
    rows = [
        ["城市", "City", "人口（万人）"],
        ["北京市", "Beijing", 1.0],
        ["续表", None, None],
        ["天津市", "Tianjin", 2.0],
    ]
    write_xlsx("b.xlsx", {"S": (rows, [])})
    reading.read(read_load(sidecar_of("b.xlsx"), tmp_path), NO_HEADERS, VARIABLES)
    assert reading.rows()["row_kind"].tolist() == ["city", "note", "city"]
