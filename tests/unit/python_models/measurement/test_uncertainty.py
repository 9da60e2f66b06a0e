"""The choices behind an index, and what drawing them again and again says."""

import numpy as np
import pytest

from python_models import CompositeIndex
from python_models.measurement.choices import (
    AGGREGATIONS,
    DELTAS,
    NORMALISATIONS,
    QUANTILES,
    SCHEMES,
    Choice,
    ChoiceModel,
    dirichlet_weights,
    imputed_as,
)
from python_models.measurement.fast import Procedure
from python_models.measurement.uncertainty import FACTORS, choice_of, uncertainty
from python_models.schemes import scheme_score, scheme_weights

DIMENSIONS = ("new", "new", "new", "quality", "quality")


@pytest.fixture(scope="module")
def drawn(model, panel):
    return uncertainty(model, cities=panel.cities, years=panel.years, seed=7, draws=120)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("delta", DELTAS)
@pytest.mark.parametrize("drop", [None, 0, 4])
def test_quick_weights_and_scores_are_those_of_the_library(model, scheme, delta, drop):
    choice = Choice(scheme=scheme, delta=delta, drop=drop)
    z = model.procedure.scale(model.values)
    kept = [k for k in range(5) if k != drop]
    w = scheme_weights(z[..., kept], scheme=scheme, dimensions=tuple(DIMENSIONS[k] for k in kept), delta=delta)
    np.testing.assert_allclose(model.weights(choice)[kept], w.weights, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.score(choice), scheme_score(z[..., kept], w), rtol=0, atol=1e-10)
    assert drop is None or model.weights(choice)[drop] == 0.0


@pytest.mark.parametrize("quantiles", QUANTILES)
def test_the_first_choice_is_the_published_index(panel, spec, model, quantiles):
    published = CompositeIndex(panel, winsor_quantiles=quantiles, **spec).fit()
    np.testing.assert_allclose(model.score(Choice(quantiles=quantiles)), published.score, rtol=0, atol=1e-12)


def test_dirichlet_weights_have_the_mean_and_variance_of_the_law():
    w = np.array([0.5, 0.3, 0.2, 0.0])
    draws = np.array([dirichlet_weights(w, u) for u in np.random.default_rng(2).random((20000, 4))])
    np.testing.assert_allclose(draws.sum(axis=1), 1.0, atol=1e-12)
    np.testing.assert_allclose(draws.mean(axis=0), w, atol=0.001)
    np.testing.assert_allclose(draws.var(axis=0), w * (1 - w) / 201, rtol=0.05, atol=1e-12)


def test_imputed_cells_take_the_nearest_observation_before_or_after():
    values = np.array([[[1.0], [2.0], [3.0], [4.0]]])
    marked = np.array([[[True], [False], [True], [True]]])
    assert imputed_as(values, marked, "last_observed").ravel().tolist() == [1.0, 2.0, 2.0, 2.0]
    assert imputed_as(values, marked, "next_observed").ravel().tolist() == [2.0, 2.0, 3.0, 4.0]
    assert imputed_as(values, marked, "interpolated") is values
    assert values.ravel().tolist() == [1.0, 2.0, 3.0, 4.0]
    with pytest.raises(ValueError, match="unknown imputation 'mean'"):
        imputed_as(values, marked, "mean")


def test_every_level_of_every_factor_is_equally_likely(panel, procedure):
    none = np.zeros(panel.values.shape, dtype=bool)
    model = ChoiceModel(panel.values, none, procedure, DIMENSIONS, ((panel.values, none), (panel.values, none)))
    u = (np.arange(90) + 0.5) / 90
    drawn = {k: [choice_of(np.eye(8)[k] * x, model) for x in u] for k in (0, 3, 5, 6, 7)}
    assert {[c.scheme for c in drawn[0]].count(name) for name in SCHEMES} == {10}
    assert {[c.drop for c in drawn[3]].count(k) for k in (0, 1, 2, 3, 4, None)} == {15}
    assert {[c.edition for c in drawn[5]].count(k) for k in (0, 1, 2)} == {30}
    assert {[c.normalisation for c in drawn[6]].count(k) for k in NORMALISATIONS} == {30}
    assert {[c.aggregation for c in drawn[7]].count(k) for k in AGGREGATIONS} == {30}


def test_the_same_seed_gives_the_same_numbers_with_one_and_two_workers(model, panel, drawn):
    both = uncertainty(model, cities=panel.cities, years=panel.years, seed=7, draws=120, n_jobs=2)
    np.testing.assert_array_equal(both.ranks, drawn.ranks)
    np.testing.assert_array_equal(both.scores, drawn.scores)
    np.testing.assert_array_equal(both.shares.total, drawn.shares.total)
    np.testing.assert_array_equal(both.shares.first_limits, drawn.shares.first_limits)


