"""Which city a text means, and explained scores: two cities, three years, two indicators, checked by hand."""

import json
from dataclasses import replace

import duckdb
import pandas as pd
import pytest
from rich.console import Console
from text_table import frame_of

from dagster_project.paths import Paths
from dagster_project.publish.explain.cities import NoAnswer, find_city, the_city
from dagster_project.publish.explain.queries import explain_score
from dagster_project.publish.explain.show import show_score
from dagster_project.publish.explain.story import story

BASIS = "frozen_2012_2013"
CITIES = frame_of("""
city_id   name_zh  name_en  province_name  province_en
CN000001  甲市     Jia      东省           Dong
CN000002  乙市     Yi       东省           Dong
CN000003  丙市     Bing     西省           Xi
""")
INDEXES = frame_of("""
index_code  title_zh  title_en  variant_of  weight_scheme  is_headline
x           指数      Index     -           entropy_flat   True
w           另一      Another   -           equal          False
""")
INDICATORS = frame_of("""
indicator_code  name_zh  name_en  direction  dimension  tier
a               甲       first            1  new        N1
b               乙       second          -1  quality    Q1
""")
UNCERTAINTY = frame_of("""
index_code  city_id   year  rank_p05  rank_p50  rank_p95  p_top20  score_p05  score_p95  n_draws
x           CN000001  2013       1.0       1.0       2.0      1.0        0.2        0.4     1000
""")
EDITS = frame_of("""
city_id   year  variable_code    source  file       sheet  cell  printed_value  unit     action
CN000001  2014  withheld_figure  book    book.xlsx  S      Z9              9.0  persons  withheld
""")
ORIGIN = {("a", 2013): "interpolated_linear"}
WEIGHT = {"a": 0.25, "b": 0.75}
Z = {  # city, year -> z of a and b; the second city has no score in 2013
    ("CN000001", 2012): (0.2, 0.4),
    ("CN000001", 2013): (0.6, 0.2),
    ("CN000001", 2014): (1.2, 0.2),
    ("CN000002", 2012): (1.0, 1.0),
    ("CN000002", 2014): (0.0, 0.1),
}


