"""What was planted beside what is found again: on indexes that are the latents themselves nothing is lost."""

import numpy as np
import pandas as pd
import pytest
from influence_worlds import specs, warehouse
from study_tools import lacking, settings

from dagster_project.study import influence, panel
from dagster_project.study.truth import separating_cut, truth_table
from python_models.regression import PanelInputError

GRID = 6
SIZES = {"effects": 20, "barrier": 200, "threshold_bootstrap": 2, "spatial_bootstrap": 1, "spatial_grid": GRID}
SETTINGS = settings(specs(), panel={"effects": 200}, influence=SIZES)
NEEDED = {("blocks", "core"), ("barrier", "province"), ("threshold", "spatial:emitter")}


@pytest.fixture(scope="module")
def frames():
    """Scores times 2 plus 1 are the latents; d of the base year is the latent synergy."""
    made = warehouse()
    latent = made["scores"].assign(
        kind="latent", name=made["scores"]["index_code"], value=made["scores"]["score"] * 2 + 1
    )
    synergy = made["synergy"].assign(kind="synergy", name="synergy", value=made["synergy"]["d"])
    parameters = pd.DataFrame(
        {"kind": "parameter", "name": ["border_factor", "synergy_threshold"], "value": [1.0, 0.5]}
    )
    truth = pd.concat(
        [part.reindex(columns=["kind", "city_id", "year", "name", "value"]) for part in (latent, synergy, parameters)]
    )
    empty = pd.DataFrame(columns=["unit_i", "unit_j", "year", "v_ij"])
    fitted = panel.build(made, SETTINGS)
    return {**made, "truth": truth, "segmentation_pair": empty, "panel_effect": fitted["panel_effect"]}


@pytest.fixture(scope="module")
def found(frames):
    jobs = influence._jobs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(influence, "_jobs", lambda *a, **k: [j for j in jobs(*a, **k) if j[:2] in NEEDED])
        return influence.build(frames, SETTINGS)


def test_indexes_that_are_the_latents_attenuate_nothing(frames, found):
    table = truth_table(frames, specs(), found, grid=GRID, seed=1)
    assert lacking({"truth_recovery": table}) == {}
    by = table.set_index("quantity")
    assert set(by.index) == {
        "direct_effect",
        "indirect_effect",
        "total_effect",
        "asymmetry_index",
        "barrier_index",
        "synergy_threshold",
        "asymmetry_level_adjusted",
        "border_level_adjusted",
    }
    given = by["ratio"].dropna()
    assert len(given) >= 5
    assert given.to_numpy() == pytest.approx(np.ones(len(given)), abs=0.02)
    assert by.loc["barrier_index", "truth"] == 0.0
    assert by["covers_truth"].isna().to_dict()["direct_effect"]


def test_what_was_not_planted_is_zero_or_nothing_to_be_found(frames, found):
    parameters = {"rho": 0.0, "border_factor": 1.0, "synergy_threshold": 0.5, "synergy_multiplier": 1.0}
    parameters |= {f"theta_{block}": 0.0 for block in ("cc", "cp", "pc", "pp")}
    planted = frames["truth"][frames["truth"]["kind"] != "parameter"]
    none = pd.DataFrame({"kind": "parameter", "name": list(parameters), "value": list(parameters.values())})
    truth = truth_table({**frames, "truth": pd.concat([planted, none])}, specs(), found, grid=5, seed=1)
    by = truth.set_index("quantity")["truth"]
    assert (by[["indirect_effect", "asymmetry_level_adjusted", "border_level_adjusted"]] == 0).all()
    assert by[["direct_effect", "barrier_index", "synergy_threshold"]].isna().all()


def test_a_year_after_the_truth_was_written_leaves_nothing_to_compare(frames, found):
    truth = frames["truth"]
    table = truth_table(
        {**frames, "truth": truth[truth["year"] != truth["year"].max()]}, specs(), found, grid=5, seed=1
    )
    assert table.empty


def test_real_data_have_no_truth(frames, found):
    table = truth_table({**frames, "truth": frames["truth"].iloc[:0]}, specs(), found, grid=5, seed=1)
    assert table.empty


def test_a_sample_too_small_for_the_adjusted_tests_has_no_difference_but_its_reason(frames, monkeypatch):
    def refused(*_, **__):
        raise PanelInputError("too few cities")

    jobs = influence._jobs
    monkeypatch.setattr(influence, "level_adjusted", refused)
    monkeypatch.setattr(influence, "_jobs", lambda *a, **k: [j for j in jobs(*a, **k) if j[:2] == ("blocks", "core")])
    tables = influence.build(frames, SETTINGS)
    assert set(tables["level_adjusted_test"]["note"]) == {"too few cities"}
    assert lacking({"level_adjusted_test": tables["level_adjusted_test"]}) == {}
    row = tables["truth_recovery"].set_index("quantity").loc["asymmetry_level_adjusted"]
    assert np.isnan(row["published"])


def test_the_cut_that_names_fewest_cities_wrongly():
    d = np.array([0.1, 0.2, 0.3, 0.4, 0.5])
    assert separating_cut(d, d > 0.3) == 0.3
    assert separating_cut(d, np.array([False, True, False, True, True])) == pytest.approx(0.2)  # 0.1 or 0.3: one wrong
