"""Which city a text means: exact before prefix before alike, twins told apart, apostrophes and suffixes optional."""

from collections.abc import Iterator

import duckdb
import pytest

from dagster_project.publish.explain.cities import NoAnswer, find_city, the_city

CITIES = [
    ("CN320500", "苏州市", "Suzhou", "江苏省", "320500", "Jiangsu"),
    ("CN341300", "宿州市", "Suzhou", "安徽省", "341300", "Anhui"),
    ("CN610100", "西安市", "Xi'an", "陕西省", "610100", "Shaanxi"),
    ("CN430300", "湘潭市", "Xiangtan", "湖南省", "430300", "Hunan"),
    ("CN222400", "延边朝鲜族自治州", "Yanbian", "吉林省", "222400", "Jilin"),
    ("CN220200", "吉林市", "Jilin", "吉林省", "220200", "Jilin"),
    ("CN440300", "深圳市", "Shenzhen", "广东省", "440300", "Guangdong"),
    ("CN650100", "乌鲁木齐市", "Urumqi", "新疆维吾尔自治区", "650100", "Xinjiang"),
]


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as con:
        con.execute("create schema mart")
        con.execute(
            "create table mart.dim_city"
            " (city_id text, name_zh text, name_en text, province_name text, city_code text, province_en text)"
        )
        con.executemany("insert into mart.dim_city values (?, ?, ?, ?, ?, ?)", CITIES)
        yield con


@pytest.mark.parametrize(
    ("text", "how", "codes"),
    [
        ("Xi'an", "exact", ["610100"]),
        ("xian", "exact", ["610100"]),  # and not Xiangtan, which begins with it
        ("XI’AN", "exact", ["610100"]),
        ("Xiang", "prefix", ["430300"]),
        ("西安", "exact", ["610100"]),
        ("深", "prefix", ["440300"]),
        ("延边", "prefix", ["222400"]),
        ("吉林", "exact", ["220200"]),  # the city, not every city of the province
        ("吉林省", "prefix", ["220200", "222400"]),
        ("Ürümqi", "exact", ["650100"]),
        ("新疆乌鲁木齐", "exact", ["650100"]),
        ("Suzhou", "exact", ["320500", "341300"]),
        ("suzhou, anhui", "exact", ["341300"]),
        ("安徽宿州", "exact", ["341300"]),
        ("CN341300", "exact", ["341300"]),
        ("341300", "exact", ["341300"]),
        ("Suzhuo", "near", ["320500", "341300"]),
    ],
)
def test_a_text_finds_its_cities(con: duckdb.DuckDBPyConnection, text: str, how: str, codes: list[str]) -> None:
    found = find_city(con, text)
    assert found.how == how
    assert [city.city_code for city in found.cities][: len(codes)] == codes
    if how != "near":
        assert len(found.cities) == len(codes)


@pytest.mark.parametrize("text", ["", "  ", "'", "%", "1"])
def test_nothing_is_guessed_from_nothing(con: duckdb.DuckDBPyConnection, text: str) -> None:
    assert find_city(con, text).how == "near"


def test_twins_are_named_with_province_and_code(con: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NoAnswer) as answer:
        the_city(con, "Suzhou")
    assert "2 cities are called 'Suzhou'" in str(answer.value)
    assert "苏州市 Suzhou (江苏省 320500), 宿州市 Suzhou (安徽省 341300)" in str(answer.value)


def test_a_beginning_that_fits_one_city_is_enough_and_a_misspelt_name_is_not(con: duckdb.DuckDBPyConnection) -> None:
    assert the_city(con, "深").name_en == "Shenzhen"
    with pytest.raises(NoAnswer, match=r"No city is called 'Shenzen'.* Nearest names: 深圳市 Shenzhen"):
        the_city(con, "Shenzen")
