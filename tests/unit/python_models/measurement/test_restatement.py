"""Bridges between bases and vintages: exact sums, signs, and what a change of method does."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from checks import refused

from dagster_project.study.measurement import restatement_table
from python_models import CompositeIndex, Panel
from python_models.measurement.restatement import Basis, restate, shapley, subsets

OLD = (2012, 2013, 2014, 2015)


def basis_of(result):
    bounds = result.bounds
    return Basis(
        bounds["min_value"].to_numpy(),
        bounds["max_value"].to_numpy(),
        bounds["winsor_low_value"].fillna(-np.inf).to_numpy(),
        bounds["winsor_high_value"].fillna(np.inf).to_numpy(),
        result.w,
    )


@pytest.fixture(scope="module")
def extended(panel_factory):
    return panel_factory(years=(*OLD, 2016))


@pytest.fixture(scope="module")
def bridge_of(spec, extended):
    """bridge_of(old values, new values, window old, window new): results and the bridge between them."""

    def make(before=extended.values, after=extended.values, old=(2012, 2015), new=(2012, 2016)):
        panels = [Panel(x, extended.cities, extended.years, extended.names) for x in (before, after)]
        results = [CompositeIndex(p, **{**spec, "window": w}).fit() for p, w in zip(panels, (old, new), strict=True)]
        return results, restate(before, after, *map(basis_of, results), **RULES, **labels(extended))

    return make


RULES = {"directions": [1, 1, -1, 1, -1], "caps": [np.inf, 100, np.inf, np.inf, np.inf]}  # of the specification


def labels(panel):
    return {"cities": panel.cities, "years": panel.years}


def revised(extended, seed=1):
    return extended.values * np.random.default_rng(seed).uniform(0.95, 1.05, extended.values.shape)


@pytest.mark.parametrize("seed", range(5))
def test_parts_sum_to_the_change(bridge_of, extended, seed):
    _, bridge = bridge_of(after=revised(extended, seed))
    total = sum(bridge.parts.values())
    np.testing.assert_allclose(total, bridge.total_change, rtol=0, atol=1e-12)
    assert all(np.abs(part).max() > 1e-5 for part in bridge.parts.values())


def test_parts_belong_to_what_changed(bridge_of, extended):
    _, bridge = bridge_of()
    assert not bridge.parts["revision"].any()
    assert np.abs(bridge.total_change[:, :4]).max() > 1e-4
    _, still = bridge_of(new=(2012, 2015))
    assert not still.total_change.any()
    assert not any(part.any() for part in still.parts.values())
    (old, new), _ = bridge_of()
    a = basis_of(old)
    bridge = restate(extended.values, extended.values, a, replace(a, weights=new.w), **RULES, **labels(extended))
    np.testing.assert_allclose(bridge.parts["weights"], old.z @ (new.w - old.w), rtol=0, atol=1e-14)
    assert not bridge.parts["bounds"].any()


def test_shapley_of_a_known_game():
    """Gloves: a holds a left one, b and c a right one each; a pair is worth 1. Values 2/3, 1/6, 1/6."""

    def value(s):
        return np.array(float("a" in s and bool(s & {"b", "c"})))

    assert [float(shapley(value, "abc", p)) for p in "abc"] == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)
    assert len(subsets("abc")) == 8


def test_a_missing_value_has_no_bridge_and_the_others_keep_theirs(bridge_of, extended):
    hole = extended.values.copy()
    hole[0, 0, 3] = np.nan
    (old, _), bridge = bridge_of(after=hole)
    frame, basis = bridge.to_frame(), basis_of(old)
    assert len(frame) == 30 * 5 - 1
    assert {"part_revision", "part_bounds", "part_weights", "total_change"} <= set(frame.columns)
    shorter = extended.values, extended.values[:5], basis, basis
    refused("one shape", restate, *shorter, **RULES, **labels(extended))


PARTS = ["part_revision", "part_bounds", "part_weights", "part_method"]


def indicator_frame(spec):
    direction = pd.Series(spec["directions"], name="direction").rename_axis("indicator_code")
    return direction.reset_index().assign(cap_high=lambda d: d["indicator_code"].map(spec["caps"]))


def bases(panel, spec):
    """Base window 2012-2014, frozen and restated until 2015."""
    ends = {"frozen_2012_2014": 2014, "restated": 2015}
    return {basis: CompositeIndex(panel, **{**spec, "window": (2012, end)}).fit() for basis, end in ends.items()}


def frames_of(panel, spec, vintage, previous=None):
    """What a build holds of index `x`."""
    results = bases(panel, spec)
    return {
        "panel": panel.to_long().assign(index_code="x"),
        "bounds": pd.concat(r.bounds.assign(basis=b, index_code="x") for b, r in results.items()),
        "weight": pd.concat(r.weights.assign(basis=b, index_code="x", is_headline=True) for b, r in results.items()),
        "indicator": indicator_frame(spec),
        "context": pd.DataFrame({"data_vintage": [vintage]}),
        "previous": history_of(panel, spec, "none").iloc[:0] if previous is None else previous,
        "results": results,
    }


def history_of(panel, spec, vintage):
    """The rows that are kept of a published vintage."""
    blocks = []
    for basis, result in bases(panel, spec).items():
        cells = panel.to_long()
        for more in (result.bounds, result.weights[["indicator_code", "weight"]], indicator_frame(spec)):
            cells = cells.merge(more, on="indicator_code")
        blocks.append(cells.assign(basis=basis, index_code="x", data_vintage=vintage))
    return pd.concat(blocks)


@pytest.fixture(scope="module")
def edition(panel):
    values = panel.values.copy()
    values[3, 1, 3] *= 1.5
    return Panel(values, panel.cities, panel.years, panel.names)


@pytest.fixture(scope="module")
def table(panel, edition, spec):
    return restatement_table(frames_of(edition, spec, "2015B", history_of(panel, spec, "2015A")), "x")


def test_there_is_a_bridge_of_bases_and_one_of_vintages_for_each_basis(table, panel, spec):
    keys = ["vintage_old", "vintage_new", "basis_old", "basis_new"]
    assert set(map(tuple, table[keys].drop_duplicates().to_numpy())) == {
        ("2015B", "2015B", "frozen_2012_2014", "restated"),
        ("2015A", "2015B", "frozen_2012_2014", "frozen_2012_2014"),
        ("2015A", "2015B", "restated", "restated"),
    }
    assert len(table) == 3 * 30 * 4
    first = restatement_table(frames_of(panel, spec, "2015A"), "x")  # without a previous vintage
    assert (set(first["basis_new"]), len(first)) == ({"restated"}, 30 * 4)


def test_a_revised_cell_is_a_revision_of_its_own_and_scores_are_the_published_ones(table, panel, edition, spec):
    vintages = table[table["vintage_old"] != table["vintage_new"]]
    touched = vintages[vintages["part_revision"].abs() > 1e-15]
    assert set(zip(touched["city_id"], touched["year"], strict=True)) == {(panel.cities[3], 2013)}
    others = vintages[vintages["city_id"] != panel.cities[3]]
    assert (others["part_weights"].abs() > 0).any()  # the revised cell moves the weights of all
    own = table[(table["basis_old"] == "restated") & (table["basis_new"] == "restated")]
    for column, source in (("score_old", panel), ("score_new", edition)):
        score = CompositeIndex(source, **{**spec, "window": (2012, 2015)}).fit().score
        np.testing.assert_allclose(own[column], score.reshape(-1), rtol=0, atol=1e-14)


def test_a_changed_method_takes_the_whole_change(panel, spec):
    four = Panel(panel.values[..., :4], panel.cities, panel.years, panel.names[:4])
    kept = {key: {n: spec[key][n] for n in four.names} for key in ("directions", "levels")}
    previous = history_of(four, {**spec, **kept, "winsor": {"n1": True}}, "2015A")
    table = restatement_table(frames_of(panel, spec, "2015B", previous), "x")
    own = table[table["vintage_old"] != table["vintage_new"]]
    assert len(own) == 2 * 30 * 4
    assert (own["part_method"] == own["total_change"]).all()
    assert (own[PARTS[:3]] == 0).all(axis=None)
    assert own["total_change"].abs().max() > 0.01


def test_cities_and_years_of_both_vintages_are_bridged(panel, spec):
    early = Panel(panel.values[:20, :3], panel.cities[:20], panel.years[:3], panel.names)
    previous = history_of(early, {**spec}, "2014A")
    table = restatement_table(frames_of(panel, spec, "2015A", previous[previous["basis"] != "restated"]), "x")
    own = table[table["vintage_old"] != table["vintage_new"]]
    assert len(own) == 20 * 3
    np.testing.assert_allclose(own[PARTS].sum(axis=1), own["total_change"], rtol=0, atol=1e-12)
