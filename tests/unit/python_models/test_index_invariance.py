"""What moves an index and how far, under every scheme; the whole index once more in plain loops."""

import math

import numpy as np
import pandas as pd
import pytest
from checks import refused
from hypothesis import given, settings
from hypothesis import strategies as st

from python_models import CompositeIndex, Panel
from python_models.measurement.schemes import SCHEMES
from python_models.measurement.time_varying import year_frames


def quantile_type_7(values, q):
    ordered = sorted(values)
    position = (len(ordered) - 1) * q
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def scaled_cells(x, keys, base, spec):
    """x[city, year, name] -> z with the same keys, of the cells that are there."""
    z = {}
    for name, direction in spec["directions"].items():
        column = {key: min(x[key, name], spec["caps"].get(name, math.inf)) for key in keys if (key, name) in x}
        if spec["winsor"].get(name):
            low, high = (quantile_type_7([column[k] for k in base if k in column], q) for q in (0.01, 0.99))
            column = {key: min(max(v, low), high) for key, v in column.items()}
        inside = [column[key] for key in base if key in column]
        smallest, largest = min(inside), max(inside)
        for key, value in column.items():
            z[key, name] = (value - smallest if direction == 1 else largest - value) / (largest - smallest)
    return z


def reference_index(panel, spec, delta):
    keys = [(c, y) for c in panel.cities for y in panel.years]
    cells = zip([(key, name) for key in keys for name in panel.names], panel.values.ravel().tolist(), strict=True)
    x = {cell: value for cell, value in cells if not math.isnan(value)}
    base = [key for key in keys if spec["window"][0] <= key[1] <= spec["window"][1]]
    z = scaled_cells(x, keys, base, spec)

    rows = [key for key in base if all((key, name) in z for name in panel.names)]
    redundancy = {}
    for name in panel.names:
        total = sum(z[key, name] + delta for key in rows)
        shares = [(z[key, name] + delta) / total for key in rows]
        redundancy[name] = 1 + sum(p * math.log(p) for p in shares if p > 0) / math.log(len(rows))
    weight = {name: g / sum(redundancy.values()) for name, g in redundancy.items()}

    score = {}
    for suffix in ("", "_new", "_quality"):
        names = [n for n in panel.names if suffix in ("", "_" + spec["levels"][n])]
        total = sum(weight[n] for n in names)
        for key in keys:
            if all((key, n) in z for n in names):
                score[*key, suffix] = sum(weight[n] * z[key, n] for n in names) / total
    return weight, score


@pytest.mark.parametrize("delta", [0.0, 1e-4])
@pytest.mark.parametrize("holes", [False, True])
def test_an_independent_recomputation_agrees(panel_factory, spec, delta, holes):
    """The whole index once more in plain loops over Python floats, written from the formulas alone."""
    panel = panel_factory(years=(2012, 2013, 2014, 2015, 2016), seed=8)
    if holes:
        values = panel.values.copy()
        values[3, 1, 0] = values[7, 4, 2] = values[9, 0, 4] = float("nan")
        panel = Panel(values, panel.cities, panel.years, panel.names)
    result = fitted(panel, spec, delta=delta)
    weight, score = reference_index(panel, spec, delta)

    assert dict(zip(result.names, result.w, strict=True)) == pytest.approx(weight, rel=0, abs=1e-12)
    there = result.scores.dropna(subset="score").set_index(["city_id", "year", "index_suffix"])
    assert there["score"].to_dict() == pytest.approx(score, rel=0, abs=1e-12)
    for year, rows in there.xs("", level="index_suffix").groupby("year"):
        mine = {c: s for (c, y, suffix), s in score.items() if y == year and suffix == ""}
        mean = sum(mine.values()) / len(mine)
        for city, row in rows.droplevel("year").iterrows():
            lower = sum(other < mine[city] for other in mine.values())
            assert row["rank_year"] == len(mine) - lower  # no ties here
            assert row["pct_year"] == pytest.approx(100 * lower / (len(mine) - 1), abs=1e-10)
            assert row["score_relative"] == pytest.approx(mine[city] / mean, abs=1e-11)


SUMS = [name for name in SCHEMES if name not in ("pca", "entropy_topsis")]
PLAIN = [0, 2, 3, 4]  # n2 has a cap in its own unit
OLD = (2012, 2013, 2014, 2015)


def fitted(panel, spec, scheme="entropy", *, values=None, **options):
    used = panel if values is None else Panel(values, panel.cities, panel.years, panel.names)
    return CompositeIndex(used, scheme=scheme, **{**spec, **options}).fit()


