"""Landing files that are one table: csv, Stata and Parquet. Only `workbook` calls these, after a look at the name."""

from __future__ import annotations

import csv
import re
import struct
import tempfile
import warnings
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from dagster_project.ingest.encoding import encoding_of
from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.sheet import Sheet, sheet_of, text_of

_DTA_DAMAGE = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)  # a cut file fails deep in the reader
_CHUNK = 20_000  # rows taken at a time
_DUCKDB: dict[str, str | bool | int | float | list[str]] = {
    "threads": 1,
    "temp_directory": "",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
}
_NO_TEXT = ("BLOB", "BIT", "STRUCT", "MAP", "UNION", "VARIANT")


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


# ---- Parquet ----------------------------------------------------------------------------------------------------


def read_parquet(path: Path, limits: Limits) -> Sheet:
    """Single-precision numbers become text inside DuckDB: widened to double they would show digits nobody wrote.

    The file is opened under a plain name: DuckDB takes * and ? in a name for a pattern and key=value for a column.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="nqpf-") as folder, duckdb.connect(config=_DUCKDB) as con:
            link = Path(folder) / "file.parquet"
            link.symlink_to(path.resolve())
            place = [str(link)]
            counted = con.execute(
                "select coalesce(sum(num_rows), 0)::bigint from parquet_file_metadata(?)", place
            ).fetchall()[0][0]
            schema = con.execute("describe from read_parquet(?, hive_partitioning = false)", place).fetchall()
            names, kinds = [str(row[0]) for row in schema], [str(row[1]) for row in schema]
            _check_kinds(names, kinds, path)
            limits.check(counted + 1, len(names), str(path))
            # columns by number: no text of the file enters the query
            fields = [f"#{at}::varchar" if kind == "FLOAT" else f"#{at}" for at, kind in enumerate(kinds, 1)]
            con.execute(f"select {', '.join(fields)} from read_parquet(?, hive_partitioning = false)", place)
            single = [kind == "FLOAT" for kind in kinds]
            return sheet_of("", _parquet_rows(con, names, single, counted, path))
    except duckdb.OutOfMemoryException:
        raise MemoryError from None
    except duckdb.Error as error:
        detail = " ".join(str(error).split())
        raise IngestError(f"The Parquet file cannot be read ({detail})", str(path), "Fetch the file again") from None


def _check_kinds(names: Sequence[str], kinds: Sequence[str], path: Path) -> None:
    for name, kind in zip(names, kinds, strict=True):
        if kind.startswith(_NO_TEXT) or kind.endswith("]"):
            raise IngestError(
                f"The column {name!r} is of type {kind}, which cannot be read as text",
                str(path),
                "Store it as text or number",
            )


def _parquet_rows(
    con: duckdb.DuckDBPyConnection, names: list[str], single: Sequence[bool], counted: int, path: Path
) -> Iterator[list[str]]:
    yield names
    n_rows = 0
    while rows := con.fetchmany(_CHUNK):
        n_rows += len(rows)
        for row in rows:
            yield [_number_text(v) if one else text_of(v) for v, one in zip(row, single, strict=True)]
    if n_rows != counted:
        what = f"The Parquet file holds {n_rows:,} rows and says that it has {counted:,}"
        raise IngestError(what, str(path), "Fetch the file again")


def _number_text(text: str | None) -> str:
    """DuckDB writes 123 as '123.0' and a missing number as nan."""
    return "" if text is None or text == "nan" else text.removesuffix(".0")
