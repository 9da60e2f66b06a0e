"""What a published file says: figures by subject, city and year, with their unit and what a reader must know of them.

A subject is (one of OF_SCORES, index), (one of OF_PARTS, indicator, tier or the headline index), ("value", variable or
indicator) or ("nation", name). Places wider than a city (provinces by Chinese name, groups as east_of_four_region) have
means of scores, and provinces sums.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import yaml

from dagster_project.publish.exhibits.reader import Scope, read_scope
from dagster_project.published import statements

SQL = statements(__file__)
WORDS = Path(__file__).with_name("words.yml")
AS_PRINTED = ("observed", "structural_zero", "merged_boundary", "relinked")  # every other figure is filled in

OF_SCORES = {"score": "points", "rank": "place", "low": "place", "high": "place"}  # unit of the kinds of a subject
OF_PARTS = {"points": "points", "moved": "points", "weight": "", "place": "place", "scaled": "points", "z": ""}

OF_PLACES = ("n_city", "mean_d", "pr_lagging_percent", "nqpf_lagging_percent")  # of all cities too
Subject = tuple[str, str]
FileState = tuple[str, int, int]  # path, bytes, time of the last change


class Fact(NamedTuple):
    """A figure; `printed`: what the source prints where that differs; `doubt`: what must be said with it."""

    value: float
    printed: float | None = None
    doubt: str = ""


class Unit(NamedTuple):
    """Dimension and how many of its base (yuan, persons, km2, t, kWh, percent, ...) one of the unit is."""

    dimension: str
    factor: float = 1.0


@cache
def words() -> dict[str, Any]:
    """What words.yml says."""
    return dict(yaml.safe_load(WORDS.read_text(encoding="utf-8")))


def _unit(text: str) -> Unit:
    """money 10000 -> Unit("money", 1e4)."""
    dimension, _, factor = text.partition(" ")
    return Unit(dimension, float(factor or 1))


UNITS = {code: _unit(text) for code, text in words()["published_units"].items()}
UNIT_WORDS = {word: _unit(text) for text, names in words()["units"].items() for word in names}


KEPT: dict[FileState, dict[Any, Any]] = {}
MOST_KEPT = 2  # files


def kept[T](facts: Facts, make: Callable[[Facts], T]) -> T:
    """What is read once from a published file, however many documents are checked."""
    if facts.file not in KEPT:
        KEPT[facts.file] = {}
        if len(KEPT) > MOST_KEPT:
            del KEPT[next(iter(KEPT))]
    of_file = KEPT[facts.file]
    if make not in of_file:
        of_file[make] = make(facts)
    results: T = of_file[make]
    return results


@dataclass
class Facts:
    """The figures of one published file; a subject is read when it is first asked."""

    con: duckdb.DuckDBPyConnection
    release: str

    def __post_init__(self) -> None:
        ((path,),) = self.con.execute("select path from duckdb_databases() where path is not null").fetchall()
        state = Path(path).stat()
        self.file: FileState = path, state.st_size, state.st_mtime_ns
        self.scope: Scope = read_scope(self.con)
        self._held: dict[Subject, dict[tuple[str, int], Fact]] = {}

    @cached_property
    def units(self) -> dict[str, str]:
        """Variables and indicators that have figures -> unit."""
        rows = self.con.execute(SQL["indicators"]).fetchall() + self.con.execute(SQL["variables"]).fetchall()
        return {str(code): str(unit) for code, unit in rows}

    @cached_property
    def indexes(self) -> dict[str, tuple[str, str]]:
        """Index or part of one -> basis and weights of its published scores."""
        return {
            str(code): (str(basis), str(scheme)) for code, basis, scheme in self.con.execute(SQL["indexes"]).fetchall()
        }

    @cached_property
    def n_cities(self) -> dict[int, int]:
        """Cities with a headline score, by year."""
        return {year: int(fact.value) for (place, year), fact in self.of(("nation", "n_city")).items() if not place}

    @cached_property
    def samples(self) -> set[int]:
        """How many cities an index, a variant or a regression has."""
        return {n for (n,) in self.con.execute(SQL["samples"]).fetchall()}

    def unit_of(self, subject: Subject) -> Unit:
        kind, name = subject
        if kind in OF_SCORES or kind in OF_PARTS:
            return UNITS.get((OF_SCORES | OF_PARTS)[kind], Unit(""))
        if kind == "nation":
            what = name.partition(" ")[0]
            dimension = "count" if what in ("n_city", "above", "below") else "share" if what.endswith("percent") else ""
            return UNITS["points"] if name.endswith("_100") else Unit(dimension)
        return UNITS.get(self.units[name], Unit("count" if "per" in self.units[name] else ""))

    @cached_property
    def own_indicators(self) -> dict[str, list[str]]:
        """The indicators of the headline index -> the variables that they measure."""
        return dict(self.con.execute(SQL["own_indicators"], [self.scope.index]).fetchall())

    def indicators_of(self, codes: Iterable[str]) -> list[str]:
        """The indicators of the headline index among variables and indicators, or else those that measure them."""
        codes = set(codes)
        return [one for one in self.own_indicators if one in codes] or [
            one for one, of in self.own_indicators.items() if codes.intersection(of)
        ]

    def of(self, subject: Subject) -> dict[tuple[str, int], Fact]:
        """(city, year) -> figure; the city of a national one is ""."""
        if subject not in self._held:
            self._held[subject] = self._read(*subject)
        return self._held[subject]

    def _read(self, kind: str, name: str) -> dict[tuple[str, int], Fact]:
        if kind == "nation":
            return self._national(name)
        if kind in OF_PARTS:
            index = self.scope.index
            rows = self.con.execute(SQL["parts"], [index, *self.indexes[index], name]).fetchall()
            parts = ((city, year, values[[*OF_PARTS].index(kind)]) for city, year, *values in rows)
            return {(city, year): Fact(value) for city, year, value in parts if value is not None}
        if kind == "value":
            rows = self.con.execute(SQL["values"], [name]).fetchall()
            rows = rows or self.con.execute(SQL["raw"], [name, self.scope.index]).fetchall()
            sums = self.con.execute(SQL["sums"], [name]).fetchall()
            return {
                (city, year): Fact(
                    value,
                    None if printed == value else printed,
                    "" if origin in AS_PRINTED else f"the figure is not printed but filled in ({origin})",
                )
                for city, year, value, printed, origin in rows
            } | {(place, year): Fact(value, None, f"the sum of its {n} cities") for place, year, value, n in sums}
        if name not in self.indexes:
            return {}
        rows = self.con.execute(SQL["scores"], [name, *self.indexes[name], self.scope.index]).fetchall()
        held: dict[tuple[str, int], Fact] = {}
        for city, year, score, rank, low, high, imputed, provisional in rows:
            doubts = []
            if kind == "rank" and low is not None and high > low:
                doubts.append(f"the rank is {low:.0f} to {high:.0f} in 90 % of the draws over all choices")
            if imputed:
                doubts.append(f"{100 * imputed:.1f} % of the weight rests on imputed figures")
            if provisional:
                doubts.append("the year is provisional")
            value = {"score": score, "rank": rank, "low": low, "high": high}[kind]
            if value is not None:
                held[city, year] = Fact(value, None, "; ".join(doubts))
        return held

    def _national(self, name: str) -> dict[tuple[str, int], Fact]:
        tables = {row[0] for row in self.con.execute(SQL["tables"]).fetchall()}
        of_places = self.con.execute(SQL["places"]).df()
        held = (
            {
                (str(row["place"]), int(row["year"])): Fact(row[name])
                for row in of_places[of_places[name].notna()].to_dict("records")
            }
            if name in of_places
            else {}
        )
        if name in OF_PLACES:
            return held
        what, _, of = name.partition(" ")  # of a scheme, a number of points, an indicator
        if sign := {"above": ">", "below": "<"}.get(what.partition("_")[0]):
            query = SQL["counts"].format(sign=sign, points=float(of), is_share=what.endswith("percent"))
            rows = self.con.execute(query).fetchall()
        elif what == "weight_percent":
            index = self.scope.index
            rows = self.con.execute(SQL["weight"], [index, *self.indexes[index], of]).fetchall()
        else:
            table, what = (
                ("moran", what.removeprefix("moran_of_")) if what.startswith("moran") else ("inequality", what)
            )
            rows = self.con.execute(SQL[table].format(name=what, scheme=of)).fetchall() if table in tables else []
        return held | {("", int(year)): Fact(value) for year, value in rows if value is not None}
