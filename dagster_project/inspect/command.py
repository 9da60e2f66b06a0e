"""`nqpf inspect`: read, mean, judge, say; the exit code says what landing would come to."""

import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import duckdb
from rich.console import Console

from dagster_project.errors import EXIT_BAD_INPUT, EXIT_BUSY, EXIT_FAILED, EXIT_OK, EXIT_REFUSED, IngestError
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.pages.job import is_pages, pages_limits
from dagster_project.ingest.pages.read import Cell
from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.database import copy_past, insert_draft, known_shares, likely_source, settle
from dagster_project.inspect.frames import Draft, Request, read_draft
from dagster_project.inspect.guess import GuessError
from dagster_project.inspect.judge import judge
from dagster_project.inspect.pages import cells_of_pages, with_cities, write_cells
from dagster_project.inspect.pages_out import write_twin, write_view
from dagster_project.inspect.report import Report, build_report
from dagster_project.inspect.show import as_json as report_json
from dagster_project.inspect.show import show
from dagster_project.inspect.template import template_file, throw_away_copy
from dagster_project.paths import PROJECT, real_paths
from dagster_project.store import Warehouse, WarehouseBusy
from expectations.findings import ACCEPTED, REFUSED, WAITS

UNITS_SQL = "select city_id, name_zh from reading.int_units"
EXITS = {ACCEPTED: EXIT_OK, WAITS: EXIT_FAILED, REFUSED: EXIT_REFUSED}
CITIES_SQL = "select city_id, substr(city_id, 3) as city_code from reading.int_units"


def inspect_file(request: Request, console: Console, *, warehouse: Path | None, json: bool) -> int:
    """Print the report; 0 it would be accepted, 1 it waits for answers, 2 not readable, 3 refused, 4 warehouse busy."""
    try:
        report = inspect(request, warehouse=warehouse, say=_to_stderr)
    except (IngestError, GuessError) as error:
        sentence, code = str(error), EXIT_BAD_INPUT
    except WarehouseBusy as error:
        sentence, code = str(error), EXIT_BUSY
    except duckdb.Error as error:
        sentence, code = f"The database refused: {str(error).splitlines()[0]}", EXIT_BAD_INPUT
    except Exception as error:  # a dry run must not end in a traceback, whatever the file holds
        text = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        sentence, code = f"{request.files[0]} could not be inspected: {text} (a fault of the program)", EXIT_BAD_INPUT
    else:
        return _print(report, console, as_json=json)
    _to_stderr(sentence)  # with --json nothing but JSON is ever on stdout
    return code


def _print(report: Report, console: Console, *, as_json: bool) -> int:
    if as_json:
        print(report_json(report))
    else:
        show(report, console)
    return EXITS[report.verdict]


def inspect(request: Request, *, warehouse: Path | None, say: Callable[[str], None]) -> Report:
    """What of a file would be read; `say` gets lines about progress. Writes nothing but the cache."""
    paths = None if warehouse is None else real_paths(Path(), warehouse, Path())
    cells = _printed(request)
    draft = read_draft(request, PROJECT / "warehouse" / "landing")
    template = template_file(say)
    with tempfile.TemporaryDirectory(prefix="nqpf-inspect-") as folder:
        database = throw_away_copy(template, Path(folder))
        draft = named(draft, database)
        insert_draft(database, draft)
        if paths is not None:
            last = copy_past(database, draft, paths)
            draft = draft.with_remark(_last_year_words(draft, last))
        if not settle(database, draft, None if paths is None else paths.build_file):
            draft = draft.with_remark(
                "The warehouse is of another version: not compared with other sources; run `nqpf refresh`"
            )
        judgement = judge(database, draft.sidecar)
        cities = database.read_frame(CITIES_SQL)
        if cells:
            names = dict(database.read_frame(UNITS_SQL).itertuples(index=False, name=None))
            _write_pages(request, with_cities(cells, judgement.rows, names))
        only = request.year if draft.sidecar.data_year == 0 else None
        return build_report(draft, judgement, PROJECT / "dbt" / "seeds", cities, only)


def _printed(request: Request) -> list[Cell]:
    """Figures of a printed page, written down as they are read: what follows may refuse the file."""
    if not (request.cells or request.workbook or request.view):
        return []
    if len(request.files) != 1 or not is_pages(request.files[0]):
        what = "--cells, --workbook and --page are for one document of printed pages"
        raise IngestError(what, str(request.files[0]), "Leave them out")
    cells = cells_of_pages(request.files[0])
    _write_pages(request, cells)
    return cells


def _write_pages(request: Request, cells: list[Cell]) -> None:
    file, limits = request.files[0], pages_limits(Limits())
    if request.cells:
        write_cells(cells, request.cells)
    if request.workbook:
        write_twin(file, read_sheets(file), cells, request.workbook, limits)
    if request.view:
        write_view(file, cells, request.view, limits)


def named(draft: Draft, database: Warehouse) -> Draft:
    """The draft under its source: the one request for, else the one whose header map knows its headers best."""
    if draft.has_source:
        return draft
    shares = known_shares(database, draft)
    kind = "pages" if is_pages(draft.sidecar.files[0].path) else draft.sidecar.layout
    source = likely_source(shares, kind)
    if source is None:
        near, share = shares[0] if shares else ("", 0.0)
        closest = f" ({near} knows {share:.0%} of them)" if share else ""
        raise GuessError(
            f"No source is known for the headers of {draft.sidecar.title}{closest}: "
            "name it, known or new, with --source."
        )
    share_of = dict(shares).get(source)
    why = "the usual one of this layout" if not share_of else f"knows {share_of:.0%} of the headers"
    return draft.with_source(source, f"source {source}: {why}")


def _last_year_words(draft: Draft, last: int | None) -> str:
    if last is None:
        return f"The warehouse holds no accepted earlier year of {draft.sidecar.source} to compare with"
    return f"compared with {draft.sidecar.source} {last} of the warehouse"


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
