"""Change of every disparity measure with paired errors, and the between-group part that equal means give by chance."""

import numpy as np
import pytest
from golden import cases

from python_models.inequality import between_groups, dagum, disparity_change, gini, theil
from python_models.inequality.change import gini_covariance


def world(n=60, seed=1):
    rng = np.random.default_rng(seed)
    first = rng.lognormal(sigma=0.5, size=n)
    return np.column_stack([first, first * rng.lognormal(0.1, 0.2, n)]), np.arange(n) % 3


def by_definition(y, g):
    d, t, low = dagum(y, g), theil(y, g), theil(y, g, "L")
    return {
        "mean": y.mean(),
        "sd": y.std(ddof=1),
        "cv": y.std(ddof=1) / y.mean(),
        "sd_log": np.log(y).std(ddof=1),
        "gini": gini(y),
        "dagum_within": d.within,
        "dagum_between": d.between,
        "dagum_transvariation": d.transvariation,
        "theil_t": t.total,
        "theil_t_within": t.within,
        "theil_t_between": t.between,
        "theil_l": low.total,
        "theil_l_within": low.within,
        "theil_l_between": low.between,
    }


def test_values_and_jackknife_equal_their_definition():
    Y, g = world()
    found = disparity_change(Y, g, n_bootstrap=19).to_frame().set_index("measure")
    one, two = by_definition(Y[:, 0], g), by_definition(Y[:, 1], g)
    left = [
        {
            k: b - a
            for (k, a), b in zip(
                by_definition(Y[k_, 0], g[k_]).items(), by_definition(Y[k_, 1], g[k_]).values(), strict=True
            )
        }
        for k_ in (np.arange(60) != i for i in range(60))
    ]
    for name in one:
        gone = np.array([row[name] for row in left])
        assert (found.loc[name, "first"], found.loc[name, "last"]) == pytest.approx((one[name], two[name])), name
        assert found.loc[name, "se"] == pytest.approx(np.sqrt(59 / 60 * ((gone - gone.mean()) ** 2).sum())), name
        bias = 59 * (gone.mean() - (two[name] - one[name]))
        assert found.loc[name, "bias"] == pytest.approx(bias, rel=1e-6, abs=1e-10), name


def test_reference_answers_of_300_units():
    told, d = cases.expected("gini_change"), cases.gini_change()
    found = disparity_change(d[["y1", "y2"]], d["region"], n_bootstrap=1999, seed=1).to_frame().set_index("measure")
    names = {
        "gini": "gini",
        "dagum_within": "dagum_within",
        "dagum_net_between": "dagum_between",
        "dagum_transvariation": "dagum_transvariation",
    }
    for kind in "TL":
        names |= {f"theil_{kind}{part}": f"theil_{kind.lower()}{part}" for part in ("", "_within", "_between")}
    for theirs, ours in names.items():
        row = found.loc[ours]
        assert row["change"] == pytest.approx(told["change"][theirs], rel=1e-10)
        assert row["se"] == pytest.approx(told["jackknife_se_of_change"][theirs], rel=1e-9)
        assert row["bias"] == pytest.approx(told["jackknife_bias_of_change"][theirs], rel=1e-6)
    low, high = told["paired_bootstrap_20000"]["gini_percentile_2_5_97_5"]
    assert (found.loc["gini", "lower"], found.loc["gini", "upper"]) == pytest.approx((low, high), abs=1e-3)


def test_the_same_cities_are_drawn_in_both_years():
    """Drawn apart the interval of the change would be wider: its width is near that of the jackknife."""
    Y, g = world(200)
    row = disparity_change(Y, g, n_bootstrap=799, seed=2).to_frame().set_index("measure").loc["gini"]
    assert row["upper"] - row["lower"] == pytest.approx(3.92 * row["se"], rel=0.15)
    assert (row["p"] < 0.05) == (row["lower"] > 0 or row["upper"] < 0)


