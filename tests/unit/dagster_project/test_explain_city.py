"""Explained scores on two cities, three years and two indicators, small enough to check by hand."""

import json
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pytest
from rich.console import Console

from dagster_project.paths import Paths
from dagster_project.publish.explain.queries import explain_score
from dagster_project.publish.explain.show import show_score
from dagster_project.publish.explain.story import story

CITY_COLUMNS = ["city_id", "city_code", "name_zh", "name_en", "province_name", "province_en"]
BASIS = "frozen_2012_2013"
CITIES = [
    ("CN000001", "000001", "甲市", "Jia", "东省", "Dong"),
    ("CN000002", "000002", "乙市", "Yi", "东省", "Dong"),
    ("CN000003", "000003", "丙市", "Bing", "西省", "Xi"),
]
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
        for k in WEIGHT:
            cells.append(
                {
                    "index_code": "x",
                    "basis": BASIS,
                    "city_id": city,
                    "year": year,
                    "indicator_code": k,
                    "z": z[k],
                    "weight": WEIGHT[k],
                    "contribution": WEIGHT[k] * z[k],
                    "obstacle_degree": WEIGHT[k] * (1 - z[k]) / short if short else None,
                    "value_raw": 100 * z[k],
                    "value_final": 90 * z[k],
                    "value_origin": ORIGIN.get((k, year), "observed"),
                    "is_winsorised": (k, year) == ("b", 2012),
                    "is_capped": False,
                    "out_of_base_range": z[k] > 1,
                }
            )
        for code, value in (("x", score), ("x_new", z["a"]), ("x_quality", z["b"])):
            scores.append(
                {
                    "index_code": code,
                    "spec_code": "x",
                    "basis": BASIS,
                    "weight_scheme": "entropy_flat",
                    "city_id": city,
                    "year": year,
                    "score": value,
                    "score_100": 100 * value,
                    "share_imputed_weight": 0.25,
                    "is_provisional": False,
                    "out_of_base_range": False,
                }
            )
    # another index has a score of the city that the headline dropped, also under weights that are not its own
    other = {"index_code": "w", "spec_code": "w", "weight_scheme": "equal", "city_id": "CN000003", "year": 2013}
    scores += [scores[0] | other, scores[0] | other | {"weight_scheme": "entropy_flat", "year": 2014}]
    score = pd.DataFrame(scores)
    score["rank_year"] = score.groupby(["index_code", "year"])["score"].rank(ascending=False, method="min").astype(int)
    cell, keys = pd.DataFrame(cells), ["index_code", "basis", "city_id", "year", "indicator_code"]
    return {
        "dim_city": pd.DataFrame(CITIES, columns=CITY_COLUMNS),
        "dim_index": pd.DataFrame(
            {
                "index_code": ["x", "w"],
                "title_zh": ["指数", "另一"],
                "title_en": ["Index", "Another"],
                "variant_of": [None, None],
                "basis": BASIS,
                "weight_scheme": ["entropy_flat", "equal"],
                "is_headline": [True, False],
                "is_computed": True,
            }
        ),
        "dim_indicator": pd.DataFrame(
            {
                "index_code": "x",
                "indicator_code": ["a", "b"],
                "name_zh": ["甲", "乙"],
                "name_en": ["first", "second"],
                "unit": "percent",
                "direction": [1, -1],
                "dimension": ["new", "quality"],
                "tier": ["N1", "Q1"],
            }
        ),
        "dim_vintage": pd.DataFrame({"data_vintage": ["2014A"], "is_synthetic": [True]}),
        "mart_sample_city": pd.DataFrame(
            {"index_code": ["x"], "city_id": ["CN000003"], "in_sample": [False], "drop_reason": ["no figures"]}
        ),
        "incomplete_year": pd.DataFrame(
            {"index_code": ["x"], "city_id": ["CN000002"], "year": [2013], "missing_indicators": ["a b"]}
        ),
        "mart_index_score": score,
        "mart_index_contribution": cell[[*keys, "weight", "z", "contribution", "obstacle_degree"]],
        "mart_indicator_value": cell.drop(columns=["weight", "z", "contribution", "obstacle_degree"]),
        "mart_indicator_source": pd.DataFrame(
            {
                "index_code": "x",
                "city_id": "CN000001",
                "year": 2013,
                "indicator_code": ["a"] * 5 + ["b"],
                "variable_code": [*"pqrst", "u"],
                "source": "book",
                "file": "book.xlsx",
                "sheet": "S",
                "cell": [f"A{i}" for i in range(6)],
                "text": "1",
                "value": 1.0,
                "unit": "persons",
            }
        ),
        "mart_index_uncertainty": pd.DataFrame(
            {
                "index_code": ["x"],
                "basis": [BASIS],
                "city_id": ["CN000001"],
                "year": [2013],
                "rank_p05": [1.0],
                "rank_p50": [1.0],
                "rank_p95": [2.0],
                "p_top20": [1.0],
                "score_p05": [0.2],
                "score_p95": [0.4],
                "n_draws": [1000],
            }
        ),
    }


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> Paths:
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
def con(paths: Paths):
    with duckdb.connect(str(paths.published_file), read_only=True) as opened:
        yield opened


def text_of(paths: Paths, city: str, year: int, index: str | None = None, full: bool = False) -> tuple[int, str]:
    console = Console(record=True, width=200)
    code = show_score(paths, console, city, year, index, full=full)
    return code, console.export_text()


# ---- the short answer --------------------------------------------------------------------------------------------


def test_the_story_by_hand(paths: Paths) -> None:
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


def test_without_a_year_before_the_story_says_what_the_score_is_made_of(paths: Paths) -> None:
    _, text = text_of(paths, "Yi", 2012)
    assert "score  100.00 of 100; no score in 2011" in text
    assert "What it is made of most, points of the score:" in text
    assert "+75.00  b" in text


