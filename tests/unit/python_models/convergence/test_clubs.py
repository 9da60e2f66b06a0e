"""The log t test and convergence clubs: known truths, invariances, and other programs' values."""

import math

import convergence_clubs as peer
import numpy as np
import pandas as pd
import pytest
from checks import refused
from golden import cases

from python_models.dynamics import find_clubs, log_t, merge_clubs
from python_models.dynamics.clubs_stability import club_stability
from python_models.dynamics.logt import LogTDesign


def paths(n: int, years: int, alpha: float, seed: int = 1, spread: float = 0.3) -> np.ndarray:
    """Relative transition paths whose spread decays with speed alpha: 1 + e_i / (ln(t + 1) t^alpha)."""
    t = np.arange(1.0, years + 1.0)
    deviation = np.random.default_rng(seed).normal(0.0, spread, n)
    return 1.0 + np.clip(deviation, -0.6, 0.6)[:, None] / (np.log(t + 1.0) * t**alpha)


def plain(Y: np.ndarray, r: float) -> tuple[float, float, float]:
    """b, se, t term by term, one lag after the other."""
    H, T = ((Y / Y.mean(axis=0) - 1.0) ** 2).mean(axis=0), Y.shape[1]
    t = np.arange(round(r * T) + 1, T + 1)
    y, X = np.log(H[0] / H[t - 1]) - 2.0 * np.log(np.log(t)), np.column_stack([np.ones(t.size), np.log(t)])
    coefficients = np.linalg.lstsq(X, y, rcond=None)[0]
    u, m = y - X @ coefficients, t.size
    rho = (u[:-1] @ u[1:]) / (u[:-1] @ u[:-1])
    width = 1.3221 * (4.0 * rho**2 / (1.0 - rho) ** 4 * m) ** 0.2
    lrv = u @ u / (m - 1)
    for lag in range(1, m - 1):
        z = 6.0 * math.pi * lag / width / 5.0
        gamma = u[: m - 1 - lag] @ u[lag : m - 1] / (m - 1)
        lrv += 2.0 * 3.0 / z**2 * (math.sin(z) / z - math.cos(z)) * gamma
    b, se = float(coefficients[1]), math.sqrt(lrv * np.linalg.inv(X.T @ X)[1, 1])
    return b, se, b / se


@pytest.mark.parametrize("years", [10, 25, 34])
def test_it_equals_the_formula_written_out(years):
    Y = np.exp(0.1 * np.cumsum(np.random.default_rng(years).normal(size=(40, years)), axis=1))
    found = log_t(Y)
    assert (found.b, found.se, found.t) == pytest.approx(plain(Y, 1.0 / 3.0), rel=1e-9)


@pytest.mark.parametrize(("case", "levels"), [("countries", cases.countries), ("us_states", cases.us_states)])
def test_it_equals_the_r_package_on_two_reference_panels(case, levels):
    """ConvergenceClubs 2.2.5, HACmethod FQSB."""
    expected, found = cases.expected("clubs")[case], log_t(cases.trend(levels()))
    told = expected["log_t"]
    assert found.dispersion == pytest.approx(np.array(expected["H_t"]), abs=1e-14)
    assert found.b == pytest.approx(told["beta"], abs=1e-12)
    assert (found.se, found.t) == pytest.approx((told["std.err"], told["tvalue"]), rel=1e-9)


def test_paths_that_converge_with_speed_a_half_are_seen_to_and_growing_apart_is_rejected():
    found = log_t(paths(100, 60, 0.5))
    assert found.b == pytest.approx(1.0, abs=0.15)  # b = 2 alpha
    assert (found.converges, found.kind) == (True, "rate")
    rates = np.random.default_rng(2).normal(0.03, 0.02, 50)
    apart = log_t(np.exp(rates[:, None] * np.arange(1, 31)))
    assert apart.t < -1.65
    assert (apart.converges, apart.kind) == (False, "none")
    same = log_t(np.ones((4, 12)) * np.arange(1.0, 13.0))  # no difference at all
    assert math.isnan(same.b)
    assert not same.converges


