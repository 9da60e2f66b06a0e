"""Files of ready-made rows: what a refused run proposes, and what `nqpf accept` appends to the seeds.

One CSV file for several seeds. Each seed has a part of its own: a header line (`seed`, the seed's columns, `comment`),
then its rows; a blank line ends it. `comment` is for people and enters no seed.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from expectations.paste import csv_line

SEED, COMMENT = "seed", "comment"
# what a person has to say before a row counts
NEEDED = {
    "gate_answer.csv": ("reviewed_by", "reason"),
    "correction.csv": ("reason",),
    "figure_pattern.csv": ("reads", "reason"),
}


@dataclass(frozen=True)
class ReadyRow:
    """One proposed row: seed file, values by column, and the line of the file it stands in."""

    seed: str
    values: dict[str, str]
    line: int


class ReadyRowsError(Exception):
    """A file of ready-made rows that cannot be read as one; the text names file and line."""


def columns_of(seed: Path) -> list[str]:
    """The header of a seed file."""
    with seed.open(encoding="utf-8-sig", newline="") as stream:
        return next(csv.reader(stream))


def correction_row(
    source: str, city_id: str, year: int, variable: str, printed: str | None, action: str, reason: str
) -> str:
    """One line of correction.csv that answers a printed figure: keep, drop, or replace by a person's figure."""
    scope = "built_up" if variable == "built_up_area" else "city"
    return csv_line([source, "", city_id, year, variable, scope, action, "", printed, reason, "open"])


def write_ready_rows(file: Path, seeds: Path, rows: Iterable[tuple[str, str, str]]) -> None:
    """rows: (seed file, the row as one CSV line, comment), in any order; each row once."""
    parts: dict[str, dict[str, str]] = {}
    for seed, row, comment in rows:
        parts.setdefault(seed, {}).setdefault(row, comment)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        for seed, comments in parts.items():
            out.writerow([SEED, *columns_of(seeds / seed), COMMENT])
            for row, comment in comments.items():
                (fields,) = csv.reader([row])
                out.writerow([seed, *fields, comment])
            stream.write("\n")


def ready_rows_sentence(file: Path, n_rows: int) -> str:
    """Where ready-made rows are and what to do with them."""
    return f"Ready-made rows: {n_rows} in {file}. Delete those that are not meant, then run `nqpf accept {file}`."


def read_ready_rows(file: Path, seeds: Path) -> list[ReadyRow]:
    """The rows of a file. ReadyRowsError: not such a file, an unknown seed, other columns, a wrong number of fields."""
    ready: list[ReadyRow] = []
    columns: list[str] = []
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, strict=True)
            for fields in reader:
                at = f"{file}, line {reader.line_num}"
                if not any(field.strip() for field in fields):
                    columns = []
                elif fields[0].strip() == SEED:
                    columns = [field.strip() for field in fields]
                    if columns[-1] != COMMENT:
                        raise ReadyRowsError(f"{at}: the last column must be '{COMMENT}'.")
                elif not columns:
                    raise ReadyRowsError(f"{at}: rows must follow a line that begins with '{SEED}'.")
                else:
                    ready.append(_row(fields, columns, seeds, at, reader.line_num))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReadyRowsError(f"{file} cannot be read as a file of ready-made rows ({error}).") from None
    if not ready:
        raise ReadyRowsError(f"{file} holds no row.")
    return ready


def accept_rows(file: Path, seeds: Path) -> dict[str, int]:
    """Append the rows of a file to their seeds; seed -> rows that are new. All rows are checked before one is written.

    ReadyRowsError: as `read_ready_rows`, or a reviewed row does not say who looked (reviewed_by) and why (reason).
    """
    new: dict[str, list[list[str]]] = {}
    for row in read_ready_rows(file, seeds):
        columns = (*NEEDED.get(row.seed, ()), *(("value",) if row.values.get("action") in ("replace", "scale") else ()))
        empty = [name for name in columns if not row.values[name]]
        if empty:
            raise ReadyRowsError(f"{file}, line {row.line}: {' and '.join(empty)} must be filled in ({row.seed}).")
        new.setdefault(row.seed, []).append(list(row.values.values()))
    new_rows = {}
    for seed, rows in new.items():
        text = (seeds / seed).read_text(encoding="utf-8")
        rows_before = {tuple(field.strip() for field in fields) for fields in csv.reader(text.splitlines())}
        fresh = [fields for fields in dict.fromkeys(map(tuple, rows)) if fields not in rows_before]
        out = io.StringIO()
        csv.writer(out, lineterminator="\n").writerows(fresh)
        scratch = seeds / f".{seed}.new"
        scratch.write_text(f"{text}{'' if text.endswith(chr(10)) else chr(10)}{out.getvalue()}", encoding="utf-8")
        scratch.replace(seeds / seed)
        new_rows[seed] = len(fresh)
    return new_rows


def _row(fields: list[str], columns: list[str], seeds: Path, at: str, line: int) -> ReadyRow:
    seed = fields[0].strip()
    seeds_there = {path.name for path in seeds.glob("*.csv")}
    if seed not in seeds_there:
        raise ReadyRowsError(f"{at}: there is no seed '{seed}' in {seeds}.")
    if len(fields) != len(columns):
        raise ReadyRowsError(f"{at}: {len(fields)} fields, {len(columns)} expected ({', '.join(columns)}).")
    column_names = columns_of(seeds / seed)
    if columns[1:-1] != column_names:
        raise ReadyRowsError(f"{at}: the columns are not those of {seed} ({', '.join(column_names)}).")
    return ReadyRow(seed, dict(zip(column_names, (field.strip() for field in fields[1:-1]), strict=True)), line)
