"""What a number of a sentence may be about: the words around it say whose figure, of which year, of what, and which way
it was computed.

Each number has a zone, the text since the zone before. What the zone names counts; else the nearest zone to the left
that names it, else what the rest of the sentence, the sentence before and the headings name. Lists are laid side by
side. All that is left possible is handed over: a figure is wrong only where nothing possible gives it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise, permutations

from dagster_project.publish.check.facts import UNITS, Facts, Subject, Unit, words
from dagster_project.publish.check.recognise import RE, Mention, Number, count_of, unit_in_head
from dagster_project.publish.check.verdicts import LIKELY, Target, is_wide, rounds

CONTENT = ("variable", "index", "score", "rank", "nation", "other")
NOUNS = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z]{4,}")
CLOSE = 12  # letters from a word to what it measures
AMOUNTS = ("money", "count", "dollars", "area", "mass", "volume", "energy", "length")
MOST_POINTS = 100  # of a score
COVERED = 4  # of how many places a figure may be, and still be wrong if it is of none
NOUN = re.compile(r"[\u4e00-\u9fff]{2}|[A-Za-z]{4}")


@dataclass
class Context:
    """What a sentence may leave out."""

    cities: tuple[str, ...] = ()
    year: int | None = None
    since: int | None = None
    index: str = ""
    content: Mention | None = None
    phrase: str = ""  # how it was called
    or_year: int | None = None  # of the headings, where the text under them names another
    listed: tuple[tuple[str, ...], ...] = ()  # all cities of the text before
    document_cities: tuple[str, ...] = ()  # the city of the document


@dataclass
class Sentence:
    """A sentence with what was recognised in it."""

    text: str
    mentions: list[Mention]
    numbers: list[Number]
    before: Context = field(default_factory=Context)

    def __post_init__(self) -> None:
        self.zones = _zones(self)
        spans = [match.span() for match in RE["ASIDE"].finditer(self.text)]
        self.asides = [(a, b) for a, b in spans if any(a < number.start < b for number in self.numbers)]
        years = self.of("year")
        self.ranges = [(a, b) for a, b in pairwise(years) if a.value < b.value and self._is_range(a, b)]

    def _is_range(self, a: Mention, b: Mention) -> bool:
        return bool(RE["YEARS"].search(self.text[: b.start])) and not self.between(a.end, b.start)

    def of(self, *kinds: str) -> list[Mention]:
        return [mention for mention in self.mentions if mention.kind in kinds]

    def is_base(self, year: Mention) -> bool:
        """Whether a change is counted from the year: since 2012, 2012年以来, the first of 2012-2021."""
        before, after = self.text[: year.start], self.text[year.end :]
        return bool(any(year is a for a, _ in self.ranges) or RE["BASE"].search(before) or RE["SINCE"].match(after))

    def is_object(self, place: Mention) -> bool:
        """Whether another one is compared with it: higher than Wuxi, 比无锡高."""
        return bool(RE["OBJECT"].search(self.text[: place.start]))

    def gap(self, a: int, b: int) -> str:
        return self.text[a:b]

    def between(self, a: int, b: int) -> bool:
        """Whether another number stands between two places."""
        return any(a <= number.start < b for number in self.numbers)

    def aside(self, at: int) -> int:
        """Which bracket with figures of its own a place stands in; -1: none."""
        return next((k for k, (a, b) in enumerate(self.asides) if a <= at < b), -1)

    def in_view(self, number: Number, mentions: Iterable[Mention]) -> list[Mention]:
        """Without what stands in brackets that the number does not stand in."""
        brackets = (-1, self.aside(number.start))
        return [mention for mention in mentions if self.aside(mention.start) in brackets]

    def named(self, k: int, mentions: Sequence[Mention]) -> tuple[list[Mention], int]:
        """What the zone of a number names, else the nearest zone to the left that names some, and how many zones away;
        -1: only behind the number."""
        mentions = self.in_view(self.numbers[k], mentions)
        for j in range(k, -1, -1):
            start, end = self.zones[j]
            if zone_mentions := [mention for mention in mentions if start <= mention.start < end]:
                return zone_mentions, k - j
        return mentions, -1


def _zones(s: Sentence) -> list[tuple[int, int]]:
    """Of each number the text that belongs to it: what stands before, and behind it up to a sign or the next clause."""
    zones, start = list[tuple[int, int]](), 0
    for k, number in enumerate(s.numbers):
        end = s.numbers[k + 1].start if k + 1 < len(s.numbers) else len(s.text)
        gap = s.text[number.end : end]
        stop = RE["STOP"].search(gap)
        at = number.end + (stop.start() if stop else len(gap))
        if stop and stop[0] == "(" and (bracket := RE["DATED"].match(gap)):
            at = number.end + bracket.end()
        elif k + 1 < len(s.numbers) and not stop:
            if split := RE["SPLIT"].search(gap):
                at = number.end + split.start()
            elif RE["CHINESE"].search(gap):
                ends_of_names = [m.end for m in s.of(*CONTENT) if s.text[number.end : m.start].strip() in ("", "的")]
                at = max([number.end, *(one for one in ends_of_names if number.end <= one <= end)])
        zones.append((start, at))
        start = at
    return zones


def carried(sentence: Sentence) -> Context:
    """What the next sentence may leave out: what this one names, else what was carried into it."""
    was = sentence.before
    cities, years = sentence.of("city") or sentence.of("place"), sentence.of("year")
    subject = next((m for m in cities if not sentence.is_object(m)), None)
    indexes = sentence.of("index")
    plain = [m for m in years if not sentence.is_base(m) and sentence.aside(m.start) < 0]
    last = next(reversed(sentence.of("variable", "score")), None)
    named_here = [tuple(mention.value) for mention in cities]
    listed = [*named_here, *([was.cities] if was.cities else []), *was.listed]
    return Context(
        tuple(subject.value) if subject else was.cities,
        max((mention.value for mention in plain), default=was.year),
        min((m.value for m in years if len(years) > 1 or sentence.is_base(m)), default=was.since),
        str(indexes[-1].value[0]) if indexes else was.index,
        replace(last, start=0, end=0) if last else was.content,
        sentence.text[last.start : last.end] if last else was.phrase,
        None if plain else was.or_year,
        tuple(dict.fromkeys(listed))[:4],
    )


def targets(facts: Facts, sentence: Sentence) -> list[tuple[Number, Target]]:
    """Numbers of the sentence with what they may be; numbers that are about nothing published are left out."""
    has_county = any(one.startswith("county:") for m in sentence.of("city") for one in m.value)
    if RE["MARGINAL"].search(sentence.text) or (RE["COUNTIES"].search(sentence.text) and not has_county):
        return []
    lists = _side_by_side(sentence)
    is_line = len(sentence.numbers) > 2 and not sentence.of(*CONTENT) and _is_plain(sentence)  # of a table
    results = list[tuple[Number, Target]]()
    for k, number in enumerate(sentence.numbers):
        last = results[-1][1] if k and results and results[-1][0] is sentence.numbers[k - 1] else None
        target = _target(facts, sentence, k, lists.get(k, {}), last)
        if target is not None:
            left, right = sentence.text[: number.start], sentence.text[number.end :]
            about = number.is_part or RE["ABOUT"].search(left) or RE["ABOUT_AFTER"].match(right)
            is_sure, is_other = target.is_sure and not is_line, target.is_other or is_line
            results.append((number, replace(target, is_about=bool(about), is_sure=is_sure, is_other=is_other)))
    return results


def _is_elliptic(s: Sentence, k: int) -> bool:
    """Whether the words before a number leave out what the number before it says: A has 5 %, B 3 %."""
    start, _ = s.zones[k]
    if _is_before_name(s, s.numbers[k]):
        return False
    here = s.text[start : s.numbers[k].start]
    named = RE["RURAL"].search(here + _behind(s, s.numbers[k])) or any(
        start <= m.start < s.numbers[k].start for m in s.of(*CONTENT)
    )
    return not named and not re.search("占|share|比重", s.text[start : s.numbers[k].start])


def _side_by_side(s: Sentence) -> dict[int, dict[str, Mention]]:
    """Number -> the word of its place in a list: N cities, years or variables and then N figures."""
    results: dict[int, dict[str, Mention]] = {}
    numbers, start = s.numbers, 0
    while start < len(numbers):
        end = start + 1
        while end < len(numbers) and RE["LISTED"].match(s.gap(numbers[end - 1].end, numbers[end].start)):
            end += 1
        n = end - start
        if n > 1:
            is_stated = bool(RE["SIDE_BY_SIDE"].search(s.text))
            kinds = {"place": ("city", "place"), "year": ("year",), "content": ("variable", "index", "score", "nation")}
            for role, of in kinds.items():
                named, _ = s.named(start, [m for m in s.of(*of) if m.end <= numbers[start].start])
                listed = _last_list(named, s, n)
                if role == "content" and len(listed) < n and RE["BOTH"].search(s.text):  # 2012年三者依次为
                    listed = [m for m in s.of(*of) if m.end <= numbers[start].start]
                if len(listed) == n and (is_stated or role == "place"):
                    for k, mention in enumerate(listed):
                        results.setdefault(start + k, {})[role] = mention
                        results[start + k]["first"] = Mention("number", *s.zones[start])
        start = end
    return results


def _last_list(mentions: list[Mention], s: Sentence, n: int) -> list[Mention]:
    """The last n words that stand in one list."""
    run: list[Mention] = []
    for mention in mentions:
        joined = run and RE["JOINED"].fullmatch(s.gap(run[-1].end, mention.start))
        run = [*run, mention] if joined else [mention]
        if len(run) > n:
            run = run[-n:]
    return run


def _target(facts: Facts, s: Sentence, k: int, listed: dict[str, Mention], last: Target | None = None) -> Target | None:
    number, text = s.numbers[k], s.text
    unit, dimension = number.unit, _dimension(number.unit)
    left, right = text[: number.start], text[number.end :]
    is_signed = number.value < 0 or left.endswith("+")
    is_estimate = any(m.end <= number.start for m in s.of("nation")) and not s.of("score")
    is_part = is_signed and unit is None and not RE["YEARLY"].match(right) and not is_estimate  # of a change
    if RE["OTHER_WEIGHTS"].search(text) or is_part or RE["PER_AFTER"].match(right):
        return None
    if dimension == "times" and _is_ratio_of_neighbours(s, k):
        return None
    cut = RE["CUT"].search(text)
    if cut and cut.start() <= number.start < cut.end() and not s.of("city") and RE["OF_MANY"].search(text):
        return None  # how many cities have more than 60 points
    if (count := _count_of_cities(facts, s, k, listed)) or (count := _weight(facts, s, k)):
        return count
    if (place := next((tuple(m.value) for m in s.of("place") if m.start < number.start), ())) and (
        number.unit is None and not number.decimals and RE["RANKED"].match(right)
    ):
        years, _, is_dated = _years(s, k, listed, change=False)
        return Target([("nation", "n_city")], [place], years[:2], is_dated=is_dated)
    if RE["OF_CITIES"].match(right) or (k and RE["OF_TOTAL"].search(left)):
        year, n = facts.scope.last_year, number.value
        counts = sum(bool(RE["OF_CITIES"].match(text[one.end :])) for one in s.numbers)
        is_sample = n > 99 and counts < COVERED and 0.75 < n / facts.n_cities[year] < 1.25 and RE["SAMPLE"].search(text)
        return Target([("nation", "n_city")], [("",)], [] if n in facts.samples else [year]) if is_sample else None
    content, is_sure = _content(facts, s, k, listed)
    is_sure = is_sure and not _is_of_other_unit(facts, s, number, content)
    if statistic(s, k):  # of the estimate before: its row judges it
        return None
    ends = _rank_range(s, k) if content is not None and content.kind == "rank" else None
    subjects = _subjects(facts, s, replace(number, unit=Unit("rank")) if ends else number, content)
    if not subjects or (subjects[0][0] in ("score", "rank") and not s.of("index") and RE["OTHER_LIST"].search(text)):
        return None
    is_of_all = RE["ALL_CITIES"].search(left) and not any(m.end <= number.start for m in s.of("city", "place"))
    if subjects == [("nation", "mean_100")] and "coupling" in [code for m in s.of("variable") for code in m.value]:
        subjects = [("nation", "mean_d")]
    is_mean = bool(RE["MEAN"].search(left[max(0, content.start - CLOSE) :] if content else left))
    if subjects == [("value", "coupling")] and RE["THRESHOLD"].search(text):
        return None
    if subjects == [("value", "coupling")] and (is_of_all or is_mean):
        subjects = [("nation", "mean_d")]
    elif is_of_all and is_mean and subjects == [("score", facts.scope.index)]:
        subjects = [("nation", "mean_100")]
    elif is_of_all and subjects[0][0] != "nation":
        return None
    first = listed["first"].start if "first" in listed else s.zones[k][0]
    of_change = dimension in ("share", "points", "difference")
    annual = of_change and bool(RE["ANNUAL"].search(text[first : number.end + 20]))
    change = is_signed or annual or (not _is_ordinal(s, number) and _changes(s, k))
    places, others = _places(s, k, listed)
    is_ratio = dimension == "times" or (dimension == "share" and facts.unit_of(subjects[0]).dimension != "share")
    years, bases, is_dated = _years(s, k, listed, change=change or is_ratio)
    target = Target(subjects, places, years, others=others, bases=bases, unit=unit, is_annual=annual, is_dated=is_dated)
    is_left_out = not any(m.end <= number.start for m in s.of("city", "place"))
    if is_left_out and RE["STRANGER"].search(_rest(s, s.zones[k][0], number)):
        is_sure = False  # London has 8.9 million
    target.is_other, target.is_nominal = not is_sure, bool(RE["NOMINAL"].search(text))
    target.is_sure = is_sure and len(places) <= COVERED
    target.direction = _direction(s, k) if change else 0
    if subjects[0][0] == "nation":
        return _of_all(facts, s, k, target, content, change=change)
    if not places:
        return None
    if subjects == [("value", "coupling")] and is_wide(places[0][0]):
        return _of_all(facts, s, k, replace(target, subjects=[("nation", "mean_d")]), content, change=change)
    if ends:
        return replace(target, subjects=[(ends, subjects[0][1])])
    if not others and len(places) == 1 and RE["APART"].search(text[s.zones[k][0] : number.start]):
        target.others = [one for one in s.before.listed if one not in places]
    target.ways = _ways(facts, s, k, target, change=change)
    alike = unit == s.numbers[k - 1].unit if unit is not None else RE["ONLY"].search(left)
    is_alike = alike and not number.is_rank and "content" not in listed
    if last is not None and is_alike and _is_elliptic(s, k):
        ways = dict.fromkeys([*last.ways, *target.ways, *(["level"] if "since" in last.ways else [])])
        annual = target.is_annual or last.is_annual
        target = replace(target, subjects=last.subjects, ways=list(ways), wholes=last.wholes, is_annual=annual)
        return replace(target, unit=unit or last.unit)
    if number.is_rank and is_wide(places[0][0]) and "_of_" not in places[0][0]:  # first in Sichuan
        target.places = [one for one in (*places[1:], s.before.cities) if one and not is_wide(one[0])]
        target.ways = ["rank_within"]
        return target if target.places else None
    if is_wide(places[0][0]):
        is_of_index = subjects[0] == ("score", facts.scope.index)
        target.subjects = [("nation", "mean_100")] if is_of_index else subjects
        target.is_sure = target.is_sure and is_of_index and ("_of_" in places[0][0] or bool(RE["MEAN"].search(text)))
    if "share" in target.ways:
        target.wholes, is_named = _wholes(facts, s, k, content)
        target.is_sure = target.is_sure and is_named
    return target if target.ways else None


def _count_of_cities(facts: Facts, s: Sentence, k: int, listed: dict[str, Mention]) -> Target | None:
    """How many cities, or which share of all, have a headline score above or below so many points."""
    number, cut = s.numbers[k], RE["CUT"].search(s.text)
    is_of_headline = all(m.value[0] == facts.scope.index for m in s.of("index")) and not s.of("place", "variable")
    is_share, is_count = _dimension(number.unit) == "share", not number.decimals and not number.is_rank
    if (
        not cut
        or not is_of_headline
        or s.of("city")
        or not RE["OF_MANY"].search(s.text)
        or not (is_share or (is_count and _dimension(number.unit) in ("", "count")))
    ):
        return None
    years, _, _ = _years(s, k, listed, change=False)
    years = [m.value for m in s.of("year")] if len(s.of("year")) == 1 else years
    is_whole = any(number.value == facts.n_cities.get(year) for year in years)
    if cut.start() <= number.start < cut.end() or is_whole:
        return None
    side = "above" if cut["above"] or cut["above_zh"] else "below"
    name = f"{side}{'_percent' * is_share} {float(cut['points'] or cut['points_zh']):g}"
    return Target([("nation", name)], [("",)], years[:2], unit=number.unit, is_sure=bool(s.of("year")))


def _weight(facts: Facts, s: Sentence, k: int) -> Target | None:
    """What an indicator weighs in the headline index."""
    number, (start, _) = s.numbers[k], s.zones[k]
    of = [m for m in s.of("variable") if start <= m.start < number.start]
    codes = [code for m in of for code in m.value if code in facts.own_indicators]
    is_weight = _dimension(number.unit) == "share" and RE["WEIGHT"].search(s.text[: number.start])
    if not is_weight or len(of) > 1 or not codes or s.of("city", "place"):
        return None
    years = [facts.scope.last_year]
    return Target([("nation", f"weight_percent {code}") for code in codes], [("",)], years, unit=number.unit)


def widened(s: Sentence, number: Number, target: Target) -> Target:
    """What a number may be if its own words were misread: of any place, year and measure that the sentence names."""
    was = s.before
    places = dict.fromkeys([*target.places, *target.others, *(tuple(m.value) for m in s.of("city", "place"))])
    years = [*target.years, *target.bases, *(m.value for m in s.of("year")), was.year, was.since, was.or_year]
    years += [year + then for m in RE["AGO"].finditer(s.text) for year in years if year and (then := _ago(m[0]))]
    of = [*s.of("variable"), *([was.content] if was.content and was.content.kind == "variable" else [])]
    subjects = dict.fromkeys([*target.subjects, *(("value", code) for m in of for code in m.value)])
    every = [year for year in dict.fromkeys(years) if year]
    is_said = any(one.text == number.text for one in s.numbers if one is not number)
    ways = ("since", "apart", "part")[: 3 if number.significant >= LIKELY else 2]
    ways = ways if is_said or number.significant < LIKELY else ("level", *ways)
    ways = ("part",) if _dimension(number.unit) == "times" else ways
    return replace(target, subjects=[*subjects], places=[*places], others=(), years=every, bases=every, ways=ways)


def loosely(facts: Facts, s: Sentence, number: Number) -> Target | None:
    """What a number may be whose own words leave it open: of a city before it, and any measure of its unit."""
    was, cities = s.before, [tuple(m.value) for m in reversed(s.of("city")) if m.end <= number.start]
    places = cities or [one for one in (was.cities, was.document_cities) if one]
    measures = [*s.of("variable", "score", "rank"), *([was.content] if was.content else [])]
    subjects = [("value" if m.value else m.kind, code) for m in measures for code in m.value or [facts.scope.index]]
    fits = [one for one in subjects if _dimension_fits(facts.unit_of(one), number.unit)]
    years = [m.value for m in s.of("year")] or ([was.year] if was.year else [])
    is_of_range = RE["SPREAD"].search(s.text) and RE["EXTREME"].search(s.text)
    if not places or not fits or not years or is_wide(places[0][0]) or is_of_range:
        return None
    loose = Target(fits, places, years, unit=number.unit, is_sure=False, is_dated=bool(s.of("year")))
    target = widened(s, number, loose)
    return replace(target, ways=("level", "since", "apart", "part"))


def statistic(s: Sentence, k: int) -> str:
    """Whether a number is the standard error, or an end of the interval, of the estimate before it."""
    left = s.text[: s.numbers[k].start]
    if RE["OF_SE"].search(left):
        return "se"
    follows = k + 1 < len(s.numbers) and RE["RANGE"].match(s.gap(s.numbers[k].end, s.numbers[k + 1].start))
    if follows and (RE["OF_CI"].search(left) or (k and left.rstrip().endswith("(") and s.of("nation"))):
        return "lo"
    return (
        "hi"
        if k and RE["RANGE"].match(s.gap(s.numbers[k - 1].end, s.numbers[k].start)) and statistic(s, k - 1) == "lo"
        else ""
    )


def _dimension(unit: Unit | None) -> str:
    return unit.dimension if unit is not None else ""


def _is_ordinal(s: Sentence, number: Number) -> bool:
    """Whether a number is a place, and not how many places: 第5位, 5th, place 5."""
    left = s.text[: number.start]
    return number.is_rank and bool(RE["RANK_BEFORE"].search(left) or RE["ORDINAL"].search(s.text[: number.end]))


def _ways(facts: Facts, s: Sentence, k: int, target: Target, *, change: bool) -> list[str]:
    """How the number may come from published figures, the likeliest way first."""
    number, text = s.numbers[k], s.text
    start, end = s.zones[k]
    left, dimension = text[: number.start], _dimension(number.unit)
    subject = target.subjects[0]
    published_dimension = facts.unit_of(subject).dimension
    is_level = RE["LEVEL_ZH"].search(left) or _is_ordinal(s, number) or RE["TO"].search(left)
    if len(target.places) > 1 and dimension != "times" and RE["TOGETHER"].search(text[: end + 4]):
        return ["together"]
    if dimension == "rank" or subject[0] == "rank":
        if change and not is_level:
            return ["since", "apart"]
        if subject[0] == "value":
            return ["rank_within", "level"]
        return ["rank_within"] if RE["IN_PROVINCE"].search(left[start:]) else ["level"]
    if RE["SPREAD"].search(left) and RE["EXTREME"].search(left) and subject[0] == "score":
        return []  # from the first or the last of all
    if RE["SPREAD"].search(left) and (target.others or len(target.places) > 1) and dimension != "share":
        return ["apart", "since", "level"]
    parts = ["part"] if target.others or target.bases or len(target.places) > 1 else []
    if _multiplied(s, number):
        return ["share"]
    if dimension == "times":
        return [
            *parts,
            *(["since", "apart"] if change else []),
            *(["level"] if published_dimension in ("", "share") else []),
        ]
    if subject[0] == "points":
        return ["level", "since", "apart"]
    if change and not is_level:
        apart = RE["APART"].search(left[start:]) or RE["APART_AFTER"].match(text, number.end)
        return ["apart", "since"] if apart and (target.others or len(target.places) > 1) else ["since", "apart"]
    if dimension == "share" and published_dimension != "share":
        if _compared(s, number):
            return ["part"]
        return ["share"] if RE["SHARE"].search(text[max(0, start - 1) : end]) else []
    return ["level"]


def _wholes(facts: Facts, s: Sentence, k: int, content: Mention | None) -> tuple[list[Subject], bool]:
    """What a share may be a share of, and whether the words beside it say so."""
    start, end = s.zones[k]
    if whole := _multiplied(s, s.numbers[k]):
        return [("value", code) for code in whole.value], True
    named = [m for m in s.of("variable") if m is not content]
    zone_variables = [m for m in named if start <= m.start < end]
    others = zone_variables or [m for m in named if m.start < start]
    wholes = [("value", code) for m in reversed(others) for code in m.value]
    if s.before.content is not None and not zone_variables:
        wholes += [("value", code) for code in s.before.content.value or () if s.before.content.kind == "variable"]
    is_said = RE["THEREOF"].search(s.text) or RE["OF_SAME"].search(s.text[start:end])
    return wholes, bool(zone_variables) or (bool(wholes) and bool(is_said))


def _of_all(
    facts: Facts, s: Sentence, k: int, target: Target, content: Mention | None, *, change: bool
) -> Target | None:
    """Means, medians, inequality: of all cities, of a group or province, of cities that are named; or the distance of a
    city from them."""
    number, text, unit = s.numbers[k], s.text, s.numbers[k].unit
    name = target.subjects[0][1]
    mean = name in ("mean_100", "median_100")
    zone = text[s.zones[k][0] : number.start]
    if RE["OWN_PROVINCE"].search(text[: number.start]) or (not mean and RE["NO_LEVEL_OF_ALL"].search(zone)):
        return None
    if name == "median_100" and change and RE["MEAN"].search(zone):  # less than the mean
        return None
    of_part = name == "theil" or (name == "gini" and len(s.of("place")) > 1)
    if of_part and RE["BETWEEN_TWO"].search(zone if name == "theil" else text[: number.start]):
        return None
    spread, ratio = RE["SPREAD"].search(text[: number.start]), _dimension(unit) in ("times", "share")
    if len(wide := [place for place in target.places if is_wide(place[0])]) > 1 or target.others:
        wide_others = [*target.others, *wide[1:]]
        if wide and mean and (spread or ratio):
            ways = ["part"] if ratio else ["apart", "since", "level"]
            return replace(target, places=wide[:1], others=wide_others, ways=ways)
    of_type = name.endswith("lagging_percent")
    if name.endswith("percent") and not of_type and RE["OF_THEIL"].search(text):  # not of the Gini coefficient
        return None
    schemes = [] if of_type else [one for one, pattern in words()["schemes"].items() if re.search(pattern, text)]
    if name.endswith("percent") and not of_type and RE["OTHER_GROUPS"].search(text):  # than those of the headline
        if len(schemes) != 1:
            return None
        target = replace(target, subjects=[("nation", f"{name} {schemes[0]}")])
    if name.endswith("percent") and _dimension(unit) == "share":
        dated = bool(s.of("year") or s.before.year)
        of = wide[:1] if of_type and wide and s.of("place") else [("",)]
        return replace(target, places=of, others=[], ways=["level"], is_sure=dated and not target.is_other)
    if name == "mean_100" and change and _dimension(unit) == "share":
        return replace(target, places=[("",)], others=[], ways=["since"]) if not wide else None
    points = _dimension(unit) == "points" or (unit is None and bool(number.decimals) and change)
    if not points and (number.decimals < (1 if mean else 2 - bool(wide)) or unit is not None):
        return None
    if mean and (cities := s.of("city")) and points and change:  # higher than the mean
        here = [place for place in target.places if not is_wide(place[0])] or [tuple(cities[0].value)]
        others = [*target.others, *wide] if target.others or wide else [("",)]
        return replace(target, subjects=[("score", facts.scope.index)], places=here[:1], others=others, ways=["apart"])
    is_sure = bool(s.of("year") or RE["SAME_TIME"].search(text) or (wide and s.before.year))
    is_sure = is_sure and not (s.of("city") or RE["ADJUSTED"].search(text) or target.is_other)
    named = [m for m in s.of("place") if m.start < number.start or RE["NEXT_TO"].fullmatch(s.gap(number.end, m.start))]
    places = wide if wide and named else [("",)]
    over = [*target.others, *wide[1:], ("",)] if wide else []
    ways = ["since", "apart"] if change else ["level"]
    return replace(target, places=places[:1], others=over, ways=ways, is_sure=is_sure)


def _content(facts: Facts, s: Sentence, k: int, listed: dict[str, Mention]) -> tuple[Mention | None, bool]:
    """The word that says what is measured, and whether nothing else is named between it and the number."""
    if "content" in listed:
        return listed["content"], True
    number = s.numbers[k]
    content = _nearest(facts, s, number, number.unit)
    if content is None:
        is_carried = not s.of(*CONTENT) and _leans(facts, s, k)
        return (s.before.content if is_carried else None), True
    is_rural = RE["RURAL"].search(s.text[s.zones[k][0] : number.start])
    return content, content.kind != "variable" or bool(is_rural) or content.end > number.start or not _other_noun(
        s, content, number
    )


def _places(s: Sentence, k: int, listed: dict[str, Mention]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Whose figure a number may be, and which others it may be compared with, the likeliest first."""
    number, text = s.numbers[k], s.text
    start, end = s.zones[k]
    named = s.in_view(number, s.of("city", "place"))

    def is_owner(m: Mention) -> bool:  # 无锡的5亿元, Wuxi's 5
        return m.end <= number.start and bool(RE["OWNED"].fullmatch(s.gap(m.end, number.start)))

    if _dimension(number.unit) in ("times", "share") and (pair := _compared(s, number)):
        return [pair[0]], [pair[1]]
    objects = [m for m in named if s.is_object(m) and not is_owner(m)]
    subjects = [m for m in named if m not in objects]
    others = [m for m in objects if start <= m.start < end]
    left = text[: number.start]
    if not others and (RE["SPREAD"].search(left) or RE["RATIO_OF"].search(left) or RE["APART"].search(left, start)):
        others = [m for m in objects if m.end <= number.start]
    if "place" in listed:
        place_mentions = [listed["place"]]
    elif direct := [
        m
        for m in named
        if number.end <= m.start < end
        and m not in objects
        and (RE["NEXT_TO"].fullmatch(gap := s.gap(number.end, m.start)) and (gap.strip() or number.is_rank))
    ]:
        place_mentions = direct[:1]
    else:
        place_mentions, away = s.named(k, subjects)
        if place_mentions and away == 0 and any(m.end <= number.start for m in place_mentions):
            place_mentions = [m for m in place_mentions if m.end <= number.start]
        if away > 0:
            place_mentions = place_mentions if RE["TOGETHER"].search(text) else [*subjects[:1], place_mentions[-1]]
        elif away < 0 and place_mentions and re.search(r"[,，;；(]", s.gap(number.end, place_mentions[0].start)):
            before = [s.before.cities] if s.before.cities else []
            return list(dict.fromkeys([*before, tuple(place_mentions[0].value)])), [tuple(m.value) for m in others]
    if RE["TOGETHER"].search(text[start : number.start]) and not any(start <= m.start for m in place_mentions):
        all_named = list(dict.fromkeys(tuple(m.value) for m in s.of("city") if m.end <= number.start))
        if len(all_named) > 1:
            return all_named, []
    group = list(dict.fromkeys(tuple(m.value) for m in s.of("city") if m.end <= number.start)) or s.before.listed
    both = next(reversed(list(RE["BOTH"].finditer(text[:end]))), None)
    if both and len(group) > 1 and "place" not in listed and not any(m.start > both.start() for m in place_mentions):
        return list(group[: count_of(both["n"] or both["n_en"] or "2")]), [tuple(m.value) for m in others]
    places = list(dict.fromkeys(tuple(m.value) for m in reversed(place_mentions)))
    if not places:
        spoken_of = (s.before.cities, *s.before.listed[:2], s.before.document_cities)
        places = list(dict.fromkeys(one for one in spoken_of if one))
    return places, [tuple(m.value) for m in others if tuple(m.value) not in places[:1]]


