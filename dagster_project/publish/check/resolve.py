"""What a number of a sentence may be about: the words around it say whose figure, of which year, of what, and which way
it was computed.

Each number has a zone, the text since the zone before. What the zone names counts; else the nearest zone to the left
that names it, else what the rest of the sentence, the sentence before and the headings name. Lists are laid side by
side. All that is left possible is handed over: a figure is wrong only where nothing possible gives it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from dagster_project.publish.check.facts import Facts, Subject, Unit, words
from dagster_project.publish.check.heads import is_plain
from dagster_project.publish.check.measure import (
    CLOSE,
    content_of,
    dimension_fits,
    is_of_other_unit,
    is_other_amount,
    is_over_rural,
    multiplied_by,
    subjects_of,
    unnamed,
)
from dagster_project.publish.check.recognise import RE, Mention, Number, count_of
from dagster_project.publish.check.sentence import (
    CONTENT,
    NOUNS,
    Sentence,
    compared_places,
    dimension_of,
    direction_of,
    is_before_name,
    is_changed,
    is_ordinal,
    rank_range,
    rest_before,
    side_by_side,
    statistic,
    words_behind,
    years_ago,
)
from dagster_project.publish.check.verdicts import LIKELY, Target, is_wide, rounds

COVERED = 4  # of how many places a figure may be, and still be wrong if it is of none
ROUNDED = 5e-4  # how far the rounding of two figures moves their sum, as a share of it


def targets(facts: Facts, sentence: Sentence) -> list[tuple[Number, Target]]:
    """Numbers of the sentence with what they may be; numbers that are about nothing published are left out."""
    has_county = any(one.startswith("county:") for m in sentence.of("city") for one in m.value)
    if (
        RE["PLAN"].search(sentence.text)
        or RE["MARGINAL"].search(sentence.text)
        or (RE["COUNTIES"].search(sentence.text) and not has_county)
    ):
        return []
    lists, is_stated = side_by_side(sentence), bool(RE["SIDE_BY_SIDE"].search(sentence.text))
    is_line = len(sentence.numbers) > 2 and not sentence.of(*CONTENT) and is_plain(sentence)  # of a table
    results = list[tuple[Number, Target]]()
    for k, number in enumerate(sentence.numbers):
        last = results[-1][1] if k and results and results[-1][0] is sentence.numbers[k - 1] else None
        target = _target(facts, sentence, k, lists.get(k, {}), last)
        if target is not None:
            left, right = sentence.text[: number.start], sentence.text[number.end :]
            about = number.is_part or RE["ABOUT"].search(left) or RE["ABOUT_AFTER"].match(right)
            before = [] if number.is_rank or not k else [k - 1]
            is_one_of_list = any(_is_listed(sentence, j) for j in (k, *before))
            is_open = is_line or (is_stated and k not in lists and is_one_of_list)  # of which is it?
            is_sure, is_other = target.is_sure and not is_open, target.is_other or is_open
            results.append((number, replace(target, is_about=bool(about), is_sure=is_sure, is_other=is_other)))
    return results


def _is_listed(s: Sentence, k: int) -> bool:
    """Whether another number of a list follows."""
    return k + 1 < len(s.numbers) and bool(RE["LISTED"].match(s.gap(s.numbers[k].end, s.numbers[k + 1].start)))


def _is_elliptic(s: Sentence, k: int) -> bool:
    """Whether the words before a number leave out what the number before it says: A has 5 %, B 3 %."""
    start, _ = s.zones[k]
    if is_before_name(s, s.numbers[k]):
        return False
    here = s.text[start : s.numbers[k].start]
    if RE["PER_TEN"].search(here) or RE["APART_AFTER"].match(s.text, s.numbers[k].end):
        return False
    if any(
        m.end <= s.numbers[k].start and RE["DIRECTLY"].fullmatch(s.gap(m.end, s.numbers[k].start))
        for m in s.of("variable")
    ):
        return False
    if any(noun[0] not in s.text[:start] for noun in NOUNS.finditer(rest_before(s, start, s.numbers[k]))):
        return False
    named = RE["RURAL"].search(here + words_behind(s, s.numbers[k])) or any(
        start <= m.start < s.numbers[k].start for m in s.of(*CONTENT)
    )
    return not named and not re.search("占|share|比重", s.text[start : s.numbers[k].start])


def _target(facts: Facts, s: Sentence, k: int, listed: dict[str, Mention], last: Target | None = None) -> Target | None:
    number, text = s.numbers[k], s.text
    unit, dimension = number.unit, dimension_of(number.unit)
    left, right = text[: number.start], text[number.end :]
    is_signed = number.value < 0 or left.endswith("+")
    if _is_of_what_is_not_here(s, k):
        return None
    if (count := _count_of_cities(facts, s, k, listed)) or (count := _weight(facts, s, k)):
        return count
    behind = [m for m in s.of("place") if m.start >= number.end and not s.gap(number.end, m.start).strip()]
    of_group = [m for m in behind if "_of_" in m.value[0]]  # the 35 core cities
    of_group += [m for m in reversed(s.of("place")) if m.end <= number.start and RE["RANKED"].match(right)]
    if of_group and dimension in ("", "count") and not number.decimals:
        years, _, is_dated = _years(facts, s, k, listed, change=False)
        # others have fewer cities
        is_of_index = all(m.value[0] == facts.scope.index for m in s.of("index", "variable"))
        place = tuple(of_group[0].value)
        return Target([("nation", "n_city")], [place], years[:2], is_dated=is_dated, is_sure=is_of_index, is_like=True)
    is_total = k and RE["OF_TOTAL"].search(left) and re.search(r"[\d个座市]\s*$", text[: number.end])  # 共281, no firms
    if (RE["OF_CITIES"].match(right) or is_total) and not RE["COUNTIES"].search(right[:12]):
        year, n = facts.scope.last_year, number.value
        counts = sum(bool(RE["OF_CITIES"].match(text[one.end :])) for one in s.numbers)
        is_sample = n > 99 and counts < COVERED and 0.75 < n / facts.n_cities[year] < 1.25 and RE["SAMPLE"].search(text)
        return Target([("nation", "n_city")], [("",)], [] if n in facts.samples else [year]) if is_sample else None
    is_like = False
    content, is_sure = content_of(facts, s, k, listed)
    if content is not None and content.kind == "variable" and facts.units.keys().isdisjoint(content.value):
        return None  # a sector that this release does not have
    is_sure = is_sure and not is_of_other_unit(facts, s, number, content)
    is_of_part = RE["THEREOF"].search(text[s.zones[k][0] : number.start])
    is_sure = is_sure and not is_other_amount(facts, number, content)
    if (content is None or not is_sure or is_of_part) and (like := unnamed(facts, s, number)):
        content, is_sure, is_like = like, True, True
    ends = rank_range(s, k) if content is not None and content.kind == "rank" else None
    subjects = subjects_of(facts, s, replace(number, unit=Unit("rank")) if ends else number, content)
    if "content" in listed and listed["content"].kind == "index":
        subjects = [(kind, str(listed["content"].value[0])) for kind, _ in subjects]
    if not subjects or (subjects[0][0] in ("score", "rank") and not s.of("index") and RE["OTHER_LIST"].search(text)):
        return None
    is_of_all = RE["ALL_CITIES"].search(left) and not any(m.end <= number.start for m in s.of("city", "place"))
    if subjects == [("nation", "mean_100")] and "coupling" in [code for m in s.of("variable") for code in m.value]:
        subjects = [("nation", "mean_d")]
    if subjects == [("nation", "n_city")] and number.decimals:  # the 20 ranked cities have an average of 52.8
        subjects = [("nation", "mean_100")] if RE["MEAN"].search(text) else []
        if not subjects:
            return None
    if subjects == [("nation", "moran_i")] and RE["OF_Z"].search(left):
        subjects = [("nation", "moran_of_z")]
    is_mean = bool(RE["MEAN"].search(left[max(0, content.start - CLOSE) :] if content else left))
    if subjects == [("value", "coupling")] and RE["THRESHOLD"].search(text):
        return None
    if subjects == [("value", "coupling")] and (is_of_all or is_mean or RE["OVER_CITIES"].search(text)):
        subjects = [("nation", "mean_d")]
    elif is_of_all and is_mean and subjects == [("score", facts.scope.index)]:
        subjects = [("nation", "mean_100")]
    elif is_of_all and subjects[0][0] != "nation":
        return None
    first = listed["first"].start if "first" in listed else s.zones[k][0]
    of_change = dimension in ("share", "points", "difference")
    annual = of_change and bool(RE["ANNUAL"].search(text[first : number.end + 20]))
    is_of_each = RE["A_YEAR"].match(right) or RE["EACH_YEAR"].search(left)
    annual = annual or (last is not None and "since" in last.ways and bool(is_of_each))
    is_object = content is not None and RE["OBJECT_HERE"].search(text[: content.start])
    if is_object and content and (content.kind == "variable" or (content.kind == "index" and not left.endswith("的"))):
        return None  # how much more than another measure
    change = is_signed or annual or (not is_ordinal(s, number) and is_changed(s, k))
    places, others = _places(s, k, listed)
    if change and not others and last is not None and RE["ALIKE"].fullmatch(s.gap(s.numbers[k - 1].end, number.start)):
        others = [*last.others]  # 46 and 30 points above A
    is_ratio = dimension == "times" or (dimension == "share" and facts.unit_of(subjects[0]).dimension != "share")
    is_then = is_ratio and any(RE[name].search(left) for name in ("THEN", "FROM"))  # 3.8 %, against 2.8 % in 2012
    years, bases, is_dated = _years(facts, s, k, listed, change=change or (is_ratio and not is_then))
    target = Target(subjects, places, years, others=others, bases=bases, unit=unit, is_annual=annual, is_dated=is_dated)
    is_left_out = not any(m.end <= number.start for m in s.of("city", "place"))
    if is_left_out and RE["STRANGER"].search(rest_before(s, s.zones[k][0], number)):
        is_sure = False  # London has 8.9 million
    target.is_other = not is_sure
    is_nominal, is_real = (bool(RE[name].search(text)) for name in ("NOMINAL", "REAL_TERMS"))
    target.is_nominal, target.is_real = is_nominal and not is_real, is_real and not is_nominal
    target.is_sure = is_sure and len(places) <= COVERED
    target.direction = direction_of(s, k) if change else 0
    target.is_like = is_like
    target.is_named = not places or "place" in listed or _is_named(s, number, places[0])
    if subjects[0][0] == "nation":
        target = replace(target, places=[("",)], others=()) if is_of_all else target
        return _of_all(facts, s, k, target, content, change=change)
    if not places:
        return None
    if subjects == [("value", "coupling")] and is_wide(places[0][0]):
        return _of_all(facts, s, k, replace(target, subjects=[("nation", "mean_d")]), content, change=change)
    if ends:
        return replace(target, subjects=[(ends, subjects[0][1])])
    is_apart = RE["APART"].search(text[s.zones[k][0] : number.start]) or RE["OF_IT"].match(text, number.end)
    if match := RE["DISTANCE"].match(text, number.end):  # 2.4 points behind: whom the sentence before names
        is_apart = is_apart or re.match("[,.;]", text[match.end() :])
    if not others and len(places) == 1 and is_apart:
        target.others = [one for one in s.before.listed if one not in places]
    target.ways = _ways(facts, s, k, target, change=change)
    if not target.ways and RE["SPREAD"].search(left):
        return None  # from a city that is not named
    alike = unit == s.numbers[k - 1].unit if unit is not None else RE["ONLY"].search(left) or _is_carried(s, k)
    is_alike = alike and not number.is_rank and "content" not in listed
    is_behind = content is not None and content.start >= number.end  # 37 billion went to education
    if last is not None and is_alike and not (is_like or is_behind) and _is_elliptic(s, k):
        ways = dict.fromkeys([*last.ways, *target.ways, *(["level"] if "since" in last.ways else [])])
        annual = target.is_annual or last.is_annual
        target = replace(target, subjects=last.subjects, ways=list(ways), wholes=last.wholes, is_annual=annual)
        is_sure, is_other = target.is_sure or last.is_sure, target.is_other and last.is_other
        return replace(target, unit=unit or last.unit, is_sure=is_sure, is_other=is_other)
    if number.is_rank and is_wide(places[0][0]) and "_of_" not in places[0][0]:  # first in Sichuan
        target.places = [one for one in (*places[1:], s.before.cities) if one and not is_wide(one[0])]
        target.ways = ["rank_within"]
        return target if target.places else None
    if is_wide(places[0][0]):
        is_of_index = subjects[0] == ("score", facts.scope.index)
        target.subjects = [("nation", "mean_100")] if is_of_index else subjects
        target.is_sure = target.is_sure and is_of_index and ("_of_" in places[0][0] or bool(RE["MEAN"].search(text)))
    if dimension == "difference" and last is not None and "share" in last.ways:
        target.wholes = last.wholes
    if "share" in target.ways:
        target.wholes, is_named = _wholes(facts, s, k, content)
        if not is_named and last is not None and "share" in last.ways and RE["SHARE_AGAIN"].search(left):
            target.wholes, is_named = last.wholes, last.is_sure  # 科技支出占财政支出的3.2%，教育支出占20.4%
        target.is_sure = target.is_sure and is_named
    named = {*content.value} if content is not None and content.kind == "variable" and is_sure else set()
    like = unnamed(facts, s, number) if dimension in ("share", "difference") else None
    if like and not named.issuperset(like.value):
        target.subjects = [*dict.fromkeys([*(("value", code) for code in like.value), *target.subjects])]
        target.places = [*target.places, *target.others]
        target.ways, target.is_like = [*dict.fromkeys([*target.ways, "level"])], True
    return target if target.ways else None


def _is_of_what_is_not_here(s: Sentence, k: int) -> bool:
    """Whether a number is about what neither the sentence nor the text before it can tell."""
    number, text, dimension = s.numbers[k], s.text, dimension_of(s.numbers[k].unit)
    left, right = text[: number.start], text[number.end :]
    if RE["SLOPE"].search(left, s.zones[k][0]) and s.of("index"):
        return True
    zone, is_part_named = s.zones[k], any(s.zones[k][0] <= m.start < s.zones[k][1] for m in s.of("index"))
    if RE["PART"].search(text, *zone) and not is_part_named:
        return True  # a part of the index by another name
    if RE["CAPITAL"].search(text, *zone) and not any(zone[0] <= m.start < zone[1] for m in s.of("city")):
        return True  # which city is it?
    total = sum(n.value for n in s.numbers[k - 2 : k]) if k > 1 and RE["TOGETHER"].search(text) else math.inf
    if math.isclose(number.value, total, rel_tol=ROUNDED):
        return True  # A (6,917) and B (7,920) together have 14,837
    if RE["OTHER_ONES"].match(right) or RE["NEW_ONES"].search(left) or RE["EVENTS"].match(right):
        return True  # 2,116 were green ones
    if RE["OTHER_WEIGHTS"].search(text) or RE["PER_AFTER"].match(right) or statistic(s, k):
        return True  # an error or limit of the estimate before: its row judges it
    is_estimate = any(m.end <= number.start for m in s.of("nation")) and not s.of("score")
    if (number.value < 0 or left.endswith("+")) and number.unit is None and not RE["YEARLY"].match(right):
        return not is_estimate  # a part of a change
    if dimension == "times" and _is_ratio_of_neighbours(s, k):
        return True
    cut = RE["CUT"].search(text)
    if cut and cut.start() <= number.start < cut.end() and not s.of("city") and RE["OF_MANY"].search(text):
        return True  # how many cities have more than 60 points
    if (study := RE["OTHER_STUDY"].search(left)) and not RE["OURS"].search(left, study.end()):
        return True
    if RE["PAIR"].search(left) and s.of("nation"):
        return True  # of each pair of groups: the rows of its table know it
    if RE["SAME_GAP"].search(left, s.zones[k][0]) and not s.of("city", "place"):
        return True  # as the gap of the sentence before
    if RE["THE_REST"].search(text) and len(s.of("place")) < 2 and not s.of("city"):
        return True
    is_named = any(m.end <= number.start and "_of_" not in m.value[0] for m in s.of("place"))
    if RE["THAT_LEVEL"].search(left) or (
        RE["OWN_PROVINCE"].search(left)
        and not is_named
        and (RE["MEAN"].search(left) or RE["MIDDLE"].search(left))
        and not is_changed(s, k)
    ):
        return True  # the mean of a province that is not named
    if RE["OF_SEVERAL"].search(text) or (RE["PART"].search(text) and not s.of("index")):
        return True  # means of cities, or a part of the index, that stand somewhere else
    if not s.of("city", "place") and RE["TOGETHER"].search(text[: number.end + 4]) and not RE["BOTH"].search(text):
        return True
    if RE["SPREAD"].search(left, s.zones[k][0]) and len(s.of("index")) > 1 and len(s.of("city", "place")) < 2:
        return True  # the gap between two parts of the index
    beside = [m for m in s.of("index") if m.end <= number.start and not s.gap(m.end, number.start).strip()]
    if any(RE["OBJECT"].search(text[: m.start]) for m in beside):
        return True  # 5 points more than another index
    if RE["THAN_INDEX"].search(left) and len(s.of("index")) > 1:
        return True
    if dimension == "points" and RE["CONTRIBUTES"].search(text) and s.of("index") and not s.of("variable"):
        return True  # points that a part of the index adds
    other = RE["THAN_ZH"].search(left)  # 存款比贷款多
    return bool(other) and not any(m.start < other.end(1) and other.start(1) < m.end for m in s.mentions if other)


def _is_ratio(s: Sentence, number: Number) -> bool:
    """Whether a bare figure is a ratio, by the last word before it that says gap or ratio."""
    ends = [max([0, *(m.end() for m in RE[name].finditer(s.text[: number.start]))]) for name in ("SPREAD", "RATIO_OF")]
    return number.unit is None and ends[1] > ends[0]


def _is_carried(s: Sentence, k: int) -> bool:
    """Whether a bare figure is another one of what stands before it: 47.7 points, against 26.43 for A, 19.46 for B."""
    number, before = s.numbers[k], s.numbers[k - 1]
    if not k or not number.decimals or number.decimals != before.decimals or number.unit is not None:
        return False
    gap = s.gap(before.end, number.start)
    return bool(RE["AGAINST"].search(gap)) or (bool(RE["AND_FOR"].fullmatch(gap)) and _is_carried(s, k - 1))


def _count_of_cities(facts: Facts, s: Sentence, k: int, listed: dict[str, Mention]) -> Target | None:
    """How many cities, or which share of all, have a headline score above or below so many points."""
    number, cut = s.numbers[k], RE["CUT"].search(s.text)
    is_of_headline = all(m.value[0] == facts.scope.index for m in s.of("index")) and not s.of("place", "variable")
    is_share, is_count = dimension_of(number.unit) == "share", not number.decimals and not number.is_rank
    if (
        not cut
        or not is_of_headline
        or s.of("city")
        or not RE["OF_MANY"].search(s.text)
        or not (is_share or (is_count and dimension_of(number.unit) in ("", "count")))
    ):
        return None
    years, _, _ = _years(facts, s, k, listed, change=False)
    if len(s.of("year")) == 1 and not RE["AGO"].search(s.text, *s.zones[k]):
        years = [s.of("year")[0].value]
    is_whole = any(number.value == facts.n_cities.get(year) for year in years)
    if cut.start() <= number.start < cut.end() or is_whole:
        return None
    side = "above" if cut["above"] or cut["above_zh"] or cut["above_en"] else "below"
    name = f"{side}{'_percent' * is_share} {float(cut['points'] or cut['points_zh'] or cut['points_en']):g}"
    return Target([("nation", name)], [("",)], years[:2], unit=number.unit, is_sure=bool(s.of("year")))


def _weight(facts: Facts, s: Sentence, k: int) -> Target | None:
    """What an indicator weighs in the headline index."""
    number, (start, _) = s.numbers[k], s.zones[k]
    of = [m for m in s.of("variable") if start <= m.start < number.start]
    codes = facts.indicators_of(code for m in of for code in m.value)
    is_weight = dimension_of(number.unit) == "share" and RE["WEIGHT"].search(s.text[: number.start])
    if not is_weight or len(of) > 1 or not codes or s.of("city", "place"):
        return None
    years = [facts.scope.last_year]
    return Target([("nation", f"weight_percent {code}") for code in codes], [("",)], years, unit=number.unit)


def widened(s: Sentence, number: Number, target: Target) -> Target:
    """What a number may be if its own words were misread: of any place, year and measure that the sentence names."""
    was = s.before
    of = s.of("city", "place")
    is_said = any(m.end <= number.start and tuple(m.value) == target.places[0] for m in of)
    named = [tuple(m.value) for m in of if not (is_said and re.search("[,，;；]", s.gap(number.end, m.start)))]
    is_of_document = not named and target.places[:1] == [was.document_cities]  # else of any spoken of before
    places = dict.fromkeys([*target.places[: 1 if is_of_document else None], *named])
    years = [*target.years, *(m.value for m in s.of("year")), was.year, was.since, was.or_year]
    years += [year + then for m in RE["AGO"].finditer(s.text) for year in years if year and (then := years_ago(m[0]))]
    years += target.bases
    of = [*s.of("variable"), *([was.content] if was.content and was.content.kind == "variable" else [])]
    subjects = dict.fromkeys([*target.subjects, *(("value", code) for m in of for code in m.value)])
    every = [year for year in dict.fromkeys(years) if year]
    is_said = any(one.text == number.text for one in s.numbers if one is not number)
    is_ratio = number.significant >= LIKELY and dimension_of(number.unit) not in ("difference", "points")
    ways = ("since", "apart", "part")[: 3 if is_ratio else 2]
    ways = ways if is_said or number.significant < LIKELY else ("level", *ways)
    ways = ("part",) if dimension_of(number.unit) == "times" else ways
    return replace(target, subjects=[*subjects], places=[*places], others=(), years=every, bases=every, ways=ways)


def loosely(facts: Facts, s: Sentence, number: Number) -> Target | None:
    """What a number may be whose own words leave it open: of a city before it, and any measure of its unit."""
    was, cities = s.before, [tuple(m.value) for m in reversed(s.of("city")) if m.end <= number.start]
    places = cities or [one for one in (was.cities, was.document_cities) if one]
    measures = [*s.of("variable", "score", "rank"), *([was.content] if was.content else [])]
    subjects = [("value" if m.value else m.kind, code) for m in measures for code in m.value or [facts.scope.index]]
    fits = [one for one in subjects if dimension_fits(facts.unit_of(one), number.unit)]
    years = [m.value for m in s.of("year")] or ([was.year] if was.year else [])
    is_of_range = RE["SPREAD"].search(s.text) and RE["EXTREME"].search(s.text)
    is_new = RE["NEW_ONES"].search(s.text[: number.start]) or RE["EVENTS"].match(s.text, number.end)
    is_open = is_of_range or is_new or (RE["PART"].search(s.text) and not s.of("index"))
    if not places or not fits or not years or is_wide(places[0][0]) or is_open:
        return None
    loose = Target(fits, places, years, unit=number.unit, is_sure=False, is_dated=bool(s.of("year")))
    target = widened(s, number, loose)
    return replace(target, ways=("level", "since", "apart", "part"))


def _ways(facts: Facts, s: Sentence, k: int, target: Target, *, change: bool) -> list[str]:
    """How the number may come from published figures, the likeliest way first."""
    number, text = s.numbers[k], s.text
    start, end = s.zones[k]
    left, dimension = text[: number.start], dimension_of(number.unit)
    subject = target.subjects[0]
    published_dimension = facts.unit_of(subject).dimension
    is_level = (
        (RE["LEVEL_ZH"].search(left) and not RE["CHANGE_NOUN"].search(left))
        or is_ordinal(s, number)
        or RE["TO"].search(left)
    )
    if len(target.places) > 1 and dimension != "times" and RE["TOGETHER"].search(text[: end + 4]):
        return ["together_since"] if change and not is_level else ["together"]
    if dimension == "rank" or subject[0] == "rank":
        if change and not is_level:
            return ["since", "apart"]
        if subject[0] == "value":
            return ["rank_within", "level"]
        if RE["IN_PROVINCE"].search(left[start:]):
            return ["rank_within"]
        of_province = any(m.end <= number.start and "_of_" not in m.value[0] for m in s.of("place"))
        return ["level", "rank_within"] if of_province else ["level"]
    clause = RE["CLAUSES"].split(left)[-1]
    if RE["SPREAD"].search(clause) and RE["EXTREME"].search(clause) and subject[0] == "score":
        return []  # from the first or the last of all
    if _is_ratio(s, number) and (target.others or len(target.places) > 1):
        return ["part"]
    if RE["SPREAD"].search(left) and (target.others or len(target.places) > 1) and dimension != "share":
        return ["apart", "since", "level"]
    parts = ["part"] if target.others or target.bases or len(target.places) > 1 else []
    if multiplied_by(s, number) or ("_urban" in subject[1] and is_over_rural(s, number)):
        return ["share"]
    if dimension == "times":
        return [
            *parts,
            *(["since", "apart"] if change else []),
            *(["level"] if published_dimension in ("", "share") else []),
        ]
    if subject[0] == "points":
        return ["level", "since", "apart"]
    if RE["DISTANCE"].match(text, number.end):  # 2.6 behind the winner
        return ["apart"] if target.others or len(target.places) > 1 else []
    if change and not is_level:
        apart = RE["APART"].search(left[start:]) or RE["APART_AFTER"].match(text, number.end)
        return ["apart", "since"] if apart and (target.others or len(target.places) > 1) else ["since", "apart"]
    if dimension == "share" and published_dimension != "share":
        if compared_places(s, number) or RE["OF_YEAR"].search(left):
            return ["part"]
        return ["share"] if RE["SHARE"].search(text[max(0, start - 1) : end]) else []
    return ["level"]


def _wholes(facts: Facts, s: Sentence, k: int, content: Mention | None) -> tuple[list[Subject], bool]:
    """What a share may be a share of, and whether the words beside it say so."""
    start, end = s.zones[k]
    if whole := multiplied_by(s, s.numbers[k]):
        return [("value", code) for code in whole.value], True
    if content is not None and is_over_rural(s, s.numbers[k]):
        rural = (code.replace("_urban", "_rural") for code in content.value)
        return [("value", code) for code in rural if code in facts.units], True
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
    is_end = RE["TO"].search(text[: number.start])
    change = change and not is_end
    name = target.subjects[0][1]
    mean = name in ("mean_100", "median_100")
    begins = s.zones[k][0]
    zone = text[s.zones[k - 1][0] if k and text[begins : begins + 1] == ")" else begins : number.start]
    if (
        content is not None
        and not change
        and RE["OF_ALL"].search(text[content.start : content.end])
        and not any(content.end <= m.start < number.start for m in s.of("place"))
    ):
        target = replace(target, places=[("",)], others=())
    provinces = [tuple(m.value) for m in s.of("place") if "_of_" not in m.value[0]]
    if RE["OWN_PROVINCE"].search(text[: number.start]):  # is it named?
        target = replace(target, others=provinces if mean and change and s.of("city") else [])
    if (RE["OWN_PROVINCE"].search(text[: number.start]) and not (target.others or provinces)) or (
        not mean and RE["NO_LEVEL_OF_ALL"].search(zone)
    ):
        return None
    is_less = RE["MEAN"].search(text, *s.zones[k]) and not RE["REACHED"].search(text[: number.start])
    if name == "median_100" and is_less:  # less than the mean
        return None
    of_part = name == "theil" or (name == "gini" and len(s.of("place")) > 1)
    if of_part and RE["BETWEEN_TWO"].search(zone if name == "theil" else text[: number.start]):
        return None
    is_ratio = _is_ratio(s, number)
    spread, ratio = (
        is_ratio or RE["SPREAD"].search(text[: number.start]),
        is_ratio or dimension_of(unit) in ("times", "share"),
    )
    if len(wide := [place for place in target.places if is_wide(place[0])]) > 1 or target.others:
        wide_others = [*target.others, *wide[1:]]
        if wide and mean and (spread or ratio):
            ways = ["part"] if ratio else ["apart", "since", "level"]
            return replace(target, places=wide[:1], others=wide_others, ways=ways)
    if name == "within_percent" and wide and unit is None and any(m.value == ("gini",) for m in s.of("nation")):
        name, target = "gini", replace(target, subjects=[("nation", "gini")])
    of_type = name.endswith("lagging_percent")
    if name.endswith("percent") and not of_type and RE["OF_THEIL"].search(text):  # not of the Gini coefficient
        return None
    schemes = [] if of_type else [one for one, pattern in words()["schemes"].items() if re.search(pattern, text)]
    if name.endswith("percent") and not of_type and RE["OTHER_GROUPS"].search(text):  # than those of the headline
        if len(schemes) != 1:
            return None
        target = replace(target, subjects=[("nation", f"{name} {schemes[0]}")])
    if name.endswith("percent") and dimension_of(unit) == "share":
        dated = bool(s.of("year") or s.before.year)
        is_of_group = of_type and wide and s.of("place") and not RE["ALL_CITIES"].search(text, *s.zones[k])
        of = wide[:1] if is_of_group else [("",)]
        is_sure = dated and not target.is_other and (of_type or not s.of("place"))
        return replace(target, places=of, others=[], ways=["level"], is_sure=is_sure)
    if name.endswith("percent") and change and dimension_of(unit) == "difference":
        return replace(target, places=[("",)], others=[], ways=["since"]) if not s.of("place") else None
    if name in ("mean_100", "gini", "theil", "cv") and change and dimension_of(unit) == "share":
        return replace(target, places=[("",)], others=[], ways=["since"]) if not wide else None
    points = dimension_of(unit) == "points" or (unit is None and bool(number.decimals) and change)
    least = 1 if mean or name == "moran_of_z" else 2 - bool(wide)
    if not points and (number.decimals < least or unit is not None):
        return None
    cities = [m for m in s.of("city") if m.start < max(number.start, s.zones[k][1]) or ("",) in target.places]
    is_of_two = RE["MEAN"].search(text) and RE["MIDDLE"].search(text)  # the median is 4.89 points below the mean
    is_over = not s.of("place") and RE["OVER_MEAN"].search(text[: number.start])
    if mean and points and change and not cities and (is_of_two or is_over):
        return None
    if mean and cities and points and change:  # higher than the mean
        here = [place for place in target.places if not is_wide(place[0])] or [tuple(cities[0].value)]
        others = [*target.others, *wide] if target.others or wide else [("",)]
        others = [("median",)] if name == "median_100" and others == [("",)] else others
        return replace(target, subjects=[("score", facts.scope.index)], places=here[:1], others=others, ways=["apart"])
    of_span = (
        RE["FROM"].search(text[: number.start]),
        *(RE[name].search(text, *s.zones[k]) for name in ("BEGINNING", "END")),
    )
    is_at_end = bool(is_end) or any(of_span)
    is_of_span = is_at_end and (s.before.since or RE["END"].search(text, *s.zones[k]))
    is_sure = bool(s.of("year") or RE["SAME_TIME"].search(text) or (wide and s.before.year) or is_of_span)
    is_sure = is_sure and not (s.of("city") or RE["ADJUSTED"].search(text) or target.is_other)
    named = [m for m in s.of("place") if m.start < number.start or RE["NEXT_TO"].fullmatch(s.gap(number.end, m.start))]
    places = wide if wide and named else [("",)]
    over = [*target.others, *wide[1:], ("",)] if wide else []
    ways = ["since", "apart"] if change else ["level"]
    return replace(target, places=places[:1], others=over, ways=ways, is_sure=is_sure)


def _places(s: Sentence, k: int, listed: dict[str, Mention]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Whose figure a number may be, and which others it may be compared with, the likeliest first."""
    number, text = s.numbers[k], s.text
    start, end = s.zones[k]
    named = s.in_view(number, s.of("city", "place"))

    def is_owner(m: Mention) -> bool:  # 无锡的5亿元, Wuxi's 5
        return m.end < number.start and bool(RE["OWNED"].fullmatch(s.gap(m.end, number.start)))

    may_compare = dimension_of(number.unit) in ("times", "share") and not is_over_rural(s, number)
    if may_compare and (pair := compared_places(s, number)):
        return [pair[0]], [pair[1]]
    is_sum = RE["TOGETHER"].search(text[start : number.start])
    subjects = [m for m in named if not s.is_object(m)]
    again = [m for m in named if any(o.value == m.value and o.end <= m.start for o in subjects)]  # its own GDP
    objects = [m for m in named if s.is_object(m) and not is_owner(m) and not is_sum and m not in again]
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
        if number.end <= m.start
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
            return list(dict.fromkeys([tuple(place_mentions[0].value), *before])), [tuple(m.value) for m in others]
    if RE["TOGETHER"].search(text[start : number.start]) and not any(start <= m.start for m in place_mentions):
        all_named = list(dict.fromkeys(tuple(m.value) for m in s.of("city") if m.end <= number.start))
        if len(all_named) > 1:
            return all_named, []
    group = list(dict.fromkeys(tuple(m.value) for m in s.of("city") if m.end <= number.start))
    group = group or list(dict.fromkeys(tuple(m.value) for m in s.of("place") if m.end <= number.start))
    group = group if len(group) > 1 else [*s.before.listed]
    both = next(reversed(list(RE["BOTH"].finditer(text[:end]))), None)
    if both and len(group) > 1 and "place" not in listed and not any(m.start > both.start() for m in place_mentions):
        return list(group[: count_of(both["n"] or both["n_en"] or "2")]), [tuple(m.value) for m in others]
    places = list(dict.fromkeys(tuple(m.value) for m in reversed(place_mentions)))
    if not places:
        spoken_of = (s.before.cities, *s.before.listed[:2], s.before.document_cities)
        places = list(dict.fromkeys(one for one in spoken_of if one))
    return places, [tuple(m.value) for m in others if tuple(m.value) not in places[:1]]


