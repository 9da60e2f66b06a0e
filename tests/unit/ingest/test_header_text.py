"""What a printed header says in Chinese: the SQL macros of dbt/macros/text.sql on the wordings that circulate."""

from pathlib import Path

import duckdb
import pytest
from jinja2 import Environment

MACROS = Path(__file__).resolve().parents[3] / "dbt" / "macros" / "text.sql"


@pytest.fixture(scope="module")
def ask():
    """ask(macro, text): the result of one macro on one text."""
    con = duckdb.connect()
    queries = {}

    def run(macro: str, text: str):
        if macro not in queries:
            source = MACROS.read_text(encoding="utf-8") + f"select {{{{ {macro}('t') }}}} from (select ?::varchar as t)"
            queries[macro] = Environment(autoescape=False).from_string(source).render()
        return con.execute(queries[macro], [text]).fetchone()[0]

    return run


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


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1234.5", 1234.5),
        (" 1,234,567.8 ", 1234567.8),
        ("1 234 567", 1234567.0),
        ("１２３．５", 123.5),
        ("－4.2", -4.2),
        ("−3.5", -3.5),
        ("1\u202f234", 1234.0),
        ("1\u2009234.5", 1234.5),
        ("12\u200b", 12.0),
        ("\ufeff7", 7.0),
        ("１，２３４", 1234.0),
        (".5", 0.5),
        ("1e3", 1000.0),
        ("178794000.0", 178794000.0),
        ("1 1.44", None),
        ("1,23", None),
        ("12,3456", None),
        ("II", None),
        ("().13", None),
        ("X940", None),
        ("8659!", None),
        ("1337()", None),
        ("5851 1", None),
        ("…", None),
        ("—", None),
        ("1-2", None),
        ("", None),
    ],
)
def test_a_number_is_read_or_left_to_a_person(ask, text, number):
    assert ask("clean_number", text) == number


@pytest.mark.parametrize("text", ["", " ", "-", "—", "——", "…", "……", "...", "/", "*", "NA", "－", "　", "–"])
def test_marks_of_a_missing_figure(ask, text):
    assert ask("is_blank_mark", text) is True


@pytest.mark.parametrize("text", ["0", "I", "x", "-1", "()", "#ERROR"])
def test_what_is_no_mark_of_a_missing_figure(ask, text):
    assert ask("is_blank_mark", text) is False
