"""The Chinese words of the report: assets/dictionary.csv for headings, heads and captions, sentences.csv for text.

A row is an English phrase and its Chinese twin. `{0}`, `{1}` stand for what changes (years, numbers, names); what
they hold is looked up again, so that "{0} cities" serves wherever cities are counted. A short row serves only if words
in its holes have a twin too, so that it does not break a sentence apart. A phrase that no row fits stays English in
both languages.
"""

from __future__ import annotations

import csv
import re
from functools import cache, lru_cache
from pathlib import Path

from markupsafe import Markup, escape

ASSETS = Path(__file__).parent / "assets"
DICTIONARIES = (ASSETS / "dictionary.csv", ASSETS / "sentences.csv")
HOLE = re.compile(r"\{(\d)\}")
WORD = re.compile(r"[A-Za-z]{2,}")
# what is written alike in both languages: codes of columns and models, and names that methods are known by
SYMBOL = re.compile(r"[A-Za-z][a-z\d]*(_[a-z\d]+)+|[A-Z][A-Z\d]+s?|[a-z]\d+|pr|km|sd|tau")
LISTED = re.compile(r"(.*\D) (−?\d[\d.,]*(?: \[[^\]]*\])?)( %| points)?")  # East 44.4 points
SHORT = 8  # letters around the holes
NEXT = re.compile(r"(?<=[.!?]) (?=[A-Z0-9“<])")  # between two sentences of a paragraph


@cache
def phrases() -> dict[str, str]:
    """English phrase -> Chinese phrase, as the files say. Raises ValueError on a row that is given twice."""
    held: dict[str, str] = {}
    for dictionary in DICTIONARIES:
        with dictionary.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["en"] in held:
                    raise ValueError(f"{dictionary.name}: '{row['en']}' stands in two rows; keep one.")
                held[row["en"]] = row["zh"]
    return held


@cache
def _patterns() -> list[tuple[re.Pattern[str], str, bool]]:
    """Phrases with holes, the longest first, so that the most exact one wins; True for short ones."""
    holed = sorted((en for en in phrases() if HOLE.search(en)), key=lambda en: (-len(HOLE.sub("", en)), en))
    return [(re.compile(_as_pattern(en), re.S), phrases()[en], len(HOLE.sub("", en)) <= SHORT) for en in holed]


def _as_pattern(phrase: str) -> str:
    parts = HOLE.split(phrase)  # text, number, text, number, ..
    return "".join(f"(?P<h{part}>.+?)" if k % 2 else re.escape(part) for k, part in enumerate(parts))


@cache
def chinese(text: str) -> str | None:
    """The Chinese twin of `text`, or None if the dictionary has none."""
    exact = phrases().get(text)
    if exact is not None:
        return exact
    for pattern, twin, is_short in _patterns():
        found = pattern.fullmatch(text)
        if found is None:
            continue
        held = {name: (part, _inner(part)) for name, part in found.groupdict().items()}
        if is_short and any(own is None and _is_word(part) for part, own in held.values()):
            continue
        parts = {name: own or part for name, (part, own) in held.items()}
        return HOLE.sub(lambda hole, parts=parts: parts[f"h{hole.group(1)}"], twin)  # type: ignore[misc]
    return None


def _inner(text: str) -> str | None:
    """The twin of what stands in a hole: also of each item of a list, with its figure; None if an item has none."""
    items = text.split("; ")
    if len(items) > 1:
        twins = [(item, _inner(item)) for item in items]
        lost = any(twin is None and _is_word(item) for item, twin in twins)
        return None if lost else "；".join(twin or item for item, twin in twins)
    whole = chinese(text)
    found = LISTED.fullmatch(text) if whole is None else None
    if found is None or (own := chinese(found[1])) is None:
        return whole
    return f"{own} {found[2]}{(chinese(found[3].strip()) or found[3].strip()) if found[3] else ''}"


def _is_word(text: str) -> bool:
    return WORD.search(text) is not None and SYMBOL.fullmatch(text) is None


@lru_cache(maxsize=4096, typed=True)  # typed: text and Markup of equal letters are escaped in another way
def two(text: str | Markup) -> Markup:
    """`text` in both languages; the page shows one of them. Without a twin: the text alone."""
    twin = chinese(str(text))
    if twin is None:
        return escape(text)
    marked = Markup(twin) if isinstance(text, Markup) else escape(twin)  # Markup: its parts are escaped already
    return Markup('<span class="en">{}</span><span class="zh" lang="zh-CN">{}</span>').format(text, marked)


@lru_cache(maxsize=4096, typed=True)
def prose(text: str | Markup) -> Markup:
    """A paragraph in both languages: a row of its own, else put together from its sentences, else a row that fits it
    as a whole (last, for a hole could hold a sentence); English where one sentence has no twin."""
    text = text.strip()
    if str(text) in phrases():
        return two(text)
    twins = [chinese(sentence) for sentence in NEXT.split(str(text))]
    if None in twins:
        return two(text)
    joined = "".join(str(twin) for twin in twins)
    return said(text, Markup(joined) if isinstance(text, Markup) else joined)


def pair(en: str, zh: str) -> Markup:
    """A heading: both languages without scripts, else the chosen one."""
    if not zh:
        return escape(en)
    return Markup('<span class="en">{}</span> <span class="zh both" lang="zh-CN">{}</span>').format(en, zh)


def said(en: object, zh: object) -> Markup:
    """A sentence in both languages; the page shows English without scripts, else the chosen one."""
    return Markup('<span class="en">{}</span><span class="zh" lang="zh-CN">{}</span>').format(en, zh)
