"""Weight schemes and principal components: printed fixtures, invariances, degenerate cases."""

import numpy as np
import pytest
from checks import refused
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from python_models.entropy import entropy_weights
from python_models.measurement.critic import critic_weights, entropy_critic_weights
from python_models.measurement.levels import equal_by_dimension, two_stage_weights
from python_models.measurement.pca import NEGATIVE, bartlett, kmo, pca_index
from python_models.measurement.schemes import AFFINE, SCHEMES, scheme_score, scheme_weights
from python_models.measurement.time_varying import time_varying_score, time_varying_weights
from python_models.measurement.topsis import topsis_score
from python_models.measurement.vertical_horizontal import vertical_horizontal_weights
from python_models.scores import dimension_scores, weighted_score

# Two cities, two years: k1 = (1, 2 | 3, 5) positive, k2 = (10, 8 | 4, 2) negative, scaled to 0-1.
Z = np.array([[[0.0, 0.0], [0.25, 0.25]], [[0.5, 0.75], [1.0, 1.0]]])
UNIT = arrays(np.float64, (12, 3, 4), elements=st.floats(0, 1, width=32))
DIMENSIONS = ("new", "quality", "new", "quality")
SUMS = [name for name in SCHEMES if name not in ("pca", "entropy_topsis")]


def varied(Z):
    """Every column varies, and no two columns agree."""
    return np.clip(Z * 0.5 + np.random.default_rng(3).random(Z.shape) * 0.5, 0, 1)


CUBE = varied(np.zeros((20, 4, 4)))


def weighed(name, cube=CUBE):
    return scheme_weights(cube, scheme=name, dimensions=DIMENSIONS, delta=0.0)


def test_critic_and_topsis_of_the_fixture_to_the_printed_digits():
    assert [round(w, 10) for w in critic_weights(Z).weights] == [0.4833147735, 0.5166852265]
    score = topsis_score(Z, entropy_weights(Z).weights)
    assert (round(score[1, 0], 10), score[0, 0], score[1, 1]) == (0.6120916480, 0.0, 1.0)
    one = np.linspace(0, 1, 12).reshape(4, 3, 1)  # of one indicator it is its z
    np.testing.assert_allclose(topsis_score(one, [1.0])[..., None], one, rtol=0, atol=1e-15)


@given(UNIT, st.floats(0.25, 8.0))
def test_topsis_lies_in_0_1_grows_with_every_z_and_does_not_see_the_scale_of_weights(Z, factor):
    w = np.array([0.1, 0.2, 0.3, 0.4])
    score = topsis_score(Z, w)
    assert ((score >= 0) & (score <= 1)).all()
    np.testing.assert_allclose(topsis_score(Z, factor * w), score, rtol=0, atol=1e-12)
    raised = Z.copy()
    raised[..., 2] = np.minimum(1.0, raised[..., 2] + 0.25)
    assert (topsis_score(raised, w) >= score - 1e-15).all()


@pytest.mark.parametrize("name", SCHEMES)
def test_weights_sum_to_one_and_an_indicator_without_values_has_weight_0_a_flag_and_spoils_no_score(name):
    w = weighed(name)
    total = np.abs(w.weights).sum() if w.rule == AFFINE else w.weights.sum()
    assert total == pytest.approx(1.0, abs=1e-12)
    assert w.rule == AFFINE or (w.weights >= 0).all()
    holed = CUBE.copy()
    holed[..., 1] = np.nan
    w = weighed(name, holed)
    assert w.weights[1] == 0.0
    assert w.flags[1]
    assert np.isfinite(scheme_score(holed, w)).all()


@pytest.mark.parametrize("name", ["critic", "entropy_critic", "pca", "entropy"])
def test_a_constant_column_has_weight_0(name):
    constant = CUBE.copy()
    constant[..., 2] = 0.5
    w = weighed(name, constant)
    assert w.weights[2] == pytest.approx(0.0, abs=1e-15)
    assert w.flags[2] == "constant_indicator"


def test_entropy_critic_is_the_geometric_mean_of_both():
    mean = np.sqrt(entropy_weights(CUBE).weights * critic_weights(CUBE).weights)
    np.testing.assert_allclose(entropy_critic_weights(CUBE), mean / mean.sum(), rtol=0, atol=1e-15)


@given(UNIT)
@pytest.mark.parametrize("second", ["entropy", "equal"])
def test_two_stage_score_is_the_weighted_sum_of_entropy_scores_of_the_dimensions(second, Z):
    cube = varied(Z)
    w = two_stage_weights(cube, DIMENSIONS, second=second)
    by_dimension = dimension_scores(cube, w.weights, DIMENSIONS)
    for d, name in enumerate(by_dimension.names):
        own = [k for k, other in enumerate(DIMENSIONS) if other == name]
        inner = weighted_score(cube[..., own], entropy_weights(cube[..., own]).weights)
        np.testing.assert_allclose(by_dimension.scores[..., d], inner, rtol=0, atol=1e-12)
    total = by_dimension.scores @ np.array(list(w.dimension_weights.values()))
    np.testing.assert_allclose(weighted_score(cube, w.weights), total, rtol=0, atol=1e-12)


