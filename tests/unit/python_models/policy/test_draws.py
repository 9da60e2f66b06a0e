"""Certainty of a path from drawn weights, bounds and thresholds; spells, transitions and shares."""

import numpy as np
import pytest

from python_models.policy import (
    PATHS,
    Geography,
    Index,
    Interval,
    classify,
    coordination,
    draw_paths,
    path_inputs,
    share_table,
    spells,
    transition_table,
    year_cuts,
)
from python_models.production.coupling import common_scale, coupling
from python_models.simulation import random_knn_weights

N, YEARS = 24, (2012, 2013, 2014, 2015, 2016)
BASE = np.array([True, True, True, True, False])


def world(m=4, seed=0):
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.1, 0.8, size=(2, N, 1, 1))
    z = np.clip(level + rng.normal(0, 0.15, size=(2, N, len(YEARS), m)), 0.0, 1.0)
    z[:, :, 0], z[:, :, 1] = 0.0, 1.0  # each city touches both bounds: any resample has the same ones
    points = np.column_stack([rng.uniform(105, 120, N), rng.uniform(25, 40, N)])
    where = Geography(
        random_knn_weights(N, 4, rng=rng), points, tuple(str(i % 4) for i in range(N)), np.arange(N) % 5 == 0
    )
    indexes = [Index(side, np.full(m, 1 / m)) for side in z]
    return *indexes, where


def drawn(forces, relations, where, d_cut=None, barrier=None, n=40, seed=1):
    return draw_paths(
        forces,
        relations,
        where,
        YEARS,
        BASE,
        d_cut or Interval(0.5),
        barrier or Interval(0.6),
        n_draws=n,
        rng=np.random.default_rng(seed),
    )


def point(forces, relations, where, d_cut=0.5, barrier=0.6):
    d, _ = coordination(forces.score, relations.score, BASE)
    x = path_inputs(forces.score, relations.score, d, where.barrier(barrier), where.w, YEARS)
    return classify(x, year_cuts(x, BASE, d_cut)).path


def test_without_anything_to_draw_every_path_is_certain():
    """One indicator has weight 1 in all draws; fixed bounds and cuts leave nothing open."""
    one = world(m=1)
    share = drawn(*one).share_same(point(*one))
    assert (share == 1).all()


def test_weights_that_are_open_make_some_paths_open():
    many = world()
    share = drawn(*many).share_same(point(*many))
    assert ((share >= 0) & (share <= 1)).all()
    assert 0 < (share < 1).mean() < 1
    assert share.mean() > 1 / len(PATHS)


def test_an_open_threshold_opens_sub_types_only():
    """d parts sub-types, not paths: with weights that are certain, any interval of d* leaves p_path at 1."""
    one = world(m=1)
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


def test_draws_follow_their_seed():
    many = world()
    one, same, other = (drawn(*many, seed=s) for s in (1, 1, 2))
    assert np.array_equal(one.path, same.path)
    assert np.array_equal(one.d, same.d)
    assert not np.array_equal(one.d, other.d)


def test_indexes_of_other_cities_are_refused():
    forces, relations, where = world()
    with pytest.raises(ValueError, match="cities and years"):
        drawn(forces, Index(relations.z[1:], relations.weights), where)


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
    assert len(table) == 16
    assert table["n"].sum() == PATH[:, 1:].size
    assert table.loc[(PATHS[3], PATHS[3]), "p"] == pytest.approx(4 / 5)
    assert table.loc[(PATHS[0], PATHS[1]), "p"] == pytest.approx(1 / 2)
    filled = table.dropna(subset=["p"])
    assert filled.groupby("path_from")["p"].sum().to_numpy() == pytest.approx(1.0)
    assert ((filled["lo"] <= filled["p"]) & (filled["p"] <= filled["hi"])).all()
    assert transition_table(PATH[:, :1], n_boot=10, seed=1).empty


def test_a_path_that_nobody_leaves_has_no_row_of_ones():
    table = transition_table(np.zeros((3, 4), dtype=np.int8), n_boot=50, seed=1)
    assert table.loc[table["path_from"] != PATHS[0], "p"].isna().all()


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
