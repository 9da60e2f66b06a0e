"""Figures that others of their sentence give: the distance, ratio or share of two that are right."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import groupby, permutations

from dagster_project.publish.check.finding import Finding
from dagster_project.publish.check.recognise import RE, WIDE_SIGNS
from dagster_project.publish.check.sentence import Sentence, dimension_of
from dagster_project.publish.check.verdicts import GIVES, RIGHT, is_like, misprint_of, rounds

CLOSE = 12  # letters from a figure to the word of what it is
EXACT, SAID = 0.02, 0.1  # how exactly two figures must give a third, as a share of it; where its words say so
SAME = 0.02  # how far rounding moves a figure, as a share of it
LEAST = 3  # significant digits of a figure that is called a misprint of what others give


def given_by_others(findings: Sequence[Finding]) -> Iterator[Finding]:
    """Numbers that two right figures of their sentence give: urban residents had 42,574 yuan, rural ones 29,216, a
    ratio of 1.46. What a number was taken for may be one of them: 53.90, where it is 16.76 above the mean of 37.14."""
    for (_, text), of in groupby(sorted(findings, key=_sentence_of), key=_sentence_of):
        beside = [*of] if text else []
        right = [replace(one, number=figure) for one in beside if (figure := one.published)]
        for one in beside:
            others = [other for other in right if one.verdict == "not_ours" or other.start != one.start]
            if _may_be_given(one) and (pair := next(filter(partial(_is_given, one), permutations(others, 2)), None)):
                sources = [candidate for other in pair for candidate in other.candidates[:1]]
                yield replace(one, verdict="rounded", note="from the figures beside it", candidates=sources)


def _may_be_given(one: Finding) -> bool:
    """Whether a number called wrong is a distance or ratio by its words, or no likely misprint of what it should be."""
    figure = one.published
    is_other = one.verdict == "not_ours" and one.of is not None and bool(figure) and not is_like(one.of, figure)
    return one.differs and (one.note.startswith(GIVES) or _is_apart(one) or is_other)


def _is_apart(one: Finding) -> bool:
    """Whether the words before a number make it a distance."""
    before = one.passage.text.translate(WIDE_SIGNS)[max(0, one.start - CLOSE) : one.start] if one.passage else ""
    return bool(RE["APART"].search(before))


def _sentence_of(one: Finding) -> tuple[int, str]:
    return id(one.passage), one.text if one.passage and not one.passage.is_cell else ""


def _is_given(one: Finding, pair: tuple[Finding, Finding]) -> bool:
    """Whether it is the distance or ratio of two figures, as they are printed or as they are published."""
    if not (one.of and pair[0].of and pair[1].of) or pair[0].of.unit != pair[1].of.unit:
        return False
    size, dimension, decimals = abs(one.number), dimension_of(one.of.unit), one.of.decimals
    most = SAID if _is_apart(one) else EXACT
    near = [0.5 * 10.0**-other.of.decimals for other in pair if other.of]
    for a, b in ([abs(other.number) for other in pair], [_unrounded(other) for other in pair]):
        ways = [(a - b, sum(near))]
        if dimension in ("share", "times", "") and a and b:
            scale = 100 if dimension == "share" else 1
            reach = scale * a / b * (near[0] / a + near[1] / b)
            ways += [(scale * (a / b - more), reach) for more in (0, 1)]
        exact = [value for value, reach in ways if reach + 0.5 * 10.0**-decimals < most * size]
        if any(rounds(size, value, decimals) for value in exact):
            return True
    return False


def misprints(findings: Iterable[Finding], unknown: Sequence[tuple[Finding, Sentence]]) -> Iterator[Finding]:
    """Numbers without a sure verdict that are nearly, but not, what two right figures of their sentence give."""
    right = [one for one in findings if one.verdict in RIGHT]
    for one, s in unknown:
        if one.of is None or one.of.significant < LEAST or one.passage is None or one.passage.is_cell:
            continue
        k = s.numbers.index(one.of)
        at = one.start - one.of.start
        beside = [other for other in right if other.passage is one.passage and at <= other.start < at + len(s.text)]
        before = [other for other in beside if other.start < one.start][-2:]
        after = [other for other in beside if other.start > one.start][:1]
        start, end = s.zones[k]
        named = {m.value for m in s.of("city", "place", "variable", "index") if m.start < start}
        is_elsewhere = any(start <= m.start < one.of.start and m.value not in named for m in s.mentions)
        pairs = [before] if len(before) == 2 else []
        is_part = dimension_of(one.of.unit) == "times" or RE["TIMES_NEXT"].match(s.text, end)  # 67.7 % of the 134,169
        pairs += [[before[-1], after[0]]] if before and after and is_part else []
        for pair in pairs if not is_elsewhere else ():
            left = s.text[: one.of.start]
            is_share = RE["SHARE"].search(s.text[start:end]) or RE["THEREOF"].search(left) or left.endswith("的")
            figure = _figure_from(one, pair, s.text[start:end], is_share=bool(is_share))
            if figure and is_like(one.of, figure) and f"{figure:.{one.of.decimals}f}" != one.of.text:
                sources = [candidate for other in pair for candidate in other.candidates[:1]]
                verdict = misprint_of(f"{figure:.{one.of.decimals}f}", sources)
                note = f"the figures beside it give {verdict.right}"
                yield replace(one, verdict=verdict.verdict, note=note, candidates=sources, right=verdict.right)
                break


def _figure_from(one: Finding, pair: Sequence[Finding], words: str, *, is_share: bool) -> float:
    """The distance, ratio or share of two figures, which of them the words say; 0: none."""
    a, b = (_unrounded(other) for other in pair)
    dimension = dimension_of(one.of.unit if one.of else None)
    units = [other.of.unit if other.of else None for other in pair]
    if units[0] != units[1] or not a or not b:
        return 0.0
    if dimension == "times":
        return max(a / b, b / a)
    is_same = dimension in (dimension_of(units[0]), "difference")
    if is_same and (RE["SPREAD"].search(words) or RE["APART"].search(words)):
        return abs(a - b)
    return 100 * min(a / b, b / a) if dimension == "share" and is_share else 0.0


def _unrounded(one: Finding) -> float:
    """The published figure in the unit in which it is printed; as it is printed where others give it."""
    value = float(one.candidates[0]["value"]) if one.candidates else 0.0
    scale = one.number / value if value else 0.0
    figure = value * 10.0 ** round(math.log10(scale)) if scale > 0 else 0.0
    return abs(figure if math.isclose(figure, one.number, rel_tol=SAME) else one.number)
