"""`nqpf sidecar FOLDER`: the sidecars of all editions of the yearbook below a folder, and what only a person can tell.

Each file says what it is by its table number or its columns, its title, its name and folder, and by its rows: which
units they name, and in which years all of these existed.
"""

import csv
import datetime as dt
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

import yaml
from rich.console import Console
from rich.markup import escape as escape_markup
from rich.table import Table

from dagster_project.errors import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_OK, IngestError
from dagster_project.files import sha256_of
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.sheet import Sheet
from dagster_project.ingest.sidecar import LandingFile, Sidecar, find_sidecars
from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.guess import WIDE_COLUMNS, year_of_name, year_of_titles
from dagster_project.inspect.sidecar_draft import Statements, content_of
from dagster_project.paths import PROJECT
from dagster_project.publish.exhibits.markup import html_page

SEEDS = PROJECT / "dbt" / "seeds"
WORKBOOKS = (".xlsx", ".xls")
NUMBER = r"([1-9])\s*[-－—]\s*(\d{1,2})(?!\d)"
FOLDER = re.compile(r"\D*((?:19|20)\d{2})\D*")
TITLE_ROWS = 3
MIN_NAMED = 0.5  # share of the labels that name a unit, from which a file is a table of the yearbook
MIN_ROWS = 20
YEARS = range(1984, dt.date.today().year + 1)  # the first yearbook is that of 1985
# (unit, layout) -> source and what it is called
KINDS = {
    ("city", "tables"): ("yearbook_tables", "prefecture-level cities, one table a file"),
    ("city", "wide"): ("yearbook_wide", "prefecture-level cities, one wide sheet"),
    ("county", "tables"): ("county_tables", "county-level cities, one table a file"),
    ("county", "wide"): ("county_tables", "county-level cities, one wide sheet"),
}


@dataclass(frozen=True)
class Recognised:
    """A table or wide sheet of the yearbook. table: its number, "" for a wide sheet. year: of the figures, None where
    neither title nor name says it. misfit: year -> names and units that speak against it, of the rows."""

    file: Path
    sha256: str
    unit: str
    table: str
    year: int | None
    known_by: str
    misfit: Mapping[int, int]
    is_synthetic: bool

    @property
    def layout(self) -> str:
        return "tables" if self.table else "wide"


@dataclass
class Group:
    """Files of one source and statistical year, and what became of them."""

    source: str
    layout: str
    unit: str
    data_year: int
    known_by: str
    files: list[Recognised]
    outcome: str = ""


@dataclass
class Survey:
    """What lies below a folder. questions: for a person, one sentence each; left_out: files that are not landed."""

    groups: list[Group] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    n_kept: int = 0


def draft_sidecars(folder: Path, landing: Path, statements: Statements, *, write: bool, page: Path | None) -> int:
    """Survey, write what is complete, show one table and lists. Exit: 0 nothing open, 1 questions, 2 not possible."""
    console = Console(stderr=True)
    try:
        if not folder.resolve().is_relative_to(landing.resolve()):
            raise IngestError(
                "The folder does not lie below the landing folder", str(folder), f"Put it below {landing}"
            )
        sidecars = find_sidecars(landing)
        survey = survey_of(folder, landing, sidecars)
    except IngestError as error:
        console.print(str(error), highlight=False, markup=False, soft_wrap=True)
        return EXIT_BAD_INPUT
    for group in survey.groups:
        group.outcome = _settle(group, landing, sidecars, statements, survey.questions, write=write)
    _show(survey, console)
    if page is not None:
        template = Path(__file__).with_name("sidecars.html.j2")
        text = html_page(template, title="Sidecars", survey=survey, heads=HEADS, rows=_rows(survey))
        page.write_text(text, encoding="utf-8")
        console.print(f"Page: {page}", highlight=False, markup=False, soft_wrap=True)
    if not survey.groups and not survey.n_kept:
        console.print(f"No edition of the yearbook lies below {folder}.", highlight=False, markup=False)
        return EXIT_BAD_INPUT
    return EXIT_FAILED if survey.questions else EXIT_OK