def _years(s: Sentence, k: int, listed: dict[str, Mention], *, change: bool) -> tuple[list[int], list[int], bool]:
    """Of which year a number may be, the years that a change may be counted from, and whether its sentence says so."""
    if "year" in listed:
        return [listed["year"].value], [], True
    number, text, years = s.numbers[k], s.text, s.of("year")
    start, end = s.zones[k]
    left = text[: number.start]
    owned = {  # 2012年的5亿元
        m: n for m in years for n in s.numbers if m.end <= n.start and RE["OWNED"].fullmatch(s.gap(m.end, n.start))
    }
    is_multiple = _dimension(number.unit) == "times"  # 是2015年的1.6倍
    of_base = [m for m in years if (is_multiple if owned.get(m) is number else s.is_base(m))]
    plain = [m for m in years if m not in of_base]
    year_mentions, away = s.named(k, [m for m in plain if owned.get(m, number) is number])
    own_base = [m.value for m in of_base if start <= m.start < end]
    now = [m.value for m in reversed(year_mentions)]
    if away:
        now += [m.value for m in plain[:1] if m.end <= number.start]
    if s.before.year is not None and (not now or away < 0):
        now.append(s.before.year)
    if s.before.or_year is not None and not plain:
        now.append(s.before.or_year)
    ago, apart = _ago(text[start:end]), [m for m in plain if m not in year_mentions]
    if ago is not None and now and not change:
        return list(dict.fromkeys(y + ago for y in now)), [], True
    since = [*own_base]
    if not since:
        since = [y + then for m in RE["AGO"].finditer(left) for y in now if (then := _ago(m[0]))]
        since += [m.value for m in [*reversed(of_base), *apart]] + ([s.before.since] if s.before.since else [])
        if not RE["SAME_TIME"].search(text):
            since += [y - 1 for y in now]
    if not change:
        if (RE["FROM"].search(left) or RE["WHEN"].match(text[start:end])) and (own_base or away):
            now = [*since, *now]
        elif own_base and away:
            now = [*now, *own_base]
        if RE["TO"].search(left) and away:
            late = [y - then for m in RE["AGO"].finditer(left) for y in now if (then := _ago(m[0]))]
            now = [*([s.before.year] if s.before.year else []), *now, *late]
    is_dated = any(start <= m.start < end for m in year_mentions) or _is_year_of_all(s, years)
    return list(dict.fromkeys(now)), list(dict.fromkeys(since)), is_dated


