"""What a number measures: the word of its sentence that says so, and what of the file that may be."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from dagster_project.publish.check.cells import tokens
from dagster_project.publish.check.facts import SQL, UNITS, Facts, Subject, Unit, kept, words
from dagster_project.publish.check.recognise import RE, Mention, Number
from dagster_project.publish.check.sentence import (
    CONTENT,
    NOUN,
    Sentence,
    clause_before,
    dimension_of,
    is_before_name,
    is_changed,
    names_nothing,
    rest_before,
    words_behind,
)
from dagster_project.publish.check.verdicts import LIKELY

CLOSE = 12  # letters from a word to what it measures
AMOUNTS = ("money", "count", "dollars", "area", "mass", "volume", "energy", "length")
RARE = 6  # variables that share a piece of a name which still says which of them is meant
ALONE = 1.5  # times what the name of any other shares
FEW = 3  # variables that one name may stand for
MOST_POINTS = 100  # of a score


def content_of(facts: Facts, s: Sentence, k: int, listed: dict[str, Mention]) -> tuple[Mention | None, bool]:
    """The word that says what is measured, and whether nothing else is named between it and the number."""
    if "content" in listed:
        return listed["content"], True
    number = s.numbers[k]
    content = _nearest(facts, s, number, number.unit)
    if content is None:
        is_carried = not s.of(*CONTENT) and _leans(facts, s, k)
        return (s.before.content if is_carried else None), True
    gap = s.gap(content.end, number.start)
    if content.end <= number.start and RE["AND"].search(gap) and RE["NOUN_AFTER"].match(s.text, number.end):
        return content, False  # ... and 2.9 million accounts
    is_rural = RE["RURAL"].search(s.text[s.zones[k][0] : number.start])
    is_other = content.kind == "variable" and content.value != ("coupling",)
    return content, not is_other or bool(is_rural) or content.end > number.start or not _other_noun(s, content, number)


class Names:
    """What the variables are called, in pieces."""

    def __init__(self, facts: Facts) -> None:
        self.tokens: dict[str, set[str]] = defaultdict(set)
        names = [(code, name) for code, *of in facts.con.execute(SQL["names"]).fetchall() for name in of if name]
        for code, name in [*names, *((code, name) for code, of in words()["variables"].items() for name in of)]:
            if code in facts.units:
                self.tokens[code] |= tokens(name)
        self.often = Counter(token for of in self.tokens.values() for token in of)

    def alike(self, text: str, codes: Sequence[str]) -> tuple[str, ...]:
        """The variables among some whose names share a rare piece with a text, and more than any other shares."""
        here, n = {one for one in tokens(text) if len(one) > 3 or not one.isascii()}, len(self.tokens)
        shared = {
            code: sum(math.log(n / self.often[one]) for one in here & self.tokens[code])
            for code in codes
            if any(self.often[one] <= RARE for one in here & self.tokens[code])
        }
        best = max(shared.values(), default=0.0)
        near = [code for code, value in shared.items() if value > best / ALONE]
        return tuple(near) if len(near) <= FEW else ()


def unnamed(facts: Facts, s: Sentence, number: Number) -> Mention | None:
    """The measure that the words beside a number are like, where they are none of its names: 用于科学技术的支出."""
    start, _ = s.zones[s.numbers.index(number)]
    dimension = dimension_of(number.unit)
    if dimension == "share" and is_changed(s, s.numbers.index(number)):  # growth of an amount
        return None
    dimension = dimension.replace("difference", "share")
    codes = [code for code in facts.units if dimension and facts.unit_of(("value", code)).dimension == dimension]
    clause = re.split("[,，;；:：。]", s.text[start : number.start])[-1]
    behind = re.split(r"[,，;；。、\d]|\band\b", s.text[number.end :])[0]
    text = f"{clause} {behind}"
    for name in ("SHARE", "CHANGE_HEAD", "AGO", "COMPARED"):  # 比上年增长: of which measure?
        text = RE[name].sub(" ", text)
    if "每" in clause:  # a ratio of figures that are printed, none at constant prices
        codes = [code for code in codes if "per" in facts.units[code] and " of 2012" not in facts.units[code]]
    near = kept(facts, Names).alike(text, codes)
    return Mention("variable", number.start - len(clause), number.start, near) if near else None


def _leans(facts: Facts, s: Sentence, k: int) -> bool:
    """Whether what is measured may be that of the sentence before: in Jiaxing it was 5.06 billion yuan."""
    number, content = s.numbers[k], s.before.content
    if content is None or not names_nothing(s, number):
        return False
    dimension = dimension_of(number.unit)
    if dimension == "times" and len(s.of("city")) == 2:
        return True
    if content.kind == "variable" and number.unit is not None:
        return facts.unit_of(("value", content.value[0])).dimension == dimension or not dimension
    if content.kind == "variable" and number.unit is None and number.significant >= LIKELY:
        return facts.unit_of(("value", content.value[0])).dimension == "count"
    return content.kind == "score" or bool(RE["IN_BRACKETS"].search(s.text[: number.start]))


def _nearest(facts: Facts, s: Sentence, number: Number, unit: Unit | None) -> Mention | None:
    """The word that says what is measured."""
    best, cost = None, 1e9
    k = s.numbers.index(number)
    is_behind = is_before_name(s, number)
    of_others = s.zones[k][0] if not k or not is_before_name(s, s.numbers[k - 1]) else number.start
    is_of_two = any("coupling" in m.value for m in s.of("variable"))  # the degree between the forces and relations
    for mention in s.of(*CONTENT):
        if is_of_two and mention.kind == "index":
            continue
        if is_behind and mention.kind == "nation" and (mention.start < of_others or mention.value == ("gini",)):
            continue
        joined = (m.start for m in s.of("index") if m.end <= mention.start and not s.gap(m.end, mention.start).strip())
        left = s.text[: next(joined, mention.start)]
        of_all = s.of("nation") and re.search(r"\b(?:of|in)\s+(?:the\s+)?(?:\d{4}\s+)?(?:city\s+)?$", left)
        if mention.kind in ("score", "index") and (
            of_all or any(m.end <= mention.start and not s.gap(m.end, mention.start).strip() for m in s.of("nation"))
        ):
            continue  # the Gini coefficient of the scores
        if RE["DENOMINATOR"].search(left) and s.gap(mention.end, number.start).strip() != "(":
            continue  # 30 % of GDP
        if len(s.of(*CONTENT)) > 1 and RE["OF_TOWN"].search(left):
            continue  # the income of its rural residents
        if any(mention is multiplied_by(s, one) for one in s.numbers):
            continue  # 1.2 times its GDP
        if mention.kind == "other" and RE["WEIGHTS_OF_SPACE"].search(left):
            continue
        is_added_to = mention.kind in ("score", "index") or mention.value == ("gini",)
        if is_added_to and RE["ADDED_TO"].match(s.text, mention.end):
            continue  # 对总得分的贡献
        if mention.kind in ("score", "index") and RE["LOG_OF"].search(left):
            continue  # the standard deviation of the log score
        if mention.end <= number.start:
            gap = s.gap(mention.end, number.start)
            signs = len(re.findall(r"[,，;；。:：]", gap))
            distance = len(gap) + 25 * signs + 40 * s.between(mention.end, number.start)
        else:
            gap = RE["ASIDE"].sub("", s.gap(number.end, mention.start))
            gap = RE["OR_SHARE"].sub("", gap)  # 660, or 31 per cent, were
            gap = gap.replace(",", "", 1) if RE["WITH"].match(s.text[: number.start]) else gap
            if (RE["NUMBER"].search(gap) and s.between(number.end, mention.start)) or re.search(r"[,，;；。、]", gap):
                continue
            if RE["AND"].search(gap) and s.numbers[-1].start > mention.end:
                continue  # fell to .298 and the Theil index to .141
            direct = re.fullmatch(r"\s*(?:的|个|件|家|项|of|in|were|was)?\s*(?:its\s+)?", gap)
            distance = 3 + len(gap) if direct else 60 + len(gap) + 40 * len(re.findall(r"[:：]", gap))
        is_part = dimension_of(unit) == "points" and facts.indicators_of(mention.value or ())
        if unit is not None and not is_part and not _unit_fits(mention, unit):
            distance += 200
        elif mention.kind == "variable":  # in a unit that it has not, and that of a clause before
            has = [facts.unit_of(("value", code)) for code in mention.value]
            is_before = re.search("[,，]", gap)
            distance += 0 if any(dimension_fits(one, unit) for one in has) else 100 if is_before else 40
        if mention.kind == "variable" and mention.end <= number.start and _other_noun(s, mention, number):
            distance += 100
        if distance < cost:
            best, cost = mention, distance
    return best


def is_of_other_unit(facts: Facts, s: Sentence, number: Number, content: Mention | None) -> bool:
    """Whether the amount before a growth rate is not in the unit of its measure: employed persons earned 100 yuan."""
    if content is None or content.kind != "variable" or dimension_of(number.unit) != "share":
        return False
    amounts = [n.unit for n in s.numbers if content.end <= n.start < number.start and dimension_of(n.unit) in AMOUNTS]
    units = [facts.unit_of(("value", code)) for code in content.value]
    return bool(amounts) and not any(dimension_fits(unit, amounts[-1]) for unit in units)


def is_other_amount(facts: Facts, number: Number, content: Mention | None) -> bool:
    """Whether an amount is not in the unit of its measure: 1139 firms have profits of 278 million yuan."""
    units = [facts.unit_of(("value", code)) for code in content.value] if content and content.kind == "variable" else []
    if number.unit is None or number.unit.dimension not in AMOUNTS or not units:
        return False
    of_money = {"money", "dollars"}.issuperset({number.unit.dimension, *(one.dimension for one in units)})
    return not of_money and not any(dimension_fits(one, number.unit) for one in units)


def multiplied_by(s: Sentence, number: Number) -> Mention | None:
    """The other measure that something is a multiple of: 1.2 times its GDP, 是地区生产总值的1.2倍."""
    if dimension_of(number.unit) != "times":
        return None
    of = s.of("variable")
    for k, m in enumerate(of):
        if len(of) > 1 and RE["OF_FORMER"].search(s.text[: number.start]) and m is of[-2]:
            return m
        is_behind = m.start >= number.end and RE["MULTIPLIED_EN"].fullmatch(s.gap(number.end, m.start))
        is_before = m.end <= number.start and RE["MULTIPLIED_ZH"].fullmatch(s.gap(m.end, number.start))
        if (is_behind or is_before) and any(one.value != m.value for one in of[:k]):
            return m
    return None


def _other_noun(s: Sentence, mention: Mention, number: Number) -> bool:
    """Whether the last clause before the number names something else, which is not published."""
    clauses = re.split(r"[,，;；:：、]", rest_before(s, mention.end, number))
    return len(clauses) > 1 and bool(NOUN.search(clauses[-1]))


def _is_next(s: Sentence, mention: Mention, number: Number) -> bool:
    """Whether nothing but cities, years and small words stands between a word and its number."""
    return mention.start >= number.end or not NOUN.search(
        rest_before(s, mention.end, number, ("city", "year", "place", "index"))
    )


def _unit_fits(mention: Mention, unit: Unit) -> bool:
    """A first look: points and ranks are of indexes, the rest of variables."""
    if unit.dimension in ("rank", "places"):
        return mention.kind in ("rank", "index", "score", "variable")
    return mention.kind in ("variable", "other") or unit.dimension in ("", "share", "difference", "times")


def subjects_of(facts: Facts, s: Sentence, number: Number, content: Mention | None) -> list[Subject]:
    """What may be meant; nothing where it is not a figure of the file."""
    dimension = number.unit.dimension if number.unit else ""
    indexes = _indexes(facts, s, number)
    scores: list[Subject] = [("score", index) for index in indexes]
    ranks: list[Subject] = [("rank", index) for index in indexes]
    if content is None:
        if not s.of("city", "place") and not names_nothing(s, number):
            return []
        behind = [m for m in s.of("city") if s.gap(m.end, number.start).strip() == "("]
        is_top = behind and RE["TOP"].match(s.text[: s.of("city")[0].start])
        is_ranked = any(o.is_rank and o.end <= number.start for o in s.numbers) and RE["WITH"].search(
            s.text[: number.start]
        )
        has_points = is_top or is_ranked or any(o.unit == UNITS["points"] for o in s.numbers)
        if dimension == "" and number.decimals and has_points:
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
        if is_over_rural(s, number) and (of_towns := [code for code in codes if "_urban" in code]):
            return [("value", code) for code in of_towns]
        if RE["RURAL"].search(
            clause_before(s, number)[content.end - number.start :] + words_behind(s, number)
        ):  # urban 3, rural 2
            codes = [code for one in codes if (code := one.replace("_urban", "_rural")) in facts.units]
        is_of_towns = any("_urban" in code for code in codes)
        if is_of_towns and not RE["TOWN"].search(s.text + s.before.phrase) and not RE["RURAL"].search(s.text):
            return []
        zone = s.text if number.decimals else s.text[slice(*s.zones[s.numbers.index(number)])]
        is_per_ten = dimension in ("", "count", "times", "share") and RE["PER_TEN"].search(zone)
        codes = (is_per_ten and facts.indicators_of(codes)) or codes
        subjects: list[Subject] = [("value", code) for code in codes]
        is_per_head = RE["A_HEAD"].search(clause_before(s, number)) or RE["A_HEAD_AFTER"].match(s.text, number.end)
        if subjects == [("value", "gdp_nom")] and is_per_head:
            subjects = [("value", "gdp_per_capita_nom")] if "gdp_per_capita_nom" in facts.units else []
        fits = [one for one in subjects if dimension_fits(facts.unit_of(one), number.unit)]
        is_points = dimension == "points" or (
            not dimension and number.decimals and RE["CONTRIBUTES"].search(clause_before(s, number))
        )
        has_city = s.of("city") or s.before.cities or s.before.document_cities
        if is_points and has_city and (indicators := facts.indicators_of(codes)):
            kind = "scaled" if RE["SCALED"].search(clause_before(s, number)) else "points"
            return [(kind, code) for code in indicators]
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


def dimension_fits(fact_unit: Unit, unit: Unit | None) -> bool:
    return unit is None or not unit.dimension or fact_unit.dimension == unit.dimension


def is_over_rural(s: Sentence, number: Number) -> bool:
    """Whether it is a multiple of a figure of the country: urban income is 2.4 times the rural one."""
    near = s.text[s.zones[s.numbers.index(number)][0] : number.start] + words_behind(s, number)
    return dimension_of(number.unit) == "times" and bool(RE["RURAL"].search(near))


def _indexes(facts: Facts, s: Sentence, number: Number) -> list[str]:
    """The index whose score or rank is meant: named before, else after, else the headline or what is carried."""
    indexes = s.of("index")
    before = [mention for mention in indexes if mention.end <= number.start]
    wholes = [b for a, b in pairwise(before) if RE["PART_OF"].fullmatch(s.gap(a.end, b.start))]
    before = [mention for mention in before if mention not in wholes]
    for word, part in (("FORMER", 0), ("LATTER", 1)):
        if len(before) > 1 and RE[word].search(s.text[s.zones[s.numbers.index(number)][0] : number.start]):
            return [str(before[part].value[0])]
    begins = {m: m.start + 3 * s.text.startswith("on ", m.start) for m in indexes}  # 35.86 on Quality
    beside = next((m for m in indexes if RE["POINTS_ON"].fullmatch(s.gap(number.end, begins[m]))), None)
    after = [m for m in indexes if m.start >= number.end and not re.search("[,，;；]", s.gap(number.end, m.start))]
    chosen = beside or (before[-1] if before else after[0] if after else None)
    of_whole = [m for m in s.of("score") if m.end <= number.start and RE["WHOLE"].search(s.text[: m.end])]
    if of_whole and not any(m.start > of_whole[-1].start for m in before):
        return [facts.scope.index]
    if chosen is not None:
        return [str(chosen.value[0])]
    return list(dict.fromkeys([facts.scope.index, s.before.index or facts.scope.index]))
