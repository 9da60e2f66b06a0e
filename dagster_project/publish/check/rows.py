"""Figures that stand together are known by the rows of the result tables that hold most of them.

No list of words names the tables. The figures of a paragraph, or of a table of the document, are looked up in all
results of no single city that their year leaves possible; words shared with labels and comments of the file count. What
stands beside them and differs is judged by what its neighbours share: their column, their group, their year.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np

from dagster_project.publish.check.cells import KNOWN, SURE, Attributes, Cells, Floats, Ints, Match, Query
from dagster_project.publish.check.recognise import Number
from dagster_project.publish.check.verdicts import LIKELY, Verdict, is_like, likelihood, misprint_of, rounds, ruled_out

ENOUGH, CERTAIN = 3.0, 16.0  # log odds that a table is that of the figures; that it confirms
OWN = 4.0  # of these what the figure adds, to be confirmed
MANY = 60  # cells of a number that are looked at
ROW = "with the rest of its row"
PASSES = 3
LEAST = 3  # figures that must agree
TRUST, LINE, OTHER = 0.4, 0.2, 0.55  # shares that must agree: of all; of a line; where the number is another figure
SCALES = (1.0, 100.0)
GROUPING = "scheme"  # of the settings the one that may differ from row to row
DIMENSIONS = ("", "share", "difference", "points", "count", "length", "months")
# log odds that a cell is meant: by what it shares with the cells beside it, and by its kind
OF_MAIN, MODEL, SETTINGS, ESTIMATE, ROLE, NO_ROLE = 2.0, 1.0, 2.0, 2.0, -2.0, -3.0
SAID, ELSEWHERE, OUTSIDE = -2.0, -4.0, 2.0  # of one that another number is, of one of another table, of none
BARE = 50  # times
FIRST, LIKELIER = 3, 1.8
Votes = dict[int, dict[Any, float]]


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
            side = 2 if key in KNOWN["settings"] and key != GROUPING else max((2, 1, 0), key=lambda one: gains[one])
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
    return next((one for one in SCALES if rounds(number.value, figure * one, number.decimals)), 0.0)


def _is_printed_as_percent(number: Number, cells: Cells, cell: int) -> bool:
    """Whether the part of one that a cell holds is printed as it is, with the sign of percent: 0.401 %."""
    value, has_sign = float(cells.value[cell]), number.unit is not None and number.unit.dimension == "share"
    is_part = has_sign and abs(value) <= 1 and scale_of(number, value) == 1
    return is_part and not rounds(number.value, 100 * value, number.decimals)


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
    """Number of a text or table -> "rounded" where it stands with its neighbours, else the figure it should be."""
    if len(queries) > 1:
        assign(cells, queries)
    results: dict[int, Verdict] = {}
    scales: dict[tuple[int, Any], dict[int, float]] = defaultdict(dict)  # of the figures of a column that are right
    aligned = alignment(cells, queries) if is_table else {}
    estimate: Query | None = None  # the last number that is none of the error, interval or p value of another
    sure = [q for q in queries if q.is_held] if aligned or not is_table else []
    held = [(q.number, q.cells[0]) for q in sure]
    in_percent = {
        cells.column[cell] for number, cell in held if scale_of(number, float(cells.value[cell])) == SCALES[1]
    }
    for k, query in enumerate(queries):
        if k in aligned:
            table, want, value = aligned[k]
            is_right, scale = bool(scale_of(query.number, value)), _likely_scale(query.number, value)
            here, printed = [cells.described(table, want, value)], _printed(query.number, value * scale)
            results[k] = Verdict("rounded", ROW, here) if is_right else misprint_of(printed, here)
            if is_right:
                scales[table, want["column"]][k] = scale_of(query.number, value)
            continue
        estimate = query if not query.role else estimate
        column = str(cells.attributes(query.cells[0])["column"]) if query.is_held else ""
        if unit := ruled_out(query.number, column.rpartition("_")[2]):
            results[k] = Verdict("other_unit", f"the unit is {unit}", [_described(cells, int(query.cells[0]))])
            continue
        is_of_parts = column.startswith("share_") or (column and cells.column[query.cells[0]] in in_percent)
        if is_of_parts and _is_printed_as_percent(query.number, cells, query.cells[0]):
            results[k] = Verdict("other_unit", "a part of 1, not percent", [_described(cells, int(query.cells[0]))])
            continue
        if other := _of_estimate(cells, query, estimate, queries[max(k - 1, 0) : k + 2]):
            cell, figure = other
            results[k] = misprint_of(_printed(query.number, figure), [_described(cells, cell)])
            continue
        by_row = bool(len(query.cells)) and cells.kinds[query.frame][0] == 0 and query.total > SURE / 2
        slip = misprint(cells, query, sure, estimate) if sure and not by_row else None
        if not slip and (by_row or (query.total > CERTAIN and query.evidence > OWN)):
            cell = int(query.cells[0])
            results[k] = Verdict("rounded", ROW if by_row else "", [_described(cells, cell)])
        elif slip:
            cell, figure = slip
            results[k] = misprint_of(_printed(query.number, figure), [_described(cells, cell)])
    for of in scales.values():
        usual, n = Counter(of.values()).most_common(1)[0]
        for k in of:
            if of[k] != usual and 2 * n > len(of) > 2 and abs(queries[k].number.value):
                results[k] = Verdict("other_unit", "the digits are right in another unit", results[k].candidates)
    return results


def misprint(cells: Cells, query: Query, sure: Sequence[Query], estimate: Query | None) -> tuple[int, float] | None:
    """The cell of a table beside that a number should be, and how it is printed there, where a misprint is likelier
    than a right figure of any table, or one of something else."""
    number = query.number
    dimension, size = number.unit.dimension if number.unit else "", abs(number.value) * 10.0**number.decimals
    is_amount = number.unit is not None and number.unit.factor > 1  # 6.06 billion
    if (
        query.role == "n"
        or is_amount
        or dimension not in DIMENSIONS
        or (not number.decimals and (number.value in cells.samples or number.significant < LIKELY))
    ):
        return None
    weight = cells.weights(query.near)
    before = estimate if query.role and estimate and estimate.is_held else None

    def prior(at: Ints) -> Floats:
        is_in = np.isin(cells.frames[1:3, at], [cells.frames[1:3, one.cells[0]] for one in sure])
        of_estimate = np.isin(cells.row[at], cells.row[before.cells] if before else [])
        roles = np.where(cells.role_of[cells.column[at]] == query.role, 0.0, NO_ROLE if query.role else ROLE)
        results: Floats = MODEL * is_in[0] + SETTINGS * is_in[1] + ESTIMATE * of_estimate + roles
        return results + cells.worded(weight, at, math.inf, OF_MAIN)

    def of_year(at: Ints) -> Ints:
        return at[np.isin(cells.year[at], [-1, *query.years])] if query.years else at

    at = of_year(np.concatenate([cells.of_table[table] for table in {cells.table(one) for one in sure}]))
    if number.decimals or dimension:
        at = at[cells.is_count[cells.column[at]] == (dimension == "count" and not number.decimals)]
    figures, likely = cells.value[at], prior(at)
    if query.falls:  # the sign is in the words
        figures = np.copysign(figures, number.value)
    of_others = [one.cells[:FIRST] for one in sure if one is not query]
    likely[np.isin(at, np.concatenate([np.empty(0, np.int64), *of_others]))] += SAID
    scales = SCALES if number.decimals or dimension not in ("", "count") else SCALES[:1]
    is_right = np.any([rounds(number.value, figures * one, number.decimals) for one in scales], axis=0)
    anywhere = of_year(cells.like(number))
    right = np.concatenate([likely[is_right], prior(anywhere) + ELSEWHERE, [OUTSIDE - math.log(max(size, 5.0))]])
    is_by_chance = not any(query.heads) and bool(number.decimals or dimension)  # else it must look like a slip
    slips: dict[str, list[tuple[float, int, float]]] = defaultdict(list)
    for one in np.flatnonzero(~is_right)[np.argsort(-likely[~is_right])[:MANY]]:
        is_count = cells.is_count[cells.column[at[one]]]
        for scale in scales[:1] if is_count else scales[int(dimension == "share" and abs(figures[one]) < 1) :]:
            figure = float(figures[one]) * scale
            if number.unit is None and figure and not 1 / BARE < abs(number.value / figure) < BARE:
                continue  # a bare figure is no other in percent
            if (chance := likelihood(number, figure)) and (is_by_chance or is_like(number, figure)):
                slips[_printed(number, figure)].append((float(likely[one]) + math.log(chance), int(at[one]), figure))
    if not slips:
        return None
    odds = {text: np.logaddexp.reduce([one for one, *_ in of]) for text, of in slips.items()}
    if np.logaddexp.reduce([*odds.values()]) - np.logaddexp.reduce(right) < LIKELIER:
        return None
    _, cell, figure = max(slips[max(odds, key=lambda text: odds[text])])
    return cell, figure


def _of_estimate(
    cells: Cells, query: Query, estimate: Query | None, beside: Sequence[Query]
) -> tuple[int, float] | None:
    """The error, p value or end of the interval of an estimate that the number should be, and is not: of the rows
    that have both the estimate and what stands beside the number."""
    if query.role in ("", "n") or query.is_held or estimate is None or not len(estimate.cells):
        return None
    rows = cells.row[estimate.cells]
    for other in (one for one in beside if one.role not in ("", "n", query.role)):
        at = cells.of_table[cells.table(estimate)]
        at = at[np.isin(cells.row[at], rows)]
        of_role = cells.role_of[cells.column[at]]
        known = [one for one in at[of_role == other.role] if scale_of(other.number, float(cells.value[one]))]
        at = at[(of_role == query.role) & np.isin(cells.row[at], cells.row[known])]
        if len(at) and not any(scale_of(query.number, float(cells.value[one])) for one in at):
            return int(at[0]), float(cells.value[at[0]])
    return None


def _described(cells: Cells, cell: int) -> dict[str, Any]:
    return cells.described(int(cells.cell_table[cell]), cells.attributes(cell), float(cells.value[cell]))


def _likely_scale(number: Number, figure: float) -> float:
    """What a figure was multiplied by where the number stands for it."""
    return min(SCALES, key=lambda one: abs(math.log(abs(number.value or 1) / (abs(figure * one) or 1))))


def _printed(number: Number, value: float) -> str:
    return f"{value:.{number.decimals}f}"