def _is_named(s: Sentence, number: Number, place: tuple[str, ...]) -> bool:
    """Whether the sentence of a number names its place, or the whole text is about it."""
    is_here = any(
        tuple(m.value) == place
        and (m.end <= number.start or not is_wide(place[0]) or RE["NEXT_TO"].fullmatch(s.gap(number.end, m.start)))
        for m in s.of("city", "place")
    )
    return is_here or place == s.before.document_cities or len({s.before.cities, *s.before.listed}) < 2


def _years(
    facts: Facts, s: Sentence, k: int, listed: dict[str, Mention], *, change: bool
) -> tuple[list[int], list[int], bool]:
    """Of which year a number may be, the years that a change may be counted from, and whether its sentence says so."""
    if "year" in listed:
        return [listed["year"].value], [], True
    number, text, years = s.numbers[k], s.text, s.of("year")
    start, end = s.zones[k]
    left = text[: number.start]
    if RE["BOTH_YEARS"].search(left) and not years:
        ends = (s.before.since, facts.scope.first_year, s.before.year, facts.scope.last_year)
        return [year for year in dict.fromkeys(ends) if year], [], False
    bracket = RE["BRACKET_THEN"].match(text, number.end)  # .551 (z = 13.59) in 2021
    behind = [m.value for m in years if bracket and m.start == bracket.end()]
    if behind and not change:
        return behind, [], True
    owned = {  # 2012年的5亿元
        m: n
        for m in years
        for n in s.numbers
        if m.end <= n.start
        and RE["OWNED"].fullmatch(s.gap(m.end, n.start))
        and not RE["OF_CITIES"].match(text[n.end :])
        and not any(RE["IN_IT"].fullmatch(s.gap(one.end, m.start)) for one in s.numbers)  # 1st in 2012 with 68 points
    }
    is_with = k and re.fullmatch("[、和及]第?", s.gap(s.numbers[k - 1].end, number.start))  # 2012年的35分、第13位
    mine = s.numbers[k - bool(is_with) : k + 1]
    is_multiple = dimension_of(number.unit) == "times" or RE["OF_YEAR"].search(left)  # 是2015年的1.6倍
    of_base = [m for m in years if (is_multiple if owned.get(m) in mine else s.is_base(m))]
    plain = [m for m in years if m not in of_base]
    year_mentions, away = s.named(k, [m for m in plain if owned.get(m, number) in mine])
    own_base = [m.value for m in of_base if start <= m.start < end]
    now = [m.value for m in reversed(year_mentions)]
    if away:
        now += [m.value for m in plain[:1] if m.end <= number.start]
    base_values = [m.value for m in of_base]
    if s.before.year not in (None, *(base_values if not change else ())) and (not now or away < 0):
        now.append(s.before.year)
    if not plain and not (s.before.year and RE["WHOLE_YEAR"].search(text[start : number.start])):
        now += [year for year in (s.before.or_year, s.before.document_year) if year is not None]
    if RE["BEGINNING"].search(text[start:end]):
        return [*base_values, *([s.before.since] if s.before.since else []), facts.scope.first_year], [], False
    behind_years = max([0, *(m.end for m in years if m.end <= number.start)])
    is_without = not any(start <= m.start < end for m in years)
    is_now = RE["NOW"].search(left, behind_years) and not RE["FROM"].search(left)
    is_now = is_now and not any(number.end <= m.start < end for m in years)
    if is_now or (is_without and RE["END"].search(text[start:end])):
        now = list(dict.fromkeys([s.before.or_year or facts.scope.last_year, facts.scope.last_year]))
    is_listed = k and RE["ALIKE"].fullmatch(s.gap(s.numbers[k - 1].end, number.start))  # 上年的75.5分和0.83
    ago = years_ago(text[start:end]) or (years_ago(text[s.zones[k - 1][0] : end]) if is_listed else None)
    apart = [m for m in plain if m not in year_mentions]
    at = start + match.start() if (match := RE["AGO"].search(text[start:end])) else end
    if ago is not None and of_base and not plain and not change:  # 以2012年为起点，九年间由20.64分升至51.19分
        return [year if RE["FROM"].search(left) else year - ago for year in base_values], [], True
    if ago is not None and now and not change and not any(at <= m.start < number.end for m in plain):
        return list(dict.fromkeys(y + ago for y in now)), [], True
    whens = [m for m in of_base if m.end <= number.start and RE["WHEN"].match(text, m.end)]
    if whens and not change and not any(whens[-1].end <= m.start < number.start for m in plain):
        now = [whens[-1].value, *now]  # since 2015, when it was 27th with 36 points
    since = [*own_base, *([facts.scope.first_year] if RE["BEGINNING"].search(text) or RE["SPAN"].search(text) else [])]
    if not since:
        since = [y + then for m in RE["AGO"].finditer(left) for y in now if (then := years_ago(m[0]))]
        since += [m.value for m in [*reversed(of_base), *apart]] + ([s.before.since] if s.before.since else [])
        if not RE["SAME_TIME"].search(text) or RE["ONE_YEAR"].search(text):
            since += [y - 1 for y in now]
    if change and ago is not None and not own_base and away >= 0:  # 2012年为32分，九年间上升64分
        now, since = [*(year - ago for year in now if year - ago <= facts.scope.last_year), *now], [*now, *since]
    if change and (later := [m.value for m in apart if now and m.value > max(now)]):  # 18th in 2012, 64 points by 2021
        now, since = [*later, *now], [*since, *now]
    if not change:
        if (RE["FROM"].search(left) or RE["WHEN"].match(text[start:end])) and (own_base or away):
            now = [*since, *now]
        elif own_base and away:
            now = [*now, *own_base]
        if RE["TO"].search(left) and away:
            late = [y - then for m in RE["AGO"].finditer(left) for y in now if (then := years_ago(m[0]))]
            now = [*([s.before.year] if s.before.year else []), *now, *late]
    is_dated = any(start <= m.start < end for m in year_mentions) or _is_year_of_all(s, years)
    return list(dict.fromkeys(now)), list(dict.fromkeys(since)), is_dated


def _is_year_of_all(s: Sentence, years: Sequence[Mention]) -> bool:
    """Whether the one year of a sentence stands before all its numbers."""
    return len({m.value for m in years}) == 1 and years[0].start < s.numbers[0].start and not s.is_base(years[0])


def _is_ratio_of_neighbours(s: Sentence, k: int) -> bool:
    """Whether a multiple is that of the figures beside it: 49,318 yuan, 2.05 times the 24,067 of rural residents."""
    before, number, after = ([None, *s.numbers, None])[k : k + 3]
    if number is None or before is None or after is None or not after.value:
        return False
    is_next = RE["TIMES_NEXT"].fullmatch(s.gap(number.end, after.start))
    return bool(is_next) and rounds(number.value, before.value / after.value, number.decimals)
