"""The whole index once more in plain loops over Python floats, written from the formulas alone."""

import math

import pytest

from python_models import CompositeIndex, Panel


def quantile_type_7(values, q):
    ordered = sorted(values)
    position = (len(ordered) - 1) * q
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (position - below) * (ordered[above] - ordered[below])


def scaled_cells(x, keys, base, spec):
    """x[city, year, name] -> z with the same keys; None where a cell is missing."""
    z = {}
    for name, direction in spec["directions"].items():
        column = {key: x[key, name] for key in keys if x[key, name] is not None}
        if name in spec["caps"]:
            column = {key: min(v, spec["caps"][name]) for key, v in column.items()}
        if spec["winsor"].get(name):
            low, high = (quantile_type_7([column[k] for k in base if k in column], q) for q in (0.01, 0.99))
            column = {key: min(max(v, low), high) for key, v in column.items()}
        inside = [column[key] for key in base if key in column]
        smallest, largest = min(inside), max(inside)
        for key in keys:
            if key not in column:
                z[key, name] = None
            elif direction == 1:
                z[key, name] = (column[key] - smallest) / (largest - smallest)
            else:
                z[key, name] = (largest - column[key]) / (largest - smallest)
    return z


def reference_index(panel, spec, delta):
    keys = [(c, y) for c in panel.cities for y in panel.years]
    x = {}
    for i, c in enumerate(panel.cities):
        for t, y in enumerate(panel.years):
            for k, name in enumerate(panel.names):
                value = float(panel.values[i, t, k])
                x[(c, y), name] = None if math.isnan(value) else value
    base = [key for key in keys if spec["window"][0] <= key[1] <= spec["window"][1]]
    z = scaled_cells(x, keys, base, spec)

    rows = [key for key in base if all(z[key, name] is not None for name in panel.names)]
    redundancy = {}
    for name in panel.names:
        total = sum(z[key, name] + delta for key in rows)
        entropy = 0.0
        for key in rows:
            p = (z[key, name] + delta) / total
            if p > 0:
                entropy -= p * math.log(p) / math.log(len(rows))
        redundancy[name] = 1 - entropy
    weight = {name: g / sum(redundancy.values()) for name, g in redundancy.items()}

    score = {}
    for suffix in ("", "_new", "_quality"):
        names = [n for n in panel.names if suffix in ("", "_" + spec["levels"][n])]
        total = sum(weight[n] for n in names)
        for key in keys:
            if all(z[key, n] is not None for n in names):
                score[*key, suffix] = sum(weight[n] * z[key, n] for n in names) / total
    return weight, score


@pytest.mark.parametrize("delta", [0.0, 1e-4])
@pytest.mark.parametrize("holes", [False, True])
def test_an_independent_recomputation_agrees(panel_factory, spec, delta, holes):
    panel = panel_factory(years=(2012, 2013, 2014, 2015, 2016), seed=8)
    if holes:
        values = panel.values.copy()
        values[3, 1, 0] = values[7, 4, 2] = values[9, 0, 4] = float("nan")
        panel = Panel(values, panel.cities, panel.years, panel.names)
    result = CompositeIndex(panel, delta=delta, **spec).fit()
    weight, score = reference_index(panel, spec, delta)

    for row in result.weights.itertuples():
        assert row.weight == pytest.approx(weight[row.indicator_code], rel=0, abs=1e-12)
    there = result.scores[result.scores["score"].notna()]
    assert len(there) == len(score)
    for row in there.itertuples():
        assert row.score == pytest.approx(score[row.city_id, row.year, row.index_suffix], rel=0, abs=1e-12)
    for year, year_rows in there[there["index_suffix"] == ""].groupby("year"):
        mine = {c: s for (c, y, suffix), s in score.items() if y == year and suffix == ""}
        mean = sum(mine.values()) / len(mine)
        for row in year_rows.itertuples():
            lower = sum(other < mine[row.city_id] for other in mine.values())
            assert row.rank_year == len(mine) - lower  # no ties here
            assert row.pct_year == pytest.approx(100 * lower / (len(mine) - 1), abs=1e-10)
            assert row.score_relative == pytest.approx(mine[row.city_id] / mean, abs=1e-11)
