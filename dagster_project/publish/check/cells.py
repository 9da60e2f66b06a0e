"""All figures of the result tables of a published file, and what the words of a document say of them."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dagster_project.publish.check.facts import SQL, Facts, Unit, words
from dagster_project.publish.check.recognise import Number
from dagster_project.publish.check.verdicts import NEAR

WINDOWS = (400, 100, 40, 20, 10, 5)  # last digits on each side in which chance is counted
WIDE = 40  # from which on they reach no further than the number itself
FEW = 10_000
TELLING, MOST = 0.4, 3.0  # what words of names of a column, and of keys of a row, count
SURE = 8.0  # log odds that a table is that of the figures, to judge others
RARE = 0.2  # from which chance alone does not give a match
HEADLINE, ROLES = "is_headline", ("se", "lo", "hi", "p")
FOR_MAIN, MAIN = 0.8, 0.7  # how often a document quotes the headline result; log odds of a cell
KNOWN: dict[str, Any] = words()["rows"]
OUTLINE = {name: KNOWN[name] for name in ("whole_keys", "no_keys", "no_figures", "left_out")}
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Attributes = dict[str, Any]
Match = tuple[Ints, Ints, Floats, Ints]


@dataclass
class Query:
    """A number of the document, and of which year it may be (none: not said); `near`: words beside it and how
    near they are; `at`: its sentence or row, and its column; `heads`: words of the heads of these."""

    number: Number
    at: tuple[int, int]
    years: Sequence[int]
    near: dict[str, float]
    heads: tuple[set[str], set[str]] = (set(), set())
    role: str = ""  # se, lo, hi or p of the estimate before
    falls: bool = False  # the words before say that it is negative
    cells: Ints = field(default_factory=lambda: np.empty(0, np.int64))  # the best worded of `options`
    options: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    frame: int = -1
    evidence: float = 0.0
    total: float = 0.0

    @property
    def is_held(self) -> bool:
        """Whether it stands with others in a frame of the result tables."""
        return bool(len(self.cells)) and self.total > SURE


class Table(NamedTuple):
    """A result table: the columns that say which figure it is, those that hold figures; `first`: number of its
    first measure among those of all tables; `names`: numbers of the names of measures and of values of keys."""

    name: str
    keys: list[str]
    measures: list[str]
    first: int
    columns: dict[str, npt.NDArray[Any]]
    names: dict[str, dict[Any, int]]


class Cells:
    """All figures of the result tables of a file that are of no single city, in order of value. A frame: what figures
    of one text may have in common: a row; a model; the settings of a table; a table."""

    def __init__(self, facts: Facts) -> None:
        self.release = facts.release
        self.with_word: dict[str, list[int]] = defaultdict(list)
        self.name_ids = {"": 0}
        for name, text in facts.con.execute(SQL["names_of_columns"]).fetchall():
            self._named(name, text)
        labels = {(kind, code): text for kind, code, text in facts.con.execute(SQL["names_of_values"]).fetchall()}
        self.tables: list[Table] = []
        row_names, is_main, n_rows = list[Ints](), list[Any](), 0
        of, parts = list[tuple[int, int]](), list[tuple[Any, ...]]()
        main = set[int]()  # frames of the headline result
        frame_of: dict[tuple[Any, ...], int] = defaultdict(lambda: len(frame_of))
        for name, keys, measures, query in facts.con.execute(SQL["result_tables"], OUTLINE).fetchall():
            columns: dict[str, Any] = facts.con.execute(query).fetchnumpy()
            k, n = len(self.tables), len(columns[measures[0]])
            keys = [key for key in keys if key != HEADLINE]
            if "period" in keys:  # a year, or years from to
                columns["year"] = np.array([int(one) if one.isdigit() else -1 for one in columns["period"]])
                keys = [*keys, "year"]
            of_study = columns.get(HEADLINE, np.zeros(n, bool))
            self.tables.append(Table(name, keys, measures, len(of), columns, {"column": {}}))
            settings = [c for c in keys if c in KNOWN["settings"]]
            row_names.append(self._row_names(self.tables[-1], labels))
            is_main.append(of_study)
            by_kind: list[list[str]] = [[*settings, *({"model_id"} & set(keys))], settings, []]
            of_rows = [range(n), *(list(zip(*(columns[c] for c in by), strict=True)) or [()] * n for by in by_kind)]
            frames = np.array([[frame_of[kind, k, key] for key in one] for kind, one in enumerate(of_rows)], np.int64)
            main.update(frames[:, of_study].ravel().tolist())
            for measure in measures:
                at = np.flatnonzero(np.isfinite(columns[measure]))
                years = columns.get("year", np.full(n, -1))[at]
                parts.append((columns[measure][at], years, np.full(len(at), len(of)), at, at + n_rows, frames[:, at]))
                of.append((k, self.name_ids.get(f"{name}.{measure}", 0)))
                self.tables[-1].names["column"][measure] = of[-1][1]
            n_rows += n
        self.is_main = np.concatenate(is_main).astype(float)
        self.n_names, widest = len(self.name_ids), max(one.shape[1] for one in row_names)
        self.row_names = np.vstack([np.pad(one, ((0, 0), (0, widest - one.shape[1]))) for one in row_names])
        self.kinds = [(kind, k) for kind, k, _ in frame_of]  # of frames: kind (0: a row) and table
        counts, n_main = Counter(self.kinds), Counter(self.kinds[frame] for frame in main)
        odds = (n_main[one] / FOR_MAIN if k in main else counts[one] for k, one in enumerate(self.kinds))
        self.costs = [math.log(len(self.tables) * one) for one in odds]  # of how many frames one is chosen
        self.table_of, self.name_of = (np.array(one) for one in zip(*of, strict=True))
        measures = [measure.split("_") for table in self.tables for measure in table.measures]
        self.role_of = np.array([next((one for one in ROLES if one in parts), "") for parts in measures])
        self.is_count = np.array([parts[0] == "n" for parts in measures])
        self.samples = facts.samples
        all_parts = [np.concatenate(one, axis=-1) for one in zip(*parts, strict=True)]
        order = np.argsort(all_parts[0], kind="stable")
        self.value, self.year, self.column, self.line, self.row, self.frames = (one[..., order] for one in all_parts)
        self.of_table = [np.flatnonzero(self.table_of[self.column] == k) for k in range(len(self.tables))]
        self.cell_table, self.slot = self.table_of[self.column], np.full(len(self.kinds), len(self.kinds))

    def _named(self, name: str, text: str) -> int:
        """The number of a name, whose words are noted when it is first met."""
        if name not in self.name_ids:
            self.name_ids[name] = len(self.name_ids)
            for token in tokens(text):
                self.with_word[token].append(self.name_ids[name])
        return self.name_ids[name]

    def _row_names(self, table: Table, labels: Mapping[tuple[str, str], str]) -> Ints:
        """The names of what the keys of each row of a table say, by their labels."""
        results = [np.zeros(len(table.columns[table.measures[0]]), np.int64)]
        for key in (key for key in table.keys if key not in KNOWN["settings"]):
            values, which = np.unique(table.columns[key], return_inverse=True)
            if len(values) > 1:
                kinds = (*key.split("_"), "")  # of labels, and any
                of = [[labels[kind, str(v)] for kind in kinds if (kind, str(v)) in labels] for v in values]
                texts = [[*text, str(v)][0].replace("_", " ") for text, v in zip(of, values, strict=True)]
                table.names[key] = {v: self._named(text, text) for v, text in zip(values.tolist(), texts, strict=True)}
                results.append(np.array(list(table.names[key].values()))[which])
        return np.stack(results, axis=1)

    def table(self, query: Query) -> int:
        return int(self.cell_table[query.cells[0]])

    def attributes(self, cell: int) -> Attributes:
        """What says which figure of its table a cell is."""
        column = int(self.column[cell])
        table = self.tables[self.table_of[column]]
        keys = {name: table.columns[name].item(int(self.line[cell])) for name in table.keys}
        return {"column": table.measures[column - table.first]} | {k: v for k, v in keys.items() if v not in ("", -1)}

    def may_be(self, query: Query, statistic: str, candidate: dict[str, Any]) -> bool:
        """Whether a number may be the statistic of another group: a cell whose column bears its name; or the mean of
        one that is not named."""
        if statistic in ("mean_100", "median_100"):
            return not (candidate["city"] and NEAR[0] < query.number.value / (candidate["value"] or math.nan) < NEAR[1])
        columns = {self.attributes(cell)["column"] for cell in query.cells.tolist()}
        return any(re.split("[_ ]", statistic)[0] in one for one in columns)

    def unique_keys(self, k: int) -> list[str]:
        """The keys of a table without those that follow from the others."""
        table, results = self.tables[k], list(self.tables[k].keys)

        def n_rows(keys: Sequence[str]) -> int:
            return len(set(zip(*(table.columns[key].tolist() for key in keys), strict=True)))

        for key in reversed(table.keys):
            if n_rows(others := [one for one in results if one != key]) == n_rows(table.keys):
                results = others
        return results

    def held(self, k: int, want: Attributes) -> list[float]:
        """The figures of a table with these attributes."""
        table, column = self.tables[k], want.get("column")
        if column not in table.measures:
            return []
        is_row = np.isfinite(table.columns[column])
        for name in want.keys() & set(table.keys):
            is_row = is_row & (table.columns[name] == want[name])
        figures: list[float] = table.columns[column][is_row].tolist()
        return figures

    def described(self, table: int, attributes: Attributes, value: float) -> dict[str, Any]:
        """A figure as a candidate of a verdict."""
        skipped = ("column", "year", *KNOWN["settings"])
        of = " ".join(str(v) for k, v in attributes.items() if k not in skipped and v not in (None, "", "none", False))
        subject = f"{self.tables[table].name}.{attributes['column']} {of}".strip()
        at = {"key": self.tables[table].name, "subject": subject, "city": "", "year": attributes.get("year", "")}
        return {**at, "value": value, "unit": "", "release": self.release}

    def weights(self, near: Mapping[str, float]) -> Floats:
        """How well words, the nearer the better, fit each name."""
        results = np.zeros(self.n_names)
        for token in near.keys() & self.with_word.keys():
            names = self.with_word[token]
            results[names] += TELLING * near[token] * math.log(self.n_names / len(names))
        return results

    def worded(self, weight: Floats, cells: Ints, most: float, of_main: float) -> Floats:
        """How well words fit the names of cells: of their column, and of the keys of their row."""
        of_row = weight[self.row_names[self.row[cells]]].sum(axis=1)
        of_column = weight[self.name_of[self.column[cells]]]
        results: Floats = (
            np.minimum(of_column, most) + np.minimum(of_row, most) + of_main * self.is_main[self.row[cells]]
        )
        return results

    def like(self, number: Number) -> Ints:
        """All cells that a number may be as it is printed."""
        ends = [(value - step / 2, value + step / 2) for value, step in _published_as(number)]
        return np.concatenate([np.arange(*np.searchsorted(self.value, one)) for one in ends])

    def matches(self, query: Query) -> Iterator[tuple[Ints, Floats, Match]]:
        """Frames, how much each says that a number stands in it, and its hits: of which frames, how well worded."""
        weight = self.weights(query.near)
        for value, step in _published_as(query.number) if query.number.significant > 1 else ():
            for window in WINDOWS:
                reach = (window + 0.5) * step
                first, last = np.searchsorted(self.value, [value - reach, value + reach])
                if (window <= WIDE or reach <= abs(value)) and last - first < FEW:
                    break
            else:  # so common that it says nothing
                continue
            tables, years = self.cell_table[first:last], self.year[first:last]
            is_of_year = np.isin(years, [-1, *query.years]) if query.years else np.ones(len(years), bool)
            is_hit = is_of_year & (np.abs(self.value[first:last] - value) <= step * (0.5 + 1e-9))
            if not is_hit.any():
                continue
            has_hit = np.zeros(len(self.tables), bool)
            has_hit[tables[is_hit]] = True
            keep = np.flatnonzero(has_hit[tables] & is_of_year)
            cells, is_hit = keep + first, is_hit[keep]
            worded = self.worded(weight, cells, MOST, MAIN)
            hits = cells[is_hit]
            mass, of_cells = np.exp(worded), self.frames[:, cells]
            frames, which = np.unique(of_cells[:, is_hit], return_inverse=True)
            self.slot[frames] = np.arange(len(frames))
            slots, best = self.slot[of_cells], np.zeros(len(frames))
            self.slot[frames] = len(self.slot)
            np.maximum.at(best, which.ravel(), np.tile(worded[is_hit], len(of_cells)))
            is_near = slots < len(frames)
            of_near = np.bincount(slots[is_near], np.broadcast_to(mass, slots.shape)[is_near], len(frames))
            of_hits = np.bincount(which.ravel(), np.tile(mass[is_hit], len(of_cells)), len(frames))
            rare = np.log(of_hits * (window + 0.5) / (of_near + 0.5 * of_hits))
            places = np.flatnonzero(rare > RARE)
            yield frames[places], best[places] + rare[places], (places, which, worded[is_hit], hits)


def _published_as(number: Number) -> Iterable[tuple[float, float]]:
    """(value, last digit) under which a number may be published."""
    step, unit = 10.0**-number.decimals, number.unit or Unit("")
    if unit.dimension in ("", "share", "difference", "times", "points", "count", "rank", "length", "months"):
        yield number.value * unit.factor, step * unit.factor
    if unit.dimension == "length" and unit.factor != 1:  # 15.4 m, where it is 15.4 km
        yield number.value, step
    if unit.dimension in ("", "share", "difference", "points"):
        yield number.value / 100, step / 100


def tokens(text: str) -> set[str]:
    """English words without their ends, letters of a statistic, and pairs of Chinese signs."""
    low = text.lower()
    words_en = {re.sub("(?:es|s|ed|ing)$", "", word) for word in re.findall(r"[a-z]{2,}\d?", low)}
    letters = set(re.findall(r"\b([ptzfn])\b(?=\s*[=<>≈值为_ ])", low))
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", low)
    return (
        {word for word in words_en if len(word) > 1} | letters | {r[k : k + 2] for r in runs for k in range(len(r) - 1)}
    )
