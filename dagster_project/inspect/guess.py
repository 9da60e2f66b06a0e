"""What a file without a sidecar probably is: its layout and keys from its first rows, its year from titles and names.

A guess has its `reason`; what cannot be recognised is asked for in one sentence (`GuessError`).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dagster_project.ingest.header_paths import without_spaces
from dagster_project.ingest.sheet import Sheet
from dagster_project.ingest.sidecar import find_sidecars

# headers of key columns of long files, best first; the keys of landed sources come before these
KEY_NAMES: dict[str, tuple[str, ...]] = {
    "city": (
        *("城市", "城市名称", "地级市", "地级市名称", "地区", "地区名称", "市"),
        *("city", "city_name", "cityname", "city_zh", "name_zh", "prefecture", "region"),
    ),
    "code": ("城市代码", "地区代码", "行政区划代码", "代码", "city_code", "citycode", "code", "adcode"),
    "year": ("年份", "年度", "年度标识", "年", "year"),
    "province": ("省份", "省份名称", "省", "province", "prov"),
}
WIDE_COLUMNS = 40  # a printed sheet with fewer columns is one table of the yearbook
_YEAR = r"((?:19|20)\d{2})"
_EDITION_WORDS = ("yearbook", "年鉴", "nianjian", "edition")
_STATISTICAL_WORDS = ("data_year", "data-year", "statistical", "年数据", "年地级", "年城市")


class GuessError(Exception):
    """Something about the file cannot be recognised; the text asks for the option that says it."""


@dataclass(frozen=True)
class Shape:
    """layout: wide, tables or long; sheet: the one to read or None for all; keys as in a sidecar; reason: why."""

    layout: str
    sheet: str | None = None
    keys: tuple[tuple[str, str], ...] = ()
    reason: str = ""

    @property
    def has_years(self) -> bool:
        """Whether a column says the year of each row."""
        return any(role == "year" for role, _ in self.keys)


@dataclass(frozen=True)
class Year:
    """Statistical year (0: the file has a column of years), how it was found, and what speaks against it."""

    data_year: int
    reason: str = ""
    contradiction: str = ""


def guess_shape(sheets: Sequence[Sheet], sidecars: Path, *, layout: str | None, source: str | None) -> Shape:
    """Layout, sheet and keys of a file. GuessError: it is to be long, but no sheet heads a column of cities."""
    if layout in (None, "long"):
        shape = _long_shape(sheets, _landed_keys(sidecars, source))
        if shape is not None:
            return shape
        if layout == "long":
            raise GuessError("No sheet has a column of cities in row 1 (城市, city ...), so it is not read as long.")
    width = max((int(sheet.col_no.max()) for sheet in sheets if len(sheet.col_no)), default=0)
    layout = layout or ("wide" if width >= WIDE_COLUMNS else "tables")
    return Shape(layout, reason=f"layout {layout}: printed header rows, {width} columns")


def _landed_keys(sidecars: Path, source: str | None) -> list[tuple[str, tuple[tuple[str, str], ...]]]:
    """(source, keys) of the long files that have a sidecar, those with the most keys first; of one source if named."""
    long_files = [item for item in find_sidecars(sidecars) if item.layout == "long"] if sidecars.is_dir() else []
    of_source = [item for item in long_files if item.source == source] or long_files
    return sorted(((item.source, item.keys) for item in of_source), key=lambda pair: -len(pair[1]))


def _long_shape(sheets: Sequence[Sheet], keys_of: Sequence[tuple[str, tuple[tuple[str, str], ...]]]) -> Shape | None:
    """The first sheet whose row 1 heads cities and years; without years only if it is the one header row."""
    for sheet in sheets:
        names = {without_spaces(text): " ".join(text.split()) for text in sheet.rows(1, 1).values()}
        for source, keys in keys_of:
            if all(without_spaces(header) in names for _, header in keys):
                return Shape("long", sheet.name or None, keys, f"layout long: the keys of {source}")
        roles = _keys(names)
        if "city" in roles and ("year" in roles or _one_header_row(sheet)):
            reason = ", ".join(f"{role} = {header}" for role, header in roles.items())
            return Shape("long", sheet.name or None, tuple(roles.items()), f"layout long: {reason}")
    return None


def _keys(names: Mapping[str, str]) -> dict[str, str]:
    """Role -> header as written, from names without blanks."""
    roles = {role: next((names[name] for name in words if name in names), None) for role, words in KEY_NAMES.items()}
    return {role: header for role, header in roles.items() if header is not None}


def _one_header_row(sheet: Sheet) -> bool:
    """Row 1 heads at least two columns and row 2 already holds a number: no second header row, no title."""
    first, second = sheet.rows(1, 1), sheet.rows(2, 2)
    return len(first) > 1 and sheet.name == "" and any(re.fullmatch(r"[\d.,]+", text) for text in second.values())


# ---- year ---------------------------------------------------------------------------------------------


def guess_year(path: Path, titles: Iterable[str], *, year: int | None, has_years: bool) -> Year:
    """The statistical year: what was given, else what the title says, else the edition of the name less one.

    GuessError when nothing says it, or title and name contradict each other.
    """
    if has_years:
        return Year(0)
    by_title, by_name = year_of_titles(titles), year_of_name(path)
    if year is not None:
        differs = by_title is not None and by_title.data_year != year
        return Year(year, contradiction=f"--year is {year}, but {by_title.reason}" if differs and by_title else "")
    # some files are named after the year of their data: then the name reads as an edition one year too early
    if by_title and by_name and by_name.data_year not in (by_title.data_year, by_title.data_year - 1):
        raise GuessError(
            f"The title speaks of {by_title.data_year}, the name of {by_name.data_year} ({by_name.reason}): "
            "give the statistical year with --year."
        )
    guess = by_title or by_name
    if guess is None:
        loose = sorted(set(re.findall(rf"(?<!\d){_YEAR}(?!\d)", path.stem)))
        hint = f"; the name holds {', '.join(loose)}, an edition or a statistical year" if loose else ""
        raise GuessError(
            f"Neither the title nor the file name gives the year of the figures{hint}: give it with --year."
        )
    return guess


def year_of_titles(titles: Iterable[str]) -> Year | None:
    """'中国2018年地级以上城市数据' speaks of 2018; '中国城市统计年鉴2019' of an edition, so of 2018 too.

    A title that speaks of data or of the yearbook beats others, such as one about the basis of an index.
    """
    by_strength: dict[bool, dict[int, str]] = {True: {}, False: {}}
    for title in titles:
        text = without_spaces(title)
        is_edition = "年鉴" in text or "yearbook" in text
        is_strong = is_edition or "数据" in text or "统计" in text
        for word in re.findall(rf"(?<!\d){_YEAR}(?!\d)", text):
            if is_edition or f"{word}年" in text:
                by_strength[is_strong].setdefault(int(word) - is_edition, " ".join(title.split())[:60])
    years = by_strength[True] or by_strength[False]
    if len(years) != 1:
        return None
    ((data_year, title),) = years.items()
    return Year(data_year, f"the title '{title}' says statistical year {data_year}")


def year_of_name(path: Path) -> Year | None:
    """Edition less one for names of yearbooks and their tables (2021-2-1), the year itself for '2020年数据'."""
    stem, folders = path.stem, [folder.name for folder in list(path.absolute().parents)[:4]]
    years = set(re.findall(rf"(?<!\d){_YEAR}(?!\d)", stem))
    if len(years) == 1:
        year = int(years.pop())
        if any(word in stem.lower() for word in _EDITION_WORDS) or re.search(rf"{year}-\d{{1,2}}-\d{{1,2}}$", stem):
            return _of_edition(year, stem)
        if any(word in stem.lower() for word in _STATISTICAL_WORDS):
            return Year(year, f"the name '{stem}' says statistical year {year}")
        return None
    for folder in folders if not years else []:
        match = re.fullmatch(rf"\D*{_YEAR}\D*", folder)
        if match and any(word in name.lower() for name in folders for word in _EDITION_WORDS):
            return _of_edition(int(match[1]), folder)
    return None


def _of_edition(edition: int, name: str) -> Year:
    return Year(edition - 1, f"the name '{name}' says edition {edition}, so statistical year {edition - 1}")
