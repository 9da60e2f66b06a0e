"""Spoilt copies of a printed edition: one fault a copy, at random places, and which printed cells are wrong after it.

A copy is a `Page` (the grid of a workbook) with `wrong`: the cells whose figure no longer belongs to their city and
column. `CONTROLS` change only how the same figures are printed; `FAULTS` change what they say.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from landing_tools import Page


@dataclass(frozen=True)
class Column:
    """A column that the house reads: its place, meaning, table (first segment of its header) and factor of its unit."""

    at: int
    variable: str
    scope: str
    table: str
    factor: float


@dataclass
class Edition:
    """A sound edition and what is known of it.

    city_of: row -> (city, province), rows in printed order. past: (city, variable, scope) -> figure of an accepted
    earlier year, in the canonical unit.
    """

    page: Page
    columns: Sequence[Column]
    city_of: Mapping[int, tuple[str, str]]
    past: Mapping[tuple[str, str, str], float]

    def figure(self, row: int, column: Column) -> float | None:
        """The printed number, None where the cell holds none."""
        return number_of(self.page.rows[row][column.at])

    def rows_of(self, *provinces: str) -> list[int]:
        return [row for row, (_, province) in self.city_of.items() if province in provinces]

    @property
    def provinces(self) -> list[str]:
        """Provinces of at least five cities in printed order."""
        names = [province for _, province in self.city_of.values()]
        return [name for name in dict.fromkeys(names) if names.count(name) >= 5]


@dataclass
class Copy:
    """A spoilt copy: its fault, its grid, where it was spoilt (in words), and (row, column) of each wrong cell."""

    fault: str
    page: Page
    place: str = ""
    wrong: set[tuple[int, int]] = field(default_factory=set)

    def put(self, row: int, at: int, text: object) -> None:
        """Print another text in a cell."""
        if str(self.page.rows[row][at]).strip() != str(text).strip():
            self.wrong.add((row, at))
        self.page.rows[row][at] = text if isinstance(text, str) else str(text)


type Fault = Callable[[Edition, Copy, np.random.Generator], None]


def number_of(cell: object) -> float | None:
    try:
        return float(str(cell).replace(",", "").strip())
    except ValueError:
        return None


def printed(value: float, like: object) -> str:
    """A figure as the column prints it: with as many decimals as its neighbour."""
    text = str(like).strip()
    return f"{value:.{len(text.partition('.')[2])}f}"


def spoilt_copies(edition: Edition, faults: Mapping[str, tuple[Fault, int]], seed: int) -> Iterator[Copy]:
    """`count` copies of each fault; the places of a copy depend on seed, fault and number only."""
    for number, (name, (fault, count)) in enumerate(faults.items()):
        for at in range(count):
            rng = np.random.default_rng([seed, number, at])
            one = Copy(name, copy.deepcopy(edition.page))
            fault(edition, one, rng)
            yield one


# ---- hands -----------------------------------------------------------------------------------------------------------


def _pick[T](rng: np.random.Generator, among: Sequence[T]) -> T:
    return among[int(rng.integers(len(among)))]


def _full(edition: Edition, rows: Sequence[int], rng: np.random.Generator, share: float = 0.8) -> Column:
    """A column with figures in nearly all of these rows that are not all alike."""
    found = []
    for column in edition.columns:
        figures = [edition.figure(row, column) for row in rows]
        there = [figure for figure in figures if figure]
        if len(there) >= share * len(rows) and len(set(there)) > 0.7 * len(there):
            found.append(column)
    return _pick(rng, found)


def _cell(
    edition: Edition, rng: np.random.Generator, fits: Callable[[str], bool] = lambda _: True
) -> tuple[int, Column, str]:
    """A cell with a figure other than 0 whose text fits."""
    while True:
        row, column = _pick(rng, list(edition.city_of)), _pick(rng, edition.columns)
        text = str(edition.page.rows[row][column.at]).strip().removesuffix(".0")
        if number_of(text) and fits(text):
            return row, column, text


def _digits(text: str) -> int:
    return len(text.partition(".")[0].lstrip("-"))


def _move(one: Copy, column: Column, rows: Sequence[int], order: Sequence[int]) -> None:
    """The figures of `order` stand in `rows`."""
    texts = [one.page.rows[row][column.at] for row in order]
    for row, text in zip(rows, texts, strict=True):
        one.put(row, column.at, text)


def _say(one: Copy, edition: Edition, rows: Sequence[int], *columns: Column) -> None:
    cities = "、".join(str(edition.page.rows[row][0]).strip() for row in rows[:3])
    one.place = f"{cities} ({len(rows)}): {', '.join(f'{c.variable}/{c.scope}' for c in columns[:3]) or 'all columns'}"


def _two_provinces(edition: Edition, rng: np.random.Generator) -> list[int]:
    """Rows of two provinces that follow each other, at the end of the table or anywhere."""
    names = edition.provinces
    at = len(names) - 2 if rng.random() < 0.4 else int(rng.integers(len(names) - 1))
    return edition.rows_of(*names[at : at + 2])


# ---- rows ------------------------------------------------------------------------------------------------------------


def _exchange(edition: Edition, one: Copy, rows: tuple[int, int]) -> None:
    first, second = rows
    for column in edition.columns:
        _move(one, column, [first, second], [second, first])
    width = len(one.page.rows[first])
    own = {column.at for column in edition.columns}
    for at in range(2, width):
        if at not in own:
            one.page.rows[first][at], one.page.rows[second][at] = one.page.rows[second][at], one.page.rows[first][at]
    _say(one, edition, rows)


def rows_of_neighbours_exchanged(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    province = _pick(rng, edition.provinces)
    rows = edition.rows_of(province)
    at = int(rng.integers(len(rows) - 1))
    _exchange(edition, one, (rows[at], rows[at + 1]))


def rows_of_far_cities_exchanged(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    first, second = rng.choice(list(edition.city_of), 2, replace=False)
    _exchange(edition, one, (int(first), int(second)))


def names_exchanged(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = edition.rows_of(_pick(rng, edition.provinces))
    first, second = (int(row) for row in rng.choice(rows, 2, replace=False))
    for at in (0, 1):
        one.page.rows[first][at], one.page.rows[second][at] = one.page.rows[second][at], one.page.rows[first][at]
    one.wrong = {(row, column.at) for row in (first, second) for column in edition.columns}
    _say(one, edition, (first, second))


def province_rows_missing(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    province = _pick(rng, edition.provinces)
    gone = edition.rows_of(province)
    _say(one, edition, gone)
    one.wrong = {(row, column.at) for row in gone for column in edition.columns}
    for row in gone:
        one.page.rows[row] = ["" for _ in one.page.rows[row]]


def city_printed_twice(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = edition.rows_of(_pick(rng, edition.provinces))
    at = int(rng.integers(len(rows) - 1))
    for column in (0, 1):
        one.page.rows[rows[at + 1]][column] = one.page.rows[rows[at]][column]
    one.wrong = {(row, column.at) for row in rows[at : at + 2] for column in edition.columns}
    _say(one, edition, rows[at : at + 2])


# ---- columns ---------------------------------------------------------------------------------------------------------


def column_shifted_in_provinces(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = _two_provinces(edition, rng)
    column = _full(edition, rows, rng)
    _move(one, column, rows, list(np.roll(rows, 1 if rng.random() < 0.5 else -1)))
    _say(one, edition, rows, column)


def column_shifted_whole(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = list(edition.city_of)
    column = _full(edition, rows, rng)
    _move(one, column, rows, list(np.roll(rows, 1)))
    _say(one, edition, rows, column)


def sorted_in_province(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = edition.rows_of(_pick(rng, [p for p in edition.provinces if len(edition.rows_of(p)) >= 8]))
    column = _full(edition, rows, rng)
    order = sorted(rows, key=lambda row: edition.figure(row, column) or 0.0, reverse=bool(rng.random() < 0.5))
    _move(one, column, rows, order)
    _say(one, edition, rows, column)


def table_of_a_province_missing(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = edition.rows_of(_pick(rng, edition.provinces))
    table = _full(edition, rows, rng).table
    columns = [column for column in edition.columns if column.table == table]
    for row in rows:
        for column in columns:
            one.put(row, column.at, "")
    _say(one, edition, rows, *columns)


def _paste_past(edition: Edition, one: Copy, column: Column, rows: Sequence[int]) -> None:
    for row in rows:
        old = edition.past.get((edition.city_of[row][0], column.variable, column.scope))
        if old is not None and edition.figure(row, column) is not None:
            one.put(row, column.at, printed(old / column.factor, edition.page.rows[row][column.at]))
    _say(one, edition, rows, column)


def _with_past(edition: Edition, rows: Sequence[int], rng: np.random.Generator) -> Column:
    """A column whose figures of an earlier year are known and differ from those of this one in nearly all rows."""
    while True:
        column = _full(edition, rows, rng)
        pairs = [
            (edition.figure(row, column), edition.past.get((edition.city_of[row][0], column.variable, column.scope)))
            for row in rows
        ]
        moved = [abs(now * column.factor / old - 1) > 0.01 for now, old in pairs if now and old]
        if len(moved) >= 0.8 * len(rows) and sum(moved) >= 0.7 * len(moved):
            return column


def last_year_pasted_whole(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = list(edition.city_of)
    _paste_past(edition, one, _with_past(edition, rows, rng), rows)


def last_year_pasted_in_provinces(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = _two_provinces(edition, rng)
    _paste_past(edition, one, _with_past(edition, rows, rng), rows)


def whole_edition_of_another_year(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    for column in edition.columns:
        _paste_past(edition, one, column, list(edition.city_of))
    one.place = "all columns"


def other_concept(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """Another count of the same thing: some 15 % lower, and differently in each city."""
    rows = list(edition.city_of)
    column = _full(edition, rows, rng)
    for row in rows:
        figure = edition.figure(row, column)
        if figure is not None:
            other = figure * float(np.exp(rng.normal(-0.16, 0.22)))
            one.put(row, column.at, printed(other, edition.page.rows[row][column.at]))
    _say(one, edition, rows, column)


def columns_exchanged(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = list(edition.city_of)
    first = _full(edition, rows, rng)
    others = [c for c in edition.columns if c.table == first.table and c.at != first.at]
    second = _pick(rng, others or [c for c in edition.columns if c.at != first.at])
    for row in rows:
        a, b = one.page.rows[row][first.at], one.page.rows[row][second.at]
        one.put(row, first.at, b)
        one.put(row, second.at, a)
    _say(one, edition, rows, first, second)


def unit_of_a_column(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    _scale(edition, one, list(edition.city_of), rng)


def unit_in_a_province(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    _scale(edition, one, edition.rows_of(_pick(rng, edition.provinces)), rng)


def _scale(edition: Edition, one: Copy, rows: Sequence[int], rng: np.random.Generator) -> None:
    column, factor = _full(edition, rows, rng), 10.0 ** int(_pick(rng, [-4, -2, -1, 1, 2, 4]))
    for row in rows:
        figure = edition.figure(row, column)
        if figure:
            one.put(row, column.at, f"{figure * factor:.6g}")
    _say(one, edition, rows, column)


def decimal_comma_in_a_column(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    rows = list(edition.city_of)
    columns = [
        c for c in edition.columns if sum("." in str(edition.page.rows[r][c.at]).removesuffix(".0") for r in rows) > 100
    ]
    column = _pick(rng, columns)
    for row in rows:
        text = str(edition.page.rows[row][column.at])
        if "." in text:
            one.put(row, column.at, text.replace(".", ","))
    _say(one, edition, rows, column)


# ---- single cells ----------------------------------------------------------------------------------------------------


def digit_lost(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    row, column, text = _cell(edition, rng, lambda text: _digits(text) >= 3)
    at = int(rng.integers(1, _digits(text)))
    one.put(row, column.at, text[:at] + text[at + 1 :])
    _say(one, edition, [row], column)
    one.place += f" {text} -> {one.page.rows[row][column.at]}"


def digit_doubled(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    row, column, text = _cell(edition, rng, lambda text: _digits(text) >= 2)
    at = int(rng.integers(_digits(text)))
    one.put(row, column.at, text[: at + 1] + text[at:])
    _say(one, edition, [row], column)
    one.place += f" {text} -> {one.page.rows[row][column.at]}"


def digits_transposed(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    def fits(text: str) -> bool:
        return _digits(text) >= 3 and abs(int(text[0]) - int(text[1])) >= 3 if text[:2].isdigit() else False

    row, column, text = _cell(edition, rng, fits)
    one.put(row, column.at, text[1] + text[0] + text[2:])
    _say(one, edition, [row], column)
    one.place += f" {text} -> {one.page.rows[row][column.at]}"


def footnote_digit(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    row, column, text = _cell(edition, rng)
    one.put(row, column.at, text + str(int(rng.integers(1, 4))))
    if "." in text:
        one.put(row, column.at, text.replace(".", "") + "1")
    _say(one, edition, [row], column)
    one.place += f" {text} -> {one.page.rows[row][column.at]}"


def comma_with_three_digits(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """A decimal comma with three digits behind it reads like a thousands separator."""
    row, column, text = _cell(edition, rng, lambda text: 1 <= _digits(text) <= 3 and "-" not in text)
    one.put(row, column.at, f"{text.partition('.')[0]},{(text.partition('.')[2] + '000')[:3]}")
    _say(one, edition, [row], column)
    one.place += f" {text} -> {one.page.rows[row][column.at]}"


def zero_for_missing(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """A figure that the city has every year is printed as 0."""
    row, column, text = _cell(edition, rng)
    one.put(row, column.at, "0")
    _say(one, edition, [row], column)
    one.place += f" {text} -> 0"


def zero_for_blank(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """A blank cell of a city that had a figure earlier is printed as 0."""
    blanks = [
        (row, column)
        for row, (city, _) in edition.city_of.items()
        for column in edition.columns
        if number_of(edition.page.rows[row][column.at]) is None
        and edition.past.get((city, column.variable, column.scope))
    ]
    row, column = _pick(rng, blanks)
    one.put(row, column.at, "0")
    _say(one, edition, [row], column)


def text_in_a_number(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    row, column, text = _cell(edition, rng)
    one.put(row, column.at, f"约{text}")
    _say(one, edition, [row], column)


FAULTS: dict[str, tuple[Fault, int]] = {
    fault.__name__: (fault, count)
    for fault, count in (
        (rows_of_neighbours_exchanged, 4),
        (rows_of_far_cities_exchanged, 3),
        (names_exchanged, 3),
        (province_rows_missing, 3),
        (city_printed_twice, 2),
        (column_shifted_in_provinces, 6),
        (column_shifted_whole, 2),
        (sorted_in_province, 4),
        (table_of_a_province_missing, 4),
        (last_year_pasted_whole, 4),
        (last_year_pasted_in_provinces, 4),
        (whole_edition_of_another_year, 1),
        (other_concept, 3),
        (columns_exchanged, 3),
        (unit_of_a_column, 3),
        (unit_in_a_province, 3),
        (decimal_comma_in_a_column, 2),
        (digit_lost, 6),
        (digit_doubled, 3),
        (digits_transposed, 4),
        (footnote_digit, 3),
        (comma_with_three_digits, 3),
        (zero_for_missing, 2),
        (zero_for_blank, 2),
        (text_in_a_number, 2),
    )
}


# ---- the same figures printed in another way -------------------------------------------------------------------------


def untouched(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """Nothing is changed."""


def blanks_around_names(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    for row in edition.city_of:
        one.page.rows[row][0] = f"　{one.page.rows[row][0]}  "


def full_width_digits(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    column = _pick(rng, edition.columns)
    wide = str.maketrans("0123456789.", "０１２３４５６７８９．")
    for row in edition.city_of:
        one.page.rows[row][column.at] = str(one.page.rows[row][column.at]).translate(wide)


def thousands_separators(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    column = _pick(rng, edition.columns)
    for row in edition.city_of:
        text = str(one.page.rows[row][column.at]).strip()
        whole, point, rest = text.partition(".")
        if whole.isdigit():
            one.page.rows[row][column.at] = f"{int(whole):,}{point}{rest}"


def dashes_for_blanks(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    for row in edition.city_of:
        for column in edition.columns:
            if str(one.page.rows[row][column.at]).strip() == "":
                one.page.rows[row][column.at] = "…" if rng.random() < 0.5 else "-"


def rows_in_another_order(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """Cities in the order of their names' code points."""
    rows = list(edition.city_of)
    order = sorted(rows, key=lambda row: str(edition.page.rows[row][0]).strip())
    for row, source in zip(rows, order, strict=True):
        one.page.rows[row] = list(edition.page.rows[source])


def single_figures_missing(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """A handful of cities that report nothing for one column."""
    for _ in range(5):
        row, column, _text = _cell(edition, rng)
        one.page.rows[row][column.at] = ""


def true_jump(edition: Edition, one: Copy, rng: np.random.Generator) -> None:
    """One city grows by an eighth more than the others in one column: nothing that a gate should hold."""
    row, column, _text = _cell(edition, rng, lambda text: _digits(text) >= 3)
    figure = edition.figure(row, column)
    assert figure is not None
    one.page.rows[row][column.at] = printed(figure * 1.125, edition.page.rows[row][column.at])


CONTROLS: dict[str, tuple[Fault, int]] = {
    fault.__name__: (fault, 1)
    for fault in (
        untouched,
        blanks_around_names,
        full_width_digits,
        thousands_separators,
        dashes_for_blanks,
        rows_in_another_order,
        single_figures_missing,
        true_jump,
    )
}
