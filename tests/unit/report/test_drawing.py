"""Classes of the map, places of the labels, colours: what can be checked without a browser."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from dagster_project.publish.site import embed, labels, theme
from dagster_project.publish.site import map as city_map


@pytest.mark.parametrize("n", [1, 2, 5, 12, 300])
def test_classes_hold_every_score_in_equal_numbers(n: int) -> None:
    scores = [float(s) for s in np.random.default_rng(n).gamma(2, 10, n)]
    breaks = city_map.quantile_breaks(scores)
    classes = [city_map.class_of(s, breaks) for s in scores]
    counts = np.bincount(classes, minlength=max(1, len(breaks) - 1))
    assert len(counts) == len(city_map.class_colours(breaks))
    assert counts.max() - counts.min() <= 2
    assert max(city_map.class_colours(breaks)) < theme.N_CLASSES


def test_ties_make_fewer_classes() -> None:
    assert city_map.quantile_breaks([5.0] * 20) == [5.0]
    assert city_map.class_of(5.0, [5.0]) == 0


def test_every_outline_and_the_dashed_line_are_drawn() -> None:
    shapes = city_map.features(
        {"CN110000": {2015: {"score": 1.0, "rank": 1}}}, {"CN110000": ("Beijing", "北京市")}, [1.0]
    )
    kinds = [shape["kind"] for shape in shapes]
    assert kinds.count("in") == 1
    assert kinds.count("out") == 336
    assert kinds.count("line") == 1
    assert all(shape["geometry"]["coordinates"] for shape in shapes)


def test_labels_do_not_overlap() -> None:
    rows = [{"skewness": 1 + 0.15 * k, "weight": 10 - 0.3 * k, "code": "n1_hestud"} for k in range(5)]
    rows.append({"skewness": -3.0, "weight": 0.5, "code": "q3_so2int"})
    boxes = [
        labels._box(
            ((r["skewness"] + 3) / 4.6, r["weight"] / 10), r["side"], r["lift"] / labels.LIFT_PIXELS, len(r["code"])
        )
        for r in labels.place(rows, x="skewness", y="weight", text="code")
    ]
    assert all(labels._overlap(a, b) < 1e-9 for a, b in combinations(boxes, 2))


def _contrast(a: str, b: str) -> float:
    def light(colour: str) -> float:
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(a), light(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_contrast(colours: dict[str, str]) -> None:
    text = [
        ("ink", "page"),
        ("muted", "page"),
        ("muted", "panel"),
        ("link", "page"),
        ("ink", "warn"),
        ("alarmink", "alarm"),
        ("onstrong", "g0"),
        ("onstrong", "g1"),
        *(("onpale", f"g{k}") for k in range(2, 6)),
    ]
    marks = [("a", "page"), ("b", "page"), ("border", "page"), ("muted", "page")]
    assert {
        pair: _contrast(*(colours[c] for c in pair)) for pair in text if _contrast(*(colours[c] for c in pair)) < 4.5
    } == {}
    assert {
        pair: _contrast(*(colours[c] for c in pair)) for pair in marks if _contrast(*(colours[c] for c in pair)) < 3
    } == {}
    assert colours.keys() == theme.LIGHT.keys()


def test_json_block_cannot_end_its_script() -> None:
    block = embed.json_block({"a": "</script><!-- & \u2028"})
    assert not set("<>&\u2028") & set(block)


def test_policy_names_the_scripts() -> None:
    assert "'sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ='" in embed.policy("hello")
