"""What a figure of a table may be: its heads, the strongest first, say whose, of which year and of what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

from dagster_project.publish.check.facts import Facts, Subject, words
from dagster_project.publish.check.recognise import RE, Mention, Number, unit_in_head
from dagster_project.publish.check.sentence import CONTENT, Context, Sentence, dimension_of
from dagster_project.publish.check.verdicts import Target, is_wide


def of_cell(facts: Facts, heads: Sequence[Sentence], number: Number, carried_in: Context) -> Target | None:
    """What a figure of a table should be: city, year, subject and unit from the heads, the strongest first."""

    def first(*kinds: str) -> list[Mention]:
        return next((head_mentions for head in heads for kind in kinds if (head_mentions := head.of(kind))), [])

    if any(RE["TOTAL_HEAD"].search(head.text) for head in heads[:2]):
        return None
    is_of_all = any(RE["ALL_CITIES"].search(head.text) and not head.of(*CONTENT, "city", "place") for head in heads[:2])
    near = [m for head in heads[:2] for m in head.of("city")] or [m for head in heads[:2] for m in head.of("place")]
    place = tuple((near or first("city", "place"))[0].value) if near or first("city", "place") else carried_in.cities
    place = ("",) if is_of_all else place
    plain = [[m.value for m in head.of("year") if not head.is_base(m)] for head in heads]
    year = next((values[-1] for values in plain if values), carried_in.year)
    bases = next(
        (base_years for head in heads if (base_years := [m.value for m in head.of("year") if head.is_base(m)])), []
    )
    unit = number.unit or next((stated for head in heads if (stated := unit_in_head(head.text))), None)
    index = next((str(m.value[0]) for head in heads for m in head.of("index")), carried_in.index or facts.scope.index)
    parts = _parts(facts, heads) if place and place[0] and not is_wide(place[0]) and index == facts.scope.index else []
    if parts:
        of_row = unit if parts[0][0] == "value" else number.unit  # the head of a row has the unit of the indicator
        return Target(parts, [place], [year] if year else [], unit=of_row)
    level = next((k for k, head in enumerate(heads) if head.of(*CONTENT)), len(heads))
    named = heads[level].of(*CONTENT) if level < len(heads) else []
    order = ("rank", "score", "variable", "nation", "other", "index")[1 if number.decimals else 0 :]
    chosen = next((m for kind in (*order, "rank") for m in named if m.kind == kind), None)
    is_assumed = bool(near) and level > 1 and number.decimals > 0 and any(plain[:2]) and all(map(is_plain, heads[:2]))
    if is_assumed and (chosen is None or chosen.kind != "variable"):
        return Target([("score", index)], [place], [year] if year else [], unit=unit, is_assumed=True)
    if chosen is None or chosen.kind == "other":
        return None
    is_sure = all(is_plain(head) for head in heads[: max(level + 1, 2)][:2]) and not any(
        m.kind in ("variable", "other") for head in heads[level + 1 : 2] for m in head.mentions
    )
    target = Target([], [place] if place else [], [year] if year else [], unit=unit, is_sure=is_sure)
    wide = bool(place) and (is_wide(place[0]) or is_of_all)
    if wide and not number.decimals and any(RE["COUNT_HEAD"].fullmatch(head.text.strip()) for head in heads[:2]):
        of_coupling = any("coupling" in m.value for head in heads for m in head.of("variable"))  # fewer cities have it
        return None if of_coupling else replace(target, subjects=[("nation", "n_city")], unit=number.unit)
    if chosen.kind == "variable":
        is_of_towns = any(RE["TOWN"].search(head.text) for head in heads)
        target.subjects = [("value", code) for code in chosen.value if is_of_towns or "_urban" not in code]
        if target.subjects == [("value", "coupling")] and wide:
            target.subjects = [("nation", "mean_d")]
        if not target.subjects:
            return None
    elif chosen.kind == "nation":
        if not number.decimals and not (chosen.value[0] == "n_city" and near and wide):  # a count
            return None
        if not (near and wide):
            dated = any(head.of("year") for head in heads[:2])
            of_index = any(m.value[0] == facts.scope.index for head in heads for m in head.of("index"))
            target.is_sure, target.places = is_sure and dated and of_index, [("",)]
        target.is_sure = target.is_sure and not any(head.of("city") for head in heads)
        return replace(target, subjects=[("nation", chosen.value[0])])
    else:
        target.subjects = [("rank" if chosen.kind == "rank" else "score", index)]
        target.unit = number.unit if chosen.kind == "rank" else unit  # a caption: score (points) and rank
    if wide:
        is_mean = target.subjects == [("score", facts.scope.index)]
        target.subjects = [("nation", "mean_100")] if is_mean else target.subjects
        target.is_sure = is_sure and is_mean and ("_of_" in place[0] or is_of_all)
    words = " ".join(head.text for head in heads[:2])
    says_so = bool(RE["CHANGE_HEAD"].search(words))
    if says_so or number.text.startswith(("+", "-")):
        target.ways, target.is_annual = ["since"], bool(RE["ANNUAL"].search(words))
        target.bases = bases or ([target.years[0] - 1] if target.years else [])
        in_unit = unit is not None or target.subjects[0][0] != "value"
        other = any(m.kind == "other" for head in heads[:2] for m in head.mentions)
        target.is_sure = says_so and bool(bases or RE["AGO"].search(words)) and in_unit and not other
        target.is_other = not target.is_sure
    elif dimension_of(unit) == "share" and RE["SHARE"].search(words):
        target.ways = ["level", "share"]
        target.wholes = [("value", code) for m in named if m is not chosen and m.kind == "variable" for code in m.value]
    target.is_dated = any(plain[:2])
    return target if target.places else None


def _parts(facts: Facts, heads: Sequence[Sentence]) -> list[Subject]:
    """What a cell is beside an indicator of the headline index, by the other of its two heads."""
    for head, other in permutations(heads[:3], 2):
        name = re.sub(r"[((（].*|[*_]", "", other.text).strip().lower()
        kind = next((kind for kind, names in words()["part_heads"].items() if name in names), "")
        codes = [code for m in head.of("variable") for code in m.value if code in facts.own_indicators]
        if kind and codes:
            kinds = ("scaled", "z") if kind == "scaled" else (kind,)
            return [(one, code) for one in kinds for code in dict.fromkeys(codes)]
    return []


def is_plain(head: Sentence) -> bool:
    """Whether a head says nothing but what was recognised in it: a city, a year, what is measured, in which unit."""
    text = list(head.text)
    for m in head.mentions:
        text[m.start : m.end] = " " * (m.end - m.start)
        if m.kind == "year" and head.is_base(m):
            return False
    rest = RE["NEUTRAL"].sub(" ", "".join(text))
    return not re.search(r"[\u4e00-\u9fff]{2}|[A-Za-z]{3}|[+%]\s*\d", rest)
