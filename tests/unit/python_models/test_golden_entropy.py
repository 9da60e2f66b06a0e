"""The case tests/golden/entropy_two_by_two: expected.csv comes from recipe.py (50 decimal digits)."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml

from python_models import CompositeIndex, Panel

CASE = Path(__file__).parents[2] / "golden" / "entropy_two_by_two"

# The same case as printed in the design notes, to all printed digits.
PRINTED = {
    "entropy": {"k1": 0.6893917467, "k2": 0.7028195311},
    "weight": {"k1": 0.5110464244, "k2": 0.4889535756},
    "score": {("A", 2012): 0.0, ("A", 2013): 0.25, ("B", 2012): 0.6222383939, ("B", 2013): 1.0},
}


@pytest.fixture(scope="module")
def result():
    panel = Panel.from_long(pd.read_csv(CASE / "inputs.csv"))
    spec = {"directions": {"k1": 1, "k2": -1}, "levels": {"k1": "new", "k2": "quality"}}
    return CompositeIndex(panel, window=(2012, 2013), **spec).fit()


@pytest.fixture(scope="module")
def expected():
    return pd.read_csv(CASE / "expected.csv")


def compare(expected, quantity, frame, keys):
    rows = expected[expected["quantity"] == quantity]
    if "year" in keys:
        rows = rows.astype({"year": int})
    both = rows[[*keys, "value"]].merge(frame, on=keys, how="outer", validate="1:1")
    tolerance = yaml.safe_load((CASE / "tolerance.yml").read_text())[quantity]
    np.testing.assert_allclose(both[quantity], both["value"], rtol=0, atol=tolerance)


@pytest.mark.parametrize("quantity", ["entropy", "weight"])
def test_entropy_and_weights_equal_the_recipe(result, expected, quantity):
    compare(expected, quantity, result.weights, ["indicator_code"])


def test_z_equals_the_recipe(result, expected):
    compare(expected, "z", result.values, ["city_id", "year", "indicator_code"])


def test_scores_equal_the_recipe(result, expected):
    composite = result.scores[result.scores["index_suffix"] == ""]
    compare(expected, "score", composite, ["city_id", "year"])


def test_printed_digits_are_met(result):
    weights = result.weights.set_index("indicator_code")
    for quantity in ("entropy", "weight"):
        for code, printed in PRINTED[quantity].items():
            assert round(weights.loc[code, quantity], 10) == printed
    composite = result.scores[result.scores["index_suffix"] == ""].set_index(["city_id", "year"])["score"]
    assert {key: round(score, 10) for key, score in composite.items()} == PRINTED["score"]
