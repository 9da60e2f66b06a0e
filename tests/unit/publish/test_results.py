"""Results that a sentence names, on a table of effects that stands here: the small country of the tests has none."""

import re
from types import SimpleNamespace

import duckdb
import pytest

from dagster_project.publish.check.gaps import Gaps
from dagster_project.publish.check.moves import Moves
from dagster_project.publish.check.recognise import Mention, numbers
from dagster_project.publish.check.results import Results
from dagster_project.publish.check.sentence import Sentence
from dagster_project.publish.check.verdicts import is_coarser

EFFECTS = """
create schema easy; create schema mart;
create table mart.mart_panel_effect as from (values
    ('sdm', 'first', 'static', 'fdi', 'direct', 1.52, .43, .68, 2.36, .0004, .21),
    ('sdm', 'first', 'static', 'fdi', 'indirect', -2.875, 1.2, -5.23, -.52, .0166, -.4),
    ('sdm', 'first', 'long', 'fdi', 'indirect', -9.1, 1.2, -11.5, -6.7, .0166, -.4),
    ('sdm_east', 'first', 'static', 'fdi', 'direct', 0.83, .3, .24, 1.42, .006, .1)
) as t (model_id, basis, horizon, variable, effect, point, se_delta, lo, hi, p, standardised);
create table mart.dim_model_spec as from (values ('sdm', true), ('sdm_east', false)) as t (model_id, is_headline);
create table mart.dim_label as from (values
    ('term', 'fdi', 'foreign investment', '外商投资'), ('variable', 'fdi', 'another name', '别名')
) as t (kind, code, name_en, name_zh);
create table mart.dim_index as from (values (true, 'first')) as t (is_headline, basis);
create table mart.mart_beta_convergence (is_headline boolean, is_reported boolean, scheme text, group_code text,
    model_id text, beta double, se double, p double, speed double, half_life_years double);
insert into mart.mart_beta_convergence values (true, true, 'all', 'all', 'absolute_ols', -.05, .01, .001, .065, 10.6),
    (true, true, 'three_region', 'west', 'absolute_ols', -.06, .01, .001, .066, 10.4),
    (true, true, 'four_region', 'west', 'absolute_ols', -.06, .01, .001, .068, 10.1),
    (true, true, 'four_region', 'east', 'absolute_ols', -.07, .01, .001, .074, 9.4);
create table mart.mart_threshold_result as from (values (true, 'hansen', 1, .236::double, .05::double, .685::double,
    .07::double), (true, 'hansen', 2, .04, .05, .87, .07)
) as t (is_headline, kind, n_threshold, slope_low, slope_se_low, slope_high, slope_se_high);
create table mart.mart_sigma_trend as from (values (true, 'all', 'cv', -.0188::double, .0008::double, .002::double,
    -.026::double, -.012::double)) as t (is_headline, group_code, measure, slope, se_nw, p, boot_lo, boot_hi);
create table mart.mart_panel_fit as from (values (true, .43::double, .631::double)) as t (is_headline, rho, r2_within);
create table mart.mart_center_ellipse as from (values (true, 'score', 2021, 15.4::double)
) as t (is_headline, weight_kind, year, move_km);
create table easy.gap as from (values ('core', 'core', 'periphery', 2012, 15.42::double, 2.24::double),
    ('core', 'core', 'periphery', 2020, 27.80, 1.92), ('core', 'core', 'periphery', 2021, 28.11, 1.84),
    ('four_region', 'east', 'west', 2012, 12.50, 2.28), ('four_region', 'east', 'west', 2021, 25.98, 1.93)
) as t (scheme, group_high, group_low, year, gap_100, ratio);
create table easy.markov as from (values ('all', 1, 1, 587, 643, 91.3::double), ('all', 2, 3, 69, 625, 11.0),
    ('all', 3, 4, 52, 623, 8.3), ('all', 4, 4, 577, 638, 90.4), ('4', 3, 4, 28, 163, 17.2), ('4', 1, 4, 0, 0, null)
) as t (neighbours, state_from, state_to, n, n_row, percent);
"""


