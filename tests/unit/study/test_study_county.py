"""The second geography: its index, the methods that it borrows, and what it says where figures are few."""

import numpy as np
import pandas as pd
import pytest
from study_tools import settings, with_schemes, without_rows
from text_table import words

from dagster_project.study import county
from dagster_project.study.disparity import THEIL_PARTS
from dagster_project.study.settings import SpecError, read_county_spec
from python_models.dynamics.states import discretise
from python_models.inequality import theil_nested

SETTINGS = settings(county={"draws": 9})
VARIABLES = words("""
    population_registered gdp_nom va_tertiary_nom fiscal_revenue fiscal_expenditure industrial_firms
    loans_balance_nom savings_household_nom secondary_students
""")


def country(n: int = 40, years: tuple[int, ...] = (2015, 2016)) -> dict[str, pd.DataFrame]:
    rng = np.random.default_rng(5)
    units = [f"CN{340100 + i}" for i in range(n)]
    lon, lat = rng.uniform(110, 120, n), rng.uniform(28, 34, n)
    size = np.exp(0.5 * rng.standard_normal(n))
    values = [
        pd.DataFrame({"city_id": units, "year": year, "variable_code": name}).assign(
            value=1e5 * size * np.exp(0.05 * (lon - 110) + 0.4 * rng.standard_normal(n)), is_in_question=False
        )
        for year in years
        for name in VARIABLES
    ]
    city = pd.DataFrame({"city_id": units, "city_code": [unit[2:] for unit in units], "admin_tier": "county"})
    city = city.assign(centroid_lon=lon, centroid_lat=lat, area_km2=1e3 * size)
    region = np.where(lon > 115, "east", "west")
    made = {
        "values": pd.concat(values),
        "city": city.assign(province_code=(lon // 2.5).astype(int).astype(str)),
        "groups": pd.DataFrame({"city_id": units, "scheme": "four_region", "group_code": region}),
        "weighting": pd.DataFrame({"weight_scheme": ["entropy_flat"], "method": ["entropy"]}),
    }
    return with_schemes(made)


@pytest.fixture(scope="module")
def tables():
    return county.build(country(), SETTINGS)


def test_every_table_is_that_of_the_method_on_the_scores(tables):
    scores = tables["county_index"]
    assert scores["note"].unique().tolist() == ["years 2015, 2016"]
    assert scores.groupby("year")["rank_year"].min().eq(1).all()
    assert scores["lisa_quadrant"].isin(["HH", "LH", "LL", "HL"]).all()
    assert scores["state"].isin([1, 2, 3, 4]).all()
    panel = scores.pivot(index="county_id", columns="year", values="score")
    inequality = tables["county_inequality"].set_index("year")
    for year, row in inequality.iterrows():
        assert row["total"] == pytest.approx(
            theil_nested(panel[year].to_numpy(), ["a"] * 40, ["a"] * 40).total, rel=1e-12
        )
    shares = inequality[[f"share_{part}" for part in THEIL_PARTS[1:]]]
    np.testing.assert_allclose(shares.sum(axis=1), 100, rtol=1e-12)
    assert (inequality["share_within_province_lo"] < inequality["share_within_province_hi"]).all()
    moran = tables["county_moran"].set_index("year")
    assert (moran["p_holm"] >= moran["p_perm"]).all()
    assert moran["expected"].to_numpy() == pytest.approx(-1 / 39)
    moves = tables["county_transition"]
    assert moves["n"].sum() == 40
    state = discretise(panel, "relative").states + 1
    counted = {(int(a), int(b)): n for a, b, n in moves[["state_from", "state_to", "n"]].itertuples(index=False)}
    assert counted == {(a, b): int(((state[:, 0] == a) & (state[:, 1] == b)).sum()) for a, b in counted}
    regression = tables["county_regression"].set_index("term")
    assert {"density", "W:density", "rho"} <= set(regression.index)
    assert (regression["lo"] < regression["coef"]).all()


def test_an_indicator_that_a_year_lacks_is_left_out_and_said():
    frames = country(years=(2015, 2018))
    values = frames["values"]
    values = values[(values["year"] == 2018) | (values["variable_code"] != "fiscal_revenue")]
    in_doubt = {("CN340100", 2015, "gdp_nom"), ("CN340101", 2018, "fiscal_revenue")}  # the second is not used
    keys = values[["city_id", "year", "variable_code"]].itertuples(index=False, name=None)
    frames["values"] = values.assign(is_in_question=[key in in_doubt for key in keys])
    found = county.build(frames, SETTINGS)
    marked = found["county_index"].query("is_in_question")
    assert marked[["county_id", "year"]].values.tolist() == [["CN340100", 2015]]
    assert found["county_index"]["n_indicator"].unique().tolist() == [len(SETTINGS.county.indicators) - 1]
    note = "years 2015, 2018; steps of 3 years; not in every year: c2_revenue"
    assert found["county_index"]["note"].unique().tolist() == [note]


def test_one_year_has_an_index_and_says_what_it_cannot_have_and_few_units_have_none():
    found = county.build(country(years=(2015,)), SETTINGS)
    scores = found["county_index"]
    assert len(scores) == 40
    assert "state" not in scores
    assert (
        scores["note"].iloc[0].startswith("years 2015; one year alone: no chain; no regression: 1 years, 3 regressors")
    )
    assert found["county_transition"].empty
    assert found["county_regression"].empty
    assert len(found["county_moran"]) == len(found["county_inequality"]) == 1
    for frames in (country(20), without_rows(country())):
        assert all(table.empty for table in county.build(frames, SETTINGS).values())


def test_a_spec_with_an_unknown_key_is_refused(tmp_path):
    file = tmp_path / "county.yml"
    file.write_text("indicators:\n  a: {dimension: new, numerator: [b], denominator: c, times: 1}\n")
    with pytest.raises(SpecError, match=r"county\.yml"):
        read_county_spec(file, weight_scheme="equal")
