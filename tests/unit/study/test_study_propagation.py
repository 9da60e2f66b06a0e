"""Uncertainty of the index through regressions, Gini index and Markov chain, on a small country with two editions."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from study_tools import lacking, settings, with_schemes

from dagster_project.study import propagation
from dagster_project.study.index import composite
from dagster_project.study.propagation import Drawn
from python_models.dynamics.markov import markov
from python_models.dynamics.states import discretise
from python_models.inequality.change import disparity_change
from python_models.inequality.gini import gini
from python_models.inference import rubin
from python_models.measurement.schemes import scheme_score
from python_models.regression import average_effects, fit_panel

N, T, BASIS, DRAWS = 30, 6, "frozen_2012_2017", 6
CITIES, YEARS = [f"CN{100 + i}" for i in range(N)], list(range(2012, 2012 + T))
SCORE = {"basis": BASIS, "weight_scheme": "entropy_flat"}
SPEC = replace(next(s for s in settings().regressions if s.model_id == "nqpf_sdm"), controls=())
SETTINGS = settings([SPEC], propagation={"draws": DRAWS})


def country(indicators: int = 3, *, is_certain: bool = False) -> dict[str, pd.DataFrame]:
    """Scores of nqpf and pr with their indicators; unless certain, an edition and imputed cells of nqpf beside them."""
    rng = np.random.default_rng(3)
    keys = {"city_id": np.repeat(CITIES, T), "year": np.tile(YEARS, N)}
    pr = rng.normal(size=(N, 1)) + 0.3 * rng.normal(size=(N, T)).cumsum(axis=1)
    level = 0.6 * pr + rng.normal(size=(N, 1)) + 0.3 * rng.normal(size=(N, T))
    cells, spec = [], []
    for code, latent in (("nqpf", level), ("pr", pr)):
        for k in range(indicators):
            values = np.exp(0.4 * latent + 0.2 * rng.normal(size=(N, T)))
            imputed = (rng.random((N, T)) < 0.1) & (not is_certain)
            own = pd.DataFrame({**keys, "value": values.ravel(), "is_imputed": imputed.ravel()})
            own = own.assign(index_code=code, indicator_code=f"{code}_{k}")
            cells.append(own)
            spec.append((code, own["indicator_code"].iloc[0], "", "edited"))
            if code == "nqpf" and not is_certain:
                wrong = values * np.where(rng.random((N, T)) < 0.05, 1.5, 1.0)
                printed = own.assign(index_code="nqpf_asprinted", value=wrong.ravel())
                cells.append(printed[rng.random(N * T) < 0.9])  # the headline stands in for what it lacks
                spec.append(("nqpf_asprinted", own["indicator_code"].iloc[0], "nqpf", "as_printed"))
    frame = pd.DataFrame(spec, columns=["index_code", "indicator_code", "variant_of", "edit_policy"])
    frame = frame.assign(dimension="new", tier="N1", weight_scheme="entropy_flat")
    facts = pd.DataFrame({"indicator_code": frame["indicator_code"].unique()})
    facts = facts.assign(direction=1, is_winsorised=True, cap_high=np.nan)
    panel = pd.concat(cells, ignore_index=True)
    scores, data = [], []
    for code in ("nqpf", "pr"):
        own = frame[frame["index_code"] == code]
        made = composite(panel[panel["index_code"] == code], own, facts, (YEARS[0], YEARS[-1])).fit()
        scores.append(pd.DataFrame({**keys, "score": made.score.ravel(), "index_code": code, **SCORE}))
        value = 100.0 * made.score.ravel()
        about = {"term": code, "model_id": "nqpf_sdm", "basis": BASIS, "segment": 0}
        data.append(pd.DataFrame({**keys, "value": value, **about}))
    ring = [(CITIES[i], CITIES[(i + step) % N]) for i in range(N) for step in (1, -1)]
    made = {
        "panel": panel,
        "spec": frame,
        "indicator": facts,
        "windows": pd.DataFrame(
            [(code, BASIS, YEARS[0], YEARS[-1]) for code in ("nqpf", "pr")],
            columns=["index_code", "basis", "window_start", "window_end"],
        ),
        "weighting": pd.DataFrame({"weight_scheme": ["entropy_flat"], "method": ["entropy"], "delta": [0.0]}),
        "data": pd.concat(data, ignore_index=True),
        "edges": pd.DataFrame(ring, columns=["city_i", "city_j"]).assign(w=0.5, model_id="nqpf_sdm"),
        "scores": scores[0].assign(is_frozen=True),
        "headline": scores[0].assign(in_base=True, share_imputed_weight=0.0),
        "city": pd.DataFrame({"city_id": CITIES, "province_code": "110000"}),
        "neighbours": pd.DataFrame(columns=["city_id_a", "city_id_b"]),
        "groups": pd.DataFrame({"city_id": CITIES, "scheme": "core", "group_code": "core"}),
    }
    return with_schemes(made)


@pytest.fixture(scope="module")
def frames():
    return country()


@pytest.fixture(scope="module")
def table(frames):
    return propagation.build(frames, SETTINGS)["index_uncertainty_effect"]


def scores(frames, code="nqpf"):
    wide = frames["data"][frames["data"]["term"] == code].pivot(index="city_id", columns="year", values="value")
    return wide.to_numpy() / 100.0


def ring():
    return (np.roll(np.eye(N), 1, axis=1) + np.roll(np.eye(N), -1, axis=1)) / 2


def test_published_rows_are_those_of_the_contract_and_of_the_methods(table, frames):
    assert lacking({"index_uncertainty_effect": table}) == {}
    assert table["analysis"].value_counts().to_dict() == {"regression": 3, "gini": T + 1, "markov": 3 * 16}
    keys = ["quantity", "year", "discretisation", "state_from", "state_to"]
    assert not table.duplicated(keys).any()
    assert table[["estimate", "published"]].notna().all().all()
    is_seen = table[["se_within", "se_between"]].gt(0).any(axis=1)  # a move that no draw has is given no error
    assert table[["se", "lo", "hi"]].notna().eq(is_seen, axis=0).all().all()
    assert not is_seen.all()
    assert table["n_draws"].eq(DRAWS).all()
    y, x = scores(frames), scores(frames, "pr")
    fit = fit_panel(100 * y, 100 * x[:, :, None], ring(), cov="cluster", names=["pr"])
    effects = average_effects(fit, names=["pr"]).to_frame()
    own = table[table["analysis"] == "regression"]
    np.testing.assert_allclose(own["published"], effects["point"], rtol=1e-9)
    np.testing.assert_allclose(own["published_se"], effects["se_delta"], rtol=1e-9)
    own = table[table["analysis"] == "gini"]
    np.testing.assert_allclose(own["published"].iloc[:-1], [gini(column) for column in y.T], rtol=1e-12)
    change = disparity_change(y, n_bootstrap=19).to_frame().set_index("measure").loc["gini"]
    np.testing.assert_allclose(own[["published", "published_se"]].iloc[-1], change[["change", "se"]].astype(float))
    own = table[table["discretisation"] == "relative"]
    chain = markov(discretise(y, "relative", n_states=4).states, 4)
    np.testing.assert_allclose(own["published"], chain.probabilities.ravel(), rtol=1e-12)


def test_a_draw_without_doubt_gives_the_published_scores_and_has_one_edition_for_all(frames):
    drawn = Drawn(frames, 1, 2)
    scaled = drawn.scaled("nqpf", (YEARS[0], YEARS[-1]), False, "edited", "interpolated")
    made = scheme_score(scaled.z, drawn.weights(scaled, "entropy_flat"))
    np.testing.assert_allclose(made, scores(frames), atol=1e-13)
    editions = {edition for edition, _ in Drawn(frames, 1, 30).choices}
    assert editions == {"edited", "as_printed"}


def test_rows_combine_the_draws_by_rubins_rules(frames, table):
    """Gini of the last year: estimates and jackknife variances of each draw, put together here again."""
    planes = Drawn(frames, SETTINGS.seed, DRAWS).planes((BASIS, "nqpf", "entropy_flat"), CITIES, YEARS)
    b = np.array([gini(plane[:, -1]) for plane in planes])
    left = np.array([[gini(np.delete(plane[:, -1], i)) for i in range(N)] for plane in planes])
    v = (N - 1) * left.var(axis=1)
    row = table.query("quantity == 'gini'").iloc[-1]
    assert row["estimate"] == pytest.approx(b.mean(), rel=1e-12)
    assert row["se"] ** 2 == pytest.approx(v.mean() + (1 + 1 / DRAWS) * b.var(ddof=1), rel=1e-9)
    assert row["df"] == pytest.approx(rubin(b, v).df[0], rel=1e-9)
    assert row["se_between"] > 0.0


def test_scores_that_are_certain_leave_the_published_errors():
    """One indicator has weight 1 in every draw; no other edition, nothing imputed."""
    found = propagation.build(country(1, is_certain=True), SETTINGS)["index_uncertainty_effect"]
    np.testing.assert_allclose(found["estimate"], found["published"], atol=1e-12)
    np.testing.assert_allclose(found["se"], found["published_se"], rtol=1e-9, atol=1e-12)
    assert found["share_missing"].max() < 1e-9
    assert found["df"].isna().all()
