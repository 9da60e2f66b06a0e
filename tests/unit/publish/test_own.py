"""An index, a regression or weights of a reader's own: sums by hand, another estimator, every doubtful cell refused."""

import hashlib
import importlib.util
import json

import numpy as np
import pandas as pd
import pytest
import xlsxwriter
from own_world import CITIES, NAMES_ZH, YEARS, make_world
from promised_marts import insert
from scipy.stats import spearmanr
from typer.testing import CliRunner

from dagster_project.cli.main import app
from dagster_project.paths import PROJECT
from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.own import open_reader, own_index, own_model
from dagster_project.publish.whatif import presets, whatif


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    root = tmp_path_factory.mktemp("own")
    (root / "published").mkdir()
    return root, make_world(root / "published" / "city.duckdb")


@pytest.fixture
def opened(world):
    with open_reader(world[0] / "published" / "city.duckdb") as opened:
        yield opened


@pytest.fixture
def figures(world):
    return world[1]


@pytest.fixture
def parks(tmp_path, figures):
    """A CSV of one column for every city and year, and its values."""
    value = pd.Series(np.random.default_rng(3).uniform(1, 5, len(figures)), figures.index, name="parks").round(3)
    names = dict(zip(CITIES, NAMES_ZH, strict=True))
    printed = value.rename_axis(["city", "year"]).rename(index=names, level="city")
    printed.to_csv(tmp_path / "parks.csv")
    return tmp_path / "parks.csv", value


def scaled(column: pd.Series) -> pd.Series:
    return (column - column.min()) / (column.max() - column.min())


def scores(own) -> pd.Series:
    return own.scores.set_index(["city_id", "year"])["score_100"].sort_index()


def coinr_workbook(file, meta, data):
    with xlsxwriter.Workbook(str(file)) as book:
        for name, rows in (("iData", data), ("iMeta", meta)):
            sheet = book.add_worksheet(name)
            for k, row in enumerate(rows):
                sheet.write_row(k, 0, row)
    return file


META = [
    ["iCode", "Parent", "Level", "Direction", "Weight", "Type"],
    ["m1", "G1", 1, 1, 3, "Indicator"],
    ["m2", "G1", 1, -1, 1, "Indicator"],
    ["m3", "G2", 1, 1, 1, "Indicator"],
    ["G1", "Index", 2, 1, 2, "Aggregate"],
    ["G2", "Index", 2, 1, 1, "Aggregate"],
    ["Index", "", 3, 1, 1, "Aggregate"],
    ["area", "", "", "", "", "Denominator"],
]


def test_a_workbook_of_coinr_gives_the_arithmetic_mean_over_its_levels(opened, figures, tmp_path):
    own = figures.reset_index()
    rows = [
        [c, c, y, a, b, d, 1] for c, y, a, b, d in own[["city_id", "year", "a1", "b1", "b2"]].itertuples(index=False)
    ]
    file = coinr_workbook(tmp_path / "coin.xlsx", META, [["uCode", "uName", "Time", "m1", "m2", "m3", "area"], *rows])
    result = own_index(opened, file)
    z = {"m1": scaled(figures["a1"]), "m2": 1 - scaled(figures["b1"]), "m3": scaled(figures["b2"])}
    expected = 100 * (2 / 3 * (3 * z["m1"] + z["m2"]) / 4 + z["m3"] / 3)
    np.testing.assert_allclose(scores(result), expected.sort_index(), rtol=1e-9)
    assert dict(result.weights.set_index("indicator_code")["dimension"]) == {"m1": "G1", "m2": "G1", "m3": "G2"}


