"""What stands in a sentence: cities, years, words of what is measured, and numbers with their units. Both languages."""

from __future__ import annotations

import csv
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dagster_project.publish.check.facts import SQL, UNIT_WORDS, Facts, Unit, words
from dagster_project.publish.explain.cities import ALIASES

WIDE_SIGNS = str.maketrans("０１２３４５６７８９．％＋－（）：＝\u00a0\u2009\u202f’‘", "0123456789.%+-():=   ''")
SPELLINGS = (("labour", "labor"), ("sulphur", "sulfur"), ("urbanisation", "urbanization"), ("utilised", "utilized"))

PARTS_EN: dict[str, float] = words()["parts_en"]
PART_EN = re.compile(
    rf"(?<!more than )(?<!over )\b({'|'.join(PARTS_EN)})\b(?=[.,;]|\s+(?:of|that|as|in|between|over|from|since)\b)",
    re.IGNORECASE,
)
ORDINALS: list[str] = words()["ordinals"]
ORDINAL = re.compile(rf"\b({'|'.join(ORDINALS)})\b", re.IGNORECASE)
ZH_DIGITS = {sign: k for k, sign in enumerate("零一二三四五六七八九")}


def words_of(name: str) -> str:
    """Words, or patterns of them, one of which stands somewhere."""
    return "|".join(words()[name])


RE = {
    name: re.compile(re.sub(r"<<(\w+)>>", lambda match: words_of(str(match[1])), text))
    for name, text in words()["patterns"].items()
}
NO_FIGURE = re.compile(words_of("no_figure"), re.IGNORECASE)
NO_LEVEL = re.compile(f"{NO_FIGURE.pattern}|{words_of('no_level')}", re.IGNORECASE)
TIMES: dict[str, float] = words()["times"]


def _unit_pattern() -> str:
    def any_of(names: Iterable[str]) -> str:
        ends = ((name, r"(?![A-Za-z\d])" if RE["LATIN"].match(name[-1]) else "") for name in names)
        return "|".join(re.escape(name) + end for name, end in sorted(ends, key=lambda one: -len(one[0])))

    units = any_of(UNIT_WORDS)
    return rf"(?:(?!{units})(?P<times>{any_of(TIMES)})(?:\s+of)?)?\s*(?P<unit>{units})?"  # 千瓦时: no thousand


