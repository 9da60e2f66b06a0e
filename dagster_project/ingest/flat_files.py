"""Landing files that are one table: csv and Stata. Only `workbook` calls these, after a look at the name."""

from __future__ import annotations

import csv
import re
import struct
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dagster_project.errors import IngestError
from dagster_project.ingest.encoding import encoding_of
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.sheet import Sheet, sheet_of, text_of

# a cut file fails deep in the reader
_DTA_DAMAGE = (ArithmeticError, AttributeError, EOFError, LookupError, OSError, TypeError, ValueError, struct.error)
_CHUNK = 20_000  # rows taken at a time


# ---- csv --------------------------------------------------------------------------------------------------------


def read_csv(path: Path, limits: Limits) -> Sheet:
    """UTF-8, UTF-16 with mark or GB 18030; comma, semicolon or tab; all rows of one width, quotes closed."""
    encoding = encoding_of(path)
    with path.open(encoding=encoding, newline="") as stream:
        delimiter = _delimiter(stream.read(65536))
    with path.open(encoding=encoding, newline="") as stream:
        try:
            return sheet_of("", _csv_rows(csv.reader(stream, delimiter=delimiter, strict=True), path, limits))
        except csv.Error as error:
            raise IngestError(f"The csv file cannot be read ({error})", str(path), "Check its quotes") from None


def _csv_rows(rows: Iterable[list[str]], path: Path, limits: Limits) -> Iterator[list[str]]:
    width = number = 0
    for number, row in enumerate(rows, 1):
        width = width or len(row)
        if row and len(row) != width:
            raise IngestError(
                f"Row {number} has {len(row)} fields, the first row has {width}",
                f"{path}, row {number}",
                "Correct the row (a missing quote or delimiter?)",
            )
        if number <= limits.rows:
            yield row
    limits.check(number, width, str(path))


def _delimiter(sample: str) -> str:
    """The one of , ; tab that cuts the first rows into the most fields of equal number."""
    lines = sample.splitlines()[:20]

    def width(delimiter: str) -> int:
        return min((len(row) for row in csv.reader(lines, delimiter=delimiter) if row), default=0)

    return max(",;\t", key=width)


# ---- Stata ------------------------------------------------------------------------------------------------------


def read_dta(path: Path, limits: Limits) -> Sheet:
    """Names of the variables in row 1; numbers behind value labels, not the labels."""
    unicode = _is_unicode_dta(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd encodings of labels do not matter here
            with pd.read_stata(path, convert_categoricals=False, chunksize=_CHUNK) as chunks:
                return sheet_of("", _dta_rows(chunks, path, limits, unicode=unicode))
    except _DTA_DAMAGE as error:
        raise IngestError(f"The Stata file cannot be read ({error})", str(path), "Fetch the file again") from None


def _dta_rows(chunks: Iterable[pd.DataFrame], path: Path, limits: Limits, *, unicode: bool) -> Iterator[Sequence[str]]:
    n_rows = n_columns = 0
    for chunk in chunks:
        if n_rows == 0:
            n_rows, n_columns = 1, chunk.shape[1]
            yield [str(name) if unicode else _from_gb18030(str(name)) for name in chunk.columns]
        n_rows += len(chunk)
        if n_rows <= limits.rows:
            columns = [_column_texts(chunk.iloc[:, at]) for at in range(n_columns)]
            if not unicode:
                columns = [[_from_gb18030(text) for text in column] for column in columns]
            yield from zip(*columns, strict=True)
    limits.check(n_rows, n_columns, str(path))


def _is_unicode_dta(path: Path) -> bool:
    """Stata writes UTF-8 since release 118; before that it kept the bytes of the writer's code page."""
    with path.open("rb") as stream:
        match = re.match(rb"<stata_dta><header><release>(\d+)</release>", stream.read(64))
    return match is not None and int(match[1]) >= 118


def _from_gb18030(text: str) -> str:
    """Chinese that an old file keeps as GB 18030 comes in as Latin 1; plain text stays."""
    try:
        return text if text.isascii() else text.encode("latin-1").decode("gb18030")
    except UnicodeError:
        return text


def _column_texts(column: pd.Series) -> list[str]:
    values: Iterable[object] = column.to_numpy() if column.dtype == np.float32 else column.tolist()
    return ["" if value is None or value is pd.NaT else text_of(value) for value in values]