def test_a_workbook_of_the_coin_tool_is_read_where_coinr_reads_it(opened, figures, tmp_path):
    own = figures.reset_index().query("year == 2016")
    head = [[1, 3, 2], [1, -1, 1], ["", "", ""], ["", "", ""], *[["Index"] * 3] * 2, ["p.01", "p.01", "p.02"]]
    head += [["sp.01", "sp.01", "sp.02"], ["Name"] * 3, ["Ind.01", "Ind.02", "Ind.03"]]
    head[5] = ["si.01"] * 3
    with xlsxwriter.Workbook(str(tmp_path / "index_2016.xlsx")) as book:
        sheet, frame = book.add_worksheet("Database"), book.add_worksheet("Framework")
        for k, row in enumerate(head):
            sheet.write_row(6 + k, 4, row)
        for k, (city, *values) in enumerate(own[["city_id", "a1", "b1", "b2"]].itertuples(index=False)):
            sheet.write_row(16 + k, 1, [city, city, "", *values])
        for k, row in enumerate([["p.01", "", 2], ["p.02", "", 1], ["si.01", "", 1], ["Index", "", 1]]):
            frame.write_row(4 + k, 2, row)
    result = own_index(opened, tmp_path / "index_2016.xlsx")
    z = own.set_index(["city_id", "year"])
    expected = 100 * (2 / 3 * (scaled(z["a1"]) + 3 * (1 - scaled(z["b1"]))) / 4 + scaled(z["b2"]) / 3)
    np.testing.assert_allclose(scores(result), expected.sort_index(), rtol=1e-9)
    nameless = (tmp_path / "index_2016.xlsx").rename(tmp_path / "index.xlsx")
    with pytest.raises(ExportError, match="has no year"):
        own_index(opened, nameless)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ([META[0][:-1], ["m1", "", 1, 1, 1]], "no column Type"),
        ([META[0], ["m1", "", 1, 5, 1, "Indicator"]], "m1 needs a weight and a direction"),
        ([META[0], ["m1", "G9", 1, 1, 1, "Indicator"]], "m1 needs a parent, not 'G9'"),
        ([META[0], ["m1", "m1", 1, 1, 1, "Indicator"]], "m1 is its own parent"),
    ],
)
def test_a_workbook_of_coinr_that_does_not_fit_is_refused_with_its_place(opened, tmp_path, meta, said):
    with pytest.raises(ExportError, match=said):
        own_index(
            opened, coinr_workbook(tmp_path / "coin.xlsx", meta, [["uCode", "Time", "m1"], ["CN000001", 2012, 1]])
        )


def test_equal_weights_are_the_mean_of_scaled_columns_and_lower_is_better_where_the_file_says_so(opened, figures):
    own = own_index(opened, {"name": "mine", "indicators": ["a1", "b2"], "weights": "equal"})
    expected = 50 * (scaled(figures["a1"]) + 1 - scaled(figures["b2"]))
    np.testing.assert_allclose(scores(own), expected.sort_index(), rtol=0, atol=1e-11)
    assert set(own.scores["index_code"]) == {"mine"}
    last = own.scores[own.scores["year"] == 2016]
    assert own.spearman == pytest.approx(spearmanr(last["score_100"], last["published_score"]).statistic)
    by_part = own.values.groupby(["city_id", "year"])["contribution"].sum()
    np.testing.assert_allclose(by_part.sort_index(), scores(own), rtol=0, atol=1e-11)


def test_own_weights_own_column_and_geometric_mean(opened, figures, parks):
    file, value = parks
    spec = {"csv": str(file), "indicators": {"a1": {"dimension": "x"}, "parks": {"direction": -1}}}
    sum_of = own_index(opened, {**spec, "weights": {"a1": 3, "parks": 1}})
    z, other = scaled(figures["a1"]), 1 - scaled(value)
    np.testing.assert_allclose(scores(sum_of), (75 * z + 25 * other).sort_index(), rtol=0, atol=1e-11)
    mean = own_index(opened, {**spec, "weights": {"a1": 3, "parks": 1}, "aggregation": "geometric"})
    expected = 100 * z.clip(lower=0.01) ** 0.75 * other.clip(lower=0.01) ** 0.25
    np.testing.assert_allclose(scores(mean), expected.sort_index(), rtol=1e-12)
    assert (scores(mean) <= scores(sum_of) + 1).all(), "a geometric mean is not above the mean"
    topsis = own_index(opened, {**spec, "weights": "entropy", "aggregation": "topsis"})
    assert scores(topsis).between(0, 100).all()
    assert topsis.values["contribution"].isna().all()