def survey_of(folder: Path, landing: Path, sidecars: Sequence[Sidecar]) -> Survey:
    """Every workbook below the folder that no sidecar describes, by source and statistical year."""
    survey = Survey()
    sidecar_files = {(landing / file.path).resolve() for sidecar in sidecars for file in sidecar.files}
    workbooks: list[Recognised] = []
    for file in sorted(path for path in folder.rglob("*") if path.suffix.lower() in WORKBOOKS):
        if file.resolve() in sidecar_files:
            survey.n_kept += 1
            continue
        try:
            one = recognise(file)
        except IngestError as error:
            one = str(error)
        if isinstance(one, Recognised):
            workbooks.append(one)
        else:
            survey.left_out.append(one)
    for (source, layout, unit, year), files in _by_edition(workbooks, survey.questions).items():
        clashes = _clashes(files, year)
        survey.questions += clashes
        if not clashes:
            group = Group(source, layout, unit, year, files[0].known_by, sorted(files, key=_order))
            survey.groups.append(group)
    _leave_copies_out(survey)
    return survey


def recognise(file: Path) -> Recognised | str:
    """What a workbook is, or the sentence that it is no table of cities of the yearbook."""
    sheets = [sheet for sheet in read_sheets(file, limits=Limits.for_layout("long")) if len(sheet.text)]
    titles = [" ".join(text.split()) for sheet in sheets for text in sheet.rows(1, TITLE_ROWS).values()]
    numbers = {m.groups() for text in titles if (m := re.match(rf"\s*{NUMBER}", text))}
    number_match = re.search(rf"(?:^|\D){NUMBER}", file.stem)
    numbers = numbers or ({number_match.groups()} if number_match else set())
    width = max((int(sheet.col_no.max()) for sheet in sheets), default=0)
    table = "-".join(min(numbers)) if len(numbers) == 1 and width < WIDE_COLUMNS else ""
    if table.startswith("1-"):
        return f"{file}: table {table} of the first part holds no figures of units, left out."
    labels = {text for sheet in sheets for text in _labels(sheet)}
    units = {unit: [label for label in labels if label in names()[unit]] for unit in ("city", "county")}
    unit = max(units, key=lambda one: len(units[one]))
    n = len(units[unit])
    if n < MIN_ROWS or n < MIN_NAMED * len(labels):
        return (
            f"{file}: {n} of {len(labels)} row names are cities or county-level units: no table of units of the"
            " yearbook, left out."
        )
    if sum(bool(re.fullmatch(r"-?[\d,]*\.?\d+", text)) for sheet in sheets for text in sheet.text) < MIN_ROWS:
        return f"{file}: {n} units, but hardly a figure: a head without its table, left out."
    by_title, by_name = year_of_titles(titles), year_of_name(Path("/", file.name))  # folders are read together
    edition, known_by = (by_title, "title") if by_title else (by_name, "name")
    is_synthetic = any("synthetic" in text.lower() for text in (*titles, file.name, *(one.name for one in sheets)))
    year = edition.data_year if edition and edition.data_year in YEARS else None
    return Recognised(file, sha256_of(file), unit, table, year, known_by, misfits(unit, units[unit]), is_synthetic)


def _labels(sheet: Sheet) -> list[str]:
    """Texts of the first column that holds names, without blanks, numbers, Latin letters and headings."""
    texts = ["".join(text.split()) for col in (1, 2) for text in sheet.column(col).values()]
    return [text for text in texts if re.fullmatch(r"[\u4e00-\u9fff]{2,12}", text)]


@cache
def names() -> dict[str, dict[str, list[tuple[int, int]]]]:
    """Of cities and county-level units: name -> spans of the years in which a unit bore it."""
    cities = {row["city_id"] for row in _seed("city") if row["level"] == "city"}
    spans: dict[str, dict[str, list[tuple[int, int]]]] = {"city": {}, "county": {}}
    for row in _seed("city_alias"):
        if row["city_id"] in cities and row["kind"] != "code":
            spans["city"].setdefault(row["alias"], []).append(_span(row))
    for row in _seed("county"):
        spans["county"].setdefault(row["name_zh"], []).append(_span(row))
    return spans


def misfits(unit: str, labels: Iterable[str]) -> dict[int, int]:
    """Year -> names of the rows that no unit bore in it, and cities (of either level) of that year without a row."""
    row_names, spans = set(labels), names()[unit]
    roster = {name: spans[name] for name in _roster(unit)}
    return {
        year: sum(not _holds(spans[name], year) for name in row_names)
        + sum(_holds(span, year) and name not in row_names for name, span in roster.items())
        for year in YEARS
    }