def test_another_seed_gives_other_numbers_and_more_draws_keep_the_first_ones(model, panel, drawn):
    other = uncertainty(model, cities=panel.cities, years=panel.years, seed=8, draws=20)
    assert not np.array_equal(other.ranks, drawn.ranks[:20])
    more = uncertainty(model, cities=panel.cities, years=panel.years, seed=7, draws=140)
    np.testing.assert_array_equal(more.ranks[:120], drawn.ranks)


def test_the_table_is_ordered_bounded_and_complete(drawn, panel):
    table = drawn.to_frame()
    assert len(table) == len(panel.cities) * len(panel.years)
    assert (table["rank_p05"] <= table["rank_p50"]).all()
    assert (table["rank_p50"] <= table["rank_p95"]).all()
    assert table["p_top20"].between(0, 1).all()
    # 30 cities of which 20 are in front: the shares of a year add up to 20, or more where places are shared
    assert (table.groupby("year")["p_top20"].sum() >= 20 - 1e-9).all()
    assert table["score_p05"].between(0, 1).all()
    assert {"n_draws", "n_obs", "seed"} <= set(table.columns)


def test_every_factor_has_a_share_and_the_total_is_not_below_what_it_does_alone(drawn):
    table = drawn.factor_frame().set_index("factor")
    assert tuple(table.index) == FACTORS
    assert (table["sobol_total"] >= 0).all()
    assert (table["sobol_total"] >= table["sobol_first"] - 0.1).all()
    assert table["sobol_total"].sum() >= 0.9
    assert (table["sobol_total_p05"] <= table["sobol_total_p95"]).all()
    assert len(drawn.city_factor_frame()) == len(FACTORS) * 30


def test_a_factor_that_cannot_act_has_share_0(panel, procedure):
    nothing_imputed = ChoiceModel(panel.values, np.zeros(panel.values.shape, dtype=bool), procedure, DIMENSIONS)
    drawn = uncertainty(nothing_imputed, cities=panel.cities, years=panel.years, seed=1, draws=40)
    assert drawn.factor_frame().set_index("factor").loc["imputation", "sobol_total"] == 0.0


def test_another_edition_of_the_values_is_a_factor_of_its_own(panel, procedure):
    none = np.zeros(panel.values.shape, dtype=bool)
    other = panel.values.copy()
    other[0, :, 0] *= 50.0  # what one city prints of one indicator, before editing
    model = ChoiceModel(panel.values, none, procedure, DIMENSIONS, ((other, none),))
    alone = ChoiceModel(other, none, procedure, DIMENSIONS)
    np.testing.assert_array_equal(model.score(Choice(edition=1)), alone.score(Choice()))
    drawn = uncertainty(model, cities=panel.cities, years=panel.years, seed=1, draws=60)
    share = drawn.city_factor_frame().set_index(["city_id", "factor"]).loc[(panel.cities[0], "editing"), "sobol_total"]
    same = ChoiceModel(panel.values, none, procedure, DIMENSIONS, ((panel.values, none),))
    unmoved = uncertainty(same, cities=panel.cities, years=panel.years, seed=1, draws=60)
    assert share > 0.1
    assert unmoved.factor_frame().set_index("factor").loc["editing", "sobol_total"] == 0.0


def test_a_ranking_that_no_choice_can_move_is_certain():
    values = np.linspace(0, 1, 40)[:, None, None] * np.ones((40, 2, 3)) + np.array([0.0, 0.1])[None, :, None]
    same = Procedure(np.ones(3), np.full(3, np.inf), np.zeros(3, dtype=bool))
    model = ChoiceModel(values, np.zeros(values.shape, dtype=bool), same, ("new", "new", "quality"))
    drawn = uncertainty(model, cities=[f"c{i}" for i in range(40)], years=[2012, 2013], seed=1, draws=30)
    table = drawn.to_frame()
    assert (table["rank_p05"] == table["rank_p95"]).all()
    assert set(table["p_top20"]) == {0.0, 1.0}


def test_labels_and_draws_that_do_not_fit_raise(model, panel, procedure):
    with pytest.raises(ValueError, match="labels count 2 x 4"):
        uncertainty(model, cities=["a", "b"], years=panel.years, seed=1)
    with pytest.raises(ValueError, match="at least 2 draws"):
        uncertainty(model, cities=panel.cities, years=panel.years, seed=1, draws=1)
    with pytest.raises(ValueError, match="missing cells"):
        procedure.scale(np.full((3, 2, 5), np.nan))