def test_the_window_makes_the_bounds_and_years_only_choose_what_is_shown(opened, figures):
    spec = {"indicators": ["a1", "b1"], "weights": "equal"}
    every, one = own_index(opened, spec), own_index(opened, {**spec, "years": 2016})
    pd.testing.assert_series_equal(scores(one), scores(every)[scores(every).index.get_level_values(1) == 2016])
    early = own_index(opened, {**spec, "window": "2012-2013"})
    early_part = figures[figures.index.get_level_values("year") <= 2013]
    assert early.weights["min_value"].tolist() == pytest.approx(early_part[["a1", "b1"]].min().tolist())


def test_a_city_without_a_figure_in_the_window_is_left_out_and_named(opened, tmp_path):
    lines = [
        f"{zh},{year},{k + year % 3 if year > 2012 or k else ''}" for k, zh in enumerate(NAMES_ZH) for year in YEARS
    ]
    (tmp_path / "gap.csv").write_text("城市;年份;value\n".replace(";", ",") + "\n".join(lines), encoding="gb18030")
    own = own_index(opened, {"indicators": {"a1": None, "gap": {"csv": str(tmp_path / "gap.csv"), "direction": 1}}})
    assert own.left_out == {CITIES[0]: "no gap in 2012"}
    assert set(own.scores["city_id"]) == set(CITIES[1:])


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"indicators": ["a1"], "wieghts": "equal"}, "'wieghts' is no key"),
        ({"weights": "equal"}, "no 'indicators'"),
        ({"indicators": ["a11"]}, "Nothing is called 'a11'.*Nearest: a1"),
        ({"indicators": {"a1": {"directoin": 1}}}, "'directoin' is no key"),
        ({"indicators": {"nqpf": {}}}, "nqpf needs `direction"),
        ({"indicators": {"a1": {"direction": 2}}}, "a1 needs `direction"),
        ({"indicators": ["a1"], "years": 2031}, "a1 has no figure in 2031. Its years: 2012-2016"),
        ({"indicators": ["a1"], "years": "soon"}, "'soon' is no year"),
        ({"indicators": ["a1"], "weights": "entropie"}, "'entropie' is not known. Use one of entropy"),
        ({"indicators": ["a1", "b1"], "weights": {"a1": 1}}, "they differ in b1"),
        ({"indicators": ["a1"], "weights": {"a1": -1}}, "zero or more"),
        ({"indicators": ["a1"], "weights": {"a1": 0}}, "all zero"),
        ({"indicators": ["a1"], "aggregation": "product"}, "'product' is not known"),
        ({"name": "nqpf", "indicators": ["a1"]}, "'nqpf' is a published index"),
        ({"indicators": ["a1"], "csv": "nothere.csv"}, "nothere.csv cannot be read"),
    ],
)
def test_a_specification_that_cannot_be_meant_is_refused(opened, spec, why):
    with pytest.raises(ExportError, match=why):
        own_index(opened, spec if "csv" not in spec else {**spec, "indicators": ["zz"]})


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("city,year\n甲市,2012\n", "row 1: columns city, year. Needed: a column city"),
        ("town,year,m\n甲市,2012,1\n", "row 1: columns town, year, m"),
        ("city,year,m,m\n甲市,2012,1,1\n", "row 1: column 'm' stands twice"),
        ("city,year,m\n甲市,2012,1\n子市,2012,2\n", "row 3, column 'city': No city is called '子市'"),
        ("city,year,m\nTwin,2012,1\n", "row 2, column 'city': 2 cities are called 'Twin'"),
        ("city,year,m\nGen,2012,1\n", "row 2, column 'city': No city is called 'Gen'; names that begin so: 庚市 Geng"),
        ("city,year,m\nJia,2012,1\n\n000000,2012,1\n", "row 4: 000000 2012 stands in row 2 already"),
        ("city,year,m\n甲市,2012年,1\n", "row 2, column 'year': '2012年' is no year"),
        ('city,year,m\n甲市,2012,"1,234"\n', "row 2, column 'm': '1,234' is no number"),
        ("city,year,m\n甲市,2012,1\n甲市,2013,n/a\n", "row 3, column 'm': 'n/a' is no number"),
        ("city,year,m\n甲市,2012,nan\n", "'nan' is no number"),
        ("city,year,m\n甲市,2012,inf\n", "'inf' is no number"),
        ("city,year,m\n甲市,2012\n", "row 2: 2 cells, the header has 3"),
        ("city,year,m\n", "no row below its header"),
        ("city,year,a1\n甲市,2012,1\n", "'a1' is a column of .* and a published code: rename"),
    ],
)
def test_a_doubtful_cell_is_refused_with_file_row_and_column(opened, tmp_path, text, why):
    (tmp_path / "m.csv").write_text(text, encoding="utf-8")
    code = "a1" if "a1" in text else "m"
    with pytest.raises(ExportError, match=f"m.csv.*{why}" if code == "m" else why):
        own_index(opened, {"csv": str(tmp_path / "m.csv"), "indicators": {code: {"direction": 1}}})


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("s.yml", "indicators: [a1]\nindicators: [b1]\n", "'indicators' stands twice"),
        ("s.yml", "- a1\n", "must hold keys and values"),
        ("s.yml", "indicators: [a1\n", "s.yml is no yml"),
        ("s.toml", "indicators = [a1]\n", "s.toml is no toml"),
    ],
)
def test_a_file_that_is_no_specification_is_refused(opened, tmp_path, name, text, why):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ExportError, match=why):
        own_index(opened, tmp_path / name)


