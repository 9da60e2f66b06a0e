"""Gaps between two groups of cities: points, ratio and what became of them, where the words name the groups."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from dagster_project.publish.check.facts import SQL, Facts
from dagster_project.publish.check.recognise import RE, Number
from dagster_project.publish.check.sentence import Sentence, dimension_of, is_changed, statistic
from dagster_project.publish.check.verdicts import Verdict, is_like, likelihood, misprint_of, rounds

Pair = tuple[str, str]  # the group with the higher mean and the other one: east_of_four_region
Possible = tuple[Pair, bool, float]  # pair, whether its figure is of the year of the number, the figure
LEAST = 3  # significant digits of a figure that is looked up


class Gaps:
    def __init__(self, facts: Facts) -> None:
        self.of: dict[str, dict[Pair, dict[int, float]]] = {
            name: defaultdict(dict) for name in ("points", "times", "share")
        }
        for high, low, year, points, ratio in facts.con.execute(SQL["gaps"]).fetchall():
            self.of["points"][high, low][year] = points
            self.of["times"][high, low][year] = ratio
            self.of["share"][high, low][year] = 100 * (ratio - 1)
        self.release, self.index, self.last_year = facts.release, facts.scope.index, facts.scope.last_year

    def verdict(self, s: Sentence, number: Number) -> Verdict | None:
        """None where the sentence is not about a gap of groups, or the number is no likely misprint of one."""
        k = s.numbers.index(number)
        start, end = s.zones[k]
        here, dimension = s.text[start:end], dimension_of(number.unit)
        clause = re.split("[,，;；]", s.text[: number.start])[-1]
        is_ratio = dimension == "times" or (not dimension and bool(RE["RATIO_OF"].search(clause)))
        is_after = RE["THEN"].search(s.text[: number.start]) and RE["APART"].search(s.text[:start])  # by 6, from 8.3
        is_gap = is_ratio or is_after or RE["SPREAD"].search(s.text[:end]) or RE["APART"].search(here)
        is_of_mean = {self.index, "mean_100"}.issuperset(m.value[0] for m in s.of("index", "nation"))
        is_other = not is_of_mean or s.of("city", "variable")
        if not is_gap or is_other or dimension not in ("", "points", "times", "share"):
            return None
        if number.significant < 2 or statistic(s, k):
            return None
        column = "times" if is_ratio else dimension or "points"
        possible = list(self._possible(s, number, column))
        if right := [one for one in possible if _is(number, one[2])]:
            return Verdict("rounded", "", [self._candidate(right[0])])
        if number.significant < LEAST and dimension != "share":
            return None
        here_possible = [one for one in possible if one[1]]
        if column == "share":
            points = [one for one in self._possible(s, number, "points") if one[1] and _is(number, one[2])]
            return Verdict("other_unit", "the unit is points", [self._candidate(points[0])]) if points else None
        years = [(one, year) for one in here_possible for year, x in self.of[column][one[0]].items() if _is(number, x)]
        if years and s.of("year"):
            one, year = years[0]
            printed = f"{one[2]:.{number.decimals}f}"
            return Verdict("other_year", f"the figure is that of {year}", [self._candidate(one)], printed)
        like = [one for one in here_possible if is_like(number, one[2])]
        best = max(like, key=lambda one: likelihood(number, one[2]), default=None)
        return misprint_of(f"{best[2]:.{number.decimals}f}", [self._candidate(best)]) if best else None

    def _candidate(self, of: Possible) -> dict[str, Any]:
        (high, low), _, figure = of
        of_gap = {"key": "gap", "subject": f"{high} less {low}", "city": "", "year": "", "value": figure, "unit": ""}
        return of_gap | {"release": self.release}

    def _possible(self, s: Sentence, number: Number, column: str) -> Iterator[Possible]:
        """Pairs of groups, whether their figure is of the year of the number, and that figure."""
        years, (start, end) = [m.value for m in s.of("year")], s.zones[s.numbers.index(number)]
        dated, _ = s.named(s.numbers.index(number), s.of("year"))
        here = [m.value for m in dated] or [s.before.year or self.last_year]
        if RE["TO"].search(s.text[: number.start]) and not any(start <= m.start < end for m in dated):
            here = [max(*here, s.before.year or self.last_year)]  # 从2012年的8.56分扩大到17.10分
        is_level = column != "points" or RE["TO"].search(s.text[: number.start])
        is_of_gap = RE["SPREAD"].search(s.text) or RE["WIDENS"].search(s.text)
        change = not is_level and is_changed(s, s.numbers.index(number)) and is_of_gap
        for pair in self._pairs(s):
            figures = self.of[column][pair]
            then = [year for year in {*years, s.before.year, s.before.since, self.last_year} if year in figures]
            for year in sorted(then, key=lambda one: one not in here):
                yield pair, year in here, figures[year]
                for base in sorted({*then, min(figures)} - {year}) if change else ():
                    is_whole = {year, base} <= {*years, min(figures), max(figures)}
                    yield pair, is_whole, abs(figures[year] - figures[base])

    def _pairs(self, s: Sentence) -> list[Pair]:
        """Those of the groups that the sentence names, else of those before it; one group beside all others."""
        named = [{*m.value} for m in s.of("place")]
        is_again = RE["SPREAD"].search(s.text) or RE["RATIO_OF"].search(s.text)  # of a gap spoken of before
        if len(named) < 2 and is_again and not RE["THE_OTHERS"].search(s.text):
            named = [*named, *({*one} for one in s.before.listed)]
        pairs = [*self.of["points"]]
        schemes = [high.partition("_of_")[2] for high, _ in pairs]
        both = [(a, b) for a, b in pairs if any(a in x and b in y for x in named for y in named if x is not y)]
        whole = [pair for pair, of in zip(pairs, schemes, strict=True) if schemes.count(of) == 1]
        return both or [pair for pair in whole if named and {*pair} & named[0] and RE["THE_OTHERS"].search(s.text)]


def _is(number: Number, figure: float) -> bool:
    return bool(rounds(abs(number.value), figure, number.decimals))
