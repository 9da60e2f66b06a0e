"""The index of one basis: frames, identities, edge cases of a spec or a panel."""

import numpy as np
import pandas as pd
import pytest

from python_models import CompositeIndex, Panel

COLUMNS = {
    "bounds": "indicator_code index_suffix min_value max_value winsor_low_value winsor_high_value "
    "window_start window_end is_constant",
    "weights": "indicator_code index_suffix dimension entropy redundancy weight dimension_weight delta skewness flag",
    "values": "city_id year indicator_code index_suffix value_final z is_winsorised is_capped out_of_base_range",
    "scores": "city_id year index_suffix score score_100 rank_year pct_year score_relative "
    "share_imputed_weight is_provisional out_of_base_range",
    "contributions": "city_id year indicator_code index_suffix weight z contribution obstacle_degree",
}


def changed(panel, edit):
    values = panel.values.copy()
    edit(values)
    return Panel(values, panel.cities, panel.years, panel.names)


def composite(result):
    return result.scores[result.scores["index_suffix"] == ""]


@pytest.fixture(scope="module")
def result(panel, spec):
    return CompositeIndex(panel, **spec).fit()


def test_frames_have_one_row_per_grain_and_their_columns(result, panel):
    n, t, m = panel.values.shape
    rows = {"bounds": m, "weights": m, "values": n * t * m, "scores": n * t * 3, "contributions": n * t * m}
    for name, columns in COLUMNS.items():
        frame = getattr(result, name)
        assert (len(frame), " ".join(frame.columns)) == (rows[name], columns), name
        keys = frame.columns.intersection(["city_id", "year", "indicator_code", "index_suffix"])
        assert not frame.duplicated(keys).any(), name
    assert set(result.scores["index_suffix"]) == {"", "_new", "_quality"}
    pd.testing.assert_frame_equal(result.to_frame(), result.scores)


def test_the_label_of_each_row_belongs_to_its_number(result, panel):
    at = {name: k for k, name in enumerate(panel.names)}
    row = result.values.sample(1, random_state=4).iloc[0]
    i, t, k = panel.cities.index(row["city_id"]), panel.years.index(row["year"]), at[row["indicator_code"]]
    assert row["z"] == result.z[i, t, k]
    by_city_year = composite(result).set_index(["city_id", "year"])["score"]
    assert by_city_year[panel.cities[5], 2014] == result.score[5, 2]


def test_identities_of_weights_scores_and_parts(result):
    assert abs(result.weights["weight"].sum() - 1) < 1e-12
    score = composite(result).set_index(["city_id", "year"])["score"]
    parts = result.contributions.groupby(["city_id", "year"])
    np.testing.assert_allclose(parts["contribution"].sum(), score, rtol=0, atol=1e-12)
    np.testing.assert_allclose(parts["obstacle_degree"].sum(), 1.0, rtol=0, atol=1e-12)
    W = result.weights.groupby("dimension")["dimension_weight"].first()
    np.testing.assert_allclose(result.weights.groupby("dimension")["weight"].sum(), W, rtol=0, atol=1e-15)
    wide = result.scores.pivot(index=["city_id", "year"], columns="index_suffix", values="score")
    np.testing.assert_allclose(W["new"] * wide["_new"] + W["quality"] * wide["_quality"], wide[""], rtol=0, atol=1e-12)


def test_restated_z_spans_0_to_1_and_scores_lie_in_0_1(result):
    z = result.values.groupby("indicator_code")["z"]
    assert (z.min() == 0).all()
    assert (z.max() == 1).all()
    assert result.scores["score"].between(0, 1).all()
    np.testing.assert_array_equal(result.scores["score_100"], 100 * result.scores["score"])
    assert not result.scores["out_of_base_range"].any()


def test_winsorised_values_lie_inside_the_stored_quantiles_of_the_window(result, panel):
    stored = result.bounds.set_index("indicator_code")
    for name, low, high in stored[["winsor_low_value", "winsor_high_value"]].itertuples():
        raw = panel.values[..., panel.names.index(name)].ravel()
        mine = result.values[result.values["indicator_code"] == name]
        if name in ("n1", "q2"):
            np.testing.assert_allclose([low, high], np.quantile(raw, [0.01, 0.99]), rtol=1e-14)
            assert mine["value_final"].between(low, high).all()
            np.testing.assert_array_equal(mine["is_winsorised"], (raw < low) | (raw > high))
            assert mine["is_winsorised"].any()
        else:
            assert np.isnan([low, high]).all()
            assert not mine["is_winsorised"].any()


