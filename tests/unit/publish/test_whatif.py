"""Other weights: the sums of the published scores, and what is refused."""

import numpy as np
import pytest
from promised_marts import insert

from dagster_project.publish.exhibits.reader import ExportError
from dagster_project.publish.whatif import presets, whatif

Z = np.array([[0.1, 0.9, 0.5], [0.8, 0.2, 0.4], [0.8, 0.2, 0.4], [np.nan, 0.3, 0.2]])
WEIGHTS = {"a": 0.5, "b": 0.3, "c": 0.2}
KEY = {"index_code": "nqpf", "basis": "frozen_2012_2021"}


@pytest.fixture
def own(empty, reader):
    for k, row in enumerate(Z):
        for code, z in zip("abc", row, strict=True):
            insert(empty, "mart_indicator_value", **KEY, city_id=f"c{k}", year=2021, indicator_code=code, z=z)
        score = float(row @ list(WEIGHTS.values()))
        is_scored = not np.isnan(score)
        found = {"score_100": 100 * score, "score": score, "rank_year": 1 if k else 3} if is_scored else {}
        insert(empty, "mart_index_score", **KEY, city_id=f"c{k}", year=2021, **found)
    schemes = {"entropy_flat": WEIGHTS, "entropy_topsis": WEIGHTS, "equal": dict.fromkeys("abc", 1 / 3)}
    for scheme, weights in schemes.items():
        for code, weight in weights.items():
            insert(empty, "mart_index_weight", **KEY, weight_scheme=scheme, indicator_code=code, weight=weight)
    return reader()


def test_the_weights_of_the_study_give_its_scores_and_ranks(own):
    found = whatif(own, WEIGHTS)
    assert found.table["score"].to_numpy() == pytest.approx(found.table["published_score"].to_numpy(), abs=1e-12)
    assert found.table["rank"].tolist() == found.table["published_rank"].tolist() == [1, 1, 3]
    assert found.spearman == pytest.approx(1.0)


def test_only_the_ratios_of_weights_matter_and_an_unnamed_indicator_weighs_nothing(own):
    one, ten = whatif(own, {"b": 1, "c": 1}), whatif(own, {"a": 0, "b": 10, "c": 10})
    assert one.table.equals(ten.table)
    assert one.weights == {"a": 0.0, "b": 0.5, "c": 0.5}
    assert "c3" in one.table["city_id"].tolist(), "the indicator that the city lacks is not weighed"
    assert "c3" not in whatif(own, WEIGHTS).table["city_id"].tolist()


@pytest.mark.parametrize(
    ("weights", "year", "why"),
    [
        ({"x": 1}, 2021, "is called x: a, b, c"),
        ({"a": -1}, 2021, "zero or more"),
        ({"a": 0}, 2021, "not all zero"),
        ({"a": float("nan")}, 2021, "must be numbers"),
        ({"a": 1}, 1999, "no indicator values in 1999"),
    ],
)
def test_what_is_no_weight_is_refused(own, weights, year, why):
    with pytest.raises(ExportError, match=why):
        whatif(own, weights, year)


def test_schemes_with_the_same_weights_are_one_preset(own):
    assert [row["scheme"] for row in presets(own)] == ["entropy_flat", "equal"]
