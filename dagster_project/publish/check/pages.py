"""What the pages of a release print: a sentence, or rows of a table, copied from them is compared figure by figure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import groupby
from pathlib import Path

from dagster_project.publish.check.facts import Facts
from dagster_project.publish.check.passages import Passage, read_passages
from dagster_project.publish.check.recognise import RE, WIDE_SIGNS, Number, sentences
from dagster_project.publish.check.verdicts import RIGHT, rounds

MOST_CITIES = 40  # whose pages are read for one document
LEAST_LETTERS = 16  # of a sentence without its figures; a Chinese one counts twice
LEAST_CELLS = 4  # of a table that must be as on the page
SHARE = 0.6  # of the cells of a table under the same heads
YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass
class Pages:
    """Figures by what stands around them: of a sentence without its figures, and by head of a row, table and column."""

    sentences: dict[str, list[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(list))
    rows: dict[str, dict[str, list[dict[str, str]]]] = field(default_factory=lambda: defaultdict(dict))

    def sentence(self, text: str) -> tuple[str, ...] | None:
        """The figures of the page's sentence with these words; None where no page has it with most of its figures."""
        words, theirs = masked(text)
        if not theirs or len(words) + len(re.findall("[\u4e00-\u9fff]", words)) < LEAST_LETTERS:
            return None
        known = self.sentences.get(words, [])
        best = max(known, key=lambda ours: agreed(ours, theirs), default=None)
        if best is None or (2 * agreed(best, theirs) < len(theirs) and (len(known) > 1 or len(theirs) > 1)):
            return None
        return best

    def table(self, cells: Sequence[Passage]) -> dict[int, str]:
        """Place in `cells` -> what the page's table has there, of the table with most of these figures."""
        best: tuple[int, dict[int, str]] = (0, {})
        rows = [[*row] for _, row in groupby(enumerate(cells), key=lambda one: one[1].at[0])]
        for table in dict.fromkeys(table for row in rows for table in self.rows.get(head(row[0][1]), ())):
            there = dict[int, str]()
            for row in rows:
                known = self.rows.get(head(row[0][1]), {}).get(table, [])
                there.update(_likest(cells, [_beside(row, one) for one in known]))
            if (n := _n_right(cells, there)) > best[0]:
                best = n, there
        return best[1] if best[0] >= max(LEAST_CELLS, SHARE * len(best[1])) else {}


def _beside(row: Sequence[tuple[int, Passage]], known: Mapping[str, str]) -> dict[int, str]:
    return {k: known[column] for k, cell in row if (column := plain(cell.heads[0]).casefold()) in known}


def _likest(cells: Sequence[Passage], rows: Sequence[dict[int, str]]) -> dict[int, str]:
    return max(rows, key=lambda row: _n_right(cells, row), default={})


def _n_right(cells: Sequence[Passage], there: Mapping[int, str]) -> int:
    return sum(verdict(ours, plain(cells[k].text)) in RIGHT for k, ours in there.items())


def pages_of(facts: Facts, cities: Iterable[str], language: str) -> list[Pages]:
    """The report of the release in a language, and the pages of these cities; none where the release has no folder."""
    ((file,),) = facts.con.execute("select path from duckdb_databases() where path is not null").fetchall()
    folders = (Path(file).parent / "docs", Path(file).parent / "releases" / facts.release / "docs")
    folder = next((one for one in folders if one.is_dir()), None)
    if folder is None:
        return []
    folder = folder if language == "en" else folder / language
    of_cities = (folder / "cities" / f"{city}.html" for city in [*cities][:MOST_CITIES])
    files = [tuple(sorted(folder.glob("*.html"))), *((file,) for file in of_cities if file.is_file())]
    return [_read(some, tuple(file.stat().st_mtime_ns for file in some)) for some in files]


@lru_cache(maxsize=512)
def _read(files: tuple[Path, ...], _changed: tuple[int, ...]) -> Pages:
    """Read once as long as no file is written again."""
    pages = Pages()
    for file in files:
        passages = read_passages(file)
        for k, cells in enumerate(tables(passages)):
            for _, row in groupby(cells, key=lambda one: one.at[0]):
                first, *others = row
                texts = {plain(cell.heads[0]).casefold(): plain(cell.text) for cell in (first, *others)}
                pages.rows[head(first)].setdefault(f"{file.name} {k}", []).append(texts)
        for passage in passages:
            for _, text in () if passage.is_cell else sentences(passage.text):
                words, ours = masked(text)
                if ours:
                    pages.sentences[words].append(ours)
    return pages


def figures(text: str) -> list[Number]:
    """All figures but years, with their signs."""
    text, results = text.translate(WIDE_SIGNS), list[Number]()
    for match in RE["NUMBER"].finditer(text):
        if not YEAR.fullmatch(match["digits"]):
            value = float(printed := plain(match[0]))
            start, places = match.start("digits") - (value < 0), len(match["digits"].partition(".")[2])
            results.append(Number(start, match.end(), printed, value, places))
    return results


def figures_of(text: str) -> tuple[str, ...]:
    return tuple(number.text for number in figures(text))


def masked(text: str) -> tuple[str, tuple[str, ...]]:
    """A sentence without its figures, and these; a year stays in it."""
    words, at, every = "", 0, figures(text)
    for number in every:
        words += text[at : number.start].rstrip("+-−") + "#"
        at = number.end
    words = " ".join((words + text[at:]).translate(WIDE_SIGNS).casefold().split())
    return words.rstrip(".;。；"), tuple(number.text for number in every)


def plain(text: str) -> str:
    return text.translate(WIDE_SIGNS).replace("−", "-").replace(",", "").strip()


def verdict(ours: str, theirs: str) -> str:
    """equal, rounded, not_ours, or "" where the other says more decimals than ours has."""
    if ours == theirs:
        return "equal"
    try:
        value, other = float(ours.rstrip("%")), float(theirs.rstrip("%"))
    except ValueError:
        return ""
    places, most = (len(text.rstrip("%").partition(".")[2]) for text in (theirs, ours))
    if rounds(other, value, places):
        return "rounded"
    return "not_ours" if places <= most else ""


def agreed(ours: Sequence[str], theirs: Sequence[str]) -> int:
    return sum(verdict(a, b) in RIGHT for a, b in zip(ours, theirs, strict=True))


def head(cell: Passage) -> str:
    """The first of the heads of its row."""
    return plain(cell.heads[1].partition(", ")[0]).casefold()


def is_figure_cell(passage: Passage) -> bool:
    return passage.is_cell and passage.heads[2:] != ("head",) and bool(re.search(r"\d", passage.text))


def tables(passages: Iterable[Passage]) -> list[list[Passage]]:
    """The figures of each table, row by row."""
    results, last = [list[Passage]()], Passage("", "")
    for passage in passages:
        if not passage.is_cell or passage.at <= last.at:
            results.append([])
        if is_figure_cell(passage):
            results[-1].append(passage)
        last = passage if passage.is_cell else replace(passage, at=(-1, 0))
    return [cells for cells in results if cells]