def _is_year_of_all(s: Sentence, years: Sequence[Mention]) -> bool:
    """Whether the one year of a sentence stands before all its numbers."""
    return len({m.value for m in years}) == 1 and years[0].start < s.numbers[0].start and not s.is_base(years[0])


def _ago(text: str) -> int | None:
    """How many years before the year of the sentence (negative), or behind: 上年, five years earlier, 一年后."""
    for match in RE["AGO"].finditer(text):
        n = 1 if match["last"] else count_of(match["n"] or match["n_en"])
        if n:
            return n if match["later"] or match["later_en"] else -n
    return None


def _direction(s: Sentence, k: int) -> int:
    """1 where a number is said to rise, -1 to fall."""
    number = s.numbers[k]
    left = s.text[: number.start].rstrip()
    sign = -1 if number.value < 0 else 1
    if (number.value < 0 or left.endswith("+")) and not RE["FALLING"].search(left) and not number.is_rank:
        return sign
    return sign * (bool(RE["RISING"].search(left)) - bool(RE["FALLING"].search(left)))


def _leans(facts: Facts, s: Sentence, k: int) -> bool:
    """Whether what is measured may be that of the sentence before: in Jiaxing it was 5.06 billion yuan."""
    number, content = s.numbers[k], s.before.content
    if content is None or not _names_nothing(s, number):
        return False
    dimension = _dimension(number.unit)
    if dimension == "times" and len(s.of("city")) == 2:
        return True
    if content.kind == "variable" and number.unit is not None:
        return facts.unit_of(("value", content.value[0])).dimension == dimension or not dimension
    if content.kind == "variable" and number.unit is None and number.significant >= LIKELY:
        return facts.unit_of(("value", content.value[0])).dimension == "count"
    return content.kind == "score" or bool(RE["IN_BRACKETS"].search(s.text[: number.start]))


