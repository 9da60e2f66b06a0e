"""Headers and names in Chinese: the SQL that reads them on the wordings that circulate, dated names of cities."""

from functools import cache

import duckdb
import pandas as pd
import pytest
from dbt_models import DBT, with_macros
from reading import header_rows

from dagster_project.ingest import read_load
from expectations.suggest import CityNames


@pytest.fixture(scope="module")
def ask():
    """ask(macro, text): the result of one macro on one text."""
    con = duckdb.connect()
    query = cache(lambda macro: with_macros(f"select {{{{ {macro}('t') }}}} from (select ?::varchar as t)"))
    return lambda macro, text: con.execute(query(macro), [text]).fetchall()[0][0]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        # bilingual in one cell, in two cells, words run together by a scan
        (
            "2-9 地区生产总值 / 人均地区生产总值 (元) Per Capita GRP (yuan) / 全市 Total City",
            "地区生产总值/人均地区生产总值(元)/全市",
        ),
        (
            "地区生产总值 / 人均地区生产总值 (元) / Per Capita GRP (yuan) / 全市",
            "地区生产总值/人均地区生产总值(元)/全市",
        ),
        ("税金及附加 Taxand Extra Charges / 市辖区 Districts under City", "税金及附加/市辖区"),
        ("高速公路里程 (公里) Hie Mileage of Expressway (km)", "高速公路里程(公里)"),
        ("货物进口额 (万元) Import Volumeof goods (10 OOOyuan)", "货物进口额(万元)"),
        ("居民家庭用量 Consumption of Gas fbr Residential Use", "居民家庭用量"),
        (
            "2-10地方一般公共预算收支状况(全市) SYNTHETIC / 单位：万元 / 教育支出 EXPENDITURE",
            "地方一般公共预算收支状况(全市)/教育支出",
        ),
        # an abbreviation leads the English part, or belongs to the Chinese word
        ("地区生产总值增长率 (%) GRP Growth Rate (%) / 全市", "地区生产总值增长率(%)(%)/全市"),
        ("第二产业占GDP的比重 / Secondary Industry as Percentage to GRP", "第二产业占GDP的比重"),
        ("人均GDP Per Capita GDP (yuan)", "人均GDP"),
        ("R&D内部经费支出（万元） / R&D Internal Outlay （10 000 yuan）", "R&D内部经费支出(万元)"),
        ("外商直接投资 FDI（万美元）", "外商直接投资FDI(万美元)"),
        ("对外经济贸易 / FDI / 全市", "对外经济贸易/FDI/全市"),
        ("PM2.5人口加权年均浓度（微克/立方米）", "PM2.5人口加权年均浓度(微克/立方米)"),
        # units: Chinese wins, English goes, the unit at the end of the English part is not lost
        ("年末户籍人口（万人）（10 000 persons）", "年末户籍人口(万人)"),
        ("常住人口城镇化率 Urbanization Rate of Permanent Resident Population (%)", "常住人口城镇化率(%)"),
        ("人口自然增长率 Natural Growth Rate (‰)", "人口自然增长率(‰)"),
        ("地区生产总值 Gross Regional Product （亿元）", "地区生产总值(亿元)"),
        (
            "细颗粒物年平均浓度 (微克/立方米) Annual Mean Concentration ofPM2.5 (ug/m3)",
            "细颗粒物年平均浓度(微克/立方米)",
        ),
        ("细颗粒物年平均浓度(μg/m3)", "细颗粒物年平均浓度(μg/m3)"),
        ("排水管道长度 （公里）Length of Urban Sewage Pipes （km）", "排水管道长度(公里)"),
        # one cell with two headers on top of each other
        (
            "商品房销售面积 Sales Area of Commercial Residential Building 其中：住宅 Residential Buildings",
            "商品房销售面积其中:住宅",
        ),
        (
            "供气总量 （煤气、天然气） (万立方米) Total Gas Supply (Coal Gas, Natural Gas) (10 000 cubic meters)",
            "供气总量(煤气、天然气)(万立方米)",
        ),
        # table numbers and continued tables
        ("2-17 科技创新情况               （全市） / 专利授权数", "科技创新情况(全市)/专利授权数"),
        ("表2－1 人口数（续表1） / 常住人口", "人口数/常住人口"),
        ("2-24 学生数(一)(续) / 普通本专科", "学生数(一)/普通本专科"),
        # full-width letters, other brackets, signs without width
        ("第二产业占ＧＤＰ的比重［％］", "第二产业占GDP的比重(%)"),
        ("Ｒ＆Ｄ人员【人】\u200b", "R&D人员(人)"),
        # years in a header tell columns apart
        ("地区生产总值 / 2019 / 全市", "地区生产总值/2019/全市"),
        # compiled files: no Chinese, nothing is cut
        ("GDP Growth Pct", "gdpgrowthpct"),
        ("gdp_100m", "gdp_100m"),
    ],
)
def test_a_header_keeps_its_chinese_and_its_units(ask, path, text):
    assert ask("header_text", path) == text