def tables() -> dict[str, pd.DataFrame]:
    cells, scores = [], []
    for (city, year), values in Z.items():
        z = dict(zip(WEIGHT, values, strict=True))
        score = sum(WEIGHT[k] * z[k] for k in WEIGHT)
        short = sum(WEIGHT[k] * (1 - z[k]) for k in WEIGHT)
        keys = {"basis": BASIS, "city_id": city, "year": year}
        for k, w in WEIGHT.items():
            parts = {
                "weight": w,
                "contribution": w * z[k],
                "obstacle_degree": w * (1 - z[k]) / short if short else None,
            }
            origin = ORIGIN.get((k, year), "observed")
            value = {"z": z[k], "value_raw": 100 * z[k], "value_final": 90 * z[k], "value_origin": origin}
            flags = {"is_winsorised": (k, year) == ("b", 2012), "is_capped": False, "out_of_base_range": z[k] > 1}
            cells.append({"index_code": "x", **keys, "indicator_code": k, **parts, **value, **flags})
        for code, value in (("x", score), ("x_new", z["a"]), ("x_quality", z["b"])):
            own = {"index_code": code, "spec_code": "x", "weight_scheme": "entropy_flat", **keys}
            flags = {"share_imputed_weight": 0.25, "is_provisional": False, "out_of_base_range": False}
            scores.append({**own, "score": value, "score_100": 100 * value, **flags})
    # another index has a score of the city that the headline dropped, also under weights that are not its own
    other = {"index_code": "w", "spec_code": "w", "weight_scheme": "equal", "city_id": "CN000003", "year": 2013}
    scores += [scores[0] | other, scores[0] | other | {"weight_scheme": "entropy_flat", "year": 2014}]
    score = pd.DataFrame(scores)
    score["rank_year"] = score.groupby(["index_code", "year"])["score"].rank(ascending=False, method="min").astype(int)
    cell, keys = pd.DataFrame(cells), ["index_code", "basis", "city_id", "year", "indicator_code"]
    source = pd.DataFrame({"indicator_code": ["a"] * 5 + ["b"], "variable_code": [*"pqrst", "u"]})
    source = source.assign(index_code="x", city_id="CN000001", year=2013, cell=[f"A{i}" for i in range(6)])
    dropped = pd.DataFrame(
        {"index_code": ["x"], "city_id": "CN000003", "in_sample": False, "drop_reason": "no figures"}
    )
    gap = pd.DataFrame({"index_code": ["x"], "city_id": "CN000002", "year": 2013, "missing_indicators": "a b"})
    return {
        "dim_city": CITIES.assign(city_code=CITIES["city_id"].str[2:]),
        "dim_index": INDEXES.assign(basis=BASIS, is_computed=True),
        "dim_indicator": INDICATORS.assign(index_code="x", unit="percent"),
        "dim_vintage": pd.DataFrame({"data_vintage": ["2014A"], "is_synthetic": [True]}),
        "mart_sample_city": dropped.assign(drop_reason="no figures"),
        "incomplete_year": gap,
        "mart_index_score": score,
        "mart_index_contribution": cell[[*keys, "weight", "z", "contribution", "obstacle_degree"]],
        "mart_indicator_value": cell.drop(columns=["weight", "z", "contribution", "obstacle_degree"]),
        "mart_indicator_source": source.assign(
            source="book", file="book.xlsx", sheet="S", text="1", value=1.0, unit="persons", edit_action=None
        ),
        "mart_index_uncertainty": UNCERTAINTY.assign(basis=BASIS),
        "mart_edit": EDITS.assign(printed_text="9", indicators="a other"),
    }


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    root = tmp_path_factory.mktemp("explain")
    made = Paths(root, root, root)
    made.published.mkdir()
    with duckdb.connect(str(made.published_file)) as con:
        con.execute("create schema mart")
        for name, frame in tables().items():
            con.register("incoming", frame)
            con.execute(f"create table mart.{name} as from incoming")
    return made


@pytest.fixture
def con(paths):
    with duckdb.connect(str(paths.published_file), read_only=True) as opened:
        yield opened


def text_of(
    paths: Paths, city: str, year: int, index: str | None = None, full: bool = False, language: str = "en"
) -> tuple[int, str]:
    console = Console(record=True, width=200)
    code = show_score(paths, console, city, year, index, full=full, language=language)
    return code, console.export_text()


def test_the_story_by_hand(paths):
    code, text = text_of(paths, "Jia", 2013)
    assert code == 0
    assert text.splitlines() == [
        "SYNTHETIC demo data: says nothing about China",
        "甲市 Jia (CN000001) in 2013: 指数 / Index (x)",
        "  score  30.00 of 100, -5.00 since 2012 (35.00)",
        "  rank   1 of 1, up 1 since 2012 (2)",
        "  parts  new +10.00, quality -15.00",
        "What moved it most since 2012, points of the score:",
        "  -15.00  b  乙 / second",
        "          40 -> 20 percent, lower is better; u = 1 persons: book.xlsx S A5",
        "  +10.00  a  甲 / first",
        "          20 -> 60 percent [interpolated_linear]; p = 1 persons: book.xlsx S A0 and 4 more",
        "Keep in mind:",
        "  - rank 1 to 2 in 90 % of 1,000 draws of all choices",
        "  - of 2 values: 1 imputed (25.0 % of the weight)",
        "More: `nqpf explain CN000001 2013 --full`; `nqpf explain CN000001 2013 b`",
    ]


def test_a_figure_that_is_left_out_until_a_person_answers_is_said_and_shown(paths):
    _, text = text_of(paths, "Jia", 2014)
    assert "1 of a figure under question, left out until a person answers (25.0 % of the weight)" in text
    _, text = text_of(paths, "Jia", 2014, full=True)
    assert "withheld_figure = 9 persons, in book.xlsx S Z9 [book]; left out until a person answers" in text


