"""A sentence with what was recognised in it: which words belong to a number, what the next sentence may leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from dagster_project.publish.check.facts import Unit
from dagster_project.publish.check.recognise import RE, Mention, Number, count_of

CONTENT = ("variable", "index", "score", "rank", "nation", "other")
SECTORS = ("primary", "secondary", "tertiary")
NOUNS = re.compile(r"[\u4e00-\u9fff]{2,}|[A-Za-z]{4,}")
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
    document_year: int | None = None  # the newest that it names


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
        if RE["EQUALS"].search(before) and RE["OF_IT_ZH"].match(after.removeprefix("年")):
            return True  # 相当于2012年33.57分的2.15倍
        if RE["SEEN"].match(after):
            return False  # 从2021年的构成看
        return bool(any(year is a for a, _ in self.ranges) or RE["BASE"].search(before) or RE["SINCE"].match(after))

    def is_object(self, place: Mention) -> bool:
        """Whether another one is compared with it: higher than Wuxi, 比无锡高."""
        if RE["EQUALS"].search(self.text[: place.start]) and RE["OF_IT_ZH"].match(self.text, place.end):
            return True  # 相当于芜湖的7.4倍
        before = [m for m in self.of("city", "place") if m.end <= place.start][-1:]
        if before and RE["AND_OF"].fullmatch(self.gap(before[0].end, place.start)) and self.is_object(before[0]):
            return True  # 优于威海的28微克和青岛的26微克
        return bool(RE["OBJECT"].search(self.text[: place.start])) and not RE["WHICH"].match(self.text, place.end)

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
    first = min((number.start for number in sentence.numbers), default=len(sentence.text))
    if was.year and all(m.start > first for m in plain):
        plain = [m for m in plain if m.value > was.year]  # 80.5, and 12.7 in 2012
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


def side_by_side(s: Sentence) -> dict[int, dict[str, Mention]]:
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
                ends = {m.end for m in s.of("index")}  # the score of an index is one thing
                before = [m for m in s.of(*of) if m.end <= numbers[start].start]
                named, _ = s.named(start, [m for m in before if m.kind != "score" or m.start not in ends])
                listed = _last_list(named, s, n)
                if (
                    role == "content"
                    and len(listed) < n
                    and (is_stated or RE["BOTH"].search(s.text) or RE["ITEMS"].search(s.text))
                ):  # 2012年三者依次为
                    listed = [m for m in s.of(*of) if m.end <= numbers[start].start]
                    parts = [m for m in listed if m.kind == "index"]
                    listed = parts if len(parts) == n else listed
                if (
                    role == "place" and len(listed) != n and not is_stated
                ):  # A has 5 and B 3, compared with 4 and 2 in 2012
                    listed = _in_turn(s, start, n)
                    dated = [m for m in s.of("year") if numbers[end - 1].end <= m.start < s.zones[end - 1][1]]
                    for k in range(start, end if listed and dated else start):
                        results.setdefault(k, {})["year"] = dated[0]
                sectors = _sectors(s, start, end) if role == "content" else []
                listed = sectors or listed
                at = numbers[start].start
                of_year = [m for m in s.of("year") if m.end <= at and RE["OWNED"].fullmatch(s.gap(m.end, at))]
                for k in range(start, end if sectors and of_year else start):  # 由2012年的5.6:36.1:58.3
                    results.setdefault(k, {})["year"] = of_year[-1]
                if len(listed) == n and (is_stated or sectors or role == "place"):
                    for k, mention in enumerate(listed):
                        results.setdefault(start + k, {})[role] = mention
                        results[start + k]["first"] = Mention("number", *s.zones[start])
        start = end
    return results


def _sectors(s: Sentence, start: int, end: int) -> list[Mention]:
    """Primary, secondary and tertiary sector, where one word names all: 第一、二、三产业, 三次产业结构 5:33:61."""
    first = s.numbers[start]
    match = RE["SECTORS"].search(s.text[: first.start])
    if not match or end - start != len(SECTORS) or RE["EMPLOYED"].search(s.text[: first.start]) or is_changed(s, start):
        return []
    name = "va_{}_nom" if dimension_of(first.unit) == "money" else "{}_share"
    return [Mention("variable", *match.span(), (name.format(sector),)) for sector in SECTORS]


def _in_turn(s: Sentence, start: int, n: int) -> list[Mention]:
    """The n cities whose figures stand before a list that names none; nothing where there are more or fewer."""
    before = [m for m in s.of("city") if m.end <= s.numbers[start].start]
    is_bare = not any(s.zones[start][0] <= m.start < s.zones[start + n - 1][1] for m in s.of("city", "place"))
    return before if is_bare and len(before) == len({m.value for m in before}) == n else []


def _last_list(mentions: list[Mention], s: Sentence, n: int) -> list[Mention]:
    """The last n words that stand in one list."""
    run: list[Mention] = []
    for mention in mentions:
        joined = run and RE["JOINED"].fullmatch(s.gap(run[-1].end, mention.start))
        run = [*run, mention] if joined else [mention]
        if len(run) > n:
            run = run[-n:]
    return run


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


def dimension_of(unit: Unit | None) -> str:
    return unit.dimension if unit is not None else ""


def is_ordinal(s: Sentence, number: Number) -> bool:
    """Whether a number is a place, and not how many places: 第5位, 5th, place 5."""
    left = s.text[: number.start]
    return number.is_rank and bool(RE["RANK_BEFORE"].search(left) or RE["ORDINAL"].search(s.text[: number.end]))


def years_ago(text: str) -> int | None:
    """How many years before the year of the sentence (negative), or behind: 上年, five years earlier, 一年后."""
    for match in RE["AGO"].finditer(text):
        n = 1 if match["last"] else count_of(match["n"] or match["n_en"])
        if n:
            return n if match["later"] or match["later_en"] else -n
    return None


def direction_of(s: Sentence, k: int) -> int:
    """1 where a number is said to rise, -1 to fall."""
    number = s.numbers[k]
    left = s.text[: number.start].rstrip()
    sign = -1 if number.value < 0 else 1
    if (number.value < 0 or left.endswith("+")) and not RE["FALLING"].search(left) and not number.is_rank:
        return sign
    return sign * (bool(RE["RISING"].search(left)) - bool(RE["FALLING"].search(left)))


def names_nothing(s: Sentence, number: Number) -> bool:
    """Whether no word before a number names something that is not recognised, nor was named so before."""
    return all(noun[0].lower() in s.before.phrase.lower() for noun in NOUNS.finditer(rest_before(s, 0, number)))


def rest_before(s: Sentence, start: int, number: Number, kinds: tuple[str, ...] = ()) -> str:
    """What stands before a number without what is recognised, or only that of some kinds, and without small words."""
    text = s.text[: number.start]
    named = s.of(*kinds) if kinds else s.mentions
    for begin, end in [*((m.start, m.end) for m in named), *((n.start, n.end) for n in s.numbers)]:
        text = text[:begin] + " " * (min(end, number.start) - begin) + text[end:]
    for name in ("ANNUAL", "CHANGED", "PER_TEN", "PASSING"):
        text = text[:start] + RE[name].sub(" ", text[start:])
    return text[start:]


def compared_places(s: Sentence, number: Number) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The two cities of a share or multiple: A is 70 % of B, 是B的三分之一; A may stand in the sentence before."""
    named = s.of("city", "place")
    for k, m in reversed(list(enumerate(named))):
        if any(one.value == m.value for one in named[:k]):
            continue  # its own GDP
        is_whole = dimension_of(number.unit) == "share" and RE["OF_OWNER"].match(s.text, m.end)  # 60 % of its output
        behind = m.start >= number.end and not is_whole and RE["PART_AFTER"].fullmatch(s.gap(number.end, m.start))
        ahead = m.end <= number.start and RE["PART_BEFORE"].fullmatch(RE["ASIDE"].sub("", s.gap(m.end, number.start)))
        if behind or (ahead and (dimension_of(number.unit) == "times" or RE["EQUALS"].search(s.text[: m.start]))):
            clause = max((c.end() for c in re.finditer("[,，;；]", s.text[: number.start])), default=0)
            before = [one for one in named[:k] if one.value != m.value]
            others = [one for one in before if one.start >= clause] or before[:1]
            first = tuple(others[-1].value) if others else s.before.cities
            return (first, tuple(m.value)) if first else None
    return None


