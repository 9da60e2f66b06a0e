"""Results that a sentence names, on a table of effects that stands here: the small country of the tests has none."""

from types import SimpleNamespace

import duckdb
import pytest

from dagster_project.publish.check.recognise import numbers
from dagster_project.publish.check.results import Results
from dagster_project.publish.check.sentence import Sentence

EFFECTS = """
create schema easy; create schema mart;
create table mart.mart_panel_effect as from (values
    ('sdm', 'first', 'static', 'fdi', 'direct', 1.52, .43, .0004, .21),
    ('sdm', 'first', 'static', 'fdi', 'indirect', -2.875, 1.2, .0166, -.4),
    ('sdm', 'first', 'long', 'fdi', 'indirect', -9.1, 1.2, .0166, -.4),
    ('sdm_east', 'first', 'static', 'fdi', 'direct', 0.83, .3, .006, .1)
) as t (model_id, basis, horizon, variable, effect, point, se_delta, p, standardised);
create table mart.dim_model_spec as from (values ('sdm', true), ('sdm_east', false)) as t (model_id, is_headline);
create table mart.dim_label as from (values
    ('term', 'fdi', 'foreign investment', '外商投资'), ('variable', 'fdi', 'another name', '别名')
) as t (kind, code, name_en, name_zh);
create table mart.dim_index as from (values (true, 'first')) as t (is_headline, basis);
create table mart.mart_beta_convergence (is_headline boolean, is_reported boolean, group_code text, model_id text,
    beta double, se double, p double, speed double, half_life_years double);
create table easy.markov (state_from integer, state_to integer, percent double, neighbours text);
"""


@pytest.fixture(scope="module")
def results():
    con = duckdb.connect()
    con.execute(EFFECTS)
    return Results(SimpleNamespace(con=con, release="2026.1"))


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
    ],
)
def test_effects_are_known_by_regressor_and_kind(results, text, verdicts):
    s = Sentence(text, [], numbers(text, []))
    given = [results.verdict(s, number) for number in s.numbers]
    assert [one and one.verdict for one in given] == verdicts
