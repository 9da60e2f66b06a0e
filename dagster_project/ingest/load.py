"""One load = one sidecar: check its files, open them, and join their cells and headers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from dagster_project.ingest.errors import IngestError
from dagster_project.ingest.headers import frames
from dagster_project.ingest.sidecar import Sidecar, check_files
from dagster_project.ingest.workbook import read_sheets
from dagster_project.ingest.xlsx_guard import Limits


@dataclass(frozen=True, eq=False)
class Load:
    """cells: one row per non-empty cell; header: one per column with body cells; vintage: 12 hex digits."""

    cells: pd.DataFrame
    header: pd.DataFrame
    vintage: str


def read_load(sidecar: Sidecar, landing_root: Path | str) -> Load:
    """Read all files of a sidecar below landing_root; IngestError says file, sheet and place."""
    vintage = check_files(sidecar, landing_root)
    limits = Limits.for_layout(sidecar.layout)
    parts = []
    for file in sidecar.files:
        sheets = read_sheets(Path(landing_root) / file.path, sheet=sidecar.sheet, limits=limits)
        parts.append(frames(file.path, sheets, sidecar))
    cells, header = (pd.concat([part[at] for part in parts], ignore_index=True) for at in (0, 1))
    if not (header["role"] == "value").any():
        raise IngestError("No column holds values", str(sidecar.path), "Check layout and sheet in the sidecar")
    return Load(cells, header, vintage)