def test_the_short_answer_is_told_in_chinese_too(paths):
    _, text = text_of(paths, "Jia", 2014, language="zh")
    assert "1 个依据存疑数字，人工裁定前不予使用（占权重 25.0%）" in text
    status, text = text_of(paths, "Jia", 2014, language="xx")
    assert status == 2
    assert "Languages: en, zh." in text


def test_the_story_of_another_index_than_the_headline_goes_on_with_that_index(con):
    other = replace(explain_score(con, "Jia", 2013, "x"), is_headline=False)
    assert story(other).more == [
        "nqpf explain CN000001 2013 --full --index x",
        "nqpf explain CN000001 2013 b --index x",
    ]


def test_the_story_of_a_score_without_a_year_before_and_with_parts_that_are_not_shown(paths, con, monkeypatch):
    _, text = text_of(paths, "Yi", 2012)
    assert "score  100.00 of 100; no score in 2011" in text
    assert "What it is made of most, points of the score:" in text
    assert "+75.00  b" in text
    monkeypatch.setattr("dagster_project.publish.explain.story.MOVERS", 1)
    told = story(explain_score(con, "Jia", 2013, None))
    assert [part.code for part in told.parts] == ["b"]
    assert told.rest == "+10.00  the other 1 indicators together; most against the whole: a +10.00"


@pytest.mark.parametrize(
    ("old", "verdict"),
    [
        ((1.0, 2.0), "overlapping, so a choice may explain the move"),
        ((3.0, 5.0), "apart, so no choice explains the move"),
    ],
)
def test_the_move_is_held_against_the_intervals_of_both_years(con, old, verdict):
    found = explain_score(con, "Jia", 2013, None)
    before = {"rank_p05": old[0], "rank_p95": old[1]}
    assert story(replace(found, interval_before=before)).caveats[0].endswith(verdict)


