"""Convergence clubs: designed clubs found, rules of the search, and the clubs of other programs."""

import convergence_clubs as peer
import numpy as np
import pandas as pd
import pytest
from golden import cases

from python_models.dynamics import find_clubs, log_t, merge_clubs
from python_models.dynamics.clubs_stability import club_stability


def designed(n: int = 30, years: int = 30, seed: int = 1, noise: float = 0.01) -> np.ndarray:
    """Two clubs, levels 1 and 2: each unit nears its level, with noise of 1 % that dies out."""
    rng = np.random.default_rng(seed)
    level = np.repeat([2.0, 1.0], [n // 2, n - n // 2])[:, None]
    t = np.arange(1.0, years + 1.0)
    gap = rng.uniform(-0.2, 0.2, (n, 1)) / t
    return level * (1.0 + gap + noise * rng.standard_normal((n, years)) / t)


def peer_labels(found: peer.ConvergenceClubs, n: int) -> np.ndarray:
    labels = np.zeros(n, dtype=int)
    for club, members in enumerate(found.clubs, start=1):
        labels[list(members.ids)] = club
    return labels


def wandering(seed: int) -> pd.DataFrame:
    """Smooth paths that neither converge nor part for sure: many small clubs."""
    rng = np.random.default_rng(seed)
    slope = rng.normal(0.0, 0.02, (25, 1)) * np.log(np.arange(1.0, 19.0))
    return pd.DataFrame(8.0 + rng.normal(0.0, 0.5, (25, 1)) + slope + 0.002 * rng.normal(size=(25, 18)).cumsum(axis=1))


@pytest.mark.parametrize("data", ["filtered_gdp", "gdp"])
@pytest.mark.parametrize("sieve", ["fixed", "incremental"])
@pytest.mark.parametrize("core_rule", ["max_t", "max_abs_t"])
def test_clubs_of_152_countries_are_those_of_the_package(data, sieve, core_rule):
    Y = getattr(peer, f"load_{data}")().select_dtypes("number")
    expected = peer.find_clubs(Y, cstar_method=sieve, core_rule=core_rule)
    found = find_clubs(Y, sieve=sieve, core_rule=core_rule)
    assert found.labels.to_numpy().tolist() == peer_labels(expected, len(Y)).tolist()
    assert found.labels.index.equals(Y.index)
    merged = merge_clubs(found).labels.to_numpy()
    assert merged.tolist() == peer_labels(peer.merge_clubs(expected, "PS"), len(Y)).tolist()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("method", "theirs"), [("phillips_sul", "PS"), ("von_lyncker_thoennessen", "vLT")])
@pytest.mark.parametrize("merge_divergent", [False, True])
def test_merging_of_many_small_clubs_is_that_of_the_package(seed, method, theirs, merge_divergent):
    Y = wandering(seed)
    expected, found = peer.find_clubs(Y), find_clubs(Y)
    assert found.labels.tolist() == peer_labels(expected, len(Y)).tolist()
    theirs_merged = peer.merge_clubs(expected, theirs, merge_divergent=merge_divergent)
    ours = merge_clubs(found, method=method, merge_divergent=merge_divergent)
    assert ours.labels.tolist() == peer_labels(theirs_merged, len(Y)).tolist()


@pytest.mark.parametrize(("case", "levels"), [("countries", cases.countries), ("us_states", cases.us_states)])
def test_clubs_of_two_reference_panels_are_those_of_the_r_package(case, levels):
    """ConvergenceClubs 2.2.5: 10 clubs of countries and 4 after merging; the US states are one club."""
    answers = cases.expected("clubs")[case]
    found = find_clubs(cases.trend(levels()))
    stages = {"clubs": found, "merged_PS": merge_clubs(found)}
    if "merged_vLT" in answers:
        stages["merged_vLT"] = merge_clubs(found, method="von_lyncker_thoennessen")
    for stage, result in stages.items():
        clubs = answers[stage]
        assert result.n_clubs == len(clubs)
        for number, club in enumerate(clubs.values(), start=1):
            assert set(result.labels.index[result.labels == number]) == set(club["units"])
            row = result.clubs.iloc[number - 1]
            assert row["b"] == pytest.approx(club["beta"], abs=1e-10)
            assert row["t"] == pytest.approx(club["tvalue"], rel=1e-9)


def test_two_designed_clubs_are_found():
    found = merge_clubs(find_clubs(designed()))
    truth = np.repeat([1, 2], 15)
    assert np.mean(found.labels.to_numpy() == truth) >= 0.95


def test_units_that_converge_together_are_one_club():
    Y = 1.0 + np.linspace(-0.3, 0.3, 12)[:, None] / np.arange(1.0, 21.0)
    found = find_clubs(Y)
    assert found.labels.tolist() == [1] * 12
    assert found.clubs["t"].item() == pytest.approx(log_t(Y).t)


def test_units_that_all_part_are_divergent():
    rates = np.linspace(0.0, 0.3, 6)
    found = find_clubs(np.exp(rates[:, None] * np.arange(1, 26)))
    assert found.labels.tolist() == [0] * 6
    assert found.clubs.empty
    assert merge_clubs(found).n_clubs == 0


def test_order_of_rows_does_not_matter_and_stays():
    Y = wandering(3)
    mixed = Y.sample(frac=1.0, random_state=1)
    found = find_clubs(mixed)
    assert found.labels.index.equals(mixed.index)
    assert found.labels.reindex(Y.index).tolist() == find_clubs(Y).labels.tolist()


def test_scale_does_not_matter():
    Y = wandering(4)
    assert find_clubs(3.0 * Y).labels.tolist() == find_clubs(Y).labels.tolist()


def test_clubs_are_numbered_from_the_top_and_described():
    found = find_clubs(designed())
    frame = found.to_frame()
    assert found.clubs["club"].tolist() == list(range(1, found.n_clubs + 1))
    assert found.clubs["n"].sum() == (found.labels > 0).sum()
    assert (frame["is_divergent"] == (frame["club"] == 0)).all()
    assert designed()[found.labels == 1].mean() > designed()[found.labels == found.n_clubs].mean()


def test_clubs_that_are_designed_are_stable_and_the_same_for_one_seed():
    clubs = merge_clubs(find_clubs(designed()))
    one, two = (club_stability(clubs, other=1.1 * designed(seed=2), n_draws=40, seed=1) for _ in range(2))
    assert np.array_equal(one.share.to_numpy(), two.share.to_numpy())
    assert one.share.mean() > 0.9
    assert np.allclose(one.together, one.together.T, equal_nan=True)
    assert one.to_frame()["stability_share"].between(0.0, 1.0).all()


def test_another_weighting_must_have_the_same_axes():
    with pytest.raises(ValueError, match="axes must match"):
        club_stability(find_clubs(designed()), other=np.ones((3, 3)), seed=1)


@pytest.mark.slow
def test_designed_clubs_of_thirty_years_are_right_for_95_percent_of_the_units():
    truth = np.repeat([1, 2], 15)
    right = [np.mean(merge_clubs(find_clubs(designed(seed=s))).labels.to_numpy() == truth) for s in range(200)]
    assert np.mean(right) >= 0.95
