"""Every scheme as an index: units, signs and order of the source do not matter; one raised cell does what it must."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models import CompositeIndex, Panel
from python_models.measurement.time_varying import year_frames
from python_models.schemes import SCHEMES

SUMS = [name for name in SCHEMES if name not in ("pca", "entropy_topsis")]
PLAIN = [0, 2, 3, 4]  # n2 has a cap in its own unit


def with_values(panel, values):
    return Panel(values, panel.cities, panel.years, panel.names)


@settings(max_examples=5)
@given(k=st.sampled_from(PLAIN), a=st.floats(1e-2, 1e2), b=st.floats(-10, 10))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_positive_affine_change_of_an_indicator_changes_nothing(panel, spec, scheme, k, a, b):
    values = panel.values.copy()
    values[..., k] = a * values[..., k] + b
    one, other = (CompositeIndex(p, scheme=scheme, **spec).fit() for p in (panel, with_values(panel, values)))
    np.testing.assert_allclose(other.score, one.score, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.w, one.w, rtol=0, atol=1e-9)


@pytest.mark.parametrize("k", PLAIN)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_flipping_sign_and_direction_changes_nothing(panel, spec, scheme, k):
    values = panel.values.copy()
    values[..., k] *= -1
    name = panel.names[k]
    flipped = {**spec, "directions": {**spec["directions"], name: -spec["directions"][name]}}
    one, other = (
        CompositeIndex(panel, scheme=scheme, **spec).fit(),
        CompositeIndex(with_values(panel, values), scheme=scheme, **flipped).fit(),
    )
    np.testing.assert_allclose(other.score, one.score, rtol=0, atol=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_order_of_cities_moves_the_scores_with_them(panel, spec, scheme):
    turn = np.random.default_rng(4).permutation(len(panel.cities))
    turned = Panel(panel.values[turn], [panel.cities[i] for i in turn], panel.years, panel.names)
    one, other = (CompositeIndex(p, scheme=scheme, **spec).fit() for p in (panel, turned))
    np.testing.assert_allclose(other.score, one.score[turn], rtol=0, atol=1e-9)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_raising_a_cell_after_the_window_raises_its_score_and_no_other(panel_factory, spec, scheme):
    panel = panel_factory(years=(2012, 2013, 2014, 2015, 2016))
    before = CompositeIndex(panel, scheme=scheme, **spec).fit()
    low, high = before.bounds.loc[3, ["min_value", "max_value"]]
    values = panel.values.copy()
    values[5, 4, 3] = 0.5 * (low + high)
    assert values[5, 4, 3] > panel.values[5, 4, 3]
    after = CompositeIndex(with_values(panel, values), scheme=scheme, **spec).fit()
    others = np.ones(before.score.shape, dtype=bool)
    others[5, 4] = False
    np.testing.assert_array_equal(after.score[others], before.score[others])
    dz = (values[5, 4, 3] - panel.values[5, 4, 3]) / (high - low)
    if scheme in SUMS:
        np.testing.assert_allclose(after.score[5, 4] - before.score[5, 4], before.w[3] * dz, rtol=0, atol=1e-13)
    else:
        assert after.score[5, 4] > before.score[5, 4] or before.w[3] < 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_old_scores_keep_every_bit_when_a_year_is_appended(panel_factory, spec, scheme):
    old, new = (
        CompositeIndex(panel_factory(years=y), scheme=scheme, **spec).fit()
        for y in ((2012, 2013, 2014, 2015), (2012, 2013, 2014, 2015, 2016))
    )
    np.testing.assert_array_equal(new.score[:, :4], old.score)
    np.testing.assert_array_equal(new.w, old.w)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_restated_scores_lie_between_0_and_1(panel, spec, scheme):
    score = CompositeIndex(panel, scheme=scheme, **spec).fit().score
    assert score.min() >= -1e-12
    assert score.max() <= 1 + 1e-12
    if scheme == "pca":
        assert (score.min(), score.max()) == (pytest.approx(0, abs=1e-12), pytest.approx(1, abs=1e-12))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_weights_and_scores_alone_are_those_of_the_whole_index(panel, spec, scheme):
    whole = CompositeIndex(panel, scheme=scheme, **spec).fit()
    chosen, weights, scores = CompositeIndex(panel, scheme=scheme, **spec).scores()
    assert weights.equals(whole.weights)
    assert scores.equals(whole.scores)
    np.testing.assert_array_equal(chosen.weights, whole.w)


def test_only_weighted_sums_have_contributions_and_scores_of_dimensions(panel, spec):
    for scheme in SCHEMES:
        result = CompositeIndex(panel, scheme=scheme, **spec).fit()
        assert bool(len(result.contributions)) == (scheme in SUMS)
        assert set(result.scores["index_suffix"]) == ({"", "_new", "_quality"} if scheme in SUMS else {""})


def test_tiers_are_scored_beside_the_dimensions_and_add_up_to_the_composite(panel, spec):
    tiers = {"n1": "t1", "n2": "t1", "n3": "t2", "q1": "t3", "q2": "t3"}
    paths = {n: (tiers[n], spec["levels"][n]) for n in tiers}
    result = CompositeIndex(panel, **{**spec, "levels": paths}).fit()
    wide = result.scores.pivot(index=["city_id", "year"], columns="index_suffix", values="score")
    assert set(wide.columns) == {"", "_new", "_quality", "_t1", "_t2", "_t3"}
    weight = {t: sum(result.w[k] for k, n in enumerate(panel.names) if tiers[n] == t) for t in set(tiers.values())}
    np.testing.assert_allclose(sum(weight[t] * wide[f"_{t}"] for t in weight), wide[""], rtol=0, atol=1e-12)
    with pytest.raises(ValueError, match="same number of parents"):
        CompositeIndex(panel, **{**spec, "levels": {**paths, "q2": "quality"}}).fit()


def test_time_varying_frames_know_the_years_of_the_window_only(panel_factory, spec):
    base = CompositeIndex(panel_factory(years=(2012, 2013, 2014, 2015, 2016)), **spec)
    weights, scores = year_frames(base)
    assert sorted(weights["year"].unique()) == sorted(scores["year"].unique()) == [2012, 2013, 2014, 2015]
    assert weights.groupby("year")["weight"].sum().to_numpy() == pytest.approx(1.0, abs=1e-12)
    assert scores["score"].notna().all()
