"""Crossed choices: each fit is that of the panel step, and choices that the data do not allow are left out."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from influence_worlds import KEYS, specs, warehouse
from study_tools import key_of, lacking, settings

from dagster_project.study import multiverse, panel
from dagster_project.study.samples import Skipped
from python_models.influence.specification_curve import joint_test, shares_of_spread

SETTINGS = settings(specs(), panel={"effects": 100}, robustness={"multiverse": 99})
HEAD = SETTINGS.regressions[0]


def country():
    """The small country with the parts of its production relations and an edition as printed."""
    made = warehouse()
    scores = made["scores"]
    printed = scores.assign(index_code=scores["index_code"] + "_asprinted", score=scores["score"] * 1.5 + 0.01)
    half = scores[scores["index_code"] == "pr"].drop(columns=["weight_scheme", "share_imputed_weight"])
    rng = np.random.default_rng(3)
    share = rng.uniform(0.4, 0.6, len(half))
    parts = [
        half.assign(indicator_code=code, weight=0.5, contribution=half["score"] * part).drop(columns="score")
        for code, part in (("a", share), ("b", 1 - share))
    ]
    both = pd.concat(parts)
    again = both.assign(index_code="pr_asprinted", contribution=1.5 * both["contribution"])
    return {**made, "scores": pd.concat([scores, printed]), "contributions": pd.concat([both, again])}


@pytest.fixture(scope="module")
def crossed():
    return multiverse.build(country(), HEAD, SETTINGS)


def test_every_combination_is_one_fit_of_the_panel_step(crossed):
    runs, choices = crossed["multiverse"], crossed["multiverse_choice"]
    # figures over registered persons are not there, nor a border between cities, a municipality or a control
    assert {name: sorted(set(runs[name])) for name in ("edition", "scale", "contents", "sample", "controls")} == {
        "edition": ["asprinted", "edited"],
        "scale": ["both_log", "points", "y_log"],
        "contents": ["a", "all", "b"],
        "sample": ["all", "no_core", "no_municipality"],
        "controls": ["all"],
    }
    sizes = [runs[name].nunique() for name in ("edition", "scale", "contents", "sample", "controls", "weights")]
    assert len(runs) == np.prod(sizes)
    slx = settings([replace(HEAD, model="slx")], panel={"effects": 100})
    effect = panel.build(country(), slx)["panel_effect"].query("effect == 'direct'").iloc[0]
    assert runs.loc[0, ["estimate", "se"]].tolist() == pytest.approx(effect[["point", "se_delta"]].tolist(), rel=1e-9)
    assert runs.loc[0, "standardised"] == pytest.approx(effect["standardised"], rel=1e-9)
    whole = choices.set_index("decision").loc["all"]
    assert whole["n_runs"] == len(runs)
    assert whole["share_positive"] == (runs["estimate"] > 0).mean()
    by = choices[choices["decision"] != "all"]
    assert by.drop_duplicates("decision")["share_spread"].sum() == pytest.approx(1.0)
    assert (by.groupby("decision")["n_runs"].sum() == len(runs)).all()


def test_a_spillover_that_is_planted_is_seen_jointly_and_tables_keep_their_contracts(crossed):
    whole = crossed["multiverse_choice"].query("decision == 'all'").iloc[0]
    assert whole[["p_median", "p_share", "p_average"]].max() == pytest.approx(0.01)
    ready = {name: table.assign(**KEYS, model_id="head", seed=1) for name, table in crossed.items()}
    assert lacking(ready) == {}
    for name, table in ready.items():
        assert not table.duplicated(key_of(name)).any()


def test_a_headline_without_its_data_says_why():
    empty = country()
    with pytest.raises(Skipped, match="has no score"):
        multiverse.build({**empty, "scores": empty["scores"].query("index_code != 'nqpf'")}, HEAD, SETTINGS)


def test_shares_of_the_spread_by_hand():
    cube = np.add.outer(np.add.outer([0.0, 2.0], [0.0, 1.0, 5.0]), np.zeros(2))
    first, second, third = shares_of_spread(cube)
    a, b = np.var([0, 2]), np.var([0, 1, 5])
    assert first == pytest.approx((a / (a + b),) * 2)
    assert second == pytest.approx((b / (a + b),) * 2)
    assert third == (0.0, 0.0)
    # only together: nothing alone, half of it each
    assert shares_of_spread([[1.0, -1.0], [-1.0, 1.0]]) == [(0.0, 0.5), (0.0, 0.5)]
    assert shares_of_spread(np.ones((2, 3))) == [(0.0, 0.0)] * 2


def test_the_joint_test_keeps_its_size_with_correlated_fits_and_one_fit_is_its_own_test():
    rejected = np.zeros(3)
    for seed in range(200):
        rng = np.random.default_rng(seed)
        common = rng.normal(size=(80, 1))
        psi = (common + 0.5 * rng.normal(size=(80, 12))) / 80
        p = joint_test(psi.sum(axis=0), psi - psi.mean(axis=0), draws=99, rng=rng)
        rejected += np.array(list(p.values())) <= 0.05
    assert (rejected <= 20).all(), rejected  # above that has a chance of 0.3 % at 5 %
    psi = np.random.default_rng(1).normal(size=(30, 1)) / 30
    one = joint_test([0.2], psi, draws=199, rng=np.random.default_rng(2))
    assert one["p_median"] == one["p_average"]
    with pytest.raises(ValueError, match="no influence"):
        joint_test([1.0], np.zeros((3, 1)), rng=np.random.default_rng(1))
