"""Figures that stand together are known by the rows of the result tables that hold most of them.

No list of words names the tables. The figures of a paragraph, or of a table of the document, are looked up in all
results of no single city that their year leaves possible; words shared with labels and comments of the file count. What
stands beside them and differs is judged by what its neighbours share: their column, their group, their year.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from dagster_project.publish.check.facts import SQL, Facts, Unit, words
from dagster_project.publish.check.recognise import Number
from dagster_project.publish.check.verdicts import Verdict, is_far

WINDOWS = (400, 100, 40, 20, 10, 5)  # last digits on each side in which chance is counted
WIDE = 40  # from which on they reach no further than the number itself
FEW = 10_000
TELLING, MOST_OF_NAME = 0.4, 3.0  # what words of a name count
RARE = 0.2  # from which chance alone does not give a match
ENOUGH, SURE, CERTAIN = 3.0, 8.0, 16.0  # log odds that a table is that of the figures; that it judges others; confirms
OWN = 4.0  # of these what the figure adds, to be confirmed
MANY = 60  # cells of a number that are looked at
ROW = "with the rest of its row"
KNOWN: dict[str, Any] = words()["rows"]
OUTLINE = {name: KNOWN[name] for name in ("whole_keys", "no_keys", "no_figures", "left_out")}
SCALES = (1.0, 100.0)
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Attributes = dict[str, Any]
Match = tuple[Ints, Ints, Floats, Ints]
Want = tuple[int, list[Attributes], float]  # a table, attributes of the likeliest cells, how it is printed


@dataclass
class Query:
    """A number of the document, and of which year it may be (none: not said); `near`: words beside it and how
    near they are; `at`: its sentence or row, and its column."""

    number: Number
    at: tuple[int, int]
    years: Sequence[int]
    near: dict[str, float]
    role: str = ""  # se, lo, hi or p of the estimate before
    cells: Ints = field(default_factory=lambda: np.empty(0, np.int64))
    frame: int = -1
    evidence: float = 0.0
    total: float = 0.0


class Table(NamedTuple):
    """A result table: the columns that say which figure it is, those that hold figures; `first`: number of its
    first measure among those of all tables."""

    name: str
    keys: list[str]
    measures: list[str]
    first: int
    columns: dict[str, npt.NDArray[Any]]


class Cells:
    """All figures of the result tables of a file that are of no single city, in order of value. A frame: what figures
    of one text may have in common: a row; a column over years; a model; the settings of a table; a table."""

    def __init__(self, facts: Facts) -> None:
        self.release = facts.release
        names = facts.con.execute(SQL["names_of_columns"]).fetchall()
        self.n_names, name_ids = len(names), {name: k for k, (name, _) in enumerate(names, start=1)}
        self.with_word: dict[str, list[int]] = defaultdict(list)
        for name, text in names:
            for token in tokens(text):
                self.with_word[token].append(name_ids[name])
        self.tables: list[Table] = []
        of, parts = list[tuple[int, int]](), list[tuple[Any, ...]]()
        frame_of: dict[tuple[Any, ...], int] = defaultdict(lambda: len(frame_of))
        for name, keys, measures, query in facts.con.execute(SQL["result_tables"], OUTLINE).fetchall():
            columns: dict[str, Any] = facts.con.execute(query).fetchnumpy()
            k, n = len(self.tables), len(columns[measures[0]])
            self.tables.append(Table(name, keys, measures, len(of), columns))
            settings = [c for c in keys if c in KNOWN["settings"]]
            by_kind = [[c for c in keys if c != "year"], [*settings, *({"model_id"} & set(keys))], settings, []]
            of_rows = [list(zip(*(columns[c] for c in by), strict=True)) or [()] * n for by in by_kind]
            for measure in measures:
                at = np.flatnonzero(np.isfinite(columns[measure]))
                keys_of = [(kind, k, *of_rows[kind - 1][row]) for kind in (2, 3, 4) for row in at.tolist()]
                keys_of = [(1, k, len(of), *of_rows[0][row]) for row in at.tolist()] + keys_of
                keys_of = [(0, k, row) for row in at.tolist()] + keys_of
                frames = np.array([frame_of[key] for key in keys_of], np.int64).reshape(5, -1)
                years = columns.get("year", np.full(n, -1))[at]
                parts.append((columns[measure][at], years, np.full(len(at), len(of)), at, frames))
                of.append((k, name_ids.get(f"{name}.{measure}", 0)))
        self.kinds = [(kind, k) for kind, k, *_ in frame_of]  # of frames: kind (0: a row) and table
        self.counts = Counter(self.kinds)
        self.table_of, self.name_of = (np.array(one) for one in zip(*of, strict=True))
        all_parts = [np.concatenate(one, axis=-1) for one in zip(*parts, strict=True)]
        order = np.argsort(all_parts[0], kind="stable")
        self.value, self.year, self.column, self.line, self.frames = (one[..., order] for one in all_parts)
        self.cell_table, self.slot = self.table_of[self.column], np.full(len(self.kinds), len(self.kinds))

    def table(self, query: Query) -> int:
        return int(self.cell_table[query.cells[0]])

    def attributes(self, cell: int) -> Attributes:
        """What says which figure of its table a cell is."""
        column = int(self.column[cell])
        table = self.tables[self.table_of[column]]
        keys = {name: table.columns[name].item(int(self.line[cell])) for name in table.keys}
        return {"column": table.measures[column - table.first]} | {k: v for k, v in keys.items() if v not in ("", -1)}

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

    def matches(self, query: Query) -> Iterator[tuple[Ints, Floats, Match]]:
        """Frames, how much each says that a number stands in it, and its hits: of which frames, how well worded."""
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
            weight = np.zeros(self.n_names + 1)  # how well the words beside the number fit the name of each column
            for token in query.near.keys() & self.with_word.keys():
                names = self.with_word[token]
                weight[names] += TELLING * query.near[token] * math.log(self.n_names / len(names))
            worded, hits = np.minimum(weight, MOST_OF_NAME)[self.name_of[self.column[cells]]], cells[is_hit]
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
    if unit.dimension in ("", "share", "difference", "times", "points", "count", "rank"):
        yield number.value * unit.factor, step * unit.factor
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


def assign(cells: Cells, queries: Sequence[Query]) -> None:
    """Give each number that stands in a frame with others its cells."""
    by_frame: dict[int, dict[int, tuple[float, int, Match]]] = defaultdict(dict)
    parts = [(k, *part) for k, query in enumerate(queries) for part in cells.matches(query)]
    pairs = np.concatenate([np.empty(0, np.int64), *(frames * len(queries) + k for k, frames, *_ in parts)])
    shared, n_numbers = np.unique(np.unique(pairs) // len(queries), return_counts=True)
    for k, frames, gains, match in parts:
        for at in np.flatnonzero(np.isin(frames, shared[n_numbers > 1])).tolist():
            of, one = by_frame[int(frames[at])], float(gains[at])
            if k not in of or one > of[k][0]:
                of[k] = one, int(match[0][at]), match
    left = set(range(len(queries)))

    def total(frame: int) -> float:
        """What numbers say together: the same number twice says it once, and one alone nothing."""
        held = {queries[k].number.text: match[0] for k, match in by_frame[frame].items() if k in left}
        cost = math.log(len(cells.tables) * cells.counts[cells.kinds[frame]])  # of how many it was chosen from
        return math.fsum(held.values()) - cost if len(held) > 1 else 0.0

    bounds = sorted(((total(frame), frame) for frame in by_frame), reverse=True)
    while left:
        best, most = -1, ENOUGH
        for bound, frame in bounds:
            if bound <= most:
                break
            if (now := total(frame)) > most:
                best, most = frame, now
        if best < 0:
            break
        for k in left & by_frame[best].keys():
            evidence, place, (_, which, worded, hits) = by_frame[best][k]
            inside, query = (which == place).any(axis=0), queries[k]
            query.cells = hits[inside & (worded >= worded[inside].max() - 1e-9)]
            query.evidence, query.frame, query.total = evidence, best, most
        left -= by_frame[best].keys()


def judge(cells: Cells, queries: Sequence[Query], *, is_table: bool) -> dict[int, Verdict]:
    """Number of a text or table -> "rounded" where it stands with its neighbours, else the figure at its place."""
    if len(queries) > 1:
        assign(cells, queries)
    results: dict[int, Verdict] = {}
    for k, query in enumerate(queries):
        if len(query.cells):
            by_row = cells.kinds[query.frame][0] == 0 and query.total > SURE / 2
            if by_row or (query.total > CERTAIN and query.evidence > OWN):
                cell = int(query.cells[0])
                here = cells.described(cells.table(query), cells.attributes(cell), float(cells.value[cell]))
                results[k] = Verdict("rounded", ROW if by_row else "", [here])
            if query.total > SURE:
                continue
        for table, wants, scale in _crossing(cells, queries, query) if is_table else _beside(cells, queries, k):
            figures = [(value, want) for want in wants for value in cells.held(table, want)]
            printed = [f"{value * scale:.{query.number.decimals}f}" for value, _ in figures]
            if any(float(one) == query.number.value for one in printed):
                break
            if not printed or (len(wants) == 1 and len(set(printed)) > 1):
                continue
            value, want = figures[0]
            if not is_far(query.number, value * scale):
                results[k] = Verdict("not_ours", f"published: {printed[0]}", [cells.described(table, want, value)])
            break
    return results


def _common(cells: Cells, queries: Sequence[Query]) -> Attributes:
    """What the cells of all these numbers share, or may share."""
    counts: Counter[tuple[str, Any]] = Counter()
    for query in queries:
        of = [cells.attributes(int(cell)) for cell in query.cells[:MANY]]
        counts.update({(name, value) for one in of for name, value in one.items() if value is not None})
    shared = [one for one, n in counts.items() if n == len(queries)]
    names = Counter(name for name, _ in shared)
    return {name: value for name, value in shared if names[name] == 1}


def _crossing(cells: Cells, queries: Sequence[Query], query: Query) -> Iterator[Want]:
    """What a cell of a table of the document should be: what the rest of its row shares, and the rest of its column."""
    sure = [q for q in queries if len(q.cells) and q.total > CERTAIN and q is not query]
    sides = [[q for q in sure if q.at[k] == query.at[k]] for k in (0, 1)]
    for side in (1, 0):
        line, across = sides[side], sides[1 - side]
        table, n = next(iter(Counter(cells.table(q) for q in line).most_common(1)), (-1, 0))
        beside = sum(q.at[side] == query.at[side] for q in queries) - 1
        if n < max(2, 0.6 * beside) or 3 * sum(cells.table(q) == table for q in sure) < len(queries):
            continue
        line, alike = ([q for q in of if cells.table(q) == table] for of in (line, across))
        if len({q.number.text for q in line}) < 2:  # the same over and over
            continue
        want, other = _common(cells, line), _common(cells, alike or across)
        if "column" not in want and "column" not in other:
            columns = [str(cells.attributes(int(q.cells[0]))["column"]) for q in line]
            most, count = Counter(columns).most_common(1)[0]
            if count > 1:
                line = [q for q, column in zip(line, columns, strict=True) if column == most]
                want = _common(cells, line)
        if len(query.years) == 1:
            other = {"year": next(iter(query.years))} | other
        other = {name: value for name, value in other.items() if name in ("column", *cells.tables[table].keys)}
        yield table, [other | want], _scale(cells, line[0])


def _beside(cells: Cells, queries: Sequence[Query], k: int) -> Iterator[Want]:
    """What a number of a sentence should be, from the numbers beside it that are sure, the nearest first."""
    query = queries[k]
    near = [j for j, q in enumerate(queries) if len(q.cells) and q.total > SURE and q.at[0] == query.at[0]]
    for j in sorted(near, key=lambda j: (abs(j - k), j))[:3]:
        other, table, shared = queries[j], cells.table(queries[j]), _common(cells, [queries[j]])
        if (
            query.role
            and j < k
            and "column" in shared
            and not other.role
            and all(one.role for one in queries[j + 1 : k])
        ):
            value, stem = float(cells.value[other.cells[0]]), len(query.role)
            columns = [
                column
                for column in _columns_of(query.role, str(shared["column"]), cells.tables[table].measures)
                if query.role not in ("lo", "hi") or _holds(cells, table, shared, column[:-stem], value)
            ]
            yield table, [{**shared, "column": column} for column in columns], 1.0
        elif not (query.role or other.role) and query.number.unit == other.number.unit and query.years:
            plain = "year" in cells.tables[table].keys and query.years[0] != shared.get("year")
            yield from [(table, [shared | {"year": query.years[0]}], _scale(cells, other))] if plain else ()


def _holds(cells: Cells, table: int, shared: Attributes, stem: str, value: float) -> bool:
    """Whether an interval is that of an estimate."""
    low, high = (cells.held(table, {**shared, "column": stem + end}) for end in ("lo", "hi"))
    return bool(low and high) and min(low) <= value <= max(high)


def _columns_of(role: str, main: str, measures: Sequence[str]) -> list[str]:
    """The columns that may have the standard error, interval or p value of an estimate, the likeliest first."""
    rests = {m: set(m.split("_")) - {role} for m in measures if role in m.split("_")}
    with_name = [m for m, rest in rests.items() if rest and rest - {"ci"} <= set(main.split("_"))]
    plain = [m for m, rest in rests.items() if rest <= set(KNOWN["qualifiers"])]
    return with_name or plain


def _scale(cells: Cells, query: Query) -> float:
    """What a figure was multiplied by where it is printed."""
    value, reach = float(cells.value[query.cells[0]]), 0.51 * 10.0**-query.number.decimals
    return next((one for one in SCALES if abs(query.number.value - value * one) <= reach), 1.0)
