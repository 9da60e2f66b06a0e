"""Policies with pilots on a headline index: what is handed over, who counts, and what is refused in words."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from influence_worlds import specs, warehouse
from study_tools import lacking, settings

from dagster_project.study import pilots
from dagster_project.study.samples import Skipped, World, read_sample, read_weights
from dagster_project.study.settings import PilotSpec, SpecError, read_pilot_spec

SPEC = PilotSpec(edges_km=(0, 60, 120), horizon=3, leads=2, shift=2, least_controls=3)
POLICY = "pilot_low_carbon"


def frames(start: dict[str, float], listed: list[str] | None = None) -> dict[str, pd.DataFrame]:
    """The small country with one policy; `listed`: cities that its source knows, None for all."""
    made = warehouse()
    cities = made["city"]["city_id"].tolist() if listed is None else listed
    table = pd.DataFrame({"policy_code": POLICY, "city_id": cities})
    return made | {"pilot": table.assign(start_year=table["city_id"].map(start))}


def world(made: dict[str, pd.DataFrame]) -> World:
    spec = specs()[0]
    sample = read_sample(made, spec)
    return World(spec, sample, read_weights(made, spec, sample), made, 1)


def run(made: dict[str, pd.DataFrame], spec: PilotSpec = SPEC) -> dict[str, pd.DataFrame]:
    ((what, policy, make),) = pilots.jobs(world(made), spec, 19)
    assert (what, policy) == ("pilots", POLICY)
    return make()


STARTS = {"c03": 2015.0, "c17": 2015.0, "c29": 2016.0}
KEYS_OF_A_RUN = {"basis": "b", "index_code": "i", "weight_scheme": "w", "model_id": "m"}


def test_tables_hold_every_column_of_their_contracts_and_holm_is_over_one_estimator():
    found = run(frames(STARTS))
    own = pilots.with_holm(found["pilot_effect"].assign(**KEYS_OF_A_RUN))
    lacks = lacking({**found, "pilot_effect": own})
    assert all(columns <= {*KEYS_OF_A_RUN, "seed"} for columns in lacks.values()), lacks
    assert own["term"].tolist() == ["direct", "0-60", "60-120"] * 2
    assert (own["n_pilots"] == 3).all()
    known = own[own["p"].notna()]
    assert (known["p_holm"] >= known["p"]).all()
    assert own.loc[own["estimator"] == "twfe", ["p_placebo", "p_earlier", "p_pretrend"]].isna().all(axis=None)
    assert known.loc[known["estimator"] == "imputation", "p_placebo"].notna().all()
    table = pd.DataFrame({"p": [0.01, 0.02, 0.03, 0.04], "estimator": ["a", "a", "b", "b"]}).assign(**KEYS_OF_A_RUN)
    np.testing.assert_allclose(pilots.with_holm(table)["p_holm"], [0.02, 0.02, 0.06, 0.06])


def test_an_effect_of_the_policy_on_its_pilots_is_found():
    plain, made = frames(STARTS), frames(STARTS)
    scores = made["scores"]
    touched = scores["city_id"].map(STARTS) <= scores["year"]
    made["scores"] = scores.assign(score=scores["score"] + 0.5 * (touched & (scores["index_code"] == "nqpf")))
    pair = [run(one)["pilot_effect"].set_index(["estimator", "term"])["estimate"] for one in (plain, made)]
    gap = pair[1] - pair[0]
    assert gap["imputation", "direct"] == pytest.approx(50.0)  # points
    assert gap["imputation", "0-60"] == pytest.approx(0.0, abs=1e-9)


def test_unlisted_cities_few_cities_and_no_policy_leave_nothing_to_compare():
    every = warehouse()["city"]["city_id"].tolist()
    less = run(frames(STARTS, [c for c in every if c != "c05"]))["pilot_effect"]
    assert less["n_obs"].iloc[0] == run(frames(STARTS))["pilot_effect"]["n_obs"].iloc[0] - 7
    with pytest.raises(Skipped, match="never nearer than 120 km to a pilot, at least 40 are needed"):
        run(frames(STARTS), replace(SPEC, least_controls=40))
    found = run(frames(dict.fromkeys(STARTS, 2013.0)))["pilot_effect"]
    assert found["estimate_earlier"].isna().all()
    assert found["estimate"].notna().any()
    more = {**STARTS, "c11": 2016.0, "c23": 2016.0}
    for starts, is_known in ((STARTS, False), (more, True)):  # three cities are too few for an error
        own = run(frames(starts))["pilot_effect"].set_index(["estimator", "term"])
        assert pd.notna(own.loc[("imputation", "direct"), "estimate_earlier"]) == is_known
    made = warehouse()
    assert pilots.jobs(world(made), SPEC, 19) == []
    assert pilots.with_holm(pd.DataFrame()).empty
    assert settings().pilots.edges_km == (0, 100, 200)


@pytest.mark.parametrize(
    ("entry", "words"),
    [("edges_km: [50, 100]", "rise from 0"), ("horizon: 0", "whole number above 0"), ("reach: 3", "reach")],
)
def test_mistakes_of_the_spec_are_said_in_words(tmp_path, entry, words):
    right = {"edges_km": "[0, 100]", "horizon": 5, "leads": 3, "shift": 2, "least_controls": 8}
    key, _, value = entry.partition(": ")
    file = tmp_path / "pilots.yml"
    file.write_text("\n".join(f"{k}: {v}" for k, v in {**right, key: value}.items()), encoding="utf-8")
    with pytest.raises(SpecError, match=words):
        read_pilot_spec(file)
