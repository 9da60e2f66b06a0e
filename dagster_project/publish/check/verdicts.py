"""Is a number what the file says? If not: in another unit, of another city or year, or of an older release?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Any

from dagster_project.publish.check.facts import SQL, Fact, Facts, Subject, Unit, words
from dagster_project.publish.check.recognise import Number, Vocabulary

ORDER = ("equal", "rounded", "other_unit", "revised", "other_year", "other_city", "not_ours", "unknown")
RIGHT = ("equal", "rounded")
DIFFERS = ("other_unit", "other_city", "other_year", "revised", "not_ours")
CLEAR = ("other_unit", "other_year", "revised")  # with three digits no accident, of whatever the figure is
FACTORS: dict[str, list[float]] = words()["factors"]
LIKELY = 3  # significant digits from which a figure of another city or year is no accident
LISTED = 3
WORDED = 0.1  # how far a third or 七成 may be from the figure, as a share of it
REAL_GROWTH = {"gdp_growth_rate": 0.0, "gdp_real_index": 100.0}  # variable -> what no growth is


@dataclass
class Target:
    """What a number should be: one of `subjects`, of one of `cities` ("" for the nation), in `year` (None: not said).

    `since`: the number is the change from that year, `is_annual`: a year on average, `direction`: 1 where it is said to
    rise, -1 to fall; `against`: the distance to that city, or "" for the mean of all, `is_part`: the number is a share
    of it; `together`: the sum of `cities`. `is_about`: said to be about right. `is_sure` False: a figure that differs
    is one of something else.
    """

    subjects: Sequence[Subject]
    cities: Sequence[str]
    year: int | None
    since: int | None = None
    against: Sequence[str] = ()
    unit: Unit | None = None
    is_about: bool = False
    is_sure: bool = True
    is_annual: bool = False
    is_part: bool = False
    direction: int = 0
    together: bool = False


def is_wide(place: str) -> bool:
    """Whether it is a province or a group."""
    return bool(place) and not place.startswith("CN")


@dataclass
class Verdict:
    verdict: str
    note: str = ""
    candidates: list[dict[str, Any]] = field(default_factory=list)


class Judge:
    """Compares numbers with one published file and with older ones."""

    def __init__(self, facts: Facts, older: Sequence[Facts], words: Vocabulary) -> None:
        self.facts, self.older, self.words = facts, older, words

    def judge(self, number: Number, target: Target) -> Verdict | None:
        """The best verdict over what the number may be; None where the file has nothing to say."""
        if target.since is not None or target.against:
            return self._change(number, target)
        if target.together:
            return self._sum(number, target)
        results = [self._one(number, target, subject, city) for subject in target.subjects for city in target.cities]
        known = [verdict for verdict in results if verdict]
        if not known:
            return None
        best = min(known, key=lambda verdict: ORDER.index(verdict.verdict))
        slip = number.significant >= LIKELY and (best.verdict in CLEAR or "swapped" in best.note)
        if not target.is_sure and best.verdict not in RIGHT and not (slip and is_wide(target.cities[0])):
            return None
        same = [verdict for verdict in known if verdict.verdict == best.verdict and verdict is not best]
        for other in same if best.verdict in RIGHT else known:
            best.candidates += [one for one in other.candidates if one not in best.candidates]
        return best

    def _one(self, number: Number, target: Target, subject: Subject, city: str) -> Verdict | None:
        facts = self.facts.of(subject)
        fact_unit = self.facts.unit_of(subject)
        unit = number.unit or target.unit
        if unit is not None and not unit.dimension and fact_unit.dimension:
            unit = Unit(fact_unit.dimension, unit.factor)
        mine = [year for place, year in facts if place == city]
        if not mine:
            return None
        if target.year is None:
            for year in sorted(mine, reverse=True):
                if how := self._same(number, facts[city, year], fact_unit, unit, about=target.is_about):
                    return self._right(how, number, subject, city, year, facts[city, year], unit)
            return None
        fact = facts.get((city, target.year))
        if fact is None:
            close = [y for y in (target.year - 1, target.year + 1) if (city, y) in facts]
            for year in close:
                if number.significant >= LIKELY and self._same(number, facts[city, year], fact_unit, unit):
                    return self._wrong("other_year", f"the figure is that of {year}", [(subject, city, year)])
            years = f"{min(mine)} to {max(mine)}"
            return Verdict(
                "unknown", f"the release has no {self._name(subject, city)} of {target.year}, only of {years}"
            )
        if how := self._same(number, fact, fact_unit, unit, about=target.is_about):
            return self._right(how, number, subject, city, target.year, fact, unit)
        if not _fits(fact_unit, unit):
            if number.significant >= 2 and _rounds(number, fact.value, about=False):
                return self._wrong("other_unit", f"the unit is {self._unit(subject)}", [(subject, city, target.year)])
            return None
        return self._explain(number, target.year, subject, city, fact, fact_unit, unit)

    def _explain(
        self, number: Number, year: int, subject: Subject, city: str, fact: Fact, fact_unit: Unit, unit: Unit | None
    ) -> Verdict:
        facts, here = self.facts.of(subject), (subject, city, year)
        if unit is not None and number.significant >= 2:
            for factor in FACTORS.get(fact_unit.dimension, ()):
                if _rounds(number, fact.value * fact_unit.factor / factor, about=False):
                    return self._wrong("other_unit", "the digits are right in another unit", [here])
        if revised := self._revised(number, subject, city, year, fact_unit, unit):
            return revised
        published = _printed(number, _in_unit(fact.value, fact_unit, unit))
        is_rank = fact_unit.dimension == "rank"
        if _swapped(number, published):
            return self._wrong("not_ours", f"two digits are swapped: {published}", [here])
        if not is_rank and abs(number.value - float(published)) <= 1.5 * 10.0**-number.decimals and number.decimals:
            return self._wrong("not_ours", f"not a rounding: {published}", [here])
        years = sorted((y for place, y in facts if place == city and y != year), key=lambda y: (abs(y - year), y))
        hits = [y for y in years if self._same(number, facts[city, y], fact_unit, unit)]
        sure = number.significant >= LIKELY
        near_year = next((y for y in hits if sure or abs(y - year) == 1), None)
        cities = self._cities_like(number, subject, city, year, fact_unit, unit)
        akin = [other for other in cities if self._akin(city, other)]
        if near_year is not None and (abs(near_year - year) == 1 or not akin):
            return self._wrong("other_year", f"the figure is that of {near_year}", [here, (subject, city, near_year)])
        if akin or (cities and (sure or is_rank)):
            other = (akin or cities)[0]
            note = f"the figure is that of {self.words.names.get(other, other)}"
            more = [(subject, one, year) for one in (akin or cities)[:LISTED]]
            return self._wrong("other_city", note, [here, *more])
        return self._wrong("not_ours", f"published: {published}", [here])

    def _cities_like(
        self, number: Number, subject: Subject, city: str, year: int, fact_unit: Unit, unit: Unit | None
    ) -> list[str]:
        facts = self.facts.of(subject)
        results = [
            place
            for (place, y), fact in facts.items()
            if y == year
            and place != city
            and is_wide(place) == is_wide(city)
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
                note = f"right in release {older.release}, revised since from {then.value:.6g} to {now:.6g}{why}"
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

    def _change(self, number: Number, target: Target) -> Verdict | None:
        """The change since a year, or the distance to a city; silent where that is not what the file has."""
        if target.year is None:
            return None
        best: Verdict | None = None
        for subject in target.subjects:
            fact_unit, unit = self.facts.unit_of(subject), number.unit or target.unit
            dimension = unit.dimension if unit is not None else ""
            for city in target.cities:
                others = [(other, target.year) for other in target.against] or [(city, target.since or 0)]
                for place, year in others:
                    of = ("nation", "mean_100") if subject[0] == "score" and not place.startswith("CN") else subject
                    now = self.facts.of(subject).get((city, target.year))
                    then = self.facts.of(of).get((place, year))
                    if now is None or then is None:
                        continue
                    grown = now.value / then.value - 1 if then.value else math.nan
                    if target.is_annual:
                        values = [100 * ((1 + grown) ** (1 / (target.year - year)) - 1)]
                    elif target.is_part:
                        values = [(grown + 1) * (100 if dimension == "share" else 1)]
                    elif dimension == "times":
                        values = [grown + 1, grown][: 1 if number.is_part and number.value > 1 else 2]
                    elif dimension == "share" and fact_unit.dimension != "share":
                        values = [100 * grown, *self._real_growth(subject, city, target.year, year)]
                    else:
                        values = [_in_unit(now.value - then.value, fact_unit, unit)]
                    size = replace(number, value=abs(number.value))
                    here = [(subject, city, target.year), (of, place, year)]
                    if hits := [value for value in values if _rounds(size, abs(value), about=target.is_about)]:
                        signs = {math.copysign(1, -value if subject[0] == "rank" else value) for value in hits if value}
                        if target.direction and signs == {-target.direction}:
                            return self._wrong("not_ours", "the other way", here)
                        return Verdict("rounded", "from two published figures", self._listed(here))
                    printed = _printed(number, abs(values[0]))
                    is_output = subject[1].startswith(("gdp", "va_")) and not (target.is_annual or target.is_part)
                    is_money = not target.is_sure and fact_unit.dimension == "money"
                    is_real = is_money or (len(values) == 1 and is_output)
                    is_real = (is_real and dimension == "share") or (is_wide(city) and not target.is_sure)
                    if best is None and (not is_real or _swapped(number, printed)):
                        best = self._wrong("not_ours", f"the published figures give {printed}", here)
        return best

    def _real_growth(self, subject: Subject, city: str, year: int, since: int) -> list[float]:
        """Growth of GDP in per cent as the release has it at constant prices."""
        if subject != ("value", "gdp_nom") or since != year - 1:
            return []
        of = {name: self.facts.of(("value", name)) for name in REAL_GROWTH if name in self.facts.units}
        held = {name: facts.get((city, year)) for name, facts in of.items()}
        return [fact.value - REAL_GROWTH[name] for name, fact in held.items() if fact is not None]

    def _sum(self, number: Number, target: Target) -> Verdict | None:
        """The figures of several cities together."""
        for subject in target.subjects:
            facts, fact_unit = self.facts.of(subject), self.facts.unit_of(subject)
            held = [facts.get((city, target.year or 0)) for city in target.cities]
            values = [fact.value for fact in held if fact is not None]
            if len(values) < len(held) or fact_unit.dimension not in FACTORS or subject[0] != "value":
                continue
            value = _in_unit(sum(values), fact_unit, number.unit)
            here = [(subject, city, target.year or 0) for city in target.cities]
            if _rounds(number, value, about=target.is_about):
                return Verdict("rounded", "the sum of published figures", self._listed(here))
            return self._wrong("not_ours", f"the published figures give {_printed(number, value)}", here)
        return None

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
            for k, one in enumerate(in_units):
                if k and number.significant < LIKELY:
                    break
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
            notes.append(f"as printed; the release uses {fact.value:.6g}")
        if subject[0] == "rank":
            n = self.facts.n_cities.get(year)
            notes.append(f"of {n} cities" if n and not fact.doubt else "")
        return Verdict(how, "; ".join(note for note in notes if note), self._listed([(subject, city, year)]))

    def _wrong(self, verdict: str, note: str, places: Iterable[tuple[Subject, str, int]]) -> Verdict:
        return Verdict(verdict, note, self._listed(places))

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
        return "points" if subject[0] == "score" else "place" if subject[0] in ("rank", "low", "high") else ""

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
    return kind == "nation" or name in (facts.units if kind == "value" else facts.indexes)


def _fits(fact_unit: Unit, unit: Unit | None) -> bool:
    """Whether a figure of unit `own` can be written in `unit`."""
    if unit is None or not unit.dimension:
        return fact_unit.dimension != "rank" or unit is None or unit.factor == 1
    if fact_unit.dimension == unit.dimension:
        return True
    pair = fact_unit.dimension, unit.dimension
    return pair in (("", "share"), ("", "times"), ("share", "times"))


def _in_unit(value: float, fact_unit: Unit, unit: Unit | None) -> float:
    if unit is None or not fact_unit.dimension:
        return value * (100 if unit is not None and unit.dimension == "share" else 1)
    factor = 100 * unit.factor if (fact_unit.dimension, unit.dimension) == ("share", "times") else unit.factor
    return value * fact_unit.factor / (1 if unit.dimension in ("difference", "places") else factor)


def _rounds(number: Number, value: float, *, about: bool = False) -> bool:
    """Whether `value` rounds to the number: half a unit of its last digit, of its last digit but zeros where it is said
    to be about right, or where three digits stand before at least two zeros."""
    if number.is_part:
        return abs(number.value - value) <= WORDED * number.value
    step = 10.0**-number.decimals
    if not number.decimals:
        bare = number.text.replace(",", "").rstrip("0")
        zeros = len(number.text.replace(",", "")) - len(bare)
        if about or (zeros >= 2 and len(bare) >= LIKELY):
            step = 10.0**zeros
    reach = (1.0 if about else 0.5) * step
    return abs(number.value - value) <= reach * (1 + 1e-9) + 1e-12 * abs(value)


def _printed(number: Number, value: float) -> str:
    return f"{value:.{number.decimals}f}"


def _swapped(number: Number, published: str) -> bool:
    """Whether two digits beside each other (or one point between them) changed places."""
    digits, right = number.text.replace(",", "").replace(".", ""), published.replace(".", "").lstrip("-")
    if len(digits) != len(right) or len(digits) < 2:
        return False
    apart = [k for k, (a, b) in enumerate(zip(digits, right, strict=True)) if a != b]
    return len(apart) == 2 and any(
        (a, b) == tuple(apart) and digits[a] == right[b] and digits[b] == right[a]
        for a, b in pairwise(range(len(digits)))
    )
