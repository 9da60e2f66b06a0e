"""Figures that stand together are known by the rows of the result tables that hold most of them.

No list of words names the tables. The figures of a paragraph, or of a table of the document, are looked up in all
results of no single city that their year leaves possible; words shared with labels and comments of the file count. What
stands beside them and differs is judged by what its neighbours share: their column, their group, their year.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from dagster_project.publish.check.cells import KNOWN, Attributes, Cells, Match, Query
from dagster_project.publish.check.recognise import Number
from dagster_project.publish.check.verdicts import Verdict, is_far

ENOUGH, SURE, CERTAIN = 3.0, 8.0, 16.0  # log odds that a table is that of the figures; that it judges others; confirms
OWN = 4.0  # of these what the figure adds, to be confirmed
MANY = 60  # cells of a number that are looked at
ROW = "with the rest of its row"
PASSES = 3
LEAST = 3  # figures that must agree
TRUST, LINE, OTHER = 0.4, 0.2, 0.55  # shares that must agree: of all; of a line; where the number is another figure
SCALES = (1.0, 100.0)
Votes = dict[int, dict[Any, float]]
Want = tuple[int, list[Attributes], float]  # a table, attributes of the likeliest cells, how it is printed


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
        return math.fsum(held.values()) - cells.costs[frame] if len(held) > 1 else 0.0

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
            query.options = hits[inside][:MANY]
            query.evidence, query.frame, query.total = evidence, best, most
        left -= by_frame[best].keys()


def alignment(cells: Cells, queries: Sequence[Query]) -> dict[int, tuple[int, Attributes, float]]:
    """Numbers of a table -> the result table, and the figure of it, that each should be; none where too few agree.

    Each key of the result table goes with the rows of the document, with its columns, or is the same all over, by the
    figures that agree and the words of the heads; so does the column."""
    counts = Counter(cells.table(q) for q in queries if len(q.cells))
    table, n = next(iter(counts.most_common(1)), (-1, 0))
    if n < LEAST:
        return {}
    was = {
        k: [cells.attributes(cell) for cell in q.options]
        for k, q in enumerate(queries)
        if len(q.cells) and cells.table(q) == table
    }
    heads = [{q.at[side]: cells.weights(dict.fromkeys(q.heads[side], 1.0)) for q in queries} for side in (0, 1)]
    keys, members = ("column", *cells.unique_keys(table)), was
    for _ in range(PASSES):
        wants: list[Attributes] = [{} for _ in queries]
        for key in keys:
            votes = _votes(queries, members, key)
            for side in (0, 1) if key not in KNOWN["settings"] else ():
                for line, weights in heads[side].items():
                    for value, name in cells.tables[table].names.get(key, {}).items():
                        if weights[name]:
                            votes[side][line][value] += float(weights[name])
            gains = [sum(max(of.values()) - 1 for of in one.values() if of) for one in votes]
            side = 2 if key in KNOWN["settings"] else max((2, 1, 0), key=lambda one: gains[one])
            if key == "column" and side < 2 and (total := sum(votes[2][0].values())):
                for of in votes[side].values():  # what most figures are, a line without one may be
                    for value, one in votes[2][0].items():
                        of[value] += one / total
            chosen = _chosen(votes[side])
            for want, q in zip(wants, queries, strict=True):
                if key == "year" and q.years:
                    want[key] = q.years[0]
                elif (line := (*q.at, 0)[side]) in chosen:
                    want[key] = chosen[line]
        figures = [sorted(set(cells.held(table, want))) for want in wants]
        known = [k for k, of in enumerate(figures) if len(of) == 1]
        agree = {k for k in known if scale_of(queries[k].number, figures[k][0])}
        members = {k: of for k, of in was.items() if len(figures[k]) != 1} | {k: [wants[k]] for k in agree}
    texts = {queries[k].number.text for k in agree}  # the same number twice says it once
    if len(texts) < LEAST or len(agree) < TRUST * len(known):
        return {}
    lines = [Counter((side, queries[k].at[side]) for k in of for side in (0, 1)) for of in (agree, known)]

    def is_held(k: int) -> bool:
        """Whether enough of its row, and of its column, agrees to judge a number that does not."""
        at = [(side, queries[k].at[side]) for side in (0, 1)]
        return all(lines[0][line] >= (OTHER if k in was else LINE) * (lines[1][line] - 1) for line in at)

    return {k: (table, wants[k], figures[k][0]) for k in known if k in agree or is_held(k)}


def scale_of(number: Number, figure: float) -> float:
    """What a figure was multiplied by where it is printed as this number; 0: it is not."""
    return next((one for one in SCALES if float(f"{figure * one:.{number.decimals}f}") == number.value), 0.0)


def _votes(queries: Sequence[Query], members: dict[int, list[Attributes]], key: str) -> list[Votes]:
    """What the figures of each row, of each column and of all say of a key."""
    votes: list[Votes] = [defaultdict(lambda: defaultdict(float)) for _ in range(3)]
    for k, options in members.items():
        for one in options:
            if key in one:
                for side in range(3):
                    votes[side][(*queries[k].at, 0)[side]][one[key]] += 1 / len(options)
    return votes


def _chosen(votes: Votes) -> dict[int, Any]:
    """What each line stands for; of two alike what no line before has."""
    results: dict[int, Any] = {}
    for line, of in sorted((one for one in votes.items() if one[1]), key=lambda one: -max(one[1].values())):
        earlier = set(results.values())
        results[line] = max(of, key=lambda value: (round(of[value], 6), value not in earlier, -len(str(value))))
    return results


def judge(cells: Cells, queries: Sequence[Query], *, is_table: bool) -> dict[int, Verdict]:
    """Number of a text or table -> "rounded" where it stands with its neighbours, else the figure at its place."""
    if len(queries) > 1:
        assign(cells, queries)
    results: dict[int, Verdict] = {}
    aligned = alignment(cells, queries) if is_table else {}
    for k, query in enumerate(queries):
        if k in aligned:
            table, want, value = aligned[k]
            is_right, scale = bool(scale_of(query.number, value)), _likely_scale(query.number, value)
            note = ROW if is_right else f"published: {_printed(query.number, value * scale)}"
            here = cells.described(table, want, value)
            results[k] = Verdict("rounded" if is_right else "not_ours", note, [here])
            continue
        if len(query.cells):
            by_row = cells.kinds[query.frame][0] == 0 and query.total > SURE / 2
            if by_row or (query.total > CERTAIN and query.evidence > OWN):
                cell = int(query.cells[0])
                here = cells.described(cells.table(query), cells.attributes(cell), float(cells.value[cell]))
                results[k] = Verdict("rounded", ROW if by_row else "", [here])
            if query.total > SURE:
                continue
        for table, wants, scale in () if is_table else _beside(cells, queries, k):
            figures = [(value, want) for want in wants for value in cells.held(table, want)]
            printed = [_printed(query.number, value * scale) for value, _ in figures]
            if any(float(one) == query.number.value for one in printed):
                break
            if not printed or (len(wants) == 1 and len(set(printed)) > 1) or _is_said(queries, query, printed[0]):
                continue
            value, want = figures[0]
            if not is_far(query.number, value * scale):
                results[k] = Verdict("not_ours", f"published: {printed[0]}", [cells.described(table, want, value)])
            break
    return results


def _common(cells: Cells, query: Query) -> Attributes:
    """What all cells that a number may be share."""
    first, *others = (cells.attributes(int(cell)) for cell in query.cells[:MANY])
    return {name: value for name, value in first.items() if all(one.get(name) == value for one in others)}


def _beside(cells: Cells, queries: Sequence[Query], k: int) -> Iterator[Want]:
    """What a number of a sentence should be, from the numbers beside it that are sure, the nearest first."""
    query = queries[k]
    near = [j for j, q in enumerate(queries) if len(q.cells) and q.total > SURE and q.at[0] == query.at[0]]
    for j in sorted(near, key=lambda j: (abs(j - k), j))[:3]:
        other, table, shared = queries[j], cells.table(queries[j]), _common(cells, queries[j])
        of_estimate = query.role and j < k and not other.role and all(one.role for one in queries[j + 1 : k])
        if of_estimate and "column" in shared:
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
    return scale_of(query.number, float(cells.value[query.cells[0]])) or 1.0


def _likely_scale(number: Number, figure: float) -> float:
    """What a figure was multiplied by where the number stands for it."""
    return min(SCALES, key=lambda one: abs(math.log(abs(number.value or 1) / (abs(figure * one) or 1))))


def _printed(number: Number, value: float) -> str:
    return f"{value:.{number.decimals}f}"


def _is_said(queries: Sequence[Query], query: Query, printed: str) -> bool:
    """Whether another number of the sentence is the figure that this one should be."""
    return any(q.number.value == float(printed) for q in queries if q.at[0] == query.at[0])
