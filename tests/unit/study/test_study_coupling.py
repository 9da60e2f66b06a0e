"""Coupling tables: every form and scale once, summaries that follow from the rows, base-year regimes."""

import json

import numpy as np
import pandas as pd
import pytest
from study_tools import settings, with_schemes

from dagster_project.study import coupling
from dagster_project.study.coupling import FORMS, SCALES
from python_models.production.coupling import CLASSES

CITIES, YEARS = [f"CN{i:06d}" for i in range(20)], range(2012, 2016)


def country() -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(1)
    rows = [(c, y, *rng.beta(2, 6, 2), y < 2015) for c in CITIES for y in YEARS]
    scores = pd.DataFrame(rows, columns=["city_id", "year", "u1", "u2", "in_base"])
    keys = {"index_code": "nqpf", "relations_code": "pr", "basis": "frozen_2012_2021", "weight_scheme": "entropy_flat"}
    groups = pd.DataFrame({"city_id": CITIES, "scheme": "core", "group_code": ["core"] * 5 + ["periphery"] * 15})
    return with_schemes({"scores": scores.assign(**keys), "groups": groups})


@pytest.fixture(scope="module")
def tables():
    return coupling.build(country(), settings())


def test_rows_have_each_form_and_scale_once_and_the_scale_and_the_regime_of_the_base_years(tables):
    table = tables["coupling"]
    assert len(table) == len(CITIES) * len(YEARS) * len(FORMS) * len(SCALES)
    wide = table[table["scale"] == "raw"].pivot(index=["city_id", "year"], columns="form", values="c")
    assert (wide["corrected"] <= wide["classic"] + 1e-12).all()
    mine = table[(table["scale"] == "minmax01") & (table["form"] == "corrected")]
    base = mine[mine["year"] < 2015]
    assert base["u1"].min() == pytest.approx(0.01)
    assert base["u1"].max() == pytest.approx(0.99)
    table = tables["coupling"].query("scale == 'minmax01' and form == 'corrected'")
    first = table[table["year"] == 2012].set_index("city_id")["d"] >= 0.5
    assert (table["synergy_high"].to_numpy() == first.loc[table["city_id"]].to_numpy()).all()


def test_summary_follows_from_the_rows(tables):
    rows, summary = tables["coupling"], tables["coupling_summary"]
    mine = "scheme == 'core' and group_code == 'periphery' and year == 2013 and form == 'corrected'"
    one = summary.query(mine).iloc[0]
    own = rows.query("scale == 'minmax01' and year == 2013 and form == 'corrected'")
    own = own[own["city_id"].isin(CITIES[5:])]
    assert one["n"] == 15
    assert one["mean_d"] == pytest.approx(own["d"].mean())
    assert one["mean_d_lo"] < one["mean_d"] < one["mean_d_hi"]
    shares = json.loads(one["share_class"])
    assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
    assert set(shares) <= set(CLASSES)
    assert one["share_pr_lagging"] == pytest.approx((own["lead_lag"] == "pr_lagging").mean())
