"""The decision list: one city per rule, ties, completeness, margin, and the replay of stored rows."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest

from python_models.policy import INPUTS, PATHS, RULES, SUBTYPES, Cuts, base_cuts, classify, margin, replay, year_cuts
from python_models.policy.rules import replay_differences

CUTS = Cuts((0.3, 0.4, 0.5, 0.25, 0.2, 0.6), (0.1, 0.1, 0.1, 0.1, 0.1, 0.2))
#        u    p    d    uN   pN   b
CITIES = {
    "own fit": ((0.5, 0.6, 0.7, 0.1, 0.1, 0.9), ("endogenous_evolution", "main", "r1")),
    "receives": ((0.2, 0.6, 0.4, 0.4, 0.1, 0.9), ("gradient_transfer", "main", "r2")),
    "near a model": ((0.2, 0.3, 0.3, 0.4, 0.3, 0.3), ("institutional_spillover", "main", "r3")),
    "no model near": ((0.2, 0.3, 0.3, 0.4, 0.1, 0.3), ("institutional_learning", "main", "r4")),
    "behind a border": ((0.2, 0.3, 0.3, 0.4, 0.3, 0.9), ("institutional_learning", "main", "r4")),
    "mismatch": ((0.5, 0.6, 0.4, 0.1, 0.1, 0.9), ("endogenous_evolution", "endogenous_adjust", "r5_adjust")),
    "isolated": ((0.2, 0.6, 0.4, 0.1, 0.1, 0.9), ("gradient_transfer", "gradient_isolated", "r5_isolated")),
    "leads, may copy": ((0.5, 0.3, 0.4, 0.4, 0.3, 0.3), ("institutional_spillover", "pr_lagging_leader", "r3")),
    "leads, alone": ((0.5, 0.3, 0.7, 0.4, 0.1, 0.3), ("institutional_learning", "pr_lagging_leader", "r4")),
}
TIES = {  # every input on its cut: high, and a barrier on its cut is still low
    "u": ((0.3, 0.6, 0.7, 0.1, 0.1, 0.9), "r1"),
    "p": ((0.5, 0.4, 0.7, 0.1, 0.1, 0.9), "r1"),
    "d": ((0.5, 0.6, 0.5, 0.1, 0.1, 0.9), "r1"),
    "u_neighbour": ((0.2, 0.6, 0.4, 0.25, 0.1, 0.9), "r2"),
    "p_neighbour": ((0.2, 0.3, 0.3, 0.4, 0.2, 0.3), "r3"),
    "barrier": ((0.2, 0.3, 0.3, 0.4, 0.3, 0.6), "r3"),
}


def stored(x) -> dict:
    return {**dict(zip(INPUTS, x, strict=True)), "cuts": CUTS.to_json()}


@pytest.mark.parametrize("name", CITIES)
def test_hand_made_cities(name):
    x, expected = CITIES[name]
    found = classify([x], CUTS).to_frame().iloc[0]
    assert tuple(found[["path", "subtype", "rule_fired"]]) == expected
    assert tuple(replay(stored(x))) == expected


@pytest.mark.parametrize("tied", TIES)
def test_a_value_on_its_cut_is_high_and_a_hair_below_is_not(tied):
    x, rule = TIES[tied]
    k = INPUTS.index(tied)
    beyond = list(x)
    beyond[k] = np.nextafter(x[k], 1.0 if tied == "barrier" else 0.0)
    assert RULES[classify(x, CUTS).rule] == rule == replay(stored(x)).rule_fired
    assert RULES[classify(beyond, CUTS).rule] != rule
    assert replay(stored(beyond)).rule_fired != rule


def test_all_64_cases_have_one_path_and_both_readings_of_the_rules_agree():
    cells = np.array(
        [[c + s for c, s in zip(CUTS.value, signs, strict=True)] for signs in itertools.product((-0.1, 0.1), repeat=6)]
    )
    frame = classify(cells, CUTS).to_frame()
    assert len(frame) == 64
    assert set(frame["path"]) == set(PATHS)
    assert set(frame["subtype"]) == set(SUBTYPES)
    assert set(frame["rule_fired"]) == set(RULES)
    table = pd.concat([pd.DataFrame(cells, columns=list(INPUTS)), frame], axis=1).assign(cuts=CUTS.to_json())
    assert replay_differences(table).empty
    other = table.copy()
    other.loc[3, "path"] = "gradient_transfer" if table.loc[3, "path"] != "gradient_transfer" else PATHS[0]
    assert list(replay_differences(other).index) == [3]


def test_a_barrier_that_is_not_known_is_not_high():
    x = list(CITIES["behind a border"][0])
    x[5] = math.nan
    assert RULES[classify(x, CUTS).rule] == "r3" == replay(stored(x)).rule_fired
    none = Cuts((*CUTS.value[:5], math.nan), (*CUTS.sd[:5], math.nan))
    known = CITIES["behind a border"][0]
    assert RULES[classify(known, none).rule] == "r3"
    assert replay({**stored(known), "cuts": none.to_json()}).rule_fired == "r3"


def test_cuts_survive_their_text_to_the_last_digit():
    cuts = Cuts(tuple(np.random.default_rng(1).uniform(size=6)), (*np.random.default_rng(2).uniform(size=5), math.nan))
    again = Cuts.from_json(cuts.to_json())
    assert again.value == cuts.value
    assert again.sd[:5] == cuts.sd[:5]
    assert math.isnan(again.sd[5])


def test_margin_is_the_nearest_cut_that_would_change_something():
    near_d, name = margin([0.5, 0.6, 0.52, 0.25, 0.2, 0.6], CUTS)  # on the cuts of uN, pN, b, which r1 does not read
    assert near_d == pytest.approx(0.2)
    assert name == "d"
    lost, name = margin([0.2, 0.35, 0.3, 0.4, 0.1, 0.9], CUTS)  # neither pN nor b alone would bring r3 back
    assert lost == pytest.approx(0.5)
    assert name == "p"
    zero, name = margin([0.2, 0.3, 0.3, 0.4, 0.3, 0.6], CUTS)
    assert zero == pytest.approx(0.0)
    assert name == "barrier"


def test_crossing_the_nearest_cut_changes_the_city_and_half_the_way_does_not():
    x = np.random.default_rng(3).uniform(0.0, 1.0, size=(200, 6))
    far, name = margin(x, CUTS)
    now = classify(x, CUTS)
    assert (far >= 0).all()
    for share, changes in ((1.0001, True), (0.5, False)):
        moved = x.copy()
        for i, k in enumerate(INPUTS.index(n) for n in name):
            moved[i, k] += share * np.sign(CUTS.value[k] - x[i, k]) * far[i] * CUTS.sd[k]
        then = classify(moved, CUTS)
        assert (((then.path != now.path) | (then.subtype != now.subtype)) == changes).all()


def test_a_trend_all_cities_share_moves_nobody():
    """Fixed cuts call growth of everybody a change of path; cuts of the year do not."""
    x, base = np.random.default_rng(4).uniform(size=(40, 6, 6)), np.arange(6) < 3
    x[:, 1:, [0, 1, 3, 4]] = x[:, :1, [0, 1, 3, 4]]
    x[..., [2, 5]] = x[:, :1, [2, 5]]
    grown = x + np.where(np.isin(np.arange(6), [2, 5]), 0.0, 0.1) * np.arange(6)[None, :, None]
    still = classify(x[:, 0], base_cuts(x, base, 0.5)).path
    cuts = year_cuts(grown, base, 0.5)
    found = classify(grown, cuts).path
    np.testing.assert_array_equal(found, np.repeat(still[:, None], 6, axis=1))
    fixed = classify(grown, base_cuts(grown, base, 0.5)).path
    assert (fixed[:, -1] == PATHS.index("endogenous_evolution")).mean() > (still == 0).mean() + 0.2
    for t in range(6):  # the cuts of a year serve alone
        np.testing.assert_array_equal(classify(grown[:, t], cuts[t]).path, found[:, t])
        np.testing.assert_allclose(margin(grown, cuts)[0][:, t], margin(grown[:, t], cuts[t])[0])
    assert year_cuts(grown[:, :4], base[:4], 0.5) == cuts[:4]


def test_cuts_are_medians_of_the_base_years_whatever_follows():
    x = np.random.default_rng(4).uniform(size=(9, 5, 6))
    base = np.array([True, True, True, False, False])
    cuts = base_cuts(x, base, 0.5)
    assert cuts.value[0] == np.median(x[:, :3, 0])
    assert cuts.value[2] == 0.5
    assert base_cuts(x[:, :3], base[:3], 0.5) == cuts


def test_a_missing_input_is_named():
    x = np.full((2, 3, 6), 0.5)
    x[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match=r"u_neighbour is missing in cell \(1, 2\)"):
        classify(x, CUTS)
    with pytest.raises(ValueError, match="some true"):
        base_cuts(np.full((2, 3, 6), 0.5), np.zeros(3, bool), 0.5)


def test_the_unit_of_an_input_decides_nothing():
    """Cuts move with the inputs: another scale and origin of any of them gives the same paths and margins."""
    x = np.random.default_rng(6).uniform(size=(30, 4, 6))
    other = x * [100.0, 2.0, 1.0, 0.5, 7.0, 3.0] + [5.0, -1.0, 0.0, 2.0, 0.1, 1.0]
    base = np.ones(4, bool)
    one, two = base_cuts(x, base, 0.5), base_cuts(other, base, 0.5)
    assert np.array_equal(classify(x, one).rule, classify(other, two).rule)
    assert margin(other, two)[0] == pytest.approx(margin(x, one)[0], abs=1e-9)
