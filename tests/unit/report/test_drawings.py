"""Drawings for readers without scripts: divided between two processes, each chart once, in the letters of the page."""

from __future__ import annotations

import json

import pytest

from dagster_project.publish.site import drawings, embed

VERSION = embed._vl_version()


def spec(n: int) -> str:
    values = [{"a": f"bar {n}", "b": n}]
    encoding = {"y": {"field": "a", "type": "nominal"}, "x": {"field": "b", "type": "quantitative"}}
    return json.dumps({"data": {"values": values}, "mark": "bar", "encoding": encoding, "width": 200})


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawings, "_kept", {})


def test_two_processes_give_what_one_gives_in_the_same_order(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [spec(n) for n in range(drawings.FEW + 3)]
    monkeypatch.setattr(drawings.os, "cpu_count", lambda: 2)
    assert drawings.drawn(specs, "{}", VERSION) == drawings.one_by_one(specs, "{}", VERSION)


def test_the_part_of_a_second_process_that_broke_off_is_drawn_here(monkeypatch: pytest.MonkeyPatch) -> None:
    specs = [spec(n) for n in range(drawings.FEW + 1)]
    monkeypatch.setattr(drawings.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(drawings, "_apart", lambda *_: [])
    assert all(f"bar {n}" in svg for n, svg in enumerate(drawings.drawn(specs, "{}", VERSION)))


def test_a_chart_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = drawings.drawn([spec(1), spec(1)], "{}", VERSION)
    monkeypatch.setattr(drawings, "one_by_one", lambda specs, *_: [f"again {s}" for s in specs])
    assert drawings.drawn([spec(1)], "{}", VERSION) == first[:1]
    assert first[0] == first[1]


def test_letters_are_those_of_the_page() -> None:
    (svg,) = drawings.drawn([spec(1)], json.dumps({"font": "Nowhere, serif"}), VERSION)
    assert "bar 1" in svg
    assert "font-family" not in svg
