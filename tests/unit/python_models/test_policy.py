"""Inputs of the decision list, its rules and their replay, certainty of a path, spells, transitions and shares."""

import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
from checks import refused

from python_models.policy import (
    INPUTS,
    NOBODY,
    PATHS,
    RULES,
    SUBTYPES,
    Cuts,
    Geography,
    Index,
    Interval,
    base_cuts,
    classify,
    draw_paths,
    gower_distance,
    margin,
    nearest_better,
    path_inputs,
    share_table,
    spells,
    transition_table,
    year_cuts,
)
from python_models.policy.draws import coordination
from python_models.policy.inputs import centre_barrier, high_presence, trailing_mean
from python_models.policy.rules import replay, replay_differences
from python_models.production.coupling import common_scale, coupling
from tests.random_graph import random_knn_weights

FOUR = (2012, 2013, 2014, 2015)


def test_mean_of_three_years_looks_back_only_and_a_gap_in_the_years_is_a_gap_in_the_window():
    assert trailing_mean([[1.0, 2.0, 6.0, 4.0]], FOUR) == pytest.approx(np.array([[1.0, 1.5, 3.0, 4.0]]))
    longer, years = np.random.default_rng(1).uniform(size=(20, 9)), range(2012, 2021)
    assert np.array_equal(trailing_mean(longer, years)[:, :6], trailing_mean(longer[:, :6], years[:6]))
    assert trailing_mean([[1.0, 5.0]], (2012, 2015)) == pytest.approx(np.array([[1.0, 5.0]]))
    refused("rising year", trailing_mean, [[1.0, 5.0]], (2013, 2012))
    refused("missing", trailing_mean, [[1.0, np.nan]], (2012, 2013))


def test_only_neighbours_of_the_top_third_are_seen():
    p = np.array([[0.9], [0.1], [0.2], [0.8], [0.3], [0.4]])  # top third: the first and the fourth
    w = np.zeros((6, 6))
    w[1, [0, 2]] = w[2, [1, 4]] = 0.5
    w[4, [0, 3]] = 0.25, 0.75
    assert high_presence(p, w)[:, 0] == pytest.approx([0, 0.45, 0, 0, 0.25 * 0.9 + 0.75 * 0.8, 0])


def test_barrier_counts_borders_to_the_three_nearest_other_centres():
    points = np.column_stack([[110.0, 110.5, 111.0, 111.6, 120.0], np.full(5, 30.0)])
    centre, area = np.array([True, False, True, True, True]), ("a", "a", "b", "b", "b")
    # city 1 sees 0 (own), 2 and 3 (across); city 0 sees 2, 3 and 4, all across, never itself; city 4 sees 3, 2, 0
    assert centre_barrier(points, area, centre, 0.6) == pytest.approx([0.6, 0.4, 0.2, 0.2, 0.2])
    assert centre_barrier(points, area, centre, 1.7).max() == 1.0
    assert (centre_barrier(points, area, centre, -0.3) == 0).all()
    assert np.isnan(centre_barrier(points, area, centre, np.nan)).all()
    assert np.isnan(centre_barrier(points, area, np.zeros(5, bool), 0.6)).all()
    alone = centre_barrier(points, area, np.arange(5) == 0, 0.6)
    assert alone == pytest.approx([np.nan, 0.0, 0.6, 0.6, 0.6], nan_ok=True)


def test_gower_by_hand_without_a_unit_and_between_zero_and_one():
    mix = np.array([[20.0, 50.0], [40.0, 50.0], [60.0, 30.0]])
    found = gower_distance([mix, np.array([[1.0], [3.0], [np.nan]])])
    assert found[0, 1] == pytest.approx(((20 / 40 + 0) / 2 + 1.0) / 2)
    assert found[0, 2] == pytest.approx((1.0 + 1.0) / 2)  # without the size, which is not known
    assert np.array_equal(found, found.T)
    assert not np.diag(found).any()
    x = np.random.default_rng(2).normal(size=(12, 3))
    assert gower_distance([x * [1.0, 100.0, -3.0] + 7.0]) == pytest.approx(gower_distance([x]), abs=1e-12)
    assert gower_distance([x]).max() <= 1
    assert not gower_distance([np.full((3, 1), 4.0)]).any()


def test_benchmark_is_the_nearest_city_with_better_relations():
    distance = np.array([[0.0, 0.1, 0.3], [0.1, 0.0, 0.2], [0.3, 0.2, 0.0]])
    assert list(nearest_better(distance, [0.5, 0.4, 0.6])) == [2, 0, NOBODY]
    assert list(nearest_better(distance, [0.5, 0.5, 0.5])) == [NOBODY] * 3
    assert list(nearest_better(np.full((3, 3), np.nan), [0.1, 0.2, 0.3])) == [NOBODY] * 3
    refused("same cities", nearest_better, distance, [0.1, 0.2])


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


