"""Moves between the classes of the Markov chain: how many, and how likely, by the class of the neighbours."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dagster_project.publish.check.facts import SQL, Facts, words
from dagster_project.publish.check.recognise import RE, Number
from dagster_project.publish.check.sentence import Sentence, dimension_of
from dagster_project.publish.check.verdicts import Verdict, is_like, misprint_of, rounds

CLASSES = {str(name): re.compile(text) for name, text in words()["classes"].items()}
Move = tuple[str, str, str]  # class of the neighbours ("all": whatever it is), class before, class after
LEAST = 2  # significant digits of a figure that is looked up


class Moves:
    def __init__(self, facts: Facts) -> None:
        rows = facts.con.execute(SQL["transitions"]).fetchall()
        self.of: dict[Move, dict[str, float]] = {(nb, str(a), str(b)): figures for nb, a, b, figures in rows}
        self.release = facts.release

    def verdict(self, s: Sentence, number: Number) -> Verdict | None:
        """None where the sentence is not about moves, or the number is no likely misprint of one that it names."""
        is_about = RE["OF_CHAIN"].search(s.text) and not RE["LONG_RUN"].search(s.text) and not s.of("city")
        if not is_about or number.significant < LEAST:
            return None
        is_count = not number.decimals and dimension_of(number.unit) in ("", "count")
        columns = ("n", "n_row") if is_count else ("percent",)
        scale = 1 if is_count or dimension_of(number.unit) == "share" else 0.01
        if scale < 1 and number.value > 1:
            return None

        def figures(moves: Iterable[Move]) -> list[tuple[Move, float]]:
            return [(one, scale * self.of[one][column]) for one in moves if one in self.of for column in columns]

        neighbours, classes, way = self._named(s, number)
        of_class = [one for a in classes for one in self.of if one[1] == a]
        of_class.sort(key=lambda one: (neighbours[:1] != [one[0]], one[2] not in classes))
        likely = [one for one in of_class if neighbours[:1] == [one[0]] and way in (None, _way(one))]
        right = [one for one in figures(of_class) if _is(number, one[1]) and one[0][0] in (*neighbours, "all")]
        like = right or [one for one in figures(likely) if is_like(number, one[1])]
        if not like and any(_is(number, figure) for _, figure in figures(self.of)):  # of another move
            like = figures(likely)[:1]
        if not like:
            return None
        move, figure = like[0]
        is_permille = number.unit is not None and number.unit.dimension == "share" and number.unit.factor != 1
        of_move = f"moves from class {move[1]} to {move[2]}, neighbours: {move[0]}"
        candidate = {"key": "markov", "subject": of_move, "city": "", "year": "", "value": figure, "unit": ""}
        candidates = [candidate | {"release": self.release}]
        if right and is_permille:
            return Verdict("other_unit", "the unit is percent", candidates)
        return Verdict("rounded", "", candidates) if right else misprint_of(f"{figure:.{number.decimals}f}", candidates)

    @staticmethod
    def _named(s: Sentence, number: Number) -> tuple[list[str], list[str], int | None]:
        """Of the neighbours and of the city the classes that the words up to the number, and behind it, name, the
        likeliest first; and whether it moves up (1), down (-1) or stays."""
        figures = [one for one in s.numbers if one.significant >= LEAST and one is not number]
        start = max([0, *(one.end for one in figures if one.end <= number.start)])
        behind = s.text[number.end : min([len(s.text), *(one.start for one in figures if one.start >= number.end)])]
        end = number.end + len(re.split(r"[,;，；。]|\b(?:and|but|against)\b", behind)[0])
        named = sorted((m.start(), name) for name, of in CLASSES.items() for m in of.finditer(s.text[:end]))
        of_neighbours = [(at, name) for at, name in named if _is_of_neighbours(s.text, at)]
        start += max([0, *(m.end() for m in RE["BUT"].finditer(s.text[start : number.start]))])
        here, text = s.text[start:end], s.text[:end]
        neighbours = [name for at, name in of_neighbours if at >= start]
        neighbours += [name for _, name in reversed(of_neighbours) if name not in neighbours]
        if RE["WHATEVER"].search(here) or not RE["OF_NEIGHBOURS"].search(text):
            neighbours = ["all"]
        classes = dict.fromkeys(name for at, name in named if (at, name) not in of_neighbours)
        up = bool(RE["UPWARD"].search(here)) - bool(RE["DOWNWARD"].search(here))
        return neighbours, [*classes], up if up or RE["STAYS"].search(here) else None


def _way(move: Move) -> int:
    return (move[2] > move[1]) - (move[2] < move[1])


def _is(number: Number, figure: float) -> bool:
    return bool(rounds(number.value, figure, number.decimals))


def _is_of_neighbours(text: str, at: int) -> bool:
    """Whether a class is that of the neighbours by the words beside it."""
    return bool(RE["NEIGHBOURS_ARE"].search(text[:at]) or RE["NEIGHBOURS_OF"].match(text, at))
