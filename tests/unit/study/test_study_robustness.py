"""The robustness tables: curve and summary from rows made by hand, and the whole build on a small warehouse."""

import numpy as np
import pandas as pd
import pytest
from influence_worlds import KEYS, specs, warehouse
from study_tools import as_read, lacking, settings
from text_table import frame_of

from dagster_project.study import panel, robustness
from dagster_project.study.influence import with_holm
from dagster_project.study.robustness import is_duplicate, robustness_rows
from python_models.influence.specification_curve import curve_summary, specification_curve
from python_models.regression import PanelInputError
from python_models.regression.errors import estimable


def test_curve_counts_signs_significance_and_places_and_turns_with_the_headline():
    estimate = pd.Series([0.5, 0.2, -0.1, 0.0, np.nan])
    p = pd.Series([0.001, 0.2, 0.01, np.nan, np.nan])
    curve, turned = (specification_curve(s * estimate, p, headline=s * 0.4) for s in (1, -1))
    assert curve["sign_agrees"].tolist()[:3] == [True, True, False]
    assert curve["significant_5"].tolist()[:3] == [True, False, True]
    assert curve["curve_rank"].tolist()[:3] == [3, 2, 1]
    assert curve.iloc[3:].isna().all().all()
    assert turned["sign_agrees"].equals(curve["sign_agrees"])
    shares = {"share_sign_agrees": 2 / 3, "share_significant_5": 2 / 3, "share_both": 1 / 3}
    ends = {"n_runs": 3, "lowest": -0.1, "median": 0.2, "highest": 0.5}
    assert curve_summary(curve, estimate) == pytest.approx(shares | ends)
    empty = specification_curve(estimate.iloc[4:], p.iloc[4:], headline=np.nan)
    assert np.isnan(curve_summary(empty, estimate.iloc[4:])["share_both"])


RUNS = frame_of("""
model_id  variant_of  change_axis  change_value  method  y_code  rho  n_obs
head      -           -            -             static  u       0.3     40
w         head        W            near          static  u       0.2     40
ln        head        y            logarithm     static  u_ln    0.3     40
ols       head        model        OLS           static  u         -     40
iv        head        method       S2SLS         iv      u       0.4     40
gone      head        W            far           static  u         -      -
""")
EFFECTS = frame_of("""
model_id  direct  indirect  standardised
head         0.4       0.2           0.5
w            0.3      -0.1             -
ln           4.0       3.0           0.6
ols          0.6       0.0          0.75
""")


def _by_hand():
    """A headline, a variant in the same units, one in logarithms, OLS, instruments, one skipped."""
    is_gone, change = RUNS["model_id"] == "gone", RUNS["change_axis"] + ": " + RUNS["change_value"]
    spec = RUNS[["model_id", "method", "y_code"]].assign(
        is_headline=RUNS["model_id"] == "head",
        variant_of=RUNS["variant_of"].fillna(""),
        change=change.fillna(""),
        x_codes=[["pr"]] * len(RUNS),
        status=np.where(is_gone, "skipped", "fitted"),
        skip_reason=np.where(is_gone, "no W", ""),
    )
    fit = RUNS[["model_id", "rho"]].assign(**KEYS, n_obs=RUNS["n_obs"].astype("Int64"), seed=1, breaks_crossed=0)
    effect = EFFECTS.assign(total=EFFECTS["direct"] + EFFECTS["indirect"])
    effect = effect.melt(["model_id", "standardised"], None, "effect", "point")
    is_there = effect["point"] != 0
    effect = effect.assign(
        variable="pr",
        horizon="static",
        se_delta=0.02,
        p_family=np.where(is_there, 0.03, np.nan),
        p=np.where(is_there, 0.001, np.nan),
        standardised=effect["standardised"].where(effect["effect"] == "direct"),
    )
    coef = pd.DataFrame({"model_id": ["iv", "iv"], "term": ["pr", "W:pr"], "coef": [0.7, 0.1], "se": [0.1, 0.05]})
    return {"model_spec": spec, "panel_fit": fit, "panel_effect": effect, "panel_coef": coef}


def test_rows_tell_what_changed_and_whether_it_agrees():
    runs, summary = robustness_rows(_by_hand())
    r = runs.set_index("run_id")
    assert r.loc["w", ["change_axis", "change_value"]].tolist() == ["W", "near"]
    assert r.loc["w", "direct_standardised"] == pytest.approx(0.3 * 0.5 / 0.4)
    assert r.loc["ln", "direct_curve_rank"] == 3
    assert r["sign_agrees"].drop(["iv", "gone"]).tolist() == [True, False, True, True]
    assert pd.isna(r.loc["ols", "indirect_sign_agrees"])
    assert r.loc["iv", "note"].startswith("effects are not made")
    assert r.loc["iv", ["beta", "theta"]].tolist() == [0.7, 0.1]
    assert pd.isna(r.loc["iv", "sign_agrees"])
    assert r.loc["gone", ["status", "skip_reason"]].tolist() == ["skipped", "no W"]
    assert r["is_duplicate"].sum() == 0
    s = summary.set_index("effect")
    assert s.loc["direct", "share_family_5"] == 1.0
    assert s.loc["direct", "n_runs"] == 3
    assert s.loc["direct", "n_skipped"] == 1
    assert s.loc["indirect", "share_sign_agrees"] == 0.5


