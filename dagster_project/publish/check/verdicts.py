"""Is a number what the file says? If not: in another unit, of another city or year, or of an older release?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from dagster_project.figures import grouped
from dagster_project.publish.check.facts import OF_PARTS, OF_SCORES, SQL, Fact, Facts, Subject, Unit, words
from dagster_project.publish.check.recognise import Number, Vocabulary

ORDER = ("equal", "rounded", "other_unit", "revised", "other_year", "other_city", "not_ours", "unknown")
RIGHT = ("equal", "rounded")
DIFFERS = ("other_unit", "other_city", "other_year", "revised", "not_ours")
CLEAR = ("other_unit", "other_year", "revised")  # with three digits no accident, of whatever the figure is
FACTORS: dict[str, list[float]] = words()["factors"]
CERTAIN = 4  # significant digits from which a figure of another year is no accident, whatever else is named beside it
LIKELY = 3  # significant digits from which a figure of another city or year is no accident
UNDATED = ("points", "money", "count")  # of which a figure of no year is wrong
LISTED = 3
COARSER = 2  # digits that a figure of the release lacks, by no chance
OTHER_WAY, GIVES, SWAPPED_DIGITS = "the other way", "the published figures give", "two digits are swapped"
AT_CONSTANT_PRICES = {"gdp_nom": {"gdp_real_index": 100, "gdp_growth_rate": 0}}  # what a year without growth has
REAL = ("gdp_", "va_", "industrial_", "fai_", "retail_")  # growth at constant prices, or of the same firms
FAR = 11
SIGN, POWER, SWAPPED, ANOTHER, DIGIT, LAST, STALE = 0.12, 0.1, 0.25, 0.03, 0.01, 0.05, 0.3  # of slips of the pen
NEAR = (0.82, 1.2)  # an older figure, as a share of that of today
WORDED = 0.1  # how far a third or 七成 may be from the figure, as a share of it
Key = tuple[Subject, str, int]
Derived = tuple[float, list[Key], bool]  # a value, the figures it comes from, whether it is but one reading of several


@dataclass
class Target:
    """What a number may be, the likeliest first: one of `subjects`, of one of `places` (each the ids that a name may
    stand for, "" for the nation), in one of `years` (none: not said), come by in one of `ways`.

    Ways: "level"; "since" one of the years `bases` (`is_annual`: a year on average); "apart" from one of `others`, or
    of the places; a "part" (or multiple) of them or of an earlier year; a "share" of one of the subjects `wholes`;
    "together" (and "together_since"); "rank_within" a province, or of a variable. `is_about`: said to be about
    right; `direction`: 1 where it is said to rise, -1 to fall. `is_sure` False: a figure that differs may be something
    else's; `is_other`: because something that is not published is named beside it; `is_assumed`: no subject is named;
    `is_dated`: its sentence or heads name the year; `is_named`: so it is with the place, or the text has but one;
    `is_like`: its words are like the name of the measure, and none of its names;
    `is_nominal`, `is_real`: said to be at current or at constant prices;
    `is_certain`: other cells of its row or column say what it is.
    """

    subjects: Sequence[Subject]
    places: Sequence[tuple[str, ...]]
    years: Sequence[int]
    ways: Sequence[str] = ("level",)
    bases: Sequence[int] = ()
    others: Sequence[tuple[str, ...]] = ()
    wholes: Sequence[Subject] = ()
    unit: Unit | None = None
    is_about: bool = False
    is_sure: bool = True
    is_other: bool = False
    is_assumed: bool = False
    is_annual: bool = False
    is_dated: bool = True
    is_named: bool = True
    is_like: bool = False
    is_nominal: bool = False
    is_real: bool = False
    is_certain: bool = False
    direction: int = 0


def is_wide(place: str) -> bool:
    """Whether it is a province or a group."""
    return level_of(place) == "wide"


def level_of(place: str) -> str:
    """What a place may be compared with: cities (and all of them together, ""), county-level units, wider places."""
    return "county" if place.startswith("county:") else "wide" if place and not place.startswith("CN") else "city"


@dataclass
class Verdict:
    verdict: str
    note: str = ""
    candidates: list[dict[str, Any]] = field(default_factory=list)
    right: str = ""  # the figure it should be, as it would be printed

    @property
    def is_sure(self) -> bool:
        """Whether a number can hardly be another figure: its digits are right in another unit, or two are swapped."""
        return self.verdict == "other_unit" or SWAPPED_DIGITS in self.note


def misprint_of(printed: str, candidates: list[dict[str, Any]]) -> Verdict:
    return Verdict("not_ours", f"published: {printed}", candidates, printed)


class Judge:
    """Compares numbers with one published file and with older ones."""

    def __init__(self, facts: Facts, older: Sequence[Facts], words: Vocabulary) -> None:
        self.facts, self.older, self.words = facts, older, words

    def judge(self, number: Number, target: Target) -> Verdict | None:
        """The best verdict over what the number may be; None where the file has nothing to say."""
        known: list[Verdict] = []
        for way in target.ways:
            known += self._level(number, target) if way == "level" else self._derived(number, target, way)
        if not known:
            return None
        best = min(known, key=lambda verdict: (ORDER.index(verdict.verdict), verdict.note != OTHER_WAY))
        slip = number.significant >= LIKELY and (best.is_sure or (best.verdict in CLEAR and not target.is_other))
        slip = slip or (number.significant >= CERTAIN and best.verdict in CLEAR)
        slip = slip or (number.significant > CERTAIN and best.verdict == "other_city")
        if not target.is_sure and best.verdict not in RIGHT and not slip:
            return None
        for other in known:
            if other is not best and (best.verdict not in RIGHT or other.verdict == best.verdict):
                best.candidates += [one for one in other.candidates if one not in best.candidates]
        return best

    def _level(self, number: Number, target: Target) -> list[Verdict]:
        """The figure itself."""
        results = []
        for subject in target.subjects:
            facts, fact_unit = self.facts.of(subject), self.facts.unit_of(subject)
            unit = number.unit or target.unit
            for city in dict.fromkeys(one for ids in target.places for one in ids):
                years = target.years or sorted((year for place, year in facts if place == city), reverse=True)
                for year in years:
                    fact = facts.get((city, year))
                    how = fact and self._same(number, fact, fact_unit, unit, about=target.is_about)
                    if fact and how:
                        results.append(self._right(how, number, subject, city, year, fact, unit))
                        break
        if not results and target.places and (target.years or number.significant >= LIKELY):
            differences = [
                self._differs(number, target, one, city) for one in target.subjects for city in target.places[0]
            ]
            differences += [
                one
                for subject in target.subjects
                for ids in target.places[1:]
                for city in ids
                if (one := self._differs(number, target, subject, city)) and one.is_sure
            ]
            results = [one for one in differences if one and (target.years or one.verdict != "other_unit")]
        return results

    def _differs(self, number: Number, target: Target, subject: Subject, city: str) -> Verdict | None:
        """What is wrong with a number that is none of the figures it may be: by the likeliest year, or the year of
        which its digits are right."""
        facts, fact_unit = self.facts.of(subject), self.facts.unit_of(subject)
        mine = sorted(year for place, year in facts if place == city)
        if not mine or not (target.years or (city and fact_unit.dimension in UNDATED)):
            return None
        years = [one for one in target.years if one in mine] or [*target.years[:1]] or mine[-1:]
        results = [self._of_year(number, target, subject, city, year) for year in years]
        open_ones = [one for one in results if one and one.right and one.verdict not in ("other_year", "other_city")]
        alike = next((one for one in open_ones if is_like(number, float(one.right))), None)
        first = alike if alike and (results[0] is None or results[0] in open_ones) else results[0]
        if subject[0] == "value" and target.years and years[0] != target.years[0]:  # the release lacks the likeliest
            first = self._of_year(number, target, subject, city, target.years[0])
        return next((one for one in results if one and one.is_sure), first)

    def _of_year(self, number: Number, target: Target, subject: Subject, city: str, year: int) -> Verdict | None:
        facts, fact_unit, unit = self.facts.of(subject), self.facts.unit_of(subject), number.unit or target.unit
        mine = sorted(year for place, year in facts if place == city)
        fact = facts.get((city, year))
        if fact is None:
            years = f"{min(mine)} to {max(mine)}"
            return Verdict("unknown", f"the release has no {self._name(subject, city)} of {year}, only of {years}")
        if not _fits(fact_unit, unit):
            is_currency = unit is not None and {unit.dimension, fact_unit.dimension} == {"money", "dollars"}
            figure = _in_unit(fact.value, fact_unit, unit) if is_currency else fact.value
            if fact_unit.dimension != "rank" and number.significant >= 2 and _rounds(number, figure, about=False):
                return self._wrong("other_unit", f"the unit is {self._unit(subject)}", [(subject, city, year)])
            return None
        verdict = self._explain(number, year, subject, city, fact, fact_unit, unit, target)
        newest = mine[-1] > year and self._same(number, facts[city, mine[-1]], fact_unit, unit)
        is_newest = newest and verdict and verdict.verdict == "other_year"
        return None if is_newest and not target.is_dated else verdict  # most likely the year that the text is about

    def _explain(
        self,
        number: Number,
        year: int,
        subject: Subject,
        city: str,
        fact: Fact,
        fact_unit: Unit,
        unit: Unit | None,
        target: Target,
    ) -> Verdict | None:
        facts, here = self.facts.of(subject), (subject, city, year)
        if unit is not None and number.significant >= 2:
            for factor in FACTORS.get(fact_unit.dimension, ()):
                if _rounds(number, fact.value * fact_unit.factor / factor, about=False):
                    return self._wrong("other_unit", "the digits are right in another unit", [here])
        if revised := self._revised(number, subject, city, year, fact_unit, unit):
            return revised
        figure = _in_unit(fact.value, fact_unit, unit)
        if unit is None and number.significant > 1 and fact_unit.dimension != "points":
            sizes = (fact.value * fact_unit.factor / one for one in FACTORS.get(fact_unit.dimension, ()))
            figure = next((one for one in sizes if is_like(number, one)), figure)
        published = _printed(number, figure)
        if number.significant >= CERTAIN and any(_rounds(number, figure * one, about=False) for one in (0.1, 10)):
            return self._wrong("other_unit", "the digits are right, the point is not", [here], published)
        if is_coarser(number, figure):
            return None
        is_rank = fact_unit.dimension == "rank"
        if _swapped(number.text, published):
            return self._wrong("not_ours", f"{SWAPPED_DIGITS}: {published}", [here], published)
        years = sorted((y for place, y in facts if place == city and y != year), key=lambda y: (abs(y - year), y))
        hits = [y for y in years if self._same(number, facts[city, y], fact_unit, unit)]
        sure = number.significant >= (CERTAIN if target.is_like else LIKELY)
        near_year = next((y for y in hits if sure or abs(y - year) == 1), None)
        cities = self._cities_like(number, subject, city, year, fact_unit, unit)
        akin = [other for other in cities if self._akin(city, other)]
        if near_year is not None and (abs(near_year - year) == 1 or not akin):
            note = f"the figure is that of {near_year}"
            return self._wrong("other_year", note, [here, (subject, city, near_year)], published)
        if (akin or (cities and (sure or is_rank))) and not target.is_named:
            return None  # the text may be about that place by now
        if akin or (cities and (sure or is_rank)):
            other = (akin or cities)[0]
            note = f"the figure is that of {self.words.names.get(other, other)}"
            more = [(subject, one, year) for one in (akin or cities)[:LISTED]]
            return self._wrong("other_city", note, [here, *more], published)
        far = not is_rank and not target.is_certain and is_far(number, figure) and is_far(number, float(published))
        far = far or not (
            (target.is_named and not target.is_like) or is_like(number, figure, is_stale=not target.is_like)
        )
        return None if far else misprint_of(published, self._listed([here]))

    def _cities_like(
        self, number: Number, subject: Subject, city: str, year: int, fact_unit: Unit, unit: Unit | None
    ) -> list[str]:
        facts = self.facts.of(subject)
        results = [
            place
            for (place, y), fact in facts.items()
            if y == year
            and place != city
            and level_of(place) == level_of(city)
            and (place in self.words.names or not is_wide(place))
            and self._same(number, fact, fact_unit, unit)
        ]
        return sorted(
            results, key=lambda other: (self.words.provinces.get(other) != self.words.provinces.get(city), other)
        )

    def _akin(self, city: str, other: str) -> bool:
        """Names that are taken for each other: the same in English, or one sign apart in Chinese; or one province."""
        if not city or city not in self.words.names or other not in self.words.names:
            return False
        (zh, _, en), (zh_other, _, en_other) = (self.words.names[one].partition(" ") for one in (city, other))
        return en == en_other or (
            len(zh) == len(zh_other) and sum(a != b for a, b in zip(zh, zh_other, strict=True)) == 1
        )

    def _revised(
        self, number: Number, subject: Subject, city: str, year: int, fact_unit: Unit, unit: Unit | None
    ) -> Verdict | None:
        for older in self.older:
            then = older.of(subject).get((city, year)) if _has(older, subject) else None
            if then is None:
                continue
            if self._same(number, then, fact_unit, unit):
                now = self.facts.of(subject)[city, year].value
                why = self._bridge(older, subject, city, year)
                moved = f"from {grouped(then.value)} to {grouped(now)}"
                note = f"right in release {older.release}, revised since {moved}{why}"
                results = self._wrong("revised", note, [(subject, city, year)])
                results.candidates.append({**results.candidates[0], "value": then.value, "release": older.release})
                return results
        return None

    def _bridge(self, older: Facts, subject: Subject, city: str, year: int) -> str:
        """What moved it: for a score the parts that `release diff` shows, for a figure the source of today."""
        kind, name = subject
        if kind in ("score", "rank"):
            rows = self.facts.con.execute(
                SQL["bridge"], [name, city, year, older.scope.data_vintage, self.facts.scope.data_vintage]
            ).fetchall()
            parts = dict(zip(("sources", "bounds", "weights", "method"), rows[0], strict=True)) if rows else {}
            moves = [f"{part} {100 * value:+.2f}" for part, value in parts.items() if value is not None]
            if moves:
                return f" (points of the score by {', '.join(moves)})"
            same = older.scope.method_version == self.facts.scope.method_version
            return "" if same else f" (method {older.scope.method_version} became {self.facts.scope.method_version})"
        rows = self.facts.con.execute(SQL["source"], [name, city, year]).fetchall()
        return f" ({rows[0][0]}, {rows[0][1]}, origin {rows[0][2]})" if rows else ""

    def _derived(self, number: Number, target: Target, way: str) -> list[Verdict]:
        """What two or more published figures give."""
        wrong: Verdict | None = None
        size = replace(number, value=abs(number.value))
        for value, here, doubt in getattr(self, f"_{way}")(number.unit or target.unit, target):
            if math.isnan(value):
                continue
            if _rounds(size, abs(value), about=target.is_about):
                is_later = len(here) == 1 or here[0][2] > here[1][2]
                if way == "since" and target.direction and value and is_later:
                    rises = math.copysign(1, -value if here[0][0][0] == "rank" else value)
                    if rises == -target.direction:
                        wrong = wrong or self._wrong("not_ours", OTHER_WAY, here)
                        continue
                return [Verdict("rounded", "from published figures", self._listed(here))]
            printed = _printed(number, abs(value))
            doubt = doubt or is_far(size, abs(value)) or not (target.is_named or is_like(size, abs(value)))
            is_likeliest = not target.years or here[0][2] == target.years[0] or here[0][0][0] != "value"
            if wrong is None and is_likeliest and (not doubt or _swapped(number.text, printed)):
                swapped = f"{SWAPPED_DIGITS}: " if _swapped(number.text, printed) else ""
                wrong = self._wrong("not_ours", f"{swapped}{GIVES} {printed}", here, printed)
        return [wrong] if wrong else []

    def _pairs(
        self, subject: Subject, pairs: Iterable[tuple[str, int, str, int]]
    ) -> Iterator[tuple[float, float, list[Key]]]:
        """Two figures of a subject: of a place and year, and of another; the score of a city beside the mean of all."""
        facts = self.facts.of(subject)
        for city, year, other, then in pairs:
            wide = subject[0] == "score" and (not other or is_wide(other))
            of = ("nation", "median_100" if other == "median" else "mean_100") if wide else subject
            other = "" if other == "median" else other
            a, b = facts.get((city, year)), self.facts.of(of).get((other, then))
            if a and b and (city, year) != (other, then):
                yield a.value, b.value, [(subject, city, year), (of, other, then)]

    def _since(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        dimension = unit.dimension if unit is not None else ""
        for subject in target.subjects:
            fact_unit = self.facts.unit_of(subject)
            real = AT_CONSTANT_PRICES.get(subject[1], {}) if dimension == "share" and not target.is_nominal else {}
            real = {code: base for code, base in real.items() if code in self.facts.units}
            for city, year in ((city, year) for city, year, _, then in self._over_years(target) if year - then == 1):
                for of, base in ((("value", code), base) for code, base in real.items()):
                    if growth := self.facts.of(of).get((city, year)):
                        yield growth.value - base, [(of, city, year)], False
            for a, b, here in self._pairs(subject, self._over_years(target)) if not (real and target.is_real) else ():
                (_, _, year), (_, _, then) = here
                n = year - then
                # growth of these on the year before is mostly on a comparable basis
                may_be_of_year = year - 1 in target.bases
                is_real = may_be_of_year and not target.is_nominal and subject[1].startswith(REAL)
                is_real = is_real and fact_unit.dimension == "money"
                is_crossed = year - 1 in target.bases and then + 1 in target.years and then + 1 != year
                doubt = is_real or is_crossed  # the year before is not that of another year
                if target.is_annual and n > 0:
                    rate = 100 * ((a / b) ** (1 / n) - 1) if a * b > 0 else math.nan
                    yield (rate if dimension == "share" else _in_unit(a - b, fact_unit, unit) / n), here, n < 2
                elif dimension == "difference" and fact_unit.dimension not in ("", "share"):
                    yield from self._of_shares(target, here)
                elif dimension in ("share", "times"):
                    scale = 100 if dimension == "share" else 1
                    yield (scale * (a / b - 1) if b else math.nan), here, doubt
                    if dimension == "times" and b:
                        yield a / b, here, False
                else:
                    yield _in_unit(a - b, fact_unit, unit), here, is_crossed

    def _apart(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        dimension = unit.dimension if unit is not None else ""
        for subject in target.subjects:
            fact_unit = self.facts.unit_of(subject)
            gaps: dict[tuple[str, str], tuple[float, list[Key]]] = {}
            for a, b, here in self._pairs(subject, self._two_places(target)):
                if dimension == "difference" and fact_unit.dimension not in ("", "share"):
                    yield from self._of_shares(target, here)
                elif dimension in ("share", "times") and fact_unit.dimension != "share":
                    yield ((100 if dimension == "share" else 1) * (a / b - 1) if b else math.nan), here, False
                else:
                    gaps.setdefault((here[0][1], here[1][1]), (a - b, here))
                    yield _in_unit(a - b, fact_unit, unit), here, False
            for a, b, then in self._pairs(subject, self._two_places(replace(target, years=target.bases))):
                if held := gaps.get((then[0][1], then[1][1])):
                    yield _in_unit(held[0] - a + b, fact_unit, unit), [*held[1], *then], True  # what became of the gap

    def _of_shares(self, target: Target, here: list[Key]) -> Iterator[Derived]:
        """Percentage points between two amounts, each as a share of the same whole."""
        now, then = (
            [value for value, *_ in self._share(None, replace(target, places=[(city,)], years=[year]))]
            for _, city, year in here
        )
        yield from ((one - other, here, False) for one, other in zip(now, then, strict=False))

    def _over_years(self, target: Target) -> list[tuple[str, int, str, int]]:
        return [(c, y, c, base) for ids in target.places for c in ids for y in target.years for base in target.bases]

    def _two_places(self, target: Target) -> Iterator[tuple[str, int, str, int]]:
        firsts = [*target.places[:1]] if target.others else target.places
        for ids in firsts:
            for others in target.others or target.places:
                yield from ((c, y, o, y) for y in target.years for c in ids for o in others if c != o)

    def _part(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        scale = 100 if unit is not None and unit.dimension == "share" else 1
        pairs = list(self._two_places(target))
        pairs += self._over_years(target) if scale == 1 or not target.others else []
        for subject in target.subjects:
            for a, b, here in self._pairs(subject, pairs):
                yield (scale * a / b if b else math.nan), here, False

    def _share(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        for subject in target.subjects:
            facts = self.facts.of(subject)
            for ids, year in ((ids, year) for ids in target.places for year in target.years):
                for city in (one for one in ids if (one, year) in facts):
                    mine, here = facts[city, year].value, (subject, city, year)
                    for whole in target.wholes:
                        total = self.facts.of(whole).get((city, year))
                        alike = self.facts.unit_of(whole).dimension == self.facts.unit_of(subject).dimension
                        if total and total.value and alike:
                            scale = 1 if unit is not None and unit.dimension == "times" else 100
                            share = scale * mine / total.value
                            yield share, [here, (whole, city, year)], scale == 100 and share > 100  # no part of it

    def _together(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        """Sums and means of places, and their change."""
        for subject in target.subjects:
            fact_unit = self.facts.unit_of(subject)
            for year in target.years:
                values, here = self._of_places(subject, target, year)
                if not values:
                    continue
                if subject[0] == "value" and fact_unit.dimension in FACTORS:
                    yield _in_unit(sum(values), fact_unit, unit), here, unit is not None and unit.dimension == "share"
                yield _in_unit(sum(values) / len(values), fact_unit, unit), here, subject[0] == "value"
                yield _in_unit(max(values) - min(values), fact_unit, unit), here, True

    def _together_since(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        """What became of the sum of places."""
        for subject in target.subjects:
            for year, base in ((year, base) for year in target.years for base in target.bases):
                (now, here), (then, there) = (self._of_places(subject, target, one) for one in (year, base))
                if now and then and sum(then):
                    growth, gain = 100 * (sum(now) / sum(then) - 1), sum(now) - sum(then)
                    is_growth = unit is not None and unit.dimension == "share"
                    yield (
                        growth if is_growth else _in_unit(gain, self.facts.unit_of(subject), unit),
                        [*here, *there],
                        False,
                    )

    def _of_places(self, subject: Subject, target: Target, year: int) -> tuple[list[float], list[Key]]:
        """The figures of all places; none where one lacks."""
        facts = self.facts.of(subject)
        values = [next((facts[c, year].value for c in ids if (c, year) in facts), None) for ids in target.places]
        known = [value for value in values if value is not None]
        here = [(subject, city, year) for ids in target.places for city in ids]
        return (known if len(known) == len(values) else []), here

    def _rank_within(self, unit: Unit | None, target: Target) -> Iterator[Derived]:
        """The place among the cities of a province, or of a variable among all; from either end."""
        for subject in target.subjects[: 1 if target.subjects[0][0] == "rank" else None]:
            if subject[0] == "rank" and target.subjects[0][0] == "value":
                continue
            of = ("score", subject[1]) if subject[0] == "rank" else subject
            facts = self.facts.of(of)
            for city, year in ((c, y) for ids in target.places for c in ids for y in target.years):
                if (city, year) not in facts:
                    continue
                mine, province = facts[city, year].value, self.words.provinces.get(city)
                all_there = [c for c, y in facts if y == year and level_of(c) == level_of(city)]
                groups = [[c for c in all_there if self.words.provinces.get(c) == province], all_there]
                for k, group in enumerate(groups):
                    above = sum(facts[c, year].value > mine for c in group)
                    yield above + 1, [(of, city, year)], k > 0 or subject[0] == "value"
                    yield sum(facts[c, year].value < mine for c in group) + 1, [(of, city, year)], True

    def _same(
        self, number: Number, fact: Fact, fact_unit: Unit, unit: Unit | None, *, about: bool = False
    ) -> str | None:
        """equal or rounded, in the unit that is stated, else in any that the dimension has."""
        if not _fits(fact_unit, unit):
            return None
        values = [fact.value] if fact.printed is None else [fact.value, fact.printed]
        for value in values:
            in_units = [_in_unit(value, fact_unit, unit)]
            if unit is None:
                in_units += [
                    value * fact_unit.factor / factor
                    for factor in FACTORS.get(fact_unit.dimension, ())
                    if factor != fact_unit.factor
                ]
            for one in in_units:
                if math.isclose(number.value, one, rel_tol=1e-9):
                    return "equal"
                if _rounds(number, one, about=about):
                    return "rounded"
        return None

    def _right(
        self, how: str, number: Number, subject: Subject, city: str, year: int, fact: Fact, unit: Unit | None
    ) -> Verdict:
        notes = [fact.doubt]
        if fact.printed is not None and not _rounds(number, _in_unit(fact.value, self.facts.unit_of(subject), unit)):
            notes.append(f"as printed; the release uses {grouped(fact.value)}")
        if subject[0] == "rank":
            n = self.facts.n_cities.get(year)
            notes.append(f"of {n} cities" if n and not fact.doubt else "")
        return Verdict(how, "; ".join(note for note in notes if note), self._listed([(subject, city, year)]))

    def _wrong(self, verdict: str, note: str, places: Iterable[Key], right: str = "") -> Verdict:
        return Verdict(verdict, note, self._listed(places), right)

    def _listed(self, places: Iterable[tuple[Subject, str, int]]) -> list[dict[str, Any]]:
        return [
            {
                "key": key_of(subject, city, year, self.facts.release),
                "subject": self._name(subject, city),
                "city": self.words.names.get(city, ""),
                "year": year,
                "value": self.facts.of(subject)[city, year].value,
                "unit": self._unit(subject),
                "release": self.facts.release,
            }
            for subject, city, year in dict.fromkeys(places)
            if (city, year) in self.facts.of(subject)
        ]

    def _unit(self, subject: Subject) -> str:
        if subject[0] == "value":
            return self.facts.units[subject[1]]
        return (OF_SCORES | OF_PARTS).get(subject[0], "")

    def _name(self, subject: Subject, city: str) -> str:
        kind, name = subject
        label = self.words.labels.get(name, name)
        fact_unit = label if kind == "value" else name if kind == "nation" else f"{kind} of {name}"
        return f"{fact_unit}, {self.words.names[city]}" if city in self.words.names else fact_unit


def key_of(subject: Subject, city: str, year: int, release: str) -> str:
    """nqpf:score/CN340100/2021@2026.11.3; a part or another index: nqpf:score.nqpf_new/..."""
    kind, name = subject
    what = name if kind == "value" else f"{kind}.{name}"
    return f"nqpf:{what}/{city or 'CN'}/{year}@{release}"


def _has(facts: Facts, subject: Subject) -> bool:
    kind, name = subject
    return kind == "nation" or kind in OF_PARTS or name in (facts.units if kind == "value" else facts.indexes)


def _fits(fact_unit: Unit, unit: Unit | None) -> bool:
    """Whether a figure of unit `own` can be written in `unit`."""
    if unit is None or not unit.dimension:
        return fact_unit.dimension != "rank" or unit is None or unit.factor == 1
    if fact_unit.dimension == unit.dimension:
        return True
    pair = fact_unit.dimension, unit.dimension
    return pair in (("", "share"), ("", "times"), ("share", "times"), ("", "points"))


def _in_unit(value: float, fact_unit: Unit, unit: Unit | None) -> float:
    if unit is None or not fact_unit.dimension:
        return value * (100 if unit is not None and unit.dimension == "share" else 1)
    factor = 100 * unit.factor if (fact_unit.dimension, unit.dimension) == ("share", "times") else unit.factor
    return value * fact_unit.factor / (1 if unit.dimension in ("difference", "places") else factor)


def ruled_out(number: Number, unit: str) -> str:
    """The unit of a figure, km or years, where the number has another one: 15.4 m for 15.4 km; else nothing."""
    other = number.unit or Unit("")
    is_other_length = unit == "km" and other.dimension == "length" and other.factor != 1
    return unit if is_other_length or (unit == "years" and other.dimension == "months") else ""


def is_coarser(number: Number, figure: float) -> bool:
    """Whether the release has a figure with fewer digits, and the number rounds to it: 7.7044 million people, of whom a
    yearbook prints 7.70."""
    has = (k for k in range(number.decimals) if math.isclose(round(figure, k), figure, rel_tol=1e-9))
    places = next(has, number.decimals)
    return number.decimals - places >= COARSER and bool(rounds(figure, number.value, places))


def is_far(number: Number, published: float) -> bool:
    """Ten times off and of other digits: no slip of the pen, but a figure of something else."""
    digits = [f"{abs(value):.{number.significant - 1}e}".partition("e")[0] for value in (number.value, published)]
    sizes = sorted((abs(number.value), abs(published)))
    return sizes[1] > FAR * sizes[0] and digits[0] != digits[1]


def is_like(number: Number, figure: float, *, is_stale: bool = True) -> bool:
    """Whether a number may be a misprint of a figure, by more than chance; is_stale: an older figure too."""
    return (
        likelihood(number, figure, is_stale=is_stale) * max(abs(number.value), abs(figure)) * 10.0**number.decimals
        > 2 * ANOTHER
    )


def likelihood(number: Number, figure: float, *, is_stale: bool = True) -> float:
    """How often such a number is printed for this figure, of all numbers that are wrong (and some that are not)."""
    printed, step = f"{abs(figure):.{number.decimals}f}", 10.0**-number.decimals
    digits, right = (text.replace(",", "").replace(".", "").lstrip("-0") for text in (number.text, printed))
    if len(right) < max(1, len(digits) - 1) or is_far(number, figure):
        return 0.0
    value = abs(number.value)
    if value == float(printed):
        return SIGN
    if number.value * figure < 0:  # one slip at a time
        return 0.0
    power = round(math.log10(value / abs(figure))) if value * figure else 0
    if abs(power) in (1, 2) and math.isclose(value, round(abs(figure) * 10.0**power, number.decimals), rel_tol=1e-9):
        return POWER if len(digits.rstrip("0")) > 1 and abs(power) == 1 else POWER / 5
    if _swapped(digits, right):
        return SWAPPED / (len(digits) - 1)
    size = max(value, abs(figure)) / step
    chance = ANOTHER / size
    if len(digits) == len(right) and sum(a != b for a, b in zip(digits, right, strict=True)) == 1:
        chance += DIGIT / len(digits) + LAST * (abs(value - abs(figure)) < 1.6 * step)
    is_near = is_stale and figure and NEAR[0] < number.value / figure < NEAR[1] and (number.decimals or number.unit)
    return chance + (STALE / max(abs(figure) / step, 3) if is_near else 0.0)


def _rounds(number: Number, value: float, *, about: bool = False) -> bool:
    """Whether `value` rounds to the number: half a unit of its last digit, of its last digit but zeros where it is said
    to be about right, or where three digits stand before at least two zeros."""
    if number.is_part:
        return abs(number.value - value) <= WORDED * number.value
    decimals, about = number.decimals, about and not (number.decimals and number.significant >= LIKELY)  # some 86.5 %
    if not decimals:
        bare = number.text.replace(",", "").rstrip("0")
        zeros = len(number.text.replace(",", "")) - len(bare)
        if about or (zeros >= 2 and len(bare) >= LIKELY):
            decimals = -zeros
    return bool(rounds(number.value, value, decimals, reach=1.0 if about else 0.5))


def rounds[T: (float, npt.NDArray[np.float64])](printed: float, value: T, decimals: int, *, reach: float = 0.5) -> Any:
    """Whether a value is printed so with that many decimals."""
    return abs(printed - value) <= reach * 10.0**-decimals * (1 + 1e-9) + 1e-12 * abs(value)


def _printed(number: Number, value: float) -> str:
    return f"{value:.{number.decimals}f}"


def _swapped(number: str, published: str) -> bool:
    """Whether two digits changed places; those of a short number only beside each other (or a point between them)."""
    digits, right = (text.replace(",", "").replace(".", "").lstrip("-0") for text in (number, published))
    if len(digits) != len(right) or len(digits) < 2:
        return False
    apart = [k for k, (a, b) in enumerate(zip(digits, right, strict=True)) if a != b]
    if len(apart) != 2 or digits[apart[0]] != right[apart[1]] or digits[apart[1]] != right[apart[0]]:
        return False
    return apart[1] == apart[0] + 1 or len(digits) >= CERTAIN
