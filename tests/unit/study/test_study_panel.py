"""Panel tables: columns, truth recovered, skips with reasons, independence of the entries from one another."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from panel_frames import TRUTH, panel_frames
from study_tools import settings
from text_table import words

from dagster_project.study import panel, weights
from dagster_project.study.samples import SampleReader, Skipped, parts_of, read_sample, read_weights
from dagster_project.study.settings import PanelSpec, PanelVariable
from python_models.regression import average_effects, fit_panel
from python_models.regression.spec_search import joint_effects_f

NQPF = PanelVariable("nqpf", "score", "nqpf", "points", scale=100.0, weight_scheme="entropy_flat")
PR = PanelVariable("pr", "score", "pr", "points", scale=100.0, weight_scheme="entropy_flat")
DENSITY = PanelVariable("ln_density", "indicator", "c_density", "log", transform="ln", winsor=0.01)
ROAD = PanelVariable("road", "indicator", "c_road", "m2")
HEADLINE = PanelSpec("sdm", "SDM", NQPF, (PR,), (DENSITY, ROAD), "queen_row", with_tests=True, is_headline=True)
PLAIN = replace(HEADLINE, with_tests=False)
SPECS = [
    HEADLINE,
    replace(PLAIN, model_id="boot", boot_draws=49),
    replace(PLAIN, model_id="sem", model="sem"),
    replace(PLAIN, model_id="dynamic", method="dynamic"),
    replace(PLAIN, model_id="gmm", method="gmm", controls=()),
    replace(PLAIN, model_id="slx_dk", model="slx", cov="driscoll_kraay"),
    replace(PLAIN, model_id="iv", method="iv"),
    replace(PLAIN, model_id="interactive", method="interactive"),
    replace(PLAIN, model_id="iv_road", method="iv", controls=(DENSITY,), instrument="external", external=(ROAD,)),
    replace(PLAIN, model_id="ghost", y=replace(NQPF, name="ghost", code="no_such_index")),
]


def build(frames, specs, draws=400):
    return panel.build(frames, settings(specs, panel={"effects": draws}))


@pytest.fixture(scope="module")
def frames():
    return panel_frames()


@pytest.fixture(scope="module")
def tables(frames):
    return build(frames, SPECS, 400)


def test_effects_of_the_headline_are_near_the_truth_and_city_effects_average_to_them(tables):
    effects = tables["panel_effect"].query("model_id == 'sdm' and variable == 'pr'").set_index("effect")
    total = (TRUTH["beta"] + TRUTH["theta"]) / (1 - TRUTH["rho"])
    assert abs(effects.loc["total", "point"] - total) < 3 * effects.loc["total", "se_delta"]
    direct, indirect, total = (effects.loc[name, "point"] for name in ("direct", "indirect", "total"))
    assert direct + indirect == pytest.approx(total, rel=1e-12)
    assert set(effects["horizon"]) == {"static"}
    city = tables["panel_effect_city"]
    assert city["own"].mean() == pytest.approx(direct, rel=1e-9)
    assert city[["received", "emitted"]].mean().to_numpy() == pytest.approx(indirect, rel=1e-9)


def test_absent_variable_is_a_skip_with_its_name_and_never_an_error(tables):
    ghost = tables["panel_fit"].query("model_id == 'ghost'").iloc[0]
    assert ghost["status"] == "skipped"
    assert "no_such_index" in ghost["skip_reason"]
    spec = tables["model_spec"].set_index("model_id")
    assert spec.loc["ghost", "status"] == "skipped"
    assert spec.loc["sdm", "status"] == "fitted"
    assert set(tables["panel_fit"].query("status == 'fitted'")["model_id"]) == {s.model_id for s in SPECS[:-1]}


def test_errors_are_clustered_and_those_of_conley_and_the_information_stand_beside(frames, tables):
    coef = tables["panel_coef"].query("model_id == 'boot'")
    assert coef[["se_cluster", "se_conley", "se_info", "se_boot", "p_conley"]].notna().all().all()
    assert tables["panel_coef"].query("model_id == 'sdm'")["se_boot"].isna().all()
    assert set(coef["role"]) == {"beta", "control", "theta", "rho"}
    np.testing.assert_allclose(coef["z"], coef["coef"] / coef["se"])
    np.testing.assert_allclose(coef["se"], coef["se_cluster"])
    sample = read_sample(frames, HEADLINE)
    weights = read_weights(frames, HEADLINE, sample)
    fit = fit_panel(sample.y, sample.x, weights, names=HEADLINE.regressors)
    np.testing.assert_allclose(coef["se"], np.sqrt(np.diagonal(fit.cov))[:-1])
    shown = tables["panel_effect"].query("model_id == 'sdm'")
    np.testing.assert_allclose(shown["se_delta"], average_effects(fit).se.ravel())
    np.testing.assert_allclose(shown["hi"] - shown["point"], 1.959964 * shown["se_delta"], rtol=1e-6)
    assert (shown["se_conley"] > 0).all()
    assert not np.allclose(shown["se_conley"], shown["se_delta"])


def test_p_over_the_family_is_no_smaller_than_the_own_one_but_for_draws(tables):
    effects = tables["panel_effect"].query("variable == 'pr' and effect == 'indirect' and horizon == 'static'")
    own = effects.set_index("model_id")
    assert own["p_family"].drop("sem").notna().all()
    assert pd.isna(own.loc["sem", "p_family"])  # zero by construction
    assert own.loc["sdm", "p_family"] < 0.05
    assert (own["p_family"].dropna() >= 1 / (panel.FAMILY_DRAWS + 1)).all()
    assert tables["panel_effect"].query("variable == 'road'")["p_family"].isna().all()


def test_verdict_of_the_rule_is_a_row_and_leads_of_x_say_nothing_where_x_comes_first(tables):
    tests = tables["panel_test"].query("model_id == 'sdm'").set_index("test_code")
    assert tests.loc["rule_verdict", "outcome"] == "sdm"
    known = words("lm_lag wald_sar lr_sem hausman lm_lag_cluster leads moran_2012 squared_correlation")
    assert set(known) <= set(tests.index)
    assert tests.loc["leads", "df"] == 2
    assert tests.loc["leads", "outcome"] == ("rejected" if tests.loc["leads", "p"] < 0.05 else "not rejected")
    assert tests.loc["leads", "p"] > 0.01  # x of the country is drawn without y


def test_parts_of_x_are_what_its_indicators_give_and_split_halves_follow_from_them(frames, monkeypatch):
    own = frames["scores"].query("index_code == 'pr'")
    keys = own[["basis", "index_code", "city_id", "year"]]
    parts = [
        keys.assign(indicator_code=code, weight=share, contribution=share * own["score"])
        for code, share in (("a", 0.3), ("b", 0.7))
    ]
    country = {**frames, "contributions": pd.concat(parts)}
    sample = read_sample(country, HEADLINE)
    np.testing.assert_allclose(parts_of(country, HEADLINE, sample), sample.x_by_year[:, :, :1] * [0.3, 0.7])
    found = build(country, [HEADLINE], 50)["sensitivity"].set_index("term")
    assert found.loc["pr", "reliability"] == pytest.approx(4 * 0.3 * 0.7, rel=1e-9)
    assert found["coef_split_half"].to_numpy() == pytest.approx(found["coef"] / 0.84, rel=1e-4)  # at the rho of the fit
    assert (found["effective_f"] > 1e6).all()
    monkeypatch.setattr(panel, "WEAK_F", np.inf)
    weak = build(country, [HEADLINE], 50)["sensitivity"]
    assert weak["coef_split_half"].isna().all()
    assert weak["reliability"].notna().all()
    assert parts_of(country, HEADLINE, replace(sample, x_by_year=sample.x_by_year + 1.0)) is None
    assert parts_of(frames, HEADLINE, sample) is None


def test_sensitivity_is_that_of_the_slopes_with_the_strongest_control_beside(tables):
    found = tables["sensitivity"].query("model_id == 'sdm'").set_index("term")
    assert list(found.index) == ["pr", "W:pr"]
    coef = tables["panel_coef"].query("model_id == 'sdm'").set_index("term")
    t2 = (coef.loc["pr", "coef"] / coef.loc["pr", "se"]) ** 2
    one = found.loc["pr"]
    assert one["partial_r2"] == pytest.approx(t2 / (t2 + one["dof"]), rel=1e-9)
    f2 = t2 / one["dof"]
    assert one["robustness_value"] == pytest.approx((np.sqrt(f2**2 + 4 * f2) - f2) / 2, rel=1e-9)
    assert 0.0 < one["robustness_value_5"] < one["robustness_value"] < 1.0
    others = coef[~coef.index.str.removeprefix("W:").isin(["pr", "rho"])]
    strongest = (others["coef"] / others["se"]).abs().idxmax()
    assert one["benchmark_term"] == strongest
    assert one["benchmark_partial_r2"] < one["partial_r2"]  # controls of the country are noise


def test_dynamic_and_instrumental_models_fill_their_tables(tables):
    dynamic = tables["dynamic_effect"].query("variable == 'pr'")
    assert {"none", "bias_corrected"} <= set(dynamic["kind"])
    assert set(tables["panel_effect"].query("model_id == 'dynamic'")["horizon"]) == {"short", "long"}
    gmm = tables["gmm_diagnostic"].iloc[0]
    assert (gmm["model_id"], gmm["kind"], gmm["n_city"]) == ("gmm", "system", 60)
    assert gmm["endogenous"] == "y_lag, W:y_lag, pr, W:pr, W:y"
    assert gmm["n_instruments"] == len(gmm["instruments"].split(", ")) - gmm["instruments"].count("lag ")
    assert set(dynamic.query("model_id == 'gmm'")["kind"]) == {"gmm_system"}
    coef = tables["panel_coef"].set_index(["model_id", "term"])
    assert coef.loc[("gmm", "pr"), "role"] == "beta"
    assert coef.loc[("gmm", "y_lag"), ["role", "se_type"]].tolist() == ["tau", "windmeijer"]
    assert coef.loc["slx_dk", "se_type"].eq("driscoll_kraay").all()
    assert (coef.loc["slx_dk", "se"] != coef.loc["slx_dk", "se_info"]).all()
    effects = tables["panel_effect"].query("variable == 'pr'").set_index(["model_id", "effect"])
    own, headline = effects.loc["interactive"], effects.loc["sdm"]
    assert own["horizon"].eq("static").all()
    assert own[["se_delta", "lo", "hi", "p", "p_family", "standardised"]].notna().all().all()
    assert abs(own.loc["direct", "point"] - headline.loc["direct", "point"]) < 3 * own.loc["direct", "se_delta"]
    note = tables["panel_fit"].set_index("model_id").loc["interactive", "note"]
    assert note.startswith("factors: 0 of the regressors, 0 of the errors; Hansen J p 0.")
    iv = tables["iv_diagnostic"]
    assert np.isfinite(iv.query("model_id == 'iv'")["first_stage_f"]).all()
    road = iv.query("model_id == 'iv_road'")
    assert list(road["endogenous"]) == ["pr", "W:pr", "W:y"]
    assert road.query("endogenous == 'pr'")["first_stage_f"].iloc[0] < 10  # roads say nothing about PR here


def test_same_seed_gives_the_same_numbers_and_entries_do_not_move_each_other(frames, tables):
    alone = build(frames, [SPECS[1]], 400)
    for name in ("panel_coef", "panel_effect"):
        together = tables[name].query("model_id == 'boot'").reset_index(drop=True)
        pd.testing.assert_frame_equal(alone[name], together, check_dtype=False)


def test_a_city_with_a_gap_is_dropped_and_a_year_that_few_complete_does_not_cost_cities(frames):
    s = frames["scores"]
    gap = (s["city_id"] == "CN100007") & (s["year"] == 2014) & (s["index_code"] == "pr")
    sample = read_sample({**frames, "scores": s[~gap]}, HEADLINE)
    assert sample.dropped == ("CN100007",)
    assert sample.y.shape == (59, 7)
    late = (s["year"] == 2018) & (s["city_id"] > "CN100020")
    sample = read_sample({**frames, "scores": s[~late]}, HEADLINE)
    assert sample.years == tuple(range(2012, 2018))
    assert sample.y.shape == (60, 6)


def test_a_sample_stands_on_the_basis_of_its_own_index_whatever_windows_others_have(frames):
    other = frames["scores"].query("index_code == 'pr'").assign(index_code="short", basis="frozen_2012_2014")
    sample = read_sample({**frames, "scores": pd.concat([other, frames["scores"]])}, HEADLINE)
    assert (sample.basis, sample.y.shape) == ("frozen_2012_2021", (60, 7))


def test_lag_moves_the_regressors_and_not_y_and_a_lead_is_the_lag_turned_round(frames):
    now, lagged = (read_sample(frames, replace(HEADLINE, lag=lag)) for lag in (0, 1))
    assert lagged.years == tuple(range(2013, 2019))
    np.testing.assert_array_equal(lagged.y, now.y[:, 1:])
    np.testing.assert_array_equal(lagged.x[..., 0], now.x[:, :-1, 0])
    now, led = (read_sample(frames, replace(HEADLINE, lag=lag)) for lag in (0, -1))
    assert led.years == tuple(range(2012, 2018))
    np.testing.assert_array_equal(led.x[..., 0], now.x[:, 1:, 0])


def test_an_indicator_left_out_of_a_score_leaves_the_others_in_proportion(frames):
    """Two indicators of weight 0.3 and 0.7: without the first the score is the second."""
    own = frames["scores"].query("index_code == 'pr'")
    z = np.random.default_rng(0).uniform(size=(2, len(own)))
    scored, second = frames["scores"].copy(), frames["scores"].copy()
    scored.loc[own.index, "score"] = 0.3 * z[0] + 0.7 * z[1]
    second.loc[own.index, "score"] = z[1]
    keys = own[["basis", "index_code", "city_id", "year"]]
    parts = [
        keys.assign(indicator_code=code, weight=w, contribution=w * values)
        for code, w, values in (("a", 0.3, z[0]), ("b", 0.7, z[1]))
    ]
    made = {**frames, "scores": scored, "contributions": pd.concat(parts)}
    x = read_sample(made, replace(HEADLINE, x=(replace(PR, without="a"),))).x[..., 0]
    assert x == pytest.approx(read_sample({**made, "scores": second}, HEADLINE).x[..., 0])
    with pytest.raises(Skipped, match="has no indicator 'c'"):
        read_sample(made, replace(HEADLINE, x=(replace(PR, without="c"),)))


def test_a_reader_of_many_samples_gives_each_as_if_it_were_the_first(frames):
    broken = with_breaks(frames, ("pr", "p4", 2015, False))
    reader = SampleReader(broken)
    for change in (
        {},
        {"lag": 1},
        {"sample": ("no_core",)},
        {"y": replace(NQPF, transform="ln")},
        {"breaks": "crossed"},
        {"lag": -1, "sample": ("no_core",), "left_out_years": (2016,)},
        {},
    ):
        spec = replace(HEADLINE, **change)
        shared, alone = reader.read(spec), read_sample(broken, spec)
        for name in ("y", "x", "y_by_year", "x_by_year"):
            np.testing.assert_array_equal(getattr(shared, name), getattr(alone, name))
        for name in ("cities", "years", "segments", "n_crossed", "dropped", "basis"):
            assert getattr(shared, name) == getattr(alone, name)


@pytest.mark.parametrize(
    ("name", "cities"), [("no_municipality", 58), ("no_core", 45), ("only_core", 15), ("no_imputed", 54)]
)
def test_filters_of_the_sample(frames, name, cities):
    assert read_sample(frames, replace(HEADLINE, sample=(name,))).y.shape == (cities, 7)


def test_too_small_a_sample_an_impossible_transform_and_unknown_weights_are_skipped(frames):
    s = frames["scores"]
    with pytest.raises(Skipped, match="at least 8 cities"):
        read_sample({**frames, "scores": s[s["city_id"] < "CN100005"]}, HEADLINE)
    with pytest.raises(Skipped, match="logarithm needs positive"):
        read_sample({**frames, "scores": s.assign(score=-1.0)}, replace(HEADLINE, y=replace(NQPF, transform="ln")))
    with pytest.raises(Skipped, match="basis 'restated'"):
        read_sample(frames, replace(HEADLINE, basis="restated"))
    fit = build(frames, [replace(HEADLINE, w_code="queen")])["panel_fit"].iloc[0]
    assert "weight matrix 'queen' is not in the catalogue" in fit["skip_reason"]


def test_too_many_cities_for_a_method_are_a_skip_with_the_reason(frames, monkeypatch):
    monkeypatch.setattr(weights, "MOST_LINKS", 300)
    dense = replace(HEADLINE, model_id="d", w_code="invd_row")
    fits = build(frames, [dense, replace(HEADLINE, model_id="t", method="dynamic")], 50)["panel_fit"]
    assert (fits["status"] == "skipped").all()
    reasons = fits.set_index("model_id")["skip_reason"]
    assert "links, more than 300" in reasons["d"]
    assert "grows with the cube" in reasons["t"]


def test_filters_are_checked_when_made_and_when_read(frames):
    with pytest.raises(ValueError, match="sample must be of no_municipality"):
        replace(HEADLINE, sample=("core",))
    with pytest.raises(ValueError, match="winsor"):
        replace(PR, winsor=0.6)
    with pytest.raises(Skipped, match="no group scheme has a centre 'capital': core"):
        read_sample(frames, replace(HEADLINE, sample=("no_capital",)))
    assert replace(HEADLINE, lag=1).spec_hash != HEADLINE.spec_hash


def with_breaks(frames, *rows):
    return {**frames, "breaks": pd.DataFrame(rows, columns=["index_code", "indicator_code", "year", "is_bridged"])}


def test_segments_lie_between_the_breaks_of_y_and_x_and_years_alone_are_left_out(frames):
    broken = with_breaks(frames, ("pr", "p4", 2013, True), ("nqpf", "q3", 2016, True), ("other", "o", 2015, True))
    sample = read_sample(broken, HEADLINE)
    assert sample.years == (2013, 2014, 2015, 2016, 2017, 2018)
    assert sample.segments == (1, 1, 1, 2, 2, 2)
    assert (sample.y.shape, sample.y_by_year.shape, sample.n_crossed) == ((60, 5), (60, 6), 0)
    lagged = read_sample(broken, replace(HEADLINE, lag=1))
    assert lagged.segments == (1, 1, 2, 2, 2)  # the x of 2013 stands beside the y of 2014
    dynamic = read_sample(broken, replace(HEADLINE, method="dynamic"))
    assert (dynamic.years, set(dynamic.segments)) == ((2013, 2014, 2015), {1})
    second = read_sample(broken, replace(HEADLINE, breaks="second segment"))
    assert second.years == (2016, 2017, 2018)
    crossed = read_sample(broken, replace(HEADLINE, breaks="crossed"))
    assert (len(crossed.years), set(crossed.segments), crossed.n_crossed) == (7, {0}, 0)
    ignored = read_sample(with_breaks(frames, ("pr", "p4", 2013, False)), replace(HEADLINE, breaks="crossed"))
    assert ignored.n_crossed == 1


def test_effects_of_cities_are_tested_on_the_longest_segment(frames):
    broken = with_breaks(frames, ("pr", "p4", 2015, True))
    tests = build(broken, [HEADLINE])["panel_test"].set_index("test_code")
    expected = joint_effects_f(*read_sample(broken, HEADLINE).longest)["f_ind"]
    assert tests.loc["f_ind", "statistic"] == pytest.approx(expected.statistic, rel=1e-9)
    assert tests.loc["f_ind", "note"].endswith("; in the longest segment")
    assert tests.loc["lr_time", "note"] == "in the longest segment"
    assert expected.statistic > 0.1


def test_a_jump_of_every_city_at_a_break_moves_no_estimate(frames):
    jump = np.random.default_rng(3).normal(0, 1, 60)
    scores = frames["scores"]
    late = (scores["index_code"] == "pr") & (scores["year"] >= 2015)
    place = scores["city_id"].map(dict(zip(sorted(scores["city_id"].unique()), jump, strict=True)))
    moved = {**frames, "scores": scores.assign(score=scores["score"] + late * place)}
    cut = [with_breaks(made, ("pr", "p4", 2015, True)) for made in (frames, moved)]
    sound, broken = (build(made, [PLAIN])["panel_coef"].set_index("term")["coef"] for made in cut)
    assert broken.to_dict() == pytest.approx(sound.to_dict(), rel=1e-6)
    crossing = build(moved, [PLAIN])["panel_coef"].set_index("term")["coef"]
    assert abs(crossing["pr"] - sound["pr"]) > 0.1