@pytest.mark.parametrize(
    ("years", "r", "first"), [(25, 1 / 3, 9), (10, 1 / 3, 4), (34, 1 / 3, 12), (15, 0.3, 5), (9, 0, 2)]
)
def test_first_year_of_the_regression(years, r, first):
    """round(r T) + 1 with halves to even, never below 2."""
    assert LogTDesign.of(years, r).columns[1] + 1 == first


def test_bad_input_is_refused():
    refused("two units", log_t, np.ones((1, 10)), 1 / 3)
    refused("not positive number at position \\(1, 0\\)", log_t, np.array([[1.0] * 10, [0.0] * 10]), 1 / 3)
    refused("missing", log_t, np.array([[1.0] * 10, [np.nan] * 10]), 1 / 3)
    refused("points for the log t regression", log_t, np.ones((3, 5)), 1 / 3)
    refused("r must lie", log_t, np.ones((3, 10)), 1.0)


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
def test_clubs_of_152_countries_are_those_of_the_package(data):
    Y = getattr(peer, f"load_{data}")().select_dtypes("number")
    expected, found = peer.find_clubs(Y, cstar_method="fixed", core_rule="max_t"), find_clubs(Y)
    assert found.labels.to_numpy().tolist() == peer_labels(expected, len(Y)).tolist()
    assert found.labels.index.equals(Y.index)
    merged = merge_clubs(found).labels.to_numpy()
    assert merged.tolist() == peer_labels(peer.merge_clubs(expected, "PS"), len(Y)).tolist()


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("method", "theirs"), [("phillips_sul", "PS"), ("von_lyncker_thoennessen", "vLT")])
def test_merging_of_many_small_clubs_is_that_of_the_package(seed, method, theirs):
    Y = wandering(seed)
    expected, found = peer.find_clubs(Y), find_clubs(Y)
    assert found.labels.tolist() == peer_labels(expected, len(Y)).tolist()
    theirs_merged, ours = peer.merge_clubs(expected, theirs), merge_clubs(found, method=method)
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


def test_two_designed_clubs_are_found_numbered_from_the_top_and_described():
    found = find_clubs(designed())
    assert np.mean(merge_clubs(found).labels.to_numpy() == np.repeat([1, 2], 15)) >= 0.95
    frame = found.to_frame()
    assert found.clubs["club"].tolist() == list(range(1, found.n_clubs + 1))
    assert found.clubs["n"].sum() == (found.labels > 0).sum()
    assert (frame["is_divergent"] == (frame["club"] == 0)).all()
    assert designed()[found.labels == 1].mean() > designed()[found.labels == found.n_clubs].mean()


def test_units_that_converge_together_are_one_club_and_those_that_part_none():
    Y = 1.0 + np.linspace(-0.3, 0.3, 12)[:, None] / np.arange(1.0, 21.0)
    found = find_clubs(Y)
    assert found.labels.tolist() == [1] * 12
    assert found.clubs["t"].item() == pytest.approx(log_t(Y).t)
    rates = np.linspace(0.0, 0.3, 6)
    found = find_clubs(np.exp(rates[:, None] * np.arange(1, 26)))
    assert found.labels.tolist() == [0] * 6
    assert found.clubs.empty
    assert merge_clubs(found).n_clubs == 0


def test_clubs_that_are_designed_are_stable_and_the_same_for_one_seed():
    clubs = merge_clubs(find_clubs(designed()))
    one, two = (club_stability(clubs, other=1.1 * designed(seed=2), n_draws=40, seed=1) for _ in range(2))
    assert np.array_equal(one.share.to_numpy(), two.share.to_numpy())
    assert one.share.mean() > 0.9
    assert np.allclose(one.together, one.together.T, equal_nan=True)
    assert one.to_frame()["stability_share"].between(0.0, 1.0).all()
    refused("axes must match", club_stability, clubs, other=np.ones((3, 3)), seed=1)
