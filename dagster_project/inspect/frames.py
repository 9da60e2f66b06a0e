"""Files without a sidecar through the one reader: an in-memory sidecar, raw cells and headers."""

import datetime as dt
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pandas as pd

from dagster_project.errors import IngestError
from dagster_project.files import sha256_of
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.load import Load, read_load
from dagster_project.ingest.sidecar import LandingFile, Sidecar
from dagster_project.ingest.workbook import read_sheets
from dagster_project.inspect.guess import Shape, guess_shape, guess_year

UNNAMED = "unnamed"  # source of a load until its headers say it


@dataclass(frozen=True)
class Request:
    """What the user said on the command line; None: guess it. files: of one load, such as all tables of an edition."""

    files: tuple[Path, ...]
    year: int | None = None
    source: str | None = None
    layout: str | None = None
    sheet: str | None = None
    cells: Path | None = None  # of a printed page: where to write its figures, its twin, the page beside them
    workbook: Path | None = None
    view: Path | None = None


@dataclass(frozen=True, eq=False)
class Draft:
    """A load that no sidecar describes: the sidecar it would have, raw frames, guesses, what contradicts them."""

    sidecar: Sidecar
    cells: pd.DataFrame
    header: pd.DataFrame
    remarks: tuple[str, ...]
    problems: tuple[str, ...] = ()

    @property
    def has_source(self) -> bool:
        """Whether the user or the headers have named the source."""
        return self.sidecar.source != UNNAMED

    def with_source(self, source: str, remark: str) -> Self:
        """The same load under a source."""
        sidecar = replace(self.sidecar, source=source)
        cells, header = (frame.assign(source=source) for frame in (self.cells, self.header))
        return replace(self, sidecar=sidecar, cells=cells, header=header, remarks=(*self.remarks, remark))

    def with_remark(self, remark: str) -> Self:
        """The same load with one more remark."""
        return replace(self, remarks=(*self.remarks, remark))


def read_draft(request: Request, sidecars: Path) -> Draft:
    """Read the files, shaped as the first of them; GuessError or IngestError says in one sentence why not."""
    for file in request.files:
        if not file.is_file():
            raise IngestError("The file does not exist", str(file), "Correct the path")
    first = request.files[0]
    sheets = read_sheets(first, sheet=request.sheet, limits=Limits.for_layout("long"))
    if not any(len(sheet.text) for sheet in sheets):
        raise IngestError("The file holds no cell with content", str(first), "Name the right file")
    shape = guess_shape(sheets, sidecars, layout=request.layout, source=request.source)
    root = Path(os.path.commonpath([file.resolve().parent for file in request.files]))
    sidecar = _sidecar(request, shape, root)
    load = read_load(sidecar, root)
    titles = load.cells.loc[load.cells["part"] == "title", "text"].tolist() if shape.layout != "long" else []
    year = guess_year(first, titles, year=request.year, has_years=shape.has_years)
    sidecar = replace(sidecar, data_year=year.data_year, is_synthetic=_is_synthetic(load))
    remarks = tuple(text for text in (shape.reason, year.reason) if text)
    cells, header = (frame.assign(data_year=year.data_year) for frame in (load.cells, load.header))
    return Draft(sidecar, cells, header, remarks, (f"{year.contradiction}.",) if year.contradiction else ())


def _sidecar(request: Request, shape: Shape, root: Path) -> Sidecar:
    names = [file.resolve().relative_to(root).as_posix() for file in request.files]
    return Sidecar(
        path=request.files[0],
        source=request.source or UNNAMED,
        layout=shape.layout,
        files=tuple(LandingFile(name, sha256_of(root / name)) for name in names),
        producer="not stated",
        title=names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more",
        licence="none stated",
        accessed=dt.date.today().isoformat(),
        maturity="first_print",
        is_synthetic=False,
        sheet=request.sheet or shape.sheet,
        keys=shape.keys,
    )


def _is_synthetic(load: Load) -> bool:
    """Invented figures say so in a title, a note, a header, a sheet name or the file name."""
    cells = load.cells[load.cells["part"] != "body"]
    texts = [*cells["text"], *load.header["path"], *load.cells["sheet"].unique(), *load.cells["file"].unique()]
    return any("synthetic" in text.lower() for text in texts)
