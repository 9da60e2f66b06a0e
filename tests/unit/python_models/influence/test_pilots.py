"""Policies with pilots: what must hold exactly, who else says so, and a country whose effects are known."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from checks import panel_refused

from python_models._types import FloatArray
from python_models.influence import pilot_effects, placebo_dates, placebo_pilots
from python_models.influence.pilots import BY_CITY, _Panel, _TwoWay, pilot_exposure

YEARS = list(range(2012, 2022))
EDGES = [0.0, 150.0, 300.0]
PLANE: dict[str, Any] = {"metric": "euclidean"}
DIRECT, NEAR = 2.0, 1.0


def effects_of(start: FloatArray, points: FloatArray) -> FloatArray:
    """What is planted: on pilots and on the first ring."""
    gap = np.hypot(*(points[:, None] - points[None]).transpose(2, 0, 1))
    seen = pilot_exposure(start, gap, EDGES[:2], YEARS)
    return DIRECT * seen.pilot + NEAR * ((seen.ring == 0) & ~seen.pilot)


def country(seed: int, n: int = 150, pilots: int = 20) -> tuple[FloatArray, FloatArray, FloatArray]:
    """y, start and points on a plane of 2,000 km; errors AR(.6)."""
    rng = np.random.default_rng(seed)
    points, start = rng.uniform(0, 2000, size=(n, 2)), np.full(n, np.nan)
    start[rng.choice(n, pilots, replace=False)] = rng.choice([2015, 2017, 2018], pilots)
    e = rng.normal(size=(n, len(YEARS)))
    for t in range(1, len(YEARS)):
        e[:, t] = 0.6 * e[:, t - 1] + 0.8 * e[:, t]
    y = 3 * rng.normal(size=(n, 1)) + np.linspace(0, 3, len(YEARS)) + e
    return y + effects_of(start, points), start, points


@pytest.fixture(scope="module")
def world() -> tuple[FloatArray, FloatArray, FloatArray]:
    return country(1)


@pytest.fixture(scope="module")
def found(world) -> Any:
    return pilot_effects(*world, YEARS, EDGES, **PLANE)


@pytest.fixture(scope="module")
def panel(world) -> _Panel:
    return _Panel.of(*world, YEARS, EDGES, "euclidean")


def estimates(table: pd.DataFrame) -> FloatArray:
    return table["estimate"].to_numpy(dtype=np.float64)


def dummies(mask: FloatArray, x: FloatArray) -> FloatArray:
    """Rows of mask: x (p, N, T), cities, years but one."""
    n, t = mask.shape
    unit, time = np.nonzero(mask)
    return np.column_stack([x[:, unit, time].T, np.eye(n)[unit], np.eye(t)[time][:, 1:]])


def test_two_by_two_is_the_difference_of_mean_changes_and_its_error_holds_each_pilot_against_the_others() -> None:
    rng = np.random.default_rng(0)
    y, start = rng.normal(size=(10, 2)), np.array([2013.0] * 4 + [np.nan] * 6)
    table = pilot_effects(y, start, rng.uniform(size=(10, 2)), [2012, 2013], [], **PLANE).table
    pilots, others = np.split(y[:, 1] - y[:, 0], [4])
    assert estimates(table) == pytest.approx([pilots.mean() - others.mean()] * 2, abs=1e-12)
    assert table["n_cities"].tolist() == [4, 4]
    # each of four pilots, less the mean of the other three
    variance = (((pilots - pilots.mean()) / 3) ** 2).sum() + (((others - others.mean()) / 6) ** 2).sum()
    assert table["se"].iloc[0] == pytest.approx(np.sqrt(variance), rel=1e-9)


def test_without_a_city_in_the_rings_it_is_the_plain_imputation(world) -> None:
    plain, narrow = (pilot_effects(*world, YEARS, edges, **PLANE).table for edges in ([], [0, 1e-6]))
    own = narrow[narrow["term"] == "direct"].reset_index(drop=True)
    pd.testing.assert_frame_equal(own.drop(columns="p_pretrend"), plain.drop(columns="p_pretrend"))
    assert narrow.loc[narrow["term"] != "direct", ["estimate", "se"]].isna().all(axis=None)


def test_imputed_means_are_those_of_a_regression_with_dummies_on_clean_cells(world, panel, found) -> None:
    y, n = world[0], len(world[0])
    fit = np.linalg.lstsq(dummies(panel.clean, np.zeros((0, *y.shape))), y[panel.clean], rcond=None)[0]
    tau = y - fit[:n, None] - np.append(0.0, fit[n:])
    cells = panel.terms(on_pilots=False)[1] & panel.clean.any(axis=1)[:, None]
    assert estimates(found.table)[:3] == pytest.approx([tau[own].mean() for own in cells], abs=1e-9)


def test_weights_of_the_two_steps_reproduce_the_estimate(world, panel, found) -> None:
    own = panel.exposure.pilot & panel.clean.any(axis=1)[:, None]
    v = _TwoWay(panel.clean).weights(own / own.sum())
    assert (v * world[0]).sum() == pytest.approx(estimates(found.table)[0], abs=1e-9)
    # a constant of a city or of a year goes through both steps without a trace
    assert max(np.abs(v.sum(axis=0)).max(), np.abs(v.sum(axis=1)).max()) < 1e-12


def test_what_another_pilot_adds_to_a_pilot_is_a_difference_of_means(world, found) -> None:
    split = pilot_effects(*world, YEARS, EDGES, on_pilots=True, **PLANE).table
    own, together = split[split["estimator"] == "imputation"].set_index("term"), found.table.iloc[0]
    terms, alone = ["direct", "pilot:0-150", "pilot:150-300"], own.loc["direct", "estimate"]
    level = alone + own.loc[terms, "estimate"].where(np.array(terms) != "direct", 0.0)
    total = (own.loc[terms, "n_cells"] * level).sum()
    assert total / together["n_cells"] == pytest.approx(together["estimate"], abs=1e-9)


def test_a_pilot_without_y_still_exposes_its_neighbours(world, panel) -> None:
    y, start, points = world
    hidden = y.copy()
    hidden[np.flatnonzero(np.isfinite(start))[0]] = np.nan
    less = _Panel.of(hidden, start, points, YEARS, EDGES, "euclidean")
    np.testing.assert_array_equal(panel.exposure.ring, less.exposure.ring)
    assert less.clean.sum() < panel.clean.sum()


def by_city(y: FloatArray, x: FloatArray, city: FloatArray) -> Any:
    return sm.OLS(y, x).fit(cov_type="cluster", cov_kwds={"groups": city, "use_correction": False})


def test_twfe_equals_ols_with_dummies_and_its_errors_those_of_a_jackknife_of_cities(world, panel, found) -> None:
    y, cells = world[0], panel.terms(on_pilots=False)[1].astype(float)
    fit = by_city(y.ravel(), dummies(np.ones_like(y), cells), np.repeat(np.arange(len(y)), len(YEARS)))
    own = found.table.iloc[3:]
    assert estimates(own) == pytest.approx(fit.params[:3], abs=1e-9)
    # theirs leaves the pull of the own city in the residuals: a little smaller, never larger
    assert (own["se"] / fit.bse[:3]).between(1.0, 1.1).all()


def test_errors_of_leads_without_the_jackknife_are_those_of_statsmodels(world, panel, monkeypatch) -> None:
    monkeypatch.setattr("python_models.influence.pilots.freed", lambda columns, e, rows: e)
    found = panel.leads(3)[1]
    x = dummies(panel.clean, found.cells.astype(float))
    x = x[:, np.abs(x).sum(axis=0) > 0]  # cities that are never clean
    fit, k = by_city(world[0][panel.clean], x, np.nonzero(panel.clean)[0]), len(found.terms)
    assert found.value == pytest.approx(fit.params[:k], abs=1e-8)
    assert np.sqrt(np.diagonal(found.cov(BY_CITY))) == pytest.approx(fit.bse[:k], rel=1e-6)


def test_conley_with_a_cutoff_below_every_distance_is_by_city(world) -> None:
    table = pilot_effects(*world, YEARS, EDGES, cutoff=1e-9, **PLANE).table
    np.testing.assert_allclose(table["se_conley"], table["se"], rtol=1e-9)


def test_events_are_flat_before_and_hold_the_effect_after() -> None:
    _, start, points = country(2)
    quiet = effects_of(start, points) + np.zeros((len(start), len(YEARS)))  # without errors: to the digit
    found = pilot_effects(quiet, start, points, YEARS, EDGES[:2], **PLANE).events
    for term, size in (("direct", DIRECT), ("0-150", NEAR)):
        own = found[found["term"] == term].set_index("event")["estimate"]
        np.testing.assert_allclose(own, np.where(own.index < 0, 0.0, size), rtol=0, atol=1e-9)


def test_placebo_of_pilots_sees_an_effect(world, found) -> None:
    one = placebo_pilots(*world, YEARS, EDGES, draws=59, seed=4, **PLANE)
    p = one.to_frame().set_index("term")["p"]
    assert p["direct"] == pytest.approx(1 / 60)
    assert p["150-300"] > 0.05  # nothing is planted there
    assert one.actual == pytest.approx(found.table["z"].to_numpy()[:3], rel=1e-9)


def test_placebo_of_dates_finds_nothing_before_but_what_came_before(world) -> None:
    y, start, points = world
    found = placebo_dates(y, start, points, YEARS, EDGES, shift=2, **PLANE).table.iloc[:3]
    assert (found["p"] > 0.01).all()
    early = y + 3.0 * (np.array(YEARS) >= start[:, None] - 2)  # the effect began two years before the date
    seen = placebo_dates(early, start, points, YEARS, EDGES, shift=2, **PLANE).table.iloc[0]
    assert seen["estimate"] == pytest.approx(found["estimate"].iloc[0] + 3.0, abs=1e-9)
    assert seen["p"] < 0.001


@pytest.mark.parametrize(
    ("start", "edges", "words"),
    [
        ([2013.0] * 8, [0, 50], "every city becomes a pilot"),
        ([np.nan] * 8, [0, 50], "no city with a year before"),
        ([2012.0] * 3 + [np.nan] * 5, [0, 50], "no city with a year before"),
        ([2014.0] + [np.nan] * 7, [0, 900], "0 cities are never a pilot nor within 900 km"),
        ([2014.0, 2012.0] + [np.nan] * 6, [0, 150], "no pilot has a year before its own start"),
        ([2014.0] + [np.nan] * 7, [50, 100], "rise from 0"),
        ([2014.0] + [np.nan] * 7, [0, 100, 100], "rise from 0"),
    ],
)
def test_refusals_say_what_is_missing(start, edges, words) -> None:
    points = np.column_stack([np.arange(8) * 100.0, np.zeros(8)])
    y = np.random.default_rng(0).normal(size=(8, 5))
    panel_refused(words, pilot_effects, y, start, points, range(2012, 2017), edges, **PLANE)


def test_shapes_and_placebos_that_cannot_be_are_refused(world) -> None:
    y, start, points = world
    where = YEARS, EDGES
    panel_refused("cities of start by years", pilot_effects, y[:, :3], start, points, *where, **PLANE)
    panel_refused("two known coordinates", pilot_effects, y, start, points[:, :1], *where, **PLANE)
    panel_refused("follow one another", pilot_effects, *world, YEARS[::-1], EDGES, **PLANE)
    panel_refused("at least 19", placebo_pilots, *world, *where, draws=9, seed=1, **PLANE)
    for shift, words in ((0, "shift of one year"), (9, "no city with a year before")):
        panel_refused(words, placebo_dates, *world, *where, shift=shift, **PLANE)
    # years without an overlap of clean cities
    panel_refused("do not overlap", _TwoWay, np.array([[True, True, False, False], [False, False, True, True]]))


@pytest.mark.slow
def test_intervals_cover_what_was_planted_and_pretrends_keep_their_size() -> None:
    inside, size = [], []
    for seed in range(400):
        found = pilot_effects(*country(seed), YEARS, EDGES[:2], **PLANE)
        gap = np.abs(estimates(found.table) - [DIRECT, NEAR] * 2)
        inside.append(gap[:, None] <= 1.959964 * found.table[["se", "se_conley"]].to_numpy())
        size.append([found.p_pretrend, *found.table["p_pretrend"][:2]])
    share = np.mean(inside, axis=0)
    assert ((share > 0.91) & (share < 0.985)).all(), share  # 95 %, four errors of 400 draws
    assert ((np.array(size) < 0.05).mean(axis=0) < 0.095).all()