def test_cuts_survive_their_text_and_a_barrier_that_is_not_known_is_not_high():
    x = list(CITIES["behind a border"][0])
    x[5] = math.nan
    assert RULES[classify(x, CUTS).rule] == "r3" == replay(stored(x)).rule_fired
    none = Cuts((*CUTS.value[:5], math.nan), (*CUTS.sd[:5], math.nan))
    known = CITIES["behind a border"][0]
    assert RULES[classify(known, none).rule] == "r3"
    assert replay({**stored(known), "cuts": none.to_json()}).rule_fired == "r3"
    cuts = Cuts(tuple(np.random.default_rng(1).uniform(size=6)), (*np.random.default_rng(2).uniform(size=5), math.nan))
    again = json.loads(cuts.to_json())
    assert [again[name] for name in INPUTS] == list(cuts.value)
    assert [again[f"sd_{name}"] for name in INPUTS] == [*cuts.sd[:5], None]


@pytest.mark.parametrize(
    ("x", "far", "name"),
    [
        ([0.5, 0.6, 0.52, 0.25, 0.2, 0.6], 0.2, "d"),  # on the cuts of uN, pN, b, which r1 does not read
        ([0.2, 0.35, 0.3, 0.4, 0.1, 0.9], 0.5, "p"),  # neither pN nor b alone would bring r3 back
        ([0.2, 0.3, 0.3, 0.4, 0.3, 0.6], 0.0, "barrier"),
    ],
)
def test_margin_is_the_nearest_cut_that_would_change_something(x, far, name):
    assert margin(x, CUTS) == (pytest.approx(far), name)


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


def test_cuts_are_medians_of_the_base_years_and_a_missing_input_is_named():
    x, base = np.random.default_rng(4).uniform(size=(9, 5, 6)), np.arange(5) < 3
    cuts = base_cuts(x, base, 0.5)
    assert (cuts.value[0], cuts.value[2]) == (np.median(x[:, :3, 0]), 0.5)
    assert base_cuts(x[:, :3], base[:3], 0.5) == cuts
    x = np.full((2, 3, 6), 0.5)
    refused("some true", base_cuts, x, np.zeros(3, bool), 0.5)
    x[1, 2, 3] = np.nan
    refused(r"u_neighbour is missing in cell \(1, 2\)", classify, x, CUTS)


def test_the_unit_of_an_input_decides_nothing():
    """Cuts move with the inputs: another scale and origin of any of them gives the same paths and margins."""
    x = np.random.default_rng(6).uniform(size=(30, 4, 6))
    other = x * [100.0, 2.0, 1.0, 0.5, 7.0, 3.0] + [5.0, -1.0, 0.0, 2.0, 0.1, 1.0]
    base = np.ones(4, bool)
    one, two = base_cuts(x, base, 0.5), base_cuts(other, base, 0.5)
    assert np.array_equal(classify(x, one).rule, classify(other, two).rule)
    assert margin(other, two)[0] == pytest.approx(margin(x, one)[0], abs=1e-9)


N, YEARS = 24, (2012, 2013, 2014, 2015, 2016)
KNOWN, BARRIER = Interval(0.5), Interval(0.6)
BASE = np.array([True, True, True, True, False])


def world(m=4, seed=0):
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.1, 0.8, size=(2, N, 1, 1))
    z = np.clip(level + rng.normal(0, 0.15, size=(2, N, len(YEARS), m)), 0.0, 1.0)
    z[:, :, 0], z[:, :, 1] = 0.0, 1.0  # each city touches both bounds: any resample has the same ones
    points = np.column_stack([rng.uniform(105, 120, N), rng.uniform(25, 40, N)])
    w, area = random_knn_weights(N, 4, rng=rng), tuple(str(i % 4) for i in range(N))
    return *(Index(side, np.full(m, 1 / m)) for side in z), Geography(w, points, area, np.arange(N) % 5 == 0)


def drawn(forces, relations, where, d_cut=KNOWN, barrier=BARRIER, n=40, seed=1):
    rng = np.random.default_rng(seed)
    return draw_paths(forces, relations, where, YEARS, BASE, d_cut, barrier, n_draws=n, rng=rng)


def point(forces, relations, where, d_cut=0.5, barrier=0.6):
    d, _ = coordination(forces.score, relations.score, BASE)
    x = path_inputs(forces.score, relations.score, d, where.barrier(barrier), where.w, YEARS)
    return classify(x, year_cuts(x, BASE, d_cut)).path


def test_weights_that_are_open_make_some_paths_open():
    many = world()
    share = drawn(*many).share_same(point(*many))
    assert ((share >= 0) & (share <= 1)).all()
    assert 0 < (share < 1).mean() < 1
    assert share.mean() > 1 / len(PATHS)


