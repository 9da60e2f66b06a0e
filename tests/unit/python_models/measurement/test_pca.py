"""Principal-component index: identities, known matrices, and the tests that come with it."""

import numpy as np
import pytest
from scipy import stats

from python_models.measurement.pca import NEGATIVE, bartlett, kmo, pca_index


def cube_of(rows):
    return np.asarray(rows)[:, None, :]


def correlated(n=300, seed=4):
    rng = np.random.default_rng(seed)
    common = rng.normal(size=(n, 1))
    rows = common + 0.5 * rng.normal(size=(n, 5))
    return (rows - rows.min(axis=0)) / np.ptp(rows, axis=0)


def test_two_indicators_have_loadings_of_equal_size():
    result = pca_index(cube_of(correlated()[:, :2]))
    np.testing.assert_allclose(np.abs(result.loadings), np.sqrt(0.5), rtol=0, atol=1e-12)
    r = np.corrcoef(correlated()[:, :2].T)[0, 1]
    np.testing.assert_allclose(result.eigenvalues, [1 + r, 1 - r], atol=1e-12)


def test_score_is_the_scaled_sum_of_standardised_components():
    rows = correlated()
    result = pca_index(cube_of(rows))
    standard = (rows - rows.mean(axis=0)) / rows.std(axis=0)
    values, vectors = np.linalg.eigh(np.corrcoef(rows.T))
    kept = values > 1
    F = (standard @ (vectors[:, kept] * np.sign(vectors[:, kept].sum(axis=0)))) @ (values[kept] / values.sum())
    np.testing.assert_allclose(result.score(cube_of(rows))[:, 0], (F - F.min()) / np.ptp(F), rtol=0, atol=1e-12)


def test_loadings_have_length_one_and_a_positive_sum_and_eigenvalues_sum_to_m():
    result = pca_index(cube_of(correlated()))
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


def test_uncorrelated_indicators_keep_one_component():
    hadamard = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]]) / 2 + 0.5
    result = pca_index(cube_of(hadamard))
    assert result.n_kept == 1
    assert result.bartlett_chi2 == pytest.approx(0.0, abs=1e-12)
    assert np.isnan(result.kmo)  # nothing is correlated: there is nothing to measure


def test_kmo_of_three_equally_correlated_indicators_by_hand():
    r = 0.6
    R = np.full((3, 3), r) + (1 - r) * np.eye(3)
    partial = r / (1 + r)  # of two indicators, given the third
    assert kmo(R) == pytest.approx(r**2 / (r**2 + partial**2), abs=1e-12)


def test_bartlett_by_hand_and_under_independence():
    R = np.array([[1.0, 0.5], [0.5, 1.0]])
    chi2, df, p = bartlett(R, 100)
    assert (chi2, df) == (pytest.approx(-(99 - 9 / 6) * np.log(0.75), abs=1e-10), 1)
    assert p == pytest.approx(stats.chi2.sf(chi2, 1))
    draws = [np.random.default_rng(s).normal(size=(400, 4)) for s in range(300)]
    rejected = np.mean([bartlett(np.corrcoef(x.T), 400)[2] < 0.05 for x in draws])
    assert 0.02 < rejected < 0.09  # 5 % within four standard errors


def test_a_copied_indicator_makes_the_matrix_singular_and_the_tests_empty():
    rows = correlated()
    result = pca_index(cube_of(np.column_stack([rows, rows[:, 0]])))
    assert np.isnan([result.kmo, result.bartlett_chi2, result.bartlett_p]).all()
    assert np.isfinite(result.weights).all()


def test_nothing_that_varies_raises():
    with pytest.raises(ValueError, match="no indicator varies"):
        pca_index(np.full((4, 2, 3), 0.5))
