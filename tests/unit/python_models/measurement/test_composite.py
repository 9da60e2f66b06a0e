"""The object, its audit, and the parts that no oracle covers: shapes of any depth, degenerate cases, invariances."""

import numpy as np
import pytest

from python_models import CompositeIndex, Panel
from python_models.measurement.aggregation import aggregate, flat_weights
from python_models.measurement.frontier import benefit_of_the_doubt
from python_models.measurement.importance import correlation_ratio
from python_models.measurement.imputation import em_normal, multiple_imputation
from python_models.measurement.treatment import treat
from python_models.measurement.uncertainty import ranked
from python_models.scores import ranks

LEVELS = {"n1": ("a", "x"), "n2": ("a", "x"), "n3": ("b", "x"), "q1": ("c", "y"), "q2": ("c", "y")}


@pytest.fixture(scope="module")
def index(panel, spec):
    return CompositeIndex(panel, **{**spec, "levels": LEVELS})


@pytest.fixture(scope="module")
def audited(index):
    return index.audit(draws=660, seed=2)


@pytest.mark.parametrize("rule", ["arithmetic", "geometric", "harmonic"])
def test_one_mean_at_all_levels_is_the_flat_mean(rule):
    z = np.random.default_rng(1).random((20, 2, 5)) + 0.1
    w = flat_weights({"x": 2.0, "q1": 3.0}, tuple(LEVELS), tuple(LEVELS.values()))
    assert w.sum() == pytest.approx(1.0)
    deep = aggregate(z, w, tuple(LEVELS.values()), rule)[-1].scores
    flat = aggregate(z, w, ((),) * 5, rule)[-1].scores
    np.testing.assert_allclose(deep, flat, rtol=1e-12)


def test_the_order_of_means_holds_and_a_mean_that_needs_values_above_0_says_so():
    z, w, paths = np.random.default_rng(1).random((20, 2, 5)) + 0.1, np.full(5, 0.2), tuple(LEVELS.values())
    means = [aggregate(z, w, paths, rule)[-1].scores for rule in ("harmonic", "geometric", "arithmetic")]
    mixed = aggregate(z, w, paths, ("arithmetic", "arithmetic", "geometric"))[-1].scores
    assert (means[0] <= means[1]).all()
    assert (means[1] <= mixed).all()
    assert (mixed <= means[2]).all()
    with pytest.raises(ValueError, match="values above 0"):
        aggregate(z - 1.0, w, paths, "geometric")


def test_the_audit_has_ten_steps_and_every_figure_a_verdict(audited):
    table = audited.table
    assert set(table["step"]) == set(range(1, 11)) - {9}  # nothing outside was given
    assert set(table["verdict"]) <= {"holds", "weak", "fails", "told"}
    assert not table.duplicated(["check", "item"]).any()
    assert audited.drawn.n_failed == 0
    assert table.loc[table["check"] == "effective_ratio", "value"].sum() == pytest.approx(1.0)
    assert table.loc[table["check"] == "share_of_variance", "value"].sum() == pytest.approx(1.0)


def test_an_indicator_turned_the_wrong_way_is_said():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(60, 1, 1)) + 0.3 * rng.normal(size=(60, 3, 5))
    names = tuple(LEVELS)
    panel = Panel(x, tuple(f"u{i}" for i in range(60)), (1, 2, 3), names)
    signs = {**dict.fromkeys(names, 1), "n2": -1}
    found = CompositeIndex(panel, signs, LEVELS, scheme="equal").audit(draws=44).failures()
    assert "n2" in set(found.loc[found["check"] == "r_index", "item"])
    assert "a" in set(found.loc[found["check"] == "alpha", "item"])


def test_only_the_factors_that_are_asked_for_vary(index):
    assert index.audit(draws=40, factors=("normalisation",)).drawn.shares.names == ("normalisation",)
    with pytest.raises(ValueError, match="unknown factor"):
        index.audit(draws=40, factors=("colour",))


def test_gains_and_whatif_speak_of_the_same_index(index, panel):
    unit, result = panel.cities[3], index.fit()
    told, z = index.explain(unit), result.z[:, -1]
    assert told["gain"].is_monotonic_decreasing
    gains = told.set_index("indicator").loc[list(panel.names), "gain"]
    np.testing.assert_allclose(gains, result.w * (z[3] - z.mean(axis=0)), atol=1e-12)
    assert (index.whatif()["shift"] == 0).all()
    moved = index.whatif({(unit, panel.years[-1], "n1"): float(panel.values[:, :, 0].max())})
    assert moved.set_index(["city_id", "year"]).loc[(unit, panel.years[-1]), "change"] != 0.0
    with pytest.raises(ValueError, match="unknown unit"):
        index.explain("nowhere")


def test_places_of_draws_are_places():
    score = np.round(np.random.default_rng(1).random((40, 6)), 1)  # with ties
    np.testing.assert_array_equal(ranked(score.T).T, ranks(score))


def test_importance_is_r_squared_for_a_line_and_more_for_a_curve():
    rng = np.random.default_rng(2)
    x = rng.normal(size=4000)
    line = x + rng.normal(size=4000)
    assert correlation_ratio(x, line) == pytest.approx(np.corrcoef(x, line)[0, 1] ** 2, abs=0.02)
    assert correlation_ratio(x, x**2) > 0.95
    assert np.isnan(correlation_ratio(np.ones(10), np.arange(10.0)))


def test_imputations_keep_what_is_observed_and_vary_where_it_is_not():
    rng = np.random.default_rng(3)
    full = rng.multivariate_normal([0, 5, 1], [[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]], size=300)
    holes = rng.random(full.shape) < 0.15
    made = multiple_imputation(np.where(holes, np.nan, full), copies=8, seed=1)
    assert (made.n_failed, len(made.values)) == (0, 8)
    assert (made.values[:, ~holes] == full[~holes]).all()
    assert (made.values.std(axis=0)[holes] > 0).all()
    between = 9 / 8 * made.values.mean(axis=1).var(axis=0, ddof=1)
    assert ((between > 0) & (between < 0.02)).all()
    mean, cov = em_normal(np.where(holes, np.nan, full))
    np.testing.assert_allclose(mean, [0, 5, 1], atol=0.2)
    assert cov[0, 1] == pytest.approx(0.8, abs=0.15)


def test_bounds_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="bounds of shares"):
        benefit_of_the_doubt(np.ones((3, 1, 2)), low=0.6)
    with pytest.raises(ValueError, match="0 and more"):
        benefit_of_the_doubt(-np.ones((3, 1, 2)))


def test_a_column_that_winsorising_cannot_mend_is_logged():
    for scale, action in ((1.2, "log"), (2.0, "fails")):
        x = np.exp(np.random.default_rng(5).normal(scale=scale, size=(400, 1)))
        assert treat(x, ("x",)).table.loc[0, "action"] == action
    assert treat(np.ones((10, 1)), ("x",)).table.loc[0, "action"] == ""


def test_benefit_of_the_doubt_and_given_weights_are_schemes_of_the_object(panel, spec):
    one = {**spec, "window": (2012, 2012)}
    frontier = CompositeIndex(panel.select_years((2012,)), scheme="benefit_of_the_doubt", share_bounds=(0, 0.9), **one)
    assert frontier.fit().score.max() == pytest.approx(1.0)
    assert frontier.fit().contributions.empty
    given = CompositeIndex(panel, scheme="given", weights={"new": 3.0}, **spec).fit()
    np.testing.assert_allclose(given.w, [0.25, 0.25, 0.25, 0.125, 0.125])