def test_second_stage_by_hand_and_one_dimension_makes_two_stages_flat():
    entropy, equal = (two_stage_weights(CUBE, DIMENSIONS, second=s) for s in ("entropy", "equal"))
    scores = dimension_scores(CUBE, equal.weights, DIMENSIONS).scores
    np.testing.assert_allclose(list(entropy.dimension_weights.values()), entropy_weights(scores).weights, atol=1e-14)
    assert equal.dimension_weights == {"new": 0.5, "quality": 0.5}
    flat = two_stage_weights(CUBE, ("all",) * 4)
    np.testing.assert_allclose(flat.weights, entropy_weights(CUBE).weights, rtol=0, atol=1e-15)
    by_dimension = equal_by_dimension(np.ones((2, 2, 3)), ("new", "new", "quality"))
    np.testing.assert_allclose(by_dimension.weights, [0.25, 0.25, 0.5])


def test_vertical_horizontal_pulls_scores_furthest_apart():
    cube = varied(np.zeros((30, 4, 4)))
    w = vertical_horizontal_weights(cube)
    assert w.sum() == pytest.approx(1.0, abs=1e-15)

    def reach(v):
        return float(((cube @ (v / np.linalg.norm(v))) ** 2).sum())

    assert reach(w) >= max(reach(v) for v in np.random.default_rng(2).dirichlet(np.ones(4), size=200))
    apart = np.zeros((2, 2, 2))  # orthogonal columns: all weight to the longest
    apart[0, :, 0], apart[1, :, 1] = 1.0, 0.5
    np.testing.assert_allclose(vertical_horizontal_weights(apart), [1.0, 0.0], atol=1e-15)


def test_time_varying_weights_are_entropy_weights_of_one_year_and_wrong_requests_raise():
    cube = varied(np.zeros((20, 3, 4)))
    w = time_varying_weights(cube)
    np.testing.assert_array_equal(w, [entropy_weights(cube[:, [t]]).weights for t in range(3)])
    np.testing.assert_allclose(time_varying_score(cube, w), np.einsum("ntk,tk->nt", cube, w), rtol=0, atol=1e-15)
    cube[:, 1] = np.nan
    assert np.isnan(time_varying_weights(cube)).all(axis=1).tolist() == [False, True, False]
    refused("second stage is", two_stage_weights, Z, ("a", "b"), second="median")
    refused("dimensions count 1", equal_by_dimension, Z, ("a",))
    refused("no indicator varies", critic_weights, np.full((3, 2, 2), 0.5))
    refused("negative", vertical_horizontal_weights, Z - 0.5)


def cube_of(rows):
    return np.asarray(rows)[:, None, :]


def correlated(n=300, seed=4):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    rows = common + 0.5 * rng.normal(size=(n, 5))
    return (rows - rows.min(axis=0)) / np.ptp(rows, axis=0)


def test_score_is_the_scaled_sum_of_standardised_components_of_length_one():
    rows = correlated()
    result = pca_index(cube_of(rows))
    values, vectors = np.linalg.eigh(np.corrcoef(rows.T))
    kept = values > 1
    components = stats.zscore(rows) @ (vectors[:, kept] * np.sign(vectors[:, kept].sum(axis=0)))
    F = components @ (values[kept] / values.sum())
    np.testing.assert_allclose(result.score(cube_of(rows))[:, 0], (F - F.min()) / np.ptp(F), rtol=0, atol=1e-12)
    np.testing.assert_allclose((result.loadings**2).sum(axis=0), 1.0, atol=1e-12)
    assert (result.loadings.sum(axis=0) >= 0).all()
    assert result.eigenvalues.sum() == pytest.approx(5.0, abs=1e-12)
    assert (result.n_kept, round(result.share_kept, 2)) == (1, round(result.eigenvalues[0] / 5, 2))


def test_an_indicator_against_the_rest_has_a_negative_weight_and_a_flag():
    rows = correlated()
    rows[:, 4] = 1 - rows[:, 4]
    result = pca_index(cube_of(rows))
    assert result.weights[4] < 0
    assert result.flags == ("", "", "", "", NEGATIVE)
    assert result.to_frame()["n_negative"].item() == 1


def test_uncorrelated_indicators_keep_one_component_and_a_copied_one_leaves_the_tests_empty():
    hadamard = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 2 + 0.5
    result = pca_index(cube_of(hadamard))
    assert result.n_kept == 1
    assert result.bartlett_chi2 == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(result.kmo)  # nothing is correlated: there is nothing to measure
    copied = pca_index(cube_of(correlated()[:, [0, 1, 2, 3, 4, 0]]))  # the matrix is singular
    assert np.isnan([copied.kmo, copied.bartlett_chi2, copied.bartlett_p]).all()
    assert np.isfinite(copied.weights).all()
    refused("no indicator varies", pca_index, np.full((4, 2, 3), 0.5))


def test_kmo_and_bartlett_by_hand():
    r = 0.6
    partial = r / (1 + r)  # of two of three indicators, given the third
    assert kmo(np.full((3, 3), r) + (1 - r) * np.eye(3)) == pytest.approx(r**2 / (r**2 + partial**2), abs=1e-12)
    chi2, df, p = bartlett(np.array([[1.0, 0.5], [0.5, 1.0]]), 100)
    assert (chi2, df) == (pytest.approx(-(99 - 9 / 6) * np.log(0.75), abs=1e-10), 1)
    assert p == pytest.approx(stats.chi2.sf(chi2, 1))