@cache
def _roster(unit: str) -> set[str]:
    column, kind = ("level", "city") if unit == "city" else ("kind", "county_city")
    return {row["name_zh"] for row in _seed(unit) if row[column] == kind}


def _holds(spans: Iterable[tuple[int, int]], year: int) -> bool:
    return any(first <= year <= last for first, last in spans)


def _span(row: Mapping[str, str]) -> tuple[int, int]:
    return int(row["valid_from"] or 0), int(row["valid_to"] or 9999)


def _seed(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _by_edition(
    workbooks: Sequence[Recognised], questions: list[str]
) -> dict[tuple[str, str, str, int], list[Recognised]]:
    """Files by source, layout, unit and year. Those that do not say their year are of the edition that their folder is
    named after, or hold the figures of that year: so do folders beside it, by their titles, or all its rows say."""
    by_folder: dict[Path, list[Recognised]] = {}
    for one in workbooks:
        by_folder.setdefault(one.file.parent, []).append(one)
    groups: dict[tuple[str, str, str, int], list[Recognised]] = {}
    figures = _named_after_figures(workbooks)
    for folder, files in by_folder.items():
        unknown = [one for one in files if one.year is None]
        misfit = {year: sum(one.misfit[year] for one in unknown) for year in YEARS}
        year, known_by = _year_of_folder(folder, misfit, len(unknown), figures)
        if unknown and year is None:
            fitting = [one for one in YEARS if misfit[one] == min(misfit.values())]
            questions.append(
                f"{folder}: of which edition is {_files(unknown)}? Neither titles nor names say it; the rows fit"
                f" figures of {fitting[0]} to {fitting[-1]}. Put them into a folder named after the edition."
            )
        for one in files:
            with_year = one if one.year is not None else replace(one, year=year, known_by=known_by)
            if with_year.year is not None:
                key = (KINDS[one.unit, one.layout][0], one.layout, one.unit, with_year.year)
                groups.setdefault(key, []).append(with_year)
    return dict(sorted(groups.items()))


def _named_after_figures(workbooks: Sequence[Recognised]) -> set[Path]:
    """Folders whose folders are named after the year of the figures, as titles of files in them say."""
    steps: dict[Path, set[int]] = {}
    for one in workbooks:
        if one.known_by == "title" and one.year is not None and (match := FOLDER.fullmatch(one.file.parent.name)):
            steps.setdefault(one.file.parent.parent, set()).add(int(match[1]) - one.year)
    return {folder for folder, differences in steps.items() if differences == {0}}


def _year_of_folder(
    folder: Path, misfit: Mapping[int, int], n_files: int, figures: Collection[Path]
) -> tuple[int | None, str]:
    for place in (folder, folder.parent):
        match = FOLDER.fullmatch(place.name)
        if match and int(match[1]) in misfit and int(match[1]) - 1 in misfit:
            year = int(match[1])
            if place.parent in figures or misfit[year] + n_files < misfit[year - 1]:
                return year, f"folder {place.name}, the year of the figures"
            return year - 1, f"folder {place.name}"
    return None, ""


def _clashes(files: Sequence[Recognised], year: int) -> list[str]:
    """Two files of one edition that claim the same table: the same bytes twice, or two versions."""
    by_table: dict[str, list[Recognised]] = {}
    for one in files:
        by_table.setdefault(one.table, []).append(one)
    questions = []
    for table, same in by_table.items():
        if len(same) > 1:
            what = f"table {table}" if table else "the wide sheet"
            alike = "the same bytes" if len({one.sha256 for one in same}) == 1 else "different contents"
            file_names = " and ".join(str(one.file) for one in same)
            questions.append(
                f"{file_names} both are {what} of edition {year + 1}, with {alike}: keep one below the folder."
            )
    return questions


def _leave_copies_out(survey: Survey) -> None:
    """A wide sheet of county-level cities has no source of its own: where their tables are at hand, these are read."""
    tables = {group.data_year for group in survey.groups if group.unit == "county" and group.layout == "tables"}
    for group in [one for one in survey.groups if one.unit == "county" and one.layout == "wide"]:
        if group.data_year in tables:
            survey.groups.remove(group)
            copy = group.files[0].file
            survey.left_out.append(f"{copy}: the tables of edition {group.data_year + 1} hold its figures, left out.")


def _settle(
    group: Group, landing: Path, loads: Sequence[Sidecar], statements: Statements, questions: list[str], *, write: bool
) -> str:
    """What becomes of the files of a group: written, to be written, or a question."""
    edition = group.data_year + 1
    least = sum(min(one.misfit.values()) for one in group.files)
    against = sum(one.misfit[group.data_year] for one in group.files)
    if against - least > 3 * len(group.files):
        best = min(YEARS, key=lambda year: sum(one.misfit[year] for one in group.files))
        questions.append(
            f"{group.files[0].file}: its {group.known_by} says figures of {group.data_year}, the units in its rows"
            f" those of {best}. Correct the name, or write its sidecar by `nqpf sidecar FILE --year`."
        )
        return "asked"
    others = [one for one in loads if (one.source, one.data_year) == (group.source, group.data_year)]
    if others:
        questions.append(
            f"{others[-1].path} describes edition {edition} of {group.source} without {_files(group.files)}: add them"
            " there, or take it away and start again."
        )
        return "asked"
    own_sidecars = [one for one in find_sidecars(PROJECT / "warehouse" / "landing") if one.source == group.source]
    like = own_sidecars[-1] if own_sidecars else None
    sidecar = Sidecar(
        path=group.files[0].file,
        source=group.source,
        layout=group.layout,
        files=tuple(LandingFile(_below(one.file, landing), one.sha256) for one in group.files),
        producer="",
        title="",
        licence="",
        accessed=dt.date.today().isoformat(),
        maturity=statements.maturity,
        is_synthetic=any(one.is_synthetic for one in group.files),
        data_year=group.data_year,
    )
    title = f"China City Statistical Yearbook {edition}, {KINDS[group.unit, group.layout][1]}"
    who = Statements(
        statements.producer or (like.producer if like else None),
        statements.title,
        statements.licence or (like.licence if like else None),
        statements.maturity,
        edition,
    )
    content = content_of(sidecar, who, title, ())
    target = _common(group.files) / f"{group.source}_{group.data_year}.yml"
    if None in content.values():
        questions.append(f"{target}: say who made it and under which terms, with --producer and --licence.")
        return "asked"
    if target.exists():
        questions.append(f"{target} is there already and describes other files: it is kept, nothing is written.")
        return "asked"
    if write:
        target.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False, width=120), encoding="utf-8")
    return f"{'written' if write else 'to write'}: {_below(target, landing)}"