def test_a_capped_value_is_cut_before_bounds_and_marked(result, panel):
    raw = panel.values[..., panel.names.index("n2")].ravel()
    mine = result.values[result.values["indicator_code"] == "n2"]
    assert (raw > 100).any()
    np.testing.assert_array_equal(mine["is_capped"], raw > 100)
    np.testing.assert_array_equal(mine["value_final"], np.minimum(raw, 100))
    assert result.bounds.set_index("indicator_code").loc["n2", "max_value"] == 100.0


def test_winsor_quantiles_are_those_of_capped_values(panel, spec):
    # About 10 % of n2 lie above the cap: its 95 % point is the cap itself, not a value beyond it.
    both = {**spec, "winsor": {"n2": True}, "winsor_quantiles": (0.05, 0.95)}
    row = CompositeIndex(panel, **both).fit().bounds.set_index("indicator_code").loc["n2"]
    raw = panel.values[..., panel.names.index("n2")]
    assert np.quantile(raw, 0.95) > 100
    assert row["winsor_high_value"] == row["max_value"] == 100.0
    assert row["winsor_low_value"] == row["min_value"] == pytest.approx(np.quantile(raw, 0.05), rel=1e-14)


def test_a_missing_cell_makes_its_scores_nan_and_nothing_else(panel, spec):
    hole = changed(panel, lambda v: v.__setitem__((3, 1, 0), np.nan))
    result = CompositeIndex(hole, **spec).fit()
    gone = result.scores[result.scores["score"].isna()]
    assert gone[["city_id", "year", "index_suffix"]].values.tolist() == [
        [panel.cities[3], 2013, ""],
        [panel.cities[3], 2013, "_new"],
    ]
    assert gone["rank_year"].isna().all()
    assert gone["pct_year"].isna().all()
    year = composite(result)[lambda s: s["year"] == 2013]
    assert year["rank_year"].max() == 29


def test_a_constant_indicator_gets_weight_0_no_z_and_a_warning_and_scores_stay(panel, spec):
    result = CompositeIndex(changed(panel, lambda v: v.__setitem__((..., 3), 7.0)), **spec).fit()
    row = result.weights.set_index("indicator_code").loc["q1"]
    assert (row["weight"], row["flag"]) == (0.0, "constant_indicator")
    assert result.warnings == ("constant_indicator: q1 in 2012-2015",)
    assert result.values[result.values["indicator_code"] == "q1"]["z"].isna().all()
    assert result.scores["score"].notna().all()
    other = Panel(panel.values[..., [0, 1, 2, 4]], panel.cities, panel.years, ("n1", "n2", "n3", "q2"))
    kept = {key: {k: v for k, v in spec[key].items() if k != "q1"} for key in ("directions", "levels")}
    without = CompositeIndex(other, **{**spec, **kept}).fit()
    np.testing.assert_allclose(result.score, without.score, rtol=0, atol=1e-15)


def test_the_equal_scheme_gives_each_varying_indicator_the_same_weight(panel, spec):
    result = CompositeIndex(panel, scheme="equal", **spec).fit()
    np.testing.assert_allclose(result.weights["weight"], 0.2, rtol=1e-15)
    np.testing.assert_allclose(result.score, result.z.mean(axis=2), rtol=1e-14)
    assert result.weights[["entropy", "redundancy", "delta"]].isna().all(axis=None)
    constant = CompositeIndex(changed(panel, lambda v: v.__setitem__((..., 3), 7.0)), scheme="equal", **spec).fit()
    assert constant.weights["weight"].tolist() == [0.25, 0.25, 0.25, 0.0, 0.25]


def test_delta_is_stored_and_changes_weights_but_not_z(panel, spec):
    headline, shifted = CompositeIndex(panel, **spec).fit(), CompositeIndex(panel, delta=0.01, **spec).fit()
    assert (shifted.weights["delta"] == 0.01).all()
    np.testing.assert_array_equal(shifted.z, headline.z)
    assert not np.allclose(shifted.w, headline.w, atol=1e-4)


