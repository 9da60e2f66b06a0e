"""Bridges between bases and vintages: which pairs there are, and what a change of method does."""

import numpy as np
import pandas as pd
import pytest

from dagster_project.study.measurement import restatement_table
from python_models import CompositeIndex, Panel

PARTS = ["part_revision", "part_bounds", "part_weights", "part_method"]


def indicator_frame(spec):
    names = list(spec["directions"])
    return pd.DataFrame(
        {
            "indicator_code": names,
            "direction": [spec["directions"][n] for n in names],
            "cap_high": [spec["caps"].get(n) for n in names],
        }
    )


def frames_of(panel, spec, vintage, previous=None):
    """What a build holds of index `x`: base window 2012-2014, restated until 2015."""
    results = {
        basis: CompositeIndex(panel, **{**spec, "window": (2012, end)}).fit()
        for basis, end in (("frozen_2012_2014", 2014), ("restated", 2015))
    }
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
    for basis, end in (("frozen_2012_2014", 2014), ("restated", 2015)):
        result = CompositeIndex(panel, **{**spec, "window": (2012, end)}).fit()
        cells = panel.to_long().merge(result.bounds, on="indicator_code")
        cells = cells.merge(result.weights[["indicator_code", "weight"]], on="indicator_code")
        cells = cells.merge(indicator_frame(spec), on="indicator_code")
        blocks.append(cells.assign(basis=basis, index_code="x", data_vintage=vintage))
    return pd.concat(blocks)


@pytest.fixture(scope="module")
def revised(panel):
    values = panel.values.copy()
    values[3, 1, 3] *= 1.5
    return Panel(values, panel.cities, panel.years, panel.names)


@pytest.fixture(scope="module")
def table(panel, revised, spec):
    return restatement_table(frames_of(revised, spec, "2015B", history_of(panel, spec, "2015A")), "x")


def test_parts_sum_to_the_change_in_every_row(table):
    np.testing.assert_allclose(table[PARTS].sum(axis=1), table["total_change"], rtol=0, atol=1e-12)
    np.testing.assert_allclose(table["score_new"] - table["score_old"], table["total_change"], rtol=0, atol=1e-15)


def test_there_is_a_bridge_of_bases_and_one_of_vintages_for_each_basis(table):
    keys = ["vintage_old", "vintage_new", "basis_old", "basis_new"]
    assert set(map(tuple, table[keys].drop_duplicates().to_numpy())) == {
        ("2015B", "2015B", "frozen_2012_2014", "restated"),
        ("2015A", "2015B", "frozen_2012_2014", "frozen_2012_2014"),
        ("2015A", "2015B", "restated", "restated"),
    }
    assert len(table) == 3 * 30 * 4


def test_a_revised_cell_is_a_revision_of_its_own_city_and_year_only(table, panel):
    vintages = table[table["vintage_old"] != table["vintage_new"]]
    touched = vintages[vintages["part_revision"].abs() > 1e-15]
    assert set(zip(touched["city_id"], touched["year"], strict=True)) == {(panel.cities[3], 2013)}
    others = vintages[vintages["city_id"] != panel.cities[3]]
    assert (others["part_weights"].abs() > 0).any()  # the revised cell moves the weights of all


def test_scores_of_the_bridge_are_the_published_ones(table, panel, revised, spec):
    own = table[(table["basis_old"] == "restated") & (table["basis_new"] == "restated")]
    for column, source in (("score_old", panel), ("score_new", revised)):
        score = CompositeIndex(source, **{**spec, "window": (2012, 2015)}).fit().score
        np.testing.assert_allclose(own[column], score.reshape(-1), rtol=0, atol=1e-14)


def test_without_a_previous_vintage_only_the_bases_are_bridged(panel, spec):
    table = restatement_table(frames_of(panel, spec, "2015A"), "x")
    assert set(table["basis_new"]) == {"restated"}
    assert len(table) == 30 * 4


def test_a_changed_method_takes_the_whole_change(panel, spec):
    four = Panel(panel.values[..., :4], panel.cities, panel.years, panel.names[:4])
    fewer = {
        **spec,
        "directions": {n: d for n, d in spec["directions"].items() if n != "q2"},
        "levels": {n: d for n, d in spec["levels"].items() if n != "q2"},
        "winsor": {"n1": True},
    }
    table = restatement_table(frames_of(panel, spec, "2015B", history_of(four, fewer, "2015A")), "x")
    own = table[table["vintage_old"] != table["vintage_new"]]
    assert len(own) == 2 * 30 * 4
    assert (own["part_method"] == own["total_change"]).all()
    assert (own[["part_revision", "part_bounds", "part_weights"]] == 0).all().all()
    assert own["total_change"].abs().max() > 0.01


def test_cities_and_years_of_both_vintages_are_bridged(panel, spec):
    early = Panel(panel.values[:20, :3], panel.cities[:20], panel.years[:3], panel.names)
    previous = history_of(early, {**spec}, "2014A")
    table = restatement_table(frames_of(panel, spec, "2015A", previous[previous["basis"] != "restated"]), "x")
    own = table[table["vintage_old"] != table["vintage_new"]]
    assert len(own) == 20 * 3
    np.testing.assert_allclose(own[PARTS].sum(axis=1), own["total_change"], rtol=0, atol=1e-12)
