"""Declared findings are tested for cities of one level, also where a break cuts the years into segments."""

import numpy as np
import pandas as pd
import pytest
from influence_worlds import KEYS, specs, warehouse
from study_tools import settings

from dagster_project.study import influence

SIZES = {"multipliers": 9, "threshold_bootstrap": 9, "spatial_grid": 5}


@pytest.mark.parametrize("breaks", [[], [("pr", "p4", 2015, True)]], ids=["one segment", "two segments"])
def test_every_declared_finding_has_a_test_for_cities_of_one_level(breaks):
    table = pd.DataFrame(breaks, columns=["index_code", "indicator_code", "year", "is_bridged"])
    frames = warehouse(years=range(2010, 2020)) | {"breaks": table}
    frames["segmentation_pair"] = pd.DataFrame(columns=["unit_i", "unit_j", "year", "v_ij"])
    made = settings(specs()[:1], influence=SIZES)
    tables = influence.build(frames, made)
    tests = tables["level_adjusted_test"].set_index("finding").loc[[finding.code for finding in made.findings]]
    assert tests["p"].between(0, 1).all(), tests["note"].tolist()
    assert (tests["p_holm"] >= tests["p"]).all()
    thresholds = tables["threshold_result"].set_index("kind")["p_level_adjusted"]
    assert np.isfinite(thresholds[["hansen", "spatial_emitter"]].to_numpy()).all()


def test_a_declared_finding_without_a_test_counts_in_the_p_of_holm():
    findings = settings(specs()[:1]).findings
    keys = ("analysis", "variant")
    rows = [{name: getattr(finding, name) for name in keys} for finding in findings[:2]]
    tests = pd.DataFrame(rows).assign(p=[0.01, np.nan], p_unadjusted=[0.001, 0.9]).assign(**KEYS, model_id="m")
    table = influence.with_holm(tests, findings)
    assert len(findings) == 7
    assert table["p_holm"].tolist() == pytest.approx([0.07, np.nan], nan_ok=True)
    assert table["p_unadjusted_holm"].tolist() == pytest.approx([0.007, 1.0])
