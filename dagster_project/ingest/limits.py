"""What reading one landing file may cost, as settings: rows, cells and bytes, memory and seconds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from dagster_project.errors import IngestError

WIDE_ROWS = 20_000
LONG_ROWS = 2_000_000
MEMORY, SECONDS = "NQPF_READ_MEMORY_MB", "NQPF_READ_SECONDS"  # environment variables
_DEFAULTS = {MEMORY: 1024, SECONDS: 60}


def setting(name: str) -> int:
    """A limit of the environment, a whole number above 0; without it the default: 1,024 MB and 60 seconds."""
    text = os.environ.get(name, "").strip() or str(_DEFAULTS[name])
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise IngestError(f"{name} is {text!r}", "environment", "It must be a whole number above 0")
    return int(text)


@dataclass(frozen=True)
class Limits:
    """What a landing file may hold (rows and cells of one sheet laid out as a grid, bytes when unpacked, parts of the
    zip) and what reading it may take (megabytes of memory, seconds)."""

    rows: int = WIDE_ROWS
    grid_cells: int = 20_000_000
    unpacked_bytes: int = 500_000_000
    parts: int = 10_000
    memory_mb: int = field(default_factory=lambda: setting(MEMORY))
    seconds: int = field(default_factory=lambda: setting(SECONDS))

    @classmethod
    def for_layout(cls, layout: str) -> Limits:
        """Long files hold city x year rows; wide sheets and tables hold one row a city."""
        return cls(rows=LONG_ROWS) if layout == "long" else cls()

    def check(self, rows: int, columns: int, where: str) -> None:
        """IngestError when a sheet of this size is too large."""
        if rows > self.rows:
            raise IngestError(
                f"The sheet reaches row {rows:,}; at most {self.rows:,} rows are read",
                where,
                "Delete stray cells far below the table, or declare layout: long if it is a long file",
            )
        if rows * columns > self.grid_cells:
            raise IngestError(
                f"The sheet spans {rows:,} rows x {columns:,} columns; at most {self.grid_cells:,} cells are read",
                where,
                "Delete stray cells far outside the table",
            )