def test_scale_changes_no_relative_measure_and_both_gaps_are_given():
    Y, g = world()
    one, two = (disparity_change(s * Y, g, n_bootstrap=49).to_frame().set_index("measure") for s in (1.0, 1000.0))
    relative = [name for name in one.index if name not in ("mean", "sd", "gap")]
    columns = ["change", "se", "lower", "upper", "p"]
    assert two.loc[relative, columns].to_numpy() == pytest.approx(one.loc[relative, columns].to_numpy(), rel=1e-6)
    assert two.loc["gap", "change"] == pytest.approx(1000 * one.loc["gap", "change"])
    means = [[Y[g == j, t].mean() for j in range(3)] for t in (0, 1)]
    high, low = int(np.argmax(means[0])), int(np.argmin(means[0]))
    assert one.loc["gap", "last"] == pytest.approx(means[1][high] - means[1][low])


def test_without_a_change_there_is_none_and_zeros_stop_only_logarithms():
    Y, _ = world()
    same = disparity_change(np.column_stack([Y[:, 0], Y[:, 0]]), n_bootstrap=49)
    assert np.abs(same.change).max() == 0
    assert (same.p == 1).all()
    holed = Y.copy()
    holed[0, 0] = 0.0
    found = disparity_change(holed, n_bootstrap=49).to_frame().set_index("measure")
    assert found.loc[["sd_log", "theil_l"], "change"].isna().all()
    assert np.isfinite(found.loc["gini", "change"])
    with pytest.raises(ValueError, match="three cities"):
        disparity_change(Y[:2])


def test_groups_of_equal_means_have_no_corrected_between_part():
    """Old: every one of 150 samples said that 5 to 20 % of inequality lies between groups that do not differ."""
    rng, rows = np.random.default_rng(3), []
    for _ in range(150):
        found = between_groups(rng.lognormal(sigma=0.5, size=280), rng.integers(0, 4, 280))
        rows.append((found.shares[0], found.corrected / found.total, found.p < 0.05))
    plain, corrected, rejected = np.mean(rows, axis=0)
    assert plain > 8
    assert abs(corrected) < 0.01
    assert rejected <= 0.1


def test_groups_far_apart_keep_their_between_part():
    rng = np.random.default_rng(4)
    y = np.concatenate([rng.uniform(1, 2, 80), rng.uniform(5, 6, 80)])
    found = between_groups(y, np.repeat([0, 1], 80))
    assert found.corrected == pytest.approx(found.between, rel=1e-9)
    assert found.between == dagum(y, np.repeat([0, 1], 80)).between
    assert found.p < 1e-6


def test_correction_is_the_mean_over_all_ways_to_halve_the_groups():
    """By drawing halves: sign of one half times the other half."""
    rng = np.random.default_rng(5)
    a, b = rng.normal(10, 1, 400), rng.normal(10.05, 1, 400)
    found = between_groups(np.concatenate([a, b]), np.repeat([0, 1], 400))
    drawn = []
    for _ in range(4000):
        i, j = rng.permutation(400), rng.permutation(400)
        halves = [a[i[part]].mean() - b[j[part]].mean() for part in (slice(200), slice(200, None))]
        drawn.append(np.sign(halves[0]) * halves[1])
    mu = np.array([a.mean(), b.mean()])
    s = mu / mu.sum()
    expected = 2 * 0.25 * np.mean(drawn) / 1.0 / (mu.sum()) * (s.sum())
    assert found.corrected == pytest.approx(expected, abs=4e-4)


def test_a_lone_city_has_no_variance():
    with pytest.raises(ValueError, match="one city only"):
        between_groups([1.0, 2.0, 3.0], ["a", "a", "b"])


def test_covariance_of_the_gini_index_leaves_out_one_city_at_a_time():
    plane, _ = world()
    cov = gini_covariance(plane)
    left = np.array([[gini(np.delete(y, i)) for y in plane.T] for i in range(len(plane))])
    np.testing.assert_allclose(cov, 59 * np.cov(left.T, ddof=0), rtol=1e-9)
    change = disparity_change(plane, n_bootstrap=19)
    se = change.se[change.names.index("gini")]
    assert cov[0, 0] + cov[1, 1] - 2 * cov[0, 1] == pytest.approx(se**2, rel=1e-9)
    np.testing.assert_allclose(gini_covariance(7.0 * plane), cov, rtol=1e-9)
    assert gini_covariance(np.full((4, 2), 3.0)).max() < 1e-20
    with pytest.raises(ValueError, match="three cities"):
        gini_covariance(plane[:2])