@pytest.fixture(scope="module")
def results():
    con = duckdb.connect()
    con.execute(EFFECTS)
    scope = SimpleNamespace(index="nqpf", last_year=2021)
    return Results(facts := SimpleNamespace(con=con, release="2026.1", scope=scope)), Moves(facts), Gaps(facts)


def test_a_cell_whose_heads_name_an_effect_is_judged(results):
    results, *_ = results
    heads = ("Total", "Foreign investment", "Table 1. Direct and indirect effects, 2012-2021")
    assert results.of_cell(heads, "1.52", lambda text: []) is None  # no total of it stands here
    verdicts = [results.of_cell(("Direct", *heads[1:]), text, lambda text: []) for text in ("1.52", "1.25")]
    assert [one and one.verdict for one in verdicts] == ["rounded", "not_ours"]


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("The direct effect of foreign investment is 1.52 (standard error 0.43).", ["rounded", "rounded"]),
        ("The direct effect of foreign investment is 1.25 (standard error 0.34).", ["not_ours", "not_ours"]),
        ("外商投资的直接效应为1.52，间接效应为-2.88，标准化后为-0.40。", ["rounded", "rounded", "rounded"]),
        ("外商投资的直接、间接效应分别为1.52、-2.78。", ["rounded", "not_ours"]),
        ("The indirect effect of foreign investment is 7.31.", [None]),  # of something else: no misprint
        ("The direct effect of roads is 1.25.", [None]),
        ("In sdm_east foreign investment has a direct effect of 0.83.", ["rounded"]),
        ("In sdm_east foreign investment has a direct effect of 1.52.", [None]),  # no misprint of that model
        ("Foreign investment has an effect of 1.25.", [None]),  # which one?
        (
            "The direct effect of foreign investment is 1.52, with a confidence interval running from 0.86 to 2.36.",
            ["rounded", "not_ours", "rounded"],
        ),
        ("Absolute convergence has a half-life of 10.6 years.", ["rounded"]),
        ("绝对收敛的半衰期为10.6个月。", ["other_unit"]),
        (
            "The half-life of absolute convergence is 10.1 years in the West and 4.9 years in the East.",
            ["rounded", "not_ours"],
        ),
        ("绝对收敛以东部最快（半衰期9.4年）。", ["rounded"]),
        ("Below the threshold the slope is 0.236, above it 0.685.", ["rounded", "rounded"]),
        ("The slope is 0.236 below the threshold and 0.658 above it.", ["rounded", "not_ours"]),
        ("若邻居属于第四类，第三类城市升入第四类的概率为17.2‰。", ["other_unit"]),
        ("若邻域属于第四类，第三类城市升入第四类的概率为17.2%。", ["rounded"]),
        (
            "A city in the lowest class is still there one year later in 91.3% of all cases, one in the top class in"
            " 94.0%; upward moves out of the second class make up 11.0%.",
            ["rounded", "not_ours", "rounded"],
        ),
        ("马尔可夫转移显示，最低档城市留在最低档的概率为91.3%，最高档保持不变的概率为90.4%。", ["rounded", "rounded"]),
        (
            "With neighbours of class 4 a third-class city moves up in 17.2% of cases, but in 8.3% whatever they are.",
            ["rounded", "rounded"],
        ),
        ("若邻居属于第四类，第三类城市升入第四类的概率为12.7%，不分邻居为8.4%。", ["not_ours", "not_ours"]),
        ("第3类城市的邻居若属于第4类，次年升入第4类的概率为17.2%。", ["rounded"]),
        ("Of the 643 moves that start in the lowest class, 578 end there.", ["rounded", "not_ours"]),
        ("The coefficient of variation has a least-squares trend of -0.0188 a year.", ["rounded"]),
        ("变异系数对年份的最小二乘斜率为0.0188。", ["not_ours"]),  # the sign is lost
        ("By its trend the coefficient of variation declined by 0.0188 a year.", ["rounded"]),
        ("The spatial autoregressive parameter is 0.43, the within R² 0.613.", ["rounded", "not_ours"]),
        ("A city of the low class is still there a year later in 91.3% of cases.", ["rounded"]),
        ("越过门槛后斜率由0.236升至0.685。", ["rounded", "rounded"]),
        ("第三类城市若与第四类城市为邻，升入第四类的概率为17.2%。", ["rounded"]),
        ("When the surrounding cities are of the top class a city of class 3 moves up in 17.2% of cases.", ["rounded"]),
        ("The score-weighted centre of gravity moved by 15.4 km.", ["rounded"]),
        ("The score-weighted centre of gravity moved by 15.4 miles.", ["other_unit"]),
        ("In the long run 26.5% of the cities are in the highest class.", [None]),  # no move
    ],
)
def test_results_are_known_by_their_names(results, text, verdicts):
    s = Sentence(text, [], numbers(text, []))
    for_each = [[one.verdict(s, number) for one in results] for number in s.numbers if number.significant > 1]
    assert [next((one.verdict for one in given if one), None) for given in for_each] == verdicts