def test_a_run_that_repeats_the_headline_is_shown_and_not_counted():
    frames, again = _by_hand(), {"is_headline": False, "variant_of": "head", "change": "sample: without nobody"}
    for name in ("model_spec", "panel_fit", "panel_effect"):
        twin = frames[name][frames[name]["model_id"] == "head"].assign(model_id="again")
        twin = twin.assign(**again) if name == "model_spec" else twin
        frames[name] = pd.concat([frames[name], twin])
    runs, summary = robustness_rows(frames)
    again_row = runs.set_index("run_id").loc["again"]
    assert again_row["is_duplicate"]
    assert again_row["note"].endswith("not counted")
    assert again_row["direct"] == 0.4
    assert pd.isna(again_row["sign_agrees"])
    assert summary.set_index("effect").loc["direct", ["n_runs", "n_duplicate"]].tolist() == [3, 1]
    runs.loc[runs["run_id"] == "head", ["direct", "indirect"]] = np.nan  # without a headline the errors do not count
    runs.loc[runs["run_id"] == "w", ["direct", "indirect", "change_axis"]] = [0.4, 0.2, "errors"]
    assert list(runs.loc[is_duplicate(runs), "run_id"]) == ["w"]


def test_holm_is_over_the_declared_tests_of_each_regression():
    declared = SETTINGS.findings
    names = [*((finding.analysis, finding.variant) for finding in declared), ("border", "province")]
    p = [0.04, 0.001, 0.02, np.nan, 0.5, 0.01, 0.8, 0.0001]
    one = pd.DataFrame(names, columns=["analysis", "variant"]).assign(**KEYS, model_id="head", p=p, p_unadjusted=p)
    found = with_holm(pd.concat([one, one.assign(model_id="other", p=0.03)], ignore_index=True), declared)
    head = found[found["model_id"] == "head"]
    assert head["finding"].tolist() == [*(finding.code for finding in declared), ""]
    # seven are declared: 0.001 x 7, 0.01 x 6, 0.02 x 5, 0.04 x 4, 0.5 x 3, 0.8 x 2, none below the one before
    np.testing.assert_allclose(head["p_holm"], [0.16, 0.007, 0.1, np.nan, 1.0, 0.06, 1.0, np.nan])
    other = found[found["model_id"] == "other"]
    np.testing.assert_allclose(other["p_holm"], [0.21] * 7 + [np.nan])


SETTINGS = settings(specs(), panel={"effects": 200}, robustness={"placebo": 39})


def _build(frames):
    return robustness.build({**frames, **as_read(panel.build(frames, SETTINGS))}, SETTINGS)


@pytest.fixture(scope="module")
def built():
    return _build(warehouse())


def test_build_makes_every_table_and_is_seeded(built):
    again = _build(warehouse())
    assert set(built) == set(robustness.TABLES)
    assert lacking(built) == {}
    assert (built["robustness_run"]["status"] == "done").all(), built["robustness_run"]["skip_reason"].tolist()
    for name, table in built.items():
        pd.testing.assert_frame_equal(table, again[name])


def test_placebo_is_that_of_the_headline(built):
    assert len(built["robustness_placebo"]) == 40
    assert built["robustness_placebo_summary"]["n_draws"].tolist() == [39, 39]
    assert built["robustness"]["run_id"].tolist() == ["head", "far"]
    actual = built["robustness_placebo_summary"].set_index("term")["actual"]
    head = built["robustness"].set_index("run_id").loc["head"]
    for term in ("theta", "indirect"):
        assert actual[term] == pytest.approx(head[term], abs=1e-8)


def test_without_scores_the_reason_is_listed_in_place_of_runs():
    frames = warehouse()
    frames["scores"] = frames["scores"].query("index_code == 'pr'")
    tables = _build(frames)
    assert (tables["robustness"]["status"] == "skipped").all()
    (run,) = tables["robustness_run"].to_dict("records")
    assert (run["analysis"], run["status"]) == ("sample", "skipped")
    assert "no score" in run["skip_reason"]
    assert tables["robustness_placebo"].empty


def test_a_fault_of_the_program_is_no_skip(monkeypatch):
    """Only what the library itself refuses in words is listed as skipped; any other error ends the run."""

    def failing(error):
        def run(*_, **__):
            raise error

        return run

    frames, broken = warehouse(), failing(ValueError("operands could not be broadcast together"))
    monkeypatch.setattr(robustness, "placebo_weights", failing(PanelInputError("no link behind the barrier")))
    run = _build(frames)["robustness_run"]
    assert set(run["skip_reason"]) == {"no link behind the barrier"}
    monkeypatch.setattr(robustness, "placebo_weights", broken)
    with pytest.raises(ValueError, match="broadcast"):
        _build(frames)
    monkeypatch.setattr(panel, "run", broken)
    with pytest.raises(ValueError, match="broadcast"):
        panel.build(frames, SETTINGS)
    with pytest.raises(PanelInputError, match="the estimate cannot be computed from these data: Singular matrix"):
        estimable("the estimate")(np.linalg.inv)(np.zeros((2, 2)))
