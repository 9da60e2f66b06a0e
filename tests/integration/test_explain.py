"""`nqpf explain CITY YEAR`: the score, why it is what it is, and what moved; and the measurement marts behind it."""

import json

import numpy as np
import pandas as pd
import pytest
from house import CITIES, YEARS, House, Outcome

FROZEN = "frozen_2012_2021"
HEFEI = "CN340100"


def explain(house: House, *arguments: str) -> Outcome:
    return house.run_reading("explain", *arguments)


@pytest.fixture(scope="module")
def told(small_warehouse):
    outcome = explain(small_warehouse, "Hefei", "2014", "--json")
    assert outcome.exit_code == 0, outcome.text
    return json.loads(outcome.text)


def published_score(house: House, year: int) -> dict:
    return (
        house.published(
            "from mart.mart_index_score where index_code = 'nqpf' and basis = ? and weight_scheme = 'entropy_flat'"
            " and city_id = ? and year = ?",
            [FROZEN, HEFEI, year],
        )
        .iloc[0]
        .to_dict()
    )


def test_the_answer_fits_on_one_screen(small_warehouse):
    text, score = explain(small_warehouse, "Hefei", "2014").text, published_score(small_warehouse, 2014)
    assert "SYNTHETIC" in text
    assert f"score  {score['score_100']:.2f} of 100" in text
    assert f"rank   {score['rank_year']} of {CITIES}" in text
    assert "What moved it most since 2013" in text
    assert "draws of all choices; 2013: " in text
    assert len(text.strip().splitlines()) <= 24


def test_json_and_markdown_hold_the_same_answer(small_warehouse, told):
    assert json.loads(explain(small_warehouse, "Hefei", "2014", "--format", "json").text) == told
    assert explain(small_warehouse, "Hefei", "2014", "--format", "markdown").text.startswith("## 合肥市 Hefei")
    refused = explain(small_warehouse, "Hefei", "2014", "n1_edushare", "--format", "json")
    assert refused.exit_code == 2
    assert "leave the indicator out" in refused.text


# ---- measurement marts --------------------------------------------------------------------------------


def test_headline_weights_carry_a_standard_error_and_an_interval(small_warehouse):
    weights = small_warehouse.published("from mart.mart_index_weight where index_code = 'nqpf'")
    headline = weights["weight_scheme"] == "entropy_flat"
    assert (weights.loc[headline, "weight_se"] > 0).all()
    assert (weights.loc[headline, "weight_p05"] <= weights.loc[headline, "weight_p95"]).all()
    assert weights.loc[~headline, "weight_se"].isna().all()


def test_every_city_and_year_has_an_interval_about_its_published_place(small_warehouse):
    table = small_warehouse.published(
        "from mart.mart_index_uncertainty where index_code = 'nqpf' and basis = ?", [FROZEN]
    )
    assert len(table) == CITIES * len(YEARS)
    assert set(table["n_draws"]) == {200}  # depth quick
    score = small_warehouse.published(
        "from mart.mart_index_score where index_code = 'nqpf' and basis = ? and weight_scheme = 'entropy_flat'",
        [FROZEN],
    )
    both = table.merge(score, on=["city_id", "year"])
    assert (both["rank_year_x"] == both["rank_year_y"]).all()


def test_a_second_edition_is_bridged_from_the_vintage_before_it(revised):
    """One cell of 2014 was revised: only its own city-year has a part of revision, and every row sums up."""
    house, (old, new) = revised.house, (f"2016{letter}" for letter in "AB")
    bridge = house.published(
        "from mart.mart_index_restatement where index_code = 'nqpf' and basis_old = basis_new and vintage_old = ?"
        " and vintage_new = ?",
        [old, new],
    )
    assert len(bridge) == 2 * CITIES * len(YEARS)
    parts = bridge[["part_revision", "part_bounds", "part_weights", "part_method"]]
    np.testing.assert_allclose(parts.sum(axis=1), bridge["total_change"], rtol=0, atol=1e-12)
    touched = bridge[bridge["part_revision"].abs() > 1e-12]
    assert set(zip(touched["city_id"], touched["year"], strict=True)) == {("CN370900", 2014)}
    score = house.published(
        "from mart.mart_index_score where index_code = 'nqpf' and weight_scheme = 'entropy_flat'"
    ).set_index(["basis", "city_id", "year"])["score"]
    keys = pd.MultiIndex.from_frame(bridge[["basis_new", "city_id", "year"]])
    np.testing.assert_allclose(bridge["score_new"], score.loc[keys], rtol=0, atol=1e-14)