@pytest.mark.parametrize(
    ("path", "unit"),
    [
        ("2-8 收支 / 单位：万元 (10 000 yuan) / 教育支出", "万元"),
        ("3-5年末金融机构存贷款余额 / 单位：万元                      (10 000 yuan) / 年末贷款余额", "万元"),
        ("土地面积 / 单位：平方公里   (sq.km) / 面积", "平方公里"),
        ("水资源 / 单位:亿立方米 (108cu.m) / 水资源总量", "亿立方米"),
        ("专利 / 计量单位：件 / 专利授权数", "件"),
        ("工资 / 单位：元/人 / 平均工资", "元/人"),
        ("人口 （单位：万人） / 常住人口", None),
        ("人口 / 常住人口（万人）", None),
    ],
)
def test_the_unit_note_of_a_table(ask, path, unit):
    assert ask("unit_note", path) == unit


def test_a_unit_note_inside_brackets_is_a_unit_in_brackets(ask):
    assert ask("header_text", "人口数（单位：万人 10 000 persons） / 常住人口") == "人口数(万人)/常住人口"
    assert ask("header_text", "2-1 人口数 单位：万人 / 常住人口") == "人口数(万人)/常住人口"


NUMBERS = {"1234.5": 1234.5, " 1,234,567.8 ": 1234567.8, "1 234 567": 1234567.0, "１２３．５": 123.5, "－4.2": -4.2}
NUMBERS |= {"−3.5": -3.5, "1\u202f234": 1234.0, "1\u2009234.5": 1234.5, "12\u200b": 12.0, "\ufeff7": 7.0}
NUMBERS |= {"１，２３４": 1234.0, ".5": 0.5, "1e3": 1000.0, "178794000.0": 178794000.0}
NO_NUMBERS = ("1 1.44", "1,23", "12,3456", "II", "().13", "X940", "8659!", "1337()", "5851 1", "…", "—", "1-2", "")


@pytest.mark.parametrize(("text", "number"), [*NUMBERS.items(), *((text, None) for text in NO_NUMBERS)])
def test_a_number_is_read_or_left_to_a_person(ask, text, number):
    assert ask("clean_number", ask("bare_figure", text)) == number


BLANKS = ("", " ", "-", "—", "——", "…", "……", "...", "/", "*", "NA", "－", "　", "–")


@pytest.mark.parametrize("text", [*BLANKS, "0", "I", "x", "-1", "()", "#ERROR"])
def test_marks_of_a_missing_figure(ask, text):
    assert ask("is_blank_mark", ask("bare_figure", text)) is (text in BLANKS)


VARIABLES = pd.DataFrame(columns=pd.read_csv(DBT / "seeds" / "variable.csv").columns, dtype=str)
NO_HEADERS = header_rows("x", header_key=["x"], variable_code="ignore", scope="city", unit="人")


@pytest.fixture
def match(tmp_path, write_xlsx, sidecar_of, reading):
    """match(names, year, source): (city_id or None, row_kind) of each name printed with one figure beside it."""

    def run(names: list[str], year: int, source: str = "yearbook_tables") -> list[tuple[str | None, str]]:
        rows = [["城市", "City", "人口（万人）"], *([name, "x", 1.0] for name in names)]
        write_xlsx("a.xlsx", {"S": (rows, [])})
        sidecar = sidecar_of("a.xlsx", layout="tables", source=source, data_year=year, edition_year=year + 1)
        reading.read(read_load(sidecar, tmp_path), NO_HEADERS, VARIABLES)
        found = reading.rows()[["city_id", "row_kind"]]
        return list(found.astype(object).where(found.notna(), None).itertuples(index=False, name=None))

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
    found = match(["吉林", "海南", "海南藏族自治州"], 2019, "yearbook_wide")
    assert found == [("CN220000", "province"), ("CN460000", "province"), ("CN632500", "city")]


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


def test_a_row_without_figures_and_without_a_known_name_is_a_note(tmp_path, write_xlsx, sidecar_of, reading):
    rows = [["城市", "City", "人口（万人）"], ["北京市", "Beijing", 1.0], ["续表"], ["天津市", "Tianjin", 2.0]]
    write_xlsx("b.xlsx", {"S": (rows, [])})
    reading.read(read_load(sidecar_of("b.xlsx"), tmp_path), NO_HEADERS, VARIABLES)
    assert reading.rows()["row_kind"].tolist() == ["city", "note", "city"]
