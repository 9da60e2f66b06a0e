"""Frames that several analyses of a run read are kept until the last of them has asked."""

import pandas as pd

from dagster_project.defs.workshop import Shared
from dagster_project.study.registry import Analysis


def analysis(name: str, **reads: str) -> Analysis:
    return Analysis(name, "index", reads, lambda frames, settings: {}, ())


def test_a_frame_goes_with_its_last_reader():
    one, two = analysis("one", scores="py.a", own="py.b"), analysis("two", scores="py.a")
    shared, frame = Shared([one, two]), pd.DataFrame({"x": [1]})
    shared.keep("one", dict.fromkeys(one.queries().values(), frame))
    assert list(shared.frames) == [two.queries()["scores"]]
    shared.keep("two", {})
    assert not shared.frames


def test_an_analysis_that_stays_as_it_was_waits_for_nothing():
    one, two = analysis("one", scores="py.a"), analysis("two", scores="py.a")
    shared = Shared([one, two])
    shared.keep("two", {})  # unchanged: it will not ask
    shared.keep("one", {one.queries()["scores"]: pd.DataFrame()})
    assert not shared.frames
