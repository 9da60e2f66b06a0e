"""Results of the headline that a sentence names in full: the effect of a regressor, the slope of convergence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from dagster_project.publish.check.facts import SQL, Facts, words
from dagster_project.publish.check.recognise import RE, Mention, Number, numbers
from dagster_project.publish.check.sentence import Sentence, dimension_of, statistic
from dagster_project.publish.check.verdicts import LIKELY, Verdict, is_like, misprint_of, rounds, ruled_out

Key = tuple[str, str, str, str]  # kind, subject (a regressor, or "all" cities), which (direct, absolute), model
Patterns = Mapping[str, re.Pattern[str]]
KNOWN: dict[str, Patterns] = {
    kind: {name: re.compile(text) for name, text in of.items()} for kind, of in words()["results"].items()
}
NEXT = 24  # letters behind a figure that may name it: 1.09 points in total
LEAST = 2  # significant digits of a figure that is looked up


class Results:
    def __init__(self, facts: Facts) -> None:
        self.release, self.last_year = facts.release, facts.scope.last_year
        rows = facts.con.execute(SQL["results"]).fetchall()
        self.of: dict[Key, dict[str, float]] = {
            (*key, model): {column: figure for column, figure in of.items() if figure is not None}
            for *key, model, _, of in rows
        }
        self.models = {model for *_, model, _, _ in rows if model}
        self.subjects: dict[str, Patterns] = {kind: {} for kind in KNOWN}
        places = words()["places"]
        of_subjects = {
            (kind, subject, tuple(names or places.get(subject, ()))) for kind, subject, _, _, names, _ in rows
        }
        for kind, subject, names in sorted(of_subjects):
            any_of = "|".join(re.escape(name).replace(r"\ ", "[ -]") for name in (subject, *names) if name)
            pattern = rf"(?i)(?<![A-Za-z_-])(?:{any_of})(?![A-Za-z_])"
            self.subjects[kind] = {**self.subjects[kind], subject: re.compile(pattern)}

    def verdict(self, s: Sentence, number: Number) -> Verdict | None:
        """None where the sentence does not say which result it is, or the number is no likely misprint of it."""
        if number.significant < LEAST or s.of("city") or RE["OTHER_RESULT"].search(s.text):
            return None
        k = s.numbers.index(number)
        figures = list(self._figures(s, k))
        for key, column, figure in sorted(figures, key=lambda one: not rounds(number.value, one[2], number.decimals)):
            is_right = rounds(number.value, figure, number.decimals)
            is_other = number.significant >= LIKELY and any(
                _beside(other, key) and column in of and rounds(number.value, of[column], number.decimals)
                for other, of in self.of.items()
            )
            is_named_behind = key[0] in KNOWN and _names(KNOWN[key[0]], s.text[number.end : number.end + NEXT])
            unit = {"half_life": "years", "km": "km"}.get(column, "")
            is_in_metres = unit == "km" and RE["METRES"].match(s.text, number.end)  # m alone may be a million
            is_other_unit = is_right and (ruled_out(number, unit) or is_in_metres)
            if is_right or (is_other and not is_named_behind) or is_like(number, figure):
                candidate: dict[str, Any] = {"key": key[0], "subject": " ".join((*key, column)), "city": ""}
                candidate |= {"year": "", "value": figure, "unit": "", "release": self.release}
                if is_other_unit:
                    return Verdict("other_unit", f"the unit is {unit}", [candidate])
                printed = f"{figure:.{number.decimals}f}"
                return Verdict("rounded", "", [candidate]) if is_right else misprint_of(printed, [candidate])
        return None

    def of_cell(self, heads: Sequence[str], text: str, mentions: Callable[[str], list[Mention]]) -> Verdict | None:
        """Of a cell of a table whose heads (of column, row and table) name the result."""
        *lines, above = heads
        plain = RE["OF_ERRORS"].sub("", above)  # standard errors in brackets: not in this figure
        named = " ".join((plain, *reversed(lines), text))
        of_results = (one for kind, patterns in KNOWN.items() if kind != "column" for one in patterns.values())
        if not any(one.search(named) for one in of_results):
            return None
        s = Sentence(named, of := mentions(named), numbers(named, of))
        k = next((k for k, number in enumerate(s.numbers) if number.start >= len(named) - len(text)), None)
        if k is None:
            return None
        if "%" not in text:
            s.numbers[k] = replace(s.numbers[k], unit=None)  # of the regressor
        return self.verdict(s, s.numbers[k])

    def _figures(self, s: Sentence, k: int) -> Iterator[tuple[Key, str, float]]:
        """What the number may be: its own words, or those before its list, name the column or the result."""
        first = k
        while first and RE["LISTED"].match(s.gap(s.numbers[first - 1].end, s.numbers[first].start)):
            first -= 1
        left = s.text[: s.numbers[first].start]
        here = left[s.numbers[first - 1].end if first else 0 :]
        for kind, subjects in self.subjects.items():
            which, subject = _names(KNOWN[kind], left), _names(subjects, left) or _names(subjects, s.text)
            if kind == "threshold":  # .24 below it and .68 above it
                start, end = s.zones[k]
                which = _names(KNOWN[kind], s.text[start:end]) or which
                here = left if RE["TO"].search(left) else here
                which = ["slope_low"] if which and RE["FROM"].search(s.text[: s.numbers[k].start]) else which
            subject = sorted(subject, key=lambda one: one != "all")  # the half-life in the West is not that of all
            if behind := RE["OF_GROUP"].match(s.text, s.numbers[k].end):  # 10.1 years in the West
                subject += _names(subjects, behind[1])
            column = _names(KNOWN["column"], here)[-1:] or (["value"] if _names(KNOWN[kind], here) else [])
            if kind == "convergence" and RE["YEARS_LONG"].match(s.text, s.numbers[k].end):
                column = ["half_life"]
            if kind == "convergence" and column in ([], ["value"]) and dimension_of(s.numbers[k].unit) == "share":
                column = ["speed"]  # percent a year
            column = [role] if (role := statistic(s, k)) in ("lo", "hi") else column
            if not (which and subject and column) or (kind == "effect" and s.of("place")):
                continue
            if kind == "centre" and not {m.value for m in s.of("year")} <= {self.last_year, self.last_year - 1}:
                continue
            at = k - first if RE["SIDE_BY_SIDE"].search(here) else -1
            model = next((one for one in re.findall(r"\w+", s.text) if one in self.models), "")
            several = [one for one in subject[::-1] if one != "all"] if kind == "convergence" else []
            for one in several or subject[-1:]:
                key = kind, one, which[at] if at < len(which) else which[-1], model
                if (figure := self.of.get(key, {}).get(column[0])) is not None:
                    is_share = dimension_of(s.numbers[k].unit) == "share"
                    whole = self.of.get((kind, one, "total", model), {}).get(column[0])
                    is_part = is_share and whole and which[-1] != "total" and RE["SHARE"].search(here)
                    if kind == "trend" and RE["FALLS"].search(here):  # declined by .0188
                        figure = abs(figure)
                    yield key, column[0], figure * (100 if is_share else 1) / (whole if is_part and whole else 1)


def _beside(one: Key, other: Key) -> bool:
    """Whether two results are of the same regressor and model: its direct and its total effect."""
    return one != other and (one[0], one[1], one[3]) == (other[0], other[1], other[3])


def _names(patterns: Patterns, text: str) -> list[str]:
    """The names whose words stand in a text, in the order of where each stands last."""
    ends = {name: [match.end() for match in pattern.finditer(text)] for name, pattern in patterns.items()}
    return sorted((name for name, places in ends.items() if places), key=lambda name: ends[name][-1])