@settings(max_examples=5)
@given(k=st.sampled_from(PLAIN), a=st.floats(1e-2, 1e2), b=st.floats(-10, 10))
@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_positive_affine_change_of_an_indicator_changes_nothing(panel, spec, scheme, k, a, b):
    values = panel.values.copy()
    values[..., k] = a * values[..., k] + b
    one, other = fitted(panel, spec, scheme), fitted(panel, spec, scheme, values=values)
    atol = 1e-11 if scheme == "entropy" else 1e-9
    np.testing.assert_allclose(other.w, one.w, rtol=0, atol=atol)
    np.testing.assert_allclose(other.score, one.score, rtol=0, atol=atol)


@settings(max_examples=10)
@given(seed=st.integers(0, 1000))
def test_neither_a_unit_that_is_a_power_of_two_nor_the_row_order_of_the_source_changes_a_bit(panel, spec, seed):
    one = fitted(panel, spec)
    np.testing.assert_array_equal(
        fitted(panel, spec, values=panel.values * [1024.0, 1, 1, 1024, 1024]).score, one.score
    )
    shuffled = fitted(Panel.from_long(panel.to_long().sample(frac=1, random_state=seed)), spec)
    np.testing.assert_array_equal(shuffled.w, one.w)
    np.testing.assert_array_equal(shuffled.score, one.score)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_raising_a_cell_after_the_window_raises_its_score_by_w_dz_and_no_other(panel_factory, spec, scheme):
    panel = panel_factory(years=(*OLD, 2016))
    before = fitted(panel, spec, scheme)
    for city, k, share in ((5, 3, 0.5), (20, 2, 0.1)):
        low, high = before.bounds.loc[k, ["min_value", "max_value"]]
        values = panel.values.copy()
        values[city, 4, k] = low + share * (high - low)
        after = fitted(panel, spec, scheme, values=values)
        np.testing.assert_array_equal(after.w, before.w)
        others = np.ones(before.score.shape, dtype=bool)
        others[city, 4] = False
        np.testing.assert_array_equal(after.score[others], before.score[others])
        dz = spec["directions"][panel.names[k]] * (values - panel.values)[city, 4, k] / (high - low)
        rise = after.score[city, 4] - before.score[city, 4]
        if scheme in SUMS:
            assert rise == pytest.approx(before.w[k] * dz, rel=0, abs=1e-13)
        else:
            assert rise * dz > 0 or before.w[k] < 0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_an_index_lies_in_0_1_and_only_weighted_sums_have_parts(panel, spec, scheme):
    whole = fitted(panel, spec, scheme)
    low, high = whole.score.min(), whole.score.max()
    assert -1e-12 <= low < high <= 1 + 1e-12
    assert scheme != "pca" or (low, high) == pytest.approx((0, 1), abs=1e-12)
    assert bool(len(whole.contributions)) == (scheme in SUMS)
    assert set(whole.scores["index_suffix"]) == ({"", "_new", "_quality"} if scheme in SUMS else {""})
    chosen, weights, scores = CompositeIndex(panel, scheme=scheme, **spec).scores()
    assert weights.equals(whole.weights)
    assert scores.equals(whole.scores)
    np.testing.assert_array_equal(chosen.weights, whole.w)


def test_tiers_are_scored_beside_the_dimensions_and_add_up_to_the_composite(panel, spec):
    tiers = {"n1": "t1", "n2": "t1", "n3": "t2", "q1": "t3", "q2": "t3"}
    paths = {n: (tiers[n], spec["levels"][n]) for n in tiers}
    result = fitted(panel, spec, levels=paths)
    wide = result.scores.pivot(index=["city_id", "year"], columns="index_suffix", values="score")
    assert set(wide.columns) == {"", "_new", "_quality", "_t1", "_t2", "_t3"}
    weight = pd.Series(result.w).groupby([f"_{tiers[n]}" for n in panel.names]).sum()
    np.testing.assert_allclose(wide[weight.index] @ weight, wide[""], rtol=0, atol=1e-12)
    refused("same number of parents", fitted, panel, spec, levels={**paths, "q2": "quality"})


def test_time_varying_frames_know_the_years_of_the_window_only(panel_factory, spec):
    base = CompositeIndex(panel_factory(years=(2012, 2013, 2014, 2015, 2016)), **spec)
    weights, scores = year_frames(base)
    assert sorted(weights["year"].unique()) == sorted(scores["year"].unique()) == [2012, 2013, 2014, 2015]
    assert weights.groupby("year")["weight"].sum().to_numpy() == pytest.approx(1.0, abs=1e-12)
    assert scores["score"].notna().all()
