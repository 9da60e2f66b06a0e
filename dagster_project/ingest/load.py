"""One load = one sidecar: open its files and join their cells and headers."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dagster_project.errors import IngestError
from dagster_project.ingest.apart import apart
from dagster_project.ingest.headers import CELL_COLUMNS, HEADER_COLUMNS, geometry_of, stamped
from dagster_project.ingest.limits import Limits
from dagster_project.ingest.packed import Frame, pack_frame, unpack_frame
from dagster_project.ingest.pages.job import is_pages, prepare
from dagster_project.ingest.sheet import cell_address
from dagster_project.ingest.sidecar import Sidecar
from dagster_project.ingest.workbook import check_name, open_sheets

# texts that are read as numbers but are none, and numbers whose exponent may be too large for a float64
NUMBER_IN_WORDS = re.compile(r"\W*[+-]?(inf(inity)?|nan|(\d+\.?\d*|\.\d+)e[+-]?\d{3,})\W*", re.IGNORECASE)


@dataclass(frozen=True, eq=False)
class Load:
    """cells: one row per non-empty cell; header: one per column with body cells."""

    cells: pd.DataFrame
    header: pd.DataFrame


def read_load(sidecar: Sidecar, landing_root: Path | str) -> Load:
    """Read all files of a sidecar below landing_root, within limits of memory and time; IngestError says where.

    That the files are those of the sidecar is checked before (`Landed.check`, `check_files`).
    """
    limits = Limits.for_layout(sidecar.layout)
    parts = []
    for file in sidecar.files:
        check_name(file.path)
        path = Path(landing_root) / file.path
        file_limits = prepare(path, limits) if is_pages(path) else limits
        packed = apart(packed_file, path, file.path, sidecar, file_limits, where=str(path), limits=file_limits)
        parts.append(_unpacked(packed, file.path, sidecar))
    cells, header = parts[0] if len(parts) == 1 else _one_load(parts)
    if not (header["role"] == "value").any():
        raise IngestError("No column holds values", str(sidecar.path), "Check layout and sheet in the sidecar")
    return Load(cells, header)


def _one_load(parts: list[tuple[pd.DataFrame, pd.DataFrame]]) -> tuple[pd.DataFrame, pd.DataFrame]:
    cells, header = (pd.concat([part[at] for part in parts], ignore_index=True) for at in (0, 1))
    return cells, header


def packed_file(path: Path, name: str, sidecar: Sidecar, limits: Limits) -> tuple[Frame, Frame]:
    """(cells, header) of one file, packed for another process and without what the sidecar says."""
    cells, header = geometry_of(name, open_sheets(path, sidecar.sheet, limits), sidecar)
    return pack_frame(cells), pack_frame(header)


def _unpacked(frames: tuple[Frame, Frame], name: str, sidecar: Sidecar) -> tuple[pd.DataFrame, pd.DataFrame]:
    columns = (CELL_COLUMNS, HEADER_COLUMNS)
    cells, header = (stamped(unpack_frame(frames[at]), columns[at], name, sidecar) for at in (0, 1))
    _check_finite(cells, name)
    return cells, header


def _is_held(text: str) -> bool:
    """Whether a float64 holds it, or it is no number: finite, and zero only where all of its digits are."""
    match = NUMBER_IN_WORDS.fullmatch(text)
    if match is None:
        return True
    number = float(match[1])
    return math.isfinite(number) and (number != 0.0 or not re.search("[1-9]", text.lower().partition("e")[0]))


def _check_finite(cells: pd.DataFrame, name: str) -> None:
    """No figure is infinite, in words or as a number that no float64 holds, nor not-a-number, nor too small for one."""
    body = cells[cells["part"] == "body"]
    bad = {text for text in body["text"].unique() if not _is_held(text)}
    if bad:
        first = body[body["text"].isin(bad)].iloc[0]
        sheet = f", sheet {first['sheet']}" if first["sheet"] else ""
        raise IngestError(
            f"A figure is '{first['text'].strip()}', which is no number that can be held",
            f"{name}{sheet}, cell {cell_address(int(first['row_no']), int(first['col_no']))}",
            "Print what the page says; leave the cell empty where it says nothing",
        )
