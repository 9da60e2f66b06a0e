"""Weights of other windows and other cities; the alarms."""

import numpy as np
import pytest

from python_models import CompositeIndex, Panel
from python_models.measurement.stability import alarms, bootstrap_weights, drift, window_weights


@pytest.fixture(scope="module")
def booted(panel, procedure):
    return bootstrap_weights(panel, procedure, seed=5, draws=200)


def test_drift_is_half_the_sum_of_absolute_differences():
    assert drift([0.5, 0.5], [0.5, 0.5]) == 0.0
    assert drift([1.0, 0.0], [0.0, 1.0]) == 1.0
    assert drift([0.5, 0.3, 0.2], [0.4, 0.35, 0.25]) == pytest.approx(0.1, abs=1e-15)
    with pytest.raises(ValueError, match="same indicators"):
        drift([1.0], [0.5, 0.5])


def test_each_window_repeats_the_whole_procedure(panel, procedure, spec):
    table = window_weights(panel, procedure)
    until = table[(table["window_kind"] == "expanding") & (table["window_end"] == 2014)]
    direct = CompositeIndex(panel.select_years((2012, 2013, 2014)), **{**spec, "window": (2012, 2014)}).fit()
    np.testing.assert_allclose(until["weight"], direct.w, rtol=0, atol=1e-13)
    without = table[(table["window_kind"] == "leave_one_year") & (table["window_end"] == 2013)]
    other = CompositeIndex(panel.select_years((2012, 2014, 2015)), **spec).fit()
    np.testing.assert_allclose(without["weight"], other.w, rtol=0, atol=1e-13)
    np.testing.assert_allclose(without["drift_l1_half"], drift(other.w, procedure.weights(panel.values)), atol=1e-13)


def test_the_last_expanding_window_is_the_whole_one(panel, procedure):
    table = window_weights(panel, procedure)
    assert (table[(table["window_kind"] == "expanding") & (table["window_end"] == 2015)]["drift_l1_half"] == 0).all()
    assert table.groupby(["window_kind", "window_end"])["weight"].sum().to_numpy() == pytest.approx(1.0, abs=1e-12)


def test_three_years_have_one_window_and_two_have_none(panel, procedure):
    assert set(window_weights(panel.select_years((2012, 2013, 2014)), procedure)["window_end"]) == {2014}
    assert window_weights(panel.select_years((2012, 2013)), procedure).empty


def test_bootstrap_draws_whole_cities_and_is_stable_under_its_seed(panel, procedure, booted):
    again = bootstrap_weights(panel, procedure, seed=5, draws=200)
    np.testing.assert_array_equal(again.draws, booted.draws)
    first = np.random.default_rng(np.random.SeedSequence(5).spawn(1)[0]).integers(0, 30, 30)
    np.testing.assert_array_equal(booted.draws[0], procedure.weights(panel.values[first]))


def test_bootstrap_weights_sum_to_one_and_surround_the_estimate(booted):
    np.testing.assert_allclose(booted.draws.sum(axis=1), 1.0, atol=1e-12)
    table = booted.to_frame()
    assert (table["weight_se"] > 0).all()
    assert (table["weight_p05"] < table["weight_p95"]).all()
    assert (abs(table["weight"] - booted.draws.mean(axis=0)) < 2 * table["weight_se"]).all()


def test_cities_that_are_all_alike_have_no_standard_error(procedure, panel):
    same = Panel(np.repeat(panel.values[:1], 6, axis=0), tuple("abcdef"), panel.years, panel.names)
    np.testing.assert_allclose(
        bootstrap_weights(same, procedure, seed=1, draws=9).to_frame()["weight_se"], 0, atol=1e-15
    )


def test_a_bootstrap_of_one_city_raises(panel, procedure):
    one = Panel(panel.values[:1], panel.cities[:1], panel.years, panel.names)
    with pytest.raises(ValueError, match="at least 2 cities"):
        bootstrap_weights(one, procedure, seed=1)


@pytest.mark.slow
def test_bootstrap_standard_error_is_that_of_repeated_samples(procedure):
    """The se of one sample of 200 cities against the spread over 300 samples from the same law."""

    def sample(seed):
        x = np.random.default_rng(seed).lognormal(0, [0.4, 0.5, 0.6, 0.7, 0.5], size=(200, 3, 5))
        return Panel(x, tuple(f"c{i}" for i in range(200)), (2012, 2013, 2014), tuple("abcde"))

    true = np.std([procedure.weights(sample(s).values) for s in range(300)], axis=0, ddof=1)
    estimates = [bootstrap_weights(sample(s), procedure, seed=s, draws=99).to_frame()["weight_se"] for s in range(20)]
    np.testing.assert_allclose(np.mean(estimates, axis=0), true, rtol=0.35)


def test_alarms_ring_above_their_limits_only():
    table = alarms({"a": 0.10, "b": 0.11}, [0.5, 0.5], [0.44, 0.56], n_obs=50).set_index(
        ["alarm_kind", "indicator_code"]
    )
    assert not table.loc[("out_of_base_range", "a"), "is_alarm"]
    assert table.loc[("out_of_base_range", "b"), "is_alarm"]
    assert table.loc[("weight_drift", ""), "is_alarm"]
    assert table.loc[("weight_drift", ""), "observed"] == pytest.approx(0.06)