@pytest.mark.parametrize(
    ("text", "verdicts"),
    [
        ("In 2021 core cities lead the periphery by 28.11 points, a ratio of 1.84.", ["rounded", "rounded"]),
        ("In 2021 core cities lead the periphery by 28.17 points, a ratio of 1.48.", ["not_ours", "not_ours"]),
        (
            "In 2021 core cities lead the periphery by 28.11 points; since 2012 the ratio fell from 2.24 to 1.84.",
            ["rounded"] * 3,
        ),
        ("The gap of core cities and the periphery was 27.80 points in 2021.", ["other_year"]),
        ("In 2021 core cities scored 84 per cent more than the periphery.", ["rounded"]),
        ("In 2021 core cities scored 28.11 per cent more than the periphery.", ["other_unit"]),
        ("The gap of core cities over all other cities grew by 12.69 points from 2012 to 2021.", ["rounded"]),
        ("The gap of core cities over all other cities grew by 12.96 points from 2012 to 2021.", ["not_ours"]),
        ("In 2021 East is ahead of West by 25.98 points, and 3.14 points are something else.", ["rounded", None]),
        ("In 2021 core cities are ahead of East by 8.11 points.", [None]),  # groups of two kinds
        ("In 2021 core cities had 28.17 points.", [None]),  # no gap
    ],
)
def test_gaps_of_groups_are_known_by_their_names(results, text, verdicts):
    *_, gaps = results
    codes = {"core cities": "core_of_core", "periphery": "periphery_of_core"}
    codes |= {"East": "east_of_four_region", "West": "west_of_four_region"}
    years = [Mention("year", *m.span(), int(m[0])) for m in re.finditer(r"20\d\d", text)]
    of_places = (Mention("place", *m.span(), (code,)) for name, code in codes.items() for m in re.finditer(name, text))
    mentions = sorted([*years, *of_places], key=lambda one: one.start)
    s = Sentence(text, mentions, numbers(text, mentions))
    verdicts_here = [gaps.verdict(s, number) for number in s.numbers]
    assert [one and one.verdict for one in verdicts_here] == verdicts


@pytest.mark.parametrize(
    ("text", "figure", "is_fewer"),
    [("770.44", 770.0, True), ("770.64", 770.0, False), ("770.44", 770.4, False), ("12.34", 12.0, True)],
)
def test_a_number_that_rounds_to_a_figure_of_fewer_digits_is_no_misprint_of_it(text, figure, is_fewer):
    (number,) = numbers(text, [])
    assert is_coarser(number, figure) is is_fewer
