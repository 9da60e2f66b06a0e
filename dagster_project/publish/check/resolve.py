"""What a number of a sentence is about: the words around it decide city, year and what is measured.

The rules, in short: the nearest word before a number counts, unless one follows it directly; a city after "than" or
比 is the other one; a year after "since" or 较 is that of the comparison; lists are laid side by
side (分别, respectively).
What the sentence leaves out is taken from the sentence before, then from the headings above.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from dagster_project.publish.check.facts import UNITS, Facts, Subject, Unit
from dagster_project.publish.check.recognise import RE, Mention, Number, unit_in_head, words_of
from dagster_project.publish.check.verdicts import LIKELY, Target, is_wide

CONTENT = ("variable", "index", "score", "rank", "nation", "other")
NOUN = re.compile(r"[\u4e00-\u9fff]{2}|[A-Za-z]{4}")
UP, APART = words_of("up"), words_of("apart")


@dataclass
class Context:
    """What a sentence may leave out."""

    cities: tuple[str, ...] = ()
    year: int | None = None
    since: int | None = None
    index: str = ""
    content: Mention | None = None
    or_year: int | None = None  # of the headings, where the text under them names another


@dataclass
class Sentence:
    """A sentence with what was recognised in it."""

    text: str
    mentions: list[Mention]
    numbers: list[Number]
    before: Context = field(default_factory=Context)

    def of(self, *kinds: str) -> list[Mention]:
        return [mention for mention in self.mentions if mention.kind in kinds]

    def is_base(self, year: Mention) -> bool:
        """Whether a change is counted from the year: since 2012, 2012年以来."""
        before, after = self.text[: year.start], self.text[year.end :]
        return bool(RE["BASE"].search(before) or RE["SINCE"].match(after))

    def gap(self, a: int, b: int) -> str:
        return self.text[a:b]

    def between(self, a: int, b: int) -> bool:
        """Whether another number stands between two places."""
        return any(a <= number.start < b for number in self.numbers)


def carried(sentence: Sentence) -> Context:
    """What the next sentence may leave out: what this one names, else what was carried into it."""
    was = sentence.before
    cities, years = sentence.of("city") or sentence.of("place"), sentence.of("year")
    subject = next((m for m in cities if not RE["OBJECT"].search(sentence.text[: m.start])), None)
    indexes = sentence.of("index")
    plain = [mention for mention in years if not sentence.is_base(mention)]
    return Context(
        tuple(subject.value) if subject else was.cities,
        max((mention.value for mention in plain), default=was.year),
        min((mention.value for mention in years), default=None) if len(years) > 1 else was.since,
        str(indexes[-1].value[0]) if indexes else was.index,
        next((replace(m, start=0, end=0) for m in reversed(sentence.of("variable", "score"))), was.content),
        None if plain else was.or_year,
    )


def targets(facts: Facts, sentence: Sentence) -> list[tuple[Number, Target]]:
    """Numbers of the sentence with what they should be; numbers that are about nothing published are left out."""
    if RE["MARGINAL"].search(sentence.text) or RE["COUNTIES"].search(sentence.text):
        return []
    lists = _side_by_side(sentence) | _sectors(facts, sentence)
    results = []
    for k, number in enumerate(sentence.numbers):
        target = _target(facts, *_without_asides(sentence, k), number, lists.get(k, {}))
        if target is not None:
            left, right = sentence.text[: number.start], sentence.text[number.end :]
            about = number.is_part or RE["ABOUT"].search(left) or RE["ABOUT_AFTER"].match(right)
            results.append((number, replace(target, is_about=bool(about))))
    return results


def _without_asides(s: Sentence, k: int) -> tuple[Sentence, int]:
    """The sentence as the number sees it, without what stands in brackets of its own year: 72.3 (2020: 68.7)."""
    number, text, spans = s.numbers[k], s.text, []
    for match in RE["ASIDE"].finditer(text):
        start, end = match.span()
        dated = RE["LAST_YEAR"].search(match[0]) or any(start < m.start < end for m in s.of("year"))
        if dated and s.between(start, end) and not start < number.start < end:
            spans.append((start, end))
            text = text[:start] + " " * (end - start) + text[end:]

    def is_outside(at: int) -> bool:
        return not any(start <= at < end for start, end in spans)

    if s.of(*CONTENT) and not any(is_outside(m.start) for m in s.of(*CONTENT)):
        return s, k
    numbers = [n for n in s.numbers if is_outside(n.start)]
    return Sentence(text, [m for m in s.mentions if is_outside(m.start)], numbers, s.before), numbers.index(number)


def _sectors(facts: Facts, s: Sentence) -> dict[int, dict[str, Mention]]:
    """Number -> share of its sector, where the three stand as a proportion: 4.5:52.6:42.8."""
    shares = [Mention("variable", 0, 0, (f"{name}_share",)) for name in ("primary", "secondary", "tertiary")]
    if not RE["SECTORS"].search(s.text) or any(share.value[0] not in facts.units for share in shares):
        return {}
    return {
        k + j: {"variable": share}
        for k in range(len(s.numbers) - 2)
        if all(RE["PROPORTION"].fullmatch(s.gap(a.end, b.start)) for a, b in pairwise(s.numbers[k : k + 3]))
        for j, share in enumerate(shares)
    }


def _side_by_side(sentence: Sentence) -> dict[int, dict[str, Mention]]:
    """Number -> the word of its place in a list: N cities, years or variables and then N figures."""
    results: dict[int, dict[str, Mention]] = {}
    numbers, start = sentence.numbers, 0
    while start < len(numbers):
        end = start + 1
        while end < len(numbers) and RE["LISTED"].match(sentence.gap(numbers[end - 1].end, numbers[end].start)):
            end += 1
        n = end - start
        if n > 1:
            is_list = bool(RE["SIDE_BY_SIDE"].search(sentence.text))
            for kinds in (("city",), ("city", "place"), ("year",), ("variable", "index", "score", "nation")):
                named = [m for m in sentence.of(*kinds) if m.end <= numbers[start].start]
                is_all = kinds[0] == "city" and len(named) == n and RE["BOTH"].search(sentence.text)
                listed = named if is_all else _last_list(named, sentence, n)
                if len(listed) == n and (is_list or kinds[0] == "city"):
                    is_object = named[0] not in listed and RE["OBJECT"].search(sentence.text[: listed[0].start])
                    for k, mention in enumerate(listed):  # 分别高于武汉、西安5亿元和3亿元: of another
                        kind = "object" if is_object and kinds[0] == "city" else mention.kind
                        results.setdefault(start + k, {})[kind] = mention
                    break
        start = end
    return results


def _last_list(mentions: list[Mention], sentence: Sentence, n: int) -> list[Mention]:
    """The last n words that stand in one list."""
    run: list[Mention] = []
    for mention in mentions:
        joined = run and RE["JOINED"].fullmatch(sentence.gap(run[-1].end, mention.start))
        run = [*run, mention] if joined else [mention]
        if len(run) > n:
            run = run[-n:]
    return run


def _target(facts: Facts, s: Sentence, k: int, number: Number, listed: dict[str, Mention]) -> Target | None:
    text, unit = s.text, number.unit
    is_signed = number.value < 0 or text[: number.start].endswith("+")
    if "object" in listed or RE["OTHER_WEIGHTS"].search(text) or (is_signed and unit is None):  # a part of a change
        return None
    if RE["OF_CITIES"].match(text[number.end :]) or (
        k and s.numbers[k - 1].end <= number.start and RE["OF_TOTAL"].search(text[: number.start])
    ):
        near = RE["RANKED"].search(text) and RE["OF_TOTAL"].search(text[: number.start])
        latest = _year(s, k, number, {})[0] or facts.scope.last_year
        return Target([("nation", "n_city")], [""], latest) if near else None
    content = next((listed[kind] for kind in CONTENT if kind in listed), None) or _nearest(facts, s, number, unit)
    if content is None and not s.of(*CONTENT) and _leans(facts, s, k):
        content = s.before.content
    ends = _rank_range(s, k) if content is not None and content.kind == "rank" else None
    if ends:
        number = replace(number, unit=Unit("rank"))
    subjects = _subjects(facts, s, number, content)
    if not subjects or (subjects[0][0] in ("score", "rank") and not s.of("index") and RE["OTHER_LIST"].search(text)):
        return None
    year, since = _year(s, k, number, listed)
    left, right = text[: number.start], text[number.end :]
    if content is not None and any(
        RE["OWN"].fullmatch(s.gap(c.end, content.end) or s.gap(content.start, c.start)) for c in s.of("city")
    ):  # the mean of a city, over years
        return None
    if content is not None and content.kind == "variable" and RE["NOT_OF_CITY"].search(text[: content.start]):
        return None
    if RE["BOUND"].search(left) and not (number.is_part or number.decimals) and number.significant < LIKELY:
        return None
    placed = listed.get("city") or listed.get("place")
    cities = tuple(placed.value) if placed else _city(s, number)
    listed_cities = _run_before(s, number)
    if len(listed_cities) > 1 and RE["TOGETHER"].search(text[listed_cities[0].start : number.end + 12]):
        return Target(subjects, [m.value[0] for m in listed_cities], year, unit=unit, together=True)
    is_multiple = unit is not None and unit.dimension in ("share", "times")
    if is_multiple and content is not None and s.gap(content.end, number.start) == "的" and len(s.of("variable")) > 1:
        return None  # 支出是收入的1.9倍
    if (ratio := _ratio(s, number, subjects, cities)) is not None:
        return ratio
    wide = bool(cities) and is_wide(cities[0])
    is_mean = subjects[0][0] == "nation" or (wide and "_of_" in cities[0])  # a province may have an index of its own
    if wide and subjects[0] == ("score", facts.scope.index):
        subjects = [("nation", "mean_100")]
    if subjects[0][0] == "nation":
        is_effect = subjects[0][1] in ("direct", "indirect", "total")
        points = unit.dimension == "points" if unit is not None else bool(number.decimals and _changes(s, k))
        places = 1 if subjects[0][1].endswith("_100") else 2 - wide
        changes = (wide and RE["GAP"].search(left)) or _is_change(left, right) or RE["ADJUSTED"].search(text)
        if not wide and since is not None and _is_change(left, right) and not s.of("city", "place", "index"):
            return _change(s, number, subjects, ("",), year, since)
        if not points and (number.decimals < places or unit is not None):
            return None
        if points and subjects[0][1] == "mean_100" and s.of("city") and _changes(s, k):
            if len(listed_cities) > 1 and not placed:
                return None
            here = cities if cities and not wide else s.of("city")[0].value
            return Target([("score", facts.scope.index)], here, year, against=cities if wide else [""], unit=unit)
        if points and wide and _changes(s, k) and any(RE["ABOVE"].search(text[: m.start]) for m in s.of("nation")):
            return Target(subjects, cities, year, against=[""], unit=unit, is_sure="_of_" in cities[0])
        dated = s.of("year") or RE["SAME_TIME"].search(text) or (wide and s.before.year)
        is_own = content is not None and any(content.end <= m.start < number.start for m in s.of("city"))
        is_sure = bool(s.of("index") if is_effect else dated) and not (changes or is_own)
        last = facts.scope.last_year
        if not (wide and s.of("place")):
            return Target(subjects, [""], last if is_effect else year, unit=unit, is_sure=is_sure)
        if not changes:
            return Target(subjects, cities, year, unit=unit, is_sure=is_sure and is_mean)
    if not cities or (number.is_rank and RE["IN_PROVINCE"].search(left)):
        return None
    if subjects[0][0] == "rank" and (ends := ends or _rank_range(s, k)):
        return Target([(ends, subjects[0][1])], cities, year, unit=unit)
    apart = RE["GAP"].search(left) and (wide or (len(s.of("city")) == 2 and not RE["IN_BRACKETS"].search(left)))
    is_difference = (unit is not None and unit.dimension in ("difference", "places")) or apart
    is_change = is_signed or _changes(s, k)
    if is_difference or (is_change and not RE["LEVEL_ZH"].search(left) and not text[: number.start].endswith("第")):
        return _change(s, number, subjects, cities, year, since)
    return Target(subjects, cities, year, unit=unit, is_sure=not wide)


def _leans(facts: Facts, s: Sentence, k: int) -> bool:
    """Whether what is measured may be that of the sentence before: in Jiaxing it was 5.06 billion yuan."""
    number, content = s.numbers[k], s.before.content
    if content is None or not _names_nothing(s, number):
        return False
    dimension = number.unit.dimension if number.unit is not None else ""
    if dimension in ("share", "times"):
        return _changes(s, k) or bool(RE["ANNUAL"].search(s.text[: number.start]))
    if content.kind == "variable" and dimension and s.of("city", "place"):
        return facts.unit_of(("value", content.value[0])).dimension == dimension
    return bool(number.decimals and RE["IN_BRACKETS"].search(s.text[: number.start]))


def _names_nothing(s: Sentence, number: Number) -> bool:
    """Whether no word before a number names something that is not recognised."""
    return not NOUN.search(_rest(s, 0, number))


def _rest(s: Sentence, start: int, number: Number, kinds: tuple[str, ...] = ()) -> str:
    """What stands before a number without what is recognised, or only that of some kinds, and without small words."""
    text = s.text[: number.start]
    named = s.of(*kinds) if kinds else s.mentions
    for begin, end in [*((m.start, m.end) for m in named), *((n.start, n.end) for n in s.numbers)]:
        text = text[:begin] + " " * (min(end, number.start) - begin) + text[end:]
    for words in ("ANNUAL", "CHANGED", "PASSING"):
        text = text[:start] + RE[words].sub(" ", text[start:])
    return text[start:]


def _run_before(s: Sentence, number: Number) -> list[Mention]:
    """The cities of the last list before the number."""
    before = [m for m in s.of("city") if m.end <= number.start and not s.between(m.end, number.start)]
    return _last_list(before, s, len(before))


def _ratio(s: Sentence, number: Number, subjects: list[Subject], cities: tuple[str, ...]) -> Target | None:
    """A multiple of another year or city, or the mean growth of a year; None where the number is neither."""
    is_annual = bool(RE["ANNUAL"].search(s.text[: number.end + 20])) and number.unit == UNITS["percent"]
    is_share = number.unit is not None and number.unit.dimension == "share"
    if not cities or not (is_annual or is_share or (number.unit is not None and number.unit.dimension == "times")):
        return None
    years = {m.value for m in s.of("year")}
    pair = _compared(s, number)
    is_part = pair is not None
    if pair is None and not is_share and len(named := s.of("city", "place")) == 2 and len(years) < 2:
        pair = named[0].value, named[1].value
    if pair is not None and not is_annual:
        year = next(iter(years)) if len(years) == 1 else max(years, default=0) or s.before.year
        return Target(subjects, pair[0], year, against=pair[1], unit=number.unit, is_part=is_part)
    if is_share and not is_annual:
        return None
    year = max(years, default=0) if len(years) > 1 else s.before.year or max(years, default=0)
    since = min(years) if len(years) > 1 or (years and year not in years) else s.before.since if is_annual else None
    if since is None or since >= year:
        return None
    return Target(subjects, cities, year, since=since, unit=number.unit, is_annual=is_annual)


def _compared(s: Sentence, number: Number) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """The two cities of a share or multiple: A is 70 % of B, 是B的三分之一; A may stand in the sentence before."""
    named = s.of("city", "place")
    for k, m in reversed(list(enumerate(named))):
        before = m.end <= number.start and RE["PART_BEFORE"].fullmatch(s.gap(m.end, number.start))
        if before or (m.start >= number.end and RE["PART_AFTER"].fullmatch(s.gap(number.end, m.start))):
            clause = max((c.end() for c in re.finditer("[,，;；]", s.text[: number.start])), default=0)
            others = [one for one in named[:k] if one.start >= clause] or named[:1] * bool(k)
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
    for m in s.of("variable"):  # 自然增长率 is a level
        if m.end <= number.start:
            left = left[: m.start] + " " * (m.end - m.start) + left[m.end :]
    if _is_change(left, s.text[number.end :]):
        return True
    if not k:
        return False
    gap = s.gap(s.numbers[k - 1].end, number.start)
    if gap.endswith(" by ") and not re.search("[;.]", gap):
        return _changes(s, k - 1)
    if None not in (number.unit, s.numbers[k - 1].unit) and number.unit != s.numbers[k - 1].unit:
        return False
    for m in s.of("city", "place"):
        gap = gap.replace(s.text[m.start : m.end], " ")
    return bool(RE["ALIKE"].fullmatch(gap)) and _changes(s, k - 1)


def _nearest(facts: Facts, s: Sentence, number: Number, unit: Unit | None) -> Mention | None:
    """The word that says what is measured."""
    best, cost = None, 1e9
    for mention in s.of(*CONTENT):
        left = s.text[: mention.start]
        of_all = s.of("nation") and re.search(r"\b(?:of|in)\s+(?:the\s+)?$", left)
        if mention.kind == "score" and (
            of_all or any(m.end <= mention.start and not s.gap(m.end, mention.start).strip() for m in s.of("nation"))
        ):
            continue  # the Gini coefficient of the scores
        if len(s.of(*CONTENT)) > 1 and RE["DENOMINATOR"].search(left):
            continue  # 30 % of GDP
        if mention.end <= number.start:
            gap = s.gap(mention.end, number.start)
            signs = len(re.findall(r"[,，;；。:：]", gap))
            distance = len(gap) + 25 * signs + 40 * s.between(mention.end, number.start)
        else:
            gap = s.gap(number.end, mention.start)
            if s.between(number.end, mention.start) or re.search(r"[,，;；。]", gap):
                continue
            direct = re.fullmatch(r"\s*(?:的|个|件|家|项|of|in)?\s*(?:its\s+)?", gap)
            distance = 3 + len(gap) if direct else 60 + len(gap) + 40 * len(re.findall(r"[:：]", gap))
        if unit is not None and not _unit_fits(mention, unit):
            distance += 200
        elif mention.kind == "variable" and re.search("[,，]", gap):  # of a clause before, in a unit that it has not
            has = [facts.unit_of(("value", code)) for code in mention.value]
            distance += 0 if any(_dimension_fits(one, unit) for one in has) else 100
        if mention.kind == "variable" and mention.end <= number.start and _other_noun(s, mention, number):
            continue
        if distance < cost:
            best, cost = mention, distance
    return best


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
    if unit.dimension == "points":
        return mention.kind in ("score", "index", "nation", "other", "rank")
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
        return [] if content.kind in ("variable", "nation") else ranks
    if content.kind == "variable":
        subjects: list[Subject] = [("value", code) for code in content.value]
        if subjects == [("value", "gdp_nom")] and RE["A_HEAD"].search(s.text[: number.start]):
            subjects = [("value", "gdp_per_capita_nom")] if "gdp_per_capita_nom" in facts.units else []
        fits = [one for one in subjects if _dimension_fits(facts.unit_of(one), number.unit)]
        return fits or subjects
    if content.kind == "nation":
        return [("nation", content.value[0])]
    if content.kind == "rank":
        if dimension == "points" or (dimension == "" and number.decimals):
            return scores
        if dimension == "places":
            return ranks
        return ranks if dimension == "" and _is_next(s, content, number) else []
    if content.kind == "index" and (nation := [m for m in s.of("nation") if m.end <= content.start]):
        return [("nation", nation[-1].value[0])]
    return scores if dimension in ("points", "", "share", "difference", "times") else []


def _dimension_fits(fact_unit: Unit, unit: Unit | None) -> bool:
    return unit is None or not unit.dimension or fact_unit.dimension == unit.dimension


def _indexes(facts: Facts, s: Sentence, number: Number) -> list[str]:
    """The index whose score or rank is meant: named before, else after, else the headline or what is carried."""
    indexes = s.of("index")
    before = [mention for mention in indexes if mention.end <= number.start]
    chosen = before[-1] if before else indexes[0] if indexes else None
    if chosen is not None:
        return [str(chosen.value[0])]
    return list(dict.fromkeys([facts.scope.index, s.before.index or facts.scope.index]))


def _city(s: Sentence, number: Number) -> tuple[str, ...]:
    """The city of a number, or the province or group."""
    cities = s.of("city")
    after = next((m for m in s.of("city", "place") if m.start >= number.end), None)
    if after is not None:
        gap = s.gap(number.end, after.start)
        opens = "(" in gap and re.match(r"[^()]*\d", s.text[after.end :])  # with a figure of its own
        direct = not opens and RE["NEXT_TO"].match(gap) and re.search(r"\(|in|for|of|at|by", gap)
        led_by = number.is_rank and re.fullmatch(r"\s*(?:的)?(?:城市)?(?:是|为)\s*|\s*(?:is|was)\s*", gap)
        if direct or led_by:
            return tuple(after.value)
    before = [mention for mention in cities if mention.end <= number.start]
    for mention in reversed(before):
        gap = s.gap(mention.end, number.start)
        is_object = RE["OBJECT"].search(s.text[: mention.start])
        if is_object and len(before) > 1 and mention is not before[0] and re.search(r"[,，]", gap):
            continue
        place = next((m for m in s.of("place") if mention.end <= m.start < number.start), None)
        if place is not None and not RE["WITHIN"].search(s.text[: place.start]):
            return tuple(place.value)
        return tuple(mention.value)
    if wide := [place for place in s.of("place") if place.start < number.start]:
        return tuple(wide[-1].value)
    after = next((m for m in cities if m.start >= number.end), None)
    if after is not None:
        of_other = s.between(number.end, len(s.text)) or RE["OBJECT"].search(s.text[: after.start])
        begins = of_other and re.search("[,，;；(]", s.gap(number.end, after.start))
        opens = RE["OPENING"].match(s.text)
        return s.before.cities if begins and not opens else tuple(after.value)
    return () if s.of("place") else s.before.cities


def _year(s: Sentence, k: int, number: Number, listed: dict[str, Mention]) -> tuple[int | None, int | None]:
    """The year of a number, and the year that a change is counted from."""
    years, text = s.of("year"), s.text
    left, right = text[: number.start], text[number.end :]
    if "year" in listed:
        return listed["year"].value, None
    for match in RE["LATER"].finditer(text):
        gap = s.gap(match.end(), number.start).strip(" ,，") or s.gap(number.end, match.start())
        if not re.search(r"[,，;；\d]", gap):
            then = max((m.value for m in years if m.end <= match.start()), default=s.before.year)
            return (then + 1, then) if then is not None and match["one"] else (None, None)
    spans = [(a, b) for a, b in pairwise(years) if a.value < b.value and RE["YEARS"].search(text[: b.start])]
    bases = [m for m in years if s.is_base(m) and m not in [b for _, b in spans]]
    beside = [m for m in bases if m.end <= number.start and not s.between(m.end, number.start)]
    behind = [m for m in bases if m.start >= number.end and not re.search(r"[,，;；\d]", s.gap(number.end, m.start))]
    base = next(iter(behind), next(reversed(beside), next(iter(bases), None)))
    if spans and base is None:
        base = spans[0][0]
    plain = [m for m in years if m is not base and m not in [a for a, _ in spans]]
    after = next((m for m in years if m.start >= number.end), None)
    if after is not None and RE["OF_YEAR"].fullmatch(s.gap(number.end, after.start)):
        return after.value, base.value if base and base is not after else None
    before = [m for m in years if m.end <= number.start]
    role_from, role_to = RE["FROM"].search(left), RE["TO"].search(left)
    now = plain[0].value if plain else s.before.year
    since = base.value if base else None
    if role_from and not role_to:
        if now is not None and (then := RE["LAST_YEAR"].search(right)) and then.start() < 15:
            return now - 1, None
        if base is None and len(years) == 1:
            return None, None
        return (since if base else now if years else s.before.since), None
    last = before[-1] if before else None
    if last is not None and last is base and not any(last is a for a, _ in spans):
        gap = s.gap(last.end, number.start)
        if re.fullmatch(r"[的\s]*(?:the\s+)?", gap) or (
            not role_to and not re.search(rf"[,，]|{UP}|{APART}|ro[sd]e|rise|fell|up|down|to\b|by\b", gap)
        ):
            return last.value, None
        earlier = [m for m in before if m is not base]
        return (earlier[-1].value if earlier else now), since
    relative = list(RE["LAST_YEAR"].finditer(text))
    year = last.value if last is not None else plain[0].value if plain else s.before.year
    if year is not None:
        near = next((m for m in reversed(relative) if m.end() <= number.start), None)
        follows = any(
            RE["THEN"].fullmatch(s.gap(number.end, m.start()))
            and not re.match(r"[^\d,，;；。]{0,9}\d", text[m.end() :])  # which has a figure of its own
            for m in relative
            if m.start() >= number.end
        )
        is_level = not _is_change(left, right)
        if near is not None and is_level and (last is None or near.start() > last.start):
            gap = s.gap(near.end(), number.start)
            if not re.search(rf"[,，]|{UP}|{APART}|to\b", gap):
                return year - 1, None
        if follows and is_level:
            return year - 1, None
        if since is None and not is_level and len(named := {m.value for m in before}) == 2:
            since, year = sorted(named)
        if since is None and relative:
            since = year - 1
    return year, since


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


def _change(
    s: Sentence, number: Number, subjects: list[Subject], cities: tuple[str, ...], year: int | None, since: int | None
) -> Target | None:
    """A change over years, or the distance between two cities."""
    named = s.of("city", "place")
    other = next((m for m in named if m.start >= number.end), None)
    if other is not None and RE["AHEAD_OF"].fullmatch(s.gap(number.end, other.start)):
        here = tuple(named[0].value) if named[0].end <= number.start else s.before.cities
        return Target(subjects, here, year, against=other.value, unit=number.unit) if here else None
    for signs in ("[,，;；]", "[;；]"):
        clause = max((m.end() for m in re.finditer(signs, s.text[: number.start])), default=0)
        near = [m for m in named if clause <= m.start < number.start]
        if len(named) > 2 and len(near) == 2:
            named = near
    left, sign = s.text[: number.start].rstrip(), -1 if number.value < 0 else 1
    direction = sign * (bool(RE["RISING"].search(left)) - bool(RE["FALLING"].search(left)))
    each = len(named) == 2 and direction != 0 and s.between(named[0].end, named[1].start)  # A rose by 5, B by 3
    others = [m for m in named if m.value != cities or RE["OBJECT"].search(s.text[: m.start])]
    is_apart = RE["APART_RE"].search(s.text) and (since is None or RE["GAP"].search(s.text))
    if len(named) == 2 and others and not each and is_apart:
        first, second = named
        return Target(subjects, first.value, year, against=second.value, unit=number.unit)
    if year is None:
        return None
    # 同比 of money is often on a comparable basis, which the release does not have
    is_sure = bool(RE["NOMINAL"].search(s.text)) or not RE["LAST_YEAR"].search(s.text)
    since = since if since is not None else year - 1
    return Target(subjects, cities, year, since=since, unit=number.unit, is_sure=is_sure, direction=direction)


def of_cell(facts: Facts, heads: Sequence[Sentence], number: Number, carried_in: Context) -> Target | None:
    """What a figure of a table should be: city, year, subject and unit from the heads, the strongest first."""
    content = [m for head in heads for m in head.of("variable", "index", "score", "rank", "nation", "other")]
    cities = next((m.value for kind in ("city", "place") for head in heads for m in head.of(kind)), None)
    years = [[m.value for m in head.of("year") if not head.is_base(m)] for head in heads]
    year = next((values[-1] for values in years if values), carried_in.year)
    unit = number.unit or next((stated for head in heads if (stated := unit_in_head(head.text))), None)
    if any(len(head.of("place")) > 1 or RE["COUNTY"].search(head.text) for head in heads[:2]):  # a gap of two groups
        return None
    wide = [m.value for head in heads[:2] for m in head.of("place")]
    if wide and not any(head.of("city") for head in heads[:2]):
        cities = wide[0]
    elif cities is None:
        cities = carried_in.cities
    index = next((str(m.value[0]) for m in content if m.kind == "index"), carried_in.index or facts.scope.index)
    level, first = next(
        ((k, results) for k, head in enumerate(heads) if (results := head.of(*CONTENT))), (len(heads), list[Mention]())
    )
    kinds = ("rank",) if not number.decimals else ("score", "variable", "nation", "other")
    chosen = next((m for m in first if m.kind in kinds), None) or next((m for m in first if m.kind != "index"), None)
    chosen = chosen or next(iter(first), None)
    if chosen is None or chosen.kind == "other":
        return None
    is_sure = all(_is_plain(head) for head in heads[: max(level + 1, 2)][:2]) and not any(
        m.kind in ("variable", "other") for head in heads[level + 1 : 2] for m in head.mentions
    )
    if chosen.kind == "variable":
        subjects: list[Subject] = [("value", code) for code in chosen.value]
    elif chosen.kind == "nation":
        if not number.decimals:  # a count
            return None
        if not wide:
            is_sure = is_sure and any(m.value[0] == facts.scope.index for head in heads for m in head.of("index"))
            is_sure = is_sure and any(head.of("year") for head in heads[:2])
        is_sure = is_sure and not any(head.of("city") for head in heads)
        return Target([("nation", chosen.value[0])], wide[0] if wide else [""], year, unit=unit, is_sure=is_sure)
    else:
        subjects = [("rank" if chosen.kind == "rank" else "score", index)]
    if cities and is_wide(cities[0]):
        is_mean = subjects == [("score", facts.scope.index)]
        subjects, is_sure = (
            [("nation", "mean_100")] if is_mean else subjects,
            is_sure and is_mean and "_of_" in cities[0],
        )
    return Target(subjects, cities, year, unit=unit, is_sure=is_sure) if cities else None


def _is_plain(head: Sentence) -> bool:
    """Whether a head says nothing but what was recognised in it: a city, a year, what is measured, in which unit."""
    text = list(head.text)
    for m in head.mentions:
        text[m.start : m.end] = " " * (m.end - m.start)
        if m.kind == "year" and head.is_base(m):
            return False
    rest = RE["NEUTRAL"].sub(" ", "".join(text))
    return not re.search(r"[\u4e00-\u9fff]{2}|[A-Za-z]{3}|[+%]\s*\d", rest)