def test_share_imputed_is_the_weight_of_imputed_cells_inside_each_index(panel, spec):
    imputed = np.zeros(panel.values.shape, dtype=bool)
    imputed[2, 1, [0, 3]] = True
    result = CompositeIndex(panel, imputed=imputed, **spec).fit()
    w = dict(zip(result.names, result.w, strict=True))
    mine = result.scores[result.scores["share_imputed_weight"] > 0].set_index("index_suffix")
    assert set(zip(mine["city_id"], mine["year"], strict=True)) == {(panel.cities[2], 2013)}
    np.testing.assert_allclose(
        mine.loc[["", "_new", "_quality"], "share_imputed_weight"],
        [w["n1"] + w["q1"], w["n1"] / (w["n1"] + w["n2"] + w["n3"]), w["q1"] / (w["q1"] + w["q2"])],
        rtol=1e-14,
    )


def test_a_provisional_cell_is_scored_but_shapes_no_limit_bound_or_weight(panel, spec):
    spiked = changed(panel, lambda v: v.__setitem__((4, 3, 3), 1e6))
    mask = np.zeros(panel.values.shape, dtype=bool)
    mask[4, 3, 3] = True
    result = CompositeIndex(spiked, provisional=mask, **spec).fit()
    hole = CompositeIndex(changed(panel, lambda v: v.__setitem__((4, 3, 3), np.nan)), **spec).fit()
    pd.testing.assert_frame_equal(result.bounds, hole.bounds)
    pd.testing.assert_frame_equal(result.weights, hole.weights)
    mine = result.scores.set_index(["city_id", "year", "index_suffix"]).sort_index().loc[panel.cities[4], 2015]
    assert mine["is_provisional"].to_dict() == {"": True, "_new": False, "_quality": True}
    assert mine["out_of_base_range"].to_dict() == {"": True, "_new": False, "_quality": True}
    assert mine.loc["", "score"] > 1
    assert result.scores["is_provisional"].sum() == 2


def test_skewness_is_that_of_z_in_the_window(result):
    z = result.z.reshape(-1, 5)
    deviation = z - z.mean(axis=0)
    expected = (deviation**3).mean(axis=0) / (deviation**2).mean(axis=0) ** 1.5
    np.testing.assert_allclose(result.weights["skewness"], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"directions": {"n1": 1}}, "indicator n2 has no direction"),
        ({"levels": {"n1": "new"}}, "indicator n2 has no level"),
        ({"winsor": {"typo": True}}, "indicator in winsor 'typo'"),
        ({"caps": {"typo": 1.0}}, "indicator in caps 'typo'"),
        ({"window": (1990, 1991)}, "1990-1991"),
        ({"scheme": "magic"}, "use one of critic, entropy, .*, equal, "),
        ({"imputed": np.zeros((1, 1, 1), dtype=bool)}, "imputed has shape"),
        ({"provisional": np.zeros((30, 4, 5))}, "provisional must be a mask"),
    ],
)
def test_a_spec_that_does_not_fit_raises_in_plain_words(panel, spec, change, message):
    with pytest.raises(ValueError, match=message):
        CompositeIndex(panel, **{**spec, **change}).fit()


def test_a_direction_for_an_indicator_the_panel_lacks_raises(panel, spec):
    with pytest.raises(ValueError, match="directions 'ghost'"):
        CompositeIndex(panel, **{**spec, "directions": {**spec["directions"], "ghost": 1}}).fit()


def test_an_indicator_without_values_in_the_window_raises_and_is_named(panel, spec):
    empty = changed(panel, lambda v: v.__setitem__((slice(None), slice(0, 2), 4), np.nan))
    with pytest.raises(ValueError, match="indicator q2 has no value in the window"):
        CompositeIndex(empty, **{**spec, "window": (2012, 2013)}).fit()


def test_years_of_the_window_that_the_panel_lacks_are_named(panel, spec):
    result = CompositeIndex(panel, **{**spec, "window": (2011, 2016)}).fit()
    assert result.warnings == ("window_not_covered: the panel has no 2011, 2016",)