UNIT = re.compile(r"[\s\-]?\s*" + _unit_pattern(), re.IGNORECASE)
IN_HEAD = re.compile(
    r"[((\[/,,:：]\s*(?:单位[:：]\s*|unit:?\s*|in\s+)?(?:(?:RMB|CNY)\s*)?" + _unit_pattern() + r"\s*(?:[))\],，]|$)",
    re.IGNORECASE,
)
UNIT_ALONE = re.compile(r"\((?:in\s+|单位[:：]\s*)?(?:(?:RMB|CNY)\s*)?" + _unit_pattern() + r"\)", re.IGNORECASE)
LIKELY_DIGITS = 3  # of a figure whose unit stands elsewhere in the sentence
UNIT_STATED = re.compile(r"(?:单位|units?)\s*[:：]\s*" + _unit_pattern(), re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """Words from `start` to `end` and what they name. Kinds: city (ids), place, year, index (code), score, rank,
    variable (codes), nation, other."""

    kind: str
    start: int
    end: int
    value: Any = None


@dataclass(frozen=True)
class Number:
    """A number as it stands: digits with `decimals` places, in `unit`."""

    start: int
    end: int
    text: str
    value: float
    decimals: int
    unit: Unit | None = None
    is_rank: bool = False
    is_part: bool = False  # in words, about right: a third

    @property
    def significant(self) -> int:
        return len(self.text.replace(",", "").replace(".", "").lstrip("-+−0").strip()) or 1


class Vocabulary:
    """All names of one published file. `mentions` finds them, the longest first."""

    def __init__(self, facts: Facts) -> None:
        self._buckets: dict[str, list[tuple[str, bool, str, Any]]] = defaultdict(list)
        self._values: dict[tuple[str, str], list[Any]] = {}
        self.document_cities: tuple[str, ...] = ()  # the city that the document is about, the one last spoken of
        self.last: tuple[str, ...] = ()
        self.alone: dict[
            str, tuple[str, list[str]]
        ] = {}  # English names that mean it only alone in a cell: East, Labour
        self.namesakes: dict[str, str] = {}  # names of cities that are those of provinces too: Jilin, 吉林
        self._cities(facts)
        self._variables(facts)
        self._indexes(facts)
        for bucket in self._buckets.values():
            bucket.sort(key=lambda entry: -len(entry[0]))

    def mentions(self, text: str) -> list[Mention]:
        """In order, without overlaps; years included."""
        low = text.lower()
        if named := self.alone.get(RE["BRACKET"].sub("", low).strip()):
            return [Mention(named[0], 0, len(text), tuple(named[1]))]
        results, at = list[Mention](), 0
        while at < len(text):
            match = self._at(text, low, at) if low[at : at + 2] in self._buckets else None
            if match is None:
                at += 1
                continue
            results.append(match)
            at = match.end
        for word, cities in (
            (RE["SELF"], self.document_cities),
            (RE["CITY"], tuple(dict.fromkeys(self.document_cities + self.last))),
        ):
            for spot in word.finditer(text):
                before = [one.value for one in results if one.kind == "city" and one.end <= spot.start()]
                if spoken_of := (before[-1] if before and word is RE["CITY"] else cities):
                    results.append(Mention("city", *spot.span(), spoken_of))
        spoken_of = self.document_cities + self.last
        provinces = {self.provinces.get(place, place) for place in spoken_of} & {*self.provinces.values()}
        if len(provinces) == 1 and not any(one.kind == "place" for one in results):
            of_all = (spot.span() for spot in RE["WHOLE_PROVINCE"].finditer(text))
            results += [Mention("place", *span, tuple(provinces)) for span in of_all]
        return sorted([*results, *_years(text, results)], key=lambda mention: mention.start)

    def _at(self, text: str, low: str, at: int) -> Mention | None:
        for phrase, is_name, kind, values in self._buckets[low[at : at + 2]]:
            end = at + len(phrase)
            if not low.startswith(phrase, at):
                continue
            if RE["LATIN"].match(phrase[0]) and at and (RE["LATIN"].match(text[at - 1]) or text[at - 1] in "_-/"):
                continue
            if RE["LATIN"].match(phrase[-1]) and end < len(text):
                if text[end] == "s" and kind not in ("city", "place") and not text[end + 1 : end + 2].isalnum():
                    end += 1
                elif (RE["LATIN"].match(text[end]) and not (text[end].isdigit() and phrase[-1].isalpha())) or (
                    text[end] in "_-" and text[end + 1 : end + 2].isalnum()
                ):
                    continue
            if is_name and not text[at].isupper() and RE["LATIN"].match(text[at]):
                continue
            if RE["COMPASS"].fullmatch(phrase) and (RE["OF_NAME"].match(text, end) or RE["WAY_TO"].search(text[:at])):
                continue  # East China, further to the west
            return Mention(kind, at, end, tuple(values))
        return None

    def _add(self, phrase: str, kind: str, value: Any = None) -> None:
        phrase = phrase.translate(WIDE_SIGNS).strip()
        is_name, phrase = kind in ("city", "place") and phrase[:1].isupper(), phrase.lower()
        if len(phrase) < 2:
            return
        variants = {phrase, *(phrase.replace(british, other) for british, other in SPELLINGS)}
        for text in variants:
            values = self._values.setdefault((text, kind), [])
            if not values:
                self._buckets[text[:2]].append((text, is_name, kind, values))
            if value is not None and value not in values:
                values.append(value)

    def _cities(self, facts: Facts) -> None:
        roster = {row[0]: row[1:] for row in facts.con.execute(SQL["roster"]).fetchall()}
        self.names = {city: f"{zh} {en}" for city, (zh, en, *_) in roster.items()}
        self.provinces: dict[str, str] = {city: row[2] for city, row in roster.items()}
        for city, (zh, en, province, province_en) in roster.items():
            for name in (zh, re.sub("(市|地区|盟|(?:.族)*自治州)$", "", zh), en, f"{en} City", f"{en} city"):
                if len(name) > 1:
                    self._add(name, "city", city)
            for name in (f"{province}{zh}", re.sub("(省|市|(壮族|回族|维吾尔)?自治区)$", "", province) + zh):
                self._add(name, "city", city)
            for link in (", {}", " ({})", " in {}", " of {}"):
                self._add(en + link.format(province_en), "city", city)
        counties = facts.con.execute(SQL["counties"]).fetchall()
        alike = Counter(name for zh, pinyin, *_ in counties for name in (zh, pinyin))
        for zh, pinyin, kind, parent, county in counties:
            if (zh, "city") in self._values:
                continue
            if not county or alike[zh] > 1:
                self._add(zh, "place", "county")
                self._add(f"{pinyin} {zh}", "place", "county")  # Jinzhou alone is a city
                continue
            self.names[county], self.provinces[county] = f"{zh} {pinyin}", self.provinces.get(parent, "")
            self._add(zh, "city", county)
            for name in (zh[:-1] if kind == "county_city" else zh, pinyin if alike[pinyin] == 1 else ""):
                if (name.lower(), "city") not in self._values and len(name) > 1:
                    self._add(name, "city", county)
        with ALIASES.open(encoding="utf-8") as file:
            for row in csv.DictReader(file):
                if row["kind"] == "code" or len(row["alias"]) < 2:
                    continue
                if row["city_id"] in roster:
                    self._add(row["alias"], "city", row["city_id"])
                elif not row["city_id"].endswith("0000") and (row["alias"].lower(), "city") not in self._values:
                    self._add(row["alias"], "place", "county")
        for city, (_, _, province, province_en) in roster.items():
            if city.endswith("0000"):
                continue
            self.names[province] = f"{province} {province_en}"
            short = re.sub("(省|(壮族|回族|维吾尔)?自治区)$", "", province)
            more = (
                f"{province_en}'s cities",
                f"cities of {province_en}",
                f"cities in {province_en}",
            )  # Jilin is a city too
            for name in (province, f"{province_en} province", province_en, short, *more):
                if (name.lower(), "city") not in self._values:
                    self._add(name, "place", province)
                elif name in (province_en, short):
                    self.namesakes[name.lower()] = province
        for place, code, zh, en in facts.con.execute(SQL["groups"]).fetchall():
            self.names[place] = f"{zh} {en}"
            self.alone.setdefault(en.lower(), ("place", []))[1].append(place)
            short = zh.removesuffix("城市群")
            self.alone.setdefault(short, ("place", []))[1].append(place)
            of_cluster = [en] if short != zh and re.search("[ -]", en) else []
            longer = [short] if len(short) > 2 else []
            for name in (zh, f"{zh}地区", *longer, *of_cluster, *words()["places"].get(code, ())):
                self._add(name, "place", place)
        for name in words()["places"]["other"]:
            self._add(name, "place", name)

    def _variables(self, facts: Facts) -> None:
        self.labels: dict[str, str] = {}
        for code, zh, en in facts.con.execute(SQL["names"]).fetchall():
            if code not in facts.units:
                continue
            self.labels.setdefault(code, f"{zh} / {en}")
            for name in (zh, en):
                for form in _forms(name or ""):
                    self._add(form, "variable", code)
        forms = {code: [*map(_forms, (code, *names))] for code, names in words()["variables"].items()}
        for code, of in sorted(forms.items(), key=lambda one: one[0] not in facts.units):
            for form in (form for name in of for form in name):
                if code in facts.units:
                    self._add(form, "variable", code)
                elif (form.lower(), "variable") not in self._values:
                    self._add(form, "other")  # this release does not have it

    def _indexes(self, facts: Facts) -> None:
        known, headline = words(), facts.scope.index
        for kind, key in (("score", "scores"), ("rank", "ranks"), ("other", "other"), ("none", "no_name")):
            for name in known[key]:
                self._add(name, kind)
        titles = facts.con.execute(SQL["index_names"]).fetchall()
        relations = facts.con.execute(
            "select relations_code from mart.dim_index where index_code = ?", [headline]
        ).fetchall()
        mains = {headline, *(code for (code,) in relations)}
        own_titles = {zh for code, zh, _ in titles if code in mains}
        for code, zh, en in titles:
            if code in facts.indexes and code != headline:
                whole, _, part = zh.partition("：")
                for name in (zh, en, *([part] if whole in own_titles and len(part) > 2 else [])):
                    self._add(name, "index", code)
        for name in known["headline"]:
            self._add(name, "index", headline)
        for part, names in known["parts"].items():
            if f"{headline}_{part}" in facts.indexes:
                for name in (name.replace("<part>", noun) for name in names for noun in known["part_nouns"]):
                    if name[0].isupper():
                        self.alone[name.lower()] = "index", [f"{headline}_{part}"]
                    else:
                        self._add(name, "index", f"{headline}_{part}")
        if relations and relations[0][0] in facts.indexes:
            for name in known["relations"]:
                self._add(name, "index", relations[0][0])
        for code, names in known["national"].items():
            for name in names:
                self._add(name, "nation", code)


def _forms(name: str) -> Iterator[str]:
    """A name and how it is shortened in a sentence."""
    bare = re.sub(r"\s*[((][^))]*[))]", "", name).strip()
    for text in {name, bare}:
        yield text
        if RE["CHINESE"].search(text):
            plain = re.sub("年末|当年|全年|实有", "", text)
            yield from (plain, re.sub("数$", "", plain), plain.replace("规模以上", "规上"))
            if len(plain) > 4:
                yield re.sub("(数|额)$", "量", plain)
        else:
            yield re.sub(r"\s+at year end$|^number of |^total ", "", text)
            yield text.replace("per head", "per capita")


def _years(text: str, results: list[Mention]) -> Iterator[Mention]:
    spans = [(mention.start, mention.end) for mention in results]
    spans += [match.span() for match in NO_LEVEL.finditer(text)]
    for match in RE["CITED"].finditer(text):
        if not any(match.start() <= mention.start < match.end() for mention in results):  # Rank (2021) is none
            spans.append(match.span())
    for match in RE["YEAR"].finditer(text):
        inside = any(start <= match.start() < end for start, end in spans)
        if not inside and not RE["NO_YEAR"].match(text, match.end()):
            end = match.end() + (text[match.end() : match.end() + 1] == "年")
            yield Mention("year", match.start(), end, int(match[1]))


def sentences(text: str) -> Iterator[tuple[int, str]]:
    """Sentences with their places in the text."""
    start = 0
    for match in RE["ENDS"].finditer(text):
        if RE["ENDS_NOT"].search(text[start : match.start()]):
            continue
        at = match.end()
        if text[start:at].strip():
            yield start, text[start:at]
        start = at
    if text[start:].strip():
        yield start, text[start:]


def numbers(text: str, mentions: Sequence[Mention], *, every: bool = False) -> list[Number]:
    """Figures of a sentence: no years, dates, sections, references, versions; `every`: with p values and intervals."""
    no_figure = NO_FIGURE if every else NO_LEVEL
    covered = [(mention.start, mention.end) for mention in mentions if mention.kind != "rank"]
    covered += [match.span() for match in no_figure.finditer(text)]
    ends = {mention.end for mention in mentions}
    alone = (match for match in UNIT_ALONE.finditer(text) if match["unit"] and match["unit"] != "T")  # Theil's T
    brackets = [(match.span(), _unit(match)) for match in alone]  # (million yuan)
    covered += [span for span, _ in brackets]
    if section := RE["SECTION"].match(text):
        covered.append(section.span())
    results = list[Number]()
    for match in RE["NUMBER"].finditer(text):
        start, end = match.start("digits"), match.end()
        if re.match("[A-Za-z]", text[match.start() - 1 : match.start()]) and match.start() not in ends:
            continue  # T12, PM2.5
        if match["sign"] and text[: match.start()].rstrip().endswith("("):
            continue  # (+6.3): a difference
        if RE["COUNTED"].match(text, end):
            continue
        if any(a < end and start < b for a, b in covered):
            continue
        unit, unit_end = _unit_after(text, end)
        if unit is None and unit_end == end and re.match(r"[A-Za-z_]", text[end:]):
            continue  # 5G, 3D
        if unit is None and brackets and len(match["digits"]) >= LIKELY_DIGITS:
            unit = brackets[0][1]
        before = text[:start].rstrip()
        if (unit is None or not unit.dimension) and before.endswith(("USD", "US$")):
            unit = Unit("dollars", unit.factor if unit else 1.0)
        elif unit is None and before.endswith(("RMB", "CNY", "¥", "￥")):
            unit = Unit("money")
        elif unit is not None and not unit.dimension and RE["MONEY_BEFORE"].search(before):
            unit = Unit("money", unit.factor)
        after_ratio = (
            results and results[-1].unit == Unit("times") and RE["TO_IT"].fullmatch(text[results[-1].end : start])
        )
        is_ratio = RE["RATIO"].search(text[:start]) and not re.match(r"\s*[:∶]\s*\d", text[end:])  # 之比为5:33:61
        if unit is None and (is_ratio or after_ratio):
            unit = Unit("times")
        is_rank = (unit is not None and unit.dimension == "rank") or bool(RE["RANK_BEFORE"].search(before))
        is_rank = is_rank and "." not in match["digits"]
        is_place = text[unit_end - 1 : unit_end] == "名" and before.endswith("第")
        sign = match["sign"] if match["sign"] and not re.search(r"[\d%分位元)]\s*$", text[: match.start()]) else None
        digits = match["digits"].replace(",", "")
        decimals = len(digits.partition(".")[2])
        value = float(digits) * (-1 if sign in ("-", "−") else 1)
        if is_place or is_rank:
            unit, is_rank = Unit("rank"), True
        if unit is None and RE["YEAR"].fullmatch(match["digits"]):
            continue
        start -= value < 0
        printed = ("-" if value < 0 else "") + match["digits"]
        results.append(Number(start, unit_end, printed, value, decimals, unit, is_rank))
    for match in RE["RANK_ZH"].finditer(text):
        word = match[1] or match[2]
        value = _chinese(word)
        if value and not any(a < match.end() and match.start() < b for a, b in covered):
            results.append(Number(match.start(), match.end(), word, float(value), 0, Unit("rank"), is_rank=True))
    results += [part for part in _parts(text) if not any(a < part.end and part.start < b for a, b in covered)]
    for match in ORDINAL.finditer(text):
        near = text[max(0, match.start() - 12) : match.start()].lower()
        if RE["PLACED"].search(near) or RE["PLACED_AFTER"].match(text, match.end()):
            place = float(ORDINALS.index(match[1].lower()) + 1)
            results.append(Number(*match.span(), match[1], place, 0, Unit("rank"), is_rank=True))
    return sorted(results, key=lambda number: number.start)


def _parts(text: str) -> Iterator[Number]:
    """Multiples in words: 三分之一, 七成, 翻了一番, two thirds, doubled."""
    for match in RE["PART_ZH"].finditer(text):
        if tenths := match["tenths"]:
            share = 10 * _chinese(tenths)
            yield Number(*match.span(), str(share), float(share), 0, Unit("share"), is_part=True)
            continue
        n, of = _chinese((match["n"] or "一").replace("两", "二")), _chinese(match["of"] or "二")
        times = _chinese((match["doubled"] or "一").replace("两", "二"))
        value = n / of if match["n"] or match["half"] else 2.0**times
        yield Number(*match.span(), match[0], value, 1, Unit("times"), is_part=True)
    for match in PART_EN.finditer(text):
        yield Number(*match.span(), match[0], PARTS_EN[match[0].lower()], 1, Unit("times"), is_part=True)


def _unit_after(text: str, end: int) -> tuple[Unit | None, int]:
    match = UNIT.match(text, end)
    if match is None or not (match["times"] or match["unit"]):
        return None, end
    return _unit(match), match.end("unit") if match["unit"] else match.end("times")


def _unit(match: re.Match[str]) -> Unit:
    times = match["times"]
    factor = TIMES[times.lower()] if times else 1.0
    word = match["unit"]
    if not word:
        return Unit("", factor)
    base = UNIT_WORDS.get(word) or next(unit for name, unit in UNIT_WORDS.items() if name.lower() == word.lower())
    return Unit(base.dimension, base.factor * factor)


def unit_in_head(text: str) -> Unit | None:
    """The unit that a column head or a caption names: 地区生产总值(亿元), GDP (100 million yuan), 单位：万人."""
    text = text.translate(WIDE_SIGNS).strip()
    if RE["UNITS_STATED"].search(text):
        return None
    for match in (*UNIT_STATED.finditer(text), *IN_HEAD.finditer(text), *filter(None, [UNIT.fullmatch(text)])):
        is_per = match[0].startswith("/") and re.search(r"\([^()]+$", text[: match.start()])  # (units/10k persons)
        if (match["times"] or match["unit"]) and match["unit"] != "T" and not is_per:  # Theil's T
            return _unit(match)
    return None


def count_of(word: str) -> int:
    """5, 五 or five -> 5."""
    small = words()["small_numbers"]
    return int(word) if word.isdigit() else int(small.get(word.lower(), 0)) or _chinese(word.replace("两", "二"))


def _chinese(word: str) -> int:
    """二十三 -> 23; up to 999."""
    total, digit = 0, 0
    for sign in word:
        if sign in "十百":
            total += (digit or 1) * (10 if sign == "十" else 100)
            digit = 0
        else:
            digit = ZH_DIGITS.get(sign, 0)
    return total + digit