def refitted(own) -> pd.Series:
    """The estimates of docs/refit/refit.py, which shares no line with the library."""
    loaded = importlib.util.spec_from_file_location("refit", PROJECT / "docs" / "refit" / "refit.py")
    module = importlib.util.module_from_spec(loaded)
    loaded.loader.exec_module(module)
    data = own.data.drop(columns=["model_id", "name_zh", "name_en"])
    long = data.melt(["city_id", "year"], None, "term", "value")
    long["segment"] = 0
    long["role"] = np.where(long["term"] == own.results.data.dependent, "y", "x")
    return module.refit(long, own.links)


def coefficients(own) -> pd.Series:
    frame = own.estimates[own.estimates["kind"] == "coefficient"]
    return frame.set_index("term")["estimate"]


def test_the_published_regression_comes_again_and_with_ones_own_control_as_in_another_program(opened, parks):
    own = own_model(opened, {"name": "again"})
    rows = own.estimates[own.estimates["kind"] == "coefficient"].dropna(subset=["published"])
    assert len(rows) == len(own.results.params)
    np.testing.assert_allclose(rows["estimate"], rows["published"], rtol=0, atol=1e-8)
    assert not own.left_out
    file, value = parks
    own = own_model(opened, {"csv": str(file), "controls": ["parks"], "drop": ["ln_b1"]})
    assert own.data.set_index(["city_id", "year"])["parks"].to_numpy() == pytest.approx(value.to_numpy())
    terms = ["pr", "parks", "W:pr", "W:parks", "rho"]
    np.testing.assert_allclose(coefficients(own)[terms], refitted(own)[terms], rtol=1e-5, atol=1e-7)
    assert own.origins["parks"] == f"column 'parks' of {file}"


def test_a_model_from_the_first_term_on_with_logarithm_lag_and_own_w(opened, figures, tmp_path):
    ring = [(NAMES_ZH[k], NAMES_ZH[(k + step) % 10], 2) for k in range(10) for step in (1, 9)]
    (tmp_path / "w.csv").write_text("city_i,city_j,w\n" + "\n".join(f"{i},{j},{w}" for i, j, w in ring), "utf-8")
    x = {"ln_b": {"of": "b1", "log": True}, "before": {"of": "p1", "lag": 1}}
    own = own_model(opened, {"y": "a1", "x": x, "w": str(tmp_path / "w.csv")})
    data = own.data.set_index(["city_id", "year"])
    assert own.data["year"].min() == 2013
    assert data.loc[(CITIES[2], 2014), "ln_b"] == pytest.approx(np.log(figures.loc[(CITIES[2], 2014), "b1"]))
    assert data.loc[(CITIES[2], 2014), "before"] == figures.loc[(CITIES[2], 2013), "p1"]
    assert own.links["w"].unique().tolist() == [0.5]
    np.testing.assert_allclose(coefficients(own)[:5], refitted(own)[:5], rtol=1e-5, atol=1e-7)
    effects = own.effects.to_frame().pivot(index="variable", columns="effect", values="point")
    np.testing.assert_allclose(effects["direct"] + effects["indirect"], effects["total"])