def test_without_open_weights_every_path_is_certain_and_an_open_threshold_opens_sub_types_only():
    """One indicator has weight 1 in all draws; d parts sub-types, not paths: any interval of d* leaves p_path at 1."""
    one = world(m=1)
    assert (drawn(*one).share_same(point(*one)) == 1).all()
    draws = drawn(*one, d_cut=Interval(0.5, 0.1, 0.9))
    assert np.ptp(draws.d_cut) > 0.3
    assert (draws.share_same(point(*one)) == 1).all()


def test_an_interval_across_zero_for_the_barrier_opens_paths_behind_borders():
    one = world(m=1)
    share = drawn(*one, barrier=Interval(0.2, -0.6, 1.0), n=100).share_same(point(*one, barrier=0.2))
    behind = point(*one, barrier=0.2) != point(*one, barrier=0.0)
    assert behind.any()
    assert (share[behind] < 1).all()
    assert (share[~behind] == 1).all()


def test_drawn_intervals_have_their_limits_as_percentiles():
    x = Interval(0.4, 0.35, 0.6).draw(np.random.default_rng(3), 200_000)
    assert np.quantile(x, [0.025, 0.5, 0.975]) == pytest.approx([0.35, 0.4, 0.6], abs=0.003)
    assert (Interval(0.5).draw(np.random.default_rng(3), 5) == 0.5).all()


def test_draws_follow_their_seed_and_indexes_of_other_cities_are_refused():
    forces, relations, where = world()
    one, same, other = (drawn(forces, relations, where, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.path, same.path)
    assert np.array_equal(one.d, same.d)
    assert not np.array_equal(one.d, other.d)
    refused("cities and years", drawn, forces, Index(relations.z[1:], relations.weights), where)


def test_coordination_is_that_of_the_coupling_engine():
    forces, relations, _ = world()
    d, lagging = coordination(forces.score, relations.score, BASE)
    u = np.stack([common_scale(i.score, base=np.broadcast_to(BASE, d.shape)) for i in (forces, relations)], axis=-1)
    assert d == pytest.approx(coupling(u).d, abs=1e-15)
    assert np.array_equal(lagging, u[..., 0] - u[..., 1] > 0.1)


PATH = np.array([[0, 0, 1, 1], [2, 3, 3, 2], [3, 3, 3, 3]], dtype=np.int8)


def test_spells_count_years_since_the_last_change():
    found = spells(PATH, (2012, 2013, 2014, 2015))
    assert found.years_in_path.tolist() == [[1, 2, 1, 2], [1, 1, 2, 1], [1, 2, 3, 4]]
    assert found.last_switch.tolist() == [[0, 0, 2014, 2014], [0, 2013, 2013, 2015], [0, 0, 0, 0]]
    assert found.changed.sum() == 3


def test_transitions_by_hand():
    table = transition_table(PATH, n_boot=200, seed=1).set_index(["path_from", "path_to"])
    assert (len(table), table["n"].sum()) == (16, PATH[:, 1:].size)
    assert table.loc[(PATHS[3], PATHS[3]), "p"] == pytest.approx(4 / 5)
    assert table.loc[(PATHS[0], PATHS[1]), "p"] == pytest.approx(1 / 2)
    filled = table.dropna(subset=["p"])
    assert filled.groupby("path_from")["p"].sum().to_numpy() == pytest.approx(1.0)
    limited = filled.dropna(subset=["lo", "hi"])
    alone = filled.loc[PATHS[0], "p"].between(0.0, 1.0, inclusive="neither")  # one city starts there, and moves once
    assert set(filled.index.difference(limited.index)) == {(PATHS[0], path) for path in alone.index[alone]}
    assert ((limited["lo"] <= limited["p"]) & (limited["p"] <= limited["hi"])).all()
    assert transition_table(PATH[:, :1], n_boot=10, seed=1).empty
    never_left = transition_table(np.zeros((3, 4), dtype=np.int8), n_boot=50, seed=1)
    assert never_left.loc[never_left["path_from"] != PATHS[0], "p"].isna().all()


def test_shares_sum_to_one_and_their_limits_come_from_the_draws():
    many = world()
    path, draws = point(*many), drawn(*many)
    forces, relations, _ = many
    d, _ = coordination(forces.score, relations.score, BASE)
    table = share_table(path, forces.score, d, [np.ones(N, bool), np.arange(N) < 5], draws)
    for rows, size in zip(table, (N, 5), strict=True):
        assert rows.groupby("t")["share"].sum().to_numpy() == pytest.approx(1.0, abs=1e-12)
        assert rows.groupby("t")["n"].sum().tolist() == [size] * len(YEARS)
        assert (rows["share_lo"] <= rows["share_hi"]).all()
    own = table[0][(table[0]["t"] == 2) & (table[0]["path"] == PATHS[0])].iloc[0]
    assert own["mean_d"] == pytest.approx(d[path[:, 2] == 0, 2].mean(), abs=1e-12)