def _is_change(left: str, right: str) -> bool:
    words = ("CHANGE_ZH", "CHANGE_EN", "CHANGE_BY", "CHANGE_NOUN")
    return any(RE[name].search(left) for name in words) or bool(RE["CHANGE_AFTER"].match(right))


def is_changed(s: Sentence, k: int) -> bool:
    """Whether a number is a change, by its own words or those of the number before: A gained 5 points and B 3."""
    number = s.numbers[k]
    left = s.text[: number.start]
    if _is_change(left, s.text[number.end :]):
        return True
    if not k:
        return False
    start = s.numbers[k - 1].end
    gap = s.gap(start, number.start)
    for m in s.of(*CONTENT):  # one lost .1 and the other .2
        if start <= m.start and m.end <= number.start:
            gap = gap.replace(s.text[m.start : m.end], "")
    alike = number.unit is None or dimension_of(number.unit) == dimension_of(s.numbers[k - 1].unit)
    return alike and bool(RE["ALIKE"].fullmatch(gap)) and is_changed(s, k - 1)


def is_before_name(s: Sentence, number: Number) -> bool:
    """Whether the measure of all cities that it is follows: 23 % to gaps within them."""
    behind = (s.gap(number.end, m.start) for m in s.of("nation") if m.start >= number.end)
    return any(not RE["PARTED"].search(RE["STEMS"].sub("", RE["IN_YEAR"].sub("", gap), count=1)) for gap in behind)


def words_behind(s: Sentence, number: Number) -> str:
    """What follows a number up to the next sign."""
    return re.split("[,，;；。、]", s.text[number.end : s.zones[s.numbers.index(number)][1]])[0]


def clause_before(s: Sentence, number: Number) -> str:
    """The sentence up to a number, since the last full stop of a clause."""
    return re.split("[;；]", s.text[: number.start])[-1]


def rank_range(s: Sentence, k: int) -> str | None:
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