def test_w_is_built_anew_for_the_cities_that_stay(opened, parks):
    file, _ = parks
    text = [line for line in file.read_text("utf-8").splitlines() if not line.startswith(NAMES_ZH[4])]
    file.write_text("\n".join(text), encoding="utf-8")
    own = own_model(opened, {"csv": str(file), "controls": ["parks"], "drop": "controls"})
    assert own.left_out == {CITIES[4]: "no parks in 2012"}
    assert CITIES[4] not in set(own.links["city_i"]) | set(own.links["city_j"])
    np.testing.assert_allclose(own.links.groupby("city_i")["w"].sum(), 1.0)
    knn = own_model(opened, {"csv": str(file), "controls": ["parks"], "drop": ["ln_b1"], "w": "knn2_row"})
    assert (knn.links.groupby("city_i").size() == 2).all()


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"like": "nothing"}, "'nothing' has no data in this file. Regressions with data: nqpf_sdm"),
        ({"name": "nqpf_sdm"}, "'nqpf_sdm' is a published regression"),
        ({"drop": ["parks"]}, "drop: 'parks' is not known. Use one of pr, ln_b1"),
        ({"drop": ["pr", "ln_b1"]}, "at least one `x`"),
        ({"x": ["b1"]}, "needs one `y`"),
        ({"controls": ["pr"]}, "has a term 'pr' already"),
        ({"model": "sdmm"}, "model: 'sdmm' is not known"),
        ({"w": "econ_row"}, "w: 'econ_row' is not known. Use one of knn2_row, queen_row"),
        ({"cov": "none"}, "cov: 'none' is not known"),
        ({"y": "a1", "x": {"b1": {"lag": -1}}}, "`lag` a number of years"),
        ({"y": "a1", "x": ["b1"], "years": "2015-2016"}, "at least 8 cities and 3 years"),
        ({"y": "a1", "x": ["b1", "nqpf"]}, "explain y exactly"),
    ],
)
def test_a_regression_that_cannot_be_meant_is_refused(opened, spec, why):
    with pytest.raises(ExportError, match=why):
        own_model(opened, spec)


def typed(world, *words: str):
    return CliRunner().invoke(app, [*words, "--warehouse", str(world[0])], env={"COLUMNS": "120"})


def test_the_commands_name_results_say_what_is_asked_and_change_nothing(world, tmp_path, parks):
    file = world[0] / "published" / "city.duckdb"
    before = hashlib.sha256(file.read_bytes()).hexdigest(), sorted(p.name for p in file.parent.iterdir())
    (tmp_path / "mine.yml").write_text("csv: parks.csv\nindicators: {a1: , parks: {direction: 1}}\n", encoding="utf-8")
    (tmp_path / "reg.toml").write_text('csv = "parks.csv"\ncontrols = ["parks"]\ndrop = ["ln_b1"]\n', encoding="utf-8")
    index = typed(world, "index", str(tmp_path / "mine.yml"), "--format", "csv")
    assert index.exit_code == 0, index.output
    assert index.stdout.splitlines()[0].startswith("index_code,city_id,name_zh,name_en,year,score_100,rank_year")
    assert len(index.stdout.splitlines()) == 1 + 50
    assert index.stdout.splitlines()[1].startswith("mine,CN")
    assert "SYNTHETIC" in index.stderr
    assert "parks: column 'parks' of parks.csv" in index.stderr
    table = typed(world, "index", str(tmp_path / "mine.yml"))
    assert "Spearman" in table.stdout
    assert "10 of 50 rows" in table.stdout
    weights = typed(world, "index", str(tmp_path / "mine.yml"), "--show", "weights", "--format", "json")
    assert [row["indicator_code"] for row in json.loads(weights.stdout)] == ["a1", "parks"]
    model = typed(world, "model", str(tmp_path / "reg.toml"))
    assert model.exit_code == 0, model.output
    assert "errors cluster" in model.stdout
    assert all(f"({kind})" in model.stdout for kind in ("direct", "indirect", "total"))
    links = typed(world, "model", str(tmp_path / "reg.toml"), "--show", "links", "--format", "csv").stdout
    assert links.startswith("model_id,city_i,city_j,w\nreg,CN")
    assert before == (hashlib.sha256(file.read_bytes()).hexdigest(), sorted(p.name for p in file.parent.iterdir()))


