"""Every scheme as an index: scores on the unit scale, with contributions and parts where they add up."""

import numpy as np
import pytest

from python_models import CompositeIndex
from python_models.measurement.time_varying import year_frames
from python_models.schemes import SCHEMES

SUMS = [name for name in SCHEMES if name not in ("pca", "entropy_topsis")]


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
