"""The choices behind an index, shares of variance, weights of other windows and cities."""

import numpy as np
import pytest
from checks import refused

from python_models import CompositeIndex, Panel
from python_models.measurement.choices import (
    AGGREGATIONS,
    DELTAS,
    FIELDS,
    NORMALISATIONS,
    QUANTILES,
    SCHEMES,
    Choice,
    ChoiceModel,
    dirichlet_weights,
    imputed_as,
)
from python_models.measurement.fast import Procedure
from python_models.measurement.schemes import scheme_score, scheme_weights
from python_models.measurement.sobol import sobol_shares
from python_models.measurement.stability import bootstrap_weights
from python_models.measurement.uncertainty import FACTORS, choices_of, uncertainty

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
    refused("unknown imputation 'mean'", imputed_as, values, marked, "mean")


def test_every_level_of_every_factor_is_equally_likely(panel, procedure):
    none = np.zeros(panel.values.shape, dtype=bool)
    model = ChoiceModel(panel.values, none, procedure, DIMENSIONS, ((panel.values, none), (panel.values, none)))
    for k, name, levels in (
        (0, "scheme", SCHEMES),
        (3, "drop", (0, 1, 2, 3, 4, None)),
        (5, "edition", (0, 1, 2)),
        (6, "normalisation", NORMALISATIONS),
        (7, "aggregation", AGGREGATIONS),
    ):
        chosen, which = choices_of(np.outer((np.arange(90) + 0.5) / 90, np.eye(8)[k]), model, FIELDS.values())
        drawn = [getattr(chosen[i], name) for i in which]
        assert {drawn.count(level) for level in levels} == {90 // len(levels)}


def test_the_same_seed_gives_the_same_numbers_with_two_workers_and_first_with_more_draws(model, panel, drawn):
    where = {"cities": panel.cities, "years": panel.years}
    both = uncertainty(model, seed=7, draws=120, n_jobs=2, **where)
    for one, two in ((both.ranks, drawn.ranks), (both.scores, drawn.scores), (both.shares.total, drawn.shares.total)):
        np.testing.assert_array_equal(one, two)
    np.testing.assert_array_equal(both.shares.first_limits, drawn.shares.first_limits)
    assert not np.array_equal(uncertainty(model, seed=8, draws=20, **where).ranks, drawn.ranks[:20])
    np.testing.assert_array_equal(uncertainty(model, seed=7, draws=140, **where).ranks[:120], drawn.ranks)


def test_tables_of_draws_and_factors_are_ordered_bounded_and_complete(drawn, panel):
    table = drawn.to_frame()
    assert len(table) == len(panel.cities) * len(panel.years)
    assert ((table["rank_p05"] <= table["rank_p50"]) & (table["rank_p50"] <= table["rank_p95"])).all()
    # 30 cities of which 20 are in front: the shares of a year add up to 20, or more where places are shared
    assert (table.groupby("year")["p_top20"].sum() >= 20 - 1e-9).all()
    assert table[["p_top20", "score_p05"]].apply(lambda column: column.between(0, 1)).all(axis=None)
    assert {"n_draws", "n_obs", "seed"} <= set(table.columns)
    table = drawn.factor_frame().set_index("factor")
    assert tuple(table.index) == FACTORS
    total = table["sobol_total"]
    assert ((total >= 0) & (total >= table["sobol_first"] - 0.1)).all()
    assert total.sum() >= 0.9
    assert (table["sobol_total_p05"] <= table["sobol_total_p95"]).all()


def test_another_edition_of_the_values_is_a_factor_of_its_own_and_one_that_cannot_act_has_share_0(panel, procedure):
    none, other = np.zeros(panel.values.shape, dtype=bool), panel.values.copy()
    other[0, :, 0] *= 50.0  # what one city prints of one indicator, before editing
    edited, same = (
        ChoiceModel(panel.values, none, procedure, DIMENSIONS, ((values, none),)) for values in (other, panel.values)
    )
    alone = ChoiceModel(other, none, procedure, DIMENSIONS)
    np.testing.assert_array_equal(edited.score(Choice(edition=1)), alone.score(Choice()))
    drawn, unmoved = (uncertainty(m, cities=panel.cities, years=panel.years, seed=1, draws=60) for m in (edited, same))
    assert drawn.factor_frame().set_index("factor")["sobol_total"]["editing"] > 0.0
    nothing = unmoved.factor_frame().set_index("factor")["sobol_total"]  # nothing is imputed, the editions are one
    assert nothing[["editing", "imputation"]].tolist() == [0.0, 0.0]


def test_a_ranking_that_no_choice_can_move_is_certain_and_what_does_not_fit_raises(model, panel, procedure):
    refused("labels count 2 x 4", uncertainty, model, cities=["a", "b"], years=panel.years, seed=1)
    refused("at least 2 draws", uncertainty, model, cities=panel.cities, years=panel.years, seed=1, draws=1)
    refused("missing cells", procedure.scale, np.full((3, 2, 5), np.nan))
    values = np.linspace(0, 1, 40)[:, None, None] * np.ones((40, 2, 3)) + np.array([0.0, 0.1])[None, :, None]
    same = Procedure(np.ones(3), np.full(3, np.inf), np.zeros(3, dtype=bool))
    model = ChoiceModel(values, np.zeros(values.shape, dtype=bool), same, ("new", "new", "quality"))
    table = uncertainty(model, cities=[f"c{i}" for i in range(40)], years=[2012, 2013], seed=1, draws=30).to_frame()
    assert (table["rank_p05"] == table["rank_p95"]).all()
    assert set(table["p_top20"]) == {0.0, 1.0}


def design(f, k, n, seed=1):
    a, b = np.random.default_rng(seed).random((2, n, k))
    return f(a), f(b), np.stack([f(np.where(np.arange(k) == i, b, a)) for i in range(k)])


def test_limits_hold_the_truth_about_nine_times_in_ten():
    inside = []
    for seed in range(100):
        f = design(lambda u: u @ [1.0, 2.0], 2, 300, seed)
        low, high = sobol_shares(*f, ("a", "b"), seed=seed, resamples=199).total_limits
        inside.append((low <= [0.2, 0.8]) & (high >= [0.2, 0.8]))
    share = np.mean(inside, axis=0)
    assert ((share > 0.8) & (share < 0.98)).all()


def test_an_output_that_never_moves_has_no_shares():
    still = sobol_shares(np.ones(10), np.ones(10), np.ones((2, 10)), ("a", "b"))
    assert np.isnan(still.first).all()
    assert np.isnan(still.to_frame()["sobol_total_p95"]).all()
    refused("do not fit 3 factors", sobol_shares, np.ones(4), np.ones(4), np.ones((2, 4)), ("a", "b", "c"))
    refused("finite", sobol_shares, np.array([1.0, np.nan]), np.ones(2), np.ones((1, 2)), ("a",))


@pytest.mark.parametrize("scheme", ["entropy", "two_stage_equal", "two_stage_entropy", "critic"])
def test_bootstrap_draws_whole_cities_and_its_weights_surround_the_estimate(panel, procedure, scheme):
    how = {"scheme": scheme, "dimensions": DIMENSIONS}
    booted, again = (bootstrap_weights(panel, procedure, seed=5, draws=200, **how) for _ in range(2))
    np.testing.assert_array_equal(again.draws, booted.draws)
    first = np.random.default_rng(np.random.SeedSequence(5).spawn(1)[0]).integers(0, 30, 30)
    w = scheme_weights(procedure.scale(panel.values[first]), delta=0.0, **how).weights
    np.testing.assert_allclose(booted.draws[0], w, rtol=0, atol=1e-12)
    np.testing.assert_allclose(booted.draws.sum(axis=1), 1.0, atol=1e-12)
    table = booted.to_frame()
    np.testing.assert_allclose(table["weight_se"], booted.draws.std(axis=0, ddof=1), rtol=1e-12)
    assert ((table["weight_se"] > 0) & (table["weight_p05"] < table["weight_p95"])).all()
    assert (abs(table["weight"] - booted.draws.mean(axis=0)) < 2 * table["weight_se"]).all()


def test_cities_that_are_all_alike_have_no_standard_error_and_one_city_is_refused(procedure, panel):
    same, one = (
        Panel(np.repeat(panel.values[:1], n, axis=0), tuple("abcdef"[:n]), panel.years, panel.names) for n in (6, 1)
    )
    table = bootstrap_weights(same, procedure, seed=1, draws=9).to_frame()
    np.testing.assert_allclose(table["weight_se"], 0, atol=1e-15)
    refused("at least 2 cities", bootstrap_weights, one, procedure, seed=1)
