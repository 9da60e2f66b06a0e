"""Figures by code: a column of the reader's file, or what the published file calls so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from dagster_project.publish.exhibits.reader import ExportError, Reader, read_scope
from dagster_project.publish.own.columns import read_columns
from dagster_project.publish.own.spec import check_keys, years_of
from dagster_project.published import open_read_only, statements

SQL = statements(__file__)


@contextmanager
def open_reader(file: Path, index: str | None = None) -> Iterator[Reader]:
    """A published file as a reader of `index` (default: the headline). Raises ExportError, PublishedFileError."""
    with open_read_only(file) as con:
        yield Reader(con, read_scope(con, index))


class Values:
    """Planes (cities x years) by code, with one sentence about where each comes from in `origins`."""

    def __init__(self, reader: Reader, folder: Path, files: list[str]) -> None:
        self.reader, self._folder, self._files = reader, folder, files
        self._read = dict[str, pd.DataFrame]()
        self.origins = dict[str, str]()
        self._index_of = dict[str, str]()
        for row in reader.rows(SQL["first"]):
            self._index_of.setdefault(row["indicator_code"], row["index_code"])

    def facts(self, code: str) -> dict[str, Any]:
        """What the file says of an indicator: names, unit, dimension, direction, cap; empty for other codes."""
        if code not in self._index_of:
            return {}
        return self.reader.rows(SQL["facts"], of=self._index_of[code], code=code)[0]

    def add_names(self, frame: pd.DataFrame) -> None:
        """Chinese and English name of each city beside `city_id`."""
        names = self.reader.frame(SQL["cities"]).set_index("city_id")
        for at, column in enumerate(("name_zh", "name_en"), start=1):
            frame.insert(at, column, frame["city_id"].map(names[column]))

    def plane(self, name: str, entry: Mapping[str, Any]) -> pd.DataFrame:
        """The figures of one entry: `csv` and `column` of the reader, else the code `of` (default the name).

        Raises ExportError for a code that nobody knows, and for a column of the reader with the name of a published
        code unless the entry says csv.
        """
        if "csv" in entry:
            return self._from_file(name, str(entry["csv"]), entry.get("column"))
        code = str(entry.get("of", name))
        holding = [file for file in self._files if code in self._frame(file).columns]
        published = self._published(code)
        if holding and published is not None:
            raise ExportError(f"'{code}' is a column of {holding[0]} and a published code: rename the column.")
        if len(holding) > 1:
            raise ExportError(f"'{code}' is a column of {' and of '.join(holding)}: name the file with `csv`.")
        if holding:
            return self._from_file(name, holding[0], code)
        if published is None:
            raise ExportError(self._unknown(code))
        self.origins[name] = published[1]
        return published[0]

    def _from_file(self, name: str, file: str, column: str | None) -> pd.DataFrame:
        frame = self._frame(file)
        column = column or (name if name in frame.columns else "value")
        if column not in frame.columns:
            raise ExportError(f"{file} has no column '{column}'. It has {', '.join(frame.columns)}.")
        self.origins[name] = f"column '{column}' of {file}"
        return frame[column].unstack("year").dropna(how="all").dropna(axis=1, how="all")

    def _frame(self, file: str) -> pd.DataFrame:
        if file not in self._read:
            self._read[file] = read_columns(self.reader.con, self._folder / file)
        return self._read[file]

    def _published(self, code: str) -> tuple[pd.DataFrame, str] | None:
        basis = self.reader.scope.basis
        if code in self._index_of:
            index = self._index_of[code]
            return _wide(self.reader.rows(SQL["indicator"], of=index, code=code)), f"indicator of {index}"
        if rows := self.reader.rows(SQL["score"], of=code):
            return _wide(rows), f"score, basis {basis}, 0-100"
        if rows := self.reader.rows(SQL["variable"], code=code):
            return _wide(rows), "easy.city_variable"
        return None

    def _unknown(self, code: str) -> str:
        from rapidfuzz import process

        scores = [row["index_code"] for row in self.reader.rows("select index_code from mart.dim_index")]
        variables = self.reader.rows("select distinct variable_code from easy.city_variable order by 1")
        columns = [str(name) for file in self._files for name in self._frame(file).columns]
        codes = [*columns, *self._index_of, *scores, *(row["variable_code"] for row in variables)]
        near = [match[0] for match in process.extract(code, list(dict.fromkeys(codes)), limit=4)]
        return (
            f"Nothing is called '{code}' in your files, the indicators, the scores or the variables with figures. "
            f'Nearest: {", ".join(near)}. `nqpf tables`, `nqpf sql "from easy.city_variable"` list them.'
        )


def entries(spec: Any, keys: tuple[str, ...], key: str) -> dict[str, dict[str, Any]]:
    """A list of codes, or a mapping of names to codes or to mappings with the keys `keys`."""
    if isinstance(spec, str):
        spec = [spec]
    if isinstance(spec, list) and all(isinstance(code, str) for code in spec):
        spec = dict.fromkeys(spec)
    if not isinstance(spec, Mapping) or not spec:
        raise ExportError(f"{key} must be a list of codes, or a mapping of names to what they are; got {spec!r}.")
    by_name = dict[str, dict[str, Any]]()
    for name, entry in spec.items():
        entry = {} if entry is None else {keys[0]: entry} if isinstance(entry, str) else entry
        if not isinstance(entry, Mapping):
            raise ExportError(f"{key}: {name} must be a code or a mapping, got {entry!r}.")
        check_keys(entry, keys, f"{key}: {name}")
        by_name[str(name)] = dict(entry)
    return by_name


def _wide(rows: list[dict[str, Any]]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["city_id", "year", "value"])
    wide = frame.pivot(index="city_id", columns="year", values="value").sort_index().sort_index(axis=1)
    return wide.astype(np.float64)


def common_years(planes: Mapping[str, pd.DataFrame], spec: Any, key: str) -> tuple[list[int], list[int] | None]:
    """Years in which every plane has figures, and those that are asked for. ExportError if one is not."""
    common = sorted(set.intersection(*(set(map(int, plane.columns)) for plane in planes.values())))
    years = years_of(spec, key)
    for year in years or []:
        for code, plane in planes.items():
            if year not in plane.columns:
                span = f"{min(plane.columns)}-{max(plane.columns)}" if len(plane.columns) else "none"
                raise ExportError(f"{code} has no figure in {year}. Its years: {span}.")
    return common, years


def incomplete(planes: Mapping[str, pd.DataFrame], years: list[int]) -> tuple[list[str], dict[str, str]]:
    """All cities, and what those lack first that have not every figure in every year."""
    every = sorted(set().union(*(set(plane.index) for plane in planes.values())))
    lacking = dict[str, str]()
    for code, plane in planes.items():
        missing = plane.reindex(index=every, columns=years).isna()
        for city in missing.index[missing.any(axis=1)]:
            lacking.setdefault(city, f"no {code} in {years[int(np.argmax(missing.loc[city].to_numpy()))]}")
    return every, lacking