@pytest.mark.parametrize(
    "more", ["index FILE", "index FILE --format xlsx", "model FILE", "model FILE --show scores"], ids=str
)
def test_what_is_refused_is_one_sentence_and_exit_2_and_nothing_published_is_said(world, tmp_path, more):
    (tmp_path / "mine.yml").write_text("indicators: [a11]\n", encoding="utf-8")
    words = more.replace("FILE", str(tmp_path / "mine.yml")).split()
    refused = typed(world, *words)
    assert refused.exit_code == 2, refused.output
    assert refused.stdout.strip()
    assert "Traceback" not in refused.output
    empty = typed([tmp_path], *words[:2])
    assert empty.exit_code != 0
    assert "Nothing is published" in empty.output


Z = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.4], [0.8, 0.2, 0.4], [np.nan, 0.3, 0.2]])
WEIGHTS = {"a": 0.5, "b": 0.3, "c": 0.2}
KEY = {"index_code": "nqpf", "basis": "frozen_2012_2021"}


@pytest.fixture
def own(empty, reader):
    for k, row in enumerate(Z):
        for code, z in zip("abc", row, strict=True):
            insert(empty, "mart_indicator_value", **KEY, city_id=f"c{k}", year=2021, indicator_code=code, z=z)
        score = float(row @ list(WEIGHTS.values()))
        is_scored = not np.isnan(score)
        found = {"score_100": 100 * score, "score": score, "rank_year": 1 if k else 3} if is_scored else {}
        insert(empty, "mart_index_score", **KEY, city_id=f"c{k}", year=2021, **found)
    schemes = {"entropy_flat": WEIGHTS, "entropy_topsis": WEIGHTS, "equal": dict.fromkeys("abc", 1 / 3)}
    for scheme, weights in schemes.items():
        for code, weight in weights.items():
            insert(empty, "mart_index_weight", **KEY, weight_scheme=scheme, indicator_code=code, weight=weight)
    return reader()


def test_weights_of_the_study_give_its_scores_and_only_ratios_of_weights_matter(own):
    found = whatif(own, WEIGHTS)
    assert found.table["score"].to_numpy() == pytest.approx(found.table["published_score"].to_numpy(), abs=1e-12)
    assert found.table["rank"].tolist() == found.table["published_rank"].tolist() == [1, 1, 3]
    assert found.spearman == pytest.approx(1.0)
    one, ten = whatif(own, {"b": 1, "c": 1}), whatif(own, {"a": 0, "b": 10, "c": 10})
    assert one.table.equals(ten.table)
    assert one.weights == {"a": 0.0, "b": 0.5, "c": 0.5}
    assert "c3" in one.table["city_id"].tolist(), "the indicator that the city lacks is not weighed"
    assert "c3" not in whatif(own, WEIGHTS).table["city_id"].tolist()
    assert [row["scheme"] for row in presets(own)] == ["entropy_flat", "equal"]


@pytest.mark.parametrize(
    ("weights", "year", "why"),
    [
        ({"x": 1}, 2021, "is called x: a, b, c"),
        ({"a": -1}, 2021, "zero or more"),
        ({"a": 0}, 2021, "not all zero"),
        ({"a": float("nan")}, 2021, "must be numbers"),
        ({"a": 1}, 1999, "no indicator values in 1999"),
    ],
)
def test_what_is_no_weight_is_refused(own, weights, year, why):
    with pytest.raises(ExportError, match=why):
        whatif(own, weights, year)