def _names_nothing(s: Sentence, number: Number) -> bool:
    """Whether no word before a number names something that is not recognised, nor was named so before."""
    return all(noun[0].lower() in s.before.phrase.lower() for noun in NOUNS.finditer(_rest(s, 0, number)))


def _rest(s: Sentence, start: int, number: Number, kinds: tuple[str, ...] = ()) -> str:
    """What stands before a number without what is recognised, or only that of some kinds, and without small words."""
    text = s.text[: number.start]
    named = s.of(*kinds) if kinds else s.mentions
    for begin, end in [*((m.start, m.end) for m in named), *((n.start, n.end) for n in s.numbers)]:
        text = text[:begin] + " " * (min(end, number.start) - begin) + text[end:]
    for name in ("ANNUAL", "CHANGED", "PASSING"):
        text = text[:start] + RE[name].sub(" ", text[start:])
    return text[start:]


def _compared(s: Sentence, number: Number) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The two cities of a share or multiple: A is 70 % of B, 是B的三分之一; A may stand in the sentence before."""
    named = s.of("city", "place")
    for k, m in reversed(list(enumerate(named))):
        behind = m.start >= number.end and RE["PART_AFTER"].fullmatch(s.gap(number.end, m.start))
        ahead = m.end <= number.start and RE["PART_BEFORE"].fullmatch(s.gap(m.end, number.start))
        if behind or (ahead and (_dimension(number.unit) == "times" or RE["EQUALS"].search(s.text[: m.start]))):
            clause = max((c.end() for c in re.finditer("[,，;；]", s.text[: number.start])), default=0)
            before = [one for one in named[:k] if one.value != m.value]
            others = [one for one in before if one.start >= clause] or before[:1]
            first = tuple(others[-1].value) if others else s.before.cities
            return (first, tuple(m.value)) if first else None
    return None


def _is_change(left: str, right: str) -> bool:
    words = ("CHANGE_ZH", "CHANGE_EN", "CHANGE_BY")
    return any(RE[name].search(left) for name in words) or bool(RE["CHANGE_AFTER"].match(right))


def _changes(s: Sentence, k: int) -> bool:
    """Whether a number is a change, by its own words or those of the number before: A gained 5 points and B 3."""
    number = s.numbers[k]
    left = s.text[: number.start]
    if _is_change(left, s.text[number.end :]):
        return True
    if not k:
        return False
    gap = s.gap(s.numbers[k - 1].end, number.start)
    return bool(RE["ALIKE"].fullmatch(gap)) and _changes(s, k - 1)


def _nearest(facts: Facts, s: Sentence, number: Number, unit: Unit | None) -> Mention | None:
    """The word that says what is measured."""
    best, cost = None, 1e9
    k = s.numbers.index(number)
    is_behind = _is_before_name(s, number)
    of_others = s.zones[k][0] if not k or not _is_before_name(s, s.numbers[k - 1]) else number.start
    is_of_two = any("coupling" in m.value for m in s.of("variable"))  # the degree between the forces and relations
    for mention in s.of(*CONTENT):
        if is_of_two and mention.kind == "index":
            continue
        if is_behind and mention.kind == "nation" and (mention.start < of_others or mention.value == ("gini",)):
            continue
        joined = (m.start for m in s.of("index") if m.end <= mention.start and not s.gap(m.end, mention.start).strip())
        left = s.text[: next(joined, mention.start)]
        of_all = s.of("nation") and re.search(r"\b(?:of|in)\s+(?:the\s+)?(?:\d{4}\s+)?$", left)
        if mention.kind in ("score", "index") and (
            of_all or any(m.end <= mention.start and not s.gap(m.end, mention.start).strip() for m in s.of("nation"))
        ):
            continue  # the Gini coefficient of the scores
        if len(s.of(*CONTENT)) > 1 and RE["DENOMINATOR"].search(left):
            continue  # 30 % of GDP
        if mention is _multiplied(s, number):
            continue  # 1.2 times its GDP
        if mention.kind == "other" and RE["WEIGHTS_OF_SPACE"].search(left):
            continue
        if mention.kind in ("score", "index") and RE["LOG_OF"].search(left):
            continue  # the standard deviation of the log score
        if mention.end <= number.start:
            gap = s.gap(mention.end, number.start)
            signs = len(re.findall(r"[,，;；。:：]", gap))
            distance = len(gap) + 25 * signs + 40 * s.between(mention.end, number.start)
        else:
            gap = RE["ASIDE"].sub("", s.gap(number.end, mention.start))
            if (RE["NUMBER"].search(gap) and s.between(number.end, mention.start)) or re.search(r"[,，;；。]", gap):
                continue
            direct = re.fullmatch(r"\s*(?:的|个|件|家|项|of|in|were|was)?\s*(?:its\s+)?", gap)
            distance = 3 + len(gap) if direct else 60 + len(gap) + 40 * len(re.findall(r"[:：]", gap))
        is_part = _dimension(unit) == "points" and facts.own_indicators & set(mention.value or ())
        if unit is not None and not is_part and not _unit_fits(mention, unit):
            distance += 200
        elif mention.kind == "variable":  # in a unit that it has not, and that of a clause before
            has = [facts.unit_of(("value", code)) for code in mention.value]
            is_before = re.search("[,，]", gap)
            distance += 0 if any(_dimension_fits(one, unit) for one in has) else 100 if is_before else 40
        if mention.kind == "variable" and mention.end <= number.start and _other_noun(s, mention, number):
            distance += 100
        if distance < cost:
            best, cost = mention, distance
    return best


def _is_before_name(s: Sentence, number: Number) -> bool:
    """Whether the measure of all cities that it is follows: 23 % to gaps within them."""
    behind = (s.gap(number.end, m.start) for m in s.of("nation") if m.start >= number.end)
    return any(not RE["PARTED"].search(gap) for gap in behind)


def _is_of_other_unit(facts: Facts, s: Sentence, number: Number, content: Mention | None) -> bool:
    """Whether the amount before a growth rate is not in the unit of its measure: employed persons earned 100 yuan."""
    if content is None or content.kind != "variable" or _dimension(number.unit) != "share":
        return False
    amounts = [n.unit for n in s.numbers if content.end <= n.start < number.start and _dimension(n.unit) in AMOUNTS]
    units = [facts.unit_of(("value", code)) for code in content.value]
    return bool(amounts) and not any(_dimension_fits(unit, amounts[-1]) for unit in units)


def _is_ratio_of_neighbours(s: Sentence, k: int) -> bool:
    """Whether a multiple is that of the figures beside it: 49,318 yuan, 2.05 times the 24,067 of rural residents."""
    before, number, after = ([None, *s.numbers, None])[k : k + 3]
    if number is None or before is None or after is None or not after.value:
        return False
    is_next = RE["TIMES_NEXT"].fullmatch(s.gap(number.end, after.start))
    return bool(is_next) and rounds(number.value, before.value / after.value, number.decimals)


def _multiplied(s: Sentence, number: Number) -> Mention | None:
    """The other measure that something is a multiple of: 1.2 times its GDP, 是地区生产总值的1.2倍."""
    if _dimension(number.unit) != "times":
        return None
    of = s.of("variable")
    for k, m in enumerate(of):
        is_behind = m.start >= number.end and RE["MULTIPLIED_EN"].fullmatch(s.gap(number.end, m.start))
        is_before = m.end <= number.start and RE["MULTIPLIED_ZH"].fullmatch(s.gap(m.end, number.start))
        if (is_behind or is_before) and any(one.value != m.value for one in of[:k]):
            return m
    return None


def _other_noun(s: Sentence, mention: Mention, number: Number) -> bool:
    """Whether the last clause before the number names something else, which is not published."""
    clauses = re.split(r"[,，;；:：、]", _rest(s, mention.end, number))
    return len(clauses) > 1 and bool(NOUN.search(clauses[-1]))


def _is_next(s: Sentence, mention: Mention, number: Number) -> bool:
    """Whether nothing but cities, years and small words stands between a word and its number."""
    return mention.start >= number.end or not NOUN.search(
        _rest(s, mention.end, number, ("city", "year", "place", "index"))
    )


def _unit_fits(mention: Mention, unit: Unit) -> bool:
    """A first look: points and ranks are of indexes, the rest of variables."""
    if unit.dimension in ("rank", "places"):
        return mention.kind in ("rank", "index", "score", "variable")
    return mention.kind in ("variable", "other") or unit.dimension in ("", "share", "difference", "times")


def _subjects(facts: Facts, s: Sentence, number: Number, content: Mention | None) -> list[Subject]:
    """What may be meant; nothing where it is not a figure of the file."""
    dimension = number.unit.dimension if number.unit else ""
    indexes = _indexes(facts, s, number)
    scores: list[Subject] = [("score", index) for index in indexes]
    ranks: list[Subject] = [("rank", index) for index in indexes]
    if content is None:
        if not s.of("city", "place") and not _names_nothing(s, number):
            return []
        behind = [m for m in s.of("city") if s.gap(m.end, number.start).strip() == "("]
        is_top = behind and RE["TOP"].match(s.text[: s.of("city")[0].start])
        if dimension == "" and number.decimals and (is_top or any(o.unit == UNITS["points"] for o in s.numbers)):
            return scores
        return scores if dimension == "points" else ranks if dimension in ("rank", "places") else []
    if content.kind == "other":
        return []
    if dimension in ("rank", "places") or number.is_rank:
        measured = [m for m in s.of("variable", "score", "index") if m.end <= number.start] or [content]
        if measured[-1].kind == "variable":
            return [*(("value", code) for code in measured[-1].value), *ranks]
        return [] if content.kind in ("variable", "nation") else ranks
    if content.kind == "variable":
        codes = list(content.value)
        if RE["RURAL"].search(
            _clause(s, number)[content.end - number.start :] + _behind(s, number)
        ):  # urban 3, rural 2
            codes = [code for one in codes if (code := one.replace("_urban", "_rural")) in facts.units]
        if dimension == "times" and "income_urban" in content.value and RE["RURAL"].search(_behind(s, number)):
            return []  # urban income is 2.4 times the rural one
        subjects: list[Subject] = [("value", code) for code in codes]
        if subjects == [("value", "gdp_nom")] and RE["A_HEAD"].search(_clause(s, number)):
            subjects = [("value", "gdp_per_capita_nom")] if "gdp_per_capita_nom" in facts.units else []
        fits = [one for one in subjects if _dimension_fits(facts.unit_of(one), number.unit)]
        is_points = dimension == "points" or (
            not dimension and number.decimals and RE["CONTRIBUTES"].search(_clause(s, number))
        )
        if is_points and s.of("city") and (indicators := facts.own_indicators & set(codes)):
            return [("points", code) for code in indicators]
        return fits or subjects
    if content.kind == "nation":
        return [("nation", content.value[0])]
    if content.kind == "rank":
        if dimension == "points" or (dimension == "" and number.decimals):
            return scores
        if dimension == "places":
            return ranks
        return ranks if dimension == "" and _is_next(s, content, number) else []
    is_size = dimension == "points" or (not dimension and (number.decimals or number.value <= MOST_POINTS))
    return scores if is_size or dimension in ("share", "difference", "times") else []


def _behind(s: Sentence, number: Number) -> str:
    """What follows a number up to the next sign."""
    return re.split("[,，;；。、]", s.text[number.end : s.zones[s.numbers.index(number)][1]])[0]


def _clause(s: Sentence, number: Number) -> str:
    """The sentence up to a number, since the last full stop of a clause."""
    return re.split("[;；]", s.text[: number.start])[-1]


def _dimension_fits(fact_unit: Unit, unit: Unit | None) -> bool:
    return unit is None or not unit.dimension or fact_unit.dimension == unit.dimension


def _indexes(facts: Facts, s: Sentence, number: Number) -> list[str]:
    """The index whose score or rank is meant: named before, else after, else the headline or what is carried."""
    indexes = s.of("index")
    before = [mention for mention in indexes if mention.end <= number.start]
    wholes = [b for a, b in pairwise(before) if RE["PART_OF"].fullmatch(s.gap(a.end, b.start))]
    before = [mention for mention in before if mention not in wholes]
    beside = next((m for m in indexes if RE["POINTS_ON"].fullmatch(s.gap(number.end, m.start))), None)
    chosen = beside or before[-1] if beside or before else indexes[0] if indexes else None
    if chosen is not None:
        return [str(chosen.value[0])]
    return list(dict.fromkeys([facts.scope.index, s.before.index or facts.scope.index]))


def _rank_range(s: Sentence, k: int) -> str | None:
    """ "low" or "high" where the number is an end of a range of ranks, 8 to 15."""
    numbers = s.numbers
    for a, b, end in ((k, k + 1, "low"), (k - 1, k, "high")):
        if a >= 0 and b < len(numbers) and RE["RANGE"].match(s.gap(numbers[a].end, numbers[b].start)):
            left = s.text[: numbers[a].start]
            alike = numbers[a].unit in (None, numbers[b].unit) and not numbers[a].decimals
            change = RE["FROM"].search(left) or RE["CHANGE_ZH"].search(left)
            if alike and not change and numbers[a].value <= numbers[b].value:
                return end
    return None


def of_cell(facts: Facts, heads: Sequence[Sentence], number: Number, carried_in: Context) -> Target | None:
    """What a figure of a table should be: city, year, subject and unit from the heads, the strongest first."""

    def first(*kinds: str) -> list[Mention]:
        return next((head_mentions for head in heads for kind in kinds if (head_mentions := head.of(kind))), [])

    near = [m for head in heads[:2] for m in head.of("city")] or [m for head in heads[:2] for m in head.of("place")]
    place = tuple((near or first("city", "place"))[0].value) if near or first("city", "place") else carried_in.cities
    plain = [[m.value for m in head.of("year") if not head.is_base(m)] for head in heads]
    year = next((values[-1] for values in plain if values), carried_in.year)
    bases = next(
        (base_years for head in heads if (base_years := [m.value for m in head.of("year") if head.is_base(m)])), []
    )
    unit = number.unit or next((stated for head in heads if (stated := unit_in_head(head.text))), None)
    index = next((str(m.value[0]) for head in heads for m in head.of("index")), carried_in.index or facts.scope.index)
    parts = _parts(facts, heads) if place and not is_wide(place[0]) and index == facts.scope.index else []
    if parts:
        of_row = unit if parts[0][0] == "value" else number.unit  # the head of a row has the unit of the indicator
        return Target(parts, [place], [year] if year else [], unit=of_row)
    level = next((k for k, head in enumerate(heads) if head.of(*CONTENT)), len(heads))
    named = heads[level].of(*CONTENT) if level < len(heads) else []
    order = ("rank", "score", "variable", "nation", "other", "index")[1 if number.decimals else 0 :]
    chosen = next((m for kind in (*order, "rank") for m in named if m.kind == kind), None)
    is_assumed = bool(near) and level > 1 and number.decimals > 0 and any(plain[:2]) and all(map(_is_plain, heads[:2]))
    if is_assumed and (chosen is None or chosen.kind != "variable"):
        return Target([("score", index)], [place], [year] if year else [], unit=unit, is_assumed=True)
    if chosen is None or chosen.kind == "other":
        return None
    is_sure = all(_is_plain(head) for head in heads[: max(level + 1, 2)][:2]) and not any(
        m.kind in ("variable", "other") for head in heads[level + 1 : 2] for m in head.mentions
    )
    target = Target([], [place] if place else [], [year] if year else [], unit=unit, is_sure=is_sure)
    wide = bool(place) and is_wide(place[0])
    if chosen.kind == "variable":
        target.subjects = [("value", code) for code in chosen.value]
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
    if wide:
        is_mean = target.subjects == [("score", facts.scope.index)]
        target.subjects = [("nation", "mean_100")] if is_mean else target.subjects
        target.is_sure = is_sure and is_mean and "_of_" in place[0]
    words = " ".join(head.text for head in heads[:2])
    says_so = bool(RE["CHANGE_HEAD"].search(words))
    if says_so or number.text.startswith(("+", "-")):
        target.ways, target.is_annual = ["since"], bool(RE["ANNUAL"].search(words))
        target.bases = bases or ([target.years[0] - 1] if target.years else [])
        in_unit = unit is not None or target.subjects[0][0] != "value"
        other = any(m.kind == "other" for head in heads[:2] for m in head.mentions)
        target.is_sure = says_so and bool(bases) and in_unit and not other
        target.is_other = not target.is_sure
    elif _dimension(unit) == "share" and RE["SHARE"].search(words):
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


def _is_plain(head: Sentence) -> bool:
    """Whether a head says nothing but what was recognised in it: a city, a year, what is measured, in which unit."""
    text = list(head.text)
    for m in head.mentions:
        text[m.start : m.end] = " " * (m.end - m.start)
        if m.kind == "year" and head.is_base(m):
            return False
    rest = RE["NEUTRAL"].sub(" ", "".join(text))
    return not re.search(r"[\u4e00-\u9fff]{2}|[A-Za-z]{3}|[+%]\s*\d", rest)