@pytest.mark.parametrize(
    ("old", "verdict"),
    [
        ((1.0, 2.0), "overlapping, so a choice may explain the move"),
        ((3.0, 5.0), "apart, so no choice explains the move"),
    ],
)
def test_the_move_is_held_against_the_intervals_of_both_years(
    con: duckdb.DuckDBPyConnection, old: tuple[float, float], verdict: str
) -> None:
    found = explain_score(con, "Jia", 2013, None)
    before = {"rank_p05": old[0], "rank_p95": old[1]}
    assert story(replace(found, interval_before=before)).caveats[0].endswith(verdict)


def test_parts_that_are_not_shown_are_summed_up(
    con: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dagster_project.publish.explain.story.MOVERS", 1)
    told = story(explain_score(con, "Jia", 2013, None))
    assert [part.code for part in told.parts] == ["b"]
    assert told.rest == "+10.00  the other 1 indicators together; most against the whole: a +10.00"


def test_markdown_carries_the_mark_and_a_table(paths: Paths, capsys: pytest.CaptureFixture) -> None:
    assert show_score(paths, Console(), "Jia", 2013, None, form="markdown") == 0
    text = capsys.readouterr().out
    assert text.startswith("## 甲市 Jia (CN000001) in 2013")
    assert "**SYNTHETIC demo data" in text
    assert "| -15.00 | `b` | 乙 / second | 40 -\\> 20 percent, lower is better |" in text
    assert show_score(paths, Console(), "Jia", 2013, None, form="markdown", full=True) == 0
    assert "| `a` | 甲 / first | 60 | percent | 0.6000 | 0.2500 | 0.1500 | +0.1000 |" in capsys.readouterr().out


# ---- everything --------------------------------------------------------------------------------------------------


def test_everything_by_hand(paths: Paths) -> None:
    code, text = text_of(paths, "Jia", 2013, full=True)
    assert code == 0
    for words in (
        "SYNTHETIC demo data",
        "甲市 Jia (CN000001) in 2013: x, 指数 / Index",
        "score 0.3000 (30.00 of 100), rank 1 of 1",
        "over 1000 draws of all choices: rank 1 to 2 (5-95 %), median 1",
        "basis frozen_2012_2013, data vintage 2014A",
        "new 0.600 (rank 1), quality 0.200 (rank 1)",
        "flags: 1 imputed (25.0 % of the weight)",
        "Since 2012: score 0.3500 -0.0500, rank 2 -> 1",
        "= new +0.1000, quality -0.1500",
        "most: b -0.1500, a +0.1000",
        "Largest obstacles (share of the distance to the best score): b 85.7 %, a 14.3 %",
        "60 percent (higher is better): z 0.6000 x weight 0.2500 = 0.1500 (50.0 % of the score), obstacle 14.3 %",
        "since 2012 +0.1000 (value was 20)  [interpolated_linear]",
        "p = 1 persons, in book.xlsx S A0 [book]",
        "and 1 more printed cells: `nqpf explain Jia 2013 a`",
    ):
        assert words in text


def test_a_year_after_the_window_has_no_interval_and_says_what_left_the_range(paths: Paths) -> None:
    _, text = text_of(paths, "甲", 2014, full=True)
    assert "no interval: the choices are drawn for the years of the base window only" in text
    assert "[outside the base range]" in text
    assert "1 out of range" in text


def test_a_winsorised_value_shows_what_it_became(paths: Paths) -> None:
    _, text = text_of(paths, "000001", 2012, full=True)
    assert "[winsorised to 36]" in text
    assert "Since 2011: no score in that year." in text


def test_the_best_possible_score_has_no_obstacle(paths: Paths) -> None:
    code, text = text_of(paths, "Yi", 2012, full=True)
    assert code == 0
    assert "score 1.0000" in text
    assert "no obstacle: every indicator is at its best" in text


@pytest.mark.parametrize(
    ("city", "year", "index", "words"),
    [
        (
            "Bing",
            2013,
            None,
            "丙市 Bing (西省 000003) is not in x, the headline index: no figures. 2013 is scored in w: `--index w`.",
        ),
        ("Bing", 2014, None, "丙市 Bing (西省 000003) is not in x, the headline index: no figures.\n"),
        (
            "Yi",
            2013,
            None,
            "x has no score of 乙市 Yi (东省 000002) in 2013. Without a value: a, b. Years with one: 2012, 2014.",
        ),
        ("Jia", 2013, "w", "甲市 Jia (东省 000001) is not in w: no figures in the landed sources. 2013 is scored in x"),
        ("Jia", 2013, "y", "No index 'y' is computed. Indexes that are computed: x, w."),
        ("Jiaa", 2013, None, "No city is called 'Jiaa'"),
    ],
)
def test_no_answer_says_why_and_what_can_be_asked(
    paths: Paths, city: str, year: int, index: str | None, words: str
) -> None:
    code, text = text_of(paths, city, year, index)
    assert code == 2
    assert words in text


def test_json_is_whole_and_plain(paths: Paths, con: duckdb.DuckDBPyConnection, capsys: pytest.CaptureFixture) -> None:
    assert show_score(paths, Console(), "Yi", 2012, None, form="json") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["city"]["city_id"] == "CN000002"
    assert content["interval"] is None
    assert [c["obstacle_degree"] for c in content["cells"]] == [None, None]
    assert content["cells"][0]["contribution"] == explain_score(con, "Yi", 2012, None).cells.iloc[0]["contribution"]


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    code, text = text_of(Paths(tmp_path, tmp_path, tmp_path), "Jia", 2013)
    assert code == 2
    assert "Nothing is published" in text