def _below(file: Path, landing: Path) -> str:
    return file.resolve().relative_to(landing.resolve()).as_posix()


def _common(files: Sequence[Recognised]) -> Path:
    parents = [one.file.parent for one in files]
    return next(place for place in (parents[0], *parents[0].parents) if all(p.is_relative_to(place) for p in parents))


def _order(one: Recognised) -> tuple[list[int], str]:
    return [int(part) for part in one.table.split("-") if part], one.file.name


def _files(files: Sequence[Recognised]) -> str:
    return files[0].file.name if len(files) == 1 else f"{len(files)} files ({files[0].file.name}, ...)"


def _rows(survey: Survey) -> list[tuple[str, ...]]:
    return [
        (
            group.source,
            str(group.data_year + 1),
            str(group.data_year),
            str(len(group.files)),
            group.known_by,
            group.outcome,
        )
        for group in survey.groups
    ]


HEADS = ("source", "edition", "figures of", "files", "known by", "sidecar")


def _show(survey: Survey, console: Console) -> None:
    table = Table()
    for head in HEADS:
        table.add_column(head, no_wrap=head != HEADS[-1], overflow="fold")
    for row in _rows(survey):
        table.add_row(*map(escape_markup, row))
    console.print(table)
    sentence = f"{survey.n_kept} files have a sidecar already, which is kept. " if survey.n_kept else ""
    counts = Counter(group.outcome.partition(":")[0] for group in survey.groups)
    summary = ", ".join(f"{n} {what}" for what, n in counts.items())
    console.print(f"{sentence}Editions: {summary or 'none'}. Files left out: {len(survey.left_out)}.", highlight=False)
    for title, lines in (("Left out", survey.left_out), ("Questions", survey.questions)):
        if lines:
            console.print(f"[bold]{title}[/]")
        for line in lines:
            console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)