def test_markdown_carries_the_mark_and_a_table_and_json_is_whole_and_plain(paths, capsys, con):
    assert show_score(paths, Console(), "Jia", 2013, None, form="markdown") == 0
    text = capsys.readouterr().out
    assert text.startswith("## 甲市 Jia (CN000001) in 2013")
    assert "**SYNTHETIC demo data" in text
    assert "| -15.00 | `b` | 乙 / second | 40 -\\> 20 percent, lower is better |" in text
    assert show_score(paths, Console(), "Jia", 2013, None, form="markdown", full=True) == 0
    assert "| `a` | 甲 / first | 60 | percent | 0.6000 | 0.2500 | 0.1500 | +0.1000 |" in capsys.readouterr().out
    assert show_score(paths, Console(), "Yi", 2012, None, form="json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["city"]["city_id"] == "CN000002"
    assert content["interval"] is None
    assert [c["obstacle_degree"] for c in content["cells"]] == [None, None]
    assert content["cells"][0]["contribution"] == explain_score(con, "Yi", 2012, None).cells.iloc[0]["contribution"]


def test_everything_by_hand(paths):
    code, text = text_of(paths, "Jia", 2013, full=True)
    assert code == 0
    for words in (
        "SYNTHETIC demo data",
        "score  30.00 of 100, -5.00 since 2012 (35.00)",
        "Basis frozen_2012_2013, data vintage 2014A: new 0.600 (rank 1), quality 0.200 (rank 1)",
        "Largest obstacles (share of the distance to the best score): b 85.7 %, a 14.3 %",
        "60 percent (higher is better): z 0.6000 x weight 0.2500 = 0.1500 (50.0 % of the score), obstacle 14.3 %",
        "since 2012 +0.1000 (value was 20)  [interpolated_linear]",
        "p = 1 persons, in book.xlsx S A0 [book]",
        "and 1 more printed cells: `nqpf explain CN000001 2013 a`",
    ):
        assert words in text


NO_INTERVAL = "no interval of the rank: choices are drawn for years of the base window, not at depth quick"


@pytest.mark.parametrize(
    ("city", "year", "says"),
    [
        ("甲", 2014, (NO_INTERVAL, "[outside the base range]", "1 out of range")),
        ("000001", 2012, ("[winsorised to 36]", "no score in 2011")),
        ("Yi", 2012, ("100.00 of 100", "no obstacle: every indicator is at its best")),
    ],
)
def test_everything_also_says_what_is_special_about_a_score(paths, city, year, says):
    code, text = text_of(paths, city, year, full=True)
    assert code == 0
    for words in says:
        assert words in text


NOT_IN_X = "丙市 Bing (西省 000003) is not in x, the headline index: no figures."
NO_SCORE = "x has no score of 乙市 Yi (东省 000002) in 2013. Without a value: a, b. Years with one: 2012, 2014."
NOT_IN_W = "甲市 Jia (东省 000001) is not in w: no figures in the landed sources. 2013 is scored in x"


@pytest.mark.parametrize(
    ("city", "year", "index", "words"),
    [
        ("Bing", 2013, None, f"{NOT_IN_X} 2013 is scored in w: `--index w`."),
        ("Bing", 2014, None, f"{NOT_IN_X}\n"),
        ("Yi", 2013, None, NO_SCORE),
        ("Jia", 2013, "w", NOT_IN_W),
        ("Jia", 2013, "y", "No index 'y' is computed. Indexes that are computed: x, w."),
        ("Jiaa", 2013, None, "No city is called 'Jiaa'"),
    ],
)
def test_no_answer_says_why_and_what_can_be_asked(paths, city, year, index, words):
    code, text = text_of(paths, city, year, index)
    assert code == 2
    assert words in text


def test_an_empty_folder_is_said(tmp_path):
    code, text = text_of(Paths(tmp_path, tmp_path, tmp_path), "Jia", 2013)
    assert code == 2
    assert "Nothing is published" in text


TWINS = [
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
def twins():
    with duckdb.connect() as con:
        con.execute(
            "create schema mart; create table mart.dim_city"
            " (city_id text, name_zh text, name_en text, province_name text, city_code text, province_en text)"
        )
        con.executemany("insert into mart.dim_city values (?, ?, ?, ?, ?, ?)", TWINS)
        yield con


EXACT = {  # and not Xiangtan, which begins with xian; the city Jilin, not every city of the province
    "610100": ("Xi'an", "xian", "XI’AN", "西安"),
    "650100": ("Ürümqi", "新疆乌鲁木齐", "wulumuqi"),
    "222400": ("延边",),
    "341300": ("suzhou, anhui", "安徽宿州", "CN341300", "341300"),
    "220200": ("吉林",),
    "320500 341300": ("Suzhou",),
}
PREFIX = {"430300": ("Xiang",), "440300": ("深",), "222400": ("延边朝",), "220200 222400": ("吉林省",)}
MEANT = [
    (text, how, codes)
    for how, meant in (("exact", EXACT), ("prefix", PREFIX))
    for codes, texts in meant.items()
    for text in texts
]


@pytest.mark.parametrize(("text", "how", "codes"), MEANT)
def test_a_text_finds_its_cities(twins, text, how, codes):
    found = find_city(twins, text)
    assert found.how == how
    assert [city.city_code for city in found.cities] == codes.split()


@pytest.mark.parametrize("text", ["Suzhuo", "", "  ", "'", "%", "1"])
def test_a_misspelt_name_finds_the_nearest_and_nothing_is_guessed_from_nothing(twins, text):
    found = find_city(twins, text)
    assert found.how == "near"
    assert text != "Suzhuo" or [city.city_code for city in found.cities][:2] == ["320500", "341300"]


def test_twins_are_named_with_province_and_code_and_a_beginning_that_fits_one_is_enough(twins):
    with pytest.raises(NoAnswer) as answer:
        the_city(twins, "Suzhou")
    assert "2 cities are called 'Suzhou'" in str(answer.value)
    assert "苏州市 Suzhou (江苏省 320500), 宿州市 Suzhou (安徽省 341300)" in str(answer.value)
    assert the_city(twins, "深").name_en == "Shenzhen"
    with pytest.raises(NoAnswer, match=r"No city is called 'Shenzen'.* Nearest names: 深圳市 Shenzhen"):
        the_city(twins, "Shenzen")
